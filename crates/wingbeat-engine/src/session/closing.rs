//! Taking leave of the client, after its sockets are gone.

use super::end::{End, Farewell};
use super::polling::{Polling, deliver};
use super::{Step, Transport};
use crate::Reason;
use crate::link::{Link, Via, signal};
use crate::out::Out;
use crate::serve::LINGER;
use crate::ws::{self, Item, Read, Violation, WebSocket, close_frame};
use std::task::Context;

/// How long a client has to take what it is still sent, or to fetch the close packet, in milliseconds.
const PATIENCE: u64 = 10_000;
/// How long a client that has sent the close packet has to close by itself.
const QUIET: u64 = 300;
/// How long a client has to end when all was said (RFC 6455, 7.1.1), and how long at the end of the server, where nobody
/// is waited for but who is owed an answer.
const MOMENT: u64 = LINGER.as_millis() as u64;

/// A transport on which the last has to be said.
pub(super) struct Closing {
    ws: Option<WebSocket>,
    /// The client has said that it closes; only if it does not is it told to.
    quiet: bool,
    /// All was said, the close frame last: what the client still sends is read and forgotten.
    ended: bool,
    /// Answers to calls are among what the client has not taken.
    owes: bool,
    until: u64,
}

impl Closing {
    /// `None` if there is nothing left to say.
    pub(super) fn new(transport: Transport, end: End, owes: bool, link: &Link, out: &mut Out) -> Option<Closing> {
        let ws = match transport {
            Transport::WebSocket(ws) => ws,
            Transport::Polling(polling) => return Closing::polling(*polling, end, owes, link, out),
            Transport::Closing(_) | Transport::Closed => return None,
        };
        match end.farewell {
            Farewell::Gone => return None,
            Farewell::Silence => {}
            Farewell::Close(code) | Farewell::Answer(code) => say_close(code, link, out),
        }
        let quiet = end.farewell == Farewell::Silence;
        let patience = if quiet { QUIET } else { Closing::patience(link, owes) };
        let until = Closing::wait(link, patience);
        Some(Closing { ws: Some(ws), quiet, ended: false, owes, until })
    }

    fn polling(polling: Polling, end: End, owes: bool, link: &Link, out: &mut Out) -> Option<Closing> {
        if let Some(probe) = polling.probe {
            ws::refuse(&link.engine, probe.into_ws());
        }
        let queued = deliver(link, out).left;
        let mut polls = link.polls()?;
        let closing = link.engine.is_closing();
        let owes = owes && (queued || polls.has_ready());
        // Who breaks the rules of the transport is forgotten at once; else the client may fetch what is left.
        let forgotten = !matches!(
            end.reason,
            Reason::ForcedClose
                | Reason::ForcedServerClose
                | Reason::ServerNamespaceDisconnect
                | Reason::ServerShuttingDown
        );
        let orderly = !forgotten && end.farewell != Farewell::Gone && (owes || !closing);
        // There are clients that never come back after a close packet. Without one, they see that the session is gone.
        let with = if end.farewell == Farewell::Silence || closing { "6" } else { "1" };
        if !polls.end(with, orderly, queued) || !orderly {
            link.set_via(Via::Nothing);
            return None;
        }
        drop(polls);
        let until = Closing::wait(link, PATIENCE);
        Some(Closing { ws: None, quiet: false, ended: false, owes, until })
    }

    /// How long a client may take for what it is still sent.
    fn patience(link: &Link, owes: bool) -> u64 {
        if owes || !link.engine.is_closing() { PATIENCE } else { MOMENT }
    }

    fn wait(link: &Link, patience: u64) -> u64 {
        let until = link.engine.wheel.now() + patience;
        link.engine.wheel.set(link, until);
        until
    }

    /// Whether the client takes nothing now.
    pub(super) fn is_blocked(&self) -> bool {
        self.ws.as_ref().is_some_and(|ws| !ws.is_flushed())
    }

    pub(super) fn step(&mut self, link: &Link, buf: &mut [u8], out: &mut Out, cx: &mut Context<'_>) -> Step {
        let signals = link.take_signals();
        if signals & (signal::ABORT | signal::FULL) != 0 {
            return self.give_up(link);
        }
        if signals & signal::SHUTDOWN != 0 && !self.owes {
            self.until = self.until.min(Closing::wait(link, MOMENT));
            if self.ws.is_none() {
                return self.give_up(link);
            }
        }
        if signals & signal::DUE != 0 && link.engine.wheel.now() >= self.until {
            if !std::mem::take(&mut self.quiet) {
                return self.give_up(link);
            }
            say_close(None, link, out);
            self.until = Closing::wait(link, Closing::patience(link, self.owes));
        }
        let Some(ws) = &mut self.ws else {
            // Polls fetch the rest.
            deliver(link, out);
            return if link.polls().is_none_or(|polls| polls.is_over()) { Step::Done } else { Step::Blocked };
        };
        let mut more = false;
        if !self.ended {
            match ws.write(out, &link.outbox, &link.engine.ledger, cx) {
                Ok(left) => more = left,
                Err(_) => return Step::Done,
            }
            if !self.quiet && ws.is_flushed() && !more && ws.end(cx).is_ready() {
                self.ended = true;
                self.until = Closing::wait(link, MOMENT);
            }
        }
        match ws.read(buf, false, cx) {
            (Read::Nothing, _) if more => Step::Yield,
            // Nothing more is queued.
            (Read::Nothing, _) => Step::Blocked,
            (Read::End, _) => Step::Done,
            (Read::Bytes, n) => {
                if self.quiet {
                    let mut answer = None;
                    let items = ws.items(&mut buf[..n], link.engine.config.max_payload, |item| {
                        if let Item::Close(code) = item {
                            answer = Some(code);
                        }
                        Ok::<_, Violation>(answer.is_none())
                    });
                    if let Some(code) = items.err().map(|violation| Some(violation.code())).or(answer) {
                        self.quiet = false;
                        say_close(code, link, out);
                        self.until = Closing::wait(link, Closing::patience(link, self.owes));
                        return Step::Again;
                    }
                }
                // There may be more for as long as the client likes.
                Step::Yield
            }
        }
    }

    fn give_up(&self, link: &Link) -> Step {
        if let Some(mut polls) = link.polls() {
            polls.abandon();
        }
        Step::Done
    }
}

/// A close frame behind all that waits.
fn say_close(code: Option<u16>, link: &Link, out: &mut Out) {
    if out.follows(&link.outbox, &link.engine.ledger) {
        return close_frame(&mut out.bytes, code);
    }
    let mut bytes = Vec::new();
    close_frame(&mut bytes, code);
    link.append(bytes.into());
}
