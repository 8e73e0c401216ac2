//! Watermarks of every kind: from the records, from a policy of one's own, without inputs that have fallen silent; and what is seen of them.

use std::{collections::HashMap, time::Duration};

use proptest::prelude::*;
use thalweg::{
    Collect, Config, Count, Dataflow, EventTime, Monotone, Replay, Revised, Session, Sliding, Tumbling, Windowed,
    sink::{Egress, egress},
    source::{Ingress, IngressHandle, ingress},
    time::ManualClock,
    watermark::WatermarkPolicy,
};

use crate::oracle::{Event, Row, STEP, Values, events, sorted};

const PATIENCE: Duration = Duration::from_secs(20);
const TIMEOUT: Duration = Duration::from_secs(60);

/// Event time in whole steps of a second.
#[derive(Clone)]
struct Seconds;

impl WatermarkPolicy for Seconds {
    fn watermark(&mut self, max: EventTime) -> EventTime {
        if max == EventTime::MIN { max } else { max.div_euclid(1000) * 1000 - 1 }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: thalweg::testing::cases(64), ..ProptestConfig::default() })]

    #[test]
    fn marks_and_policies_of_ones_own_decide_what_is_late(events in events(500), every in 1..40i64, punctuated: bool) {
        let mut flow = Dataflow::new("marks");
        let (sink, rows) = Collect::<Windowed<u64, Vec<i64>>>::new();
        let source = flow.source(Replay::new(events.clone()));
        let mark = move |event: &Event| (event.value % every == 0).then_some(event.time);
        let aggregate = Values::<false>;
        if punctuated {
            source.punctuated(|event: &Event| event.time, mark).key_by(|event| event.key).window(Tumbling::millis(50)).aggregate(aggregate).sink(sink);
        } else {
            source.watermarks(Seconds, |event: &Event| event.time).key_by(|event| event.key).window(Tumbling::millis(50)).aggregate(aggregate).sink(sink);
        }
        let report = flow.start(STEP.config()).unwrap().join().unwrap();
        let (mut watermark, mut max, mut late) = (i64::MIN, i64::MIN, 0);
        let mut windows = HashMap::<_, Vec<i64>>::new();
        for event in &events {
            let start = event.time.div_euclid(50) * 50;
            if start + 49 <= watermark {
                late += 1;
            } else {
                windows.entry((event.key, start, start + 50)).or_default().push(event.value);
            }
            max = max.max(event.time);
            watermark = if punctuated { watermark.max(mark(event).unwrap_or(i64::MIN)) } else { Seconds.watermark(max) };
        }
        prop_assert_eq!(report.late, late);
        let rows: Vec<Row> = rows.take().into_iter().map(|row| (row.key, row.start, row.end, row.value)).collect();
        prop_assert_eq!(sorted(rows), crate::oracle::rows(windows));
    }
}

/// Two workers, a handle for each.
struct Two<V> {
    ingress: Ingress<i64>,
    handles: [IngressHandle<i64>; 2],
    rows: Egress<V>,
    clock: ManualClock,
    running: thalweg::Running,
}

fn two<V: Send + 'static>(
    build: impl FnOnce(Dataflow, thalweg::source::IngressSource<i64>, ManualClock, thalweg::sink::EgressSink<V>) -> Dataflow,
) -> Option<Two<V>> {
    if thalweg::runtime::available_cores().limit < 2 {
        return None;
    }
    let clock = ManualClock::new();
    let (ingress, source) = ingress::<i64>(64);
    let (sink, rows) = egress::<V>(1024);
    let flow = build(Dataflow::new("two"), source, clock.clone(), sink);
    let running = flow.start(Config::default().workers(2)).unwrap();
    let handles = [ingress.handle(), ingress.handle()];
    Some(Two { ingress, handles, rows, clock, running })
}

#[test]
fn a_silent_input_stalls_nothing_and_loses_nothing() {
    let Some(Two { ingress, mut handles, mut rows, clock, running }) = two::<Windowed<i64, u64>>(|mut flow, source, clock, sink| {
        flow.source(source)
            .watermarks(Monotone, |time| *time)
            .idle_after_by(TIMEOUT, clock)
            .key_by(|_| 0i64)
            .window(Tumbling::millis(10))
            .aggregate(Count)
            .sink(sink);
        flow
    }) else {
        return;
    };
    // Each worker has a record of the first window; the second one then falls silent.
    handles[0].push(1).unwrap();
    handles[1].push(2).unwrap();
    handles[0].push(25).unwrap();
    assert!(rows.next_timeout(Duration::from_millis(100)).is_err(), "the second input might still come");
    // The first one speaks on, so only the second one is idle.
    let mut time = 30;
    let row = loop {
        clock.advance(TIMEOUT / 2);
        handles[0].push(time).unwrap();
        time += 1;
        if let Ok(row) = rows.next_timeout(Duration::from_millis(20)) {
            break row;
        }
    };
    assert_eq!((row.start, row.value), (0, 2), "what the silent worker had is in it");
    // It comes back: event time waits for it again, as far as it has not gone on.
    handles[1].push(1_000_000).unwrap();
    handles[0].push(1_000_000).unwrap();
    drop((handles, ingress));
    let mut total = row.value;
    while let Ok(row) = rows.next_timeout(PATIENCE) {
        total += row.value;
    }
    let report = running.join().unwrap();
    assert_eq!((total, report.late), (report.records_in(), 0));
}

