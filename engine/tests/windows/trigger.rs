//! Early results, count windows, the global window, and windows without a key.

use std::{
    collections::{BTreeMap, HashMap},
    time::Duration,
};

use proptest::prelude::*;
use thalweg::{
    BoundedDisorder, Collect, Config, Count, CountWindows, Dataflow, EventTime, EveryEventTime, EveryProcessingTime, EveryRecords, Global,
    Monotone, ProcessingTime, Replay, Revised, Sliding, Trigger, Tumbling, Windowed, sink::egress, source::ingress, time::ManualClock,
};

use crate::oracle::{Clock, DISORDER, Event, STEP, Values, Ways, events, sorted, ways};

/// key, start, end, revision, values
type Row = (u64, i64, i64, u32, Vec<i64>);

/// What the triggers of the tests do.
#[derive(Clone, Copy, Debug)]
enum Early {
    Never,
    Records(u64),
    Period(i64),
    /// Whenever the time is a multiple of this.
    Times(i64),
}

impl Trigger for Early {
    type State = u64;
    fn on_record(&mut self, records: &mut u64, time: EventTime) -> bool {
        match *self {
            Early::Records(n) => EveryRecords(n).on_record(records, time),
            Early::Times(n) => time % n == 0,
            Early::Never | Early::Period(_) => false,
        }
    }
    fn event_period_ms(&self) -> Option<i64> {
        match *self {
            Early::Period(ms) => EveryEventTime::millis(ms).event_period_ms(),
            _ => None,
        }
    }
}

#[derive(Default)]
struct Pane {
    values: Vec<i64>,
    count: u64,
    results: u32,
    changed: bool,
}

fn oracle(events: &[Event], (size, slide): (i64, i64), disorder: i64, lateness: i64, early: Early) -> (Vec<Row>, u64) {
    let mut panes = BTreeMap::<(u64, i64), Pane>::new();
    let (mut rows, mut late) = (Vec::new(), 0);
    let mut emit = |(key, start): (u64, i64), pane: &mut Pane| {
        pane.values.sort_unstable();
        rows.push((key, start, start + size, pane.results, pane.values.clone()));
        pane.results += 1;
        pane.changed = false;
    };
    let mut clock = Clock::new(disorder);
    let mut before = i64::MIN;
    for event in events {
        let watermark = clock.pass(event.time);
        if let Early::Period(period) = early
            && before.div_euclid(period) < watermark.div_euclid(period)
        {
            panes.iter_mut().filter(|(_, pane)| pane.changed).for_each(|(window, pane)| emit(*window, pane));
        }
        before = watermark;
        panes.retain(|window, pane| {
            let last = window.1 + size - 1;
            if last <= watermark && pane.changed {
                emit(*window, pane);
            }
            last + lateness > watermark
        });
        let last = event.time.div_euclid(slide) * slide;
        let holding: Vec<i64> = (0..).map(|back| last - back * slide).take_while(|start| start + size > event.time).collect();
        let open: Vec<i64> = holding.iter().copied().filter(|start| start + size - 1 + lateness > watermark).collect();
        late += u64::from(!holding.is_empty() && open.is_empty());
        for start in open {
            let pane = panes.entry((event.key, start)).or_default();
            pane.values.push(event.value);
            pane.count += 1;
            pane.changed = true;
            let due = match early {
                Early::Records(n) => pane.count.is_multiple_of(n),
                Early::Times(n) => event.time % n == 0,
                Early::Never | Early::Period(_) => false,
            };
            // Late, or as the trigger says.
            if due || start + size - 1 <= watermark {
                emit((event.key, start), pane);
            }
        }
    }
    panes.iter_mut().filter(|(_, pane)| pane.changed).for_each(|(window, pane)| emit(*window, pane));
    (sorted(rows), late)
}

fn rows(rows: Vec<Revised<u64, Vec<i64>>>) -> Vec<Row> {
    sorted(rows.into_iter().map(|row| (row.key, row.start, row.end, row.revision, row.value)).collect())
}

fn run(events: &[Event], (size, slide): (i64, i64), disorder: i64, lateness: i64, early: Early, ways: &Ways) -> (Vec<Row>, u64) {
    let mut flow = Dataflow::new("early");
    let (sink, results) = Collect::<Revised<u64, Vec<i64>>>::new();
    let keyed = flow
        .source(Replay::new(events.to_vec()))
        .watermarks(BoundedDisorder::millis(disorder), |event: &Event| event.time)
        .key_by(|event| event.key);
    if size == slide {
        keyed.window(Tumbling::millis(size)).allowed_lateness(lateness).trigger(early).aggregate(Values::<false>).sink(sink);
    } else {
        keyed.window(Sliding::millis(size, slide)).allowed_lateness(lateness).trigger(early).aggregate(Values::<false>).sink(sink);
    }
    let report = flow.start(ways.config()).unwrap().join().unwrap();
    (rows(results.take()), report.late)
}

