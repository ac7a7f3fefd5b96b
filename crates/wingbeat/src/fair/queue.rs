//! The queue itself: who is next, and who gives way.

use super::Source;
use super::level::Level;
use std::collections::VecDeque;
use std::net::IpAddr;
use std::time::Duration;

type Connections<T> = Level<Option<u64>, VecDeque<T>>;

/// Work that waits, by source.
pub(crate) struct Queue<T> {
    addresses: Level<Option<IpAddr>, Address<T>>,
    waiting: usize,
    most: usize,
    long: u64,
}

struct Address<T> {
    waiting: usize,
    connections: Connections<T>,
}

impl<T> Default for Address<T> {
    fn default() -> Address<T> {
        Address { waiting: 0, connections: Level::default() }
    }
}

/// Whose work may be next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    Anybody,
    /// Not that of sources whose work usually takes long.
    Short,
}

impl<T> Queue<T> {
    /// At most `most` wait. Work that takes longer than `long` is long.
    pub(crate) fn new(most: usize, long: Duration) -> Queue<T> {
        Queue { addresses: Level::default(), waiting: 0, most, long: micros(long) }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.waiting == 0
    }

    /// Adds work. Where the queue is full, the newest work of whom most waits for gives way and is handed back: it may
    /// be this one.
    pub(crate) fn push(&mut self, source: Source, work: T) -> Option<T> {
        let out = if self.waiting < self.most { None } else { self.make_room(source) };
        if matches!(out, Some(Room::Refused)) {
            return Some(work);
        }
        let address = &mut self.addresses.enter(source.address).inner;
        address.connections.enter(source.connection).inner.push_back(work);
        address.waiting += 1;
        self.waiting += 1;
        match out {
            Some(Room::Made(work)) => Some(work),
            _ => None,
        }
    }

