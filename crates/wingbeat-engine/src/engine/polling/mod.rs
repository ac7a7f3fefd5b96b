//! HTTP long-polling: what requests and the session's task leave for each other.

mod get;
mod payload;
mod post;

pub(crate) use get::{BodyInFlight, PolledPackets, get};
#[cfg(any(test, fuzzing))]
pub(crate) use payload::join;
pub(crate) use post::{Posted, post};

use crate::outbox::append;
use crate::ws::WebSocket;
use bytes::Bytes;
use std::collections::VecDeque;
use std::task::Waker;
use tokio::sync::oneshot;

/// What requests and the session's task leave for each other.
#[derive(Default)]
pub(crate) struct Polls {
    /// Packets for the next poll, as WebSocket frames: an upgrade can take them over as they are.
    ready: VecDeque<Bytes>,
    /// A poll is waiting, or about to.
    polling: bool,
    poll: Option<Waker>,
    /// All that one answer may have is there.
    filled: bool,
    /// How many bytes of answers the client has taken, since the session has looked.
    pub(crate) taken: usize,
    /// When it had taken all that there was.
    pub(crate) emptied_at: u64,
    /// The waiting poll is to go, though there is nothing for it.
    noop: bool,
    /// The session has ended: what the last poll gets.
    last: Option<&'static str>,
    /// Nobody will fetch anything any more.
    over: bool,
    /// The way to a POST that is being read or waits for the task.
    post: Option<oneshot::Sender<Posted>>,
    /// Its body, once it is whole and until the task has read it.
    body: Option<Bytes>,
    /// A WebSocket that the client wants to move to.
    candidate: Option<WebSocket>,
    /// Whether there is such a WebSocket, here or with the task.
    pub(crate) upgrading: bool,
}

impl Polls {
    /// Packets for the next poll. Wakes the one that waits; it may ask for more.
    pub(crate) fn put(&mut self, frames: VecDeque<Bytes>) {
        if !frames.is_empty() {
            append(&mut self.ready, frames);
            self.wake_poll();
        }
    }

    /// Whether a poll waits for packets.
    pub(crate) fn is_waiting(&self) -> bool {
        self.poll.is_some()
    }

    /// The rest of what the poll that waits is to have. Wakes it, if that is anything.
    pub(crate) fn fill(&mut self, frames: VecDeque<Bytes>) {
        self.ready.extend(frames);
        self.filled = self.has_ready();
        if self.filled {
            self.wake_poll();
        }
    }

    /// How many bytes are there for the next poll.
    pub(crate) fn ready_bytes(&self) -> usize {
        self.ready.iter().map(Bytes::len).sum()
    }

    /// Packets that a poll took and did not deliver.
    fn put_back(&mut self, mut frames: VecDeque<Bytes>) {
        frames.append(&mut self.ready);
        self.ready = frames;
        self.wake_poll();
    }

    /// Takes everything: the session moves to a WebSocket.
    pub(crate) fn take_ready(&mut self) -> VecDeque<Bytes> {
        self.filled = false;
        std::mem::take(&mut self.ready)
    }

    /// Lets the waiting poll go.
    pub(crate) fn release(&mut self) {
        self.noop = true;
        self.wake_poll();
    }

    /// Polls wait again, though there is nothing for them.
    pub(crate) fn hold(&mut self) {
        self.noop = false;
    }

    fn wake_poll(&mut self) {
        if let Some(poll) = self.poll.take() {
            poll.wake();
        }
    }

    /// A POST begins: what becomes of it. `None` while there is another; one whose client has gone counts until its body
    /// is read, if that came whole.
    fn begin_post(&mut self) -> Option<oneshot::Receiver<Posted>> {
        if self.body.is_some() || self.post.as_ref().is_some_and(|post| !post.is_closed()) {
            return None;
        }
        let (post, posted) = oneshot::channel();
        self.post = Some(post);
        Some(posted)
    }

    /// The body of a POST, to be read.
    pub(crate) fn body(&self) -> Option<Bytes> {
        self.body.clone()
    }

    /// The task has read the body, or the session leaves polling or has ended: then it is not read any more.
    pub(crate) fn end_post(&mut self, posted: Posted) {
        self.body = None;
        if let Some(post) = self.post.take() {
            let _ = post.send(posted);
        }
    }

    /// Comes back if another is there already, or the session has ended.
    pub(crate) fn offer(&mut self, ws: WebSocket) -> Option<WebSocket> {
        if self.upgrading || self.over || self.last.is_some() {
            return Some(ws);
        }
        self.upgrading = true;
        self.candidate = Some(ws);
        None
    }

    pub(crate) fn take_candidate(&mut self) -> Option<WebSocket> {
        self.candidate.take()
    }

    /// Whether something is there for the next poll.
    pub(crate) fn has_ready(&self) -> bool {
        !self.ready.is_empty()
    }

    /// The session has ended. `with` is what a waiting poll gets, the close packet or nothing; `orderly` lets the client
    /// fetch what is left, here or in the queue, and then the news. Whether there is something to wait for.
    pub(crate) fn end(&mut self, with: &'static str, orderly: bool, queued: bool) -> bool {
        // One that came at the last moment: whoever keeps the session's sockets must not keep its connection.
        self.candidate = None;
        self.last = if orderly && (self.has_ready() || queued || !self.polling) {
            Some(if with == "1" { "6\u{1e}1" } else { with })
        } else {
            self.polling.then_some(with)
        };
        self.over = self.last.is_none();
        self.end_post(Posted::Read);
        self.wake_poll();
        !self.over
    }

    /// Whether all is fetched, or nobody will fetch it.
    pub(crate) fn is_over(&self) -> bool {
        self.over
    }

    /// The task is gone. A poll that still waits for the last of it gets that.
    pub(crate) fn abandon_unless_last(&mut self) {
        if self.last.is_none() {
            self.abandon();
        }
    }

    /// Gives up what was not fetched.
    pub(crate) fn abandon(&mut self) {
        self.over = true;
        self.candidate = None;
        self.ready.clear();
        self.end_post(Posted::Read);
        self.wake_poll();
    }
}
