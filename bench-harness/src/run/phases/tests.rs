//! The phases with systems whose speed and honesty are known.
#![allow(clippy::unwrap_used)]

use std::sync::{
    Mutex,
    atomic::{AtomicUsize, Ordering},
};

use super::*;
use crate::{
    load::{Inject, Shape},
    measure::residence,
    run::verdict::Standing,
    system::Generator,
    workload::{Answer, Data, Input, replay::Replay},
};

const WORKLOADS: [WorkloadInfo; 1] = [WorkloadInfo {
    name: "fake",
    summary: "",
    unit: "records",
    event_bytes: 8,
    default_events: 64_000_000,
    checked_max: Some(256_000_000),
    open_loop: true,
    suite: None,
}];

fn prepare(spec: &Spec) -> Result<Prepared, String> {
    if spec.events > 1 << 40 {
        return Err("too many".into());
    }
    let replay = Replay { block: vec![0u64].into(), span: 0, events: spec.events };
    let input = Input { name: "fake", events: spec.events, data: Data::Hop(replay) };
    Ok(Prepared { input: input.into(), expected: Answer { rows: spec.events, checksum: 7 } })
}

/// Claims a speed, without doing anything; wrong from the `wrong_from`-th run on.
struct Fake {
    name: &'static str,
    per_s: f64,
    wrong_from: usize,
    runs: AtomicUsize,
    log: &'static Mutex<Vec<(&'static str, u64)>>,
}

impl System for Fake {
    fn name(&self) -> &'static str {
        self.name
    }

    fn refuses(&self, job: &Job) -> Option<String> {
        (job.cores > 2).then(|| "two cores at most".into())
    }

    fn run(&self, job: &Job) -> Result<Outcome, String> {
        let n = job.input.events;
        self.log.lock().unwrap().push((self.name, n));
        let run = self.runs.fetch_add(1, Ordering::SeqCst);
        let checksum = if run >= self.wrong_from { 8 } else { 7 };
        let per_s = job.rate().unwrap_or(self.per_s);
        let outcome = Outcome::closed(n, Duration::from_secs_f64(n as f64 / per_s), Answer { rows: n, checksum });
        if job.schedule.is_none() {
            return Ok(outcome);
        }
        let mut latency = residence::histogram();
        (0..1_000).for_each(|_| residence::record(&mut latency, 0, 2_000));
        Ok(Outcome {
            latency_ns: Some(latency),
            in_flight_mean: Some(per_s * 2e-6),
            window_per_s: Some(per_s),
            v_per_s: Some(per_s),
            ..outcome
        })
    }
}

#[derive(Default)]
struct Told {
    refused: Vec<String>,
    shortened: Vec<u64>,
    rows: usize,
    histograms: usize,
}

impl Observer for Told {
    fn phase(&mut self, _: &str, _: &str, _: Option<u64>) {}
    fn started(&mut self, _: &Cell, _: Option<u32>) {}
    fn row(&mut self, _: &Row, outcome: Option<&Outcome>) -> std::io::Result<()> {
        self.rows += 1;
        self.histograms += usize::from(outcome.is_some_and(|outcome| outcome.latency_ns.is_some()));
        Ok(())
    }
    fn shortened(&mut self, _: &Cell, events: u64) {
        self.shortened.push(events);
    }
    fn refused(&mut self, cell: &Cell, reason: &str) {
        self.refused.push(format!("{cell}: {reason}"));
    }
}

type Log = &'static Mutex<Vec<(&'static str, u64)>>;

fn log() -> Log {
    Box::leak(Box::default())
}

