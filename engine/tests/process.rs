//! Process functions against a naive interpreter: the same rows for each key, in the same order, however the job is run.
#![allow(clippy::unwrap_used)]

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    time::Duration,
};

use proptest::prelude::*;
use thalweg::{
    Config, Dataflow, EventTime, RunError,
    process::{Context, Either, Keeping, Process, Timer},
    sink::egress,
    source::ingress,
    testing::{Feed, FeedSource, feed, outputs},
    time::ManualClock,
};

/// What a record tells the function to do.
#[derive(Clone, Copy, Debug)]
enum Order {
    /// Adds to the key's sum and emits it.
    Add(i64),
    /// Emits so many rows.
    Repeat(usize),
    Set(i64),
    Cancel(i64),
    /// Sets a timer that sets itself again so many times.
    Chain(i64, u8),
    Clear,
}

type Row = (u64, EventTime, &'static str, i64);

#[derive(Clone, Default)]
struct State {
    sum: i64,
    chain: u8,
}

struct Obey;

impl Process<u64, (u64, Order)> for Obey {
    type State = State;
    type Out = Row;

    fn on_record(&mut self, state: &mut Option<State>, (_, order): (u64, Order), cx: &mut Context<'_, u64, Row>) {
        let (key, time) = (*cx.key(), cx.time());
        match order {
            Order::Add(value) => {
                let state = state.get_or_insert_default();
                state.sum += value;
                cx.emit((key, time, "sum", state.sum));
            }
            Order::Repeat(rows) => (0..rows).for_each(|row| cx.emit((key, time, "row", row as i64))),
            Order::Set(after) => cx.set_timer(time + after),
            Order::Cancel(after) => {
                let cancelled = cx.cancel_timer(time + after);
                cx.emit((key, time, "cancelled", i64::from(cancelled)));
            }
            Order::Chain(after, links) => {
                state.get_or_insert_default().chain = links;
                cx.set_timer(time + after);
            }
            Order::Clear => *state = None,
        }
    }

    fn on_timer(&mut self, state: &mut Option<State>, timer: Timer, cx: &mut Context<'_, u64, Row>) {
        assert_eq!(timer, Timer::Event(cx.time()));
        assert!(cx.watermark() >= cx.time(), "the watermark has passed the timer");
        cx.emit((*cx.key(), cx.time(), "timer", state.as_ref().map_or(-1, |state| state.sum)));
        if let Some(state) = state
            && state.chain > 0
        {
            state.chain -= 1;
            cx.set_timer(cx.time() + 3);
        }
    }
}

#[derive(Clone, Copy, Debug)]
enum Event {
    Record(u64, EventTime, Order),
    Watermark(EventTime),
}

/// Records up to 40 ms out of order, never late.
fn events() -> impl Strategy<Value = Vec<Event>> {
    let order = prop_oneof![
        6 => (-50..50i64).prop_map(Order::Add),
        1 => (0..40usize).prop_map(Order::Repeat),
        3 => (0..60i64).prop_map(Order::Set),
        2 => (0..60i64).prop_map(Order::Cancel),
        1 => (0..60i64, 0..5u8).prop_map(|(after, links)| Order::Chain(after, links)),
        1 => Just(Order::Clear),
    ];
    let spread = prop_oneof![Just(1u64), Just(0x9e37_79b9_7f4a_7c15)];
    (prop::collection::vec((0..20u64, 0..15i64, 0..40i64, order, 0..6u8), 0..600), spread).prop_map(|(records, spread)| {
        let (mut now, mut events) = (0, Vec::new());
        for (key, step, behind, order, mark) in records {
            now += step;
            if mark == 0 {
                events.push(Event::Watermark(now - 41));
            }
            events.push(Event::Record(key.wrapping_mul(spread), now - behind, order));
        }
        events
    })
}

/// The rows of each key, in order.
fn oracle(events: &[Event], ttl: Option<i64>) -> BTreeMap<u64, Vec<Row>> {
    let mut rows = BTreeMap::<u64, Vec<Row>>::new();
    let mut states = HashMap::<u64, (i64, u8)>::new();
    let mut touched = HashMap::<u64, i64>::new();
    // One set for each key: keys do not see each other.
    let mut timers = BTreeMap::<u64, BTreeSet<i64>>::new();
    let mut passed = i64::MIN;
    for event in events.iter().copied().chain([Event::Watermark(i64::MAX)]) {
        let is_over =
            |touched: &HashMap<u64, i64>, key, time| ttl.is_some_and(|ttl| touched.get(&key).is_some_and(|last| last + ttl <= time));
        match event {
            Event::Record(key, time, order) => {
                let rows = rows.entry(key).or_default();
                let timers = timers.entry(key).or_default();
                if is_over(&touched, key, time) {
                    states.remove(&key);
                }
                match order {
                    Order::Add(value) => {
                        let state = states.entry(key).or_default();
                        state.0 += value;
                        rows.push((key, time, "sum", state.0));
                    }
                    Order::Repeat(count) => rows.extend((0..count).map(|row| (key, time, "row", row as i64))),
                    Order::Set(after) => _ = timers.insert((time + after).max(passed.saturating_add(1))),
                    Order::Cancel(after) => rows.push((key, time, "cancelled", i64::from(timers.remove(&(time + after))))),
                    Order::Chain(after, links) => {
                        states.entry(key).or_default().1 = links;
                        timers.insert((time + after).max(passed.saturating_add(1)));
                    }
                    Order::Clear => _ = states.remove(&key),
                }
                if states.contains_key(&key) {
                    touched.entry(key).and_modify(|last| *last = time.max(*last)).or_insert(time);
                }
            }
            Event::Watermark(watermark) => {
                for (key, timers) in &mut timers {
                    while let Some(&time) = timers.first().filter(|time| **time <= watermark) {
                        timers.remove(&time);
                        if is_over(&touched, *key, time) {
                            states.remove(key);
                        }
                        let state = states.get_mut(key);
                        rows.entry(*key).or_default().push((*key, time, "timer", state.as_ref().map_or(-1, |state| state.0)));
                        if let Some(state) = state
                            && state.1 > 0
                        {
                            state.1 -= 1;
                            timers.insert(time + 3);
                        }
                    }
                }
                passed = passed.max(watermark);
            }
        }
    }
    rows.retain(|_, rows| !rows.is_empty());
    rows
}

fn fed(events: &[Event], end: bool) -> (Feed<(u64, Order)>, FeedSource<(u64, Order)>) {
    let (mut input, source) = feed();
    for event in events {
        match *event {
            Event::Record(key, time, order) => input.push(time, (key, order)),
            Event::Watermark(watermark) => input.watermark(watermark),
        }
    }
    if end {
        input.end();
    }
    (input, source)
}

fn keeping(ttl: Option<i64>) -> Keeping {
    ttl.map_or(Keeping::new(), |ttl| Keeping::new().ttl_ms(ttl))
}

fn run(events: &[Event], ttl: Option<i64>, workers: usize, batch: usize) -> Vec<Row> {
    let (sink, rows) = thalweg::Collect::<Row>::new();
    let mut flow = Dataflow::new("process");
    flow.source(fed(events, true).1).timed().key_by(|record| record.0).process_with(keeping(ttl), || Obey).sink(sink);
    flow.start(Config::default().workers(workers).batch(batch)).unwrap().join().unwrap();
    rows.take()
}

fn by_key(rows: Vec<Row>) -> BTreeMap<u64, Vec<Row>> {
    let mut keys = BTreeMap::<u64, Vec<Row>>::new();
    rows.into_iter().for_each(|row| keys.entry(row.0).or_default().push(row));
    keys
}

proptest! {
    #![proptest_config(ProptestConfig { cases: thalweg::testing::cases(64), ..ProptestConfig::default() })]

    #[test]
    fn rows_of_each_key_equal_the_oracle_whatever_the_batch(
        events in events(),
        ttl in prop::option::of(1..80i64),
        batch in prop_oneof![Just(1usize), Just(64), Just(1024)],
    ) {
        prop_assert_eq!(by_key(run(&events, ttl, 1, batch)), oracle(&events, ttl));
    }

    /// With a second worker event time goes on when both say so, so what a timer finds depends on the run; but not which timers fire, nor
    /// what records find, even where state ends by its time-to-live.
    #[test]
    fn two_workers_fire_the_same_timers_and_see_the_same_state(
        events in events(),
        ttl in prop::option::of(1..80i64),
        batch in prop_oneof![Just(1usize), Just(64), Just(1024)],
    ) {
        let events: Vec<Event> = events
            .into_iter()
            .filter(|event| !matches!(event, Event::Record(_, _, Order::Cancel(_) | Order::Chain(..))))
            .collect();
        let of_records = |rows: &[Row]| -> Vec<Row> { rows.iter().copied().filter(|row| row.2 != "timer").collect() };
        let of_timers = |rows: &[Row]| -> BTreeSet<EventTime> { rows.iter().filter(|row| row.2 == "timer").map(|row| row.1).collect() };
        let workers = thalweg::runtime::available_cores().limit.min(2);
        let (rows, expected) = (by_key(run(&events, ttl, workers, batch)), oracle(&events, ttl));
        prop_assert_eq!(rows.keys().collect::<Vec<_>>(), expected.keys().collect::<Vec<_>>());
        for (key, rows) in rows {
            prop_assert_eq!(of_records(&rows), of_records(&expected[&key]));
            prop_assert_eq!(of_timers(&rows), of_timers(&expected[&key]));
            prop_assert_eq!(rows.len(), expected[&key].len(), "each timer fires once");
        }
    }

    #[test]
    fn hashed_keys_and_a_sink_that_refuses_change_nothing(
        events in events(),
        ttl in prop::option::of(1..80i64),
        batch in prop_oneof![Just(1usize), Just(64), Just(1024)],
        room in 1..50usize,
    ) {
        let (sink, rows) = outputs::<Row>();
        let mut flow = Dataflow::new("process");
        struct Text;
        impl Process<String, (u64, Order)> for Text {
            type State = State;
            type Out = Row;
            fn on_record(&mut self, state: &mut Option<State>, record: (u64, Order), cx: &mut Context<'_, String, Row>) {
                // The rows of the integer key: only where the key is made differs.
                let key = record.0;
                let time = cx.time();
                match record.1 {
                    Order::Add(value) => {
                        let state = state.get_or_insert_default();
                        state.sum += value;
                        cx.emit((key, time, "sum", state.sum));
                    }
                    Order::Repeat(rows) => (0..rows).for_each(|row| cx.emit((key, time, "row", row as i64))),
                    Order::Set(after) => cx.set_timer(time + after),
                    Order::Cancel(after) => {
                        let cancelled = cx.cancel_timer(time + after);
                        cx.emit((key, time, "cancelled", i64::from(cancelled)));
                    }
                    Order::Chain(after, links) => {
                        state.get_or_insert_default().chain = links;
                        cx.set_timer(time + after);
                    }
                    Order::Clear => *state = None,
                }
            }
            fn on_timer(&mut self, state: &mut Option<State>, _: Timer, cx: &mut Context<'_, String, Row>) {
                cx.emit((cx.key().parse().unwrap(), cx.time(), "timer", state.as_ref().map_or(-1, |state| state.sum)));
                if let Some(state) = state
                    && state.chain > 0
                {
                    state.chain -= 1;
                    cx.set_timer(cx.time() + 3);
                }
            }
        }
        flow.source(fed(&events, true).1).timed().key_by(|record| record.0.to_string()).process_with(keeping(ttl), || Text).sink(sink);
        let mut driver = flow.drive(Config::default().batch(batch)).unwrap();
        rows.room(room);
        let mut all = Vec::new();
        while !driver.ended() {
            driver.run().unwrap();
            all.extend(rows.take());
        }
        all.extend(rows.take());
        prop_assert!(rows.ended());
        prop_assert_eq!(by_key(all), oracle(&events, ttl));
    }

    #[test]
    fn no_row_of_a_timer_is_late_and_the_watermark_comes_after_what_it_fires(events in events()) {
        let (mut input, source) = feed();
        let (sink, rows) = outputs::<(EventTime, Row)>();
        let mut flow = Dataflow::new("process");
        flow.source(source).timed().key_by(|record: &(u64, Order)| record.0).process(|| Obey).with_times().sink(sink);
        let mut driver = flow.drive(Config::default()).unwrap();
        for event in events {
            match event {
                Event::Record(key, time, order) => input.push(time, (key, order)),
                Event::Watermark(watermark) => {
                    driver.run().unwrap();
                    let before = rows.watermark();
                    rows.take();
                    input.watermark(watermark);
                    driver.run().unwrap();
                    let fired = rows.take();
                    prop_assert!(fired.is_sorted_by_key(|(time, _)| *time), "timers fire in time order");
                    prop_assert!(fired.iter().all(|(time, _)| *time > before && *time <= watermark), "{:?} after {}", fired, before);
                    prop_assert_eq!(rows.watermark(), watermark.max(before));
                }
            }
        }
    }
}

#[test]
fn what_is_held_is_bounded_when_a_timer_has_many_rows_and_the_sink_is_slow() {
    struct Burst;
    impl Process<u64, u64> for Burst {
        type State = ();
        type Out = u64;
        fn on_record(&mut self, _: &mut Option<()>, record: u64, cx: &mut Context<'_, u64, u64>) {
            cx.set_timer(0);
            (0..300).for_each(|_| cx.emit(record));
        }
        fn on_timer(&mut self, _: &mut Option<()>, _: Timer, cx: &mut Context<'_, u64, u64>) {
            (0..300).for_each(|_| cx.emit(0));
        }
    }
    let (mut input, source) = feed();
    let (sink, rows) = outputs::<u64>();
    let mut flow = Dataflow::new("burst");
    flow.source(source).timed().key_by(|record| *record).process(|| Burst).sink(sink);
    let mut driver = flow.drive(Config::default()).unwrap();
    rows.room(1);
    input.push_all((0..1000).map(|i| (0, i)));
    input.end();
    let mut total = 0;
    while !driver.ended() {
        driver.run().unwrap();
        total += rows.take().len();
    }
    assert_eq!(total, 2 * 300 * 1000);
    assert!(rows.largest_batch() < 1024 + 300, "{} rows in one batch", rows.largest_batch());
}

#[test]
fn a_hundred_thousand_timers_of_one_watermark_fire_in_one_run() {
    struct Once;
    impl Process<u64, u64> for Once {
        type State = ();
        type Out = u64;
        fn on_record(&mut self, _: &mut Option<()>, _: u64, cx: &mut Context<'_, u64, u64>) {
            cx.set_timer(i64::MAX);
            cx.set_timer(7);
        }
        fn on_timer(&mut self, _: &mut Option<()>, timer: Timer, cx: &mut Context<'_, u64, u64>) {
            cx.emit(u64::from(timer == Timer::Event(7)));
        }
    }
    let (mut input, source) = feed();
    let (sink, rows) = outputs::<u64>();
    let mut flow = Dataflow::new("many");
    flow.source(source).timed().key_by(|record| *record).process(|| Once).sink(sink);
    let mut driver = flow.drive(Config::default()).unwrap();
    input.push_all((0..100_000).map(|i| (0, i)));
    input.watermark(7);
    driver.run().unwrap();
    assert_eq!(rows.take().into_iter().sum::<u64>(), 100_000);
    assert_eq!(rows.watermark(), 7);
    input.end();
    driver.run().unwrap();
    assert_eq!(rows.take().len(), 100_000, "a timer for the end of time fires at the end");
    assert!(driver.ended());
}

/// Emits what the clock timers say.
struct Ticking;

impl Process<u8, (u8, Duration)> for Ticking {
    type State = ();
    type Out = (u8, u64);
    fn on_record(&mut self, _: &mut Option<()>, record: (u8, Duration), cx: &mut Context<'_, u8, (u8, u64)>) {
        cx.set_timer_in(record.1);
    }
    fn on_timer(&mut self, _: &mut Option<()>, timer: Timer, cx: &mut Context<'_, u8, (u8, u64)>) {
        let Timer::Clock(time) = timer else { panic!("no event timer was set") };
        cx.emit((*cx.key(), time));
        // Ignored at the end, or the job would never end.
        cx.set_timer_in(Duration::from_secs(100));
    }
}

#[test]
fn clock_timers_fire_when_the_clock_says_so_and_the_rest_at_the_end() {
    let clock = ManualClock::new();
    let (mut input, source) = feed();
    let (sink, rows) = outputs::<(u8, u64)>();
    let mut flow = Dataflow::new("ticks");
    let keeping = Keeping::new().clock(clock.clone());
    flow.source(source).timed().key_by(|record: &(u8, Duration)| record.0).process_with(keeping, || Ticking).sink(sink);
    let mut driver = flow.drive(Config::default()).unwrap();
    let ms = Duration::from_millis;
    input.push_all([(0, (1, ms(30))), (0, (2, ms(10))), (0, (3, ms(20))), (0, (2, ms(10)))]);
    driver.run().unwrap();
    assert_eq!(rows.take(), []);
    clock.advance(ms(9));
    driver.run().unwrap();
    assert_eq!(rows.take(), []);
    clock.advance(ms(12));
    driver.run().unwrap();
    assert_eq!(rows.take(), [(2, 10_000_000), (3, 20_000_000)], "in the order of their times, each once");
    input.end();
    driver.run().unwrap();
    let second = 1_000_000_000;
    assert_eq!(rows.take(), [(1, 30_000_000), (2, 21_000_000 + 100 * second), (3, 21_000_000 + 100 * second)], "none is lost at the end");
    assert!(driver.ended());
}

#[test]
fn a_clock_timer_fires_in_a_job_whose_input_is_silent() {
    for manual in [false, true] {
        let clock = ManualClock::new();
        let keeping = if manual { Keeping::new().clock(clock.clone()) } else { Keeping::new() };
        let (input, source) = ingress::<(u8, Duration)>(16);
        let (sink, mut rows) = egress::<(u8, u64)>(16);
        let mut flow = Dataflow::new("silent");
        flow.source(source).watermarks(thalweg::Monotone, |_| 0).key_by(|record| record.0).process_with(keeping, || Ticking).sink(sink);
        let running = flow.start(Config::default().workers(1)).unwrap();
        let mut handle = input.handle();
        handle.push((7, Duration::from_millis(30))).unwrap();
        if manual {
            // The worker sets the timer at some moment; after that the clock passes it.
            let mut row = None;
            while row.is_none() {
                clock.advance(Duration::from_millis(31));
                row = rows.next_timeout(Duration::from_millis(20)).ok();
            }
            assert_eq!(row.map(|row| row.0), Some(7));
        } else {
            assert_eq!(rows.next_timeout(Duration::from_secs(60)).ok().map(|row| row.0), Some(7));
        }
        drop(handle);
        running.stop().unwrap();
    }
}

#[test]
fn a_limit_and_a_failure_end_the_job_with_an_error_that_names_the_operator() {
    struct Sum;
    impl Process<u64, u64> for Sum {
        type State = u64;
        type Out = u64;
        fn on_record(&mut self, state: &mut Option<u64>, record: u64, cx: &mut Context<'_, u64, u64>) {
            let sum = state.get_or_insert(0);
            *sum += record;
            if *sum == 13 {
                cx.fail("thirteen");
            }
        }
    }
    let run = |keys_max: usize, records: &[u64]| {
        let (sink, _) = outputs::<u64>();
        let (mut input, source) = feed();
        input.push_all(records.iter().map(|record| (0, *record)));
        input.end();
        let mut flow = Dataflow::new("limit");
        let keeping = Keeping::new().keys_max(keys_max);
        flow.source(source).timed().key_by(|record| *record).process_with(keeping, || Sum).named("sums").sink(sink);
        flow.start(Config::default().workers(1)).unwrap().join()
    };
    run(3, &[1, 2, 3, 1, 2]).unwrap();
    let error = run(3, &[1, 2, 3, 4]).unwrap_err();
    assert!(matches!(&error, RunError::Operator { operator, why } if operator.contains("sums") && why.contains("3 keys")), "{error}");
    let error = run(9, &[1, 13]).unwrap_err();
    assert!(matches!(&error, RunError::Operator { operator, why } if operator.contains("sums") && why == "thirteen"), "{error}");
}

#[test]
fn a_time_to_live_frees_the_keys_that_have_gone() {
    struct Seen;
    impl Process<u64, u64> for Seen {
        type State = u64;
        type Out = u64;
        fn on_record(&mut self, state: &mut Option<u64>, _: u64, cx: &mut Context<'_, u64, u64>) {
            *state.get_or_insert(0) += 1;
            let _ = cx;
        }
    }
    // A million keys pass by; with a limit of 20,000 keys at a time the job succeeds only if they really go.
    let run = |ttl: Option<i64>| {
        let (sink, _) = outputs::<u64>();
        let (mut input, source) = feed();
        for i in 0..1_000_000i64 {
            input.push(i, i as u64);
            if i % 1000 == 0 {
                input.watermark(i);
            }
        }
        input.end();
        let mut flow = Dataflow::new("ttl");
        flow.source(source).timed().key_by(|record| *record).process_with(keeping(ttl).keys_max(20_000), || Seen).sink(sink);
        flow.start(Config::default().workers(1)).unwrap().join()
    };
    run(Some(10_000)).unwrap();
    assert!(matches!(run(None), Err(RunError::Operator { .. })));
}

#[test]
fn a_panic_in_a_driven_job_is_an_error_that_names_the_operator() {
    let (mut input, source) = feed();
    let (sink, _) = outputs::<u64>();
    let mut flow = Dataflow::new("panic");
    flow.source(source).timed().map(|i: u64| 10 / i).named("tenth").sink(sink);
    let mut driver = flow.drive(Config::default()).unwrap();
    input.push(0, 5);
    driver.run().unwrap();
    input.push(0, 0);
    let error = driver.run().unwrap_err();
    assert!(matches!(&error, RunError::Panic { operator, .. } if operator.contains("tenth")), "{error}");
}

#[test]
fn a_time_to_live_of_nothing_is_refused() {
    let (sink, _) = outputs::<Row>();
    let mut flow = Dataflow::new("refused");
    flow.source(feed().1).timed().key_by(|record: &(u64, Order)| record.0).process_with(keeping(Some(0)), || Obey).sink(sink);
    assert!(flow.drive(Config::default()).is_err());
}

#[test]
fn a_side_output_is_a_stream_of_its_own() {
    struct Parity;
    impl Process<u64, u64> for Parity {
        type State = ();
        type Out = Either<u64, String>;
        fn on_record(&mut self, _: &mut Option<()>, record: u64, cx: &mut Context<'_, u64, Self::Out>) {
            cx.emit(if record.is_multiple_of(2) { Either::Left(record) } else { Either::Right(record.to_string()) });
        }
    }
    for workers in 1..=thalweg::runtime::available_cores().limit.min(2) {
        let (even_sink, even) = outputs::<u64>();
        let (odd_sink, odd) = outputs::<String>();
        let (mut input, source) = feed();
        input.push_all((0..1000).map(|i| (i as i64, i)));
        input.watermark(998);
        input.end();
        let mut flow = Dataflow::new("sides");
        let (left, right) = flow.source(source).timed().key_by(|record| *record % 10).process(|| Parity).divide();
        left.map(|even| even + 1).sink(even_sink);
        right.sink(odd_sink);
        flow.start(Config::default().workers(workers).batch(7)).unwrap().join().unwrap();
        let (mut even, mut odd) = (even.take(), odd.take());
        even.sort_unstable();
        odd.sort_unstable_by_key(|text| text.parse::<u64>().unwrap());
        assert_eq!(even, (0..1000).filter(|i| i % 2 == 0).map(|i| i + 1).collect::<Vec<_>>());
        assert_eq!(odd, (0..1000).filter(|i| i % 2 == 1).map(|i| i.to_string()).collect::<Vec<_>>());
    }
}
