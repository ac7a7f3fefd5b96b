//! The Socket.IO side of a session: namespaces, events, acknowledgements. Knows no transport.

use super::calls::{Backlog, Call, RunningCalls, Waiting, Work, guarded};
use super::end::{CloseAction, SessionEnd};
use super::turn_budget::TurnBudget;
use crate::engine::{Handled, SessionHandle, State};
use crate::outbox::{SMALL, WriteBuffer, is_large};
use crate::{Event, Reason, Socket};
use bytes::Bytes;
use std::cell::Cell;
use std::sync::Arc;
use std::task::Context;
use wingbeat_core::placeholder;
use wingbeat_protocol::packet::engine::{self, PacketType};
use wingbeat_protocol::packet::{Arguments, Packet, PacketKind, msgpack};

/// The Socket.IO side of a session.
pub(super) struct Client {
    pub(super) handle: Arc<SessionHandle>,
    /// The namespaces that were joined or are being joined. Nearly always one.
    pub(super) sockets: Vec<Socket>,
    pub(super) running: RunningCalls,
    pub(super) backlog: Backlog,
    pub(super) binary: Option<Box<Binary>>,
    /// Has joined, and its handler does not know yet.
    pub(super) joined: Option<Socket>,
    /// A namespace was joined, now or before.
    pub(super) has_joined: bool,
    pub(super) budget: TurnBudget,
    /// An answer to a call was written since the peer had taken everything.
    pub(super) owes: Cell<bool>,
    /// The server is shutting down: what has begun is finished, and no more is read.
    pub(super) reads_paused: bool,
    /// Bytes of an earlier read are left to look at.
    leftover: bool,
    /// A pong came since this was last looked at.
    pub(super) pong: bool,
    /// Anything came since then.
    pub(super) heard: bool,
}

/// A packet whose attachments have not all come.
pub(super) struct Binary {
    packet: Waiting,
    missing: usize,
}

impl Client {
    pub(super) fn new(handle: Arc<SessionHandle>) -> Client {
        Client {
            budget: TurnBudget::new(&handle.engine.config),
            handle,
            sockets: Vec::new(),
            running: RunningCalls::default(),
            backlog: Backlog::default(),
            binary: None,
            owes: Cell::new(false),
            reads_paused: false,
            joined: None,
            has_joined: false,
            leftover: false,
            pong: false,
            heard: false,
        }
    }

    /// Whether the client of one of its sockets has come back over another connection.
    pub(super) fn is_taken_over(&self) -> bool {
        let sockets = self.sockets.iter().filter(|socket| socket.is_recoverable());
        self.handle.engine.takeovers.answer(self.handle.id_key(), sockets)
    }

    pub(super) fn is_busy(&self) -> bool {
        self.running.len() > 0 || !self.backlog.is_empty()
    }

    /// Whether as many packets wait as may: nothing more is to be read.
    pub(super) fn is_full(&self) -> bool {
        self.backlog.bytes() > self.handle.engine.config.max_payload
    }

    /// Whether this turn may read more.
    pub(super) fn may_read(&self) -> bool {
        self.budget.has_calls() && !self.is_full() && self.joined.is_none() && !self.reads_paused
    }

    /// How long nothing is read because the client has sent as many events as it may, in milliseconds.
    pub(super) fn throttled(&self) -> Option<u64> {
        self.budget.wait(&self.handle.engine.config)
    }

    pub(super) fn set_leftover(&mut self, leftover: bool) {
        self.leftover = leftover;
    }

    pub(super) fn take_leftover(&mut self) -> bool {
        std::mem::take(&mut self.leftover)
    }

    /// An Engine.IO text packet.
    pub(super) fn text(&mut self, text: &str, out: &mut WriteBuffer, cx: &mut Context<'_>) -> Result<(), SessionEnd> {
        self.heard = true;
        match engine::decode(text) {
            Some((PacketType::Message, text)) => self.message(text, out, cx),
            Some((PacketType::Pong, _)) => {
                self.pong = true;
                Ok(())
            }
            Some((PacketType::Close, _)) => {
                Err(SessionEnd { reason: Reason::TransportClose, action: CloseAction::Silence })
            }
            // In protocol 4 it is the server that pings.
            Some((PacketType::Ping, _)) => Err(SessionEnd::close(Reason::TransportError)),
            Some((PacketType::Open | PacketType::Upgrade | PacketType::Noop, _)) => Ok(()),
            None => Err(SessionEnd::close(Reason::ParseError)),
        }
    }

