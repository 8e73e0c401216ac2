//! `thalweg-bench`: the command line.
#![deny(unsafe_code)]

mod command;

use std::{
    io::{IsTerminal, Write},
    path::PathBuf,
    process::ExitCode,
    time::{Duration, SystemTime},
};

use clap::{
    Args, Parser, Subcommand, ValueEnum,
    builder::{PossibleValue, PossibleValuesParser},
};
use hdrhistogram::Histogram;
use indicatif::{ProgressBar, ProgressStyle};
use thalweg_bench::{
    calibrate,
    measure::alloc,
    quantity::{self, Rate},
    report::{
        compare, csv,
        folder::{self, Folder},
        row::Row,
        table::{self, Look},
    },
    run::{
        environment::{self, Environment},
        matrix::{Cell, Matrix, Size, WAITS},
        once::Surroundings,
        phases::{self, Bench, Observer, Stopped},
        selftest::{BROKEN, Broken},
    },
    system::{self, System},
    workload,
};

#[global_allocator]
static ALLOCATOR: alloc::Switch = alloc::Switch;

/// A run's output was wrong, or it failed otherwise.
const EXIT_FAILED: u8 = 1;
/// The command line asks for what there is not.
const EXIT_USAGE: u8 = 2;

/// Time for the quick suite, the inputs included; two minutes are promised.
const QUICK_BUDGET: Duration = Duration::from_secs(100);

const EXAMPLES: &str = "\
Examples:
  thalweg-bench                                    the quick suite: every workload and system, under two minutes
  thalweg-bench run hop --system thalweg,rtrb      two systems side by side, on the same input
  thalweg-bench run ysb --cores 1,2 --repeats 5    one core against two
  thalweg-bench run hop --rate 100k --duration 2   open loop: latency at 100,000 records a second
  thalweg-bench run hop --rate 0.5x                the same at half of what each system can do
  thalweg-bench run tumbling --batch 64,256,2048 --ring 64KiB,256KiB,1MiB
  thalweg-bench run nexmark --system thalweg       all queries of a suite
  thalweg-bench generate nexmark --events 1M -o events.jsonl
  thalweg-bench query q5 --input events.jsonl --output q5.jsonl
  thalweg-bench list options                       what can be chosen, and what it means

Exit code: 0 if every run gave the right output, 1 if one did not, 2 if the command line was wrong.";

#[derive(Parser)]
#[command(name = "thalweg-bench", version, about = "Throughput and tail latency of stream systems, with checked output", after_help = EXAMPLES)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Run workloads on systems; lists of values make a matrix
    #[command(after_help = EXAMPLES)]
    Run(Box<RunArgs>),
    /// Write a workload's input to a file, for other systems to read
    #[command(after_help = command::generate::EXAMPLES)]
    Generate(Box<command::generate::GenerateArgs>),
    /// Run a query of Nexmark over a file of events and write its rows
    #[command(after_help = command::query::EXAMPLES)]
    Query(command::query::QueryArgs),
    /// Say what there is to choose from
    List {
        #[arg(value_enum)]
        what: Listed,
    },
    /// Measure the machine: clocks, round trip between cores, bandwidths, stalls
    Calibrate {
        #[arg(long, value_enum, default_value_t = Format::Table)]
        format: Format,
        /// How long to watch each core for stalls
        #[arg(long, default_value = "1s", value_parser = quantity::seconds)]
        watch: f64,
    },
}

#[derive(Clone, Copy, ValueEnum)]
enum Listed {
    Workloads,
    Systems,
    Options,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people
    Table,
    /// One JSON object a line
    Json,
    /// One line a run, with a header
    Csv,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum AllocatorName {
    Mimalloc,
    System,
}

#[derive(Args)]
struct RunArgs {
    /// Workloads; all but the suites if none is named; `nexmark` stands for all of its queries
    #[arg(value_name = "WORKLOAD", value_parser = PossibleValuesParser::new(runnable_names()))]
    workloads: Vec<String>,
    /// Systems; all that accept the work if none is named
    #[arg(long, value_delimiter = ',', value_parser = PossibleValuesParser::new(system_names()))]
    system: Vec<String>,
    /// Cores to use
    #[arg(long, value_delimiter = ',', value_parser = quantity::count, value_name = "N", help = "Cores to use [default: 1, and 2 for hops]")]
    cores: Vec<u64>,
    /// Records per run: 10M, 1e7
    #[arg(long, value_parser = quantity::count, conflicts_with = "duration", value_name = "N")]
    events: Option<u64>,
    #[arg(long, value_parser = quantity::seconds, value_name = "S", help = "About how long a run takes; finds the number of records by a probe [default: 0.5s, with --rate 2s]")]
    duration: Option<f64>,
    /// Open loop at this many records a second, or at a share of the same configuration's closed loop: 100k, 1e6, 0.5x
    #[arg(long, value_delimiter = ',', value_parser = quantity::rate, value_name = "R")]
    rate: Vec<Rate>,
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

/// A length of time that may be zero.
fn floor_length(text: &str) -> Result<f64, String> {
    if ["0", "0s", "0ms"].contains(&text) { Ok(0.0) } else { quantity::seconds(text) }
}

/// The workloads that stand by themselves.
fn workload_names() -> Vec<&'static str> {
    workload::names().iter().filter(|info| info.suite.is_none()).map(|info| info.name).collect()
}

/// All that `run` takes: workloads, suites, and the parts of suites.
fn runnable_names() -> Vec<&'static str> {
    let parts = workload::names().iter().filter(|info| info.suite.is_some()).map(|info| info.name);
    workload_names().into_iter().chain([workload::NEXMARK]).chain(parts).collect()
}

