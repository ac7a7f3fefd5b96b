//! One namespace: what waits to be sent, and what waits for an answer.

use crate::command::{Answer, Kind, Outbound, Responder};
use crate::fate::{Fate, copy, fated, timed_out};
use crate::queue::QueueLimits;
use crate::transport::Outbox;
use rustc_hash::FxHashMap;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;
use wingbeat_core::packet::{AckId, PacketKind};
use wingbeat_core::{Error, Result};

/// How much may wait in the transport: what waits here instead can still be sent over the next one.
const OUTBOX_BYTES: usize = 64 * 1024;

pub(crate) struct Namespace {
    pub(crate) name: Arc<str>,
    pub(crate) joined: bool,
    /// Whether this connection has sent CONNECT.
    pub(crate) asked: bool,
    /// Why nothing can be sent here until the next CONNECT.
    pub(crate) halted: Option<Error>,
    /// Whether calls wait, because a login is running.
    pub(crate) gated: bool,
    free: VecDeque<(u64, Box<Outbound>)>,
    behind_gate: VecDeque<(u64, Box<Outbound>)>,
    order: u64,
    bytes: usize,
    // The server chooses which ids it names, but not which are in here.
    in_flight: FxHashMap<u64, InFlight>,
    // Counts across connections: an answer can never belong to another call.
    next_id: u64,
}

/// A call whose time is up: what it was, who waits, and what to say.
pub(crate) type Expired = (Kind, Option<Responder>, Error);

/// A call whose answer has not come.
pub(crate) struct InFlight {
    pub(crate) kind: Kind,
    pub(crate) answer: Option<Responder>,
    deadline: Instant,
    timeout: Duration,
}

impl Namespace {
    pub(crate) fn new(name: Arc<str>) -> Namespace {
        Namespace {
            name,
            joined: false,
            asked: false,
            halted: None,
            gated: false,
            free: VecDeque::new(),
            behind_gate: VecDeque::new(),
            order: 0,
            bytes: 0,
            in_flight: FxHashMap::default(),
            next_id: 0,
        }
    }

    /// Keeps a packet until it can be sent; gives it back if the buffer is full.
    pub(crate) fn push(&mut self, outbound: Box<Outbound>, limits: QueueLimits) -> Result<(), Box<Outbound>> {
        let bytes = self.bytes + outbound.bytes();
        if self.free.len() + self.behind_gate.len() >= limits.items || bytes > limits.bytes {
            return Err(outbound);
        }
        self.bytes = bytes;
        self.order += 1;
        let queue = if outbound.kind.is_gated() { &mut self.behind_gate } else { &mut self.free };
        queue.push_back((self.order, outbound));
        Ok(())
    }

    /// Puts a packet in front of all others.
    pub(crate) fn push_first(&mut self, outbound: Box<Outbound>) {
        self.bytes += outbound.bytes();
        self.free.push_front((0, outbound));
    }

    /// Moves what may be sent to the transport, as long as that has room.
    pub(crate) fn pump(&mut self, outbox: &mut Outbox, limit: usize) {
        while self.joined && outbox.bytes() < OUTBOX_BYTES && self.in_flight.len() < limit {
            let Some(outbound) = self.pop() else { break };
            if !outbound.is_abandoned() || outbound.kind == Kind::Login {
                self.send(*outbound, outbox);
            }
        }
    }

    fn pop(&mut self) -> Option<Box<Outbound>> {
        let gated = self.behind_gate.front().filter(|_| !self.gated).map(|(order, _)| *order);
        let queue = match (self.free.front(), gated) {
            (Some((free, _)), Some(gated)) if *free > gated => &mut self.behind_gate,
            (Some(_), _) => &mut self.free,
            (None, Some(_)) => &mut self.behind_gate,
            (None, None) => return None,
        };
        let (_, outbound) = queue.pop_front()?;
        self.bytes -= outbound.bytes();
        Some(outbound)
    }

