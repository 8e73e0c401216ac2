//! Does a series grow? The slope of Theil and Sen over batch means, with Kendall's distribution-free interval.
//!
//! ```text
//!   y │            ·  · ·       1. cut into batches of equal length; the mean of each: what is short-lived (a stall, a full batch)
//!     │     ·· · ·  ·              averages out, and the means hardly remember each other
//!     │ ·  · ·                  2. slope between every two batch means; the median is the estimate, two order statistics the interval
//!     └──┬──┬──┬──┬──┬─▶ t
//! ```
//!
//! Source: P. K. Sen, "Estimates of the Regression Coefficient Based on Kendall's Tau", JASA 63, 1968; batch means as in A. M. Law, "Simulation
//! Modeling and Analysis", 9.5.3. A quarter of the batches may be disturbed by anything without moving the estimate.

use super::{critical, median_of_sorted, sorted};

/// Batches that a series is cut into: enough for 99.9 %, and long against what is short-lived.
pub const BATCHES: usize = 10;
/// Fewest points that are judged: two a batch.
pub const POINTS_MIN: usize = 2 * BATCHES;

/// A slope, in units of y per unit of t.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Slope {
    /// The estimate.
    pub estimate: f64,
    /// Lower end of its interval.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

/// The slope of `y` over `t`, both in order of `t`, with its interval at `confidence`. None of fewer than [`POINTS_MIN`] points, or if `t` does
/// not grow.
pub fn slope(points: &[(f64, f64)], confidence: f64) -> Option<Slope> {
    (points.len() >= POINTS_MIN).then_some(())?;
    let mean = |values: &mut dyn Iterator<Item = f64>, n: usize| values.sum::<f64>() / n as f64;
    let batch = |i: usize| &points[i * points.len() / BATCHES..(i + 1) * points.len() / BATCHES];
    let means: Vec<(f64, f64)> = (0..BATCHES)
        .map(batch)
        .map(|batch| (mean(&mut batch.iter().map(|p| p.0), batch.len()), mean(&mut batch.iter().map(|p| p.1), batch.len())))
        .collect();
    means.windows(2).all(|pair| pair[1].0 > pair[0].0).then_some(())?;
    let between = |i: usize, j: usize| (means[j].1 - means[i].1) / (means[j].0 - means[i].0);
    let slopes = sorted((0..BATCHES).flat_map(|i| (i + 1..BATCHES).map(move |j| (i, j))).map(|(i, j)| between(i, j)).collect());
    let cut = critical(&inversions(BATCHES), (1.0 - confidence) / 2.0)?;
    Some(Slope { estimate: median_of_sorted(&slopes), low: slopes[cut], high: slopes[slopes.len() - 1 - cut] })
}

/// P(inversions = k) for k = 0, 1, … in a random order of n things.
fn inversions(n: usize) -> Vec<f64> {
    let mut probabilities = vec![1.0];
    for size in 2..=n {
        // The last of `size` things is smaller than 0 to size − 1 of the others, all equally likely.
        let mut next = vec![0.0; probabilities.len() + size - 1];
        for (k, probability) in probabilities.iter().enumerate() {
            next[k..k + size].iter_mut().for_each(|p| *p += probability / size as f64);
        }
        probabilities = next;
    }
    probabilities
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::statistics::noise::normal;

    fn series(seed: u64, slope: f64, memory: f64) -> Vec<(f64, f64)> {
        let mut noise = 0.0;
        let point = |i: u64| {
            noise = memory * noise + normal(seed, i);
            (i as f64, slope * i as f64 + noise)
        };
        (0..400).map(point).collect()
    }

    #[test]
    fn kendalls_table() {
        // P(at most 1 inversion of 4) = 4/24.
        assert!((inversions(4)[..2].iter().sum::<f64>() - 4.0 / 24.0).abs() < 1e-12);
        assert!((inversions(BATCHES).iter().sum::<f64>() - 1.0).abs() < 1e-12);
    }

    #[test]
    fn a_line_has_its_slope_and_stalls_do_not_move_it() {
        let mut line: Vec<(f64, f64)> = (0..100).map(|i| (f64::from(i), 3.0 * f64::from(i) + 1.0)).collect();
        assert!((slope(&line, 0.99).unwrap().estimate - 3.0).abs() < 1e-9);
        line[50..52].iter_mut().for_each(|point| point.1 += 1e4);
        assert!((slope(&line, 0.99).unwrap().estimate - 3.0).abs() < 0.1);
        assert_eq!(slope(&line[..POINTS_MIN - 1], 0.99), None);
        assert_eq!(slope(&[(0.0, 1.0); 40], 0.99), None, "no time passed");
    }

    #[test]
    fn noise_that_remembers_is_seldom_taken_for_growth() {
        let alarms = (0..400).filter(|seed| slope(&series(*seed, 0.0, 0.7), 0.99).unwrap().low > 0.0).count();
        assert!(alarms <= 8, "{alarms} of 400");
        let missed = (0..400).filter(|seed| slope(&series(*seed, 0.02, 0.7), 0.99).unwrap().low <= 0.0).count();
        assert!(missed <= 8, "{missed} of 400 missed");
    }
}