/// Puts its parts in the place of a suite.
fn expand(names: &[String]) -> Vec<String> {
    let parts = |suite: &str| workload::names().iter().filter(|info| info.suite == Some(suite)).map(|info| info.name.to_owned()).collect();
    let expanded = |name: &String| if name == workload::NEXMARK { parts(name) } else { vec![name.clone()] };
    names.iter().flat_map(expanded).collect()
}

fn wait_names() -> Vec<&'static str> {
    WAITS.iter().map(|(name, _)| *name).collect()
}

/// The systems by name; the one that is wrong on purpose is accepted but not listed.
fn system_names() -> Vec<PossibleValue> {
    let names = system::all().into_iter().map(|system| PossibleValue::new(system.name()));
    names.chain([PossibleValue::new(BROKEN).hide(true)]).collect()
}

fn main() -> ExitCode {
    match Cli::parse().command {
        None => quick(),
        Some(Command::Run(arguments)) => run(&arguments),
        Some(Command::Generate(arguments)) => command::generate::run(*arguments),
        Some(Command::Query(arguments)) => command::query::run(arguments),
        Some(Command::List { what }) => print(&list(what)),
        Some(Command::Calibrate { format, watch }) => calibrate(format, Duration::from_secs_f64(watch)),
    }
}

/// Prints, and does not mind a reader that has gone away (`| head`).
fn print(text: &str) -> ExitCode {
    let written = std::io::stdout().write_all(text.as_bytes()).and_then(|()| std::io::stdout().flush());
    if written.is_ok() { ExitCode::SUCCESS } else { ExitCode::from(EXIT_FAILED) }
}

fn usage(message: &str) -> ExitCode {
    eprintln!("error: {message}\n\nFor more information, try '--help'.");
    ExitCode::from(EXIT_USAGE)
}

fn list(what: Listed) -> String {
    match what {
        Listed::Workloads => {
            let line = |info: &workload::WorkloadInfo| {
                let loops = if info.open_loop { "closed and open loop" } else { "closed loop" };
                format!("{:<20}{}; about {} bytes each; {loops}\n", info.name, info.summary, info.event_bytes)
            };
            workload::names().iter().map(line).collect()
        }
        Listed::Systems => system::all().iter().map(|system| format!("{}\n", system.name())).collect(),
        Listed::Options => {
            let mut text = String::from("--wait\n");
            text.extend(WAITS.iter().map(|(name, what)| format!("  {name:<12}{what}\n")));
            text += "--rate\n  100k        open loop at 100,000 records a second\n  0.5x        at half of what the same configuration reaches in a closed loop\n";
            text += "--batch\n  64 to 2048  records that move as a unit; larger ones are faster and wait longer to fill\n";
            text += "--ring\n  256KiB to 1MiB and at least 16 batches; smaller starves, larger than the L2 cache is slower\n";
            text += "--allocator\n  mimalloc    the default\n  system      the C library's\n";
            text += "--format\n  table, json (one line a run, schema in results/README.md), csv\n";
            text += "--baseline\n  systems to divide by, paired by repeat; closed loop: rates, open loop: medians of the latency\n";
            text
        }
    }
}

fn calibrate(format: Format, watch: Duration) -> ExitCode {
    let bar = ProgressBar::new_spinner();
    let calibration = calibrate::calibrate(Environment::read(), watch, |what| {
        bar.set_message(what.to_owned());
        bar.tick();
    });
    bar.finish_and_clear();
    match format {
        Format::Table => print(&calibration.to_table()),
        Format::Json => print(&(serde_json::to_string(&calibration).expect("strings and numbers have a JSON form") + "\n")),
        Format::Csv => usage("calibrate prints a table or json, not csv"),
    }
}

