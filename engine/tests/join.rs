//! Joins against nested loops: whatever the batch, the workers and the order in which the sides come.
#![allow(clippy::unwrap_used)]

use std::{collections::BTreeMap, fmt::Debug, sync::Arc};

use proptest::prelude::*;
use thalweg::{
    Collect, Config, Dataflow, EventTime, Own, RunError, Tumbling,
    changelog::Change,
    process::Either,
    record::EitherOf,
    state::Key,
    testing::{Feed, FeedSource, feed, outputs},
};

/// A key, an event time, and a number that tells rows apart.
type Row = (u32, EventTime, usize);

/// How far a record may be behind.
const DISORDER: i64 = 40;

#[derive(Clone, Copy, Debug)]
enum Event {
    Row(Row),
    Watermark(EventTime),
}

/// A side: rows up to `DISORDER` out of order, never late, and watermarks between them.
fn side() -> impl Strategy<Value = Vec<Event>> {
    prop::collection::vec((0..6u32, 0..15i64, 0..DISORDER, 0..5u8), 0..120).prop_map(|steps| {
        let (mut now, mut events) = (0, Vec::new());
        for (number, (key, step, behind, mark)) in steps.into_iter().enumerate() {
            now += step;
            if mark == 0 {
                events.push(Event::Watermark(now - DISORDER - 1));
            }
            events.push(Event::Row((key.wrapping_mul(0x9e37), now - behind, number)));
        }
        events
    })
}

fn rows_of(events: &[Event]) -> Vec<Row> {
    events.iter().filter_map(|event| if let Event::Row(row) = event { Some(*row) } else { None }).collect()
}

fn push(feed: &mut Feed<Row>, event: Event) {
    match event {
        Event::Row(row) => feed.push(row.1, row),
        Event::Watermark(watermark) => feed.watermark(watermark),
    }
}

fn fed(events: &[Event]) -> FeedSource<Row> {
    let (mut input, source) = feed();
    events.iter().for_each(|event| push(&mut input, *event));
    input.end();
    source
}

fn config(workers: usize, batch: usize) -> Config {
    Config::default().workers(workers.min(thalweg::runtime::available_cores().limit)).batch(batch)
}

fn sorted<T: Ord>(mut rows: Vec<T>) -> Vec<T> {
    rows.sort();
    rows
}

/// All pairs that pass.
fn pairs(lefts: &[Row], rights: &[Row], test: impl Fn(&Row, &Row) -> bool) -> Vec<(Row, Row)> {
    let of = |left: Row| rights.iter().filter(move |right| left.0 == right.0).map(move |right| (left, *right));
    sorted(lefts.iter().flat_map(|left| of(*left)).filter(|(left, right)| test(left, right)).collect())
}

/// Runs a join to its end. Multi-threaded where there are two workers.
macro_rules! joined {
    ($lefts:expr, $rights:expr, $workers:expr, $batch:expr, |$joined:ident| $build:expr) => {{
        let mut flow = Dataflow::new("join");
        let left = flow.source(fed($lefts)).timed().key_by(|row: &Row| row.0);
        let right = flow.source(fed($rights)).timed().key_by(|row: &Row| row.0);
        let (sink, rows) = Collect::new();
        let $joined = left.join(right);
        $build.sink(sink);
        let report = flow.start(config($workers, $batch)).unwrap().join().unwrap();
        assert_eq!(report.late, 0);
        rows.take()
    }};
}

/// A multiset that refuses to lose what it does not have.
#[derive(Debug, PartialEq)]
struct Table<T: Ord>(BTreeMap<T, usize>);

impl<T: Ord + Debug> Table<T> {
    fn of(rows: impl IntoIterator<Item = T>) -> Self {
        let mut table = Table(BTreeMap::new());
        rows.into_iter().for_each(|row| *table.0.entry(row).or_insert(0) += 1);
        table
    }