#[test]
fn every_kind_of_window_goes_on_without_a_silent_input() {
    fn goes_on<V: Send + 'static>(mut two: Two<V>, value: impl Fn(&V) -> u64) {
        two.handles[1].push(2).unwrap();
        let mut time = 10;
        let row = loop {
            two.clock.advance(TIMEOUT / 2);
            two.handles[0].push(time).unwrap();
            time += 100;
            if let Ok(row) = two.rows.next_timeout(Duration::from_millis(20)) {
                break row;
            }
        };
        assert!(value(&row) > 0);
        two.running.stop().unwrap();
    }
    macro_rules! timed {
        ($flow:ident, $source:ident, $clock:ident) => {
            $flow.source($source).watermarks(Monotone, |time| *time).idle_after_by(TIMEOUT, $clock).key_by(|_| 0i64)
        };
    }
    if let Some(two) = two::<Windowed<i64, u64>>(|mut flow, source, clock, sink| {
        timed!(flow, source, clock).window(Sliding::millis(20, 10)).aggregate(Count).sink(sink);
        flow
    }) {
        goes_on(two, |row| row.value);
    }
    if let Some(two) = two::<Windowed<i64, u64>>(|mut flow, source, clock, sink| {
        timed!(flow, source, clock).window(Session::millis(20)).aggregate(Count).sink(sink);
        flow
    }) {
        goes_on(two, |row| row.value);
    }
    if let Some(two) = two::<Revised<i64, u64>>(|mut flow, source, clock, sink| {
        timed!(flow, source, clock).window(Tumbling::millis(20)).allowed_lateness(5).aggregate(Count).sink(sink);
        flow
    }) {
        goes_on(two, |row| row.value);
    }
}

#[test]
fn how_far_event_time_is_can_be_seen_at_every_operator() {
    let (ingress, source) = ingress::<i64>(64);
    let (sink, mut rows) = egress::<Windowed<i64, u64>>(64);
    let mut flow = Dataflow::new("seen");
    flow.source(source).watermarks(Monotone, |time| *time).key_by(|_| 0i64).window(Tumbling::millis(10)).aggregate(Count).sink(sink);
    let running = flow.start(Config::default().workers(1)).unwrap();
    let mut handle = ingress.handle();
    handle.push(5).unwrap();
    handle.push(34).unwrap();
    assert_eq!(rows.next_timeout(PATIENCE).unwrap().start, 0);
    let seen = |name: &str| -> Vec<Option<i64>> {
        running.watermarks().into_iter().filter(|row| row.operator.contains(&format!(" {name} ("))).map(|row| row.watermark).collect()
    };
    // The result is out before the watermark behind it is told, so it may take a moment.
    let begun = std::time::Instant::now();
    while seen("egress") != [Some(38)] && begun.elapsed() < PATIENCE {
        std::thread::yield_now();
    }
    assert_eq!(seen("watermarks"), [Some(33)]);
    assert_eq!(seen("window"), [Some(33), Some(38)], "what reads, and what merges: there nothing comes before the next window's last time");
    assert_eq!(seen("ingress"), [None]);
    running.stop().unwrap();
}

#[test]
fn a_timeout_of_nothing_is_refused() {
    let mut flow = Dataflow::new("no timeout");
    let (sink, _rows) = Collect::<i64>::new();
    flow.source(Replay::new(vec![1i64])).watermarks(Monotone, |time| *time).idle_after(Duration::ZERO).sink(sink);
    let message = flow.start(Config::default()).err().unwrap().to_string();
    assert!(message.contains("idle_after") && message.contains("timeout"), "{message}");
}

#[test]
fn more_open_windows_than_allowed_end_the_job_by_name() {
    // Nothing is ever told of event time, so that every window stays open.
    macro_rules! failed {
        ($window:expr, $row:ty $(, $more:ident($($args:expr),*))*) => {{
            let mut flow = Dataflow::new("flood");
            let (sink, _rows) = Collect::<$row>::new();
            flow.source(thalweg::Generate::endless(|i| i as i64 * 1000))
                .punctuated(|time| *time, |_| None)
                .key_by(|time| *time)
                .window($window)
                .open_max(100)
                $(.$more($($args),*))*
                .aggregate(Count)
                .sink(sink);
            match flow.start(Config::default().batch(16)).unwrap().join() {
                Err(thalweg::RunError::Operator { operator, why }) => (operator, why),
                other => panic!("expected a refusal, got {other:?}"),
            }
        }};
    }
    let all = [
        failed!(Tumbling::seconds(1), Windowed<i64, u64>),
        failed!(Sliding::seconds(2, 1), Windowed<i64, u64>),
        failed!(Session::seconds(1), Windowed<i64, u64>),
        failed!(Tumbling::seconds(1), Revised<i64, u64>, allowed_lateness(5)),
        failed!(Tumbling::seconds(1), Revised<i64, u64>, trigger(thalweg::EveryRecords(2))),
        failed!(thalweg::Global, Revised<i64, u64>),
    ];
    for (operator, why) in all {
        assert!(operator.contains("window (") && operator.contains("watermark.rs"), "{operator}");
        assert!(why.contains("open_max allows 100"), "{why}");
    }
}

#[test]
fn a_flood_of_late_records_takes_no_windows() {
    let mut flow = Dataflow::new("late flood");
    let (sink, rows) = Collect::<Windowed<i64, u64>>::new();
    let n = 200_000;
    flow.source(thalweg::Generate::new(n, move |i| if i == 0 { 1 << 50 } else { i as i64 * 1000 }))
        .watermarks(Monotone, |time| *time)
        .key_by(|_| 0i64)
        .window(Tumbling::seconds(1))
        .open_max(4)
        .aggregate(Count)
        .sink(sink);
    let report = flow.start(Config::default().workers(1).batch(1)).unwrap().join().unwrap();
    assert_eq!((rows.take().len(), report.late), (1, n - 1), "one record far in the future makes all others late, and they are counted");
}
