//! Bad input: for each kind a clear error, or the outcome that the crate's head documents. Never a wrong number, never memory without a limit.
#![allow(clippy::unwrap_used)]

use std::{collections::BTreeMap, time::Duration};

use thalweg::{
    BoundedDisorder, Collect, Config, Count, CountWindows, Dataflow, EventTime, EveryEventTime, EveryRecords, FloatMean, Generate, Max,
    Mean, Min, Monotone, Own, ProcessingTime, Replay, Session, Sliding, Sum, Total, Tumbling, Update, Windowed,
    process::Keeping,
    testing::{feed, outputs},
};

const ENDS: [i64; 10] =
    [i64::MIN + 1, i64::MIN + 2, i64::MIN + 999, i64::MIN + 5_000, -1, 0, i64::MAX - 5_000, i64::MAX - 999, i64::MAX - 1, i64::MAX];

/// The windows that hold the times, by exact arithmetic: start and end, clipped, with how many of the times are inside.
fn expected(times: &[i64], size: i64, slide: i64) -> Vec<(i64, i64, u64)> {
    let (size, slide) = (i128::from(size), i128::from(slide));
    let mut windows = BTreeMap::<i128, u64>::new();
    for time in times {
        let time = i128::from(*time);
        let last = time.div_euclid(slide) * slide;
        (0..)
            .map(|back| last - back * slide)
            .take_while(|start| start + size > time)
            .for_each(|start| *windows.entry(start).or_default() += 1);
    }
    let clip = |time: i128| i64::try_from(time).unwrap_or(if time < 0 { i64::MIN } else { i64::MAX });
    windows.into_iter().map(|(start, count)| (clip(start), clip(start + size - 1).saturating_add(1), count)).collect()
}

/// Runs a windowed count over the times as they come, with no watermark before the end.
macro_rules! windows {
    ($times:expr, |$stream:ident| $build:expr) => {{
        let (mut input, source) = feed::<i64>();
        let (sink, rows) = outputs();
        let mut flow = Dataflow::new("ends of time");
        let $stream = flow.source(source).timed().key_by(|_| ());
        $build.map(|row| (row.start, row.end, row.value)).sink(sink);
        let mut driver = flow.drive(Config::default()).unwrap();
        input.push_all($times.iter().map(|time| (*time, *time)));
        input.end();
        driver.run().unwrap();
        assert!(driver.ended());
        let mut rows = rows.take();
        rows.sort_unstable();
        (rows, driver.late())
    }};
}

#[test]
fn event_times_at_the_ends_of_the_scale_are_in_their_windows_exactly() {
    for size in [1, 7, 1000, 4096, 86_400_000, i64::MAX] {
        let exact = (expected(&ENDS, size, size), 0);
        assert_eq!(windows!(ENDS, |s| s.window(Tumbling::millis(size)).aggregate(Count)), exact, "tumbling by {size}");
        assert_eq!(windows!(ENDS, |s| s.window(Tumbling::millis(size)).trigger(EveryRecords(100)).aggregate(Count)), exact, "triggered");
        assert_eq!(windows!(ENDS, |s| s.window(Tumbling::millis(size)).allowed_lateness(5).aggregate(Count)), exact, "lenient");
    }
    for (size, slide) in [(10, 4), (1000, 100), (1000, 3000), (7_000, 1_000)] {
        let exact = (expected(&ENDS, size, slide), 0);
        assert_eq!(windows!(ENDS, |s| s.window(Sliding::millis(size, slide)).aggregate(Count)), exact, "sliding {size} by {slide}");
        assert_eq!(windows!(ENDS, |s| s.window(Sliding::millis(size, slide)).allowed_lateness(5).aggregate(Count)), exact, "lenient");
        assert_eq!(
            windows!(ENDS, |s| s.window(Sliding::millis(size, slide)).trigger(EveryRecords(100)).aggregate(Count)),
            exact,
            "triggered"
        );
    }
    // -1 and 0 are one session; what is near the end is clipped there.
    let sessions = vec![
        (i64::MIN + 1, i64::MIN + 1_999, 3),
        (i64::MIN + 5_000, i64::MIN + 6_000, 1),
        (-1, 1_000, 2),
        (i64::MAX - 5_000, i64::MAX - 4_000, 1),
        (i64::MAX - 999, i64::MAX, 3),
    ];
    assert_eq!(windows!(ENDS, |s| s.window(Session::millis(1_000)).aggregate(Count)), (sessions.clone(), 0));
    assert_eq!(windows!(ENDS, |s| s.window(Session::millis(1_000)).allowed_lateness(3).aggregate(Count)), (sessions, 0));
}

