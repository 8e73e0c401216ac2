//! `thalweg-bench list`: what there is to choose from.

use std::process::ExitCode;

use clap::{Args, ValueEnum};
use thalweg_bench::{process, run::matrix::WAITS, system, workload};

use super::print;

#[derive(Args)]
pub(crate) struct ListArgs {
    #[arg(value_enum)]
    what: Listed,
}

#[derive(Clone, Copy, ValueEnum)]
enum Listed {
    Workloads,
    Systems,
    Options,
}

pub(crate) fn run(arguments: &ListArgs) -> ExitCode {
    print(&list(arguments.what))
}

fn list(what: Listed) -> String {
    match what {
        Listed::Workloads => {
            let line = |info: &workload::WorkloadInfo| {
                let loops = if info.open_loop { "closed and open loop" } else { "closed loop" };
                format!("{:<20}{}; about {} bytes each; {loops}\n", info.name, info.summary, info.event_bytes)
            };
            // A query that is made inline computes the same: `run` says how to ask for it.
            workload::names().iter().filter(|info| info.suite != Some(workload::NEXMARK_INLINE)).map(line).collect()
        }
        Listed::Systems => {
            let peers = process::names();
            let peers = peers.iter().map(|name| format!("{name:<20}a process of its own, described in peers/{name}.toml\n"));
            let missing = system::PEERS.into_iter().filter_map(|name| Some(format!("{name:<20}{}\n", system::missing(name)?)));
            system::all().iter().map(|system| format!("{}\n", system.name())).chain(missing).chain(peers).collect()
        }
        Listed::Options => {
            let mut text = String::from("--wait\n");
            text.extend(WAITS.iter().map(|(name, what)| format!("  {name:<12}{what}\n")));
            text += "--rate\n  100k        open loop at 100,000 records a second\n  0.5x        at half of what the same configuration reaches in a closed loop\n";
            text += "--batch\n  64 to 2048  records that move as a unit; larger ones are faster and wait longer to fill\n";
            text += "--ring\n  256KiB to 1MiB and at least 16 batches; smaller starves, larger than the L2 cache is slower\n";
            text += "--allocator\n  mimalloc    the default\n  system      the C library's\n";
            text += "--format\n  table, json (one line a run, schema in results/README.md), csv\n";
            text += "--baseline\n  systems to divide by, paired by repeat; closed loop: rates, open loop: medians of the latency\n";
            text
        }
    }
}
