#![allow(clippy::unwrap_used)]

use std::{
    collections::BTreeMap,
    fs,
    io::Write,
    path::{Path, PathBuf},
};

use proptest::prelude::*;

use super::*;
use crate::record::Own;

/// Partitions of ten ms, of numbers.
type Writer = PartitionWriter<fn(EventTime) -> String, fn(EventTime, u32, &mut Vec<u8>)>;

fn sink(root: &Path) -> (PartitionedFiles<fn(EventTime) -> String, fn(EventTime, u32, &mut Vec<u8>)>, Partitions) {
    let name: fn(EventTime) -> String = |start| format!("tens={}", start.div_euclid(10));
    let format: fn(EventTime, u32, &mut Vec<u8>) = |_, number, line| write!(line, "{number}").unwrap();
    PartitionedFiles::new(root, 10, name, format)
}

fn open(root: &Path, writers: usize) -> (Vec<Writer>, Partitions) {
    let (sink, partitions) = sink(root);
    (Sink::<Timed<Own<u32>>>::open(sink.block_bytes(8).open_files_max(2).without_sync(), writers).unwrap(), partitions)
}

fn write(writer: &mut Writer, records: &[(EventTime, u32)]) {
    assert!(Operator::<Timed<Own<u32>>>::ready(writer).unwrap());
    Operator::<Timed<Own<u32>>>::process(writer, records.iter().copied());
}

fn tell(writer: &mut Writer, control: Control) {
    assert!(Operator::<Timed<Own<u32>>>::ready(writer).unwrap());
    Operator::<Timed<Own<u32>>>::control(writer, control);
}

fn ready(writer: &mut Writer) -> Result<bool, RunError> {
    Operator::<Timed<Own<u32>>>::ready(writer)
}

/// All files under a folder but those under temporary names, by their path.
fn files(root: &Path) -> BTreeMap<String, String> {
    fn walk(root: &Path, folder: PathBuf, all: &mut BTreeMap<String, String>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
            if name.starts_with(".tmp-") {
                continue;
            }
            if path.is_dir() { walk(root, path, all) } else { drop(all.insert(name, fs::read_to_string(&path).unwrap())) }
        }
    }
    let mut all = BTreeMap::new();
    walk(root, root.to_owned(), &mut all);
    all
}

fn leftovers(root: &Path) -> usize {
    fs::read_dir(root).unwrap().filter(|entry| entry.as_ref().unwrap().file_name().to_str().unwrap().starts_with(".tmp-")).count()
}

fn map<const N: usize>(files: [(&str, &str); N]) -> BTreeMap<String, String> {
    files.into_iter().map(|(name, text)| (name.to_owned(), text.to_owned())).collect()
}

#[test]
fn a_partition_appears_when_the_watermark_has_passed_its_last_ms() {
    let root = tempfile::tempdir().unwrap();
    let (mut writers, partitions) = open(root.path(), 1);
    let writer = &mut writers[0];
    write(writer, &[(3, 1), (12, 2), (9, 3), (10, 4), (0, 5), (1, 6), (2, 7)]);
    tell(writer, Control::Watermark(8));
    assert!(files(root.path()).is_empty(), "nothing has a name before it is complete");
    tell(writer, Control::Watermark(9));
    assert_eq!(files(root.path()), map([("tens=0/_SUCCESS", ""), ("tens=0/part-0", "1\n3\n5\n6\n7\n")]));
    write(writer, &[(9, 8), (10, 9)]);
    tell(writer, Control::End);
    assert!(ready(writer).unwrap());
    let all = [("tens=0/_SUCCESS", ""), ("tens=0/part-0", "1\n3\n5\n6\n7\n"), ("tens=1/_SUCCESS", ""), ("tens=1/part-0", "2\n4\n9\n")];
    assert_eq!(files(root.path()), map(all));
    assert_eq!((partitions.committed(), partitions.lines(), partitions.late()), (2, 8, 1));
    drop(writers);
    assert_eq!(leftovers(root.path()), 0);
}

