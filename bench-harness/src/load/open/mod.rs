//! The open loop: what its two ends note down, and what follows from their notes.
//!
//! ```text
//!   due(i)  fixed before the run                                    a late sender is charged to every record that waited for it
//!     │
//!     ├── Departures: sent(i), gaps ─▶ system under test ─▶ Emissions: left(i), number in flight, progress
//!     │                                                                │
//!     └──────────────── latency = left − due ──────────────────────────┤
//!                       uncorrected = left − sent                      │  after the run, from both ends' tables
//!                       lateness = sent − due                          │
//!                       undisturbed = latency of those that no gap touched
//! ```
//!
//! Latency is recorded of every record. What needs both ends is taken from every `stride`-th record, at most `TABLE_RECORDS` of them: each
//! end writes its own table, so that measuring adds no traffic between the cores that are measured.
//!
//! The number in flight at an instant is the number of records due by then, less those that had left; it is known exactly at any instant
//! between two batches, from positions alone. The instants are fixed in advance too, a jittered microsecond apart, so that neither
//! batches nor stalls decide when it is looked at. Mean residence and mean number are thus counted apart, and Little's law can be held against them.

use std::{
    sync::{Arc, OnceLock},
    time::{Duration, Instant},
};

use quanta::Clock;

use super::{Arrivals, Schedule};
use crate::{system::Outcome, workload::Answer};

mod both;
mod departures;
mod emissions;
mod gaps;
mod results;

use self::both::Both;
pub use self::{
    departures::{Departures, Notes, Role},
    emissions::Emissions,
    results::Results,
};

/// A part of the run that is not measured: this share of its records, but no more than those of this many seconds.
const WARM_SHARE: f64 = 0.1;
const WARM_SECONDS: f64 = 0.2;

/// From the readiness of the ends to the first record, so that neither is measured while it starts.
const LEAD_NS: f64 = 5e6;

/// Records that both ends keep the times of: 8 MiB a table.
const TABLE_RECORDS: u64 = 1 << 20;

/// What both ends share: the arrivals, and a clock that begins for both at the same time.
#[derive(Clone)]
pub struct Pace {
    clock: Clock,
    ns_per_tick: f64,
    arrivals: Arrivals,
    /// Records at the beginning that are not measured.
    warm: u64,
    stride: u64,
    /// The start, in ticks and for those that sleep: set by whichever end is ready first.
    start: Arc<OnceLock<(u64, Instant)>>,
}

impl Pace {
    /// Fixes the arrivals.
    ///
    /// # Errors
    /// As [`Schedule::arrivals`].
    pub fn new(schedule: &Schedule, events: u64) -> Result<Pace, String> {
        const TICKS: u64 = 1 << 40;
        let clock = Clock::new();
        let ns_per_tick = clock.delta_as_nanos(0, TICKS) as f64 / TICKS as f64;
        let warm = (events as f64 * WARM_SHARE).min(schedule.mean_per_s() * WARM_SECONDS) as u64;
        let stride = events.div_ceil(TABLE_RECORDS).max(1);
        Ok(Pace { clock, ns_per_tick, arrivals: schedule.arrivals(events)?, warm, stride, start: Arc::default() })
    }

    /// The arrivals.
    pub fn arrivals(&self) -> &Arrivals {
        &self.arrivals
    }

    /// The notes of the sending end. The first of either end fixes the start, a little later.
    pub fn departures(&self, role: Role) -> Departures {
        Departures::new(self, role)
    }

    /// The notes of the receiving end.
    pub fn emissions(&self) -> Emissions {
        Emissions::new(self)
    }

    /// The notes of windowed work's results.
    pub fn results(&self) -> Results {
        Results::new(self)
    }

    fn timer(&self) -> Timer {
        let begin = || (self.clock.raw() + (LEAD_NS / self.ns_per_tick) as u64, Instant::now() + Duration::from_nanos(LEAD_NS as u64));
        let (start, instant) = *self.start.get_or_init(begin);
        Timer { clock: self.clock.clone(), ns_per_tick: self.ns_per_tick, start, instant }
    }

    /// The start in ticks, fixed by this if it was not, and how long a tick is in ns: for an end in another process.
    pub fn start(&self) -> (u64, f64) {
        (self.timer().start, self.ns_per_tick)
    }

    /// Takes over the start of another process, and its calibration of the same clock: before anything else.
    pub fn begin_at(&mut self, start: u64, ns_per_tick: f64) {
        let ahead_ns = start.saturating_sub(self.clock.raw()) as f64 * ns_per_tick;
        self.ns_per_tick = ns_per_tick;
        self.start = Arc::new(OnceLock::from((start, Instant::now() + Duration::from_nanos(ahead_ns as u64))));
    }

    /// What a run measured whose ends noted this.
    pub fn outcome(&self, departures: Departures, emissions: Emissions, answer: Answer) -> Outcome {
        let both = Both::of(self, &departures, &emissions);
        let measured = emissions.left.saturating_sub(self.warm);
        let window_ns = emissions.last.saturating_sub(emissions.first_measured);
        Outcome {
            in_flight_mean: (emissions.samples > 0).then(|| emissions.in_flight as f64 / emissions.samples as f64),
            window_per_s: (window_ns > 0).then(|| measured as f64 * 1e9 / window_ns as f64),
            latency_ns: Some(emissions.residence_ns),
            uncorrected_ns: Some(both.uncorrected_ns),
            undisturbed_ns: (departures.gaps.looked || emissions.gaps.looked).then_some(both.undisturbed_ns),
            lateness_ns: Some(both.lateness_ns),
            own_lateness_ns: (departures.role == Role::Generator).then_some(departures.own_ns),
            v_per_s: (departures.last > 0).then(|| departures.sent as f64 * 1e9 / departures.last as f64),
            progress: emissions.progress,
            ..Outcome::closed(emissions.left, Duration::from_nanos(emissions.last), answer)
        }
    }
}

/// Time since the common start, in ns.
#[derive(Clone)]
struct Timer {
    clock: Clock,
    ns_per_tick: f64,
    start: u64,
    instant: Instant,
}

impl Timer {
    /// None before the start.
    #[inline]
    fn now(&self) -> Option<u64> {
        let ticks = self.clock.raw().checked_sub(self.start)?;
        Some((ticks as f64 * self.ns_per_tick) as u64)
    }
}

#[cfg(test)]
mod tests;
