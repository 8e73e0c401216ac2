//! Repeats become medians with their spread, and systems become ratios.
//!
//! ```text
//!   repeat        0     1     2        ratio to the baseline, repeat by repeat: 0.98  1.01  0.97  →  median 0.98 (0.97–1.01)
//!   thalweg      49    51    50        A drift that slows repeat 1 for all leaves its ratio alone; the ratio of two medians would mix
//!   hand         50    50    52        different moments.
//! ```
//!
//! The spread is the whole range, not an interval of a distribution that five runs cannot show: the true median lies within the range of
//! five repeats with probability 1 − 2 · 0.5⁵ = 94 %, of three with 75 %.

use serde::Serialize;

use crate::{
    measure::residence::Latency,
    report::row::{Config, Row},
    run::verdict::Standing,
};

/// Baselines in the order in which one is chosen when none was named: the best loop, but for a hop, which a loop does not need, the best ring.
fn usual_baselines(workload: &str) -> [&'static str; 3] {
    if workload.starts_with("hop") { ["rtrb", "hand", "hand-hash"] } else { ["hand", "hand-hash", "rtrb"] }
}

/// A median and the range around it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Spread {
    /// Median; of an even number of values the mean of the middle two.
    pub median: f64,
    /// Smallest.
    pub min: f64,
    /// Largest.
    pub max: f64,
}

impl Spread {
    /// Of the values that there are; none if there are none.
    pub fn of(values: impl IntoIterator<Item = f64>) -> Option<Spread> {
        let mut values: Vec<f64> = values.into_iter().filter(|value| !value.is_nan()).collect();
        values.sort_by(f64::total_cmp);
        let (min, max) = (*values.first()?, *values.last()?);
        let middle = values.len() / 2;
        let median = if values.len() % 2 == 1 { values[middle] } else { (values[middle - 1] + values[middle]) / 2.0 };
        Some(Spread { median, min, max })
    }

    /// The half-width of the range in per cent of the median.
    pub fn percent(&self) -> f64 {
        if self.median == 0.0 { 0.0 } else { (self.max - self.min) / 2.0 / self.median * 100.0 }
    }
}

/// All repeats of one cell.
#[derive(Clone, Debug, Serialize)]
pub struct Summary {
    /// Workload.
    pub workload: String,
    /// System.
    pub system: String,
    /// Configuration of the first repeat.
    pub config: Config,
    /// Repeats that gave figures.
    pub repeats: usize,
    /// r.
    pub r_per_s: Option<Spread>,
    /// CPU time per record in ns.
    pub cpu_ns_per_record: Option<Spread>,
    /// Bytes per key of a state that grows.
    pub state_bytes_per_key: Option<Spread>,
    /// Allocations per record.
    pub allocations_per_record: Option<Spread>,
    /// What was added to the memory that was resident before: the peak minus that.
    pub rss_added_bytes: Option<Spread>,
    /// p50, p99, p99.9 and max of the residence time in ns.
    pub p50_ns: Option<Spread>,
    /// 99 %.
    pub p99_ns: Option<Spread>,
    /// 99.9 %.
    pub p99_9_ns: Option<Spread>,
    /// Slowest.
    pub max_ns: Option<Spread>,
    /// Little's residual.
    pub residual: Option<Spread>,
    /// Share of time lost to the machine's own stalls.
    pub stall_share: Option<Spread>,
    /// Median of the ratios r / r of the baseline, by repeat; in an open loop of the ratios p50 / p50.
    pub ratios: Vec<Ratio>,
    /// Ratio of r to the same system's on one core, by repeat; only where that was run.
    pub against_one_core: Option<Spread>,
    /// The worst verdict of the repeats, by majority: see [`summarise`].
    pub standing: Standing,
    /// Repeats with that standing or a worse one.
    pub standing_repeats: usize,
    /// The reasons of the repeats' verdicts; those that differ only in their figures once.
    pub reasons: Vec<Reason>,
}

/// Why repeats were not believed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Reason {
    /// The reason, with the figures of the first repeat that gave it.
    pub reason: String,
    /// Repeats that gave it.
    pub repeats: usize,
}

