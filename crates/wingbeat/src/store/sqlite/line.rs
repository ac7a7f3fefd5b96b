//! Between callers and threads: a fair queue, and who is woken for it.

use super::error::{busy, closed};
use super::job::{Job, Standing, Work};
use super::running::Running;
use crate::fair::{Next, Queue, Source, attended, current, micros};
use crate::locked;
use std::hint::spin_loop;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::oneshot::{self, Receiver, Sender};
use tokio::time::timeout;
use wingbeat_core::{Error, Result};

/// So many jobs wait at most.
pub(super) const MOST: usize = 8192;

/// What takes longer than this shall hold up nobody else.
const LONG: Duration = Duration::from_micros(500);

/// So long a thread looks for work before it sleeps. To wake one that sleeps costs 48 µs of processor time for a
/// statement that takes 2; one that is still there costs 2 more.
const LOOK: Duration = Duration::from_micros(20);

/// Jobs on their way to some threads.
///
/// One thread is always left to sources whose jobs are short. A thread is woken only if work waits and no other one is
/// about to come back for it: so one thread does what comes together, and the others sleep.
pub(super) struct Line {
    state: Mutex<State>,
    wake: Condvar,
    running: Box<[Running]>,
    /// How many wait, to look at without the lock.
    waiting: AtomicUsize,
    is_looking: AtomicBool,
    numbers: AtomicU64,
    epoch: Instant,
    patience: Duration,
}

struct State {
    queue: Queue<Job>,
    /// What each thread is at.
    current: Vec<Option<(Source, Instant)>>,
    /// Threads that sleep, that will look for work soon, and that are held by long jobs.
    asleep: usize,
    ready: usize,
    held: usize,
    /// Threads that were woken and have not noticed yet.
    woken: usize,
    is_closed: bool,
}

impl Line {
    pub(super) fn new(threads: usize, patience: Duration) -> Line {
        let state = State {
            queue: Queue::new(MOST, LONG),
            current: vec![None; threads],
            asleep: 0,
            ready: threads,
            held: 0,
            woken: 0,
            is_closed: false,
        };
        Line {
            state: Mutex::new(state),
            wake: Condvar::new(),
            running: (0..threads).map(|_| Running::default()).collect(),
            waiting: AtomicUsize::new(0),
            is_looking: AtomicBool::new(false),
            numbers: AtomicU64::new(0),
            epoch: Instant::now(),
            // Without any nothing could be done.
            patience: patience.max(Duration::from_millis(1)),
        }
    }

    /// Lets a job be done for the current source. It is given up with the future: what waits is dropped, what runs is
    /// interrupted. So it is when the client goes, but for writes that are short: a client may say something and go.
    pub(super) async fn ask<T>(&self, is_foreign: bool, work: impl FnOnce(Sender<Result<T>>) -> Work) -> Result<T> {
        let (answer, receiver) = oneshot::channel();
        let (source, number) = (current(), self.numbers.fetch_add(1, Ordering::Relaxed) + 1);
        let work = work(answer);
        let is_write = matches!(work, Work::Write(_));
        let standing = Arc::<Standing>::default();
        let (since, known) = (Instant::now(), standing.clone());
        self.push(Job { number, source, since, may_be_long: is_foreign, standing: known, work })?;
        let mut asking = Asking { line: self, number, receiver, is_answered: false };
        let answered = match attended(async { Ok(self.answer(&standing, &mut asking.receiver).await) }).await {
            Ok(answered) => answered,
            Err(gone) if !is_write => return Err(gone),
            Err(_) => {
                self.leave_behind(number, &standing);
                self.answer(&standing, &mut asking.receiver).await
            }
        };
        asking.is_answered = answered.is_some();
        answered.unwrap_or_else(|| Err(if locked(&self.state).is_closed { closed() } else { busy() }))
    }

    /// Nothing if it was not done, or has not begun in time.
    async fn answer<T>(&self, standing: &Standing, receiver: &mut Receiver<T>) -> Option<T> {
        match timeout(self.patience, &mut *receiver).await {
            Ok(answered) => answered.ok(),
            // It may be done already, and wait for its commit.
            Err(_) if self.is_taken(standing) => receiver.await.ok(),
            Err(_) => None,
        }
    }

