//! `thalweg-bench query` from the outside, against the naive oracle.
#![allow(clippy::unwrap_used)]

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use serde_json::Value;
use thalweg_bench::workload::nexmark::{Bid, Event, Generator, Options, Query, jsonl, oracle, query::Type};

/// Enough for q4, q6 and q9 to have winners, and windows of 10 s to end.
const EVENTS: u64 = 6_000;

fn generator() -> Generator {
    Generator::new(9, Options { disorder_ms: 3_000, rate_per_s: 200, ..Options::default() }).unwrap()
}

fn query(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_thalweg-bench")).arg("query").args(arguments).output().unwrap()
}

fn err(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// A folder with a file of events.
struct Files {
    folder: tempfile::TempDir,
    input: PathBuf,
}

impl Files {
    fn with<'e>(events: impl Iterator<Item = Event<'e>>) -> Files {
        let folder = tempfile::tempdir().unwrap();
        let mut text = Vec::new();
        events.for_each(|event| jsonl::write(&event, &mut text).unwrap());
        let input = folder.path().join("events.jsonl");
        std::fs::write(&input, text).unwrap();
        Files { folder, input }
    }

    fn generated() -> Files {
        let generator = generator();
        Files::with((0..EVENTS).map(|n| generator.event(n)))
    }

    /// Runs a query that succeeds, and returns what it wrote.
    #[track_caller]
    fn written(&self, arguments: &[&str]) -> String {
        let path = self.folder.path().join("rows");
        let output = query(&[arguments, &["--input", text(&self.input), "--output", text(&path)]].concat());
        assert!(output.status.success() && output.stderr.is_empty(), "{arguments:?}: {}", err(&output));
        assert!(output.stdout.is_empty());
        assert_eq!(std::fs::read_dir(self.folder.path()).unwrap().count(), 2, "something is left behind");
        std::fs::read_to_string(path).unwrap()
    }
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

type TextRow = Vec<Option<String>>;

fn expected(query: Query) -> Vec<TextRow> {
    let generator = generator();
    let events: Vec<Event<'_>> = (0..EVENTS).map(|n| generator.event(n)).collect();
    let rows = oracle::answer(query, &events).rows;
    assert!(!rows.is_empty(), "{query}: a test of nothing");
    rows
}

/// The line that a row should be.
fn line(query: Query, row: &TextRow) -> String {
    let member = |(column, cell): (&thalweg_bench::workload::nexmark::query::Column, &Option<String>)| {
        let value = match (cell, column.is) {
            (None, _) => "null".to_owned(),
            (Some(text), Type::Text) => serde_json::to_string(text).unwrap(),
            (Some(number), Type::Int | Type::Decimal) => number.clone(),
        };
        format!("\"{}\":{value}", column.name)
    };
    format!("{{{}}}", query.columns().iter().zip(row).map(member).collect::<Vec<_>>().join(","))
}

fn sorted<T: Ord>(mut all: Vec<T>) -> Vec<T> {
    all.sort_unstable();
    all
}

fn cores() -> [String; 2] {
    [1, thalweg::runtime::available_cores().limit.min(2)].map(|cores| cores.to_string())
}

#[test]
fn every_query_writes_the_oracles_rows_as_json() {
    let files = Files::generated();
    for query in Query::ALL {
        let right = sorted(expected(query).iter().map(|row| line(query, row)).collect());
        for cores in cores() {
            let text = files.written(&[&query.to_string(), "--cores", &cores, "--batch", "100"]);
            let lines: Vec<String> = text.lines().map(str::to_owned).collect();
            assert!(lines.iter().all(|line| serde_json::from_str::<Value>(line).is_ok()), "{query}");
            assert!(sorted(lines) == right, "{query} on {cores} cores:\n{:.2000}\nbut should be\n{:.2000}", text, right.join("\n"));
        }
    }
}

#[test]
fn csv_holds_the_same_rows_under_their_columns() {
    let files = Files::generated();
    for query in [Query::Q1, Query::Q4, Query::Q5, Query::Q14, Query::Q16, Query::Q19, Query::Q22] {
        let text = files.written(&[&query.to_string(), "--format", "csv"]);
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        let names: Vec<_> = query.columns().iter().map(|column| column.name).collect();
        assert_eq!(reader.headers().unwrap().iter().collect::<Vec<_>>(), names);
        let rows: Vec<Vec<String>> = reader.records().map(|row| row.unwrap().iter().map(str::to_owned).collect()).collect();
        let right: Vec<Vec<String>> =
            expected(query).into_iter().map(|row| row.into_iter().map(Option::unwrap_or_default).collect()).collect();
        assert!(sorted(rows) == sorted(right), "{query}");
    }
}

#[test]
fn changes_add_up_to_the_table_in_both_formats() {
    let files = Files::generated();
    for query in [Query::Q2, Query::Q4, Query::Q6, Query::Q9, Query::Q15, Query::Q17, Query::Q18, Query::Q19] {
        let name = query.to_string();
        let mut rows = HashMap::<String, i64>::new();
        let (mut signs, mut taken_back) = (String::new(), 0);
        for text in files.written(&[&name, "--changes"]).lines() {
            let (op, row) = text.strip_prefix("{\"op\":\"").unwrap().split_once("\",").unwrap();
            let count = rows.entry(format!("{{{row}")).or_default();
            *count += if op == "+" { 1 } else { -1 };
            assert!(matches!(op, "+" | "-") && *count >= 0, "{query} takes back what is not there: {text}");
            taken_back += u64::from(op == "-");
            signs += op;
        }
        let right = sorted(expected(query).iter().map(|row| line(query, row)).collect());
        let left = rows.into_iter().flat_map(|(row, count)| std::iter::repeat_n(row, count as usize)).collect();
        assert!(sorted(left) == right, "{query}");
        assert_eq!(taken_back > 0, query != Query::Q2, "{query}");

        let text = files.written(&[&name, "--changes", "--format", "csv"]);
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        assert_eq!(reader.headers().unwrap().get(0), Some("op"));
        let ops: String = reader.records().map(|row| row.unwrap()[0].to_owned()).collect();
        assert_eq!(ops, signs, "{query}: with one core the order is the same every time");
    }
}

#[test]
fn tables_are_in_the_order_of_their_keys() {
    let files = Files::generated();
    let text = files.written(&["q4"]);
    let keys: Vec<i64> = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["category"].as_i64().unwrap()).collect();
    assert!(keys.len() > 1 && keys.is_sorted(), "{keys:?}");
}

