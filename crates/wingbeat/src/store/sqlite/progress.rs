//! What becomes of a job while it runs: SQLite asks every now and then.

use super::job::Job;
use super::line::{Current, LONG, Line};
use crate::fair::micros;
use crate::locked;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// So long a job runs before it steps aside.
const TURN: Duration = Duration::from_millis(2);

impl Line {
    /// Whether to interrupt the job of this thread.
    pub(super) fn is_left(&self, thread: usize) -> bool {
        let running = &self.running[thread];
        let now = self.now();
        if running.is_left() || running.is_over(now) {
            return true;
        }
        if running.has_become_long(now, micros(LONG)) {
            self.becomes_long(thread);
        }
        self.has_outgrown(thread)
    }

    /// The job of this thread, which has begun, is interrupted when it takes longer.
    pub(super) fn limit(&self, thread: usize, limit: Duration) {
        self.running[thread].limit(self.now().saturating_add(micros(limit)));
    }

    /// Charges for a job before it ends, if ever.
    fn becomes_long(&self, thread: usize) {
        let mut state = locked(&self.state);
        if let Some((source, owed)) = state.current[thread].as_mut().map(Current::charge) {
            state.queue.charge(source, owed);
        }
        self.hold(&mut state, thread);
    }

    /// Whether this thread's job takes too long for this line: it was interrupted.
    pub(super) fn has_outgrown(&self, thread: usize) -> bool {
        self.long.is_some() && self.running[thread].is_long()
    }

    /// Lets the job of this thread begin again where those are that take long.
    pub(super) fn hand_on(&self, thread: usize, mut job: Job) {
        self.end(thread);
        (job.may_be_long, job.place) = (true, None);
        {
            let _state = locked(&self.state);
            // A caller who has found it taken when its time was over waits without limit.
            if self.is_late(&job) {
                return;
            }
            job.standing.is_taken.store(false, Ordering::Relaxed);
        }
        // Where that is closed the caller is told so.
        if let Some(long) = &self.long {
            drop(long.push(job));
        }
    }

    /// A job to do in the middle of the one of this thread, if somebody waits who has had less. [`rejoin`](Line::rejoin)
    /// ends it.
    pub(super) fn step_aside(&self, thread: usize) -> Option<(usize, Job)> {
        let aside = self.aside(thread)?;
        if self.waiting.load(Ordering::Relaxed) == 0 || !self.running[thread].has_had_turn(self.now(), micros(TURN)) {
            return None;
        }
        // Dropped after the lock.
        let mut dropped = Vec::new();
        let mut state = locked(&self.state);
        let (source, owed) = state.current[thread].as_mut()?.charge();
        state.queue.charge(source, owed);
        if !state.queue.is_behind(source) {
            return None;
        }
        let job = self.pop(&mut state, &mut dropped)?;
        self.begins(&mut state, aside, &job);
        Some((aside, job))
    }

    /// The thread goes on with its own job.
    pub(super) fn rejoin(&self, thread: usize) {
        let Some(aside) = self.aside(thread) else { return };
        let mut state = self.ended(aside);
        // The time was another's.
        if let Some(current) = &mut state.current[thread] {
            current.charge();
        }
        self.running[thread].begin_turn(self.now());
    }

    /// Asked where another program has the file: whether this thread waits for it.
    pub(super) fn may_wait(&self, thread: usize) -> bool {
        self.running[thread].may_wait(self.now())
    }
}
