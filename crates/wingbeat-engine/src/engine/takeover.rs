//! Sockets that end because their client has come back over another connection.
//!
//! A client may be back before the server notices that it has gone. What the socket was to its handler is needed then, so
//! the old session ends first.

use super::{SessionId, Shared, Socket, signal};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::oneshot;

/// Which sockets are to end so, and where sockets are whose ids are of an earlier session.
#[derive(Default)]
pub(crate) struct Takeovers(Mutex<State>);

#[derive(Default)]
struct State {
    wanted: Vec<Wanted>,
    /// The session's place in the registry. Other ids lead to it by themselves.
    places: HashMap<SessionId, u32>,
}

struct Wanted {
    id: SessionId,
    place: u32,
    answer: oneshot::Sender<bool>,
}

impl Socket {
    /// Ends the session of another socket, given its id, as if its connection were lost: false if there is no such session
    /// any more. Should the client be there after all, it is told to leave, so that it does not come back. The handler is [told](crate::Handler::disconnect) as always, by the session's task, right after this
    /// future is ready.
    pub fn take_over(&self, id: &str) -> impl Future<Output = bool> + Send + use<> {
        let (engine, id) = (self.engine().clone(), id.to_owned());
        // Begun when it is waited for: an id that leads nowhere may lead to the socket that asks, once it goes on as that.
        async move {
            match engine.begin_takeover(&id) {
                Some(answer) => answer.await.unwrap_or(false),
                None => false,
            }
        }
    }
}

impl Shared {
    fn begin_takeover(self: &Arc<Shared>, id: &str) -> Option<oneshot::Receiver<bool>> {
        let id = SessionId::parse(id)?;
        let mut state = self.takeovers.state();
        let place = state.places.get(&id).copied().unwrap_or_else(|| id.place());
        let session = self.session(place)?;
        let (answer, answered) = oneshot::channel();
        // What nobody waits for any more is forgotten here.
        state.wanted.retain(|wanted| !wanted.answer.is_closed());
        state.wanted.push(Wanted { id, place, answer });
        drop(state);
        session.signal(signal::TAKEN_OVER);
        Some(answered)
    }
}

impl Takeovers {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A session tells which sockets it has. Whether it has to end.
    pub(crate) fn answer(&self, place: u32, has: impl Fn(&SessionId) -> bool) -> bool {
        let asked: Vec<Wanted> = self.state().wanted.extract_if(.., |wanted| wanted.place == place).collect();
        let mut is_taken_over = false;
        for Wanted { id, answer, .. } in asked {
            let has = has(&id);
            is_taken_over |= has;
            // Whoever asked may have gone.
            let _ = answer.send(has);
        }
        is_taken_over
    }

    /// A socket goes on under an id that leads elsewhere.
    pub(super) fn moved(&self, id: SessionId, place: u32) {
        self.state().places.insert(id, place);
    }

    /// That socket has ended.
    pub(super) fn forget(&self, id: &SessionId, place: u32) {
        let mut state = self.state();
        // Its client may have come back once more.
        if state.places.get(id) == Some(&place) {
            state.places.remove(id);
        }
    }
}
