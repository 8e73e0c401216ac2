//! `thalweg-bench report`: result folders as a page, or as text.

use std::{fs, path::PathBuf, process::ExitCode};

use clap::Args;
use thalweg_bench::report::{folder::Results, page, text};

use super::{EXIT_FAILED, EXIT_USAGE, print};

pub(crate) const EXAMPLES: &str = "\
Examples:
  thalweg-bench run hop --rate 100k,1M,5M --system thalweg,rtrb-item --out results/hop
  thalweg-bench report results/hop                 writes results/hop/report.html
  thalweg-bench report results/a results/b         both in one page, ./report.html; they are not compared
  thalweg-bench report results/hop -o hop.html
  thalweg-bench report results/hop --text          tables and plots here

The page is one file: it needs no network and no server. Every figure in it leads to the row that it comes from. Which plots there are
follows from the rows: throughput and its cost from closed loops, curves where cores, batch or ring were varied, latency by percentile
from every open loop, latency against load from three rates on.

Exit code: 0 if it was written, 2 if a folder cannot be read.";

#[derive(Args)]
pub(crate) struct ReportArgs {
    /// Result folders, as `run … --out DIR` writes them
    #[arg(required = true, value_name = "DIR")]
    folders: Vec<PathBuf>,
    /// The page; by default `report.html` in the folder, of several folders in the current one. Written anew if it is there
    #[arg(short, long, value_name = "FILE", conflicts_with = "text")]
    output: Option<PathBuf>,
    /// Print tables and plots instead, 80 columns wide
    #[arg(long)]
    text: bool,
}

pub(crate) fn run(arguments: &ReportArgs) -> ExitCode {
    let folders = match arguments.folders.iter().map(|folder| Results::read(folder)).collect::<Result<Vec<_>, _>>() {
        Ok(folders) => folders,
        Err(error) => {
            eprintln!("error: {error}");
            return ExitCode::from(EXIT_USAGE);
        }
    };
    if arguments.text {
        return print(&folders.iter().map(text::text).collect::<Vec<_>>().join("\n"));
    }
    let default = || match arguments.folders.as_slice() {
        [one] => one.join("report.html"),
        _ => PathBuf::from("report.html"),
    };
    let output = arguments.output.clone().unwrap_or_else(default);
    match fs::write(&output, page::page(&folders)) {
        Ok(()) => print(&format!("{}\n", output.display())),
        Err(error) => {
            eprintln!("error: {} cannot be written: {error}", output.display());
            ExitCode::from(EXIT_FAILED)
        }
    }
}