#[test]
fn the_last_partition_that_there_can_be_is_completed_by_the_end() {
    let root = tempfile::tempdir().unwrap();
    let (sink, partitions) = sink(root.path());
    // Of one ms each, so that one begins at the greatest time.
    let mut writers = Sink::<Timed<Own<u32>>>::open(PartitionedFiles { width_ms: 1, ..sink.without_sync() }, 1).unwrap();
    let writer = &mut writers[0];
    write(writer, &[(EventTime::MAX, 1)]);
    tell(writer, Control::Watermark(EventTime::MAX - 1));
    assert!(files(root.path()).is_empty(), "it may get more");
    write(writer, &[(EventTime::MAX, 2)]);
    tell(writer, Control::End);
    assert!(ready(writer).unwrap());
    assert_eq!(files(root.path()).into_values().collect::<Vec<_>>(), ["", "1\n2\n"]);
    assert_eq!((partitions.committed(), partitions.late()), (1, 0));
}

#[test]
fn the_marker_waits_for_the_slowest_worker() {
    let root = tempfile::tempdir().unwrap();
    let (mut writers, partitions) = open(root.path(), 2);
    write(&mut writers[0], &[(3, 1)]);
    write(&mut writers[1], &[(4, 2)]);
    tell(&mut writers[0], Control::End);
    assert_eq!(files(root.path()), map([("tens=0/part-0", "1\n")]));
    tell(&mut writers[1], Control::Watermark(9));
    assert_eq!(files(root.path()), map([("tens=0/_SUCCESS", ""), ("tens=0/part-0", "1\n"), ("tens=0/part-1", "2\n")]));
    assert_eq!(partitions.committed(), 1);
}

#[test]
fn an_idle_worker_holds_up_nothing_and_loses_nothing_that_was_on_time() {
    let root = tempfile::tempdir().unwrap();
    let (mut writers, partitions) = open(root.path(), 2);
    write(&mut writers[0], &[(3, 1)]);
    write(&mut writers[1], &[(4, 2), (15, 3)]);
    tell(&mut writers[1], Control::Idle);
    tell(&mut writers[0], Control::Watermark(9));
    assert_eq!(files(root.path()), map([("tens=0/_SUCCESS", ""), ("tens=0/part-0", "1\n"), ("tens=0/part-1", "2\n")]));
    // It comes back, with a record that nobody waited for, and one that is on time.
    write(&mut writers[1], &[(5, 4), (16, 5)]);
    tell(&mut writers[1], Control::End);
    tell(&mut writers[0], Control::End);
    let files = files(root.path());
    assert_eq!(files["tens=0/part-0"].clone() + &files["tens=0/part-1"], "1\n2\n");
    assert_eq!((files["tens=1/part-0"].as_str(), files["tens=1/part-1"].as_str()), ("5\n", "3\n"));
    assert_eq!((partitions.committed(), partitions.lines(), partitions.late()), (2, 4, 1));
}

#[test]
fn a_job_that_ends_early_commits_nothing_more_and_leaves_nothing() {
    let root = tempfile::tempdir().unwrap();
    let (mut writers, _) = open(root.path(), 2);
    for writer in &mut writers {
        write(writer, &(0..100).map(|i| (i, i as u32)).collect::<Vec<_>>());
        tell(writer, Control::Watermark(9));
    }
    tell(&mut writers[1], Control::Idle);
    assert_eq!(leftovers(root.path()), 1);
    drop(writers);
    assert_eq!(leftovers(root.path()), 0);
    let names: Vec<_> = files(root.path()).into_keys().collect();
    assert_eq!(names, ["tens=0/_SUCCESS", "tens=0/part-0", "tens=0/part-1"]);
}

#[test]
fn a_partition_of_an_earlier_job_is_replaced_as_a_whole() {
    let root = tempfile::tempdir().unwrap();
    let run = |workers: usize, commit: &[usize]| {
        let (mut writers, _) = open(root.path(), workers);
        for writer in &mut writers {
            write(writer, &[(1, 7), (11, 8)]);
        }
        for &which in commit {
            tell(&mut writers[which], Control::End);
        }
    };
    run(2, &[0, 1]);
    assert_eq!(files(root.path()).len(), 6);
    // Killed between the parts of the first worker and those of the second: no marker is left of the job before.
    run(2, &[0]);
    assert_eq!(files(root.path()), map([("tens=0/part-0", "7\n"), ("tens=1/part-0", "8\n")]));
    run(1, &[0]);
    let all = [("tens=0/_SUCCESS", ""), ("tens=0/part-0", "7\n"), ("tens=1/_SUCCESS", ""), ("tens=1/part-0", "8\n")];
    assert_eq!(files(root.path()), map(all));
}

