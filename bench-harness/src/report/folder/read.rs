//! Reading a result folder, which may be damaged, cut off, empty, or of another version.
//!
//! ```text
//!   definition ──▶ layout version ──▶ complete.json ──▶ lengths, CRCs ──▶ environment ──▶ rows ──▶ histograms
//!        │ none: rows of an old version? anything at all?      │ none: the run did not end
//!        ▼                                                     ▼
//!   Unreadable, with file, line and what to do            is_complete() is false
//! ```

use std::{
    fs::{self, File},
    io::{self, Read},
    path::{Path, PathBuf},
};

use hdrhistogram::Histogram;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::{
    COMPLETE, Complete, Count, DEFINITION, Definition, ENVIRONMENT, FORMAT, Findings, HISTOGRAMS, Kind, ROWS, Seal,
    histograms::{self, ByRow},
};
use crate::report::row::{Row, SCHEMA};

/// Largest file that is read: a hundred thousand runs with all their histograms.
const FILE_BYTES_MAX: u64 = 1 << 30;

/// Why a folder cannot be read, and what to do about it.
#[derive(Debug, thiserror::Error)]
pub enum Unreadable {
    /// There is no such folder, or it cannot be looked into.
    #[error("{}: {cause}", .path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system says.
        cause: io::Error,
    },
    /// It is something else.
    #[error("{}: not a result folder: {why}. Give a folder that `thalweg-bench run … --out DIR` wrote", .path.display())]
    NotResults {
        /// The folder.
        path: PathBuf,
        /// Why not.
        why: String,
    },
    /// It was written by a program of another version.
    #[error("{}: written in {what} {found}; this program reads {what} {known}. Use the program that wrote it, or run it again", .path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
        /// What has versions.
        what: &'static str,
        /// Its version, as it stands there.
        found: String,
        /// The version that is known.
        known: u32,
    },
    /// There is no row in it.
    #[error("{}: no run has ended in it yet, so there is nothing to tell", .path.display())]
    Empty {
        /// The folder.
        path: PathBuf,
    },
    /// A part of it is missing.
    #[error("{}: cut off: {why}. {}", .path.display(), .remedy)]
    Truncated {
        /// The file.
        path: PathBuf,
        /// What is missing.
        why: String,
        /// What to do.
        remedy: &'static str,
    },
    /// Something in it cannot be so.
    #[error("{}{}: damaged: {why}. {RESTORE}", .path.display(), at(*.line))]
    Damaged {
        /// The file.
        path: PathBuf,
        /// The line, from 1; 0 if it has none.
        line: usize,
        /// What is wrong.
        why: String,
    },
}

const RESTORE: &str = "Restore the folder from a copy, or run it again";

fn at(line: usize) -> String {
    if line == 0 { String::new() } else { format!(", line {line}") }
}

/// What a folder holds.
#[derive(Clone, Debug)]
pub struct Results {
    path: PathBuf,
    definition: Definition,
    environment: Map<String, Value>,
    rows: Vec<Row>,
    lines: Vec<String>,
    histograms: ByRow,
    findings: Findings,
    ended: Option<String>,
}

