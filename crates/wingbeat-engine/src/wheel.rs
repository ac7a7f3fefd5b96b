//! One timer for all sessions.

use crate::engine::Shared;
use crate::link::{Link, signal};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// A hashed wheel: a ring of slots, each with the sessions whose deadline lies in that slot of time.
///
/// Deadlines mostly move to later times (every pong moves one), so an entry is not moved with them: when its slot
/// comes up, a session that is not due yet is put into the slot of its present deadline.
pub(crate) struct Wheel {
    start: Instant,
    slot: Duration,
    ring: Mutex<Ring>,
}

struct Ring {
    slots: Box<[Vec<Entry>]>,
    /// The first slot of time that has not been looked at.
    next: u64,
    entries: usize,
    turning: bool,
}

#[derive(Clone, Copy)]
struct Entry {
    key: u32,
    /// Which slot of time it is for: the ring may have to turn several times until then.
    slot: u64,
}

const SLOTS: u64 = 512;

impl Wheel {
    pub(crate) fn new(ping_interval: Duration) -> Wheel {
        let slot = (ping_interval / 64).clamp(Duration::from_millis(2), Duration::from_millis(50));
        let slots = (0..SLOTS).map(|_| Vec::new()).collect();
        Wheel { start: Instant::now(), slot, ring: Mutex::new(Ring { slots, next: 0, entries: 0, turning: false }) }
    }

    /// Milliseconds since the server began.
    pub(crate) fn now(&self) -> u64 {
        self.start.elapsed().as_millis() as u64
    }

    fn slot_of(&self, millis: u64) -> u64 {
        // Rounded up: a deadline is never early.
        millis.div_ceil(self.slot.as_millis() as u64)
    }

    /// Wakes the session's task with [`signal::DUE`] at this time, unless the deadline is set anew before.
    pub(crate) fn set(&self, link: &Link, deadline: u64) {
        link.deadline.store(deadline, Ordering::SeqCst);
        if deadline < link.armed.load(Ordering::SeqCst) {
            link.armed.store(deadline, Ordering::SeqCst);
            self.insert(&link.engine, link.id_key(), deadline);
        }
    }

    fn insert(&self, engine: &Arc<Shared>, key: u32, deadline: u64) {
        let mut ring = self.ring.lock().unwrap_or_else(PoisonError::into_inner);
        let slot = self.slot_of(deadline).max(ring.next);
        ring.slots[(slot % SLOTS) as usize].push(Entry { key, slot });
        ring.entries += 1;
        if !ring.turning {
            ring.turning = true;
            // Time passed while nothing was on the wheel.
            ring.next = ring.next.max(self.slot_of(self.now()).saturating_sub(1)).min(slot);
            tokio::spawn(turn(engine.clone()));
        }
    }

    /// Takes all entries whose time has come; `None` if the wheel is empty and stops.
    fn take_due(&self, due: &mut Vec<u32>) -> Option<()> {
        let now = self.now() / self.slot.as_millis() as u64;
        let mut ring = self.ring.lock().unwrap_or_else(PoisonError::into_inner);
        if ring.entries == 0 {
            ring.turning = false;
            return None;
        }
        // After a long pause one turn of the ring sees everything.
        let first = ring.next.max((now + 1).saturating_sub(SLOTS));
        for slot in first..=now {
            let entries = &mut ring.slots[(slot % SLOTS) as usize];
            let before = entries.len();
            entries.retain(|entry| {
                let later = entry.slot > now;
                if !later {
                    due.push(entry.key);
                }
                later
            });
            let taken = before - entries.len();
            if entries.is_empty() && entries.capacity() > 1024 {
                *entries = Vec::new();
            }
            ring.entries -= taken;
        }
        ring.next = ring.next.max(now + 1);
        Some(())
    }
}

async fn turn(engine: Arc<Shared>) {
    let wheel = &engine.wheel;
    let mut due = Vec::new();
    loop {
        tokio::time::sleep(wheel.slot).await;
        due.clear();
        if wheel.take_due(&mut due).is_none() {
            return;
        }
        let now = wheel.now();
        for &key in &due {
            // A key that was given to another session meanwhile wakes that one early, which does no harm.
            let Some(link) = engine.session(key) else { continue };
            let deadline = link.deadline.load(Ordering::SeqCst);
            if deadline <= now {
                link.armed.store(u64::MAX, Ordering::SeqCst);
                link.signal(signal::DUE);
            } else if deadline != u64::MAX {
                link.armed.store(deadline, Ordering::SeqCst);
                wheel.insert(&engine, key, deadline);
            }
        }
    }
}
