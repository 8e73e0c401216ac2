//! Session windows.

use std::collections::{BTreeMap, HashMap};

use proptest::prelude::*;
use thalweg::{BoundedDisorder, Collect, Dataflow, Replay, Revised, Session, Tumbling, Windowed};

use crate::oracle::{Clock, DISORDER, Event, Row, STEP, Values, Ways, events, sorted, ways};

/// All records of a key in the order of their times, cut where the gap is exceeded.
fn all_at_once(events: &[Event], gap: i64) -> Vec<Row> {
    let mut keys = HashMap::<u64, Vec<(i64, i64)>>::new();
    events.iter().for_each(|event| keys.entry(event.key).or_default().push((event.time, event.value)));
    let mut rows = Vec::new();
    for (key, mut records) in keys {
        records.sort_unstable();
        for run in records.chunk_by(|a, b| b.0 - a.0 <= gap) {
            let values = sorted(run.iter().map(|record| record.1).collect());
            rows.push((key, run[0].0, run[run.len() - 1].0 + gap, values));
        }
    }
    sorted(rows)
}

/// Record by record: sets of open sessions per key, by first time, with last time and values.
fn one_by_one(events: &[Event], gap: i64, disorder: i64) -> (Vec<Row>, u64) {
    let mut open = HashMap::<u64, BTreeMap<i64, (i64, Vec<i64>)>>::new();
    let (mut rows, mut late) = (Vec::new(), 0);
    let mut clock = Clock::new(disorder);
    let mut fire = |open: &mut HashMap<u64, BTreeMap<i64, (i64, Vec<i64>)>>, watermark: Option<i64>| {
        for (key, sessions) in open {
            sessions.retain(|first, (last, values)| {
                let stays = watermark.is_some_and(|watermark| *last + gap > watermark);
                if !stays {
                    rows.push((*key, *first, *last + gap, sorted(std::mem::take(values))));
                }
                stays
            });
        }
    };
    for event in events {
        let watermark = clock.pass(event.time);
        fire(&mut open, Some(watermark));
        let sessions = open.entry(event.key).or_default();
        let near: Vec<i64> = sessions
            .iter()
            .filter(|(first, (last, _))| event.time >= *first - gap && event.time <= last + gap)
            .map(|(first, _)| *first)
            .collect();
        if near.is_empty() && event.time + gap <= watermark {
            late += 1;
            continue;
        }
        let mut new = (event.time, event.time, vec![event.value]);
        for first in near {
            let (last, values) = sessions.remove(&first).unwrap();
            new = (new.0.min(first), new.1.max(last), [new.2, values].concat());
        }
        sessions.insert(new.0, (new.1, new.2));
    }
    fire(&mut open, None);
    (sorted(rows), late)
}

fn run(events: &[Event], gap: i64, disorder: i64, ways: &Ways) -> (Vec<Row>, u64) {
    let mut flow = Dataflow::new("sessions");
    let (sink, rows) = Collect::<Windowed<u64, Vec<i64>>>::new();
    flow.source(Replay::new(events.to_vec()))
        .watermarks(BoundedDisorder::millis(disorder), |event: &Event| event.time)
        .key_by(|event| event.key)
        .window(Session::millis(gap))
        .aggregate(Values::<false>)
        .sink(sink);
    let report = flow.start(ways.config()).unwrap().join().unwrap();
    (sorted(rows.take().into_iter().map(|row| (row.key, row.start, row.end, row.value)).collect()), report.late)
}

/// first, last, values, results so far, whether the last result knows all
type Kept = (i64, i64, Vec<i64>, u32, bool);

/// key, start, end, revision, values; and the late records as they came
type Corrected = (Vec<(u64, i64, i64, u32, Vec<i64>)>, Vec<(i64, i64)>);

