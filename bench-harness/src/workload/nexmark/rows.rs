//! Result rows: as cells while they are made, as text columns when they are kept, as an [`Answer`] when only equality matters.
//!
//! ```text
//!   oracle ──┐                         ┌─▶ Rows    every row as text, for small inputs and for people
//!            ├─▶ &[Cell], one a row ───┤
//!   engine ──┘                         └─▶ Digest  rows and checksum: equal for equal multisets, in constant memory
//! ```
//!
//! Law: both give the same for the same rows in any order; a cell of another value, type or place, or one that is missing, gives another.

use std::fmt;

use super::query::{Mode, Query, Type};
use crate::workload::{Answer, mix, text_column};

/// One column of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Cell<'a> {
    /// Nothing: the part is missing.
    Null,
    /// A whole number.
    Int(i64),
    /// Thousandths: 908 is written `0.908`. Wide enough for any price times 908.
    Thousandths(i128),
    /// Text.
    Text(&'a str),
}

impl fmt::Display for Cell<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Cell::Null => Ok(()),
            Cell::Int(number) => write!(f, "{number}"),
            Cell::Thousandths(number) => {
                let sign = if number < 0 { "-" } else { "" };
                write!(f, "{sign}{}.{:03}", number.unsigned_abs() / 1000, number.unsigned_abs() % 1000)
            }
            Cell::Text(text) => f.write_str(text),
        }
    }
}

impl Cell<'_> {
    /// The column's share of a digest. Numbers stand for themselves: [`row`](crate::workload::row) gives each place a weight and mixes the sum.
    #[inline(always)]
    fn hashed(self) -> u64 {
        match self {
            Cell::Null => 0x6e75_6c6c_6e75_6c6c,
            Cell::Int(number) => number as u64,
            Cell::Thousandths(number) => (number as u64).wrapping_mul(mix(1) | 1).wrapping_add(mix(2)).wrapping_add((number >> 64) as u64),
            Cell::Text(text) => text_column(text),
        }
    }

    fn fits(self, is: Type) -> bool {
        matches!((self, is), (Cell::Int(_), Type::Int) | (Cell::Thousandths(_), Type::Decimal) | (Cell::Text(_) | Cell::Null, Type::Text))
    }
}

/// A [`Cell`] of its own, for rows that are kept.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kept {
    /// Nothing: the part is missing.
    Null,
    /// A whole number.
    Int(i64),
    /// Thousandths.
    Thousandths(i128),
    /// Text.
    Text(Box<str>),
}

impl Kept {
    /// Keeps a cell.
    pub fn of(cell: &Cell<'_>) -> Kept {
        match *cell {
            Cell::Null => Kept::Null,
            Cell::Int(number) => Kept::Int(number),
            Cell::Thousandths(number) => Kept::Thousandths(number),
            Cell::Text(text) => Kept::Text(text.into()),
        }
    }

    /// The cell, borrowed.
    pub fn cell(&self) -> Cell<'_> {
        match self {
            Kept::Null => Cell::Null,
            Kept::Int(number) => Cell::Int(*number),
            Kept::Thousandths(number) => Cell::Thousandths(*number),
            Kept::Text(text) => Cell::Text(text),
        }
    }
}

/// Reduces rows to an [`Answer`] as they come.
#[derive(Clone, Copy, Debug)]
pub struct Digest {
    query: Query,
    answer: Answer,
}

impl Digest {
    /// Of a query's rows; none so far.
    pub fn new(query: Query) -> Digest {
        Digest { query, answer: Answer::default() }
    }

