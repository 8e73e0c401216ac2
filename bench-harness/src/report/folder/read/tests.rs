//! A good folder is read whole; every way to break one gives an error that says where and what to do.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::{report::folder::write::tests::example, workload::mix};

const FILES: [&str; 5] = [DEFINITION, ENVIRONMENT, ROWS, HISTOGRAMS, COMPLETE];

/// A folder and the contents of its files.
fn good(is_finished: bool) -> (tempfile::TempDir, BTreeMap<&'static str, Vec<u8>>) {
    let root = tempfile::tempdir().unwrap();
    example(root.path(), is_finished);
    let contents = FILES.into_iter().filter_map(|name| Some((name, fs::read(root.path().join(name)).ok()?))).collect();
    (root, contents)
}

/// Reads the folder; an error must name the folder or a file in it, and be a sentence for people.
#[track_caller]
fn refused(root: &Path) -> String {
    let text = Results::read(root).unwrap_err().to_string();
    assert!(text.contains(root.to_str().unwrap()), "which folder? {text}");
    text
}

#[test]
fn a_good_folder_is_read_whole() {
    let (root, contents) = good(true);
    let results = Results::read(root.path()).unwrap();
    assert!(results.is_complete() && results.ended().is_some());
    assert_eq!(results.rows().len(), 2);
    assert_eq!(results.rows()[1].system, "x");
    assert_eq!(results.definition().command, ["thalweg-bench", "run"]);
    assert!(results.environment().contains_key("cpu"));
    assert_eq!(results.histogram(1, Kind::Latency).unwrap().len(), 199);
    assert!(results.histogram(1, Kind::Lateness).is_some());
    assert!(results.histogram(0, Kind::Latency).is_none());
    let lines = String::from_utf8(contents[ROWS].clone()).unwrap();
    assert_eq!(results.line(1), lines.lines().nth(1));
    assert_eq!(results.line(2), None);
}

#[test]
fn a_run_that_did_not_end_can_be_read_and_says_so() {
    let (root, _) = good(false);
    let results = Results::read(root.path()).unwrap();
    assert!(!results.is_complete() && results.rows().len() == 2);
}

#[test]
fn what_is_no_result_folder_is_told_apart() {
    let root = tempfile::tempdir().unwrap();
    assert!(refused(&root.path().join("absent")).contains("No such file"));
    assert!(refused(root.path()).contains("it is empty. Give a folder that"));
    fs::write(root.path().join("x"), "x").unwrap();
    assert!(refused(&root.path().join("x")).contains("it is a file"));
    assert!(refused(root.path()).contains("holds no definition.json"));
    fs::write(root.path().join(ROWS), "").unwrap();
    assert!(refused(root.path()).contains("definition.json: cut off: the file is missing"));
    fs::write(root.path().join(ROWS), "{\"schema\":1}\n").unwrap();
    assert!(refused(root.path()).contains("row schema 1; this program reads row schema"), "{}", refused(root.path()));
}

#[test]
fn other_versions_are_foreign_and_no_rows_are_nothing_to_tell() {
    let (root, contents) = good(false);
    let put = |name: &str, text: &str| fs::write(root.path().join(name), text).unwrap();
    let rows = String::from_utf8(contents[ROWS].clone()).unwrap();
    put(ROWS, "");
    assert!(refused(root.path()).contains("no run has ended in it yet"));
    put(ROWS, &rows.replace(&format!("\"schema\":{SCHEMA}"), "\"schema\":99"));
    assert!(refused(root.path()).contains("row schema 99"), "{}", refused(root.path()));
    put(ROWS, &rows);
    let definition = String::from_utf8(contents[DEFINITION].clone()).unwrap();
    put(DEFINITION, &definition.replace("\"format\": 1", "\"format\": 7"));
    assert!(refused(root.path()).contains("layout 7"), "{}", refused(root.path()));
    put(DEFINITION, "{}");
    assert!(refused(root.path()).contains("names no format"));
    // A field that this program does not know is no reason to refuse: new fields do not count.
    put(DEFINITION, &definition);
    put(ROWS, &rows.replace("{\"schema\"", "{\"novelty\":1,\"schema\""));
    assert!(Results::read(root.path()).unwrap().line(0).unwrap().contains("novelty"));
}

