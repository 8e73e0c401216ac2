//! The self-checks: what the harness looks at to find its own mistakes, and what each look says of the run. Pure.
//!
//! ```text
//!   oracle        the output equals the oracle's, and every record was taken         else FAILED
//!   little        n̄ = r t̄, each measured by itself                                   else not believed
//!   v = r         what was offered entered, and what entered left                    else not believed
//!   clock         two clocks agree, and neither goes back                            else not believed
//!   generator     it was not what the records waited for                             else doubtful
//!   steady        a steady state was reached in the first half, and kept             else doubtful
//!   stalls        the machine, or who stopped the process, took little of the time   else doubtful
//!   drift         a fixed piece of work takes as long after the run as before        else doubtful
//! ```
//!
//! Each run prints all of them, those that hold too: a check that is only seen when it fails cannot be told from one that is not made. What
//! could not be looked at says so, and is neither.

use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};

use super::{
    once::Stalls,
    verdict::{Asked, Standing, model},
};
use crate::{
    load::Shape,
    measure::{
        clock::{self, ClockSanity, Drift},
        little::{BACKLOG_MAX, Broken, RESIDUAL_MAX},
        residence::Latency,
        steady::{self, Steady},
        threads::Gaps,
    },
    quantity,
    system::Outcome,
};

/// Share of the time lost in the machine's own stalls above which a run is doubted: 10 % is more than twice what a busy virtual machine
/// usually shows.
pub const STALL_SHARE_MAX: f64 = 0.10;

/// Share of the run that may be lost in gaps between two looks of a thread with nothing else to do.
pub const GAP_SHARE_MAX: f64 = 0.01;

/// Share of the run that one such gap may take: a longer one decides the p99.9 by itself.
pub const LONGEST_GAP_MAX: f64 = 0.001;

/// Share of the median residence above which the generator's own median lateness is what was measured.
pub const OWN_LATENESS_MAX: f64 = 0.5;

/// One of the harness's looks at itself, as it is printed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SelfCheck {
    /// What was looked at.
    pub name: String,
    /// Whether it was as it should be; null if it could not be seen.
    pub ok: Option<bool>,
    /// What was seen, in words and figures.
    pub says: String,
    /// What the run is if it is not ok.
    #[serde(skip, default = "doubtful")]
    pub otherwise: Standing,
}

fn doubtful() -> Standing {
    Standing::Doubtful
}

/// What was seen around a run.
#[derive(Clone, Copy, Debug)]
pub struct Around<'a> {
    /// The machine's stalls.
    pub stalls: &'a Stalls,
    /// The clocks.
    pub clock: ClockSanity,
    /// The fixed work.
    pub drift: Drift,
}

/// The generator's lateness: whether it, rather than the system, was the bottleneck.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Headroom {
    /// Lateness of its sends in ns.
    pub lateness_ns: Latency,
    /// Mean lateness as a share of the mean residence.
    pub share_of_residence: f64,
    /// Whether it was the bottleneck.
    pub was_bottleneck: bool,
}

/// Judges the generator. None in a closed loop.
///
/// It was the bottleneck if its own lateness, that of a generator that the system did not hold back, is more than half of what a record
/// waited, median against median: a stall makes a few records late, a slow generator all of them.
pub fn headroom(outcome: &Outcome) -> Option<Headroom> {
    let lateness = outcome.lateness_ns.as_ref()?;
    let residence = outcome.latency_ns.as_ref().filter(|residence| !residence.is_empty())?;
    let median = |histogram: &Histogram<u64>| histogram.value_at_quantile(0.5) as f64;
    let own = outcome.own_lateness_ns.as_ref().map_or(0.0, median);
    Some(Headroom {
        lateness_ns: Latency::of(lateness)?,
        share_of_residence: lateness.mean() / residence.mean(),
        was_bottleneck: own > OWN_LATENESS_MAX * median(residence),
    })
}

/// Judges the run's progress. None where nothing could look, or where the schedule itself is not steady.
pub fn steady(shape: Option<&Shape>, outcome: &Outcome) -> Option<Steady> {
    let is_even = matches!(shape, None | Some(Shape::Constant | Shape::Poisson));
    if is_even { steady::judge(&steady::rates(&outcome.progress)) } else { None }
}

/// Makes all checks of a run that has an outcome. `shape` is that of an open loop's schedule.
pub fn checks(asked: Asked, shape: Option<&Shape>, outcome: &Outcome, around: Around<'_>) -> Vec<SelfCheck> {
    let check = |name: &str, otherwise, (ok, says): (Option<bool>, String)| SelfCheck { name: name.into(), ok, says, otherwise };
    vec![
        check("oracle", Standing::Failed, oracle(asked, outcome)),
        check("little", Standing::NotBelieved, little(asked, outcome)),
        check("v = r", Standing::NotBelieved, entry_and_exit(asked, outcome)),
        check("clock", Standing::NotBelieved, clocks(around.clock)),
        check("generator", Standing::Doubtful, generator(outcome)),
        check("steady", Standing::Doubtful, steadiness(shape, outcome)),
        check("stalls", Standing::Doubtful, stalls(outcome, around.stalls)),
        check("drift", Standing::Doubtful, drift(around.drift)),
    ]
}

