//! Between callers and threads: a fair queue, and who is woken for it.

use super::error::closed;
use super::job::{Job, Standing};
use super::running::Running;
use crate::fair::{Queue, Source, micros};
use crate::locked;
use crate::store::predictor::{Predictor, Slots};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};
use wingbeat_core::{Error, Result};

/// So many jobs wait at most.
pub(super) const MOST: usize = 8192;

/// What takes longer than this shall hold up nobody else.
pub(super) const LONG: Duration = Duration::from_micros(500);

/// So long a thread looks for work before it sleeps. To wake one that sleeps costs 48 µs of processor time for a
/// statement that takes 2; one that is still there costs 2 more.
const LOOK: Duration = Duration::from_micros(20);

/// Jobs on their way to some threads.
///
/// A thread is woken only if work waits and no other one is about to come back for it: so one thread does what comes
/// together, and the others sleep.
pub(super) struct Line {
    pub(super) state: Mutex<State>,
    wake: Condvar,
    threads: usize,
    /// What the threads are at, and behind these what they do [aside](Line::aside).
    pub(super) running: Box<[Running]>,
    /// How many wait, to look at without the lock.
    pub(super) waiting: AtomicUsize,
    is_looking: AtomicBool,
    numbers: AtomicU64,
    epoch: Instant,
    pub(super) patience: Duration,
    pub(super) predictor: Arc<Predictor>,
    /// Where jobs go on that take long. Those that are expected to begin there; others are interrupted here when they turn
    /// out long, and done again there: nobody can know how long a job takes but by trying.
    // M. Harchol-Balter: Task assignment with unknown duration, JACM 2002.
    pub(super) long: Option<Arc<Line>>,
    steps_aside: bool,
}

pub(super) struct State {
    pub(super) queue: Queue<Job>,
    /// As `running`.
    pub(super) current: Vec<Option<Current>>,
    /// Threads that sleep, that will look for work soon, and that are held by long jobs.
    asleep: usize,
    ready: usize,
    held: usize,
    /// Threads that were woken and have not noticed yet.
    woken: usize,
    is_closed: bool,
}

/// What a thread is at.
pub(super) struct Current {
    source: Source,
    place: Option<Slots>,
    began: Instant,
    /// What of its time has been charged for already, or was given to others.
    pub(super) charged: Duration,
}

impl Current {
    /// What is not charged for yet, from now on it is.
    pub(super) fn charge(&mut self) -> (Source, Duration) {
        let took = self.began.elapsed();
        let owed = took.saturating_sub(self.charged);
        self.charged = took;
        (self.source, owed)
    }
}

impl Line {
    /// A line of jobs that run to their end.
    pub(super) fn new(threads: usize, patience: Duration) -> Line {
        let state = State {
            queue: Queue::new(MOST),
            current: (0..2 * threads).map(|_| None).collect(),
            asleep: 0,
            ready: threads,
            held: 0,
            woken: 0,
            is_closed: false,
        };
        Line {
            state: Mutex::new(state),
            wake: Condvar::new(),
            threads,
            running: (0..2 * threads).map(|_| Running::default()).collect(),
            waiting: AtomicUsize::new(0),
            is_looking: AtomicBool::new(false),
            numbers: AtomicU64::new(0),
            epoch: Instant::now(),
            // Without any nothing could be done.
            patience: patience.max(Duration::from_millis(1)),
            predictor: Arc::default(),
            long: None,
            steps_aside: false,
        }
    }

    /// A line for short jobs. Those that take long have other threads.
    pub(super) fn with_long(threads: usize, long: Line) -> Line {
        let line = Line::new(threads, long.patience);
        let long = Line { steps_aside: true, ..long };
        Line { predictor: long.predictor.clone(), long: Some(Arc::new(long)), ..line }
    }

    pub(super) fn threads(&self) -> usize {
        self.threads
    }

    /// Whether its jobs let others go first while they run: those that take long, and only read.
    pub(super) fn steps_aside(&self) -> bool {
        self.steps_aside
    }