fn fake(name: &'static str, per_s: f64, wrong_from: usize, log: Log) -> &'static dyn System {
    Box::leak(Box::new(Fake { name, per_s, wrong_from, runs: AtomicUsize::new(0), log }))
}

fn bench(systems: Vec<&'static dyn System>) -> Bench<'static> {
    let around = Surroundings { floor: Duration::ZERO, limit: Duration::from_secs(60) };
    let cores = crate::run::environment::allowed_cores();
    Bench {
        workloads: &WORKLOADS,
        prepare: &prepare,
        systems,
        environment: Environment::read(),
        cores,
        around,
        peers: Vec::new(),
        fresh: false,
        budget: None,
    }
}

fn matrix(systems: &[&str], size: Size, rate: Option<Rate>, cores: usize) -> Matrix {
    Matrix {
        workloads: vec!["fake".into()],
        systems: systems.iter().map(|name| (*name).to_owned()).collect(),
        cores: vec![cores],
        batches: vec![256],
        rings: vec![1 << 18],
        waits: vec!["spin".into()],
        rates: vec![rate],
        shapes: vec![Shape::Constant],
        generators: vec![Generator::Thread],
        inject: Inject::default(),
        size,
        repeats: 3,
        seed: 1,
        block_bytes: 1 << 20,
        input: None,
    }
}

fn go(bench: &Bench<'_>, matrix: Matrix) -> (Result<(), Stopped>, Vec<Row>, Told) {
    let (mut told, mut rows) = (Told::default(), Vec::new());
    let result = run(bench, &[matrix], &mut told, &mut rows);
    (result, rows, told)
}

#[test]
fn a_size_in_seconds_follows_the_speed_of_each_system() {
    let log = log();
    let bench = bench(vec![fake("fast", 640e6, 99, log), fake("slow", 10e6, 99, log)]);
    let (result, rows, told) = go(&bench, matrix(&["fast", "slow"], Size::Seconds(0.1), None, 1));
    result.unwrap();
    assert_eq!((rows.len(), told.rows, told.histograms), (6, 6, 0));
    for row in &rows {
        // The fakes take no time, so that what is measured around them is the machine's alone, which others may be using.
        assert!(row.verdict.standing <= Standing::Doubtful, "{:?}", row.verdict);
        let t = row.t_s.unwrap();
        assert!((0.07..0.143).contains(&t), "{} ran {t} s", row.system);
    }
    // Measured runs alternate, each repeat holding both.
    let measured: Vec<_> = rows.iter().map(|row| (row.repeat, row.system.as_str())).collect();
    assert_eq!(measured, [(0, "fast"), (0, "slow"), (1, "slow"), (1, "fast"), (2, "fast"), (2, "slow")]);
}

#[test]
fn a_size_in_seconds_stops_at_what_the_oracle_can_check() {
    let log = log();
    let bench = bench(vec![fake("fast", 640e6, 99, log), fake("slow", 10e6, 99, log)]);
    let (result, rows, told) = go(&bench, matrix(&["fast", "slow"], Size::Seconds(1.0), None, 1));
    result.unwrap();
    for row in &rows {
        assert_eq!(row.n, Some(if row.system == "fast" { 256_000_000 } else { 8_000_000 }));
    }
    assert_eq!(told.shortened, [256_000_000]);
    // What was asked for by number is run.
    let (result, rows, told) = go(&bench, matrix(&["fast"], Size::Events(300_000_000), None, 1));
    result.unwrap();
    assert!(rows.iter().all(|row| row.n == Some(300_000_000)) && told.shortened.is_empty());
}

#[test]
fn a_size_in_events_is_kept_exactly_and_warmed_up_once() {
    let log = log();
    let bench = bench(vec![fake("a", 1e6, 99, log)]);
    let (result, rows, _) = go(&bench, matrix(&["a"], Size::Events(123_457), None, 1));
    result.unwrap();
    assert!(rows.iter().all(|row| row.n == Some(123_457)));
    assert_eq!(*log.lock().unwrap(), vec![("a", 123_457); 4]);
}

#[test]
fn a_relative_rate_is_that_share_of_the_closed_loop() {
    let log = log();
    let bench = bench(vec![fake("a", 4e6, 99, log)]);
    let (result, rows, told) = go(&bench, matrix(&["a"], Size::Seconds(0.1), Some(Rate::OfClosedLoop(0.25)), 2));
    result.unwrap();
    assert_eq!(told.histograms, 3);
    for row in rows {
        assert_eq!((row.config.rate_per_s, row.n), (Some(1e6), Some(100_000)));
        assert_eq!(row.config.rate_asked.as_deref(), Some("0.25x"));
        // The fakes take no time, so that what is measured around them is the machine's alone, which others may be using.
        assert!(row.verdict.standing <= Standing::Doubtful, "{:?}", row.verdict);
    }
}

#[test]
fn a_system_that_fails_is_not_run_again() {
    for wrong_from in [0, 1, 2] {
        let log = log();
        let bench = bench(vec![fake("good", 1e8, 99, log), fake("bad", 1e8, wrong_from, log)]);
        let (result, rows, _) = go(&bench, matrix(&["good", "bad"], Size::Events(10_000_000), None, 1));
        result.unwrap();
        let bad: Vec<_> = rows.iter().filter(|row| row.system == "bad").collect();
        assert_eq!(bad.iter().filter(|row| row.failed()).count(), 1, "wrong from run {wrong_from}");
        assert!(bad.last().unwrap().failed());
        assert_eq!(rows.iter().filter(|row| row.system == "good" && !row.failed()).count(), 3);
        assert_eq!(log.lock().unwrap().iter().filter(|(name, _)| *name == "bad").count(), wrong_from + 1);
    }
}

#[test]
fn refusals_are_told_and_nothing_but_refusals_is_an_error() {
    let log = log();
    let bench = bench(vec![fake("a", 1e8, 99, log)]);
    let (result, rows, told) = go(&bench, matrix(&["a", "absent"], Size::Events(10), None, 3));
    assert!(
        matches!(result, Err(Stopped::AllRefused(reasons)) if reasons.contains("two cores at most") && reasons.contains("no such system"))
    );
    assert_eq!((rows.len(), told.refused.len()), (0, 2));
    let (result, ..) = go(&bench, matrix(&["a"], Size::Events(1 << 50), None, 1));
    assert!(matches!(result, Err(Stopped::Input(_, reason)) if reason == "too many"));
}

#[test]
fn a_budget_shortens_the_runs() {
    let log = log();
    let mut bench = bench(vec![fake("a", 1e9, 99, log)]);
    bench.budget = Some(Duration::from_millis(300));
    let (result, rows, _) = go(&bench, matrix(&["a"], Size::Seconds(100.0), None, 1));
    result.unwrap();
    assert!(rows.iter().all(|row| row.t_s.unwrap() < 0.2), "{:?}", rows[0].t_s);
}
