//! `thalweg-bench tune`: the configuration with the highest rate that keeps a quantile.

use std::{cell::RefCell, path::PathBuf, process::ExitCode};

use clap::{Args, builder::PossibleValuesParser};
use thalweg_bench::{
    compare::text::wrap,
    experiment::{
        trial::{self, Load, Values},
        tune::{self, CONFIRM},
    },
    measure::{backlog::Stability, residence::Latency},
    quantity,
    report::row::Config,
    run::verdict::Standing,
};

use super::{
    EXIT_FAILED,
    experiment::{Keeper, Setting, bar, once},
    print, runnable_names, usage,
};

pub(crate) const EXAMPLES: &str = "\
Examples:
  thalweg-bench tune hop --p99 200us
  thalweg-bench tune ysb --p99.9 5ms --cores 2 --batches 256,1024,4096 --waits spin,adaptive
  thalweg-bench tune hop --p50 20us --out results/hop-tune

Tries every combination of --batches, --rings and --waits, fastest in a closed loop first, each only at rates above the best so far; a run
keeps the quantile if it is at most as asked for, the backlog does not grow, and the run is believed. The answer passed three runs.

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
    #[arg(long, value_delimiter = ',', default_value = "64KiB,256KiB,1MiB", conflicts_with = "ring")]
    rings: Vec<String>,
    /// Wait strategies to try
    #[arg(long, value_delimiter = ',', default_value = "spin,adaptive", conflicts_with = "wait")]
    waits: Vec<String>,
    /// How long a run takes
    #[arg(long, default_value = "1s", value_name = "S")]
    duration: String,
    /// Folder for the rows and tune.jsonl; must not hold rows yet
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
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

fn tune(arguments: &TuneArgs) -> Result<(String, bool), String> {
    quantity::seconds(&arguments.duration)?;
    let (name, quantile, limit_ns) = asked(arguments)?;
    let program = arguments.setting.program()?;
    let candidates = candidates(arguments);
    let definition = serde_json::json!({ "experiment": "tune", "quantile": name, "limit_ns": limit_ns, "workload": arguments.workload });
    let keeper = RefCell::new(Keeper::new(arguments.out.as_deref(), definition)?);

    // Each candidate once in a closed loop; of the search, a run or two for most.
    let bar = bar(candidates.len() as u64 * 3);
    let mut left_out = Vec::new();
    let mut speeds: Vec<(Values, f64)> = Vec::new();
    for values in candidates {
        bar.set_message(trial::key(&values));
        let ran = once(&program, &values, &Load::Closed, &arguments.duration);
        bar.inc(1);
        match ran {
            Ok(row) => {
                speeds.extend(row.r_per_s.map(|speed| (values.clone(), speed)));
                if row.failed() {
                    left_out.push(format!("{}: {}", trial::key(&values), row.verdict.reasons.join("; ")));
                }
                keeper.borrow_mut().add(row, 0)?;
            }
            Err(why) => left_out.push(format!("{}: {}", trial::key(&values), why.lines().next_back().unwrap_or_default())),
        }
    }
    if speeds.is_empty() {
        return Err(format!("no configuration could be run:\n{}", left_out.join("\n")));
    }
    let mut kept: Vec<(Values, Config)> = Vec::new();
    let best = tune::best(&speeds, |values, rate| {
        bar.set_message(format!("{} at {}", trial::key(values), quantity::per_second(rate)));
        if bar.position() + 1 >= bar.length().unwrap_or(0) {
            bar.inc_length(1);
        }
        let row = once(&program, values, &Load::Open(format!("{rate:.0}")), &arguments.duration)?;
        bar.inc(1);
        let is_kept = row.latency_ns.as_ref().and_then(quantile).is_some_and(|ns| ns as f64 <= limit_ns);
        let is_sound = !row.failed() && row.verdict.standing < Standing::NotBelieved && row.stability() != Some(Stability::Grows);
        if is_kept && is_sound {
            kept.push((values.clone(), row.config.clone()));
        }
        keeper.borrow_mut().add(row, 0)?;
        Ok::<_, String>(is_kept && is_sound)
    })?;
    bar.finish_and_clear();

    let limit = quantity::nanoseconds(limit_ns);
    let mut text = String::new();
    for why in &left_out {
        text += &wrap(&format!("left out: {why}"), "");
    }
    let Some(best) = best else {
        text += &wrap(&format!("no configuration of {} keeps {name} at {limit}", speeds.len()), "");
        keeper.into_inner().finish(&[])?;
        return Ok((text, false));
    };
    text += &wrap(
        &format!("{name} of at most {limit} is kept up to {} by: {}", quantity::per_second(best.rate_per_s), trial::key(&best.candidate)),
        "",
    );
    text += &wrap(
        &format!(
            "(of {} configurations, each as fast as it goes first; the answer passed {CONFIRM} runs of {})",
            speeds.len(),
            arguments.duration
        ),
        "",
    );
    let config = kept.iter().rev().find(|(values, _)| *values == best.candidate).map(|(_, config)| config);
    if let Some(config) = config.filter(|_| arguments.setting.system == "thalweg") {
        text += &format!("\n{}", code(config)?);
    }
    let line =
        serde_json::json!({ "quantile": name, "limit_ns": limit_ns, "rate_per_s": best.rate_per_s, "configuration": best.candidate });
    keeper.into_inner().finish(&[("tune.jsonl", format!("{line}\n"))])?;
    Ok((text, true))
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
