//! What each thread of a run used, and what the machine did to it: CPU time, time spent waiting for a core, switches, page faults, gaps.
//!
//! ```text
//!   thread begins ── ThreadWatch::begin("receive") ── work ── dropped at its end, on the same thread ──▶ take() after all were joined
//!                         rusage, schedstat                       rusage, schedstat
//! ```
//!
//! Two looks at the kernel's own accounts, a few µs each, at the thread's ends; nothing while it works. A hypervisor's theft is not in them: the
//! kernel of a virtual machine counts it as the thread's own time. That is what the gaps are for ([`crate::load::open`]).
//!
//! Unsafe: one call into the C library that fills a struct which we own.
#![allow(unsafe_code)]

use std::{
    sync::{Mutex, PoisonError},
    thread::ThreadId,
    time::Instant,
};

use serde::{Deserialize, Serialize};

use super::stalls::Floor;

/// One thread of a run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ThreadUse {
    /// What it did.
    pub name: String,
    /// Seconds watched.
    pub alive_s: f64,
    /// CPU seconds, user and system. In a virtual machine time stolen by the host is in it.
    pub cpu_s: f64,
    /// Seconds ready to run without a core; none where the kernel does not say.
    pub waited_s: Option<f64>,
    /// Times that it gave its core up.
    pub voluntary_switches: u64,
    /// Times that it was taken off its core.
    pub involuntary_switches: u64,
    /// Page faults served from memory.
    pub minor_faults: u64,
    /// Page faults that waited for a disk.
    pub major_faults: u64,
    /// Gaps in its duty cycle that were not its own work; none where the system under test has no place to look from.
    pub gaps: Option<Gaps>,
}

/// Gaps in a duty cycle.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Gaps {
    /// How many.
    pub count: u64,
    /// Their sum in ns.
    pub total_ns: u64,
    /// The longest in ns.
    pub largest_ns: u64,
}

impl Gaps {
    /// Adds a gap.
    pub fn add(&mut self, ns: u64) {
        self.count += 1;
        self.total_ns += ns;
        self.largest_ns = self.largest_ns.max(ns);
    }

    /// Both together.
    #[must_use]
    pub fn merge(self, other: Gaps) -> Gaps {
        Gaps {
            count: self.count + other.count,
            total_ns: self.total_ns + other.total_ns,
            largest_ns: self.largest_ns.max(other.largest_ns),
        }
    }
}

impl From<Floor> for Gaps {
    fn from(floor: Floor) -> Gaps {
        Gaps { count: floor.count, total_ns: floor.lost_ns, largest_ns: floor.largest_ns }
    }
}

static USES: Mutex<Vec<ThreadUse>> = Mutex::new(Vec::new());

/// Takes what the threads that have ended left, in the order of their names.
pub fn take() -> Vec<ThreadUse> {
    let mut uses = std::mem::take(&mut *USES.lock().unwrap_or_else(PoisonError::into_inner));
    uses.sort_by(|a, b| a.name.cmp(&b.name));
    uses
}

/// Watches the thread that made it, until it is dropped there. Dropped elsewhere it leaves nothing.
#[derive(Debug)]
pub struct ThreadWatch {
    name: String,
    thread: ThreadId,
    begun: Instant,
    before: Account,
    gaps: Option<Gaps>,
}

impl ThreadWatch {
    /// Begins.
    pub fn begin(name: impl Into<String>) -> ThreadWatch {
        let thread = std::thread::current().id();
        ThreadWatch { name: name.into(), thread, begun: Instant::now(), before: Account::read(), gaps: None }
    }

    /// What the thread used until now.
    fn seen(&self) -> ThreadUse {
        let (before, after) = (&self.before, Account::read());
        ThreadUse {
            name: self.name.clone(),
            alive_s: self.begun.elapsed().as_secs_f64(),
            cpu_s: (after.cpu_s - before.cpu_s).max(0.0),
            waited_s: before.waited_s.zip(after.waited_s).map(|(before, after)| (after - before).max(0.0)),
            voluntary_switches: after.voluntary.saturating_sub(before.voluntary),
            involuntary_switches: after.involuntary.saturating_sub(before.involuntary),
            minor_faults: after.minor.saturating_sub(before.minor),
            major_faults: after.major.saturating_sub(before.major),
            gaps: self.gaps,
        }
    }

