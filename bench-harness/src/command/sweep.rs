//! `thalweg-bench sweep`: every combination of options, resumable, with Pareto fronts.

use std::{fs, path::PathBuf, process::ExitCode};

use clap::Args;
use thalweg_bench::experiment::{campaign::Trial, summary, sweep::Sweep, trial};

use super::{
    EXIT_FAILED,
    experiment::{announce, begin, lines, told_partial},
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
    /// Folder for the rows, as they end, and points.jsonl (medians, fronts); a sweep that was cut off goes on in it
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
    let program = match &arguments.program {
        Some(program) => program.clone(),
        None => std::env::current_exe().map_err(|error| format!("the path of this program is not known: {error}"))?,
    };
    let (budget_s, runs) = (sweep.budget_s()?, sweep.runs(points.len()));
    announce(&format!("{} points, {} runs of {}", points.len(), runs.len(), sweep.duration), budget_s);
    let out = Some(arguments.out.as_path());
    let mut campaign = begin(&program, out, &sweep.asked(), budget_s, runs.len() as u64)?;
    let mut done = 0;
    for run in &runs {
        let values = &points[run.point];
        let trial = Trial { values, load: run.load.clone(), repeat: run.repeat, duration: &sweep.duration };
        if campaign.run(&trial, &format!("{} {}", trial::key(values), run.load.name()))?.is_none() {
            break;
        }
        done += 1;
    }
    let summary = summary::summarise(&points, campaign.entries());
    let mut text = summary::draw(&summary);
    if done < runs.len() {
        text += &format!("\n{} of {} runs are left\n", runs.len() - done, runs.len());
        text += &told_partial(campaign.over(), campaign.entries().len(), budget_s, out);
    }
    campaign.finish(&[("points.jsonl", lines(&summary))])?;
    Ok((text, done == runs.len() && summary.iter().all(|point| point.throughput.is_some())))
}
