//! Mini-batches against a model that holds changes in a list.

use std::{collections::HashMap, time::Duration};

use proptest::prelude::*;

use crate::{
    Config, Dataflow, ProcessingTime, Update,
    testing::{Driver, Feed, Outputs, cases, feed, outputs},
    time::ManualClock,
};

const TICK_MS: u64 = 20;

/// Key, slot, the count before and now.
type Row = (u64, u32, Option<u64>, u64);

#[derive(Clone, Copy, Debug)]
enum Step {
    Record(u64),
    Watermark,
    Idle,
    Clock(u64),
}

fn steps(keys: u64) -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        12 => (0..keys).prop_map(Step::Record),
        1 => Just(Step::Watermark),
        1 => Just(Step::Idle),
        3 => (0..30u64).prop_map(Step::Clock),
    ];
    prop::collection::vec(step, 0..150)
}

struct Rig {
    input: Feed<u64>,
    rows: Outputs<Row>,
    clock: ManualClock,
    driver: Driver,
    watermark: i64,
}

impl Rig {
    fn new(records: usize, workers: usize) -> Rig {
        let (input, source) = feed::<u64>();
        let (sink, rows) = outputs::<Row>();
        let clock = ManualClock::new();
        let ticks = ProcessingTime::new().clock(clock.clone()).tick(Duration::from_millis(TICK_MS));
        let mut flow = Dataflow::new("mini-batches");
        let keyed = flow.source(source).timed().untimed().key_by(|key: &u64| *key).mini_batch(records, ticks);
        keyed.count().map(|row: Update<'_, u64, u64>| (*row.key, row.slot, row.before, row.after)).sink(sink);
        let driver = flow.drive(Config::default().workers(workers).ring_bytes(4096).batch(16)).unwrap();
        Rig { input, rows, clock, driver, watermark: 0 }
    }

    fn feed(&mut self, step: Step) -> Vec<Row> {
        match step {
            Step::Record(key) => self.input.push(0, key),
            Step::Watermark => {
                self.watermark += 1;
                self.input.watermark(self.watermark);
            }
            Step::Idle => self.input.idle(),
            Step::Clock(ms) => self.clock.advance(Duration::from_millis(ms)),
        }
        self.driver.run().unwrap();
        self.rows.take()
    }

    fn end(&mut self) -> Vec<Row> {
        self.input.end();
        self.driver.run().unwrap();
        assert!(self.rows.ended());
        self.rows.take()
    }
}

/// One worker's changes, held in the order of their first record.
#[derive(Default)]
struct Model {
    slots: HashMap<u64, u32>,
    counts: HashMap<u64, u64>,
    held: Vec<(u64, u64)>,
    records: usize,
    now_ms: u64,
    due_ms: u64,
}

impl Model {
    fn feed(&mut self, step: Step, records_max: usize) -> Vec<Row> {
        match step {
            Step::Record(key) => {
                if self.held.is_empty() {
                    self.due_ms = (self.now_ms / TICK_MS + 1) * TICK_MS;
                }
                let slots = self.slots.len() as u32;
                self.slots.entry(key).or_insert(slots);
                match self.held.iter_mut().find(|held| held.0 == key) {
                    Some(held) => held.1 += 1,
                    None => self.held.push((key, 1)),
                }
                self.records += 1;
                if self.records >= records_max { self.leave() } else { Vec::new() }
            }
            Step::Watermark | Step::Idle => self.leave(),
            Step::Clock(ms) => {
                self.now_ms += ms;
                if self.now_ms >= self.due_ms { self.leave() } else { Vec::new() }
            }
        }
    }

    fn leave(&mut self) -> Vec<Row> {
        self.records = 0;
        let leave = |(key, more)| {
            let before = self.counts.get(&key).copied();
            let after = before.unwrap_or(0) + more;
            self.counts.insert(key, after);
            (key, self.slots[&key], before, after)
        };
        self.held.drain(..).map(leave).collect()
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(256), ..ProptestConfig::default() })]

    #[test]
    fn a_mini_batch_leaves_when_it_is_full_at_a_tick_and_before_control(steps in steps(12), records in 1..40usize) {
        let (mut rig, mut model) = (Rig::new(records, 1), Model::default());
        for step in steps {
            prop_assert_eq!(rig.feed(step), model.feed(step, records), "{:?}", step);
        }
        prop_assert_eq!(rig.end(), model.leave());
    }

    #[test]
    fn mini_batches_of_two_workers_make_chains_that_end_at_the_total(steps in steps(40), records in 1..40usize) {
        let mut rig = Rig::new(records, 2);
        let (mut told, mut expected) = (HashMap::new(), HashMap::new());
        let mut rows = Vec::new();
        for step in steps {
            if let Step::Record(key) = step {
                *expected.entry(key).or_insert(0) += 1;
            }
            rows.extend(rig.feed(step));
        }
        rows.extend(rig.end());
        for (key, _, before, after) in rows {
            prop_assert_eq!(told.insert(key, after), before);
        }
        prop_assert_eq!(told, expected);
    }
}

#[test]
fn many_keys_leave_in_pieces_as_there_is_room_and_control_waits_for_them() {
    let mut rig = Rig::new(1_000_000, 1);
    rig.rows.room(1500);
    rig.input.push_all((0..5_000).map(|key| (0, key)));
    rig.driver.run().unwrap();
    assert_eq!(rig.rows.take(), []);
    rig.input.end();
    let mut rows = Vec::new();
    for _ in 0..10 {
        assert!(rows.len() == 5_000 || !rig.rows.ended(), "the end comes behind all of it");
        rig.driver.run().unwrap();
        assert!(rig.rows.largest_batch() <= crate::operator::EMIT);
        rows.extend(rig.rows.take());
        rig.rows.room(1500);
    }
    assert_eq!(rows, (0..5_000).map(|key| (key, key as u32, None, 1)).collect::<Vec<_>>());
    assert!(rig.rows.ended());
}
