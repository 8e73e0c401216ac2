//! Every query on the engine against the naive oracle.
//!
//! `NEXMARK_EVENTS` and `NEXMARK_SEEDS` make it larger: `scripts/nightly` runs a million events and five seeds.
#![allow(missing_docs, clippy::unwrap_used)]

use thalweg::{Config, Dataflow};
use thalweg_bench::workload::nexmark::{
    Block, Event, Generator, Options, Query, Replay, oracle,
    program::{self, Keep},
};

fn number(variable: &str, default: u64) -> u64 {
    std::env::var(variable).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

fn check(query: Query, seed: u64, disorder_ms: i64) {
    let events = number("NEXMARK_EVENTS", 20_000);
    let generator = Generator::new(seed, Options { disorder_ms, ..Options::default() }).unwrap();
    let events: Vec<Event<'_>> = (0..events).map(|n| generator.event(n)).collect();
    let expected = oracle::digest(query, &events);
    assert!(expected.rows > 0, "{query}: a test of nothing");
    let block: std::sync::Arc<Block> = std::sync::Arc::new(Block::collect(events.iter().copied()).map_err(drop).unwrap());
    for workers in [1, 2] {
        for batch in [1, 64, 1024] {
            let mut flow = Dataflow::new("nexmark");
            let results = program::build(query, &mut flow, Replay::once(block.clone()), Keep::Digest).unwrap();
            let report = flow.start(Config::default().workers(workers).batch(batch)).unwrap().join().unwrap();
            assert_eq!(report.late, 0, "{query}");
            let answer = results.merge(|a, b| a.merge(b)).unwrap().answer();
            assert_eq!(answer, expected, "{query}, seed {seed}, disorder {disorder_ms} ms, {workers} workers, batches of {batch}");
        }
    }
}

fn check_all(query: Query) {
    for seed in 1..=number("NEXMARK_SEEDS", 2) {
        for disorder_ms in [0, 3_900] {
            check(query, seed, disorder_ms);
        }
    }
}

macro_rules! queries {
    ($($name:ident $query:ident,)*) => {$(
        #[test]
        fn $name() {
            check_all(Query::$query);
        }
    )*};
}

queries! {
    q0 Q0, q1 Q1, q2 Q2, q3 Q3, q4 Q4, q5 Q5, q6 Q6, q7 Q7, q8 Q8, q9 Q9, q11 Q11, q13 Q13, q14 Q14, q15 Q15, q16 Q16, q17 Q17,
    q18 Q18, q19 Q19, q20 Q20, q21 Q21, q22 Q22, q23 Q23,
}
