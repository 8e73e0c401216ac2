//! The suites: the quick one, which runs without arguments, and the full one.

use std::{
    path::PathBuf,
    process::ExitCode,
    time::{Duration, SystemTime},
};

use clap::Args;
use thalweg_bench::{
    load::{Inject, Shape},
    quantity::Rate,
    report::folder,
    run::{
        environment::Environment,
        estimate,
        matrix::{Matrix, Size, WAITS},
        once::Surroundings,
    },
    system::{self, Generator},
    workload,
};

use super::{
    Format,
    execute::{Plan, execute},
    expand,
    run::by_kind,
    usage, workload_names,
};

/// Time for the quick suite, the inputs included; two minutes are promised.
const QUICK_BUDGET: Duration = Duration::from_secs(100);

/// The rates of the full suite's curves, as shares of what each system can do.
const LOADS: [f64; 8] = [0.1, 0.25, 0.5, 0.75, 0.9, 1.0, 1.1, 1.2];

#[derive(Args, Default)]
pub(crate) struct SuiteArgs {
    /// Longer runs, more repeats, Nexmark, and latency at 10 % to 120 % of what each system can do; says how long it takes before it starts
    #[arg(long)]
    full: bool,
    /// Folder for the results; must not hold any yet. By default one under results/ that is named after day, host and commit
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

/// A suite: everything, into a folder under `results/`.
pub(crate) fn run(arguments: SuiteArgs) -> ExitCode {
    let environment = Environment::read();
    let cores = environment.usable_cores();
    let matrix = Matrix {
        workloads: workload_names().into_iter().map(str::to_owned).collect(),
        systems: system::all().iter().map(|system| system.name()).filter(|name| !system::PEERS.contains(name)).map(str::to_owned).collect(),
        cores: if cores > 1 { vec![1, 2] } else { vec![1] },
        batches: Vec::new(),
        rings: vec![256 << 10],
        waits: vec![WAITS[0].0.to_owned()],
        rates: vec![None],
        shapes: vec![Shape::Constant],
        generators: vec![Generator::Thread],
        inject: Inject::default(),
        size: Size::Seconds(0.2),
        repeats: 3,
        seed: 42,
        block_bytes: workload::Spec::BLOCK_BYTES,
        input: None,
    };
    // Latency at a rate that every machine sustains, and at half of what each system can do.
    let open = Matrix {
        workloads: vec!["hop".to_owned(), "hop64".to_owned()],
        cores: vec![2],
        batches: vec![256],
        rates: vec![Some(Rate::PerSecond(1e5)), Some(Rate::OfClosedLoop(0.5))],
        size: Size::Seconds(0.5),
        ..matrix.clone()
    };
    // The latency of results: at 4 million records a second a window closes every quarter of one.
    let windowed =
        Matrix { workloads: vec!["tumbling".to_owned()], cores: vec![1], rates: vec![Some(Rate::PerSecond(4e6))], ..open.clone() };
    let mut matrices = by_kind(&matrix, cores);
    if cores > 1 {
        matrices.push(open);
    }
    matrices.push(windowed);
    let path = arguments.out.unwrap_or_else(|| folder::default_path(&environment, SystemTime::now()));
    let floor = Duration::from_millis(20);
    if arguments.full {
        matrices = matrices.into_iter().map(at_length).collect();
        match estimate::estimate(&system::all(), &workload::prepare, &matrices, floor) {
            Ok(estimate) => eprintln!("full suite: {estimate}"),
            Err(error) => return usage(&error),
        }
    }
    let plan = Plan {
        matrices,
        baselines: Vec::new(),
        format: Format::Table,
        out: Some(path),
        around: Surroundings { floor, limit: Duration::from_secs(60) },
        fresh: false,
        budget: (!arguments.full).then_some(QUICK_BUDGET),
        tells_refusals: false,
    };
    execute(plan, environment)
}

/// A part of the quick suite as the full one has it.
fn at_length(part: Matrix) -> Matrix {
    let is_open = part.rates.iter().any(Option::is_some);
    let rates = LOADS.map(|share| Some(Rate::OfClosedLoop(share)));
    let (size, repeats) = if is_open { (Size::Seconds(1.0), 3) } else { (Size::Seconds(0.5), 5) };
    let mut workloads = part.workloads.clone();
    // The queries run where the other work does, not where the hops do.
    if !is_open && !workloads.iter().any(|name| name.starts_with("hop")) {
        workloads.extend(expand(&[workload::NEXMARK.to_owned()]));
    }
    Matrix { rates: if is_open { rates.to_vec() } else { part.rates.clone() }, size, repeats, workloads, ..part }
}
