//! CSV against the csv crate's own reading of the same bytes.
#![allow(clippy::unwrap_used)]

use std::sync::Mutex;

use proptest::prelude::*;

use super::*;
use crate::{
    record::Own,
    source::testing::{Gather, run_readers},
};

#[derive(Clone, Debug, PartialEq, PartialOrd, serde::Deserialize, serde::Serialize)]
struct Row {
    id: u32,
    name: String,
    price: Option<f64>,
}

#[derive(serde::Deserialize)]
struct RowRef<'a> {
    name: &'a str,
    id: u32,
}

struct Borrowed;
impl Record for Borrowed {
    type Of<'a> = RowRef<'a>;
}

fn text_of(rows: &[Row], headers: bool, delimiter: u8) -> Vec<u8> {
    let mut writer = csv::WriterBuilder::new().has_headers(headers).delimiter(delimiter).from_writer(Vec::new());
    rows.iter().for_each(|row| writer.serialize(row).unwrap());
    writer.into_inner().unwrap()
}

fn rows(name: &'static str) -> impl Strategy<Value = Vec<Row>> {
    let row = (any::<u32>(), name, prop::option::of(-1e6f64..1e6)).prop_map(|(id, name, price)| Row { id, name, price });
    prop::collection::vec(row, 0..60)
}

fn run(source: Csv<Own<Row>>, readers: usize, max: usize, seed: u64) -> Result<Vec<Vec<Row>>, String> {
    run_readers(source.open(readers).map_err(|e| e.to_string())?, max, seed, |row| row).map_err(|e| e.to_string())
}

fn file_of(bytes: &[u8]) -> tempfile::NamedTempFile {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    std::io::Write::write_all(&mut file, bytes).unwrap();
    file
}

proptest! {
    #[test]
    fn every_row_once_in_order_by_one_reader(
        rows in rows("[a-z\"\n\r,; é]{0,9}"), readers in 1usize..5, max in 1usize..40, headers in any::<bool>(),
        delimiter in prop_oneof![Just(b','), Just(b';')], seed in any::<u64>(),
    ) {
        let text = text_of(&rows, headers, delimiter);
        let file = file_of(&text);
        for source in [Csv::file(file.path()), Csv::bytes(text.clone())] {
            let shares = run(source.has_headers(headers).delimiter(delimiter), readers, max, seed).unwrap();
            prop_assert!(shares[1..].iter().all(Vec::is_empty));
            prop_assert_eq!(&shares[0], &rows);
        }
    }

    #[test]
    fn rows_that_are_lines_are_divided(
        rows in rows("[a-z\",; é]{0,9}"), readers in 1usize..5, max in 1usize..40, share in 1u64..200, headers in any::<bool>(), seed in any::<u64>(),
    ) {
        let text = text_of(&rows, headers, b',');
        let file = file_of(&text);
        let mut expected = rows;
        expected.sort_by(|a, b| a.partial_cmp(b).unwrap());
        for source in [Csv::file(file.path()), Csv::bytes(text.clone())] {
            let mut all = run(source.has_headers(headers).rows_are_lines().share_bytes(share), readers, max, seed).unwrap().concat();
            all.sort_by(|a, b| a.partial_cmp(b).unwrap());
            prop_assert_eq!(&all, &expected);
        }
    }

    #[test]
    fn bad_rows_are_skipped_alone(
        kinds in prop::collection::vec(0u8..8, 0..80), readers in 1usize..4, max in 1usize..40, share in 1u64..200, divide in any::<bool>(),
    ) {
        let mut text = b"id,name,price\n".to_vec();
        let (mut good, mut bad) = (Vec::new(), Vec::new());
        for (id, kind) in kinds.iter().enumerate() {
            let line = match kind {
                0 => format!("{id},short").into_bytes(),
                1 => format!("{id},long,1,2").into_bytes(),
                2 => format!("x{id},name,1").into_bytes(),
                3 => [format!("{id},").as_bytes(), b"\xff,1"].concat(),
                _ => format!("{id},name,1.5").into_bytes(),
            };
            if *kind > 3 {
                good.push(id as u32);
            } else {
                bad.push((text.len() as u64, line.clone()));
            }
            text.extend(line);
            text.push(b'\n');
        }
        let dead = Arc::new(Mutex::new(Vec::new()));
        let to = dead.clone();
        let policy = OnMalformed::send(move |m| to.lock().unwrap().push((m.offset, m.bytes.to_vec())));
        let mut source = Csv::<Own<Row>>::bytes(text).share_bytes(share).on_malformed(policy);
        if divide {
            source = source.rows_are_lines();
        }
        let mut readers = source.open(readers).unwrap();
        let mut out = Gather::own();
        // Turn by turn, so that one reader's shares are not neighbours.
        while readers.iter_mut().map(|reader| reader.poll(max, &mut out).unwrap()).filter(|&polled| polled != Polled::End).count() > 0 {}
        prop_assert_eq!(readers.iter().map(Reader::malformed).sum::<u64>(), bad.len() as u64);
        let mut ids = out.items.iter().map(|row| row.id).collect::<Vec<_>>();
        ids.sort_unstable();
        prop_assert_eq!(ids, good);
        let mut dead = dead.lock().unwrap().clone();
        dead.sort();
        prop_assert_eq!(dead, bad);
    }

    #[test]
    fn garbage_never_panics(bytes in prop::collection::vec(any::<u8>(), 0..300), readers in 1usize..4, headers in any::<bool>()) {
        for source in [Csv::<Own<Row>>::bytes(bytes.clone()), Csv::bytes(bytes).rows_are_lines().share_bytes(20)] {
            let result = run(source.has_headers(headers).on_malformed(OnMalformed::Skip), readers, 5, 3);
            // Only headers that are not text are refused.
            prop_assert!(result.is_ok() || headers && result.unwrap_err().contains("reading the headers"));
        }
    }
}

