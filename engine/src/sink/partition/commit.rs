//! What the workers of a [`PartitionedFiles`](super::PartitionedFiles) agree on: which partitions are complete.
//!
//! ```text
//!   worker 0: floor 120 ─┐
//!   worker 1: floor  60 ─┴─▶ least 60: every partition that starts before it gets its marker
//! ```
//!
//! Law: a worker tells its floor after it has committed its own parts before it, so that when the least floor is past a partition, all its
//! parts have their names. A worker that falls idle leaves its parts to the others and does not count until its next watermark; what it brings
//! later for a partition that has its marker is late.
//!
//! One lock, taken once a partition and watermark that passes one, never per record.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use super::part::Part;
use crate::{
    sync::{AtomicU64, Ordering},
    time::EventTime,
};

/// The name of the marker.
const SUCCESS: &str = "_SUCCESS";

/// Parts begin with this; their number in the partition follows.
const PART: &str = "part-";

/// Counts what a [`PartitionedFiles`](super::PartitionedFiles) has done, while the job runs and after it.
#[derive(Clone, Debug, Default)]
pub struct Partitions(Arc<Counts>);

#[derive(Debug, Default)]
struct Counts {
    partitions: Count,
    lines: Count,
    late: Count,
}

/// A number that only grows.
#[derive(Debug, Default)]
struct Count(std::sync::OnceLock<AtomicU64>);

impl Count {
    fn cell(&self) -> &AtomicU64 {
        self.0.get_or_init(|| AtomicU64::new(0))
    }

    fn add(&self, more: u64) -> u64 {
        // ORDERING: Relaxed, here and below: only the number counts.
        self.cell().fetch_add(more, Ordering::Relaxed)
    }

    fn get(&self) -> u64 {
        self.cell().load(Ordering::Relaxed)
    }
}

impl Partitions {
    /// Partitions that have their marker.
    pub fn committed(&self) -> u64 {
        self.0.partitions.get()
    }

    /// Records in parts that have their final name.
    pub fn lines(&self) -> u64 {
        self.0.lines.get()
    }

    /// Records that came after their partition was passed, and are in no file.
    pub fn late(&self) -> u64 {
        self.0.late.get()
    }
}

/// Shared by the writers.
#[derive(Debug)]
pub(super) struct Commits {
    root: PathBuf,
    temporary: PathBuf,
    next: Count,
    sync: bool,
    counts: Partitions,
    state: Mutex<State>,
}

/// How far a worker is: the partitions that start before it are passed. Wider than a time, for there is one behind the last time.
pub(super) type Floor = i128;

#[derive(Debug)]
struct State {
    /// How far each worker is; none while it is idle.
    floors: Vec<Option<Floor>>,
    /// Partitions that start before it have their marker.
    least: Floor,
    /// Partitions with parts of this job that have no marker yet, by their start.
    pending: BTreeMap<EventTime, Pending>,
}

/// A partition without its marker.
#[derive(Debug)]
struct Pending {
    folder: PathBuf,
    /// Parts that have their name; none before what an earlier job left was taken away.
    parts: u64,
    /// Parts of workers that have fallen idle.
    left: Vec<Part>,
}

impl Pending {
    /// Gives a written part its name.
    fn name(&mut self, part: Part) -> io::Result<()> {
        if self.parts == 0 {
            fs::create_dir_all(&self.folder)?;
            clear(&self.folder)?;
        }
        part.rename(&self.folder.join(format!("{PART}{}", self.parts)))?;
        self.parts += 1;
        Ok(())
    }
}

/// What was being done, and what went wrong.
type Fault = (String, io::Error);

impl Commits {
    pub(super) fn new(root: PathBuf, writers: usize, sync: bool, counts: Partitions) -> io::Result<Commits> {
        static NEXT: Count = Count(std::sync::OnceLock::new());
        fs::create_dir_all(&root)?;
        let temporary = root.join(format!(".tmp-{}-{}", std::process::id(), NEXT.add(1)));
        fs::create_dir(&temporary)?;
        let state = State { floors: vec![Some(Floor::MIN); writers], least: Floor::MIN, pending: BTreeMap::new() };
        Ok(Commits { root, temporary, next: Count::default(), sync, counts, state: Mutex::new(state) })
    }