    fn apply(&mut self, change: Change<T>) {
        let (out, into) = match change {
            Change::Insert(row) => (None, Some(row)),
            Change::Delete(row) => (Some(row), None),
            Change::Update { before, after } => (Some(before), Some(after)),
        };
        if let Some(row) = out {
            let times = self.0.get_mut(&row).unwrap_or_else(|| panic!("{row:?} is deleted, but not there"));
            *times -= 1;
            self.0.retain(|_, times| *times > 0);
        }
        if let Some(row) = into {
            *self.0.entry(row).or_insert(0) += 1;
        }
    }
}

type Outer = (Option<Row>, Option<Row>);

fn outer(lefts: &[Row], rights: &[Row], is_full: bool) -> Table<Outer> {
    let both = pairs(lefts, rights, |_, _| true).into_iter().map(|(left, right)| (Some(left), Some(right)));
    let alone = |row: &Row, others: &[Row]| others.iter().all(|other| other.0 != row.0);
    let lefts_alone = lefts.iter().filter(|left| alone(left, rights)).map(|left| (Some(*left), None));
    let rights_alone = rights.iter().filter(|right| is_full && alone(right, lefts)).map(|right| (None, Some(*right)));
    Table::of(both.chain(lefts_alone).chain(rights_alone))
}

/// A left row with its window's start.
type InWindow = ((Row, String), EventTime);

fn text_of(row: &Row) -> String {
    format!("{}:{}", row.0, row.2)
}

/// Rows with odd numbers, on the left, semi-joined with those that have even ones.
fn semi_joined<K: Key>(rows: &[Event], config: Config, size: i64, key: impl Fn(u32) -> K + Clone + Send + 'static) -> Vec<InWindow> {
    let mut flow = Dataflow::new("semi");
    let (sink, joined) = Collect::new();
    flow.source(fed(rows))
        .timed()
        .filter_map_to::<EitherOf<Own<(Row, String)>, Own<Row>>, _>(|row: Row| {
            Some(if row.2 % 2 == 1 { Either::Left((row, text_of(&row))) } else { Either::Right(row) })
        })
        .key_by(move |row| match row {
            Either::Left((row, _)) | Either::Right(row) => key(row.0),
        })
        .window_semi_join(Tumbling::millis(size))
        .filter_map_to::<Own<InWindow>, _>(Some)
        .sink(sink);
    assert_eq!(flow.start(config).unwrap().join().unwrap().late, 0);
    joined.take()
}

/// By the definition: window by window, in the order of arrival.
fn semi_join_of(rows: &[Row], size: i64) -> Vec<InWindow> {
    let window = |row: &Row| row.1.div_euclid(size) * size;
    let is_met = |left: &&Row| rows.iter().any(|right| right.2 % 2 == 0 && right.0 == left.0 && window(right) == window(left));
    let mut met: Vec<_> =
        rows.iter().filter(|left| left.2 % 2 == 1).filter(is_met).map(|left| ((*left, text_of(left)), window(left))).collect();
    met.sort_by_key(|(_, start)| *start);
    met
}

/// The version that was valid, by the definition.
fn valid_at(left: &Row, rights: &[Row]) -> Option<Row> {
    // Of equal times `max_by_key` takes the last.
    rights.iter().filter(|right| right.0 == left.0 && right.1 <= left.1).max_by_key(|right| right.1).copied()
}

fn ways() -> impl Strategy<Value = (usize, usize)> {
    (1..=2usize, prop_oneof![Just(1usize), Just(64), Just(1024)])
}

