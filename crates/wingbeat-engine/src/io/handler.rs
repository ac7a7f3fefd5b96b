//! Raw Socket.IO behind an engine's sockets, alone or beside another handler.

use super::namespace::NamespaceInner;
use super::raw::{Listener, Raw};
use super::{Io, IoSocket};
use crate::session::guarded;
use crate::{Answer, Event, Handled, Handler, Reason, Refusal, Socket};
use futures_util::future::{BoxFuture, join_all};
use std::future::{poll_fn, ready};
use std::panic::resume_unwind;
use std::sync::Arc;
use std::task::{Context, Poll};
use wingbeat_core::RawJson;

/// Nothing but raw Socket.IO.
pub(super) struct RawHandler(pub(super) Io);

/// Raw Socket.IO and, for the main namespace, another handler.
pub(super) struct CombinedHandler<H> {
    pub(super) io: Io,
    pub(super) other: H,
}

impl Handler for RawHandler {
    fn namespace(&self, name: &str) -> bool {
        self.0.has(name)
    }

    fn connect(&self, socket: &Socket, _: Option<RawJson>) -> BoxFuture<'static, Result<(), Refusal>> {
        self.0.ask(socket.clone())
    }

    fn connected(&self, socket: &Socket) {
        self.0.welcome(socket);
    }

    fn event(&self, socket: &Socket, event: Event<'_>, _: &mut Context<'_>) -> Handled {
        self.0.dispatch(socket, event, |_| Handled::now(None))
    }

    fn disconnect(&self, socket: &Socket, reason: Reason) {
        self.0.left(socket, reason);
    }
}

impl<H: Handler> Handler for CombinedHandler<H> {
    fn namespace(&self, name: &str) -> bool {
        self.io.has(name)
    }

    fn connect(&self, socket: &Socket, auth: Option<RawJson>) -> BoxFuture<'static, Result<(), Refusal>> {
        if socket.namespace() != "/" {
            return self.io.ask(socket.clone());
        }
        let (first, io, socket) = (self.other.connect(socket, auth), self.io.clone(), socket.clone());
        if io.0.main.hooks.middleware().is_empty() {
            return first;
        }
        Box::pin(async move {
            first.await?;
            io.ask(socket).await
        })
    }

    fn private_id(&self, socket: &Socket) -> Option<String> {
        if socket.namespace() == "/" { self.other.private_id(socket) } else { None }
    }

    fn connected(&self, socket: &Socket) {
        if socket.namespace() == "/" {
            self.other.connected(socket);
        }
        self.io.welcome(socket);
    }

    fn event(&self, socket: &Socket, event: Event<'_>, cx: &mut Context<'_>) -> Handled {
        self.io.dispatch(socket, event, |event| match socket.namespace() {
            "/" => self.other.event(socket, event, cx),
            _ => Handled::now(None),
        })
    }

    fn disconnect(&self, socket: &Socket, reason: Reason) {
        self.io.left(socket, reason);
        if socket.namespace() == "/" {
            self.other.disconnect(socket, reason);
        }
    }
}

impl Io {
    /// Runs the middleware of the namespace that a socket wants to join.
    fn ask(&self, socket: Socket) -> BoxFuture<'static, Result<(), Refusal>> {
        let Some(space) = self.space(socket.namespace()) else {
            return Box::pin(ready(Err(Refusal::new("Invalid namespace"))));
        };
        let (middleware, io) = (space.hooks.middleware(), self.clone());
        if middleware.is_empty() {
            return Box::pin(ready(Ok(())));
        }
        // Also if the client goes while it is asked about.
        let visit = Visit { io: io.clone(), space };
        Box::pin(async move {
            for ask in middleware {
                ask(IoSocket::new(io.clone(), socket.clone())).await?;
            }
            drop(visit);
            Ok(())
        })
    }

    fn welcome(&self, socket: &Socket) {
        if let Some(space) = self.enter(socket) {
            for listener in space.hooks.on_connection() {
                listener(IoSocket::new(self.clone(), socket.clone()));
            }
        }
    }

    /// Hands an event to its listeners, or to the other handler if it has none.
    fn dispatch<'a>(&self, socket: &Socket, event: Event<'a>, otherwise: impl FnOnce(Event<'a>) -> Handled) -> Handled {
        let Some(raw) = Raw::of_used(socket) else { return otherwise(event) };
        let (listeners, on_any) = {
            let state = raw.state();
            (state.listeners.get(event.name()).cloned().unwrap_or_default(), state.on_any.clone())
        };
        let socket = IoSocket::new(self.clone(), socket.clone());
        for listener in on_any {
            listener(&socket, &event);
        }
        match &listeners[..] {
            [] => otherwise(event),
            [only] => only(socket, event.into_owned()).into(),
            _ => Handled::later(all(listeners, socket, event.into_owned())),
        }
    }

    fn left(&self, socket: &Socket, reason: Reason) {
        if let Some(raw) = Raw::of_used(socket) {
            let listeners = raw.state().on_disconnect.clone();
            for listener in listeners {
                // One that panics must not keep the others from hearing of it, or the socket in its rooms.
                guarded(|| listener(IoSocket::new(self.clone(), socket.clone()), reason));
            }
        }
        if let Some(space) = self.known(socket.namespace()) {
            space.leave(socket, self.relay());
            self.tidy(&space);
        }
    }

    fn tidy(&self, space: &Arc<NamespaceInner>) {
        if space.is_child() && space.is_empty() {
            self.forget_if_empty(&space.name);
        }
    }
}

/// Several listeners of one event: all are called before one is waited for, as in the reference, and one that panics
/// costs the others nothing.
async fn all(listeners: Vec<Listener>, socket: IoSocket, event: Event<'static>) -> Option<Answer> {
    let outcomes = join_all(listeners.iter().map(|listener| {
        let mut begun = guarded(|| listener(socket.clone(), event.clone()));
        poll_fn(move |cx| match begun.as_mut().and_then(|future| guarded(|| future.as_mut().poll(cx))) {
            Some(poll) => poll.map(Some),
            None => Poll::Ready(None),
        })
    }));
    let outcomes = outcomes.await;
    let panicked = outcomes.iter().any(Option::is_none);
    let answer = outcomes.into_iter().flatten().flatten().next();
    if panicked && answer.is_none() {
        // As with one listener: the client learns that no answer will come.
        resume_unwind(Box::new("no other listener has answered"));
    }
    answer
}

/// Keeps an eye on a pattern's namespace while somebody wants to join it.
struct Visit {
    io: Io,
    space: Arc<NamespaceInner>,
}

impl Drop for Visit {
    fn drop(&mut self) {
        self.io.tidy(&self.space);
    }
}
