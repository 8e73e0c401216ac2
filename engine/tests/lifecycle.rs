//! Start, end and failure of jobs: refusals before a thread runs, panics that name their operator, orderly ends that lose nothing.
#![allow(clippy::unwrap_used)]

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use thalweg::{
    BoundedDisorder, BuildError, Collect, Config, Count, Dataflow, ForEach, Generate, Lines, Monotone, Own, Replay, RunError, Running, Sum,
    Tumbling, Windowed, runtime::available_cores,
};

fn start_numbers(config: Config) -> Result<Running, BuildError> {
    let mut flow = Dataflow::new("numbers");
    flow.source(Generate::new(10, |i| i)).sink(ForEach::new(|_: u64| ()));
    flow.start(config)
}

/// The message of a refusal.
fn refused(result: Result<Running, BuildError>) -> String {
    result.err().expect("it is refused").to_string()
}

#[test]
fn options_out_of_range_are_refused_with_a_remedy() {
    let limit = available_cores().limit;
    for (config, word) in [
        (Config::default().batch(0), "1 to 65536"),
        (Config::default().batch(1 << 20), "1 to 65536"),
        (Config::default().ring_bytes(1), "4 KiB to 1 GiB"),
        (Config::default().ring_bytes(usize::MAX), "4 KiB to 1 GiB"),
        (Config::default().workers(0), "at least 1"),
        (Config::default().workers(limit + 1), "at most"),
        (Config::default().cores([]), "at least one"),
        (Config::default().cores([99_999]), "may use the cores"),
        (Config::default().cores([available_cores().ids[0].0; 2]), "twice"),
        (Config::default().workers(3).cores([available_cores().ids[0].0]), "leave one of the two out"),
    ] {
        let message = refused(start_numbers(config));
        assert!(message.contains(word), "{message}");
    }
}

#[test]
fn operators_that_cannot_work_are_refused_by_name() {
    let window = |disorder, size| {
        let mut flow = Dataflow::new("windows");
        flow.source(Generate::new(1, |i| i))
            .watermarks(BoundedDisorder::millis(disorder), |_| 0)
            .key_by(|i| *i)
            .window(Tumbling::millis(size))
            .aggregate(Count)
            .sink(ForEach::new(|_: Windowed<u64, u64>| ()));
        refused(flow.start(Config::default()))
    };
    let message = window(0, 0);
    assert!(message.contains("window") && message.contains("1 ms or more") && message.contains("lifecycle.rs"), "{message}");
    let message = window(-5, 10);
    assert!(message.contains("watermarks") && message.contains("negative"), "{message}");
}

#[test]
fn unfinished_dataflows_are_refused() {
    assert!(refused(Dataflow::new("nothing").start(Config::default())).contains("is empty"));

    let mut flow = Dataflow::new("dropped");
    drop(flow.source(Generate::new(1, |i| i)).map(|i| i));
    assert!(refused(flow.start(Config::default())).contains("generate"));

    let mut flow = Dataflow::new("held");
    let stream = flow.source(Generate::new(1, |i| i));
    assert!(refused(flow.start(Config::default())).contains("sink"));
    drop(stream);

    let mut flow = Dataflow::new("half a split");
    let (even, odd) = flow.source(Generate::new(1, |i| i)).split(|i: &u64| i.is_multiple_of(2));
    even.sink(ForEach::new(|_: u64| ()));
    drop(odd);
    assert!(refused(flow.start(Config::default())).contains("split"));
}