    fn message(&mut self, text: &str, out: &mut WriteBuffer, cx: &mut Context<'_>) -> Result<(), SessionEnd> {
        let packet = Packet::decode(text).map_err(|_| SessionEnd::close(Reason::ForcedClose))?;
        if self.handle.engine.config.msgpack {
            self.handle.engine.unexpected_text(&packet);
            return Err(SessionEnd::close(Reason::ForcedClose));
        }
        if self.binary.is_some() {
            return Err(SessionEnd::close(Reason::ForcedClose));
        }
        if packet.attachments > 0 {
            if packet.attachments > self.handle.engine.config.max_attachments {
                return Err(SessionEnd::close(Reason::ForcedClose));
            }
            let missing = packet.attachments;
            let packet = Waiting { text: Bytes::copy_from_slice(text.as_bytes()), attachments: Vec::new() };
            self.binary = Some(Box::new(Binary { packet, missing }));
            return Ok(());
        }
        // As in `whole`, without a copy.
        if packet.kind != PacketKind::Ack && self.must_wait(out) {
            self.backlog.push(Waiting { text: Bytes::copy_from_slice(text.as_bytes()), attachments: Vec::new() });
            return Ok(());
        }
        self.packet(packet, Vec::new(), out, cx)
    }

    /// An Engine.IO binary packet: an attachment.
    pub(super) fn binary(
        &mut self,
        bytes: &[u8],
        out: &mut WriteBuffer,
        cx: &mut Context<'_>,
    ) -> Result<(), SessionEnd> {
        self.heard = true;
        if self.handle.engine.config.msgpack {
            let max = self.handle.engine.config.max_attachments;
            let (text, attachments) = msgpack::decode(bytes, max).ok_or(SessionEnd::close(Reason::ForcedClose))?;
            return self.whole(Waiting { text: text.into(), attachments }, out, cx);
        }
        let Some(binary) = &mut self.binary else {
            self.handle.engine.unexpected_bytes(bytes);
            return Err(SessionEnd::close(Reason::ForcedClose));
        };
        binary.packet.attachments.push(Bytes::copy_from_slice(bytes));
        binary.missing -= 1;
        if binary.missing > 0 {
            return Ok(());
        }
        let Some(Binary { packet, .. }) = self.binary.take().map(|binary| *binary) else { return Ok(()) };
        self.whole(packet, out, cx)
    }

    /// A packet that came whole.
    fn whole(&mut self, packet: Waiting, out: &mut WriteBuffer, cx: &mut Context<'_>) -> Result<(), SessionEnd> {
        // Acknowledgements do not wait behind calls: a waiting call may be the one that needs them.
        if !matches!(packet.text.first(), Some(b'3' | b'6')) && self.must_wait(out) {
            self.backlog.push(packet);
            return Ok(());
        }
        self.decoded(packet, out, cx)
    }

    fn must_wait(&self, out: &WriteBuffer) -> bool {
        self.running.len() >= self.handle.engine.config.max_running || !self.backlog.is_empty() || self.is_clogged(out)
    }

    /// Whether so much is to be sent that no further call is begun until the client has taken some.
    pub(super) fn is_clogged(&self, out: &WriteBuffer) -> bool {
        let waiting = out.len() + self.handle.outbox.bytes();
        // Asked before every call; nearly always there is little.
        waiting > SMALL / 2 && is_large(waiting, self.handle.engine.config.most_waiting())
    }

    /// Whether a call that waits could begin now.
    pub(super) fn may_begin(&self, out: &WriteBuffer) -> bool {
        !self.backlog.is_empty()
            && !self.is_clogged(out)
            && self.budget.has_calls()
            && self.joined.is_none()
            && self.running.len() < self.handle.engine.config.max_running
    }

