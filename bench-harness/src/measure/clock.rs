//! Whether the clocks and the core's speed can be trusted: two clocks against each other, and a fixed piece of work before and after.
//!
//! ```text
//!   time-stamp counter  t0 ───────────────── run ───────────────── t1     (t1 − t0) · ns per tick
//!   CLOCK_MONOTONIC     m0 ─────────────────────────────────────── m1      m1 − m0                  must agree
//!   fixed work          ▓▓▓                                       ▓▓▓      equally long, or the frequency has changed
//! ```

use std::{
    hint::black_box,
    time::{Duration, Instant},
};

use serde::{Deserialize, Serialize};

/// Largest disagreement of the two clocks over a run, in parts per million. The kernel's clock is slewed by at most 500 ppm (adjtimex(2)).
pub const DISAGREE_MAX_PPM: f64 = 600.0;

/// Largest change of the fixed work's time, as a share, that is not doubted.
pub const DRIFT_MAX: f64 = 0.05;

/// What the clocks said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ClockSanity {
    /// The time-stamp counter against CLOCK_MONOTONIC over the run, in parts per million. Null if the run was too short to tell.
    pub disagree_ppm: Option<f64>,
    /// Smallest step seen between two reads that differ, in ns.
    pub resolution_ns: f64,
    /// Cost of a read, in ns.
    pub read_ns: f64,
    /// Reads that went back in time.
    pub backwards: u64,
}

/// The fixed work before and after a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Drift {
    /// Its time before, in ns.
    pub before_ns: f64,
    /// Its time after, in ns.
    pub after_ns: f64,
    /// How much longer it took after: 0.02 is 2 %.
    pub change: f64,
}

impl Drift {
    /// Of two times.
    pub fn of(before_ns: f64, after_ns: f64) -> Drift {
        Drift { before_ns, after_ns, change: if before_ns > 0.0 { after_ns / before_ns - 1.0 } else { 0.0 } }
    }
}

/// Steps of the fixed work: a chain of dependent multiplications, about 0.1 ms, that no memory and no neighbour can slow, only the frequency.
const WORK_STEPS: u64 = 60_000;
/// The quickest of so many: a stall spoils one, not all.
const WORK_TRIES: usize = 12;

/// Times the fixed work, in ns. About 1.5 ms in all.
pub fn fixed_work_ns() -> f64 {
    let once = || {
        let start = Instant::now();
        let mut x = black_box(1u64);
        for i in 0..WORK_STEPS {
            x = black_box(x.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(i));
        }
        black_box(x);
        start.elapsed()
    };
    (0..WORK_TRIES).map(|_| once()).min().unwrap_or_default().as_nanos() as f64
}

/// Both clocks, read when a run began.
#[derive(Debug)]
pub struct ClockWatch {
    clock: quanta::Clock,
    ticks: u64,
    monotonic: Instant,
    sanity: ClockSanity,
}

/// Reads that are compared with the one before. About 0.1 ms.
const READS: u32 = 4_000;

/// Shortest run over which the clocks are compared: the two reads are some 50 ns apart, which is 1 ppm of it.
const COMPARED_MIN: Duration = Duration::from_millis(50);

impl ClockWatch {
    /// Looks at the clock by itself, and reads both.
    pub fn begin() -> ClockWatch {
        let clock = quanta::Clock::new();
        let ns = |ticks: u64| clock.delta_as_nanos(0, ticks << 20) as f64 / f64::from(1u32 << 20);
        let (mut backwards, mut step) = (0, u64::MAX);
        let (start, mut last) = (clock.raw(), clock.raw());
        for _ in 0..READS {
            let now = clock.raw();
            backwards += u64::from(now < last);
            if now > last {
                step = step.min(now - last);
            }
            last = now;
        }
        let read_ns = ns(last.saturating_sub(start)) / f64::from(READS);
        let sanity = ClockSanity { disagree_ppm: None, resolution_ns: ns(step.min(1 << 40)), read_ns, backwards };
        ClockWatch { ticks: clock.raw(), monotonic: Instant::now(), clock, sanity }
    }

    /// Reads both again.
    pub fn end(self) -> ClockSanity {
        let by_ticks = self.clock.delta_as_nanos(self.ticks, self.clock.raw()) as f64;
        let elapsed = self.monotonic.elapsed();
        let is_long = elapsed >= COMPARED_MIN;
        let disagree_ppm = is_long.then(|| (by_ticks / elapsed.as_nanos() as f64 - 1.0) * 1e6);
        ClockSanity { disagree_ppm, ..self.sanity }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_clocks_of_this_machine_are_described() {
        let watch = ClockWatch::begin();
        std::thread::sleep(COMPARED_MIN);
        let sanity = watch.end();
        assert!(sanity.read_ns > 0.0 && sanity.resolution_ns > 0.0, "{sanity:?}");
        assert_eq!(sanity.backwards, 0, "{sanity:?}");
        assert!(sanity.disagree_ppm.unwrap().abs() < 1e5, "{sanity:?}");
        assert_eq!(ClockWatch::begin().end().disagree_ppm, None);
    }

    #[test]
    fn drift_is_relative() {
        assert!(fixed_work_ns() > 1_000.0);
        assert!((Drift::of(100.0, 105.0).change - 0.05).abs() < 1e-12);
        assert_eq!(Drift::of(0.0, 105.0).change, 0.0);
    }
}