    fn send(&mut self, outbound: Outbound, outbox: &mut Outbox) {
        let Outbound { json, attachments, kind, deadline, timeout, answer, asked, .. } = outbound;
        let packet = match (kind, attachments.is_empty()) {
            (Kind::Reply, true) => PacketKind::Ack,
            (Kind::Reply, false) => PacketKind::BinaryAck,
            (_, true) => PacketKind::Event,
            (_, false) => PacketKind::BinaryEvent,
        };
        if matches!(kind, Kind::Event | Kind::Reply) {
            outbox.packet(packet, &self.name, asked.map(|asked| asked.id), &json, attachments);
            return self::answer(answer, Ok(Answer::default()));
        }
        let id = self.next_id;
        self.next_id += 1;
        outbox.packet(packet, &self.name, Some(id.into()), &json, attachments);
        self.in_flight.insert(id, InFlight { kind, answer, deadline, timeout });
    }

    /// The call that an answer belongs to.
    pub(crate) fn answered(&mut self, id: &AckId) -> Option<InFlight> {
        self.in_flight.remove(&id.number()?)
    }

    /// Fails everything that waits to be sent, or what waits behind the gate.
    pub(crate) fn fail_waiting(&mut self, error: &Error, only_gated: bool) {
        let mut failed = Vec::from_iter(self.behind_gate.drain(..));
        if !only_gated {
            failed.extend(self.free.drain(..));
        }
        for (_, outbound) in failed {
            self.bytes -= outbound.bytes();
            answer(outbound.answer, Err(copy(error, Fate::NotSent)));
        }
    }

    /// Takes all calls whose answer will never come.
    pub(crate) fn lost(&mut self) -> Vec<InFlight> {
        self.joined = false;
        self.asked = false;
        self.forget_replies();
        std::mem::take(&mut self.in_flight).into_values().collect()
    }

    /// Answers that wait to be sent belong to the connection that asked.
    fn forget_replies(&mut self) {
        self.free.retain_mut(|(_, outbound)| {
            let is_reply = outbound.kind == Kind::Reply;
            if is_reply {
                self.bytes -= outbound.bytes();
                answer(outbound.answer.take(), Err(nobody_asks()));
            }
            !is_reply
        });
    }

    /// Fails what is due. Gives the calls of logins, which mean more than themselves, and the next moment to look.
    pub(crate) fn expire(&mut self, now: Instant) -> (Vec<Expired>, Option<Instant>) {
        let mut expired = Vec::new();
        let mut next: Option<Instant> = None;
        let mut due = |deadline: Instant| {
            if deadline > now {
                next = Some(next.map_or(deadline, |next| next.min(deadline)));
            }
            deadline <= now
        };
        for queue in [&mut self.free, &mut self.behind_gate] {
            queue.retain_mut(|(_, outbound)| {
                let expires = due(outbound.deadline);
                if expires {
                    self.bytes -= outbound.bytes();
                    let error = timed_out(outbound.timeout, Fate::NotSent);
                    expired.push((outbound.kind, outbound.answer.take(), error));
                }
                !expires
            });
        }
        self.in_flight.retain(|_, call| {
            let expires = due(call.deadline);
            if expires {
                expired.push((call.kind, call.answer.take(), timed_out(call.timeout, Fate::Unknown)));
            }
            !expires
        });
        (expired, next)
    }
}

impl InFlight {
    /// The error of a call that was under way when the connection went.
    pub(crate) fn lost(reason: &str) -> Error {
        fated(Error::unavailable(format!("The connection was lost ({reason}) before the answer came")), Fate::Unknown)
    }
}

/// Tells the caller, if there still is one.
pub(crate) fn answer(responder: Option<Responder>, result: Result<Answer>) {
    if let Some(responder) = responder {
        let _ = responder.send(result);
    }
}

/// The connection that asked is gone.
pub(crate) fn nobody_asks() -> Error {
    fated(Error::unavailable("The connection that asked is gone"), Fate::NotSent)
}
