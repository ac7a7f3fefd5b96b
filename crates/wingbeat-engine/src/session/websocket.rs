//! A turn of a session on a WebSocket.

use super::Step;
use super::client::Client;
use super::end::{End, Farewell};
use super::heartbeat::Heartbeat;
use crate::Reason;
use crate::out::Out;
use crate::ws::{Item, Read, WebSocket, pong_frame};
use std::task::Context;

/// Reads once and writes once: the answers to all calls of one read leave together.
pub(super) fn step(
    ws: &mut WebSocket,
    client: &mut Client,
    heartbeat: &mut Heartbeat,
    buf: &mut [u8],
    out: &mut Out,
    cx: &mut Context<'_>,
) -> Result<Step, End> {
    let (max, limit) = (client.link.engine.config.max_payload, client.link.engine.config.most_waiting());
    let mut step = Step::Idle;
    if client.may_read() {
        let leftover = client.take_leftover();
        match ws.read(buf, leftover, cx) {
            (Read::Nothing, _) => {}
            (Read::End, _) => return Err(End::gone(Reason::TransportClose)),
            (Read::Bytes, n) => {
                step = Step::Again;
                client.allowance.count(n);
                let leftover = ws.items(&mut buf[..n], max, |item| -> Result<bool, End> {
                    match item {
                        Item::Text(text) => client.text(&text, out, cx)?,
                        Item::Binary(bytes) => client.binary(&bytes, out, cx)?,
                        Item::Ping(payload) => pong_frame(&mut out.bytes, payload),
                        Item::Close(code) => {
                            return Err(End { reason: Reason::TransportClose, farewell: Farewell::Answer(code) });
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
    ws.write(out, &client.link.outbox, limit, cx)?;
    if ws.is_flushed() {
        client.owes.set(false);
    }
    if was_clogged && !client.is_clogged(out) {
        step = Step::Again;
    }
    if client.joined.is_some() {
        client.announce();
        step = Step::Again;
    }
    if client.may_begin(out) {
        step = Step::Again;
    }
    if let Some(wait) = client.throttled() {
        heartbeat.resume_in(wait, &client.link);
        return Ok(Step::Idle);
    }
    Ok(if client.allowance.spent() { Step::Yield } else { step })
}