/// The quick suite: everything, briefly, into a folder under `results/`.
fn quick() -> ExitCode {
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
        size: Size::Seconds(0.2),
        repeats: 3,
        seed: 42,
        block_bytes: workload::Spec::BLOCK_BYTES,
        input: None,
    };
    // Latency at a rate that every machine sustains, and at half of what each system can do.
    let open = Matrix {
        workloads: workload::names().iter().filter(|info| info.open_loop).map(|info| info.name.to_owned()).collect(),
        cores: vec![2],
        batches: vec![256],
        rates: vec![Some(Rate::PerSecond(1e5)), Some(Rate::OfClosedLoop(0.5))],
        size: Size::Seconds(0.5),
        ..matrix.clone()
    };
    let mut matrices = by_kind(&matrix, cores);
    if cores > 1 && !open.workloads.is_empty() {
        matrices.push(open);
    }
    let path = folder::default_path(&environment, SystemTime::now());
    let floor = Duration::from_millis(20);
    let plan = Plan {
        matrices,
        baselines: Vec::new(),
        format: Format::Table,
        out: Some(path),
        around: Surroundings { floor, limit: Duration::from_secs(60) },
        budget: Some(QUICK_BUDGET),
        tells_refusals: false,
    };
    execute(plan, environment)
}

fn run(arguments: &RunArgs) -> ExitCode {
    let wants_system = arguments.allocator == AllocatorName::System;
    if wants_system != (alloc::name() == "system") {
        return restart_with(if wants_system { "system" } else { "mimalloc" });
    }
    let environment = Environment::read();
    let usable = environment.usable_cores();
    if let Some(cores) = arguments.cores.iter().find(|cores| **cores > usable as u64) {
        return usage(&format!(
            "--cores {cores}: this process may use {usable} (its affinity mask, and the time that its control group grants)"
        ));
    }
    let named =
        |given: &[String], all: Vec<&str>| if given.is_empty() { all.into_iter().map(str::to_owned).collect() } else { unique(given) };
    let all_systems = system::all();
    // A stall of 20 ms, which virtual machines have, is 1 % of two seconds: as much as the model lets an open loop miss.
    let seconds = arguments.duration.unwrap_or(if arguments.rate.is_empty() { 0.5 } else { 2.0 });
    let matrix = Matrix {
        workloads: named(&expand(&arguments.workloads), workload_names()),
        systems: named(&arguments.system, all_systems.iter().map(|system| system.name()).collect()),
        cores: unique(&arguments.cores).iter().map(|cores| *cores as usize).collect(),
        batches: unique(&arguments.batch).iter().map(|batch| *batch as usize).collect(),
        rings: unique(&arguments.ring),
        waits: unique(&arguments.wait),
        rates: if arguments.rate.is_empty() { vec![None] } else { unique(&arguments.rate).into_iter().map(Some).collect() },
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
        tells_refusals: !arguments.system.is_empty(),
    };
    execute(plan, environment)
}

