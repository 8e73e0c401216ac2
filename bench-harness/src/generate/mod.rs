//! Writes a workload's input to a file, for other systems to read.
//!
//! ```text
//!   Request ──▶ workload (seeded) ──▶ rows of fields ──▶ JSON lines │ CSV │ Parquet ──▶ FILE.part ──▶ FILE
//!               Nexmark ────────────▶ events ──▶ JSON lines, or one kind's rows ─┘        (renamed once it is whole)
//! ```
//!
//! Laws
//! - The same request writes the same bytes.
//! - A file under its final name is whole. What is given up leaves nothing behind, unless the process is killed.

#[cfg(feature = "parquet")]
mod parquet;
mod progress;
mod table;
pub(crate) mod target;
mod write;

use std::{
    io,
    path::{Path, PathBuf},
};

use crate::workload::{
    self, Spec,
    nexmark::{Generator, Kind, Options, jsonl},
};
use progress::Progress;
use target::Target;
use write::RowWriter;

/// The name under which Nexmark's events are generated.
pub const NEXMARK: &str = "nexmark";

/// How a file is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// A JSON object a line.
    JsonLines,
    /// Comma-separated values, with a header line.
    Csv,
    /// Apache Parquet, if compiled in.
    Parquet,
}

/// What to write, and where to.
#[derive(Clone, Debug)]
pub struct Request {
    /// A workload's name, or [`NEXMARK`].
    pub workload: String,
    /// How many events to make.
    pub events: u64,
    /// Seed of all that is drawn.
    pub seed: u64,
    /// How to write them.
    pub format: Format,
    /// The file; `-` is standard output.
    pub out: PathBuf,
    /// Options of Nexmark's generator.
    pub nexmark: Options,
    /// Of Nexmark's events, write only those of a kind.
    pub kind: Option<Kind>,
}

/// Why nothing was written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GenerateError {
    /// The request asks for what there is not; the message says what there is.
    #[error("{0}")]
    Refused(String),
    /// The file could not be written.
    #[error("cannot write {path}: {source}")]
    Write {
        /// The file.
        path: String,
        /// What happened.
        source: io::Error,
    },
}

/// Writes what is asked for. Beyond two seconds a bar on standard error shows how far it is, if that is a terminal.
///
/// # Errors
/// [`GenerateError`]; then the file is as it was.
pub fn generate(request: &Request) -> Result<(), GenerateError> {
    if request.format == Format::Parquet && cfg!(not(feature = "parquet")) {
        let hint = "this build cannot write Parquet: build it with `--features parquet` (cargo run --release -p thalweg-bench --features \
                    parquet -- generate …), or use --format jsonl or csv";
        return Err(GenerateError::Refused(hint.to_owned()));
    }
    if request.workload == NEXMARK { nexmark(request) } else { flat(request) }
}

fn nexmark(request: &Request) -> Result<(), GenerateError> {
    if request.events > Generator::EVENTS_MAX {
        return Err(GenerateError::Refused(format!("{} events are too many: at most {}", request.events, Generator::EVENTS_MAX)));
    }
    let generator = Generator::new(request.seed, request.nexmark).map_err(GenerateError::Refused)?;
    let events = (0..request.events).map(|arrival| generator.event(arrival));
    let wanted = |kind| request.kind.is_none_or(|only| only == kind);
    if request.format == Format::JsonLines {
        return to_target(
            &request.out,
            |out, progress| {
                for event in events {
                    if wanted(event.kind()) {
                        jsonl::write(&event, out)?;
                    }
                    progress.step();
                }
                Ok(())
            },
            request.events,
        );
    }
    let Some(kind) = request.kind else {
        let hint = "persons, auctions and bids have different columns: choose one of them with --kind person, auction or bid (the same \
                    seed makes the same events each time), or use --format jsonl, which holds all three in their order of arrival";
        return Err(GenerateError::Refused(hint.to_owned()));
    };
    rows(request, table::nexmark_columns(kind), |emit, progress| {
        for event in events {
            if event.kind() == kind {
                table::nexmark_row(&event, emit)?;
            }
            progress.step();
        }
        Ok(())
    })
}

fn flat(request: &Request) -> Result<(), GenerateError> {
    let spec = Spec::new(&request.workload, request.events, request.seed);
    let input = workload::input(&spec).map_err(GenerateError::Refused)?;
    rows(request, table::columns(&input.data), |emit, progress| table::for_each_row(&input, emit, &mut || progress.step()))
}

/// Takes a row; the same as [`write::RowWriter::row`].
type Emit<'a> = &'a mut dyn FnMut(&[table::Field<'_>]) -> io::Result<()>;

/// Writes what `fill` emits, in the format that is asked for.
fn rows(
    request: &Request,
    columns: &'static [table::Column],
    fill: impl FnOnce(Emit<'_>, &mut Progress) -> io::Result<()>,
) -> Result<(), GenerateError> {
    let with = |out: &mut (dyn io::Write + Send), progress: &mut Progress| {
        let mut writer: Box<dyn RowWriter + '_> = match request.format {
            Format::JsonLines => Box::new(write::JsonLines::new(out, columns)),
            Format::Csv => Box::new(write::Csv::new(out, columns)?),
            #[cfg(feature = "parquet")]
            Format::Parquet => Box::new(parquet::Parquet::new(out, columns)?),
            #[cfg(not(feature = "parquet"))]
            Format::Parquet => return Err(io::ErrorKind::Unsupported.into()),
        };
        fill(&mut |row| writer.row(row), progress)?;
        writer.finish()
    };
    to_target(&request.out, with, request.events)
}

fn to_target(
    path: &Path,
    fill: impl FnOnce(&mut (dyn io::Write + Send), &mut Progress) -> io::Result<()>,
    events: u64,
) -> Result<(), GenerateError> {
    let mut progress = Progress::new(events);
    let write = || {
        let mut target = Target::create(path)?;
        fill(target.out(), &mut progress)?;
        target.commit()
    };
    let written = write();
    progress.finish();
    written.map_err(|source| GenerateError::Write { path: path.display().to_string(), source })
}
