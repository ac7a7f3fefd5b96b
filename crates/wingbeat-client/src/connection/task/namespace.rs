//! One namespace: what waits to be sent, and what waits for an answer.

use super::recovery::Recovery;
use crate::connection::{Answer, Kind, Outbound, PendingCall, QueueLimits, QueuePosition, Unsent};
use crate::error::{DeliveryStatus, Error, Problem};
use crate::transport::Outbox;
use rustc_hash::FxHashMap;
use std::collections::VecDeque;
use std::collections::hash_map::Entry;
use std::sync::Arc;
use tokio::time::Instant;
use wingbeat_protocol::packet::PacketKind;

/// How much may wait in the transport: what waits here instead can still be sent over the next one.
const OUTBOX_BYTES: usize = 64 * 1024;

pub(crate) struct Namespace {
    pub(crate) name: Arc<str>,
    pub(crate) joined: bool,
    /// Whether this connection has sent CONNECT.
    pub(crate) asked: bool,
    /// Why nothing can be sent here until the next CONNECT.
    pub(crate) halted: Option<Error>,
    /// What the next CONNECT asks to be recovered, if the server offers it.
    pub(crate) recovery: Option<Recovery>,
    free: VecDeque<(u64, Outbound)>,
    behind_gate: VecDeque<(u64, Outbound)>,
    order: u64,
    bytes: usize,
    // The server chooses which ids it names, but not which are in here.
    in_flight: FxHashMap<u64, Outbound>,
    // Counts across connections: an answer can never belong to another call.
    next_id: u64,
}

/// What empty queues keep for the next calls.
const KEEP: usize = 32;

impl Namespace {
    pub(crate) fn new(name: Arc<str>) -> Namespace {
        Namespace {
            name,
            joined: false,
            asked: false,
            halted: None,
            recovery: None,
            free: VecDeque::new(),
            behind_gate: VecDeque::new(),
            order: 0,
            bytes: 0,
            in_flight: FxHashMap::default(),
            next_id: 0,
        }
    }

    /// Whether what comes is for us. Node sends what was missed before its answer to CONNECT.
    pub(crate) fn is_open(&self) -> bool {
        self.joined || (self.asked && self.halted.is_none())
    }

    /// Takes note of the answer to CONNECT; whether it goes on with the session before.
    pub(crate) fn join(&mut self, sid: &str, pid: Option<&str>) -> bool {
        self.joined = true;
        self.halted = None;
        let recovered = self.recovery.as_ref().zip(pid).is_some_and(|(recovery, pid)| recovery.is_of(pid));
        if !recovered {
            // An offset of the old session says nothing in the new one.
            self.recovery = pid.and_then(|pid| Recovery::new(sid, pid));
        }
        recovered
    }

    /// Keeps a packet until it can be sent; gives it back if the buffer is full.
    pub(crate) fn push(&mut self, outbound: Outbound, limits: QueueLimits) -> Result<(), Outbound> {
        let bytes = self.bytes + outbound.pending.bytes;
        if self.free.len() + self.behind_gate.len() >= limits.items || bytes > limits.bytes {
            return Err(outbound);
        }
        self.bytes = bytes;
        self.order += 1;
        outbound.kept_at(QueuePosition::Queued(self.order));
        let queue = if outbound.pending.kind.is_gated() { &mut self.behind_gate } else { &mut self.free };
        queue.push_back((self.order, outbound));
        Ok(())
    }

    /// Puts a packet in front of all others.
    pub(crate) fn push_first(&mut self, outbound: Outbound) {
        self.bytes += outbound.pending.bytes;
        self.free.push_front((0, outbound));
    }

    /// Moves what may be sent to the transport, as long as that has room. Behind a closed gate calls wait. Gives what is
    /// too large for the server, which was not sent.
    pub(crate) fn pump(&mut self, outbox: &mut Outbox, limit: usize, gate_is_open: bool) -> Vec<(Outbound, Error)> {
        let mut refused = Vec::new();
        while self.joined && outbox.bytes() < OUTBOX_BYTES && self.in_flight.len() < limit {
            let Some(outbound) = self.pop(gate_is_open) else { break };
            refused.extend(self.send(outbound, outbox));
        }
        refused
    }

    fn pop(&mut self, gate_is_open: bool) -> Option<Outbound> {
        let gated = self.behind_gate.front().filter(|_| gate_is_open).map(|(order, _)| *order);
        let queue = match (self.free.front(), gated) {
            (Some((free, _)), Some(gated)) if *free > gated => &mut self.behind_gate,
            (Some(_), _) => &mut self.free,
            (None, Some(_)) => &mut self.behind_gate,
            (None, None) => return None,
        };
        let (_, outbound) = queue.pop_front()?;
        if queue.is_empty() {
            queue.shrink_to(KEEP);
        }
        self.bytes -= outbound.pending.bytes;
        Some(outbound)
    }