proptest! {
    #![proptest_config(ProptestConfig { cases: thalweg::testing::cases(40), ..ProptestConfig::default() })]

    #[test]
    fn inner_gives_every_pair_once(lefts in side(), rights in side(), (workers, batch) in ways()) {
        let rows = joined!(&lefts, &rights, workers, batch, |join| join.inner(|left, right| (*left, *right)));
        prop_assert_eq!(sorted(rows), pairs(&rows_of(&lefts), &rows_of(&rights), |_, _| true));
    }

    #[test]
    fn left_and_full_end_right(lefts in side(), rights in side(), (workers, batch) in ways()) {
        let mut table = Table::of([]);
        let changes = joined!(&lefts, &rights, workers, batch, |join| join.left(|left, right| (Some(*left), right.copied())));
        changes.into_iter().for_each(|change| table.apply(change));
        prop_assert_eq!(table, outer(&rows_of(&lefts), &rows_of(&rights), false));
        let mut table = Table::of([]);
        let changes = joined!(&lefts, &rights, workers, batch, |join| join.full(|left, right| (left.copied(), right.copied())));
        changes.into_iter().for_each(|change| table.apply(change));
        prop_assert_eq!(table, outer(&rows_of(&lefts), &rows_of(&rights), true));
    }

    #[test]
    fn left_and_full_are_right_at_every_moment(steps in prop::collection::vec((any::<bool>(), 0..5u32), 0..80), is_full: bool) {
        let mut flow = Dataflow::new("moments");
        let ((mut left, left_source), (mut right, right_source)) = (feed::<Row>(), feed::<Row>());
        let (sink, out) = outputs::<Change<Outer>>();
        let join = flow.source(left_source).timed().key_by(|row| row.0).join(flow.source(right_source).timed().key_by(|row| row.0));
        if is_full {
            join.full(|left, right| (left.copied(), right.copied())).sink(sink);
        } else {
            join.left(|left, right| (Some(*left), right.copied())).sink(sink);
        }
        let mut driver = flow.drive(Config::default()).unwrap();
        let (mut lefts, mut rights, mut table) = (Vec::new(), Vec::new(), Table::of([]));
        for (number, (is_left, key)) in steps.into_iter().enumerate() {
            let row = (key, 0, number);
            let (feed, rows) = if is_left { (&mut left, &mut lefts) } else { (&mut right, &mut rights) };
            feed.push(0, row);
            rows.push(row);
            driver.run().unwrap();
            out.take().into_iter().for_each(|change| table.apply(change));
            prop_assert_eq!(&table, &outer(&lefts, &rights, is_full));
        }
    }

    #[test]
    fn between_gives_the_pairs_that_are_near(
        lefts in side(),
        rights in side(),
        (workers, batch) in ways(),
        lo in -60..60i64,
        span in 0..80i64,
    ) {
        let rows = joined!(&lefts, &rights, workers, batch, |join| join.between(lo, lo + span, |left, right| (*left, *right)));
        let near = |left: &Row, right: &Row| left.1 + lo <= right.1 && right.1 <= left.1 + lo + span;
        prop_assert_eq!(sorted(rows), pairs(&rows_of(&lefts), &rows_of(&rights), near));
    }

    #[test]
    fn windows_bring_the_rows_of_a_window_together(lefts in side(), rights in side(), (workers, batch) in ways(), size in 1..100i64) {
        let rows = joined!(&lefts, &rights, workers, batch, |join| join.window(Tumbling::millis(size), |key, start, lefts, rights| {
            [(*key, start, sorted(lefts), sorted(rights))]
        }));
        let mut expected = BTreeMap::<(u32, EventTime), (Vec<Row>, Vec<Row>)>::new();
        let window = |row: &Row| (row.0, row.1.div_euclid(size) * size);
        rows_of(&lefts).into_iter().for_each(|row| expected.entry(window(&row)).or_default().0.push(row));
        rows_of(&rights).into_iter().for_each(|row| expected.entry(window(&row)).or_default().1.push(row));
        let expected = expected.into_iter().map(|((key, start), (lefts, rights))| (key, start, sorted(lefts), sorted(rights))).collect();
        prop_assert_eq!(sorted(rows), sorted::<(u32, EventTime, Vec<Row>, Vec<Row>)>(expected));
    }

    /// As above, for rows that are lent: with texts, seen twice, in the order in which they came.
    #[test]
    fn windows_lend_the_rows_of_a_window(lefts in side(), (workers, batch) in ways(), size in 1..100i64) {
        let mut flow = Dataflow::new("lent");
        let (sink, rows) = Collect::new();
        flow.source(fed(&lefts))
            .timed()
            // Odd rows are texts on the left, even ones numbers on the right.
            .map(|(key, time, number)| (key, time, number, format!("{key}:{number}")))
            .filter_map_to::<EitherOf<Own<(Row, String)>, Own<Row>>, _>(|(key, time, number, text)| {
                Some(if number % 2 == 1 { Either::Left(((key, time, number), text)) } else { Either::Right((key, time, number)) })
            })
            .key_by(|row| match row {
                Either::Left((row, _)) | Either::Right(row) => row.0,
            })
            .window_join::<Own<(u32, EventTime, Row, Row)>, _>(Tumbling::millis(size), |key, start, lefts, rights, out| {
                assert_eq!((lefts.len(), rights.len()), (lefts.clone().count(), rights.clone().count()));
                for (left, text) in lefts {
                    assert_eq!(text, format!("{}:{}", left.0, left.2));
                    rights.clone().for_each(|right| out.emit((*key, start, left, right)));
                }
            })
            .sink(sink);
        let report = flow.start(config(workers, batch)).unwrap().join().unwrap();
        prop_assert_eq!(report.late, 0);
        let rows = rows.take();
        if workers == 1 {
            // Within a key and window, in the order in which they came, which the number is.
            let of = |row: &(u32, EventTime, Row, Row)| (row.0, row.1, row.2.2, row.3.2);
            prop_assert!(rows.windows(2).all(|two| (two[0].0, two[0].1) != (two[1].0, two[1].1) || of(&two[0]) < of(&two[1])));
        }
        let (odd, even): (Vec<Row>, Vec<Row>) = rows_of(&lefts).into_iter().partition(|row| row.2 % 2 == 1);
        let expected = pairs(&odd, &even, |left, right| left.1.div_euclid(size) == right.1.div_euclid(size));
        let expected = expected.into_iter().map(|(left, right)| (left.0, left.1.div_euclid(size) * size, left, right)).collect();
        prop_assert_eq!(sorted(rows), sorted::<(u32, EventTime, Row, Row)>(expected));
    }

    /// Whatever the keys are like: close together, far apart, or no numbers.
    #[test]
    fn a_semi_join_gives_the_left_rows_that_have_a_right_one(rows in side(), (workers, batch) in ways(), size in 1..100i64, kind in 0..3u8) {
        let got = match kind {
            0 => semi_joined(&rows, config(workers, batch), size, |key| key / 0x9e37),
            1 => semi_joined(&rows, config(workers, batch), size, |key| u64::from(key).wrapping_mul(0x9e37_79b9_7f4a_7c15)),
            _ => semi_joined(&rows, config(workers, batch), size, |key| key.to_string()),
        };
        let expected = semi_join_of(&rows_of(&rows), size);
        if workers == 1 {
            // Window by window, and within a window in the order in which they came.
            prop_assert_eq!(got, expected);
        } else {
            prop_assert_eq!(sorted(got), sorted(expected));
        }
    }

    #[test]
    fn as_of_gives_the_version_that_was_valid(lefts in side(), rights in side(), (workers, batch) in ways()) {
        let rows = joined!(&lefts, &rights, workers, batch, |join| join.as_of(|left, right| (left, right.copied())));
        let (lefts, rights) = (rows_of(&lefts), rows_of(&rights));
        prop_assert_eq!(sorted(rows), sorted(lefts.iter().map(|left| (*left, valid_at(left, &rights))).collect()));
    }

    /// Step by step, with watermarks in between: nothing that leaves is late, and what the watermark has passed is there.
    #[test]
    fn joins_by_time_are_right_at_every_watermark(lefts in side(), rights in side(), which in 0..3u8, batch in prop_oneof![Just(1usize), Just(64)]) {
        let mut flow = Dataflow::new("moments");
        let ((mut left, left_source), (mut right, right_source)) = (feed::<Row>(), feed::<Row>());
        let (sink, out) = outputs::<(EventTime, (Row, Option<Row>))>();
        let join = flow.source(left_source).timed().key_by(|row| row.0).join(flow.source(right_source).timed().key_by(|row| row.0));
        let window = Tumbling::millis(50);
        match which {
            0 => join.between(-20, 30, |left, right| (*left, Some(*right))).with_times().sink(sink),
            1 => join.as_of(|left, right| (left, right.copied())).with_times().sink(sink),
            _ => join
                .window(window, |_, _, lefts: Vec<Row>, rights: Vec<Row>| {
                    let of = |left: Row| rights.iter().map(move |right| (left, Some(*right)));
                    lefts.into_iter().flat_map(of).collect::<Vec<_>>()
                })
                .with_times()
                .sink(sink),
        }
        let mut driver = flow.drive(Config::default().batch(batch)).unwrap();
        let (mut all, mut at) = (Vec::new(), [0, 0]);
        while at[0] < lefts.len() || at[1] < rights.len() {
            // Some of one side, then some of the other.
            for (side, (events, feed)) in [(&lefts, &mut left), (&rights, &mut right)].into_iter().enumerate() {
                let until = (at[side] + 5 + side).min(events.len());
                events[at[side]..until].iter().for_each(|event| push(feed, *event));
                at[side] = until;
                let before = out.watermark();
                driver.run().unwrap();
                let rows = out.take();
                prop_assert!(rows.iter().all(|(time, _)| *time > before), "{:?} after {}", rows, before);
                all.extend(rows);
            }
            let (passed, lefts, rights) = (out.watermark(), rows_of(&lefts), rows_of(&rights));
            let time = |left: &Row, right: Option<&Row>| right.map_or(left.1, |right| left.1.max(right.1));
            let mut expected: Vec<(EventTime, (Row, Option<Row>))> = match which {
                0 => pairs(&lefts, &rights, |left, right| (left.1 - 20..=left.1 + 30).contains(&right.1))
                    .into_iter()
                    .map(|(left, right)| (time(&left, Some(&right)), (left, Some(right))))
                    .collect(),
                1 => lefts.iter().map(|left| (left.1, (*left, valid_at(left, &rights)))).collect(),
                _ => pairs(&lefts, &rights, |left, right| window.start(left.1) == window.start(right.1))
                    .into_iter()
                    .map(|(left, right)| (window.start(left.1) + 49, (left, Some(right))))
                    .collect(),
            };
            expected.retain(|(time, _)| *time <= passed);
            let here = all.iter().filter(|(time, _)| *time <= passed).copied().collect::<Vec<_>>();
            prop_assert_eq!(sorted(here), sorted(expected));
        }
        prop_assert_eq!(driver.late(), 0);
    }

    #[test]
    fn changelogs_are_joined_at_every_moment(steps in prop::collection::vec((any::<bool>(), 0..4u8, 0..4u32, any::<prop::sample::Index>()), 0..80)) {
        let mut flow = Dataflow::new("moments");
        let ((mut left, left_source), (mut right, right_source)) = (feed::<Change<Row>>(), feed::<Change<Row>>());
        let (sink, out) = outputs::<Change<(Row, Row)>>();
        let (lefts, rights) = (flow.source(left_source).timed(), flow.source(right_source).timed());
        lefts.join_rows(|row| row.0, rights, |row| row.0, usize::MAX, |left, right| (*left, *right)).sink(sink);
        let mut driver = flow.drive(Config::default()).unwrap();
        let (mut sides, mut table) = ([Vec::<Row>::new(), Vec::new()], Table::of([]));
        for (number, (is_left, kind, key, index)) in steps.into_iter().enumerate() {
            let rows = &mut sides[usize::from(is_left)];
            let row = (key, 0, number);
            let change = match kind {
                2 if !rows.is_empty() => Change::Delete(rows.swap_remove(index.index(rows.len()))),
                3 if !rows.is_empty() => {
                    let at = index.index(rows.len());
                    Change::Update { before: std::mem::replace(&mut rows[at], row), after: row }
                }
                _ => {
                    rows.push(row);
                    Change::Insert(row)
                }
            };
            if is_left { left.push(0, change) } else { right.push(0, change) }
            driver.run().unwrap();
            out.take().into_iter().for_each(|change| table.apply(change));
            prop_assert_eq!(&table, &Table::of(pairs(&sides[1], &sides[0], |_, _| true)));
        }
    }

    /// The highest row of each key on either side, joined: changes of changes, over threads.
    #[test]
    fn joined_changelogs_end_right(lefts in side(), rights in side(), (workers, batch) in ways()) {
        let mut flow = Dataflow::new("changes");
        let left = flow.source(fed(&lefts)).timed().key_by(|row| row.0).highest_by(|row| row.1);
        let right = flow.source(fed(&rights)).timed().key_by(|row| row.0).highest_by(|row| row.1);
        let (sink, changes) = Collect::<Change<(Row, Row)>>::new();
        // By another key than that of the sides, so that rows change hands.
        left.join_rows(|row| row.2 % 4, right, |row| row.2 % 4, usize::MAX, |left, right| (*left, *right)).sink(sink);
        flow.start(config(workers, batch)).unwrap().join().unwrap();
        let highest = |events: &[Event]| {
            let mut keys = BTreeMap::<u32, Row>::new();
            for row in rows_of(events) {
                let highest = keys.entry(row.0).or_insert(row);
                if row.1 > highest.1 {
                    *highest = row;
                }
            }
            keys.into_values().collect::<Vec<_>>()
        };
        let mut table = Table::of([]);
        changes.take().into_iter().for_each(|change| table.apply(change));
        let (lefts, rights) = (highest(&lefts), highest(&rights));
        let expected = lefts.iter().flat_map(|left| rights.iter().filter(|right| left.2 % 4 == right.2 % 4).map(|right| (*left, *right)));
        prop_assert_eq!(table, Table::of(expected));
    }

    #[test]
    fn a_side_input_is_read_to_its_end_first(lefts in side(), rights in side(), (workers, batch) in ways()) {
        let mut flow = Dataflow::new("side input");
        let left = flow.source(fed(&lefts)).timed();
        let right = flow.source(fed(&rights)).timed();
        let (sink, rows) = Collect::new();
        left.broadcast(right)
            .apply_after(
                BTreeMap::<u32, Vec<Row>>::new(),
                |table, right| table.entry(right.0).or_default().push(right),
                |table, left| table.get(&left.0).into_iter().flatten().map(|right| (left, *right)).collect::<Vec<_>>(),
            )
            .sink(sink);
        flow.start(config(workers, batch)).unwrap().join().unwrap();
        prop_assert_eq!(sorted(rows.take()), pairs(&rows_of(&lefts), &rows_of(&rights), |_, _| true));
    }

    #[test]
    fn a_table_is_looked_into(lefts in side(), rights in side(), (workers, batch) in ways()) {
        let mut table = BTreeMap::<u32, Vec<Row>>::new();
        rows_of(&rights).into_iter().for_each(|right| table.entry(right.0).or_default().push(right));
        let mut flow = Dataflow::new("lookup");
        let (sink, rows) = Collect::new();
        flow.source(fed(&lefts))
            .timed()
            .lookup(Arc::new(table), |table: &BTreeMap<u32, Vec<Row>>, left: Row| {
                table.get(&left.0).into_iter().flatten().map(|right| (left, *right)).collect::<Vec<_>>()
            })
            .sink(sink);
        flow.start(config(workers, batch)).unwrap().join().unwrap();
        prop_assert_eq!(sorted(rows.take()), pairs(&rows_of(&lefts), &rows_of(&rights), |_, _| true));
    }

    /// Rows that are over do not count, whether the join has let them go yet or not.
    #[test]
    fn an_interval_refuses_no_row_before_so_many_may_still_match(
        steps in prop::collection::vec((0..3u32, any::<bool>(), 0..60i64, 0..4i64, 0..8u8), 1..600),
        (lo, width) in (-60..60i64, 0..60i64),
        rows_max in 1..60usize,
    ) {
        let hi = lo + width;
        let mut flow = Dataflow::new("limit");
        let (mut input, source) = feed::<Either<Row, Row>>();
        let (sink, _) = outputs::<(Row, Row)>();
        flow.source(source)
            .timed()
            .join_sides(|left: &Row| left.0, |right: &Row| right.0)
            .rows_max(rows_max)
            .between(lo, hi, |left, right| (*left, *right))
            .sink(sink);
        let mut driver = flow.drive(Config::default()).unwrap();
        // Until when each row may match another one.
        let (mut now, mut watermark, mut kept) = (0, EventTime::MIN, Vec::<EventTime>::new());
        for (number, (key, is_left, behind, step, mark)) in steps.into_iter().enumerate() {
            now += step;
            if mark == 0 {
                watermark = watermark.max(now - 30);
                input.watermark(watermark);
                kept.retain(|until| *until > watermark);
            }
            let row = (key, now - behind, number);
            input.push(row.1, if is_left { Either::Left(row) } else { Either::Right(row) });
            let until = if is_left { row.1 + hi } else { row.1 - lo };
            if row.1 > watermark && until > watermark {
                kept.push(until);
            }
            let ran = driver.run();
            prop_assert_eq!(ran.is_err(), kept.len() > rows_max, "row {}, {} kept", number, kept.len());
            if ran.is_err() {
                break;
            }
        }
    }
}

