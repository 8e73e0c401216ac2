//! `thalweg-bench sustain`: the highest rate that is kept up with, and what waiting costs below and above it.

use std::process::ExitCode;

use clap::{Args, builder::PossibleValuesParser};
use thalweg_bench::{
    compare::text::wrap,
    experiment::{
        campaign::{Campaign, Trial},
        curve::{Point, SHARES},
        search::{self, Effort, Found, Sustained},
        sweep::shuffled,
        trial::{self, Load, Values},
    },
    measure::backlog::{CONFIDENCE, GROWTH_MAX, Stability},
    quantity,
};

use super::{
    EXIT_FAILED,
    compare::share,
    experiment::{Kept, Runner, Setting, announce, begin, lines, told_partial},
    print, runnable_names, usage,
};

pub(crate) const EXAMPLES: &str = "\
Examples:
  thalweg-bench sustain hop --system thalweg --batch 256
  thalweg-bench sustain ysb --system thalweg --cores 2 --duration 2s --out results/ysb-sustain
  thalweg-bench sustain hop --system rtrb --no-curve --budget 5min

A rate is sustainable if neither backlog nor latency grows (Karimov et al., ICDE 2018). The test: how far the output is behind the schedule, over the
run; its slope (Theil and Sen, over batch means) with an interval at 99 %. Stable: growth of 1 % of the load is excluded. Grows: growth is
shown. A rate is given up after two runs that are not stable, and the answer is confirmed by three that are. Every run is a fresh process.
It ends within --budget, or sooner by Ctrl-C, and then tells what it has so far; with --out the same command goes on from there.

Exit code: 0 if a sustainable rate was found, 1 if none was, 2 if nothing could be run.";

#[derive(Args)]
pub(crate) struct SustainArgs {
    /// A workload that has an open loop
    #[arg(value_name = "WORKLOAD", value_parser = PossibleValuesParser::new(runnable_names()))]
    workload: String,
    #[command(flatten)]
    setting: Setting,
    /// How long a run takes
    #[arg(long, default_value = "1s", value_name = "S")]
    duration: String,
    /// Time for everything, over all invocations that go on in the same folder
    #[arg(long, default_value = "60s", value_parser = quantity::budget, value_name = "S")]
    budget: f64,
    /// How finely rates are told apart
    #[arg(long, default_value = "2%", value_parser = share)]
    resolution: f64,
    /// Stable runs that the answer must have
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=20))]
    confirm: u32,
    /// Runs of each load of the curve, as far as the budget goes
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=100))]
    repeats: u32,
    /// Leave out the load–latency curve
    #[arg(long)]
    no_curve: bool,
    #[command(flatten)]
    kept: Kept,
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
    let effort = Effort { resolution: arguments.resolution, confirm: arguments.confirm, ..Effort::default() };
    let asked = serde_json::json!({
        "experiment": "sustain", "configuration": values, "duration": arguments.duration,
        "resolution": effort.resolution, "confirm": effort.confirm,
    });
    let curve_runs = if arguments.no_curve { 0 } else { SHARES.len() as u64 * u64::from(arguments.repeats) };
    let search_runs = 1 + u64::from(effort.runs_max);
    announce(
        &format!("at most {search_runs} runs of {} for the search and {curve_runs} for the load–latency curve", arguments.duration),
        Some(arguments.budget),
    );
    let out = arguments.kept.out.as_deref();
    let mut campaign = begin(&program, out, &asked, Some(arguments.budget), search_runs + curve_runs)?;
    let (found, points) = searched(&mut campaign, &values, effort, arguments)?;
    let partial = told_partial(campaign.over(), campaign.entries().len(), Some(arguments.budget), out);
    let text = told(&trial::key(&values), &found, &points, arguments) + &partial;
    let is_found = found.sustained_per_s.is_some();
    let summary = Sustained { configuration: values, found, confidence: CONFIDENCE, growth_max: GROWTH_MAX };
    campaign.finish(&[("sustain.jsonl", lines(&[summary])), ("load_curve.jsonl", lines(&points))])?;
    Ok((text, is_found))
}

/// The search, and the curve as far as there is time for it.
fn searched(
    campaign: &mut Campaign<'_, impl Runner>,
    values: &Values,
    effort: Effort,
    arguments: &SustainArgs,
) -> Result<(Found, Vec<Point>), String> {
    let key = trial::key(values);
    let trial = |load: Load, repeat: u32| Trial { values, load, repeat, duration: &arguments.duration };
    let at = |rate: f64| Load::Open(format!("{rate:.0}"));
    let curve_runs = if arguments.no_curve { 0 } else { SHARES.len() as u64 * u64::from(arguments.repeats) };
    let Some(closed) = campaign.run(&trial(Load::Closed, 0), "closed loop")? else {
        return Err("there was no time for a single run: give a larger --budget".into());
    };
    let closed = campaign.entry(closed).row()?;
    let guess = closed.r_per_s.ok_or_else(|| format!("the closed loop failed: {}", closed.verdict.reasons.join("; ")))?;
    let mut runs = 0;
    let found = search::highest(guess, effort, |rate| {
        campaign.at_most_more(u64::from(effort.runs_max - runs) + curve_runs);
        let Some(ran) = campaign.run(&trial(at(rate), runs), &format!("search, {}", quantity::per_second(rate)))? else {
            return Ok(None);
        };
        runs += 1;
        let row = campaign.entry(ran).row()?;
        match row.stability() {
            _ if row.failed() => Err(format!("a run failed: {}", row.verdict.reasons.join("; "))),
            Some(stability) => Ok(Some(stability)),
            None => Err(format!("{key}: its open loop tells no progress, or the run is too short for any; try --duration 2s")),
        }
    })?;
    let mut points: Vec<Point> = Vec::new();
    if let Some(sustained) = found.sustained_per_s.filter(|_| !arguments.no_curve) {
        campaign.at_most_more(curve_runs);
        for (repeat, i) in
            (0..arguments.repeats).flat_map(|repeat| shuffled(SHARES.len(), 42, u64::from(repeat)).into_iter().map(move |i| (repeat, i)))
        {
            let (share, offered) = (SHARES[i], SHARES[i] * sustained);
            let Some(ran) = campaign.run(&trial(at(offered), repeat), &format!("curve, {:.0} %", share * 100.0))? else { break };
            points.push(Point::of(campaign.entry(ran).row()?, share, offered, repeat, campaign.row_number(ran)));
        }
        points.sort_by(|a, b| a.share.total_cmp(&b.share).then(a.repeat.cmp(&b.repeat)));
    }
    Ok((found, points))
}

fn told(key: &str, found: &Found, points: &[Point], arguments: &SustainArgs) -> String {
    let mut text = wrap(key, "");
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
        (None, above) => format!(
            "no sustainable rate was confirmed in {} runs; {}, {}",
            found.tried.len(),
            found.kept_per_s.map_or("none was kept up with".into(), |kept| format!("{} was kept up with", rate(kept))),
            above.map_or("none was beyond it".into(), |above| format!("{} was not", rate(above))),
        ),
    };
    text += &wrap(&sentence, "");
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
