//! What `run` and the quick suite have in common: go through the plan, show it, keep it.

use std::{
    io::{IsTerminal, Write},
    path::PathBuf,
    process::ExitCode,
    time::Duration,
};

use indicatif::{ProgressBar, ProgressStyle};
use thalweg_bench::{
    measure::alloc,
    process,
    report::{
        compare, csv,
        folder::{Definition, Folder, Kind},
        row::Row,
        selfchecks, suite,
        systems::{self, PRICE_PER_CORE_HOUR},
        table::{self, Look},
    },
    run::{
        environment::{self, Environment},
        matrix::{Cell, Matrix},
        once::Surroundings,
        phases::{self, Bench, Observer, Stopped},
        selftest::Broken,
    },
    system::{self, Outcome, System},
    workload,
};

use super::{EXIT_FAILED, Format, print, usage};

/// What an invocation does.
pub(crate) struct Plan {
    pub(crate) matrices: Vec<Matrix>,
    pub(crate) baselines: Vec<String>,
    pub(crate) format: Format,
    pub(crate) out: Option<PathBuf>,
    pub(crate) around: Surroundings,
    pub(crate) budget: Option<Duration>,
    /// Whether every repeat has a process of its own.
    pub(crate) fresh: bool,
    /// Whether to say which combinations a system cannot run: only if it was asked for by name.
    pub(crate) tells_refusals: bool,
}

pub(crate) fn execute(plan: Plan, environment: Environment) -> ExitCode {
    if let Some(why) = plan.matrices.iter().flat_map(|matrix| &matrix.systems).find_map(|name| system::missing(name)) {
        return usage(&why);
    }
    for warning in environment.warnings() {
        eprintln!("warning: {warning}");
    }
    alloc::count(true);
    let definition = || Definition::new(std::env::args().collect(), serde_json::to_value(&plan.matrices).unwrap_or_default());
    let folder = match plan.out.as_ref().map(|path| Folder::create(path, &environment, definition())).transpose() {
        Ok(folder) => folder,
        Err(e) => return usage(&format!("the result folder {} cannot be used: {e}", plan.out.unwrap_or_default().display())),
    };
    let wanted: Vec<String> = plan.matrices.iter().flat_map(|matrix| matrix.systems.clone()).collect();
    let peers = match process::all(&wanted) {
        Ok(peers) => peers,
        Err(wrong) => return usage(&wrong),
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
        peers,
        fresh: plan.fresh,
        budget: plan.budget,
    };
    let mut live = Live::new(plan.format, folder, plan.tells_refusals);
    let mut rows = Vec::new();
    let mut stopped = phases::run(&bench, &plan.matrices, &mut live, &mut rows).err();
    live.bar.finish_and_clear();

    let summaries = compare::summarise(&rows, &plan.baselines);
    let failed = rows.iter().any(Row::failed);
    if plan.format == Format::Table
        && !rows.is_empty()
        && print(
            &(table::draw(&summaries, Look::Terminal)
                + &suite::draw(&summaries)
                + &systems::draw(&systems::compare(&rows), PRICE_PER_CORE_HOUR)
                + &selfchecks::draw(&rows, false)),
        ) != ExitCode::SUCCESS
    {
        return ExitCode::from(EXIT_FAILED);
    }
    if let Some(folder) = live.folder.filter(|_| !rows.is_empty()) {
        let path = folder.path().to_owned();
        match folder.finish(&rows, &summaries, &bench.environment) {
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

    fn row(&mut self, row: &Row, outcome: Option<&Outcome>) -> std::io::Result<()> {
        if row.failed() {
            self.say(&format!("FAILED: {} on {}: {}", row.workload, row.system, row.verdict.reasons.join("; ")));
        }
        if let Some(folder) = &mut self.folder {
            let histograms =
                outcome.into_iter().flat_map(|outcome| Kind::ALL.into_iter().filter_map(|kind| Some((kind, kind.of(outcome)?))));
            folder.row(row, histograms.filter(|(_, histogram)| !histogram.is_empty()))?;
        }
        match self.format {
            Format::Table => Ok(()),
            Format::Json => writeln!(std::io::stdout(), "{}", row.to_json()),
            Format::Csv => self.csv.row(row),
        }
    }

    fn shortened(&mut self, cell: &Cell, events: u64) {
        let events = thalweg_bench::quantity::human_count(events);
        self.say(&format!("{cell}: {events} events and no more, which the oracle checks in seconds; another number: --events N"));
    }

    fn refused(&mut self, cell: &Cell, reason: &str) {
        if self.tells_refusals {
            self.say(&format!("not run: {cell}: {reason}"));
        }
    }
}
