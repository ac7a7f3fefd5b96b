//! The connection: one task that keeps and renews it, what handles leave for that task, and the streams of what comes.

mod authentication;
mod backoff;
mod command;
mod command_queue;
mod connection_event;
mod event;
mod handle;
mod options;
mod pending_call;
mod queue;
mod shared;
mod storage;
mod task;

pub use backoff::Reconnection;
pub(crate) use command::{AckRequest, Answer, Command, Kind, MAX_ARGUMENTS, SUCCESS, received_error};
pub use connection_event::{ConnectionEvent, ConnectionEvents};
pub(crate) use event::Reply;
pub use event::{Event, Events, FromEvent};
pub(crate) use handle::{ConnectionHandle, WeakConnection};
pub(crate) use options::Options;
pub(crate) use pending_call::{Outbound, Outcome, PendingCall, QueuePosition, Unsent};
pub(crate) use queue::{Next, Queue, QueueLimits};
pub(crate) use shared::{Shared, Socket};
pub use storage::{FileStorage, MemoryStorage, Storage};
#[doc(hidden)]
pub use task::fuzzing;
