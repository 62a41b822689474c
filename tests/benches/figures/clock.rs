//! Processor time and memory of this process, from `/proc`. A busy machine makes wall-clock time useless.

use std::fs;
use std::time::{Duration, Instant};

/// Processor time of the calling thread; elsewhere than on Linux, the time since `start`.
pub(crate) fn thread_time(start: Instant) -> Duration {
    first_number("/proc/thread-self/schedstat")
        .map_or_else(|| start.elapsed(), Duration::from_nanos)
}

/// Peak resident memory of this process in bytes, if the system tells.
pub(crate) fn peak_memory() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kilobytes: u64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kilobytes * 1024)
}

fn first_number(path: &str) -> Option<u64> {
    fs::read_to_string(path).ok()?.split_whitespace().next()?.parse().ok()
}
