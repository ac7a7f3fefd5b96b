//! Events that ask the client for an answer.

use super::Socket;
use bytes::Bytes;
use std::collections::HashMap;
use std::fmt;
use std::time::Duration;
use tokio::sync::oneshot;
use wingbeat_core::RawJson;
use wingbeat_protocol::packet::{Arguments, Frame};

/// A client's answer to an event: the arguments it gave to the callback.
#[derive(Clone)]
pub struct Reply {
    args: Arguments<'static>,
    attachments: Box<[Bytes]>,
}

impl Reply {
    /// How many arguments there are.
    pub fn len(&self) -> usize {
        self.args.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.args.is_empty()
    }

    /// An argument: its JSON text, with the attachments that belong to it.
    pub fn arg(&self, index: usize) -> Option<RawJson> {
        Some(RawJson::with_attachments(self.args.bytes(index)?, &self.attachments))
    }

    /// What placeholders in the arguments stand for.
    pub fn attachments(&self) -> &[Bytes] {
        &self.attachments
    }
}

impl fmt::Debug for Reply {
    /// Without the arguments: they can be secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reply").field("len", &self.len()).finish_non_exhaustive()
    }
}

/// Why an event was not answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Unanswered {
    /// Not in time.
    Timeout,
    /// The socket is not connected, or was disconnected meanwhile.
    Disconnected,
}

impl fmt::Display for Unanswered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Unanswered::Timeout => "operation has timed out",
            Unanswered::Disconnected => "socket has been disconnected",
        })
    }
}

impl std::error::Error for Unanswered {}

/// The events of one socket that are not answered yet.
#[derive(Default)]
pub(crate) struct Acks {
    next: u64,
    waiting: HashMap<u64, oneshot::Sender<Reply>>,
}

impl Acks {
    pub(crate) fn answered(&mut self, id: u64, args: Arguments<'_>, attachments: Vec<Bytes>) {
        if let Some(waiting) = self.waiting.remove(&id) {
            let _ = waiting.send(Reply { args: args.into_owned(), attachments: attachments.into() });
        }
    }
}

impl Socket {
    /// Sends an event and waits for the client's answer.
    ///
    /// # Errors
    /// If there is none in time, or the socket is gone.
    pub async fn request(&self, name: &str, args: &[RawJson], timeout: Duration) -> Result<Reply, Unanswered> {
        let (sender, receiver) = oneshot::channel();
        let id = self.acks(|acks| {
            let id = acks.next;
            acks.next += 1;
            acks.waiting.insert(id, sender);
            id
        });
        // However this ends, nobody waits any more.
        let _waiting = RemoveOnDrop { socket: self, id };
        if !self.is_connected() {
            return Err(Unanswered::Disconnected);
        }
        self.send(&Frame::with_values(self.namespace(), Some(id), name, args));
        match tokio::time::timeout(timeout, receiver).await {
            Ok(reply) => reply.map_err(|_| Unanswered::Disconnected),
            Err(_) => Err(Unanswered::Timeout),
        }
    }
}

struct RemoveOnDrop<'a> {
    socket: &'a Socket,
    id: u64,
}

impl Drop for RemoveOnDrop<'_> {
    fn drop(&mut self) {
        self.socket.acks(|acks| acks.waiting.remove(&self.id));
    }
}
