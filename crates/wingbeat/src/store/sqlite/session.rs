//! A transaction on the thread that writes: a job that asks its caller what to do next, until it is over.

use super::error::{ended, too_slow};
use super::job::{Work, Write, contained};
use super::line::Line;
use rusqlite::Connection;
use std::hint::spin_loop;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, TryRecvError, channel};
use std::time::{Duration, Instant};
use tokio::sync::oneshot;
use wingbeat_core::Result;

/// The thread that writes is the only one of its line.
const WRITER: usize = 0;

/// So long the thread looks for the next order before it sleeps: most come at once, and to wake it costs more than they do.
const LOOK: Duration = Duration::from_micros(20);

/// What a transaction does next. What is done answers whether somebody still wanted to know.
enum Order {
    Do(Box<dyn FnOnce(&Connection) -> bool + Send>),
    Commit,
}

/// The thread's side.
struct Session {
    line: Arc<Line>,
    limit: Duration,
    /// Until this is answered the transaction has not begun.
    begun: Option<oneshot::Sender<Result<Option<Instant>>>>,
    orders: Receiver<Order>,
    ended: Option<oneshot::Sender<Result<()>>>,
}

/// The caller's side: a transaction that has begun. It is rolled back when this is dropped.
pub(in crate::store) struct OpenTransaction {
    line: Arc<Line>,
    number: u64,
    until: Option<Instant>,
    orders: Option<Sender<Order>>,
    ended: oneshot::Receiver<Result<()>>,
}

impl OpenTransaction {
    /// Waits for the thread that writes, which then does nothing else for as long as the limit says.
    pub(super) async fn begin(line: &Arc<Line>, limit: Duration) -> Result<OpenTransaction> {
        let (number, (sender, orders), (end, ended)) = (line.number(), channel(), oneshot::channel());
        let make = |begun| {
            let (line, begun, ended) = (line.clone(), Some(begun), Some(end));
            Work::Write(Box::new(Session { line, limit, begun, orders, ended }))
        };
        let until = line.ask_as(number, None, make).await?;
        Ok(OpenTransaction { line: line.clone(), number, until, orders: Some(sender), ended })
    }

    /// Does something on the connection of the transaction.
    pub(super) async fn run<T: Send + 'static>(
        &mut self,
        work: impl FnOnce(&Connection) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let (answer, receiver) = oneshot::channel();
        let work = move |connection: &Connection| answer.send(contained(|| work(connection))).is_ok();
        self.order(Order::Do(Box::new(work)))?;
        let mut running = RunningStatement { line: &self.line, number: self.number, receiver, is_answered: false };
        let answered = (&mut running.receiver).await;
        running.is_answered = true;
        // What was interrupted does not know why.
        answered.unwrap_or_else(|_| Err(ended())).map_err(|error| if self.is_over() { too_slow() } else { error })
    }

    /// The same, which is undone by itself if it fails.
    pub(super) async fn part<T: Send + 'static>(
        &mut self,
        work: impl FnOnce(&Connection) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        self.run(move |connection| {
            execute(connection, "SAVEPOINT call")?;
            let done = contained(|| work(connection));
            let undo = || if done.is_err() { execute(connection, "ROLLBACK TO call") } else { Ok(()) };
            if undo().and_then(|()| execute(connection, "RELEASE call")).is_ok() {
                return done;
            }
            // SQLite has rolled back everything, or the work has ended what it is a part of.
            if !connection.is_autocommit() {
                execute(connection, "ROLLBACK")?;
            }
            done.and_then(|_| Err(ended()))
        })
        .await
    }

    pub(super) async fn execute(&mut self, sql: &'static str) -> Result<()> {
        self.run(move |connection| execute(connection, sql)).await
    }

    pub(super) async fn commit(&mut self) -> Result<()> {
        self.order(Order::Commit)?;
        self.ended().await
    }

    /// Returns when others can write again.
    pub(super) async fn roll_back(&mut self) {
        self.orders = None;
        // It was to fail.
        let _ = self.ended().await;
    }

    fn order(&self, order: Order) -> Result<()> {
        let sent = self.orders.as_ref().is_some_and(|orders| orders.send(order).is_ok());
        if sent { Ok(()) } else { Err(if self.is_over() { too_slow() } else { ended() }) }
    }

    async fn ended(&mut self) -> Result<()> {
        (&mut self.ended).await.unwrap_or_else(|_| Err(ended()))
    }

    fn is_over(&self) -> bool {
        is_over(self.until)
    }
}

impl Drop for OpenTransaction {
    fn drop(&mut self) {
        self.orders = None;
        // Of a statement that runs nobody wants the answer. One that has ended is not found.
        self.line.leave(self.number);
    }
}

/// Somebody who waits for a statement.
struct RunningStatement<'a, T> {
    line: &'a Line,
    number: u64,
    receiver: oneshot::Receiver<T>,
    is_answered: bool,
}

impl<T> Drop for RunningStatement<'_, T> {
    fn drop(&mut self) {
        // The transaction cannot go on without knowing what was done: it ends with this.
        if !self.is_answered {
            self.receiver.close();
            self.line.leave(self.number);
        }
    }
}

impl Session {
    fn next(&self, until: Option<Instant>) -> std::result::Result<Order, RecvTimeoutError> {
        let since = Instant::now();
        while since.elapsed() < LOOK {
            match self.orders.try_recv() {
                Ok(order) => return Ok(order),
                Err(TryRecvError::Disconnected) => return Err(RecvTimeoutError::Disconnected),
                Err(TryRecvError::Empty) => spin_loop(),
            }
        }
        match until {
            Some(until) => self.orders.recv_timeout(until.saturating_duration_since(Instant::now())),
            None => self.orders.recv().map_err(|_| RecvTimeoutError::Disconnected),
        }
    }
}

impl Write for Session {
    fn is_wanted(&self) -> bool {
        self.begun.as_ref().is_some_and(|begun| !begun.is_closed())
    }

    fn is_alone(&self) -> bool {
        true
    }

    fn run(&mut self, connection: &Connection) -> Result<()> {
        let until = Instant::now().checked_add(self.limit);
        self.line.limit(WRITER, self.limit);
        if self.begun.take().is_none_or(|begun| begun.send(Ok(until)).is_err()) {
            return Err(ended());
        }
        loop {
            let order = self.next(until);
            if is_over(until) {
                return Err(too_slow());
            }
            match order.map_err(|_| ended())? {
                Order::Commit => return Ok(()),
                Order::Do(work) => {
                    let is_wanted = work(connection);
                    // SQLite rolls back everything when a disk is full, say.
                    if !is_wanted || connection.is_autocommit() {
                        return Err(ended());
                    }
                }
            }
        }
    }

    /// Each of its writes is said when it is done: nobody else writes before the commit.
    fn note(&self) {}

    fn answer(self: Box<Self>, outcome: Result<()>) {
        // An error means that the caller has gone.
        match (self.begun, self.ended) {
            (Some(begun), _) => drop(begun.send(outcome.map(|()| None))),
            (None, ended) => drop(ended.map(|ended| ended.send(outcome))),
        }
    }
}

fn is_over(until: Option<Instant>) -> bool {
    until.is_some_and(|until| Instant::now() >= until)
}

fn execute(connection: &Connection, sql: &str) -> Result<()> {
    Ok(connection.prepare_cached(sql)?.execute([]).map(drop)?)
}
