//! What is said of each metric of each cell.

use serde::Serialize;

use super::{
    cells::{Cell, by_repeat, cells, compared, label},
    decide::{Decision, Finding, Rule, Samples, decide},
    metric::{METRICS, Metric, Unit},
};
use crate::{
    report::row::Row,
    statistics::{
        bootstrap::{self, Median},
        rank_sum, signed_rank,
    },
};

/// Seed of the bootstrap: the same rows give the same report.
const SEED: u64 = 42;

/// How two sets of rows belong together.
#[derive(Clone, Debug, PartialEq)]
pub enum Together {
    /// Repeat i of A and of B ran one after the other, in an order that a coin chose.
    InPairs,
    /// They ran at different moments, between which the machine may have changed by this share.
    Apart(f64),
    /// They ran at different moments; what the machine changed is taken from these systems, which ran beside in both and are the same in both.
    Beside(Vec<String>),
}

/// How to compare.
#[derive(Clone, Debug)]
pub struct How {
    /// How the rows belong together.
    pub together: Together,
    /// Confidence of all intervals together.
    pub confidence: f64,
    /// The loss from which a difference is a regression.
    pub threshold: f64,
}

/// One metric of one cell.
#[derive(Clone, Debug, Serialize)]
pub struct Line {
    /// Workload.
    pub workload: String,
    /// System.
    pub system: String,
    /// The rest of what tells the cell apart, in words.
    pub cell: String,
    /// Metric; `output` if a run failed.
    pub metric: &'static str,
    /// Unit of the medians.
    pub unit: Unit,
    /// Median of A, with its bootstrap interval at 95 %.
    pub a: Option<Median>,
    /// Median of B.
    pub b: Option<Median>,
    /// The decision; none if there is a figure on one side at most.
    pub decision: Option<Decision>,
    /// How much more often B's value is above A's than below: −1 to 1.
    pub cliffs_delta: Option<f64>,
    /// Pairs, or the smaller sample.
    pub repeats: usize,
    /// What is said.
    pub finding: Finding,
    /// Whether it is a loss beyond the threshold, or a failure that A did not have.
    pub is_regression: bool,
    /// What has to be known of it.
    pub why: Option<String>,
}

/// All that is said of A and B.
#[derive(Clone, Debug, Serialize)]
pub struct Comparison {
    /// Lines, cell by cell.
    pub lines: Vec<Line>,
    /// What A and B are compared by: `batch: A 64, B 256`.
    pub compared: Vec<String>,
    /// Cells that only one of them has.
    pub unmatched: Vec<String>,
    /// What makes it doubtful: other machine, other flags.
    pub warnings: Vec<String>,
    /// Confidence of each interval, so that all of them hold together with the one that was asked for.
    pub confidence_each: f64,
}

impl Comparison {
    /// Whether anything got worse beyond the threshold, or failed.
    pub fn has_regression(&self) -> bool {
        self.lines.iter().any(|line| line.is_regression)
    }
}

