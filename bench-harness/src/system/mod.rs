//! Systems under test, behind one trait.

use std::{marker::PhantomData, sync::Arc, time::Duration};

use hdrhistogram::Histogram;
use hop::Hop;
use serde::{Deserialize, Serialize};

mod batch;
mod cores;
mod hand;
mod hop;
#[cfg(feature = "peers")]
mod peers;
mod thalweg;

use crate::{
    load::Schedule,
    measure::{residence, steady::Progress, threads::ThreadUse},
    process::protocol,
    workload::{Answer, Input},
};

/// What one run is to do.
#[derive(Clone, Debug)]
pub struct Job {
    /// The input, prepared before the clock starts and shared by all systems; it says how many records a run takes.
    pub input: Arc<Input>,
    /// Cores to use.
    pub cores: usize,
    /// Records per batch.
    pub batch: usize,
    /// Bytes per ring.
    pub ring_bytes: usize,
    /// Wait strategy, by its name.
    pub wait: String,
    /// When records are due (open loop); none in a closed loop.
    pub schedule: Option<Schedule>,
    /// Who makes the records of an open loop.
    pub generator: Generator,
}

impl Job {
    /// Records per second offered, on average; none in a closed loop.
    pub fn rate(&self) -> Option<f64> {
        self.schedule.as_ref().map(Schedule::mean_per_s)
    }
}

/// Who makes the records of an open loop.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Generator {
    /// A thread of the process under test, on a core of its own.
    #[default]
    Thread,
    /// A process of its own, which hands them over through a socket.
    Process,
}

impl Generator {
    /// Its name on the command line and in results.
    pub fn name(self) -> &'static str {
        match self {
            Generator::Thread => "thread",
            Generator::Process => "process",
        }
    }
}

/// What one run measured. It crosses from the process that ran to the one that judges as JSON, in which only the first three must be there.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Outcome {
    /// Records that entered.
    pub n: u64,
    /// From the first record's entry to the last result's emission.
    #[serde(rename = "elapsed_ns", with = "protocol::nanoseconds")]
    pub elapsed: Duration,
    /// What came out, to be compared with the oracle's.
    #[serde(with = "protocol::answer")]
    pub answer: Answer,
    /// Changes emitted, for upsert results.
    pub changes: Option<u64>,
    /// Open loop only: residence time of each record in ns, from its intended arrival to its emission.
    #[serde(default, with = "residence::interchange")]
    pub latency_ns: Option<Histogram<u64>>,
    /// Open loop only: the same from the moment when the record was really sent. What a generator that waits for the system would report.
    #[serde(default, with = "residence::interchange")]
    pub uncorrected_ns: Option<Histogram<u64>>,
    /// Open loop only: of `latency_ns`, those that no stall of the machine touched, as far as generator and receiver could see.
    #[serde(default, with = "residence::interchange")]
    pub undisturbed_ns: Option<Histogram<u64>>,
    /// Open loop only: how late the generator sent each record: really sent − intended.
    #[serde(default, with = "residence::interchange")]
    pub lateness_ns: Option<Histogram<u64>>,
    /// Open loop only: how late a generator that had nothing else to do saw that a record was due. The rest of its lateness is the system's,
    /// which held it back.
    #[serde(default, with = "residence::interchange")]
    pub own_lateness_ns: Option<Histogram<u64>>,
    /// Open loop, windowed work: from the earliest moment that a result could have been known (the intended arrival of the record whose
    /// watermark closes its window) to its emission.
    #[serde(default, with = "residence::interchange")]
    pub result_latency_ns: Option<Histogram<u64>>,
    /// Open loop only: samples of the number of records in flight, taken while the run was steady: mean.
    pub in_flight_mean: Option<f64>,
    /// Open loop only: records per second that left during the measured part of the run, to which the number in flight and the residence
    /// belong. Of an uneven schedule it is not the rate of the whole run.
    #[serde(default)]
    pub window_per_s: Option<f64>,
    /// Open loop only: records per second that entered at the source, measured there.
    pub v_per_s: Option<f64>,
    /// Allocations counted in the steady part of the run, after warm-up, and the records that passed meanwhile.
    pub allocations: Option<(u64, u64)>,
    /// Bytes that a growing state got in the middle half of the records, and the keys that came meanwhile.
    #[serde(default)]
    pub state: Option<(u64, u64)>,
    /// Bytes that went through rings or queues between threads; none where it is not counted.
    #[serde(default)]
    pub bytes_moved: Option<u64>,
    /// What each thread used, and what the machine did to it.
    #[serde(default)]
    pub threads: Vec<ThreadUse>,
    /// Records that had gone through, over the run, at about equal distances; empty where nothing could look.
    #[serde(default)]
    pub progress: Vec<Progress>,
}

