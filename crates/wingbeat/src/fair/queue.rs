//! The queue itself: who is next, and who gives way.

use super::level::Level;
use super::source::{Address, Source};
use std::collections::VecDeque;
use std::mem;
use std::time::Duration;

/// So many addresses, and connections of one, are remembered that want nothing at the moment.
const ADDRESSES: usize = 1024;
const CONNECTIONS: usize = 64;

type Connections<T> = Level<u64, VecDeque<T>, CONNECTIONS>;

/// Work that waits, by source.
pub(crate) struct Queue<T> {
    addresses: Level<Address, AtAddress<T>, ADDRESSES>,
    waiting: usize,
    most: usize,
}

struct AtAddress<T> {
    waiting: usize,
    connections: Connections<T>,
}

impl<T> Default for AtAddress<T> {
    fn default() -> AtAddress<T> {
        AtAddress { waiting: 0, connections: Level::default() }
    }
}

impl<T> Queue<T> {
    /// At most `most` wait.
    pub(crate) fn new(most: usize) -> Queue<T> {
        Queue { addresses: Level::default(), waiting: 0, most }
    }

    /// How much waits.
    pub(crate) fn len(&self) -> usize {
        self.waiting
    }

    /// Adds work. Where the queue is full, the newest work of whom most waits for gives way and is handed back. That is
    /// this one, where nobody has more waiting.
    pub(crate) fn push(&mut self, source: Source, work: T) -> Option<T> {
        let out = if self.waiting < self.most {
            None
        } else {
            let Some(longest) = self.longest(source) else { return Some(work) };
            self.take_newest(longest)
        };
        let address = &mut self.addresses.enter(source.address).inner;
        address.connections.enter(source.connection).inner.push_back(work);
        address.waiting += 1;
        self.waiting += 1;
        out
    }

    /// Takes the next work: of the address that has had least, and there of the connection that has.
    pub(crate) fn pop(&mut self) -> Option<(Source, T)> {
        self.pop_if(|_| true, |_| true)
    }

    /// As [`pop`](Queue::pop), of those at some addresses and there of some sources.
    pub(crate) fn pop_if(&mut self, at: impl Fn(Address) -> bool, of: impl Fn(Source) -> bool) -> Option<(Source, T)> {
        let source = self.first(at, of)?;
        self.take(source)
    }

    /// What was taken for a source took so long.
    pub(crate) fn charge(&mut self, source: Source, time: Duration) {
        let cost = micros(time);
        self.addresses.charge(source.address, cost);
        if let Some(address) = self.addresses.get_mut(source.address) {
            address.inner.connections.charge(source.connection, cost);
        }
    }

    /// Whether the next work is of somebody who has had less than this source.
    #[cfg_attr(not(feature = "sqlite"), allow(dead_code, reason = "only databases ask"))]
    pub(crate) fn is_behind(&self, source: Source) -> bool {
        let Some(address) = self.addresses.waiting().next() else { return false };
        if address != source.address {
            return self.addresses.is_before(address, source.address);
        }
        let Some(here) = self.addresses.get(address) else { return false };
        let connections = &here.inner.connections;
        connections.waiting().next().is_some_and(|next| connections.is_before(next, source.connection))
    }

    /// Takes out the work that nobody waits for any more: to be dropped without the lock, if it is the callers' own.
    pub(crate) fn retain(&mut self, wanted: impl Fn(&T) -> bool) -> Vec<T> {
        let mut out = Vec::new();
        let addresses: Vec<_> = self.addresses.waiting().collect();
        for key in addresses {
            let Some(address) = self.addresses.get_mut(key) else { continue };
            let address = &mut address.inner;
            let connections: Vec<_> = address.connections.waiting().collect();
            for key in connections {
                let Some(connection) = address.connections.get_mut(key) else { continue };
                let before = out.len();
                for work in mem::take(&mut connection.inner) {
                    match wanted(&work) {
                        true => connection.inner.push_back(work),
                        false => out.push(work),
                    }
                }
                let gone = out.len() - before;
                if connection.inner.is_empty() {
                    address.connections.withdraw(key);
                }
                address.waiting -= gone;
                self.waiting -= gone;
            }
            if address.waiting == 0 {
                self.addresses.withdraw(key);
            }
        }
        out
    }

