//! Subcommands, one a file, and what they share: names, exit codes, printing.

use std::{io::Write, process::ExitCode};

use clap::{ValueEnum, builder::PossibleValue};
use thalweg_bench::{
    process, quantity,
    run::{matrix::WAITS, selftest::BROKEN},
    system, workload,
};

pub(crate) mod calibrate;
pub(crate) mod compare;
pub(crate) mod compare_systems;
pub(crate) mod cost;
pub(crate) mod execute;
pub(crate) mod experiment;
pub(crate) mod generate;
pub(crate) mod list;
pub(crate) mod query;
pub(crate) mod quick;
pub(crate) mod report;
pub(crate) mod run;
pub(crate) mod scale;
pub(crate) mod sustain;
pub(crate) mod sweep;
pub(crate) mod tune;

/// A run's output was wrong, or it failed otherwise.
pub(crate) const EXIT_FAILED: u8 = 1;
/// The command line asks for what there is not.
pub(crate) const EXIT_USAGE: u8 = 2;

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people
    Table,
    /// One JSON object a line
    Json,
    /// One line a run, with a header
    Csv,
}

/// Prints, and does not mind a reader that has gone away (`| head`).
pub(crate) fn print(text: &str) -> ExitCode {
    let written = std::io::stdout().write_all(text.as_bytes()).and_then(|()| std::io::stdout().flush());
    if written.is_ok() { ExitCode::SUCCESS } else { ExitCode::from(EXIT_FAILED) }
}

pub(crate) fn usage(message: &str) -> ExitCode {
    eprintln!("error: {message}\n\nFor more information, try '--help'.");
    ExitCode::from(EXIT_USAGE)
}

/// A length of time that may be zero.
pub(crate) fn floor_length(text: &str) -> Result<f64, String> {
    if ["0", "0s", "0ms"].contains(&text) { Ok(0.0) } else { quantity::seconds(text) }
}

/// The workloads that stand by themselves.
pub(crate) fn workload_names() -> Vec<&'static str> {
    workload::names().iter().filter(|info| info.suite.is_none()).map(|info| info.name).collect()
}

/// All that `run` takes: workloads, suites, and the parts of suites.
pub(crate) fn runnable_names() -> Vec<&'static str> {
    let parts = workload::names().iter().filter(|info| info.suite.is_some()).map(|info| info.name);
    let suites = [workload::NEXMARK, workload::NEXMARK_INLINE, workload::TUMBLING_KEYS, workload::SLIDING_WINDOWS, workload::CHAIN];
    workload_names().into_iter().chain(suites).chain(parts).collect()
}

/// Puts its parts in the place of a suite.
pub(crate) fn expand(names: &[String]) -> Vec<String> {
    // A suite may have the name of one of its parts.
    let is_part = |info: &&workload::WorkloadInfo, name: &str| info.name == name || info.suite == Some(name);
    let parts = |name: &String| workload::names().iter().filter(|info| is_part(info, name)).map(|info| info.name.to_owned()).collect();
    names.iter().flat_map(|name| -> Vec<String> { parts(name) }).collect()
}

pub(crate) fn wait_names() -> Vec<&'static str> {
    WAITS.iter().map(|(name, _)| *name).collect()
}

/// The systems by name, and the processes that are described; the one that is wrong on purpose, and those that this program was built without, are
/// accepted but not listed.
pub(crate) fn system_names() -> Vec<PossibleValue> {
    let names = system::all().into_iter().map(|system| PossibleValue::new(system.name()));
    let peers = process::names().into_iter().map(|name| PossibleValue::new(&*name.leak()));
    let missing = system::PEERS.into_iter().filter(|name| system::missing(name).is_some());
    names.chain(peers).chain(missing.chain([BROKEN]).map(|name| PossibleValue::new(name).hide(true))).collect()
}

/// Each value once, in order.
pub(crate) fn unique<T: Clone + PartialEq>(values: &[T]) -> Vec<T> {
    values.iter().enumerate().filter(|(i, value)| !values[..*i].contains(value)).map(|(_, value)| value.clone()).collect()
}

/// `thalweg-bench feed`.
pub(crate) fn feed(name: &str) -> ExitCode {
    match thalweg_bench::load::apart::feed(name) {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("error: {why}");
            ExitCode::from(EXIT_FAILED)
        }
    }
}

/// `thalweg-bench serve`.
pub(crate) fn serve() -> ExitCode {
    match process::serve(std::io::stdin().lock(), std::io::stdout()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: the harness cannot be heard: {error}");
            ExitCode::from(EXIT_FAILED)
        }
    }
}
