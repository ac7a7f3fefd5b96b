//! Events of the server, as streams.

use super::{AckRequest, ConnectionHandle, Kind, Next, PendingCall, Queue, Unsent, WeakConnection};
use crate::error::{Error, Result};
use bytes::Bytes;
use futures_util::Stream;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fmt;
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use wingbeat_core::RawJson;
use wingbeat_protocol::packet::Arguments;

/// An event as it came, shared by all its listeners. Printed by `{:?}` it tells its name and how much there is, and
/// nothing of what a server may have meant for one client alone.
#[derive(Clone)]
pub struct Event(Arc<Inner>);

struct Inner {
    name: Box<str>,
    arguments: Arguments<'static>,
    attachments: Vec<Bytes>,
    reply: Option<Reply>,
}

/// How to answer an event that asks for it.
pub(crate) struct Reply {
    /// `None`: that of the services.
    pub(crate) namespace: Option<Arc<str>>,
    pub(crate) asked: AckRequest,
    pub(crate) timeout: Duration,
    // Weak: an event that somebody keeps does not keep the connection.
    pub(crate) connection: WeakConnection,
}

impl Event {
    pub(crate) fn new(
        name: &str,
        arguments: Arguments<'static>,
        attachments: Vec<Bytes>,
        reply: Option<Reply>,
    ) -> Event {
        Event(Arc::new(Inner { name: name.into(), arguments, attachments, reply }))
    }

    /// The name, for service events `<path> <event>`.
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// How many arguments there are.
    pub fn len(&self) -> usize {
        self.0.arguments.len() - 1
    }

    /// Whether there is no argument.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// An argument, read as a `T`. One that is not there is null.
    ///
    /// # Errors
    /// [`Unreadable`](Error::Unreadable) if it does not fit.
    pub fn argument_as<T: DeserializeOwned>(&self, index: usize) -> Result<T> {
        if self.0.attachments.is_empty() {
            return self.0.arguments.get_as(index + 1).map_err(Error::unreadable);
        }
        let text = self.0.arguments.bytes(index + 1);
        text.map_or(RawJson::NULL, |text| RawJson::with_attachments(text, self.attachments()))
            .to()
            .map_err(Error::unreadable)
    }

    /// The JSON text of an argument. One that is not there is null.
    pub fn raw(&self, index: usize) -> RawJson {
        self.0.arguments.bytes(index + 1).map_or(RawJson::NULL, RawJson::from_valid)
    }

    /// The binary attachments, which `{"_placeholder":true,"num":n}` in the arguments stands for.
    pub fn attachments(&self) -> &[Bytes] {
        &self.0.attachments
    }

    /// Whether the server waits for an answer.
    pub fn wants_reply(&self) -> bool {
        self.0.reply.is_some()
    }

    /// Answers, if the server asked for it; returns once the answer is handed to the transport. Only the first answer
    /// counts there.
    ///
    /// # Errors
    /// If the value has no JSON form, the answer could not be sent in time, or the connection that the request came through has ended.
    pub async fn reply(&self, answer: &(impl Serialize + ?Sized)) -> Result<()> {
        let Some(Reply { namespace, asked, timeout, connection }) = &self.0.reply else { return Ok(()) };
        let raw = RawJson::new(&(answer,)).map_err(Error::unwritable)?;
        let connection = connection.upgrade().ok_or(Error::Closed)?;
        let packet = Unsent::from(raw);
        let mut pending = PendingCall::new(Kind::Reply, &packet, *timeout);
        (pending.namespace, pending.asked) = (namespace.clone(), Some(Box::new(asked.clone())));
        pending.submit(packet, connection)?.await.map(drop)
    }

    pub(crate) fn bytes(&self) -> usize {
        self.0.arguments.text().len() + self.0.attachments.iter().map(Bytes::len).sum::<usize>()
    }
}

impl fmt::Debug for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Event").field("name", &self.0.name).field("len", &self.len()).finish_non_exhaustive()
    }
}