    /// The first source of those that wait which may be next.
    fn first(&self, at: impl Fn(Address) -> bool, of: impl Fn(Source) -> bool) -> Option<Source> {
        self.addresses.waiting().filter(|address| at(*address)).find_map(|address| {
            let connections = &self.addresses.get(address)?.inner.connections;
            let mut sources = connections.waiting().map(|connection| Source { address, connection });
            sources.find(|source| of(*source))
        })
    }

    fn take(&mut self, source: Source) -> Option<(Source, T)> {
        let address = &mut self.addresses.get_mut(source.address)?.inner;
        let queue = &mut address.connections.get_mut(source.connection)?.inner;
        let work = queue.pop_front()?;
        let more = !queue.is_empty();
        address.connections.served(source.connection, more);
        address.waiting -= 1;
        let more = address.waiting > 0;
        self.addresses.served(source.address, more);
        self.waiting -= 1;
        Some((source, work))
    }

    /// The connection with most waiting, at the address with most waiting; unless that is the source itself.
    fn longest(&self, source: Source) -> Option<Source> {
        let waiting = |address: Address| self.addresses.get(address).map_or(0, |member| member.inner.waiting);
        let longest = self.addresses.waiting().max_by_key(|address| waiting(*address))?;
        // Who has as much makes room among his own.
        let address = if waiting(source.address) >= waiting(longest) { source.address } else { longest };
        let connections = &self.addresses.get(address)?.inner.connections;
        let length = |connection: u64| connections.get(connection).map_or(0, |member| member.inner.len());
        let connection = connections.waiting().max_by_key(|connection| length(*connection))?;
        let is_own = address == source.address && length(source.connection) >= length(connection);
        (!is_own).then_some(Source { address, connection })
    }

    fn take_newest(&mut self, source: Source) -> Option<T> {
        let address = &mut self.addresses.get_mut(source.address)?.inner;
        let queue = &mut address.connections.get_mut(source.connection)?.inner;
        let work = queue.pop_back()?;
        if queue.is_empty() {
            address.connections.withdraw(source.connection);
        }
        address.waiting -= 1;
        if address.waiting == 0 {
            self.addresses.withdraw(source.address);
        }
        self.waiting -= 1;
        Some(work)
    }
}

