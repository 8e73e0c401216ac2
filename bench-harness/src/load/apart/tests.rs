#![allow(clippy::unwrap_used)]
use super::*;
use crate::workload::{Data, Spec, prepare};

/// A feed whose generator is a thread of the tests: the library's own test program knows no `feed`.
fn pair() -> (Feed, UnixStream) {
    let (socket, other) = UnixStream::pair().unwrap();
    socket.set_nonblocking(true).unwrap();
    let mut command = Command::new("sleep");
    command.arg("100");
    let process = Guard::start(command).unwrap();
    (Feed { socket, process, buffer: vec![0; 64], taken: 0, filled: 0, in_frame: 0, is_over: false }, other)
}

#[test]
fn frames_are_read_however_they_are_cut() {
    let records: Vec<u64> = (0..100).map(|i| i * 0x0101_0101_0101).collect();
    let mut bytes = Vec::new();
    for frame in records.chunks(7) {
        bytes.extend((frame.len() as u32).to_le_bytes());
        frame.iter().for_each(|record| record.put(&mut bytes));
    }
    bytes.extend([0; COUNT_BYTES]);
    // What follows the end is no frame.
    bytes.extend(5u32.to_le_bytes());
    for piece in [1, 3, 8, 13, 1_000] {
        let (mut feed, mut other) = pair();
        let mut got: Vec<u64> = Vec::new();
        let mut is_last = false;
        for part in bytes.chunks(piece) {
            other.write_all(part).unwrap();
            // Every poll gives at most five, and none of them waits.
            loop {
                let mut some: Vec<u64> = Vec::new();
                is_last |= feed.poll(&mut some, 5).unwrap();
                assert!(some.len() <= 5);
                if some.is_empty() {
                    break;
                }
                got.extend(some);
            }
        }
        assert!(is_last && got == records, "pieces of {piece}: {} records", got.len());
    }
}

#[test]
fn a_generator_that_ends_early_is_an_error() {
    let (mut feed, mut other) = pair();
    other.write_all(&9u32.to_le_bytes()).unwrap();
    drop(other);
    let mut records: Vec<u64> = Vec::new();
    // A process that another test is just starting holds the other end for a moment.
    let error = loop {
        match feed.poll(&mut records, 5) {
            Ok(_) => std::thread::sleep(std::time::Duration::from_millis(1)),
            Err(error) => break error,
        }
    };
    assert!(error.contains("the generator"), "{error}");
}

#[test]
fn frames_that_lie_are_refused() {
    let mut bytes = u32::MAX.to_le_bytes().to_vec();
    bytes.extend([1, 2, 3]);
    assert!(read_frame(&mut bytes.as_slice()).is_err());
    let mut good = Vec::new();
    write_frame(&mut good, b"abc").unwrap();
    assert_eq!(read_frame(&mut good.as_slice()).unwrap(), b"abc");
}

#[test]
fn notes_cross_to_the_other_process() {
    let prepared = prepare(&Spec { block_bytes: 64, ..Spec::new("hop", 1_000, 1) }).unwrap();
    let Data::Hop(replay) = &prepared.input.data else { panic!("a hop") };
    let pace = Pace::new(&Schedule::constant(1e6), replay.events).unwrap();
    let mut departures = pace.departures(super::super::open::Role::Generator);
    while departures.sent() < replay.events {
        let due = departures.due();
        departures.send(due);
    }
    let json = serde_json::to_string(&departures.notes()).unwrap();
    let back = Departures::of(&pace, serde_json::from_str(&json).unwrap()).unwrap();
    assert_eq!((back.sent(), serde_json::to_string(&back.notes()).unwrap()), (1_000, json));
    let other = Pace::new(&Schedule::constant(1e6), 7).unwrap();
    let foreign = Departures::of(&other, pace.departures(super::super::open::Role::Generator).notes());
    assert!(foreign.err().unwrap().contains("another run"));
}
