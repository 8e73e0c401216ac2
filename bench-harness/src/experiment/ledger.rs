//! The ledger of an experiment: one line per run as it ends, so that one that was killed goes on where it stopped.
//!
//! ```text
//!   {"ledger":2,"asked":{…}}              what is asked: another experiment cannot go on in this file
//!   {"point":"batch=64 …","repeat":0,…}   a run
//!   {"point":"batch=256 …","rep           the line that was being written when it was killed: cut off when the ledger is opened again
//! ```

use std::{
    fs::File,
    io::{Read, Seek, SeekFrom, Write},
    path::Path,
};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::report::row::{Row, SCHEMA};

/// Its name in an experiment's folder.
pub const LEDGER: &str = "ledger.jsonl";
/// Version of these lines.
const VERSION: u32 = 2;

#[derive(Serialize, Deserialize)]
struct Head {
    ledger: u32,
    asked: Value,
}

/// A run that ended.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Entry {
    /// The configuration, see [`super::trial::key`].
    pub point: String,
    /// Repeat, from 0.
    pub repeat: u32,
    /// `closed`, or the rate.
    pub load: String,
    /// Seconds that it took, with everything around.
    pub took_s: f64,
    /// Its rows; empty if the process failed.
    pub rows: Vec<Row>,
    /// How the process failed.
    pub error: Option<String>,
}

impl Entry {
    /// The row: there is one, unless a configuration asks for more; then it is the last.
    ///
    /// # Errors
    /// How the process failed.
    pub fn row(&self) -> Result<&Row, &str> {
        self.rows.last().ok_or_else(|| self.error.as_deref().unwrap_or("a process printed no row"))
    }
}

/// An open ledger.
#[derive(Debug)]
pub struct Ledger {
    /// None if it is not kept.
    file: Option<File>,
    entries: Vec<Entry>,
}

impl Ledger {
    /// One that nobody keeps.
    pub fn in_memory() -> Ledger {
        Ledger { file: None, entries: Vec::new() }
    }

    /// Opens the ledger at `path` to go on with what is `asked`, or begins it.
    ///
    /// # Errors
    /// If it cannot be read or written, holds another experiment, or is damaged elsewhere than at its end.
    pub fn open(path: &Path, asked: &Value) -> Result<Ledger, String> {
        let told = |why: String| format!("{}: {why}", path.display());
        let io = |error: std::io::Error| told(error.to_string());
        let mut file = File::options().read(true).write(true).create(true).truncate(false).open(path).map_err(io)?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(io)?;
        let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        file.set_len(whole as u64).map_err(io)?;
        file.seek(SeekFrom::End(0)).map_err(io)?;
        let text = std::str::from_utf8(&bytes[..whole]).map_err(|_| told("damaged: not text (UTF-8); begin in another folder".into()))?;
        let mut lines = text.lines().zip(1..);
        let Some((head, _)) = lines.next() else {
            let head = serde_json::to_string(&Head { ledger: VERSION, asked: asked.clone() }).map_err(|error| told(error.to_string()))?;
            writeln!(file, "{head}").map_err(io)?;
            return Ok(Ledger { file: Some(file), entries: Vec::new() });
        };
        let version = serde_json::from_str::<Value>(head).ok().and_then(|head| head.get("ledger")?.as_u64());
        match version {
            None => return Err(told("no ledger of an experiment; begin in another folder".into())),
            Some(version) if version != u64::from(VERSION) => {
                return Err(told(format!("a ledger of version {version}, this program writes {VERSION}; begin in another folder")));
            }
            Some(_) => {}
        }
        let head: Head = serde_json::from_str(head).map_err(|error| told(format!("line 1: damaged: {error}")))?;
        if head.asked != *asked {
            return Err(told("holds another experiment: only its budget and its repeats may change; begin in another folder".into()));
        }
        let entry = |(line, number): (&str, usize)| {
            let entry: Entry = serde_json::from_str(line).map_err(|error| told(format!("line {number}: damaged: {error}")))?;
            match entry.rows.iter().find(|row| row.schema != SCHEMA) {
                Some(row) => Err(told(format!("line {number}: a row of schema {}, this program reads {SCHEMA}", row.schema))),
                None => Ok(entry),
            }
        };
        let entries = lines.map(entry).collect::<Result<_, _>>()?;
        Ok(Ledger { file: Some(file), entries })
    }

    /// The runs that ended.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Seconds that all of them took.
    pub fn took_s(&self) -> f64 {
        self.entries.iter().map(|entry| entry.took_s).sum()
    }

    /// Adds a run.
    ///
    /// # Errors
    /// Those of writing.
    pub fn add(&mut self, entry: Entry) -> std::io::Result<()> {
        if let Some(file) = &mut self.file {
            // One write: a kill leaves a whole line or a torn one, never two halves.
            let line = serde_json::to_string(&entry)? + "\n";
            file.write_all(line.as_bytes())?;
        }
        self.entries.push(entry);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::report::row::tests::{EXPECTED, row};

    fn asked() -> Value {
        serde_json::json!({ "experiment": "sweep", "batch": [64, 256] })
    }

    fn entry(repeat: u32) -> Entry {
        let rows = vec![row("x", 1, repeat, 100, EXPECTED, None)];
        Entry { point: "batch=64 workload=hop".into(), repeat, load: "closed".into(), took_s: 0.5, rows, error: None }
    }

    #[test]
    fn a_ledger_that_was_cut_anywhere_goes_on_with_the_runs_that_ended() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(LEDGER);
        let mut ledger = Ledger::open(&path, &asked()).unwrap();
        (0..3).for_each(|repeat| ledger.add(entry(repeat)).unwrap());
        assert_eq!(ledger.took_s(), 1.5);
        let whole = std::fs::read(&path).unwrap();
        let ends: Vec<usize> = whole.iter().zip(1..).filter(|(byte, _)| **byte == b'\n').map(|(_, at)| at).collect();
        for cut in (0..=whole.len()).step_by(7).chain(ends.clone()) {
            std::fs::write(&path, &whole[..cut]).unwrap();
            let mut ledger = Ledger::open(&path, &asked()).unwrap();
            assert_eq!(ledger.entries().len(), ends.iter().skip(1).filter(|end| **end <= cut).count(), "cut at {cut}");
            ledger.add(entry(9)).unwrap();
            assert_eq!(Ledger::open(&path, &asked()).unwrap().entries().last().unwrap().repeat, 9);
        }
    }

    #[test]
    fn another_experiment_and_damage_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(LEDGER);
        Ledger::open(&path, &asked()).unwrap().add(entry(0)).unwrap();
        assert!(Ledger::open(&path, &serde_json::json!({ "experiment": "tune" })).unwrap_err().contains("another experiment"));
        let text = std::fs::read_to_string(&path).unwrap();
        for (damaged, needle) in [
            (text.replace("\"repeat\":0", "\"repeat\":x"), "line 2: damaged"),
            (text.replace("\"schema\":2", "\"schema\":3"), "schema 3"),
            (text.replace("\"ledger\":2", "\"ledger\":7"), "version 7"),
            ("hello\n".into(), "no ledger"),
        ] {
            std::fs::write(&path, damaged).unwrap();
            let error = Ledger::open(&path, &asked()).unwrap_err();
            assert!(error.contains(needle), "{needle}: {error}");
        }
        std::fs::write(&path, [0xff, 0xfe, b'\n']).unwrap();
        assert!(Ledger::open(&path, &asked()).unwrap_err().contains("not text"));
    }
}
