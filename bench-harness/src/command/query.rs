//! `thalweg-bench query`: the rows of a query of Nexmark over a file of events.

use std::{path::PathBuf, process::ExitCode};

use clap::{Args, ValueEnum};
use thalweg_bench::{
    quantity,
    query::{QueryError, Request, RowFormat, query},
    workload::nexmark::Query,
};

use super::{EXIT_FAILED, usage};

pub(crate) const EXAMPLES: &str = "\
Examples:
  thalweg-bench generate nexmark --events 1M -o events.jsonl
  thalweg-bench query q5 --input events.jsonl --output q5.jsonl
        {\"auction\":1000,\"bids\":25,\"window_start\":1700000000000}, one row a line
  thalweg-bench query q4 --input events.jsonl --output q4.csv --format csv
        q4, q6, q9 and q15 to q19 replace their rows: the last row of each key is written
  thalweg-bench query q4 --input events.jsonl --output q4.jsonl --changes
        every change: {\"op\":\"-\",…} takes a row back, {\"op\":\"+\",…} puts one there
  thalweg-bench generate nexmark --events 10k -o - | thalweg-bench query q8 --input - --output - | head

Events are JSON lines as `generate nexmark` writes them, in order of arrival, at most 4 s of event time out of order. Events that are
later are told on standard error: they are in no window that has ended. With one core the rows come in the same order every time.
Events and rows are held in memory. The file gets its name once it is whole.

Exit code: 0 if the rows were written, 1 if they could not be, 2 if the command line was wrong.";

#[derive(Args)]
pub(crate) struct QueryArgs {
    /// Which query: q0 to q23
    #[arg(value_name = "QUERY")]
    query: Query,
    /// The events, as JSON lines; `-` is standard input
    #[arg(short, long, value_name = "FILE")]
    input: PathBuf,
    /// The file of rows; `-` is standard output. A file that is there is replaced
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    /// Cores to use
    #[arg(long, default_value = "1", value_parser = quantity::count, value_name = "N")]
    cores: u64,
    /// Records per batch [default: the engine's]
    #[arg(long, value_parser = quantity::count, value_name = "N")]
    batch: Option<u64>,
    /// How to write rows
    #[arg(long, value_enum, default_value_t = FormatName::Jsonl)]
    format: FormatName,
    /// Write every row that came or went, with `+` or `-` in a first column `op`
    #[arg(long)]
    changes: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum FormatName {
    /// A JSON object a line
    Jsonl,
    /// Comma-separated values, with a header line
    Csv,
}

pub(crate) fn run(arguments: QueryArgs) -> ExitCode {
    let QueryArgs { query: name, input, output, cores, batch, format, changes } = arguments;
    let size = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
    let request = Request {
        query: name,
        input,
        output,
        cores: size(cores),
        batch: batch.map(size),
        format: match format {
            FormatName::Jsonl => RowFormat::JsonLines,
            FormatName::Csv => RowFormat::Csv,
        },
        changes,
    };
    match query(&request) {
        Ok(summary) => {
            if summary.late > 0 {
                let late = summary.late;
                eprintln!("warning: {late} events came more than 4 s of event time late, and were left out of windows that had ended");
            }
            ExitCode::SUCCESS
        }
        // A reader that has had enough (`| head`) is no fault.
        Err(QueryError::Write { source, .. }) if source.kind() == std::io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(QueryError::Refused(why)) => usage(&why),
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(EXIT_FAILED)
        }
    }
}
