//! The self-checks: what the harness looks at to find its own mistakes, and what each look says of the run. Pure.
//!
//! ```text
//!   oracle        the output equals the oracle's, and every record was taken         else FAILED
//!   little        n̄ = r t̄, each measured by itself                                   else not believed
//!   v = r         what was offered entered, and what entered left                    else not believed
//!   clock         two clocks agree, and neither goes back                            else not believed
//!   generator     it was not what the records waited for                             else doubtful
//!   steady        a steady state was reached in the first half, and kept             else doubtful
//!   stalls        no quantile is the machine's                                       else doubtful, or a remark: see below
//!   drift         a fixed piece of work takes as long after the run as before        else doubtful
//! ```
//!
//! A quantile is *the machine's* if without the records that a stall touched it would be smaller by more than [`MACHINE_SHARE_MAX`] of itself. A
//! virtual machine stalls for 1 to 4 % of the time, usually 20 to 50 µs and now and then several ms: nearly every p99.9 is the machine's, many
//! a p99, and that says nothing against the median. So each quantile is named that is the machine's, but the run as a whole is doubted only if
//! p90 is, or the median: if stalls touched more than a tenth of the records. Where no record's stalls are known (closed loops), the run is
//! doubted if stalls took more than [`STALL_SHARE_MAX`] of a thread's time: throughput then is the machine's by as much.
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
        residence::{self, Latency},
        steady::{self, Steady},
        threads::Gaps,
    },
    quantity,
    system::Outcome,
};

/// Share of the time lost in the machine's own stalls above which a run is doubted: 10 % is more than twice what a busy virtual machine
/// usually shows.
pub const STALL_SHARE_MAX: f64 = 0.10;

/// Share of a quantile that may be the machine's before it is called so.
pub const MACHINE_SHARE_MAX: f64 = 0.10;