impl Reason {
    /// Whether two reasons differ only in their figures.
    pub fn is_like(&self, other: &str) -> bool {
        let words = |reason: &str| reason.split(' ').filter(|word| !word.starts_with(|c: char| c.is_ascii_digit())).collect::<String>();
        words(&self.reason) == words(other)
    }
}

/// A ratio to a baseline.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Ratio {
    /// The baseline's name.
    pub baseline: String,
    /// What is divided: `r_per_s` or `p50_ns`.
    pub of: &'static str,
    /// The ratios of the repeats.
    pub ratio: Spread,
}

/// The rows of one cell, in the order of their repeats.
type Group<'a> = Vec<&'a Row>;

/// Whether two rows are repeats of one cell.
pub(crate) fn same_cell(a: &Row, b: &Row) -> bool {
    a.workload == b.workload && a.system == b.system && same_question(&a.config, &b.config, true)
}

/// Whether two configurations asked the same of two systems. Sizes may differ (they follow from the speed), and so do the rates that `0.5x`
/// of different speeds makes; what was asked for must not.
fn same_question(a: &Config, b: &Config, same_cores: bool) -> bool {
    (!same_cores || a.cores == b.cores)
        && (a.batch, a.ring_bytes, &a.wait, &a.kind, &a.rate_asked) == (b.batch, b.ring_bytes, &b.wait, &b.kind, &b.rate_asked)
        && (&a.schedule, &a.generator, &a.inject) == (&b.schedule, &b.generator, &b.inject)
}

/// Divides repeat by repeat, where both have the figure and neither is disbelieved.
fn paired(of: &Group<'_>, by: &Group<'_>, figure: impl Fn(&Row) -> Option<f64>) -> Option<Spread> {
    let holds = |row: &Row| row.verdict.standing < Standing::NotBelieved;
    let ratio = |row: &&Row| {
        let other = by.iter().find(|other| other.repeat == row.repeat && holds(other) && holds(row))?;
        Some(figure(row)? / figure(other)?)
    };
    Spread::of(of.iter().filter_map(ratio).filter(|ratio| ratio.is_finite()))
}

fn p50(row: &Row) -> Option<f64> {
    row.latency_ns.as_ref().and_then(|latency| latency.p50).map(|p50| p50 as f64)
}

/// Summarises rows cell by cell, in the order of their first appearance, with ratios to `baselines` (if empty: the best
/// hand-written loop that ran in the same configuration, for a hop the best ring).
///
/// A cell's standing is FAILED if any repeat failed. Otherwise it is the worst standing that at least half of the repeats have: one repeat
/// of five that a stall made unbelievable does not condemn the median, but its reason is listed.
pub fn summarise(rows: &[Row], baselines: &[String]) -> Vec<Summary> {
    let mut groups: Vec<Group<'_>> = Vec::new();
    for row in rows {
        match groups.iter_mut().find(|group| same_cell(group[0], row)) {
            Some(group) => group.push(row),
            None => groups.push(vec![row]),
        }
    }
    // Repeats that were not believed at all stay out of a failed cell's figures anyway; otherwise every repeat counts.
    groups.iter().map(|group| summary(group, &groups, baselines)).collect()
}