    /// Notes the gaps that were seen.
    pub fn gaps(&mut self, gaps: Gaps) {
        self.gaps = Some(gaps);
    }
}

impl Drop for ThreadWatch {
    fn drop(&mut self) {
        if std::thread::current().id() != self.thread {
            return;
        }
        let seen = self.seen();
        USES.lock().unwrap_or_else(PoisonError::into_inner).push(seen);
    }
}

/// The kernel's account of the calling thread.
#[derive(Debug, Default)]
struct Account {
    cpu_s: f64,
    waited_s: Option<f64>,
    voluntary: u64,
    involuntary: u64,
    minor: u64,
    major: u64,
}

impl Account {
    fn read() -> Account {
        // SAFETY: rusage is a struct of plain integers, for which all zeroes is a valid value.
        let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
        // SAFETY: `usage` is a valid, writable rusage for the length of the call; the call keeps no pointer to it.
        let failed = unsafe { libc::getrusage(libc::RUSAGE_THREAD, &raw mut usage) } != 0;
        if failed {
            return Account::default();
        }
        let seconds = |time: libc::timeval| time.tv_sec as f64 + time.tv_usec as f64 / 1e6;
        let number = |n: libc::c_long| u64::try_from(n).unwrap_or(0);
        let schedstat = std::fs::read_to_string("/proc/thread-self/schedstat").ok().and_then(|text| schedstat(&text));
        Account {
            // Nanoseconds where the kernel counts them; rusage rounds to microseconds.
            cpu_s: schedstat.map_or_else(|| seconds(usage.ru_utime) + seconds(usage.ru_stime), |(cpu, _)| cpu),
            waited_s: schedstat.map(|(_, waited)| waited),
            voluntary: number(usage.ru_nvcsw),
            involuntary: number(usage.ru_nivcsw),
            minor: number(usage.ru_minflt),
            major: number(usage.ru_majflt),
        }
    }
}

/// Seconds on a core and seconds waiting for one. Source: the kernel's `sched-stats` document: run time, run delay, slices.
fn schedstat(text: &str) -> Option<(f64, f64)> {
    let mut words = text.split_ascii_whitespace().map(|word| word.parse::<u64>().ok());
    Some((words.next()?? as f64 / 1e9, words.next()?? as f64 / 1e9))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_thread_leaves_its_account() {
        let work = || {
            let mut watch = ThreadWatch::begin("a thread of this test");
            let block = std::hint::black_box(vec![1u8; 8 << 20]);
            std::thread::sleep(std::time::Duration::from_millis(2));
            watch.gaps(Gaps { count: 1, total_ns: 5, largest_ns: 5 });
            assert!(block.len() > 1);
            // Not by way of `take`, which other tests of this process call too.
            watch.seen()
        };
        let seen = std::thread::spawn(work).join().unwrap();
        assert!(seen.voluntary_switches >= 1, "{seen:?}");
        assert_eq!(seen.name, "a thread of this test");
        assert!(seen.alive_s >= 0.002 && seen.cpu_s <= seen.alive_s * 1.5, "{seen:?}");
        assert!(seen.minor_faults > 0, "{seen:?}");
        assert_eq!(seen.gaps.unwrap().count, 1);
    }

    #[test]
    fn a_watch_that_left_its_thread_says_nothing() {
        let watch = std::thread::spawn(|| ThreadWatch::begin("gone")).join().unwrap();
        drop(watch);
        assert!(take().iter().all(|seen| seen.name != "gone"));
    }

    #[test]
    fn schedstat_is_in_nanoseconds() {
        assert_eq!(schedstat("1500000000 500000000 12\n"), Some((1.5, 0.5)));
        assert_eq!(schedstat("1500000000"), None);
        assert_eq!(schedstat("a b c"), None);
    }
}