#[test]
fn rows_borrow_and_fields_go_by_name() {
    let source = Csv::<Borrowed>::bytes(&b"id,skipped,name\r\n7,x,\"se\"\"ven\"\r\n8,y,eight"[..]);
    let rows = run_readers(source.open(1).unwrap(), 9, 0, |row| (row.id, row.name.to_owned())).unwrap().concat();
    assert_eq!(rows, [(7, "se\"ven".into()), (8, "eight".into())]);
}

#[test]
fn a_bad_row_is_named_after_the_good_ones_were_handed_out() {
    let text = b"id,name,price\n1,a,\n2,b,cheap\n3,c,\n";
    for (source, record) in [(Csv::<Own<Row>>::bytes(&text[..]), "record 2"), (Csv::bytes(&text[..]).rows_are_lines(), "record 3")] {
        let mut readers = source.open(if record == "record 2" { 1 } else { 2 }).unwrap();
        let mut out = Gather::own();
        let error = readers[0].poll(10, &mut out).unwrap_err().to_string();
        assert!(error.contains(record) && error.contains("field 3 (price)") && error.contains("byte 19"), "{error}");
        assert_eq!(out.items.len(), 1);
    }
    let error = run(Csv::bytes(&b"id,name,price\n1,a,\n2\n"[..]), 1, 10, 0).unwrap_err();
    assert!(error.contains("1 fields, the first row has 3"), "{error}");
}

#[test]
fn a_missing_file_is_refused() {
    assert!(run(Csv::file("/no/such.csv"), 1, 1, 0).unwrap_err().contains("/no/such.csv"));
}

#[test]
fn an_empty_text_has_no_rows() {
    assert!(run(Csv::bytes(&b""[..]), 2, 1, 0).unwrap().concat().is_empty());
    assert!(run(Csv::bytes(&b""[..]).rows_are_lines(), 2, 1, 0).unwrap().concat().is_empty());
}
