//! Whole pipelines against naive oracles: neither batch size, ring size, workers, waiting nor chaining may change a result.
#![allow(clippy::unwrap_used)]

use std::collections::HashMap;

use proptest::prelude::*;
use thalweg::{
    BoundedDisorder, Collect, Config, Count, Dataflow, EventTime, Fold, Generate, Lines, Own, Replay, Sum, SumCount, Text, Tumbling,
    Update, Wait, Windowed,
};

#[derive(Clone, Copy, Debug)]
struct Event {
    key: u64,
    value: i64,
    time: EventTime,
}

/// The ways to run a pipeline that must not show in its result.
#[derive(Clone, Debug)]
struct Ways {
    workers: usize,
    batch: usize,
    ring_bytes: usize,
    wait: Wait,
    /// Break the chain with a hop or a local edge.
    hop: bool,
    split: bool,
}

fn ways() -> impl Strategy<Value = Ways> {
    let wait = prop_oneof![Just(Wait::Adaptive), Just(Wait::SpinPark), Just(Wait::SpinYield)];
    (1..=2usize, prop_oneof![Just(1usize), Just(7), Just(64), Just(1024)], 12..20u32, wait, any::<bool>(), any::<bool>())
        .prop_map(|(workers, batch, ring, wait, hop, split)| Ways { workers, batch, ring_bytes: 1 << ring, wait, hop, split })
}

impl Ways {
    fn config(&self) -> Config {
        let workers = self.workers.min(thalweg::runtime::available_cores().limit);
        Config::default().workers(workers).batch(self.batch).ring_bytes(self.ring_bytes).wait(self.wait)
    }
}

fn sorted<T: Ord>(mut rows: Vec<T>) -> Vec<T> {
    rows.sort();
    rows
}

/// Per key and second: sum and count.
fn tumbling_oracle(events: &[Event]) -> Vec<(u64, i64, i64, u64)> {
    let mut windows = HashMap::<(u64, i64), (i64, u64)>::new();
    for event in events {
        let start = event.time.div_euclid(1000) * 1000;
        let entry = windows.entry((event.key, start)).or_default();
        entry.0 += event.value;
        entry.1 += 1;
    }
    sorted(windows.into_iter().map(|((key, start), (sum, count))| (key, start, sum, count)).collect())
}

fn tumbling(events: &[Event], disorder: i64, ways: &Ways) -> (Vec<(u64, i64, i64, u64)>, u64) {
    let mut flow = Dataflow::new("tumbling");
    let (sink, rows) = Collect::<Windowed<u64, SumCount>>::new();
    let timed = flow.source(Replay::new(events.to_vec())).watermarks(BoundedDisorder::millis(disorder), |event: &Event| event.time);
    let sum = || Sum::of::<Own<Event>>(|event: &Event| event.value);
    match (ways.hop, ways.split) {
        (false, false) => timed.key_by(|event| event.key).window(Tumbling::seconds(1)).aggregate(sum()).sink(sink),
        (true, false) => timed.hop().key_by(|event| event.key).window(Tumbling::seconds(1)).aggregate(sum()).sink(sink),
        (false, true) => {
            let (odd, even) = timed.split(|event: &Event| event.key % 2 == 1);
            odd.union(even).key_by(|event| event.key).window(Tumbling::seconds(1)).aggregate(sum()).sink(sink);
        }
        (true, true) => {
            let (odd, even) = timed.split(|event: &Event| event.key % 2 == 1);
            let window = Tumbling::seconds(1);
            let odd = odd.key_by(|event| event.key).window(window).aggregate(sum());
            let even = even.hop().key_by(|event| event.key).window(window).aggregate(sum());
            odd.union(even).sink(sink);
        }
    }
    let report = flow.start(ways.config()).unwrap().join().unwrap();
    assert_eq!(report.records_in(), events.len() as u64);
    let rows = rows.take().into_iter().map(|row| (row.key, row.start, row.value.sum, row.value.count)).collect();
    (sorted(rows), report.late)
}

