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
    /// What the session was armed for: the ring may have to turn several times until then.
    deadline: u64,
}

const SLOTS: u64 = 512;
/// More room than this, 16 KiB, an empty slot gives back: it was made for a storm.
const KEEP: usize = 1024;

impl Wheel {
    /// A wheel on which no deadline that is regularly set lies nearer than this.
    pub(crate) fn new(shortest: Duration) -> Wheel {
        let slot = (shortest / 64).clamp(Duration::from_millis(2), Duration::from_millis(50));
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
        if deadline < link.armed.fetch_min(deadline, Ordering::SeqCst) {
            self.insert(&link.engine, link.id_key(), deadline);
        }
    }

    fn insert(&self, engine: &Arc<Shared>, key: u32, deadline: u64) {
        let mut ring = self.ring.lock().unwrap_or_else(PoisonError::into_inner);
        let slot = self.slot_of(deadline).max(ring.next);
        ring.slots[(slot % SLOTS) as usize].push(Entry { key, deadline });
        ring.entries += 1;
        if !ring.turning {
            ring.turning = true;
            // Time passed while nothing was on the wheel.
            ring.next = ring.next.max(self.slot_of(self.now()).saturating_sub(1)).min(slot);
            tokio::spawn(turn(engine.clone()));
        }
    }

    /// Takes all entries whose time has come; `None` if the wheel is empty and stops.
    fn take_due(&self, due: &mut Vec<Entry>) -> Option<()> {
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
                let later = self.slot_of(entry.deadline) > now;
                if !later {
                    due.push(*entry);
                }
                later
            });
            let taken = before - entries.len();
            if entries.is_empty() && entries.capacity() > KEEP {
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
        for &Entry { key, deadline: armed } in &due {
            let Some(link) = engine.session(key) else { continue };
            let deadline = link.deadline.load(Ordering::SeqCst);
            let again = if deadline <= now { u64::MAX } else { deadline };
            // Not armed for this: the entry was left by a session whose key this one has now, or an earlier one has taken
            // its place. It must not be put back, or a server with many short sessions would carry all of them for ever.
            if link.armed.compare_exchange(armed, again, Ordering::SeqCst, Ordering::SeqCst).is_err() {
                continue;
            }
            if deadline <= now {
                link.signal(signal::DUE);
            } else if deadline != u64::MAX {
                wheel.insert(&engine, key, deadline);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::handler::Nobody;
    use crate::link::Via;
    use crate::{Config, Engine, Handshake};
    use std::time::Duration;

    #[tokio::test(start_paused = true)]
    async fn sessions_that_are_gone_leave_nothing_on_the_wheel() {
        let engine = Engine::new(Config::default().ping_interval(Duration::from_secs(1)), Nobody);
        let (shared, wheel) = (&engine.0, &engine.0.wheel);
        let request = http::Request::new(()).into_parts().0;
        let open = || shared.register(Handshake::new(&request, &[]), Via::WebSocket).unwrap();
        for _ in 0..1000 {
            let link = open();
            wheel.set(&link, wheel.now() + 1000);
            shared.unregister(&link);
        }
        // The last one has the key that all others had, and lives on.
        let link = open();
        for _ in 0..5 {
            wheel.set(&link, wheel.now() + 1000);
            tokio::time::sleep(Duration::from_millis(900)).await;
        }
        assert_eq!(wheel.ring.lock().unwrap().entries, 1);
    }
}
