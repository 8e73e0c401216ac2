//! The machine's own stalls: what a thread that does nothing but read the clock loses to the kernel, the hypervisor and its neighbours.
//!
//! ```text
//!   clock read   │││││││││││          ││││││││││││││││    ││││││││
//!                           ◀── gap ──▶                ◀──▶
//!                a gap above 1 µs is a stall: nothing in this thread asked for it
//! ```
//!
//! A system cannot be faster at its tail than this floor; the harness prints both, so that the reader can tell the two apart.
//!
//! How it is measured. A monitor that spins *during* a run takes a core (and, with simultaneous multithreading, part of its neighbour) from
//! the system under test, so it would measure a machine that is loaded differently. The floor is therefore spun right before and right
//! after each run, on the very cores that the run uses, all of them at once because stalls grow with the number of busy cores. Beside it,
//! at no cost, two counters over the run itself: time stolen by the hypervisor and involuntary switches ([`crate::measure::cpu`]).

use std::{
    sync::Barrier,
    time::{Duration, Instant},
};

use serde::{Deserialize, Serialize};

/// A gap between two clock reads above this is a stall. Reading the clock takes about 20 ns; a cache miss on the way under 200 ns.
pub const STALL_MIN_NS: u64 = 1_000;

/// The stalls seen by spinning threads.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Floor {
    /// Number of stalls.
    pub count: u64,
    /// Nanoseconds lost in them, all cores together.
    pub lost_ns: u64,
    /// Nanoseconds watched, all cores together.
    pub watched_ns: u64,
    /// The longest.
    pub largest_ns: u64,
}

impl Floor {
    /// Adds a gap between two clock reads.
    #[inline]
    pub fn gap(&mut self, ns: u64) {
        self.watched_ns += ns;
        if ns > STALL_MIN_NS {
            self.stall(ns);
        }
    }

    // Cold: a few hundred times a second, and the loop around it is what is being timed.
    #[cold]
    #[inline(never)]
    fn stall(&mut self, ns: u64) {
        self.count += 1;
        self.lost_ns += ns;
        self.largest_ns = self.largest_ns.max(ns);
    }

    /// Both together, as if one thread had watched for the sum of the times.
    pub fn merge(self, other: Floor) -> Floor {
        Floor {
            count: self.count + other.count,
            lost_ns: self.lost_ns + other.lost_ns,
            watched_ns: self.watched_ns + other.watched_ns,
            largest_ns: self.largest_ns.max(other.largest_ns),
        }
    }

    /// Share of the time lost in stalls. None if nothing was watched.
    pub fn share(&self) -> Option<f64> {
        (self.watched_ns > 0).then(|| self.lost_ns as f64 / self.watched_ns as f64)
    }

    /// Stalls per second and core. None if nothing was watched.
    pub fn per_second(&self) -> Option<f64> {
        (self.watched_ns > 0).then(|| self.count as f64 * 1e9 / self.watched_ns as f64)
    }
}

/// What spinning threads saw.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Spun {
    /// The sums.
    pub floor: Floor,
    /// Each stall's length in ns.
    pub stalls_ns: Vec<u64>,
}

impl Spun {
    /// Both together.
    #[must_use]
    pub fn merge(mut self, other: Spun) -> Spun {
        self.stalls_ns.extend(other.stalls_ns);
        Spun { floor: self.floor.merge(other.floor), stalls_ns: self.stalls_ns }
    }

    /// What a record that arrives at a random moment would wait for a stall to end: the share `q` of the moments waits at most this, in ns.
    /// None if nothing was watched.
    ///
    /// A moment lies within a stall of length l with probability l / watched, and its rest is then uniform in 0..l; so the share of moments
    /// that wait longer than w is the sum of max(l − w, 0) over all stalls, divided by the time watched.
    pub fn wait_ns(&self, q: f64) -> Option<u64> {
        // 1 − 0.9 is a hair under a tenth.
        const ROUNDING: f64 = 1e-12;
        let watched = self.floor.watched_ns as f64;
        let longer = |wait: u64| self.stalls_ns.iter().map(|stall| stall.saturating_sub(wait) as f64).sum::<f64>() / watched;
        let (mut low, mut high) = (0, self.floor.largest_ns);
        while low < high {
            let middle = low + (high - low) / 2;
            if longer(middle) <= 1.0 - q + ROUNDING { high = middle } else { low = middle + 1 }
        }
        (self.floor.watched_ns > 0).then_some(low)
    }
}

