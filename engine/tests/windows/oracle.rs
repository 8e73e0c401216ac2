//! What all window tests share: records, ways to run, and an aggregate that forgets nothing.

use std::collections::{BTreeMap, HashMap};

use proptest::prelude::*;
use thalweg::{Aggregate, Config, EventTime, Own, state::Partial};

#[derive(Clone, Copy, Debug)]
pub(crate) struct Event {
    pub(crate) key: u64,
    pub(crate) value: i64,
    pub(crate) time: EventTime,
}

/// The ways to run a pipeline that must not show in its result.
#[derive(Clone, Debug)]
pub(crate) struct Ways {
    pub(crate) workers: usize,
    pub(crate) batch: usize,
    pub(crate) ring_bytes: usize,
}

/// One record at a time, so that an oracle knows the watermark at each.
pub(crate) const STEP: Ways = Ways { workers: 1, batch: 1, ring_bytes: 1 << 14 };

impl Ways {
    pub(crate) fn config(&self) -> Config {
        let workers = self.workers.min(thalweg::runtime::available_cores().limit);
        Config::default().workers(workers).batch(self.batch).ring_bytes(self.ring_bytes)
    }
}

pub(crate) fn ways() -> impl Strategy<Value = Ways> {
    (1..=2usize, prop_oneof![Just(1usize), Just(7), Just(64), Just(1024)], 12..20u32).prop_map(|(workers, batch, ring)| Ways {
        workers,
        batch,
        ring_bytes: 1 << ring,
    })
}

/// Up to this much behind the highest time so far.
pub(crate) const DISORDER: i64 = 190;

/// Records in waves: mostly close together, now and then a pause or a leap.
pub(crate) fn events(records: usize) -> impl Strategy<Value = Vec<Event>> {
    let key = prop_oneof![4 => 0..6u64, 1 => 0..200u64];
    let step = prop_oneof![60 => 0..20i64, 2 => 100..3000i64, 1 => Just(100_000i64)];
    let record = (key, -1000..1000i64, step, 0..=DISORDER);
    (prop::collection::vec(record, 0..records), any::<bool>()).prop_map(|(records, scatter)| {
        let mut now = -5_000;
        let spread = |key: u64| if scatter { key.wrapping_mul(0x9e37_79b9_7f4a_7c15) } else { key };
        records
            .into_iter()
            .map(|(key, value, step, behind)| {
                now += step;
                Event { key: spread(key), value, time: now - behind }
            })
            .collect()
    })
}

/// Watermarks as [`thalweg::BoundedDisorder`] makes them after each record.
pub(crate) struct Clock {
    disorder: i64,
    max: i64,
}

impl Clock {
    pub(crate) fn new(disorder: i64) -> Self {
        Self { disorder, max: i64::MIN }
    }

    /// The watermark before the record, which it then goes past.
    pub(crate) fn pass(&mut self, time: EventTime) -> EventTime {
        let watermark = self.watermark();
        self.max = self.max.max(time);
        watermark
    }

    pub(crate) fn watermark(&self) -> EventTime {
        self.max.saturating_sub(self.disorder).saturating_sub(1)
    }
}

/// All values, sorted: shows what was lost, doubled or put in the wrong place. With and without an inverse.
#[derive(Clone)]
pub(crate) struct Values<const INVERTS: bool>;

#[derive(Clone, Debug, Default)]
pub(crate) struct Bag(BTreeMap<i64, i64>);

impl Partial for Bag {
    fn empty() -> Self {
        Self::default()
    }
    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<const INVERTS: bool> Aggregate<Own<Event>> for Values<INVERTS> {
    type Partial = Bag;
    type Out = Vec<i64>;
    const INVERTS: bool = INVERTS;
    fn lift(&mut self, partial: &mut Bag, event: &Event) {
        *partial.0.entry(event.value).or_default() += 1;
    }
    fn combine(&mut self, partial: &mut Bag, other: Bag) {
        for (value, count) in other.0 {
            *partial.0.entry(value).or_default() += count;
        }
    }
    fn invert(&mut self, partial: &mut Bag, other: &Bag) {
        for (value, count) in &other.0 {
            let held = partial.0.get_mut(value).expect("only what was combined is taken out");
            *held -= count;
            assert!(*held >= 0);
            if *held == 0 {
                partial.0.remove(value);
            }
        }
    }
    fn lower(&self, partial: &Bag) -> Vec<i64> {
        assert!(!partial.is_empty(), "an empty partial is never lowered");
        partial.0.iter().flat_map(|(value, count)| std::iter::repeat_n(*value, *count as usize)).collect()
    }
}

/// A result: key, start, end, values.
pub(crate) type Row = (u64, i64, i64, Vec<i64>);

/// Windows with the values in them, as rows.
pub(crate) fn rows(windows: HashMap<(u64, i64, i64), Vec<i64>>) -> Vec<Row> {
    sorted(
        windows
            .into_iter()
            .map(|((key, start, end), mut values)| {
                values.sort_unstable();
                (key, start, end, values)
            })
            .collect(),
    )
}

pub(crate) fn sorted<T: Ord>(mut rows: Vec<T>) -> Vec<T> {
    rows.sort();
    rows
}
