//! Snapshots of a driven job: whatever the operators and wherever the cut, a job that was restored goes on as the one that was left.
#![allow(clippy::unwrap_used)]

use std::time::Duration;

use proptest::prelude::*;
use thalweg::{
    ApproxDistinct, BoundedDisorder, Config, Count, CountWindows, Dataflow, DistinctCount, EventTime, EveryEventTime, EveryProcessingTime,
    EveryRecords, Global, Max, Own, ProcessingTime, Session, Sliding, Sum, Text, Trigger, Tumbling, Update,
    error::SnapshotError,
    operator::{Mapper, States},
    process::{Context, Either, Keeping, Process, Timer},
    record::EitherOf,
    testing::{Driver, Feed, Outputs, feed, outputs},
    time::ManualClock,
};

#[derive(Clone, Copy, Debug, PartialEq)]
struct Event {
    key: u64,
    value: i64,
}

#[derive(Clone, Debug)]
enum Step {
    Record(EventTime, Event),
    Watermark(EventTime),
    Idle,
    Clock(Duration),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = (0..20u8, 0..30i64, 0..80i64, prop_oneof![0..5u64, 0..300u64], -100..100i64);
    prop::collection::vec(step, 1..120).prop_map(|steps| {
        let (mut now, mut watermark) = (1_000, 0);
        let step = |(kind, pause, behind, key, value): (u8, i64, i64, u64, i64)| {
            now += pause;
            match kind {
                0 => Step::Idle,
                1 | 2 => Step::Clock(Duration::from_millis(pause.cast_unsigned() * 2)),
                3..7 => {
                    watermark = watermark.max(now - 40);
                    Step::Watermark(watermark)
                }
                _ => Step::Record(now - behind, Event { key, value }),
            }
        };
        steps.into_iter().map(step).collect()
    })
}

/// A job between a feed and its rows, and the clock it lives by.
struct Rig {
    input: Feed<Event>,
    rows: Outputs<String>,
    clock: ManualClock,
    driver: Driver,
}

impl Rig {
    /// What each step puts out.
    fn feed(&mut self, steps: &[Step]) -> Vec<Vec<String>> {
        let step = |step: &Step| {
            match *step {
                Step::Record(time, event) => self.input.push(time, event),
                Step::Watermark(time) => self.input.watermark(time),
                Step::Idle => self.input.idle(),
                Step::Clock(pause) => self.clock.advance(pause),
            }
            self.driver.run().unwrap();
            self.rows.take()
        };
        steps.iter().map(step).collect()
    }

    /// What comes at the end, and how many records were late.
    fn end(mut self) -> (Vec<String>, u64, EventTime) {
        self.input.end();
        self.driver.run().unwrap();
        assert!(self.driver.ended() && self.rows.ended());
        (self.rows.take(), self.driver.late(), self.rows.watermark())
    }
}

/// Leaves a job at `cut` and goes on in a new one, and in the old one too.
fn check(make: impl Fn(usize) -> Rig, steps: &[Step], cut: usize, workers: usize) {
    let mut whole = make(workers);
    let expected = whole.feed(steps);
    let end = whole.end();

    let (before, after) = steps.split_at(cut);
    let mut left = make(workers);
    assert_eq!(left.feed(before), expected[..cut]);
    let snapshot = left.driver.snapshot().unwrap();
    for _ in 0..2 {
        let mut next = make(workers);
        before.iter().for_each(|step| {
            if let Step::Clock(pause) = step {
                next.clock.advance(*pause)
            }
        });
        next.driver.restore(&snapshot).unwrap();
        assert_eq!(next.feed(after), expected[cut..], "restored");
        assert_eq!(next.end(), end);
    }
    assert_eq!(left.feed(after), expected[cut..], "the one it was taken from");
    assert_eq!(left.end(), end);
}

