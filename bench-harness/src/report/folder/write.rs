//! Filling a result folder, row by row.

use std::{
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
    time::{Instant, SystemTime},
};

use hdrhistogram::Histogram;

use super::{COMPLETE, Complete, DEFINITION, Definition, ENVIRONMENT, HISTOGRAMS, Kind, ROWS, ROWS_CSV, Seal, date, histograms};
use crate::{
    report::{
        compare::Summary,
        csv,
        row::Row,
        selfchecks,
        table::{self, Look},
    },
    run::environment::Environment,
};

/// A folder that is being filled.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    definition: Definition,
    began: Instant,
    written: u64,
    rows: File,
    rows_csv: csv::Writer<File>,
    histograms: File,
}

impl Folder {
    /// Makes the folder (and its parents) and writes into it what was asked, and of which machine.
    ///
    /// # Errors
    /// If it cannot be made, or already holds rows: results are never overwritten.
    pub fn create(path: &Path, environment: &Environment, definition: Definition) -> io::Result<Folder> {
        fs::create_dir_all(path)?;
        let rows = File::options().write(true).create_new(true).open(path.join(ROWS)).map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => io::Error::new(error.kind(), "it already holds results, which are never overwritten"),
            _ => error,
        })?;
        fs::write(path.join(DEFINITION), serde_json::to_string_pretty(&definition)? + "\n")?;
        fs::write(path.join(ENVIRONMENT), serde_json::to_string_pretty(environment)? + "\n")?;
        let rows_csv = csv::Writer::new(File::create(path.join(ROWS_CSV))?);
        let mut histograms = File::create(path.join(HISTOGRAMS))?;
        histograms::head(&mut histograms, &definition.began)?;
        Ok(Folder { path: path.to_owned(), definition, began: Instant::now(), written: 0, rows, rows_csv, histograms })
    }

    /// The same for an experiment that goes on: what its earlier invocation left is made anew, from a ledger that lasts.
    ///
    /// # Errors
    /// Those of writing.
    pub fn renew(path: &Path, environment: &Environment, definition: Definition) -> io::Result<Folder> {
        // What says that all is there goes first.
        for name in [COMPLETE, ROWS, ROWS_CSV, HISTOGRAMS, "summary.md", "summary.json"] {
            match fs::remove_file(path.join(name)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        Folder::create(path, environment, definition)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Adds a row, and those of its histograms that there are.
    ///
    /// # Errors
    /// Those of writing.
    pub fn row<'a>(&mut self, row: &Row, of_it: impl IntoIterator<Item = (Kind, &'a Histogram<u64>)>) -> io::Result<()> {
        writeln!(self.rows, "{}", row.to_json())?;
        self.rows_csv.row(row)?;
        for (kind, histogram) in of_it {
            let length_s = row.t_s.unwrap_or(0.0);
            histograms::line(&mut self.histograms, self.written, kind, self.began.elapsed(), length_s, histogram)?;
        }
        self.written += 1;
        Ok(())
    }

    /// Writes the summaries, and last what makes the folder complete.
    ///
    /// # Errors
    /// Those of writing.
    pub fn finish(self, rows: &[Row], summaries: &[Summary], environment: &Environment) -> io::Result<()> {
        let Folder { path, definition, written, .. } = self;
        let mut text = format!("# {} on {}\n\n", environment.commit, environment.cpu);
        let flags = if environment.flags.is_empty() { "portable build" } else { &environment.flags };
        text += &format!("{}, {}, {flags}, allocator {}\n\n", environment.kernel, environment.compiler, environment.allocator);
        text += &format!("    {}\n\n", definition.command_line());
        text.extend(environment.warnings().iter().map(|warning| format!("**Warning**: {warning}\n\n")));
        text += &table::draw(summaries, Look::Markdown);
        text += &selfchecks::draw(rows, true);
        fs::write(path.join("summary.md"), text)?;
        fs::write(path.join("summary.json"), serde_json::to_string_pretty(summaries)? + "\n")?;
        let seal = |name: &str| Ok(Seal::of(name, &fs::read(path.join(name))?));
        let files = [DEFINITION, ENVIRONMENT, ROWS, HISTOGRAMS].map(seal).into_iter().collect::<io::Result<_>>()?;
        let complete = Complete { ended: date::time(SystemTime::now()), rows: written, files };
        fs::write(path.join(COMPLETE), serde_json::to_string_pretty(&complete)? + "\n")
    }
}

/// The folder's default place: `results/<date>-<host>-<commit>`, with a number after it if that is taken.
pub fn default_path(environment: &Environment, now: SystemTime) -> PathBuf {
    let commit = if environment.commit == "unknown" { "nogit" } else { &environment.commit };
    let host: String = environment.host.chars().map(|c| if c.is_ascii_alphanumeric() || c == '.' { c } else { '_' }).collect();
    let base = format!("{}-{host}-{commit}", date::day(now));
    let numbered = |number: u32| if number == 1 { base.clone() } else { format!("{base}-{number}") };
    // Bounded: a folder a second for a day. The last one's rows are then refused rather than overwritten.
    let free = (1..86_400).map(|number| Path::new("results").join(numbered(number))).find(|path| !path.exists());
    free.unwrap_or_else(|| Path::new("results").join(base.clone()))
}

#[cfg(test)]
pub(super) mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::{
        measure::residence,
        report::{
            compare::summarise,
            row::tests::{EXPECTED, row},
        },
    };

    /// Two rows, the second with two histograms; finished or not.
    pub(in super::super) fn example(path: &Path, is_finished: bool) {
        let environment = Environment::read();
        let rows = [row("hand", 1, 0, 100, EXPECTED, None), row("x", 2, 0, 100, EXPECTED, Some(1e4))];
        let definition = Definition::new(vec!["thalweg-bench".into(), "run".into()], serde_json::Value::Null);
        let mut folder = Folder::create(path, &environment, definition).unwrap();
        let mut latency = residence::histogram();
        (1..200).for_each(|i| residence::record(&mut latency, 0, i * 5_000));
        folder.row(&rows[0], []).unwrap();
        folder.row(&rows[1], [(Kind::Latency, &latency), (Kind::Lateness, &latency)]).unwrap();
        if is_finished {
            folder.finish(&rows, &summarise(&rows, &[]), &environment).unwrap();
        }
    }

    #[test]
    fn everything_is_kept_and_nothing_overwritten() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("a/b");
        example(&path, true);
        let lines = fs::read_to_string(path.join(ROWS)).unwrap();
        assert_eq!(lines.lines().filter(|line| serde_json::from_str::<serde_json::Value>(line).is_ok()).count(), 2);
        assert_eq!(fs::read_to_string(path.join(ROWS_CSV)).unwrap().lines().count(), 3);
        for name in [DEFINITION, ENVIRONMENT, HISTOGRAMS, COMPLETE, "summary.md", "summary.json"] {
            assert!(fs::metadata(path.join(name)).unwrap().len() > 0, "{name}");
        }
        let again = Folder::create(&path, &Environment::read(), Definition::new(Vec::new(), serde_json::Value::Null));
        assert!(again.unwrap_err().to_string().contains("never overwritten"));
    }
}
