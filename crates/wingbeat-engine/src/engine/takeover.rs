//! Sockets that end because their client has come back over another connection.
//!
//! A client may be back before the server notices that it has gone. What the socket was to its handler is needed then, so
//! the old session ends first. The client says the private id that it was given, which begins as the id of the socket does:
//! with the session's place in the registry. Whether the socket there is meant only the handler can tell.

use super::{Registered, SessionId, Shared, Socket, signal};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::oneshot;

/// Which sockets are to end so, and where sockets are that go on from an earlier one.
#[derive(Default)]
pub(crate) struct Takeovers(Mutex<State>);

#[derive(Default)]
struct State {
    /// By the place of the session that is asked.
    wanted: HashMap<u32, Vec<Wanted>>,
    /// The place of the session, by the private id of the socket. Other private ids lead to it by themselves.
    moved: HashMap<SessionId, u32>,
}

/// Whether the socket with this id is meant.
type IsMeant = Box<dyn Fn(&str) -> bool + Send>;

struct Wanted {
    is_meant: IsMeant,
    answer: oneshot::Sender<bool>,
}

impl Socket {
    /// Ends the session of another socket, given its [private id](crate::Handler::private_id), as if its connection were
    /// lost: false if there is no such session any more. Should the client be there after all, it is told to leave, so that
    /// it does not come back. The handler is [told](crate::Handler::disconnect) as always, by the session's task, right
    /// after this future is ready.
    ///
    /// Clients may say whatever they like, so a private id leads to a session at most: whether a socket with a certain id
    /// was given it is asked of `is_meant`.
    pub fn take_over<F>(&self, private_id: &str, is_meant: F) -> impl Future<Output = bool> + Send + use<F>
    where
        F: Fn(&str) -> bool + Send + 'static,
    {
        let (engine, private_id) = (self.engine().clone(), SessionId::parse(private_id));
        let is_meant: IsMeant = Box::new(is_meant);
        // Begun when it is waited for.
        async move {
            match private_id.and_then(|private_id| engine.begin_takeover(&private_id, is_meant)) {
                Some(answer) => answer.await.unwrap_or(false),
                None => false,
            }
        }
    }
}

impl Shared {
    fn begin_takeover(
        self: &Arc<Shared>,
        private_id: &SessionId,
        is_meant: IsMeant,
    ) -> Option<oneshot::Receiver<bool>> {
        let mut state = self.takeovers.state();
        let place = state.moved.get(private_id).copied().unwrap_or_else(|| private_id.place());
        let session = self.session(place)?;
        let (answer, answered) = oneshot::channel();
        state.wanted.entry(place).or_default().push(Wanted { is_meant, answer });
        drop(state);
        session.signal(signal::TAKEN_OVER);
        Some(answered)
    }

    /// Takes a session that has ended out of the registry, and tells who waits for it. At once: who asks after that finds no
    /// session.
    pub(super) fn remove_session(&self, place: u32) -> Option<Registered> {
        let mut state = self.takeovers.state();
        // Their answers say no when they are dropped.
        drop(state.wanted.remove(&place));
        self.sessions().try_remove(place as usize)
    }
}

impl Takeovers {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A session tells which sockets it has whose clients can come back. Whether it has to end.
    pub(crate) fn answer<'a>(&self, place: u32, sockets: impl Iterator<Item = &'a Socket> + Clone) -> bool {
        let asked = self.state().wanted.remove(&place).unwrap_or_default();
        let mut is_taken_over = false;
        for Wanted { is_meant, answer } in asked {
            // One that does not wait any more takes nothing over.
            let has = !answer.is_closed() && sockets.clone().any(|socket| is_meant(socket.id()));
            is_taken_over |= has && answer.send(true).is_ok();
        }
        is_taken_over
    }

    /// The socket with this private id is at a place that the id does not lead to.
    pub(super) fn moved(&self, private_id: SessionId, place: u32) {
        self.state().moved.insert(private_id, place);
    }

    /// That socket has ended.
    pub(super) fn forget(&self, private_id: &SessionId, place: u32) {
        let mut state = self.state();
        // Its client may have come back once more.
        if state.moved.get(private_id) == Some(&place) {
            state.moved.remove(private_id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{Nobody, TransportState};
    use crate::{Config, Engine, Handshake};
    use futures_util::FutureExt;

    #[test]
    fn who_waits_for_a_session_that_ends_is_told_at_once() {
        let engine = Engine::new(Config::default(), Nobody).unwrap();
        let request = http::Request::new(()).into_parts().0;
        let register =
            || engine.0.register(Handshake::new(&request, &engine.0.config), TransportState::WebSocket).unwrap();
        let (old, new) = (register(), register());
        let socket = Socket::new(new, "/".into(), None);
        let mut waits = Box::pin(socket.take_over(old.id.as_str(), |_| true));
        assert_eq!(waits.as_mut().now_or_never(), None);
        engine.0.unregister(&old);
        assert_eq!(waits.now_or_never(), Some(false));
        assert_eq!(socket.take_over(old.id.as_str(), |_| true).now_or_never(), Some(false));
        assert_eq!(socket.take_over("no private id", |_| true).now_or_never(), Some(false));
        assert!(engine.0.takeovers.state().wanted.is_empty());
    }
}
