//! A run in a process of its own: `PROGRAM run … --format json`, whose rows are read from its standard output.
//!
//! Whatever the process does, nothing of this one ends: it hangs, it is killed, it writes nonsense; each is an error that says so.

use std::{
    fmt,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use crate::{
    process::{
        guard::{Guard, Heard, LINE_BYTES_MAX},
        interrupt,
    },
    report::{folder, row::Row},
};

/// How long a run may take to end the processes that it has started, when it is killed.
const GRACE: Duration = Duration::from_secs(4);
/// A process that takes longer is killed.
pub const LIMIT_DEFAULT: Duration = Duration::from_secs(600);

/// Why there are no rows.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoRows {
    /// The process failed; the text says how.
    #[error("{0}")]
    Failed(String),
    /// It did not end in time, and was killed.
    #[error("`{command}` did not end within {} s and was killed", .limit.as_secs())]
    Hung {
        /// What was run.
        command: String,
        /// How long it had.
        limit: Duration,
    },
    /// This program was asked to end; the process was killed.
    #[error("interrupted")]
    Interrupted,
}

/// What is to be run.
#[derive(Clone, Debug)]
pub struct Child {
    program: PathBuf,
    arguments: Vec<String>,
    environment: Vec<(&'static str, String)>,
    /// The cores that it may use, as `taskset -c` takes them.
    cores: Option<String>,
    limit: Duration,
}

/// As one could type it.
impl fmt::Display for Child {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.environment.iter().try_for_each(|(name, value)| write!(f, "{name}={value} "))?;
        self.cores.iter().try_for_each(|cores| write!(f, "taskset -c {cores} "))?;
        write!(f, "{} run {}", self.program.display(), self.arguments.join(" "))
    }
}

impl Child {
    /// `program run arguments…`, in which what was left open is set: rows as JSON, one repeat, no time for the stall floor.
    pub fn new(program: &Path, arguments: impl IntoIterator<Item = String>) -> Child {
        let mut arguments: Vec<String> = arguments.into_iter().collect();
        let is_given = |name: &str, all: &[String]| all.iter().any(|word| word == name || word.starts_with(&format!("{name}=")));
        for (name, value) in [("--repeats", "1"), ("--floor", "0ms")] {
            if !is_given(name, &arguments) {
                arguments.extend([name.to_owned(), value.to_owned()]);
            }
        }
        arguments.extend(["--format".into(), "json".into()]);
        Child { program: program.to_owned(), arguments, environment: Vec::new(), cores: None, limit: LIMIT_DEFAULT }
    }

    /// Sets a variable of its environment.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: &str) -> Child {
        self.environment.push((name, value.to_owned()));
        self
    }

    /// Restricts it to these cores, by `taskset`.
    #[must_use]
    pub fn placed(self, cores: String) -> Child {
        Child { cores: Some(cores), ..self }
    }

    /// How long it may take.
    #[must_use]
    pub fn within(self, limit: Duration) -> Child {
        Child { limit, ..self }
    }

    /// Runs it. A run that gave a wrong answer is a row that says so, not an error. From here on Ctrl-C ends the run, and then is the caller's.
    ///
    /// # Errors
    /// If the process cannot be started, does not end in time, prints something that is no row, or no row at all; or if this program is asked to
    /// end.
    pub fn run(&self) -> Result<Vec<Row>, NoRows> {
        let mut command = match &self.cores {
            Some(cores) => {
                let mut taskset = Command::new("taskset");
                taskset.args(["-c", cores]).arg(&self.program);
                taskset
            }
            None => Command::new(&self.program),
        };
        command.arg("run").args(&self.arguments).envs(self.environment.iter().map(|(name, value)| (name, value)));
        if interrupt::is_asked() {
            return Err(NoRows::Interrupted);
        }
        let failed = |why: String| NoRows::Failed(format!("`{self}` {why}"));
        let process = Guard::start_apart(command).map_err(|error| failed(format!("cannot be started: {error}")))?;
        let mut process = process.until(interrupt::asked()).grace(GRACE);
        process.close_input();
        let until = Instant::now() + self.limit;
        let mut rows = Vec::new();
        loop {
            match process.hear(until) {
                Heard::Line(text) => rows.push(
                    folder::row(Path::new("its output"), rows.len() + 1, &text)
                        .map_err(|why| failed(format!("printed something else than rows: {why}")))?,
                ),
                Heard::TooLong => return Err(failed(format!("printed a line of more than {LINE_BYTES_MAX} bytes"))),
                Heard::End => break,
                Heard::Interrupted => {
                    process.kill();
                    return Err(NoRows::Interrupted);
                }
                Heard::Silence => {
                    process.kill();
                    return Err(NoRows::Hung { command: self.to_string(), limit: self.limit });
                }
            }
        }
        if !rows.is_empty() {
            return Ok(rows);
        }
        let how = process.end().map_or("closed its output".to_owned(), |status| format!("ended with {status}"));
        Err(failed(format!("printed no row and {how}:\n{}", process.last_words())))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::{io::Write, os::unix::fs::PermissionsExt};

    use super::*;
    use crate::report::row::tests::{EXPECTED, row};

    /// A program that runs these lines of a shell.
    fn script(lines: &str) -> tempfile::TempPath {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        writeln!(file, "#!/bin/sh\n{lines}").unwrap();
        file.as_file().set_permissions(std::fs::Permissions::from_mode(0o755)).unwrap();
        file.into_temp_path()
    }

    #[test]
    fn rows_are_read_and_what_was_left_open_is_set() {
        let json = row("x", 1, 0, 100, EXPECTED, None).to_json();
        let program =
            script(&format!("test \"$*\" = 'run hop --repeats 3 --floor 0ms --format json' || exit 9\ncat <<'E'\n{json}\n{json}\nE"));
        let rows = Child::new(&program, ["hop", "--repeats", "3"].map(String::from)).run().unwrap();
        assert_eq!(rows.iter().map(Row::to_json).collect::<Vec<_>>(), [json.clone(), json]);
    }

    #[test]
    fn whatever_it_does_is_said() {
        for (lines, needle) in [
            ("echo oops >&2; exit 3", "oops"),
            ("echo '{}'", "its output, line 1: damaged"),
            ("echo 'not json'", "its output, line 1: damaged"),
            ("kill -9 $$", "signal: 9"),
            ("exec sleep 100", "did not end within 0 s and was killed"),
            ("head -c 300000 /dev/zero | tr '\\0' 'e' >&2; exit 1", "eee"),
        ] {
            let error = Child::new(&script(lines), []).within(Duration::from_millis(900)).run().unwrap_err().to_string();
            assert!(error.contains(needle), "{lines}: {error}");
        }
        assert!(Child::new(Path::new("/no/such/program"), []).run().unwrap_err().to_string().contains("cannot be started"));
    }
}
