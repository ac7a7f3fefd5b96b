//! Where handles leave what the connection's task is to do.

use super::{Command, QueueLimits};
use crate::locked;
use std::sync::Mutex;
use std::task::{Context, Poll, Waker};

/// Commands that the task has not taken yet.
pub(crate) struct CommandQueue {
    limits: QueueLimits,
    state: Mutex<State>,
}

struct State {
    commands: Vec<Command>,
    bytes: usize,
    /// The task, while it sleeps: who comes first wakes it.
    task: Option<Waker>,
    /// Whether there are handles that may still leave something.
    has_handles: bool,
    /// Whether there is a task that takes it.
    has_task: bool,
}

/// Why a command was not accepted.
pub(crate) enum Refused {
    Full,
    /// The client has ended.
    Closed,
}

/// What an empty queue keeps for the next commands.
const KEEP: usize = 64;

impl CommandQueue {
    /// Takes as much as may wait in the buffer behind it.
    pub(crate) fn new(limits: QueueLimits) -> CommandQueue {
        let state = State { commands: Vec::new(), bytes: 0, task: None, has_handles: true, has_task: true };
        CommandQueue { limits: QueueLimits { items: limits.items.max(256), ..limits }, state: Mutex::new(state) }
    }

    /// Leaves a command, which is handed back by dropping it if it is refused.
    pub(crate) fn push(&self, command: Command) -> Result<(), Refused> {
        let bytes = command.bytes();
        let mut state = locked(&self.state);
        if !state.has_task {
            return Err(Refused::Closed);
        }
        if !command.is_always_taken() && !state.commands.is_empty() {
            let bytes = state.bytes.saturating_add(bytes);
            if state.commands.len() >= self.limits.items || bytes > self.limits.bytes {
                return Err(Refused::Full);
            }
        }
        state.bytes += bytes;
        state.commands.push(command);
        let task = state.task.take();
        drop(state);
        if let Some(task) = task {
            task.wake();
        }
        Ok(())
    }

    /// The last handle is gone.
    pub(crate) fn leave(&self) {
        let mut state = locked(&self.state);
        state.has_handles = false;
        let task = state.task.take();
        drop(state);
        if let Some(task) = task {
            task.wake();
        }
    }

    /// Takes all that was left; false once nothing will be any more.
    pub(crate) fn poll_take(&self, cx: &mut Context<'_>, taken: &mut Vec<Command>) -> Poll<bool> {
        let mut state = locked(&self.state);
        if !state.commands.is_empty() {
            state.bytes = 0;
            std::mem::swap(&mut state.commands, taken);
            return Poll::Ready(true);
        }
        if !state.has_handles {
            return Poll::Ready(false);
        }
        state.commands.shrink_to(KEEP);
        taken.shrink_to(KEEP);
        match &mut state.task {
            Some(task) => task.clone_from(cx.waker()),
            none => *none = Some(cx.waker().clone()),
        }
        Poll::Pending
    }

    /// Accepts nothing more, and gives what is left.
    pub(crate) fn close(&self) -> Vec<Command> {
        let mut state = locked(&self.state);
        state.has_task = false;
        state.task = None;
        std::mem::take(&mut state.commands)
    }
}
