//! One timer for all sessions.

use super::{SessionHandle, Shared, signal};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// A hashed wheel: a ring of slots, each with the sessions whose deadline lies in that slot of time.
///
/// Deadlines mostly move to later times (every pong moves one), so an entry is not moved with them: when its slot
/// comes up, a session that is not due yet is put into the slot of its present deadline.
pub(crate) struct TimerWheel {
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

impl TimerWheel {
    /// A wheel on which no deadline that is regularly set lies nearer than this.
    pub(crate) fn new(shortest: Duration) -> TimerWheel {
        let slot = (shortest / 64).clamp(Duration::from_millis(2), Duration::from_millis(50));
        let slots = (0..SLOTS).map(|_| Vec::new()).collect();
        TimerWheel {
            start: Instant::now(),
            slot,
            ring: Mutex::new(Ring { slots, next: 0, entries: 0, turning: false }),
        }
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
    pub(crate) fn set(&self, handle: &SessionHandle, deadline: u64) {
        handle.deadline.store(deadline, Ordering::SeqCst);
        self.arm(handle, deadline);
    }

    fn arm(&self, handle: &SessionHandle, deadline: u64) {
        if deadline < handle.armed.fetch_min(deadline, Ordering::SeqCst) {
            self.insert(&handle.engine, handle.id_key(), deadline);
        }
    }

    fn insert(&self, engine: &Arc<Shared>, key: u32, deadline: u64) {
        let mut ring = self.ring();
        let slot = self.slot_of(deadline).max(ring.next);
        ring.slots[(slot % SLOTS) as usize].push(Entry { key, deadline });
        ring.entries += 1;
        let turning = std::mem::replace(&mut ring.turning, true);
        if !turning && ring.entries == 1 {
            // Time passed while nothing was on the wheel.
            ring.next = ring.next.max(self.slot_of(self.now()).saturating_sub(1)).min(slot);
        }
        drop(ring);
        if !turning {
            tokio::spawn(turn(Turning { engine: engine.clone(), stopped: false }));
        }
    }

    fn ring(&self) -> MutexGuard<'_, Ring> {
        self.ring.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes all entries whose time has come; `None` if the wheel is empty and stops.
    fn take_due(&self, due: &mut Vec<Entry>) -> Option<()> {
        let now = self.now() / self.slot.as_millis() as u64;
        let mut ring = self.ring();
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

    /// The time of an entry has come, for which its session was armed; it had this deadline a moment ago.
    fn settle(&self, handle: &SessionHandle, armed: u64, deadline: u64, now: u64) {
        let again = if deadline <= now { u64::MAX } else { deadline };
        // Not armed for this: the entry was left by a session whose key this one has now, or an earlier one has taken
        // its place. It must not be put back, or a server with many short sessions would carry all of them for ever.
        if handle.armed.compare_exchange(armed, again, Ordering::SeqCst, Ordering::SeqCst).is_err() {
            return;
        }
        if deadline <= now {
            handle.signal(signal::DUE);
        } else if deadline != u64::MAX {
            self.insert(&handle.engine, handle.id_key(), deadline);
        }
        // Set in that moment: whoever did so relied on the entry that is gone.
        let latest = handle.deadline.load(Ordering::SeqCst);
        if latest != deadline {
            self.arm(handle, latest);
        }
    }
}

/// The wheel turns until it is empty, or its runtime ends. Then the next session that is put on it turns it on another.
struct Turning {
    engine: Arc<Shared>,
    stopped: bool,
}

impl Drop for Turning {
    fn drop(&mut self) {
        if !self.stopped {
            self.engine.wheel.ring().turning = false;
        }
    }
}

async fn turn(mut turning: Turning) {
    let engine = turning.engine.clone();
    let wheel = &engine.wheel;
    let mut due = Vec::new();
    loop {
        tokio::time::sleep(wheel.slot).await;
        due.clear();
        if wheel.take_due(&mut due).is_none() {
            turning.stopped = true;
            return;
        }
        let now = wheel.now();
        for &Entry { key, deadline } in &due {
            if let Some(handle) = engine.session(key) {
                wheel.settle(&handle, deadline, handle.deadline.load(Ordering::SeqCst), now);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{Nobody, TransportState};
    use crate::session::Session;
    use crate::ws::{Io, WebSocket};
    use crate::{Config, Engine, Handshake};
    use tokio::io::AsyncWriteExt;
    use tokio::runtime::Builder;
    use tokio::time::{sleep, timeout};

    fn open(engine: &Engine) -> Arc<SessionHandle> {
        let request = http::Request::new(()).into_parts().0;
        engine.0.register(Handshake::new(&request, &engine.0.config), TransportState::WebSocket).unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn sessions_that_are_gone_leave_nothing_on_the_wheel() {
        let engine = Engine::new(Config::default().ping_interval(Duration::from_secs(1)), Nobody).unwrap();
        let wheel = &engine.0.wheel;
        for _ in 0..1000 {
            let handle = open(&engine);
            wheel.set(&handle, wheel.now() + 1000);
            engine.0.unregister(&handle);
        }
        // The last one has the key that all others had, and lives on.
        let handle = open(&engine);
        for _ in 0..5 {
            wheel.set(&handle, wheel.now() + 1000);
            sleep(Duration::from_millis(900)).await;
        }
        assert_eq!(wheel.ring().entries, 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_has_to_wait_takes_no_place_for_each_turn() {
        let engine = Engine::new(Config::default().max_events_per_second(100), Nobody).unwrap();
        let (mut client, stream) = tokio::io::duplex(64 * 1024);
        let ws = WebSocket::new(Io::Other(Box::new(stream)), b"");
        tokio::spawn(Session::on_websocket(open(&engine), ws));
        let frame = |text: &str| [&[0x81, 0x80 | text.len() as u8, 0, 0, 0, 0], text.as_bytes()].concat();
        client.write_all(&[frame("40"), frame("42[\"x\"]").repeat(3000)].concat()).await.unwrap();
        for _ in 0..400 {
            sleep(Duration::from_millis(50)).await;
            let entries = engine.0.wheel.ring().entries;
            assert!((1..5).contains(&entries), "{entries}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_deadline_that_is_set_while_the_wheel_looks_is_kept() {
        let engine = Engine::new(Config::default(), Nobody).unwrap();
        let (wheel, handle) = (&engine.0.wheel, open(&engine));
        wheel.set(&handle, 100);
        // A pong has moved it, which is what the wheel reads; then comes something earlier.
        wheel.set(&handle, 5000);
        wheel.set(&handle, 300);
        wheel.settle(&handle, 100, 5000, 100);
        assert_eq!(handle.armed.load(Ordering::SeqCst), 300);
        // It is due, and then moved: not everybody who is told sets another.
        wheel.set(&handle, 9000);
        wheel.settle(&handle, 300, 300, 300);
        assert_eq!((handle.armed.load(Ordering::SeqCst), handle.take_signals()), (9000, signal::DUE));
    }

    #[test]
    fn the_wheel_turns_on_when_its_runtime_has_ended() {
        let runtime = || Builder::new_current_thread().enable_all().build().unwrap();
        let engine = Engine::new(Config::default(), Nobody).unwrap();
        let (wheel, first, second) = (&engine.0.wheel, open(&engine), open(&engine));
        runtime().block_on(async { wheel.set(&first, wheel.now() + 1) });
        runtime().block_on(async {
            wheel.set(&second, wheel.now() + 100);
            for handle in [first, second] {
                let due = async {
                    while handle.take_signals() & signal::DUE == 0 {
                        sleep(Duration::from_millis(1)).await;
                    }
                };
                timeout(Duration::from_secs(5), due).await.expect("both are told");
            }
        });
    }
}
