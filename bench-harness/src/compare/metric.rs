//! What is compared, and what difference of it matters.

use serde::Serialize;

use super::decide::Good;
use crate::{measure::residence::Latency, quantity, report::row::Row};

/// A metric.
#[derive(Clone, Copy, Debug)]
pub struct Metric {
    /// Its name, as printed.
    pub name: &'static str,
    /// Unit of its values, as in the row.
    pub unit: Unit,
    /// Which way is good.
    pub good: Good,
    /// The smallest difference that matters, as a share. Tails need more: fewer records make them.
    pub least: f64,
    /// Added to both sides of a ratio: below it a difference counts for nothing, and zero has a logarithm.
    pub offset: f64,
    figure: fn(&Row) -> Option<f64>,
}

/// Units.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// Records per second.
    PerSecond,
    /// Nanoseconds.
    Ns,
    /// A plain number.
    Count,
    /// Bytes.
    Bytes,
}

impl Unit {
    /// A value for people.
    pub fn show(self, value: f64) -> String {
        match self {
            Unit::PerSecond => quantity::per_second(value),
            Unit::Ns => quantity::nanoseconds(value),
            Unit::Count => format!("{value:.4}"),
            Unit::Bytes => quantity::human_bytes(value as u64),
        }
    }
}

impl Metric {
    /// Its value in a row; none if the row has none, or one that cannot be.
    pub fn of(&self, row: &Row) -> Option<f64> {
        (self.figure)(row).filter(|value| value.is_finite() && value + self.offset > 0.0)
    }
}

fn quantile(row: &Row, of: fn(&Latency) -> Option<u64>) -> Option<f64> {
    row.latency_ns.as_ref().and_then(of).map(|ns| ns as f64)
}

/// All metrics. In an open loop the throughput is what was offered, and is not compared.
pub const METRICS: [Metric; 7] = [
    Metric {
        name: "throughput",
        unit: Unit::PerSecond,
        good: Good::More,
        least: 0.01,
        offset: 0.0,
        figure: |row| row.r_per_s.filter(|_| row.config.kind == "closed"),
    },
    Metric { name: "p50", unit: Unit::Ns, good: Good::Less, least: 0.02, offset: 1.0, figure: |row| quantile(row, |l| l.p50) },
    Metric { name: "p99", unit: Unit::Ns, good: Good::Less, least: 0.05, offset: 1.0, figure: |row| quantile(row, |l| l.p99) },
    Metric { name: "p99.9", unit: Unit::Ns, good: Good::Less, least: 0.10, offset: 1.0, figure: |row| quantile(row, |l| l.p99_9) },
    Metric {
        name: "CPU/record",
        unit: Unit::Ns,
        good: Good::Less,
        least: 0.01,
        offset: 1e-3,
        figure: |row| row.cpu_ns_per_record.filter(|ns| *ns >= 0.0),
    },
    Metric {
        name: "allocs/record",
        unit: Unit::Count,
        good: Good::Less,
        least: 0.01,
        offset: 1e-2,
        figure: |row| row.allocations_per_record.filter(|count| *count >= 0.0),
    },
    Metric {
        name: "memory added",
        unit: Unit::Bytes,
        good: Good::Less,
        least: 0.05,
        offset: (4 << 20) as f64,
        figure: |row| Some(row.peak_rss_bytes?.saturating_sub(row.rss_at_start_bytes?) as f64),
    },
];