/// Gives what was left open its default: a hop is nothing but the way between two cores, and a batch of it has to fit a ring many times.
fn by_kind(matrix: &Matrix, usable: usize) -> Vec<Matrix> {
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

/// Each value once, in order.
fn unique<T: Clone + PartialEq>(values: &[T]) -> Vec<T> {
    values.iter().enumerate().filter(|(i, value)| !values[..*i].contains(value)).map(|(_, value)| value.clone()).collect()
}

/// Starts this program again with another allocator: it is chosen at the first allocation, before `main`.
fn restart_with(allocator: &str) -> ExitCode {
    let program = match std::env::current_exe() {
        Ok(program) => program,
        Err(e) => return usage(&format!("--allocator needs to start this program again, and its path is not known: {e}")),
    };
    let status = std::process::Command::new(program).args(std::env::args_os().skip(1)).env(alloc::VARIABLE, allocator).status();
    match status {
        Ok(status) => ExitCode::from(status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(EXIT_FAILED)),
        Err(e) => usage(&format!("--allocator needs to start this program again, which failed: {e}")),
    }
}

/// What an invocation does.
struct Plan {
    matrices: Vec<Matrix>,
    baselines: Vec<String>,
    format: Format,
    out: Option<PathBuf>,
    around: Surroundings,
    budget: Option<Duration>,
    /// Whether to say which combinations a system cannot run: only if it was asked for by name.
    tells_refusals: bool,
}

fn execute(plan: Plan, environment: Environment) -> ExitCode {
    for warning in environment.warnings() {
        eprintln!("warning: {warning}");
    }
    alloc::count(true);
    let command = std::env::args().collect::<Vec<_>>().join(" ");
    let folder = match plan.out.as_ref().map(|path| Folder::create(path, &environment, &command)).transpose() {
        Ok(folder) => folder,
        Err(e) => return usage(&format!("the result folder {} cannot be used: {e}", plan.out.unwrap_or_default().display())),
    };
    let mut systems = system::all();
    systems.push(Box::new(Broken { honest: system::all() }));
    let bench = Bench {
        workloads: workload::names(),
        prepare: &workload::prepare,
        systems: systems.into_iter().map(|system| &*Box::leak(system) as &dyn System).collect(),
        cores: environment::allowed_cores(),
        environment,
        around: plan.around,
        budget: plan.budget,
    };
    let mut live = Live::new(plan.format, folder, plan.tells_refusals);
    let mut rows = Vec::new();
    let mut stopped = phases::run(&bench, &plan.matrices, &mut live, &mut rows).err();
    live.bar.finish_and_clear();

    let summaries = compare::summarise(&rows, &plan.baselines);
    let failed = rows.iter().any(Row::failed);
    if plan.format == Format::Table && !rows.is_empty() && print(&table::draw(&summaries, Look::Terminal)) != ExitCode::SUCCESS {
        return ExitCode::from(EXIT_FAILED);
    }
    if let Some(folder) = live.folder.filter(|_| !rows.is_empty()) {
        let path = folder.path().to_owned();
        match folder.finish(&summaries, &bench.environment) {
            Ok(()) => eprintln!("results: {}", path.display()),
            Err(e) => stopped = Some(Stopped::Write(e)),
        }
    }
    match stopped {
        None if failed => ExitCode::from(EXIT_FAILED),
        None => ExitCode::SUCCESS,
        Some(Stopped::AllRefused(reasons)) => usage(&format!("nothing to run: every combination was refused\n{reasons}")),
        Some(stopped @ Stopped::Input(..)) => usage(&stopped.to_string()),
        Some(stopped) => {
            eprintln!("error: {stopped}");
            ExitCode::from(EXIT_FAILED)
        }
    }
}

/// Shows what happens while it happens: the bar on standard error, rows on standard output and in the folder.
struct Live {
    bar: ProgressBar,
    folder: Option<Folder>,
    format: Format,
    csv: csv::Writer<std::io::Stdout>,
    tells_refusals: bool,
}

impl Live {
    fn new(format: Format, folder: Option<Folder>, tells_refusals: bool) -> Live {
        // Drawn only when something is told, never by a thread of its own: that would take time from the runs.
        let bar = if std::io::stderr().is_terminal() { ProgressBar::no_length() } else { ProgressBar::hidden() };
        let style = ProgressStyle::with_template("{elapsed:>4} {bar:24} {pos:>3}/{len:3} {wide_msg}");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        Live { bar, folder, format, csv: csv::Writer::new(std::io::stdout()), tells_refusals }
    }

    fn say(&self, line: &str) {
        self.bar.suspend(|| eprintln!("{line}"));
    }
}

impl Observer for Live {
    fn phase(&mut self, workload: &str, what: &str, runs: Option<u64>) {
        if let Some(runs) = runs {
            self.bar.set_length(runs);
            self.bar.set_position(0);
        }
        self.bar.set_message(format!("{workload}: {what}"));
        self.bar.tick();
    }

    fn started(&mut self, cell: &Cell, repeat: Option<u32>) {
        let which = repeat.map_or("warm-up".into(), |repeat| format!("repeat {}", repeat + 1));
        self.bar.set_message(format!("{cell}, {which}"));
        if repeat.is_some() {
            self.bar.inc(1);
        }
        self.bar.tick();
    }

    fn row(&mut self, row: &Row, latency: Option<&Histogram<u64>>) -> std::io::Result<()> {
        if row.failed() {
            self.say(&format!("FAILED: {} on {}: {}", row.workload, row.system, row.verdict.reasons.join("; ")));
        }
        if let Some(folder) = &mut self.folder {
            folder.row(row, latency)?;
        }
        match self.format {
            Format::Table => Ok(()),
            Format::Json => writeln!(std::io::stdout(), "{}", row.to_json()),
            Format::Csv => self.csv.row(row),
        }
    }

    fn refused(&mut self, cell: &Cell, reason: &str) {
        if self.tells_refusals {
            self.say(&format!("not run: {cell}: {reason}"));
        }
    }
}
