//! The result schema: one row per run. Documented in `results/README.md`, which a test holds against these types.

use serde::{Deserialize, Serialize};

use crate::{
    load::Shape,
    measure::{
        alloc,
        backlog::{Growth, Stability},
        clock::{ClockSanity, Drift},
        little::Little,
        residence::Latency,
        steady::Steady,
        threads::ThreadUse,
        throughput,
    },
    run::{
        checks::{self, Around, Headroom, SelfCheck},
        environment::Environment,
        matrix::Cell,
        once::{Measured, ProcessUse, Stalls},
        verdict::{self, Asked, Standing, Verdict},
    },
    workload::Answer,
};

/// Version of the schema: counted up when a field changes its name, type or meaning; a new field does not count.
pub const SCHEMA: u32 = 2;

/// One run.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Row {
    /// [`SCHEMA`].
    pub schema: u32,
    /// Workload name.
    pub workload: String,
    /// System name.
    pub system: String,
    /// Its configuration.
    pub config: Config,
    /// Number of this repeat, from 0.
    pub repeat: u32,
    /// Place of this run in the order in which all were run, from 0.
    pub order: u64,
    /// Seed of the input.
    pub seed: u64,
    /// Records that went through; null if the run failed.
    pub n: Option<u64>,
    /// Seconds from the first record's entry to the last result's emission.
    pub t_s: Option<f64>,
    /// r = n / t.
    pub r_per_s: Option<f64>,
    /// v, measured at the source; null in a closed loop.
    pub v_per_s: Option<f64>,
    /// Quantiles of the residence time from the intended arrival; null in a closed loop.
    pub latency_ns: Option<Latency>,
    /// The same from the moment of the actual send; null in a closed loop.
    pub uncorrected_ns: Option<Latency>,
    /// Of `latency_ns`, the records that no stall of the machine touched; null where that was not seen.
    pub undisturbed_ns: Option<Latency>,
    /// Windowed work: from the moment a result could have been known to its emission; null in a closed loop.
    pub result_latency_ns: Option<Latency>,
    /// The generator's own lateness; null in a closed loop.
    pub generator: Option<Headroom>,
    /// Little's law; null in a closed loop.
    pub little: Option<Little>,
    /// CPU seconds of the process during the run; not of processes that it starts itself.
    pub cpu_s: Option<f64>,
    /// The same per record, in ns.
    pub cpu_ns_per_record: Option<f64>,
    /// Bytes that a state which grows takes for each of its keys; null where it does not grow, or was not measured.
    #[serde(default)]
    pub state_bytes_per_key: Option<f64>,
    /// Heap allocations per record.
    pub allocations_per_record: Option<f64>,
    /// What the allocations cover: `steady` (after warm-up) or `whole run` (the run's own preparation included).
    pub allocations_cover: Option<String>,
    /// Bytes that went through rings or queues between threads.
    pub bytes_moved: Option<u64>,
    /// Changes emitted, for results that are upserts.
    pub changes: Option<u64>,
    /// Peak of the resident memory, the shared input included.
    pub peak_rss_bytes: Option<u64>,
    /// Resident memory when the run began.
    pub rss_at_start_bytes: Option<u64>,
    /// Whether the peak is since `run_start` or `process_start`.
    pub peak_rss_since: Option<crate::measure::rss::Since>,
    /// The machine's own stalls.
    pub stalls: Stalls,
    /// What each thread used.
    pub threads: Vec<ThreadUse>,
    /// Whether the run was steady; null where nothing could look.
    pub steady: Option<Steady>,
    /// The share of the offered load that was not kept up with; null in a closed loop, of an uneven schedule, or where nothing could look.
    pub backlog_growth: Option<f64>,
    /// Where that lies with probability 99 %.
    pub backlog_growth_interval: Option<[f64; 2]>,
    /// The clocks against each other.
    pub clock: Option<ClockSanity>,
    /// A fixed piece of work before and after.
    pub drift: Option<Drift>,
    /// The process that ran it; null if it was this one.
    pub process: Option<ProcessUse>,
    /// The self-checks, one by one.
    pub checks: Vec<SelfCheck>,
    /// The comparison with the oracle.
    pub check: Check,
    /// Whether the run is believed, and why not.
    pub verdict: Verdict,
    /// Where it ran.
    pub environment: RowEnvironment,
}

