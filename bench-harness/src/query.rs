//! Runs a query of Nexmark over a file of events, and writes its rows to another: the engine's answers for anyone to look at.
//!
//! ```text
//!   FILE or stdin ─▶ jsonl ─▶ Block ─▶ Replay ─▶ program (the engine) ─▶ lines ─┬─ changes ──────────▶ JSON lines │ CSV ─▶ FILE.part ─▶ FILE
//!                                                                            └─ Table (upsert) ───┘                  (renamed once whole)
//! ```
//!
//! Laws
//! - The rows have the query's columns, in their order. An append query gives every row; an upsert query the last row of each key, in the
//!   order of the keys; with `changes` both give every row that came or went, and the changes of one key are in their order.
//! - A file under its final name is whole.
//! - A table that does not add up to the digest of its changes is an error and not a result.
//!
//! Non-goals: streaming. Events and rows are held in memory: some 300 bytes an event, and each row once.

use std::{
    fs::File,
    io::{self, BufReader, IsTerminal, Read, Write},
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use indicatif::{ProgressBar, ProgressStyle};
use thalweg::{Config, Dataflow, runtime::available_cores};

use crate::{
    generate::target::Target,
    workload::nexmark::{
        Block, Cell, Kept, Query, Replay, jsonl,
        output::{self, Table},
        program::{self, Keep, Line},
    },
};

/// How rows are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RowFormat {
    /// A JSON object a line.
    JsonLines,
    /// Comma-separated values, with a header line.
    Csv,
}

/// What to compute, from what, and where to.
#[derive(Clone, Debug)]
pub struct Request {
    /// The query.
    pub query: Query,
    /// Events as lines of JSON; `-` is standard input.
    pub input: PathBuf,
    /// The file of rows; `-` is standard output.
    pub output: PathBuf,
    /// Workers, each on a core of its own.
    pub cores: usize,
    /// Records per batch; the engine's own choice if none.
    pub batch: Option<usize>,
    /// How to write rows.
    pub format: RowFormat,
    /// Every change, and not the table that they add up to.
    pub changes: bool,
}

/// What was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Summary {
    /// Events read.
    pub events: u64,
    /// Lines written, a header not counted.
    pub rows: u64,
    /// Events that came after the watermark had passed them, and are in no row that needs a watermark.
    pub late: u64,
}

/// Why there are no rows.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum QueryError {
    /// The request asks for what there is not; the message says what there is.
    #[error("{0}")]
    Refused(String),
    /// The events could not be read.
    #[error("{0}")]
    Read(String),
    /// The query failed.
    #[error("{query} failed: {why}")]
    Failed {
        /// Which one.
        query: Query,
        /// What happened.
        why: String,
    },
    /// The rows could not be written.
    #[error("cannot write {path}: {source}")]
    Write {
        /// The file.
        path: String,
        /// What happened.
        source: io::Error,
    },
}

/// Runs the query and writes its rows. Beyond two seconds a line on standard error says what goes on, if that is a terminal.
///
/// # Errors
/// [`QueryError`]; then the output is as it was.
pub fn query(request: &Request) -> Result<Summary, QueryError> {
    let cores = available_cores();
    if request.cores == 0 || request.cores > cores.limit {
        let (asked, limit) = (request.cores, cores.limit);
        return Err(QueryError::Refused(format!("--cores {asked} is not possible here: there are {cores}; choose 1 to {limit}")));
    }
    let mut wait = Wait::new();
    let done = answer(request, &mut wait);
    wait.finish();
    done
}

fn answer(request: &Request, wait: &mut Wait) -> Result<Summary, QueryError> {
    let Request { query, .. } = *request;
    let failed = |why: String| QueryError::Failed { query, why };
    let mut flow = Dataflow::new(query.to_string());
    // Whether there is such a program, and room for its rows, is known before a large file is read.
    program::build(query, &mut Dataflow::new("probe"), Replay::once(Block::new()), Keep::Rows).map_err(QueryError::Refused)?;
    let write_error = |source| QueryError::Write { path: request.output.display().to_string(), source };
    let mut target = Target::create(&request.output).map_err(write_error)?;

    let block = read(&request.input, wait).map_err(QueryError::Read)?;
    let events = block.len() as u64;
    let results = program::build(query, &mut flow, Replay::once(block), Keep::Rows).map_err(QueryError::Refused)?;
    let config = Config::default().workers(request.cores);
    let config = request.batch.into_iter().fold(config, Config::batch);
    let running = flow.start(config).map_err(|error| QueryError::Refused(error.to_string()))?;
    let mut pause = Duration::from_millis(1);
    while !running.is_finished() {
        wait.tell(|| format!("{query} over {events} events"));
        thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(50));
    }
    let report = running.join().map_err(|error| failed(error.to_string()))?;
    let results = results.results().map_err(failed)?;
    let (answer, late) = (results.answer(), report.late + results.late);
    let lines = results.lines.unwrap_or_default();

    let mut writer = RowWriter { request, out: target.out(), rows: 0, wait };
    let table = Table::new(query).filter(|_| !request.changes);
    let written = match table {
        None => writer.lines(&lines),
        Some(mut table) => {
            for line in &lines {
                let row = cells(&line.columns);
                if line.goes { table.delete(&row) } else { table.upsert(&row) }
            }
            if table.answer() != answer {
                return Err(failed("its changes do not add up to a table; please report this with the file of events".into()));
            }
            writer.table(&table)
        }
    };
    let rows = writer.rows;
    written.and_then(|()| target.commit()).map_err(write_error)?;
    Ok(Summary { events, rows, late })
}

