//! Clients inside the process.

use crate::app::{App, WeakApp};
use crate::realtime::{Connection, Message, Peer};
use crate::service::Params;
use serde_json::Value;
use std::fmt;

/// A client inside the process: it joins channels, hears events and makes calls as the client of a socket does, without
/// one. Made for the tests of an application.
///
/// It has gone when this is dropped, or when the server disconnects it.
///
/// ```
/// use serde_json::json;
/// use std::sync::mpsc;
/// use wingbeat::{LocalClient, prelude::*, store::Memory};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<()> {
/// let app = App::builder()
///     .mount("messages", Mount::new(Memory::new()).publish(|_| channel("everybody")))
///     .on_connection(|app, connection| app.channel("everybody").join(connection))
///     .build()?;
/// let (hears, heard) = mpsc::channel();
/// let client = LocalClient::connect(&app, move |event, data| hears.send((event.to_owned(), data)).unwrap());
/// app.service("messages").create(json!({"text": "Hello"}), client.params()).await?;
/// assert_eq!(heard.recv()?.0, "messages created");
/// # Ok(())
/// # }
/// ```
#[must_use = "a client that is dropped has gone"]
pub struct LocalClient {
    app: App,
    connection: Connection,
}

impl LocalClient {
    /// Connects. Whatever the client hears (`"messages created"` and the data) goes to a function that must not block.
    pub fn connect(app: &App, hears: impl Fn(&str, Value) + Send + Sync + 'static) -> LocalClient {
        let peer = Local { app: app.downgrade(), hears };
        let connection = Connection::new("local", None, peer);
        app.connected(&connection);
        LocalClient { app: app.clone(), connection }
    }

    /// The client's connection.
    pub fn connection(&self) -> &Connection {
        &self.connection
    }

    /// Params for a call from this client. Its provider is `local`, so hooks see a call from outside; but calls through
    /// a [`ServiceHandle`](crate::ServiceHandle) also reach methods that are not for clients.
    pub fn params(&self) -> Params {
        let mut params = Params::new();
        params.provider = Some(self.connection.provider());
        params.connection = Some(self.connection.clone());
        params
    }
}

impl Drop for LocalClient {
    fn drop(&mut self) {
        self.app.disconnected(&self.connection);
    }
}

impl fmt::Debug for LocalClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LocalClient({})", self.connection.id())
    }
}

struct Local<F> {
    // Weak: channels, which the application owns, hold the connection.
    app: WeakApp,
    hears: F,
}

impl<F: Fn(&str, Value) + Send + Sync + 'static> Peer for Local<F> {
    fn deliver(&self, message: &Message) {
        match message.data.to() {
            Ok(data) => (self.hears)(&message.name, data),
            Err(error) => tracing::error!(?error, event = &*message.name, "an event has no value in Unicode"),
        }
    }

    fn disconnect(&self, connection: &Connection) {
        if let Some(app) = self.app.upgrade() {
            app.disconnected(connection);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[test]
    fn a_client_goes_once_whoever_ends_it() {
        let gone = Arc::new(AtomicUsize::new(0));
        let count = gone.clone();
        let app = App::builder()
            .on_connection(|app, connection| app.channel("all").join(connection))
            .on_disconnect(move |_, _| drop(count.fetch_add(1, Ordering::Relaxed)))
            .build()
            .unwrap();
        drop(LocalClient::connect(&app, |_, _| {}));
        assert_eq!((gone.load(Ordering::Relaxed), app.channel("all").len()), (1, 0));
        let client = LocalClient::connect(&app, |_, _| {});
        client.connection().disconnect();
        assert!(!client.connection().is_connected());
        drop(client);
        assert_eq!((gone.load(Ordering::Relaxed), app.channel("all").len()), (2, 0));
    }
}
