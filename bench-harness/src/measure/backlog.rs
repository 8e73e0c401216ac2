//! Does the backlog grow? What an open-loop run's progress says of the rate that it was offered. Pure.
//!
//! ```text
//!   records │            ⟋ offered: rate × t
//!           │        ⟋   ⋰ gone through: n(t)        delay(t) = t − n(t) / rate
//!           │    ⟋  ⋰                                the time by which the output is behind the schedule
//!           │⟋ ⋰                                     its slope: the share of the load that is not kept up with
//!           └──────────────▶ t
//! ```
//!
//! In a system that keeps the order, the delay is the latency of the record that leaves at t, and rate × delay is the backlog, inside the system and
//! before it: the two of Karimov et al. ("Benchmarking Distributed Stream Data Processing Systems", ICDE 2018, 3.3), neither of which may grow
//! at a sustainable rate, are one curve here. It is judged by its slope with an interval, not by looking at its end: a stall at the end is
//! no growth, and a slow growth has no end.

use serde::{Deserialize, Serialize};

use crate::{
    measure::steady::Progress,
    statistics::trend::{self, Slope},
};

/// A rate is kept up with if less than this share of it is left behind: as much as the model lets input and output differ.
pub const GROWTH_MAX: f64 = super::little::BACKLOG_MAX;
/// Confidence of the interval.
pub const CONFIDENCE: f64 = 0.99;
/// The share of the run that is left out at its beginning: queues fill from empty.
const WARM_SHARE: f64 = 0.1;

/// How the delay grows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Growth {
    /// The share of the offered load that is not kept up with: seconds of delay added per second.
    pub growth: f64,
    /// Where it lies with probability [`CONFIDENCE`].
    pub interval: [f64; 2],
}

/// What that says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stability {
    /// Growth of [`GROWTH_MAX`] is excluded.
    Stable,
    /// Growth is shown.
    Grows,
    /// Neither.
    Undecided,
}

impl std::fmt::Display for Stability {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(match self {
            Stability::Stable => "stable",
            Stability::Grows => "grows",
            Stability::Undecided => "undecided",
        })
    }
}

impl Growth {
    /// Judges the progress of a run whose records were due evenly, `rate_per_s` of them. None if too few points were seen.
    pub fn of(progress: &[Progress], rate_per_s: f64) -> Option<Growth> {
        let end_ns = progress.last()?.ns as f64;
        let mut points: Vec<(f64, f64)> = progress
            .iter()
            .filter(|point| point.ns as f64 >= WARM_SHARE * end_ns)
            .map(|point| (point.ns as f64 * 1e-9, point.ns as f64 * 1e-9 - point.n as f64 / rate_per_s))
            .collect();
        // Points that a stall made fall together are one.
        points.dedup_by(|a, b| a.0 <= b.0);
        let Slope { estimate, low, high } = trend::slope(&points, CONFIDENCE)?;
        Some(Growth { growth: estimate, interval: [low, high] })
    }

    /// The verdict.
    pub fn stability(&self) -> Stability {
        match self.interval {
            [_, high] if high < GROWTH_MAX => Stability::Stable,
            [low, _] if low > 0.0 && self.growth >= GROWTH_MAX => Stability::Grows,
            _ => Stability::Undecided,
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::statistics::noise::normal;

    /// A server of a capacity that wavers, on a machine that stalls, offered `rate` for two seconds; its progress at 50 moments.
    pub(crate) fn simulate(rate: f64, capacity: f64, seed: u64) -> Vec<Progress> {
        let (mut done, mut speed, mut progress) = (0.0f64, 0.0f64, Vec::new());
        for tick in 0..2_000u64 {
            speed = 0.9 * speed + 0.03 * normal(seed, tick);
            let is_stalled = crate::workload::draw::Draw::new(seed, 9).unit(tick) < 0.004;
            let served = if is_stalled { 0.0 } else { capacity * (1.0 + speed) * 1e-3 };
            done = (done + served).min(rate * (tick + 1) as f64 * 1e-3);
            if (tick + 1) % 40 == 0 {
                progress.push(Progress { ns: (tick + 1) * 1_000_000, n: done as u64 });
            }
        }
        progress
    }

    fn share(rate: f64, of: Stability) -> f64 {
        let is = |seed: &u64| Growth::of(&simulate(rate, 1e6, *seed), rate).unwrap().stability() == of;
        (0..200).filter(is).count() as f64 / 200.0
    }

    #[test]
    fn a_load_that_fits_is_stable_and_one_that_does_not_grows() {
        assert!(share(0.5e6, Stability::Stable) > 0.99);
        assert!(share(0.8e6, Stability::Stable) > 0.95, "{}", share(0.8e6, Stability::Stable));
        assert!(share(1.1e6, Stability::Grows) > 0.99);
        assert!(share(1.1e6, Stability::Stable) == 0.0);
        assert!(share(2e6, Stability::Grows) > 0.99);
    }

    #[test]
    fn the_growth_is_the_share_that_is_left_behind() {
        let progress: Vec<Progress> = (1..=50).map(|i| Progress { ns: i * 10_000_000, n: i * 8_000 }).collect();
        let growth = Growth::of(&progress, 1e6).unwrap();
        assert!((growth.growth - 0.2).abs() < 1e-9, "{growth:?}");
        assert_eq!(growth.stability(), Stability::Grows);
        assert_eq!(Growth::of(&progress[..10], 1e6), None);
        assert_eq!(Growth::of(&[], 1e6), None);
        assert_eq!(Growth::of(&[Progress { ns: 5, n: 5 }; 50], 1e6), None);
    }
}
