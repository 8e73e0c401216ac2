//! Every query over flights on the engine against the naive oracle: real flights, in their real order and in that of event time.
//!
//! `FLIGHTS_ROWS` and `FLIGHTS_CUTS` make it larger; with the feature `unfused` the engine fuses no operators. `scripts/nightly` does both.
#![allow(clippy::unwrap_used)]

use std::{fmt::Write as _, path::Path, sync::Arc};

use thalweg::runtime::available_cores;
use thalweg_bench::{
    system::{self, Generator, Job},
    workload::{Spec, flights::HEADER, prepare},
};

fn number(variable: &str, default: usize) -> usize {
    std::env::var(variable).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

fn scheduled(line: &str) -> i64 {
    line.split(',').next().unwrap().parse().unwrap()
}

fn check(name: &str) {
    let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("data/flights-50k.csv")).unwrap();
    let lines: Vec<&str> = text.lines().skip(1).collect();
    let (rows, cuts) = (number("FLIGHTS_ROWS", 2_000).min(lines.len()), number("FLIGHTS_CUTS", 5));
    let thalweg = system::all().into_iter().find(|system| system.name() == "thalweg").unwrap();
    let folder = tempfile::tempdir().unwrap();
    for cut in 0..cuts {
        let from = (lines.len() - rows) * cut / cuts.max(2);
        for in_order in [false, true] {
            let mut lines = lines[from..from + rows].to_vec();
            if in_order {
                lines.sort_by_key(|line| scheduled(line));
            }
            assert_eq!(lines.is_sorted_by_key(|line| scheduled(line)), in_order, "it says nothing about disorder");
            let mut text = format!("{HEADER}\n");
            lines.iter().for_each(|line| writeln!(text, "{line}").unwrap());
            let path = folder.path().join("flights.csv");
            std::fs::write(&path, text).unwrap();
            let prepared = prepare(&Spec { input: Some(path), ..Spec::new(name, rows as u64, 1) }).unwrap();
            assert!(prepared.expected.rows > 0, "{name}: a test of nothing");
            for cores in [1, 2.min(available_cores().limit)] {
                for batch in [1, 64, 1024] {
                    let input = Arc::clone(&prepared.input);
                    let (wait, generator) = ("adaptive".to_owned(), Generator::Thread);
                    let job = Job { input, cores, batch, ring_bytes: 64 << 10, wait, schedule: None, generator };
                    let outcome = thalweg.run(&job).unwrap();
                    let case = format!("{name}, rows from {from}, in order: {in_order}, {cores} cores, batches of {batch}");
                    assert_eq!((outcome.answer, outcome.n), (prepared.expected, rows as u64), "{case}");
                }
            }
        }
    }
}

#[test]
fn hourly() {
    check("flights");
}

#[test]
fn top() {
    check("flights-top");
}

#[test]
fn sessions() {
    check("flights-sessions");
}