#[test]
fn a_source_that_cannot_be_opened_is_refused_before_any_file_is_made() {
    let folder = tempfile::tempdir().unwrap();
    let mut flow = Dataflow::new("files");
    flow.source(Lines::file("/no/such/file"))
        .map(str::len)
        .sink(thalweg::FileSink::new(folder.path().join("out"), |length: usize, line: &mut Vec<u8>| {
            line.extend_from_slice(length.to_string().as_bytes())
        }));
    let message = refused(flow.start(Config::default()));
    assert!(message.contains("/no/such/file"), "{message}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

/// Runs a job that is to fail, and returns the operator that is blamed and the message.
fn panicked(flow: Dataflow) -> (String, String) {
    match flow.start(Config::default()).unwrap().join() {
        Err(RunError::Panic { operator, message }) => (operator, message),
        other => panic!("expected a panic to be reported, got {other:?}"),
    }
}

#[test]
fn a_panic_names_the_operator_it_came_from() {
    let numbers = || Generate::new(100_000, |i| i);
    let boom = |i: u64| assert_ne!(i, 70_000, "boom");
    let ignore = || ForEach::new(|_: u64| ());

    let mut flow = Dataflow::new("map");
    flow.source(numbers())
        .map(|i| i + 1)
        .map(move |i| {
            boom(i);
            i
        })
        .named("the second")
        .filter(|_| true)
        .sink(ignore());
    let (operator, message) = panicked(flow);
    assert!(operator.contains("the second") && operator.contains("lifecycle.rs"), "{operator}");
    assert!(message.contains("boom"), "{message}");

    let mut flow = Dataflow::new("filter");
    flow.source(numbers())
        .map(|i| i)
        .filter(move |i| {
            boom(*i);
            true
        })
        .map(|i| i)
        .sink(ignore());
    assert!(panicked(flow).0.contains("filter"));

    let mut flow = Dataflow::new("flat_map");
    flow.source(numbers()).flat_map(move |i| [i, i].into_iter().inspect(move |i| boom(*i))).map(|i| i).sink(ignore());
    assert!(panicked(flow).0.contains("flat_map"));

    let mut flow = Dataflow::new("inspect");
    flow.source(numbers()).inspect(move |i| boom(*i)).hop().sink(ignore());
    assert!(panicked(flow).0.contains("inspect"));

    let mut flow = Dataflow::new("split");
    let (left, right) = flow.source(numbers()).split(move |i: &u64| {
        boom(*i);
        true
    });
    left.sink(ignore());
    right.sink(ignore());
    assert!(panicked(flow).0.contains("split"));

    let mut flow = Dataflow::new("sink");
    flow.source(numbers()).map(|i| i).sink(ForEach::new(boom));
    assert!(panicked(flow).0.contains("for_each"));

    let mut flow = Dataflow::new("source");
    flow.source(Generate::new(100_000, move |i| {
        boom(i);
        i
    }))
    .map(|i| i)
    .filter(|_| true)
    .sink(ignore());
    assert!(panicked(flow).0.contains("generate"));
}

#[test]
fn a_panic_in_time_key_or_aggregate_names_the_operator() {
    let windows = |time: fn(u64) -> i64, key: fn(u64) -> u64, value: fn(u64) -> i64| {
        let mut flow = Dataflow::new("windows");
        flow.source(Generate::new(100_000, |i| i))
            .watermarks(Monotone, move |i| time(*i))
            .key_by(move |i| key(*i))
            .window(Tumbling::seconds(1))
            .aggregate(Sum::of::<Own<u64>>(move |i: &u64| value(*i)))
            .sink(ForEach::new(|_| ()));
        panicked(flow).0
    };
    fn bad(i: u64) -> u64 {
        assert_ne!(i, 70_000);
        i
    }
    assert!(windows(|i| bad(i) as i64, |i| i % 7, |i| i as i64).contains("watermarks"));
    assert!(windows(|i| i as i64, bad, |i| i as i64).contains("window"));
    assert!(windows(|i| i as i64, |i| i % 7, |i| bad(i) as i64).contains("window"));

    let mut flow = Dataflow::new("reduce");
    flow.source(Generate::new(100_000, |i| i))
        .key_by(|i| i % 10)
        .reduce(|a, b| {
            assert_ne!(b, 70_000);
            a.max(b)
        })
        .sink(ForEach::new(|_: thalweg::Update<'_, u64, u64>| ()));
    assert!(panicked(flow).0.contains("aggregate"));
}

/// A source's records, each of which is counted while it is alive.
#[derive(Debug)]
struct Counted(Arc<AtomicUsize>);

impl Counted {
    fn new(alive: &Arc<AtomicUsize>) -> Self {
        alive.fetch_add(1, Ordering::Relaxed);
        Self(alive.clone())
    }
}

impl Clone for Counted {
    fn clone(&self) -> Self {
        Self::new(&self.0)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[test]
fn every_record_is_dropped_once_however_the_job_ends() {
    for (end, panics) in [("join", false), ("stop", false), ("drain", false), ("join", true)] {
        let alive = Arc::new(AtomicUsize::new(0));
        let made = alive.clone();
        let mut flow = Dataflow::new("drops");
        let n = if end == "join" { 50_000 } else { u64::MAX };
        flow.source(Generate::new(n, move |i| (i, Counted::new(&made))))
            .filter(|(i, _)| i % 3 != 0)
            .hop()
            .map(move |(i, counted)| {
                assert!(!(panics && i > 40_000), "boom");
                (i, counted.clone(), counted)
            })
            .exchange(|record: &(u64, Counted, Counted)| record.0)
            .sink(ForEach::new(drop));
        let running = flow.start(Config::default().ring_bytes(4096).batch(64)).unwrap();
        let result = match end {
            "join" => running.join(),
            other => {
                std::thread::sleep(Duration::from_millis(20));
                if other == "stop" { running.stop() } else { running.drain() }
            }
        };
        assert_eq!(result.is_err(), panics);
        assert_eq!(alive.load(Ordering::Relaxed), 0, "{end}");
    }
}

#[test]
fn a_drop_that_panics_as_a_task_ends_is_a_fault_of_the_job() {
    struct Bomb(Arc<AtomicUsize>);
    impl Clone for Bomb {
        fn clone(&self) -> Self {
            Self(self.0.clone())
        }
    }
    impl Drop for Bomb {
        fn drop(&mut self) {
            assert_eq!(self.0.swap(0, Ordering::Relaxed), 0, "boom");
        }
    }
    let armed = Arc::new(AtomicUsize::new(0));
    let bomb = Bomb(armed);
    let mut flow = Dataflow::new("bomb");
    flow.source(Generate::new(10, |i| i)).hop().sink(ForEach::new(move |_: u64| bomb.0.store(1, Ordering::Relaxed)));
    match flow.start(Config::default().workers(1)).unwrap().join() {
        Err(RunError::Panic { message, .. }) => assert!(message.contains("boom"), "{message}"),
        other => panic!("expected the fault, got {other:?}"),
    }
}

#[test]
fn drain_loses_no_record_and_fires_open_windows() {
    let handed_out = Arc::new(AtomicU64::new(0));
    let count = handed_out.clone();
    let mut flow = Dataflow::new("drain");
    let (sink, rows) = Collect::<Windowed<u64, u64>>::new();
    flow.source(Generate::endless(move |i| {
        count.fetch_add(1, Ordering::Relaxed);
        i
    }))
    .hop()
    .watermarks(BoundedDisorder::millis(1 << 40), |i| *i as i64 / 1000)
    .key_by(|i| i % 10)
    .window(Tumbling::seconds(1))
    .aggregate(Count)
    .sink(sink);
    let running = flow.start(Config::default()).unwrap();
    std::thread::sleep(Duration::from_millis(50));
    assert!(!running.is_finished());
    let report = running.drain().unwrap();
    let counted: u64 = rows.take().iter().map(|row| row.value).sum();
    assert_eq!(counted, handed_out.load(Ordering::Relaxed));
    assert_eq!(report.records_in(), counted);
    assert_eq!(report.late, 0);
    assert!(counted > 0);
}

#[test]
fn stopping_an_endless_or_idle_job_does_not_hang() {
    for rate in [None, Some(0.5)] {
        let mut flow = Dataflow::new("endless");
        match rate {
            None => flow.source(Generate::endless(|i| i)).hop().sink(ForEach::new(|_: u64| ())),
            Some(rate) => flow.source(Generate::at_rate(u64::MAX, rate, |i, _| i)).hop().sink(ForEach::new(|_: u64| ())),
        }
        let running = flow.start(Config::default()).unwrap();
        std::thread::sleep(Duration::from_millis(30));
        let begun = Instant::now();
        running.stop().unwrap();
        assert!(begun.elapsed() < Duration::from_secs(20), "it hung");
    }
    // Dropping a running job stops it.
    let mut flow = Dataflow::new("dropped");
    flow.source(Generate::endless(|i| i)).sink(ForEach::new(|_: u64| ()));
    drop(flow.start(Config::default()).unwrap());
}

#[test]
fn a_failing_sink_ends_the_job_with_its_fault() {
    let mut flow = Dataflow::new("full");
    flow.source(Replay::new(vec![1u64; 1_000_000])).sink(thalweg::FileSink::new(
        "/proc/no-such-folder/out",
        |_: u64, line: &mut Vec<u8>| {
            line.push(b'x');
        },
    ));
    let failed = match flow.start(Config::default()) {
        Err(error) => error.to_string(),
        Ok(running) => running.join().unwrap_err().to_string(),
    };
    assert!(failed.contains("/proc/no-such-folder"), "{failed}");
}

#[test]
fn one_handle_feeds_several_workers_and_windows_fire_while_it_lives() {
    let (ingress, source) = thalweg::source::ingress::<i64>(64);
    let (sink, mut rows) = thalweg::sink::egress::<Windowed<i64, u64>>(64);
    let mut flow = Dataflow::new("one handle");
    flow.source(source).watermarks(Monotone, |time| *time).key_by(|time| time % 3).window(Tumbling::millis(10)).aggregate(Count).sink(sink);
    let running = flow.start(Config::default()).unwrap();
    let mut handle = ingress.handle();
    for time in 0..100 {
        handle.push(time).unwrap();
    }
    // Nothing has ended: the rows come because event time goes on without the workers that nobody feeds.
    let early: u64 = (0..27).map(|_| rows.next_timeout(Duration::from_secs(20)).unwrap().value).sum();
    assert_eq!(early, 90);
    drop((handle, ingress));
    let rest: u64 = std::iter::from_fn(|| rows.next_timeout(Duration::from_secs(20)).ok()).map(|row| row.value).sum();
    assert_eq!((early + rest, running.join().unwrap().late), (100, 0));
}
