//! A bus over NATS.

mod address;
mod session;
mod subject;
#[cfg(test)]
mod tests;

use super::link::{self, Arrivals};
use super::{Bus, BusConnection, Inbox};
use crate::BoxFuture;
use address::Servers;
use async_nats::ConnectOptions;
use session::NatsSession;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use wingbeat_core::{Error, Result};

/// Connects the nodes of an application over NATS: its core, without JetStream, so any server does.
///
/// ```no_run
/// use wingbeat::{bus, prelude::*, store::Memory};
///
/// # async fn run() -> Result<()> {
/// let nats = bus::Nats::new("nats://wingbeat:secret@nats.example.com:4222")?;
/// let app = App::builder()
///     .mount("notes", Mount::new(Memory::new()).publish(|_| channel("all")))
///     .bus(nats.prefix("notes"))
///     .build()?;
/// # Ok(())
/// # }
/// ```
///
/// Each node has one connection. If it is lost it is made again, the first time after 50 ms and in the end each five seconds;
/// what would be sent meanwhile is refused, and the application is told that it may miss something.
///
/// A message has at most as many bytes as the server takes (`max_payload`, 1 MiB unless its configuration says otherwise):
/// larger events stay on their node, which says so. Names of channels are encoded, as subjects have no spaces and no
/// patterns in them; very long ones are hashed. A user needs `publish` and `subscribe` for `notes.>` where the prefix is
/// `notes`. Each channel that somebody is in is a subscription, of nearly 5 KB in this program. In a cluster of servers a
/// subscription is in force on the others a moment after it is on the node's own.
///
/// Who may publish under the prefix speaks to every client and logs users out: keep the server closed to others.
#[derive(Clone)]
pub struct Nats {
    servers: Servers,
    prefix: Arc<str>,
    silence: Duration,
    token: Option<String>,
    credentials: Option<PathBuf>,
}

impl Nats {
    /// The servers of one or more URLs, with commas between them: `nats://user:password@host:port`, or `tls://…` for TLS, which
    /// is also spoken where the server asks for it. `?sslrootcert=file` names the certificates that are trusted, if not the
    /// system's are.
    ///
    /// # Errors
    /// If a URL is invalid, or asks for what is not supported. The error does not show it: there may be a password.
    pub fn new(urls: &str) -> Result<Nats> {
        let servers = Servers::read(urls)?;
        Ok(Nats { servers, prefix: "wingbeat".into(), silence: Duration::from_secs(5), token: None, credentials: None })
    }

    /// What all subjects begin with, `wingbeat` otherwise: applications with other prefixes do not hear each other. It has
    /// letters, digits, `.`, `_` and `-`; others are told at setup.
    #[must_use]
    pub fn prefix(mut self, prefix: &str) -> Nats {
        self.prefix = prefix.into();
        self
    }

    /// Logs in with a token.
    #[must_use]
    pub fn token(mut self, token: impl Into<String>) -> Nats {
        self.token = Some(token.into());
        self
    }

    /// Logs in with a file of credentials, as `nsc` writes them. It is read each time that it connects.
    #[must_use]
    pub fn credentials(mut self, file: impl AsRef<Path>) -> Nats {
        self.credentials = Some(file.as_ref().to_owned());
        self
    }

    /// How long the server may be silent until it counts as lost; five seconds otherwise. It is asked for a sign of life twice
    /// in that time.
    #[must_use]
    pub fn silence(mut self, silence: Duration) -> Nats {
        self.silence = silence;
        self
    }

    async fn options(&self) -> Result<ConnectOptions> {
        let mut options = ConnectOptions::new().name("wingbeat").connection_timeout(self.silence);
        if let Some((user, password)) = &self.servers.login {
            options = options.user_and_password(user.clone(), password.clone());
        }
        if let Some(token) = &self.token {
            options = options.token(token.clone());
        }
        if let Some(file) = &self.credentials {
            options = options.credentials_file(file).await.map_err(|error| {
                Error::general(format!("The credentials for NATS in '{}' cannot be used: {error}", file.display()))
            })?;
        }
        Ok(options.tls_client_config((*crate::trusted::client_config(self.servers.trusted.as_deref())?).clone()))
    }
}

impl Bus for Nats {
    fn connect(&self, inbox: Arc<dyn Inbox>) -> BoxFuture<'_, Result<Arc<dyn BusConnection>>> {
        Box::pin(async move {
            super::check_prefix(&self.prefix)?;
            if self.silence.is_zero() {
                return Err(Error::general("NATS cannot answer in no time: give `silence` a span"));
            }
            let logins = [self.servers.login.is_some(), self.token.is_some(), self.credentials.is_some()];
            if logins.iter().filter(|given| **given).count() > 1 {
                return Err(Error::general("NATS is given several logins: a user in the URL, a token, or credentials"));
            }
            link::connect(self.clone(), inbox).await
        })
    }
}

impl link::Broker for Nats {
    type Session = NatsSession;
    const NAME: &'static str = "NATS";

    fn silence(&self) -> Duration {
        self.silence
    }

    async fn open(&self, arrivals: Arc<Arrivals>) -> Result<NatsSession> {
        NatsSession::open(&self.servers, self.options().await?, &self.prefix, arrivals).await
    }
}

impl fmt::Debug for Nats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Nats").field("servers", &self.servers).field("prefix", &self.prefix).finish_non_exhaustive()
    }
}