#[test]
fn rows_at_the_ends_of_the_scale_meet_in_their_window() {
    let (mut left, left_source) = feed::<i64>();
    let (mut right, right_source) = feed::<i64>();
    let (sink, rows) = outputs();
    let mut flow = Dataflow::new("window join");
    let lefts = flow.source(left_source).timed().key_by(|_: &i64| ());
    let rights = flow.source(right_source).timed().key_by(|_: &i64| ());
    let windows = Tumbling::millis(1_000);
    lefts.join(rights).window(windows, |(), start, lefts, rights| [(start, lefts.len(), rights.len())]).with_times().sink(sink);
    let mut driver = flow.drive(Config::default()).unwrap();
    for time in ENDS {
        left.push(time, time);
        right.push(time, time);
    }
    // The first window ends at a multiple of its size, not a size after the least time.
    let first_end = i64::MIN + 1_000 - i64::MIN.rem_euclid(1_000);
    left.watermark(first_end - 1);
    right.watermark(first_end - 1);
    driver.run().unwrap();
    let counts = |end: i64| ENDS.iter().filter(|time| **time < end).count();
    assert_eq!(rows.take(), [(first_end - 1, (i64::MIN, counts(first_end), counts(first_end)))]);
    left.end();
    right.end();
    driver.run().unwrap();
    assert_eq!(rows.take().iter().map(|row| row.1.1).sum::<usize>() + counts(first_end), ENDS.len());
    assert_eq!(driver.late(), 0);
}

#[test]
fn the_least_time_is_behind_every_watermark() {
    // The watermark before the first one is the least time, which says that no record has it.
    let least = [i64::MIN, 5];
    assert_eq!(windows!(least, |s| s.window(Tumbling::millis(1)).aggregate(Count)), (vec![(5, 6, 1)], 1));
    // A window that is longer ends later, and holds it.
    let (rows, late) = windows!(least, |s| s.window(Tumbling::millis(1000)).aggregate(Count));
    assert_eq!((rows.len(), late), (2, 0));
}

#[test]
fn a_record_far_in_the_future_makes_the_others_late_and_no_loop_long() {
    let mut records: Vec<i64> = (0..1000).collect();
    records.insert(500, i64::MAX - 10);
    let run = |slide: i64| {
        let mut flow = Dataflow::new("future");
        let (sink, rows) = Collect::<Windowed<(), u64>>::new();
        flow.source(Replay::new(records.clone()))
            .watermarks(BoundedDisorder::millis(0), |time: &i64| *time)
            .key_by(|_| ())
            .window(Sliding::millis(slide * 10, slide))
            .aggregate(Count)
            .sink(sink);
        let late = flow.start(Config::default().workers(1).batch(1)).unwrap().join().unwrap().late;
        (late, rows.take().iter().map(|row| row.value).sum::<u64>())
    };
    // All from the 501st on are late; each that was in time is in ten windows, and so is the one that came from nowhere.
    assert_eq!(run(1), (500, 5_010));
    assert_eq!(run(10), (500, 5_010));
}

