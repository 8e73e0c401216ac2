//! Rows that borrow: brought to their owners, kept and joined, against naive models, whatever the workers and the batch.
#![allow(clippy::unwrap_used)]

use std::collections::{BTreeMap, HashMap};

use proptest::prelude::*;
use thalweg::{
    Config, Dataflow, Fold, Lines, Monotone, Record, RunError,
    changelog::Change,
    process::{Either, Ranked, RowContext, RowProcess},
    record::{ChangeOf, EitherOf, Held, Packed, PairOf, Portable, RankedOf},
};

/// A key, a number that tells rows apart, and text.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Row<'a> {
    key: u64,
    number: u64,
    text: &'a str,
}

type OwnedRow = (u64, u64, String);

impl Row<'_> {
    fn owned(&self) -> OwnedRow {
        (self.key, self.number, self.text.to_owned())
    }
}

struct Rows;

impl Record for Rows {
    type Of<'a> = Row<'a>;
}

impl Portable for Rows {
    type Fixed = (u64, u64, Packed<1>);
    fn pack(row: Row<'_>, texts: &mut String) -> Self::Fixed {
        (row.key, row.number, Packed::pack([row.text], texts))
    }
    fn unpack((key, number, packed): Self::Fixed, texts: &str) -> Row<'_> {
        let [text] = packed.of(texts);
        Row { key, number, text }
    }
    fn shorten<'s, 'l: 's>(row: Row<'l>) -> Row<'s> {
        row
    }
}

/// `key number text`
fn row(line: &str) -> Row<'_> {
    let mut parts = line.splitn(3, ' ');
    let mut number = || parts.next().unwrap().parse().unwrap();
    let (key, number) = (number(), number());
    Row { key, number, text: parts.next().unwrap() }
}

fn texts() -> impl Strategy<Value = String> {
    prop_oneof![Just(String::new()), "[a-z]{1,4}", "[a-zü語]{0,40}"]
}

/// Rows in any order; the keys are dense or scattered.
fn rows() -> impl Strategy<Value = Vec<OwnedRow>> {
    (prop::collection::vec((0..40u64, texts()), 0..1_500), prop_oneof![Just(1), Just(0x9e37_79b9_7f4a_7c15u64)]).prop_map(
        |(rows, scatter)| {
            // Numbers are a permutation, so that the highest may come at any time.
            (0u64..)
                .zip(rows)
                .map(|(i, (key, text))| (key.wrapping_mul(scatter), i.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 20, text))
                .collect()
        },
    )
}

fn lines(rows: &[OwnedRow]) -> Lines {
    Lines::text(rows.iter().map(|(key, number, text)| format!("{key} {number} {text}\n")).collect::<String>())
}

fn ways() -> impl Strategy<Value = Config> {
    let limit = thalweg::runtime::available_cores().limit;
    (1..=3usize, prop_oneof![Just(1), Just(7), Just(1024)], prop_oneof![Just(4_096), Just(1 << 18)])
        .prop_map(move |(workers, batch, ring)| Config::default().workers(workers.min(limit)).batch(batch).ring_bytes(ring))
}

/// Applies a worker's changes in their order.
fn apply<T: Clone + std::fmt::Debug + Eq + std::hash::Hash>(table: &mut HashMap<T, u32>, change: Change<T>) {
    let mut remove = |row: &T| {
        let count = table.get_mut(row).unwrap_or_else(|| panic!("{row:?} is not there"));
        *count -= 1;
        if *count == 0 {
            table.remove(row);
        }
    };
    let insert = match change {
        Change::Insert(row) => Some(row),
        Change::Delete(row) => {
            remove(&row);
            None
        }
        Change::Update { before, after } => {
            assert_ne!(before, after, "an update changes something");
            remove(&before);
            Some(after)
        }
    };
    if let Some(row) = insert {
        *table.entry(row).or_default() += 1;
    }
}

