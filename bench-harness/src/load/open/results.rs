//! Results of windowed work: how late each was.

use hdrhistogram::Histogram;

use super::{super::Arrivals, Pace, Timer};
use crate::measure::residence;

/// The notes of windowed work's results: each from the earliest moment that it could have been known.
pub struct Results {
    pub(super) timer: Timer,
    pub(super) arrivals: Arrivals,
    pub(super) warm: u64,
    pub(super) latency_ns: Histogram<u64>,
    /// The last window that was asked for: its end, and when the record that closed it was due.
    pub(super) window: Option<(i64, Option<u64>)>,
}

impl Results {
    pub(super) fn new(pace: &Pace) -> Results {
        let latency_ns = residence::histogram();
        Results { timer: pace.timer(), arrivals: pace.arrivals.clone(), warm: pace.warm, latency_ns, window: None }
    }

    /// Notes `rows` results of the window that ends at `end`, as of `now`. `closing` finds the first record whose event time is not before that
    /// end, if there is one: results that only the end of the input made known are not noted, nor are those of the warm-up.
    #[inline]
    pub fn emit(&mut self, now: u64, end: i64, rows: u64, closing: impl FnOnce() -> Option<u64>) {
        let due = match self.window {
            Some((known, due)) if known == end => due,
            _ => {
                let due = closing().filter(|index| *index >= self.warm).map(|index| self.arrivals.at(index));
                self.window = Some((end, due));
                due
            }
        };
        if let Some(due) = due {
            self.latency_ns.saturating_record_n(now.saturating_sub(due).max(1), rows);
        }
    }

    /// Time since the common start.
    #[inline]
    pub fn now(&self) -> u64 {
        self.timer.now().unwrap_or(0)
    }

    /// What was noted.
    pub fn latency_ns(self) -> Histogram<u64> {
        self.latency_ns
    }
}
