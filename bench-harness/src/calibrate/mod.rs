//! What the machine can do, before anything runs on it: the figures that every result is to be read against.
//!
//! ```text
//!   clocks      cost of one read                       ┐
//!   round trip  a line bounced between two cores       │  a run cannot be faster than memory, nor its latency than
//!   bandwidth   read from memory and from L2           │  a hop, nor its tail than the stalls
//!   stalls      what a spinning thread loses           ┘
//! ```

use std::time::Duration;

use comfy_table::{Cell, CellAlignment, Table, presets};
use core_affinity::CoreId;
use serde::Serialize;

use crate::{
    measure::stalls,
    quantity,
    run::environment::{self, Environment},
};

pub mod bandwidth;
pub mod clock;
pub mod round_trip;

/// Everything that was measured.
#[derive(Clone, Debug, Serialize)]
pub struct Calibration {
    /// Median cost of one read of each clock.
    pub clocks: Vec<clock::Cost>,
    /// Round trips between the first core and each other.
    pub round_trips: Vec<round_trip::RoundTrip>,
    /// Read bandwidths.
    pub bandwidths: Vec<bandwidth::Bandwidth>,
    /// Stall floors: each core by itself, then all at once.
    pub stalls: Vec<CoreStalls>,
    /// The machine.
    pub environment: Environment,
}

/// The stall floor of some cores.
#[derive(Clone, Debug, Serialize)]
pub struct CoreStalls {
    /// Numbers of the cores, spinning at once.
    pub cores: Vec<usize>,
    /// Stalls over a microsecond per second and core.
    pub per_s: f64,
    /// Share of time lost.
    pub share: f64,
    /// The longest in ns.
    pub largest_ns: u64,
}

/// Measures everything; `watch` is how long the stalls of each core are watched.
pub fn calibrate(environment: Environment, watch: Duration, mut say: impl FnMut(&str)) -> Calibration {
    let cores = environment::allowed_cores();
    say("clocks");
    let clocks = clock::costs();
    say("round trip");
    let round_trips =
        cores.split_first().map_or(Vec::new(), |(first, others)| others.iter().map(|other| round_trip::measure(*first, *other)).collect());
    say("bandwidth");
    let bandwidths = bandwidth::measure(&cores);
    say("stalls");
    let mut sets: Vec<Vec<CoreId>> = cores.iter().map(|core| vec![*core]).collect();
    if cores.len() > 1 {
        sets.push(cores);
    }
    let stalls = sets.iter().map(|set| floor(set, watch)).collect();
    Calibration { clocks, round_trips, bandwidths, stalls, environment }
}

fn floor(cores: &[CoreId], watch: Duration) -> CoreStalls {
    let floor = stalls::spin(cores, watch).floor;
    CoreStalls {
        cores: cores.iter().map(|core| core.id).collect(),
        per_s: floor.per_second().unwrap_or(0.0),
        share: floor.share().unwrap_or(0.0),
        largest_ns: floor.largest_ns,
    }
}

impl Calibration {
    /// A table for people.
    pub fn to_table(&self) -> String {
        let mut table = Table::new();
        table.load_style(presets::NOTHING);
        let mut line = |what: String, value: String| {
            table.add_row([Cell::new(what), Cell::new(value).set_alignment(CellAlignment::Right)]);
        };
        for clock in &self.clocks {
            line(format!("clock {}", clock.name), format!("{:.1} ns", clock.ns));
        }
        for trip in &self.round_trips {
            line(format!("round trip, cores {} and {}, with PAUSE", trip.cores[0], trip.cores[1]), quantity::nanoseconds(trip.pause_ns));
            line(format!("round trip, cores {} and {}, without", trip.cores[0], trip.cores[1]), quantity::nanoseconds(trip.busy_ns));
        }
        for bandwidth in &self.bandwidths {
            let cores = if bandwidth.cores == 1 { "1 core".to_owned() } else { format!("{} cores", bandwidth.cores) };
            let block = quantity::human_bytes(bandwidth.bytes_per_core as u64);
            line(format!("read from {}, {cores}, {block} each", bandwidth.from), quantity::bandwidth(bandwidth.bytes_per_s));
        }
        for stalls in &self.stalls {
            let cores = stalls.cores.iter().map(usize::to_string).collect::<Vec<_>>().join(" and ");
            let together = if stalls.cores.len() == 1 { "" } else { " at once" };
            let value = format!(
                "{:.0} /s, {:.2} %, largest {}",
                stalls.per_s,
                stalls.share * 100.0,
                quantity::nanoseconds(stalls.largest_ns as f64)
            );
            line(format!("stalls over 1 µs, core {cores}{together}"), value);
        }
        format!("{}\n{table}\n", self.environment.cpu)
    }
}
