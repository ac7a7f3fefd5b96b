//! A session: one task, which owns the transport and everything the client has going.

mod answers;
mod calls;
mod client;
mod closing;
mod end;
mod heartbeat;
mod namespaces;
mod polling;
mod turn_budget;
mod upgrade;
mod websocket;

pub(crate) use calls::guarded;

use crate::Reason;
use crate::engine::{SessionHandle, TransportState, signal};
use crate::outbox::WriteBuffer;
use crate::ws::WebSocket;
use client::Client;
use closing::Closing;
use end::SessionEnd;
use heartbeat::Heartbeat;
use polling::Polling;
use std::cell::Cell;
use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};

/// A session. As a future it ends when the session has.
pub(crate) struct Session {
    client: Client,
    transport: Transport,
    heartbeat: Heartbeat,
}

enum Transport {
    WebSocket(WebSocket),
    Polling(Box<Polling>),
    /// The sockets know; the client has yet to be told.
    Closing(Box<Closing>),
    Closed,
}

/// What a turn comes to.
enum Step {
    /// There may be more to do at once.
    Again,
    /// There is nothing to do until the task is woken.
    Idle,
    /// The same, and nothing that is queued can be sent: whoever queues more need not wake the task. Who takes what waits, or
    /// asks for it, does.
    Blocked,
    /// There is more to do, after others had their turn.
    Yield,
    /// The session is over.
    Done,
}

/// Memory that turns of all sessions on one thread share, so that an idle session needs none.
struct Scratch {
    read: Vec<u8>,
    out: WriteBuffer,
}

const READ: usize = 64 * 1024;
/// More than this is given back after a turn.
const KEEP: usize = 256 * 1024;

thread_local! {
    static SCRATCH: Cell<Option<Box<Scratch>>> = const { Cell::new(None) };
}

impl Session {
    /// A session on a WebSocket.
    pub(crate) fn on_websocket(handle: Arc<SessionHandle>, ws: WebSocket) -> Session {
        let heartbeat = Heartbeat::new(&handle);
        let mut client = Client::new(handle);
        client.set_leftover(ws.has_leftover());
        Session { client, transport: Transport::WebSocket(ws), heartbeat }
    }

    /// A session on HTTP long-polling.
    pub(crate) fn on_polling(handle: Arc<SessionHandle>) -> Session {
        let heartbeat = Heartbeat::new(&handle);
        Session { client: Client::new(handle), transport: Transport::Polling(Box::default()), heartbeat }
    }

    fn turn(&mut self, scratch: &mut Scratch, cx: &mut Context<'_>) -> Poll<()> {
        let Client { handle, budget, .. } = &mut self.client;
        handle.begin_turn(cx.waker());
        budget.begin(&handle.engine.config, || handle.engine.wheel.now());
        loop {
            let step = self.step(scratch, cx).unwrap_or_else(|end| self.close(end, &mut scratch.out));
            match step {
                Step::Again => {}
                Step::Yield => {
                    // Others' sockets are looked at before: tokio does that every 61 turns only for a task that wakes
                    // itself, which is 4 ms of one client's calls.
                    return pin!(tokio::task::yield_now()).poll(cx);
                }
                Step::Idle => {
                    let handle = &self.client.handle;
                    handle.end_turn();
                    if handle.outbox.is_empty() {
                        return Poll::Pending;
                    }
                    handle.begin_turn(cx.waker());
                }
                Step::Blocked => return Poll::Pending,
                Step::Done => return Poll::Ready(()),
            }
        }
    }

