//! What handles ask for, and what is due.

use super::namespace::{InFlight, Namespace, answer, nobody_asks};
use super::{Stop, Task};
use crate::command::{Command, Kind, Outbound};
use crate::connection::Reason;
use crate::fate::{Fate, copy, fated};
use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::Instant;
use wingbeat_core::Error;

/// How many namespaces a client may use.
const MAX_NAMESPACES: usize = 64;

/// How exactly deadlines are kept: looking at all calls costs, so it is not done more often.
const TICK: Duration = Duration::from_millis(10);

/// How many commands are taken at a time.
const BATCH: usize = 64;

/// Commands that have come and are not yet obeyed.
pub(crate) struct Inbox {
    commands: mpsc::Receiver<Command>,
    batch: Vec<Command>,
}

impl Inbox {
    pub(crate) fn new(commands: mpsc::Receiver<Command>) -> Inbox {
        Inbox { commands, batch: Vec::new() }
    }

    /// Waits until there is something to obey; false once all handles are gone.
    pub(crate) async fn filled(&mut self) -> bool {
        poll_fn(|cx| self.poll_filled(cx)).await
    }

    pub(crate) fn poll_filled(&mut self, cx: &mut Context<'_>) -> Poll<bool> {
        if !self.batch.is_empty() {
            return Poll::Ready(true);
        }
        self.commands.poll_recv_many(cx, &mut self.batch, BATCH).map(|received| received > 0)
    }

    /// Takes no more commands, and gives those that have come.
    pub(crate) async fn close(&mut self) -> Vec<Command> {
        self.commands.close();
        while self.commands.recv_many(&mut self.batch, BATCH).await > 0 {}
        std::mem::take(&mut self.batch)
    }
}

impl Task {
    /// Does what handles have asked for, up to the command that ends what is under way: what was asked for after it
    /// is meant for the time after it.
    pub(crate) fn obey(&mut self) -> Option<Stop> {
        let mut batch = std::mem::take(&mut self.inbox.batch);
        let mut commands = batch.drain(..);
        let stop = commands.find_map(|command| self.command(command));
        let rest: Vec<Command> = commands.collect();
        self.inbox.batch = if rest.is_empty() { batch } else { rest };
        stop
    }

    fn command(&mut self, command: Command) -> Option<Stop> {
        match command {
            Command::Emit(outbound) => self.emit(outbound),
            Command::Join(name) => {
                if let Some(namespace) = self.namespace(&name).filter(|namespace| !namespace.joined) {
                    namespace.asked = false;
                    namespace.halted = None;
                }
            }
            Command::Connect(answer) => {
                if self.shared.socket_id().is_some() {
                    let _ = answer.send(Ok(()));
                } else {
                    self.wanted = true;
                    self.namespaces.iter_mut().for_each(|namespace| namespace.halted = None);
                    self.waiting_for_connection.retain(|waiting| !waiting.is_closed());
                    self.waiting_for_connection.push(answer);
                }
            }
            Command::Disconnect => return Some(Stop::Disconnect),
            Command::Close(answer) => {
                self.closing.push(answer);
                return Some(Stop::Close);
            }
        }
        None
    }

    pub(crate) fn emit(&mut self, outbound: Box<Outbound>) {
        let limits = self.shared.options.buffer;
        let login = outbound.kind == Kind::Login;
        let connection = self.connection;
        let deadline = outbound.deadline;
        let Some(namespace) = self.namespace(&outbound.namespace) else {
            let error = Error::bad_request(format!("More than {MAX_NAMESPACES} namespaces"));
            return answer(outbound.answer, Err(fated(error, Fate::NotSent)));
        };
        if outbound.asked.as_ref().is_some_and(|asked| asked.connection != connection || !namespace.joined) {
            return answer(outbound.answer, Err(nobody_asks()));
        }
        if let Some(error) = &namespace.halted {
            let error = copy(error, Fate::NotSent);
            return answer(outbound.answer, Err(error));
        }
        if let Err(refused) = namespace.push(outbound, limits) {
            let error = Error::unavailable("Too many calls wait to be sent");
            return answer(refused.answer, Err(fated(error, Fate::NotSent)));
        }
        if login {
            namespace.gated = true;
            self.login.begin();
        }
        self.alarm_by(deadline);
    }

    fn namespace(&mut self, name: &Arc<str>) -> Option<&mut Namespace> {
        let at = self.namespaces.iter().position(|namespace| namespace.name == *name);
        match at {
            Some(at) => self.namespaces.get_mut(at),
            None if self.namespaces.len() >= MAX_NAMESPACES => None,
            None => {
                let mut namespace = Namespace::new(name.clone());
                namespace.halted = self.namespaces[0].halted.as_ref().map(|error| copy(error, Fate::NotSent));
                self.namespaces.push(namespace);
                self.namespaces.last_mut()
            }
        }
    }

    pub(crate) fn alarm_by(&mut self, deadline: Instant) {
        if self.alarm_at.is_none_or(|at| deadline < at) {
            self.alarm_at = Some(deadline);
            self.alarm.as_mut().reset(deadline);
        }
    }

    pub(crate) fn expire(&mut self) {
        let now = Instant::now();
        self.alarm_at = None;
        self.alarm.as_mut().reset(now + Duration::from_secs(3600));
        for at in 0..self.namespaces.len() {
            let (expired, next) = self.namespaces[at].expire(now);
            for (kind, responder, error) in expired {
                self.finish(at, kind, responder, Err(error));
            }
            if let Some(next) = next {
                self.alarm_by(next.max(now + TICK));
            }
        }
    }

    /// Fails what was under way when the connection went.
    pub(crate) fn lose(&mut self, reason: Reason) {
        for at in 0..self.namespaces.len() {
            for InFlight { kind, answer, .. } in self.namespaces[at].lost() {
                match (kind, answer) {
                    // Nobody waits for it, and the next connection begins with another.
                    (Kind::Login, None) => self.login.forget_one(),
                    (kind, answer) => self.finish(at, kind, answer, Err(InFlight::lost(reason.as_str()))),
                }
            }
        }
    }
}
