//! The Universal Scalability Law, fitted where the points identify it.
//!
//! ```text
//!                    λ N                  λ  throughput of one worker
//!   X(N) = ─────────────────────────      σ  contention: what only one can do at a time
//!          1 + σ (N − 1) + κ N (N − 1)    κ  coherence: what each pair has to tell each other
//! ```
//!
//! N / X is linear in (1/λ, σ/λ, κ/λ), so that least squares have one solution; each point is weighted by its own throughput, because noise is a
//! share of it. None of the three can be negative: where the free fit would make σ or κ so, it is held at zero. Intervals come from refits to
//! resampled repeats (N. J. Gunther, "Guerrilla Capacity Planning", 2007, chapters 4 and 5).
//!
//! Two worker counts identify σ + 2 κ at most (at N = 2 both enter the same way), three all of them without a check, four or more leave a residual.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::{
    Interval,
    bootstrap::{self, RESAMPLES, VALUES_MIN},
};
use crate::workload::draw::Draw;

/// Repeats of one number of workers.
#[derive(Clone, Debug, PartialEq)]
pub struct Point {
    /// N.
    pub workers: f64,
    /// X of each repeat.
    pub throughput: Vec<f64>,
}

/// The parameters.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Law {
    /// λ.
    pub lambda: f64,
    /// σ.
    pub sigma: f64,
    /// κ.
    pub kappa: f64,
}

impl Law {
    /// X(N).
    pub fn throughput(&self, workers: f64) -> f64 {
        self.lambda * workers / (1.0 + self.sigma * (workers - 1.0) + self.kappa * workers * (workers - 1.0))
    }

    /// The number of workers beyond which throughput falls; none if it never does.
    pub fn peak(&self) -> Option<f64> {
        (self.kappa > 0.0).then(|| ((1.0 - self.sigma).max(0.0) / self.kappa).sqrt())
    }
}

/// What the points can tell.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fit {
    /// All of the law.
    Whole {
        /// The parameters.
        law: Law,
        /// Where λ lies with 95 %; none with fewer than five repeats.
        lambda: Option<Interval>,
        /// Where σ lies.
        sigma: Option<Interval>,
        /// Where κ lies.
        kappa: Option<Interval>,
        /// The largest distance of a point's median from the law, as a share; none if there are no more points than parameters.
        residual: Option<f64>,
    },
    /// Two worker counts: only the loss between them.
    LossOnly {
        /// The two counts.
        workers: [f64; 2],
        /// Throughput of the larger against the smaller.
        speed_up: f64,
        /// Where that lies with 95 %.
        interval: Option<Interval>,
        /// What is lost at the larger count: (N₂ / N₁) / speed-up − 1. Of 1 and 2 it is σ + 2 κ.
        loss: f64,
    },
    /// Nothing.
    TooFew,
}

/// Fits.
///
/// # Cost
/// [`RESAMPLES`] solutions of three equations.
pub fn fit(points: &[Point], seed: u64) -> Fit {
    let mut points: Vec<&Point> = points.iter().filter(|p| p.workers >= 1.0 && !p.throughput.is_empty()).collect();
    points.retain(|point| point.throughput.iter().all(|x| *x > 0.0 && x.is_finite()));
    points.sort_by(|a, b| a.workers.total_cmp(&b.workers));
    points.dedup_by(|a, b| a.workers == b.workers);
    let medians = |points: &[&Point]| points.iter().map(|p| (p.workers, super::median(&p.throughput))).collect::<Vec<_>>();
    let resampled = |resample: u64| {
        let draws = points.iter().zip(0u64..).map(|(point, i)| {
            let (draw, n) = (Draw::new(seed ^ i, resample), point.throughput.len() as u64);
            (point.workers, super::median(&(0..n).map(|k| point.throughput[draw.below(k, n) as usize]).collect::<Vec<_>>()))
        });
        draws.collect::<Vec<_>>()
    };
    let has_repeats = points.iter().all(|p| p.throughput.len() >= VALUES_MIN);
    match points.len() {
        0 | 1 => Fit::TooFew,
        2 => {
            let all = medians(&points);
            let speed_up = all[1].1 / all[0].1;
            let ratios = || (0..RESAMPLES).map(&resampled).map(|all| all[1].1 / all[0].1).collect();
            Fit::LossOnly {
                workers: [all[0].0, all[1].0],
                speed_up,
                interval: has_repeats.then(ratios).and_then(|ratios| bootstrap::percentiles(ratios, 0.95)),
                loss: all[1].0 / all[0].0 / speed_up - 1.0,
            }
        }
        n => {
            let all = medians(&points);
            let Some(law) = solve(&all) else { return Fit::TooFew };
            let laws: Vec<Law> =
                if has_repeats { (0..RESAMPLES).into_par_iter().filter_map(|i| solve(&resampled(i))).collect() } else { Vec::new() };
            let interval = |of: fn(&Law) -> f64| bootstrap::percentiles(laws.iter().map(of).collect(), 0.95);
            let distance = all.iter().map(|(workers, x)| (x / law.throughput(*workers) - 1.0).abs()).fold(0.0, f64::max);
            Fit::Whole {
                law,
                lambda: interval(|law| law.lambda),
                sigma: interval(|law| law.sigma),
                kappa: interval(|law| law.kappa),
                residual: (n > 3).then_some(distance),
            }
        }
    }
}