/// A configuration.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Config {
    /// Cores used.
    pub cores: usize,
    /// Records per batch.
    pub batch: usize,
    /// Bytes per ring.
    pub ring_bytes: usize,
    /// Wait strategy.
    pub wait: String,
    /// `closed` or `open`.
    #[serde(rename = "loop")]
    pub kind: String,
    /// Offered rate; null in a closed loop.
    pub rate_per_s: Option<f64>,
    /// The rate as it was asked for, `0.5x` say; null in a closed loop.
    pub rate_asked: Option<String>,
    /// Records of the input.
    pub events: u64,
    /// Bytes of the block that the input replays.
    pub block_bytes: usize,
    /// The process's allocator.
    pub allocator: String,
    /// How arrivals are spread (`constant`, `poisson`, …); null in a closed loop.
    pub schedule: Option<String>,
    /// Who makes the records, `thread` or `process`; null in a closed loop.
    pub generator: Option<String>,
    /// What was broken on purpose; null if nothing was.
    pub inject: Option<String>,
}

/// The comparison with the oracle.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Check {
    /// Whether the answers are equal and no record is missing.
    pub ok: bool,
    /// The oracle's.
    pub expected: Reduced,
    /// The system's; null if it gave none.
    pub got: Option<Reduced>,
}

/// An [`Answer`] in JSON: the checksum in hexadecimal, because many readers of JSON hold numbers as doubles.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Reduced {
    /// Number of rows.
    pub rows: u64,
    /// Checksum over all rows, 16 hexadecimal digits.
    pub checksum: String,
}

impl From<Answer> for Reduced {
    fn from(answer: Answer) -> Self {
        Reduced { rows: answer.rows, checksum: format!("{:016x}", answer.checksum) }
    }
}

/// The part of the environment that every row carries; the rest is in `environment.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RowEnvironment {
    /// Model name.
    pub cpu: String,
    /// Numbers of the cores that the run was given.
    pub cores_used: Vec<usize>,
    /// Kernel.
    pub kernel: String,
    /// Compiler.
    pub compiler: String,
    /// Commit of the sources.
    pub commit: String,
    /// Compiler flags; empty for the portable build.
    pub flags: String,
    /// Cargo profile.
    pub profile: String,
}

/// What a row is made of, besides the measurements.
#[derive(Clone, Debug)]
pub struct Origin<'a> {
    /// Configuration asked for.
    pub cell: &'a Cell,
    /// Repeat, from 0.
    pub repeat: u32,
    /// Place in the order of all runs.
    pub order: u64,
    /// Seed of the input.
    pub seed: u64,
    /// Block of the input.
    pub block_bytes: usize,
    /// What the run was asked to do.
    pub asked: Asked,
    /// Cores that it was given.
    pub cores_used: &'a [core_affinity::CoreId],
    /// Where it ran.
    pub environment: &'a Environment,
}