    /// Takes the next work: of the address that has had least, and there of the connection that has.
    pub(crate) fn pop(&mut self, next: Next) -> Option<(Source, T)> {
        let source = self.next(next)?;
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

    /// What was taken for a source took so long.
    pub(crate) fn charge(&mut self, source: Source, time: Duration) {
        let cost = micros(time);
        self.addresses.charge(source.address, cost);
        if let Some(address) = self.addresses.get_mut(source.address) {
            address.inner.connections.charge(source.connection, cost);
        }
    }

    /// Drops the work that nobody waits for any more.
    pub(crate) fn retain(&mut self, wanted: impl Fn(&T) -> bool) {
        let addresses: Vec<_> = self.addresses.waiting().collect();
        for key in addresses {
            let Some(address) = self.addresses.get_mut(key) else { continue };
            let address = &mut address.inner;
            let connections: Vec<_> = address.connections.waiting().collect();
            for key in connections {
                let Some(connection) = address.connections.get_mut(key) else { continue };
                let before = connection.inner.len();
                connection.inner.retain(&wanted);
                let gone = before - connection.inner.len();
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
    }

    fn next(&self, next: Next) -> Option<Source> {
        self.addresses.waiting().find_map(|key| {
            let address = self.addresses.get(key)?;
            let is_allowed = |connection: &Option<u64>| {
                // Of a connection that is new no more is known than of its address.
                let usual = address.inner.connections.get(*connection).and_then(|member| member.usual);
                next == Next::Anybody || usual.or(address.usual).is_none_or(|usual| usual <= self.long)
            };
            let connection = address.inner.connections.waiting().find(is_allowed)?;
            Some(Source { address: key, connection })
        })
    }

    /// Takes out the newest work of the connection for which most waits, at the address for which most waits; unless that
    /// is the source itself.
    fn make_room(&mut self, source: Source) -> Option<Room<T>> {
        let waiting = |key: Option<IpAddr>| self.addresses.get(key).map_or(0, |member| member.inner.waiting);
        let longest = self.addresses.waiting().max_by_key(|key| waiting(*key))?;
        if waiting(longest) <= waiting(source.address) && longest != source.address {
            return Some(Room::Refused);
        }
        let address = &mut self.addresses.get_mut(longest)?.inner;
        let length = |key: Option<u64>| address.connections.get(key).map_or(0, |member| member.inner.len());
        let connection = address.connections.waiting().max_by_key(|key| length(*key))?;
        if longest == source.address && length(connection) <= length(source.connection) {
            return Some(Room::Refused);
        }
        let queue = &mut address.connections.get_mut(connection)?.inner;
        let work = queue.pop_back()?;
        if queue.is_empty() {
            address.connections.withdraw(connection);
        }
        address.waiting -= 1;
        if address.waiting == 0 {
            self.addresses.withdraw(longest);
        }
        self.waiting -= 1;
        Some(Room::Made(work))
    }
}

enum Room<T> {
    Made(T),
    Refused,
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_millis(5);

    fn queue(most: usize) -> Queue<u32> {
        Queue::new(most, LONG)
    }

    fn order(queue: &mut Queue<u32>) -> Vec<u32> {
        std::iter::from_fn(|| Some(queue.pop(Next::Anybody)?.1)).collect()
    }

    #[test]
    fn addresses_take_turns_and_so_do_the_connections_of_one() {
        let mut queue = queue(100);
        for work in 0..3 {
            queue.push(Source::at([6, 6, 6, 6], 1), work);
        }
        for work in 10..13 {
            queue.push(Source::at([6, 6, 6, 6], 2), work);
        }
        queue.push(Source::at([1, 2, 3, 4], 3), 20);
        queue.push(Source::at([1, 2, 3, 4], 3), 21);
        assert_eq!(order(&mut queue), [0, 20, 10, 21, 1, 11, 2, 12]);
        assert!(queue.is_empty());
    }

    #[test]
    fn who_has_had_much_waits_for_who_has_had_little() {
        let mut queue = queue(100);
        let (greedy, modest) = (Source::at([6, 6, 6, 6], 1), Source::at([1, 2, 3, 4], 2));
        for work in 0..4 {
            queue.push(greedy, work);
        }
        assert_eq!(queue.pop(Next::Anybody), Some((greedy, 0)));
        queue.charge(greedy, Duration::from_millis(50));
        for work in 10..20 {
            queue.push(modest, work);
            assert_eq!(queue.pop(Next::Anybody), Some((modest, work)));
            queue.charge(modest, Duration::from_millis(1));
        }
        assert_eq!(queue.pop(Next::Anybody), Some((greedy, 1)));
    }

    #[test]
    fn nobody_saves_up_and_nobody_pays_for_what_others_had() {
        let mut queue = queue(100);
        let (early, late) = (Source::at([1, 1, 1, 1], 1), Source::at([2, 2, 2, 2], 2));
        for work in 0..10 {
            queue.push(early, work);
            queue.pop(Next::Anybody);
            queue.charge(early, Duration::from_secs(1));
        }
        // The one that comes late does not get ten seconds for itself.
        for work in 0..3 {
            queue.push(early, work);
            queue.push(late, 10 + work);
        }
        assert_eq!(queue.pop(Next::Anybody), Some((late, 10)));
        queue.charge(late, Duration::from_secs(2));
        assert_eq!(queue.pop(Next::Anybody), Some((early, 0)));
    }

    #[test]
    fn short_work_can_be_asked_for() {
        let mut queue = queue(100);
        let (slow, quick) = (Source::at([6, 6, 6, 6], 1), Source::at([6, 6, 6, 6], 2));
        for source in [slow, quick] {
            queue.push(source, 0);
            queue.pop(Next::Anybody);
        }
        queue.charge(slow, LONG * 10);
        queue.charge(quick, LONG / 10);
        queue.push(slow, 1);
        assert_eq!(queue.pop(Next::Short), None);
        queue.push(quick, 2);
        assert_eq!(queue.pop(Next::Short), Some((quick, 2)));
        // A new connection at an address of slow work is slow until it is known.
        let mut queue = self::queue(100);
        queue.push(slow, 0);
        queue.pop(Next::Anybody);
        queue.charge(slow, LONG * 10);
        queue.push(Source::at([6, 6, 6, 6], 3), 1);
        assert_eq!(queue.pop(Next::Short), None);
        queue.push(Source::at([1, 2, 3, 4], 4), 2);
        assert_eq!(queue.pop(Next::Short).map(|(_, work)| work), Some(2));
    }

    #[test]
    fn the_longest_gives_way_when_the_queue_is_full() {
        let mut queue = queue(10);
        let (crowd, owner) = (Source::at([6, 6, 6, 6], 1), Source::at([1, 2, 3, 4], 2));
        assert!((0..10).all(|work| queue.push(crowd, work).is_none()));
        assert_eq!(queue.push(crowd, 10), Some(10), "its own newest is refused");
        assert_eq!(queue.push(owner, 20), Some(9), "another's makes room");
        assert_eq!(queue.push(Source::at([6, 6, 6, 6], 3), 30), Some(8), "so does a neighbour's");
        assert_eq!(order(&mut queue), [0, 20, 30, 1, 2, 3, 4, 5, 6, 7]);
    }

    #[test]
    fn work_that_nobody_wants_is_dropped() {
        let mut queue = queue(10);
        let (gone, there) = (Source::at([6, 6, 6, 6], 1), Source::at([6, 6, 6, 6], 2));
        assert!((0..5).all(|work| queue.push(gone, work).is_none()));
        queue.push(there, 10);
        queue.retain(|work| *work >= 10);
        assert_eq!(order(&mut queue), [10]);
        queue.push(gone, 0);
        assert_eq!(order(&mut queue), [0]);
    }
}
