//! What `sustain`, `tune` and `scale` share: a configuration on the command line, and a bar with the time left.

use std::{io::IsTerminal, path::PathBuf};

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use thalweg_bench::{
    experiment::trial::{self, Load, Values},
    report::row::Row,
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

/// Runs a configuration once, in a process of its own. The last row is the one: there is one, unless more were asked for.
pub(crate) fn once(program: &std::path::Path, values: &Values, load: &Load, duration: &str) -> Result<Row, String> {
    let rows = trial::child(program, values, load, duration)?.run()?;
    rows.into_iter().next_back().ok_or_else(|| "a process printed no row".into())
}

/// A bar with the time left, on a terminal; drawn only when something happens.
pub(crate) fn bar(length: u64) -> ProgressBar {
    let bar = if std::io::stderr().is_terminal() { ProgressBar::new(length) } else { ProgressBar::hidden() };
    let style = ProgressStyle::with_template("{elapsed:>4} {bar:20} {pos}/{len} {eta} left {wide_msg}");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar.tick();
    bar
}

/// Rows as they come, kept if a folder was named.
pub(crate) struct Keeper {
    pub(crate) rows: Vec<Row>,
    folder: Option<(thalweg_bench::report::folder::Folder, thalweg_bench::run::environment::Environment)>,
}

impl Keeper {
    /// Keeps them in `out`, whose definition says `asked`.
    pub(crate) fn new(out: Option<&std::path::Path>, asked: serde_json::Value) -> Result<Keeper, String> {
        use thalweg_bench::{
            report::folder::{Definition, Folder},
            run::environment::Environment,
        };
        let create = |path: &std::path::Path| {
            let environment = Environment::read();
            let definition = Definition::new(std::env::args().collect(), asked);
            let folder = Folder::create(path, &environment, definition).map_err(|error| format!("{}: {error}", path.display()))?;
            Ok::<_, String>((folder, environment))
        };
        Ok(Keeper { rows: Vec::new(), folder: out.map(create).transpose()? })
    }

    /// Takes a row; returns its number.
    pub(crate) fn add(&mut self, mut row: Row, repeat: u32) -> Result<u64, String> {
        let number = self.rows.len() as u64;
        (row.repeat, row.order) = (repeat, number);
        if let Some((folder, _)) = &mut self.folder {
            folder.row(&row, []).map_err(|error| format!("a row cannot be kept: {error}"))?;
        }
        self.rows.push(row);
        Ok(number)
    }

    /// Ends the folder, and writes further files of JSON lines beside the rows.
    pub(crate) fn finish(self, lines: &[(&str, String)]) -> Result<(), String> {
        let Some((folder, environment)) = self.folder else { return Ok(()) };
        let path = folder.path().to_owned();
        for (name, text) in lines {
            std::fs::write(path.join(name), text).map_err(|error| format!("{name} cannot be kept: {error}"))?;
        }
        folder
            .finish(&self.rows, &thalweg_bench::report::compare::summarise(&self.rows, &[]), &environment)
            .map_err(|error| format!("the folder cannot be finished: {error}"))?;
        eprintln!("results: {}", path.display());
        Ok(())
    }
}

/// JSON lines.
pub(crate) fn lines<T: serde::Serialize>(values: &[T]) -> String {
    let line = |value: &T| serde_json::to_string(value).expect("plain structures of numbers and text have a JSON form") + "\n";
    values.iter().map(line).collect()
}
