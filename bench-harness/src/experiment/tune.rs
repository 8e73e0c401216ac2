//! The configuration with the highest rate at which a quantile is kept. Pure: the runs are functions.
//!
//! ```text
//!   closed-loop speed   A ██████████   B ████████   C ██████   D ███        fastest first
//!   keeps the quantile  A at 0.4       B at 0.9     C: is it kept at a rate above B's?     D cannot beat B: not run
//! ```
//!
//! A configuration is only run beyond the best rate so far, so that most need a run or two. That a rate below one that keeps the quantile keeps
//! it too is taken for granted on the way; the answer itself is confirmed by runs of its own. Whatever the runs show, there are at most
//! `runs_max`; a search that is cut off has the best so far, and says that it was cut off.

/// What one candidate came to.
#[derive(Clone, Debug, PartialEq)]
pub struct Tuned<C> {
    /// The configuration.
    pub candidate: C,
    /// The highest rate, in records per second, at which it kept the quantile.
    pub rate_per_s: f64,
}

/// What was found.
#[derive(Clone, Debug, PartialEq)]
pub struct Found<C> {
    /// The best that was confirmed, if any keeps the quantile at all.
    pub best: Option<Tuned<C>>,
    /// A better one that kept it in a run but was not confirmed before the search was cut off.
    pub unconfirmed: Option<Tuned<C>>,
    /// Whether the search was cut off, by `runs_max` or from outside.
    pub is_partial: bool,
}

/// The rates are told apart so finely.
pub const RESOLUTION: f64 = 0.05;
/// Runs that the answer must pass, one after the other.
pub const CONFIRM: u32 = 3;
/// A configuration is not looked at below this share of its speed.
const SHARE_MIN: f64 = 0.01;

/// The runs of a search, which may be cut off.
struct Runs<F> {
    keeps: F,
    left: u32,
    is_cut: bool,
}

impl<F> Runs<F> {
    /// Whether a rate is kept: of up to two runs one keeps it, for a stall of the machine is no property of a configuration. None if it was cut off.
    fn vote<C, E>(&mut self, candidate: &C, rate: f64) -> Result<Option<bool>, E>
    where
        F: FnMut(&C, f64) -> Result<Option<bool>, E>,
    {
        for _ in 0..2 {
            let ran = if self.left == 0 { None } else { (self.keeps)(candidate, rate)? };
            let Some(is_kept) = ran else {
                self.is_cut = true;
                return Ok(None);
            };
            self.left -= 1;
            if is_kept {
                return Ok(Some(true));
            }
        }
        Ok(Some(false))
    }
}

/// Searches. `candidates` come with their closed-loop speed; `keeps` runs one at a rate once, or says by `None` that there are to be no more runs.
///
/// # Errors
/// Those of `keeps`.
pub fn best<C: Clone, E>(
    candidates: &[(C, f64)],
    runs_max: u32,
    keeps: impl FnMut(&C, f64) -> Result<Option<bool>, E>,
) -> Result<Found<C>, E> {
    let mut runs = Runs { keeps, left: runs_max, is_cut: false };
    let mut found = Found { best: None, unconfirmed: None, is_partial: false };
    let mut sorted: Vec<&(C, f64)> = candidates.iter().collect();
    sorted.sort_by(|a, b| b.1.total_cmp(&a.1));
    for (candidate, speed) in sorted {
        let floor = found.best.as_ref().map_or(speed * SHARE_MIN, |best: &Tuned<C>| best.rate_per_s * (1.0 + RESOLUTION));
        // Is it worth a search? Only if it keeps the quantile at the floor.
        if floor >= *speed || runs.vote(candidate, floor)? == Some(false) {
            continue;
        }
        if !runs.is_cut {
            found.best = climb(candidate, floor, *speed, &mut runs, &mut found.unconfirmed)?.or(found.best);
        }
        if runs.is_cut {
            found.is_partial = true;
            return Ok(found);
        }
        found.unconfirmed = None;
    }
    Ok(found)
}