    fn is_taken(&self, standing: &Standing) -> bool {
        let _state = locked(&self.state);
        standing.is_taken.load(Ordering::Relaxed)
    }

    pub(super) fn push(&self, job: Job) -> Result<()> {
        let out = {
            let mut state = locked(&self.state);
            if state.is_closed {
                return Err(closed());
            }
            let out = state.queue.push(job.source, job);
            self.changed(&mut state);
            out
        };
        match out {
            None => {}
            // There are more of these, and room for all.
            Some(out) if !out.is_wanted() => self.retain(Job::is_wanted),
            Some(out) => {
                out.refuse(Error::too_many_requests("Too many calls of yours are waiting, try again later"));
            }
        }
        Ok(())
    }

    /// The client of a write has gone: it is done if it is short.
    fn leave_behind(&self, number: u64, standing: &Standing) {
        let _state = locked(&self.state);
        standing.is_left_behind.store(true, Ordering::Relaxed);
        self.running.iter().for_each(|running| running.leave_behind(number));
    }

    fn retain(&self, wanted: impl Fn(&Job) -> bool) {
        let _dropped = {
            let mut state = locked(&self.state);
            let dropped = state.queue.retain(wanted);
            self.changed(&mut state);
            dropped
        };
    }

    /// The queue, or who looks after it, is another.
    fn changed(&self, state: &mut State) {
        self.waiting.store(state.queue.len(), Ordering::Release);
        if state.ready == 0 && state.asleep > 0 && state.queue.len() > 0 {
            (state.asleep, state.ready, state.woken) = (state.asleep - 1, state.ready + 1, state.woken + 1);
            self.wake.notify_one();
        }
    }

    /// Ends what the thread was at, and begins the next job as soon as there is one. `None` when the line is closed.
    pub(super) fn next(&self, thread: usize) -> Option<Job> {
        // Dropped after the lock: what a job holds may be the last handle of this database.
        let mut dropped = Vec::new();
        let mut state = self.ended(thread);
        let mut has_looked = false;
        loop {
            if state.is_closed {
                return None;
            }
            if let Some(job) = self.pop(&mut state, &mut dropped) {
                self.begins(&mut state, thread, &job);
                return Some(job);
            }
            if !has_looked || !dropped.is_empty() {
                has_looked = true;
                drop(state);
                dropped.clear();
                self.look();
                state = locked(&self.state);
                continue;
            }
            (state.ready, state.asleep) = (state.ready - 1, state.asleep + 1);
            while state.woken == 0 && !state.is_closed {
                state = self.wake.wait(state).unwrap_or_else(PoisonError::into_inner);
            }
            state.woken = state.woken.saturating_sub(1);
            has_looked = false;
        }
    }

    /// Ends what the thread was at, and takes the next job, if there is one, without [beginning](Line::begin) it.
    pub(super) fn more(&self, thread: usize) -> Option<Job> {
        let mut dropped = Vec::new();
        let mut state = self.ended(thread);
        self.pop(&mut state, &mut dropped)
    }

