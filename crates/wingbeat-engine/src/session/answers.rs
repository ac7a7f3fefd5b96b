//! What calls come to: answers, and sockets that have joined.

use super::calls::{Call, Outcome, guarded};
use super::client::Client;
use super::end::SessionEnd;
use super::namespaces::{connect_error, write_packet};
use crate::engine::signal;
use crate::outbox::{LARGEST, SMALL, WriteBuffer};
use crate::ws::pong_frame;
use crate::{Answer, Reason, Socket};
use bytes::Bytes;
use serde_json::Value;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use wingbeat_protocol::packet::{AckId, Frame, msgpack};

impl Client {
    /// Polls a call for the first time: answers it if it is ready, keeps it if not.
    pub(super) fn start(
        &mut self,
        mut call: Call,
        out: &mut WriteBuffer,
        cx: &mut Context<'_>,
    ) -> Result<(), SessionEnd> {
        match Pin::new(&mut call).poll(cx) {
            Poll::Ready((socket, outcome)) => self.finish(socket, outcome, out),
            Poll::Pending => {
                self.running.push(call);
                Ok(())
            }
        }
    }

    /// Tells the handler who has joined, after the answer to CONNECT has left: what is sent now leaves on its own, as from
    /// the reference server. Clients are known that lose a packet that comes together with that answer. Whether anybody
    /// has.
    pub(super) fn announce(&mut self) -> bool {
        let Some(socket) = self.joined.take() else { return false };
        if socket.is_connected() || socket.is_leaving() {
            guarded(|| self.handle.engine.handler.connected(&socket));
        }
        true
    }

    /// Answers the calls that have finished. Whether there may be more: where much is to be sent, that is tried after each.
    ///
    /// Calls under way go on even if their client reads nothing: left alone, they would keep what they hold, a connection
    /// to the database, from everybody.
    pub(super) fn finished(&mut self, out: &mut WriteBuffer, cx: &mut Context<'_>) -> Result<bool, SessionEnd> {
        while let Some((socket, outcome)) = self.running.next(cx) {
            self.finish(socket, outcome, out)?;
            if self.is_clogged(out) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Writes a packet of about this size behind all that is queued.
    pub(super) fn put(&self, out: &mut WriteBuffer, size: usize, write: impl FnOnce(&mut Vec<u8>)) {
        let engine = &self.handle.engine;
        let follows = out.follows(&self.handle.outbox, &engine.ledger);
        if follows && size <= SMALL && !engine.config.msgpack {
            return write(&mut out.bytes);
        }
        let mut bytes = Vec::new();
        write(&mut bytes);
        self.put_apart(out, follows, bytes.into());
    }

    /// A packet as a frame of its own: large, or to wait its turn in the queue.
    #[cold]
    fn put_apart(&self, out: &mut WriteBuffer, follows: bool, bytes: Bytes) {
        let engine = &self.handle.engine;
        let bytes = match engine.config.msgpack {
            true => msgpack::recode(&Frame::from_encoded(bytes)).into_bytes(),
            false => bytes,
        };
        if bytes.len() > LARGEST {
            return self.handle.signal(signal::FULL);
        }
        let bytes = engine.ledger.count(bytes);
        if follows {
            out.frame(bytes);
            engine.relieve();
        } else {
            self.handle.append(bytes);
        }
    }

    /// Answers a ping of the WebSocket's. Where the client takes nothing that waits as well, and is limited.
    pub(super) fn pong(&self, payload: &[u8], out: &mut WriteBuffer) {
        if !out.is_blocked() {
            return pong_frame(&mut out.bytes, payload);
        }
        let mut bytes = Vec::new();
        pong_frame(&mut bytes, payload);
        self.handle.push_bytes(bytes.into());
    }

    /// Sends an answer, if one is wanted.
    pub(super) fn answer(&self, socket: &Socket, id: Option<&AckId>, answer: Option<&Answer>, out: &mut WriteBuffer) {
        if let Some((id, answer)) = id.zip(answer)
            && socket.is_connected()
        {
            self.owes.set(true);
            // What was sent to the socket before leaves before.
            self.put(out, answer.size(), |bytes| answer.write(bytes, socket.namespace(), id));
        }
    }

    /// The handler of an event has panicked. A client that waits for its answer would wait for ever, so it learns that
    /// there is none: where the reference server would end, the session does.
    pub(super) fn panicked(wants_answer: bool) -> Result<(), SessionEnd> {
        if wants_answer { Err(SessionEnd::close(Reason::ForcedServerClose)) } else { Ok(()) }
    }

    /// What a call has come to.
    pub(super) fn finish(&mut self, socket: Socket, outcome: Outcome, out: &mut WriteBuffer) -> Result<(), SessionEnd> {
        match outcome {
            Outcome::Answer(id, answer) => self.answer(&socket, id.as_ref(), answer.as_ref(), out),
            Outcome::Panicked(wants_answer) => return Client::panicked(wants_answer),
            // It was turned away, and the client is told so, or was.
            Outcome::Joined(Ok(())) if !socket.is_joining() => {}
            Outcome::Joined(Ok(())) => {
                let pid = guarded(|| self.handle.engine.handler.private_id(&socket)).flatten();
                let sid = match &pid {
                    Some(pid) => {
                        [r#"{"sid":""#, socket.id(), r#"","pid":"#, &Value::from(&**pid).to_string(), "}"].concat()
                    }
                    None => [r#"{"sid":""#, socket.id(), r#""}"#].concat(),
                };
                if pid.is_some() {
                    socket.set_recoverable();
                }
                self.put(out, sid.len(), |bytes| write_packet(bytes, b"40", socket.namespace(), sid.as_bytes()));
                socket.join();
                self.has_joined = true;
                if let Some(before) = self.joined.replace(socket) {
                    guarded(|| self.handle.engine.handler.connected(&before));
                }
            }
            Outcome::Joined(Err(refusal)) => {
                let Some(at) = self.sockets.iter().position(|other| *other == socket) else { return Ok(()) };
                self.sockets.remove(at);
                socket.leave();
                socket.ended();
                let why = refusal.to_json();
                self.put(out, why.len(), |bytes| connect_error(bytes, socket.namespace(), &why));
            }
        }
        Ok(())
    }
}