/// Spins on the calling thread for `length`.
fn spin_here(length: Duration) -> Spun {
    let mut spun = Spun::default();
    // So long that it cannot grow: every stall takes more than the bound.
    spun.stalls_ns.reserve_exact((length.as_nanos() / u128::from(STALL_MIN_NS)) as usize + 2);
    let start = Instant::now();
    let mut last = start;
    while last - start < length {
        let now = Instant::now();
        let gap = u64::try_from((now - last).as_nanos()).unwrap_or(u64::MAX);
        spun.floor.gap(gap);
        if gap > STALL_MIN_NS {
            spun.stalls_ns.push(gap);
        }
        last = now;
    }
    spun
}

/// Spins for `length` on each of `cores` at once, one pinned thread each; unpinned where pinning is refused.
///
/// # Cost
/// `length`, and starting the threads, about 50 µs each.
pub fn spin(cores: &[core_affinity::CoreId], length: Duration) -> Spun {
    let together = Barrier::new(cores.len());
    let together = &together;
    std::thread::scope(|scope| {
        let spinners: Vec<_> = cores
            .iter()
            .map(|core| {
                scope.spawn(move || {
                    core_affinity::set_for_current(*core);
                    together.wait();
                    spin_here(length)
                })
            })
            .collect();
        spinners.into_iter().map(|spinner| spinner.join().unwrap_or_default()).fold(Spun::default(), Spun::merge)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gaps_above_the_bound_count() {
        let mut floor = Floor::default();
        for ns in [20, 30, STALL_MIN_NS, STALL_MIN_NS + 1, 50_000, 20] {
            floor.gap(ns);
        }
        assert_eq!(floor.count, 2);
        assert_eq!(floor.largest_ns, 50_000);
        assert_eq!(floor.lost_ns, 51_001);
        assert_eq!(floor.watched_ns, 52_071);
        assert!((floor.share().unwrap_or(0.0) - 51_001.0 / 52_071.0).abs() < 1e-12);
    }

    #[test]
    fn merging_adds_and_keeps_the_largest() {
        let a = Floor { count: 1, lost_ns: 10, watched_ns: 100, largest_ns: 10 };
        let b = Floor { count: 2, lost_ns: 30, watched_ns: 100, largest_ns: 25 };
        assert_eq!(a.merge(b), Floor { count: 3, lost_ns: 40, watched_ns: 200, largest_ns: 25 });
        assert_eq!(a.merge(b).share(), Some(0.2));
        assert_eq!(a.merge(b).per_second(), Some(3e9 / 200.0));
        assert_eq!(Floor::default().share(), None);
    }

    #[test]
    fn a_spin_watches_every_core_for_the_time_asked() {
        let cores = core_affinity::get_core_ids().unwrap_or_default();
        let spun = spin(&cores, Duration::from_millis(3));
        let floor = spun.floor;
        assert_eq!((spun.stalls_ns.len() as u64, spun.stalls_ns.iter().sum::<u64>()), (floor.count, floor.lost_ns));
        assert!(floor.watched_ns >= 3_000_000 * cores.len() as u64);
        assert!(floor.lost_ns <= floor.watched_ns);
        assert_eq!(spin(&[], Duration::from_millis(1)), Spun::default());
    }

    #[test]
    fn waits_follow_from_the_stalls() {
        // One stall of a tenth of the time: 95 % of the moments wait at most half of it, 91 % nine tenths less.
        let spun =
            Spun { floor: Floor { count: 1, lost_ns: 100_000, watched_ns: 1_000_000, largest_ns: 100_000 }, stalls_ns: vec![100_000] };
        let wait = |q| spun.wait_ns(q).unwrap();
        assert_eq!([wait(0.5), wait(0.9)], [0, 0]);
        assert!(wait(0.95).abs_diff(50_000) <= 1 && wait(0.91).abs_diff(10_000) <= 1, "{} {}", wait(0.95), wait(0.91));
        assert_eq!(Spun::default().wait_ns(0.5), None);
    }
}
