//! `thalweg-bench run`: a matrix of runs.

use std::{path::PathBuf, process::ExitCode, time::Duration};

use clap::{Args, ValueEnum, builder::PossibleValuesParser};
use thalweg_bench::{
    load::{Inject, Shape, schedule::recorded_rate},
    measure::alloc,
    process,
    quantity::{self, Rate},
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
    expand, floor_length, runnable_names, system_names, unique, usage, wait_names, workload_names,
};

pub(crate) const EXAMPLES: &str = "\
Examples:
  thalweg-bench                                    the quick suite: every workload and system, under two minutes
  thalweg-bench run hop --system thalweg,rtrb      two systems side by side, on the same input
  thalweg-bench run ysb --cores 1,2 --repeats 5    one core against two
  thalweg-bench run hop --rate 100k --duration 2   open loop: latency at 100,000 records a second
  thalweg-bench run hop --rate 0.5x                the same at half of what each system can do
  thalweg-bench run tumbling --rate 4M --schedule poisson   how late results are, under random arrivals
  thalweg-bench run tumbling --batch 64,256,2048 --ring 64KiB,256KiB,1MiB
  thalweg-bench run hop --fresh --inject stall=5ms@1/s --rate 100k   a negative control: the stall is named
  thalweg-bench run hop --cores 1 --system hand,reference            a process of another language (PROTOCOL.md)
  thalweg-bench run nexmark --system thalweg       all queries of a suite, and their total
  thalweg-bench run nexmark --source inline        the same over events that are made on the way
  thalweg-bench run tumbling --keys 10,1k,100k,10M what a record costs by the number of keys
  thalweg-bench generate nexmark --events 1M -o events.jsonl
  thalweg-bench query q5 --input events.jsonl --output q5.jsonl
  thalweg-bench list options                       what can be chosen, and what it means

Exit code: 0 if every run gave the right output, 1 if one did not, 2 if the command line was wrong.";

/// Most workers for each core.
const SHARED_MAX: u64 = 8;

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum AllocatorName {
    Mimalloc,
    System,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum SourceName {
    /// A block in memory, again and again: what is measured is the query
    Replay,
    /// A generator, as they are read: its time counts
    Inline,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum GeneratorName {
    /// A thread of the process under test, on a core of its own
    Thread,
    /// A process of its own, which hands records over through a socket
    Process,
}

impl From<GeneratorName> for Generator {
    fn from(name: GeneratorName) -> Generator {
        match name {
            GeneratorName::Thread => Generator::Thread,
            GeneratorName::Process => Generator::Process,
        }
    }
}

#[derive(Args)]
pub(crate) struct RunArgs {
    /// Workloads; all but the suites if none is named; `nexmark` and `flights` stand for all of their queries
    #[arg(value_name = "WORKLOAD", value_parser = PossibleValuesParser::new(runnable_names()))]
    workloads: Vec<String>,
    /// Where the events of Nexmark come from
    #[arg(long, value_enum, default_value_t = SourceName::Replay)]
    source: SourceName,
    /// Numbers of keys of `tumbling`: 10, 100, … 10M, each a line of the curve; the suite `tumbling-keys` is all of them
    #[arg(long, value_delimiter = ',', value_parser = quantity::count, value_name = "N")]
    keys: Vec<u64>,
    /// Systems; all of this program that accept the work if none is named; others are processes (list systems)
    #[arg(long, value_delimiter = ',', value_parser = PossibleValuesParser::new(system_names()))]
    system: Vec<String>,
    /// Cores to use
    #[arg(long, value_delimiter = ',', value_parser = quantity::count, value_name = "N", help = "Cores to use [default: 1, and 2 for hops]")]
    cores: Vec<u64>,
    /// Let --cores ask for more workers than there are cores: they share them, as the kernel decides
    #[arg(long)]
    oversubscribe: bool,
    /// Records per run: 10M, 1e7
    #[arg(long, value_parser = quantity::count, conflicts_with = "duration", value_name = "N")]
    events: Option<u64>,
    #[arg(long, value_parser = quantity::seconds, value_name = "S", help = "About how long a run takes; finds the number of records by a probe [default: 0.5s, with --rate 2s]")]
    duration: Option<f64>,
    /// Open loop at this many records a second, or at a share of the same configuration's closed loop: 100k, 1e6, 0.5x
    #[arg(long, value_delimiter = ',', value_parser = quantity::rate, value_name = "R")]
    rate: Vec<Rate>,
    /// How arrivals are spread: constant, poisson, bursts=10ms/100ms, ramp=0.1..1.9, trace=FILE (one arrival a line, in ns)
    #[arg(long, value_delimiter = ',', default_value = "constant", value_name = "S")]
    schedule: Vec<Shape>,
    /// Who makes the records of an open loop
    #[arg(long, value_enum, value_delimiter = ',', default_value = "thread")]
    generator: Vec<GeneratorName>,
    /// Run every repeat in a process of its own, after a short warm-up in it
    #[arg(long)]
    fresh: bool,
    /// Break something on purpose, to see that it is noticed: stall=5ms@1/s, loss=1, slow=20%; what stops a process has --fresh in it
    #[arg(long, value_name = "WHAT")]
    inject: Option<Inject>,
    /// Records per batch
    #[arg(long, value_delimiter = ',', value_parser = quantity::count, value_name = "N", help = "Records per batch [default: 2048, and 256 for hops]")]
    batch: Vec<u64>,
    /// Bytes per ring: 256KiB, 1MiB
    #[arg(long, value_delimiter = ',', value_parser = quantity::bytes, default_value = "256KiB", value_name = "BYTES")]
    ring: Vec<usize>,
    /// Wait strategy
    #[arg(long, value_delimiter = ',', value_parser = PossibleValuesParser::new(wait_names()), default_value = WAITS[0].0)]
    wait: Vec<String>,
    /// Measured runs of each cell
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=1000))]
    repeats: u32,
    /// Seed of the input
    #[arg(long, default_value = "42", value_parser = quantity::seed)]
    seed: u64,
    /// Systems that the others are compared with [default: hand, else rtrb]
    #[arg(long, value_delimiter = ',', value_parser = PossibleValuesParser::new(system_names()))]
    baseline: Vec<String>,
    /// How results are printed
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
    /// Folder for rows, histograms, environment and summary; must not hold rows yet
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// The process's allocator
    #[arg(long, value_enum, default_value_t = AllocatorName::Mimalloc)]
    allocator: AllocatorName,
    /// Bytes of the block that the input replays
    #[arg(long, value_parser = quantity::bytes, default_value_t = workload::Spec::BLOCK_BYTES, value_name = "BYTES")]
    block: usize,
    /// A file to read in place of the workload's own (flights)
    #[arg(long, value_name = "FILE")]
    input: Option<PathBuf>,
    /// How long to spin for the stall floor before and after each run; 0ms to leave it out
    #[arg(long, value_parser = floor_length, default_value = "50ms", value_name = "S")]
    floor: f64,
    /// A run that takes longer has failed
    #[arg(long, value_parser = quantity::seconds, default_value = "120s", value_name = "S")]
    timeout: f64,
}

