//! `thalweg-bench scale`: how cost grows along one axis.

use std::process::ExitCode;

use clap::{Args, ValueEnum, builder::PossibleValuesParser};
use serde::Serialize;
use thalweg_bench::{
    compare::text::wrap,
    experiment::{
        campaign::Trial,
        sweep::shuffled,
        trial::{Load, Values},
    },
    quantity,
    report::row::Row,
    run::environment::Environment,
    statistics::{
        bootstrap::{self, Median},
        scalability::{self, Fit},
    },
};

use super::{
    EXIT_FAILED,
    experiment::{Kept, Setting, announce, begin, lines, told_partial},
    print, runnable_names, usage,
};

pub(crate) const EXAMPLES: &str = "\
Examples:
  thalweg-bench scale tumbling --over workers --repeats 7
  thalweg-bench scale hop --over load --at 0.1,0.5,0.9      shares of the closed loop's rate
  thalweg-bench scale hop --over record-size                8 and 64 bytes
  thalweg-bench scale tumbling --over keys                  10 to 10M
  thalweg-bench scale tumbling --over batch --at 64,256,1024,4096

Over workers, the Universal Scalability Law is fitted as far as the points identify it: two worker counts tell the loss between them and no more.

Exit code: 0 if every point has a figure, 1 if one has none, 2 if nothing could be run.";

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Axis {
    /// Cores used; at most as many as this process may use
    Workers,
    /// Offered load, as a share of the closed loop's rate
    Load,
    /// Bytes of a record (of the workload hop)
    RecordSize,
    /// Number of keys (of the workload tumbling)
    Keys,
    /// Records per batch
    Batch,
    /// Bytes per ring
    Ring,
}

impl Axis {
    fn name(self) -> &'static str {
        match self {
            Axis::Workers => "workers",
            Axis::Load => "load",
            Axis::RecordSize => "record_size",
            Axis::Keys => "keys",
            Axis::Batch => "batch",
            Axis::Ring => "ring",
        }
    }

    fn usual(self) -> Vec<String> {
        let list = |values: &[&str]| values.iter().map(|value| (*value).to_owned()).collect();
        match self {
            Axis::Workers => (1..=Environment::read().usable_cores()).map(|cores| cores.to_string()).collect(),
            Axis::Load => list(&["0.1", "0.2", "0.3", "0.4", "0.5", "0.6", "0.7", "0.8", "0.9", "1", "1.1", "1.2"]),
            Axis::RecordSize => list(&["8", "64"]),
            Axis::Keys => list(&["10", "1k", "100k", "10M"]),
            Axis::Batch => list(&["16", "64", "256", "1024", "4096"]),
            Axis::Ring => list(&["64KiB", "256KiB", "1MiB", "4MiB"]),
        }
    }
}

#[derive(Args)]
pub(crate) struct ScaleArgs {
    /// The workload
    #[arg(value_name = "WORKLOAD", value_parser = PossibleValuesParser::new(runnable_names()))]
    workload: String,
    /// What grows
    #[arg(long, value_enum)]
    over: Axis,
    /// The values [default: a range that suits the axis]
    #[arg(long, value_delimiter = ',', value_name = "VALUES")]
    at: Vec<String>,
    #[command(flatten)]
    setting: Setting,
    /// Runs of each value, in fresh processes, in drawn order
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=1000))]
    repeats: u32,
    /// How long a run takes
    #[arg(long, default_value = "0.3s", value_name = "S")]
    duration: String,
    /// Time for everything, over all invocations that go on in the same folder
    #[arg(long, default_value = "2min", value_parser = quantity::budget, value_name = "S")]
    budget: f64,
    #[command(flatten)]
    kept: Kept,
}

/// One value of the axis; medians over the repeats.
#[derive(Debug, Serialize)]
struct Point {
    workload: String,
    system: String,
    axis: &'static str,
    value: String,
    repeats: usize,
    r_per_s: Option<Median>,
    cpu_ns_per_record: Option<Median>,
    peak_added_bytes: Option<Median>,
    p99_ns: Option<Median>,
    left_out: Vec<String>,
}

pub(crate) fn run(arguments: &ScaleArgs) -> ExitCode {
    match scale(arguments) {
        Ok((text, is_whole)) => {
            let shown = print(&text);
            if is_whole { shown } else { ExitCode::from(EXIT_FAILED) }
        }
        Err(why) => usage(&why),
    }
}

/// The configuration and the load of one value.
fn at(arguments: &ScaleArgs, value: &str) -> (Values, Load) {
    let mut values = arguments.setting.values(&arguments.workload);
    let mut set = |name: &str, value: &str| drop(values.insert(name.to_owned(), value.to_owned()));
    let mut load = Load::Closed;
    match arguments.over {
        Axis::Workers => set("cores", value),
        Axis::Load => load = Load::Open(format!("{value}x")),
        Axis::RecordSize => set("record_size", value),
        Axis::Keys => set("keys", value),
        Axis::Batch => set("batch", value),
        Axis::Ring => set("ring", value),
    }
    (values, load)
}

