//! What callers want of the database, for the threads that do it.

use super::error::worded;
use crate::fair::Source;
use crate::store::predictor::Slots;
use rusqlite::Connection;
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Instant;
use tokio::sync::oneshot::Sender;
use wingbeat_core::{Error, Result};

/// One call's work, as it waits.
pub(super) struct Job {
    pub(super) number: u64,
    pub(super) source: Source,
    pub(super) since: Instant,
    /// Whether it may take long: such work did before, or is code of the application's own.
    pub(super) may_be_long: bool,
    /// Where it is remembered how long it took, until it is.
    pub(super) place: Option<Slots>,
    pub(super) standing: Arc<Standing>,
    pub(super) work: Work,
}

/// What a job and its caller have to tell each other. Changed with the line locked.
#[derive(Default)]
pub(super) struct Standing {
    /// Whether the client has gone, who left it to be done.
    pub(super) is_left_behind: AtomicBool,
    /// Whether it waits no longer.
    pub(super) is_taken: AtomicBool,
}

pub(super) enum Work {
    Read(Box<dyn Read>),
    Write(Box<dyn Write>),
}

/// Work that changes nothing.
pub(super) trait Read: Send {
    /// Whether its caller still waits.
    fn is_wanted(&self) -> bool;
    /// Does it. May be called again, where it was interrupted.
    fn run(&mut self, connection: &Connection);
    /// Answers the caller with what was read.
    fn answer(self: Box<Self>);
    fn refuse(self: Box<Self>, error: Error);
}

/// Work within a transaction that may be shared with others.
pub(super) trait Write: Send {
    /// Whether its caller still waits.
    fn is_wanted(&self) -> bool;
    /// Whether it can run only once, and so shares its transaction with nobody.
    fn is_alone(&self) -> bool;
    /// Does it. May be called again, when the transaction was lost.
    fn run(&mut self, connection: &Connection) -> Result<()>;
    /// Says what was written.
    fn note(&self);
    /// Answers the caller: with what was done, or with an error.
    fn answer(self: Box<Self>, outcome: Result<()>);
}

impl Job {
    pub(super) fn is_wanted(&self) -> bool {
        match &self.work {
            Work::Read(read) => read.is_wanted(),
            Work::Write(write) => write.is_wanted(),
        }
    }

    pub(super) fn refuse(self, error: Error) {
        match self.work {
            Work::Read(read) => read.refuse(error),
            Work::Write(write) => write.answer(Err(error)),
        }
    }
}

pub(super) struct Reading<F, T> {
    pub(super) work: F,
    pub(super) done: Option<Result<T>>,
    pub(super) answer: Sender<Result<T>>,
}

impl<F, T> Read for Reading<F, T>
where
    F: FnMut(&Connection) -> Result<T> + Send,
    T: Send,
{
    fn is_wanted(&self) -> bool {
        !self.answer.is_closed()
    }

    fn run(&mut self, connection: &Connection) {
        self.done = Some(contained(|| (self.work)(connection)));
    }

    fn answer(self: Box<Self>) {
        let Reading { done, answer, .. } = *self;
        // An error means that the caller has gone.
        let _ = answer.send(done.unwrap_or_else(|| Err(Error::general("A read was answered undone"))));
    }

    fn refuse(self: Box<Self>, error: Error) {
        let _ = self.answer.send(Err(error));
    }
}

pub(super) struct Writing<F, N, T> {
    pub(super) work: F,
    pub(super) note: N,
    pub(super) is_alone: bool,
    pub(super) done: Option<T>,
    pub(super) answer: Sender<Result<T>>,
}

impl<F, N, T> Write for Writing<F, N, T>
where
    F: FnMut(&Connection) -> Result<T> + Send,
    N: Fn(&T) + Send,
    T: Send,
{
    fn is_wanted(&self) -> bool {
        !self.answer.is_closed()
    }

    fn is_alone(&self) -> bool {
        self.is_alone
    }

    fn run(&mut self, connection: &Connection) -> Result<()> {
        self.done = Some(contained(|| (self.work)(connection))?);
        Ok(())
    }

    fn note(&self) {
        if let Some(done) = &self.done {
            (self.note)(done);
        }
    }

    fn answer(self: Box<Self>, outcome: Result<()>) {
        let Writing { done, answer, .. } = *self;
        let answered = outcome.and_then(|()| done.ok_or_else(|| Error::general("A write was answered undone")));
        let _ = answer.send(answered);
    }
}

/// A panic is a general error: the thread serves others.
pub(super) fn contained<T>(work: impl FnOnce() -> Result<T>) -> Result<T> {
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(outcome) => outcome.map_err(worded),
        Err(panic) => Err(panicked(&*panic)),
    }
}

fn panicked(panic: &(dyn Any + Send)) -> Error {
    let text = panic.downcast_ref::<String>().map(String::as_str).or(panic.downcast_ref::<&str>().copied());
    Error::general("The call failed").with_source(format!("panicked: {}", text.unwrap_or_default()))
}
