//! `thalweg-bench sustain`: the highest rate that is kept up with, and what waiting costs below and above it.

use std::{path::PathBuf, process::ExitCode};

use clap::{Args, builder::PossibleValuesParser};
use thalweg_bench::{
    experiment::{
        curve::{Point, SHARES},
        search::{self, Effort, Found},
        sweep::shuffled,
        trial::{self, Load},
    },
    measure::backlog::{CONFIDENCE, GROWTH_MAX, Stability},
    quantity,
};

use super::{
    EXIT_FAILED,
    compare::share,
    experiment::{Keeper, Setting, bar, lines, once},
    print, runnable_names, usage,
};

pub(crate) const EXAMPLES: &str = "\
Examples:
  thalweg-bench sustain hop --system thalweg --batch 256
  thalweg-bench sustain ysb --system thalweg --cores 2 --duration 2s --out results/ysb-sustain
  thalweg-bench sustain hop --system rtrb --no-curve

A rate is sustainable if neither backlog nor latency grows (Karimov et al., ICDE 2018). The test: how far the output is behind the schedule, over the
run; its slope (Theil and Sen, over batch means) with an interval at 99 %. Stable: growth of 1 % of the load is excluded. Grows: growth is
shown. A rate is given up after two runs that are not stable, and the answer is confirmed by three that are. Every run is a fresh process.

Exit code: 0 if a sustainable rate was found, 1 if none was, 2 if nothing could be run.";

#[derive(Args)]
pub(crate) struct SustainArgs {
    /// A workload that has an open loop
    #[arg(value_name = "WORKLOAD", value_parser = PossibleValuesParser::new(runnable_names()))]
    workload: String,
    #[command(flatten)]
    setting: Setting,
    /// How long a run takes
    #[arg(long, default_value = "2s", value_name = "S")]
    duration: String,
    /// How finely rates are told apart
    #[arg(long, default_value = "2%", value_parser = share)]
    resolution: f64,
    /// Stable runs that the answer must have
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=20))]
    confirm: u32,
    /// Runs of each load of the curve
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=100))]
    repeats: u32,
    /// Leave out the load–latency curve
    #[arg(long)]
    no_curve: bool,
    /// Folder for the rows, sustain.jsonl and load_curve.jsonl; must not hold rows yet
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

pub(crate) fn run(arguments: &SustainArgs) -> ExitCode {
    match sustain(arguments) {
        Ok((text, is_found)) => {
            let shown = print(&text);
            if is_found { shown } else { ExitCode::from(EXIT_FAILED) }
        }
        Err(why) => usage(&why),
    }
}