pub(crate) fn run(arguments: &RunArgs) -> ExitCode {
    let wants_system = arguments.allocator == AllocatorName::System;
    if wants_system != (alloc::name() == "system") {
        return restart_with(if wants_system { "system" } else { "mimalloc" });
    }
    let environment = Environment::read();
    let usable = environment.usable_cores();
    let most = if arguments.oversubscribe { usable as u64 * SHARED_MAX } else { usable as u64 };
    if let Some(cores) = arguments.cores.iter().find(|cores| **cores > most) {
        return usage(&format!(
            "--cores {cores}: this process may use {usable} (its affinity mask, and the time that its control group grants); with \
             --oversubscribe up to {SHARED_MAX} workers may share each"
        ));
    }
    if arguments.generator.contains(&GeneratorName::Process) {
        let peers = process::names();
        let is_apart = arguments.fresh || arguments.system.iter().any(|system| peers.contains(system));
        if is_apart || arguments.rate.is_empty() && arguments.schedule == [Shape::Constant] {
            return usage("--generator process: for systems of this program, in this process (no --fresh), in an open loop (--rate)");
        }
    }
    let inject = arguments.inject.unwrap_or_default();
    let rates = match rates(arguments) {
        Ok(rates) => rates,
        Err(wrong) => return usage(&wrong),
    };
    let workloads = match chosen(arguments) {
        Ok(workloads) => workloads,
        Err(why) => return usage(&why),
    };
    let named =
        |given: &[String], all: Vec<&str>| if given.is_empty() { all.into_iter().map(str::to_owned).collect() } else { unique(given) };
    let all_systems = system::all();
    // A stall of 20 ms, which virtual machines have, is 1 % of two seconds: as much as the model lets an open loop miss.
    let seconds = arguments.duration.unwrap_or(if rates == [None] { 0.5 } else { 2.0 });
    let matrix = Matrix {
        workloads: named(&expand(&workloads), workload_names()),
        systems: named(&arguments.system, all_systems.iter().map(|system| system.name()).collect()),
        cores: unique(&arguments.cores).iter().map(|cores| *cores as usize).collect(),
        batches: unique(&arguments.batch).iter().map(|batch| *batch as usize).collect(),
        rings: unique(&arguments.ring),
        waits: unique(&arguments.wait),
        rates,
        shapes: unique(&arguments.schedule),
        generators: unique(&arguments.generator).into_iter().map(Generator::from).collect(),
        inject,
        size: arguments.events.map_or(Size::Seconds(seconds), Size::Events),
        repeats: arguments.repeats,
        seed: arguments.seed,
        block_bytes: arguments.block,
        input: arguments.input.clone(),
    };
    let matrices = by_kind(&matrix, usable);
    let plan = Plan {
        matrices,
        baselines: unique(&arguments.baseline),
        format: arguments.format,
        out: arguments.out.clone(),
        around: Surroundings { floor: Duration::from_secs_f64(arguments.floor), limit: Duration::from_secs_f64(arguments.timeout) },
        budget: None,
        fresh: arguments.fresh || inject.stops(),
        tells_refusals: !arguments.system.is_empty(),
    };
    execute(plan, environment)
}

