//! Result rows as lines of a file, in the columns of their query; and the table that changes add up to.
//!
//! Laws
//! - JSON: an object a line; whole numbers and decimals are numbers, the latter with three places; what is missing is `null`.
//! - CSV: a header line, lines end in `\n`; what is missing is empty, an empty text is `""`.
//! - Of a change the sign comes first: `+` for a row that comes, `-` for one that goes, in a column `op`.
//! - A table holds the last row of each key that was not deleted since.

use std::{
    collections::HashMap,
    io::{self, Write},
};

use super::{
    query::{Mode, Query},
    rows::{Cell, Digest, Kept},
};
use crate::workload::Answer;

/// The name of the column that holds a change's sign.
const OP: &str = "op";

/// What the sign of a change is.
fn sign(goes: bool) -> char {
    if goes { '-' } else { '+' }
}

/// Writes a row as a line of JSON.
///
/// # Errors
/// Of the writer.
pub fn write_json(query: Query, row: &[Cell<'_>], out: &mut (impl Write + ?Sized)) -> io::Result<()> {
    out.write_all(b"{")?;
    write_members(query, row, out)
}

/// Writes a change as a line of JSON: a row with its sign before it.
///
/// # Errors
/// Of the writer.
pub fn write_json_change(query: Query, goes: bool, row: &[Cell<'_>], out: &mut (impl Write + ?Sized)) -> io::Result<()> {
    write!(out, "{{\"{OP}\":\"{}\",", sign(goes))?;
    write_members(query, row, out)
}

fn write_members(query: Query, row: &[Cell<'_>], out: &mut (impl Write + ?Sized)) -> io::Result<()> {
    for (place, (column, cell)) in query.columns().iter().zip(row).enumerate() {
        write!(out, "{}\"{}\":", if place == 0 { "" } else { "," }, column.name)?;
        match cell {
            Cell::Null => out.write_all(b"null")?,
            Cell::Int(_) | Cell::Thousandths(_) => write!(out, "{cell}")?,
            Cell::Text(text) => serde_json::to_writer(&mut *out, text)?,
        }
    }
    out.write_all(b"}\n")
}

/// Writes the header line of a CSV file of rows, or of changes.
///
/// # Errors
/// Of the writer.
pub fn write_csv_header(query: Query, changes: bool, out: &mut (impl Write + ?Sized)) -> io::Result<()> {
    let names: Vec<&str> = changes.then_some(OP).into_iter().chain(query.columns().iter().map(|column| column.name)).collect();
    writeln!(out, "{}", names.join(","))
}

/// Writes a change as a line of CSV: a row with its sign before it.
///
/// # Errors
/// Of the writer.
pub fn write_csv_change(goes: bool, row: &[Cell<'_>], out: &mut (impl Write + ?Sized)) -> io::Result<()> {
    write!(out, "{},", sign(goes))?;
    write_csv(row, out)
}

/// Writes a row as a line of CSV.
///
/// # Errors
/// Of the writer.
pub fn write_csv(row: &[Cell<'_>], out: &mut (impl Write + ?Sized)) -> io::Result<()> {
    for (place, cell) in row.iter().enumerate() {
        if place > 0 {
            out.write_all(b",")?;
        }
        match cell {
            Cell::Text(text) if text.is_empty() || text.contains(['"', ',', '\n', '\r']) => {
                write!(out, "\"{}\"", text.replace('"', "\"\""))?;
            }
            Cell::Text(text) => out.write_all(text.as_bytes())?,
            // Most cells are whole numbers, which the machinery of formats would take thrice as long for.
            Cell::Int(number) => out.write_all(itoa::Buffer::new().format(*number).as_bytes())?,
            Cell::Null | Cell::Thousandths(_) => write!(out, "{cell}")?,
        }
    }
    out.write_all(b"\n")
}

/// The table that the changes of an upsert query add up to.
///
/// ```
/// # use thalweg_bench::workload::nexmark::{Cell, Digest, Query, output::Table};
/// let mut table = Table::new(Query::Q4).expect("q4 replaces its rows");
/// table.upsert(&[Cell::Int(10), Cell::Int(250)]);
/// table.upsert(&[Cell::Int(11), Cell::Int(300)]);
/// table.upsert(&[Cell::Int(10), Cell::Int(260)]);
/// table.delete(&[Cell::Int(11), Cell::Int(300)]);
/// let mut expected = Digest::new(Query::Q4);
/// expected.add(&[Cell::Int(10), Cell::Int(260)]);
/// assert_eq!(table.answer(), expected.answer());
/// ```
#[derive(Clone, Debug)]
pub struct Table {
    query: Query,
    key: &'static [usize],
    rows: HashMap<Vec<Kept>, Vec<Kept>>,
}

impl Table {
    /// The empty table of a query; none if the query's rows do not replace one another.
    pub fn new(query: Query) -> Option<Table> {
        match query.mode() {
            Mode::Append => None,
            Mode::Upsert(key) => Some(Table { query, key, rows: HashMap::new() }),
        }
    }

    fn key(&self, row: &[Cell<'_>]) -> Vec<Kept> {
        self.key.iter().map(|&place| Kept::of(&row[place])).collect()
    }

    /// Puts a row in place of the one with the same key.
    pub fn upsert(&mut self, row: &[Cell<'_>]) {
        let key = self.key(row);
        self.rows.insert(key, row.iter().map(Kept::of).collect());
    }

    /// Takes out the row with the key of this one.
    pub fn delete(&mut self, row: &[Cell<'_>]) {
        let key = self.key(row);
        self.rows.remove(&key);
    }

    /// Gives `emit` each row, in any order.
    pub fn for_each_row(&self, mut emit: impl FnMut(&[Cell<'_>])) {
        for row in self.rows.values() {
            emit(&row.iter().map(Kept::cell).collect::<Vec<_>>());
        }
    }

    /// The rows in the order of their keys.
    pub fn sorted(&self) -> Vec<&[Kept]> {
        let mut rows: Vec<_> = self.rows.iter().collect();
        rows.sort_unstable();
        rows.into_iter().map(|(_, row)| row.as_slice()).collect()
    }

    /// The rows, reduced.
    pub fn answer(&self) -> Answer {
        let mut digest = Digest::new(self.query);
        self.for_each_row(|row| digest.add(row));
        digest.answer()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROW: [Cell<'_>; 7] =
        [Cell::Int(1), Cell::Int(-2), Cell::Int(3), Cell::Text("a\"b,c"), Cell::Text(""), Cell::Null, Cell::Text("ü\n")];

    fn text(write: impl FnOnce(&mut Vec<u8>) -> io::Result<()>) -> String {
        let mut out = Vec::new();
        write(&mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn json_has_numbers_and_nulls() {
        let line = text(|out| write_json(Query::Q22, &ROW, out));
        assert_eq!(
            line,
            "{\"auction\":1,\"bidder\":-2,\"price\":3,\"channel\":\"a\\\"b,c\",\"dir1\":\"\",\"dir2\":null,\"dir3\":\"ü\\n\"}\n"
        );
        let bid = [Cell::Int(1), Cell::Int(2), Cell::Thousandths(227_000), Cell::Int(4), Cell::Text("x")];
        let line = text(|out| write_json(Query::Q1, &bid, out));
        assert_eq!(line, "{\"auction\":1,\"bidder\":2,\"price\":227.000,\"date_time\":4,\"extra\":\"x\"}\n");
    }

    #[test]
    fn csv_quotes_what_it_must_and_tells_empty_from_missing() {
        let lines = text(|out| write_csv_header(Query::Q22, false, out).and_then(|()| write_csv(&ROW, out)));
        assert_eq!(lines, "auction,bidder,price,channel,dir1,dir2,dir3\n1,-2,3,\"a\"\"b,c\",\"\",,\"ü\n\"\n");
        let mut reader = csv::Reader::from_reader(lines.as_bytes());
        let row = reader.records().next().unwrap().unwrap();
        assert_eq!(row.iter().collect::<Vec<_>>(), ["1", "-2", "3", "a\"b,c", "", "", "ü\n"]);
    }

    #[test]
    fn only_upsert_queries_have_a_table() {
        assert_eq!(Query::ALL.iter().filter(|query| Table::new(**query).is_some()).count(), 8);
    }

    #[test]
    fn keys_of_two_columns_are_kept_apart() {
        let mut table = Table::new(Query::Q18).unwrap();
        let bid = |auction, bidder, price| {
            [Cell::Int(auction), Cell::Int(bidder), Cell::Int(price), Cell::Text("c"), Cell::Text("u"), Cell::Int(4), Cell::Text("")]
        };
        [bid(1, 2, 3), bid(2, 1, 3), bid(1, 2, 9)].iter().for_each(|row| table.upsert(row));
        table.delete(&bid(2, 2, 3));
        let mut expected = Digest::new(Query::Q18);
        expected.add(&bid(1, 2, 9));
        expected.add(&bid(2, 1, 3));
        assert_eq!(table.answer(), expected.answer());
    }
}
