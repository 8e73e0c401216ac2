//! Every query on the engine against the naive oracle.
//!
//! `NEXMARK_EVENTS` and `NEXMARK_SEEDS` make it larger or smaller: `scripts/nightly` runs a million events. With the feature `unfused` no
//! two operators are fused into one loop; `scripts/nightly` runs it both ways.
#![allow(missing_docs, clippy::unwrap_used)]

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use thalweg::{
    BuildError, Config, Dataflow, ProcessingTime, RunError,
    operator::Operator,
    runtime::available_cores,
    source::{Polled, Reader, Source},
    time::{Clock, ManualClock},
};
use thalweg_bench::workload::nexmark::{
    Arrivals, Block, Event, Feed, Generator, Options, Query, Replay, oracle,
    program::{self, Keep},
    q12::Handled,
};

fn number(variable: &str, default: u64) -> u64 {
    std::env::var(variable).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// Every number of workers, size of a batch and disorder gives the oracle's rows, for each seed.
fn check(query: Query) {
    let count = number("NEXMARK_EVENTS", 2_000);
    // Few events a second, so that windows and auctions end on the way.
    let rate_per_s = if count < 100_000 { 200 } else { 10_000 };
    let mut rows = 0;
    for seed in 1..=number("NEXMARK_SEEDS", 5) {
        for disorder_ms in [0, 3_900] {
            let generator = Generator::new(seed, Options { disorder_ms, rate_per_s, ..Options::default() }).unwrap();
            let events: Vec<Event<'_>> = (0..count).map(|n| generator.event(n)).collect();
            let expected = oracle::digest(query, &events);
            rows += expected.rows;
            let block: Arc<Block> = Arc::new(Block::collect(events.iter().copied()).map_err(drop).unwrap());
            for workers in [1, 2] {
                for batch in [1, 64, 1024] {
                    let mut flow = Dataflow::new("nexmark");
                    let results = program::build(query, &mut flow, Replay::once(block.clone()), Keep::Digest).unwrap();
                    let config = Config::default().workers(workers.min(available_cores().limit)).batch(batch);
                    let report = flow.start(config).unwrap().join().unwrap();
                    let results = results.results().unwrap();
                    assert_eq!(report.late + results.late, 0, "{query}");
                    let case = format!("{query}, seed {seed}, disorder {disorder_ms} ms, {workers} workers, batches of {batch}");
                    assert_eq!(results.answer(), expected, "{case}");
                }
            }
        }
    }
    assert!(rows > 0, "{query}: a test of nothing");
}

macro_rules! queries {
    ($($name:ident $query:ident,)*) => {$(
        #[test]
        fn $name() {
            check(Query::$query);
        }
    )*};
}

queries! {
    q0 Q0, q1 Q1, q2 Q2, q3 Q3, q4 Q4, q5 Q5, q6 Q6, q7 Q7, q8 Q8, q9 Q9, q10 Q10, q11 Q11, q12 Q12, q13 Q13, q14 Q14, q15 Q15, q16 Q16, q17 Q17, q18 Q18,
    q19 Q19, q20 Q20, q21 Q21, q22 Q22, q23 Q23,
}

/// A replay that moves a clock before each batch, and notes what time it is for each event.
struct Ticking {
    feed: Feed,
    clock: ManualClock,
    times: Arc<Mutex<Vec<i64>>>,
}

struct TickingReader<R> {
    reader: R,
    clock: ManualClock,
    times: Arc<Mutex<Vec<i64>>>,
}

impl Source for Ticking {
    type Out = Arrivals;
    type Reader = TickingReader<<Feed as Source>::Reader>;

    fn name(&self) -> &'static str {
        "ticking"
    }

    fn open(self, readers: usize) -> Result<Vec<Self::Reader>, BuildError> {
        assert_eq!(readers, 1, "with two, one would move the clock while the other's batch is handled");
        let Ticking { feed, clock, times } = self;
        let ticking = |reader| TickingReader { reader, clock: clock.clone(), times: times.clone() };
        Ok(feed.open(readers)?.into_iter().map(ticking).collect())
    }
}

impl<R: Reader<Out = Arrivals>> Reader for TickingReader<R> {
    type Out = Arrivals;

    fn poll<O: Operator<Arrivals>>(&mut self, max: usize, out: &mut O) -> Result<Polled, RunError> {
        self.clock.advance(Duration::from_millis(3_700));
        let polled = self.reader.poll(max, out)?;
        if let Polled::Records(records) = polled {
            let now = (self.clock.now() / 1_000_000) as i64;
            self.times.lock().unwrap().extend(std::iter::repeat_n(now, records));
        }
        Ok(polled)
    }

    fn drain(&mut self) {
        self.reader.drain();
    }
}

#[test]
fn q12_goes_by_the_clock_that_it_is_given() {
    let generator = Generator::new(3, Options { disorder_ms: 3_900, ..Options::default() }).unwrap();
    let events: Vec<Event<'_>> = (0..20_000).map(|n| generator.event(n)).collect();
    let block: Arc<Block> = Arc::new(Block::collect(events.iter().copied()).map_err(drop).unwrap());
    for batch in [1, 64, 1024] {
        let (clock, times) = (ManualClock::new(), Arc::default());
        let source = Ticking { feed: Replay::once(block.clone()).into(), clock: clock.clone(), times: Arc::clone(&times) };
        let mut flow = Dataflow::new("q12");
        let handled = Handled::ByClock(ProcessingTime::new().clock(clock));
        let results = program::build_q12(&mut flow, source, handled, Keep::Digest).unwrap();
        let report = flow.start(Config::default().workers(1).batch(batch)).unwrap().join().unwrap();
        assert_eq!(report.late, 0);
        let times = times.lock().unwrap();
        let expected = oracle::answer_q12(&events, |place| times[place]).answer;
        assert_ne!(expected, oracle::digest(Query::Q12, &events), "a clock that says nothing");
        assert_eq!(results.results().unwrap().answer(), expected, "batches of {batch}");
    }
}
