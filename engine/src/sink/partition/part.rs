//! One worker's part of a partition while it is written: a buffer and a file under a temporary name.

use std::{
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
};

/// A part under its temporary name; taken away when dropped.
#[derive(Debug)]
pub(super) struct Part {
    /// What is not written yet.
    pub(super) buffer: Vec<u8>,
    /// Records in it, buffer and file together.
    pub(super) lines: u64,
    /// When its last block was written, counted in blocks of its worker.
    pub(super) written: u64,
    path: PathBuf,
    file: Option<File>,
}

impl Part {
    /// An empty part; its file comes with its first block.
    pub(super) fn new(path: PathBuf, block_bytes: usize) -> Part {
        Part { buffer: Vec::with_capacity(block_bytes.min(1 << 12)), lines: 0, written: 0, path, file: None }
    }

    /// Its temporary name.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Whether its file is open.
    pub(super) fn is_open(&self) -> bool {
        self.file.is_some()
    }

    /// Closes its file until the next block.
    pub(super) fn close(&mut self) {
        self.file = None;
    }

    /// Writes the buffer to the end of the file, which it opens if it has to.
    pub(super) fn write(&mut self) -> io::Result<()> {
        if self.file.is_none() {
            self.file = Some(File::options().append(true).create(true).open(&self.path)?);
        }
        if let Some(file) = &mut self.file {
            file.write_all(&self.buffer)?;
        }
        self.buffer.clear();
        Ok(())
    }

    /// Waits until the disk has it all.
    pub(super) fn sync(&mut self) -> io::Result<()> {
        self.file.as_ref().map_or(Ok(()), File::sync_all)
    }

    /// Gives the file its final name.
    pub(super) fn rename(mut self, to: &Path) -> io::Result<()> {
        self.close();
        // On failure the drop removes the file; after success there is nothing under its temporary name.
        fs::rename(&self.path, to)
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        // There is nobody left to tell, and nothing depends on it.
        let _ = fs::remove_file(&self.path);
    }
}