#[test]
fn a_broadcast_reaches_every_worker_and_changes_what_comes_later() {
    let mut flow = Dataflow::new("broadcast");
    let ((mut left, left_source), (mut right, right_source)) = (feed::<i64>(), feed::<i64>());
    let (sink, rows) = outputs::<i64>();
    let (lefts, rights) = (flow.source(left_source).timed(), flow.source(right_source).timed());
    lefts.broadcast(rights).apply(1, |factor, right| *factor = right, |factor, left| [left * factor]).sink(sink);
    let mut driver = flow.drive(Config::default()).unwrap();
    left.push(0, 5);
    driver.run().unwrap();
    right.push(0, 10);
    driver.run().unwrap();
    left.push(0, 5);
    driver.run().unwrap();
    assert_eq!(rows.take(), [5, 50]);

    // Each worker hears of all right rows, wherever they were read.
    let workers = thalweg::runtime::available_cores().limit.min(2);
    let mut flow = Dataflow::new("broadcast");
    let lefts = flow.source(thalweg::Generate::new(10_000, |i| i)).watermarks(thalweg::Monotone, |_| 0);
    let rights = flow.source(thalweg::Generate::new(5_000, |i| i)).watermarks(thalweg::Monotone, |_| 0);
    let (sink, sums) = thalweg::Collect::new();
    lefts.broadcast(rights).apply_after(0, |sum, right| *sum += right, |sum, left| [(left, *sum)]).sink(sink);
    flow.start(Config::default().workers(workers).batch(16)).unwrap().join().unwrap();
    let expected = (0..5_000).sum::<u64>();
    assert_eq!(sorted(sums.take()), (0..10_000).map(|left| (left, expected)).collect::<Vec<_>>());
}