type Said = (Option<bool>, String);

fn percent(share: f64) -> String {
    format!("{:.1} %", share * 100.0)
}

fn ns(ns: f64) -> String {
    quantity::nanoseconds(ns)
}

fn oracle(asked: Asked, outcome: &Outcome) -> Said {
    if outcome.answer != asked.expected {
        return (Some(false), "the output differs from the oracle's".into());
    }
    match outcome.n == asked.n {
        true => (Some(true), format!("{} rows as the oracle has them", outcome.answer.rows)),
        false => (Some(false), format!("took {} records, not the {} asked for", outcome.n, asked.n)),
    }
}

fn little(asked: Asked, outcome: &Outcome) -> Said {
    match model(asked, outcome) {
        None => (None, "a closed loop has no arrivals".into()),
        Some(Err(missing)) => (Some(false), format!("the model cannot be checked: {missing}")),
        Some(Ok(model)) if model.residual() <= RESIDUAL_MAX => {
            (Some(true), format!("{:.4} in flight, off by {}", model.in_flight, percent(model.residual())))
        }
        Some(Ok(model)) => (Some(false), Broken::Residual(model.residual()).to_string()),
    }
}

fn entry_and_exit(asked: Asked, outcome: &Outcome) -> Said {
    let Some(Ok(model)) = model(asked, outcome) else { return (None, "not measured at both ends".into()) };
    let broken = model.broken().into_iter().filter(|broken| !matches!(broken, Broken::Residual(_))).map(|broken| broken.to_string());
    match broken.reduce(|a, b| format!("{a}; {b}")) {
        Some(broken) => (Some(false), broken),
        None => {
            let apart = (model.entry_per_s / model.exit_per_s - 1.0).abs();
            (Some(true), format!("apart by {}, at most {} is borne", percent(apart), percent(BACKLOG_MAX)))
        }
    }
}

fn clocks(clock: ClockSanity) -> Said {
    if clock.backwards > 0 {
        return (Some(false), format!("the clock went back {} times", clock.backwards));
    }
    match clock.disagree_ppm {
        None => (None, "the run was too short to compare two clocks".into()),
        Some(ppm) if ppm.abs() <= clock::DISAGREE_MAX_PPM => (Some(true), format!("two clocks agree to {:.0} ppm", ppm.abs())),
        Some(ppm) => (Some(false), format!("two clocks disagree by {:.0} ppm", ppm.abs())),
    }
}

fn generator(outcome: &Outcome) -> Said {
    let Some(headroom) = headroom(outcome) else { return (None, "a closed loop waits for the system".into()) };
    let late = &headroom.lateness_ns;
    let at = |quantile: Option<u64>| quantile.map_or("unknown".to_owned(), |value| ns(value as f64));
    let late = format!("late by {} (p50), {} (p99), {} (max)", at(late.p50), at(late.p99), ns(late.max as f64));
    match headroom.was_bottleneck {
        true => (Some(false), format!("the generator was the bottleneck: {late}")),
        false => (Some(true), format!("{late}; {} of the residence", percent(headroom.share_of_residence))),
    }
}

fn steadiness(shape: Option<&Shape>, outcome: &Outcome) -> Said {
    let Some(steady) = steady(shape, outcome) else { return (None, "no progress was seen, or none that should be even".into()) };
    let says = format!("after {} of the run; the halves of the rest differ by {}", percent(steady.warm_share), percent(steady.drift.abs()));
    match steady.reached {
        true => (Some(true), says),
        false => (Some(false), format!("no steady state: {says}")),
    }
}

fn stalls(outcome: &Outcome, stalls: &Stalls) -> Said {
    let seen = outcome.threads.iter().filter_map(|thread| Some((thread.gaps?, thread.alive_s)));
    let worst = seen.max_by(|a, b| (a.0.largest_ns as f64 / a.1).total_cmp(&(b.0.largest_ns as f64 / b.1)));
    if let Some((Gaps { total_ns, largest_ns, count }, alive_s)) = worst.filter(|(_, alive_s)| *alive_s > 0.0) {
        let share = total_ns as f64 / 1e9 / alive_s;
        let says = format!("{count} gaps, {} of the run, the longest {}", percent(share), ns(largest_ns as f64));
        if share > GAP_SHARE_MAX || largest_ns as f64 / 1e9 / alive_s > LONGEST_GAP_MAX {
            return (Some(false), format!("stalled during the run: {says}"));
        }
        if stalls.share.is_none_or(|floor| floor <= STALL_SHARE_MAX) {
            return (Some(true), says);
        }
    }
    match stalls.share {
        None => (None, "nothing looked".into()),
        Some(share) if share > STALL_SHARE_MAX => {
            (Some(false), format!("the machine itself stalled for {:.0} % of the time", share * 100.0))
        }
        Some(share) => (Some(true), format!("{} of the time before and after", percent(share))),
    }
}

