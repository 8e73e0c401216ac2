//! The rows that a job has left in partitioned files, read back as any reader would: only what is complete, the rest is an error.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
};

use super::{Cell, program::Results};

/// A folder that is taken away when dropped.
#[derive(Debug)]
pub struct Folder(PathBuf);

impl Folder {
    /// One that nobody else has, among the machine's temporary files. It is not made yet.
    pub fn temporary() -> Folder {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        // ORDERING: Relaxed; the number only has to be unique.
        let name = format!("thalweg-files-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        Folder(std::env::temp_dir().join(name))
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // Nothing depends on it: what is left behind costs space among the temporary files only.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Gives `results` each bid below `root/day=…/minute=…/part-…`.
pub(super) fn read(root: &Path, results: &mut Results) -> Result<(), String> {
    for day in entries(root)? {
        let date = value(&day, "day=")?;
        for minute in entries(&day)? {
            let clock = value(&minute, "minute=")?;
            let files = entries(&minute)?;
            let (markers, parts): (Vec<_>, Vec<_>) = files.into_iter().partition(|path| path.ends_with("_SUCCESS"));
            if markers.is_empty() || parts.is_empty() {
                return Err(format!("{} is not complete", minute.display()));
            }
            for part in parts {
                value(&part, "part-")?;
                read_part(&part, &date, &clock, results)?;
            }
        }
    }
    Ok(())
}

fn read_part(path: &Path, date: &str, clock: &str, results: &mut Results) -> Result<(), String> {
    let fault = |error: csv::Error| format!("{}: {error}", path.display());
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_path(path).map_err(fault)?;
    let mut record = csv::StringRecord::new();
    while reader.read_record(&mut record).map_err(fault)? {
        let (auction, bidder, price, time, extra) = record.deserialize(None).map_err(fault)?;
        let ints = [auction, bidder, price, time].map(Cell::Int);
        let [a, b, c, d] = ints;
        results.insert(&[a, b, c, d, Cell::Text(extra), Cell::Text(date), Cell::Text(clock)]);
    }
    Ok(())
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>, String> {
    let fault = |error| format!("{}: {error}", folder.display());
    let entries = fs::read_dir(folder).map_err(fault)?;
    let mut paths = entries.map(|entry| entry.map(|entry| entry.path())).collect::<Result<Vec<_>, _>>().map_err(fault)?;
    paths.sort_unstable();
    Ok(paths)
}

/// What stands behind a prefix in a path's last part.
fn value(path: &Path, prefix: &str) -> Result<String, String> {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    name.strip_prefix(prefix).map(str::to_owned).ok_or_else(|| format!("{} should not be there", path.display()))
}
