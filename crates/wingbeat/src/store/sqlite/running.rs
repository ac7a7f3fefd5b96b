//! What a thread is at, for SQLite to ask while it works.

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering::Relaxed};

/// The job that a thread runs. Numbers begin at 1: 0 is none.
// Relaxed: who begins and who leaves both hold the lock of the line when they do.
#[derive(Default)]
pub(super) struct Running {
    job: AtomicU64,
    /// The job whose caller has gone.
    left: AtomicU64,
    /// The job whose client has gone, which is to go on if it is short.
    left_behind: AtomicU64,
    /// When it began, in microseconds since the line was made.
    began: AtomicU64,
    /// Until when it may wait for other programs.
    until: AtomicU64,
    /// When it is interrupted.
    limit: AtomicU64,
    /// Whether it is known to take long, so that others do not wait for this thread.
    is_held: AtomicBool,
    /// How often SQLite has asked whether to go on.
    looks: AtomicU32,
    /// When its turn began, in microseconds.
    turn: AtomicU64,
}

/// Who has been asked so often has worked for a while, and not only waited for a processor or a disk.
const SOME: u32 = 8;

impl Running {
    pub(super) fn begin(&self, job: u64, now: u64, until: u64, is_held: bool) {
        self.began.store(now, Relaxed);
        self.until.store(until, Relaxed);
        self.limit.store(u64::MAX, Relaxed);
        self.is_held.store(is_held, Relaxed);
        self.looks.store(0, Relaxed);
        self.turn.store(now, Relaxed);
        self.job.store(job, Relaxed);
    }

    pub(super) fn limit(&self, limit: u64) {
        self.limit.store(limit, Relaxed);
    }

    pub(super) fn is_over(&self, now: u64) -> bool {
        self.job.load(Relaxed) != 0 && now >= self.limit.load(Relaxed)
    }

    /// It is done. Answers whether it was held.
    pub(super) fn end(&self) -> bool {
        self.job.store(0, Relaxed);
        self.is_held.swap(false, Relaxed)
    }

    pub(super) fn leave(&self, job: u64) {
        if self.job.load(Relaxed) == job {
            self.left.store(job, Relaxed);
        }
    }

    pub(super) fn leave_behind(&self, job: u64) {
        if self.job.load(Relaxed) == job {
            self.left_behind.store(job, Relaxed);
        }
    }

    pub(super) fn is_left(&self) -> bool {
        let job = self.job.load(Relaxed);
        let is_left_behind = || job == self.left_behind.load(Relaxed) && self.is_held.load(Relaxed);
        job != 0 && (job == self.left.load(Relaxed) || is_left_behind())
    }

    pub(super) fn may_wait(&self, now: u64) -> bool {
        !self.is_left() && now < self.until.load(Relaxed)
    }

    /// Whether it has taken longer than `most`, and that is new. Asked at each look.
    pub(super) fn has_become_long(&self, now: u64, most: u64) -> bool {
        // Nobody else changes it meanwhile.
        self.looks.store(self.looks.load(Relaxed).saturating_add(1), Relaxed);
        self.job.load(Relaxed) != 0
            && now.saturating_sub(self.began.load(Relaxed)) > most
            && !self.is_held.swap(true, Relaxed)
    }

    /// Whether its turn has been as long; then another begins.
    pub(super) fn has_had_turn(&self, now: u64, long: u64) -> bool {
        let is_over = now.saturating_sub(self.turn.load(Relaxed)) >= long;
        if is_over {
            self.begin_turn(now);
        }
        is_over
    }

    pub(super) fn begin_turn(&self, now: u64) {
        self.turn.store(now, Relaxed);
    }

    /// Whether it has done much.
    pub(super) fn has_worked(&self) -> bool {
        self.looks.load(Relaxed) >= SOME
    }

    /// Whether it has done much, and taken long: the same from one look to the next.
    pub(super) fn is_long(&self) -> bool {
        self.is_held.load(Relaxed) && self.has_worked()
    }
}
