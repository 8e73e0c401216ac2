//! A sink of text lines in a file that nobody sees before it is complete.
//!
//! ```text
//!   record ─ format ─▶ buffer ─ full ─▶ .name.tmp-<process>-<n>  ─ End: flush, sync, rename ─▶ name        one worker
//!                                                                                          ─▶ name.0, name.1 …  several
//! ```
//!
//! Laws
//! - Under its final name a file is complete: it gets that name by a rename, after everything was written and synced.
//! - A job that ends early leaves no file under the final name and takes its temporary one away (a killed process leaves it).
//! - I/O errors come out of `ready`, also those of the end: ask once more after [`Control::End`].

use std::{
    ffi::OsString,
    fmt,
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
};

use super::Sink;
use crate::{
    error::{BuildError, RunError},
    operator::{Control, Operator, States},
    record::Record,
    sync::{AtomicU64, Ordering},
};

/// Writes a line for every record.
pub struct FileSink<F> {
    path: PathBuf,
    format: F,
    block_bytes: usize,
    sync: bool,
}

impl<F> FileSink<F> {
    /// Lines go to `path`, or with several workers to `path.0`, `path.1` and so on. `format` appends a record to the buffer, without a line
    /// end: `|row: Row, line: &mut Vec<u8>| write!(line, "{}", row.id).unwrap()`. It is cloned for each worker.
    pub fn new(path: impl Into<PathBuf>, format: F) -> Self {
        Self { path: path.into(), format, block_bytes: 128 << 10, sync: true }
    }

    /// Sets the bytes of a write. By default 128 KiB.
    #[must_use]
    pub fn block_bytes(mut self, bytes: usize) -> Self {
        self.block_bytes = bytes;
        self
    }

    /// Does not wait for the disk before a file gets its name: a crash of the machine may then leave a broken file under it.
    #[must_use]
    pub fn without_sync(mut self) -> Self {
        self.sync = false;
        self
    }
}

impl<F> fmt::Debug for FileSink<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileSink").field("path", &self.path).finish_non_exhaustive()
    }
}

/// The path with `suffix` after its last part.
fn with_suffix(path: &Path, suffix: usize) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(format!(".{suffix}"));
    name.into()
}

/// A name beside `path` that no other writer, of this process or another, has.
fn temporary(path: &Path) -> io::Result<PathBuf> {
    static NEXT: AtomicNumber = AtomicNumber::new();
    let name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?;
    let mut hidden = OsString::from(".");
    hidden.push(name);
    hidden.push(format!(".tmp-{}-{}", std::process::id(), NEXT.next()));
    Ok(path.with_file_name(hidden))
}

/// A number that only grows.
struct AtomicNumber(std::sync::OnceLock<AtomicU64>);

impl AtomicNumber {
    const fn new() -> Self {
        Self(std::sync::OnceLock::new())
    }

    fn next(&self) -> u64 {
        // ORDERING: Relaxed: only the number counts.
        self.0.get_or_init(|| AtomicU64::new(0)).fetch_add(1, Ordering::Relaxed)
    }
}

impl<R, F> Sink<R> for FileSink<F>
where
    R: Record,
    F: for<'a> FnMut(R::Of<'a>, &mut Vec<u8>) + Clone + Send + 'static,
{
    type Writer = FileWriter<F>;

    fn name(&self) -> &'static str {
        "file"
    }

    fn open(self, writers: usize) -> Result<Vec<Self::Writer>, BuildError> {
        (0..writers)
            .map(|writer| {
                let path = if writers == 1 { self.path.clone() } else { with_suffix(&self.path, writer) };
                let about = |source| BuildError::Open { what: format!("writing {}", path.display()), source };
                if path.is_dir() {
                    return Err(about(io::ErrorKind::IsADirectory.into()));
                }
                let temporary = temporary(&path).map_err(about)?;
                let file = File::create_new(&temporary).map_err(about)?;
                let buffer = Vec::with_capacity(self.block_bytes + self.block_bytes / 4);
                let unfinished = Unfinished { file, temporary, path };
                Ok(FileWriter {
                    to: Some(unfinished),
                    buffer,
                    block_bytes: self.block_bytes,
                    sync: self.sync,
                    fault: None,
                    format: self.format.clone(),
                })
            })
            .collect()
    }
}

/// A file under its temporary name; taken away when dropped.
#[derive(Debug)]
struct Unfinished {
    file: File,
    temporary: PathBuf,
    path: PathBuf,
}

impl Unfinished {
    /// Gives the file its name.
    fn finish(self, sync: bool) -> io::Result<()> {
        if sync {
            self.file.sync_all()?;
        }
        // On failure the drop removes the file; after success there is nothing under its temporary name.
        fs::rename(&self.temporary, &self.path)?;
        if sync {
            sync_directory(&self.path)?;
        }
        Ok(())
    }
}

/// Makes a rename into `path`'s directory last.
#[cfg(unix)]
fn sync_directory(path: &Path) -> io::Result<()> {
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(directory)?.sync_all()
}

#[cfg(not(unix))]
fn sync_directory(_: &Path) -> io::Result<()> {
    // Directories cannot be opened there; the file itself is synced.
    Ok(())
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        // There is nobody left to tell, and nothing depends on it.
        let _ = fs::remove_file(&self.temporary);
    }
}