    /// Whether to wait for the disk.
    pub(super) fn syncs(&self) -> bool {
        self.sync
    }

    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    /// A name that no other part has.
    pub(super) fn temporary(&self) -> PathBuf {
        self.temporary.join(self.next.add(1).to_string())
    }

    pub(super) fn count_late(&self, records: u64) {
        if records > 0 {
            self.counts.0.late.add(records);
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing panics under this lock but by a broken allocator, and then the job ends.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives a part, written and synced, its name in the partition's folder.
    pub(super) fn commit(&self, start: EventTime, name: &str, part: Part) -> io::Result<()> {
        let mut state = self.lock();
        if Floor::from(start) < state.least {
            // The others went on without this worker, which was idle.
            self.count_late(part.lines);
            return Ok(());
        }
        let lines = part.lines;
        self.pending(&mut state, start, name).name(part)?;
        self.counts.0.lines.add(lines);
        Ok(())
    }

    /// Takes a part, written and synced, of a worker that falls idle: it gets its name when the others have passed the partition.
    pub(super) fn leave(&self, start: EventTime, name: &str, part: Part) {
        let mut state = self.lock();
        if Floor::from(start) < state.least { self.count_late(part.lines) } else { self.pending(&mut state, start, name).left.push(part) }
    }

    fn pending<'s>(&self, state: &'s mut State, start: EventTime, name: &str) -> &'s mut Pending {
        state.pending.entry(start).or_insert_with(|| Pending { folder: self.root.join(name), parts: 0, left: Vec::new() })
    }

    /// A worker has committed its parts of all partitions that start before `floor`.
    pub(super) fn pass(&self, writer: usize, floor: Floor) -> Result<(), Fault> {
        let mut state = self.lock();
        if state.floors[writer] == Some(floor) {
            return Ok(());
        }
        state.floors[writer] = Some(floor);
        self.mark(&mut state)
    }

    /// A worker has no records to come until it tells its floor again.
    pub(super) fn idle(&self, writer: usize) -> Result<(), Fault> {
        let mut state = self.lock();
        state.floors[writer] = None;
        self.mark(&mut state)
    }

    /// Marks the partitions that all workers have passed.
    fn mark(&self, state: &mut State) -> Result<(), Fault> {
        // All are idle: nobody says how late it is.
        let Some(least) = state.floors.iter().flatten().min() else { return Ok(()) };
        state.least = state.least.max(*least);
        while let Some(entry) = state.pending.first_entry() {
            if Floor::from(*entry.key()) >= state.least {
                break;
            }
            let mut partition = entry.remove();
            let about = |folder: &Path| format!("completing the partition {}", folder.display());
            for part in std::mem::take(&mut partition.left) {
                let lines = part.lines;
                partition.name(part).map_err(|source| (about(&partition.folder), source))?;
                self.counts.0.lines.add(lines);
            }
            let marked = File::create(partition.folder.join(SUCCESS));
            let synced = marked.and_then(|_| if self.sync { File::open(&partition.folder)?.sync_all() } else { Ok(()) });
            synced.map_err(|source| (about(&partition.folder), source))?;
            self.counts.0.partitions.add(1);
        }
        Ok(())
    }
}

impl Drop for Commits {
    fn drop(&mut self) {
        // Parts take their files away. There is nobody left to tell if that fails.
        self.state.get_mut().unwrap_or_else(PoisonError::into_inner).pending.clear();
        let _ = fs::remove_dir(&self.temporary);
    }
}

/// Takes away what an earlier job has left in a partition: its marker first, so that no reader takes the rest for complete.
fn clear(folder: &Path) -> io::Result<()> {
    match fs::remove_file(folder.join(SUCCESS)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_name().to_str().is_some_and(|name| name.starts_with(PART)) {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}