/// Compares.
pub fn compare(a: &[Row], b: &[Row], how: &How) -> Comparison {
    let compared = compared(a, b);
    let ignored: Vec<&str> = compared.iter().map(|(name, ..)| *name).collect();
    let all = cells(a, b, &ignored);
    let (both, single): (Vec<&Cell<'_>>, Vec<&Cell<'_>>) = all.iter().partition(|cell| !cell.a.is_empty() && !cell.b.is_empty());
    let is_beside = |cell: &Cell<'_>| matches!(&how.together, Together::Beside(names) if names.contains(&cell.a[0].system));
    let both: Vec<&Cell<'_>> = both.into_iter().filter(|cell| !is_beside(cell)).collect();

    let failed = |rows: &[&Row]| rows.iter().any(|row| row.failed());
    let has = |cell: &Cell<'_>, metric: &Metric| cell.a.iter().chain(&cell.b).any(|row| metric.of(row).is_some());
    let lines = |cell: &Cell<'_>| {
        if failed(&cell.a) || failed(&cell.b) { 1 } else { METRICS.iter().filter(|metric| has(cell, metric)).count() }
    };
    let count: usize = both.iter().map(|cell| lines(cell)).sum();
    let confidence_each = 1.0 - (1.0 - how.confidence) / count.max(1) as f64;

    let mut result = Vec::new();
    for cell in both {
        if failed(&cell.a) || failed(&cell.b) {
            result.push(failure(cell));
            continue;
        }
        for metric in METRICS.iter().filter(|metric| has(cell, metric)) {
            result.push(line(cell, metric, &all, how, confidence_each));
        }
    }
    let unmatched = single.iter().map(|cell| {
        let side = if cell.b.is_empty() { "A" } else { "B" };
        let row = cell.a.iter().chain(&cell.b).next();
        format!("only in {side}: {} on {}, {}", row.map_or("", |r| &r.workload), row.map_or("", |r| &r.system), label(cell, &all))
    });
    Comparison {
        lines: result,
        unmatched: unmatched.collect(),
        warnings: warnings(a, b),
        compared: compared.into_iter().map(|(name, x, y)| format!("{name}: A {x}, B {y}")).collect(),
        confidence_each,
    }
}

fn failure(cell: &Cell<'_>) -> Line {
    let reason = |rows: &[&Row]| rows.iter().find(|row| row.failed()).map(|row| row.verdict.reasons.join("; "));
    let (a, b) = (reason(&cell.a), reason(&cell.b));
    let why = match (&a, &b) {
        (None, Some(why)) => format!("B failed: {why}"),
        (Some(why), None) => format!("A failed: {why}"),
        (Some(a), Some(b)) => format!("A failed: {a}; B failed: {b}"),
        (None, None) => String::new(),
    };
    Line { finding: Finding::Failed, is_regression: b.is_some(), why: Some(why), ..empty(cell, "output", Unit::Count) }
}

/// A line that says nothing yet.
fn empty(cell: &Cell<'_>, metric: &'static str, unit: Unit) -> Line {
    let first = cell.a.iter().chain(&cell.b).next();
    Line {
        workload: first.map_or_else(String::new, |row| row.workload.clone()),
        system: first.map_or_else(String::new, |row| row.system.clone()),
        cell: label(cell, std::slice::from_ref(cell)),
        metric,
        unit,
        a: None,
        b: None,
        decision: None,
        cliffs_delta: None,
        repeats: 0,
        finding: Finding::Failed,
        is_regression: false,
        why: None,
    }
}

