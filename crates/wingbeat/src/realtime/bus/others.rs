//! What this node knows of the others.

use rustc_hash::FxHashMap;
use rustc_hash::FxHashSet;
use std::collections::VecDeque;
use std::time::Duration;
use tokio::time::Instant;

/// Of how many events for several topics it is remembered that they have come.
const REMEMBERED: usize = 4096;

/// The other nodes, by their numbers, and whoever else sends.
#[derive(Default)]
pub(super) struct Others {
    nodes: FxHashMap<u64, Other>,
    senders: FxHashMap<u64, Remembered>,
}

struct Other {
    /// When it was heard of last.
    heard: Instant,
    /// Its last order before which none is missing.
    orders: u64,
    /// Whether some of its orders may be missing, and since when nothing is known.
    unsure: Option<Instant>,
}

/// Events of a sender that were sent to several topics and have come by one of them.
struct Remembered {
    heard: Instant,
    seen: FxHashSet<u64>,
    order: VecDeque<u64>,
}

/// Nodes that were not heard of for long.
#[derive(Default)]
pub(super) struct Silent {
    pub(super) nodes: Vec<u64>,
    /// Whether orders of one of them may be missing for ever.
    pub(super) leave_a_doubt: bool,
}

/// What becomes of an order.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Ordered {
    /// It was done before.
    Done,
    /// It is to be done.
    ToDo,
    /// It is to be done, and those after this number are missing, for that long at most.
    ToDoAndAsk(u64, Duration),
}

impl Others {
    pub(super) fn len(&self) -> usize {
        self.nodes.len()
    }

    pub(super) fn numbers(&self) -> impl Iterator<Item = u64> {
        self.nodes.keys().copied()
    }

    pub(super) fn is_known(&self, node: u64) -> bool {
        self.nodes.contains_key(&node)
    }

    fn get(&mut self, node: u64, since: Instant) -> &mut Other {
        let now = Instant::now();
        // It may have sent orders before it was heard of.
        let other = self.nodes.entry(node).or_insert(Other { heard: now, orders: 0, unsure: Some(since) });
        other.heard = now;
        other
    }

    /// Whether an event that was sent to several topics has come for the first time.
    pub(super) fn is_first(&mut self, sender: u64, event: u64) -> bool {
        let now = Instant::now();
        let new = || Remembered { heard: now, seen: FxHashSet::default(), order: VecDeque::new() };
        let events = self.senders.entry(sender).or_insert_with(new);
        events.heard = now;
        events.insert(event)
    }

    /// An order has come. `since` says from when on this node listens.
    pub(super) fn order(&mut self, node: u64, number: u64, since: Instant) -> Ordered {
        let other = self.get(node, since);
        if number <= other.orders {
            return Ordered::Done;
        }
        if number == other.orders + 1 {
            other.orders = number;
            return Ordered::ToDo;
        }
        Ordered::ToDoAndAsk(other.orders, other.unsure.get_or_insert(since).elapsed())
    }

    /// A node says how many orders it has sent. After which number, and for how long, it has to be asked; nothing if all have
    /// come.
    pub(super) fn heartbeat(&mut self, node: u64, orders: u64, since: Instant) -> Option<(u64, Duration)> {
        let other = self.get(node, since);
        if orders <= other.orders {
            other.unsure = None;
            return None;
        }
        Some((other.orders, other.unsure.get_or_insert(since).elapsed()))
    }

    /// All orders of a node up to this one are done, or cannot be known any more.
    pub(super) fn caught_up(&mut self, node: u64, orders: u64, since: Instant) {
        let other = self.get(node, since);
        other.orders = other.orders.max(orders);
        other.unsure = None;
    }

    /// A node has ended. Whether orders of it may be missing for ever.
    pub(super) fn bye(&mut self, node: u64) -> bool {
        self.nodes.remove(&node).is_some_and(|other| other.unsure.is_some())
    }

