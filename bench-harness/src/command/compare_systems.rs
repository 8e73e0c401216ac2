//! `thalweg-bench compare-systems`: frameworks beside each other on the same work.

use std::{path::PathBuf, process::ExitCode, time::Duration};

use clap::{Args, builder::PossibleValuesParser};
use thalweg_bench::{
    load::{Inject, Shape},
    process::{self, Session},
    quantity::{self, Rate},
    report::{
        folder::Results,
        page,
        systems::{CONTENDERS, FIRST_RESULT},
    },
    run::{
        environment::Environment,
        estimate::{self, Estimate},
        matrix::{Matrix, Size, WAITS},
        once::Surroundings,
    },
    system::{self, Generator},
    workload,
};

use super::{
    EXIT_FAILED, Format,
    execute::{Plan, execute},
    expand, print, runnable_names, unique, usage,
};

pub(crate) const EXAMPLES: &str = "\
Examples:
  scripts/peers build                                      Flink and the LMAX Disruptor; needs Java and Maven
  cargo run --release --features peers -- compare-systems  all of it: results/comparison, with its page report.html
  scripts/first-result                                     how long each takes from a clone to a result, for the page
  thalweg-bench compare-systems ysb wordcount --system flink,flink-sql --cores 2
  thalweg-bench compare-systems q5 q8 --repeats 3 --duration 0.5s --out target/queries

Systems that are not there (not built, or built without the feature `peers`) are named and left out. Each repeat has a process of its own, in which
the system is warm before it is measured: that of a JVM takes longer than the run. Of each system the variant that does best is compared; what a
newcomer would run stands beside it. bench-harness/FAIRNESS.md says how each one is configured, and why.

Exit code: 0 if every run gave the right output, 1 if one did not, 2 if the command line was wrong.";

/// What is compared if nothing is named: the synthetic work, then the queries that other frameworks can express.
const WORKLOADS: [&str; 9] = ["stateless", "tumbling", "sliding", "session", "disorder", "join", "ysb", "wordcount", "flights"];
const QUERIES: [&str; 20] =
    ["q0", "q1", "q2", "q3", "q4", "q5", "q7", "q8", "q9", "q11", "q12", "q14", "q15", "q16", "q17", "q18", "q19", "q20", "q22", "q23"];
const HOPS: [&str; 2] = ["hop", "hop64"];

/// Variants that are there to show what a setting costs: on some work, on as many cores as there are.
const VARIANTS: [&str; 2] = ["flink-newcomer", "flink-checkpoints"];
const OF_VARIANTS: [&str; 4] = ["stateless", "tumbling", "ysb", "wordcount"];
/// Flink's other forms; `flink` itself takes the fastest of each workload.
const ON_REQUEST: [&str; 2] = ["flink-plain", "flink-sql"];

/// Seconds that a run in a virtual machine takes beside the run: its start, and until its code is compiled.
const JVM_S: f64 = 14.0;

/// The rates at which latencies are compared.
const RATES: [f64; 2] = [1e5, 1e6];

#[derive(Args)]
pub(crate) struct CompareSystemsArgs {
    /// Workloads; all that can be compared if none is named
    #[arg(value_name = "WORKLOAD", value_parser = PossibleValuesParser::new(runnable_names()))]
    workloads: Vec<String>,
    /// Systems beside thalweg; all that are there if none is named
    #[arg(long, value_delimiter = ',', value_parser = PossibleValuesParser::new(known()))]
    system: Vec<String>,
    /// Cores to use [default: 1,2]
    #[arg(long, value_delimiter = ',', value_parser = quantity::count, value_name = "N")]
    cores: Vec<u64>,
    /// About how long a measured run takes
    #[arg(long, value_parser = quantity::seconds, default_value = "1s", value_name = "S")]
    duration: f64,
    /// Measured runs of each system on each workload; five give an interval
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=100))]
    repeats: u32,
    /// Folder for the results and the page; must not hold rows yet
    #[arg(long, default_value = "results/comparison", value_name = "DIR")]
    out: PathBuf,
    /// What `scripts/first-result` measured, to be shown with the rest; passed over if it is not there
    #[arg(long, default_value = "target/first-result.json", value_name = "FILE")]
    first_result: PathBuf,
    /// A run that takes longer has failed
    #[arg(long, value_parser = quantity::seconds, default_value = "120s", value_name = "S")]
    timeout: f64,
}

/// Every variant of every contender.
fn known() -> Vec<&'static str> {
    CONTENDERS.iter().flat_map(|contender| contender.systems).copied().collect()
}

