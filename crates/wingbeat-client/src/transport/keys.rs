//! The keys that mask frames.

use std::cell::RefCell;
use std::io;

const KEYS: usize = 256;

struct Pool {
    keys: [[u8; 4]; KEYS],
    left: usize,
}

thread_local! {
    // Nobody may be able to guess a key from those before it (RFC 6455, 5.3): they come from the system, many at a
    // time, because a system call for each would cost more than all the rest of a frame.
    static POOL: RefCell<Pool> = const { RefCell::new(Pool { keys: [[0; 4]; KEYS], left: 0 }) };
}

/// A key that was never used and cannot be guessed.
///
/// # Errors
/// If the system has no random numbers.
pub(super) fn fresh_key() -> io::Result<[u8; 4]> {
    POOL.with_borrow_mut(|pool| {
        if pool.left == 0 {
            getrandom::fill(pool.keys.as_flattened_mut()).map_err(io::Error::other)?;
            pool.left = KEYS;
        }
        pool.left -= 1;
        Ok(pool.keys[pool.left])
    })
}

#[cfg(test)]
mod tests {
    #[test]
    fn keys_do_not_come_again() {
        let keys: std::collections::HashSet<_> = (0..2000).map(|_| super::fresh_key().unwrap()).collect();
        // Two of 2,000 are the same by chance once in 2,000 runs; four of them never.
        assert!(keys.len() > 1996);
    }
}
