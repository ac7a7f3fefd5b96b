//! Who has how many of the places.

use super::source::{Address, Source};
use std::collections::HashMap;
use std::hash::Hash;

/// Counts the places that each source has, so that none has all of them: it may take one more while its connection and
/// its address together have fewer than are free.
///
/// Alone it has a third in the end, among many all have about as much, and there is always something left for one more.
// A. K. Choudhury, E. L. Hahne: Dynamic queue length thresholds for shared-memory packet switches, 1998.
#[derive(Default)]
pub(super) struct Shares {
    addresses: HashMap<Address, usize>,
    sources: HashMap<Source, usize>,
}

impl Shares {
    /// Whether somebody at an address may take a place, with so many free.
    pub(super) fn allow_at(&self, address: Address, free: usize) -> bool {
        of(&self.addresses, address) < free
    }

    /// Whether a source may take a place, with so many free.
    pub(super) fn allow(&self, source: Source, free: usize) -> bool {
        of(&self.addresses, source.address) + of(&self.sources, source) < free
    }

    pub(super) fn take(&mut self, source: Source) {
        *self.addresses.entry(source.address).or_default() += 1;
        *self.sources.entry(source).or_default() += 1;
    }

    pub(super) fn give_back(&mut self, source: Source) {
        decrease(&mut self.addresses, source.address);
        decrease(&mut self.sources, source);
    }
}

fn of<K: Eq + Hash>(counts: &HashMap<K, usize>, key: K) -> usize {
    counts.get(&key).copied().unwrap_or_default()
}

fn decrease<K: Eq + Hash>(counts: &mut HashMap<K, usize>, key: K) {
    if let Some(count) = counts.get_mut(&key) {
        *count -= 1;
        if *count == 0 {
            counts.remove(&key);
        }
    }
}