/// The highest rate of one candidate above `low`, which it keeps; none if it is not confirmed there. `seen` is where it stood if it was cut off.
fn climb<C: Clone, E>(
    candidate: &C,
    floor: f64,
    speed: f64,
    runs: &mut Runs<impl FnMut(&C, f64) -> Result<Option<bool>, E>>,
    seen: &mut Option<Tuned<C>>,
) -> Result<Option<Tuned<C>>, E> {
    let (mut low, mut high) = (floor, speed);
    *seen = Some(Tuned { candidate: candidate.clone(), rate_per_s: low });
    while high / low > 1.0 + RESOLUTION {
        let middle = (low * high).sqrt();
        match runs.vote(candidate, middle)? {
            None => return Ok(None),
            Some(true) => low = middle,
            Some(false) => high = middle,
        }
        *seen = Some(Tuned { candidate: candidate.clone(), rate_per_s: low });
    }
    // Confirm, or step down (by one resolution, two, four …) as far as it still is the best.
    let mut step = 1.0 + RESOLUTION;
    while low >= floor {
        let mut passed = 0;
        while passed < CONFIRM {
            match runs.vote(candidate, low)? {
                None => return Ok(None),
                Some(true) => passed += 1,
                Some(false) => break,
            }
        }
        if passed == CONFIRM {
            return Ok(Some(Tuned { candidate: candidate.clone(), rate_per_s: low }));
        }
        *seen = None;
        low /= step;
        step *= step;
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::convert::Infallible;

    use proptest::prelude::*;

    use super::*;
    use crate::workload::draw::Draw;

    const RUNS_MAX: u32 = 200;

    /// Speed, and the share of it up to which the quantile is kept.
    fn truth() -> Vec<(u32, f64, f64)> {
        (0..24).map(|i| (i, 1e6 * f64::from(10 + i), if i == 7 { 0.95 } else { 0.2 + f64::from(i % 5) * 0.05 })).collect()
    }

    fn candidates() -> Vec<(u32, f64)> {
        truth().iter().map(|(i, speed, _)| (*i, *speed)).collect()
    }

    #[test]
    fn finds_the_best_of_many_with_few_runs_though_some_runs_are_disturbed() {
        let truth = truth();
        let best_rate = truth.iter().map(|(_, speed, share)| speed * share).fold(0.0, f64::max);
        for seed in 0..20 {
            let mut runs = 0;
            let keeps = |i: &u32, rate: f64| -> Result<Option<bool>, Infallible> {
                runs += 1;
                let (_, speed, share) = truth[*i as usize];
                Ok(Some(rate <= speed * share && Draw::new(seed, 1).unit(runs) > 0.1))
            };
            let found = best(&candidates(), RUNS_MAX, keeps).unwrap();
            let tuned = found.best.unwrap();
            assert_eq!((tuned.candidate, found.is_partial), (7, false));
            assert!(tuned.rate_per_s <= best_rate && tuned.rate_per_s > best_rate * 0.8, "{} of {best_rate}", tuned.rate_per_s);
            assert!(runs < 160, "{runs} runs");
        }
    }

    #[test]
    fn nothing_keeps_it() {
        let nothing = Found { best: None, unconfirmed: None, is_partial: false };
        assert_eq!(best(&[(1, 1e6)], RUNS_MAX, |_, _| Ok::<_, Infallible>(Some(false))).unwrap(), nothing);
        assert_eq!(best::<u32, Infallible>(&[], RUNS_MAX, |_, _| Ok(Some(true))).unwrap().best, None);
        assert_eq!(best(&[(1, 1e6)], RUNS_MAX, |_, _| Err::<Option<bool>, _>("gone")), Err("gone"));
    }

    #[test]
    fn a_search_that_is_cut_off_has_the_best_so_far() {
        let truth = truth();
        let keeps =
            |i: &u32, rate: f64| -> Result<Option<bool>, Infallible> { Ok(Some(rate <= truth[*i as usize].1 * truth[*i as usize].2)) };
        let (mut best_before, mut partial) = (0.0, 0);
        for runs_max in 0..RUNS_MAX {
            let found = best(&candidates(), runs_max, keeps).unwrap();
            let rate = found.best.as_ref().map_or(0.0, |best| best.rate_per_s);
            assert!(rate >= best_before, "more runs, less found");
            best_before = rate;
            partial += u32::from(found.is_partial);
            for tuned in found.best.iter().chain(&found.unconfirmed) {
                let (_, speed, share) = truth[tuned.candidate as usize];
                assert!(tuned.rate_per_s <= speed * share, "{tuned:?}");
            }
            assert!(found.is_partial || found.unconfirmed.is_none());
        }
        assert!((30..RUNS_MAX).contains(&partial), "{partial} runs suffice");
    }

    proptest! {
        #[test]
        fn the_bound_holds_whatever_the_runs_show(seed: u64, kept in 0.0..1.0f64, runs_max in 0u32..100) {
            let mut runs = 0;
            let keeps = |_: &u32, _: f64| -> Result<Option<bool>, Infallible> {
                runs += 1;
                Ok(Some(Draw::new(seed, 1).unit(runs) < kept))
            };
            let found = best(&candidates(), runs_max, keeps).unwrap();
            prop_assert!(runs <= u64::from(runs_max));
            prop_assert!(found.is_partial || found.unconfirmed.is_none());
        }
    }
}
