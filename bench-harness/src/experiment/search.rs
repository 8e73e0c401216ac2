//! The search for the highest rate that is kept up with. Pure: the runs are a function.
//!
//! ```text
//!   rate ▲   ✗                                ✗ grows, or not shown to be stable      each point is a majority of up to three runs
//!        │  ╱ ╲     ✗                         ✓ stable
//!        │ ╱   ╲   ╱ ╲   ✓─✓─✓                1. bracket, by factors of 1.25   2. halve the bracket   3. confirm, or step down
//!        │✓     ╲ ╱   ╲ ╱
//!        │       ✓     ✓
//! ```
//!
//! A single stall of the machine must not end a search: a rate is given up only after two runs at it.

use serde::Serialize;

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
        Effort { resolution: 0.02, confirm: 3, runs_max: 60 }
    }
}

/// One run of the search.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Tried {
    /// Records per second.
    pub rate_per_s: f64,
    /// What it showed.
    pub stability: Stability,
}

/// What was found.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Found {
    /// The highest rate that was confirmed; none if even the lowest that was tried was not kept up with, or the runs did not suffice.
    pub sustained_per_s: Option<f64>,
    /// The lowest rate that was not kept up with.
    pub exceeded_per_s: Option<f64>,
    /// Stable runs at the rate that was confirmed.
    pub confirmed_by: u32,
    /// All runs, in their order.
    pub tried: Vec<Tried>,
}

/// Rates further than this from the guess are not looked at.
const REACH: f64 = 1_000.0;
const STRIDE: f64 = 1.25;

/// Searches from `guess`; `run` runs at a rate once.
///
/// # Errors
/// Those of `run`.
pub fn highest<E>(guess: f64, effort: Effort, mut run: impl FnMut(f64) -> Result<Stability, E>) -> Result<Found, E> {
    let mut tried: Vec<Tried> = Vec::new();
    let is_over = |tried: &[Tried]| tried.len() as u32 >= effort.runs_max;
    // The majority of up to three: none if the runs are used up.
    let mut vote = |rate: f64, tried: &mut Vec<Tried>| -> Result<Option<bool>, E> {
        let (mut stable, mut not) = (0, 0);
        while stable < 2 && not < 2 {
            if is_over(tried) {
                return Ok(None);
            }
            let stability = run(rate)?;
            tried.push(Tried { rate_per_s: rate, stability });
            if stability == Stability::Stable {
                stable += 1;
                // On the way one stable run is enough: the answer is confirmed later.
                break;
            }
            not += 1;
        }
        Ok(Some(stable > 0))
    };
    let (mut low, mut high): (Option<f64>, Option<f64>) = (None, None);
    let mut rate = guess * 0.8;
    while low.is_none() || high.is_none() {
        match vote(rate, &mut tried)? {
            None => break,
            Some(true) => low = Some(low.map_or(rate, |low| low.max(rate))),
            Some(false) => high = Some(high.map_or(rate, |high| high.min(rate))),
        }
        rate = if low.is_none() { rate / STRIDE } else { rate * STRIDE };
        if !(guess / REACH..=guess * REACH).contains(&rate) {
            break;
        }
    }
    while let (Some(below), Some(above)) = (low, high) {
        if above / below <= 1.0 + effort.resolution {
            break;
        }
        let middle = (below * above).sqrt();
        match vote(middle, &mut tried)? {
            None => break,
            Some(true) => low = Some(middle),
            Some(false) => high = Some(middle),
        }
    }
    // Confirm: all stable, or a step down.
    let mut confirmed = None;
    while let (Some(rate), None) = (low, confirmed) {
        let mut stable = 0;
        while stable < effort.confirm && !is_over(&tried) {
            // Two runs that are not stable in a row end it; one may be the machine's.
            match vote(rate, &mut tried)? {
                Some(true) => stable += 1,
                _ => break,
            }
        }
        if stable >= effort.confirm {
            confirmed = Some(rate);
        } else if is_over(&tried) || rate < guess / REACH {
            break;
        } else {
            high = Some(rate);
            low = Some(rate / (1.0 + effort.resolution));
        }
    }
    let confirmed_by = if confirmed.is_some() { effort.confirm } else { 0 };
    Ok(Found { sustained_per_s: confirmed, exceeded_per_s: high, confirmed_by, tried })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::convert::Infallible;

    use super::*;
    use crate::measure::backlog::{Growth, tests::simulate};

    fn search(capacity: f64, guess: f64, seed: u64) -> Found {
        let mut i = 0;
        let run = |rate: f64| -> Result<Stability, Infallible> {
            i += 1;
            Ok(Growth::of(&simulate(rate, capacity, seed * 1_000 + i), rate).unwrap().stability())
        };
        highest(guess, Effort::default(), run).unwrap()
    }

    #[test]
    fn finds_the_capacity_of_a_noisy_server_from_any_guess() {
        for (seed, guess) in [(1, 1e6), (2, 3e5), (3, 4e6), (4, 1.3e6), (5, 9e5), (6, 1e6), (7, 1e6), (8, 1e6)] {
            let found = search(1e6, guess, seed);
            let rate = found.sustained_per_s.unwrap();
            assert!((0.88e6..1.03e6).contains(&rate), "guess {guess}: {found:?}");
            assert!(found.exceeded_per_s.unwrap() > rate && found.confirmed_by == 3);
            assert!(found.tried.len() <= 40, "{} runs", found.tried.len());
        }
    }

    #[test]
    fn what_is_never_stable_has_no_answer_and_the_search_ends() {
        let mut runs = 0;
        let never = |_: f64| -> Result<Stability, Infallible> {
            runs += 1;
            Ok(Stability::Undecided)
        };
        let found = highest(1e6, Effort::default(), never).unwrap();
        assert_eq!(found.sustained_per_s, None);
        assert!(runs <= 60 && found.exceeded_per_s.unwrap() < 1e6);
        let always = |_: f64| -> Result<Stability, Infallible> { Ok(Stability::Stable) };
        let found = highest(1e6, Effort::default(), always).unwrap();
        assert_eq!(found.exceeded_per_s, None);
        assert!(found.sustained_per_s.unwrap() > 1e8);
    }

    #[test]
    fn one_bad_run_does_not_end_it() {
        // Every fifth run is disturbed.
        let mut i = 0;
        let run = |rate: f64| -> Result<Stability, Infallible> {
            i += 1;
            Ok(if rate > 1e6 || i % 5 == 0 { Stability::Grows } else { Stability::Stable })
        };
        let rate = highest(1e6, Effort::default(), run).unwrap().sustained_per_s.unwrap();
        assert!((0.95e6..=1e6).contains(&rate), "{rate}");
    }

    #[test]
    fn errors_end_it() {
        assert_eq!(highest(1e6, Effort::default(), |_| Err("gone")), Err("gone"));
    }
}
