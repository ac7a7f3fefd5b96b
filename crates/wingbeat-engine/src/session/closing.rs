//! Taking leave of the client, after its sockets are gone.

use super::end::{End, Farewell};
use super::{Step, Transport};
use crate::link::{Link, signal};
use crate::out::Out;
use crate::ws::{Item, Read, Violation, WebSocket, close_frame};
use std::task::Context;

/// How long a client has to answer a close frame or to fetch the close packet, in milliseconds.
const PATIENCE: u64 = 10_000;

/// A transport on which the last has to be said.
pub(super) struct Closing {
    ws: WebSocket,
    /// The client's close frame came, or there is none to wait for: over when all is sent.
    answered: bool,
    /// The client's bytes make no sense any more.
    blind: bool,
    until: u64,
}

impl Closing {
    /// `None` if there is nothing left to say.
    pub(super) fn new(transport: Transport, end: End, link: &Link, out: &mut Out) -> Option<Closing> {
        let Transport::WebSocket(ws) = transport else { return None };
        let (mut answered, mut blind) = (false, false);
        match end.farewell {
            Farewell::Gone => return None,
            Farewell::Silence => {}
            Farewell::Close(code) => {
                close_frame(out.after(&link.outbox), code);
                blind = code.is_some();
            }
            Farewell::Answer(code) => {
                close_frame(out.after(&link.outbox), code);
                answered = true;
            }
        }
        let until = link.engine.wheel.now() + PATIENCE;
        link.engine.wheel.set(link, until);
        Some(Closing { ws, answered, blind, until })
    }

    pub(super) fn step(&mut self, link: &Link, buf: &mut [u8], out: &mut Out, cx: &mut Context<'_>) -> Step {
        if link.take_signals() & signal::DUE != 0 && link.engine.wheel.now() >= self.until {
            return Step::Done;
        }
        if self.ws.write(out, &link.outbox, usize::MAX, cx).is_err() || (self.answered && self.ws.is_flushed()) {
            return Step::Done;
        }
        match self.ws.read(buf, false, cx) {
            (Read::Nothing, _) => Step::Idle,
            (Read::End, _) => Step::Done,
            (Read::Bytes, n) => {
                if !self.blind {
                    let answered = &mut self.answered;
                    let items = self.ws.items(&mut buf[..n], link.engine.config.max_payload, |item| {
                        *answered |= matches!(item, Item::Close(_));
                        Ok::<_, Violation>(true)
                    });
                    self.blind = items.is_err();
                }
                Step::Again
            }
        }
    }
}
