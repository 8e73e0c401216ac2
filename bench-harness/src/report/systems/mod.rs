//! Frameworks beside each other: the four criteria by which one chooses a stream system, performance, functions, ease of use and cost.
//!
//! ```text
//!   rows of one folder ──▶ a line per workload, cores, rate and contender: of its variants the best
//!                              │            figures as medians; thalweg ÷ contender, repeat by repeat, with its interval
//!   functions.toml ────────────┼──▶ what each can do, a source in every cell
//!   the adapters' own text ────┴──▶ how long the same job is in each
//! ```
//!
//! Laws
//! - A contender stands here with the variant that does best in that line: Flink with the faster of DataStream and SQL, where both
//!   ran. What a newcomer would run is a contender of its own, and never stands for the tuned one.
//! - A variant whose output was wrong has no figure. If all of a contender's are, the line says so; it is not left out.
//! - Nothing is computed across folders, and nothing from a run that was not made.

use std::{collections::BTreeMap, path::Path};

use serde::Serialize;

use super::{
    cells::{self, Cell},
    compare::Spread,
    row::Row,
};
use crate::{
    run::verdict::Standing,
    statistics::bootstrap::{self, Median},
};

mod functions;
mod length;
mod text;

pub use self::{
    functions::{Advice, Function, Has, Said, said},
    length::{Length, lengths},
    text::{draw, money, times},
};

/// Money for a core-hour where none was named: about what clouds ask for one of their virtual cores.
pub const PRICE_PER_CORE_HOUR: f64 = 0.04;

/// Seed of the bootstrap: the same rows give the same figures.
const SEED: u64 = 42;

/// What the engine is called in rows.
const OURS: &str = "thalweg";

/// One that the engine is compared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Contender {
    /// As people call it.
    pub name: &'static str,
    /// Its variants, as rows call them.
    pub systems: &'static [&'static str],
    /// Whether it is a stream framework: loops and rings do less, and do it in the program's own words.
    pub is_framework: bool,
}

/// All of them, in the order in which they are shown.
pub const CONTENDERS: [Contender; 12] = [
    Contender { name: "by hand", systems: &["hand", "hand-hash"], is_framework: false },
    Contender { name: "rayon", systems: &["rayon"], is_framework: false },
    Contender { name: "rtrb", systems: &["rtrb", "rtrb-item"], is_framework: false },
    Contender { name: "disruptor", systems: &["disruptor"], is_framework: false },
    Contender { name: "crossbeam", systems: &["crossbeam", "crossbeam-item"], is_framework: false },
    Contender { name: "std", systems: &["std"], is_framework: false },
    Contender { name: "LMAX Disruptor", systems: &["lmax-disruptor"], is_framework: false },
    Contender { name: "timely", systems: &["timely"], is_framework: true },
    Contender { name: "renoir", systems: &["renoir"], is_framework: true },
    Contender { name: "Flink", systems: &["flink", "flink-plain", "flink-sql"], is_framework: true },
    Contender { name: "Flink, checkpoints", systems: &["flink-checkpoints"], is_framework: true },
    Contender { name: "Flink, newcomer", systems: &["flink-newcomer"], is_framework: true },
];

/// The file of a result folder that holds how long each system takes from a clone to its first result: seconds by name.
pub const FIRST_RESULT: &str = "first-result.json";

/// What that file says, in the order of the names; nothing if it is not there or says nothing that can be understood.
pub fn first_results(folder: &Path) -> Vec<(String, f64)> {
    let text = std::fs::read_to_string(folder.join(FIRST_RESULT)).unwrap_or_default();
    let times: BTreeMap<String, f64> = serde_json::from_str(&text).unwrap_or_default();
    times.into_iter().filter(|(_, seconds)| seconds.is_finite() && *seconds > 0.0).collect()
}

/// What was asked of all contenders alike.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Question {
    /// Workload.
    pub workload: String,
    /// Cores.
    pub cores: usize,
    /// The rate as it was asked for; none in a closed loop.
    pub rate: Option<String>,
}

/// How one contender answered one question.
#[derive(Clone, Debug, Serialize)]
pub struct Line {
    /// The question.
    pub question: Question,
    /// The contender; the engine's own line has its name.
    pub contender: &'static str,
    /// The variant that did best; none if the output of every one was wrong.
    pub variant: Option<String>,
    /// Places in the folder of the rows that the figures are of.
    pub rows: Vec<usize>,
    /// Records per second.
    pub r_per_s: Option<Spread>,
    /// Residence in an open loop: half of the records took at most this.
    pub p50_ns: Option<Spread>,
    /// 99 % of them.
    pub p99_ns: Option<Spread>,
    /// 99.9 % of them.
    pub p99_9_ns: Option<Spread>,
    /// CPU time per record, all threads of the process.
    pub cpu_ns_per_record: Option<Spread>,
    /// Most memory that the process had.
    pub peak_rss_bytes: Option<Spread>,
    /// thalweg ÷ contender, repeat by repeat: of the rates, and in an open loop of the medians of the residence.
    pub ratio: Option<Median>,
    /// The worst standing that at least half of the repeats have.
    pub standing: Standing,
    /// Why variants have no figure.
    pub failures: Vec<String>,
}

