//! A sink of text lines in files by event time, each partition of which becomes visible at once.
//!
//! ```text
//!   (time, record) ─ format ─▶ buffer of its partition ─▶ root/.tmp-<process>-<n>/…        bounded open files, the oldest closed first
//!                                                             │ watermark ≥ end − 1 of the partition: flush, sync, rename
//!                                                             ▼
//!                                   root/<name of the partition>/part-<n>
//!                                                                _SUCCESS        once every worker's watermark has passed
//! ```
//!
//! Laws
//! - Under its final name a part is complete: it gets that name by a rename, after everything was written and synced.
//! - `_SUCCESS` comes after the last part, once every worker's watermark has passed the partition; an idle worker holds up nothing.
//!   A partition that has it never changes again in this job: a record that comes later than that, or
//!   after its own worker's watermark has passed the partition, is late; it is counted and not written.
//! - A partition that the job writes is replaced as a whole: marker and parts of an earlier job go before its own first part comes. So a job
//!   that is run again, from the beginning and with any number of workers, leaves what one run leaves.
//! - A job that ends early takes its temporary files away and commits nothing more. A killed process leaves a `.tmp-…` folder, which no
//!   reader takes for data and anyone may delete.
//! - I/O errors come out of `ready`, also those of the end.
//!
//! Non-goals: bringing records of one partition together on one worker (each writes a part of its own, nothing moves between cores), and
//! going on where an earlier job stopped.

mod commit;
mod part;
#[cfg(test)]
mod tests;

use std::{collections::BTreeMap, fmt, io, path::PathBuf, sync::Arc};

use super::Sink;
use crate::{
    error::{BuildError, RunError},
    operator::{Control, Operator, States},
    record::{Record, Timed},
    time::EventTime,
};
use commit::{Commits, Floor};
use part::Part;

pub use commit::Partitions;

/// Writes a line for every record, into the files of the record's partition. It takes records with their times: end a
/// [`TimedStream`](crate::TimedStream) with [`with_times`](crate::TimedStream::with_times) before it.
///
/// ```
/// use std::{fs, io::Write};
/// use thalweg::{Config, Dataflow, Monotone, Replay, sink::PartitionedFiles};
///
/// let root = std::env::temp_dir().join(format!("thalweg-doc-{}", std::process::id()));
/// let (sink, partitions) = PartitionedFiles::new(
///     &root,
///     60_000,
///     |start| format!("minute={}", start / 60_000),
///     |_, time: i64, line: &mut Vec<u8>| write!(line, "{time}").expect("a Vec takes all"),
/// );
/// let mut flow = Dataflow::new("minutes");
/// flow.source(Replay::new(vec![1i64, 59_999, 60_000])).watermarks(Monotone, |time| *time).with_times().sink(sink);
/// flow.start(Config::default().workers(1))?.join()?;
/// assert_eq!(fs::read_to_string(root.join("minute=0/part-0"))?, "1\n59999\n");
/// assert!(root.join("minute=1/_SUCCESS").exists());
/// assert_eq!((partitions.committed(), partitions.late()), (2, 0));
/// # fs::remove_dir_all(root)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct PartitionedFiles<N, F> {
    root: PathBuf,
    width_ms: i64,
    name: N,
    format: F,
    limits: Limits,
    sync: bool,
    partitions: Partitions,
}

/// What one writer may hold.
#[derive(Clone, Copy, Debug)]
struct Limits {
    block_bytes: usize,
    open_files_max: usize,
    partitions_max: usize,
}

impl<N, F> PartitionedFiles<N, F> {
    /// The sink, and a handle that counts what it has committed.
    ///
    /// A partition holds the records of `width_ms` milliseconds of event time, from a multiple of that; `name` gives the path of its folder
    /// under `root`, from the time at which it starts; different times must have different ones. `format` appends a record to the buffer, without a line end; it is cloned for each
    /// worker, and so is `name`.
    pub fn new(root: impl Into<PathBuf>, width_ms: i64, name: N, format: F) -> (Self, Partitions) {
        let partitions = Partitions::default();
        let limits = Limits { block_bytes: 64 << 10, open_files_max: 64, partitions_max: 10_000 };
        let sink = Self { root: root.into(), width_ms, name, format, limits, sync: true, partitions: partitions.clone() };
        (sink, partitions)
    }

    /// Sets the bytes of a write. By default 64 KiB; each open file has a buffer of about this size.
    #[must_use]
    pub fn block_bytes(mut self, bytes: usize) -> Self {
        self.limits.block_bytes = bytes;
        self
    }

