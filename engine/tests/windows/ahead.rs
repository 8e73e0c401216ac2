//! Batches that are looked ahead in: replayed records, with a policy for which the last time of a batch stands for all.
//!
//! What ends a run of such records (the end of a window, a late record, a key without a slot) must be noticed wherever it lies.

use std::collections::HashMap;

use proptest::prelude::*;
use thalweg::{Collect, Config, Dataflow, Monotone, Replay, Sliding, Windowed};

use crate::oracle::{Event, Row, Values, rows, sorted};

/// Keys are few and dense from here on; elsewhere a table of slots has to grow, move or give up.
const NEAR: u64 = 8;

/// Each record in each window that holds its time and has not fired before its batch; and how many records found none.
fn oracle(events: &[Event], batch: usize, size: i64, slide: i64, base: i64) -> (Vec<Row>, u64) {
    let (mut windows, mut late, mut watermark) = (HashMap::<_, Vec<_>>::new(), 0, i64::MIN);
    for batch in events.chunks(batch) {
        for event in batch {
            let last = event.time.div_euclid(slide) * slide;
            let holding = (0..).map(|back| last - back * slide).take_while(|start| start + size > event.time);
            let mut found = false;
            for start in holding.filter(|start| start + size - 1 > watermark) {
                found = true;
                windows.entry((event.key.wrapping_add_signed(base), start, start + size)).or_default().push(event.value);
            }
            late += u64::from(!found);
        }
        watermark = watermark.max(batch[batch.len() - 1].time - 1);
    }
    (rows(windows), late)
}

fn run(events: &[Event], batch: usize, size: i64, slide: i64, base: i64) -> (Vec<Row>, u64) {
    let config = Config::default().workers(1).batch(batch);
    let mut flow = Dataflow::new("ahead");
    let timed = flow.source(Replay::new(events.to_vec())).watermarks(Monotone, |event: &Event| event.time);
    let windows = Sliding::millis(size, slide);
    let (report, rows): (_, Vec<Row>) = if base >= 0 {
        let (sink, rows) = Collect::<Windowed<u64, Vec<i64>>>::new();
        timed.key_by(move |event| event.key.wrapping_add_signed(base)).window(windows).aggregate(Values::<false>).sink(sink);
        let report = flow.start(config).unwrap().join().unwrap();
        (report, rows.take().into_iter().map(|row| (row.key, row.start, row.end, row.value)).collect())
    } else {
        // Signed keys, whose bits are not their values.
        let (sink, rows) = Collect::<Windowed<i64, Vec<i64>>>::new();
        timed.key_by(move |event| event.key as i64 + base).window(windows).aggregate(Values::<false>).sink(sink);
        let report = flow.start(config).unwrap().join().unwrap();
        (report, rows.take().into_iter().map(|row| (row.key as u64, row.start, row.end, row.value)).collect())
    };
    (sorted(rows), report.late)
}

/// Records that mostly go on in time by little; now and then one is far behind or ahead, or of a key of its own.
fn mostly_monotone() -> impl Strategy<Value = Vec<Event>> {
    let step = prop_oneof![40 => 0..3i64, 1 => 50..500i64];
    let behind = prop_oneof![60 => Just(0i64), 1 => 1..200i64];
    let key = prop_oneof![60 => 0..NEAR, 1 => 0..5_000u64, 1 => 0..1u64 << 40];
    prop::collection::vec((step, behind, key), 0..600).prop_map(|records| {
        let mut now = -300;
        let at = |(number, (step, behind, key)): (usize, (i64, i64, u64))| {
            now += step;
            Event { key, value: number as i64, time: now - behind }
        };
        records.into_iter().enumerate().map(at).collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: thalweg::testing::cases(192), ..ProptestConfig::default() })]

    #[test]
    fn a_look_ahead_changes_no_result(
        events in mostly_monotone(),
        batch in prop_oneof![Just(1usize), 15..=17usize, 30..=50usize, Just(128), Just(1024)],
        (size, slide) in prop_oneof![Just((50, 50)), Just((90, 30)), Just((64, 16)), Just((500, 500))],
        base in prop_oneof![Just(0i64), Just(100_000), Just(-3), Just(-100_000)],
    ) {
        prop_assert_eq!(run(&events, batch, size, slide, base), oracle(&events, batch, size, slide, base));
    }
}

#[test]
fn what_ends_a_run_is_noticed_at_each_place() {
    const BATCH: usize = 64;
    for base in [0, 100_000, -3] {
        for at in 0..BATCH {
            // A batch that opens the window of the next one, after a batch of a window that has fired by then.
            let mut events: Vec<Event> = (0..3 * BATCH)
                .map(|number| Event { key: number as u64 % NEAR, value: number as i64, time: 50 + number as i64 / 64 * 50 })
                .collect();
            for batch in &mut events[BATCH..].chunks_mut(BATCH) {
                batch.iter_mut().for_each(|event| event.time = 101);
            }
            let odd = 2 * BATCH + at;
            let odds: [&dyn Fn(&mut Event); 5] =
                [&|event| event.time = 40, &|event| event.time = 99, &|event| event.time = 100, &|event| event.time = 150, &|event| {
                    event.key = 4_000
                }];
            for change in odds {
                let mut events = events.clone();
                change(&mut events[odd]);
                assert_eq!(run(&events, BATCH, 50, 50, base), oracle(&events, BATCH, 50, 50, base), "record {at}, keys from {base}");
                // The window ends there, for good.
                events[odd..].iter_mut().for_each(|event| event.time = event.time.max(150));
                assert_eq!(run(&events, BATCH, 50, 50, base), oracle(&events, BATCH, 50, 50, base), "from record {at}, keys from {base}");
            }
        }
    }
}

#[test]
fn a_batch_of_nothing_is_no_batch() {
    assert_eq!(run(&[], 64, 50, 50, 0), (vec![], 0));
}