/// At most as many as there are numbers.
pub(crate) fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(address: [u8; 4], connection: u64) -> Source {
        Source::client(Some(address.into()), Some(connection))
    }

    fn queue(most: usize) -> Queue<u32> {
        Queue::new(most)
    }

    fn order(queue: &mut Queue<u32>) -> Vec<u32> {
        std::iter::from_fn(|| Some(queue.pop()?.1)).collect()
    }

    #[test]
    fn addresses_take_turns_and_so_do_the_connections_of_one() {
        let mut queue = queue(100);
        for work in 0..3 {
            queue.push(at([6, 6, 6, 6], 1), work);
        }
        for work in 10..13 {
            queue.push(at([6, 6, 6, 6], 2), work);
        }
        queue.push(at([1, 2, 3, 4], 3), 20);
        queue.push(at([1, 2, 3, 4], 3), 21);
        assert_eq!(order(&mut queue), [0, 20, 10, 21, 1, 11, 2, 12]);
        assert_eq!(queue.len(), 0);
    }

    #[test]
    fn who_has_had_much_waits_for_who_has_had_little() {
        let mut queue = queue(100);
        let (greedy, modest) = (at([6, 6, 6, 6], 1), at([1, 2, 3, 4], 2));
        for work in 0..4 {
            queue.push(greedy, work);
        }
        assert_eq!(queue.pop(), Some((greedy, 0)));
        queue.charge(greedy, Duration::from_millis(50));
        for work in 10..20 {
            queue.push(modest, work);
            assert_eq!(queue.pop(), Some((modest, work)));
            queue.charge(modest, Duration::from_millis(1));
        }
        assert_eq!(queue.pop(), Some((greedy, 1)));
    }

    #[test]
    fn nobody_saves_up_and_nobody_pays_for_what_others_had() {
        let mut queue = queue(100);
        let (early, late) = (at([1, 1, 1, 1], 1), at([2, 2, 2, 2], 2));
        for work in 0..10 {
            queue.push(early, work);
            queue.pop();
            queue.charge(early, Duration::from_secs(1));
        }
        // The one that comes late does not get ten seconds for itself.
        for work in 0..3 {
            queue.push(early, work);
            queue.push(late, 10 + work);
        }
        assert_eq!(queue.pop(), Some((late, 10)));
        queue.charge(late, Duration::from_secs(2));
        assert_eq!(queue.pop(), Some((early, 0)));
    }

    #[test]
    fn whoever_has_had_less_is_ahead() {
        let mut queue = queue(100);
        let (busy, other, neighbour) = (at([6, 6, 6, 6], 1), at([1, 2, 3, 4], 2), at([6, 6, 6, 6], 3));
        for source in [busy, neighbour] {
            queue.push(source, 0);
            queue.pop();
        }
        assert!(!queue.is_behind(busy), "nobody waits");
        queue.charge(busy, Duration::from_millis(5));
        queue.push(busy, 1);
        assert!(!queue.is_behind(busy), "he waits himself");
        queue.push(neighbour, 2);
        assert!(queue.is_behind(busy) && !queue.is_behind(neighbour));
        queue.push(other, 3);
        assert!(queue.is_behind(busy) && queue.is_behind(neighbour) && !queue.is_behind(other));
    }

    #[test]
    fn the_longest_gives_way_when_the_queue_is_full() {
        let mut queue = queue(10);
        let (crowd, owner) = (at([6, 6, 6, 6], 1), at([1, 2, 3, 4], 2));
        assert!((0..10).all(|work| queue.push(crowd, work).is_none()));
        assert_eq!(queue.push(crowd, 10), Some(10), "its own newest is refused");
        assert_eq!(queue.push(owner, 20), Some(9), "another's makes room");
        assert_eq!(queue.push(at([6, 6, 6, 6], 3), 30), Some(8), "so does a neighbour's");
        assert_eq!(order(&mut queue), [0, 20, 30, 1, 2, 3, 4, 5, 6, 7]);
    }

    #[test]
    fn who_has_as_much_as_others_makes_room_among_his_own() {
        let mut queue = queue(4);
        let (a, b) = ([6, 6, 6, 6], [1, 2, 3, 4]);
        for (address, work) in [(a, 0), (a, 1), (b, 10), (b, 11)] {
            assert_eq!(queue.push(at(address, 1), work), None);
        }
        assert_eq!(queue.push(at(b, 2), 20), Some(11), "his neighbour has more");
        assert_eq!(queue.push(at(b, 2), 21), Some(21), "his neighbour has as much");
    }

    #[test]
    fn little_is_remembered_of_those_who_want_nothing() {
        let mut queue = queue(100);
        for connection in 0..10_000 {
            queue.push(at([6, 6, 6, 6], connection), 0);
            queue.pop();
        }
        let here = queue.addresses.get(Address::Of([6, 6, 6, 6].into())).unwrap();
        assert!(here.inner.connections.len() <= CONNECTIONS + 2);
    }

    #[test]
    fn work_that_nobody_wants_is_dropped() {
        let mut queue = queue(10);
        let (gone, there) = (at([6, 6, 6, 6], 1), at([6, 6, 6, 6], 2));
        assert!((0..5).all(|work| queue.push(gone, work).is_none()));
        queue.push(there, 10);
        queue.retain(|work| *work >= 10);
        assert_eq!(order(&mut queue), [10]);
        queue.push(gone, 0);
        assert_eq!(order(&mut queue), [0]);
    }
}
