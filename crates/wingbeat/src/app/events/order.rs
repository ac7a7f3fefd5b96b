//! In which order the events of one record leave: in that of the writes.
//!
//! A write takes a turn where it happens, and the event that follows leaves when all earlier turns of that record are
//! over. They are over when their own event has been sent, or when it is certain that none will come.

use crate::fair::{Gate, Permit, current};
use crate::locked;
use rustc_hash::FxBuildHasher;
use std::borrow::Cow;
use std::collections::hash_map::{Entry, RandomState};
use std::collections::{HashMap, VecDeque};
use std::hash::BuildHasher;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::time::timeout;
use wingbeat_core::Id;
use wingbeat_protocol::LogThrottle;

/// How many calls may hold events at a time.
const HELD: usize = 1024;

/// Calls that were left behind. How often that happens is up to clients.
static LEFT_BEHIND: LogThrottle = LogThrottle::new();

/// The turns of a mounted service.
pub(in crate::app) struct EventOrder {
    seeds: RandomState,
    factor: u64,
    queues: Mutex<TurnQueues>,
    permits: Arc<Gate>,
}

#[derive(Default)]
struct TurnQueues {
    /// How many turns there have been.
    taken: u64,
    // By the hash of the id: no text is copied, and if two records ever have the same, they only wait for each other.
    by_record: HashMap<u64, TurnQueue, FxBuildHasher>,
}

/// The turns of one record that are not over.
struct TurnQueue {
    first: u64,
    /// Whether events that have waited for the first turn are on their way now.
    is_leaving: bool,
    /// In the order of their numbers. Nearly always absent, and then nothing has to be given back.
    behind: Option<VecDeque<WaitingTurn>>,
}

struct WaitingTurn {
    turn: u64,
    /// Tells the events that wait for it that their turn has come.
    comes: Option<oneshot::Sender<()>>,
}

impl Default for EventOrder {
    fn default() -> EventOrder {
        let seeds = RandomState::new();
        let (factor, permits) = (seeds.hash_one(0) | 1, Gate::for_stays(HELD, usize::MAX));
        EventOrder { seeds, factor, queues: Mutex::default(), permits }
    }
}

impl EventOrder {
    /// Takes a turn. What is said here, in which order, is the order of the events.
    pub(super) fn take(self: &Arc<EventOrder>, id: &Id) -> Turn {
        let record = self.record(id);
        let mut queues = locked(&self.queues);
        queues.taken += 1;
        let number = queues.taken;
        let first = match queues.by_record.entry(record) {
            Entry::Vacant(queue) => {
                queue.insert(TurnQueue { first: number, is_leaving: false, behind: None });
                true
            }
            Entry::Occupied(mut queue) => {
                queue.get_mut().behind().push_back(WaitingTurn { turn: number, comes: None });
                false
            }
        };
        Turn { order: self.clone(), record, number, first }
    }

    /// Stands for a record: ids of the same text name the same one.
    pub(super) fn record(&self, id: &Id) -> u64 {
        // Each number is mapped to a value that clients cannot foresee, in 2 instructions instead of 250 for a hash.
        let numbered = |number: i64| number.cast_unsigned().wrapping_mul(self.factor);
        let text = match id {
            Id::Number(number) => match number.as_i64() {
                Some(number) => return numbered(number),
                None => Cow::Owned(id.to_string()),
            },
            Id::Text(text) => Cow::Borrowed(&**text),
        };
        let whole = text.parse().ok().filter(|number| is_text_of(*number, &text));
        whole.map(numbered).unwrap_or_else(|| self.seeds.hash_one(text))
    }

    /// A permit to hold events, kept until these have left. Waits until one is free.
    pub(super) async fn permit(&self) -> Option<Permit> {
        self.permits.enter(current()).await.ok()
    }

    /// Such a permit, if one is free.
    pub(super) fn free_permit(&self) -> Option<Permit> {
        self.permits.try_enter(current())
    }

    fn end(&self, record: u64, number: u64) {
        let next = {
            let mut queues = locked(&self.queues);
            let Entry::Occupied(mut queue) = queues.by_record.entry(record) else { return };
            if queue.get().first == number {
                match queue.get_mut().next() {
                    Some(next) => queue.get_mut().call(next),
                    None => {
                        queue.remove();
                        None
                    }
                }
            } else {
                if let Some(at) = queue.get().position(number) {
                    queue.get_mut().behind().remove(at);
                }
                None
            }
        };
        // An error means that nobody waits any more: then that turn is about to end as well.
        next.map(|comes| comes.send(()).ok());
    }

    /// Lets a turn wait, unless it has come.
    fn wait(&self, record: u64, number: u64) -> Option<oneshot::Receiver<()>> {
        let mut queues = locked(&self.queues);
        let queue = queues.by_record.get_mut(&record)?;
        let at = queue.position(number)?;
        let (comes, coming) = oneshot::channel();
        queue.behind()[at].comes = Some(comes);
        Some(coming)
    }

    /// Takes the turns before this one out of the queue, if their calls should have ended long ago. Those who wait as well, or
    /// are on their way, stay.
    fn overtake(&self, record: u64, number: u64) {
        let next = {
            let mut queues = locked(&self.queues);
            let Some(queue) = queues.by_record.get_mut(&record).filter(|queue| queue.position(number).is_some()) else {
                return;
            };
            queue.behind().retain(|behind| behind.turn >= number || behind.comes.is_some());
            match queue.is_leaving {
                true => None,
                false => queue.next().and_then(|next| queue.call(next)),
            }
        };
        next.map(|comes| comes.send(()).ok());
    }
}