impl Row {
    /// Puts a run's measurements into a row; judges it; and, if it failed, leaves out everything that a speed could be computed from.
    pub fn new(origin: &Origin<'_>, measured: &Measured) -> Row {
        let Origin { cell, asked, environment, .. } = origin;
        let mut row = Row {
            schema: SCHEMA,
            workload: cell.workload.clone(),
            system: cell.system.clone(),
            config: Config {
                cores: cell.cores,
                batch: cell.batch,
                ring_bytes: cell.ring_bytes,
                wait: cell.wait.clone(),
                kind: if asked.rate.is_some() { "open" } else { "closed" }.to_owned(),
                rate_per_s: asked.rate,
                rate_asked: cell.rate.map(|rate| rate.to_string()),
                events: asked.n,
                block_bytes: origin.block_bytes,
                allocator: alloc::name().to_owned(),
                schedule: asked.rate.map(|_| cell.shape.to_string()),
                generator: asked.rate.map(|_| cell.generator.name().to_owned()),
                inject: (!cell.inject.is_nothing()).then(|| cell.inject.to_string()),
            },
            repeat: origin.repeat,
            order: origin.order,
            seed: origin.seed,
            n: None,
            t_s: None,
            r_per_s: None,
            v_per_s: None,
            latency_ns: None,
            uncorrected_ns: None,
            undisturbed_ns: None,
            result_latency_ns: None,
            generator: None,
            little: None,
            cpu_s: None,
            cpu_ns_per_record: None,
            state_bytes_per_key: None,
            allocations_per_record: None,
            allocations_cover: None,
            bytes_moved: None,
            changes: None,
            peak_rss_bytes: measured.peak.map(|peak| peak.bytes),
            rss_at_start_bytes: measured.rss_at_start,
            peak_rss_since: measured.peak.map(|peak| peak.since),
            stalls: measured.stalls.clone(),
            threads: Vec::new(),
            steady: None,
            clock: Some(measured.clock),
            drift: Some(measured.drift),
            backlog_growth: None,
            backlog_growth_interval: None,
            process: measured.process.clone(),
            checks: Vec::new(),
            check: Check { ok: false, expected: asked.expected.into(), got: None },
            verdict: Verdict::failed(""),
            environment: RowEnvironment {
                cpu: environment.cpu.clone(),
                cores_used: origin.cores_used.iter().map(|core| core.id).collect(),
                kernel: environment.kernel.clone(),
                compiler: environment.compiler.clone(),
                commit: environment.commit.clone(),
                flags: environment.flags.clone(),
                profile: environment.profile.clone(),
            },
        };
        let outcome = match &measured.outcome {
            Ok(outcome) => outcome,
            Err(failure) => {
                row.verdict = Verdict::failed(failure.to_string());
                return row;
            }
        };
        let shape = asked.rate.map(|_| &cell.shape);
        row.checks = checks::checks(*asked, shape, outcome, Around { stalls: &row.stalls, clock: measured.clock, drift: measured.drift });
        row.verdict = verdict::judge(&row.checks, outcome);
        row.check.got = Some(outcome.answer.into());
        row.check.ok = row.verdict.standing != Standing::Failed;
        if !row.check.ok {
            row.checks.retain(|check| check.otherwise == Standing::Failed);
            return row;
        }
        let per_record = |total: f64, records: u64| (records > 0).then(|| total / records as f64);
        row.n = Some(outcome.n);
        row.t_s = Some(outcome.elapsed.as_secs_f64());
        row.r_per_s = throughput::rate(outcome.n, outcome.elapsed);
        row.v_per_s = outcome.v_per_s;
        row.latency_ns = outcome.latency_ns.as_ref().and_then(Latency::of);
        row.uncorrected_ns = outcome.uncorrected_ns.as_ref().and_then(Latency::of);
        row.undisturbed_ns = outcome.undisturbed_ns.as_ref().and_then(Latency::of);
        row.result_latency_ns = outcome.result_latency_ns.as_ref().and_then(Latency::of);
        row.generator = checks::headroom(outcome);
        row.steady = checks::steady(shape, outcome);
        row.bytes_moved = outcome.bytes_moved;
        row.threads = outcome.threads.clone();
        let growth = asked.rate.filter(|_| cell.shape == Shape::Constant).and_then(|rate| Growth::of(&outcome.progress, rate));
        row.backlog_growth = growth.map(|growth| growth.growth);
        row.backlog_growth_interval = growth.map(|growth| growth.interval);
        row.little = verdict::model(*asked, outcome).and_then(Result::ok).map(|model| model.little());
        row.cpu_s = Some(measured.cpu.as_secs_f64());
        row.cpu_ns_per_record = per_record(measured.cpu.as_nanos() as f64, outcome.n);
        row.changes = outcome.changes;
        row.state_bytes_per_key = outcome.state.and_then(|(bytes, keys)| per_record(bytes as f64, keys));
        let (allocations, records, cover) = match outcome.allocations {
            Some((allocations, records)) => (Some(allocations), records, "steady"),
            None => (measured.allocations, outcome.n, "whole run"),
        };
        row.allocations_per_record = allocations.and_then(|allocations| per_record(allocations as f64, records));
        row.allocations_cover = row.allocations_per_record.map(|_| cover.to_owned());
        row
    }

    /// Whether there is nothing to show but the failure.
    pub fn failed(&self) -> bool {
        !self.check.ok
    }

    /// Whether the backlog grows; none where that was not seen.
    pub fn stability(&self) -> Option<Stability> {
        let growth = Growth { growth: self.backlog_growth?, interval: self.backlog_growth_interval? };
        Some(growth.stability())
    }

    /// Its JSON line, without the line end.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("a row holds only strings, numbers and lists, which all have a JSON form")
    }
}

#[cfg(test)]
pub(crate) mod tests {
    #![allow(clippy::unwrap_used)]
    use std::time::Duration;

    use super::*;
    use crate::{
        measure::{residence, rss},
        run::once::Failure,
        system::Outcome,
    };

