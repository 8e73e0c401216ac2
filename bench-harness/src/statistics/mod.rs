//! What repeats can show. Pure: numbers in, statements out, the same statement for the same numbers.
//!
//! ```text
//!   repeats of one cell ───────────────▶ bootstrap     median, and where it may lie
//!   pairs, run one after the other ────▶ signed_rank   shift of B against A: exact whatever the machine does, if a coin chose who runs first
//!   two samples of different moments ──▶ rank_sum      shift, and Cliff's delta
//!   a series within a run ─────────────▶ trend         does it grow?
//!   throughput over workers ───────────▶ scalability   the Universal Scalability Law, as far as the points identify it
//! ```
//!
//! Laws
//! - An interval comes from ranks or from resampling, never from a normal distribution of the figures: run times have a long tail to one side,
//!   and a single stall would widen it until it says nothing.
//! - What is drawn is drawn by counter from a fixed seed, so that a report made twice is the same report.
//! - Too few values give no interval, rather than one that looks narrow.
//!
//! Not here: which figures are compared and what difference matters ([`crate::compare`]); quantiles within one run
//! ([`crate::measure::residence`]).

pub mod bootstrap;
pub mod rank_sum;
pub mod scalability;
pub mod signed_rank;
pub mod trend;

#[cfg(test)]
pub(crate) mod noise;

use serde::{Deserialize, Serialize};

/// Where a value lies, with the confidence that whoever made it states.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

impl Interval {
    /// Whether a value is inside, the ends included.
    pub fn contains(&self, value: f64) -> bool {
        (self.low..=self.high).contains(&value)
    }

    /// The interval of a growing function of the value.
    #[must_use]
    pub fn map(self, function: impl Fn(f64) -> f64) -> Interval {
        Interval { low: function(self.low), high: function(self.high) }
    }
}

/// A difference between two groups, on the scale of the values.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Shift {
    /// The Hodges-Lehmann estimate of B − A.
    pub estimate: f64,
    /// Where it lies; none if there are too few values for the confidence that was asked for.
    pub interval: Option<Interval>,
    /// Probability of a difference at least so clear if there is none: two-sided.
    pub p: f64,
}

/// The median of sorted values; of an even number the mean of the middle two. NaN of none.
pub fn median_of_sorted(sorted: &[f64]) -> f64 {
    let middle = sorted.len() / 2;
    match sorted.len() {
        0 => f64::NAN,
        n if n % 2 == 1 => sorted[middle],
        _ => f64::midpoint(sorted[middle - 1], sorted[middle]),
    }
}

/// The median; NaN of none.
pub fn median(values: &[f64]) -> f64 {
    median_of_sorted(&sorted(values.to_vec()))
}

fn sorted(mut values: Vec<f64>) -> Vec<f64> {
    values.sort_by(f64::total_cmp);
    values
}

/// The largest count `c` with P(count ≤ c) ≤ `tail`, from the probabilities of the counts 0, 1, 2, …; none if even 0 is too likely.
fn critical(probabilities: &[f64], tail: f64) -> Option<usize> {
    let mut sum = 0.0;
    let within = |probability: &&f64| {
        sum += **probability;
        // A hair of slack for the rounding of sums: 2⁻⁵ must count as at most 1/32.
        sum <= tail * (1.0 + 1e-9)
    };
    probabilities.iter().take_while(within).count().checked_sub(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians() {
        assert_eq!(median(&[3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(&[4.0, 1.0, 2.0, 3.0]), 2.5);
        assert!(median(&[]).is_nan());
    }

    #[test]
    fn critical_counts() {
        // Five coins: 0 heads has probability 1/32, 1 head 5/32.
        let heads = [1.0, 5.0, 10.0, 10.0, 5.0, 1.0].map(|ways| ways / 32.0);
        assert_eq!(critical(&heads, 1.0 / 32.0), Some(0));
        assert_eq!(critical(&heads, 0.19), Some(1));
        assert_eq!(critical(&heads, 0.03), None);
    }
}