#[test]
fn faults_come_out_of_ready() {
    let root = tempfile::tempdir().unwrap();
    let (mut writers, partitions) = open(root.path(), 1);
    write(&mut writers[0], &[(3, 1)]);
    // The partition's folder is taken by a file.
    fs::write(root.path().join("tens=0"), "x").unwrap();
    tell(&mut writers[0], Control::End);
    let error = ready(&mut writers[0]).unwrap_err().to_string();
    assert!(error.contains("completing") && error.contains("tens=0"), "{error}");
    assert_eq!((partitions.committed(), partitions.lines()), (0, 0));
    drop(writers);
    assert_eq!(leftovers(root.path()), 0);
}

#[test]
fn what_cannot_work_is_refused() {
    let root = tempfile::tempdir().unwrap();
    let file = root.path().join("file");
    fs::write(&file, "x").unwrap();
    let refused = |sink: PartitionedFiles<_, _>| Sink::<Timed<Own<u32>>>::open(sink, 1).err().unwrap().to_string();
    assert!(refused(sink(&file).0).contains("file"));
    let (none, _) = PartitionedFiles::new(root.path(), 0, |_| String::new(), |_, _: u32, _: &mut Vec<u8>| {});
    assert!(refused2(none).contains("at least 1 ms"));
    fn refused2<N, F>(sink: PartitionedFiles<N, F>) -> String
    where
        PartitionedFiles<N, F>: Sink<Timed<Own<u32>>>,
    {
        sink.open(1).err().unwrap().to_string()
    }
}

#[test]
fn more_partitions_than_allowed_end_the_job() {
    let root = tempfile::tempdir().unwrap();
    let mut writers = Sink::<Timed<Own<u32>>>::open(sink(root.path()).0.partitions_max(3), 1).unwrap();
    write(&mut writers[0], &[(0, 1), (10, 1), (20, 1), (5, 1)]);
    assert!(ready(&mut writers[0]).is_ok());
    Operator::<Timed<Own<u32>>>::process(&mut writers[0], [(i64::MIN, 1), (i64::MAX, 2)].into_iter());
    let error = ready(&mut writers[0]).unwrap_err().to_string();
    assert!(error.contains("3 partitions are open") && error.contains("partitions_max"), "{error}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// Any records and watermarks: what is committed is what was on time, each line once, in the partition of its time.
    #[test]
    fn committed_and_late_are_all(
        steps in prop::collection::vec((0..2usize, prop::collection::vec(0..120i64, 0..12), -5..15i64), 0..40),
    ) {
        let root = tempfile::tempdir().unwrap();
        let (mut writers, partitions) = open(root.path(), 2);
        let mut expected = BTreeMap::<i64, Vec<u32>>::new();
        let mut marks = [i64::MIN; 2];
        let (mut late, mut number) = (0, 0);
        for (step, (which, times, ahead)) in steps.iter().enumerate() {
            let mut records = Vec::new();
            for &time in times {
                number += 1;
                records.push((time, number));
                if time.div_euclid(10) * 10 + 9 <= marks[*which] { late += 1 } else { expected.entry(time / 10).or_default().push(number) }
            }
            write(&mut writers[*which], &records);
            marks[*which] = marks[*which].max(3 * step as i64 + ahead);
            tell(&mut writers[*which], Control::Watermark(marks[*which]));
            let least = marks[0].min(marks[1]);
            for tens in expected.keys() {
                let marked = root.path().join(format!("tens={tens}/_SUCCESS")).exists();
                prop_assert_eq!(marked, tens * 10 + 9 <= least);
            }
        }
        writers.iter_mut().for_each(|writer| tell(writer, Control::End));
        drop(writers);
        prop_assert_eq!((partitions.late(), partitions.committed()), (late, expected.len() as u64));
        let mut got = BTreeMap::<i64, Vec<u32>>::new();
        for (name, text) in files(root.path()) {
            let tens = name.split_once('/').unwrap().0.strip_prefix("tens=").unwrap().parse().unwrap();
            got.entry(tens).or_default().extend(text.lines().map(|line| line.parse::<u32>().unwrap()));
        }
        got.values_mut().for_each(|numbers| numbers.sort_unstable());
        prop_assert_eq!(got, expected);
        prop_assert_eq!(leftovers(root.path()), 0);
    }
}