#[test]
fn a_policy_may_refuse_the_future() {
    /// Believes no leap of more than a minute.
    #[derive(Clone)]
    struct Wary;
    impl thalweg::watermark::WatermarkPolicy for Wary {
        fn watermark(&mut self, max: EventTime) -> EventTime {
            max - 1
        }
        fn see(&self, max: &mut EventTime, time: EventTime) {
            if *max == EventTime::MIN || time - *max < 60_000 {
                *max = time.max(*max);
            }
        }
    }
    let mut flow = Dataflow::new("wary");
    let (sink, rows) = Collect::<Windowed<(), u64>>::new();
    flow.source(Replay::new(vec![1i64, 2, i64::MAX - 1, 3, 4]))
        .watermarks(Wary, |time| *time)
        .key_by(|_| ())
        .window(Tumbling::millis(10))
        .aggregate(Count)
        .sink(sink);
    assert_eq!(flow.start(Config::default().workers(1).batch(1)).unwrap().join().unwrap().late, 0);
    assert_eq!(rows.take().iter().map(|row| row.value).collect::<Vec<_>>(), [4, 1]);
}

#[test]
fn times_that_open_ever_more_windows_meet_a_limit() {
    macro_rules! refusal {
        (|$stream:ident| $build:expr) => {{
            let mut flow = Dataflow::new("scattered times");
            let (sink, _rows) = outputs();
            // A disorder that never lets the watermark move.
            let $stream = flow
                .source(Generate::new(10_000, |i| i as i64 * 1_000))
                .watermarks(BoundedDisorder::millis(i64::MAX), |time: &i64| *time)
                .key_by(|time| *time);
            $build.sink(sink);
            flow.start(Config::default().workers(1)).unwrap().join().unwrap_err().to_string()
        }};
    }
    let windows = refusal!(|s| s.window(Tumbling::seconds(1)).open_max(100).aggregate(Count));
    assert!(windows.contains("window") && windows.contains("open_max allows 100"), "{windows}");
    let lenient = refusal!(|s| s.window(Tumbling::seconds(1)).allowed_lateness(9).open_max(100).aggregate(Count));
    assert!(lenient.contains("open_max allows 100"), "{lenient}");
    let panes = refusal!(|s| s.window(Tumbling::seconds(1)).open_max(100).trigger(EveryRecords(1000)).aggregate(Count));
    assert!(panes.contains("open_max allows 100"), "{panes}");
    let sessions = refusal!(|s| s.window(Session::seconds(1)).open_max(100).aggregate(Count));
    assert!(sessions.contains("open_max allows 100"), "{sessions}");
    let lenient = refusal!(|s| s.window(Session::seconds(1)).allowed_lateness(9).open_max(100).aggregate(Count));
    assert!(lenient.contains("100 keys"), "{lenient}");
}

#[test]
fn nan_shows_and_leaves_the_rest_alone() {
    let values = [2.0, f64::NAN, 1.0, 3.0];
    let mut flow = Dataflow::new("NaN");
    let (sink, rows) = Collect::<Windowed<u64, (Total, Total, f64)>>::new();
    let value = move |i: &u64| values[(*i % 4) as usize];
    let aggregate = (
        Max::of::<Own<u64>>(move |i: &u64| Total(value(i))),
        Min::of::<Own<u64>>(move |i: &u64| Total(value(i))),
        FloatMean::of::<Own<u64>>(value),
    );
    flow.source(Generate::new(8, |i| i))
        .watermarks(Monotone, |_| 0)
        // A float is no key, since a NaN is not equal to itself; its bits are one.
        .key_by(move |i| if *i < 4 { value(i).to_bits() } else { 1 })
        .window(Tumbling::seconds(1))
        .aggregate(aggregate)
        .sink(sink);
    flow.start(Config::default()).unwrap().join().unwrap();
    let rows: BTreeMap<u64, _> = rows.take().into_iter().map(|row| (row.key, row.value)).collect();
    assert_eq!(rows.len(), 5, "each value has its own key, the NaN too");
    let (most, least, mean) = rows[&1];
    assert!(most.0.is_nan(), "the greatest of all");
    assert_eq!(least.0, 1.0, "whatever else there is");
    assert!(mean.is_nan(), "it spreads in sums");
    let (most, least, mean) = rows[&2.0f64.to_bits()];
    assert_eq!((most.0, least.0, mean), (2.0, 2.0, 2.0));
}

