//! Whether a run was steady, and from when on. Pure.
//!
//! ```text
//!   rate │      ┌─┐ ┌───┐ ┌─┐             records per equal slice of time
//!        │   ┌──┘ └─┘   └─┘ └──
//!        │ ┌─┘
//!        └─┴────┬───────────────▶ time
//!          warm │ steady: what is left after the cut that makes the mean's error smallest
//! ```
//!
//! The cut is that of the marginal standard error rule: of all beginnings that could be left out, the one that makes
//! `variance of the rest / length of the rest` smallest (K. P. White Jr., "An Effective Truncation Heuristic for Bias Reduction in Simulation
//! Output", Simulation 69(6), 1997). As there, a cut in the second half says that the run never was steady; unless the rate before and after it
//! is the same within [`DRIFT_MAX`]: then it was steady all along, and only its noise (a stall, and the burst after it) ended there. What is left
//! must not drift either: the means of its halves differ by at most as much.

use serde::{Deserialize, Serialize};

/// Largest difference of the halves' rates, as a share, in a steady run.
pub const DRIFT_MAX: f64 = 0.05;

/// Fewest points of a series that can be judged.
pub const POINTS_MIN: usize = 10;

/// Records that had gone through at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// Since the start, in ns.
    pub ns: u64,
    /// Records so far.
    pub n: u64,
}

/// What the test says.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Steady {
    /// Whether a steady state was reached in the first half, and kept.
    pub reached: bool,
    /// The share of the series before it.
    pub warm_share: f64,
    /// Rate of the second half of what is left against the first: 0.01 is 1 % faster.
    pub drift: f64,
    /// Points that were judged.
    pub points: usize,
}

/// The rates between points, in records per second.
pub fn rates(progress: &[Progress]) -> Vec<f64> {
    let pairs = progress.windows(2).filter(|pair| pair[1].ns > pair[0].ns);
    pairs.map(|pair| pair[1].n.saturating_sub(pair[0].n) as f64 * 1e9 / (pair[1].ns - pair[0].ns) as f64).collect()
}

/// Judges a series of rates over equal slices. None if there are fewer than [`POINTS_MIN`].
pub fn judge(rates: &[f64]) -> Option<Steady> {
    if rates.len() < POINTS_MIN {
        return None;
    }
    let mean = |rates: &[f64]| rates.iter().sum::<f64>() / rates.len() as f64;
    let error = |cut: usize| {
        let rest = &rates[cut..];
        let middle = mean(rest);
        rest.iter().map(|rate| (rate - middle).powi(2)).sum::<f64>() / (rest.len() as f64).powi(2)
    };
    // The last few points could look steady by chance: a rest has at least five.
    let cut = (0..=rates.len() - 5).min_by(|a, b| error(*a).total_cmp(&error(*b)))?;
    let rest = &rates[cut..];
    let (first, second) = rest.split_at(rest.len() / 2);
    // Nothing at all in the first half is a drift without a bound: twice as fast stands for it.
    let drift = if mean(first) > 0.0 { mean(second) / mean(first) - 1.0 } else { f64::from(u8::from(mean(second) > 0.0)) };
    // Of what comes before a late cut a fifth is granted for queues that fill.
    let before = &rates[(cut / 5).min(cut)..cut];
    let is_same = !before.is_empty() && (mean(before) - mean(rest)).abs() <= DRIFT_MAX * mean(rest);
    let reached = (cut * 2 <= rates.len() || is_same) && drift.abs() <= DRIFT_MAX;
    Some(Steady { reached, warm_share: cut as f64 / rates.len() as f64, drift, points: rates.len() })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// Noise of ±1 %, the same every time.
    fn noise(i: u64) -> f64 {
        0.99 + 0.02 * (crate::workload::mix(i) % 1_000) as f64 / 1_000.0
    }

    fn series(rate: impl Fn(usize) -> f64) -> Vec<f64> {
        (0..40).map(|i| rate(i) * noise(i as u64)).collect()
    }

    #[test]
    fn a_level_series_is_steady_from_the_start() {
        let steady = judge(&series(|_| 1e6)).unwrap();
        assert!(steady.reached && steady.warm_share < 0.2, "{steady:?}");
    }

    #[test]
    fn a_slow_beginning_is_cut_off() {
        let steady = judge(&series(|i| if i < 10 { 3e5 } else { 1e6 })).unwrap();
        assert!(steady.reached && (0.25..0.4).contains(&steady.warm_share), "{steady:?}");
    }

    #[test]
    fn noise_that_ends_late_is_no_slow_beginning() {
        // Stalls, each with the burst after it; none in the last quarter.
        let stalls = series(|i| match i % 6 {
            2 if i < 30 => 6e5,
            3 if i < 30 => 1.4e6,
            _ => 1e6,
        });
        let steady = judge(&stalls).unwrap();
        assert!(steady.reached && steady.warm_share > 0.5, "{steady:?}");
    }

    #[test]
    fn late_changes_and_drifts_are_not_steady() {
        for (what, rates) in [
            ("a step in the second half", series(|i| if i < 28 { 1e6 } else { 5e5 })),
            ("a slow decline", series(|i| 1e6 * (1.0 - 0.015 * i as f64))),
        ] {
            let steady = judge(&rates).unwrap();
            assert!(!steady.reached, "{what}: {steady:?}");
        }
    }

    #[test]
    fn a_run_that_stops_has_a_drift_that_is_a_number() {
        let steady = judge(&series(|i| if i < 15 { 1e6 } else { 0.0 })).unwrap();
        assert!(steady.drift.is_finite(), "{steady:?}");
        assert!(!judge(&series(|i| if i < 30 { 1e6 } else { 0.0 })).unwrap().reached);
    }

    #[test]
    fn few_points_say_nothing() {
        assert_eq!(judge(&[1.0; POINTS_MIN - 1]), None);
        assert_eq!(judge(&[]), None);
        let progress = [Progress { ns: 0, n: 0 }, Progress { ns: 0, n: 1 }, Progress { ns: 2_000_000_000, n: 11 }];
        assert_eq!(rates(&progress), [5.0]);
    }
}