    /// Messages may have been lost since a moment.
    pub(super) fn lost(&mut self, since: Instant) {
        self.nodes.values_mut().for_each(|other| {
            other.unsure.get_or_insert(since);
        });
    }

    /// What was not heard of meanwhile may still be there.
    pub(super) fn heard_again(&mut self) {
        let now = Instant::now();
        self.nodes.values_mut().for_each(|other| other.heard = now);
    }

    /// Forgets those that were not heard of for so long.
    pub(super) fn forget_silent(&mut self, silence: Duration) -> Silent {
        self.senders.retain(|_, events| events.heard.elapsed() <= silence);
        let mut silent = Silent::default();
        for (node, other) in self.nodes.extract_if(|_, other| other.heard.elapsed() > silence) {
            silent.nodes.push(node);
            silent.leave_a_doubt |= other.unsure.is_some();
        }
        silent
    }
}

impl Remembered {
    fn insert(&mut self, event: u64) -> bool {
        let is_first = self.seen.insert(event);
        if is_first {
            self.order.push_back(event);
            if self.order.len() > REMEMBERED
                && let Some(oldest) = self.order.pop_front()
            {
                self.seen.remove(&oldest);
            }
        }
        is_first
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn orders_are_done_once_and_missing_ones_asked_for() {
        let (mut others, since) = (Others::default(), Instant::now());
        assert_eq!(others.order(7, 1, since), Ordered::ToDo);
        assert_eq!(others.order(7, 1, since), Ordered::Done);
        tokio::time::advance(Duration::from_secs(9)).await;
        assert_eq!(others.order(7, 3, since), Ordered::ToDoAndAsk(1, Duration::from_secs(9)));
        assert_eq!((others.order(7, 2, since), others.order(7, 3, since)), (Ordered::ToDo, Ordered::ToDo));
        assert_eq!(others.heartbeat(7, 3, since), None);
        assert!(others.heartbeat(7, 4, since).is_some(), "the fourth has not come");
        others.caught_up(7, 4, since);
        assert_eq!(others.heartbeat(7, 4, since), None);
    }

    #[tokio::test(start_paused = true)]
    async fn a_node_that_went_while_messages_were_lost_leaves_a_doubt() {
        let (mut others, since) = (Others::default(), Instant::now());
        let silence = Duration::from_secs(15);
        assert_eq!((others.heartbeat(1, 0, since), others.heartbeat(2, 0, since)), (None, None));
        others.lost(Instant::now());
        tokio::time::advance(Duration::from_secs(10)).await;
        assert_eq!(others.heartbeat(2, 0, since), None);
        tokio::time::advance(Duration::from_secs(6)).await;
        assert!(others.forget_silent(silence).leave_a_doubt);
        assert_eq!(others.len(), 1);
        tokio::time::advance(Duration::from_secs(20)).await;
        assert!(!others.forget_silent(silence).leave_a_doubt, "nothing was lost since the second was heard of");
        assert_eq!((others.heartbeat(3, 0, since), others.heartbeat(4, 0, since)), (None, None));
        others.lost(Instant::now());
        assert_eq!(others.heartbeat(4, 0, since), None);
        assert!(others.bye(3) && !others.bye(4));
    }

    #[tokio::test(start_paused = true)]
    async fn an_event_for_several_topics_is_taken_once() {
        let mut others = Others::default();
        assert!(others.is_first(1, 5) && !others.is_first(1, 5) && others.is_first(2, 5));
        (10..10 + REMEMBERED as u64).for_each(|event| assert!(others.is_first(1, event)));
        assert!(others.senders[&1].seen.len() <= REMEMBERED);
        // Who sends events need be no node, and nothing is in doubt when it has gone.
        tokio::time::advance(Duration::from_secs(20)).await;
        assert!(!others.forget_silent(Duration::from_secs(15)).leave_a_doubt);
        assert_eq!((others.len(), others.senders.len()), (0, 0));
    }
}
