//! A turn of a session on a WebSocket.

use super::Step;
use super::client::Client;
use super::end::{CloseAction, SessionEnd};
use super::heartbeat::Heartbeat;
use crate::Reason;
use crate::outbox::WriteBuffer;
use crate::ws::{Item, ReadOutcome, WebSocket};
use std::task::Context;

/// Reads once and writes once: the answers to all calls of one read leave together.
pub(super) fn step(
    ws: &mut WebSocket,
    client: &mut Client,
    heartbeat: &mut Heartbeat,
    buf: &mut [u8],
    out: &mut WriteBuffer,
    cx: &mut Context<'_>,
) -> Result<Step, SessionEnd> {
    let max = client.handle.engine.config.max_payload;
    let mut again = false;
    // Whether all is read that the client has sent.
    let mut caught_up = false;
    if client.may_read() {
        let leftover = client.take_leftover();
        match ws.read(buf, leftover, cx) {
            (ReadOutcome::Nothing, _) => caught_up = true,
            (ReadOutcome::SessionEnd, _) => return Err(SessionEnd::gone(Reason::TransportClose)),
            (ReadOutcome::Bytes, n) => {
                again = true;
                client.budget.count(n);
                let leftover = ws.items(&mut buf[..n], max, |item| -> Result<bool, SessionEnd> {
                    match item {
                        Item::Text(text) => client.text(&text, out, cx)?,
                        Item::Binary(bytes) => client.binary(&bytes, out, cx)?,
                        Item::Ping(payload) => client.pong(payload, out),
                        Item::Close(code) => {
                            return Err(SessionEnd {
                                reason: Reason::TransportClose,
                                action: CloseAction::Answer(code),
                            });
                        }
                        Item::Nothing => {}
                    }
                    Ok(client.may_read())
                })?;
                client.set_leftover(leftover);
            }
        }
    }
    heartbeat.look(client);
    let was_clogged = client.is_clogged(out);
    let more = ws.write(out, &client.handle.outbox, &client.handle.engine.ledger, cx)?;
    heartbeat.wrote(out.taken, ws.is_flushed(), &client.handle, || client.handle.engine.wheel.now());
    if ws.is_flushed() && !more {
        client.owes.set(false);
    }
    again |= was_clogged && !client.is_clogged(out);
    if client.joined.is_some() {
        again |= client.announce();
    }
    again |= client.may_begin(out);
    let throttled = client.throttled();
    if let Some(wait) = throttled {
        heartbeat.resume_in(wait, &client.handle);
    }
    let busy = more || throttled.is_none() && client.budget.spent();
    if again && !busy && throttled.is_none() {
        return Ok(Step::Again);
    }
    heartbeat.read(caught_up, client, out)?;
    Ok(match busy {
        true => Step::Yield,
        false if ws.is_flushed() => Step::Idle,
        false => Step::Blocked,
    })
}