fn scale(arguments: &ScaleArgs) -> Result<(String, bool), String> {
    quantity::seconds(&arguments.duration)?;
    let program = arguments.setting.program()?;
    let axis = arguments.over.name();
    let at_values = if arguments.at.is_empty() { arguments.over.usual() } else { super::unique(&arguments.at) };
    let asked = serde_json::json!({
        "experiment": "scale", "axis": axis, "values": at_values, "duration": arguments.duration,
        "configuration": arguments.setting.values(&arguments.workload),
    });
    let runs = at_values.len() as u64 * u64::from(arguments.repeats);
    announce(&format!("{} values of {axis}, {runs} runs of {}", at_values.len(), arguments.duration), Some(arguments.budget));
    let out = arguments.kept.out.as_deref();
    let mut campaign = begin(&program, out, &asked, Some(arguments.budget), runs)?;
    let mut rows: Vec<Vec<Row>> = vec![Vec::new(); at_values.len()];
    let mut left_out: Vec<Vec<String>> = vec![Vec::new(); at_values.len()];
    for (repeat, i) in (0..arguments.repeats).flat_map(|repeat| shuffled(at_values.len(), 42, u64::from(repeat)).into_iter().map(move |i| (repeat, i))) {
        // What could not be run once is refused: it would be refused again.
        if !left_out[i].is_empty() && rows[i].is_empty() {
            continue;
        }
        let (values, load) = at(arguments, &at_values[i]);
        let trial = Trial { values: &values, load, repeat, duration: &arguments.duration };
        let Some(ran) = campaign.run(&trial, &format!("{axis} {}", at_values[i]))? else { break };
        match campaign.entry(ran).row() {
            Ok(row) if !row.failed() => rows[i].push(row.clone()),
            Ok(row) => left_out[i].push(row.verdict.reasons.join("; ")),
            Err(why) => left_out[i].push(why.to_owned()),
        }
    }
    if rows.iter().all(Vec::is_empty) {
        return Err(format!("nothing could be run:\n{}", left_out.concat().first().map_or("", String::as_str)));
    }
    let point = |((value, rows), left_out): ((&String, &Vec<Row>), &Vec<String>)| {
        let median =
            |figure: &dyn Fn(&Row) -> Option<f64>| bootstrap::median_interval(&rows.iter().filter_map(figure).collect::<Vec<_>>(), 42);
        Point {
            workload: arguments.workload.clone(),
            system: arguments.setting.system.clone(),
            axis,
            value: value.clone(),
            repeats: rows.len(),
            r_per_s: median(&|row| row.r_per_s),
            cpu_ns_per_record: median(&|row| row.cpu_ns_per_record),
            peak_added_bytes: median(&|row| Some(row.peak_rss_bytes?.saturating_sub(row.rss_at_start_bytes?) as f64)),
            p99_ns: median(&|row| row.latency_ns.as_ref()?.p99.map(|ns| ns as f64)),
            left_out: left_out.clone(),
        }
    };
    let points: Vec<Point> = at_values.iter().zip(&rows).zip(&left_out).map(point).collect();
    let fit = (arguments.over == Axis::Workers).then(|| {
        let throughput = |rows: &Vec<Row>| rows.iter().filter_map(|row| row.r_per_s).collect();
        let pair =
            |(value, rows): (&String, &Vec<Row>)| Some(scalability::Point { workers: value.parse().ok()?, throughput: throughput(rows) });
        scalability::fit(&at_values.iter().zip(&rows).filter_map(pair).collect::<Vec<_>>(), 42)
    });
    let mut text = draw(arguments, &points);
    text.extend(fit.as_ref().map(told));
    let mut files = vec![("scale.jsonl", lines(&points))];
    files.extend(fit.iter().map(|fit| ("usl.jsonl", lines(std::slice::from_ref(fit)))));
    text += &told_partial(campaign.over(), campaign.entries().len(), Some(arguments.budget), out);
    campaign.finish(&files)?;
    Ok((text, points.iter().all(|point| point.r_per_s.is_some())))
}

fn draw(arguments: &ScaleArgs, points: &[Point]) -> String {
    let axis = arguments.over.name();
    let mut text =
        wrap(&format!("{} on {}; medians of up to {} repeats", arguments.workload, arguments.setting.system, arguments.repeats), "");
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
fn told(fit: &Fit) -> String {
    let within = |interval: &Option<thalweg_bench::statistics::Interval>, show: &dyn Fn(f64) -> String| match interval {
        Some(interval) => format!(" ({} to {})", show(interval.low), show(interval.high)),
        None => " (no interval: it takes five repeats)".into(),
    };
    let number = |value: f64| format!("{value:.4}");
    let sentence = match fit {
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
    };
    format!("\n{}", wrap(&sentence, ""))
}
