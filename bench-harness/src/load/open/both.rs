//! What needs the notes of both ends: how late each record was sent, how long it took from then, and which no gap touched.

use hdrhistogram::Histogram;

use super::{
    Departures, Emissions, Pace,
    gaps::{touches, united},
};
use crate::measure::residence;

/// A time of every `stride`-th record.
pub(super) struct Table {
    pub(super) stride: u64,
    pub(super) next: u64,
    pub(super) times: Vec<u64>,
}

impl Table {
    /// Filled, so that no page of it is touched for the first time during the run.
    pub(super) fn new(pace: &Pace) -> Table {
        Table { stride: pace.stride, next: 0, times: vec![u64::MAX; pace.arrivals.len().div_ceil(pace.stride) as usize] }
    }

    /// Gives all records before `end` that have none the time `now`.
    #[inline]
    pub(super) fn upto(&mut self, end: u64, now: u64) {
        while self.next * self.stride < end {
            if let Some(time) = self.times.get_mut(self.next as usize) {
                *time = now;
            }
            self.next += 1;
        }
    }
}

/// What follows from the notes of both ends.
pub(super) struct Both {
    pub(super) uncorrected_ns: Histogram<u64>,
    pub(super) undisturbed_ns: Histogram<u64>,
    pub(super) lateness_ns: Histogram<u64>,
}

impl Both {
    pub(super) fn of(pace: &Pace, departures: &Departures, emissions: &Emissions) -> Both {
        let mut both =
            Both { uncorrected_ns: residence::histogram(), undisturbed_ns: residence::histogram(), lateness_ns: residence::histogram() };
        let mut gaps: Vec<[u64; 2]> =
            [&departures.gaps, &emissions.gaps].into_iter().filter(|log| log.looked).flat_map(|log| log.kept.iter().copied()).collect();
        gaps.sort_unstable();
        let gaps = united(&gaps);
        let known = departures.sent_at.next.min(emissions.left_at.next);
        for k in pace.warm.div_ceil(pace.stride)..known {
            let (Some(&sent), Some(&left)) = (departures.sent_at.times.get(k as usize), emissions.left_at.times.get(k as usize)) else {
                break;
            };
            let due = pace.arrivals.at(k * pace.stride);
            let record = |histogram: &mut Histogram<u64>, from: u64, to: u64| histogram.saturating_record(to.saturating_sub(from).max(1));
            record(&mut both.uncorrected_ns, sent, left);
            record(&mut both.lateness_ns, due, sent);
            if !touches(&gaps, due, left) {
                record(&mut both.undisturbed_ns, due, left);
            }
        }
        both
    }
}
