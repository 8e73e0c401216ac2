//! The result folder: everything that a later reader needs to judge the figures, or to compute others.
//!
//! ```text
//!   results/2026-01-31-host-1a2b3c4d5e/
//!     rows.jsonl          one line per run, written as it ends           environment.json, environment.txt
//!     summary.md          the tables                                     summary.json   medians, spreads and ratios
//!     latency/*.csv       the histogram of each open-loop run            command.txt    what was asked
//! ```

use std::{
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
    time::{SystemTime, UNIX_EPOCH},
};

use hdrhistogram::Histogram;

use crate::{
    measure::residence,
    report::{
        compare::Summary,
        row::Row,
        table::{self, Look},
    },
    run::environment::Environment,
};

/// A folder that is being filled.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    rows: File,
}

impl Folder {
    /// Makes the folder (and its parents) and writes the environment and the command into it.
    ///
    /// # Errors
    /// If it cannot be made, or already holds rows: results are never overwritten.
    pub fn create(path: &Path, environment: &Environment, command: &str) -> io::Result<Folder> {
        fs::create_dir_all(path)?;
        let rows = File::options().write(true).create_new(true).open(path.join("rows.jsonl"))?;
        fs::write(path.join("environment.txt"), environment.to_text())?;
        fs::write(path.join("environment.json"), serde_json::to_string_pretty(environment)? + "\n")?;
        fs::write(path.join("command.txt"), format!("{command}\n"))?;
        Ok(Folder { path: path.to_owned(), rows })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Adds a row, and its histogram if it has one.
    ///
    /// # Errors
    /// Those of writing.
    pub fn row(&mut self, row: &Row, latency: Option<&Histogram<u64>>) -> io::Result<()> {
        writeln!(self.rows, "{}", row.to_json())?;
        if let Some(latency) = latency {
            let folder = self.path.join("latency");
            fs::create_dir_all(&folder)?;
            residence::write_csv(latency, io::BufWriter::new(File::create(folder.join(histogram_name(row)))?))?;
        }
        Ok(())
    }

    /// Writes the summaries, at the end.
    ///
    /// # Errors
    /// Those of writing.
    pub fn finish(self, summaries: &[Summary], environment: &Environment) -> io::Result<()> {
        let mut text = format!("# {} on {}\n\n", environment.commit, environment.cpu);
        let flags = if environment.flags.is_empty() { "portable build" } else { &environment.flags };
        text += &format!("{}, {}, {flags}, allocator {}\n\n", environment.kernel, environment.compiler, environment.allocator);
        text.extend(environment.warnings().iter().map(|warning| format!("**Warning**: {warning}\n\n")));
        text += &table::draw(summaries, Look::Markdown);
        fs::write(self.path.join("summary.md"), text)?;
        fs::write(self.path.join("summary.json"), serde_json::to_string_pretty(summaries)? + "\n")
    }
}

fn histogram_name(row: &Row) -> String {
    let c = &row.config;
    let rate = c.rate_asked.as_deref().unwrap_or("closed").replace(['/', ' '], "");
    format!("{}-{}-c{}-b{}-r{}-{}-{rate}-{}.csv", row.workload, row.system, c.cores, c.batch, c.ring_bytes, c.wait, row.repeat)
}

/// The folder's default place: `results/<date>-<host>-<commit>`, with a number after it if that is taken.
pub fn default_path(environment: &Environment, now: SystemTime) -> PathBuf {
    let commit = if environment.commit == "unknown" { "nogit" } else { &environment.commit };
    let host: String = environment.host.chars().map(|c| if c.is_ascii_alphanumeric() || c == '.' { c } else { '_' }).collect();
    let base = format!("{}-{host}-{commit}", date(now));
    let numbered = |number: u32| if number == 1 { base.clone() } else { format!("{base}-{number}") };
    // Bounded: a folder a second for a day. The last one's rows are then refused rather than overwritten.
    let free = (1..86_400).map(|number| Path::new("results").join(numbered(number))).find(|path| !path.exists());
    free.unwrap_or_else(|| Path::new("results").join(base.clone()))
}

/// The day in UTC, `YYYY-MM-DD`.
fn date(now: SystemTime) -> String {
    let days = now.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs() / 86_400);
    let (mut year, mut day) = (1970, days);
    let is_leap = |year: u64| year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    while day >= 365 + u64::from(is_leap(year)) {
        day -= 365 + u64::from(is_leap(year));
        year += 1;
    }
    let lengths = [31, 28 + u64::from(is_leap(year)), 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let mut month = 0;
    while day >= lengths[month] {
        day -= lengths[month];
        month += 1;
    }
    format!("{year:04}-{:02}-{:02}", month + 1, day + 1)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::time::Duration;

    use super::*;
    use crate::report::{
        compare::summarise,
        row::tests::{EXPECTED, row},
    };

    #[test]
    fn dates() {
        for (days, text) in [
            (0, "1970-01-01"),
            (59, "1970-03-01"),
            (11_016, "2000-02-29"),
            (11_017, "2000-03-01"),
            (20_454, "2026-01-01"),
            (20_818, "2026-12-31"),
        ] {
            assert_eq!(date(UNIX_EPOCH + Duration::from_secs(days * 86_400 + 86_399)), text);
        }
    }

    #[test]
    fn everything_is_kept_and_nothing_overwritten() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("a/b");
        let environment = Environment::read();
        let rows = [row("hand", 1, 0, 100, EXPECTED, None), row("x", 2, 0, 100, EXPECTED, Some(1e4))];
        let mut folder = Folder::create(&path, &environment, "thalweg-bench run").unwrap();
        let mut latency = residence::histogram();
        residence::record(&mut latency, 0, 5);
        folder.row(&rows[0], None).unwrap();
        folder.row(&rows[1], Some(&latency)).unwrap();
        folder.finish(&summarise(&rows, &[]), &environment).unwrap();

        let lines = fs::read_to_string(path.join("rows.jsonl")).unwrap();
        assert_eq!(lines.lines().filter(|line| serde_json::from_str::<serde_json::Value>(line).is_ok()).count(), 2);
        for name in ["environment.json", "environment.txt", "command.txt", "summary.md", "summary.json"] {
            assert!(fs::metadata(path.join(name)).unwrap().len() > 0, "{name}");
        }
        let histograms: Vec<_> = fs::read_dir(path.join("latency")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(histograms, ["w-x-c2-b256-r262144-adaptive-10ks-0.csv"]);
        assert!(Folder::create(&path, &environment, "again").is_err());
    }
}