impl Line {
    /// Money for the CPU time of a billion records.
    pub fn money_per_billion(&self, price_per_core_hour: f64) -> Option<f64> {
        Some(self.cpu_ns_per_record?.median / 3600.0 * price_per_core_hour)
    }
}

/// The lines of a folder, question by question as they were asked, the engine's own first; none if no framework ran beside the engine.
pub fn compare(rows: &[Row]) -> Vec<Line> {
    let frameworks = || CONTENDERS.iter().filter(|contender| contender.is_framework).flat_map(|contender| contender.systems);
    let ran = |system: &str| rows.iter().any(|row| row.system == system);
    if !ran(OURS) || !frameworks().any(|system| ran(system)) {
        return Vec::new();
    }
    let cells = cells::gather(rows);
    let mut questions: Vec<Question> = Vec::new();
    for cell in cells.iter().filter(|cell| cell.first().system == OURS) {
        let question = question(cell);
        if !questions.contains(&question) {
            questions.push(question);
        }
    }
    let mut lines = Vec::new();
    for question in questions {
        let asked: Vec<&Cell<'_>> = cells.iter().filter(|cell| self::question(cell) == question).collect();
        let variants = |systems: &[&str]| -> Vec<&Cell<'_>> {
            asked.iter().filter(|cell| systems.contains(&cell.first().system.as_str())).copied().collect()
        };
        let ours = best(&variants(&[OURS]));
        let own = Contender { name: OURS, systems: &[OURS], is_framework: true };
        for contender in std::iter::once(&own).chain(&CONTENDERS) {
            let variants = variants(contender.systems);
            if !variants.is_empty() {
                lines.push(line(question.clone(), contender.name, &variants, ours));
            }
        }
    }
    lines
}

fn question(cell: &Cell<'_>) -> Question {
    let first = cell.first();
    Question { workload: first.workload.clone(), cores: first.config.cores, rate: first.config.rate_asked.clone() }
}

/// What a cell is measured by: the rate of a closed loop, the median residence of an open one.
fn figure(row: &Row) -> Option<f64> {
    if row.config.kind == "open" { row.latency_ns.as_ref()?.p50.map(|ns| ns as f64) } else { row.r_per_s }
}

/// Whether half of the repeats are disbelieved, so that the figures cannot be held against others.
fn standing(cell: &Cell<'_>) -> Standing {
    if cell.failed() {
        return Standing::Failed;
    }
    let at_least = |standing: &Standing| cell.rows.iter().filter(|(_, row)| row.verdict.standing >= *standing).count();
    let majority = |standing: &Standing| at_least(standing) * 2 >= cell.rows.len();
    [Standing::NotBelieved, Standing::Doubtful].into_iter().find(majority).unwrap_or(Standing::Believed)
}

/// The variant that did best among those whose output was right; one that is believed before one that is not.
fn best<'a, 'b>(variants: &[&'b Cell<'a>]) -> Option<&'b Cell<'a>> {
    let rank = |cell: &&&'b Cell<'a>| {
        let median = cell.spread(figure)?.median;
        Some((standing(cell) < Standing::NotBelieved, if cell.is_open() { -median } else { median }))
    };
    let ranked = variants.iter().filter_map(|cell| Some((rank(&cell)?, *cell)));
    ranked.max_by(|(a, _), (b, _)| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1))).map(|(_, cell)| cell)
}

fn line(question: Question, contender: &'static str, variants: &[&Cell<'_>], ours: Option<&Cell<'_>>) -> Line {
    let best = best(variants);
    let spread = |of: &dyn Fn(&Row) -> Option<f64>| best.and_then(|cell| cell.spread(of));
    let latency = |quantile: fn(&crate::measure::residence::Latency) -> Option<u64>| {
        spread(&|row| row.latency_ns.as_ref().and_then(quantile).map(|ns| ns as f64))
    };
    let failure = |cell: &&Cell<'_>| {
        let reason = cell.rows.iter().find(|(_, row)| row.failed()).and_then(|(_, row)| row.verdict.reasons.first().cloned());
        format!("{}: {}", cell.first().system, reason.unwrap_or_else(|| "failed".into()))
    };
    Line {
        question,
        contender,
        variant: best.map(|cell| cell.first().system.clone()),
        rows: best.map(|cell| cell.rows.iter().map(|(i, _)| *i).collect()).unwrap_or_default(),
        r_per_s: spread(&|row| row.r_per_s),
        p50_ns: latency(|latency| latency.p50),
        p99_ns: latency(|latency| latency.p99),
        p99_9_ns: latency(|latency| latency.p99_9),
        cpu_ns_per_record: spread(&|row| row.cpu_ns_per_record),
        peak_rss_bytes: spread(&|row| row.peak_rss_bytes.map(|bytes| bytes as f64)),
        ratio: ours.zip(best).and_then(|(ours, best)| ratio(ours, best)),
        standing: best.map_or(Standing::Failed, standing),
        failures: variants.iter().filter(|cell| cell.failed()).map(failure).collect(),
    }
}

