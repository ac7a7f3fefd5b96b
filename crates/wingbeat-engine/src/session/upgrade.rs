//! The move from polling to a WebSocket: `2probe`, `3probe`, `5`.

use crate::engine::SessionHandle;
use crate::outbox::{Outbox, WriteBuffer};
use crate::ws::{Item, ReadOutcome, Violation, WebSocket, pong_frame};
use std::task::Context;
use wingbeat_protocol::packet::{Opcode, write_header};

/// How many bytes may wait for a client that has not moved yet.
const UNSENT: usize = 64 * 1024;

/// A WebSocket that the client wants to move to.
pub(super) struct Probe {
    ws: WebSocket,
    probed: bool,
    until: u64,
}

/// How far it is.
pub(super) enum ProbeState {
    /// For more from the client.
    Waiting,
    /// The client has said something, and there may be more.
    Moving,
    /// It is not what it should be, or too slow. The session stays where it is.
    Failed,
    /// The client is there.
    Upgraded,
}

impl Probe {
    pub(super) fn new(ws: WebSocket, handle: &SessionHandle) -> Probe {
        let until = handle.engine.wheel.now() + handle.engine.config.upgrade_timeout.as_millis() as u64;
        Probe { ws, probed: false, until }
    }

    pub(super) fn until(&self) -> u64 {
        self.until
    }

    pub(super) fn into_ws(self) -> WebSocket {
        self.ws
    }

    pub(super) fn step(&mut self, handle: &SessionHandle, buf: &mut [u8], cx: &mut Context<'_>) -> ProbeState {
        if handle.engine.wheel.now() >= self.until {
            return ProbeState::Failed;
        }
        // It has nothing of the session's to send until the client is there.
        let (mut out, outbox) = (WriteBuffer::default(), Outbox::new());
        outbox.count(self.ws.unsent());
        let n = match self.ws.read(buf, false, cx) {
            // There may be more to write of what an earlier turn could not.
            (ReadOutcome::Nothing, _) => 0,
            (ReadOutcome::SessionEnd, _) => return ProbeState::Failed,
            (ReadOutcome::Bytes, n) => n,
        };
        let probed = &mut self.probed;
        let (mut upgraded, mut failed) = (false, false);
        let items = self.ws.items(&mut buf[..n], handle.engine.config.max_payload, |item| {
            match item {
                Item::Text(text) if text == "2probe" && !*probed => {
                    *probed = true;
                    write_header(&mut out.bytes, Opcode::Text, 6);
                    out.bytes.extend_from_slice(b"3probe");
                }
                Item::Text(text) if text == "5" && *probed => upgraded = true,
                Item::Ping(payload) => pong_frame(&mut out.bytes, payload),
                Item::Nothing => {}
                _ => failed = true,
            }
            Ok::<_, Violation>(!upgraded && !failed)
        });
        if items.is_err() || failed {
            return ProbeState::Failed;
        }
        // Pongs that are not read would pile up.
        if self.ws.write(&mut out, &outbox, &handle.engine.ledger, cx).is_err() || self.ws.unsent() > UNSENT {
            return ProbeState::Failed;
        }
        if upgraded {
            return ProbeState::Upgraded;
        }
        if n == 0 {
            return ProbeState::Waiting;
        }
        if self.probed
            && let Some(mut polls) = handle.polls()
        {
            // The client waits for its poll to end before it moves.
            polls.release();
        }
        ProbeState::Moving
    }
}