fn summary(group: &Group<'_>, groups: &[Group<'_>], baselines: &[String]) -> Summary {
    let first = group[0];
    let failed = group.iter().any(|row| row.failed());
    let figure = |figure: &dyn Fn(&Row) -> Option<f64>| if failed { None } else { Spread::of(group.iter().filter_map(|row| figure(row))) };
    let latency = |quantile: fn(&Latency) -> Option<u64>| figure(&|row| row.latency_ns.as_ref().and_then(quantile).map(|ns| ns as f64));

    let peer = |system: &str| {
        let matches = |other: &&Group<'_>| {
            other[0].workload == first.workload && other[0].system == system && same_question(&other[0].config, &first.config, true)
        };
        groups.iter().find(matches).filter(|other| !other.iter().any(|row| row.failed()))
    };
    let chosen: Vec<String> = if baselines.is_empty() {
        usual_baselines(&first.workload).iter().find(|name| peer(name).is_some()).map(|name| (*name).to_owned()).into_iter().collect()
    } else {
        baselines.to_vec()
    };
    let ratio = |baseline: &String| {
        let other = peer(baseline)?;
        let is_open = first.config.kind == "open";
        let (of, spread) =
            if is_open { ("p50_ns", paired(group, other, p50)) } else { ("r_per_s", paired(group, other, |row| row.r_per_s)) };
        Some(Ratio { baseline: baseline.clone(), of, ratio: spread? })
    };
    let one_core = groups.iter().find(|other| {
        let other = other[0];
        first.config.cores > 1
            && first.config.kind == "closed"
            && other.config.cores == 1
            && (&other.workload, &other.system) == (&first.workload, &first.system)
            && same_question(&other.config, &first.config, false)
    });

    let worst_first = |standing: Standing| group.iter().filter(|row| row.verdict.standing >= standing).count();
    let standing = if failed {
        Standing::Failed
    } else {
        let majority = |standing: &&Standing| worst_first(**standing) * 2 >= group.len();
        [Standing::NotBelieved, Standing::Doubtful].iter().find(majority).copied().unwrap_or(Standing::Believed)
    };
    let reasons = like_reasons_once(group.iter().flat_map(|row| &row.verdict.reasons));
    Summary {
        workload: first.workload.clone(),
        system: first.system.clone(),
        config: first.config.clone(),
        repeats: group.iter().filter(|row| !row.failed()).count(),
        r_per_s: figure(&|row| row.r_per_s),
        cpu_ns_per_record: figure(&|row| row.cpu_ns_per_record),
        state_bytes_per_key: figure(&|row| row.state_bytes_per_key),
        allocations_per_record: figure(&|row| row.allocations_per_record),
        rss_added_bytes: figure(&|row| Some(row.peak_rss_bytes?.saturating_sub(row.rss_at_start_bytes?) as f64)),
        p50_ns: latency(|l| l.p50),
        p99_ns: latency(|l| l.p99),
        p99_9_ns: latency(|l| l.p99_9),
        max_ns: latency(|l| Some(l.max)),
        residual: figure(&|row| row.little.map(|little| little.residual)),
        stall_share: figure(&|row| row.stalls.share),
        ratios: if failed { Vec::new() } else { chosen.iter().filter_map(ratio).collect() },
        against_one_core: if failed { None } else { one_core.and_then(|other| paired(group, other, |row| row.r_per_s)) },
        standing,
        standing_repeats: worst_first(standing),
        reasons,
    }
}