/// Quantiles that may be the machine's. The run is doubted if one of the first [`DOUBTED`] is.
const QUANTILES: [(&str, f64); 4] = [("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("p99.9", 0.999)];
const DOUBTED: usize = 2;

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
    let (stalled, if_stalled) = stalls(outcome, around.stalls);
    vec![
        check("oracle", Standing::Failed, oracle(asked, outcome)),
        check("little", Standing::NotBelieved, little(asked, outcome)),
        check("v = r", Standing::NotBelieved, entry_and_exit(asked, outcome)),
        check("clock", Standing::NotBelieved, clocks(around.clock)),
        check("generator", Standing::Doubtful, generator(outcome)),
        check("steady", Standing::Doubtful, steadiness(shape, outcome)),
        check("stalls", if_stalled, stalled),
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

/// What the stalls did, and what the run is if that is too much.
fn stalls(outcome: &Outcome, stalls: &Stalls) -> (Said, Standing) {
    let floor = stalls.share.filter(|share| *share > STALL_SHARE_MAX);
    if let Some(share) = floor {
        return ((Some(false), format!("the machine itself stalled for {:.0} % of the time", share * 100.0)), Standing::Doubtful);
    }
    let seen = outcome.threads.iter().filter_map(|thread| Some((thread.gaps?, thread.alive_s))).filter(|(_, alive_s)| *alive_s > 0.0);
    let share = |(gaps, alive_s): &(Gaps, f64)| gaps.total_ns as f64 / 1e9 / alive_s;
    let Some(worst) = seen.max_by(|a, b| share(a).total_cmp(&share(b))) else {
        let before_and_after = |share: f64| (Some(true), format!("{} of the time before and after", percent(share)));
        return (stalls.share.map_or_else(|| (None, "nothing looked".into()), before_and_after), Standing::Doubtful);
    };
    let gaps = format!("{} gaps, {} of the run, the longest {}", worst.0.count, percent(share(&worst)), ns(worst.0.largest_ns as f64));
    let Some(quantiles) = of_the_machine(outcome) else {
        let (ok, lead) = if share(&worst) > STALL_SHARE_MAX { (false, "stalled during the run: ") } else { (true, "") };
        return ((Some(ok), format!("{lead}{gaps}")), Standing::Doubtful);
    };
    let Some((first, name, with, without)) = quantiles.first() else {
        return ((Some(true), format!("{gaps}; no quantile is the machine's")), Standing::Doubtful);
    };
    let (with, without) = (ns(*with as f64), without.map_or("nothing".into(), |without| ns(without as f64)));
    let beyond = if quantiles.len() > 1 { " and beyond are" } else { " is" };
    let says = format!("stalled during the run: {name}{beyond} the machine's ({with}, {without} without its stalls); {gaps}");
    ((Some(false), says), if *first < DOUBTED { Standing::Doubtful } else { Standing::Believed })
}

/// A quantile that is the machine's: its place among [`QUANTILES`], its name, its value, and without the records that a stall touched.
type OfMachine = (usize, &'static str, u64, Option<u64>);

/// The quantiles that are the machine's. None where it was not seen which records a stall touched.
fn of_the_machine(outcome: &Outcome) -> Option<Vec<OfMachine>> {
    let (all, rest) = (outcome.latency_ns.as_ref()?, outcome.undisturbed_ns.as_ref()?);
    let of = |(place, (name, q)): (usize, (&'static str, f64))| {
        let with = residence::quantile(all, q)?;
        let without = (!rest.is_empty()).then(|| rest.value_at_quantile(q));
        let is_its = without.is_none_or(|without| (without as f64) < with as f64 * (1.0 - MACHINE_SHARE_MAX));
        is_its.then_some((place, name, with, without))
    };
    Some(QUANTILES.into_iter().enumerate().filter_map(of).collect())
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
        measure::{steady::Progress, threads::ThreadUse},
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
        let gaps = Gaps { count: 2, total_ns: 20_000_000, largest_ns: 15_000_000 };
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

    /// Latencies of 1 ms, of which a share waited 20 ms for a stall, and without those.
    fn stalled(share: f64) -> Outcome {
        let (mut all, mut rest) = (residence::histogram(), residence::histogram());
        residence::record(&mut rest, 0, 1_000_000);
        for i in 0..100_000 {
            let is_touched = f64::from(i) < share * 100_000.0;
            residence::record(&mut all, 0, if is_touched { 20_000_000 } else { 1_000_000 });
            if !is_touched {
                residence::record(&mut rest, 0, 1_000_000);
            }
        }
        let gaps = Gaps { count: 3, total_ns: 3_000_000, largest_ns: 1_000_000 };
        let thread = ThreadUse { alive_s: 0.1, gaps: Some(gaps), ..ThreadUse::default() };
        Outcome { latency_ns: Some(all), undisturbed_ns: Some(rest), threads: vec![thread], ..open() }
    }

    #[test]
    fn a_run_is_doubted_only_if_stalls_touched_a_tenth_of_its_records_and_each_quantile_of_theirs_is_named() {
        for (share, named, standing) in [
            (0.0, None, Standing::Believed),
            (0.0005, None, Standing::Believed),
            (0.005, Some("p99.9 is the machine's (20"), Standing::Believed),
            (0.04, Some("p99 and beyond are the machine's (20"), Standing::Believed),
            (0.2, Some("p90 and beyond are"), Standing::Doubtful),
            (0.6, Some("p50 and beyond are"), Standing::Doubtful),
        ] {
            let ((ok, says), otherwise) = stalls(&stalled(share), &Stalls { share: Some(0.02), ..Stalls::default() });
            assert_eq!(ok, Some(named.is_none()), "{share}: {says}");
            assert!(says.contains(named.unwrap_or("3 gaps, 3.0 % of the run, the longest 1 ms; no quantile")), "{share}: {says}");
            assert!(named.is_none() || otherwise == standing, "{share}: {otherwise}");
        }
        // Without knowing which records they touched, their share of the time decides.
        let closed = |total_ns: u64| {
            let gaps = Gaps { count: 3, total_ns, largest_ns: 1_000_000 };
            let thread = ThreadUse { alive_s: 0.1, gaps: Some(gaps), ..ThreadUse::default() };
            let outcome = Outcome { threads: vec![thread], ..Outcome::closed(1_000, Duration::from_millis(100), RIGHT) };
            stalls(&outcome, &Stalls::default()).0.0
        };
        assert_eq!((closed(4_000_000), closed(20_000_000)), (Some(true), Some(false)));
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