impl Outcome {
    /// What a closed-loop run measured.
    pub fn closed(n: u64, elapsed: Duration, answer: Answer) -> Outcome {
        Outcome {
            n,
            elapsed,
            answer,
            changes: None,
            latency_ns: None,
            uncorrected_ns: None,
            undisturbed_ns: None,
            lateness_ns: None,
            own_lateness_ns: None,
            result_latency_ns: None,
            in_flight_mean: None,
            window_per_s: None,
            v_per_s: None,
            allocations: None,
            state: None,
            bytes_moved: None,
            threads: Vec::new(),
            progress: Vec::new(),
        }
    }
}

/// All systems, in the order in which they are shown.
pub fn all() -> Vec<Box<dyn System>> {
    vec![
        Box::new(thalweg::Thalweg),
        Box::new(hand::Hand),
        Box::new(hand::HandHash),
        Box::new(batch::Rayon),
        Box::new(Hop::<hop::Chunks>(PhantomData)),
        Box::new(Hop::<hop::Elements>(PhantomData)),
        Box::new(Hop::<hop::Batches>(PhantomData)),
        Box::new(Hop::<hop::Items>(PhantomData)),
        Box::new(Hop::<hop::StdChannel>(PhantomData)),
        #[cfg(feature = "peers")]
        Box::new(peers::Timely),
        #[cfg(feature = "peers")]
        Box::new(peers::Renoir),
        #[cfg(feature = "peers")]
        Box::new(Hop::<peers::Disruptor>(PhantomData)),
    ]
}

/// The systems that the feature `peers` adds.
pub const PEERS: [&str; 3] = ["timely", "renoir", "disruptor"];

/// Why there is no system of this name, and what to do, if there could be one.
pub fn missing(name: &str) -> Option<String> {
    (cfg!(not(feature = "peers")) && PEERS.contains(&name))
        .then(|| format!("built without the feature `peers`: cargo run --release --features peers -- run … --system {name}"))
}

/// A system under test.
pub trait System: Sync {
    /// Its name on the command line and in results.
    fn name(&self) -> &'static str;
    /// Says why it cannot run this job, if it cannot.
    fn refuses(&self, job: &Job) -> Option<String>;
    /// Runs the job once.
    ///
    /// # Errors
    /// A message that says what went wrong and what to do.
    fn run(&self, job: &Job) -> Result<Outcome, String>;
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::workload::{CHAIN, NEXMARK_INLINE, SLIDING_WINDOWS, Spec, TUMBLING_KEYS, names, prepare};

    fn job(input: &Arc<Input>, cores: usize, batch: usize, rate: Option<f64>) -> Job {
        Job {
            input: Arc::clone(input),
            cores,
            batch,
            ring_bytes: 4_096,
            wait: "adaptive".to_owned(),
            schedule: rate.map(Schedule::constant),
            generator: Generator::Thread,
        }
    }

