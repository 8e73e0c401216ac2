//! Lines against `str::lines`, over every origin, size and number of readers.
#![allow(clippy::unwrap_used)]

use std::{
    io::Write,
    sync::{Arc, Mutex},
};

use proptest::prelude::*;

use super::*;
use crate::source::testing::{Gather, run_readers};

fn run(source: Lines, readers: usize, max: usize, seed: u64) -> Result<Vec<Vec<String>>, String> {
    let readers = source.open(readers).map_err(|e| e.to_string())?;
    run_readers(readers, max, seed, |line| line.to_owned()).map_err(|e| e.to_string())
}

fn sorted(shares: Vec<Vec<String>>) -> Vec<String> {
    let mut all = shares.concat();
    all.sort_unstable();
    all
}

fn file_of(bytes: &[u8]) -> tempfile::NamedTempFile {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(bytes).unwrap();
    file.flush().unwrap();
    file
}

/// Reads one to three bytes at a time.
struct Dribble(std::io::Cursor<Vec<u8>>, usize);

impl Read for Dribble {
    fn read(&mut self, buf: &mut [u8]) -> std::io::Result<usize> {
        self.1 += 1;
        let len = buf.len().min(1 + self.1 % 3);
        self.0.read(&mut buf[..len])
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(crate::testing::cases(400)))]

    #[test]
    fn every_line_once(
        text in "([a-zä€😀 ]{0,12}(\n|\r\n|\n\n|\r)){0,40}[a-z]{0,5}\r?",
        readers in 1usize..5, max in 1usize..20, block in 1usize..64, share in 1u64..80, laps in 1u64..4, seed in any::<u64>(),
    ) {
        let lines: Vec<String> = text.lines().map(str::to_owned).collect();
        let expected = sorted((0..laps).map(|_| lines.clone()).collect());
        let file = file_of(text.as_bytes());
        for source in [Lines::file(file.path()), Lines::text(text.as_str()), Lines::bytes(text.as_bytes())] {
            let source = source.laps(laps).block_bytes(block).share_bytes(share);
            let shares = run(source, readers, max, seed).unwrap();
            if readers == 1 {
                prop_assert_eq!(&shares[0], &(0..laps).flat_map(|_| lines.clone()).collect::<Vec<_>>());
            }
            prop_assert_eq!(sorted(shares), expected.clone());
        }
        let stream = Lines::stream("dribble", Dribble(std::io::Cursor::new(text.clone().into_bytes()), seed as usize % 7)).block_bytes(block);
        prop_assert_eq!(run(stream, readers, max, seed).unwrap().concat(), lines);
    }

    #[test]
    fn bad_lines_are_skipped_alone(
        lines in prop::collection::vec(prop_oneof![4 => "[a-zé]{0,9}".prop_map(String::into_bytes), 1 => Just(vec![b'x', 0xff, b'y'])], 0..40),
        readers in 1usize..5, max in 1usize..20, block in 1usize..40, share in 1u64..60, seed in any::<u64>(),
    ) {
        let text: Vec<u8> = lines.iter().flat_map(|line| [line.as_slice(), b"\n"].concat()).collect();
        let mut expected: Vec<String> = lines.iter().filter_map(|line| String::from_utf8(line.clone()).ok()).collect();
        expected.sort_unstable();
        let bad: Vec<u64> = text.split_inclusive(|&b| b == b'\n').scan(0, |at, line| {
            let begin = *at;
            *at += line.len() as u64;
            Some((begin, line))
        }).filter(|(_, line)| line.contains(&0xff)).map(|(begin, _)| begin).collect();
        let file = file_of(&text);
        for source in [Lines::file(file.path()), Lines::bytes(text.clone())] {
            let dead = Arc::new(Mutex::new(Vec::new()));
            let to = dead.clone();
            let policy = OnMalformed::send(move |m| {
                assert_eq!(m.bytes, b"x\xffy");
                to.lock().unwrap().push(m.offset);
            });
            let shares = run(source.block_bytes(block).share_bytes(share).on_malformed(policy), readers, max, seed).unwrap();
            prop_assert_eq!(sorted(shares), expected.clone());
            let mut dead = dead.lock().unwrap().clone();
            dead.sort_unstable();
            prop_assert_eq!(dead, bad.clone());
        }
    }

    #[test]
    fn garbage_never_panics(bytes in prop::collection::vec(any::<u8>(), 0..300), readers in 1usize..4, block in 1usize..40, seed in any::<u64>()) {
        let expected = bytes.split_inclusive(|&b| b == b'\n').filter(|line| std::str::from_utf8(line).is_ok()).count();
        let source = Lines::bytes(bytes).block_bytes(block).share_bytes(17).on_malformed(OnMalformed::Skip);
        prop_assert_eq!(run(source, readers, 5, seed).unwrap().concat().len(), expected);
    }

    #[test]
    fn lines_over_the_limit_are_skipped_alone(
        lens in prop::collection::vec(0usize..60, 0..30), readers in 1usize..4, limit in 1usize..50, block in 1usize..30, share in 1u64..90,
        ended in any::<bool>(),
    ) {
        let mut text: String = lens.iter().map(|&len| "z".repeat(len) + "\n").collect();
        if !ended {
            text.pop();
        }
        // What fits a block is never too long.
        let limit_effective = limit.max(block - 1);
        let mut expected: Vec<usize> = text.lines().map(str::len).filter(|&len| len <= limit_effective).collect();
        let too_long = text.lines().count() - expected.len();
        expected.sort_unstable();
        let file = file_of(text.as_bytes());
        let source = Lines::file(file.path()).block_bytes(block).line_bytes_max(limit).share_bytes(share).on_malformed(OnMalformed::Skip);
        let mut readers = source.open(readers).unwrap();
        let mut out = Gather::<Text, _>::new(|line| line.len());
        for reader in &mut readers {
            while reader.poll(7, &mut out).unwrap() != Polled::End {}
        }
        out.items.sort_unstable();
        prop_assert_eq!(out.items, expected);
        prop_assert_eq!(readers.iter().map(Reader::malformed).sum::<u64>(), too_long as u64);
    }
}