    pub(crate) const EXPECTED: Answer = Answer { rows: 3, checksum: u64::MAX };

    pub(crate) fn measured(outcome: Result<Outcome, Failure>) -> Measured {
        Measured {
            outcome,
            cpu: Duration::from_millis(150),
            allocations: Some(50),
            rss_at_start: Some(10 << 20),
            peak: Some(rss::Peak { bytes: 20 << 20, since: rss::Since::RunStart }),
            clock: Default::default(),
            drift: Default::default(),
            process: None,
            stalls: Stalls {
                count: Some(12),
                share: Some(0.012),
                largest_ns: Some(50_000),
                watched_s: 0.1,
                how: "spun".into(),
                steal_s: Some(0.0),
                involuntary_switches: 3,
                wait: None,
            },
        }
    }

    /// A row of `system` that took `elapsed_ms` for a thousand records.
    pub(crate) fn row(system: &str, cores: usize, repeat: u32, elapsed_ms: u64, answer: Answer, rate: Option<f64>) -> Row {
        let cell = Cell {
            workload: "w".into(),
            system: system.into(),
            cores,
            batch: 256,
            ring_bytes: 1 << 18,
            wait: "adaptive".into(),
            rate: rate.map(crate::quantity::Rate::PerSecond),
            shape: Default::default(),
            generator: Default::default(),
            inject: Default::default(),
        };
        let mut outcome = Outcome::closed(1_000, Duration::from_millis(elapsed_ms), answer);
        if let Some(rate) = rate {
            let mut latency = residence::histogram();
            (0..1_000).for_each(|_| residence::record(&mut latency, 0, 1_000_000));
            outcome = Outcome {
                latency_ns: Some(latency),
                in_flight_mean: Some(rate / 1e3),
                window_per_s: Some(rate),
                v_per_s: Some(rate),
                ..outcome
            };
        }
        let environment = Environment::read();
        let origin = Origin {
            cell: &cell,
            repeat,
            order: 0,
            seed: 42,
            block_bytes: 1 << 20,
            asked: Asked { n: 1_000, expected: EXPECTED, rate },
            cores_used: &[],
            environment: &environment,
        };
        Row::new(&origin, &measured(Ok(outcome)))
    }

    #[test]
    fn a_sound_row_has_its_figures() {
        let row = row("a", 1, 0, 100, EXPECTED, None);
        assert_eq!(row.r_per_s, Some(10_000.0));
        assert_eq!(row.cpu_ns_per_record, Some(150_000.0));
        assert_eq!(row.allocations_per_record, Some(0.05));
        assert_eq!(row.allocations_cover.as_deref(), Some("whole run"));
        let json: serde_json::Value = serde_json::from_str(&row.to_json()).unwrap();
        assert_eq!(json["check"]["expected"]["checksum"], "ffffffffffffffff");
        assert!(json["latency_ns"].is_null() && json["little"].is_null() && json["v_per_s"].is_null());
        assert_eq!(json["config"]["loop"], "closed");
        assert_eq!(serde_json::from_str::<Row>(&row.to_json()).unwrap().to_json(), row.to_json(), "a row survives its JSON");
    }

    #[test]
    fn an_open_row_has_latency_and_the_law() {
        let row = row("a", 1, 0, 100, EXPECTED, Some(10_000.0));
        let little = row.little.unwrap();
        assert!(little.residual < 1e-3, "{little:?}");
        assert!(row.latency_ns.unwrap().p50.unwrap().abs_diff(1_000_000) < 1_000);
        assert_eq!(row.verdict.standing, Standing::Believed, "{:?}", row.verdict);
    }

    #[test]
    fn a_failed_row_shows_no_speed() {
        let wrong = row("a", 1, 0, 100, Answer { rows: 3, checksum: 1 }, Some(10_000.0));
        assert!(wrong.failed());
        let json: serde_json::Value = serde_json::from_str(&wrong.to_json()).unwrap();
        for field in ["n", "t_s", "r_per_s", "v_per_s", "latency_ns", "little", "cpu_s", "cpu_ns_per_record", "allocations_per_record"] {
            assert!(json.get(field).is_some_and(serde_json::Value::is_null), "{field} of a failed run is {}", json[field]);
        }
        assert_eq!(json["check"]["ok"], false);
        assert_eq!(json["check"]["got"]["checksum"], "0000000000000001");
        assert_eq!(json["verdict"]["standing"], "failed");
    }
}