    /// Runs every system that takes the job, and says which ones did.
    fn check(spec: &Spec, cores: usize, batch: usize) -> Vec<&'static str> {
        let prepared = prepare(spec).unwrap();
        let job = job(&prepared.input, cores, batch, None);
        let systems = all().into_iter().filter(|system| system.refuses(&job).is_none());
        let run = |system: Box<dyn System>| {
            let outcome = system.run(&job).unwrap();
            assert_eq!(outcome.answer, prepared.expected, "{} on {spec:?}, {cores} cores, batch {batch}", system.name());
            assert_eq!(outcome.n, spec.events);
            // By hand nothing hops.
            if let ("hop" | "hop64", 2) = (spec.name.as_str(), cores)
                && system.name() != "hand"
            {
                let record_bytes = if spec.name == "hop" { 8 } else { 64 };
                assert_eq!(outcome.bytes_moved, Some(spec.events * record_bytes), "{}", system.name());
            }
            assert!(outcome.latency_ns.is_none());
            system.name()
        };
        systems.map(run).collect()
    }

    #[test]
    fn every_system_gives_the_oracles_answer() {
        // Queries made inline have a test of their own below.
        for info in names().iter().filter(|info| info.suite != Some(NEXMARK_INLINE)) {
            for (seed, events, block_bytes, batch) in
                [(1, 1, 64, 1), (2, 100_003, 4_096, 7), (3, 1_234_567, 100_000, 256), (4, 65_536, 1 << 20, 1_024)]
            {
                for cores in 1..=2.min(cores::available()) {
                    let events = if info.open_loop || info.unit == "records" && info.suite.is_none() { events } else { events.min(20_001) };
                    let spec = Spec { block_bytes, ..Spec::new(info.name, events, seed) };
                    let ran = check(&spec, cores, batch);
                    let least = match (info.name, cores) {
                        (name, 1) if BY_HAND.contains(&name) => 2,
                        ("tumbling-1M" | "tumbling-10M" | "disorder-lenient", _) => 3,
                        _ if info.suite == Some(TUMBLING_KEYS) => 4,
                        _ if info.suite == Some(SLIDING_WINDOWS) => 3,
                        _ if info.suite == Some(CHAIN) => 2,
                        _ if info.suite.is_some() => 1,
                        ("hop" | "hop64", 1) => 1,
                        ("hop" | "hop64", _) => 7,
                        ("tumbling" | "ysb", _) => 4,
                        ("flights", _) => 2,
                        _ => 3,
                    };
                    let least = least + peers_of(info.name, cores);
                    assert_eq!(ran.len(), least, "{} on {cores} cores: {ran:?}", info.name);
                }
            }
        }
    }

    #[test]
    fn more_workers_than_cores_share_them_and_give_the_same_answer() {
        let most = cores::available() * 2;
        for name in ["tumbling", "chain-4", "sliding-10"] {
            let ran = check(&Spec { block_bytes: 4_096, ..Spec::new(name, 50_001, 3) }, most, 64);
            assert!(ran.contains(&"thalweg") && ran.contains(&"hand"), "{name}: {ran:?}");
        }
    }

    /// How many of the peers that are built in run a workload.
    fn peers_of(name: &str, cores: usize) -> usize {
        let peers = match name {
            "hop" | "hop64" if cores == 2 => 3,
            "stateless" | "tumbling" | "tumbling-scattered" | "ysb" | "wordcount" => 2,
            name if name.starts_with("sliding") => 2,
            "q0" | "q1" | "q2" | "q3" | "q4" | "q5" | "q7" | "q8" | "q11" | "q18" | "q20" => 2,
            _ => 0,
        };
        if cfg!(feature = "peers") { peers } else { 0 }
    }

    /// Queries of Nexmark with a loop by hand, on one core.
    const BY_HAND: [&str; 7] = ["q1", "q5", "q7", "q8", "q11", "q18", "q20"];

    #[test]
    fn queries_by_hand_give_the_oracles_answer_over_many_windows() {
        for name in BY_HAND {
            let ran = check(&Spec { block_bytes: 300_000, ..Spec::new(name, 300_000, 9) }, 1, 256);
            assert_eq!(ran, &["thalweg", "hand", "timely", "renoir"][..2 + peers_of(name, 1)], "{name}");
            if cores::available() > 1 {
                check(&Spec { block_bytes: 300_000, ..Spec::new(name, 300_000, 9) }, 2, 256);
            }
        }
    }

    #[test]
    fn events_made_inline_give_the_answer_of_the_same_events_in_memory() {
        for (name, systems) in [("q0-inline", 1), ("q5-inline", 2), ("q9-inline", 1), ("q11-inline", 2)] {
            assert_eq!(check(&Spec::new(name, 30_001, 9), 1, 256).len(), systems, "{name}");
            check(&Spec::new(name, 30_001, 9), 2.min(cores::available()), 7);
        }
    }

    /// So few records per ms that windows, sessions and intervals end while records come.
    #[test]
    fn windows_that_end_on_the_way_give_the_oracles_answer() {
        for name in ["sliding", "sliding-fine", "session", "join", "disorder", "disorder-lenient"] {
            for (seed, events, block_bytes, batch) in [(5, 60_007, 64, 64), (6, 90_001, 128, 7)] {
                for cores in 1..=2.min(cores::available()) {
                    let events = if name == "join" { 4_001 } else { events };
                    check(&Spec { block_bytes, ..Spec::new(name, events, seed) }, cores, batch);
                }
            }
        }
    }

    #[test]
    fn names_are_unique_and_as_documented() {
        let names: Vec<&str> = all().iter().map(|system| system.name()).collect();
        let (always, peers) = names.split_at(9);
        assert_eq!(always, ["thalweg", "hand", "hand-hash", "rayon", "rtrb", "rtrb-item", "crossbeam", "crossbeam-item", "std"]);
        assert_eq!(peers, &PEERS[..if cfg!(feature = "peers") { 3 } else { 0 }]);
        for name in PEERS {
            assert_eq!(missing(name).is_some(), peers.is_empty(), "{name}");
        }
        assert_eq!(missing("hand"), None);
    }

    #[test]
    fn open_loops_over_windows_time_their_results() {
        // Windows of a million records: three close on the way, at ten million a second.
        for (name, systems) in [("tumbling", 3), ("tumbling-scattered", 2), ("ysb", 3)] {
            let mut timed = None;
            let prepared = prepare(&Spec { block_bytes: 1 << 20, ..Spec::new(name, 3_500_000, 1) }).unwrap();
            for shape in ["constant", "poisson", "bursts=1ms/4ms", "ramp=0.5..1.5"] {
                let schedule = Schedule { rate_per_s: 1e7, shape: shape.parse().unwrap(), seed: 3 };
                let job = Job { schedule: Some(schedule), ..job(&prepared.input, 1, 256, None) };
                let mut ran = 0;
                for system in all().into_iter().filter(|system| system.refuses(&job).is_none()) {
                    let outcome = system.run(&job).unwrap();
                    assert_eq!(outcome.answer, prepared.expected, "{} on {name}, {shape}", system.name());
                    // Each row of each window that a record closed; a window of ysb is ten million records long.
                    let results = outcome.result_latency_ns.unwrap().len();
                    assert_eq!(results > 0, name != "ysb", "{} on {name}", system.name());
                    assert_eq!(results, *timed.get_or_insert(results), "{} on {name}, {shape}", system.name());
                    assert!(outcome.latency_ns.unwrap().len() >= 3_000_000);
                    ran += 1;
                }
                assert_eq!(ran, systems, "{name}");
            }
        }
    }

    #[test]
    fn open_loops_keep_the_schedule_and_measure_what_the_model_needs() {
        if cores::available() < 2 {
            return;
        }
        for name in ["hop", "hop64"] {
            let prepared = prepare(&Spec { block_bytes: 4_096, ..Spec::new(name, 50_000, 1) }).unwrap();
            let job = job(&prepared.input, 2, 16, Some(200_000.0));
            let mut ran = 0;
            for system in all().into_iter().filter(|system| system.refuses(&job).is_none()) {
                let outcome = system.run(&job).unwrap();
                assert_eq!(outcome.answer, prepared.expected, "{}", system.name());
                let latency = outcome.latency_ns.unwrap();
                // All but the warm-up, and a batch that began in it.
                assert!((1..=45_000).contains(&latency.len()), "{}: {} latencies", system.name(), latency.len());
                // Due over a quarter of a second: it cannot have been faster.
                assert!(outcome.elapsed >= Duration::from_millis(249));
                assert!(outcome.v_per_s.unwrap() <= 201_000.0);
                assert!(outcome.in_flight_mean.unwrap() > 0.0, "{}", system.name());
                // What waits for the sender is late and latency, but not in the uncorrected figure.
                let (lateness, uncorrected) = (outcome.lateness_ns.unwrap(), outcome.uncorrected_ns.unwrap());
                assert_eq!(lateness.len(), uncorrected.len());
                let gap = lateness.mean() + uncorrected.mean() - latency.mean();
                assert!(gap.abs() < 0.02 * latency.mean() + 50.0, "{}: off by {gap} ns of {}", system.name(), latency.mean());
                ran += 1;
            }
            assert_eq!(ran, 6 + peers_of(name, 2), "every system with an open loop");
        }
    }
}
