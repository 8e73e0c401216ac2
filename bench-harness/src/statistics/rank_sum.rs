//! Two samples that were not run in pairs.
//!
//! Estimate and interval of the shift are those of Hodges and Lehmann, from all differences bⱼ − aᵢ, and the test is that of Wilcoxon, Mann and
//! Whitney (M. Hollander, D. A. Wolfe, E. Chicken, "Nonparametric Statistical Methods", 3rd ed., 4.1–4.3). They take the values of each sample as
//! independent draws. Two sessions on one machine are not that: whoever compares them has to allow for what the machine changed in between.

use statrs::distribution::{ContinuousCDF, Normal};

use super::{Interval, Shift, critical, median_of_sorted, sorted};

/// Up to so many values in both samples together the distribution is exact.
const EXACT_MAX: usize = 60;

/// The shift of `b` against `a`, and its interval at `confidence`. None if either is empty.
///
/// # Cost
/// O(n m log n m), and up to `EXACT_MAX` values O((n + m) n² m).
pub fn shift(a: &[f64], b: &[f64], confidence: f64) -> Option<Shift> {
    (!a.is_empty() && !b.is_empty()).then_some(())?;
    let differences = sorted(a.iter().flat_map(|a| b.iter().map(move |b| b - a)).collect());
    let tail = (1.0 - confidence) / 2.0;
    let below = differences.iter().filter(|difference| **difference <= 0.0).count();
    let above = differences.iter().filter(|difference| **difference >= 0.0).count();
    let thinner = below.min(above);
    let (cut, one_sided) = if a.len() + b.len() <= EXACT_MAX {
        let probabilities = distribution(a.len(), b.len());
        (critical(&probabilities, tail), probabilities.iter().take(thinner + 1).sum::<f64>())
    } else {
        let (n, m, standard) = (a.len() as f64, b.len() as f64, Normal::standard());
        let (mean, deviation) = (n * m / 2.0, (n * m * (n + m + 1.0) / 12.0).sqrt());
        let cut = (mean + standard.inverse_cdf(tail) * deviation - 0.5).floor();
        ((cut >= 0.0).then_some(cut as usize), standard.cdf((thinner as f64 + 0.5 - mean) / deviation))
    };
    // With few values the two ends could cross; then there is no interval either.
    let interval = cut.and_then(|cut| {
        let (low, high) = (cut, differences.len().checked_sub(1 + cut)?);
        (low <= high).then(|| Interval { low: differences[low], high: differences[high] })
    });
    Some(Shift { estimate: median_of_sorted(&differences), interval, p: (2.0 * one_sided).min(1.0) })
}

/// Cliff's delta: how much more often a value of `b` is above one of `a` than below it, from −1 (always below) to 1 (always above). NaN if
/// either is empty.
pub fn cliffs_delta(a: &[f64], b: &[f64]) -> f64 {
    let signs = a.iter().flat_map(|a| b.iter().map(move |b| f64::from(i8::from(b > a) - i8::from(b < a))));
    signs.sum::<f64>() / (a.len() * b.len()) as f64
}

/// P(U = u) for u = 0, 1, …: in how many of the n·m pairs the value of the second sample is the smaller one.
fn distribution(n: usize, m: usize) -> Vec<f64> {
    // ways[j][u]: among the values seen so far, j are of the first sample and the pairs within them sum to u. A value of the first sample that
    // comes after k of the second adds k. All orders are equally likely; the weights keep the sums near one, so that nothing overflows.
    let pairs = n * m;
    let mut ways = vec![vec![0.0; pairs + 1]; n + 1];
    ways[0][0] = 1.0;
    for seen in 0..n + m {
        let mut next = vec![vec![0.0; pairs + 1]; n + 1];
        for first in seen.saturating_sub(m)..=seen.min(n) {
            let second = seen - first;
            let left = (n + m - seen) as f64;
            for sum in 0..=pairs {
                let way = ways[first][sum];
                if way == 0.0 {
                    continue;
                }
                if first < n {
                    next[first + 1][sum + second] += way * (n - first) as f64 / left;
                }
                if second < m {
                    next[first][sum] += way * (m - second) as f64 / left;
                }
            }
        }
        ways = next;
    }
    ways.swap_remove(n)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::statistics::noise::normal;

    #[test]
    fn critical_values_of_the_printed_tables() {
        // Mann and Whitney's tables, two-sided 5 %.
        for (n, m, u) in [(4, 4, Some(0)), (5, 5, Some(2)), (8, 10, Some(17)), (20, 20, Some(127)), (3, 3, None)] {
            assert_eq!(critical(&distribution(n, m), 0.025), u, "{n} and {m}");
        }
        assert!((distribution(30, 30).iter().sum::<f64>() - 1.0).abs() < 1e-9);
    }

    #[test]
    fn deltas() {
        assert_eq!(cliffs_delta(&[1.0, 2.0], &[3.0, 4.0]), 1.0);
        assert_eq!(cliffs_delta(&[3.0, 4.0], &[1.0, 2.0]), -1.0);
        assert_eq!(cliffs_delta(&[1.0, 2.0], &[1.0, 2.0]), 0.0);
        assert!(cliffs_delta(&[], &[1.0]).is_nan());
    }

    #[test]
    fn few_values_and_equal_values_show_nothing() {
        assert_eq!(shift(&[1.0, 2.0, 3.0], &[4.0, 5.0, 6.0], 0.95).unwrap().interval, None);
        assert_eq!(shift(&[1.0; 9], &[1.0; 9], 0.95).unwrap().p, 1.0);
        assert_eq!(shift(&[], &[1.0], 0.95), None);
        let apart = shift(&[1.0, 2.0, 3.0, 4.0], &[11.0, 12.0, 13.0, 14.0], 0.95).unwrap();
        assert_eq!((apart.estimate, apart.interval), (10.0, Some(Interval { low: 7.0, high: 13.0 })));
    }

    #[test]
    fn the_true_shift_is_inside_as_often_as_it_says() {
        for size in [8u64, 40] {
            let inside = (0..300u64).filter(|sample| {
                let a: Vec<f64> = (0..size).map(|i| normal(*sample, i)).collect();
                let b: Vec<f64> = (0..size).map(|i| normal(*sample, size + i) + 2.0).collect();
                shift(&a, &b, 0.95).unwrap().interval.unwrap().contains(2.0)
            });
            let share = inside.count() as f64 / 300.0;
            assert!((0.92..=0.99).contains(&share), "{size} values: inside in {share}");
        }
    }
}
