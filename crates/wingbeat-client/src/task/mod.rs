//! The task that owns the connection.
//!
//! Everything that has to agree lives here and nowhere else: what waits, what is under way, whether a login is running.
//! Handles send [commands](crate::command::Command); the task waits for them at every moment at which it waits at all.

mod login;
mod namespace;
mod session;

use crate::backoff;
use crate::command::{Command, Kind, Outbound};
use crate::connection::{ConnectionEvent, Reason};
use crate::fate::{Fate, copy, fated, unavailable};
use crate::shared::Shared;
use crate::transport::{Broken, Transport};
use login::Login;
pub(crate) use login::stored_login;
use namespace::{InFlight, Namespace, answer};
use session::End;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, Sleep, sleep, timeout};
use wingbeat_core::{Error, Result};

/// How many namespaces a client may use.
const MAX_NAMESPACES: usize = 64;

/// How exactly deadlines are kept: looking at all calls costs, so it is not done more often.
const TICK: Duration = Duration::from_millis(10);

pub(crate) struct Task {
    shared: Arc<Shared>,
    commands: mpsc::Receiver<Command>,
    // Weak: the task must not keep itself alive.
    handle: mpsc::WeakSender<Command>,
    namespaces: Vec<Namespace>,
    login: Login,
    wanted: bool,
    waiting_for_connection: Vec<oneshot::Sender<Result<()>>>,
    attempts: u32,
    /// Counts connections.
    connection: u64,
    alarm: Pin<Box<Sleep>>,
    alarm_at: Option<Instant>,
    closing: Vec<oneshot::Sender<()>>,
}

/// The client does not want the connection any more.
pub(crate) enum Stop {
    Disconnect,
    Close,
}

impl Task {
    pub(crate) fn spawn(shared: Arc<Shared>, commands: mpsc::Receiver<Command>, handle: mpsc::WeakSender<Command>) {
        let main = Namespace::new(shared.options.namespace.clone());
        let task = Task {
            shared,
            commands,
            handle,
            namespaces: vec![main],
            login: Login::default(),
            wanted: true,
            waiting_for_connection: Vec::new(),
            attempts: 0,
            connection: 0,
            alarm: Box::pin(sleep(Duration::from_secs(3600))),
            alarm_at: None,
            closing: Vec::new(),
        };
        tokio::spawn(task.run());
    }

    async fn run(mut self) {
        loop {
            let stop = if self.wanted { self.connected().await } else { self.idle().await };
            match stop {
                Some(Stop::Close) => break,
                Some(Stop::Disconnect) => self.halt(&fated(Error::unavailable("Disconnected"), Fate::NotSent)),
                None => {}
            }
        }
        // From here on commands are refused, and what is under way has failed.
        self.commands.close();
        self.halt(&fated(Error::unavailable("The client is closed"), Fate::NotSent));
        while let Some(command) = self.commands.recv().await {
            let _ = self.obey(command);
        }
        self.shared.close();
        for closing in self.closing {
            let _ = closing.send(());
        }
    }

    /// One connection, from the attempt to its end and the pause that follows.
    async fn connected(&mut self) -> Option<Stop> {
        let options = &self.shared.options;
        let (address, transports) = (options.address.clone(), options.transports.clone());
        let limit = options.connect_timeout;
        let opening = timeout(limit, async move { Transport::open(address, &transports).await });
        let opened = match self.meanwhile(Box::pin(opening)).await {
            Ok(Ok(opened)) => opened,
            Ok(Err(_)) => Err(Broken::timeout(limit)),
            Err(stop) => return Some(stop),
        };
        let end = match opened {
            Ok((transport, handshake)) => self.session(transport, &handshake).await,
            Err(broken) => End::Failed(unavailable(format!("Cannot connect: {broken}"), broken)),
        };
        match end {
            End::Stop(stop) => Some(stop),
            End::Lost(reason) => self.pause(reason).await,
            End::Failed(error) => {
                let will_retry = self.attempts < self.shared.options.reconnection.attempts;
                self.failed_to_connect(error, will_retry);
                if will_retry { self.wait_for_attempt().await } else { None }
            }
            End::Refused(error) => {
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
        self.halt(&fated(Error::unavailable(format!("Not connected ({reason})")), Fate::NotSent));
        None
    }

    async fn wait_for_attempt(&mut self) -> Option<Stop> {
        let delay = self.shared.options.reconnection.before(self.attempts, backoff::chance());
        self.attempts = self.attempts.saturating_add(1);
        self.shared.report(&ConnectionEvent::Reconnecting { attempt: self.attempts, delay });
        self.meanwhile(pin!(sleep(delay))).await.err()
    }

    fn failed_to_connect(&mut self, error: Error, will_retry: bool) {
        for waiting in self.waiting_for_connection.drain(..) {
            let _ = waiting.send(Err(copy(&error, Fate::NotSent)));
        }
        if !will_retry {
            self.halt(&error);
        }
        self.shared.report(&ConnectionEvent::ConnectFailed { error: Arc::new(error), will_retry });
    }

    /// Stays away until told to connect: what waits fails, and what comes fails at once.
    fn halt(&mut self, error: &Error) {
        self.wanted = false;
        self.attempts = 0;
        self.login.forget_running();
        for namespace in &mut self.namespaces {
            namespace.fail_waiting(error, false);
            namespace.gated = false;
            namespace.halted = Some(copy(error, Fate::NotSent));
        }
        for waiting in self.waiting_for_connection.drain(..) {
            let _ = waiting.send(Err(copy(error, Fate::NotSent)));
        }
    }

    /// Waits until somebody wants a connection.
    async fn idle(&mut self) -> Option<Stop> {
        while !self.wanted {
            tokio::select! {
                command = self.commands.recv() => {
                    let Some(command) = command else { return Some(Stop::Close) };
                    // Who is told to disconnect here is disconnected.
                    if let Some(Stop::Close) = self.obey(command) {
                        return Some(Stop::Close);
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
                command = self.commands.recv() => {
                    let Some(command) = command else { return Err(Stop::Close) };
                    if let Some(stop) = self.obey(command) {
                        return Err(stop);
                    }
                }
                () = &mut self.alarm => self.expire(),
            }
        }
    }

    /// Does what a handle asks for.
    fn obey(&mut self, command: Command) -> Option<Stop> {
        match command {
            Command::Emit(outbound) => self.emit(outbound),
            // Answers belong to the connection that asked; a session takes them before they come here.
            Command::Reply { .. } => {}
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

    fn emit(&mut self, outbound: Outbound) {
        let limits = self.shared.options.buffer;
        let login = outbound.kind == Kind::Login;
        let deadline = outbound.deadline;
        let Some(namespace) = self.namespace(&outbound.namespace) else {
            let error = Error::bad_request(format!("More than {MAX_NAMESPACES} namespaces"));
            return answer(outbound.answer, Err(fated(error, Fate::NotSent)));
        };
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

    fn alarm_by(&mut self, deadline: Instant) {
        if self.alarm_at.is_none_or(|at| deadline < at) {
            self.alarm_at = Some(deadline);
            self.alarm.as_mut().reset(deadline);
        }
    }

    fn expire(&mut self) {
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
    fn lose(&mut self, reason: Reason) {
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
