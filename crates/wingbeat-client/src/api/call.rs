//! One call of a service, before it is sent.

use super::Client;
use super::client::Channel;
use super::packet::encode;
use crate::connection::{ConnectionHandle, Kind, Outcome, PendingCall, Unsent};
use crate::error::{DeliveryStatus, Error, Result};
use crate::hooks::{BoxFuture, Context, Hook, Next};
use crate::locked;
use crate::rest::{Outgoing, RestHandle};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use std::future::IntoFuture;
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Poll, Waker, ready};
use std::time::Duration;
use wingbeat_core::{IdArg, Method, Payload, RawJson};

/// A call of a service: await it, after adding what it needs.
#[must_use = "a call is sent when it is awaited"]
pub struct Call<R> {
    pub(crate) client: Client,
    pub(crate) request: Result<Request>,
    result: PhantomData<fn() -> R>,
}

#[derive(Clone)]
pub(crate) struct Request {
    pub(crate) service: Arc<str>,
    /// With its placeholders filled, if it has any.
    pub(crate) filled: Option<Arc<str>>,
    pub(crate) method: Method,
    pub(crate) id: IdArg,
    pub(crate) data: Option<RawJson>,
    // Boxed: most calls have none, and a call is moved about before it is sent.
    pub(crate) query: Option<Box<Map<String, Value>>>,
    pub(crate) timeout: Option<Duration>,
}

impl<R> Call<R> {
    pub(crate) fn new(client: Client, request: Result<Request>) -> Call<R> {
        Call { client, request, result: PhantomData }
    }

    fn with(mut self, change: impl FnOnce(&mut Request) -> Result<()>) -> Call<R> {
        if let Ok(request) = &mut self.request
            && let Err(error) = change(request)
        {
            self.request = Err(error);
        }
        self
    }

    /// The query: a [`Query`](crate::Query), or anything that is a JSON object. Replaces one that was set before.
    pub fn query(self, query: impl Serialize) -> Call<R> {
        self.with(|request| match serde_json::to_value(query).map_err(Error::unwritable)? {
            Value::Object(query) => {
                request.query = Some(Box::new(query));
                Ok(())
            }
            _ => Err(Error::invalid("A query must be an object")),
        })
    }

    /// Fills a placeholder of the path: `userId` that of `users/:userId/messages`.
    pub fn route(mut self, name: &str, value: impl ToString) -> Call<R> {
        let Ok(request) = &mut self.request else { return self };
        match self.client.fill(request.path(), name, &value.to_string()) {
            Ok(filled) => request.filled = Some(filled.into()),
            Err(error) => self.request = Err(error),
        }
        self
    }

    /// How long this call may take.
    pub fn timeout(self, timeout: Duration) -> Call<R> {
        self.with(|request| {
            request.timeout = Some(timeout);
            Ok(())
        })
    }
}

impl<R: DeserializeOwned> IntoFuture for Call<R> {
    type Output = Result<R>;
    type IntoFuture = Calling<R>;

    fn into_future(self) -> Calling<R> {
        Calling { state: Some(State::New(Some(self.client), self.request)), result: PhantomData }
    }
}

/// A call under way: sent when it is first polled. Dropping it takes it back: if it was not sent yet, it never will
/// be, and otherwise nobody waits for its answer.
#[must_use = "a call is sent when it is awaited"]
pub struct Calling<R> {
    /// Nothing when it is over.
    state: Option<State>,
    result: PhantomData<fn() -> R>,
}

enum State {
    // The client is taken out when the call begins.
    New(Option<Client>, Result<Request>),
    Sent(Outcome),
    /// With hooks around it, or over REST.
    Boxed {
        running: Pin<Box<dyn Future<Output = Result<RawJson>> + Send>>,
        is_rest: bool,
    },
}

/// Over REST `false`, `0` and an empty text come without a body, as null does: they are the nothing of their type.
fn read<R: DeserializeOwned>(result: &RawJson, is_rest: bool) -> Result<R> {
    result.to().or_else(|error| {
        let nothings = [&b"false"[..], b"0", b"\"\""].into_iter().filter(|_| is_rest && result.is_null());
        let mut read = nothings.filter_map(|nothing| RawJson::parse(nothing).ok()?.to().ok());
        read.next().ok_or_else(|| Error::unreadable(error))
    })
}

impl<R: DeserializeOwned> Future for Calling<R> {
    type Output = Result<R>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut std::task::Context<'_>) -> Poll<Result<R>> {
        loop {
            let outcome = match self.state.as_mut().expect("a future is not polled after its end") {
                State::New(client, request) => match begin(client, request, cx.waker()) {
                    Ok(state) => {
                        let is_sent = matches!(state, State::Sent(_));
                        self.state = Some(state);
                        if is_sent {
                            return Poll::Pending;
                        }
                        continue;
                    }
                    Err(error) => Err(error),
                },
                State::Sent(outcome) => ready!(Pin::new(outcome).poll(cx)).and_then(|answer| answer.read()),
                State::Boxed { running, is_rest } => {
                    ready!(running.as_mut().poll(cx)).and_then(|result| read(&result, *is_rest))
                }
            };
            self.state = None;
            return Poll::Ready(outcome);
        }
    }
}

