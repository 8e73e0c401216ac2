//! Changelogs and the stateful shorthands: after each single record, the changes applied so far give what a naive query over the records so
//! far gives; and the final table is the same however the job is run.
#![allow(clippy::unwrap_used)]

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    fmt::Debug,
};

use proptest::prelude::*;
use thalweg::{
    Collect, Config, Dataflow, EventTime, Own,
    changelog::{Change, Count, Materialise, Max, Mean, Min, Sum},
    process::Ranked,
    testing::{feed, outputs},
};

/// A key, a value, and a number that tells rows apart.
type Row = (u32, i64, usize);

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
            Change::Update { before, after } => {
                assert_ne!(before, after, "an update that changes nothing");
                (Some(before), Some(after))
            }
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

fn rows() -> impl Strategy<Value = Vec<Row>> {
    let spread = prop_oneof![Just(1u32), Just(0x9e37_79b9)];
    (prop::collection::vec((0..8u32, -20..20i64), 0..150), spread).prop_map(|(rows, spread)| {
        rows.into_iter().enumerate().map(|(number, (key, value))| (key.wrapping_mul(spread), value, number)).collect()
    })
}

/// Changes that are sound: what goes was there.
fn changes() -> impl Strategy<Value = Vec<Change<Row>>> {
    prop::collection::vec((0..4u8, 0..6u32, -20..20i64, any::<prop::sample::Index>()), 0..150).prop_map(|steps| {
        let (mut here, mut changes) = (Vec::<Row>::new(), Vec::new());
        for (number, (kind, key, value, index)) in steps.into_iter().enumerate() {
            let row = (key, value, number);
            match kind {
                2 if !here.is_empty() => changes.push(Change::Delete(here.swap_remove(index.index(here.len())))),
                3 if !here.is_empty() => {
                    let at = index.index(here.len());
                    changes.push(Change::Update { before: std::mem::replace(&mut here[at], row), after: row });
                }
                _ => {
                    here.push(row);
                    changes.push(Change::Insert(row));
                }
            }
        }
        changes
    })
}

fn rows_of(changes: &[Change<Row>]) -> Vec<Row> {
    let mut table = Table::of([]);
    changes.iter().for_each(|change| table.apply(*change));
    table.0.into_keys().collect()
}

/// Feeds records one by one to a job, and compares its table with a query over the records so far.
macro_rules! at_every_moment {
    ($records:expr, |$stream:ident| $build:expr, |$seen:ident| $query:expr) => {{
        let records = $records;
        let (mut input, source) = feed();
        let (sink, out) = outputs();
        let mut flow = Dataflow::new("moments");
        let $stream = flow.source(source).timed();
        $build.sink(sink);
        let mut driver = flow.drive(Config::default()).unwrap();
        let mut table = Table::of([]);
        for (time, record) in records.iter().enumerate() {
            input.push(time as EventTime, record.clone());
            driver.run().unwrap();
            out.take().into_iter().for_each(|change| table.apply(change));
            let $seen = &records[..=time];
            prop_assert_eq!(&table, &Table::of($query));
        }
    }};
}

fn per_key<T: Clone>(rows: &[T], key: impl Fn(&T) -> u32) -> BTreeMap<u32, Vec<T>> {
    let mut keys = BTreeMap::<u32, Vec<T>>::new();
    rows.iter().for_each(|row| keys.entry(key(row)).or_default().push(row.clone()));
    keys
}

fn top_of(rows: &[Row], n: usize) -> Vec<Ranked<Row>> {
    let ranks = |mut rows: Vec<Row>| {
        // A stable sort: of equal values the first comes first.
        rows.sort_by_key(|row| -row.1);
        rows.into_iter().take(n).zip(1..).map(|(row, rank)| Ranked { rank, row }).collect::<Vec<_>>()
    };
    per_key(rows, |row| row.0).into_values().flat_map(ranks).collect()
}

fn latest_of(rows: &[Row]) -> Vec<Row> {
    // Of equal values, `max_by_key` takes the last.
    per_key(rows, |row| row.0).into_values().filter_map(|rows| rows.into_iter().max_by_key(|row| row.1)).collect()
}

