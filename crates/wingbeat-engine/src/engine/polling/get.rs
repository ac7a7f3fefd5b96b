//! A poll: waits for packets and carries them away.

use super::payload::join;
use crate::engine::{SessionHandle, TransportState, signal};
use bytes::Bytes;
use std::collections::VecDeque;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;

/// Packets that a poll has taken. If they are not delivered, they go back.
pub(crate) struct PolledPackets {
    handle: Arc<SessionHandle>,
    frames: VecDeque<Bytes>,
}

impl PolledPackets {
    /// The body is on its way: the packets do not come back, and count until the connection has taken all of it. Or a
    /// client that reads no answer could poll on and on, on one connection after another.
    pub(crate) fn carried(mut self) -> BodyInFlight {
        let size = self.frames.drain(..).map(|frame| frame.len()).sum();
        BodyInFlight(Arc::new(InFlight { handle: self.handle.clone(), size }))
    }
}

/// The body of an answer that is on its way, as each of its pieces knows it.
pub(crate) struct BodyInFlight(Arc<InFlight>);

struct InFlight {
    handle: Arc<SessionHandle>,
    /// As the outbox counts it.
    size: usize,
}

impl BodyInFlight {
    /// A piece of the body.
    pub(crate) fn piece(&self, bytes: Bytes) -> Bytes {
        Bytes::from_owner(Piece { bytes, carried: self.0.clone() })
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.handle.sent(self.size);
    }
}

struct Piece {
    bytes: Bytes,
    carried: Arc<InFlight>,
}

impl AsRef<[u8]> for Piece {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for Piece {
    fn drop(&mut self) {
        self.carried.handle.taken(self.bytes.len());
    }
}

impl Drop for PolledPackets {
    fn drop(&mut self) {
        if !self.frames.is_empty() {
            if let Some(mut polls) = self.handle.polls() {
                polls.put_back(std::mem::take(&mut self.frames));
            }
            self.handle.signal(signal::PUT_BACK);
        }
    }
}

/// Waits for packets: the body of the answer, and what goes back if that is not delivered. `None` if another poll is
/// waiting already: then the session ends.
pub(crate) async fn get(handle: Arc<SessionHandle>) -> Option<(Vec<Bytes>, Option<PolledPackets>)> {
    {
        let mut polls = handle.polls()?;
        if polls.polling {
            drop(polls);
            // At once, so that the next request finds no session.
            handle.set_transport(TransportState::Ended);
            handle.signal(signal::BROKEN);
            return None;
        }
        polls.polling = true;
    }
    let mut waiting = Waiting { handle: handle.clone(), answered: false };
    let answer = poll_fn(|cx| {
        let Some(mut polls) = handle.polls() else { return Poll::Ready(None) };
        // What is queued is laid out when somebody asks for it.
        let queued = !handle.outbox.is_empty() && !polls.over;
        if !polls.ready.is_empty() && (polls.filled || polls.noop || !queued) {
            let frames = polls.take_ready();
            let body = join(&frames);
            return Poll::Ready(Some((body, Some(PolledPackets { handle: handle.clone(), frames }))));
        }
        if !queued && let Some(last) = polls.last.take() {
            polls.over = true;
            return Poll::Ready(Some((vec![Bytes::from_static(last.as_bytes())], None)));
        }
        if polls.over || polls.noop {
            return Poll::Ready(Some((vec![Bytes::from_static(b"6")], None)));
        }
        polls.poll = Some(cx.waker().clone());
        drop(polls);
        if queued {
            handle.wake();
        }
        Poll::Pending
    })
    .await;
    waiting.answered = true;
    drop(waiting);
    // The end of a session waits for its last poll.
    handle.wake();
    answer
}

/// A poll that waits. A client that gives it up gives up the session, as the reference server has it.
struct Waiting {
    handle: Arc<SessionHandle>,
    answered: bool,
}

impl Drop for Waiting {
    fn drop(&mut self) {
        if let Some(mut polls) = self.handle.polls() {
            polls.polling = false;
            polls.poll = None;
        }
        if !self.answered && self.handle.transport() == TransportState::Polling {
            self.handle.set_transport(TransportState::Ended);
            self.handle.signal(signal::BROKEN);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{Nobody, Shared};
    use crate::{Config, Engine};
    use wingbeat_protocol::packet::Frame;

    fn handle() -> (Engine, Arc<SessionHandle>) {
        let engine = Engine::new(Config::default(), Nobody).unwrap();
        let parts = http::Request::get("/").body(()).unwrap().into_parts().0;
        let handle =
            Shared::register(&engine.0, crate::Handshake::new(&parts, &engine.0.config), TransportState::Polling)
                .unwrap();
        (engine, handle)
    }

    fn put(handle: &SessionHandle, text: &str) {
        let frame = Frame::text(&[text.as_bytes()]).into_bytes();
        handle.outbox.count(frame.len());
        handle.polls().unwrap().put([frame].into());
    }

    #[tokio::test]
    async fn an_answer_that_dies_unread_puts_its_packets_back_in_front() {
        let (_engine, handle) = handle();
        put(&handle, "4a");
        let (body, taken) = get(handle.clone()).await.unwrap();
        assert_eq!(body.concat(), b"4a");
        put(&handle, "4b");
        drop(taken);
        let (body, taken) = get(handle.clone()).await.unwrap();
        assert_eq!(body.concat(), b"4a\x1e4b");
        let carried = taken.unwrap().carried();
        let pieces = [carried.piece(body[0].slice(..2)), carried.piece(body[0].slice(2..))];
        drop(carried);
        assert_eq!((handle.outbox.bytes(), pieces.concat()), (8, b"4a\x1e4b".to_vec()));
        drop(pieces);
        assert_eq!(handle.outbox.bytes(), 0);
    }
}