#[test]
fn late_rows_are_counted_and_change_nothing() {
    for which in 0..3 {
        let mut flow = Dataflow::new("late");
        let ((mut left, left_source), (mut right, right_source)) = (feed::<Row>(), feed::<Row>());
        let (sink, out) = outputs::<usize>();
        let join = flow.source(left_source).timed().key_by(|row| row.0).join(flow.source(right_source).timed().key_by(|row| row.0));
        match which {
            0 => join.between(-100, 100, |left, right| left.2 + right.2).sink(sink),
            1 => join.as_of(|left, right| left.2 + right.map_or(0, |right| right.2)).sink(sink),
            _ => join.window(Tumbling::millis(10), |_, _, lefts, rights| [lefts.len() + rights.len()]).sink(sink),
        }
        let mut driver = flow.drive(Config::default()).unwrap();
        left.push(5, (1, 5, 1));
        left.watermark(50);
        right.watermark(50);
        driver.run().unwrap();
        out.take();
        right.push(5, (1, 5, 1));
        right.push(49, (1, 49, 1));
        left.push(50, (2, 50, 1));
        driver.run().unwrap();
        assert!(out.take().is_empty());
        // A window that is open takes what is behind the watermark.
        assert_eq!(driver.late(), if which == 2 { 2 } else { 3 });
    }
}

