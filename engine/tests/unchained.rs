//! A break in a chain changes no result, passes all control on, and shows as a stage of its own.
#![allow(clippy::unwrap_used)]

use std::time::Duration;

use proptest::prelude::*;
use thalweg::{
    BoundedDisorder, Collect, Config, Count, Dataflow, EventTime, Generate, Monotone, Replay, RunError, Tumbling, Windowed,
    process::{Context, Process, Timer},
    runtime::available_cores,
    sink::egress,
    source::ingress,
    testing::{feed, outputs},
};

/// Key, value, event time.
type Event = (u64, i64, EventTime);

fn config(workers: usize, batch: usize) -> Config {
    Config::default().workers(workers.min(available_cores().limit)).batch(batch)
}

fn sorted<T: Ord>(mut rows: Vec<T>) -> Vec<T> {
    rows.sort();
    rows
}

/// Breaks a chain or not.
macro_rules! cut {
    ($stream:expr, $cut:expr, |$rest:ident| $body:expr) => {{
        let $rest = $stream;
        if $cut {
            let $rest = $rest.unchained();
            $body
        } else {
            $body
        }
    }};
}

const DISORDER: BoundedDisorder = BoundedDisorder::millis(40);

fn stateless(events: &[Event], config: Config, cut: bool) -> Vec<Event> {
    let mut flow = Dataflow::new("stateless");
    let (sink, rows) = Collect::new();
    let stream = flow.source(Replay::new(events.to_vec())).map(|(key, value, time): Event| (key, value * 2, time));
    cut!(stream, cut, |rest| {
        let rest = rest.filter(|event| event.1 % 3 == 0).flat_map(|event| [event; 2]);
        cut!(rest, cut, |rest| rest.sink(sink))
    });
    flow.start(config).unwrap().join().unwrap();
    sorted(rows.take())
}

fn window(events: &[Event], config: Config, cut: bool) -> (Vec<Windowed<u64, u64>>, u64) {
    let mut flow = Dataflow::new("window");
    let (sink, rows) = Collect::new();
    let timed = flow.source(Replay::new(events.to_vec())).watermarks(DISORDER, |event: &Event| event.2);
    cut!(timed, cut, |rest| {
        let counts = rest.key_by(|event| event.0).window(Tumbling::millis(100)).aggregate(Count);
        cut!(counts, cut, |rest| rest.sink(sink))
    });
    let report = flow.start(config).unwrap().join().unwrap();
    (sorted(rows.take()), report.late)
}

fn join(events: &[Event], config: Config, cut: bool) -> Vec<(i64, i64)> {
    let (left, right): (Vec<Event>, Vec<Event>) = events.iter().partition(|event| event.1 % 2 == 0);
    let mut flow = Dataflow::new("join");
    let (sink, rows) = Collect::new();
    let left = flow.source(Replay::new(left)).watermarks(DISORDER, |event: &Event| event.2);
    let right = flow.source(Replay::new(right)).watermarks(DISORDER, |event: &Event| event.2);
    cut!(left, cut, |left| {
        cut!(right, cut, |right| {
            let pairs = left.key_by(|event| event.0).join(right.key_by(|event| event.0)).between(-50, 50, |l, r| (l.1, r.1));
            cut!(pairs, cut, |pairs| pairs.sink(sink))
        })
    });
    flow.start(config).unwrap().join().unwrap();
    sorted(rows.take())
}

/// Emits a key's sum at every tenth millisecond after a record.
#[derive(Clone)]
struct Sums;

impl Process<u64, Event> for Sums {
    type State = i64;
    type Out = (u64, EventTime, i64);
    fn on_record(&mut self, sum: &mut Option<i64>, event: Event, cx: &mut Context<'_, u64, Self::Out>) {
        *sum.get_or_insert(0) += event.1;
        cx.set_timer(cx.time().div_euclid(10) * 10 + 10);
    }
    fn on_timer(&mut self, sum: &mut Option<i64>, _: Timer, cx: &mut Context<'_, u64, Self::Out>) {
        let row = (*cx.key(), cx.time(), sum.unwrap_or(0));
        cx.emit(row);
    }
}

fn process(events: &[Event], config: Config, cut: bool) -> Vec<(u64, EventTime)> {
    let mut flow = Dataflow::new("process");
    let (sink, rows) = Collect::new();
    let timed = flow.source(Replay::new(events.to_vec())).watermarks(DISORDER, |event: &Event| event.2);
    cut!(timed, cut, |rest| {
        let sums = rest.key_by(|event| event.0).process(|| Sums);
        cut!(sums, cut, |rest| rest.sink(sink))
    });
    flow.start(config).unwrap().join().unwrap();
    // A sum holds what had come when its timer fired, which batches and workers decide; the timers do not depend on them.
    sorted(rows.take().into_iter().map(|(key, time, _)| (key, time)).collect())
}

