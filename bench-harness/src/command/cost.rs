//! `thalweg-bench cost`: what the runs of a folder cost.

use std::{path::PathBuf, process::ExitCode};

use clap::Args;
use thalweg_bench::report::{cost, folder};

use super::{Format, experiment::lines, print, usage};

pub(crate) const EXAMPLES: &str = "\
Examples:
  thalweg-bench run ysb --system thalweg,hand --out results/ysb
  thalweg-bench cost results/ysb --price 0.04          per core-hour, in any currency
  thalweg-bench cost results/ysb --format json         every median with its interval

Money is told twice: for the CPU time that was used, and for the cores that were held as long as the run took.";

#[derive(Args)]
pub(crate) struct CostArgs {
    /// Result folders, or files of rows
    #[arg(required = true, value_name = "DIR")]
    folders: Vec<PathBuf>,
    /// Price of a core for an hour
    #[arg(long, value_parser = price)]
    price: Option<f64>,
    /// How the result is printed
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
}

fn price(text: &str) -> Result<f64, String> {
    let price = text.parse::<f64>().ok().filter(|price| price.is_finite() && *price >= 0.0);
    price.ok_or_else(|| format!("`{text}` is no price, for example 0.04"))
}

pub(crate) fn run(arguments: &CostArgs) -> ExitCode {
    let mut rows = Vec::new();
    for folder in &arguments.folders {
        match folder::rows(folder) {
            Ok(read) => rows.extend(read),
            Err(why) => return usage(&why.to_string()),
        }
    }
    let costs = cost::costs(&rows, arguments.price);
    match arguments.format {
        _ if costs.is_empty() => usage("no run in it is believed, so that there is no cost to tell"),
        Format::Table => print(&cost::draw(&costs)),
        Format::Json => print(&lines(&costs)),
        Format::Csv => usage("costs are printed as table or json"),
    }
}