    /// Adds a row.
    #[inline]
    pub fn add(&mut self, row: &[Cell<'_>]) {
        self.answer = self.answer.merge(self.of(row));
    }

    /// Takes a row back.
    #[inline]
    pub fn remove(&mut self, row: &[Cell<'_>]) {
        let Answer { rows, checksum } = self.of(row);
        self.answer.rows = self.answer.rows.wrapping_sub(rows);
        self.answer.checksum = self.answer.checksum.wrapping_sub(checksum);
    }

    /// Adds the rows of another digest.
    pub fn merge(&mut self, other: Digest) {
        self.answer.rows = self.answer.rows.wrapping_add(other.answer.rows);
        self.answer.checksum = self.answer.checksum.wrapping_add(other.answer.checksum);
    }

    #[inline(always)]
    fn of(&self, row: &[Cell<'_>]) -> Answer {
        debug_assert_fits(self.query, row);
        let mut columns = [0; Query::COLUMNS_MAX];
        for (column, cell) in columns.iter_mut().zip(row) {
            *column = cell.hashed();
        }
        let mut answer = Answer::default();
        answer.add(&columns[..row.len()]);
        answer
    }

    /// The rows so far, reduced.
    pub fn answer(&self) -> Answer {
        self.answer
    }
}

#[inline]
fn debug_assert_fits(query: Query, row: &[Cell<'_>]) {
    debug_assert!(
        row.len() == query.columns().len() && row.iter().zip(query.columns()).all(|(cell, column)| cell.fits(column.is)),
        "no row of {query}: {row:?}"
    );
}

/// The rows of a query, as text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rows {
    /// The query.
    pub query: Query,
    /// The rows; a column that is missing is `None`.
    pub rows: Vec<Vec<Option<String>>>,
    /// The same rows, reduced.
    pub answer: Answer,
}

impl Rows {
    /// No rows.
    pub fn new(query: Query) -> Rows {
        Rows { query, rows: Vec::new(), answer: Answer::default() }
    }

    /// Adds a row.
    pub fn add(&mut self, row: &[Cell<'_>]) {
        let mut digest = Digest { query: self.query, answer: self.answer };
        digest.add(row);
        self.answer = digest.answer;
        self.rows.push(row.iter().map(|cell| (*cell != Cell::Null).then(|| cell.to_string())).collect());
    }

    /// The names of the columns.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        self.query.columns().iter().map(|column| column.name)
    }

    /// The rows in an order of their own, so that two results can be compared and read: by key first if the query has one.
    #[must_use]
    pub fn sorted(mut self) -> Rows {
        let numeric = |cell: &Option<String>| cell.as_ref().and_then(|text| text.parse::<i64>().ok());
        let key = match self.query.mode() {
            Mode::Append => &[][..],
            Mode::Upsert(key) => key,
        };
        self.rows.sort_by(|a, b| {
            let by = |&place: &usize| numeric(&a[place]).cmp(&numeric(&b[place])).then_with(|| a[place].cmp(&b[place]));
            let all = (0..a.len()).collect::<Vec<_>>();
            key.iter().chain(&all).map(by).find(|order| order.is_ne()).unwrap_or(std::cmp::Ordering::Equal)
        });
        self
    }
}

/// One line a row, columns separated by `|`, missing ones as `-`: for tests and messages.
impl fmt::Display for Rows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for row in &self.rows {
            let columns: Vec<&str> = row.iter().map(|column| column.as_deref().unwrap_or("-")).collect();
            writeln!(f, "{}", columns.join("|"))?;
        }
        Ok(())
    }
}

impl Query {
    /// The most columns that any query has.
    pub(super) const COLUMNS_MAX: usize = 20;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(query: Query, rows: &[&[Cell<'_>]]) -> Answer {
        let mut digest = Digest::new(query);
        rows.iter().for_each(|row| digest.add(row));
        digest.answer()
    }

    #[test]
    fn decimals_have_three_places_and_a_sign() {
        for (thousandths, text) in [(908, "0.908"), (-1, "-0.001"), (0, "0.000"), (1_234_567, "1234.567"), (-12_000, "-12.000")] {
            assert_eq!(Cell::Thousandths(thousandths).to_string(), text);
        }
    }

    #[test]
    fn digests_know_no_order_but_every_cell() {
        let [a, b] = [[Cell::Int(1), Cell::Int(2)], [Cell::Int(3), Cell::Int(4)]];
        assert_eq!(digest(Query::Q2, &[&a, &b]), digest(Query::Q2, &[&b, &a]));
        assert_ne!(digest(Query::Q2, &[&a, &b]), digest(Query::Q2, &[&a, &a]));
        assert_ne!(digest(Query::Q2, &[&a]), digest(Query::Q2, &[&[a[1], a[0]]]));
        let paths = |third: Cell<'_>| {
            digest(Query::Q22, &[&[Cell::Int(1), Cell::Int(1), Cell::Int(1), Cell::Text("c"), Cell::Text("a"), Cell::Text("b"), third]])
        };
        assert_ne!(paths(Cell::Null), paths(Cell::Text("")));
    }

    #[test]
    fn rows_and_digest_agree_and_sorting_is_by_number() {
        let mut rows = Rows::new(Query::Q4);
        for category in [10, 9, 100] {
            rows.add(&[Cell::Int(category), Cell::Int(-category)]);
        }
        assert_eq!(rows.answer.rows, 3);
        assert_eq!(
            rows.answer,
            digest(Query::Q4, &[&[Cell::Int(100), Cell::Int(-100)], &[Cell::Int(9), Cell::Int(-9)], &[Cell::Int(10), Cell::Int(-10)]])
        );
        assert_eq!(rows.sorted().to_string(), "9|-9\n10|-10\n100|-100\n");
        assert!(Query::ALL.iter().all(|query| query.columns().len() <= Query::COLUMNS_MAX));
        assert!(Query::ALL.iter().any(|query| query.columns().len() == Query::COLUMNS_MAX));
    }
}