fn early() -> impl Strategy<Value = Early> {
    prop_oneof![
        Just(Early::Never),
        (1..5u64).prop_map(Early::Records),
        (1..300i64).prop_map(Early::Period),
        (1..9i64).prop_map(Early::Times)
    ]
}

fn shapes() -> impl Strategy<Value = (i64, i64)> {
    prop_oneof![Just((200, 200)), Just((40, 40)), Just((1, 1)), Just((200, 60)), Just((20, 50))]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: thalweg::testing::cases(128), ..ProptestConfig::default() })]

    #[test]
    fn every_result_equals_the_oracle(
        events in events(500), shape in shapes(), disorder in 0..=DISORDER, lateness in prop_oneof![Just(0i64), 1..DISORDER], early in early(),
    ) {
        prop_assert_eq!(run(&events, shape, disorder, lateness, early, &STEP), oracle(&events, shape, disorder, lateness, early));
    }

    #[test]
    fn the_last_results_know_all_records_however_they_are_run(
        events in events(800), shape in shapes(), disorder in 0..=DISORDER, early in early(), ways in ways(),
    ) {
        let (all, late) = run(&events, shape, disorder, DISORDER - disorder, early, &ways);
        prop_assert_eq!(late, 0);
        let mut last = HashMap::<(u64, i64), Row>::new();
        for row in all {
            let before = last.insert((row.0, row.1), row.clone());
            prop_assert_eq!(row.3, before.as_ref().map_or(0, |before| before.3 + 1));
            prop_assert!(before.is_none_or(|before| before.4.len() < row.4.len()), "no result comes twice");
        }
        let last = sorted(last.into_values().map(|row| (row.0, row.1, row.2, 0, row.4)).collect());
        prop_assert_eq!(last, oracle(&events, shape, DISORDER, 0, Early::Never).0);
    }

    #[test]
    fn corrections_are_not_late_for_what_follows(
        events in events(400), shape in shapes(), lateness in 0..DISORDER, early in early(), follow in 1..60i64,
    ) {
        let mut flow = Dataflow::new("windows of corrected windows");
        let (sink, rows) = Collect::<Windowed<u64, u64>>::new();
        flow.source(Replay::new(events.clone()))
            .watermarks(BoundedDisorder::millis(10), |event: &Event| event.time)
            .key_by(|event| event.key)
            .window(Sliding::millis(shape.0, shape.1))
            .allowed_lateness(lateness)
            .trigger(early)
            .aggregate(Count)
            .key_by(|row: &Revised<u64, u64>| row.key)
            .window(Tumbling::millis(follow))
            .aggregate(Count)
            .sink(sink);
        let report = flow.start(STEP.config()).unwrap().join().unwrap();
        let (expected, late) = oracle(&events, shape, 10, lateness, early);
        prop_assert_eq!(report.late, late, "only what was late before");
        prop_assert_eq!(rows.take().iter().map(|row| row.value).sum::<u64>(), expected.len() as u64);
    }

    #[test]
    fn count_windows_cut_each_key_into_runs(events in events(800), n in 1..9u64, ways in ways()) {
        let mut flow = Dataflow::new("counts");
        let (sink, results) = Collect::<Revised<u64, Vec<i64>>>::new();
        flow.source(Replay::new(events.clone()))
            .watermarks(BoundedDisorder::millis(0), |event: &Event| event.time)
            .key_by(|event| event.key)
            .window(CountWindows::of(n))
            .aggregate(Values::<false>)
            .sink(sink);
        let config = ways.config();
        let report = flow.start(config).unwrap().join().unwrap();
        prop_assert_eq!(report.late, 0);
        let results = rows(results.take());
        let mut keys = HashMap::<u64, Vec<&Event>>::new();
        events.iter().for_each(|event| keys.entry(event.key).or_default().push(event));
        if ways.workers == 1 {
            let mut expected = Vec::new();
            for (key, events) in &keys {
                for run in events.chunks(n as usize) {
                    let (first, last) = (run.iter().map(|event| event.time).min().unwrap(), run.iter().map(|event| event.time).max().unwrap());
                    expected.push((*key, first, last + 1, 0, sorted(run.iter().map(|event| event.value).collect())));
                }
            }
            prop_assert_eq!(results, sorted(expected));
        } else {
            for (key, events) in keys {
                let mine: Vec<&Row> = results.iter().filter(|row| row.0 == key).collect();
                let sizes = mine.iter().map(|row| row.4.len()).collect::<Vec<_>>();
                prop_assert_eq!(sizes.iter().filter(|size| **size < n as usize).count(), usize::from(!events.len().is_multiple_of(n as usize)));
                let values = sorted(mine.iter().flat_map(|row| row.4.clone()).collect());
                prop_assert_eq!(values, sorted(events.iter().map(|event| event.value).collect::<Vec<_>>()));
            }
        }
    }

    #[test]
    fn the_global_window_holds_all(events in events(400), ways in ways()) {
        let mut flow = Dataflow::new("global");
        let (sink, results) = Collect::<Revised<u64, Vec<i64>>>::new();
        flow.source(Replay::new(events.clone()))
            .watermarks(Monotone, |event: &Event| event.time)
            .key_by(|event| event.key)
            .window(Global)
            .aggregate(Values::<false>)
            .sink(sink);
        prop_assert_eq!(flow.start(ways.config()).unwrap().join().unwrap().late, 0);
        let mut keys = BTreeMap::<u64, (i64, i64, Vec<i64>)>::new();
        for event in &events {
            let entry = keys.entry(event.key).or_insert((i64::MAX, i64::MIN, Vec::new()));
            *entry = (entry.0.min(event.time), entry.1.max(event.time), [std::mem::take(&mut entry.2), vec![event.value]].concat());
        }
        let expected = keys.into_iter().map(|(key, (first, last, values))| (key, first, last + 1, 0, sorted(values))).collect::<Vec<_>>();
        prop_assert_eq!(rows(results.take()), expected);
    }

    #[test]
    fn windows_without_a_key_count_everything(events in events(800), ways in ways()) {
        let mut flow = Dataflow::new("all");
        let (sink, results) = Collect::<Windowed<(), u64>>::new();
        flow.source(Replay::new(events.clone()))
            .watermarks(BoundedDisorder::millis(DISORDER), |event: &Event| event.time)
            .window_all(Tumbling::millis(300))
            .aggregate(Count)
            .sink(sink);
        flow.start(ways.config()).unwrap().join().unwrap();
        let mut expected = BTreeMap::<i64, u64>::new();
        events.iter().for_each(|event| *expected.entry(event.time.div_euclid(300) * 300).or_default() += 1);
        let results = sorted(results.take().into_iter().map(|row| (row.start, row.value)).collect::<Vec<_>>());
        prop_assert_eq!(results, expected.into_iter().collect::<Vec<_>>());
    }
}