fn keyed<V>(rows: &[Row], value: impl Fn(&[i64]) -> V) -> Vec<(u32, V)> {
    let values = |rows: Vec<Row>| rows.into_iter().map(|row| row.1).collect::<Vec<i64>>();
    per_key(rows, |row| row.0).into_iter().map(|(key, rows)| (key, value(&values(rows)))).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: thalweg::testing::cases(48), ..ProptestConfig::default() })]

    #[test]
    fn top_is_right_at_every_moment(rows in rows(), n in 1..5usize) {
        at_every_moment!(rows, |stream| stream.key_by(|row: &Row| row.0).top(n, |row| row.1), |seen| top_of(seen, n));
    }

    #[test]
    fn latest_is_right_at_every_moment(rows in rows()) {
        at_every_moment!(rows, |stream| stream.key_by(|row: &Row| row.0).latest_by(|row| row.1), |seen| latest_of(seen));
    }

    #[test]
    fn aggregates_of_rows_that_only_come_are_right_at_every_moment(rows in rows()) {
        at_every_moment!(rows.clone(), |stream| stream.key_by(|row: &Row| row.0).changes(thalweg::Count),
            |seen| keyed(seen, |values| values.len() as u64));
        at_every_moment!(rows,
            |stream| stream.key_by(|row: &Row| row.0).changes(thalweg::Sum::of::<Own<Row>>(|row: &Row| row.1)).map_rows(|(key, sum)| (key, sum.sum)),
            |seen| keyed(seen, |values| values.iter().sum::<i64>()));
    }

    #[test]
    fn aggregates_of_rows_that_come_and_go_are_right_at_every_moment(changes in changes()) {
        at_every_moment!(changes.clone(), |stream| stream.aggregate_rows(|row: &Row| row.0, Count),
            |seen| keyed(&rows_of(seen), |values| values.len() as u64));
        at_every_moment!(changes.clone(), |stream| stream.aggregate_rows(|row: &Row| row.0, Sum::of(|row: &Row| row.1)),
            |seen| keyed(&rows_of(seen), |values| i128::from(values.iter().sum::<i64>())));
        at_every_moment!(changes.clone(), |stream| stream.aggregate_rows(|row: &Row| row.0, Mean::of(|row: &Row| row.1)),
            |seen| keyed(&rows_of(seen), |values| values.iter().sum::<i64>() / values.len() as i64));
        at_every_moment!(changes.clone(), |stream| stream.aggregate_rows(|row: &Row| row.0, Min::of(|row: &Row| row.1)),
            |seen| keyed(&rows_of(seen), |values| values.iter().min().copied()));
        at_every_moment!(changes, |stream| stream.aggregate_rows(|row: &Row| row.0, Max::of(|row: &Row| row.1)),
            |seen| keyed(&rows_of(seen), |values| values.iter().max().copied()));
    }

    #[test]
    fn rows_are_mapped_and_filtered_at_every_moment(changes in changes()) {
        at_every_moment!(changes, |stream| stream.filter_rows(|row: &Row| row.1 > 0).map_rows(|row| (row.2, row.1)),
            |seen| rows_of(seen).into_iter().filter(|row| row.1 > 0).map(|row| (row.2, row.1)).collect::<Vec<_>>());
    }

    /// How many keys have each greatest value: the shape of q4, an aggregate over the changes of another.
    #[test]
    fn aggregates_of_aggregates_end_right_however_they_are_run(
        rows in rows(),
        workers in 1..=2usize,
        batch in prop_oneof![Just(1usize), Just(64), Just(1024)],
    ) {
        let workers = workers.min(thalweg::runtime::available_cores().limit);
        let mut flow = Dataflow::new("nested");
        let (sink, table) = Materialise::by(|row: &(i64, u64)| row.0);
        let (mut input, source) = feed();
        input.push_all(rows.iter().enumerate().map(|(time, row)| (time as EventTime, *row)));
        input.end();
        flow.source(source)
            .timed()
            .key_by(|row: &Row| row.0)
            .latest_by(|row| row.1)
            .aggregate_rows(|row: &Row| row.1, Count)
            .sink(sink);
        flow.start(Config::default().workers(workers).batch(batch)).unwrap().join().unwrap();
        let mut expected = HashMap::<i64, (i64, u64)>::new();
        for (_, greatest, _) in latest_of(&rows) {
            expected.entry(greatest).or_insert((greatest, 0)).1 += 1;
        }
        prop_assert_eq!(table.take(), expected);
    }

    #[test]
    fn the_final_ranks_are_the_same_however_the_job_is_run(
        rows in rows(),
        n in 1..5usize,
        workers in 1..=2usize,
        batch in prop_oneof![Just(1usize), Just(64), Just(1024)],
    ) {
        let workers = workers.min(thalweg::runtime::available_cores().limit);
        let mut flow = Dataflow::new("ranks");
        let (sink, table) = Materialise::by(|row: &Ranked<Row>| (row.row.0, row.rank));
        let (mut input, source) = feed();
        input.push_all(rows.iter().enumerate().map(|(time, row)| (time as EventTime, *row)));
        input.end();
        flow.source(source).timed().key_by(|row: &Row| row.0).top(n, |row| row.1).sink(sink);
        flow.start(Config::default().workers(workers).batch(batch)).unwrap().join().unwrap();
        let expected: HashMap<(u32, u32), Ranked<Row>> = top_of(&rows, n).into_iter().map(|row| ((row.row.0, row.rank), row)).collect();
        prop_assert_eq!(table.take(), expected);
    }

    #[test]
    fn duplicates_are_dropped_for_as_long_as_was_said(
        steps in prop::collection::vec((0..6u32, 0..12i64), 0..300),
        within in prop::option::of(1..40i64),
        workers in 1..=2usize,
        batch in prop_oneof![Just(1usize), Just(64)],
    ) {
        let workers = workers.min(thalweg::runtime::available_cores().limit);
        let mut now = 0;
        let records: Vec<(EventTime, u32)> = steps.into_iter().map(|(key, step)| { now += step; (now, key) }).collect();
        let (mut input, source) = feed();
        for &(time, key) in &records {
            input.push(time, (time, key));
            input.watermark(time - 1);
        }
        input.end();
        let mut flow = Dataflow::new("duplicates");
        let (sink, passed) = Collect::<(EventTime, u32)>::new();
        let stream = flow.source(source).timed().key_by(|record: &(EventTime, u32)| record.1);
        match within {
            Some(within) => stream.deduplicate_within(within).sink(sink),
            None => stream.deduplicate().sink(sink),
        }
        flow.start(Config::default().workers(workers).batch(batch)).unwrap().join().unwrap();
        let mut last = HashMap::<u32, EventTime>::new();
        let mut expected: Vec<_> = records
            .into_iter()
            .filter(|(time, key)| {
                let passes = last.get(key).is_none_or(|last| within.is_some_and(|within| last + within <= *time));
                if passes {
                    last.insert(*key, *time);
                }
                passes
            })
            .collect();
        let mut passed = passed.take();
        passed.sort_unstable();
        expected.sort_unstable();
        prop_assert_eq!(passed, expected);
    }

    #[test]
    fn the_last_n_are_shown_in_order(rows in rows(), n in 1..6usize, batch in prop_oneof![Just(1usize), Just(64)]) {
        let (mut input, source) = feed();
        input.push_all(rows.iter().enumerate().map(|(time, row)| (time as EventTime, *row)));
        input.end();
        let mut flow = Dataflow::new("last");
        let (sink, out) = Collect::<(u32, Vec<usize>)>::new();
        flow.source(source)
            .timed()
            .key_by(|row: &Row| row.0)
            .last_n(n, |key, rows: &VecDeque<Row>| (*key, rows.iter().map(|row| row.2).collect()))
            .sink(sink);
        flow.start(Config::default().workers(1).batch(batch)).unwrap().join().unwrap();
        let expected: Vec<(u32, Vec<usize>)> = (0..rows.len())
            .map(|at| {
                let same: Vec<usize> = rows[..=at].iter().filter(|row| row.0 == rows[at].0).map(|row| row.2).collect();
                (rows[at].0, same[same.len().saturating_sub(n)..].to_vec())
            })
            .collect();
        prop_assert_eq!(out.take(), expected);
    }
}

