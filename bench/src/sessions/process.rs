//! What this process has used, from `/proc`.

use std::fs::read_to_string;
use std::io::{Error, Result};
use std::time::Duration;

/// CPU time of the main thread, which does all the work.
pub(crate) fn cpu() -> Result<Duration> {
    let text = read_to_string("/proc/self/schedstat")?;
    let nanos = text.split_whitespace().next().and_then(|nanos| nanos.parse().ok());
    nanos.map(Duration::from_nanos).ok_or_else(|| Error::other("/proc/self/schedstat is not what it should be"))
}

/// Resident memory, in bytes.
pub(crate) fn rss() -> Result<u64> {
    status("VmRSS:")
}

/// The most resident memory there ever was, in bytes.
pub(crate) fn peak_rss() -> Result<u64> {
    status("VmHWM:")
}

fn status(field: &str) -> Result<u64> {
    let text = read_to_string("/proc/self/status")?;
    let line = text.lines().find_map(|line| line.strip_prefix(field));
    let kib: Option<u64> = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
    kib.map(|kib| kib * 1024).ok_or_else(|| Error::other(format!("no {field}")))
}
