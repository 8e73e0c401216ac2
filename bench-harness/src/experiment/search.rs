//! The search for the highest rate that is kept up with. Pure: the runs are a function.
//!
//! ```text
//!   rate ▲   ✗                                ✗ grows, or not shown to be stable      each point is given up after two such runs
//!        │  ╱ ╲     ✗                         ✓ stable
//!        │ ╱   ╲   ╱ ╲   ✓─✓─✓                1. bracket: strides of 1.25, 1.25², 1.25⁴ …   2. halve the bracket
//!        │✓     ╲ ╱   ╲ ╱                     3. confirm, or step down: by one resolution, two, four …
//!        │       ✓     ✓
//! ```
//!
//! Laws
//! - A single stall of the machine does not end a search: a rate is given up only after two runs at it.
//! - Whatever the runs show, there are at most [`Effort::runs_max`]; strides and steps double, so that a guess which is far off, or a system that
//!   never passes, costs the logarithm of the distance.
//! - A search that is cut off has what it found so far, and says that it was cut off.

use serde::{Deserialize, Serialize};

use super::trial::Values;
use crate::measure::backlog::Stability;

/// How far the search goes.
#[derive(Clone, Copy, Debug)]
pub struct Effort {
    /// The bracket ends up so narrow: 0.02 is 2 %.
    pub resolution: f64,
    /// Stable runs that the answer must have, one after the other.
    pub confirm: u32,
    /// Runs at most.
    pub runs_max: u32,
}

impl Default for Effort {
    fn default() -> Effort {
        Effort { resolution: 0.02, confirm: 3, runs_max: 40 }
    }
}

/// One run of the search.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Tried {
    /// Records per second.
    pub rate_per_s: f64,
    /// What it showed.
    pub stability: Stability,
}

/// What was found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Found {
    /// The highest rate that was confirmed; none if even the lowest that was tried was not kept up with, or the runs did not suffice.
    pub sustained_per_s: Option<f64>,
    /// The highest rate that had a stable run and was not given up: where a search that was cut off stood.
    pub kept_per_s: Option<f64>,
    /// The lowest rate that was not kept up with.
    pub exceeded_per_s: Option<f64>,
    /// Stable runs at the rate that was confirmed.
    pub confirmed_by: u32,
    /// Whether the search was cut off, by its own bound or from outside.
    pub is_partial: bool,
    /// All runs, in their order.
    pub tried: Vec<Tried>,
}

/// What `sustain` writes of it, as `sustain.jsonl`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sustained {
    /// The configuration.
    pub configuration: Values,
    /// What was found.
    pub found: Found,
    /// Confidence with which each run at the rate excludes growth.
    pub confidence: f64,
    /// The growth that it excludes, as a share of the load.
    pub growth_max: f64,
}

/// Rates further than this from the guess are not looked at.
const REACH: f64 = 1_000.0;
const STRIDE: f64 = 1.25;

/// A search under way: its runs, and whether it was cut off.
struct Runs<F> {
    run: F,
    runs_max: u32,
    tried: Vec<Tried>,
    is_cut: bool,
}

impl<E, F: FnMut(f64) -> Result<Option<Stability>, E>> Runs<F> {
    /// Whether the rate is kept up with: of up to two runs one is stable. None if it was cut off.
    fn vote(&mut self, rate: f64) -> Result<Option<bool>, E> {
        for _ in 0..2 {
            let ran = if self.tried.len() as u32 >= self.runs_max { None } else { (self.run)(rate)? };
            let Some(stability) = ran else {
                self.is_cut = true;
                return Ok(None);
            };
            self.tried.push(Tried { rate_per_s: rate, stability });
            if stability == Stability::Stable {
                return Ok(Some(true));
            }
        }
        Ok(Some(false))
    }
}

