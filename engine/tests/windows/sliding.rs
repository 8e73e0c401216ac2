//! Sliding windows.

use std::collections::HashMap;

use proptest::prelude::*;
use thalweg::{BoundedDisorder, Collect, Count, Dataflow, Generate, Monotone, Replay, Sliding, Tumbling, Windowed};

use crate::oracle::{Clock, DISORDER, Event, Row, STEP, Values, Ways, events, rows, sorted, ways};

/// Each record in each window that holds its time and has not fired; and how many records found none.
fn oracle(events: &[Event], size: i64, slide: i64, disorder: i64) -> (Vec<Row>, u64) {
    let (mut windows, mut late) = (HashMap::<_, Vec<_>>::new(), 0);
    let mut clock = Clock::new(disorder);
    for event in events {
        let watermark = clock.pass(event.time);
        let last = event.time.div_euclid(slide) * slide;
        let holding: Vec<i64> = (0..).map(|back| last - back * slide).take_while(|start| start + size > event.time).collect();
        let open: Vec<i64> = holding.iter().copied().filter(|start| start + size - 1 > watermark).collect();
        late += u64::from(!holding.is_empty() && open.is_empty());
        for start in open {
            windows.entry((event.key, start, start + size)).or_default().push(event.value);
        }
    }
    (rows(windows), late)
}

fn run<const INVERTS: bool>(events: &[Event], size: i64, slide: i64, disorder: i64, ways: &Ways) -> (Vec<Row>, u64) {
    let mut flow = Dataflow::new("sliding");
    let (sink, rows) = Collect::<Windowed<u64, Vec<i64>>>::new();
    flow.source(Replay::new(events.to_vec()))
        .watermarks(BoundedDisorder::millis(disorder), |event: &Event| event.time)
        .key_by(|event| event.key)
        .window(Sliding::millis(size, slide))
        .aggregate(Values::<INVERTS>)
        .sink(sink);
    let report = flow.start(ways.config()).unwrap().join().unwrap();
    (sorted(rows.take().into_iter().map(|row| (row.key, row.start, row.end, row.value)).collect()), report.late)
}

/// Sizes with one slice a slide, with several, with one window at a time, and with gaps between windows.
fn shapes() -> impl Strategy<Value = (i64, i64)> {
    prop_oneof![Just((1000, 100)), Just((1000, 1000)), Just((600, 400)), Just((90, 350)), Just((1000, 300)), Just((1, 1)), Just((7, 3))]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: thalweg::testing::cases(96), ..ProptestConfig::default() })]

    #[test]
    fn results_equal_the_oracle_however_they_are_run(events in events(800), (size, slide) in shapes(), ways in ways(), inverts: bool) {
        let (expected, late) = oracle(&events, size, slide, DISORDER);
        prop_assert_eq!(late, 0);
        let run = if inverts { run::<true> } else { run::<false> };
        prop_assert_eq!(run(&events, size, slide, DISORDER, &ways), (expected, 0));
    }

    #[test]
    fn late_records_count_in_the_windows_that_are_left(
        events in events(800), (size, slide) in shapes(), disorder in 0..DISORDER, inverts: bool,
    ) {
        let run = if inverts { run::<true> } else { run::<false> };
        prop_assert_eq!(run(&events, size, slide, disorder, &STEP), oracle(&events, size, slide, disorder));
    }
}

#[test]
fn windows_at_the_ends_of_time_hold_what_is_theirs() {
    for (size, slide) in [(1000, 1000), (1000, 300), (64, 64), (1 << 40, 1 << 39)] {
        let ends = [i64::MIN, i64::MIN + 1, i64::MIN + 63, i64::MIN + 64, i64::MIN + 900, i64::MIN + 1000, 0, 999, 1000];
        let ends = ends.into_iter().chain([i64::MAX - 1000, i64::MAX - 64, i64::MAX - 1, i64::MAX]);
        let events: Vec<Event> = ends.flat_map(|time| [Event { key: 1, value: time, time }, Event { key: 2, value: time, time }]).collect();
        let mut windows = HashMap::<_, Vec<_>>::new();
        for event in &events {
            let (time, size, slide) = (i128::from(event.time), i128::from(size), i128::from(slide));
            let last = time.div_euclid(slide) * slide;
            for start in (0..).map(|back| last - back * slide).take_while(|start| start + size > time) {
                let clamp = |time: i128| time.clamp(i128::from(i64::MIN), i128::from(i64::MAX)) as i64;
                windows.entry((event.key, start, clamp(start), clamp(start + size))).or_default().push(event.value);
            }
        }
        let expected: Vec<Row> = sorted(windows.into_iter().map(|((key, _, start, end), values)| (key, start, end, values)).collect());
        assert_eq!(run::<true>(&events, size, slide, 0, &STEP), (expected.clone(), 0), "{size} by {slide}");
        assert_eq!(run::<false>(&events, size, slide, 0, &STEP), (expected.clone(), 0), "{size} by {slide}");
        if size == slide {
            let mut flow = Dataflow::new("tumbling");
            let (sink, rows) = Collect::<Windowed<u64, Vec<i64>>>::new();
            flow.source(Replay::new(events.clone()))
                .watermarks(Monotone, |event: &Event| event.time)
                .key_by(|event| event.key)
                .window(Tumbling::millis(size))
                .aggregate(Values::<false>)
                .sink(sink);
            flow.start(Ways { workers: 2, batch: 64, ring_bytes: 4096 }.config()).unwrap().join().unwrap();
            let rows = rows.take().into_iter().map(|row| (row.key, row.start, row.end, row.value)).collect();
            assert_eq!(sorted::<Row>(rows), expected, "tumbling by {size}");
        }
    }
}

#[test]
fn a_record_a_year_later_costs_no_window_in_between() {
    let mut flow = Dataflow::new("leap");
    let (sink, rows) = Collect::<Windowed<u64, u64>>::new();
    flow.source(Generate::new(2_000, |i| i))
        .watermarks(Monotone, |i| *i as i64 * 31_536_000_000)
        .key_by(|_| 0)
        .window(Sliding::millis(10, 1))
        .aggregate(Count)
        .sink(sink);
    flow.start(STEP.config()).unwrap().join().unwrap();
    assert_eq!(rows.take().len(), 20_000);
}
