//! The load–latency curve: what waiting costs as the offered load nears what can be sustained, and beyond.

use serde::{Deserialize, Serialize};

use crate::{measure::backlog::Stability, report::row::Row};

/// The loads of a curve, as shares of the sustainable rate.
pub const SHARES: [f64; 12] = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.1, 1.2];

/// One run of a curve.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Point {
    /// Workload.
    pub workload: String,
    /// System.
    pub system: String,
    /// Share of the sustainable rate.
    pub share: f64,
    /// Records per second that were offered.
    pub offered_per_s: f64,
    /// Records per second that went through.
    pub r_per_s: Option<f64>,
    /// Repeat, from 0.
    pub repeat: u32,
    /// Half of the records waited at most so long, in ns.
    pub p50_ns: Option<u64>,
    /// 99 %.
    pub p99_ns: Option<u64>,
    /// 99.9 %.
    pub p99_9_ns: Option<u64>,
    /// The slowest.
    pub max_ns: Option<u64>,
    /// Whether it was kept up with.
    pub stability: Option<Stability>,
    /// Number of its row in the folder's `rows.jsonl`, from 0.
    pub row: u64,
}

impl Point {
    /// Of a run at `share` of the sustainable rate.
    pub fn of(row: &Row, share: f64, offered_per_s: f64, repeat: u32, number: u64) -> Point {
        let latency = row.latency_ns.as_ref();
        Point {
            workload: row.workload.clone(),
            system: row.system.clone(),
            share,
            offered_per_s,
            r_per_s: row.r_per_s,
            repeat,
            p50_ns: latency.and_then(|latency| latency.p50),
            p99_ns: latency.and_then(|latency| latency.p99),
            p99_9_ns: latency.and_then(|latency| latency.p99_9),
            max_ns: latency.map(|latency| latency.max),
            stability: row.stability(),
            row: number,
        }
    }
}