/// A job for each name, and a test that it can be left and gone on with anywhere.
macro_rules! jobs {
    ($($name:ident: |$stream:ident, $clock:ident| $build:expr;)*) => {
        mod jobs {
            use super::*;
            $(pub(super) fn $name(workers: usize) -> Rig {
                let (input, source) = feed::<Event>();
                let (sink, rows) = outputs::<String>();
                let clock = ManualClock::new();
                let mut flow = Dataflow::new(stringify!($name));
                let $clock = clock.clone();
                let _ = &$clock;
                let $stream = flow.source(source).timed();
                $build.map(|row| format!("{row:?}")).sink(sink);
                let config = Config::default().workers(workers).ring_bytes(4096).batch(16);
                Rig { input, rows, clock, driver: flow.drive(config).unwrap() }
            })*
        }
        proptest! {
            #![proptest_config(ProptestConfig { cases: thalweg::testing::cases(24), ..ProptestConfig::default() })]
            $(#[test]
            fn $name(steps in steps(), cut in any::<prop::sample::Index>(), workers in 1..=2usize) {
                check(jobs::$name, &steps, cut.index(steps.len() + 1), workers);
            })*
        }
    };
}

fn sum() -> Sum<impl FnMut(&Event) -> i64 + Clone + Send + 'static> {
    Sum::of::<Own<Event>>(|event: &Event| event.value)
}

/// Two keyed streams from one.
macro_rules! sides {
    ($stream:expr) => {{
        let (left, right) = $stream.split(|e: &Event| e.value % 2 == 0);
        (left.key_by(|e| e.key % 8), right.key_by(|e| e.key % 8))
    }};
}

