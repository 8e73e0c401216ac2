//! How cost grows along one number: what is varied, and what was found at each of its values.

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

use super::trial::{Load, Values};
use crate::{
    compare::text::wrap,
    quantity,
    report::row::Row,
    statistics::{
        bootstrap::{self, Median},
        scalability::{self, Fit},
    },
};

/// Seed of the bootstrap: the same rows give the same figures.
const SEED: u64 = 42;

/// What grows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Axis {
    /// Workers; by default up to twice as many as there are cores, which those then share
    Workers,
    /// Offered load, as a share of the closed loop's rate
    Load,
    /// Bytes of a record (of the workload hop)
    RecordSize,
    /// Number of keys, and so the size of state, which is the column `memory` (of the workload tumbling)
    #[value(alias = "state")]
    Keys,
    /// Windows that each record belongs to (of the workload sliding)
    Windows,
    /// Operators in a chain (of the workload chain)
    Chain,
    /// Records per batch
    Batch,
    /// Bytes per ring
    Ring,
}

impl Axis {
    /// Its name in results: that of the option that it sets.
    pub fn name(self) -> &'static str {
        match self {
            Axis::Workers => "workers",
            Axis::Load => "load",
            Axis::RecordSize => "record_size",
            Axis::Keys => "keys",
            Axis::Windows => "windows",
            Axis::Chain => "chain",
            Axis::Batch => "batch",
            Axis::Ring => "ring",
        }
    }

    /// The values unless others are named, on a machine of so many cores.
    pub fn usual(self, cores: usize) -> Vec<String> {
        let list = |values: &[&str]| values.iter().map(|value| (*value).to_owned()).collect();
        match self {
            Axis::Workers => (1..=cores * 2).map(|workers| workers.to_string()).collect(),
            Axis::Load => list(&["0.1", "0.2", "0.3", "0.4", "0.5", "0.6", "0.7", "0.8", "0.9", "1", "1.1", "1.2"]),
            Axis::RecordSize => list(&["8", "64"]),
            Axis::Keys => list(&["10", "1k", "100k", "10M"]),
            Axis::Windows => list(&["1", "2", "10", "100", "1000"]),
            Axis::Chain => list(&["1", "2", "4", "8", "16"]),
            Axis::Batch => list(&["16", "64", "256", "1024", "4096"]),
            Axis::Ring => list(&["64KiB", "256KiB", "1MiB", "4MiB"]),
        }
    }

    /// Sets a value in a configuration; returns the load to run it at. `cores` is how many there are.
    pub fn set(self, values: &mut Values, value: &str, cores: usize) -> Load {
        let mut set = |name: &str, value: &str| drop(values.insert(name.to_owned(), value.to_owned()));
        match self {
            Axis::Load => return Load::Open(format!("{value}x")),
            Axis::Workers => {
                set("cores", value);
                if value.parse().is_ok_and(|workers: usize| workers > cores) {
                    set("oversubscribe", "true");
                }
            }
            axis => set(axis.name(), value),
        }
        Load::Closed
    }
}

/// One value of the axis; medians over the repeats.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Point {
    /// Workload.
    pub workload: String,
    /// System.
    pub system: String,
    /// Name of the axis.
    pub axis: String,
    /// The value, as it was asked for.
    pub value: String,
    /// Runs that the figures are of.
    pub repeats: usize,
    /// Records per second.
    pub r_per_s: Option<Median>,
    /// CPU time per record, all threads.
    pub cpu_ns_per_record: Option<Median>,
    /// Peak of the memory that the run added.
    pub peak_added_bytes: Option<Median>,
    /// p99, where there is a load.
    pub p99_ns: Option<Median>,
    /// Why runs are not in the figures.
    pub left_out: Vec<String>,
}

impl Point {
    /// Of the `rows` at one value.
    pub fn of(workload: &str, system: &str, axis: Axis, value: &str, rows: &[Row], left_out: Vec<String>) -> Point {
        let median =
            |figure: &dyn Fn(&Row) -> Option<f64>| bootstrap::median_interval(&rows.iter().filter_map(figure).collect::<Vec<_>>(), SEED);
        Point {
            workload: workload.to_owned(),
            system: system.to_owned(),
            axis: axis.name().to_owned(),
            value: value.to_owned(),
            repeats: rows.len(),
            r_per_s: median(&|row| row.r_per_s),
            cpu_ns_per_record: median(&|row| row.cpu_ns_per_record),
            peak_added_bytes: median(&|row| Some(row.peak_rss_bytes?.saturating_sub(row.rss_at_start_bytes?) as f64)),
            p99_ns: median(&|row| row.latency_ns.as_ref()?.p99.map(|ns| ns as f64)),
            left_out,
        }
    }

    /// The value as a number; none if it is none.
    pub fn number(&self) -> Option<f64> {
        let bytes = |text| quantity::bytes(text).map(|bytes| bytes as f64);
        let count = |text| quantity::count(text).map(|count| count as f64);
        let read = if self.axis == "ring" { bytes(&self.value) } else { self.value.parse().or_else(|_| count(&self.value)) };
        read.ok().filter(|number| number.is_finite())
    }
}