pub(crate) fn run(arguments: &CompareSystemsArgs) -> ExitCode {
    let environment = Environment::read();
    let usable = environment.usable_cores();
    let cores: Vec<usize> = match unique(&arguments.cores).as_slice() {
        [] => vec![1, 2],
        given => given.iter().map(|cores| *cores as usize).collect(),
    };
    if let Some(cores) = cores.iter().find(|cores| **cores > usable) {
        return usage(&format!("--cores {cores}: this process may use {usable}"));
    }
    let wanted = match arguments.system.as_slice() {
        [] => known().into_iter().filter(|name| !ON_REQUEST.contains(name)).map(str::to_owned).collect(),
        named => unique(named),
    };
    let (there, missing) = available(&wanted);
    for (reason, systems) in &missing {
        eprintln!("left out: {}: {reason}", systems.join(", "));
    }
    if there.is_empty() {
        return usage("none of the systems is there, so there is nothing to compare");
    }
    let systems: Vec<String> = std::iter::once("thalweg".to_owned()).chain(there).collect();
    let matrices = matrices(arguments, systems, &cores);
    let floor = Duration::from_millis(20);
    match estimate::estimate(&system::all(), &workload::prepare, &matrices, floor) {
        Ok(estimate) => eprintln!("comparison: {}", with_processes(estimate, &matrices)),
        Err(error) => return usage(&error),
    }
    let plan = Plan {
        matrices,
        baselines: Vec::new(),
        format: Format::Table,
        out: Some(arguments.out.clone()),
        around: Surroundings { floor, limit: Duration::from_secs_f64(arguments.timeout) },
        fresh: true,
        budget: None,
        tells_refusals: false,
    };
    let status = execute(plan, environment);
    if arguments.out.is_dir() && arguments.first_result.is_file() {
        let to = arguments.out.join(FIRST_RESULT);
        if let Err(error) = std::fs::copy(&arguments.first_result, &to) {
            eprintln!("warning: {} cannot be copied to {}: {error}", arguments.first_result.display(), to.display());
        }
    }
    let page = arguments.out.join("report.html");
    match Results::read(&arguments.out).map(|results| std::fs::write(&page, page::page(&[results]))) {
        Ok(Ok(())) => print(&format!("{}\n", page.display())),
        Ok(Err(error)) => {
            eprintln!("error: {} cannot be written: {error}", page.display());
            return ExitCode::from(EXIT_FAILED);
        }
        // There was nothing to run, which was told.
        Err(_) => return status,
    };
    status
}

/// Those of `wanted` that can be run here; and the others by the reason why not.
fn available(wanted: &[String]) -> (Vec<String>, Vec<(String, Vec<String>)>) {
    let inside: Vec<&str> = system::all().iter().map(|system| system.name()).collect();
    let described = process::names();
    let mut there = Vec::new();
    let mut missing: Vec<(String, Vec<String>)> = Vec::new();
    for name in wanted {
        let looked = if inside.contains(&name.as_str()) {
            Ok(())
        } else if described.contains(name) {
            process::all(std::slice::from_ref(name)).and_then(|peers| {
                let starts = |peer: &process::Peer| Session::start(peer).map(drop).map_err(|failure| failure.to_string());
                peers.iter().try_for_each(starts)
            })
        } else {
            Err("this program was built without the feature `peers`: cargo run --release --features peers -- …".to_owned())
        };
        match looked {
            Ok(()) => there.push(name.clone()),
            Err(reason) => match missing.iter_mut().find(|(known, _)| *known == reason) {
                Some((_, systems)) => systems.push(name.clone()),
                None => missing.push((reason, vec![name.clone()])),
            },
        }
    }
    (there, missing)
}

/// Adds the runs of processes, which no one knows beforehand to be refused: at most so many, in at most so long.
fn with_processes(estimate: Estimate, matrices: &[Matrix]) -> String {
    let described = process::names();
    let cells = |matrix: &Matrix| {
        let cells = matrix.workloads.iter().flat_map(|workload| matrix.cells(workload));
        cells.filter(|cell| described.contains(&cell.system)).count() as u64 * u64::from(matrix.repeats)
    };
    let runs: u64 = matrices.iter().map(cells).sum();
    let time = estimate.time.map(|time| time + Duration::from_secs_f64(runs as f64 * JVM_S));
    format!("{}{}", if runs > 0 { "at most " } else { "" }, Estimate { runs: estimate.runs + runs, time })
}

/// Throughput on each number of cores; hops, which need two; and latency at fixed rates from a source over a hop to a sink.
fn matrices(arguments: &CompareSystemsArgs, systems: Vec<String>, cores: &[usize]) -> Vec<Matrix> {
    let all = || WORKLOADS.iter().chain(&QUERIES).chain(&HOPS).map(|name| (*name).to_owned()).collect();
    let workloads: Vec<String> = if arguments.workloads.is_empty() { all() } else { expand(&arguments.workloads) };
    let is_in = |names: &'static [&str]| move |name: &&String| names.contains(&name.as_str());
    // Who names systems means them, wherever they can run.
    let is_variant = |name: &&String| arguments.system.is_empty() && VARIANTS.contains(&name.as_str());
    let usual: Vec<String> = systems.iter().filter(|name| !is_variant(name)).cloned().collect();
    let hops: Vec<String> = workloads.iter().filter(is_in(&HOPS)).cloned().collect();
    let paced: Vec<String> = hops.iter().filter(|name| *name == HOPS[0]).cloned().collect();
    let (with_variants, others): (Vec<String>, Vec<String>) =
        workloads.into_iter().filter(|name| !hops.contains(name)).partition(|name| OF_VARIANTS.contains(&name.as_str()));
    let work = Matrix {
        workloads: with_variants,
        systems,
        cores: cores.to_vec(),
        batches: vec![2048],
        rings: vec![256 << 10],
        waits: vec![WAITS[0].0.to_owned()],
        rates: vec![None],
        shapes: vec![Shape::Constant],
        generators: vec![Generator::Thread],
        inject: Inject::default(),
        size: Size::Seconds(arguments.duration),
        repeats: arguments.repeats,
        seed: 42,
        block_bytes: workload::Spec::BLOCK_BYTES,
        input: None,
    };
    let others = Matrix { workloads: others, systems: usual, ..work.clone() };
    let hops = Matrix { workloads: hops, cores: vec![2], batches: vec![256], ..others.clone() };
    let paced = Matrix { workloads: paced, rates: RATES.map(|rate| Some(Rate::PerSecond(rate))).to_vec(), ..hops.clone() };
    let two = cores.contains(&2);
    let all = [Some(work), Some(others), two.then_some(hops), two.then_some(paced)];
    all.into_iter().flatten().filter(|matrix| !matrix.workloads.is_empty()).collect()
}