/// Record by record, with sessions kept for late ones.
fn corrected(events: &[Event], gap: i64, disorder: i64, lateness: i64) -> Corrected {
    let mut kept = HashMap::<u64, Vec<Kept>>::new();
    let (mut rows, mut late) = (Vec::new(), Vec::new());
    let mut clock = Clock::new(disorder);
    let mut result = |key: u64, session: &mut Kept| {
        let (first, last, values, results, known) = session;
        rows.push((key, *first, *last + gap, *results, sorted(values.clone())));
        (*results, *known) = (*results + 1, true);
    };
    for event in events {
        let watermark = clock.pass(event.time);
        for (key, sessions) in &mut kept {
            sessions.iter_mut().filter(|session| !session.4 && session.1 + gap <= watermark).for_each(|session| result(*key, session));
            sessions.retain(|session| session.1 + gap + lateness > watermark);
        }
        let sessions = kept.entry(event.key).or_default();
        let (near, mut apart): (Vec<Kept>, Vec<Kept>) =
            sessions.drain(..).partition(|session| event.time >= session.0 - gap && event.time <= session.1 + gap);
        if near.is_empty() && event.time + gap + lateness <= watermark {
            late.push((event.time, event.value));
        } else {
            let mut new = (event.time, event.time, vec![event.value], 0, false);
            for (first, last, values, results, _) in near {
                new = (new.0.min(first), new.1.max(last), [new.2, values].concat(), new.3.max(results), false);
            }
            if new.1 + gap <= watermark {
                result(event.key, &mut new);
            }
            apart.push(new);
        }
        *sessions = apart;
    }
    for (key, sessions) in &mut kept {
        sessions.iter_mut().filter(|session| !session.4).for_each(|session| result(*key, session));
    }
    (sorted(rows), late)
}

fn run_corrected(events: &[Event], gap: i64, disorder: i64, lateness: i64, ways: &Ways) -> Corrected {
    let mut flow = Dataflow::new("corrected sessions");
    let (sink, rows) = Collect::<Revised<u64, Vec<i64>>>::new();
    let (side, late) = Collect::<(i64, Event)>::new();
    let (results, late_ones) = flow
        .source(Replay::new(events.to_vec()))
        .watermarks(BoundedDisorder::millis(disorder), |event: &Event| event.time)
        .key_by(|event| event.key)
        .window(Session::millis(gap))
        .allowed_lateness(lateness)
        .split_late()
        .aggregate(Values::<false>);
    results.sink(sink);
    late_ones.sink(side);
    let report = flow.start(ways.config()).unwrap().join().unwrap();
    let late: Vec<_> = late.take().into_iter().map(|(time, event)| (time, event.value)).collect();
    assert_eq!(report.late, late.len() as u64);
    (sorted(rows.take().into_iter().map(|row| (row.key, row.start, row.end, row.revision, row.value)).collect()), late)
}

/// What is left once each result has replaced those before it that lie within it.
fn what_stays(rows: Vec<Revised<u64, Vec<i64>>>) -> Vec<Row> {
    let mut left = Vec::<Revised<u64, Vec<i64>>>::new();
    for row in rows {
        if row.revision > 0 {
            let before = left.len();
            left.retain(|old| old.key != row.key || old.start < row.start || old.end > row.end);
            assert!(left.len() < before, "{row:?} replaces nothing");
        }
        left.push(row);
    }
    sorted(left.into_iter().map(|row| (row.key, row.start, row.end, row.value)).collect())
}