/// The median of the ratios of those repeats of which neither side is disbelieved.
fn ratio(ours: &Cell<'_>, theirs: &Cell<'_>) -> Option<Median> {
    let holds = |row: &Row| row.verdict.standing < Standing::NotBelieved;
    let of = |(_, row): &(usize, &Row)| {
        let (_, other) = theirs.rows.iter().find(|(_, other)| other.repeat == row.repeat)?;
        (holds(row) && holds(other)).then_some(())?;
        Some(figure(row)? / figure(other)?).filter(|ratio| ratio.is_finite())
    };
    let ratios: Vec<f64> = ours.rows.iter().filter_map(of).collect();
    bootstrap::median_interval(&ratios, SEED)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::{
        report::row::tests::{EXPECTED, row},
        workload::Answer,
    };

    fn runs(system: &str, ms: [u64; 3]) -> Vec<Row> {
        ms.into_iter().zip(0..).map(|(ms, repeat)| row(system, 1, repeat, ms, EXPECTED, None)).collect()
    }

    fn wrong(system: &str) -> Row {
        row(system, 1, 0, 100, Answer { rows: 0, checksum: 0 }, None)
    }

    #[test]
    fn the_best_variant_stands_for_a_contender_and_a_newcomer_for_itself() {
        let mut rows = runs("thalweg", [100, 200, 100]);
        rows.extend(runs("flink", [1_000, 2_000, 1_000]));
        rows.extend(runs("flink-sql", [500, 1_000, 500]));
        rows.extend(runs("flink-newcomer", [4_000, 8_000, 4_000]));
        let lines = compare(&rows);
        let told: Vec<_> = lines.iter().map(|line| (line.contender, line.variant.as_deref(), line.ratio.unwrap().median)).collect();
        // Repeat 1 took twice as long for all: the ratios do not see it.
        assert_eq!(
            told,
            [("thalweg", Some("thalweg"), 1.0), ("Flink", Some("flink-sql"), 5.0), ("Flink, newcomer", Some("flink-newcomer"), 40.0)]
        );
        assert_eq!(lines[1].rows, [6, 7, 8]);
    }

    #[test]
    fn what_is_wrong_is_shown_as_wrong() {
        let mut rows = runs("thalweg", [100; 3]);
        rows.push(wrong("renoir"));
        rows.push(wrong("flink"));
        rows.extend(runs("flink-sql", [500; 3]));
        let lines = compare(&rows);
        let renoir = lines.iter().find(|line| line.contender == "renoir").unwrap();
        assert!(renoir.variant.is_none() && renoir.ratio.is_none() && renoir.r_per_s.is_none() && renoir.failures.len() == 1);
        assert_eq!(renoir.standing, Standing::Failed);
        let flink = lines.iter().find(|line| line.contender == "Flink").unwrap();
        assert_eq!((flink.variant.as_deref(), flink.failures.len()), (Some("flink-sql"), 1));
    }

    #[test]
    fn open_loops_are_held_against_each_other_by_their_median_residence() {
        let open = |system| row(system, 2, 0, 100, EXPECTED, Some(1e4));
        let lines = compare(&[open("thalweg"), open("timely")]);
        assert!(lines.iter().all(|line| line.question.rate.is_some() && line.ratio.unwrap().median == 1.0), "{lines:?}");
    }

    #[test]
    fn without_a_framework_there_is_nothing_to_compare() {
        let mut rows = runs("thalweg", [100; 3]);
        rows.extend(runs("hand", [100; 3]));
        assert!(compare(&rows).is_empty());
        assert!(compare(&runs("timely", [100; 3])).is_empty());
    }

    #[test]
    fn money_is_that_of_the_cpu_time() {
        let mut rows = runs("thalweg", [100; 3]);
        rows.extend(runs("timely", [100; 3]));
        let line = &compare(&rows)[0];
        // 75 µs of CPU a record: a billion take 75,000 s, 20.8 hours.
        let cpu = line.cpu_ns_per_record.unwrap().median;
        assert!((line.money_per_billion(0.036).unwrap() - cpu * 1e-5).abs() < 1e-9);
    }
}