#[test]
fn sums_wrap_and_means_do_not() {
    let numbers = [i64::MAX, i64::MAX, 4, i64::MAX - 2];
    let mut flow = Dataflow::new("overflow");
    let (sink, rows) = Collect::<Windowed<(), (thalweg::SumCount, i64)>>::new();
    flow.source(Replay::new(numbers.to_vec()))
        .watermarks(Monotone, |_| 0)
        .key_by(|_| ())
        .window(Tumbling::seconds(1))
        .aggregate((Sum::of::<Own<i64>>(|i: &i64| *i), Mean::of::<Own<i64>>(|i: &i64| *i)))
        .sink(sink);
    flow.start(Config::default()).unwrap().join().unwrap();
    let (sum, mean) = rows.take()[0].value;
    assert_eq!(sum.sum, numbers.iter().fold(0, |sum: i64, i| sum.wrapping_add(*i)));
    assert_eq!(sum.count, 4);
    assert_eq!(i128::from(mean), numbers.iter().map(|i| i128::from(*i)).sum::<i128>() / 4);
}

#[test]
fn an_empty_key_is_a_key_like_others() {
    let words = ["", "a", "", " ", ""];
    let mut flow = Dataflow::new("empty keys");
    let (sink, rows) = Collect::<Windowed<String, u64>>::new();
    flow.source(Replay::new(words.map(String::from).to_vec()))
        .watermarks(Monotone, |_| 0)
        .key_by(|word| word.clone())
        .window(Tumbling::seconds(1))
        .aggregate(Count)
        .sink(sink);
    flow.start(Config::default()).unwrap().join().unwrap();
    let rows: BTreeMap<String, u64> = rows.take().into_iter().map(|row| (row.key, row.value)).collect();
    assert_eq!(rows, BTreeMap::from([(String::new(), 3), (" ".into(), 1), ("a".into(), 1)]));
}