/// Least squares of N/X on (1, N−1, N(N−1)), weighted by (X/N)², with σ, κ ≥ 0: the best of the fits with either, both or none held at zero.
fn solve(points: &[(f64, f64)]) -> Option<Law> {
    let candidates = [[true, true], [true, false], [false, true], [false, false]];
    let laws = candidates.iter().filter_map(|free| {
        let columns: Vec<usize> = [0].into_iter().chain((1..3).filter(|i| free[i - 1])).collect();
        let basis = |n: f64| [1.0, n - 1.0, n * (n - 1.0)];
        let mut normal = vec![vec![0.0; columns.len() + 1]; columns.len()];
        for (n, x) in points {
            let (weight, basis) = ((x / n).powi(2), basis(*n));
            for (row, i) in columns.iter().enumerate() {
                for (column, j) in columns.iter().enumerate() {
                    normal[row][column] += weight * basis[*i] * basis[*j];
                }
                normal[row][columns.len()] += weight * basis[*i] * n / x;
            }
        }
        let solution = eliminate(normal)?;
        let mut all = [0.0; 3];
        columns.iter().zip(&solution).for_each(|(i, value)| all[*i] = *value);
        (all[0] > 0.0 && all[1] >= 0.0 && all[2] >= 0.0).then(|| Law {
            lambda: 1.0 / all[0],
            sigma: all[1] / all[0],
            kappa: all[2] / all[0],
        })
    });
    let error = |law: &Law| points.iter().map(|(n, x)| (x / law.throughput(*n) - 1.0).powi(2)).sum::<f64>();
    laws.min_by(|a, b| error(a).total_cmp(&error(b)))
}

/// Gauss with pivots, on at most three equations. None if they do not determine the unknowns.
fn eliminate(mut rows: Vec<Vec<f64>>) -> Option<Vec<f64>> {
    let n = rows.len();
    for column in 0..n {
        let pivot = (column..n).max_by(|a, b| rows[*a][column].abs().total_cmp(&rows[*b][column].abs()))?;
        rows.swap(column, pivot);
        let scale = rows[column][column];
        if scale.abs() < 1e-12 {
            return None;
        }
        rows[column].iter_mut().for_each(|value| *value /= scale);
        let pivot = rows[column].clone();
        for (i, row) in rows.iter_mut().enumerate().filter(|(i, _)| *i != column) {
            let factor = row[column];
            debug_assert!(i < n);
            row.iter_mut().zip(&pivot).for_each(|(value, above)| *value -= factor * above);
        }
    }
    Some(rows.iter().map(|row| row[n]).collect())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::statistics::noise::normal;

    fn points(law: Law, counts: &[u32], noise: f64, seed: u64) -> Vec<Point> {
        let point = |n: &u32| {
            let x = law.throughput(f64::from(*n));
            let throughput = (0..9).map(|i| x * (noise * normal(seed, u64::from(*n) * 100 + i)).exp()).collect();
            Point { workers: f64::from(*n), throughput }
        };
        counts.iter().map(point).collect()
    }

    const LAW: Law = Law { lambda: 1e7, sigma: 0.05, kappa: 0.002 };

    #[test]
    fn exact_points_give_the_law_back() {
        let Fit::Whole { law, residual, .. } = fit(&points(LAW, &[1, 2, 4, 8, 16], 0.0, 1), 1) else { panic!("not whole") };
        assert!((law.lambda / 1e7 - 1.0).abs() < 1e-6 && (law.sigma - 0.05).abs() < 1e-6 && (law.kappa - 0.002).abs() < 1e-6, "{law:?}");
        assert!(residual.unwrap() < 1e-9);
        assert!((law.peak().unwrap() - (0.95f64 / 0.002).sqrt()).abs() < 1e-3);
        assert_eq!(Law { kappa: 0.0, ..LAW }.peak(), None);
    }

    #[test]
    fn intervals_hold_the_truth_most_of_the_time() {
        let inside = (0..60).filter(|seed| {
            let Fit::Whole { sigma, kappa, .. } = fit(&points(LAW, &[1, 2, 4, 8, 16, 32], 0.03, *seed), *seed) else { panic!("not whole") };
            sigma.unwrap().contains(LAW.sigma) && kappa.unwrap().contains(LAW.kappa)
        });
        let count = inside.count();
        assert!(count >= 48, "{count} of 60");
    }

    #[test]
    fn parameters_are_never_negative() {
        // More than linear: as caches can make it. The law has no place for it.
        let better = [1.0, 2.0, 4.0].map(|n: f64| Point { workers: n, throughput: vec![n.powf(1.1); 5] });
        let Fit::Whole { law, residual, .. } = fit(&better, 1) else { panic!("not whole") };
        assert_eq!((law.sigma, law.kappa, residual), (0.0, 0.0, None));
    }

    #[test]
    fn two_counts_identify_the_loss_alone() {
        let Fit::LossOnly { loss, speed_up, interval, workers } = fit(&points(LAW, &[1, 2], 0.01, 3), 1) else { panic!("not loss") };
        assert_eq!(workers, [1.0, 2.0]);
        assert!((loss - (0.05 + 2.0 * 0.002)).abs() < 0.03, "{loss}");
        assert!(interval.unwrap().contains(speed_up));
        assert_eq!(fit(&points(LAW, &[2], 0.0, 1), 1), Fit::TooFew);
        assert_eq!(fit(&[], 1), Fit::TooFew);
        let broken = [1.0, 2.0, 3.0].map(|workers| Point { workers, throughput: vec![f64::NAN, 0.0] });
        assert_eq!(fit(&broken, 1), Fit::TooFew);
    }
}
