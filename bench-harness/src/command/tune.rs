//! `thalweg-bench tune`: the configuration with the highest rate that keeps a quantile.

use std::process::ExitCode;

use clap::{Args, builder::PossibleValuesParser};
use thalweg_bench::{
    compare::text::wrap,
    experiment::{
        campaign::{Campaign, Trial},
        trial::{self, Load, Values},
        tune::{self, CONFIRM, Tuned},
    },
    measure::{backlog::Stability, residence::Latency},
    quantity,
    report::row::{Config, Row},
    run::verdict::Standing,
};

use super::{
    EXIT_FAILED,
    experiment::{Kept, Runner, Setting, announce, begin, told_partial},
    print, runnable_names, usage,
};

pub(crate) const EXAMPLES: &str = "\
Examples:
  thalweg-bench tune hop --p99 200us
  thalweg-bench tune ysb --p99.9 5ms --cores 2 --batches 256,1024,4096 --waits spin,adaptive
  thalweg-bench tune hop --p50 20us --out results/hop-tune

Tries every combination of --batches, --rings and --waits, fastest in a closed loop first, each only at rates above the best so far; a run
keeps the quantile if it is at most as asked for, the backlog does not grow, and the run is believed. The answer passed three runs.
It ends within --budget, or sooner by Ctrl-C, and then tells the best so far; with --out the same command goes on from there.

Exit code: 0 if a configuration keeps the quantile, 1 if none does, 2 if nothing could be run.";

#[derive(Args)]
#[command(group = clap::ArgGroup::new("quantile").required(true).multiple(false))]
pub(crate) struct TuneArgs {
    /// A workload that has an open loop
    #[arg(value_name = "WORKLOAD", value_parser = PossibleValuesParser::new(runnable_names()))]
    workload: String,
    /// Half of the records wait at most so long: 20us
    #[arg(long, value_parser = quantity::seconds, group = "quantile", value_name = "S")]
    p50: Option<f64>,
    /// 99 % of them
    #[arg(long, value_parser = quantity::seconds, group = "quantile", value_name = "S")]
    p99: Option<f64>,
    /// 99.9 % of them
    #[arg(long = "p99.9", value_parser = quantity::seconds, group = "quantile", value_name = "S")]
    p99_9: Option<f64>,
    #[command(flatten)]
    setting: Setting,
    /// Batches to try
    #[arg(long, value_delimiter = ',', default_value = "16,64,256,1024,2048", conflicts_with = "batch")]
    batches: Vec<String>,
    /// Rings to try
    #[arg(long, value_delimiter = ',', default_value = "64KiB,256KiB", conflicts_with = "ring")]
    rings: Vec<String>,
    /// Wait strategies to try
    #[arg(long, value_delimiter = ',', default_value = "spin,adaptive", conflicts_with = "wait")]
    waits: Vec<String>,
    /// How long a run at a rate takes
    #[arg(long, default_value = "0.5s", value_name = "S")]
    duration: String,
    /// Time for everything, over all invocations that go on in the same folder
    #[arg(long, default_value = "2min", value_parser = quantity::budget, value_name = "S")]
    budget: f64,
    #[command(flatten)]
    kept: Kept,
}

pub(crate) fn run(arguments: &TuneArgs) -> ExitCode {
    match tune(arguments) {
        Ok((text, is_found)) => {
            let shown = print(&text);
            if is_found { shown } else { ExitCode::from(EXIT_FAILED) }
        }
        Err(why) => usage(&why),
    }
}

type Quantile = fn(&Latency) -> Option<u64>;

/// What is to be kept: its name, the quantile, and at most how many ns.
fn asked(arguments: &TuneArgs) -> Result<(&'static str, Quantile, f64), String> {
    let all: [(&str, Quantile, Option<f64>); 3] =
        [("p50", |l| l.p50, arguments.p50), ("p99", |l| l.p99, arguments.p99), ("p99.9", |l| l.p99_9, arguments.p99_9)];
    let given = all.into_iter().find_map(|(name, quantile, limit)| Some((name, quantile, limit? * 1e9)));
    given.ok_or_else(|| "say which quantile to keep: --p99 200us".into())
}

/// How long a closed loop takes: it only sorts the configurations.
const CLOSED: &str = "0.1s";
/// Runs of the search, for each configuration: most need one or two.
const RUNS_EACH: u32 = 5;

