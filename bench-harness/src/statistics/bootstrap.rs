//! The bootstrap: how much a median would move if the same repeats were drawn again (B. Efron, R. J. Tibshirani, "An Introduction to the
//! Bootstrap", 1993, chapter 13: percentile intervals).
//!
//! ```text
//!   5 values ──▶ draw 5 of them, with repetition ──▶ median ┐
//!                draw again                      ──▶ median ├─ sorted: the middle 95 % of them is the interval
//!                … RESAMPLES times, all cores                ┘
//! ```
//!
//! It says how firm the median of *these* repeats is. It assumes that they are independent: a machine that was slow all along is not in it.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::{Interval, median, sorted};
use crate::workload::draw::Draw;

/// Resamples: the ends of a 95 % interval are then known to about a twentieth of its width.
pub const RESAMPLES: u64 = 2_000;

/// Fewer values than this have no interval: their resamples are too alike, and the interval would hold the true median too seldom.
pub const VALUES_MIN: usize = 5;

/// A median with its interval.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Median {
    /// The median.
    pub median: f64,
    /// Where it lies with probability 95 %; none of fewer than [`VALUES_MIN`] values.
    pub interval: Option<Interval>,
    /// Values that it is of.
    pub values: usize,
}

/// The median of `values` with its 95 % interval; none if there are none.
///
/// # Cost
/// [`RESAMPLES`] sorts of the values, on all cores.
pub fn median_interval(values: &[f64], seed: u64) -> Option<Median> {
    let interval = || interval(values, 0.95, seed, median);
    (!values.is_empty()).then(|| Median { median: median(values), values: values.len(), interval: interval() })
}

/// The percentile interval of any statistic of independent values; none of fewer than [`VALUES_MIN`].
///
/// # Cost
/// [`RESAMPLES`] times the statistic, on all cores.
pub fn interval(values: &[f64], confidence: f64, seed: u64, statistic: impl Fn(&[f64]) -> f64 + Sync) -> Option<Interval> {
    (values.len() >= VALUES_MIN).then_some(())?;
    let resampled = (0..RESAMPLES).into_par_iter().map(|resample| {
        let draw = Draw::new(seed, resample);
        let sample: Vec<f64> = (0..values.len() as u64).map(|i| values[draw.below(i, values.len() as u64) as usize]).collect();
        statistic(&sample)
    });
    percentiles(resampled.collect(), confidence)
}

/// The middle `confidence` of resampled statistics; none if one of them is not a number, or if there are none.
pub fn percentiles(statistics: Vec<f64>, confidence: f64) -> Option<Interval> {
    if statistics.is_empty() || statistics.iter().any(|value| value.is_nan()) {
        return None;
    }
    let sorted = sorted(statistics);
    let at = |share: f64| sorted[((share * sorted.len() as f64) as usize).min(sorted.len() - 1)];
    let tail = (1.0 - confidence) / 2.0;
    Some(Interval { low: at(tail), high: at(1.0 - tail) })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::statistics::noise::normal;

    #[test]
    fn the_same_seed_gives_the_same_interval() {
        let values: Vec<f64> = (0..11).map(|i| f64::from(i * i)).collect();
        let median = median_interval(&values, 1).unwrap();
        assert_eq!(median, median_interval(&values, 1).unwrap());
        assert_eq!((median.median, median.values), (25.0, 11));
        assert!(median.interval.unwrap().contains(25.0));
    }

    #[test]
    fn few_values_have_no_interval() {
        assert_eq!(median_interval(&[1.0, 2.0, 3.0, 4.0], 1).unwrap().interval, None);
        assert_eq!(median_interval(&[], 1), None);
        assert_eq!(median_interval(&[7.0; 5], 1).unwrap().interval, Some(Interval { low: 7.0, high: 7.0 }));
    }

    #[test]
    fn the_true_median_is_inside_about_as_often_as_it_says() {
        // Log-normal figures: skewed as run times are.
        let inside = (0..300u64).filter(|sample| {
            let values: Vec<f64> = (0..15).map(|i| (0.3 * normal(*sample, i)).exp()).collect();
            median_interval(&values, *sample).unwrap().interval.unwrap().contains(1.0)
        });
        let share = inside.count() as f64 / 300.0;
        assert!((0.89..=0.99).contains(&share), "inside in {share}");
    }
}
