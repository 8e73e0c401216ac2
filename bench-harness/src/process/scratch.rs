//! A folder for what a process leaves in the system's temporary folder: its own, gone with it.
//!
//! ```text
//!   TMPDIR ─▶ <temporary folder>/thalweg-peer-XXXXXX/      whatever it, and what it starts, puts there
//!             removed once its group is dead, however that came about
//! ```

use std::{
    io,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

/// How long the killed may take to let go of a folder: they are dead to signals before their last write has come to an end.
const LET_GO: Duration = Duration::from_millis(500);

/// A folder that is removed, with all that it holds, when this is dropped.
#[derive(Debug)]
pub struct Scratch(PathBuf);

impl Scratch {
    /// Makes one in the system's temporary folder.
    ///
    /// # Errors
    /// Those of the system.
    pub fn new() -> io::Result<Scratch> {
        // A process may be started in another folder than this program was.
        let all = std::path::absolute(std::env::temp_dir())?;
        Ok(Scratch(tempfile::Builder::new().prefix("thalweg-peer-").tempdir_in(all)?.keep()))
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        remove(&self.0);
    }
}

/// Removes a folder that processes which are about to be dead may still write to.
pub(super) fn remove(folder: &Path) {
    let until = Instant::now() + LET_GO;
    while let Err(error) = std::fs::remove_dir_all(folder) {
        if error.kind() == io::ErrorKind::NotFound || Instant::now() >= until {
            return;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}