#[test]
fn a_semi_join_counts_late_rows_and_emits_a_large_window_in_steps() {
    let mut flow = Dataflow::new("large");
    let (mut rows, source) = feed::<Row>();
    let (sink, out) = outputs::<(EventTime, usize, EventTime)>();
    flow.source(source)
        .timed()
        .filter_map_to::<EitherOf<Own<Row>, Own<Row>>, _>(|row: Row| Some(if row.2 == 0 { Either::Right(row) } else { Either::Left(row) }))
        .key_by(|row| match row {
            Either::Left(row) | Either::Right(row) => row.0,
        })
        .window_semi_join(Tumbling::millis(10))
        .filter_map_to::<Own<(usize, EventTime)>, _>(|(left, start): (Row, EventTime)| Some((left.2, start)))
        .with_times()
        .map(|(time, (number, start))| (time, number, start))
        .sink(sink);
    let mut driver = flow.drive(Config::default()).unwrap();
    // Two windows at once, so that one is emptied while the other waits; of the first one every third row is met.
    for number in 1..5_000 {
        rows.push(13, (7, 13, number));
        rows.push(5, (number as u32 % 3, 5, number));
    }
    rows.push(4, (1, 4, 0));
    rows.push(19, (7, 19, 0));
    rows.watermark(19);
    driver.run().unwrap();
    let first = (1..5_000).filter(|number| number % 3 == 1).map(|number| (9, number, 0));
    let second = (1..5_000).map(|number| (19, number, 10));
    assert_eq!(out.take(), first.chain(second).collect::<Vec<_>>());
    assert_eq!(driver.late(), 0);

    // What comes to a window that has fired is late on either side; the memory of one that has fired holds nothing for the next.
    rows.push(19, (7, 19, 0));
    rows.push(18, (7, 18, 1));
    rows.push(20, (7, 20, 1));
    rows.push(20, (8, 20, 2));
    rows.push(29, (8, 29, 0));
    rows.watermark(100);
    driver.run().unwrap();
    assert_eq!(out.take(), [(29, 2, 20)]);
    assert_eq!(driver.late(), 2);
}

