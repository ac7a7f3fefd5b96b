//! A handle of the connection: the last one that is dropped ends it.

use super::command_queue::Refused;
use super::task::Task;
use super::{Command, Kind, Options, Outcome, PendingCall, Shared, Unsent};
use crate::error::{Error, Problem, Result};
use std::sync::{Arc, Weak};

/// A handle of the connection: a cheap one. The connection ends with the last of them.
#[derive(Clone)]
pub(crate) struct ConnectionHandle(Arc<Handles>);

/// All handles together.
struct Handles(Arc<Shared>);

impl Drop for Handles {
    fn drop(&mut self) {
        self.0.commands.leave();
    }
}

/// A handle that keeps no connection.
#[derive(Clone)]
pub(crate) struct WeakConnection(Weak<Handles>);

impl WeakConnection {
    pub(crate) fn upgrade(&self) -> Option<ConnectionHandle> {
        self.0.upgrade().map(ConnectionHandle)
    }
}

impl ConnectionHandle {
    pub(crate) fn start(options: Options) -> ConnectionHandle {
        let handle = ConnectionHandle::alone(options);
        Task::spawn(handle.shared().clone(), handle.downgrade());
        handle
    }

    /// A connection without its task.
    pub(crate) fn alone(options: Options) -> ConnectionHandle {
        ConnectionHandle(Arc::new(Handles(Arc::new(Shared::new(options)))))
    }

    pub(crate) fn downgrade(&self) -> WeakConnection {
        WeakConnection(Arc::downgrade(&self.0))
    }

    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.0.0
    }

    pub(crate) fn send(&self, command: Command) -> Result<()> {
        self.shared().commands.push(command).map_err(|refused| match refused {
            Refused::Full => Error::NotSent(Problem::new("Too many calls wait to be sent")),
            Refused::Closed => Error::Closed,
        })
    }

    /// Hands a packet of the services' namespace to the task.
    pub(crate) fn submit(&self, kind: Kind, json: Vec<u8>) -> Result<Outcome> {
        let packet = Unsent { json, attachments: None };
        PendingCall::new(kind, &packet, self.shared().options.timeout).submit(packet, self.clone())
    }
}