fn gaps() -> impl Strategy<Value = i64> {
    prop_oneof![Just(1i64), Just(20), Just(60), Just(200), Just(1000)]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: thalweg::testing::cases(128), ..ProptestConfig::default() })]

    #[test]
    fn results_equal_the_oracle_however_they_are_run(events in events(800), gap in gaps(), ways in ways()) {
        prop_assert_eq!(run(&events, gap, DISORDER, &ways), (all_at_once(&events, gap), 0));
    }

    #[test]
    fn late_records_open_no_session(events in events(800), gap in gaps(), disorder in 0..=DISORDER) {
        prop_assert_eq!(run(&events, gap, disorder, &STEP), one_by_one(&events, gap, disorder));
    }

    #[test]
    fn every_correction_and_every_late_record_equals_the_oracle(
        events in events(500), gap in gaps(), disorder in 0..DISORDER, lateness in prop_oneof![Just(0i64), Just(1), 1..DISORDER],
    ) {
        let (rows, late) = run_corrected(&events, gap, disorder, lateness, &STEP);
        let (expected, expected_late) = corrected(&events, gap, disorder, lateness);
        prop_assert_eq!(rows, expected);
        prop_assert_eq!(late, expected_late);
    }

    #[test]
    fn without_lateness_results_are_as_ever(events in events(500), gap in gaps(), disorder in 0..DISORDER) {
        let (rows, late) = run_corrected(&events, gap, disorder, 0, &STEP);
        let rows: Vec<Row> = rows.into_iter().map(|(key, start, end, revision, values)| {
            assert_eq!(revision, 0);
            (key, start, end, values)
        }).collect();
        let (expected, count) = one_by_one(&events, gap, disorder);
        prop_assert_eq!(rows, expected);
        prop_assert_eq!(late.len() as u64, count);
    }

    #[test]
    fn what_stays_of_corrected_results_knows_all_records_however_they_are_run(
        events in events(600), gap in gaps(), disorder in 0..=DISORDER, ways in ways(),
    ) {
        let mut flow = Dataflow::new("corrected sessions");
        let (sink, rows) = Collect::<Revised<u64, Vec<i64>>>::new();
        flow.source(Replay::new(events.clone()))
            .watermarks(BoundedDisorder::millis(disorder), |event: &Event| event.time)
            .key_by(|event| event.key)
            .window(Session::millis(gap))
            .allowed_lateness(DISORDER - disorder)
            .aggregate(Values::<false>)
            .sink(sink);
        prop_assert_eq!(flow.start(ways.config()).unwrap().join().unwrap().late, 0);
        prop_assert_eq!(what_stays(rows.take()), all_at_once(&events, gap));
    }

    #[test]
    fn what_follows_corrected_sessions_finds_no_result_late(
        events in events(400), gap in gaps(), disorder in 0..DISORDER, lateness in 0..DISORDER, size in 1..40i64,
    ) {
        let mut flow = Dataflow::new("windows of corrected sessions");
        let (sink, rows) = Collect::<Windowed<u64, u64>>::new();
        flow.source(Replay::new(events.clone()))
            .watermarks(BoundedDisorder::millis(disorder), |event: &Event| event.time)
            .key_by(|event| event.key)
            .window(Session::millis(gap))
            .allowed_lateness(lateness)
            .aggregate(thalweg::Count)
            .key_by(|row: &Revised<u64, u64>| row.key)
            .window(Tumbling::millis(size))
            .aggregate(thalweg::Count)
            .sink(sink);
        let report = flow.start(STEP.config()).unwrap().join().unwrap();
        let (expected, late) = corrected(&events, gap, disorder, lateness);
        prop_assert_eq!(report.late, late.len() as u64, "only what was late before");
        prop_assert_eq!(rows.take().iter().map(|row| row.value).sum::<u64>(), expected.len() as u64);
    }

    #[test]
    fn what_follows_finds_no_result_late(events in events(400), gap in gaps(), size in 1..40i64) {
        let mut flow = Dataflow::new("windows of sessions");
        let (sink, rows) = Collect::<Windowed<u64, u64>>::new();
        flow.source(Replay::new(events.clone()))
            .watermarks(BoundedDisorder::millis(DISORDER), |event: &Event| event.time)
            .key_by(|event| event.key)
            .window(Session::millis(gap))
            .aggregate(thalweg::Count)
            .key_by(|row: &Windowed<u64, u64>| row.key)
            .window(Tumbling::millis(size))
            .aggregate(thalweg::Sum::of::<thalweg::Own<Windowed<u64, u64>>>(|row: &Windowed<u64, u64>| row.value as i64))
            .map(|row| Windowed { key: row.key, start: row.start, end: row.end, value: row.value.sum as u64 })
            .sink(sink);
        let report = flow.start(STEP.config()).unwrap().join().unwrap();
        prop_assert_eq!(report.late, 0);
        prop_assert_eq!(rows.take().iter().map(|row| row.value).sum::<u64>(), events.len() as u64);
    }
}

#[test]
fn sessions_at_the_ends_of_time_are_clipped() {
    let at = |time: i64| Event { key: 0, value: time, time };
    let events: Vec<Event> = [i64::MIN, i64::MIN + 5, i64::MIN + 30, 0, i64::MAX - 15, i64::MAX - 6, i64::MAX].map(at).into();
    let values = |times: &[i64]| times.to_vec();
    let expected = vec![
        (0, i64::MIN, i64::MIN + 15, values(&[i64::MIN, i64::MIN + 5])),
        (0, i64::MIN + 30, i64::MIN + 40, values(&[i64::MIN + 30])),
        (0, 0, 10, values(&[0])),
        (0, i64::MAX - 15, i64::MAX, values(&[i64::MAX - 15, i64::MAX - 6, i64::MAX])),
    ];
    assert_eq!(run(&events, 10, 0, &STEP), (expected, 0));
}