fn sorted<T: Ord + Clone>(table: &HashMap<T, u32>) -> Vec<T> {
    let mut rows: Vec<T> = table.iter().flat_map(|(row, count)| vec![row.clone(); *count as usize]).collect();
    rows.sort();
    rows
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn the_highest_row_of_each_key(rows in rows(), config in ways()) {
        let mut flow = Dataflow::new("highest");
        let (sink, tables) = Fold::new(HashMap::new(), |table: &mut HashMap<OwnedRow, u32>, change: Change<Row<'_>>| {
            apply(table, change.map(|row| row.owned()));
        });
        flow.source(lines(&rows))
            .map_to::<Rows, _>(row)
            .watermarks(Monotone, |_| 0)
            .key_by(|row| row.key)
            .latest_row_by(|row| row.number)
            .sink(typed::<ChangeOf<Rows>, _>(sink));
        flow.start(config).unwrap().join().unwrap();
        let mut expected = BTreeMap::<u64, OwnedRow>::new();
        for row in rows {
            let highest = expected.entry(row.0).or_insert_with(|| row.clone());
            if row.1 > highest.1 {
                *highest = row;
            }
        }
        let mut table: Vec<OwnedRow> = tables.take().iter().flat_map(sorted).collect();
        table.sort();
        prop_assert_eq!(table, expected.into_values().collect::<Vec<_>>());
    }

    #[test]
    fn the_top_rows_of_each_key(rows in rows(), config in ways(), n in 1..5usize) {
        let mut flow = Dataflow::new("top");
        let (sink, tables) = Fold::new(HashMap::new(), |table: &mut HashMap<(u32, OwnedRow), u32>, change: Change<Ranked<Row<'_>>>| {
            apply(table, change.map(|ranked| (ranked.rank, ranked.row.owned())));
        });
        flow.source(lines(&rows))
            .map_to::<Rows, _>(row)
            .watermarks(Monotone, |_| 0)
            .key_by(|row| row.key.to_string())
            .top_rows(n, |row| row.number)
            .sink(typed::<ChangeOf<RankedOf<Rows>>, _>(sink));
        flow.start(config).unwrap().join().unwrap();
        let mut of_key = BTreeMap::<u64, Vec<OwnedRow>>::new();
        rows.into_iter().for_each(|row| of_key.entry(row.0).or_default().push(row));
        let mut expected = Vec::new();
        for mut rows in of_key.into_values() {
            rows.sort_by_key(|row| std::cmp::Reverse(row.1));
            expected.extend((1u32..).zip(rows.into_iter().take(n)));
        }
        expected.sort();
        let mut table: Vec<_> = tables.take().iter().flat_map(sorted).collect();
        table.sort();
        prop_assert_eq!(table, expected);
    }

    #[test]
    fn many_to_one_gives_the_pairs_that_are_wanted(rows in rows(), config in ways(), twice: bool) {
        // The first row of a key in the order of numbers is its right row.
        let mut rights = BTreeMap::<u64, u64>::new();
        rows.iter().for_each(|row| { rights.entry(row.0).and_modify(|number| *number = row.1.min(*number)).or_insert(row.1); });
        let lefts_too_many = rows.len() > 1 && twice;
        let rights_of = std::sync::Arc::new(rights.clone());
        let is_right = move |row: &Row<'_>| rights_of.get(&row.key) == Some(&row.number);
        let mut flow = Dataflow::new("pairs");
        let (sink, pairs) = Fold::new(Vec::new(), |pairs: &mut Vec<(OwnedRow, OwnedRow)>, (left, right): (Row<'_>, Row<'_>)| {
            pairs.push((left.owned(), right.owned()));
        });
        let text: String = rows.iter().map(|(key, number, text)| format!("{key} {number} {text}\n")).collect();
        let first = rows.first().map_or(String::new(), |_| {
            let (key, number) = rights.iter().next().unwrap();
            format!("{key} {number} again\n")
        });
        let text = if lefts_too_many { text + &first } else { text };
        let side = Side(is_right);
        flow.source(Lines::text(text))
            .map_to::<Rows, _>(row)
            .watermarks(Monotone, |_| 0)
            .key_by(|row| row.key)
            .process_rows(move || side.clone())
            .key_by(|row| match row {
                Either::Left(row) | Either::Right(row) => row.key,
            })
            .many_to_one(|right| right.number.is_multiple_of(2))
            .sink(typed::<PairOf<Rows, Rows>, _>(sink));
        let result = flow.start(config).unwrap().join();
        if lefts_too_many {
            prop_assert!(matches!(result, Err(RunError::Operator { .. })), "{:?}", result.map(|_| ()));
            return Ok(());
        }
        result.unwrap();
        let mut expected: Vec<(OwnedRow, OwnedRow)> = rows
            .iter()
            .filter(|row| rights[&row.0] != row.1 && rights[&row.0].is_multiple_of(2))
            .map(|left| (left.clone(), rows.iter().find(|row| row.0 == left.0 && row.1 == rights[&left.0]).unwrap().clone()))
            .collect();
        let mut pairs: Vec<_> = pairs.take().into_iter().flatten().collect();
        pairs.sort();
        expected.sort();
        prop_assert_eq!(pairs, expected);
    }
}

/// Says what a sink takes, where it could be several families with the same rows.
fn typed<R: Record, K: thalweg::sink::Sink<R>>(sink: K) -> K {
    sink
}

/// Sends every row on, as a left or a right one, after having kept it.
#[derive(Clone)]
struct Side<F>(F);

impl<F: Fn(&Row<'_>) -> bool + 'static> RowProcess<u64, Rows> for Side<F> {
    type State = Held<Rows>;
    type Out = EitherOf<Rows, Rows>;

    fn on_record(&mut self, last: &mut Option<Held<Rows>>, row: Row<'_>, cx: &mut RowContext<'_, u64, EitherOf<Rows, Rows>>) {
        match last {
            None => *last = Some(Held::new(row)),
            Some(last) => last.set(row),
        }
        let kept = last.as_ref().map(Held::get).unwrap();
        assert_eq!(kept, row);
        let is_right = (self.0)(&kept);
        cx.emit(if is_right { Either::Right(kept) } else { Either::Left(kept) });
    }
}
