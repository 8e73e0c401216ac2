//! `thalweg-bench generate` from the outside.
#![allow(clippy::unwrap_used)]

use std::{
    path::Path,
    process::{Command, Output},
};

use serde_json::Value;
use thalweg_bench::workload::nexmark::{Event, Generator, Kind, Options, Query, jsonl, oracle};

fn generate(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_thalweg-bench")).arg("generate").args(arguments).output().unwrap()
}

fn err(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// Writes a file and returns its bytes.
#[track_caller]
fn written(folder: &Path, arguments: &[&str]) -> Vec<u8> {
    let path = folder.join("out");
    let output = generate(&[arguments, &["-o", path.to_str().unwrap()]].concat());
    assert!(output.status.success(), "{arguments:?}: {}", err(&output));
    assert!(output.stdout.is_empty());
    assert_eq!(std::fs::read_dir(folder).unwrap().count(), 1, "something is left behind");
    std::fs::read(path).unwrap()
}

#[test]
fn nexmark_comes_back_as_the_generator_made_it() {
    let folder = tempfile::tempdir().unwrap();
    let options = ["nexmark", "--events", "5k", "--seed", "7", "--disorder", "500ms", "--rate", "2k"];
    let text = written(folder.path(), &options);
    let block = jsonl::read(&text[..]).unwrap();
    let generator = Generator::new(7, Options { disorder_ms: 500, rate_per_s: 2_000, ..Options::default() }).unwrap();
    let made: Vec<Event<'_>> = (0..5_000).map(|n| generator.event(n)).collect();
    assert_eq!(block.iter().collect::<Vec<_>>(), made);
    assert_eq!(oracle::digest(Query::Q9, &block.iter().collect::<Vec<_>>()), oracle::digest(Query::Q9, &made));
    // Again it is the same, and it replaces what is there; another seed is not.
    assert_eq!(written(folder.path(), &options), text);
    assert_ne!(written(folder.path(), &["nexmark", "--events", "5k", "--seed", "8"]), text);
    let first: Value = serde_json::from_slice(text.split(|&byte| byte == b'\n').next().unwrap()).unwrap();
    assert_eq!(first.as_object().unwrap().len(), 1);
}

#[test]
fn every_option_of_nexmark_reaches_the_generator() {
    let folder = tempfile::tempdir().unwrap();
    let arguments = "nexmark --events 300 --first-time -5 --mix 2:1:7 --hot-auctions 1 --hot-sellers 2 --hot-bidders 3 --in-flight 20 --active 30 --sizes 300:600:90";
    let text = written(folder.path(), &arguments.split(' ').collect::<Vec<_>>());
    let options = Options {
        first_time: -5,
        persons: 2,
        auctions: 1,
        bids: 7,
        hot_auction_ratio: 1,
        hot_seller_ratio: 2,
        hot_bidder_ratio: 3,
        in_flight_auctions: 20,
        active_persons: 30,
        person_bytes: 300,
        auction_bytes: 600,
        bid_bytes: 90,
        ..Options::default()
    };
    let generator = Generator::new(42, options).unwrap();
    assert_eq!(jsonl::read(&text[..]).unwrap().iter().collect::<Vec<_>>(), (0..300).map(|n| generator.event(n)).collect::<Vec<_>>());
}

#[test]
fn csv_holds_one_kind_with_the_schemas_columns() {
    let folder = tempfile::tempdir().unwrap();
    let generator = Generator::new(42, Options::default()).unwrap();
    for (kind, name, header) in [
        (Kind::Person, "person", "id,name,email_address,credit_card,city,state,date_time,extra"),
        (Kind::Auction, "auction", "id,item_name,description,initial_bid,reserve,date_time,expires,seller,category,extra"),
        (Kind::Bid, "bid", "auction,bidder,price,channel,url,date_time,extra"),
    ] {
        let text = written(folder.path(), &["nexmark", "--events", "1k", "--format", "csv", "--kind", name]);
        let mut reader = csv::Reader::from_reader(&text[..]);
        assert_eq!(reader.headers().unwrap().iter().collect::<Vec<_>>().join(","), header);
        let headers = reader.headers().unwrap().clone();
        let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
        let made: Vec<Event<'_>> = (0..1_000).map(|n| generator.event(n)).filter(|event| event.kind() == kind).collect();
        assert_eq!(rows.len(), made.len());
        for (row, event) in rows.iter().zip(&made) {
            let value = serde_json::to_value(event).unwrap();
            for (column, field) in headers.iter().zip(row) {
                let expected = &value[name][column];
                assert_eq!(expected.as_str().map_or(expected.to_string(), str::to_owned), field, "{column} of {event:?}");
            }
        }
        // The same as JSON lines.
        let lines = written(folder.path(), &["nexmark", "--events", "1k", "--kind", name]);
        assert_eq!(jsonl::read(&lines[..]).unwrap().iter().collect::<Vec<_>>(), made);
    }
}

#[test]
fn every_flat_workload_is_written_in_both_texts() {
    let folder = tempfile::tempdir().unwrap();
    for (name, columns) in [
        ("hop", "value"),
        ("hop64", "key,value,event_time,seq,payload_0,payload_1,payload_2,payload_3"),
        ("stateless", "key,value,event_time,seq"),
        ("tumbling", "key,value,event_time,seq"),
        ("tumbling-scattered", "key,value,event_time,seq"),
        ("disorder", "key,value,event_time,seq"),
        ("session", "key,event_time"),
        ("ysb", "user_id,page_id,ad_id,ad_type,event_type,event_time,ip,campaign_id"),
        ("wordcount", "line"),
        ("flights", "scheduled,delay,distance,origin,destination"),
    ] {
        let text = written(folder.path(), &[name, "--events", "70k", "--format", "csv"]);
        let mut reader = csv::Reader::from_reader(&text[..]);
        assert_eq!(reader.headers().unwrap().iter().collect::<Vec<_>>().join(","), columns, "{name}");
        let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
        assert_eq!(rows.len(), 70_000, "{name}");
        let text = String::from_utf8(written(folder.path(), &[name, "--events", "70k"])).unwrap();
        assert_eq!(text.lines().count(), 70_000);
        for (line, row) in text.lines().zip(&rows).step_by(997) {
            let line: Value = serde_json::from_str(line).unwrap();
            for (column, field) in columns.split(',').zip(row) {
                assert_eq!(line[column].as_str().map_or(line[column].to_string(), str::to_owned), field, "{name}, {column}");
            }
        }
    }
}

#[test]
fn what_cannot_be_is_refused_and_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    for (arguments, hint) in [
        (&["nexmark", "--events", "10", "--format", "csv"][..], "--kind person, auction or bid"),
        (&["nexmark", "--events", "10", "--rate", "0.5"], "whole number"),
        (&["nexmark", "--events", "10", "--rate", "1G", "--disorder", "2h"], "unknown suffix"),
        (&["nexmark", "--events", "10", "--mix", "0:3:46"], "persons in an epoch is 0"),
        (&["nexmark", "--events", "10", "--mix", "1:3"], "1:3:46"),
        (&["nexmark", "--events", "9e15"], "too many"),
        (&["ysb", "--events", "10", "--disorder", "2s"], "--disorder is an option of nexmark"),
        (&["nexmarc", "--events", "10"], "nexmark"),
        (&["nexmark"], "--events"),
    ] {
        let output = generate(&[arguments, &["-o", out.to_str().unwrap()]].concat());
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {}", err(&output));
        assert!(err(&output).contains(hint), "{arguments:?} without `{hint}`:\n{}", err(&output));
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }
    let output = generate(&["nexmark", "--events", "10", "-o", folder.path().join("no/file").to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(1));
    assert!(err(&output).contains("no/file: "), "{}", err(&output));
    let output = generate(&["nexmark", "--events", "10", "-o", folder.path().to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(1), "{}", err(&output));
}

#[cfg(not(feature = "parquet"))]
#[test]
fn parquet_is_refused_with_the_way_to_get_it() {
    let output = generate(&["ysb", "--events", "10", "--format", "parquet", "-o", "-"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(err(&output).contains("--features parquet"), "{}", err(&output));
}

#[test]
fn standard_output_may_be_closed_early() {
    let output = generate(&["nexmark", "--events", "10", "-o", "-"]);
    assert!(output.status.success());
    assert_eq!(jsonl::read(&output.stdout[..]).unwrap().len(), 10);
    let mut child = Command::new(env!("CARGO_BIN_EXE_thalweg-bench"))
        .args(["generate", "nexmark", "--events", "1M", "-o", "-"])
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{}", err(&output));
}

#[test]
fn help_teaches_by_example() {
    let output = generate(&["--help"]);
    let help = String::from_utf8(output.stdout).unwrap();
    assert!(help.contains("thalweg-bench generate nexmark --events 1M -o events.jsonl") && help.contains("Options of nexmark"), "{help}");
}
