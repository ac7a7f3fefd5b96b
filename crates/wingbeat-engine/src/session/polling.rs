//! A turn of a session on HTTP long-polling.

use super::end::End;
use super::upgrade::{Probe, Probed};
use super::{Session, Step, Transport};
use crate::Reason;
use crate::link::Via;
use crate::out::Out;
use crate::polling::Posted;
use crate::ws;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use std::task::Context;
use wingbeat_core::packet::engine::next_packet;

/// The transport of a session that has no connection of its own.
#[derive(Default)]
pub(super) struct Polling {
    /// The body of a POST, and how much of it was worked off.
    body: Option<(Bytes, usize)>,
    /// A WebSocket that the client wants to move to.
    pub(super) probe: Option<Probe>,
}

impl Session {
    pub(super) fn polling_step(&mut self, read: &mut [u8], out: &mut Out, cx: &mut Context<'_>) -> Result<Step, End> {
        let link = self.client.link.clone();
        let Transport::Polling(polling) = &mut self.transport else { return Ok(Step::Again) };
        if polling.body.is_none() {
            let (body, candidate) = match link.polls() {
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
                polling.probe = Some(Probe::new(ws, &link));
                self.heartbeat.upgrade_until(polling.probe.as_ref().map(Probe::until));
            }
        }
        if let Some((body, at)) = &mut polling.body {
            while self.client.may_read() && !self.client.allowance.spent() {
                let Some(packet) = next_packet(body, at).map(|range| body.slice(range)) else { break };
                self.client.allowance.count(packet.len() + 1);
                match std::str::from_utf8(&packet) {
                    Err(_) => return Err(End::close(Reason::ParseError)),
                    Ok(text) => match text.strip_prefix('b') {
                        None => self.client.text(text, out, cx)?,
                        Some(base64) => {
                            let bytes = STANDARD.decode(base64).map_err(|_| End::close(Reason::ParseError))?;
                            self.client.binary(&bytes, out, cx)?;
                        }
                    },
                }
            }
            if *at > body.len() {
                polling.body = None;
                // Answers that are ready are there for the poll that follows the POST.
                deliver(&link, out)?;
                if let Some(mut polls) = link.polls() {
                    polls.end_post(Posted::Read);
                }
                self.heartbeat.look(&mut self.client);
                return Ok(Step::Again);
            }
        }
        self.heartbeat.look(&mut self.client);
        deliver(&link, out)?;
        if self.client.announce() {
            return Ok(Step::Yield);
        }
        if let Some(wait) = self.client.throttled() {
            self.heartbeat.resume_in(wait, &link);
        } else if self.client.allowance.spent() {
            return Ok(Step::Yield);
        }
        if self.client.may_begin(out) {
            return Ok(Step::Again);
        }
        self.probe_step(read, cx)
    }

    /// Looks after the WebSocket that the client wants to move to.
    fn probe_step(&mut self, read: &mut [u8], cx: &mut Context<'_>) -> Result<Step, End> {
        let link = &self.client.link;
        let Transport::Polling(polling) = &mut self.transport else { return Ok(Step::Again) };
        let Some(probe) = &mut polling.probe else { return Ok(Step::Idle) };
        match probe.step(link, read, cx) {
            Probed::Waiting => return Ok(Step::Idle),
            Probed::Moving => return Ok(Step::Yield),
            Probed::Failed => {
                if let Some(probe) = polling.probe.take() {
                    ws::refuse(&link.engine, probe.into_ws());
                }
                if let Some(mut polls) = link.polls() {
                    polls.upgrading = false;
                    polls.hold();
                }
            }
            Probed::Upgraded => {
                if let Some(probe) = polling.probe.take() {
                    let mut ws = probe.into_ws();
                    ws.count_unsent(&link.outbox, link.engine.config.most_waiting());
                    if let Some(mut polls) = link.polls() {
                        ws.append(polls.take_ready());
                        polls.release();
                        polls.end_post(Posted::Broken);
                    }
                    link.set_via(Via::WebSocket);
                    self.client.set_leftover(ws.has_leftover());
                    self.transport = Transport::WebSocket(ws);
                }
            }
        }
        self.heartbeat.upgrade_until(None);
        Ok(Step::Again)
    }
}

/// Lays what was written and queued out for the next poll.
pub(super) fn deliver(link: &crate::link::Link, out: &mut Out) -> Result<(), End> {
    out.after(&link.outbox);
    if out.is_empty() {
        return Ok(());
    }
    let limit = link.engine.config.most_waiting();
    let frames = out.take(&link.outbox, limit);
    if let Some(mut polls) = link.polls() {
        polls.put(frames);
    }
    if link.outbox.is_over(0, 0, limit) {
        return Err(End::gone(Reason::OutboxFull));
    }
    Ok(())
}
