//! JSON lines: one JSON value a line, decoded into serde types that may borrow from the block.
//!
//! ```text
//!   Lines ─▶ window of UTF-8 lines ─▶ serde_json, inside the chain's loop ─▶ R::Of<'a>
//! ```
//!
//! Laws: those of [`Lines`]; blank lines are skipped and not counted; a line that is not a value of the type goes to the policy for
//! malformed input, alone.
//!
//! A `&'a str` field borrows only from a string without escapes; where escapes occur, use `Cow<'a, str>` with `#[serde(borrow)]`.

use std::{fmt, io::Read, marker::PhantomData, path::PathBuf, sync::Arc};

use serde::Deserialize;

use super::{
    Lines, OnMalformed, Polled, Reader, Source,
    lines::{Place, Split, Windows},
    malformed::Fault,
};
use crate::{
    error::{BuildError, RunError},
    operator::Operator,
    record::Record,
};

/// A source of the values of a text of JSON lines, as records of the family `R`, such as [`Own<Row>`](crate::record::Own).
pub struct JsonLines<R> {
    lines: Lines,
    records: PhantomData<fn() -> R>,
}

impl<R> fmt::Debug for JsonLines<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("JsonLines").field(&self.lines).finish()
    }
}

impl<R> From<Lines> for JsonLines<R> {
    /// Decodes the lines of a source, with its sizes and its policy.
    fn from(lines: Lines) -> Self {
        Self { lines, records: PhantomData }
    }
}

impl<R> JsonLines<R> {
    /// The values in a file; see [`Lines::file`].
    pub fn file(path: impl Into<PathBuf>) -> Self {
        Lines::file(path).into()
    }

    /// The values in a text in memory; see [`Lines::text`].
    pub fn text(text: impl Into<Arc<str>>) -> Self {
        Lines::text(text).into()
    }

    /// The values that a reader gives, such as the standard input; see [`Lines::stream`].
    pub fn stream(name: impl Into<String>, read: impl Read + Send + 'static) -> Self {
        Lines::stream(name, read).into()
    }

    /// Reads the input that many times over. By default once.
    #[must_use]
    pub fn laps(self, laps: u64) -> Self {
        self.lines.laps(laps).into()
    }

    /// Sets what becomes of lines that cannot be decoded. By default they fail the job.
    #[must_use]
    pub fn on_malformed(self, policy: OnMalformed) -> Self {
        self.lines.on_malformed(policy).into()
    }
}

impl<R> Source for JsonLines<R>
where
    R: Record,
    for<'a> R::Of<'a>: Deserialize<'a>,
{
    type Out = R;
    type Reader = JsonLinesReader<R>;

    fn name(&self) -> &'static str {
        "json lines"
    }

    fn open(self, readers: usize) -> Result<Vec<Self::Reader>, BuildError> {
        let windows = self.lines.windows(readers)?;
        Ok(windows.into_iter().map(|windows| JsonLinesReader { windows, records: PhantomData }).collect())
    }
}

/// One worker's share of [`JsonLines`].
pub struct JsonLinesReader<R> {
    windows: Windows,
    records: PhantomData<fn() -> R>,
}

impl<R> fmt::Debug for JsonLinesReader<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("JsonLinesReader").field(&self.windows).finish()
    }
}

impl<R> Reader for JsonLinesReader<R>
where
    R: Record,
    for<'a> R::Of<'a>: Deserialize<'a>,
{
    type Out = R;

    fn poll<O: Operator<R>>(&mut self, max: usize, out: &mut O) -> Result<Polled, RunError> {
        self.windows.poll(max, |split, place| {
            let mut decode = Decode::<R> { split, place, records: 0, fault: None, family: PhantomData };
            out.process(&mut decode);
            match decode.fault {
                None => Ok(decode.records),
                Some(fault) => Err(fault),
            }
        })
    }

    fn drain(&mut self) {
        self.windows.drain();
    }

    fn malformed(&self) -> u64 {
        self.windows.malformed()
    }
}

/// Decodes lines as they are asked for.
struct Decode<'s, 'a, R> {
    split: &'s mut Split<'a>,
    place: Place<'a>,
    records: usize,
    fault: Option<Fault>,
    family: PhantomData<fn() -> R>,
}

impl<'a, R> Iterator for Decode<'_, 'a, R>
where
    R: Record,
    R::Of<'a>: Deserialize<'a>,
{
    type Item = R::Of<'a>;

    #[inline]
    fn next(&mut self) -> Option<R::Of<'a>> {
        loop {
            let line = self.split.next()?;
            match serde_json::from_str(line) {
                Ok(record) => {
                    self.records += 1;
                    return Some(record);
                }
                Err(error) => {
                    if !line.trim_ascii().is_empty() && !self.reject(line, &error) {
                        return None;
                    }
                }
            }
        }
    }
}