#[test]
fn missing_files_are_named() {
    let (root, contents) = good(true);
    for name in [ENVIRONMENT, ROWS, HISTOGRAMS] {
        fs::remove_file(root.path().join(name)).unwrap();
        let text = refused(root.path());
        assert!(text.contains(name) && text.contains("missing"), "{text}");
        fs::write(root.path().join(name), &contents[name]).unwrap();
    }
    assert!(Results::read(root.path()).is_ok());
}

#[test]
fn finished_folders_cut_off_anywhere_are_refused() {
    let (root, contents) = good(true);
    for name in FILES {
        let whole = &contents[name];
        // Every length, but for the middle of long files every hundredth or so.
        let lengths = (0..whole.len()).filter(|length| *length < 200 || whole.len() - length < 200 || length % 397 == 0);
        for length in lengths {
            fs::write(root.path().join(name), &whole[..length]).unwrap();
            // Without its last line end the seal says all that it did.
            match Results::read(root.path()) {
                Ok(_) => assert!(name == COMPLETE && length + 1 == whole.len(), "{name} of {length} bytes was read"),
                Err(error) => assert!(error.to_string().contains(name), "{name} of {length} bytes: {error}"),
            }
        }
        fs::write(root.path().join(name), whole).unwrap();
    }
}

#[test]
fn unfinished_folders_cut_off_anywhere_are_read_up_to_a_line_or_refused() {
    let (root, contents) = good(false);
    for name in [DEFINITION, ENVIRONMENT, ROWS, HISTOGRAMS] {
        let whole = &contents[name];
        for length in (0..whole.len()).filter(|length| *length < 200 || whole.len() - length < 200 || length % 397 == 0) {
            fs::write(root.path().join(name), &whole[..length]).unwrap();
            match Results::read(root.path()) {
                Ok(_) => {
                    let at_a_line = length == 0 || whole[length - 1] == b'\n' || length + 1 == whole.len();
                    assert!(at_a_line, "{name} of {length} bytes was read");
                }
                // The missing row is noticed in the log of its histograms.
                Err(error) => assert!(error.to_string().contains(root.path().to_str().unwrap()), "{name} of {length}: {error}"),
            }
        }
        fs::write(root.path().join(name), whole).unwrap();
    }
}

#[test]
fn one_flipped_bit_in_a_finished_folder_is_noticed() {
    let (root, contents) = good(true);
    for name in FILES.into_iter().filter(|name| *name != COMPLETE) {
        let whole = &contents[name];
        for i in 0..60u64 {
            let mut bytes = whole.clone();
            let at = (mix(i) % bytes.len() as u64) as usize;
            bytes[at] ^= 1 << (i % 8);
            fs::write(root.path().join(name), &bytes).unwrap();
            assert!(refused(root.path()).contains(name), "{name}");
        }
        fs::write(root.path().join(name), whole).unwrap();
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// Nothing but the reader itself stands between these bytes and the figures: no seal is there.
    #[test]
    fn garbage_never_panics(file in 0usize..4, at in any::<prop::sample::Index>(), garbage in prop::collection::vec(any::<u8>(), 1..40)) {
        let (root, contents) = good(false);
        let name = [DEFINITION, ENVIRONMENT, ROWS, HISTOGRAMS][file];
        let mut bytes = contents[name].clone();
        let at = at.index(bytes.len());
        let end = (at + garbage.len()).min(bytes.len());
        bytes.splice(at..end, garbage);
        fs::write(root.path().join(name), &bytes).unwrap();
        if let Err(error) = Results::read(root.path()) {
            prop_assert!(error.to_string().contains(root.path().to_str().unwrap()));
        }
    }

    /// The bytes below the text encoding: a histogram's own format, inflated.
    #[test]
    fn damaged_histograms_never_panic(at in any::<prop::sample::Index>(), value in any::<u8>()) {
        let mut latency = crate::measure::residence::histogram();
        (1..500u64).for_each(|i| crate::measure::residence::record(&mut latency, 0, i * 997));
        let mut bytes = Vec::new();
        hdrhistogram::serialization::Serializer::serialize(&mut hdrhistogram::serialization::V2Serializer::new(), &latency, &mut bytes).unwrap();
        let at = at.index(bytes.len());
        bytes[at] = value;
        let text = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, &bytes);
        let log = format!("Tag=0:latency,0.000,1.000,1.000,{text}\n");
        let _ = histograms::read(&log, 1);
    }
}