/// Events out of order by less than the disorder allowed, so that what is late does not depend on the batches.
fn events() -> impl Strategy<Value = Vec<Event>> {
    prop::collection::vec((0..8u64, -50..50i64, 0..12i64, 0..40i64), 0..400).prop_map(|steps| {
        let mut now = 0;
        let event = |(key, value, step, behind)| {
            now += step;
            (key, value, now - behind)
        };
        steps.into_iter().map(event).collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: thalweg::testing::cases(48), ..ProptestConfig::default() })]

    #[test]
    fn a_break_changes_no_result(events in events(), workers in 1..=2usize, batch in prop::sample::select(vec![1usize, 64, 1024])) {
        let config = || config(workers, batch);
        prop_assert_eq!(stateless(&events, config(), true), stateless(&events, config(), false));
        prop_assert_eq!(window(&events, config(), true), window(&events, config(), false));
        prop_assert_eq!(join(&events, config(), true), join(&events, config(), false));
        prop_assert_eq!(process(&events, config(), true), process(&events, config(), false));
    }

    #[test]
    fn order_stays_on_one_worker(events in events(), batch in prop::sample::select(vec![1usize, 64, 1024])) {
        let mut flow = Dataflow::new("order");
        let (sink, rows) = Collect::new();
        flow.source(Replay::new(events.clone())).unchained().unchained().sink(sink);
        flow.start(config(1, batch)).unwrap().join().unwrap();
        prop_assert_eq!(rows.take(), events);
    }
}

#[test]
fn watermarks_idleness_and_the_end_go_along() {
    let (mut left, left_source) = feed::<i64>();
    let (mut right, right_source) = feed::<i64>();
    let (sink, seen) = outputs();
    let mut flow = Dataflow::new("control");
    let left_stream = flow.source(left_source).timed().unchained();
    let right_stream = flow.source(right_source).timed().unchained();
    left_stream.union(right_stream).unchained().sink(sink);
    let mut driver = flow.drive(Config::default()).unwrap();

    left.push(5, 1);
    left.watermark(10);
    right.watermark(3);
    driver.run().unwrap();
    assert_eq!((seen.take(), seen.watermark()), (vec![1], 3));
    right.idle();
    driver.run().unwrap();
    assert_eq!(seen.watermark(), 10, "event time goes on without the right side");
    left.watermark(20);
    driver.run().unwrap();
    assert_eq!(seen.watermark(), 20);
    right.watermark(22);
    left.watermark(30);
    driver.run().unwrap();
    assert_eq!(seen.watermark(), 22, "the right side is back");
    left.end();
    driver.run().unwrap();
    assert!(!seen.ended() && !driver.ended());
    right.end();
    driver.run().unwrap();
    assert!(seen.ended() && driver.ended());
}

#[test]
fn backpressure_goes_through_a_break() {
    let (mut numbers, source) = feed::<i64>();
    let (sink, seen) = outputs();
    let mut flow = Dataflow::new("backpressure");
    flow.source(source).unchained().sink(sink);
    let mut driver = flow.drive(Config::default().batch(4)).unwrap();
    numbers.push_all((0..100).map(|i| (i, i)));
    seen.room(0);
    driver.run().unwrap();
    assert!(seen.take().is_empty());
    seen.room(usize::MAX);
    driver.run().unwrap();
    assert_eq!(seen.take().into_iter().map(|row| row.1).collect::<Vec<_>>(), (0..100).collect::<Vec<_>>());
}

#[test]
fn the_stage_behind_a_break_shows_its_own_watermark_and_no_source() {
    let run = |cut: bool| {
        let (handle, source) = ingress::<i64>(16);
        let (sink, _rows) = egress::<i64>(16);
        let mut flow = Dataflow::new("stages");
        let timed = flow.source(source).watermarks(Monotone, |time| *time);
        cut!(timed, cut, |rest| rest.map(|time| time + 1).sink(sink));
        let running = flow.start(Config::default().workers(1).pin(false)).unwrap();
        let mut input = handle.handle();
        input.push(7).unwrap();
        let end = std::time::Instant::now() + Duration::from_secs(20);
        let mut marks = running.watermarks();
        while marks.iter().any(|mark| !mark.operator.contains(" ingress (") && mark.watermark != Some(6)) {
            assert!(std::time::Instant::now() < end, "{marks:?}");
            std::thread::yield_now();
            marks = running.watermarks();
        }
        drop((input, handle));
        (marks, running.drain().unwrap())
    };
    let ((chained, _), (cut, report)) = (run(false), run(true));
    // The break ends one stage and begins the next.
    assert_eq!(cut.iter().filter(|mark| mark.operator.contains(" unchained (")).count(), 2);
    assert_eq!(cut.len(), chained.len() + 2);
    assert_eq!(report.stages.len(), 1, "reports count records by source, and a break is none");
    assert_eq!(report.records_in(), 1);
}

#[test]
fn a_panic_behind_a_break_names_its_operator() {
    let mut flow = Dataflow::new("panic");
    let (sink, _rows) = Collect::new();
    flow.source(Generate::new(10, |i| i)).unchained().map(|i| 10 / i).named("divide").unchained().sink(sink);
    let error = flow.start(Config::default().workers(1)).unwrap().join().unwrap_err();
    assert!(matches!(&error, RunError::Panic { operator, .. } if operator.contains("divide")), "{error}");
}