/// Reasons that differ only in their figures become one.
fn like_reasons_once<'a>(reasons: impl Iterator<Item = &'a String>) -> Vec<Reason> {
    let mut kinds: Vec<Reason> = Vec::new();
    for reason in reasons {
        match kinds.iter_mut().find(|kind| kind.is_like(reason)) {
            Some(kind) => kind.repeats += 1,
            None => kinds.push(Reason { reason: reason.clone(), repeats: 1 }),
        }
    }
    kinds
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::{
        report::row::tests::{EXPECTED, row},
        workload::Answer,
    };

    fn rows(system: &str, cores: usize, elapsed_ms: &[u64]) -> Vec<Row> {
        elapsed_ms.iter().zip(0..).map(|(ms, repeat)| row(system, cores, repeat, *ms, EXPECTED, None)).collect()
    }

    #[test]
    fn medians_of_odd_and_even_counts() {
        assert_eq!(Spread::of([3.0, 1.0, 2.0]), Some(Spread { median: 2.0, min: 1.0, max: 3.0 }));
        assert_eq!(Spread::of([4.0, 1.0, 2.0, 3.0]).unwrap().median, 2.5);
        assert_eq!(Spread::of([f64::NAN, 1.0]).unwrap().median, 1.0);
        assert_eq!(Spread::of([]), None);
        assert_eq!(Spread { median: 2.0, min: 1.0, max: 3.0 }.percent(), 50.0);
    }

    #[test]
    fn ratios_are_paired_by_repeat() {
        // The machine halves its speed in repeat 1 and recovers: every pair says 0.8, the ratio of the medians would too, but its range not.
        let mut all = rows("hand", 1, &[100, 200, 100]);
        all.extend(rows("x", 1, &[125, 250, 125]));
        let summaries = summarise(&all, &[]);
        assert_eq!(summaries.len(), 2);
        let ratio = &summaries[1].ratios[0];
        assert_eq!((ratio.baseline.as_str(), ratio.of), ("hand", "r_per_s"));
        for value in [ratio.ratio.median, ratio.ratio.min, ratio.ratio.max] {
            assert!((value - 0.8).abs() < 1e-9, "{ratio:?}");
        }
        assert_eq!(summaries[0].ratios[0].ratio.median, 1.0, "the baseline against itself");
    }

    #[test]
    fn named_baselines_are_used_and_missing_ones_left_out() {
        let mut all = rows("hand", 1, &[100]);
        all.extend(rows("hand-hash", 1, &[200]));
        all.extend(rows("x", 1, &[100]));
        let summaries = summarise(&all, &["hand-hash".into(), "hand".into(), "absent".into()]);
        let names: Vec<_> = summaries[2].ratios.iter().map(|r| (r.baseline.as_str(), r.ratio.median)).collect();
        assert_eq!(names, [("hand-hash", 2.0), ("hand", 1.0)]);
    }

    #[test]
    fn two_cores_are_compared_with_two_and_with_one_of_itself() {
        let mut all = rows("hand", 1, &[100]);
        all.extend(rows("x", 1, &[100]));
        all.extend(rows("x", 2, &[50]));
        let summaries = summarise(&all, &[]);
        assert!(summaries[2].ratios.is_empty(), "hand did not run on two cores");
        assert_eq!(summaries[2].against_one_core.unwrap().median, 2.0);
        assert_eq!(summaries[1].against_one_core, None);
    }

    #[test]
    fn one_failure_leaves_a_cell_without_figures_and_is_no_baseline() {
        let mut all = rows("hand", 1, &[100, 100]);
        all.push(row("hand", 1, 2, 100, Answer { rows: 0, checksum: 0 }, None));
        all.extend(rows("x", 1, &[100, 100, 100]));
        let summaries = summarise(&all, &[]);
        assert_eq!(summaries[0].standing, Standing::Failed);
        assert_eq!((summaries[0].r_per_s, summaries[0].cpu_ns_per_record, summaries[0].p50_ns), (None, None, None));
        assert!(summaries[1].ratios.is_empty());
        assert_eq!(summaries[1].standing, Standing::Believed);
    }

    #[test]
    fn a_single_bad_repeat_is_told_but_does_not_condemn() {
        let summaries = summarise(&rows("x", 1, &[100, 3, 100]), &[]);
        assert_eq!(summaries[0].standing, Standing::Believed);
        assert_eq!(summaries[0].reasons.len(), 1);
        let summaries = summarise(&rows("x", 1, &[3, 3, 100]), &[]);
        assert_eq!((summaries[0].standing, summaries[0].standing_repeats), (Standing::Doubtful, 2));
    }

    #[test]
    fn repeats_that_are_not_believed_are_not_compared() {
        // Offered 20,000 a second, of which half went through: not believed. The other repeat is sound.
        let overloaded = |system, repeat| row(system, 2, repeat, 100, EXPECTED, Some(2e4));
        let sound = |system, repeat| row(system, 2, repeat, 50, EXPECTED, Some(2e4));
        let all = [overloaded("rtrb", 0), sound("rtrb", 1), sound("x", 0), sound("x", 1)];
        assert_eq!(all[0].verdict.standing, Standing::NotBelieved);
        let holds = |rows: &[Row]| summarise(rows, &["rtrb".into()])[1].ratios.clone();
        assert_eq!(holds(&all)[0].ratio.median, 1.0);
        assert!(holds(&[overloaded("rtrb", 0), sound("x", 0)]).is_empty());
    }

    #[test]
    fn like_reasons_are_told_once() {
        let reasons = ["off by 8.7 %", "too short", "off by 12 %", "off by 1.25 %"].map(str::to_owned);
        let told = like_reasons_once(reasons.iter());
        assert_eq!(told.iter().map(|r| (r.reason.as_str(), r.repeats)).collect::<Vec<_>>(), [("off by 8.7 %", 3), ("too short", 1)]);
    }

    #[test]
    fn open_loops_compare_their_medians() {
        let all = [row("hand", 2, 0, 100, EXPECTED, Some(1e4)), row("x", 2, 0, 100, EXPECTED, Some(1e4))];
        assert_eq!(summarise(&all, &[])[1].ratios[0].of, "p50_ns");
    }
}
