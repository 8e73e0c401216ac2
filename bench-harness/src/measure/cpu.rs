//! CPU time of a process, involuntary switches of this one, and the time that a hypervisor took from its cores.
//!
//! Unsafe: three calls into the C library that fill a struct, or a number, which we own.
#![allow(unsafe_code)]

use std::time::Duration;

/// CPU time of all threads of process `pid` (none: this one) since it started, user and system together. Resolution: 1 ns as reported by Linux.
/// What other processes use that it has started is not in it.
///
/// Zero where the system has no such clock, and of a process that is gone.
pub fn process_time(pid: Option<u32>) -> Duration {
    let mut clock = libc::CLOCK_PROCESS_CPUTIME_ID;
    if let Some(pid) = pid {
        let Ok(pid) = libc::pid_t::try_from(pid) else { return Duration::ZERO };
        // SAFETY: `clock` is a valid, writable number for the length of the call; the call keeps no pointer to it.
        if unsafe { libc::clock_getcpuclockid(pid, &raw mut clock) } != 0 {
            return Duration::ZERO;
        }
    }
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `time` is a valid, writable timespec for the length of the call; the call keeps no pointer to it.
    let failed = unsafe { libc::clock_gettime(clock, &raw mut time) } != 0;
    if failed {
        return Duration::ZERO;
    }
    Duration::new(u64::try_from(time.tv_sec).unwrap_or(0), u32::try_from(time.tv_nsec).unwrap_or(0))
}

/// How often a thread of this process was taken off its core although it could have gone on, since the start.
pub fn involuntary_switches() -> u64 {
    // SAFETY: rusage is a struct of plain integers, for which all zeroes is a valid value.
    let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
    // SAFETY: `usage` is a valid, writable rusage for the length of the call; the call keeps no pointer to it.
    let failed = unsafe { libc::getrusage(libc::RUSAGE_SELF, &raw mut usage) } != 0;
    if failed { 0 } else { u64::try_from(usage.ru_nivcsw).unwrap_or(0) }
}

/// Seconds that the hypervisor ran something else while a core of this machine was ready to run, since boot, all cores together.
///
/// None where the kernel does not say (no `/proc/stat`). Resolution: 10 ms. A machine whose host does not report it reads zero always.
pub fn steal_s() -> Option<f64> {
    steal_ticks(&std::fs::read_to_string("/proc/stat").ok()?).map(|ticks| ticks as f64 / 100.0)
}

/// The eighth figure of the first line of `/proc/stat`, in ticks of 10 ms.
/// Source: proc_stat(5): cpu user nice system idle iowait irq softirq steal.
fn steal_ticks(stat: &str) -> Option<u64> {
    let mut words = stat.lines().next()?.split_ascii_whitespace();
    if words.next()? != "cpu" {
        return None;
    }
    words.nth(7)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_spent_is_counted() {
        let before = process_time(None);
        // A chain of dependent steps that cannot be folded away; at least a millisecond of work on any machine of this century.
        let mut x = 1u64;
        for i in 0..20_000_000u64 {
            x = std::hint::black_box(x.wrapping_mul(6364136223846793005).wrapping_add(i));
        }
        std::hint::black_box(x);
        assert!(process_time(Some(std::process::id())) - before > Duration::from_millis(1));
        assert_eq!(process_time(Some(u32::MAX)), Duration::ZERO);
        let _ = involuntary_switches();
    }

    #[test]
    fn steal_is_the_eighth_figure() {
        assert_eq!(steal_ticks("cpu  1 2 3 4 5 6 7 890 9 10\ncpu0 1 1 1 1 1 1 1 1\n"), Some(890));
        assert_eq!(steal_ticks("cpu  1 2 3\n"), None);
        assert_eq!(steal_ticks("intr 1 2 3 4 5 6 7 8 9\n"), None);
        assert_eq!(steal_ticks(""), None);
    }
}