jobs! {
    tumbling: |s, clock| s.key_by(|e| e.key).window(Tumbling::millis(50)).aggregate(Count);
    tumbling_by_text: |s, clock| s.key_by(|e| e.key.to_string()).window(Tumbling::millis(50)).aggregate(DistinctCount::of::<Own<Event>>(|e: &Event| e.value));
    scattered_keys: |s, clock| s.key_by(|e| e.key.wrapping_mul(0x9e37_79b9_7f4a_7c15)).window(Tumbling::millis(50)).aggregate(sum());
    sliding_inverse: |s, clock| s.key_by(|e| e.key).window(Sliding::millis(90, 30)).aggregate(sum());
    sliding_stacks: |s, clock| s.key_by(|e| e.key).window(Sliding::millis(90, 30)).aggregate(Max::of::<Own<Event>>(|e: &Event| e.value));
    lenient_panes: |s, clock| s.key_by(|e| e.key).window(Sliding::millis(60, 20)).allowed_lateness(30).trigger(EveryRecords(2)).aggregate(sum());
    lenient: |s, clock| s.key_by(|e| e.key).window(Sliding::millis(60, 20)).allowed_lateness(30).aggregate(sum());
    late_stream: |s, clock| {
        let (results, late) = s.key_by(|e| e.key).window(Tumbling::millis(20)).split_late().aggregate(Count);
        results.untimed().map(|row| format!("{row:?}")).union(late.map(|late| format!("late {late:?}")))
    };
    sessions: |s, clock| s.key_by(|e| e.key).window(Session::millis(25)).aggregate(Count);
    lenient_sessions: |s, clock| s.key_by(|e| e.key).window(Session::millis(25)).allowed_lateness(30).aggregate(Count);
    every_records: |s, clock| s.key_by(|e| e.key).window(Tumbling::millis(80)).trigger(EveryRecords(3)).aggregate(sum());
    every_event_time: |s, clock| s.key_by(|e| e.key).window(Sliding::millis(80, 40)).trigger(EveryEventTime::millis(30)).aggregate(sum());
    every_tick: |s, clock| {
        let ticks = ProcessingTime::new().clock(clock).tick(Duration::from_millis(20));
        s.key_by(|e| e.key).window(Tumbling::millis(80)).trigger(EveryProcessingTime(ticks)).aggregate(Count)
    };
    own_trigger: |s, clock| s.key_by(|e| e.key).window(Tumbling::millis(80)).trigger(Rising).aggregate(Count);
    count_windows: |s, clock| s.key_by(|e| e.key).window(CountWindows::of(3)).aggregate(ApproxDistinct::of::<Own<Event>>(|e: &Event| e.value));
    global: |s, clock| s.key_by(|e| e.key).window(Global).trigger(EveryRecords(4)).aggregate(sum());
    without_key: |s, clock| s.window_all(Tumbling::millis(40)).aggregate(Count);
    rolling: |s, clock| s.untimed().key_by(|e: &Event| e.key).aggregate(sum()).map(|row: Update<'_, u64, _>| (*row.key, row.slot, row.before, row.after));
    rolling_text: |s, clock| {
        let words = s.untimed().map_to::<Text, _>(Words);
        words.key_by_text().count().map(|row: Update<'_, Box<str>, u64>| (row.key.clone(), row.slot, row.before, row.after))
    };
    mini_batches: |s, clock| {
        let ticks = ProcessingTime::new().clock(clock).tick(Duration::from_millis(20));
        s.untimed().key_by(|e: &Event| e.key).mini_batch(7, ticks).aggregate(sum()).map(|row: Update<'_, u64, _>| (*row.key, row.slot, row.before, row.after))
    };
    bounded_disorder: |s, clock| {
        s.with_times().watermarks(BoundedDisorder::millis(20), |(time, _)| *time).key_by(|(_, e): &(i64, Event)| e.key).window(Tumbling::millis(50)).aggregate(Count)
    };
    punctuated: |s, clock| {
        let timed = s.with_times().punctuated(|(time, _): &(i64, Event)| *time, |(time, e): &(i64, Event)| (e.value > 30).then_some(*time - 10));
        timed.key_by(|(_, e): &(i64, Event)| e.key).window(Tumbling::millis(50)).aggregate(Count)
    };
    processing_time: |s, clock| {
        let time = ProcessingTime::new().clock(clock).tick(Duration::from_millis(10));
        s.untimed().processing_time(time).key_by(|e: &Event| e.key).window(Tumbling::millis(50)).aggregate(Count)
    };
    falling_silent: |s, clock| {
        let (small, large) = s.split(|e: &Event| e.key < 4);
        let small = small.idle_after_by(Duration::from_millis(50), clock);
        small.union(large).key_by(|e| e.key).window(Tumbling::millis(50)).aggregate(Count)
    };
    hops: |s, clock| {
        let (even, odd) = s.hop().map(|e| e).unchained().map(|e| if e.value % 2 == 0 { Either::Left(e) } else { Either::Right(e.value) }).divide();
        even.map(|e| e.value).union(odd).key_by(|v| v % 7).window(Tumbling::millis(30)).aggregate(Count)
    };
    own_process: |s, clock| s.key_by(|e| e.key % 50).process_with(Keeping::new().ttl_ms(120).clock(clock), Busy::default);
    own_process_by_text: |s, clock| s.key_by(|e| e.key.to_string()).process_with(Keeping::new().clock(clock), Busy::default);
    deduplicate: |s, clock| s.key_by(|e| e.key).deduplicate_within(60);
    highest: |s, clock| s.key_by(|e| e.key % 6).highest_by(|e| e.value);
    in_order: |s, clock| s.key_by(|e| e.key % 6).in_order(|e| e.value);
    last_n: |s, clock| s.key_by(|e| e.key % 6).last_n(3, |key, last| (*key, last.iter().map(|e| e.value).collect::<Vec<_>>()));
    top: |s, clock| s.key_by(|e| e.key % 6).top(3, |e| e.value);
    retracting: |s, clock| s.key_by(|e| e.key % 6).top(2, |e| e.value).map_rows(|row| (row.rank, row.row.value)).aggregate_rows(|row| row.0, thalweg::changelog::Max::of(|row: &(u32, i64)| row.1));
    join_inner: |s, clock| { let (l, r) = sides!(s); l.join(r).inner(|l, r| (*l, *r)) };
    join_left: |s, clock| { let (l, r) = sides!(s); l.join(r).left(|l, r| (*l, r.copied())) };
    join_full: |s, clock| { let (l, r) = sides!(s); l.join(r).full(|l, r| (l.copied(), r.copied())) };
    join_between: |s, clock| { let (l, r) = sides!(s); l.join(r).between(-20, 50, |l, r| (*l, *r)) };
    join_window: |s, clock| { let (l, r) = sides!(s); l.join(r).window(Tumbling::millis(60), |key, start, l, r| [(*key, start, l, r)]) };
    window_join: |s, clock| {
        let halves = s.filter_map_to::<EitherOf<Own<Event>, Own<Event>>, _>(|e: Event| Some(if e.value % 2 == 0 { Either::Left(e) } else { Either::Right(e) }));
        let keyed = halves.key_by(|e| match e { Either::Left(e) | Either::Right(e) => e.key });
        keyed.window_join::<Own<(u64, i64, i64, usize)>, _>(Tumbling::millis(60), |key, start, l, r, out| l.for_each(|l| out.emit((*key, start, l.value, r.len()))))
    };
    window_semi_join: |s, clock| {
        let halves = s.filter_map_to::<EitherOf<Own<Event>, Own<Event>>, _>(|e: Event| Some(if e.value % 2 == 0 { Either::Left(e) } else { Either::Right(e) }));
        halves.key_by(|e| match e { Either::Left(e) | Either::Right(e) => e.key }).window_semi_join(Tumbling::millis(60)).filter_map_to::<Own<(Event, EventTime)>, _>(Some)
    };
    join_as_of: |s, clock| { let (l, r) = sides!(s); l.join(r).as_of(|l, r| (l, r.copied())) };
    join_changes: |s, clock| {
        let (l, r) = sides!(s);
        let (l, r) = (l.latest_by(|e| e.value), r.highest_by(|e| e.value));
        l.join_rows(|e| e.key, r, |e| e.key, 10_000, |l, r| (*l, *r))
    };
    broadcast: |s, clock| {
        let (l, r) = s.split(|e: &Event| e.value % 2 == 0);
        l.broadcast(r).apply(0, |sum, e| *sum += e.value, |sum, e| [(e, *sum)])
    };
    side_input: |s, clock| {
        let (l, r) = s.split(|e: &Event| e.value % 2 == 0);
        l.broadcast(r).apply_after(Vec::new(), |seen, e| seen.push(e.value), |seen, e| [(e, seen.len())])
    };
}

/// Few of them, one of which is longer than what a dictionary packs.
#[derive(Clone)]
struct Words;

impl Mapper<Own<Event>, Text> for Words {
    fn map<'a>(&mut self, event: Event) -> &'a str {
        ["a", "bb", "ccc", "a word that does not fit into sixteen bytes"][(event.key % 4) as usize]
    }
}

/// A result when a record is later than the one before.
#[derive(Clone)]
struct Rising;

impl Trigger for Rising {
    type State = Option<EventTime>;
    fn on_record(&mut self, last: &mut Option<EventTime>, time: EventTime) -> bool {
        last.replace(time).is_some_and(|last| last < time)
    }
}

/// Uses all that a process function may.
#[derive(Default)]
struct Busy {
    records: u64,
}

impl<K: thalweg::state::Key + std::fmt::Debug> Process<K, Event> for Busy {
    type State = Vec<i64>;
    type Out = String;

    fn on_record(&mut self, state: &mut Option<Vec<i64>>, event: Event, cx: &mut Context<'_, K, String>) {
        self.records += 1;
        match event.value.rem_euclid(6) {
            0 => *state = None,
            1 => cx.set_timer(cx.time() + event.value.abs()),
            2 => cx.set_timer_in(Duration::from_millis(event.value.unsigned_abs())),
            3 => _ = cx.cancel_timer(cx.time() + 1),
            _ => state.get_or_insert_default().push(event.value),
        }
        cx.emit(format!("{:?} {} {state:?}", cx.key(), self.records));
    }

    fn on_timer(&mut self, state: &mut Option<Vec<i64>>, timer: Timer, cx: &mut Context<'_, K, String>) {
        cx.emit(format!("{:?} {timer:?} {state:?}", cx.key()));
    }

    fn states(&mut self, states: &mut States<'_>) {
        states.keep(&mut self.records);
    }
}

fn windows(name: &str, size_ms: i64) -> (Feed<Event>, Outputs<thalweg::Windowed<u64, u64>>, Dataflow) {
    let (input, source) = feed::<Event>();
    let (sink, rows) = outputs();
    let mut flow = Dataflow::new(name);
    flow.source(source).timed().key_by(|e| e.key).window(Tumbling::millis(size_ms)).aggregate(Count).sink(sink);
    (input, rows, flow)
}

#[test]
fn a_snapshot_of_another_job_is_refused() {
    let (mut input, _rows, flow) = windows("one", 10);
    let mut driver = flow.drive(Config::default()).unwrap();
    input.push(5, Event { key: 1, value: 1 });
    let snapshot = driver.snapshot().unwrap();
    let refusal = |flow: Dataflow, workers| {
        let mut driver = flow.drive(Config::default().workers(workers)).unwrap();
        driver.restore(&snapshot).unwrap_err()
    };
    let error = refusal(windows("two", 10).2, 1);
    assert!(matches!(error, SnapshotError::OtherJob { what: "its name", .. }), "{error}");
    let error = refusal(windows("one", 10).2, 2);
    assert!(matches!(error, SnapshotError::OtherJob { what: "the number of its workers", .. }), "{error}");

    let (_input, source) = feed::<Event>();
    let (sink, _rows) = outputs();
    let mut flow = Dataflow::new("one");
    flow.source(source).timed().map(|e| e).key_by(|e| e.key).window(Tumbling::millis(10)).aggregate(Count).sink(sink);
    let error = refusal(flow, 1);
    assert!(matches!(error, SnapshotError::OtherJob { what: "its list of operators", .. }), "{error}");
}

#[test]
fn a_snapshot_of_another_version_is_refused_and_changes_nothing() {
    let (mut input, _rows, flow) = windows("one", 10);
    let mut driver = flow.drive(Config::default()).unwrap();
    input.push(5, Event { key: 1, value: 1 });
    let snapshot = driver.snapshot().unwrap();

    let (mut input, rows, flow) = windows("one", 20);
    let mut driver = flow.drive(Config::default()).unwrap();
    let message = driver.restore(&snapshot).unwrap_err().to_string();
    assert!(message.contains("another version") && message.contains("window") && message.contains("20"), "{message}");
    input.push(15, Event { key: 1, value: 1 });
    input.end();
    driver.run().unwrap();
    assert_eq!(rows.take().iter().map(|row| row.value).collect::<Vec<_>>(), [1]);

    // Keys of another type.
    let (_input, source) = feed::<Event>();
    let (sink, _rows) = outputs();
    let mut flow = Dataflow::new("one");
    flow.source(source).timed().key_by(|e| e.key as u32).window(Tumbling::millis(10)).aggregate(Count).sink(sink);
    let message = flow.drive(Config::default()).unwrap().restore(&snapshot).unwrap_err().to_string();
    assert!(message.contains("another version") && message.contains("u32"), "{message}");
}

#[test]
fn what_is_not_whole_gives_no_snapshot() {
    // Held up by its outputs.
    let (mut input, rows, flow) = windows("held", 10);
    let mut driver = flow.drive(Config::default()).unwrap();
    rows.room(0);
    input.push(5, Event { key: 1, value: 1 });
    input.watermark(30);
    assert_eq!(driver.snapshot().unwrap_err(), SnapshotError::Held);
    rows.room(10);
    driver.snapshot().unwrap();
    assert_eq!(rows.take().len(), 1);

    // Already running.
    let snapshot = driver.snapshot().unwrap();
    assert_eq!(driver.restore(&snapshot).unwrap_err(), SnapshotError::Running);

    // A source that would begin again.
    let (sink, _rows) = outputs();
    let mut flow = Dataflow::new("paced");
    flow.source(thalweg::Generate::new(5, |i| i)).sink(sink);
    let mut driver = flow.drive(Config::default()).unwrap();
    driver.snapshot().expect("it has ended");

    // A job that has failed.
    let (mut input, source) = feed::<u64>();
    let (sink, _rows) = outputs();
    let mut flow = Dataflow::new("failing");
    flow.source(source).timed().map(|i| 10 / i).sink(sink);
    let mut driver = flow.drive(Config::default()).unwrap();
    input.push(0, 0);
    assert!(driver.run().is_err());
    assert_eq!(driver.snapshot().unwrap_err(), SnapshotError::Failed);
}
