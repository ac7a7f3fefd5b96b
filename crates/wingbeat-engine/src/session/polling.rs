//! A turn of a session on HTTP long-polling.

use super::end::SessionEnd;
use super::upgrade::{Probe, ProbeState};
use super::{Session, Step, Transport};
use crate::Reason;
use crate::engine::polling::Posted;
use crate::engine::{SessionHandle, TransportState, refuse};
use crate::outbox::WriteBuffer;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use std::collections::VecDeque;
use std::ops::RangeInclusive;
use std::task::Context;
use wingbeat_protocol::packet::engine::next_packet;

/// An answer to a poll has about as much as a message may have, within these bounds, or a single packet that is larger.
const ANSWER: RangeInclusive<usize> = 64 * 1024..=4 << 20;

/// The transport of a session that has no connection of its own.
#[derive(Default)]
pub(super) struct Polling {
    /// The body of a POST, and how much of it was worked off.
    body: Option<(Bytes, usize)>,
    /// A WebSocket that the client wants to move to.
    pub(super) probe: Option<Probe>,
}

impl Session {
    pub(super) fn polling_step(
        &mut self,
        read: &mut [u8],
        out: &mut WriteBuffer,
        cx: &mut Context<'_>,
    ) -> Result<Step, SessionEnd> {
        let handle = self.client.handle.clone();
        let Transport::Polling(polling) = &mut self.transport else { return Ok(Step::Again) };
        if polling.body.is_none() {
            let (body, candidate) = match handle.polls() {
                Some(mut polls) => {
                    if out.is_empty() && !polls.has_ready() {
                        self.client.owes.set(false);
                    }
                    (polls.body(), polls.take_candidate())
                }
                None => (None, None),
            };
            polling.body = body.map(|body| (body, 0));
            if let Some(ws) = candidate {
                polling.probe = Some(Probe::new(ws, &handle));
                self.heartbeat.upgrade_until(polling.probe.as_ref().map(Probe::until));
            }
        }
        if let Some((body, at)) = &mut polling.body {
            while self.client.may_read() && !self.client.budget.spent() {
                let Some(packet) = next_packet(body, at).map(|range| body.slice(range)) else { break };
                self.client.budget.count(packet.len() + 1);
                match std::str::from_utf8(&packet) {
                    Err(_) => return Err(SessionEnd::close(Reason::ParseError)),
                    Ok(text) => match text.strip_prefix('b') {
                        None => self.client.text(text, out, cx)?,
                        Some(base64) => {
                            let bytes = STANDARD.decode(base64).map_err(|_| SessionEnd::close(Reason::ParseError))?;
                            self.client.binary(&bytes, out, cx)?;
                        }
                    },
                }
            }
            if *at > body.len() {
                polling.body = None;
                // Answers that are ready are there for the poll that follows the POST.
                deliver(&handle, out);
                if let Some(mut polls) = handle.polls() {
                    polls.end_post(Posted::Read);
                }
                self.heartbeat.look(&mut self.client);
                return Ok(Step::Again);
            }
        }
        let caught_up = polling.body.is_none();
        self.heartbeat.look(&mut self.client);
        let delivered = deliver(&handle, out);
        self.heartbeat.wrote(delivered.taken, handle.outbox.bytes() == 0, &handle, || delivered.emptied_at);
        if self.client.announce() {
            return Ok(Step::Yield);
        }
        self.heartbeat.read(caught_up, &self.client, out)?;
        if let Some(wait) = self.client.throttled() {
            self.heartbeat.resume_in(wait, &handle);
        } else if self.client.budget.spent() {
            return Ok(Step::Yield);
        }
        if self.client.may_begin(out) {
            return Ok(Step::Again);
        }
        self.probe_step(delivered.left, read, cx)
    }

    /// Looks after the WebSocket that the client wants to move to. Whether something is `left` that waits for a poll.
    fn probe_step(&mut self, left: bool, read: &mut [u8], cx: &mut Context<'_>) -> Result<Step, SessionEnd> {
        let handle = &self.client.handle;
        let idle = if left { Step::Blocked } else { Step::Idle };
        let Transport::Polling(polling) = &mut self.transport else { return Ok(Step::Again) };
        let Some(probe) = &mut polling.probe else { return Ok(idle) };
        match probe.step(handle, read, cx) {
            ProbeState::Waiting => return Ok(idle),
            ProbeState::Moving => return Ok(Step::Yield),
            ProbeState::Failed => {
                if let Some(probe) = polling.probe.take() {
                    refuse(&handle.engine, probe.into_ws());
                }
                if let Some(mut polls) = handle.polls() {
                    polls.upgrading = false;
                    polls.hold();
                }
            }
            ProbeState::Upgraded => {
                if let Some(probe) = polling.probe.take() {
                    let mut ws = probe.into_ws();
                    handle.outbox.count(ws.unsent());
                    if let Some(mut polls) = handle.polls() {
                        ws.append(polls.take_ready());
                        polls.release();
                        polls.end_post(Posted::Broken);
                    }
                    handle.set_transport(TransportState::WebSocket);
                    self.client.set_leftover(ws.has_leftover());
                    self.transport = Transport::WebSocket(ws);
                }
            }
        }
        self.heartbeat.upgrade_until(None);
        Ok(Step::Again)
    }
}

/// What became of what is to be sent.
#[derive(Default)]
pub(super) struct Delivered {
    /// Something is left in the queue, for the next poll.
    pub(super) left: bool,
    /// How many bytes the client has taken since this was last asked.
    pub(super) taken: usize,
    /// When it had taken all that there was.
    pub(super) emptied_at: u64,
}

/// Lays out what was written, and of what is queued as much as goes into one answer, for the poll that waits. For one that
/// is still to come there is only a little.
pub(super) fn deliver(handle: &SessionHandle, out: &mut WriteBuffer) -> Delivered {
    let (outbox, ledger) = (&handle.outbox, &handle.engine.ledger);
    let Some(mut polls) = handle.polls() else { return Delivered::default() };
    let left = if polls.is_waiting() {
        polls.put(out.take(outbox));
        let most = handle.engine.config.max_payload.clamp(*ANSWER.start(), *ANSWER.end());
        let mut frames = VecDeque::new();
        let room = most.saturating_sub(polls.ready_bytes());
        let (taken, left) = outbox.take(room, !polls.has_ready(), ledger, |frame| frames.push_back(frame));
        outbox.count(taken);
        polls.fill(frames);
        left
    } else {
        let left = out.fill(outbox, ledger);
        polls.put(out.take(outbox));
        left
    };
    Delivered { left, taken: std::mem::take(&mut polls.taken), emptied_at: polls.emptied_at }
}
