//! The quick suite: what runs without arguments.

use std::{
    process::ExitCode,
    time::{Duration, SystemTime},
};

use thalweg_bench::{
    load::{Inject, Shape},
    quantity::Rate,
    report::folder,
    run::{
        environment::Environment,
        matrix::{Matrix, Size, WAITS},
        once::Surroundings,
    },
    system::{self, Generator},
    workload,
};

use super::{
    Format,
    execute::{Plan, execute},
    run::by_kind,
    workload_names,
};

/// Time for the quick suite, the inputs included; two minutes are promised.
const QUICK_BUDGET: Duration = Duration::from_secs(100);

/// The quick suite: everything, briefly, into a folder under `results/`.
pub(crate) fn run() -> ExitCode {
    let environment = Environment::read();
    let cores = environment.usable_cores();
    let matrix = Matrix {
        workloads: workload_names().into_iter().map(str::to_owned).collect(),
        systems: system::all().iter().map(|system| system.name().to_owned()).collect(),
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
    let path = folder::default_path(&environment, SystemTime::now());
    let floor = Duration::from_millis(20);
    let plan = Plan {
        matrices,
        baselines: Vec::new(),
        format: Format::Table,
        out: Some(path),
        around: Surroundings { floor, limit: Duration::from_secs(60) },
        budget: Some(QUICK_BUDGET),
        fresh: false,
        tells_refusals: false,
    };
    execute(plan, environment)
}
