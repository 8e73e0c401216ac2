//! `thalweg-bench calibrate`: the machine.

use std::{process::ExitCode, time::Duration};

use clap::Args;
use indicatif::ProgressBar;
use thalweg_bench::{calibrate, quantity, run::environment::Environment};

use super::{Format, print, usage};

#[derive(Args)]
pub(crate) struct CalibrateArgs {
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
    /// How long to watch each core for stalls
    #[arg(long, default_value = "1s", value_parser = quantity::seconds)]
    watch: f64,
}

pub(crate) fn run(arguments: &CalibrateArgs) -> ExitCode {
    let watch = Duration::from_secs_f64(arguments.watch);
    let bar = ProgressBar::new_spinner();
    let calibration = calibrate::calibrate(Environment::read(), watch, |what| {
        bar.set_message(what.to_owned());
        bar.tick();
    });
    bar.finish_and_clear();
    match arguments.format {
        Format::Table => print(&calibration.to_table()),
        Format::Json => print(&(serde_json::to_string(&calibration).expect("strings and numbers have a JSON form") + "\n")),
        Format::Csv => usage("calibrate prints a table or json, not csv"),
    }
}
