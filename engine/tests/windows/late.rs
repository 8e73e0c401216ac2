//! Allowed lateness: corrected results, and late records to a stream of their own.

use std::collections::{BTreeMap, HashMap};

use proptest::prelude::*;
use thalweg::{
    BoundedDisorder, Collect, Count, Dataflow, EventTime, Monotone, Replay, Revised, Sliding, Tumbling, Windowed, source::ingress,
};

use crate::oracle::{Clock, DISORDER, Event, STEP, Values, Ways, events, sorted, ways};

/// key, start, end, revision, values
type Row = (u64, i64, i64, u32, Vec<i64>);

struct Answer {
    /// All results, in the order of window, key and revision.
    rows: Vec<Row>,
    /// Late records, as they came.
    late: Vec<(i64, i64)>,
}

/// Record by record: fire what the watermark has passed, then put the record into each window that may change, and correct those that have fired.
fn oracle(events: &[Event], (size, slide): (i64, i64), disorder: i64, lateness: i64) -> Answer {
    let mut windows = BTreeMap::<(u64, i64), (u32, Vec<i64>)>::new();
    let (mut rows, mut late) = (Vec::new(), Vec::new());
    let mut clock = Clock::new(disorder);
    let mut emit = |(key, start): (u64, i64), (revision, values): &mut (u32, Vec<i64>)| {
        values.sort_unstable();
        rows.push((key, start, start + size, *revision, values.clone()));
        *revision += 1;
    };
    let fire =
        |windows: &mut BTreeMap<(u64, i64), (u32, Vec<i64>)>, watermark: i64, emit: &mut dyn FnMut((u64, i64), &mut (u32, Vec<i64>))| {
            for (window, state) in windows.iter_mut() {
                let start = window.1;
                if start + size - 1 <= watermark && state.0 == 0 {
                    emit(*window, state);
                }
            }
            windows.retain(|(_, start), _| start + size - 1 + lateness > watermark);
        };
    for event in events {
        let watermark = clock.pass(event.time);
        fire(&mut windows, watermark, &mut emit);
        let last = event.time.div_euclid(slide) * slide;
        let holding: Vec<i64> = (0..).map(|back| last - back * slide).take_while(|start| start + size > event.time).collect();
        let kept: Vec<i64> = holding.iter().copied().filter(|start| start + size - 1 + lateness > watermark).collect();
        if !holding.is_empty() && kept.is_empty() {
            late.push((event.time, event.value));
        }
        for start in kept {
            let state = windows.entry((event.key, start)).or_default();
            state.1.push(event.value);
            if start + size - 1 <= watermark {
                emit((event.key, start), state);
            }
        }
    }
    fire(&mut windows, i64::MAX - 1_000_000, &mut emit);
    Answer { rows: sorted(rows), late }
}

fn run(events: &[Event], (size, slide): (i64, i64), disorder: i64, lateness: i64, ways: &Ways) -> Answer {
    let mut flow = Dataflow::new("late");
    let (sink, rows) = Collect::<Revised<u64, Vec<i64>>>::new();
    let (side, late) = Collect::<(EventTime, Event)>::new();
    let keyed = flow
        .source(Replay::new(events.to_vec()))
        .watermarks(BoundedDisorder::millis(disorder), |event: &Event| event.time)
        .key_by(|event| event.key);
    if size == slide {
        keyed.window(Tumbling::millis(size)).allowed_lateness(lateness).late_to(side).aggregate(Values::<false>).sink(sink);
    } else {
        keyed.window(Sliding::millis(size, slide)).allowed_lateness(lateness).late_to(side).aggregate(Values::<true>).sink(sink);
    }
    let report = flow.start(ways.config()).unwrap().join().unwrap();
    let late: Vec<_> = late.take().into_iter().map(|(time, event)| (time, event.value)).collect();
    assert_eq!(report.late, late.len() as u64);
    let rows = rows.take().into_iter().map(|row| (row.key, row.start, row.end, row.revision, row.value)).collect();
    Answer { rows: sorted(rows), late }
}

/// The last result of each key and window, and that revisions are numbered without a gap.
fn last_results(rows: &[Row]) -> Vec<Row> {
    let mut last = HashMap::<(u64, i64), Row>::new();
    for row in rows {
        let before = last.insert((row.0, row.1), row.clone());
        assert_eq!(row.3, before.map_or(0, |before| before.3 + 1), "{row:?}");
    }
    sorted(last.into_values().map(|row| (row.0, row.1, row.2, 0, row.4)).collect())
}