    /// Begins what waits, as far as there is room.
    pub(super) fn work_off(&mut self, out: &mut WriteBuffer, cx: &mut Context<'_>) -> Result<(), SessionEnd> {
        while self.may_begin(out) {
            let Some(waiting) = self.backlog.pop() else { break };
            self.decoded(waiting, out, cx)?;
        }
        Ok(())
    }

    fn decoded(&mut self, waiting: Waiting, out: &mut WriteBuffer, cx: &mut Context<'_>) -> Result<(), SessionEnd> {
        let text = std::str::from_utf8(&waiting.text).map_err(|_| SessionEnd::close(Reason::ForcedClose))?;
        let packet = Packet::decode(text).map_err(|_| SessionEnd::close(Reason::ForcedClose))?;
        self.packet(packet, waiting.attachments, out, cx)
    }

    fn packet(
        &mut self,
        packet: Packet<'_>,
        attachments: Vec<Bytes>,
        out: &mut WriteBuffer,
        cx: &mut Context<'_>,
    ) -> Result<(), SessionEnd> {
        match packet.kind {
            PacketKind::Connect => self.connect(packet, out, cx),
            PacketKind::ConnectError => Err(SessionEnd::close(Reason::ForcedServerClose)),
            PacketKind::Disconnect => {
                let at = self.joined(packet.namespace)?;
                if !packet.json.is_empty() {
                    return Err(SessionEnd::close(Reason::ForcedClose));
                }
                let socket = self.sockets.remove(at);
                self.part(&socket, Reason::ClientNamespaceDisconnect);
                Ok(())
            }
            PacketKind::Event | PacketKind::BinaryEvent => self.event(packet, attachments, out, cx),
            PacketKind::Ack | PacketKind::BinaryAck => self.ack(packet, attachments),
        }
    }

    fn event(
        &mut self,
        packet: Packet<'_>,
        attachments: Vec<Bytes>,
        out: &mut WriteBuffer,
        cx: &mut Context<'_>,
    ) -> Result<(), SessionEnd> {
        let at = self.joined(packet.namespace)?;
        if packet.json.is_empty() && attachments.is_empty() {
            return Ok(());
        }
        let max = self.handle.engine.config.max_args + 1;
        let elements = self.elements(packet.json, &attachments, max)?;
        let name = elements.event_name().ok_or(SessionEnd::close(Reason::ForcedClose))?;
        let event = Event::new(name, elements, attachments, packet.id.is_some());
        let socket = &self.sockets[at];
        if !socket.is_connected() {
            // The server has made it leave; the client does not know yet.
            return Ok(());
        }
        self.budget.call();
        let handler = &self.handle.engine.handler;
        let Some(Handled(handled)) = guarded(|| handler.event(socket, event, cx)) else {
            return Client::panicked(packet.id.is_some());
        };
        let call = |future| Call { socket: socket.clone(), work: Work::Event(packet.id.clone(), future) };
        match handled {
            State::Now(answer) => self.answer(socket, packet.id.as_ref(), answer.as_ref(), out),
            State::Later(future) => return self.start(call(future), out, cx),
            State::Pending(future) => {
                let call = call(future);
                self.running.push(call);
            }
        }
        Ok(())
    }

    fn elements<'a>(&self, json: &'a str, attachments: &[Bytes], max: usize) -> Result<Arguments<'a>, SessionEnd> {
        let malformed = SessionEnd::close(Reason::ForcedClose);
        let elements = Arguments::parse(json, max).ok_or(malformed)?;
        if !attachments.is_empty() && !placeholder::fit(json, attachments.len()) {
            return Err(malformed);
        }
        Ok(elements)
    }

    fn ack(&mut self, packet: Packet<'_>, attachments: Vec<Bytes>) -> Result<(), SessionEnd> {
        let at = self.joined(packet.namespace)?;
        if packet.json.is_empty() {
            return Ok(());
        }
        let elements = self.elements(packet.json, &attachments, self.handle.engine.config.max_args)?;
        if let Some(id) = packet.id.and_then(|id| id.number()) {
            self.sockets[at].answered(id, elements, attachments);
        }
        Ok(())
    }
}
