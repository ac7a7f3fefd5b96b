//! Sources in the order of what they have had.

use std::collections::{BTreeSet, HashMap};
use std::hash::Hash;

/// The sources of one kind: the addresses, or the connections of an address. Each has something inside of it (`V`) in
/// which its work waits. So many that want nothing at the moment are `REMEMBERED`.
///
/// This is fair queueing by start time: a source that comes, or comes back, begins where those are that are being served,
/// so nobody saves up by wanting nothing, and nobody pays for what others were given meanwhile.
// P. Goyal, H. M. Vin, H. Cheng: Start-time fair queueing, SIGCOMM 1996.
pub(super) struct Level<K, V, const REMEMBERED: usize> {
    sources: HashMap<K, Member<V>>,
    /// Those that want something: by what they have had, then by how long they wait.
    waiting: BTreeSet<(u64, u64, K)>,
    /// What the last one served had had.
    now: u64,
    arrivals: u64,
}

pub(super) struct Member<V> {
    /// What it has had, on the level's scale, in microseconds.
    had: u64,
    /// When it came, while it waits.
    since: Option<u64>,
    pub(super) inner: V,
}

impl<K: Copy + Eq + Hash + Ord, V: Default, const REMEMBERED: usize> Level<K, V, REMEMBERED> {
    /// The source, which waits from now on.
    pub(super) fn enter(&mut self, key: K) -> &mut Member<V> {
        if self.sources.len() > REMEMBERED + self.waiting.len() && !self.sources.contains_key(&key) {
            self.sources.retain(|_, member| member.since.is_some());
        }
        let new = || Member { had: self.now, since: None, inner: V::default() };
        let member = self.sources.entry(key).or_insert_with(new);
        if member.since.is_none() {
            member.had = member.had.max(self.now);
            self.arrivals += 1;
            member.since = Some(self.arrivals);
            self.waiting.insert((member.had, self.arrivals, key));
        }
        member
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.sources.len()
    }

    pub(super) fn get(&self, key: K) -> Option<&Member<V>> {
        self.sources.get(&key)
    }

    pub(super) fn get_mut(&mut self, key: K) -> Option<&mut Member<V>> {
        self.sources.get_mut(&key)
    }

    /// Whether a source has had less than another. Of one that is not known nobody can say so.
    #[cfg_attr(not(feature = "sqlite"), allow(dead_code, reason = "only databases ask"))]
    pub(super) fn is_before(&self, key: K, other: K) -> bool {
        let had = |key| self.sources.get(&key).map(|member| member.had);
        had(key).zip(had(other)).is_some_and(|(had, other)| had < other)
    }

    /// Those that wait, in their order.
    pub(super) fn waiting(&self) -> impl Iterator<Item = K> {
        self.waiting.iter().map(|(_, _, key)| *key)
    }

    /// The source is served: it goes to the end of those that have had as much. `more` says whether it still wants
    /// something.
    pub(super) fn served(&mut self, key: K, more: bool) {
        let Some(member) = self.sources.get(&key) else { return };
        self.now = self.now.max(member.had);
        self.arrivals += 1;
        self.reorder(key, member.had.saturating_add(1), more.then_some(self.arrivals));
    }

    /// What the source has wanted is gone.
    pub(super) fn withdraw(&mut self, key: K) {
        if let Some(member) = self.sources.get(&key) {
            self.reorder(key, member.had, None);
        }
    }

    /// What the source was given took so long.
    pub(super) fn charge(&mut self, key: K, cost: u64) {
        let Some(member) = self.sources.get_mut(&key) else { return };
        let (had, since) = (member.had.saturating_add(cost), member.since);
        self.reorder(key, had, since);
    }

    fn reorder(&mut self, key: K, had: u64, since: Option<u64>) {
        let Some(member) = self.sources.get_mut(&key) else { return };
        if let Some(since) = member.since {
            self.waiting.remove(&(member.had, since, key));
        }
        (member.had, member.since) = (had, since);
        if let Some(since) = since {
            self.waiting.insert((had, since, key));
        }
    }
}

impl<K, V, const REMEMBERED: usize> Default for Level<K, V, REMEMBERED> {
    fn default() -> Level<K, V, REMEMBERED> {
        Level { sources: HashMap::default(), waiting: BTreeSet::new(), now: 0, arrivals: 0 }
    }
}