impl Results {
    /// Reads the folder at `path`. Never panics, whatever is in it.
    ///
    /// # Errors
    /// [`Unreadable`]. There is no result without a row.
    ///
    /// # Cost
    /// Everything is held in memory: about 10 KB a row, and 16 KB to 240 KB per histogram.
    pub fn read(path: &Path) -> Result<Results, Unreadable> {
        let meta = fs::metadata(path).map_err(|cause| Unreadable::Io { path: path.to_owned(), cause })?;
        if !meta.is_dir() {
            return Err(Unreadable::NotResults { path: path.to_owned(), why: "it is a file".into() });
        }
        let Some(definition) = text(&path.join(DEFINITION))? else { return Err(without_definition(path)) };
        let definition = definition_of(&path.join(DEFINITION), &definition)?;
        let complete = match text(&path.join(COMPLETE))? {
            Some(complete) => Some(parse::<Complete>(&path.join(COMPLETE), 0, &complete)?),
            None => None,
        };
        for seal in complete.iter().flat_map(|complete| &complete.files) {
            check(path, seal)?;
        }
        let manifest = path.join(ENVIRONMENT);
        let environment = parse(&manifest, 0, &text(&manifest)?.ok_or_else(|| missing(&manifest))?)?;
        let all = path.join(ROWS);
        let lines: Vec<String> = lines(&all, &text(&all)?.ok_or_else(|| missing(&all))?)?;
        let rows = lines.iter().enumerate().map(|(i, line)| row(&all, i + 1, line)).collect::<Result<Vec<_>, _>>()?;
        if let Some(complete) = complete.as_ref().filter(|complete| complete.rows != rows.len() as u64) {
            let why = format!("it holds {}, {} were written", Count(rows.len(), "row"), complete.rows);
            return Err(Unreadable::Truncated { path: all, why, remedy: RESTORE });
        }
        if rows.is_empty() {
            return Err(Unreadable::Empty { path: path.to_owned() });
        }
        let log = path.join(HISTOGRAMS);
        let histograms = match text(&log)? {
            Some(text) => histograms::read(&text, rows.len()).map_err(|(line, why)| Unreadable::Damaged { path: log, line, why })?,
            None => ByRow::new(),
        };
        let ended = complete.map(|complete| complete.ended);
        let findings = Findings::read(path, rows.len())?;
        Ok(Results { path: path.to_owned(), definition, environment, rows, lines, histograms, findings, ended })
    }

    /// Where it was read.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What was asked.
    pub fn definition(&self) -> &Definition {
        &self.definition
    }

    /// The machine and the build, as they stand in the manifest.
    pub fn environment(&self) -> &Map<String, Value> {
        &self.environment
    }

    /// The rows in the order in which they were written; at least one.
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// Row `i` as it stands in the file, fields that this program does not know included.
    pub fn line(&self, i: usize) -> Option<&str> {
        self.lines.get(i).map(String::as_str)
    }

    /// A histogram of row `i`, if the run had one.
    pub fn histogram(&self, i: usize, kind: Kind) -> Option<&Histogram<u64>> {
        self.histograms.get(&(i, kind))
    }

    /// What an experiment found, beside its rows.
    pub fn findings(&self) -> &Findings {
        &self.findings
    }

    /// Whether the run ended, so that every row that was asked for is here.
    pub fn is_complete(&self) -> bool {
        self.ended.is_some()
    }

    /// When the last row was written, in UTC; none if the run did not end.
    pub fn ended(&self) -> Option<&str> {
        self.ended.as_deref()
    }
}

/// The rows of a result folder, or of a file of rows as `run --format json` prints them; at least one.
///
/// # Errors
/// [`Unreadable`].
pub fn rows(path: &Path) -> Result<Vec<Row>, Unreadable> {
    if !path.is_file() {
        return Ok(Results::read(path)?.rows);
    }
    let lines = lines(path, &text(path)?.ok_or_else(|| missing(path))?)?;
    let rows = lines.iter().zip(1..).map(|(text, line)| row(path, line, text)).collect::<Result<Vec<_>, _>>()?;
    if rows.is_empty() { Err(Unreadable::Empty { path: path.to_owned() }) } else { Ok(rows) }
}

/// The text of a file; none if there is no such file.
pub(super) fn text(path: &Path) -> Result<Option<String>, Unreadable> {
    let io = |cause| Unreadable::Io { path: path.to_owned(), cause };
    let file = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        file => file.map_err(io)?,
    };
    let mut bytes = Vec::new();
    file.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes).map_err(io)?;
    let damaged = |why: String| Unreadable::Damaged { path: path.to_owned(), line: 0, why };
    if bytes.len() as u64 > FILE_BYTES_MAX {
        return Err(damaged(format!("it is larger than {} MiB", FILE_BYTES_MAX >> 20)));
    }
    String::from_utf8(bytes).map(Some).map_err(|error| {
        let line = error.as_bytes()[..error.utf8_error().valid_up_to()].iter().filter(|byte| **byte == b'\n').count() + 1;
        Unreadable::Damaged { path: path.to_owned(), line, why: "not text (UTF-8)".into() }
    })
}

fn missing(path: &Path) -> Unreadable {
    Unreadable::Truncated { path: path.to_owned(), why: "the file is missing".into(), remedy: RESTORE }
}

