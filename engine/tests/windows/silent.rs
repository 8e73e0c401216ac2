//! Inputs that fall silent and come back: what is behind them waits for them again, whatever lies between.
//!
//! ```text
//!   left  ─ window ─┐
//!                   ├─ union ─ counts per 20 ms
//!   right ─ window ─┘    silent, and back before the left one goes on
//! ```

use thalweg::{
    Config, Count, Dataflow, Monotone, Session, Sliding, Tumbling, Windowed,
    testing::{Driver, Feed, Outputs, feed, outputs},
};

struct Two {
    left: Feed<i64>,
    right: Feed<i64>,
    out: Outputs<Windowed<i64, u64>>,
    driver: Driver,
}

impl Two {
    fn counts(&mut self) -> Vec<(i64, u64)> {
        self.driver.run().unwrap();
        self.out.take().into_iter().map(|row| (row.start, row.value)).collect()
    }
}

/// Two inputs of one worker, each with operators of its own, that meet and are counted.
macro_rules! two {
    ($stream:ident => $operators:expr) => {{
        let ((left, left_source), (right, right_source)) = (feed::<i64>(), feed::<i64>());
        let (sink, out) = outputs();
        let mut flow = Dataflow::new("two");
        let $stream = flow.source(left_source);
        let lefts = $operators;
        let $stream = flow.source(right_source);
        let rights = $operators;
        lefts.union(rights).key_by(|_| 0i64).window(Tumbling::millis(20)).aggregate(Count).sink(sink);
        Two { left, right, out, driver: flow.drive(Config::default()).unwrap() }
    }};
}

#[test]
fn windows_wait_for_an_input_that_comes_back() {
    let waits = |what: &str, mut two: Two| {
        for feed in [&mut two.left, &mut two.right] {
            feed.push(3, 3);
            feed.watermark(3);
        }
        two.right.idle();
        assert_eq!(two.counts(), [], "{what}");
        two.right.watermark(3);
        two.right.push(4, 4);
        assert_eq!(two.counts(), [], "{what}");
        two.left.watermark(90);
        assert_eq!(two.counts(), [], "{what}: the right input may still have results");
        two.right.watermark(90);
        assert_eq!((two.counts(), two.driver.late()), (vec![(0, 2)], 0), "{what}");
    };
    waits("tumbling", two!(source => source.timed().key_by(|_| 0i64).window(Tumbling::millis(10)).aggregate(Count)));
    waits("sliding", two!(source => source.timed().key_by(|_| 0i64).window(Sliding::millis(10, 10)).aggregate(Count)));
    waits("session", two!(source => source.timed().key_by(|_| 0i64).window(Session::millis(5)).aggregate(Count)));
    waits(
        "tumbling, lenient",
        two!(source => source.timed().key_by(|_| 0i64).window(Tumbling::millis(10)).allowed_lateness(5).aggregate(Count)),
    );
    waits(
        "session, lenient",
        two!(source => source.timed().key_by(|_| 0i64).window(Session::millis(5)).allowed_lateness(5).aggregate(Count)),
    );
}

#[test]
fn records_of_an_input_that_was_not_fed_end_its_silence() {
    macro_rules! waits {
        ($stream:ident => $watermarks:expr) => {{
            let mut two = two!($stream => $watermarks);
            two.left.push(3, 3);
            two.right.push(3, 3);
            two.right.idle();
            assert_eq!(two.counts(), []);
            // Event time is where it was.
            two.right.push(3, 3);
            assert_eq!(two.counts(), []);
            two.left.push(90, 90);
            assert_eq!(two.counts(), [], "the right input may still have more");
            two.right.push(90, 90);
            assert_eq!((two.counts(), two.driver.late()), (vec![(0, 3)], 0));
        }};
    }
    waits!(source => source.watermarks(Monotone, |record: &(i64, i64)| record.0));
    waits!(source => source.punctuated(|record: &(i64, i64)| record.0, |record: &(i64, i64)| Some(record.0 - 1)));
}

#[test]
fn a_silent_input_stalls_nothing_when_the_other_one_ends() {
    let ((mut left, left_source), (mut right, right_source)) = (feed::<i64>(), feed::<i64>());
    let (mut third, third_source) = feed::<i64>();
    let (sink, out) = outputs::<Windowed<i64, u64>>();
    let mut flow = Dataflow::new("three");
    let two = flow.source(left_source).timed().union(flow.source(right_source).timed());
    two.union(flow.source(third_source).timed()).key_by(|_| 0i64).window(Tumbling::millis(20)).aggregate(Count).sink(sink);
    let mut driver = flow.drive(Config::default()).unwrap();
    right.idle();
    driver.run().unwrap();
    left.push(3, 3);
    left.end();
    third.push(3, 3);
    third.watermark(90);
    driver.run().unwrap();
    let counts: Vec<_> = out.take().into_iter().map(|row| (row.start, row.value)).collect();
    assert_eq!(counts, [(0, 2)], "nobody but the third speaks");
}