/// Fits the law to the rows of each number of workers.
pub fn fit(values: &[String], rows: &[Vec<Row>]) -> Fit {
    let throughput = |rows: &Vec<Row>| rows.iter().filter_map(|row| row.r_per_s).collect();
    let pair =
        |(value, rows): (&String, &Vec<Row>)| Some(scalability::Point { workers: value.parse().ok()?, throughput: throughput(rows) });
    scalability::fit(&values.iter().zip(rows).filter_map(pair).collect::<Vec<_>>(), SEED)
}

/// The points as a table of at most 80 columns.
pub fn draw(points: &[Point]) -> String {
    let Some(first) = points.first() else { return String::new() };
    let (axis, repeats) = (&first.axis, points.iter().map(|point| point.repeats).max().unwrap_or(0));
    let mut text = wrap(&format!("{} on {}; medians of up to {repeats} repeats", first.workload, first.system), "");
    text += &format!("\n  {axis:>11} {:>11} {:>23} {:>9} {:>9} {:>9}\n", "throughput", "95 % interval", "CPU/rec", "memory", "p99");
    for point in points {
        let show = |median: Option<Median>, show: &dyn Fn(f64) -> String| median.map_or("–".into(), |median| show(median.median));
        let rate = quantity::per_second;
        let interval = point.r_per_s.and_then(|median| median.interval);
        let line = format!(
            "  {:>11} {:>11} {:>23} {:>9} {:>9} {:>9}",
            point.value,
            show(point.r_per_s, &rate),
            interval.map_or("–".into(), |interval| format!("{} – {}", rate(interval.low), rate(interval.high))),
            show(point.cpu_ns_per_record, &quantity::nanoseconds),
            show(point.peak_added_bytes, &|bytes| quantity::human_bytes(bytes as u64)),
            show(point.p99_ns, &quantity::nanoseconds),
        );
        text += &line;
        text.push('\n');
        let why = point.left_out.first().map(|why| why.lines().find(|line| line.starts_with("error")).unwrap_or(why).to_owned());
        text.extend(why.map(|why| wrap(&format!("left out: {why}"), "      ")));
    }
    text
}

/// The law in words.
pub fn told(fit: &Fit) -> String {
    let within = |interval: &Option<crate::statistics::Interval>, show: &dyn Fn(f64) -> String| match interval {
        Some(interval) => format!(" ({} to {})", show(interval.low), show(interval.high)),
        None => " (no interval: it takes five repeats)".into(),
    };
    let number = |value: f64| format!("{value:.4}");
    match fit {
        Fit::TooFew => "One worker count says nothing of how it scales; the law needs three, and four to be checked.".into(),
        Fit::LossOnly { workers, speed_up, interval, loss } => format!(
            "From {} to {} workers: {speed_up:.2} times the throughput{}; {:.1} % is lost. Two worker counts do not tell contention from coherence \
             (at two workers only σ + 2κ is seen), so the Universal Scalability Law is not fitted: it needs three, and four to be checked.",
            workers[0],
            workers[1],
            within(interval, &|value| format!("{value:.2}")),
            loss * 100.0
        ),
        Fit::Whole { law, lambda, sigma, kappa, residual } => format!(
            "Universal Scalability Law, with 95 % intervals: λ = {}{}, contention σ = {:.4}{}, coherence κ = {:.4}{}; {}{}",
            quantity::per_second(law.lambda),
            within(lambda, &quantity::per_second),
            law.sigma,
            within(sigma, &number),
            law.kappa,
            within(kappa, &number),
            law.peak().map_or("no peak.".into(), |peak| format!("peak at {peak:.1} workers.")),
            residual.map_or(" Three points leave nothing to check it by.".into(), |residual| format!(
                " The farthest point is {:.1} % off.",
                residual * 100.0
            ))
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_axis_sets_its_option_and_workers_beyond_the_cores_share_them() {
        let set = |axis: Axis, value: &str| {
            let mut values = Values::new();
            let load = axis.set(&mut values, value, 2);
            (values.into_iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(" "), load)
        };
        assert_eq!(set(Axis::Workers, "2"), ("cores=2".into(), Load::Closed));
        assert_eq!(set(Axis::Workers, "3"), ("cores=3 oversubscribe=true".into(), Load::Closed));
        assert_eq!(set(Axis::Load, "0.5"), (String::new(), Load::Open("0.5x".into())));
        for axis in [Axis::RecordSize, Axis::Keys, Axis::Windows, Axis::Chain, Axis::Batch, Axis::Ring] {
            let (text, load) = set(axis, "8");
            assert_eq!((text, load), (format!("{}=8", axis.name()), Load::Closed));
            assert!(super::super::trial::OPTIONS.iter().any(|(name, _)| *name == axis.name()));
            let numbers: Vec<f64> = axis.usual(2).iter().filter_map(|value| point(axis, value).number()).collect();
            assert!(numbers.len() == axis.usual(2).len() && numbers.is_sorted(), "{axis:?}: {numbers:?}");
        }
        assert_eq!(Axis::Workers.usual(2), ["1", "2", "3", "4"]);
    }

    fn point(axis: Axis, value: &str) -> Point {
        Point::of("w", "x", axis, value, &[], Vec::new())
    }
}
