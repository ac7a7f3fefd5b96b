//! What handles ask for, and what is due.

use super::namespace::{Namespace, lost_error, nobody_asks};
use super::{Stop, Task};
use crate::connection::{Command, Kind, Outbound, Shared};
use crate::error::{Error, Problem};
use crate::transport::Reason;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::time::Instant;

/// How many namespaces a client may use.
const MAX_NAMESPACES: usize = 64;

/// How exactly deadlines are kept: looking at all calls costs, so it is not done more often.
const TICK: Duration = Duration::from_millis(10);

/// Further away than anything that is waited for.
const FAR: Duration = Duration::from_secs(3600);

/// Commands that have come and are not yet obeyed.
pub(crate) struct Inbox {
    shared: Arc<Shared>,
    batch: Vec<Command>,
}

impl Inbox {
    pub(crate) fn new(shared: Arc<Shared>) -> Inbox {
        Inbox { shared, batch: Vec::new() }
    }

    /// Waits until there is a command; false once all handles are gone.
    pub(crate) async fn filled(&mut self) -> bool {
        poll_fn(|cx| self.poll_filled(cx)).await
    }

    pub(crate) fn poll_filled(&mut self, cx: &mut Context<'_>) -> Poll<bool> {
        if !self.batch.is_empty() {
            return Poll::Ready(true);
        }
        self.shared.commands.poll_take(cx, &mut self.batch)
    }

    /// Takes no more commands, and gives those that have come.
    pub(crate) fn close(&mut self) -> Vec<Command> {
        let mut left = std::mem::take(&mut self.batch);
        left.extend(self.shared.commands.close());
        left
    }
}

impl Drop for Inbox {
    /// Fails the commands that are left, whatever has ended the task.
    fn drop(&mut self) {
        drop(self.close());
    }
}

impl Task {
    /// Does what handles have asked for, up to the command that ends what is under way: what was asked for after it
    /// is meant for the time after it.
    pub(crate) fn handle_commands(&mut self) -> Option<Stop> {
        let mut batch = std::mem::take(&mut self.inbox.batch);
        let mut commands = batch.drain(..);
        let mut now = None;
        let stop = commands.find_map(|command| self.command(command, &mut now));
        let rest: Vec<Command> = commands.collect();
        self.inbox.batch = if rest.is_empty() { batch } else { rest };
        stop
    }

    fn command(&mut self, command: Command, now: &mut Option<Instant>) -> Option<Stop> {
        match command {
            Command::Emit(outbound) => self.emit(outbound, *now.get_or_insert_with(Instant::now)),
            Command::Forget(pending) => {
                if let Some(at) = self.namespace(pending.namespace.as_ref()) {
                    self.namespaces[at].forget(&pending);
                }
            }
            Command::Join(name) => {
                // A new one is asked for by itself; a second CONNECT is for those that were refused or sent away.
                if let Some(at) = self.namespace(Some(&name))
                    && self.wanted
                    && self.namespaces[at].halted.take().is_some()
                {
                    self.namespaces[at].asked = false;
                }
            }
            Command::Connect(answer) => {
                if self.shared.socket().is_some() {
                    let _ = answer.send(Ok(()));
                } else {
                    if !self.wanted {
                        self.wanted = true;
                        self.namespaces.iter_mut().for_each(|namespace| namespace.halted = None);
                    }
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

    fn emit(&mut self, mut outbound: Outbound, now: Instant) {
        let deadline = outbound.begin(now);
        let limits = self.shared.options.buffer;
        let pending = &outbound.pending;
        let is_login = pending.kind == Kind::Login;
        let Some(at) = self.namespace(pending.namespace.as_ref()) else {
            return outbound.finish(Err(Error::invalid(format!("More than {MAX_NAMESPACES} namespaces"))));
        };
        let namespace = &mut self.namespaces[at];
        let connection = self.connection;
        if pending.asked.as_ref().is_some_and(|asked| asked.connection != connection || !namespace.is_open()) {
            return outbound.finish(Err(nobody_asks()));
        }
        if let Some(error) = &namespace.halted {
            let error = error.clone();
            return outbound.finish(Err(error));
        }
        if let Err(refused) = namespace.push(outbound, limits) {
            return refused.finish(Err(Error::NotSent(Problem::new("Too many calls wait to be sent"))));
        }
        if is_login {
            self.login.begin();
        }
        self.alarm_by(deadline);
    }

    /// Where a namespace is; `None` names that of the services. No place if there are too many.
    fn namespace(&mut self, name: Option<&Arc<str>>) -> Option<usize> {
        let Some(name) = name else { return Some(0) };
        let at = self.namespaces.iter().position(|namespace| namespace.name == *name);
        if at.is_none() && self.namespaces.len() < MAX_NAMESPACES {
            let mut namespace = Namespace::new(name.clone());
            namespace.halted = self.namespaces[0].halted.clone();
            self.namespaces.push(namespace);
            return Some(self.namespaces.len() - 1);
        }
        at
    }

    /// Looks at the connection itself no later than this.
    pub(super) fn watch_until(&mut self, moment: Instant) {
        self.watch = Some(moment);
        self.alarm_by(moment);
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
        self.alarm.as_mut().reset(now + FAR);
        for at in 0..self.namespaces.len() {
            let (expired, next) = self.namespaces[at].expire(now);
            for (outbound, error) in expired {
                self.finish(at, outbound, Err(error));
            }
            if let Some(next) = next {
                self.alarm_by(next.max(now + TICK));
            }
        }
        if let Some(watch) = self.watch {
            self.alarm_by(watch.max(now + TICK));
        }
    }

    /// Fails what was under way when the connection went.
    pub(crate) fn lose(&mut self, reason: Reason) {
        for at in 0..self.namespaces.len() {
            for outbound in self.namespaces[at].lost() {
                if outbound.is_own() {
                    // The next connection begins with another.
                    self.login.forget_one();
                } else {
                    self.finish(at, outbound, Err(lost_error(reason.as_str())));
                }
            }
        }
    }
}