/// A stream of events, read as `T`s. Dropping it ends the subscription.
///
/// It goes on across reconnections and ends only when the client is closed. What the server sends while the connection
/// is down comes after it, if the server recovers connections; else it is lost, and
/// [`Client::recovered`](crate::Client::recovered) is false.
///
/// A listener that does not keep up loses the *oldest* events beyond its limits (1024 events or 16 MiB, see
/// [`Builder::listener_limits`](crate::Builder::listener_limits)): then [`Missed`](Error::Missed) takes their place, which
/// says how many they were. Neither the connection nor other listeners wait. An event that cannot be read as a `T` is
/// [`Unreadable`](Error::Unreadable).
#[must_use = "a stream does nothing unless it is read"]
pub struct Events<T> {
    state: Listening,
    item: PhantomData<fn() -> T>,
}

enum Listening {
    To(Subscription),
    /// There are no events, for this reason, which is said once.
    Refused(Option<Error>),
}

struct Subscription {
    queue: Arc<Queue<Event>>,
    // A client lives on for its listeners.
    connection: ConnectionHandle,
    namespace: Arc<str>,
    /// `None`: events of all names.
    name: Option<Box<str>>,
}

impl<T> Events<T> {
    pub(crate) fn new(connection: &ConnectionHandle, namespace: &Arc<str>, name: Option<&str>) -> Self {
        let state = Listening::To(Subscription {
            queue: connection.shared().listen(namespace, name),
            connection: connection.clone(),
            namespace: namespace.clone(),
            name: name.map(Into::into),
        });
        Events { state, item: PhantomData }
    }

    /// A stream of this error.
    pub(crate) fn refused(error: Error) -> Self {
        Events { state: Listening::Refused(Some(error)), item: PhantomData }
    }

    fn poll_event(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Event>>> {
        let subscription = match &mut self.state {
            Listening::To(subscription) => subscription,
            Listening::Refused(error) => return Poll::Ready(error.take().map(Err)),
        };
        Poll::Ready(ready!(subscription.queue.poll_next(cx)).map(|next| match next {
            Next::Item(event) => Ok(event),
            Next::Missed(missed) => Err(Error::Missed(missed)),
        }))
    }
}

impl<T: FromEvent> Events<T> {
    /// The next event; `None` once the client is closed.
    pub async fn next(&mut self) -> Option<Result<T>> {
        std::future::poll_fn(|cx| Pin::new(&mut *self).poll_next(cx)).await
    }
}

impl<T: FromEvent> Stream for Events<T> {
    type Item = Result<T>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<T>>> {
        Poll::Ready(ready!(self.poll_event(cx)).map(|event| event.and_then(T::from_event)))
    }
}

/// What an event can be read as: [`Event`] itself, or anything that its first argument fits.
pub trait FromEvent: Sized {
    /// Reads an event.
    ///
    /// # Errors
    /// If it does not fit.
    fn from_event(event: Event) -> Result<Self>;
}

impl FromEvent for Event {
    fn from_event(event: Event) -> Result<Event> {
        Ok(event)
    }
}

impl<T: DeserializeOwned> FromEvent for T {
    fn from_event(event: Event) -> Result<T> {
        event.argument_as(0)
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        // Its own count is still up: leave with the queue gone.
        self.queue = Arc::new(Queue::new(self.connection.shared().options.listener));
        self.connection.shared().forget(&self.namespace, self.name.as_deref());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::Ack;

    #[test]
    fn what_is_printed_of_an_event_or_an_answer_is_not_its_content() {
        let arguments = || Arguments::parse(r#"["told","secret"]"#, 10).unwrap().into_owned();
        let event = Event::new("told", arguments(), Vec::new(), None);
        assert_eq!(format!("{event:?}"), r#"Event { name: "told", len: 1, .. }"#);
        assert_eq!(format!("{:?}", Ack::new(Some(arguments()), Vec::new())), "Ack { len: 2, .. }");
    }
}