fn events(keys: u64, scatter: bool) -> impl Strategy<Value = Vec<Event>> {
    prop::collection::vec((0..keys, -1000..1000i64, 0..200i64), 0..3000).prop_map(move |records| {
        let mut now = -5_000;
        let spread = |key: u64| if scatter { key.wrapping_mul(0x9e37_79b9_7f4a_7c15) } else { key };
        records
            .into_iter()
            .map(|(key, value, step)| {
                now += step / 10;
                // Up to 190 ms behind the highest time so far.
                Event { key: spread(key), value, time: now - step % 20 * 10 }
            })
            .collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: thalweg::testing::cases(48), ..ProptestConfig::default() })]

    #[test]
    fn windows_equal_the_oracle_however_they_are_run(events in prop_oneof![events(50, false), events(50, true)], ways in ways()) {
        let (rows, late) = tumbling(&events, 400, &ways);
        prop_assert_eq!(late, 0);
        prop_assert_eq!(rows, tumbling_oracle(&events));
    }

    #[test]
    fn late_records_are_counted_and_the_rest_is_right(events in events(10, false)) {
        let ways = Ways { workers: 1, batch: 1, ring_bytes: 1 << 14, wait: Wait::Adaptive, hop: false, split: false };
        let (rows, late) = tumbling(&events, 0, &ways);
        // Batches of one record: a record is late if its window's end is at or before the highest time seen before it, less 1 ms.
        let (mut highest, mut on_time) = (i64::MIN, Vec::new());
        for event in &events {
            let end = event.time.div_euclid(1000) * 1000 + 1000;
            if highest == i64::MIN || end - 1 > highest - 1 {
                on_time.push(*event);
            }
            highest = highest.max(event.time);
        }
        prop_assert_eq!(late, (events.len() - on_time.len()) as u64);
        prop_assert_eq!(rows, tumbling_oracle(&on_time));
    }

    #[test]
    fn stateless_chains_equal_iterators(n in 0..5000u64, ways in ways()) {
        let mut flow = Dataflow::new("stateless");
        let (sink, rows) = Collect::<u64>::new();
        let stream = flow.source(Generate::new(n, |i| i)).map(|i| i.wrapping_mul(0x9e37_79b9)).filter(|x| x % 3 != 0);
        if ways.hop {
            stream.hop().flat_map(|x| [x, x + 1]).filter(|x| x % 2 == 0).sink(sink);
        } else {
            stream.flat_map(|x| [x, x + 1]).filter(|x| x % 2 == 0).sink(sink);
        }
        let report = flow.start(ways.config()).unwrap().join().unwrap();
        prop_assert_eq!(report.records_in(), n);
        let expected = (0..n).map(|i| i.wrapping_mul(0x9e37_79b9)).filter(|x| x % 3 != 0).flat_map(|x| [x, x + 1]).filter(|x| x % 2 == 0);
        prop_assert_eq!(sorted(rows.take()), sorted(expected.collect()));
    }

    #[test]
    fn owned_records_survive_every_kind_of_edge(n in 0..2000u64, ways in ways()) {
        let mut flow = Dataflow::new("owned");
        let (sink, rows) = Collect::<String>::new();
        let stream = flow.source(Generate::new(n, |i| format!("record {i}"))).filter(|text| !text.ends_with('7'));
        let (long, short) = stream.split(|text: &String| text.len() > 9);
        let long = long.map(|text| text + "!");
        if ways.hop {
            long.hop().union(short.exchange(|text: &String| text.clone())).sink(sink);
        } else {
            long.union(short).sink(sink);
        }
        flow.start(ways.config()).unwrap().join().unwrap();
        let expected = (0..n).map(|i| format!("record {i}")).filter(|text| !text.ends_with('7'));
        let expected = expected.map(|text| if text.len() > 9 { text + "!" } else { text });
        prop_assert_eq!(sorted(rows.take()), sorted(expected.collect()));
    }

    #[test]
    fn rolling_counts_form_chains_that_end_at_the_total(
        lines in prop::collection::vec("[a-d]{1,2}( [a-dé]{1,2}){0,5}", 0..300),
        ways in ways(),
    ) {
        let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
        let mut flow = Dataflow::new("words");
        let (sink, updates) = Fold::new(Vec::new(), |all: &mut Vec<(String, Option<u64>, u64)>, update: Update<'_, Box<str>, u64>| {
            all.push((update.key.to_string(), update.before, update.after));
        });
        flow.source(Lines::text(text.clone())).flat_map_to::<Text, _>(str::split_whitespace).key_by_text().count().sink(sink);
        flow.start(ways.config()).unwrap().join().unwrap();
        let mut counts = HashMap::<String, u64>::new();
        for worker in updates.take() {
            for (word, before, after) in worker {
                prop_assert_eq!(before, counts.get(&word).copied(), "the updates of {} form a chain", word);
                prop_assert!(after > before.unwrap_or(0));
                counts.insert(word, after);
            }
        }
        let mut expected = HashMap::<String, u64>::new();
        text.split_whitespace().for_each(|word| *expected.entry(word.to_owned()).or_default() += 1);
        prop_assert_eq!(counts, expected);
    }

    #[test]
    fn reduce_equals_a_fold_per_key(records in prop::collection::vec((0..20u32, 0..1000i64), 0..2000), ways in ways()) {
        let mut flow = Dataflow::new("reduce");
        let (sink, latest) = Fold::new(HashMap::new(), |latest: &mut HashMap<u32, (u32, i64)>, update: Update<'_, u32, (u32, i64)>| {
            latest.insert(*update.key, update.after);
        });
        flow.source(Replay::new(records.clone())).key_by(|record| record.0).reduce(|a, b| (a.0, a.1.max(b.1))).sink(sink);
        flow.start(ways.config()).unwrap().join().unwrap();
        let mut all = HashMap::new();
        for worker in latest.take() {
            for (key, value) in worker {
                prop_assert!(all.insert(key, value.1).is_none(), "a key has one owner");
            }
        }
        let mut expected = HashMap::<u32, i64>::new();
        for (key, value) in records {
            let entry = expected.entry(key).or_insert(value);
            *entry = value.max(*entry);
        }
        prop_assert_eq!(all, expected);
    }
}

#[test]
fn a_window_of_many_keys_leaves_in_steps_through_a_small_ring() {
    let keys = 200_000u64;
    let mut flow = Dataflow::new("many");
    let (sink, rows) = Fold::new((0u64, 0u64), |total: &mut (u64, u64), row: Windowed<u64, u64>| {
        total.0 += 1;
        total.1 += row.value;
    });
    flow.source(Generate::new(2 * keys, move |i| (i % keys).wrapping_mul(0x9e37_79b9_7f4a_7c15)))
        .watermarks(BoundedDisorder::millis(0), |_: &u64| 0)
        .key_by(|key| *key)
        .window(Tumbling::seconds(1))
        .aggregate(Count)
        .hop()
        .sink(sink);
    flow.start(Config::default().ring_bytes(4096).batch(16)).unwrap().join().unwrap();
    assert_eq!(rows.merge(|a, b| (a.0 + b.0, a.1 + b.1)).unwrap(), (keys, 2 * keys));
}