#[test]
fn standard_input_and_output_are_dashes() {
    let files = Files::generated();
    let mut child = Command::new(env!("CARGO_BIN_EXE_thalweg-bench"));
    child.args(["query", "q2", "--input", "-", "--output", "-"]).stdin(std::fs::File::open(&files.input).unwrap());
    let output = child.stdout(Stdio::piped()).output().unwrap();
    assert!(output.status.success(), "{}", err(&output));
    assert_eq!(String::from_utf8(output.stdout).unwrap(), files.written(&["q2"]));
    // An input without events is no fault.
    let output = child.stdin(Stdio::null()).output().unwrap();
    assert!(output.status.success() && output.stdout.is_empty(), "{}", err(&output));
}

#[test]
fn events_that_are_too_late_are_told() {
    let bid = |date_time| Event::Bid(Bid { auction: 1, bidder: 2, price: 3, channel: "c", url: "u", date_time, extra: "" });
    let files = Files::with([1_000, 60_000, 2_000].into_iter().map(bid));
    let output = query(&["q7", "--input", text(&files.input), "--output", "-", "--batch", "1"]);
    assert!(output.status.success());
    assert_eq!(output.stdout.iter().filter(|&&byte| byte == b'\n').count(), 2);
    assert!(err(&output).contains("1 events came more than 4 s of event time late"), "{}", err(&output));
}

#[test]
fn ids_that_a_query_cannot_count_are_named() {
    let bid = Event::Bid(Bid { auction: 1, bidder: 1 << 40, price: 3, channel: "c", url: "u", date_time: 0, extra: "" });
    let files = Files::with([bid].into_iter());
    for name in ["q15", "q16", "q18"] {
        let output = query(&[name, "--input", text(&files.input), "--output", "-"]);
        assert_eq!(output.status.code(), Some(1));
        assert!(err(&output).contains("the id 1099511627776 is too large: q15, q16 and q18 take ids from 0"), "{}", err(&output));
    }
}

#[test]
fn what_cannot_be_is_refused_with_the_next_step_and_leaves_nothing() {
    let files = Files::generated();
    let input = text(&files.input);
    let rows = files.folder.path().join("rows");
    for (arguments, code, hint) in [
        (&["q24", "--input", input][..], 2, "there are q0 to q23"),
        (&["q5"], 2, "--input"),
        (&["q5", "--input", input, "--cores", "4000"], 2, "choose 1 to "),
        (&["q5", "--input", input, "--cores", "0"], 2, "--cores"),
        (&["q5", "--input", input, "--batch", "0"], 2, "batch"),
        (&["q5", "--input", "no/such.jsonl"], 1, "no/such.jsonl: No such file or directory (os error 2); `thalweg-bench generate"),
    ] {
        let output = query(&[arguments, &["--output", text(&rows)]].concat());
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {}", err(&output));
        assert!(err(&output).contains(hint), "{arguments:?} without `{hint}`:\n{}", err(&output));
        assert_eq!(std::fs::read_dir(files.folder.path()).unwrap().count(), 1);
    }
    std::fs::write(&rows, "old").unwrap();
    let broken = std::fs::read_to_string(&files.input).unwrap().replacen("\"auction\":", "\"auctoin\":", 40);
    let first_bad = broken.lines().position(|line| line.contains("auctoin")).unwrap() + 1;
    std::fs::write(&files.input, &broken).unwrap();
    let output = query(&["q5", "--input", input, "--output", text(&rows)]);
    assert_eq!(output.status.code(), Some(1));
    let message = err(&output);
    assert!(message.contains(&format!("events.jsonl: line {first_bad} is no event: ")) && message.contains("mend the line"), "{message}");
    assert_eq!(std::fs::read_to_string(&rows).unwrap(), "old");
    let output = query(&["q5", "--input", "/dev/null", "--output", "no/folder/rows"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(err(&output).contains("cannot write no/folder/rows: "), "{}", err(&output));
}

#[test]
fn help_teaches_by_example() {
    let help = String::from_utf8(query(&["--help"]).stdout).unwrap();
    assert!(help.contains("thalweg-bench query q5 --input events.jsonl --output q5.jsonl") && help.contains("--changes"), "{help}");
}
