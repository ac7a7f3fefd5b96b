//! What this process has used, from `/proc`.

use std::fs::{read_dir, read_to_string};
use std::io::{Error, Result};

/// CPU time of all threads, in nanoseconds: finer than the ticks of `stat`.
pub(crate) fn cpu_ns() -> Result<u64> {
    let mut total = 0;
    for thread in read_dir("/proc/self/task")? {
        let text = read_to_string(thread?.path().join("schedstat"))?;
        total += number(text.split_whitespace().next())?;
    }
    Ok(total)
}

/// Resident memory.
pub(crate) fn rss_kib() -> Result<u64> {
    let status = read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    number(line.and_then(|line| line.split_whitespace().next()))
}

fn number(text: Option<&str>) -> Result<u64> {
    text.and_then(|text| text.parse().ok()).ok_or_else(|| Error::other("/proc is not as expected"))
}