pub(super) fn parse<T: DeserializeOwned>(path: &Path, line: usize, text: &str) -> Result<T, Unreadable> {
    serde_json::from_str(text).map_err(|error| {
        let path = path.to_owned();
        let line = if line == 0 { error.line() } else { line };
        if error.is_eof() {
            let why = if text.trim().is_empty() { "the file is empty" } else { "it ends in the middle of a value" };
            return Unreadable::Truncated { path, why: why.into(), remedy: RESTORE };
        }
        Unreadable::Damaged { path, line, why: error.to_string() }
    })
}

/// What a folder without a definition is: results of an older program, or no results at all.
fn without_definition(path: &Path) -> Unreadable {
    let rows = path.join(ROWS);
    let first = match text(&rows) {
        Ok(Some(text)) => text.lines().next().map(str::to_owned).unwrap_or_default(),
        Ok(None) => {
            let is_bare = fs::read_dir(path).is_ok_and(|mut entries| entries.next().is_none());
            let why = if is_bare { "it is empty" } else { "it holds no definition.json" };
            return Unreadable::NotResults { path: path.to_owned(), why: why.into() };
        }
        Err(error) => return error,
    };
    match schema(&first) {
        Some(found) if found != SCHEMA.to_string() => Unreadable::Foreign { path: rows, what: "row schema", found, known: SCHEMA },
        _ => missing(&path.join(DEFINITION)),
    }
}

fn definition_of(path: &Path, text: &str) -> Result<Definition, Unreadable> {
    let value: Value = parse(path, 0, text)?;
    match value.get("format") {
        Some(format) if *format == FORMAT => parse(path, 0, text),
        Some(format @ Value::Number(_)) => {
            Err(Unreadable::Foreign { path: path.to_owned(), what: "layout", found: format.to_string(), known: FORMAT })
        }
        _ => Err(Unreadable::NotResults { path: path.to_owned(), why: "its definition.json names no format".into() }),
    }
}

/// Holds a file against what it was when the folder was finished.
fn check(folder: &Path, seal: &Seal) -> Result<(), Unreadable> {
    let known = [DEFINITION, ENVIRONMENT, ROWS, HISTOGRAMS];
    if !known.contains(&seal.name.as_str()) {
        let why = format!("it names a file `{}`, which no result folder has", seal.name.escape_debug());
        return Err(Unreadable::Damaged { path: folder.join(COMPLETE), line: 0, why });
    }
    let path = folder.join(&seal.name);
    let content = text(&path)?.ok_or_else(|| missing(&path))?;
    let now = Seal::of(&seal.name, content.as_bytes());
    if now.bytes < seal.bytes {
        let why = format!("{} of {} bytes are there", now.bytes, seal.bytes);
        return Err(Unreadable::Truncated { path, why, remedy: RESTORE });
    }
    if now != *seal {
        let why = "it was changed after it was written: its CRC-32 is not the one in complete.json".to_owned();
        return Err(Unreadable::Damaged { path, line: 0, why });
    }
    Ok(())
}

/// The rows' lines; the last one must be whole.
fn lines(path: &Path, text: &str) -> Result<Vec<String>, Unreadable> {
    let lines: Vec<String> = text.lines().map(str::to_owned).collect();
    if text.is_empty() || text.ends_with('\n') {
        return Ok(lines);
    }
    let why = format!("it ends in the middle of line {}", lines.len());
    let remedy = "Its run was interrupted: delete the last line to read those before it";
    Err(Unreadable::Truncated { path: path.to_owned(), why, remedy })
}

/// The schema that a row says it has.
fn schema(line: &str) -> Option<String> {
    let value: Value = serde_json::from_str(line).ok()?;
    value.get("schema").map(Value::to_string)
}

/// A row out of its line of JSON; `path` and `line` (from 1) are only named in errors.
///
/// # Errors
/// [`Unreadable::Foreign`] and [`Unreadable::Damaged`].
pub fn row(path: &Path, line: usize, text: &str) -> Result<Row, Unreadable> {
    // A row of another schema may fail to parse for that reason alone: look at its version first.
    if let Some(found) = schema(text).filter(|found| *found != SCHEMA.to_string()) {
        return Err(Unreadable::Foreign { path: path.to_owned(), what: "row schema", found, known: SCHEMA });
    }
    serde_json::from_str(text).map_err(|error| Unreadable::Damaged { path: path.to_owned(), line, why: error.to_string() })
}

#[cfg(test)]
mod tests;
