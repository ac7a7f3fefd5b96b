//! What calls come to: answers, and sockets that have joined.

use super::calls::{Call, Outcome, guarded};
use super::client::Client;
use super::end::End;
use super::namespaces::{connect_error, write_packet};
use crate::out::Out;
use crate::{Answer, Reason, Socket};
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use wingbeat_core::packet::AckId;

impl Client {
    /// Polls a call for the first time: answers it if it is ready, keeps it if not.
    pub(super) fn start(&mut self, mut call: Call, out: &mut Out, cx: &mut Context<'_>) -> Result<(), End> {
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
            guarded(|| self.link.engine.handler.connected(&socket));
        }
        true
    }

    /// Answers the calls that have finished. Whether there may be more: where much is to be sent, that is tried after each.
    ///
    /// Calls under way go on even if their client reads nothing: left alone, they would keep what they hold, a connection
    /// to the database, from everybody.
    pub(super) fn finished(&mut self, out: &mut Out, cx: &mut Context<'_>) -> Result<bool, End> {
        while let Some((socket, outcome)) = self.running.next(cx) {
            self.finish(socket, outcome, out)?;
            if self.is_clogged(out) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Sends an answer, if one is wanted.
    pub(super) fn answer(&self, socket: &Socket, id: Option<&AckId>, answer: Option<&Answer>, out: &mut Out) {
        if let Some((id, answer)) = id.zip(answer)
            && socket.is_connected()
        {
            self.owes.set(true);
            // What was sent to the socket before leaves before.
            self.put(out, answer.size(), |bytes| answer.write(bytes, socket.namespace(), id));
        }
    }

    /// The handler of an event has panicked. A client that waits for its answer would wait for ever, so it is told that
    /// there is none: where the reference server would end, the session does.
    pub(super) fn panicked(wants_answer: bool) -> Result<(), End> {
        if wants_answer { Err(End::close(Reason::ForcedServerClose)) } else { Ok(()) }
    }

    /// What a call has come to.
    pub(super) fn finish(&mut self, socket: Socket, outcome: Outcome, out: &mut Out) -> Result<(), End> {
        match outcome {
            Outcome::Answer(id, answer) => self.answer(&socket, id.as_ref(), answer.as_ref(), out),
            Outcome::Panicked(wants_answer) => return Client::panicked(wants_answer),
            // It was turned away, and the client is told so, or was.
            Outcome::Joined(Ok(())) if !socket.is_joining() => {}
            Outcome::Joined(Ok(())) => {
                let sid = [r#"{"sid":""#, socket.id(), r#""}"#].concat();
                self.put(out, sid.len(), |bytes| write_packet(bytes, b"40", socket.namespace(), sid.as_bytes()));
                socket.join();
                self.has_joined = true;
                if let Some(before) = self.joined.replace(socket) {
                    guarded(|| self.link.engine.handler.connected(&before));
                }
            }
            Outcome::Joined(Err(refusal)) => {
                let Some(at) = self.sockets.iter().position(|other| *other == socket) else { return Ok(()) };
                self.sockets.remove(at);
                socket.leave();
                socket.forget_listeners();
                let why = refusal.to_json();
                self.put(out, why.len(), |bytes| connect_error(bytes, socket.namespace(), &why));
            }
        }
        Ok(())
    }
}