impl<'a, R> Decode<'_, 'a, R> {
    /// Whether to go on after a line that cannot be decoded.
    #[cold]
    #[inline(never)]
    fn reject(&mut self, line: &'a str, error: &serde_json::Error) -> bool {
        // The error's own line is always 1.
        let text = error.to_string();
        let message = format!("{} at column {}", text.split(" at line ").next().unwrap_or(&text), error.column());
        match self.place.reject(line, &message) {
            Ok(()) => true,
            Err(fault) => {
                self.fault = Some(fault);
                self.split.left = 0;
                false
            }
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::io::Write;

    use proptest::prelude::*;

    use super::*;
    use crate::{
        record::Own,
        source::testing::{Gather, run_readers},
    };

    #[derive(Clone, Debug, PartialEq, serde::Deserialize, serde::Serialize)]
    struct Row {
        id: u64,
        name: String,
    }

    #[derive(serde::Deserialize)]
    struct RowRef<'a> {
        id: u64,
        name: &'a str,
    }

    struct Borrowed;
    impl Record for Borrowed {
        type Of<'a> = RowRef<'a>;
    }

    #[derive(Clone, Debug)]
    enum Line {
        Good(Row),
        Blank,
        Bad(String),
    }

    fn line() -> impl Strategy<Value = Line> {
        prop_oneof![
            6 => (any::<u64>(), "\\PC{0,12}").prop_map(|(id, name)| Line::Good(Row { id, name })),
            1 => Just(Line::Blank),
            1 => "[{}\",:a-z0-9]{1,9}".prop_filter("a row", |s| serde_json::from_str::<Row>(s).is_err()).prop_map(Line::Bad),
        ]
    }

    proptest! {
        #[test]
        fn every_row_once_and_bad_lines_alone(
            lines in prop::collection::vec(line(), 0..60), readers in 1usize..5, max in 1usize..20, share in 1u64..300,
        ) {
            let mut file = tempfile::NamedTempFile::new().unwrap();
            let (mut rows, mut bad) = (Vec::new(), 0);
            for line in &lines {
                match line {
                    Line::Good(row) => {
                        writeln!(file, "{}", serde_json::to_string(row).unwrap()).unwrap();
                        rows.push(row.clone());
                    }
                    Line::Blank => writeln!(file, "  ").unwrap(),
                    Line::Bad(text) => {
                        writeln!(file, "{text}").unwrap();
                        bad += 1;
                    }
                }
            }
            file.flush().unwrap();
            let lines = Lines::file(file.path()).share_bytes(share).block_bytes(50).on_malformed(OnMalformed::Skip);
            let mut opened = JsonLines::<Own<Row>>::from(lines).open(readers).unwrap();
            let mut out = Gather::own();
            let mut ended = 0;
            while ended < opened.len() {
                ended = 0;
                for reader in &mut opened {
                    let before = out.items.len();
                    match reader.poll(max, &mut out).unwrap() {
                        Polled::Records(records) => prop_assert_eq!(records, out.items.len() - before),
                        _ => ended += 1,
                    }
                }
            }
            let malformed = opened.iter().map(Reader::malformed).sum::<u64>();
            prop_assert_eq!(malformed, bad);
            rows.sort_by(|a, b| (a.id, &a.name).cmp(&(b.id, &b.name)));
            out.items.sort_by(|a, b| (a.id, &a.name).cmp(&(b.id, &b.name)));
            prop_assert_eq!(out.items, rows);
        }

        #[test]
        fn garbage_never_panics(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let lines = Lines::bytes(bytes).on_malformed(OnMalformed::Skip);
            run_readers(JsonLines::<Own<Row>>::from(lines).open(2).unwrap(), 3, 1, |row| row).unwrap();
        }
    }

    #[test]
    fn rows_borrow_from_the_text() {
        let text = "{\"id\":1,\"name\":\"a\"}\n\n{\"name\":\"b\",\"id\":2}";
        let rows = run_readers(JsonLines::<Borrowed>::text(text).open(1).unwrap(), 9, 0, |row| (row.id, row.name.to_owned()));
        assert_eq!(rows.unwrap().concat(), [(1, "a".into()), (2, "b".into())]);
    }

    #[test]
    fn a_bad_line_is_named_after_the_good_ones_were_handed_out() {
        let mut reader = JsonLines::<Own<Row>>::text("{\"id\":1,\"name\":\"a\"}\n\n{\"id\":true}\n{}\n").open(1).unwrap().remove(0);
        let mut out = Gather::own();
        let error = reader.poll(10, &mut out).unwrap_err().to_string();
        assert!(error.contains("record 3") && error.contains("invalid type: boolean") && error.contains("column"), "{error}");
        assert_eq!(out.items.len(), 1);
    }
}