fn tune(arguments: &TuneArgs) -> Result<(String, bool), String> {
    quantity::seconds(&arguments.duration)?;
    let (name, quantile, limit_ns) = asked(arguments)?;
    let program = arguments.setting.program()?;
    let candidates = candidates(arguments);
    let asked = serde_json::json!({
        "experiment": "tune", "quantile": name, "limit_ns": limit_ns, "workload": arguments.workload,
        "duration": arguments.duration, "candidates": candidates.iter().map(trial::key).collect::<Vec<_>>(),
    });
    let runs_max = candidates.len() as u32 * RUNS_EACH + 20;
    announce(
        &format!(
            "{} configurations: {} closed loops of {CLOSED}, and at most {runs_max} runs of {}",
            candidates.len(),
            candidates.len(),
            arguments.duration
        ),
        Some(arguments.budget),
    );
    let out = arguments.kept.out.as_deref();
    let mut campaign = begin(&program, out, &asked, Some(arguments.budget), candidates.len() as u64 + u64::from(runs_max))?;
    let (speeds, left_out) = speeds(&mut campaign, candidates)?;
    let (mut kept, mut runs): (Vec<(Values, Config)>, u32) = (Vec::new(), 0);
    let found = tune::best(&speeds, runs_max, |values, rate| {
        campaign.at_most_more(u64::from(runs_max - runs));
        let trial = Trial { values, load: Load::Open(format!("{rate:.0}")), repeat: runs, duration: &arguments.duration };
        let what = format!("{} at {}", trial::key(values), quantity::per_second(rate));
        let Some(ran) = campaign.run(&trial, &what)? else { return Ok(None) };
        runs += 1;
        let row = campaign.entry(ran).row()?;
        let is_kept = keeps(row, quantile, limit_ns);
        kept.extend(is_kept.then(|| (values.clone(), row.config.clone())));
        Ok::<_, String>(Some(is_kept))
    })?;

    let limit = quantity::nanoseconds(limit_ns);
    let mut text: String = left_out.iter().map(|why| wrap(&format!("left out: {why}"), "")).collect();
    let shown = |tuned: &Tuned<Values>| format!("{} by: {}", quantity::per_second(tuned.rate_per_s), trial::key(&tuned.candidate));
    text += &wrap(
        &match &found.best {
            Some(best) => format!("{name} of at most {limit} is kept up to {}", shown(best)),
            None if found.is_partial => format!("no configuration was confirmed to keep {name} at {limit}"),
            None => format!("no configuration of {} keeps {name} at {limit}", speeds.len()),
        },
        "",
    );
    if let Some(better) = &found.unconfirmed {
        text += &wrap(&format!("(seen, but not confirmed: {})", shown(better)), "");
    }
    if found.best.is_some() {
        let (count, duration) = (speeds.len(), &arguments.duration);
        let each = format!("(of {count} configurations, as fast as they go first; the answer passed {CONFIRM} runs of {duration})");
        text += &wrap(&each, "");
    }
    if found.is_partial && campaign.over().is_none() {
        text += &wrap(&format!("PARTIAL: the search was cut off at {runs_max} runs: fewer --batches, --rings or --waits take fewer."), "");
    }
    text += &told_partial(campaign.over(), campaign.entries().len(), Some(arguments.budget), out);
    let config = |best: &Tuned<Values>| kept.iter().rev().find(|(values, _)| *values == best.candidate).map(|(_, config)| config.clone());
    if let Some(config) = found.best.as_ref().and_then(config).filter(|_| arguments.setting.system == "thalweg") {
        text += &format!("\n{}", code(&config)?);
    }
    let line = |best: &Tuned<Values>| {
        let configuration = &best.candidate;
        let best = serde_json::json!({
            "quantile": name, "limit_ns": limit_ns, "rate_per_s": best.rate_per_s,
            "configuration": configuration, "is_partial": found.is_partial,
        });
        format!("{best}\n")
    };
    campaign.finish(&[("tune.jsonl", found.best.as_ref().map(line).unwrap_or_default())])?;
    Ok((text, found.best.is_some()))
}

/// Each candidate once in a closed loop, and what could not be run.
type Speeds = (Vec<(Values, f64)>, Vec<String>);

fn speeds(campaign: &mut Campaign<'_, impl Runner>, candidates: Vec<Values>) -> Result<Speeds, String> {
    let (mut speeds, mut left_out) = (Vec::new(), Vec::new());
    for values in candidates {
        let key = trial::key(&values);
        let Some(ran) = campaign.run(&Trial { values: &values, load: Load::Closed, repeat: 0, duration: CLOSED }, &key)? else { break };
        match campaign.entry(ran).row() {
            Ok(row) if row.failed() => left_out.push(format!("{key}: {}", row.verdict.reasons.join("; "))),
            Ok(row) => speeds.extend(row.r_per_s.map(|speed| (values, speed))),
            Err(why) => left_out.push(format!("{key}: {}", why.lines().next_back().unwrap_or_default())),
        }
    }
    if speeds.is_empty() {
        return Err(format!("no configuration could be run:\n{}", left_out.join("\n")));
    }
    Ok((speeds, left_out))
}

/// Whether a run keeps the quantile.
fn keeps(row: &Row, quantile: Quantile, limit_ns: f64) -> bool {
    let is_kept = row.latency_ns.as_ref().and_then(quantile).is_some_and(|ns| ns as f64 <= limit_ns);
    is_kept && !row.failed() && row.verdict.standing < Standing::NotBelieved && row.stability() != Some(Stability::Grows)
}

fn candidates(arguments: &TuneArgs) -> Vec<Values> {
    let setting = &arguments.setting;
    let or = |fixed: &Option<String>, list: &[String]| fixed.as_ref().map_or(list.to_vec(), |value| vec![value.clone()]);
    let mut all = Vec::new();
    for batch in or(&setting.batch, &arguments.batches) {
        for ring in or(&setting.ring, &arguments.rings) {
            for wait in or(&setting.wait, &arguments.waits) {
                let mut values = setting.values(&arguments.workload);
                values.extend([("batch", &batch), ("ring", &ring), ("wait", &wait)].map(|(name, value)| (name.to_owned(), value.clone())));
                all.push(values);
            }
        }
    }
    all
}

/// The configuration as one pastes it into a program on the engine; sizes as the run really had them.
fn code(config: &Config) -> Result<String, String> {
    let wait: thalweg::Wait = config.wait.parse().map_err(|error| format!("{error}"))?;
    let Config { cores, batch, ring_bytes, .. } = config;
    Ok(format!(
        "use thalweg::{{Config, Wait}};\n\nlet config = Config::default()\n    .workers({cores})\n    .batch({batch})\n    .ring_bytes({ring_bytes})\n    .wait(Wait::{wait:?});\n"
    ))
}
