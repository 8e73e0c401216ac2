//! Windows of processing time, by a clock that the test moves.

use std::time::Duration;

use thalweg::{Config, Count, Dataflow, ProcessingTime, Session, Tumbling, Windowed, sink::egress, source::ingress, time::ManualClock};

const PATIENCE: Duration = Duration::from_secs(20);

#[test]
fn a_window_fires_when_the_clock_passes_it_though_no_record_comes() {
    for workers in 1..=thalweg::runtime::available_cores().limit.min(2) {
        let clock = ManualClock::new();
        clock.advance(Duration::from_millis(20_003));
        let (ingress, source) = ingress::<u64>(64);
        let (sink, mut rows) = egress::<Windowed<u64, u64>>(64);
        let mut flow = Dataflow::new("per ten seconds");
        flow.source(source)
            .processing_time(ProcessingTime::new().clock(clock.clone()).tick(Duration::from_secs(1)))
            .key_by(|key| *key)
            .window(Tumbling::seconds(10))
            .aggregate(Count)
            .sink(sink);
        let running = flow.start(Config::default().workers(workers)).unwrap();
        let mut handle = ingress.handle();
        let mut total = 0;
        for round in 0..5i64 {
            for _ in 0..=round {
                handle.push(7).unwrap();
            }
            // The clock stands, so the records of this round may only be taken in as long as it does.
            let mut seen = 0;
            while seen <= round {
                std::thread::sleep(Duration::from_millis(5));
                clock.advance(Duration::from_secs(10));
                if let Ok(row) = rows.next_timeout(Duration::from_millis(200)) {
                    assert_eq!((row.key, row.end - row.start, row.start % 10_000), (7, 10_000, 0));
                    assert!(row.start >= 20_000);
                    seen += row.value as i64;
                }
            }
            assert_eq!(seen, round + 1, "all of them, and no more");
            total += seen;
        }
        assert_eq!(total, 15);
        drop((handle, ingress));
        assert_eq!(running.join().unwrap().late, 0);
    }
}

#[test]
fn the_end_fires_what_is_open_and_sessions_work_by_the_clock_too() {
    let clock = ManualClock::new();
    let (ingress, source) = ingress::<u64>(64);
    let (sink, mut rows) = egress::<Windowed<u64, u64>>(64);
    let mut flow = Dataflow::new("sessions by the clock");
    flow.source(source)
        .processing_time(ProcessingTime::new().clock(clock.clone()).tick(Duration::from_millis(1)))
        .key_by(|key| *key)
        .window(Session::millis(50))
        .aggregate(Count)
        .sink(sink);
    let running = flow.start(Config::default().workers(1)).unwrap();
    let mut handle = ingress.handle();
    handle.push(1).unwrap();
    let row = loop {
        clock.advance(Duration::from_millis(51));
        if let Ok(row) = rows.next_timeout(Duration::from_millis(100)) {
            break row;
        }
    };
    assert_eq!((row.key, row.value, row.end - row.start), (1, 1, 50));
    handle.push(2).unwrap();
    drop((handle, ingress));
    let row = rows.next_timeout(PATIENCE).unwrap();
    assert_eq!((row.key, row.value), (2, 1));
    running.join().unwrap();
}

#[test]
fn a_tick_of_nothing_is_refused() {
    let mut flow = Dataflow::new("no tick");
    let (sink, _rows) = thalweg::Collect::<(i64, u64)>::new();
    flow.source(thalweg::Generate::new(1, |i| i))
        .processing_time(ProcessingTime::new().tick(Duration::from_micros(5)))
        .with_times()
        .sink(sink);
    let message = flow.start(Config::default()).err().unwrap().to_string();
    assert!(message.contains("processing_time") && message.contains("1 ms or more"), "{message}");
}