/// Searches from `guess`; `run` runs at a rate once, or says by `None` that there are to be no more runs.
///
/// # Errors
/// Those of `run`.
pub fn highest<E>(guess: f64, effort: Effort, run: impl FnMut(f64) -> Result<Option<Stability>, E>) -> Result<Found, E> {
    let mut runs = Runs { run, runs_max: effort.runs_max, tried: Vec::new(), is_cut: false };
    let (mut low, mut high): (Option<f64>, Option<f64>) = (None, None);
    let (mut rate, mut stride) = (guess * 0.8, STRIDE);
    while low.is_none() || high.is_none() {
        match runs.vote(rate)? {
            None => break,
            Some(true) => low = Some(rate),
            Some(false) => high = Some(rate),
        }
        let next = if low.is_none() { rate / stride } else { rate * stride };
        let next = next.clamp(guess / REACH, guess * REACH);
        if next == rate {
            break;
        }
        (rate, stride) = (next, stride * stride);
    }
    while let (Some(below), Some(above), false) = (low, high, runs.is_cut) {
        if above / below <= 1.0 + effort.resolution {
            break;
        }
        let middle = (below * above).sqrt();
        match runs.vote(middle)? {
            None => break,
            Some(true) => low = Some(middle),
            Some(false) => high = Some(middle),
        }
    }
    let (mut confirmed, mut step) = (None, 1.0 + effort.resolution);
    'down: while let (Some(rate), None, false) = (low, confirmed, runs.is_cut) {
        for _ in 0..effort.confirm {
            // Two runs that are not stable in a row end it; one may be the machine's.
            match runs.vote(rate)? {
                Some(true) => {}
                None => break 'down,
                Some(false) => {
                    high = Some(rate);
                    low = Some(rate / step).filter(|rate| *rate >= guess / REACH);
                    step *= step;
                    continue 'down;
                }
            }
        }
        confirmed = low;
    }
    let kept = low.filter(|low| runs.tried.iter().any(|tried| tried.rate_per_s == *low && tried.stability == Stability::Stable));
    Ok(Found {
        sustained_per_s: confirmed,
        kept_per_s: kept,
        exceeded_per_s: high,
        confirmed_by: if confirmed.is_some() { effort.confirm } else { 0 },
        is_partial: runs.is_cut,
        tried: runs.tried,
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::convert::Infallible;

    use proptest::prelude::*;

    use super::*;
    use crate::{
        measure::backlog::{Growth, tests::simulate},
        workload::draw::Draw,
    };

    type Ran = Result<Option<Stability>, Infallible>;

    fn search(capacity: f64, guess: f64, seed: u64) -> Found {
        let mut i = 0;
        let run = |rate: f64| -> Ran {
            i += 1;
            Ok(Some(Growth::of(&simulate(rate, capacity, seed * 1_000 + i), rate).unwrap().stability()))
        };
        highest(guess, Effort::default(), run).unwrap()
    }

    #[test]
    fn finds_the_capacity_of_a_noisy_server_from_any_guess() {
        for (seed, guess) in [(1, 1e6), (2, 3e5), (3, 4e6), (4, 1.3e6), (5, 9e5), (6, 1e6), (7, 1e6), (8, 1e6)] {
            let found = search(1e6, guess, seed);
            let rate = found.sustained_per_s.unwrap();
            assert!((0.86e6..1.03e6).contains(&rate), "guess {guess}: {found:?}");
            assert!(found.exceeded_per_s.unwrap() > rate && found.confirmed_by == 3 && !found.is_partial);
            assert!(found.tried.len() <= 30, "{} runs", found.tried.len());
        }
    }

    #[test]
    fn a_monotone_system_takes_few_runs_however_far_the_guess_is_off() {
        for capacity in [2e3, 1e5, 0.99e6, 1e6, 3e7, 0.9e9] {
            let run = |rate: f64| -> Ran { Ok(Some(if rate > capacity { Stability::Grows } else { Stability::Stable })) };
            let found = highest(1e6, Effort::default(), run).unwrap();
            let rate = found.sustained_per_s.unwrap();
            assert!(rate <= capacity && rate > capacity / 1.021, "{capacity}: {found:?}");
            assert!(found.tried.len() <= 30, "{capacity}: {} runs", found.tried.len());
        }
    }

    #[test]
    fn what_is_never_stable_has_no_answer_and_the_search_ends() {
        let mut runs = 0;
        let never = |_: f64| -> Ran {
            runs += 1;
            Ok(Some(Stability::Undecided))
        };
        let found = highest(1e6, Effort::default(), never).unwrap();
        assert_eq!((found.sustained_per_s, found.kept_per_s), (None, None));
        assert!(runs <= 14 && found.exceeded_per_s.unwrap() < 1e5, "{runs} runs");
        let always = |_: f64| -> Ran { Ok(Some(Stability::Stable)) };
        let found = highest(1e6, Effort::default(), always).unwrap();
        assert_eq!(found.exceeded_per_s, None);
        assert!(found.sustained_per_s.unwrap() > 1e7 && found.tried.len() <= 12, "{found:?}");
    }

    #[test]
    fn one_bad_run_does_not_end_it() {
        // Every fifth run is disturbed.
        let mut i = 0;
        let run = |rate: f64| -> Ran {
            i += 1;
            Ok(Some(if rate > 1e6 || i % 5 == 0 { Stability::Grows } else { Stability::Stable }))
        };
        let rate = highest(1e6, Effort::default(), run).unwrap().sustained_per_s.unwrap();
        assert!((0.95e6..=1e6).contains(&rate), "{rate}");
    }

    #[test]
    fn a_search_that_is_cut_off_tells_where_it_stood() {
        let whole = search(1e6, 1.3e6, 4).tried.len();
        for runs_before in 0..whole {
            let mut left = runs_before;
            let run = |rate: f64| -> Ran {
                if left == 0 {
                    return Ok(None);
                }
                left -= 1;
                Ok(Some(if rate > 1e6 { Stability::Grows } else { Stability::Stable }))
            };
            let found = highest(1.3e6, Effort::default(), run).unwrap();
            assert_eq!(found.is_partial, found.sustained_per_s.is_none(), "{found:?}");
            if found.is_partial {
                assert_eq!(found.tried.len(), runs_before);
                let stable = found.tried.iter().filter(|tried| tried.stability == Stability::Stable).map(|tried| tried.rate_per_s);
                assert_eq!(found.kept_per_s, stable.reduce(f64::max), "{found:?}");
            }
        }
    }

    proptest! {
        #[test]
        fn the_bound_holds_whatever_the_runs_show(seed: u64, stable_share in 0.0..1.0f64, runs_max in 1u32..60, confirm in 1u32..10) {
            let draw = Draw::new(seed, 1);
            let mut runs = 0;
            let run = |_: f64| -> Ran {
                runs += 1;
                let drawn = draw.unit(runs);
                Ok(Some(if drawn < stable_share { Stability::Stable } else if drawn < (1.0 + stable_share) / 2.0 { Stability::Grows } else { Stability::Undecided }))
            };
            let found = highest(1e6, Effort { resolution: 0.001, confirm, runs_max }, run).unwrap();
            prop_assert!(runs <= u64::from(runs_max));
            prop_assert_eq!(found.tried.len() as u64, runs);
            prop_assert!(found.tried.iter().all(|tried| (1e3..=1e9).contains(&tried.rate_per_s)));
            if let Some(rate) = found.sustained_per_s {
                let stable = found.tried.iter().filter(|tried| tried.rate_per_s == rate && tried.stability == Stability::Stable).count();
                prop_assert!(stable as u32 >= confirm && !found.is_partial && found.exceeded_per_s.is_none_or(|above| above > rate));
            }
        }
    }

    #[test]
    fn errors_end_it() {
        assert_eq!(highest(1e6, Effort::default(), |_| Err("gone")), Err("gone"));
    }
}