fn line(cell: &Cell<'_>, metric: &Metric, all: &[Cell<'_>], how: &How, confidence: f64) -> Line {
    let base = Line { cell: label(cell, all), ..empty(cell, metric.name, metric.unit) };
    let (mut a, mut b) = (by_repeat(&cell.a, metric), by_repeat(&cell.b, metric));
    let plain = |values: &[(u32, f64)]| values.iter().map(|(_, value)| *value).collect::<Vec<f64>>();
    let medians = [&a, &b].map(|values| bootstrap::median_interval(&plain(values), SEED));
    let mut offset = metric.offset;
    if let Together::Beside(names) = &how.together {
        let sibling = all.iter().find(|other| {
            let differs = |(x, y): (&(&str, String), &(&str, String))| x != y && x.0 != "system";
            !other.a.is_empty()
                && !other.b.is_empty()
                && names.contains(&other.a[0].system)
                && !cell.key.iter().zip(&other.key).any(differs)
        });
        let Some(sibling) = sibling else {
            let why = format!("{} did not run beside it in both", names.join(" or "));
            return Line { a: medians[0], b: medians[1], finding: Finding::NotDistinguishable, why: Some(why), ..base };
        };
        a = divided(a, &by_repeat(&sibling.a, metric), offset);
        b = divided(b, &by_repeat(&sibling.b, metric), offset);
        offset = 0.0;
    }
    let shifted = |values: &[(u32, f64)]| values.iter().map(|(_, value)| value + offset).collect::<Vec<f64>>();
    let (xs, ys) = (shifted(&a), shifted(&b));
    let rule = Rule { good: metric.good, least: metric.least, confidence };
    let paired = |(repeat, x): &(u32, f64)| b.iter().find(|(other, _)| other == repeat).map(|(_, y)| (x + offset, y + offset));
    let pairs: Vec<(f64, f64)> = a.iter().filter_map(paired).collect();
    let (decision, repeats) = match &how.together {
        Together::InPairs => (decide(Samples::Pairs(&pairs), rule), pairs.len()),
        Together::Apart(allowance) => (decide(Samples::Apart { a: &xs, b: &ys, allowance: *allowance }, rule), xs.len().min(ys.len())),
        Together::Beside(_) => (decide(Samples::Apart { a: &xs, b: &ys, allowance: 0.0 }, rule), xs.len().min(ys.len())),
    };
    let Some(decision) = decision else {
        let side = if xs.is_empty() { "A" } else { "B" };
        let why = format!("{side} has no repeat that is believed");
        return Line { a: medians[0], b: medians[1], is_regression: !xs.is_empty(), why: Some(why), ..base };
    };
    let too_few = || match how.together {
        Together::InPairs => format!("{repeats} pairs are too few: at least {}", signed_rank::pairs_min(confidence)),
        _ => format!("{repeats} repeats are too few to be sure of anything"),
    };
    Line {
        a: medians[0],
        b: medians[1],
        cliffs_delta: Some(rank_sum::cliffs_delta(&xs, &ys)),
        repeats,
        finding: decision.finding,
        is_regression: decision.finding == Finding::Worse && decision.loss(metric.good) >= how.threshold,
        why: decision.interval.is_none().then(too_few),
        decision: Some(decision),
        ..base
    }
}

/// Divides, repeat by repeat, by what the systems beside had.
fn divided(values: Vec<(u32, f64)>, beside: &[(u32, f64)], offset: f64) -> Vec<(u32, f64)> {
    let by = |repeat: u32| beside.iter().find(|(other, _)| *other == repeat).map(|(_, value)| value + offset);
    values.into_iter().filter_map(|(repeat, value)| Some((repeat, (value + offset) / by(repeat)?))).collect()
}