#[test]
fn a_bad_line_is_named_by_its_number() {
    let text = b"one\ntwo\nthr\xffee\nfour\n".to_vec();
    let file = file_of(&text);
    for readers in [1, 3] {
        for source in [Lines::file(file.path()), Lines::bytes(text.clone())] {
            let error = run(source.share_bytes(4).block_bytes(4), readers, 10, 1).unwrap_err();
            assert!(error.contains("record 3") && error.contains("byte 8") && error.contains("not UTF-8"), "{error}");
        }
        let error = run(Lines::file(file.path()).share_bytes(4).block_bytes(1).line_bytes_max(3), readers, 10, 1).unwrap_err();
        assert!(error.contains("record 3") && error.contains("longer than 3 bytes"), "{error}");
    }
}

#[test]
fn lines_before_a_bad_one_are_handed_out_first() {
    let mut reader = Lines::bytes(&b"a\nb\n\xff\nc\n"[..]).open(1).unwrap().remove(0);
    let mut out = Gather::<Text, _>::new(|line| line.to_owned());
    assert_eq!(reader.poll(10, &mut out).unwrap(), Polled::Records(2));
    assert!(reader.poll(10, &mut out).is_err());
    assert_eq!(out.items, ["a", "b"]);
}

#[test]
fn drained_it_hands_out_the_lines_of_its_block() {
    let file = file_of("12345\n".repeat(100).as_bytes());
    let mut reader = Lines::file(file.path()).block_bytes(20).open(1).unwrap().remove(0);
    let mut out = Gather::<Text, _>::new(|line| line.to_owned());
    reader.poll(1, &mut out).unwrap();
    reader.drain();
    while reader.poll(1, &mut out).unwrap() != Polled::End {}
    assert_eq!(out.items.len(), 3);
}

#[test]
fn what_cannot_be_read_is_refused() {
    let error = |source: Lines| source.open(2).err().unwrap().to_string();
    assert!(error(Lines::file("/no/such/file")).contains("/no/such/file"));
    assert!(error(Lines::file(std::env::temp_dir())).contains("directory"));
    assert!(error(Lines::text("a").block_bytes(0)).contains("block_bytes"));
    assert!(error(Lines::stream("pipe", std::io::empty()).laps(2)).contains("laps"));
}