fn sustain(arguments: &SustainArgs) -> Result<(String, bool), String> {
    quantity::seconds(&arguments.duration)?;
    if arguments.resolution <= 0.0 {
        return Err("--resolution 0: the search would not end; 2% is usual".into());
    }
    let program = arguments.setting.program()?;
    let values = arguments.setting.values(&arguments.workload);
    let key = trial::key(&values);
    let asked = serde_json::json!({ "experiment": "sustain", "configuration": values, "duration": arguments.duration });
    let mut keeper = Keeper::new(arguments.out.as_deref(), asked)?;
    let curve_runs = if arguments.no_curve { 0 } else { SHARES.len() as u64 * u64::from(arguments.repeats) };

    // A search takes about sixteen runs; the bar learns better as it goes.
    let bar = bar(17 + curve_runs);
    bar.set_message("closed loop");
    let closed = once(&program, &values, &Load::Closed, &arguments.duration)?;
    let guess = closed.r_per_s.ok_or_else(|| format!("the closed loop failed: {}", closed.verdict.reasons.join("; ")))?;
    keeper.add(closed, 0)?;
    bar.inc(1);
    let effort = Effort { resolution: arguments.resolution, confirm: arguments.confirm, ..Effort::default() };
    let mut runs = 0;
    let found = search::highest(guess, effort, |rate| {
        bar.set_message(format!("search: {}", quantity::per_second(rate)));
        if bar.position() + 1 + curve_runs >= bar.length().unwrap_or(0) {
            bar.inc_length(1);
        }
        let row = once(&program, &values, &Load::Open(format!("{rate:.0}")), &arguments.duration)?;
        bar.inc(1);
        let stability = match row.stability() {
            _ if row.failed() => return Err(format!("a run failed: {}", row.verdict.reasons.join("; "))),
            Some(stability) => stability,
            None => return Err(format!("{key}: its open loop tells no progress, or the run is too short for any; try --duration 2s")),
        };
        keeper.add(row, runs)?;
        runs += 1;
        Ok(stability)
    })?;

    let mut points: Vec<Point> = Vec::new();
    if let Some(sustained) = found.sustained_per_s.filter(|_| !arguments.no_curve) {
        bar.set_length(bar.position() + curve_runs);
        for repeat in 0..arguments.repeats {
            for i in shuffled(SHARES.len(), 42, u64::from(repeat)) {
                let (share, offered) = (SHARES[i], SHARES[i] * sustained);
                bar.set_message(format!("curve: {:.0} %", share * 100.0));
                let row = once(&program, &values, &Load::Open(format!("{offered:.0}")), &arguments.duration)?;
                let number = keeper.add(row.clone(), repeat)?;
                points.push(Point::of(&row, share, offered, repeat, number));
                bar.inc(1);
            }
        }
        points.sort_by(|a, b| a.share.total_cmp(&b.share).then(a.repeat.cmp(&b.repeat)));
    }
    bar.finish_and_clear();
    let text = told(&key, &found, &points, arguments);
    let summary = serde_json::json!({ "configuration": values, "found": found, "confidence": CONFIDENCE, "growth_max": GROWTH_MAX });
    keeper.finish(&[("sustain.jsonl", format!("{summary}\n")), ("load_curve.jsonl", lines(&points))])?;
    Ok((text, found.sustained_per_s.is_some()))
}

fn told(key: &str, found: &Found, points: &[Point], arguments: &SustainArgs) -> String {
    let mut text = thalweg_bench::compare::text::wrap(key, "");
    let rate = quantity::per_second;
    let sentence = match (found.sustained_per_s, found.exceeded_per_s) {
        (Some(sustained), above) => format!(
            "sustainable: {}. Each of {} runs of {} at it excludes, with confidence {:.0} %, that {:.0} % of the load is left behind; {}",
            rate(sustained),
            found.confirmed_by,
            arguments.duration,
            CONFIDENCE * 100.0,
            GROWTH_MAX * 100.0,
            above.map_or("no rate that was tried is beyond it".into(), |above| format!("{} was not kept up with", rate(above))),
        ),
        (None, Some(above)) => format!(
            "no sustainable rate: none of {} runs' rates could be confirmed, the lowest not kept up with is {}",
            found.tried.len(),
            rate(above)
        ),
        (None, None) => format!("no sustainable rate could be confirmed in {} runs", found.tried.len()),
    };
    text += &thalweg_bench::compare::text::wrap(&sentence, "");
    if points.is_empty() {
        return text;
    }
    text += &format!("\n  {:>5} {:>11} {:>11} {:>10} {:>10} {:>10} {:>10}\n", "load", "offered", "p50", "p99", "p99.9", "max", "stable");
    for share in SHARES {
        let of_it: Vec<&Point> = points.iter().filter(|point| point.share == share).collect();
        let Some(first) = of_it.first() else { continue };
        let median = |of: fn(&Point) -> Option<u64>| {
            let values: Vec<f64> = of_it.iter().filter_map(|point| of(point)).map(|ns| ns as f64).collect();
            if values.is_empty() { "–".into() } else { quantity::nanoseconds(thalweg_bench::statistics::median(&values)) }
        };
        let stable = of_it.iter().filter(|point| point.stability == Some(Stability::Stable)).count();
        text += &format!(
            "  {:>3.0} % {:>11} {:>11} {:>10} {:>10} {:>10} {:>10}\n",
            share * 100.0,
            rate(first.offered_per_s),
            median(|point| point.p50_ns),
            median(|point| point.p99_ns),
            median(|point| point.p99_9_ns),
            median(|point| point.max_ns),
            format!("{stable}/{}", of_it.len()),
        );
    }
    text
}
