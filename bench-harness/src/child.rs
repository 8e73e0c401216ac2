//! A run in a process of its own: `PROGRAM run … --format json`, whose rows are read from its standard output.
//!
//! Whatever the process does, nothing of this one ends: it hangs, it is killed, it writes nonsense; each is an error that says so.

use std::{
    fmt,
    io::{BufRead, BufReader, Read},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::mpsc,
    thread,
    time::Duration,
};

use crate::report::{folder, row::Row};

/// A process that takes longer is killed.
pub const LIMIT_DEFAULT: Duration = Duration::from_secs(600);
/// So much of what it says on standard error is shown if it fails.
const SAID_BYTES_MAX: u64 = 64 << 10;

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

    /// Runs it. A run that gave a wrong answer is a row that says so, not an error.
    ///
    /// # Errors
    /// If the process cannot be started, does not end in time, prints something that is no row, or no row at all.
    pub fn run(&self) -> Result<Vec<Row>, String> {
        let told = || self.to_string();
        let mut command = match &self.cores {
            Some(cores) => {
                let mut taskset = Command::new("taskset");
                taskset.args(["-c", cores]).arg(&self.program);
                taskset
            }
            None => Command::new(&self.program),
        };
        let mut process = command
            .arg("run")
            .args(&self.arguments)
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| format!("`{}` cannot be started: {error}", told()))?;
        let (to_here, lines) = mpsc::channel();
        let stdout = process.stdout.take().ok_or("a piped standard output is missing")?;
        let stderr = process.stderr.take().ok_or("a piped standard error is missing")?;
        // Both are read while it runs, so that it never waits for a full pipe; the readers end when it does.
        let reader = thread::spawn(move || {
            BufReader::new(stdout).lines().map_while(Result::ok).for_each(|line| drop(to_here.send(line)));
        });
        let listener = thread::spawn(move || {
            let mut said = Vec::new();
            let mut stderr = stderr;
            let _ = stderr.by_ref().take(SAID_BYTES_MAX).read_to_end(&mut said);
            let _ = std::io::copy(&mut stderr, &mut std::io::sink());
            String::from_utf8_lossy(&said).trim().to_owned()
        });
        let deadline = std::time::Instant::now() + self.limit;
        let mut printed = Vec::new();
        let hangs = loop {
            match lines.recv_timeout(deadline.saturating_duration_since(std::time::Instant::now())) {
                Ok(line) => printed.push(line),
                Err(mpsc::RecvTimeoutError::Disconnected) => break false,
                Err(mpsc::RecvTimeoutError::Timeout) => break true,
            }
        };
        if hangs {
            process.kill().map_err(|error| format!("`{}` hangs and cannot be killed: {error}", told()))?;
        }
        let status = process.wait().map_err(|error| format!("`{}`: its end is not known: {error}", told()))?;
        if hangs {
            // Something that it started may still hold the pipes: the readers are left behind.
            return Err(format!("`{}` did not end within {} s and was killed", told(), self.limit.as_secs()));
        }
        let _ = reader.join();
        let said = listener.join().unwrap_or_default();
        let rows: Result<Vec<Row>, _> =
            printed.iter().zip(1..).map(|(text, line)| folder::row(Path::new("its output"), line, text)).collect();
        match rows {
            Ok(rows) if !rows.is_empty() => Ok(rows),
            Ok(_) => Err(format!("`{}` printed no row and ended with {status}:\n{said}", told())),
            Err(why) => Err(format!("`{}` printed something else than rows: {why}", told())),
        }
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
            let error = Child::new(&script(lines), []).within(Duration::from_millis(900)).run().unwrap_err();
            assert!(error.contains(needle), "{lines}: {error}");
        }
        assert!(Child::new(Path::new("/no/such/program"), []).run().unwrap_err().contains("cannot be started"));
    }
}