impl TurnQueue {
    /// Where a turn stands behind the first.
    fn position(&self, number: u64) -> Option<usize> {
        self.behind.as_ref()?.binary_search_by_key(&number, |behind| behind.turn).ok()
    }

    fn behind(&mut self) -> &mut VecDeque<WaitingTurn> {
        self.behind.get_or_insert_default()
    }

    fn next(&mut self) -> Option<WaitingTurn> {
        self.behind.as_mut()?.pop_front()
    }

    /// Makes a turn the first; answers whom to tell.
    fn call(&mut self, next: WaitingTurn) -> Option<oneshot::Sender<()>> {
        self.first = next.turn;
        self.is_leaving = next.comes.is_some();
        next.comes
    }
}

/// Whether this is how the number is written: not `07` or `+7`.
fn is_text_of(number: i64, text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    digits == "0" && number == 0 && digits.len() == text.len() || !digits.starts_with(['0', '+'])
}

/// A turn among those of a record. It is over when this is dropped.
pub(super) struct Turn {
    order: Arc<EventOrder>,
    record: u64,
    number: u64,
    /// Whether it was the first from the beginning, as nearly all are.
    first: bool,
}

impl Turn {
    /// The record, as [`EventOrder::record`] has it.
    pub(super) fn record(&self) -> u64 {
        self.record
    }

    /// Whether no other was before it when it was taken.
    pub(super) fn is_first(&self) -> bool {
        self.first
    }

    /// The turns among which it is.
    pub(super) fn order(&self) -> &Arc<EventOrder> {
        &self.order
    }

    /// Begins to wait, unless it has come.
    pub(super) fn coming(&self) -> Option<oneshot::Receiver<()>> {
        self.order.wait(self.record, self.number)
    }

    /// Waits until it has come. Turns that let it wait for longer than `limit` are left behind.
    pub(super) async fn has_come(&self, mut coming: oneshot::Receiver<()>, limit: Duration) {
        while timeout(limit, &mut coming).await.is_err() {
            self.leave_others_behind();
        }
    }

    /// Waits no longer for calls that are under way; only for events that have begun to wait before.
    pub(super) fn leave_others_behind(&self) {
        if let Some(times) = LEFT_BEHIND.happened() {
            tracing::warn!(
                times,
                "a call holds up the events of a record for too long: those of later calls leave now"
            );
        }
        self.order.overtake(self.record, self.number);
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.order.end(self.record, self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;
    use serde_json::json;

    const LONG: Duration = Duration::from_secs(60);

    fn id(value: serde_json::Value) -> Id {
        Id::from_value(&value).unwrap()
    }

    #[test]
    fn ids_of_the_same_text_are_one_record_and_others_are_not() {
        let order = EventOrder::default();
        let record = |value| order.record(&id(value));
        for (a, b) in [(json!(1), json!("1")), (json!(-7), json!("-7")), (json!(0), json!("0")), (json!(2.0), json!(2))]
        {
            assert_eq!(record(a.clone()), record(b.clone()), "{a} {b}");
        }
        let (large, text) = (json!(u64::MAX), json!(u64::MAX.to_string()));
        assert_eq!(record(large), record(text));
        for (a, b) in [(json!(7), json!("07")), (json!(7), json!("+7")), (json!(0), json!("-0")), (json!(0), json!(""))]
        {
            assert_ne!(record(a.clone()), record(b.clone()), "{a} {b}");
        }
        assert_ne!(record(json!("-5")), record(json!("--5")));
        assert_ne!(record(json!(1.5)), record(json!(1)));
    }

    #[test]
    fn turns_come_one_after_the_other_and_leave_nothing_behind() {
        let order = Arc::new(EventOrder::default());
        let one = || order.take(&1.into());
        let (a, b, c, d) = (one(), one(), one(), one());
        let other = order.take(&2.into());
        assert!(a.is_first() && other.is_first() && !b.is_first());
        let (mut to_b, mut to_d) = (b.coming().unwrap(), d.coming().unwrap());
        drop(c);
        assert!(to_b.try_recv().is_err() && to_d.try_recv().is_err());
        drop(a);
        assert!(to_b.try_recv().is_ok() && b.coming().is_none());
        drop(b);
        assert!(to_d.try_recv().is_ok());
        drop((d, other));
        assert!(locked(&order.queues).by_record.is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_waits_longer_than_the_limit_and_those_who_wait_keep_their_order() {
        let order = Arc::new(EventOrder::default());
        let one = || order.take(&1.into());
        let (stuck, a, stuck_too, b) = (one(), one(), one(), one());
        let (to_a, to_b) = (a.coming().unwrap(), b.coming().unwrap());
        let mut b_has_come = Box::pin(b.has_come(to_b, LONG));
        assert!((&mut b_has_come).now_or_never().is_none());
        a.has_come(to_a, LONG).await;
        assert!((&mut b_has_come).now_or_never().is_none(), "the events of a are on their way");
        drop((stuck, a));
        b_has_come.await;
        drop((stuck_too, b));
        assert!(locked(&order.queues).by_record.is_empty());
    }
}