    /// How many files a worker holds open at a time, at least 1. By default 64. Of more partitions the one that was written least recently
    /// is closed, and opened again when it gets another block.
    #[must_use]
    pub fn open_files_max(mut self, files: usize) -> Self {
        self.limits.open_files_max = files.max(1);
        self
    }

    /// Ends the job with an error when a worker has more partitions than this that no watermark has passed. By default 10,000.
    #[must_use]
    pub fn partitions_max(mut self, partitions: usize) -> Self {
        self.limits.partitions_max = partitions;
        self
    }

    /// Does not wait for the disk before a file gets its name: a crash of the machine may then leave a broken file under it.
    #[must_use]
    pub fn without_sync(mut self) -> Self {
        self.sync = false;
        self
    }
}

impl<N, F> fmt::Debug for PartitionedFiles<N, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PartitionedFiles").field("root", &self.root).finish_non_exhaustive()
    }
}

impl<R, N, F> Sink<Timed<R>> for PartitionedFiles<N, F>
where
    R: Record,
    N: FnMut(EventTime) -> String + Clone + Send + 'static,
    F: for<'a> FnMut(EventTime, R::Of<'a>, &mut Vec<u8>) + Clone + Send + 'static,
{
    type Writer = PartitionWriter<N, F>;

    fn name(&self) -> &'static str {
        "partitioned files"
    }

    fn open(self, writers: usize) -> Result<Vec<Self::Writer>, BuildError> {
        let root = self.root.display().to_string();
        let about = |source| BuildError::Open { what: format!("writing into {root}"), source };
        if self.width_ms <= 0 {
            let why = "a partition needs a width of at least 1 ms".to_owned();
            return Err(BuildError::Option { option: "width_ms", value: self.width_ms.to_string(), why });
        }
        let commits = Arc::new(Commits::new(self.root, writers, self.sync, self.partitions).map_err(about)?);
        Ok((0..writers)
            .map(|writer| PartitionWriter {
                writer,
                width_ms: self.width_ms,
                name: self.name.clone(),
                format: self.format.clone(),
                limits: self.limits,
                commits: commits.clone(),
                open: BTreeMap::new(),
                files_open: 0,
                writes: 0,
                floor: Floor::MIN,
                fault: None,
            })
            .collect())
    }
}

/// One worker's share of a [`PartitionedFiles`].
pub struct PartitionWriter<N, F> {
    writer: usize,
    width_ms: i64,
    name: N,
    format: F,
    limits: Limits,
    /// Partitions that this worker's watermark has not passed, by their start. Dropped before `commits`, which takes the folder away.
    open: BTreeMap<EventTime, Part>,
    commits: Arc<Commits>,
    /// In 0..=limits.open_files_max.
    files_open: usize,
    /// Blocks written so far: tells which file was written least recently.
    writes: u64,
    /// Partitions that start before it are passed.
    floor: Floor,
    fault: Option<RunError>,
}

impl<N, F> fmt::Debug for PartitionWriter<N, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PartitionWriter").field("partitions", &self.open.len()).finish_non_exhaustive()
    }
}

impl<N, F> PartitionWriter<N, F> {
    /// Takes note of what went wrong; the first fault counts.
    #[cold]
    fn fail(&mut self, what: String, source: io::Error) {
        self.fault.get_or_insert(RunError::Io { what, source });
    }

    /// A partition that has no buffer yet.
    #[cold]
    #[inline(never)]
    fn begin(&mut self, start: EventTime) {
        if self.open.len() >= self.limits.partitions_max {
            let why = io::Error::other(format!(
                "{} partitions are open, and no watermark has passed them: check the times of the records, or set partitions_max higher",
                self.open.len()
            ));
            self.fail(format!("writing into {}", self.commits.root().display()), why);
            return;
        }
        let part = Part::new(self.commits.temporary(), self.limits.block_bytes);
        self.open.insert(start, part);
    }

    /// Writes a partition's buffer to its file, after making room among the open ones.
    // Cold beside the formatting: once a block.
    #[inline(never)]
    fn write_block(&mut self, start: EventTime) {
        self.writes += 1;
        let opens = self.open.get(&start).is_some_and(|part| !part.is_open());
        if opens && self.files_open >= self.limits.open_files_max {
            let oldest = self.open.values_mut().filter(|part| part.is_open()).min_by_key(|part| part.written);
            if let Some(oldest) = oldest {
                oldest.close();
                self.files_open -= 1;
            }
        }
        let Some(part) = self.open.get_mut(&start) else { return };
        part.written = self.writes;
        let written = part.write();
        self.files_open += usize::from(opens && part.is_open());
        if let Err(source) = written {
            let what = format!("writing {}", part.path().display());
            self.fail(what, source);
        }
    }