/// Where the machine or the build differ in what should be the same.
fn warnings(a: &[Row], b: &[Row]) -> Vec<String> {
    let (Some(a), Some(b)) = (a.first(), b.first()) else { return Vec::new() };
    let (x, y) = (&a.environment, &b.environment);
    let parts = [
        ("CPU", &x.cpu, &y.cpu),
        ("kernel", &x.kernel, &y.kernel),
        ("compiler flags", &x.flags, &y.flags),
        ("profile", &x.profile, &y.profile),
    ];
    let differ = parts.iter().filter(|(_, x, y)| x != y);
    let mut warnings: Vec<String> = differ.map(|(name, x, y)| format!("the {name} differs: A `{x}`, B `{y}`")).collect();
    if x.profile.contains("debug") || y.profile.contains("debug") {
        warnings.push("an unoptimised build was measured".into());
    }
    warnings
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::{
        report::row::tests::{EXPECTED, row},
        workload::Answer,
    };

    const IN_PAIRS: How = How { together: Together::InPairs, confidence: 0.99, threshold: 0.02 };

    fn rows(system: &str, times_ms: impl Iterator<Item = u64>) -> Vec<Row> {
        times_ms.zip(0..).map(|(ms, repeat)| row(system, 1, repeat, ms, EXPECTED, None)).collect()
    }

    fn throughput(comparison: &Comparison) -> &Line {
        comparison.lines.iter().find(|line| line.metric == "throughput").unwrap()
    }

    #[test]
    fn pairs_see_through_a_drift_that_hides_it_from_samples() {
        // The machine slows down by half over the session; B takes 5 % longer in every pair.
        let a = rows("x", (0..20).map(|i| 10_000 + i * 500));
        let b = rows("x", (0..20).map(|i| (10_000 + i * 500) * 105 / 100));
        let comparison = compare(&a, &b, &IN_PAIRS);
        let line = throughput(&comparison);
        assert_eq!((line.finding, line.is_regression, line.repeats), (Finding::Worse, true, 20));
        assert!((line.decision.unwrap().ratio - 1.0 / 1.05).abs() < 1e-3);
        assert!(comparison.has_regression());
        let apart = compare(&a, &b, &How { together: Together::Apart(0.05), ..IN_PAIRS });
        assert_eq!(throughput(&apart).finding, Finding::NotDistinguishable);
        assert!(!apart.has_regression());
        // A loss below the threshold is told, but lets the build pass.
        let lenient = compare(&a, &b, &How { threshold: 0.1, ..IN_PAIRS });
        assert!(throughput(&lenient).finding == Finding::Worse && !lenient.has_regression());
        let back = compare(&b, &a, &IN_PAIRS);
        assert!(throughput(&back).finding == Finding::Better && !back.has_regression());
    }

    #[test]
    fn systems_beside_take_the_machine_out() {
        // B's session is 20 % slower for all, and x itself 10 % slower beside it.
        let session = |slow: u64, x: u64| {
            let mut all = rows("hand", (0..12).map(|i| (1_000 + i) * slow / 100));
            all.extend(rows("x", (0..12).map(|i| (1_000 + i) * slow * x / 10_000)));
            all
        };
        let how = How { together: Together::Beside(vec!["hand".into()]), ..IN_PAIRS };
        let same = compare(&session(100, 100), &session(120, 100), &how);
        assert_eq!(throughput(&same).finding, Finding::NotDistinguishable);
        assert!(same.lines.iter().all(|line| line.system == "x"), "the one beside is not compared");
        let slower = compare(&session(100, 100), &session(120, 110), &how);
        assert!((throughput(&slower).decision.unwrap().ratio - 1.0 / 1.1).abs() < 0.01);
        assert_eq!(throughput(&slower).finding, Finding::Worse);
        let none = compare(&rows("x", 100..112), &rows("x", 100..112), &how);
        assert!(throughput(&none).why.as_ref().unwrap().contains("did not run beside"));
    }

    #[test]
    fn what_differs_as_a_whole_is_what_is_compared() {
        let comparison = compare(&rows("rtrb", 100..110), &rows("crossbeam", 200..210), &IN_PAIRS);
        assert_eq!(comparison.compared, ["system: A rtrb, B crossbeam"]);
        assert_eq!(throughput(&comparison).finding, Finding::Worse);
        // Two systems on one side: then the system tells cells apart, and the lone one has no partner.
        let mut both = rows("rtrb", 100..110);
        both.extend(rows("crossbeam", 100..110));
        let comparison = compare(&both, &rows("rtrb", 100..110), &IN_PAIRS);
        assert_eq!(comparison.unmatched.len(), 1);
        assert!(comparison.unmatched[0].contains("only in A: w on crossbeam"), "{:?}", comparison.unmatched);
    }

    #[test]
    fn a_failure_is_a_regression_and_has_no_ratio() {
        let a = rows("x", 100..110);
        let mut b = rows("x", 100..110);
        b.push(row("x", 1, 10, 100, Answer { rows: 0, checksum: 0 }, None));
        let comparison = compare(&a, &b, &IN_PAIRS);
        assert_eq!(comparison.lines.len(), 1);
        assert!(comparison.lines[0].finding == Finding::Failed && comparison.has_regression());
        assert!(!compare(&b, &a, &IN_PAIRS).has_regression(), "A's failure is mended in B");
    }

    #[test]
    fn few_pairs_say_how_many_it_takes() {
        let comparison = compare(&rows("x", 100..103), &rows("x", 200..203), &IN_PAIRS);
        let line = throughput(&comparison);
        assert_eq!(line.finding, Finding::NotDistinguishable);
        assert!(line.why.as_ref().unwrap().contains("3 pairs are too few: at least "), "{:?}", line.why);
        assert!(compare(&[], &[], &IN_PAIRS).lines.is_empty());
    }
}
