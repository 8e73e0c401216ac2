//! Which cores the process may really use, and pinning a worker to one.
//!
//! ```text
//!   affinity mask (taskset, cpuset) ─▶ ids: the cores a thread may be pinned to ─┐
//!   control groups (--cpus, limits) ─▶ quota: how many cores' worth of time ─────┴▶ limit = min(ids, quota), at least 1
//! ```
//!
//! Laws: nothing here fails. What cannot be found out is left out; a core that cannot be pinned is an answer (`false`), and the worker
//! runs unpinned after one warning for the process.
//!
//! Non-goals: which cores share a physical core or a cache, and memory nodes.
//!
//! Mask and pinning come from the `core_affinity` crate, no system call is made here. On Linux it knows the first 1,024 cores; where the
//! kernel has more, it sees no mask at all, and workers run unpinned.

use std::{
    fmt,
    path::PathBuf,
    sync::atomic::{AtomicBool, Ordering},
    thread,
};

use super::cgroup::{self, Quota};

/// A core, by the operating system's number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CoreId(pub usize);

impl fmt::Display for CoreId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "core {}", self.0)
    }
}

/// The cores that the process may use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cores {
    /// The cores that a thread may be pinned to, ascending. Empty where the system does not tell.
    pub ids: Vec<CoreId>,
    /// How many workers can run at the same time; at least 1.
    pub limit: usize,
    /// What sets the limit.
    pub why: LimitedBy,
}

/// What sets the number of cores that can be used.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LimitedBy {
    /// The affinity mask: so many cores are allowed.
    Affinity,
    /// A control group's quota of processor time.
    Quota {
        /// The group's directory.
        group: PathBuf,
        /// Microseconds of processor time in each period.
        quota_us: u64,
        /// The period, in microseconds.
        period_us: u64,
    },
    /// The number of cores that the standard library reports, for there was no mask to read.
    Parallelism,
}

impl fmt::Display for LimitedBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LimitedBy::Affinity => write!(f, "the affinity mask"),
            LimitedBy::Quota { group, quota_us, period_us } => {
                write!(f, "the quota of {quota_us} us in each {period_us} us of the control group {}", group.display())
            }
            LimitedBy::Parallelism => write!(f, "the number of cores that the system reports"),
        }
    }
}

impl fmt::Display for Cores {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} usable, limited by {}", self.limit, self.why)
    }
}

/// Finds out which cores this process may use, now.
///
/// The mask is the calling thread's, which the threads it starts inherit; so ask before pinning the thread. Not for the hot path: reads
/// several files.
pub fn available_cores() -> Cores {
    let mut ids: Vec<_> = core_affinity::get_core_ids().unwrap_or_default().into_iter().map(|core| CoreId(core.id)).collect();
    ids.sort_unstable();
    let parallelism = thread::available_parallelism().map_or(1, |count| count.get());
    combine(ids, cgroup::tightest(|path| std::fs::read_to_string(path).ok()), parallelism)
}

/// The pure part of [`available_cores`].
fn combine(ids: Vec<CoreId>, quota: Option<(PathBuf, Quota)>, parallelism: usize) -> Cores {
    let (count, why) = if ids.is_empty() { (parallelism.max(1), LimitedBy::Parallelism) } else { (ids.len(), LimitedBy::Affinity) };
    match quota {
        Some((group, quota)) if quota.cores() < count => {
            let limit = quota.cores();
            Cores { ids, limit, why: LimitedBy::Quota { group, quota_us: quota.quota_us, period_us: quota.period_us } }
        }
        _ => Cores { ids, limit: count, why },
    }
}

/// One above the largest core that can be named: beyond it `core_affinity` would index out of its mask.
const CORES_MAX: usize = if cfg!(windows) { 64 } else { 1024 };

/// Pins the calling thread to a core. `false` if the system does not allow it: run unpinned, and say so with `warn_unpinned`.
pub fn pin_current_thread(core: CoreId) -> bool {
    core.0 < CORES_MAX && core_affinity::set_for_current(core_affinity::CoreId { id: core.0 })
}

/// Says on standard error that a worker runs unpinned, once for the process. `true` if this call was the one.
pub(crate) fn warn_unpinned(core: CoreId) -> bool {
    static WARNED: AtomicBool = AtomicBool::new(false);
    // ORDERING: Relaxed; the flag guards nothing but itself.
    let first = !WARNED.swap(true, Ordering::Relaxed);
    if first {
        eprintln!(
            "thalweg: warning: cannot pin a worker to {core}; it runs unpinned, so expect noisier latency. \
             Allow the core (affinity mask, cpuset) or turn pinning off."
        );
    }
    first
}

#[cfg(all(test, not(loom)))]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn ids(count: usize) -> Vec<CoreId> {
        (0..count).map(CoreId).collect()
    }

    fn quota(quota_us: u64) -> Option<(PathBuf, Quota)> {
        Some((PathBuf::from("/g"), Quota { quota_us, period_us: 100_000 }))
    }

    #[test]
    fn the_smaller_of_mask_and_quota_is_the_limit() {
        let cores = combine(ids(8), None, 4);
        assert_eq!((cores.limit, cores.why), (8, LimitedBy::Affinity));
        let cores = combine(ids(8), quota(250_000), 4);
        assert_eq!((cores.ids.len(), cores.limit), (8, 3));
        assert_eq!(cores.to_string(), "3 usable, limited by the quota of 250000 us in each 100000 us of the control group /g");
        let cores = combine(ids(2), quota(200_000), 4);
        assert_eq!((cores.limit, cores.why), (2, LimitedBy::Affinity));
        let cores = combine(ids(1), quota(10_000), 4);
        assert_eq!(cores.limit, 1);
    }

    #[test]
    fn without_a_mask_the_systems_count_is_the_limit() {
        let cores = combine(Vec::new(), None, 4);
        assert_eq!((cores.limit, cores.why), (4, LimitedBy::Parallelism));
        assert_eq!(combine(Vec::new(), None, 0).limit, 1);
        assert_eq!(combine(Vec::new(), quota(150_000), 4).limit, 2);
    }

    #[test]
    fn this_process_has_a_core_and_no_more_workers_than_cores() {
        let cores = available_cores();
        assert!(cores.limit >= 1);
        assert!(cores.ids.is_empty() || cores.limit <= cores.ids.len());
        assert!(cores.ids.is_sorted());
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_pinned_thread_may_use_that_core_alone() {
        for core in available_cores().ids {
            // A thread of its own, so that the test's thread keeps its mask.
            let seen = thread::spawn(move || pin_current_thread(core).then(available_cores)).join().unwrap();
            // A sandbox may forbid pinning; then there is nothing to check.
            if let Some(seen) = seen {
                assert_eq!((seen.ids, seen.limit), (vec![core], 1));
            }
        }
    }

    #[test]
    fn a_core_that_is_not_there_is_refused_without_a_panic() {
        for core in [CORES_MAX, 1_000_000, usize::MAX] {
            assert!(!thread::spawn(move || pin_current_thread(CoreId(core))).join().unwrap());
        }
    }

    #[test]
    fn the_warning_comes_once() {
        let said = (0..3).filter(|_| warn_unpinned(CoreId(7))).count();
        assert_eq!(said, 1);
    }
}