fn cells(columns: &[Kept]) -> Vec<Cell<'_>> {
    columns.iter().map(Kept::cell).collect()
}

/// Writes rows in the format that is asked for, and counts them.
struct RowWriter<'a> {
    request: &'a Request,
    out: &'a mut dyn Write,
    rows: u64,
    wait: &'a mut Wait,
}

impl RowWriter<'_> {
    fn lines(&mut self, lines: &[Line]) -> io::Result<()> {
        self.header()?;
        lines.iter().try_for_each(|line| self.row(line.goes, &line.columns))
    }

    fn table(&mut self, table: &Table) -> io::Result<()> {
        self.header()?;
        table.sorted().into_iter().try_for_each(|row| self.row(false, row))
    }

    fn header(&mut self) -> io::Result<()> {
        match self.request.format {
            RowFormat::JsonLines => Ok(()),
            RowFormat::Csv => output::write_csv_header(self.request.query, self.request.changes, self.out),
        }
    }

    fn row(&mut self, goes: bool, columns: &[Kept]) -> io::Result<()> {
        let (query, row) = (self.request.query, cells(columns));
        match (self.request.format, self.request.changes) {
            (RowFormat::JsonLines, false) => output::write_json(query, &row, self.out)?,
            (RowFormat::JsonLines, true) => output::write_json_change(query, goes, &row, self.out)?,
            (RowFormat::Csv, false) => output::write_csv(&row, self.out)?,
            (RowFormat::Csv, true) => output::write_csv_change(goes, &row, self.out)?,
        }
        self.rows += 1;
        if self.rows.is_multiple_of(1 << 14) {
            let rows = self.rows;
            self.wait.tell(|| format!("{rows} rows written"));
        }
        Ok(())
    }
}

/// Reads the events, and says which file and line are at fault and what to do about it.
fn read(path: &Path, wait: &mut Wait) -> Result<Block, String> {
    let stdin = path == Path::new("-");
    let name = if stdin { "standard input".into() } else { path.display().to_string() };
    let from: Box<dyn Read> = if stdin {
        Box::new(io::stdin().lock())
    } else {
        Box::new(File::open(path).map_err(|error| {
            format!("cannot read {name}: {error}; `thalweg-bench generate nexmark --events 1M -o events.jsonl` makes a file of events")
        })?)
    };
    let watched = Watched { from, bytes: 0, wait, name: &name };
    jsonl::read(BufReader::with_capacity(1 << 20, watched)).map_err(|error| {
        let hint = match &error {
            jsonl::ReadError::Malformed { .. } => {
                "; a line is {\"person\":{…}}, {\"auction\":{…}} or {\"bid\":{…}}, as `thalweg-bench generate nexmark` writes them: \
                 mend the line or take it out"
            }
            jsonl::ReadError::Full { .. } => "; split the file",
            jsonl::ReadError::Io(_) => "",
        };
        format!("{name}: {error}{hint}")
    })
}

/// Tells how much has been read.
struct Watched<'a, R> {
    from: R,
    bytes: u64,
    wait: &'a mut Wait,
    name: &'a str,
}

impl<R: Read> Read for Watched<'_, R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let bytes = self.from.read(into)?;
        self.bytes += bytes as u64;
        let (name, megabytes) = (self.name, self.bytes >> 20);
        self.wait.tell(|| format!("{megabytes} MiB of {name} read"));
        Ok(bytes)
    }
}

/// Says what goes on, once that has taken two seconds.
struct Wait {
    started: Instant,
    bar: Option<ProgressBar>,
}

impl Wait {
    const PATIENCE: Duration = Duration::from_secs(2);

    fn new() -> Wait {
        Wait { started: Instant::now(), bar: None }
    }

    fn tell(&mut self, what: impl FnOnce() -> String) {
        if self.started.elapsed() < Self::PATIENCE || !io::stderr().is_terminal() {
            return;
        }
        let bar = self.bar.get_or_insert_with(|| {
            let style = ProgressStyle::with_template("{elapsed:>4} {wide_msg}").unwrap_or_else(|_| ProgressStyle::default_spinner());
            ProgressBar::new_spinner().with_style(style).with_elapsed(Self::PATIENCE)
        });
        bar.set_message(what());
        bar.tick();
    }

    fn finish(self) {
        if let Some(bar) = self.bar {
            bar.finish_and_clear();
        }
    }
}