fn drift(drift: Drift) -> Said {
    let says = format!("a fixed piece of work took {:+.1} % after the run", drift.change * 100.0);
    (Some(drift.change.abs() <= clock::DRIFT_MAX), says)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::time::Duration;

    use super::*;
    use crate::{
        measure::{residence, steady::Progress, threads::ThreadUse},
        workload::Answer,
    };

    const RIGHT: Answer = Answer { rows: 3, checksum: 7 };
    const ASKED: Asked = Asked { n: 1_000, expected: RIGHT, rate: Some(10_000.0) };

    fn always(ns: u64) -> Option<Histogram<u64>> {
        let mut histogram = residence::histogram();
        (0..1_000).for_each(|_| residence::record(&mut histogram, 0, ns));
        Some(histogram)
    }

    /// 10,000 records a second offered and served, each 1 ms inside: ten in flight. The generator is late by 1 µs.
    fn open() -> Outcome {
        Outcome {
            latency_ns: always(1_000_000),
            lateness_ns: always(1_000),
            own_lateness_ns: always(1_000),
            in_flight_mean: Some(10.0),
            window_per_s: Some(10_000.0),
            v_per_s: Some(10_000.0),
            progress: (0..50).map(|i| Progress { ns: i * 2_000_000, n: i * 20 }).collect(),
            ..Outcome::closed(1_000, Duration::from_millis(100), RIGHT)
        }
    }

    fn said(outcome: &Outcome, floor: Option<f64>, clock: ClockSanity, drift: Drift) -> Vec<SelfCheck> {
        let stalls = Stalls { share: floor, ..Stalls::default() };
        checks(ASKED, Some(&Shape::Constant), outcome, Around { stalls: &stalls, clock, drift })
    }

    fn sane() -> (ClockSanity, Drift) {
        (ClockSanity { disagree_ppm: Some(3.0), ..ClockSanity::default() }, Drift::of(100.0, 101.0))
    }

    fn not_ok(checks: &[SelfCheck]) -> Vec<&str> {
        checks.iter().filter(|check| check.ok == Some(false)).map(|check| check.name.as_str()).collect()
    }

    #[test]
    fn a_sound_run_passes_every_check() {
        let checks = said(&open(), Some(0.02), sane().0, sane().1);
        assert!(checks.iter().all(|check| check.ok == Some(true)), "{checks:#?}");
    }

    #[test]
    fn each_fault_is_named_by_its_check() {
        let (clock, drift) = sane();
        let gaps = Gaps { count: 2, total_ns: 10_000_000, largest_ns: 5_000_000 };
        let stopped = ThreadUse { alive_s: 0.1, gaps: Some(gaps), ..ThreadUse::default() };
        let halted = |i: u64| Progress { ns: i * 2_000_000, n: if i < 40 { i * 20 } else { 800 } };
        for (name, outcome) in [
            ("oracle", Outcome { answer: Answer { checksum: 8, ..RIGHT }, ..open() }),
            ("oracle", Outcome { n: 999, ..open() }),
            ("little", Outcome { in_flight_mean: Some(20.0), ..open() }),
            ("little", Outcome { in_flight_mean: None, ..open() }),
            ("v = r", Outcome { v_per_s: Some(12_000.0), ..open() }),
            ("generator", Outcome { own_lateness_ns: always(600_000), ..open() }),
            ("steady", Outcome { progress: (0..50).map(halted).collect(), ..open() }),
            ("stalls", Outcome { threads: vec![stopped], ..open() }),
        ] {
            assert_eq!(not_ok(&said(&outcome, Some(0.02), clock, drift)), [name], "{name}");
        }
        assert_eq!(not_ok(&said(&open(), Some(0.2), clock, drift)), ["stalls"]);
        assert_eq!(not_ok(&said(&open(), None, ClockSanity { backwards: 1, ..clock }, drift)), ["clock"]);
        assert_eq!(not_ok(&said(&open(), None, ClockSanity { disagree_ppm: Some(-900.0), ..clock }, drift)), ["clock"]);
        assert_eq!(not_ok(&said(&open(), None, clock, Drift::of(100.0, 94.0))), ["drift"]);
    }

    #[test]
    fn what_cannot_be_seen_is_neither_right_nor_wrong() {
        let closed = Outcome::closed(1_000, Duration::from_millis(100), RIGHT);
        let stalls = Stalls::default();
        let around = Around { stalls: &stalls, clock: ClockSanity::default(), drift: Drift::default() };
        let checks = checks(Asked { rate: None, ..ASKED }, None, &closed, around);
        let unseen: Vec<_> = checks.iter().filter(|check| check.ok.is_none()).map(|check| check.name.as_str()).collect();
        assert_eq!(unseen, ["little", "v = r", "clock", "generator", "steady", "stalls"]);
        assert_eq!(steady(Some(&Shape::Ramp { from: 0.0, to: 2.0 }), &open()), None);
    }
}