#[test]
fn a_changelog_that_deletes_what_is_not_there_is_an_error() {
    let (mut input, source) = feed::<Change<Row>>();
    let (sink, _) = outputs::<Change<(u32, u64)>>();
    let mut flow = Dataflow::new("unsound");
    flow.source(source).timed().aggregate_rows(|row: &Row| row.0, Count).sink(sink);
    let mut driver = flow.drive(Config::default()).unwrap();
    input.push(0, Change::Delete((1, 2, 3)));
    let error = driver.run().unwrap_err();
    assert!(error.to_string().contains("never inserted"), "{error}");
}

#[test]
fn no_records_at_all_are_refused() {
    let (sink, _) = outputs::<Change<Ranked<Row>>>();
    let mut flow = Dataflow::new("none");
    flow.source(feed::<Row>().1).timed().key_by(|row| row.0).top(0, |row| row.1).sink(sink);
    assert!(flow.drive(Config::default()).is_err());
}

#[test]
fn what_is_kept_for_ever_has_a_limit() {
    for keys_max in [5, 10] {
        let mut flow = Dataflow::new("limit");
        let (sink, _) = outputs::<u64>();
        let records = thalweg::Generate::new(1000, |i| i);
        flow.source(records).watermarks(thalweg::Monotone, |_| 0).key_by(|i| i % 10).keys_max(keys_max).deduplicate().sink(sink);
        let ended = flow.start(Config::default().workers(1)).unwrap().join();
        if keys_max < 10 {
            let error = ended.unwrap_err().to_string();
            assert!(error.contains("deduplicate") && error.contains("5 keys"), "{error}");
        } else {
            assert_eq!(ended.unwrap().records_in(), 1000);
        }
    }
}
