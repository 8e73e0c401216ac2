//! Pairs: A and B ran one after the other, many times, and each time a coin chose who ran first.
//!
//! ```text
//!   pair          1        2        3      …       difference d = B − A (of logarithms: a ratio)
//!   machine    ~~~~~~~~~~╲______╱~~~~~~~~          a drift moves both of a pair and leaves d alone
//!   coin         A B      B A      B A
//! ```
//!
//! If A and B are the same, the coin alone decides the sign of each d, whatever the machine does: drift, neighbours, stalls. So the test of
//! Wilcoxon's signed ranks is exact here by the design of the experiment, not by an assumption on the noise. Estimate and interval are those of
//! Hodges and Lehmann: the median of the Walsh averages (dᵢ + dⱼ) / 2, i ≤ j, and two of their order statistics (M. Hollander, D. A. Wolfe,
//! E. Chicken, "Nonparametric Statistical Methods", 3rd ed., 3.1–3.3). The interval leaves out zero exactly if the test rejects.

use statrs::distribution::{ContinuousCDF, Normal};

use super::{Interval, Shift, critical, median_of_sorted, sorted};

/// Up to so many pairs the distribution is exact; beyond, its normal approximation is off by less than a hundredth of a percent.
const EXACT_MAX: usize = 100;

/// The shift of `differences` from zero, and its interval at `confidence`. None of none.
///
/// # Cost
/// O(n² log n), and up to `EXACT_MAX` O(n³).
pub fn shift(differences: &[f64], confidence: f64) -> Option<Shift> {
    let n = differences.len();
    (n > 0).then_some(())?;
    let walsh = walsh_averages(differences);
    let tail = (1.0 - confidence) / 2.0;
    // How many averages lie on the thinner side of zero; those at zero count for it, which only makes the test more careful.
    let below = walsh.iter().filter(|average| **average <= 0.0).count();
    let above = walsh.iter().filter(|average| **average >= 0.0).count();
    let thinner = below.min(above);
    let (cut, one_sided) = if n <= EXACT_MAX {
        let probabilities = distribution(n);
        (critical(&probabilities, tail), probabilities.iter().take(thinner + 1).sum::<f64>())
    } else {
        let (n, standard) = (n as f64, Normal::standard());
        let (mean, deviation) = (n * (n + 1.0) / 4.0, (n * (n + 1.0) * (2.0 * n + 1.0) / 24.0).sqrt());
        let cut = (mean + standard.inverse_cdf(tail) * deviation - 0.5).floor();
        ((cut >= 0.0).then_some(cut as usize), standard.cdf((thinner as f64 + 0.5 - mean) / deviation))
    };
    let interval = cut.map(|cut| Interval { low: walsh[cut], high: walsh[walsh.len() - 1 - cut] });
    Some(Shift { estimate: median_of_sorted(&walsh), interval, p: (2.0 * one_sided).min(1.0) })
}

/// The fewest pairs that can show anything at this confidence: if all signs agree, their probability is 2¹⁻ⁿ.
pub fn pairs_min(confidence: f64) -> usize {
    (1.0 - (1.0 - confidence).log2()).ceil() as usize
}

/// (dᵢ + dⱼ) / 2 for all i ≤ j, sorted.
fn walsh_averages(differences: &[f64]) -> Vec<f64> {
    let pairs = differences.iter().enumerate().flat_map(|(i, a)| differences[i..].iter().map(move |b| f64::midpoint(*a, *b)));
    sorted(pairs.collect())
}

/// P(T = t) for t = 0, 1, …: the sum of those of the ranks 1..=n whose coin shows heads.
fn distribution(n: usize) -> Vec<f64> {
    let mut probabilities = vec![0.0; n * (n + 1) / 2 + 1];
    probabilities[0] = 1.0;
    for rank in 1..=n {
        for sum in (0..probabilities.len()).rev() {
            let with = sum.checked_sub(rank).map_or(0.0, |rest| probabilities[rest]);
            probabilities[sum] = f64::midpoint(probabilities[sum], with);
        }
    }
    probabilities
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::statistics::noise::normal;

    #[test]
    fn critical_values_of_the_printed_tables() {
        // Wilcoxon's own table, two-sided 5 %: n = 6, 10, 20 have the critical sums 0, 8, 52.
        for (n, sum) in [(6, 0), (10, 8), (20, 52)] {
            assert_eq!(critical(&distribution(n), 0.025), Some(sum), "n = {n}");
        }
        assert_eq!(critical(&distribution(5), 0.025), None);
        assert!((distribution(30).iter().sum::<f64>() - 1.0).abs() < 1e-12);
    }

    #[test]
    fn five_equal_signs_are_not_enough_for_95_percent() {
        let five = shift(&[1.0, 2.0, 3.0, 4.0, 5.0], 0.95).unwrap();
        assert_eq!((five.interval, five.estimate), (None, 3.0));
        assert!((five.p - 1.0 / 16.0).abs() < 1e-12);
        assert_eq!(pairs_min(0.95), 6);
        let six = shift(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0], 0.95).unwrap();
        assert_eq!(six.interval, Some(Interval { low: 1.0, high: 6.0 }));
        assert_eq!(shift(&[], 0.95), None);
    }

    #[test]
    fn the_interval_and_the_test_agree_and_nothing_is_found_in_zeros() {
        assert_eq!(shift(&[0.0; 20], 0.95).unwrap().p, 1.0);
        for sample in 0..300 {
            let differences: Vec<f64> = (0..12).map(|i| normal(sample, i) + 0.6).collect();
            let shift = shift(&differences, 0.95).unwrap();
            assert_eq!(!shift.interval.unwrap().contains(0.0), shift.p <= 0.05, "{shift:?}");
        }
    }

    #[test]
    fn exact_and_approximate_agree_where_they_meet() {
        let differences: Vec<f64> = (0..EXACT_MAX as u64 + 1).map(|i| normal(7, i) + 0.15).collect();
        let (fewer, all) = (shift(&differences[..EXACT_MAX], 0.99).unwrap(), shift(&differences, 0.99).unwrap());
        let (a, b) = (fewer.interval.unwrap(), all.interval.unwrap());
        assert!((a.low - b.low).abs() < 0.05 && (a.high - b.high).abs() < 0.05, "{a:?} {b:?}");
    }

    #[test]
    fn the_true_shift_is_inside_as_often_as_it_says() {
        let inside = (0..500u64).filter(|sample| {
            let differences: Vec<f64> = (0..15).map(|i| normal(*sample, i) + 3.0).collect();
            shift(&differences, 0.95).unwrap().interval.unwrap().contains(3.0)
        });
        let share = inside.count() as f64 / 500.0;
        assert!((0.93..=0.98).contains(&share), "inside in {share}");
    }
}
