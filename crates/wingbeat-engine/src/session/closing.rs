//! Taking leave of the client, after its sockets are gone.

use super::end::{End, Farewell};
use super::polling::{Polling, deliver};
use super::{Step, Transport};
use crate::Reason;
use crate::link::{Link, Via, signal};
use crate::out::Out;
use crate::ws::{self, Item, Read, Violation, WebSocket, close_frame};
use std::task::Context;

/// How long a client has to answer a close frame or to fetch the close packet, in milliseconds.
const PATIENCE: u64 = 10_000;
/// How long a client that has sent the close packet has to close by itself.
const QUIET: u64 = 300;

/// A transport on which the last has to be said.
pub(super) struct Closing {
    ws: Option<WebSocket>,
    /// The client's close frame came, or there is none to wait for: over when all is sent.
    answered: bool,
    /// The client's bytes make no sense any more.
    blind: bool,
    /// The client has said that it closes; only if it does not is it told to.
    quiet: bool,
    until: u64,
}

impl Closing {
    /// `None` if there is nothing left to say.
    pub(super) fn new(transport: Transport, end: End, link: &Link, out: &mut Out) -> Option<Closing> {
        let (mut answered, mut blind, mut quiet) = (false, false, false);
        let ws = match transport {
            Transport::WebSocket(ws) => ws,
            Transport::Polling(polling) => return Closing::polling(*polling, end, link, out),
            Transport::Closing(_) | Transport::Closed => return None,
        };
        match end.farewell {
            Farewell::Gone => return None,
            Farewell::Silence => quiet = true,
            Farewell::Close(code) => {
                close_frame(out.after(&link.outbox), code);
                blind = code.is_some();
            }
            Farewell::Answer(code) => {
                close_frame(out.after(&link.outbox), code);
                answered = true;
            }
        }
        let until = Closing::patience(link, if quiet { QUIET } else { PATIENCE });
        Some(Closing { ws: Some(ws), answered, blind, quiet, until })
    }

    fn polling(polling: Polling, end: End, link: &Link, out: &mut Out) -> Option<Closing> {
        if let Some(probe) = polling.probe {
            ws::refuse(&link.engine, probe.into_ws());
        }
        let lost = deliver(link, out).is_err() || end.farewell == Farewell::Gone;
        let mut polls = link.polls()?;
        // Who breaks the rules of the transport is forgotten at once; else the client may fetch what is left.
        let orderly = match end.reason {
            Reason::ForcedClose | Reason::ForcedServerClose | Reason::ServerNamespaceDisconnect => true,
            // It waits for answers, and for nobody else.
            Reason::ServerShuttingDown => polls.has_ready(),
            _ => false,
        };
        let with = if end.farewell == Farewell::Silence { "6" } else { "1" };
        if !polls.end(with, orderly && !lost) || !orderly {
            link.set_via(Via::Nothing);
            return None;
        }
        drop(polls);
        let until = Closing::patience(link, PATIENCE);
        Some(Closing { ws: None, answered: false, blind: false, quiet: false, until })
    }

    fn patience(link: &Link, patience: u64) -> u64 {
        let until = link.engine.wheel.now() + patience;
        link.engine.wheel.set(link, until);
        until
    }

    pub(super) fn step(&mut self, link: &Link, buf: &mut [u8], out: &mut Out, cx: &mut Context<'_>) -> Step {
        let signals = link.take_signals();
        if signals & signal::ABORT != 0 {
            self.quiet = false;
            self.until = 0;
        }
        if signals & (signal::DUE | signal::ABORT) != 0 && link.engine.wheel.now() >= self.until {
            if !std::mem::take(&mut self.quiet) {
                if let Some(mut polls) = link.polls() {
                    polls.abandon();
                }
                return Step::Done;
            }
            close_frame(&mut out.bytes, None);
            self.until = Closing::patience(link, PATIENCE);
        }
        let Some(ws) = &mut self.ws else {
            // A poll fetches the rest.
            return if link.polls().is_none_or(|polls| polls.is_over()) { Step::Done } else { Step::Idle };
        };
        if ws.write(out, &link.outbox, usize::MAX, cx).is_err() || (self.answered && ws.is_flushed()) {
            return Step::Done;
        }
        match ws.read(buf, false, cx) {
            (Read::Nothing, _) => Step::Idle,
            (Read::End, _) => Step::Done,
            (Read::Bytes, n) => {
                if !self.blind {
                    let answered = &mut self.answered;
                    let items = ws.items(&mut buf[..n], link.engine.config.max_payload, |item| {
                        *answered |= matches!(item, Item::Close(_));
                        Ok::<_, Violation>(true)
                    });
                    self.blind = items.is_err();
                }
                // There may be more for as long as the client likes.
                Step::Yield
            }
        }
    }
}