// What is not needed is left where it is: a request is too large to be moved about.
fn begin(client: &mut Option<Client>, request: &mut Result<Request>, waker: &Waker) -> Result<State> {
    let client = client.take().ok_or(Error::Closed)?;
    let request = match request {
        Ok(request) => request,
        Err(error) => return Err(std::mem::replace(error, Error::Closed)),
    };
    if request.has_hooks(&client) {
        let request = request.clone();
        let is_rest = matches!(client.channel(), Channel::Rest(_));
        return Ok(State::Boxed { running: Box::pin(async move { request.run(&client).await }), is_rest });
    }
    let limit = timeout(&client, request.timeout);
    match client.into_channel() {
        Channel::Socket(connection) => {
            let packet = request.packet()?;
            PendingCall::new(Kind::Call, &packet, limit).submit_for(packet, connection, waker).map(State::Sent)
        }
        Channel::Rest(rest) => {
            let outgoing = request.outgoing()?;
            let running = Box::pin(async move { rest.call(outgoing, limit).await });
            Ok(State::Boxed { running, is_rest: true })
        }
    }
}

impl Request {
    fn has_hooks(&self, client: &Client) -> bool {
        let options = &client.shared().options;
        !options.hooks.is_empty()
            || (!options.service_hooks.is_empty()
                && options.service_hooks.get(&*self.service).is_some_and(|hooks| !hooks.is_empty()))
    }

    fn path(&self) -> &str {
        self.filled.as_ref().unwrap_or(&self.service)
    }

    fn outgoing(&self) -> Result<Outgoing> {
        Outgoing::new(&self.method, self.path(), &self.id, self.data.as_ref(), self.query.as_deref())
    }

    fn packet(&self) -> Result<Unsent> {
        encode(&self.method, self.path(), &self.id, self.data.as_ref(), self.query.as_deref())
    }

    /// Calls with hooks around it, if there are any.
    pub(crate) async fn run(self, client: &Client) -> Result<RawJson> {
        let options = &client.shared().options;
        let layers = options.hooks.layers(options.service_hooks.get(&*self.service), &self.method);
        if layers.is_empty() {
            let Request { method, id, data, query, timeout: limit, .. } = &self;
            let prepared = Prepared::new(client, method, self.path(), id, data.as_ref(), query.as_deref())?;
            return prepared.send(self::timeout(client, *limit)).await;
        }
        let path = self.path().to_owned();
        let Request { service, method, id, data, query, timeout, .. } = self;
        let (data, query) = (data.map(Payload::from), query.map(|query| *query).unwrap_or_default());
        let mut context = Context { service, path, method, id, data, query, result: None, error: None };
        let sending = Sending { client: client.clone(), timeout, status: Mutex::new(DeliveryStatus::NotSent) };
        let called = Next::new(&layers, &sending).run(&mut context).await;
        let result = called.and_then(|()| context.result.unwrap_or(Payload::NULL).to_raw().map_err(Error::unwritable));
        // A hook's error is not an answer of the server.
        result.map_err(|error| error.of_hooks(*locked(&sending.status)))
    }
}

/// The call itself, inside of its hooks.
struct Sending {
    client: Client,
    timeout: Option<Duration>,
    /// What has become of it.
    status: Mutex<DeliveryStatus>,
}

impl Hook for Sending {
    fn call<'a>(&'a self, context: &'a mut Context) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            let data = context.data.as_ref().map(Payload::to_raw).transpose().map_err(Error::unwritable)?;
            let Context { method, path, id, query, .. } = &*context;
            let prepared = Prepared::new(&self.client, method, path, id, data.as_ref(), Some(query))?;
            // Also what becomes of a call that a hook waits for no longer.
            *locked(&self.status) = DeliveryStatus::Unknown;
            let outcome = prepared.send(timeout(&self.client, self.timeout)).await;
            *locked(&self.status) = outcome.as_ref().map_or_else(Error::delivery_status, |_| DeliveryStatus::Answered);
            context.result = Some(Payload::from(outcome?));
            Ok(())
        })
    }
}

/// A call as it is written for the way that it goes.
enum Prepared {
    Packet(ConnectionHandle, Unsent),
    Request(RestHandle, Outgoing),
}

impl Prepared {
    fn new(
        client: &Client,
        method: &Method,
        path: &str,
        id: &IdArg,
        data: Option<&RawJson>,
        query: Option<&Map<String, Value>>,
    ) -> Result<Prepared> {
        Ok(match client.channel() {
            Channel::Socket(connection) => Prepared::Packet(connection.clone(), encode(method, path, id, data, query)?),
            Channel::Rest(rest) => Prepared::Request(rest.clone(), Outgoing::new(method, path, id, data, query)?),
        })
    }

    async fn send(self, limit: Duration) -> Result<RawJson> {
        match self {
            Prepared::Packet(connection, packet) => {
                PendingCall::new(Kind::Call, &packet, limit).submit(packet, connection)?.await?.result()
            }
            Prepared::Request(rest, outgoing) => rest.call(outgoing, limit).await,
        }
    }
}

fn timeout(client: &Client, own: Option<Duration>) -> Duration {
    own.unwrap_or(client.shared().options.timeout)
}