#[test]
fn what_time_has_passed_is_cleaned_up_and_what_stays_has_a_limit() {
    let run = |which: u8, rows_max: usize| {
        let mut flow = Dataflow::new("limit");
        let source = || thalweg::Generate::new(100_000, |i| i as i64);
        let left = flow.source(source()).watermarks(thalweg::Monotone, |time| *time).key_by(|time| time % 100);
        let right = flow.source(source()).watermarks(thalweg::Monotone, |time| *time).key_by(|time| time % 100);
        let (sink, rows) = thalweg::Fold::new(0u64, |rows: &mut u64, _: i64| *rows += 1);
        let join = left.join(right).rows_max(rows_max).named("meeting");
        match which {
            0 => join.between(0, 100, |left, right| left + right).sink(sink),
            1 => join.window(Tumbling::seconds(1), |_, start, _, _| [start]).sink(sink),
            2 => join.as_of(|left, _| left).sink(sink),
            _ => join.inner(|left, right| left + right).filter(|sum| *sum < 0).sink(sink),
        }
        flow.start(Config::default().workers(1).batch(64)).unwrap().join().map(|_| rows.merge(|a, b| a + b).unwrap())
    };
    // 200,000 rows pass by; the two sides drift apart by a few batches at most.
    assert_eq!(run(0, 10_000).unwrap(), 100_000 + 99_900);
    assert_eq!(run(1, 10_000).unwrap(), 100 * 100);
    assert_eq!(run(2, 10_000).unwrap(), 100_000);
    let error = run(3, 10_000).unwrap_err();
    assert!(
        matches!(&error, RunError::Operator { operator, why } if operator.contains("meeting") && why.contains("10000 rows")),
        "{error}"
    );
}

#[test]
fn bounds_that_hold_nothing_are_refused() {
    for which in 0..2 {
        let mut flow = Dataflow::new("refused");
        let (sink, _) = outputs::<u32>();
        let (left, right) = (flow.source(feed::<Row>().1).timed(), flow.source(feed::<Row>().1).timed());
        let join = left.key_by(|row| row.0).join(right.key_by(|row| row.0));
        if which == 0 {
            join.between(1, 0, |left, _| left.0).sink(sink);
        } else {
            join.window(Tumbling::millis(0), |key, _, _, _| [*key]).sink(sink);
        }
        assert!(flow.drive(Config::default()).is_err());
    }
}