    fn ended(&self, thread: usize) -> MutexGuard<'_, State> {
        let mut state = locked(&self.state);
        if let Some((source, began)) = state.current.get_mut(thread).and_then(Option::take) {
            state.queue.charge(source, began.elapsed());
            if self.running[thread].end() {
                (state.held, state.ready) = (state.held - 1, state.ready + 1);
            }
        }
        state
    }

    /// Those that nobody wants, or that have waited too long, are among the dropped.
    fn pop(&self, state: &mut State, dropped: &mut Vec<Job>) -> Option<Job> {
        let is_last = self.running.len() > 1 && state.held + 1 == self.running.len();
        let next = if is_last { Next::Short } else { Next::Anybody };
        loop {
            let popped = state.queue.pop(next);
            self.waiting.store(state.queue.len(), Ordering::Release);
            let (source, mut job) = popped?;
            let is_long = state.queue.is_long(source);
            let is_left_behind = job.standing.is_left_behind.load(Ordering::Relaxed);
            let is_late = job.since.elapsed() >= self.patience;
            if !job.is_wanted() || is_left_behind && is_long || is_late {
                dropped.push(job);
                continue;
            }
            job.may_be_long |= is_long;
            job.standing.is_taken.store(true, Ordering::Relaxed);
            return Some(job);
        }
    }

    /// The thread begins with a job that it has taken.
    pub(super) fn begin(&self, thread: usize, job: &Job) {
        self.begins(&mut locked(&self.state), thread, job);
    }

    fn begins(&self, state: &mut State, thread: usize, job: &Job) {
        let (now, running) = (Instant::now(), &self.running[thread]);
        let until = micros(job.since.duration_since(self.epoch).saturating_add(self.patience));
        running.begin(job.number, micros(now.duration_since(self.epoch)), until, job.may_be_long);
        if job.standing.is_left_behind.load(Ordering::Relaxed) {
            running.leave_behind(job.number);
        }
        // Whoever has left since it was taken did not find it here.
        if !job.is_wanted() {
            running.leave(job.number);
        }
        state.current[thread] = Some((job.source, now));
        if job.may_be_long {
            self.hold(state);
        }
    }

    /// The thread has done what it was at.
    pub(super) fn end(&self, thread: usize) {
        drop(self.ended(thread));
    }

    /// Charges for a job before it ends, if ever: its source is known at once for jobs that are long.
    fn becomes_long(&self, state: &mut State, thread: usize) {
        if let Some((source, began)) = state.current.get_mut(thread).and_then(Option::as_mut) {
            let (source, took) = (*source, began.elapsed().max(LONG + Duration::from_micros(1)));
            *began += took;
            state.queue.charge(source, took);
        }
        self.hold(state);
    }

    fn hold(&self, state: &mut State) {
        (state.ready, state.held) = (state.ready - 1, state.held + 1);
        self.changed(state);
    }

    /// Looks for work for a while: one thread at a time, and never instead of others.
    fn look(&self) {
        if self.is_looking.swap(true, Ordering::Acquire) {
            return;
        }
        let since = Instant::now();
        while self.waiting.load(Ordering::Acquire) == 0 && since.elapsed() < LOOK {
            spin_loop();
        }
        self.is_looking.store(false, Ordering::Release);
    }

    /// Asked by SQLite every now and then: whether to interrupt the job of this thread.
    pub(super) fn is_left(&self, thread: usize) -> bool {
        let running = &self.running[thread];
        if running.is_left() {
            return true;
        }
        if running.has_become_long(self.now(), micros(LONG)) {
            self.becomes_long(&mut locked(&self.state), thread);
        }
        false
    }

    /// Asked by SQLite where another program has the file: whether this thread waits for it.
    pub(super) fn may_wait(&self, thread: usize) -> bool {
        self.running[thread].may_wait(self.now())
    }

    fn now(&self) -> u64 {
        micros(self.epoch.elapsed())
    }

    #[cfg(test)]
    pub(super) fn is_held(&self) -> bool {
        locked(&self.state).held > 0
    }

    /// No more jobs: those that wait are refused, those that run are not disturbed.
    pub(super) fn close(&self) {
        let _dropped = {
            let mut state = locked(&self.state);
            state.is_closed = true;
            self.waiting.store(0, Ordering::Release);
            self.wake.notify_all();
            state.queue.retain(|_| false)
        };
    }
}

/// A caller who waits.
struct Asking<'a, T> {
    line: &'a Line,
    number: u64,
    receiver: Receiver<Result<T>>,
    is_answered: bool,
}

impl<T> Drop for Asking<'_, T> {
    fn drop(&mut self) {
        if self.is_answered {
            return;
        }
        // In this order: who takes the job from now on sees that nobody wants it, who has taken it is told.
        self.receiver.close();
        let _state = locked(&self.line.state);
        self.line.running.iter().for_each(|running| running.leave(self.number));
    }
}