    fn send(&mut self, mut outbound: Outbound, outbox: &mut Outbox) -> Option<(Outbound, Error)> {
        let Unsent { json, attachments } = outbound.take();
        let kind = outbound.pending.kind;
        let attachments = attachments.as_ref().map_or(&[][..], |all| all);
        let packet = match (kind, attachments.is_empty()) {
            (Kind::Reply, true) => PacketKind::Ack,
            (Kind::Reply, false) => PacketKind::BinaryAck,
            (_, true) => PacketKind::Event,
            (_, false) => PacketKind::BinaryEvent,
        };
        if matches!(kind, Kind::Event | Kind::Reply) {
            let asked = outbound.pending.asked.as_ref().map(|asked| asked.id.clone());
            if let Err(refused) = outbox.packet(packet, &self.name, asked, &json, attachments) {
                return Some((outbound, refused.into()));
            }
            outbound.finish(Ok(Answer::default()));
            return None;
        }
        let id = self.next_id;
        if let Err(refused) = outbox.packet(packet, &self.name, Some(id.into()), &json, attachments) {
            return Some((outbound, refused.into()));
        }
        self.next_id += 1;
        outbound.kept_at(QueuePosition::InFlight(id));
        self.in_flight.insert(id, outbound);
        None
    }

    /// The call that an answer belongs to, if it is one of these.
    pub(crate) fn answered_if(&mut self, id: u64, is_one: impl FnOnce(&Outbound) -> bool) -> Option<Outbound> {
        let Entry::Occupied(entry) = self.in_flight.entry(id) else { return None };
        if !is_one(entry.get()) {
            return None;
        }
        let outbound = entry.remove();
        if self.in_flight.is_empty() && self.in_flight.capacity() > 4 * KEEP {
            self.in_flight.shrink_to(KEEP);
        }
        Some(outbound)
    }

    /// Drops a call that nobody waits for any more: its place is free at once, and a late answer is ignored.
    pub(crate) fn forget(&mut self, pending: &PendingCall) {
        match (pending.kind, pending.place()) {
            // What becomes of a login is the task's business as well.
            (Kind::Login, _) | (Kind::Logout, QueuePosition::InFlight(_)) | (_, QueuePosition::Nowhere) => {}
            (_, QueuePosition::InFlight(id)) => drop(self.in_flight.remove(&id)),
            (kind, QueuePosition::Queued(order)) => {
                let queue = if kind.is_gated() { &mut self.behind_gate } else { &mut self.free };
                let found = queue.binary_search_by_key(&order, |(order, _)| *order).ok();
                if let Some((_, outbound)) = found.and_then(|at| queue.remove(at)) {
                    self.bytes -= outbound.pending.bytes;
                }
            }
        }
    }

    /// Fails everything that waits to be sent, or what waits behind the gate.
    pub(crate) fn fail_waiting(&mut self, error: &Error, only_gated: bool) {
        let mut failed = Vec::from_iter(self.behind_gate.drain(..));
        if !only_gated {
            failed.extend(self.free.drain(..));
        }
        for (_, outbound) in failed {
            self.bytes -= outbound.pending.bytes;
            outbound.finish(Err(error.clone()));
        }
    }

    /// Takes all calls whose answer will never come, in the order in which they were sent.
    pub(crate) fn lost(&mut self) -> Vec<Outbound> {
        self.joined = false;
        self.asked = false;
        self.forget_replies();
        let mut lost = Vec::from_iter(std::mem::take(&mut self.in_flight));
        lost.sort_unstable_by_key(|(id, _)| *id);
        lost.into_iter().map(|(_, outbound)| outbound).collect()
    }

    /// Answers that wait to be sent belong to the connection that asked.
    fn forget_replies(&mut self) {
        for outbound in extract(&mut self.free, |outbound| outbound.pending.kind == Kind::Reply) {
            self.bytes -= outbound.pending.bytes;
            outbound.finish(Err(nobody_asks()));
        }
    }

    /// Takes what is due, with its error, and says when to look again.
    pub(crate) fn expire(&mut self, now: Instant) -> (Vec<(Outbound, Error)>, Option<Instant>) {
        let mut next: Option<Instant> = None;
        let mut is_due = |outbound: &Outbound| {
            let Some(deadline) = outbound.deadline() else { return false };
            if deadline > now {
                next = Some(next.map_or(deadline, |next| next.min(deadline)));
            }
            deadline <= now
        };
        let mut expired = Vec::new();
        for queue in [&mut self.free, &mut self.behind_gate] {
            for outbound in extract(queue, &mut is_due) {
                self.bytes -= outbound.pending.bytes;
                let error = Error::timed_out(outbound.pending.timeout, DeliveryStatus::NotSent);
                expired.push((outbound, error));
            }
        }
        for (_, outbound) in self.in_flight.extract_if(|_, outbound| is_due(outbound)) {
            let error = Error::timed_out(outbound.pending.timeout, DeliveryStatus::Unknown);
            expired.push((outbound, error));
        }
        (expired, next)
    }
}

/// Takes out what matches, and leaves the rest in its order.
fn extract(queue: &mut VecDeque<(u64, Outbound)>, mut matches: impl FnMut(&Outbound) -> bool) -> Vec<Outbound> {
    let mut out = Vec::new();
    for _ in 0..queue.len() {
        let Some(one) = queue.pop_front() else { break };
        if matches(&one.1) {
            out.push(one.1);
        } else {
            queue.push_back(one);
        }
    }
    out
}

/// The error of a call that was under way when the connection went.
pub(crate) fn lost_error(reason: &str) -> Error {
    Error::Unanswered(Problem::new(format!("The connection was lost ({reason}) before the answer came")))
}

/// The connection that the request came through has ended.
pub(crate) fn nobody_asks() -> Error {
    Error::NotSent(Problem::new("The connection that the request came through has ended"))
}
