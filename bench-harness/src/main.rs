//! `thalweg-bench`: the command line. Each subcommand is a file of [`command`].
#![deny(unsafe_code)]

mod command;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use thalweg_bench::measure::alloc;

#[global_allocator]
static ALLOCATOR: alloc::Switch = alloc::Switch;

#[derive(Parser)]
#[command(name = "thalweg-bench", version, about = "Throughput and tail latency of stream systems, with checked output", after_help = command::run::EXAMPLES)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Run workloads on systems; lists of values make a matrix
    #[command(after_help = command::run::EXAMPLES)]
    Run(Box<command::run::RunArgs>),
    /// Run everything: the quick suite (as without a command), or the full one
    Suite(command::quick::SuiteArgs),
    /// Write a workload's input to a file, for other systems to read
    #[command(after_help = command::generate::EXAMPLES)]
    Generate(Box<command::generate::GenerateArgs>),
    /// Run a query of Nexmark over a file of events and write its rows
    #[command(after_help = command::query::EXAMPLES)]
    Query(command::query::QueryArgs),
    /// Say whether B is better or worse than A, or not distinguishable; exit code 1 on a regression
    #[command(after_help = command::compare::EXAMPLES)]
    Compare(Box<command::compare::CompareArgs>),
    /// Frameworks beside each other on the same work: performance, cost, functions, ease of use; writes a page
    #[command(after_help = command::compare_systems::EXAMPLES)]
    CompareSystems(Box<command::compare_systems::CompareSystemsArgs>),
    /// Run systems for a harness that started this: the process protocol on standard input and output (PROTOCOL.md)
    Serve,
    /// Be the generator of an open loop for a harness that started this: `run --generator process`
    #[command(hide = true)]
    Feed {
        /// Name of the harness's socket
        socket: String,
    },
    /// Find the highest rate at which neither backlog nor latency grows, and the load–latency curve around it
    #[command(after_help = command::sustain::EXAMPLES)]
    Sustain(Box<command::sustain::SustainArgs>),
    /// Run every combination of options in a file; goes on where it stopped
    #[command(after_help = command::sweep::EXAMPLES)]
    Sweep(command::sweep::SweepArgs),
    /// Find the configuration with the highest rate that keeps a quantile, and print it as code
    #[command(after_help = command::tune::EXAMPLES)]
    Tune(Box<command::tune::TuneArgs>),
    /// How cost grows along one axis: workers, load, record size
    #[command(after_help = command::scale::EXAMPLES)]
    Scale(Box<command::scale::ScaleArgs>),
    /// What the runs of a result folder cost: CPU, bytes, allocations, memory, money
    #[command(after_help = command::cost::EXAMPLES)]
    Cost(command::cost::CostArgs),
    /// Make a page, or text, of result folders
    #[command(after_help = command::report::EXAMPLES)]
    Report(command::report::ReportArgs),
    /// Say what there is to choose from
    List(command::list::ListArgs),
    /// Measure the machine: clocks, round trip between cores, bandwidths, stalls
    Calibrate(command::calibrate::CalibrateArgs),
}

fn main() -> ExitCode {
    match Cli::parse().command {
        None => command::quick::run(Default::default()),
        Some(Command::Suite(arguments)) => command::quick::run(arguments),
        Some(Command::Run(arguments)) => command::run::run(&arguments),
        Some(Command::Generate(arguments)) => command::generate::run(*arguments),
        Some(Command::Query(arguments)) => command::query::run(arguments),
        Some(Command::Compare(arguments)) => command::compare::run(&arguments),
        Some(Command::CompareSystems(arguments)) => command::compare_systems::run(&arguments),
        Some(Command::Serve) => command::serve(),
        Some(Command::Feed { socket }) => command::feed(&socket),
        Some(Command::Sustain(arguments)) => command::sustain::run(&arguments),
        Some(Command::Sweep(arguments)) => command::sweep::run(&arguments),
        Some(Command::Tune(arguments)) => command::tune::run(&arguments),
        Some(Command::Scale(arguments)) => command::scale::run(&arguments),
        Some(Command::Cost(arguments)) => command::cost::run(&arguments),
        Some(Command::Report(arguments)) => command::report::run(&arguments),
        Some(Command::List(arguments)) => command::list::run(&arguments),
        Some(Command::Calibrate(arguments)) => command::calibrate::run(&arguments),
    }
}