/// One worker's share of a [`FileSink`].
pub struct FileWriter<F> {
    /// None after the end or a fault.
    to: Option<Unfinished>,
    buffer: Vec<u8>,
    block_bytes: usize,
    sync: bool,
    fault: Option<RunError>,
    format: F,
}

impl<F> fmt::Debug for FileWriter<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileWriter").field("to", &self.to).finish_non_exhaustive()
    }
}

impl<F> FileWriter<F> {
    // Cold beside the formatting: once a block.
    #[inline(never)]
    fn write_block(&mut self) {
        if let Some(to) = &mut self.to
            && let Err(source) = to.file.write_all(&self.buffer)
        {
            self.fault = Some(RunError::Io { what: format!("writing {}", to.temporary.display()), source });
            self.to = None;
        }
        self.buffer.clear();
    }
}

impl<R, F> Operator<R> for FileWriter<F>
where
    R: Record,
    F: for<'a> FnMut(R::Of<'a>, &mut Vec<u8>),
{
    fn process<'a, I>(&mut self, records: I)
    where
        I: Iterator<Item = R::Of<'a>>,
    {
        for record in records {
            (self.format)(record, &mut self.buffer);
            self.buffer.push(b'\n');
            if self.buffer.len() >= self.block_bytes {
                self.write_block();
            }
        }
    }

    fn control(&mut self, control: Control) {
        if control != Control::End {
            return;
        }
        self.write_block();
        if let Some(to) = self.to.take() {
            let path = to.path.clone();
            if let Err(source) = to.finish(self.sync) {
                self.fault = Some(RunError::Io { what: format!("completing {}", path.display()), source });
            }
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

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::record::{Own, Text};

    fn open(path: &Path, writers: usize) -> Result<Vec<impl Operator<Own<u32>> + use<>>, BuildError> {
        let format = |x: u32, line: &mut Vec<u8>| write!(line, "{x}").unwrap();
        Sink::<Own<u32>>::open(FileSink::new(path, format).block_bytes(16), writers)
    }

    fn names(directory: &Path) -> Vec<String> {
        let mut names: Vec<_> = fs::read_dir(directory).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn a_file_appears_complete_at_the_end() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("out.txt");
        fs::write(&path, "old").unwrap();
        let mut writer = open(&path, 1).unwrap().remove(0);
        for start in (0..100).step_by(10) {
            assert!(writer.ready().unwrap());
            writer.process(start..start + 10);
            assert_eq!(fs::read_to_string(&path).unwrap(), "old");
        }
        writer.control(Control::End);
        assert!(writer.ready().unwrap());
        assert_eq!(fs::read_to_string(&path).unwrap(), (0..100).map(|x| format!("{x}\n")).collect::<String>());
        drop(writer);
        assert_eq!(names(directory.path()), ["out.txt"]);
    }

    #[test]
    fn several_writers_write_a_file_each() {
        let directory = tempfile::tempdir().unwrap();
        let mut writers = open(&directory.path().join("out"), 2).unwrap();
        writers[0].process(0..2);
        writers.iter_mut().for_each(|writer| writer.control(Control::End));
        assert_eq!(names(directory.path()), ["out.0", "out.1"]);
        assert_eq!(fs::read_to_string(directory.path().join("out.0")).unwrap(), "0\n1\n");
        assert_eq!(fs::read_to_string(directory.path().join("out.1")).unwrap(), "");
    }

    #[test]
    fn a_job_that_ends_early_leaves_nothing() {
        let directory = tempfile::tempdir().unwrap();
        let mut writers = open(&directory.path().join("out"), 2).unwrap();
        writers[0].process(0..50);
        assert_eq!(names(directory.path()).len(), 2);
        drop(writers);
        assert!(names(directory.path()).is_empty());
    }

    #[test]
    fn faults_come_out_of_ready() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("out");
        let mut writer = open(&path, 1).unwrap().remove(0);
        writer.process(0..3);
        // The final name is taken by what a file cannot replace.
        fs::create_dir(&path).unwrap();
        writer.control(Control::End);
        let error = writer.ready().unwrap_err().to_string();
        assert!(error.contains("completing") && error.contains("out"), "{error}");
        assert_eq!(names(directory.path()), ["out"]);
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_full_disk_is_a_fault() {
        let file = File::options().write(true).open("/dev/full").unwrap();
        let directory = tempfile::tempdir().unwrap();
        let mut writer =
            Sink::<Text>::open(FileSink::new(directory.path().join("out"), |s: &str, line: &mut Vec<u8>| line.extend(s.bytes())), 1)
                .unwrap()
                .remove(0);
        writer.to.as_mut().unwrap().file = file;
        Operator::<Text>::process(&mut writer, ["a"; 10].into_iter());
        Operator::<Text>::control(&mut writer, Control::End);
        assert!(Operator::<Text>::ready(&mut writer).unwrap_err().to_string().contains("writing"));
        drop(writer);
        assert!(names(directory.path()).is_empty());
    }

    #[test]
    fn what_cannot_be_written_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        assert!(open(&directory.path().join("no/such/out"), 1).err().unwrap().to_string().contains("no/such/out"));
        assert!(open(directory.path(), 1).err().unwrap().to_string().contains("directory"));
        assert!(open(Path::new("/"), 1).is_err());
    }
}
