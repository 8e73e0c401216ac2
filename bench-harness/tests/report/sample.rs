//! A result folder with rows for every plot. Its figures are made up by formula, for the drawing's sake; no one may take them for results.

use std::path::Path;

use hdrhistogram::Histogram;
use serde_json::{Value, json};
use thalweg_bench::{
    measure::residence::{self, Latency},
    report::{
        compare,
        folder::{Definition, Folder, Kind},
        row::{Row, SCHEMA},
    },
    run::environment::Environment,
};

/// A name that would be markup if it were not escaped.
const HOSTILE: &str = "<img src=x onerror=alert(1)>";

/// A number from 0 to 1, the same every time.
fn noise(seed: u64) -> f64 {
    let mixed = (seed + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    ((mixed ^ (mixed >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9) >> 11) as f64 / (1u64 << 53) as f64
}

/// Waits with an exponential body around `middle_ns`, a tail, and with probability `stall` a wait behind a stall of 4 ms.
fn waits(seed: u64, middle_ns: f64, stall: f64) -> Histogram<u64> {
    let mut histogram = residence::histogram();
    for i in 0..60_000 {
        let (a, b) = (noise(seed << 20 | i << 1), noise(seed << 20 | i << 1 | 1));
        let ns = if b < stall { 4e6 * a } else { middle_ns * (0.6 - (1.0 - a).ln() * 0.5) };
        residence::record(&mut histogram, 0, ns as u64);
    }
    histogram
}

struct Sample {
    rows: Vec<(Row, Vec<(Kind, Histogram<u64>)>)>,
}

impl Sample {
    /// A row that is nothing but the parts that all rows have.
    fn row(&self, workload: &str, system: &str, cores: usize, batch: usize, repeat: usize) -> Value {
        let order = self.rows.len();
        let stall = 0.004 + 0.02 * noise(order as u64 + 7).powi(6);
        let shaky = noise(order as u64 + 99) > 0.95;
        let reasons = if shaky { json!(["the machine itself stalled for 12 % of the time"]) } else { json!([]) };
        json!({
            "schema": SCHEMA, "workload": workload, "system": system,
            "config": {
                "cores": cores, "batch": batch, "ring_bytes": 262144, "wait": "adaptive", "loop": "closed", "rate_per_s": null,
                "rate_asked": null, "events": 20_000_000, "block_bytes": 4_194_304, "allocator": "mimalloc", "schedule": null,
                "generator": null, "inject": null,
            },
            "repeat": repeat, "order": order, "seed": 42, "n": 20_000_000, "t_s": 0.4,
            "cpu_s": 0.5, "allocations_per_record": 0.0, "allocations_cover": "steady",
            "peak_rss_bytes": (40 + cores * 6) << 20, "rss_at_start_bytes": 30 << 20, "peak_rss_since": "run_start",
            "stalls": {
                "count": 40, "share": stall, "largest_ns": (60_000.0 + 4e6 * noise(order as u64).powi(4)) as u64, "watched_s": 0.2,
                "how": "made up", "steal_s": 0.0, "involuntary_switches": 3,
                "wait": {"p50_ns": 0, "p90_ns": 0, "p99_ns": 0, "p99_9_ns": 21_000, "p99_99_ns": 240_000},
            },
            "threads": [], "checks": [
                {"name": "generator headroom", "ok": if order % 9 == 4 { Value::Null } else { json!(true) }, "says": "mean lateness 0.2 %"},
                {"name": "clock sanity", "ok": order % 31 != 5, "says": "the clocks disagree by 90 ppm"},
            ],
            "check": {
                "ok": true,
                "expected": {"rows": 10_000, "checksum": "00112233aabbccdd"}, "got": {"rows": 10_000, "checksum": "00112233aabbccdd"},
            },
            "verdict": {"standing": if shaky { "doubtful" } else { "believed" }, "reasons": reasons},
            "environment": {
                "cpu": "A CPU", "cores_used": [0, 1], "kernel": "Linux 6", "compiler": "rustc 1", "commit": "0123456789ab", "flags": "",
                "profile": "release, opt-level 3",
            },
        })
    }

    fn closed(&mut self, workload: &str, system: &str, cores: usize, batch: usize, repeat: usize, rate: f64) {
        let mut row = self.row(workload, system, cores, batch, repeat);
        let rate = rate * (0.97 + 0.06 * noise(self.rows.len() as u64));
        row["r_per_s"] = json!(rate);
        row["cpu_ns_per_record"] = json!(cores as f64 * 1e9 / rate);
        self.rows.push((serde_json::from_value(row).unwrap(), Vec::new()));
    }

    fn open(&mut self, system: &str, repeat: usize, rate: f64, capacity: f64) {
        let mut row = self.row("hop", system, 2, 256, repeat);
        let load = rate / capacity;
        let seed = self.rows.len() as u64;
        let middle = 1_500.0 / (1.0 - load.min(0.985)) * if load > 1.0 { 40.0 * load } else { 1.0 };
        let (corrected, sent) = (waits(seed, middle, 0.001 + 0.01 * load.powi(8)), waits(seed, middle, 0.000_3));
        row["config"]["loop"] = json!("open");
        row["config"]["rate_per_s"] = json!(rate);
        row["config"]["rate_asked"] = json!(format!("{} M/s", rate / 1e6));
        row["r_per_s"] = json!(rate.min(capacity));
        row["v_per_s"] = json!(rate.min(capacity));
        row["latency_ns"] = json!(Latency::of(&corrected));
        row["uncorrected_ns"] = json!(Latency::of(&sent));
        row["little"] = json!({"n_in_flight": rate * corrected.mean() / 1e9, "residence_ns": corrected.mean(), "residual": 0.0012});
        if load > 1.0 {
            row["verdict"] = json!({"standing": "not_believed", "reasons": [format!("unsustainable: offered {} M/s", rate / 1e6)]});
        }
        self.rows.push((serde_json::from_value(row).unwrap(), vec![(Kind::Latency, corrected), (Kind::Uncorrected, sent)]));
    }

    fn failed(&mut self, workload: &str, system: &str) {
        let mut row = self.row(workload, system, 1, 2048, 0);
        for field in ["n", "t_s", "cpu_s", "allocations_per_record", "allocations_cover"] {
            row[field] = Value::Null;
        }
        row["check"]["ok"] = json!(false);
        row["check"]["got"]["checksum"] = json!("deadbeef00000000");
        row["verdict"] = json!({"standing": "failed", "reasons": ["the output differs from the oracle's"]});
        self.rows.push((serde_json::from_value(row).unwrap(), Vec::new()));
    }
}

/// Fills `path`.
pub(crate) fn write(path: &Path) {
    let mut sample = Sample { rows: Vec::new() };
    for repeat in 0..3 {
        for (system, rate) in [("hand", 410e6), ("hand-hash", 96e6), ("thalweg", 388e6)] {
            sample.closed("tumbling", system, 1, 2048, repeat, rate);
        }
        sample.closed("tumbling", "thalweg", 2, 2048, repeat, 690e6);
        for (batch, rate) in [(64, 120e6), (256, 280e6), (512, 350e6)] {
            sample.closed("tumbling", "thalweg", 1, batch, repeat, rate);
        }
        sample.closed(HOSTILE, "thalweg", 1, 2048, repeat, 55e6);
        for (system, capacity) in [("thalweg", 20e6), ("rtrb-item", 14e6)] {
            for rate in [2e6, 6e6, 10e6, 13e6, 16e6, 24e6] {
                sample.open(system, repeat, rate, capacity);
            }
        }
    }
    // Frameworks beside the engine.
    for repeat in 0..5 {
        for (system, rate) in [("thalweg", 550e6), ("hand", 600e6), ("timely", 92e6), ("flink", 27e6), ("flink-newcomer", 1.4e6)] {
            sample.closed("ysb", system, 1, 2048, repeat, rate);
        }
    }
    sample.failed("ysb", "renoir");
    sample.failed("tumbling", "broken");
    let words = ["thalweg-bench", "run", "tumbling", "hop", "--rate", "2M,6M,10M,13M,16M,24M", "--out", "a sample that is made up"];
    let definition = Definition::new(words.map(str::to_owned).to_vec(), json!([]));
    let environment = Environment::read();
    let mut folder = Folder::create(path, &environment, definition).unwrap();
    for (row, histograms) in &sample.rows {
        folder.row(row, histograms.iter().map(|(kind, histogram)| (*kind, histogram))).unwrap();
    }
    let rows: Vec<Row> = sample.rows.into_iter().map(|(row, _)| row).collect();
    folder.finish(&rows, &compare::summarise(&rows, &[]), &environment).unwrap();
}
