//! The configuration with the highest rate at which a quantile is kept. Pure: the runs are functions.
//!
//! ```text
//!   closed-loop speed   A ██████████   B ████████   C ██████   D ███        fastest first
//!   keeps the quantile  A at 0.4       B at 0.9     C: is it kept at a rate above B's?     D cannot beat B: not run
//! ```
//!
//! A configuration is only run beyond the best rate so far, so that most need a run or two. That a rate below one that keeps the quantile keeps
//! it too is taken for granted on the way; the answer itself is confirmed by runs of its own.

/// What one candidate came to.
#[derive(Clone, Debug, PartialEq)]
pub struct Tuned<C> {
    /// The configuration.
    pub candidate: C,
    /// The highest rate, in records per second, at which it kept the quantile.
    pub rate_per_s: f64,
}

/// The rates are told apart so finely.
pub const RESOLUTION: f64 = 0.05;
/// Runs that the answer must pass, one after the other.
pub const CONFIRM: u32 = 3;
/// A configuration is not looked at below this share of its speed.
const SHARE_MIN: f64 = 0.01;

/// Searches. `candidates` come with their closed-loop speed; `keeps` runs one at a rate once. Returns the best, if any keeps the quantile at all.
///
/// # Errors
/// Those of `keeps`.
pub fn best<C: Clone, E>(candidates: &[(C, f64)], mut keeps: impl FnMut(&C, f64) -> Result<bool, E>) -> Result<Option<Tuned<C>>, E> {
    // A rate is kept if one of two runs keeps it: a stall of the machine is no property of a configuration.
    let mut vote = |candidate: &C, rate: f64| Ok(keeps(candidate, rate)? || keeps(candidate, rate)?);
    let mut sorted: Vec<&(C, f64)> = candidates.iter().collect();
    sorted.sort_by(|a, b| b.1.total_cmp(&a.1));
    let mut best: Option<Tuned<C>> = None;
    for (candidate, speed) in sorted {
        let floor = best.as_ref().map_or(speed * SHARE_MIN, |best| best.rate_per_s * (1.0 + RESOLUTION));
        if floor >= *speed {
            continue;
        }
        // Is it worth a search? Only if it keeps the quantile at the floor.
        if !vote(candidate, floor)? {
            continue;
        }
        let (mut low, mut high) = (floor, *speed);
        while high / low > 1.0 + RESOLUTION {
            let middle = (low * high).sqrt();
            if vote(candidate, middle)? { low = middle } else { high = middle }
        }
        // Confirm, or step down as far as it still is the best.
        while low >= floor {
            let mut passed = 0;
            while passed < CONFIRM && vote(candidate, low)? {
                passed += 1;
            }
            if passed == CONFIRM {
                best = Some(Tuned { candidate: candidate.clone(), rate_per_s: low });
                break;
            }
            low /= 1.0 + RESOLUTION;
        }
    }
    Ok(best)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::convert::Infallible;

    use super::*;
    use crate::workload::draw::Draw;

    #[test]
    fn finds_the_best_of_many_with_few_runs_though_some_runs_are_disturbed() {
        // Speed, and the share of it up to which the quantile is kept.
        let truth: Vec<(u32, f64, f64)> =
            (0..24).map(|i| (i, 1e6 * f64::from(10 + i), if i == 7 { 0.95 } else { 0.2 + f64::from(i % 5) * 0.05 })).collect();
        let best_rate = truth.iter().map(|(_, speed, share)| speed * share).fold(0.0, f64::max);
        let candidates: Vec<(u32, f64)> = truth.iter().map(|(i, speed, _)| (*i, *speed)).collect();
        for seed in 0..20 {
            let mut runs = 0;
            let keeps = |i: &u32, rate: f64| -> Result<bool, Infallible> {
                runs += 1;
                let (_, speed, share) = truth[*i as usize];
                Ok(rate <= speed * share && Draw::new(seed, 1).unit(runs) > 0.1)
            };
            let tuned = best(&candidates, keeps).unwrap().unwrap();
            assert_eq!(tuned.candidate, 7);
            assert!(tuned.rate_per_s <= best_rate && tuned.rate_per_s > best_rate * 0.85, "{} of {best_rate}", tuned.rate_per_s);
            assert!(runs < 160, "{runs} runs");
        }
    }

    #[test]
    fn nothing_keeps_it() {
        assert_eq!(best(&[(1, 1e6)], |_, _| Ok::<_, Infallible>(false)).unwrap(), None);
        assert_eq!(best::<u32, Infallible>(&[], |_, _| Ok(true)).unwrap(), None);
        assert_eq!(best(&[(1, 1e6)], |_, _| Err::<bool, _>("gone")), Err("gone"));
    }
}