#[test]
fn sizes_that_cannot_be_are_refused_with_a_way_out() {
    macro_rules! refusal {
        (|$stream:ident| $build:expr) => {{
            let mut flow = Dataflow::new("sizes");
            let (sink, _rows) = outputs();
            let $stream = flow.source(feed::<i64>().1).timed().key_by(|i| *i);
            $build.sink(sink);
            flow.drive(Config::default()).err().expect("it is refused").to_string()
        }};
    }
    for size in [0, -1, i64::MIN] {
        let messages = [
            refusal!(|s| s.window(Tumbling::millis(size)).aggregate(Count)),
            refusal!(|s| s.window(Tumbling::seconds(size)).aggregate(Count)),
            refusal!(|s| s.window(Sliding::millis(size, 10)).aggregate(Count)),
            refusal!(|s| s.window(Sliding::millis(10, size)).aggregate(Count)),
            refusal!(|s| s.window(Session::millis(size)).aggregate(Count)),
            refusal!(|s| s.window(Session::millis(size)).allowed_lateness(1).aggregate(Count)),
            refusal!(|s| s.window(Tumbling::millis(size)).trigger(EveryRecords(1)).aggregate(Count)),
            refusal!(|s| s.window(Tumbling::millis(5)).trigger(EveryEventTime::millis(size)).aggregate(Count)),
            refusal!(|s| s.process_with(Keeping::new().ttl_ms(size), || Nothing)),
        ];
        for message in messages {
            assert!(message.contains("give "), "{message}");
        }
    }
    for lateness in [-1, i64::MIN] {
        for message in [
            refusal!(|s| s.window(Tumbling::millis(5)).allowed_lateness(lateness).aggregate(Count)),
            refusal!(|s| s.window(Tumbling::millis(5)).allowed_lateness(lateness).trigger(EveryRecords(1)).aggregate(Count)),
            refusal!(|s| s.window(Session::millis(5)).allowed_lateness(lateness).aggregate(Count)),
        ] {
            assert!(message.contains("negative") && message.contains("give 0 or more"), "{message}");
        }
    }
    for (records, tick) in [(0, 1_000), (1, 0)] {
        let mut flow = Dataflow::new("mini-batches");
        let (sink, _rows) = outputs();
        let ticks = ProcessingTime::new().tick(Duration::from_micros(tick));
        let counts = flow.source(feed::<i64>().1).timed().untimed().key_by(|i: &i64| *i).mini_batch(records, ticks).count();
        counts.map(|row: Update<'_, i64, u64>| row.after).sink(sink);
        let message = flow.drive(Config::default()).err().unwrap().to_string();
        assert!(message.contains("aggregate") && message.contains("give 1 "), "{message}");
    }
    let message = refusal!(|s| s.window(CountWindows::of(0)).aggregate(Count));
    assert!(message.contains("give 1 or more"), "{message}");
    let mut flow = Dataflow::new("disorder");
    let (sink, _rows) = outputs::<i64>();
    flow.source(feed::<i64>().1).watermarks(BoundedDisorder::millis(-1), |record| record.0).untimed().map(|record| record.0).sink(sink);
    assert!(flow.drive(Config::default()).err().unwrap().to_string().contains("negative"));
}

/// A process function that does nothing.
struct Nothing;

impl thalweg::process::Process<i64, i64> for Nothing {
    type State = ();
    type Out = i64;
    fn on_record(&mut self, _: &mut Option<()>, _: i64, _: &mut thalweg::process::Context<'_, i64, i64>) {}
}

#[test]
fn a_late_flood_is_counted_and_changes_nothing() {
    const LATE: u64 = 50_000;
    macro_rules! flood {
        (|$stream:ident| $build:expr) => {{
            let (mut input, source) = feed::<i64>();
            let (sink, rows) = outputs();
            let mut flow = Dataflow::new("flood");
            let $stream = flow.source(source).timed().key_by(|time| time % 7);
            $build.map(|row| row.value).sink(sink);
            let mut driver = flow.drive(Config::default()).unwrap();
            input.watermark(1_000_000);
            input.push_all((0..LATE).map(|i| ((i % 1000) as i64, i as i64)));
            input.push(2_000_000, 0);
            input.end();
            driver.run().unwrap();
            assert_eq!((rows.take(), driver.late()), (vec![1], LATE));
        }};
    }
    flood!(|s| s.window(Tumbling::seconds(1)).aggregate(Count));
    flood!(|s| s.window(Sliding::seconds(1, 1)).aggregate(Count));
    flood!(|s| s.window(Tumbling::seconds(1)).allowed_lateness(60_000).aggregate(Count));
    flood!(|s| s.window(Tumbling::seconds(1)).allowed_lateness(60_000).trigger(EveryRecords(10)).aggregate(Count));
    flood!(|s| s.window(Session::seconds(1)).aggregate(Count));
    flood!(|s| s.window(Session::seconds(1)).allowed_lateness(60_000).aggregate(Count));
}

#[test]
fn a_late_flood_waits_for_whoever_takes_it() {
    const LATE: usize = 50_000;
    macro_rules! flood {
        (|$stream:ident| $build:expr) => {{
            let (mut input, source) = feed::<i64>();
            let (sink, rows) = outputs();
            let (side, late) = outputs();
            let mut flow = Dataflow::new("flood");
            let $stream = flow.source(source).timed().key_by(|time| time % 7);
            let (results, late_ones) = $build;
            results.sink(sink);
            late_ones.sink(side);
            let mut driver = flow.drive(Config::default().batch(64)).unwrap();
            input.watermark(1_000_000);
            input.push_all((0..LATE).map(|i| ((i % 1000) as i64, i as i64)));
            input.end();
            late.room(100);
            driver.run().unwrap();
            let mut taken: Vec<(EventTime, i64)> = late.take();
            assert!((100..10_000).contains(&taken.len()), "{} came at once", taken.len());
            assert!(driver.late() < 10_000, "what nobody takes is not read");
            while !driver.ended() {
                driver.run().unwrap();
                taken.extend(late.take());
            }
            taken.sort_unstable_by_key(|(_, i)| *i);
            assert_eq!(taken, (0..LATE).map(|i| ((i % 1000) as i64, i as i64)).collect::<Vec<_>>());
            assert_eq!(driver.late(), LATE as u64);
            assert!(rows.take().is_empty());
        }};
    }
    flood!(|s| s.window(Tumbling::seconds(1)).split_late().aggregate(Count));
    flood!(|s| s.window(Session::seconds(1)).allowed_lateness(5).split_late().aggregate(Count));
}
