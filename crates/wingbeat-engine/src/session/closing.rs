//! Taking leave of the client, after its sockets are gone.

use super::end::{CloseAction, SessionEnd};
use super::polling::{Polling, deliver};
use super::{Step, Transport};
use crate::Reason;
use crate::engine::{SessionHandle, TransportState, refuse, signal};
use crate::outbox::WriteBuffer;
use crate::ws::{Item, LINGER, ReadOutcome, Violation, WebSocket, close_frame};
use std::task::Context;

/// How long a client has to take what it is still sent, or to fetch the close packet, in milliseconds.
const PATIENCE: u64 = 10_000;
/// How long a client that has sent the close packet has to close by itself.
const PEER_CLOSE: u64 = 300;
/// How long a client has to end when all was said (RFC 6455, 7.1.1), and how long at the end of the server, where nobody
/// is waited for but who is owed an answer.
const MOMENT: u64 = LINGER.as_millis() as u64;

/// A transport on which the last has to be said.
pub(super) struct Closing {
    ws: Option<WebSocket>,
    /// The client has announced that it closes. If it does not, the server closes.
    awaiting_peer_close: bool,
    /// All was said, the close frame last: what the client still sends is read and forgotten.
    ended: bool,
    /// Answers to calls are among what the client has not taken.
    owes: bool,
    until: u64,
}

impl Closing {
    /// `None` if there is nothing left to say.
    pub(super) fn new(
        transport: Transport,
        end: SessionEnd,
        owes: bool,
        handle: &SessionHandle,
        out: &mut WriteBuffer,
    ) -> Option<Closing> {
        let ws = match transport {
            Transport::WebSocket(ws) => ws,
            Transport::Polling(polling) => return Closing::polling(*polling, end, owes, handle, out),
            Transport::Closing(_) | Transport::Closed => return None,
        };
        match end.action {
            CloseAction::Gone => return None,
            CloseAction::Silence => {}
            CloseAction::Close(code) | CloseAction::Answer(code) => say_close(code, handle, out),
        }
        let awaiting_peer_close = end.action == CloseAction::Silence;
        let patience = if awaiting_peer_close { PEER_CLOSE } else { Closing::patience(handle, owes) };
        let until = Closing::wait(handle, patience);
        Some(Closing { ws: Some(ws), awaiting_peer_close, ended: false, owes, until })
    }

    fn polling(
        polling: Polling,
        end: SessionEnd,
        owes: bool,
        handle: &SessionHandle,
        out: &mut WriteBuffer,
    ) -> Option<Closing> {
        if let Some(probe) = polling.probe {
            refuse(&handle.engine, probe.into_ws());
        }
        let queued = deliver(handle, out).left;
        let mut polls = handle.polls()?;
        let closing = handle.engine.is_closing();
        let owes = owes && (queued || polls.has_ready());
        // Who breaks the rules of the transport is forgotten at once; else the client may fetch what is left.
        let forgotten = !matches!(
            end.reason,
            Reason::ForcedClose
                | Reason::ForcedServerClose
                | Reason::ServerNamespaceDisconnect
                | Reason::ServerShuttingDown
        );
        let orderly = !forgotten && end.action != CloseAction::Gone && (owes || !closing);
        // There are clients that never come back after a close packet. Without one, they see that the session is gone.
        let with = if end.action == CloseAction::Silence || closing { "6" } else { "1" };
        if !polls.end(with, orderly, queued) || !orderly {
            handle.set_transport(TransportState::Ended);
            return None;
        }
        drop(polls);
        let until = Closing::wait(handle, PATIENCE);
        Some(Closing { ws: None, awaiting_peer_close: false, ended: false, owes, until })
    }

    /// How long a client may take for what it is still sent.
    fn patience(handle: &SessionHandle, owes: bool) -> u64 {
        if owes || !handle.engine.is_closing() { PATIENCE } else { MOMENT }
    }

    fn wait(handle: &SessionHandle, patience: u64) -> u64 {
        let until = handle.engine.wheel.now() + patience;
        handle.engine.wheel.set(handle, until);
        until
    }

    /// Whether the client takes nothing now.
    pub(super) fn is_blocked(&self) -> bool {
        self.ws.as_ref().is_some_and(|ws| !ws.is_flushed())
    }

    pub(super) fn step(
        &mut self,
        handle: &SessionHandle,
        buf: &mut [u8],
        out: &mut WriteBuffer,
        cx: &mut Context<'_>,
    ) -> Step {
        let signals = handle.take_signals();
        if signals & (signal::ABORT | signal::FULL) != 0 {
            return self.give_up(handle);
        }
        if signals & signal::SHUTDOWN != 0 && !self.owes {
            self.until = self.until.min(Closing::wait(handle, MOMENT));
            if self.ws.is_none() {
                return self.give_up(handle);
            }
        }
        if signals & signal::DUE != 0 && handle.engine.wheel.now() >= self.until {
            if !std::mem::take(&mut self.awaiting_peer_close) {
                return self.give_up(handle);
            }
            say_close(None, handle, out);
            self.until = Closing::wait(handle, Closing::patience(handle, self.owes));
        }
        let Some(ws) = &mut self.ws else {
            // Polls fetch the rest.
            deliver(handle, out);
            return if handle.polls().is_none_or(|polls| polls.is_over()) { Step::Done } else { Step::Blocked };
        };
        let mut more = false;
        if !self.ended {
            match ws.write(out, &handle.outbox, &handle.engine.ledger, cx) {
                Ok(left) => more = left,
                Err(_) => return Step::Done,
            }
            if !self.awaiting_peer_close && ws.is_flushed() && !more && ws.end(cx).is_ready() {
                self.ended = true;
                self.until = Closing::wait(handle, MOMENT);
            }
        }
        match ws.read(buf, false, cx) {
            (ReadOutcome::Nothing, _) if more => Step::Yield,
            // Nothing more is queued.
            (ReadOutcome::Nothing, _) => Step::Blocked,
            (ReadOutcome::SessionEnd, _) => Step::Done,
            (ReadOutcome::Bytes, n) => {
                if self.awaiting_peer_close {
                    let mut answer = None;
                    let items = ws.items(&mut buf[..n], handle.engine.config.max_payload, |item| {
                        if let Item::Close(code) = item {
                            answer = Some(code);
                        }
                        Ok::<_, Violation>(answer.is_none())
                    });
                    if let Some(code) = items.err().map(|violation| Some(violation.code())).or(answer) {
                        self.awaiting_peer_close = false;
                        say_close(code, handle, out);
                        self.until = Closing::wait(handle, Closing::patience(handle, self.owes));
                        return Step::Again;
                    }
                }
                // There may be more for as long as the client likes.
                Step::Yield
            }
        }
    }

    fn give_up(&self, handle: &SessionHandle) -> Step {
        if let Some(mut polls) = handle.polls() {
            polls.abandon();
        }
        Step::Done
    }
}

/// A close frame behind all that waits.
fn say_close(code: Option<u16>, handle: &SessionHandle, out: &mut WriteBuffer) {
    if out.follows(&handle.outbox, &handle.engine.ledger) {
        return close_frame(&mut out.bytes, code);
    }
    let mut bytes = Vec::new();
    close_frame(&mut bytes, code);
    handle.append(bytes.into());
}
