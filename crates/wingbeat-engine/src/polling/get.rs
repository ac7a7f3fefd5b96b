//! A poll: waits for packets and carries them away.

use super::payload::join;
use crate::link::{Link, Via, signal};
use bytes::Bytes;
use std::collections::VecDeque;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;

/// Packets that a poll has taken. If they are not delivered, they go back.
pub(crate) struct Taken {
    link: Arc<Link>,
    frames: VecDeque<Bytes>,
}

impl Taken {
    /// The body is on its way.
    pub(crate) fn delivered(mut self) {
        self.link.outbox.sent(self.frames.iter().map(Bytes::len).sum());
        self.frames.clear();
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        if !self.frames.is_empty() {
            if let Some(mut polls) = self.link.polls() {
                polls.put_back(std::mem::take(&mut self.frames));
            }
            self.link.signal(signal::PUT_BACK);
        }
    }
}

/// Waits for packets: the body of the answer, and what goes back if that is not delivered. `None` if another poll is
/// waiting already: then the session ends.
pub(crate) async fn get(link: Arc<Link>) -> Option<(Bytes, Option<Taken>)> {
    {
        let mut polls = link.polls()?;
        if polls.polling {
            drop(polls);
            // At once, so that the next request finds no session.
            link.set_via(Via::Nothing);
            link.signal(signal::BROKEN);
            return None;
        }
        polls.polling = true;
    }
    let waiting = Waiting { link: link.clone() };
    let answer = poll_fn(|cx| {
        let Some(mut polls) = link.polls() else { return Poll::Ready(None) };
        if !polls.ready.is_empty() {
            let frames = polls.take_ready();
            let body = join(&frames).into();
            return Poll::Ready(Some((body, Some(Taken { link: link.clone(), frames }))));
        }
        if let Some(last) = polls.last.take() {
            polls.over = true;
            return Poll::Ready(Some((Bytes::from_static(last.as_bytes()), None)));
        }
        if polls.over || polls.noop {
            return Poll::Ready(Some((Bytes::from_static(b"6"), None)));
        }
        polls.poll = Some(cx.waker().clone());
        Poll::Pending
    })
    .await;
    drop(waiting);
    // The end of a session waits for its last poll.
    link.wake();
    answer
}

/// A poll that waits; no longer, once it is answered or its client gone.
struct Waiting {
    link: Arc<Link>,
}

impl Drop for Waiting {
    fn drop(&mut self) {
        if let Some(mut polls) = self.link.polls() {
            polls.polling = false;
            polls.poll = None;
        }
    }
}