    /// The number under which a thread does another job in the middle of its own. It has none in the middle of that.
    pub(super) fn aside(&self, thread: usize) -> Option<usize> {
        (thread < self.threads).then_some(self.threads + thread)
    }

    pub(super) fn number(&self) -> u64 {
        self.numbers.fetch_add(1, Ordering::Release) + 1
    }

    /// The number of the last job that was asked for: those who ask from now on have later ones. Who has asked before knows
    /// of nothing that is committed later.
    pub(super) fn asked(&self) -> u64 {
        self.numbers.load(Ordering::Acquire)
    }

    /// Whether short reads share transactions: in memory there is nothing to gain.
    pub(super) fn reads_together(&self) -> bool {
        self.long.is_some()
    }

    pub(super) fn is_taken(&self, standing: &Standing) -> bool {
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

    /// Nobody waits for a job any more.
    pub(super) fn leave(&self, number: u64) {
        {
            let _state = locked(&self.state);
            self.running.iter().for_each(|running| running.leave(number));
        }
        if let Some(long) = &self.long {
            long.leave(number);
        }
    }

    /// The client of a write has gone: it is done if it is short.
    pub(super) fn leave_behind(&self, number: u64, standing: &Standing) {
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

    pub(super) fn ended(&self, thread: usize) -> MutexGuard<'_, State> {
        let mut state = locked(&self.state);
        if let Some(current) = state.current.get_mut(thread).and_then(Option::take) {
            let took = current.began.elapsed();
            state.queue.charge(current.source, took.saturating_sub(current.charged));
            if let Some(place) = current.place {
                self.predictor.learn(place, took > LONG && self.running[thread].has_worked());
            }
            if self.running[thread].end() && thread < self.threads {
                (state.held, state.ready) = (state.held - 1, state.ready + 1);
            }
        }
        state
    }

    /// Those that nobody wants, or that have waited too long, are among the dropped.
    pub(super) fn pop(&self, state: &mut State, dropped: &mut Vec<Job>) -> Option<Job> {
        loop {
            let popped = state.queue.pop();
            self.waiting.store(state.queue.len(), Ordering::Release);
            let (_, job) = popped?;
            let is_left_behind = job.standing.is_left_behind.load(Ordering::Relaxed);
            if !job.is_wanted() || is_left_behind && job.may_be_long || self.is_late(&job) {
                dropped.push(job);
                continue;
            }
            job.standing.is_taken.store(true, Ordering::Relaxed);
            return Some(job);
        }
    }

    pub(super) fn is_late(&self, job: &Job) -> bool {
        job.since.elapsed() >= self.patience
    }

    /// The thread begins with a job that it has taken.
    pub(super) fn begin(&self, thread: usize, job: &Job) {
        self.begins(&mut locked(&self.state), thread, job);
    }

    pub(super) fn begins(&self, state: &mut State, thread: usize, job: &Job) {
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
        state.current[thread] =
            Some(Current { source: job.source, place: job.place, began: now, charged: Duration::ZERO });
        if job.may_be_long {
            self.hold(state, thread);
        }
    }

    /// The thread has done what it was at.
    pub(super) fn end(&self, thread: usize) {
        drop(self.ended(thread));
    }

    pub(super) fn hold(&self, state: &mut State, thread: usize) {
        if thread < self.threads {
            (state.ready, state.held) = (state.ready - 1, state.held + 1);
            self.changed(state);
        }
    }

    /// Looks for work for a while: one thread at a time, and never instead of others.
    fn look(&self) {
        if self.is_looking.swap(true, Ordering::Acquire) {
            return;
        }
        let since = Instant::now();
        while self.waiting.load(Ordering::Acquire) == 0 && since.elapsed() < LOOK {
            // Who brings work may wait for this very processor.
            thread::yield_now();
        }
        self.is_looking.store(false, Ordering::Release);
    }

    pub(super) fn now(&self) -> u64 {
        micros(self.epoch.elapsed())
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
        if let Some(long) = &self.long {
            long.close();
        }
    }

    pub(super) fn is_closed(&self) -> bool {
        locked(&self.state).is_closed
    }
}