    fn step(&mut self, scratch: &mut Scratch, cx: &mut Context<'_>) -> Result<Step, SessionEnd> {
        let Scratch { read, out } = scratch;
        match &mut self.transport {
            Transport::WebSocket(ws) => out.begin(0, !ws.is_flushed()),
            Transport::Polling(_) | Transport::Closed => out.begin(self.client.handle.outbox.unsent(), false),
            Transport::Closing(closing) => {
                out.begin(0, closing.is_blocked());
                return Ok(closing.step(&self.client.handle, read, out, cx));
            }
        }
        self.signals(out)?;
        let more = self.client.finished(out, cx)?;
        self.client.work_off(out, cx)?;
        if self.client.handle.engine.is_closing() {
            if !self.client.is_busy() {
                return Err(SessionEnd::close(Reason::ServerShuttingDown));
            }
            self.client.reads_paused = true;
        }
        let step = match &mut self.transport {
            Transport::WebSocket(ws) => websocket::step(ws, &mut self.client, &mut self.heartbeat, read, out, cx)?,
            Transport::Polling(_) => self.polling_step(read, out, cx)?,
            Transport::Closing(_) | Transport::Closed => Step::Done,
        };
        self.heartbeat.arm(&self.client.handle);
        Ok(if more && matches!(step, Step::Idle | Step::Blocked) { Step::Again } else { step })
    }

    fn signals(&mut self, out: &mut WriteBuffer) -> Result<(), SessionEnd> {
        let handle = &self.client.handle;
        let signals = handle.take_signals();
        if signals == 0 {
            return Ok(());
        }
        if signals & signal::ABORT != 0 {
            return Err(SessionEnd::gone(Reason::ServerShuttingDown));
        }
        if signals & signal::FULL != 0 {
            return Err(SessionEnd::gone(Reason::OutboxFull));
        }
        if signals & signal::BROKEN != 0 {
            return Err(SessionEnd::close(Reason::TransportError));
        }
        if signals & signal::PUT_BACK != 0
            && let Transport::WebSocket(ws) = &mut self.transport
            && let Some(mut polls) = handle.polls()
        {
            // A poll died after the move: late, but not lost.
            ws.append(polls.take_ready());
        }
        if signals & signal::LEAVE != 0 {
            self.client.remove_leaving(out);
        }
        if signals & signal::BREAK_OFF != 0 {
            return Err(SessionEnd::close(Reason::TransportClose));
        }
        if signals & signal::TAKEN_OVER != 0 && self.client.is_taken_over() {
            // A connection that is dead never hears it. One that is not is another client with the same private id, which
            // would come back and take it over in turn.
            self.client.say_goodbye(out);
            return Err(SessionEnd::close(Reason::TransportClose));
        }
        if signals & signal::CLOSE != 0 {
            self.client.say_goodbye(out);
            return Err(SessionEnd::close(Reason::ServerNamespaceDisconnect));
        }
        if signals & signal::DUE != 0 {
            self.heartbeat.due(&self.client, out)?;
        }
        Ok(())
    }

    fn close(&mut self, end: SessionEnd, out: &mut WriteBuffer) -> Step {
        let handle = self.client.handle.clone();
        tracing::debug!(session = handle.id.as_str(), reason = end.reason.as_str(), "session ends");
        // What is queued until now is still sent: it stands before the action.
        self.client.end(end.reason);
        let transport = std::mem::replace(&mut self.transport, Transport::Closed);
        if matches!(transport, Transport::WebSocket(_)) {
            handle.set_transport(TransportState::Ended);
        }
        match Closing::new(transport, end, self.client.owes.get(), &handle, out) {
            Some(closing) => {
                self.transport = Transport::Closing(Box::new(closing));
                Step::Again
            }
            None => Step::Done,
        }
    }
}

impl Future for Session {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        // Taken out, not borrowed: the turn runs the handler's code, which may do anything.
        let mut scratch =
            SCRATCH.take().unwrap_or_else(|| Box::new(Scratch { read: vec![0; READ], out: WriteBuffer::default() }));
        let poll = self.get_mut().turn(&mut scratch, cx);
        scratch.out.clear();
        if scratch.out.bytes.capacity() > KEEP {
            scratch.out.bytes = Vec::new();
        }
        SCRATCH.set(Some(scratch));
        poll
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        let handle = &self.client.handle;
        handle.set_transport(TransportState::Ended);
        if let Some(mut polls) = handle.polls() {
            polls.abandon_unless_last();
        }
        handle.outbox.abandon(&handle.engine.ledger);
        handle.engine.unregister(handle);
        // Only a runtime that shuts down drops a session that has sockets.
        self.client.end(Reason::ServerShuttingDown);
    }
}
