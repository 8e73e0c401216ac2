//! Where a file is written: beside its place under another name, until it is whole.

use std::{
    fs::{self, File},
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
};

const BUFFER_BYTES: usize = 1 << 20;

pub(crate) struct Target {
    out: Out,
}

enum Out {
    /// Standard output, or what is there and no ordinary file: a pipe, a device.
    Stream(BufWriter<Box<dyn Write + Send>>),
    File {
        out: BufWriter<File>,
        part: Part,
        path: PathBuf,
    },
}

/// The unfinished file; removed when dropped.
struct Part(PathBuf);

impl Drop for Part {
    fn drop(&mut self) {
        // After `commit` it is not there any more; else there is nothing to be done about a failure.
        let _ = fs::remove_file(&self.0);
    }
}

impl Target {
    /// Opens `path` for writing; `-` is standard output. A file that is there stays until `commit`.
    pub(crate) fn create(path: &Path) -> io::Result<Target> {
        let stream = |out: Box<dyn Write + Send>| Target { out: Out::Stream(BufWriter::with_capacity(BUFFER_BYTES, out)) };
        if path == Path::new("-") {
            return Ok(stream(Box::new(io::stdout())));
        }
        match fs::metadata(path) {
            Ok(is) if is.is_dir() => return Err(io::ErrorKind::IsADirectory.into()),
            Ok(is) if !is.is_file() => return Ok(stream(Box::new(File::options().write(true).open(path)?))),
            _ => {}
        }
        // A link keeps pointing to what it points to.
        let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        let name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?;
        let part = path.with_file_name(format!(".{}.{}.part", name.to_string_lossy(), std::process::id()));
        let file = File::create(&part)?;
        Ok(Target { out: Out::File { out: BufWriter::with_capacity(BUFFER_BYTES, file), part: Part(part), path } })
    }

    /// Takes the bytes.
    pub(crate) fn out(&mut self) -> &mut (dyn Write + Send) {
        match &mut self.out {
            Out::Stream(out) => out,
            Out::File { out, .. } => out,
        }
    }

    /// Gives the file its name, once all bytes are on the disk.
    pub(crate) fn commit(self) -> io::Result<()> {
        match self.out {
            Out::Stream(mut out) => out.flush(),
            Out::File { out, part, path } => {
                out.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()?;
                fs::rename(&part.0, path)
            }
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_file_appears_whole_or_not_at_all() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("events");
        fs::write(&path, "old").unwrap();
        let mut target = Target::create(&path).unwrap();
        target.out().write_all(b"new").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"old");
        drop(target);
        assert_eq!(fs::read(&path).unwrap(), b"old");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "something is left behind");

        let mut target = Target::create(&path).unwrap();
        target.out().write_all(b"new").unwrap();
        target.commit().unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "something is left behind");
    }

    #[test]
    fn folders_are_refused_and_must_exist() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(Target::create(folder.path()).err().unwrap().kind(), io::ErrorKind::IsADirectory);
        assert_eq!(Target::create(&folder.path().join("no/file")).err().unwrap().kind(), io::ErrorKind::NotFound);
    }

    #[cfg(unix)]
    #[test]
    fn devices_are_written_to_and_links_followed() {
        let mut target = Target::create(Path::new("/dev/null")).unwrap();
        target.out().write_all(b"x").unwrap();
        target.commit().unwrap();
        assert!(!fs::metadata("/dev/null").unwrap().is_file());

        let folder = tempfile::tempdir().unwrap();
        let (real, link) = (folder.path().join("real"), folder.path().join("link"));
        fs::write(&real, "old").unwrap();
        std::os::unix::fs::symlink(&real, &link).unwrap();
        Target::create(&link).unwrap().commit().unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::read(&real).unwrap(), b"");
    }
}
