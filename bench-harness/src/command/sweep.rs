//! `thalweg-bench sweep`: every combination of options, resumable, with Pareto fronts.

use std::{
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
    time::{Duration, Instant},
};

use clap::Args;
use thalweg_bench::{
    experiment::{
        ledger::{Entry, Ledger},
        summary,
        sweep::Sweep,
        trial,
    },
    report::{
        compare::summarise,
        folder::{Definition, Folder},
    },
    run::environment::Environment,
};

use super::{
    EXIT_FAILED,
    experiment::{bar, lines},
    print, usage,
};

pub(crate) const EXAMPLES: &str = "\
A definition:
  repeats = 5            # runs of every point, in fresh processes [default: 5]
  duration = \"0.2s\"      # of a run [default: 0.2s]
  budget = \"10min\"       # for everything [default: as long as it takes]
  load = \"0.5x\"          # each point also in an open loop at this rate, for its p99 [default: closed loop only]
  [matrix]               # every combination is a point
  workload = [\"hop\"]
  system = [\"thalweg\", \"rtrb\"]
  batch = [64, 256, 1024]
  wait = [\"spin\", \"adaptive\"]

Options of a matrix: workload, system, cores, batch, ring, wait, allocator, schedule, generator, block, keys, seed, events, record_size (of hop: 8, 64),
placement (cores that the process may use, \"0,1\"), huge_pages (true: the allocator asks for them).

Examples:
  thalweg-bench sweep hop.toml --out results/hop-sweep
  thalweg-bench sweep hop.toml --out results/hop-sweep       again: goes on where it was stopped or its budget ended

Exit code: 0 if every point has figures, 1 if one has none, 2 if the definition or the folder cannot be used.";

#[derive(Args)]
pub(crate) struct SweepArgs {
    /// The definition
    #[arg(value_name = "FILE.toml")]
    definition: PathBuf,
    /// Folder for ledger.jsonl (every run as it ends), points.jsonl (medians, fronts) and results/ (the rows)
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// The build to run [default: this one]
    #[arg(long, value_name = "PATH")]
    program: Option<PathBuf>,
}

pub(crate) fn run(arguments: &SweepArgs) -> ExitCode {
    match sweep(arguments) {
        Ok((text, is_whole)) => {
            let shown = print(&text);
            if is_whole { shown } else { ExitCode::from(EXIT_FAILED) }
        }
        Err(why) => usage(&why),
    }
}

fn sweep(arguments: &SweepArgs) -> Result<(String, bool), String> {
    let named = |why: String| format!("{}: {why}", arguments.definition.display());
    let text = fs::read_to_string(&arguments.definition).map_err(|error| named(error.to_string()))?;
    let sweep = Sweep::parse(&text).map_err(named)?;
    let points = sweep.points().map_err(named)?;
    let keys: Vec<String> = points.iter().map(trial::key).collect();
    let program = match &arguments.program {
        Some(program) => program.clone(),
        None => std::env::current_exe().map_err(|error| format!("the path of this program is not known: {error}"))?,
    };
    fs::create_dir_all(&arguments.out).map_err(|error| format!("{}: {error}", arguments.out.display()))?;
    let mut ledger = Ledger::open(&arguments.out.join("ledger.jsonl"), &sweep)?;
    let budget_s = sweep.budget_s()?.unwrap_or(f64::INFINITY);
    let mut runs = sweep.runs(points.len());
    let all = runs.len();
    runs.retain(|run| !ledger.has(&keys[run.point], run.repeat, run.load.name()));
    if runs.len() < all {
        eprintln!("goes on: {} of {all} runs are done", all - runs.len());
    }
    let bar = bar(all as u64).with_position((all - runs.len()) as u64).with_elapsed(Duration::from_secs_f64(ledger.took_s()));
    let mut left = runs.len();
    for run in &runs {
        let mean_s = ledger.took_s() / ledger.entries().len().max(1) as f64;
        if ledger.took_s() + mean_s > budget_s {
            break;
        }
        bar.set_message(format!("{} {}", keys[run.point], run.load.name()));
        let start = Instant::now();
        let ran = trial::child(&program, &points[run.point], &run.load, &sweep.duration)?.run();
        let (mut rows, error) = match ran {
            Ok(rows) => (rows, None),
            Err(why) => (Vec::new(), Some(why)),
        };
        rows.iter_mut().for_each(|row| row.repeat = run.repeat);
        let (point, load) = (keys[run.point].clone(), run.load.name().to_owned());
        let entry = Entry { point, repeat: run.repeat, load, took_s: start.elapsed().as_secs_f64(), rows, error };
        ledger.add(entry).map_err(|error| format!("the ledger cannot be written: {error}"))?;
        left -= 1;
        bar.inc(1);
    }
    bar.finish_and_clear();

    let summary = summary::summarise(&points, ledger.entries());
    let kept = keep(&arguments.out, &sweep, &ledger)
        .and_then(|()| fs::write(arguments.out.join("points.jsonl"), lines(&summary)).map_err(|error| error.to_string()));
    kept.map_err(|why| format!("{}: {why}", arguments.out.display()))?;
    let mut text = summary::draw(&summary);
    if left > 0 {
        text += &format!("\nthe budget is used up: {left} of {all} runs are left; a larger one goes on with them\n");
    }
    Ok((text, left == 0 && summary.iter().all(|point| point.throughput.is_some())))
}

/// Writes the rows as a result folder, in place of what an earlier invocation left: the ledger is what lasts.
fn keep(out: &Path, sweep: &Sweep, ledger: &Ledger) -> Result<(), String> {
    let io = |error: std::io::Error| error.to_string();
    let rows: Vec<_> = ledger.entries().iter().flat_map(|entry| entry.rows.clone()).collect();
    if rows.is_empty() {
        return Ok(());
    }
    let (new, old) = (out.join("results.new"), out.join("results"));
    if new.exists() {
        fs::remove_dir_all(&new).map_err(io)?;
    }
    let environment = Environment::read();
    let asked = serde_json::json!({ "experiment": "sweep", "sweep": sweep });
    let mut folder = Folder::create(&new, &environment, Definition::new(std::env::args().collect(), asked)).map_err(io)?;
    rows.iter().try_for_each(|row| folder.row(row, [])).map_err(io)?;
    folder.finish(&rows, &summarise(&rows, &[]), &environment).map_err(io)?;
    if old.exists() {
        fs::remove_dir_all(&old).map_err(io)?;
    }
    fs::rename(&new, &old).map_err(io)
}
