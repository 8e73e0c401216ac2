//! What `sustain`, `tune`, `sweep` and `scale` share: a configuration and a budget on the command line, the campaign, a bar with the time left.

use std::{
    io::IsTerminal,
    path::{Path, PathBuf},
    time::Duration,
};

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::Value;
use thalweg_bench::{
    compare::text::wrap,
    experiment::{
        campaign::{self, Campaign, Over, Progress, Ran, Trial},
        ledger::Ledger,
        place::Place,
        trial::{self, Values},
    },
};

/// One configuration; what is left out is as `run` has it.
#[derive(Args, Clone)]
pub(crate) struct Setting {
    /// System
    #[arg(long, default_value = "thalweg")]
    pub(crate) system: String,
    /// Cores to use
    #[arg(long, value_name = "N")]
    pub(crate) cores: Option<String>,
    /// Records per batch
    #[arg(long, value_name = "N")]
    pub(crate) batch: Option<String>,
    /// Bytes per ring
    #[arg(long, value_name = "BYTES")]
    pub(crate) ring: Option<String>,
    /// Wait strategy
    #[arg(long)]
    pub(crate) wait: Option<String>,
    /// Allocator of the process
    #[arg(long)]
    pub(crate) allocator: Option<String>,
    /// Cores that the process may use: 0,1 (by taskset)
    #[arg(long, value_name = "LIST")]
    pub(crate) placement: Option<String>,
    /// The build to run [default: this one]
    #[arg(long, value_name = "PATH")]
    pub(crate) program: Option<PathBuf>,
}

impl Setting {
    /// The configuration of a workload.
    pub(crate) fn values(&self, workload: &str) -> Values {
        let given = [
            ("workload", Some(workload.to_owned())),
            ("system", Some(self.system.clone())),
            ("cores", self.cores.clone()),
            ("batch", self.batch.clone()),
            ("ring", self.ring.clone()),
            ("wait", self.wait.clone()),
            ("allocator", self.allocator.clone()),
            ("placement", self.placement.clone()),
        ];
        given.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
    }

    pub(crate) fn program(&self) -> Result<PathBuf, String> {
        match &self.program {
            Some(program) => Ok(program.clone()),
            None => std::env::current_exe().map_err(|error| format!("the path of this program is not known: {error}")),
        }
    }
}

/// Where an experiment is kept.
#[derive(Args, Clone)]
pub(crate) struct Kept {
    /// Folder for the rows, as they end, and what was found; an experiment that was cut off goes on in it
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
}

/// Says what is about to be done, and how long it takes at most.
pub(crate) fn announce(what: &str, budget_s: Option<f64>) {
    let time = match budget_s {
        Some(budget_s) => format!("ends within {} (--budget)", time(budget_s)),
        None => "ends when all are done".into(),
    };
    eprint!("{}", wrap(&format!("{what}; {time}. Ctrl-C ends it sooner, with what was found so far."), ""));
}

/// `90 s`, `12 min`.
pub(crate) fn time(seconds: f64) -> String {
    if seconds < 600.0 { format!("{seconds:.0} s") } else { format!("{:.0} min", seconds / 60.0) }
}

/// What runs a trial of a campaign.
pub(crate) trait Runner: FnMut(&Trial<'_>, Duration) -> Result<Ran, String> {}
impl<R: FnMut(&Trial<'_>, Duration) -> Result<Ran, String>> Runner for R {}

/// Begins an experiment, or goes on with it: each run a process of `program`.
pub(crate) fn begin<'a>(
    program: &'a Path,
    out: Option<&Path>,
    asked: &Value,
    budget_s: Option<f64>,
    at_most: u64,
) -> Result<Campaign<'a, impl Runner + use<'a>>, String> {
    let (ledger, place) = match out {
        Some(out) => Place::open(out, asked).map(|(ledger, place)| (ledger, Some(place)))?,
        None => (Ledger::in_memory(), None),
    };
    if !ledger.entries().is_empty() {
        eprintln!("goes on: {} runs are done, in {}", ledger.entries().len(), time(ledger.took_s()));
    }
    let bar = bar(ledger.took_s());
    let run = |trial: &Trial<'_>, limit: Duration| {
        let child = trial::child(program, trial.values, &trial.load, trial.duration)?.within(limit);
        Ok(campaign::timed(|| child.run()))
    };
    Campaign::new(ledger, place, budget_s, at_most, run, move |progress, what| show(&bar, progress, what))
}

/// A bar on a terminal, drawn only when something happens: a thread of its own would take time from the runs.
fn bar(took_s: f64) -> ProgressBar {
    let bar = if std::io::stderr().is_terminal() { ProgressBar::no_length() } else { ProgressBar::hidden() };
    let style = ProgressStyle::with_template("{elapsed:>4} {bar:20} {wide_msg}");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar.with_elapsed(Duration::try_from_secs_f64(took_s).unwrap_or_default()).with_finish(indicatif::ProgressFinish::AndClear)
}

fn show(bar: &ProgressBar, progress: Progress, what: &str) {
    let left = progress.left_s.map_or(String::new(), |left_s| format!(", {} left at most", time(left_s)));
    bar.set_length(progress.at_most);
    bar.set_position(progress.done);
    bar.set_message(format!("{} of at most {} runs{left}: {what}", progress.done, progress.at_most));
    bar.tick();
}

/// Why what was found is partial, and how to go on.
pub(crate) fn told_partial(over: Option<Over>, runs: usize, budget_s: Option<f64>, out: Option<&Path>) -> String {
    let budget = time(budget_s.unwrap_or_default());
    let why = match over {
        None => return String::new(),
        Some(Over::Budget) => format!("the budget of {budget} was used up by {runs} runs"),
        Some(Over::Interrupted) => format!("interrupted after {runs} runs"),
    };
    let how = match (over, out) {
        (_, None) => "with --out DIR it could go on from here",
        (Some(Over::Budget), Some(_)) => "the same command with a larger --budget goes on from here",
        (_, Some(_)) => "the same command goes on from here",
    };
    wrap(&format!("PARTIAL: {why}; {how}."), "")
}

/// JSON lines.
pub(crate) fn lines<T: serde::Serialize>(values: &[T]) -> String {
    let line = |value: &T| serde_json::to_string(value).expect("plain structures of numbers and text have a JSON form") + "\n";
    values.iter().map(line).collect()
}