#[test]
fn a_clock_makes_early_results() {
    let clock = ManualClock::new();
    let (ingress, source) = ingress::<i64>(64);
    let (sink, mut rows) = egress::<Revised<(), u64>>(64);
    let mut flow = Dataflow::new("live");
    flow.source(source)
        .watermarks(Monotone, |time| *time)
        .key_by(|_| ())
        .window(Tumbling::seconds(3600))
        .trigger(EveryProcessingTime(ProcessingTime::new().clock(clock.clone()).tick(Duration::from_secs(1))))
        .aggregate(Count)
        .sink(sink);
    let running = flow.start(Config::default()).unwrap();
    let mut handle = ingress.handle();
    for round in 1..=3u64 {
        handle.push(round as i64).unwrap();
        let row = loop {
            clock.advance(Duration::from_secs(1));
            if let Ok(row) = rows.next_timeout(Duration::from_millis(50)) {
                break row;
            }
        };
        assert_eq!((u64::from(row.revision), row.value), (round - 1, round));
    }
    clock.advance(Duration::from_secs(100));
    assert!(rows.next_timeout(Duration::from_millis(50)).is_err(), "nothing has changed");
    drop((handle, ingress));
    running.join().unwrap();
    assert!(rows.next_timeout(Duration::from_secs(20)).is_err(), "the last result had come already");
}

#[test]
fn triggers_and_windows_that_cannot_work_are_refused() {
    let refused = |trigger: EveryRecords, records: u64| {
        let mut flow = Dataflow::new("refused");
        let (sink, _rows) = Collect::<Revised<i64, u64>>::new();
        flow.source(Replay::new(vec![1i64]))
            .watermarks(Monotone, |time| *time)
            .key_by(|time| *time)
            .window(CountWindows::of(records))
            .trigger(trigger)
            .aggregate(Count)
            .sink(sink);
        flow.start(STEP.config()).err().unwrap().to_string()
    };
    assert!(refused(EveryRecords(0), 1).contains("1 or more"));
    assert!(refused(EveryRecords(1), 0).contains("windows of 0 records"));
}
