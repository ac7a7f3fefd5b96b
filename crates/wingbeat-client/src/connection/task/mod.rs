//! The task that owns the connection.
//!
//! Everything that has to agree lives here and nowhere else: what waits, what is under way, whether a login is running.
//! Handles send [commands](crate::connection::Command); the task waits for them at every moment at which it waits at all.

#[doc(hidden)]
pub mod fuzzing;
mod handle_commands;
mod login;
mod namespace;
mod received;
mod recovery;
mod session;

use crate::connection::{Command, ConnectionEvent, Shared, WeakConnection};
use crate::error::{Error, Problem, Result};
use crate::transport::{Broken, Reason, Transport};
use handle_commands::Inbox;
use login::Login;
use namespace::Namespace;
use session::SessionEnd;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::time::{Instant, Sleep, sleep, timeout};

pub(crate) struct Task {
    shared: Arc<Shared>,
    inbox: Inbox,
    // Weak: the task must not keep itself alive.
    handle: WeakConnection,
    namespaces: Vec<Namespace>,
    login: Login,
    wanted: bool,
    waiting_for_connection: Vec<oneshot::Sender<Result<()>>>,
    attempts: u32,
    /// Counts connections.
    connection: u64,
    alarm: Pin<Box<Sleep>>,
    alarm_at: Option<Instant>,
    /// When the connection itself is to be looked at.
    watch: Option<Instant>,
    closing: Vec<oneshot::Sender<()>>,
}

/// The client does not want the connection any more.
pub(crate) enum Stop {
    Disconnect,
    Close,
}

impl Task {
    pub(crate) fn spawn(shared: Arc<Shared>, handle: WeakConnection) {
        tokio::spawn(Task::new(shared, handle).run());
    }

    fn new(shared: Arc<Shared>, handle: WeakConnection) -> Task {
        let main = Namespace::new(shared.options.namespace.clone());
        Task {
            inbox: Inbox::new(shared.clone()),
            shared,
            handle,
            namespaces: vec![main],
            login: Login::default(),
            wanted: true,
            waiting_for_connection: Vec::new(),
            attempts: 0,
            connection: 0,
            alarm: Box::pin(sleep(Duration::from_secs(3600))),
            alarm_at: None,
            watch: None,
            closing: Vec::new(),
        }
    }

    async fn run(mut self) {
        loop {
            let stop = if self.wanted { self.connected().await } else { self.idle().await };
            match stop {
                Some(Stop::Close) => break,
                Some(Stop::Disconnect) => self.halt(&Error::NotConnected(Problem::new("Disconnected"))),
                None => {}
            }
        }
        // From here on commands are refused, and what is under way has failed.
        self.halt(&Error::Closed);
        for command in self.inbox.close() {
            match command {
                Command::Emit(outbound) => outbound.finish(Err(Error::Closed)),
                Command::Close(answer) => self.closing.push(answer),
                // Who waits for a connection sees that there is none.
                Command::Connect(_) | Command::Join(_) | Command::Disconnect | Command::Forget(_) => {}
            }
        }
        self.shared.close();
        for closing in std::mem::take(&mut self.closing) {
            let _ = closing.send(());
        }
    }

    /// One connection, from the attempt to its end and the pause that follows.
    async fn connected(&mut self) -> Option<Stop> {
        let options = &self.shared.options;
        let (address, transports) = (options.address.clone(), options.transports.clone());
        let limit = options.connect_timeout;
        let opening = timeout(limit, async move { Transport::open(address, &transports, limit).await });
        let opened = match self.meanwhile(Box::pin(opening)).await {
            Ok(Ok(opened)) => opened,
            Ok(Err(_)) => Err(Broken::timeout(limit)),
            Err(stop) => return Some(stop),
        };
        let end = match opened {
            Ok((transport, handshake)) => self.session(transport, &handshake).await,
            Err(broken) => {
                let problem = Problem::new(format!("Cannot connect: {broken}"));
                SessionEnd::Failed(Error::NotConnected(problem.with_source(broken)))
            }
        };
        match end {
            SessionEnd::Stop(stop) => Some(stop),
            SessionEnd::Lost(reason) => self.pause(reason).await,
            SessionEnd::Failed(error) => {
                let will_retry = self.attempts < self.shared.options.reconnection.attempts;
                self.failed_to_connect(error, will_retry);
                if will_retry { self.wait_for_attempt().await } else { None }
            }
            SessionEnd::Refused(error) => {
                self.failed_to_connect(error, false);
                None
            }
        }
    }

    async fn pause(&mut self, reason: Reason) -> Option<Stop> {
        let reconnection = self.shared.options.reconnection;
        let will_reconnect = self.attempts < reconnection.attempts
            && (reason != Reason::ServerDisconnect || reconnection.after_server_disconnect);
        self.shared.report(&ConnectionEvent::Disconnected { reason, will_reconnect });
        if will_reconnect {
            return self.wait_for_attempt().await;
        }
        self.halt(&Error::NotConnected(Problem::new(format!("Not connected ({reason})"))));
        None
    }

    async fn wait_for_attempt(&mut self) -> Option<Stop> {
        let delay = self.shared.options.reconnection.before(self.attempts, super::backoff::chance());
        self.attempts = self.attempts.saturating_add(1);
        self.shared.report(&ConnectionEvent::Reconnecting { attempt: self.attempts, delay });
        self.meanwhile(pin!(sleep(delay))).await.err()
    }

    fn failed_to_connect(&mut self, error: Error, will_retry: bool) {
        for waiting in self.waiting_for_connection.drain(..) {
            let _ = waiting.send(Err(error.clone()));
        }
        if !will_retry {
            self.halt(&error);
        }
        self.shared.report(&ConnectionEvent::ConnectFailed { error: Arc::new(error), will_retry });
    }

    /// Stays disconnected until the program connects again: what waits fails, and what comes fails at once.
    fn halt(&mut self, error: &Error) {
        self.wanted = false;
        self.attempts = 0;
        self.login.forget_running();
        for namespace in &mut self.namespaces {
            namespace.fail_waiting(error, false);
            namespace.halted = Some(error.clone());
        }
        for waiting in self.waiting_for_connection.drain(..) {
            let _ = waiting.send(Err(error.clone()));
        }
    }

    /// Waits until somebody wants a connection.
    async fn idle(&mut self) -> Option<Stop> {
        while !self.wanted {
            tokio::select! {
                filled = self.inbox.filled() => {
                    let stop = if filled { self.handle_commands() } else { Some(Stop::Close) };
                    if stop.is_some() {
                        return stop;
                    }
                }
                () = &mut self.alarm => self.expire(),
            }
        }
        None
    }

    /// Waits for the future, and does what handles ask for and what is due meanwhile.
    async fn meanwhile<F: Future + Unpin>(&mut self, mut future: F) -> Result<F::Output, Stop> {
        loop {
            tokio::select! {
                output = &mut future => return Ok(output),
                filled = self.inbox.filled() => {
                    if let Some(stop) = if filled { self.handle_commands() } else { Some(Stop::Close) } {
                        return Err(stop);
                    }
                }
                () = &mut self.alarm => self.expire(),
            }
        }
    }
}

impl Drop for Task {
    /// Ends the streams of listeners, also when the runtime ends or a storage panics.
    fn drop(&mut self) {
        self.shared.close();
    }
}