fn shapes() -> impl Strategy<Value = (i64, i64)> {
    prop_oneof![Just((100, 100)), Just((40, 40)), Just((1, 1)), Just((100, 30)), Just((60, 20)), Just((20, 50))]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: thalweg::testing::cases(128), ..ProptestConfig::default() })]

    #[test]
    fn every_result_and_every_late_record_equals_the_oracle(
        events in events(500), shape in shapes(), disorder in 0..DISORDER, lateness in prop_oneof![Just(0i64), Just(1), 1..DISORDER],
    ) {
        let (answer, expected) = (run(&events, shape, disorder, lateness, &STEP), oracle(&events, shape, disorder, lateness));
        prop_assert_eq!(answer.rows, expected.rows);
        prop_assert_eq!(answer.late, expected.late);
    }

    #[test]
    fn the_last_results_know_all_records_however_they_are_run(
        events in events(800), shape in shapes(), disorder in 0..=DISORDER, ways in ways(),
    ) {
        let answer = run(&events, shape, disorder, DISORDER - disorder, &ways);
        prop_assert!(answer.late.is_empty());
        let whole = oracle(&events, shape, DISORDER, 0);
        prop_assert_eq!(last_results(&answer.rows), whole.rows);
    }

    #[test]
    fn nothing_is_lost(events in events(800), shape in shapes(), disorder in 0..60i64, lateness in 0..60i64, ways in ways()) {
        let answer = run(&events, shape, disorder, lateness, &ways);
        let (size, slide) = shape;
        if size == slide {
            let in_windows: usize = last_results(&answer.rows).iter().map(|row| row.4.len()).sum();
            prop_assert_eq!(in_windows + answer.late.len(), events.len());
        }
        let rows = last_results(&answer.rows);
        for (time, value) in &answer.late {
            prop_assert!(events.iter().any(|event| (event.time, event.value) == (*time, *value)));
            prop_assert!(time.rem_euclid(slide) < size, "no window lacks it");
        }
        prop_assert!(rows.iter().all(|row| !row.4.is_empty()));
    }

    #[test]
    fn corrections_are_not_late_for_what_follows(events in events(400), shape in shapes(), lateness in 0..DISORDER, follow in 1..60i64) {
        let mut flow = Dataflow::new("windows of corrected windows");
        let (sink, rows) = Collect::<Windowed<u64, u64>>::new();
        flow.source(Replay::new(events.clone()))
            .watermarks(BoundedDisorder::millis(10), |event: &Event| event.time)
            .key_by(|event| event.key)
            .window(Sliding::millis(shape.0, shape.1))
            .allowed_lateness(lateness)
            .aggregate(Count)
            .key_by(|row: &Revised<u64, u64>| row.key)
            .window(Tumbling::millis(follow))
            .aggregate(Count)
            .sink(sink);
        let report = flow.start(STEP.config()).unwrap().join().unwrap();
        let expected = oracle(&events, shape, 10, lateness);
        prop_assert_eq!(report.late, expected.late.len() as u64, "only what was late before");
        prop_assert_eq!(rows.take().iter().map(|row| row.value).sum::<u64>(), expected.rows.len() as u64);
    }
}

#[test]
fn corrections_come_while_nothing_moves_event_time_on() {
    let (ingress, source) = ingress::<i64>(64);
    let (sink, mut rows) = thalweg::sink::egress::<Revised<(), u64>>(64);
    let mut flow = Dataflow::new("live");
    flow.source(source)
        .watermarks(Monotone, |time| *time)
        .key_by(|_| ())
        .window(Tumbling::millis(10))
        .allowed_lateness(100)
        .aggregate(Count)
        .sink(sink);
    let running = flow.start(STEP.config()).unwrap();
    let mut handle = ingress.handle();
    let mut expect = |revision, value| {
        let row = rows.next_timeout(std::time::Duration::from_secs(20)).unwrap();
        assert_eq!((row.start, row.revision, row.value), (0, revision, value));
    };
    handle.push(5).unwrap();
    handle.push(20).unwrap();
    expect(0, 1);
    handle.push(6).unwrap();
    expect(1, 2);
    handle.push(7).unwrap();
    expect(2, 3);
    running.stop().unwrap();
}

#[test]
fn a_negative_lateness_is_refused() {
    let mut flow = Dataflow::new("negative");
    let (sink, _rows) = Collect::<Revised<i64, u64>>::new();
    flow.source(Replay::new(vec![1i64]))
        .watermarks(Monotone, |time| *time)
        .key_by(|time| *time)
        .window(Tumbling::millis(1))
        .allowed_lateness(-1)
        .aggregate(Count)
        .sink(sink);
    let message = flow.start(STEP.config()).err().unwrap().to_string();
    assert!(message.contains("lateness") && message.contains("negative"), "{message}");
}