    /// Commits the partitions that the watermark has passed, and tells the others how far this worker is.
    fn pass(&mut self, watermark: EventTime)
    where
        N: FnMut(EventTime) -> String,
    {
        // A partition [start, start + width) is passed when the watermark has come to its last ms.
        self.floor = self.floor.max(first_after(watermark, self.width_ms));
        while let Some((&start, _)) = self.open.first_key_value() {
            if Floor::from(start) >= self.floor || self.fault.is_some() {
                break;
            }
            self.close(start, |commits, name, part| commits.commit(start, name, part));
        }
        if self.fault.is_none()
            && let Err((what, source)) = self.commits.pass(self.writer, self.floor)
        {
            self.fail(what, source);
        }
    }

    /// Leaves all parts to the other workers, who need not wait for this one.
    fn fall_idle(&mut self)
    where
        N: FnMut(EventTime) -> String,
    {
        while let Some((&start, _)) = self.open.first_key_value() {
            self.close(start, |commits, name, part| {
                commits.leave(start, name, part);
                Ok(())
            });
        }
        if self.fault.is_none()
            && let Err((what, source)) = self.commits.idle(self.writer)
        {
            self.fail(what, source);
        }
    }

    /// Writes what is left of a part and hands it over.
    fn close(&mut self, start: EventTime, to: impl FnOnce(&Commits, &str, Part) -> io::Result<()>)
    where
        N: FnMut(EventTime) -> String,
    {
        self.write_block(start);
        let Some(mut part) = self.open.remove(&start) else { return };
        self.files_open -= usize::from(part.is_open());
        if self.fault.is_some() {
            return;
        }
        let (name, path) = ((self.name)(start), part.path().to_owned());
        let synced = if self.commits.syncs() { part.sync() } else { Ok(()) };
        part.close();
        if let Err(source) = synced.and_then(|()| to(&self.commits, &name, part)) {
            self.fail(format!("completing {} as a part of {name}", path.display()), source);
        }
    }
}

/// The start of the first partition that a watermark has not passed; behind all of them at the last time.
fn first_after(watermark: EventTime, width_ms: i64) -> Floor {
    watermark.checked_add(1).map_or(Floor::MAX, |next| start_of(next, width_ms).into())
}

/// The start of the partition that a time falls into; the least time there is if it would start before that.
#[inline(always)]
fn start_of(time: EventTime, width_ms: i64) -> EventTime {
    time.checked_sub(time.rem_euclid(width_ms)).unwrap_or(EventTime::MIN)
}

impl<R, N, F> Operator<Timed<R>> for PartitionWriter<N, F>
where
    R: Record,
    N: FnMut(EventTime) -> String,
    F: for<'a> FnMut(EventTime, R::Of<'a>, &mut Vec<u8>),
{
    fn process<'a, I>(&mut self, records: I)
    where
        I: Iterator<Item = (EventTime, R::Of<'a>)>,
    {
        let mut late = 0;
        for (time, record) in records {
            let start = start_of(time, self.width_ms);
            if Floor::from(start) < self.floor {
                late += 1;
                continue;
            }
            if !self.open.contains_key(&start) {
                self.begin(start);
            }
            // After a fault nothing more is written: the job ends with it.
            let Some(part) = self.open.get_mut(&start).filter(|_| self.fault.is_none()) else { continue };
            (self.format)(time, record, &mut part.buffer);
            part.buffer.push(b'\n');
            part.lines += 1;
            if part.buffer.len() >= self.limits.block_bytes {
                self.write_block(start);
            }
        }
        self.commits.count_late(late);
    }

    fn control(&mut self, control: Control) {
        match control {
            Control::Watermark(watermark) => self.pass(watermark),
            Control::End => self.pass(EventTime::MAX),
            Control::Idle => self.fall_idle(),
            Control::Barrier(_) => {}
        }
    }

    fn ready(&mut self) -> Result<bool, RunError> {
        match self.fault.take() {
            Some(fault) => Err(fault),
            None => Ok(true),
        }
    }

    fn states(&mut self, _: &mut States<'_>) {}
}