/// The rates that were asked for; of a trace, where none was, that at which it was recorded.
fn rates(arguments: &RunArgs) -> Result<Vec<Option<Rate>>, String> {
    if !arguments.rate.is_empty() {
        return Ok(unique(&arguments.rate).into_iter().map(Some).collect());
    }
    match arguments.schedule.as_slice() {
        [Shape::Constant] => Ok(vec![None]),
        [Shape::Trace { file }] => Ok(vec![Some(Rate::PerSecond(recorded_rate(file)?))]),
        _ => Err("--schedule spreads the arrivals of an open loop: give a --rate, 100k or 0.5x for example".to_owned()),
    }
}

/// The workloads that were named, in the variants that were asked for.
fn chosen(arguments: &RunArgs) -> Result<Vec<String>, String> {
    let mut names = arguments.workloads.clone();
    if arguments.source == SourceName::Inline {
        let inline = |name: &String| match name.as_str() {
            workload::NEXMARK => workload::NEXMARK_INLINE.to_owned(),
            _ => format!("{name}-inline"),
        };
        let has_variant = |name: &String| runnable_names().contains(&inline(name).as_str());
        if !names.iter().any(has_variant) {
            return Err("--source inline is for nexmark and its queries: name one".to_owned());
        }
        names.iter_mut().filter(|name| has_variant(name)).for_each(|name| *name = inline(name));
    }
    if !arguments.keys.is_empty() {
        let parts: Vec<_> =
            workload::names().iter().filter_map(|info| workload::keys_of(info.name).map(|keys| (keys, info.name))).collect();
        let Some(at) = names.iter().position(|name| name == "tumbling") else {
            return Err("--keys is for tumbling: name it".to_owned());
        };
        let part = |keys: &u64| {
            let known = || parts.iter().map(|(keys, _)| keys.to_string()).collect::<Vec<_>>().join(", ");
            let found = parts.iter().find(|(have, _)| have == keys);
            found.map(|(_, name)| (*name).to_owned()).ok_or_else(|| format!("--keys {keys} is not there: choose among {}", known()))
        };
        let keyed = arguments.keys.iter().map(part).collect::<Result<Vec<_>, _>>()?;
        names.splice(at..=at, keyed);
    }
    Ok(names)
}

/// Gives what was left open its default: a hop is nothing but the way between two cores, and a batch of it has to fit a ring many times.
pub(crate) fn by_kind(matrix: &Matrix, usable: usize) -> Vec<Matrix> {
    let (hops, others): (Vec<_>, Vec<_>) = matrix.workloads.iter().cloned().partition(|name| name.starts_with("hop"));
    let or = |given: &Vec<usize>, default: usize| if given.is_empty() { vec![default] } else { given.clone() };
    let part = |workloads: Vec<String>, cores: usize, batch: usize| Matrix {
        workloads,
        cores: or(&matrix.cores, cores.min(usable)),
        batches: or(&matrix.batches, batch),
        ..matrix.clone()
    };
    [part(hops, 2, 256), part(others, 1, 2048)].into_iter().filter(|matrix| !matrix.workloads.is_empty()).collect()
}

/// Starts this program again with another allocator: it is chosen at the first allocation, before `main`.
fn restart_with(allocator: &str) -> ExitCode {
    let program = match std::env::current_exe() {
        Ok(program) => program,
        Err(e) => return usage(&format!("--allocator needs to start this program again, and its path is not known: {e}")),
    };
    let mut command = std::process::Command::new(program);
    // In its place: signals go to the one that runs.
    let error = std::os::unix::process::CommandExt::exec(command.args(std::env::args_os().skip(1)).env(alloc::VARIABLE, allocator));
    usage(&format!("--allocator needs to start this program again, which failed: {error}"))
}
