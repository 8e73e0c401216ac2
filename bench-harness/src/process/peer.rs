//! Descriptions of processes: `peers/NAME.toml`.
//!
//! ```toml
//! name = "reference"                      # as results show it
//! command = ["python3", "reference.py"]   # what starts it; its CPU time and memory are measured, not those of what it starts itself
//! directory = "."                         # where, from the file's own folder
//! hello_s = 10.0                          # how long it may take to say what it is …
//! prepare_s = 60.0                        # … and to prepare a run
//! warm_up = 1                             # runs that are not measured before each one that is
//! [options]                               # handed on to it, as they are
//! ```

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use serde::Deserialize;

/// A process that can be measured.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Peer {
    /// Its name on the command line and in results.
    pub name: String,
    /// Program and arguments. CPU time and memory are those of this process alone: a script that starts the system should `exec` it.
    pub command: Vec<String>,
    /// Where it is started; of a file, from the folder that holds it.
    #[serde(default)]
    pub directory: PathBuf,
    /// Seconds until it must have said what it is.
    #[serde(default = "hello_s")]
    pub hello_s: f64,
    /// Seconds until a run must be prepared.
    #[serde(default = "prepare_s")]
    pub prepare_s: f64,
    /// Runs that are not measured before each one that is, in the same process.
    #[serde(default = "warm_up")]
    pub warm_up: u32,
    /// Handed on to it.
    #[serde(default)]
    pub options: BTreeMap<String, String>,
}

fn hello_s() -> f64 {
    10.0
}

fn prepare_s() -> f64 {
    60.0
}

fn warm_up() -> u32 {
    1
}

/// Where the descriptions are that come with this program.
const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/peers");
/// Names another folder.
const VARIABLE: &str = "THALWEG_BENCH_PEERS";

fn folder() -> PathBuf {
    std::env::var_os(VARIABLE).map_or_else(|| FOLDER.into(), PathBuf::from)
}

/// The names of all that are described, ascending: their files' names. Empty if there is no folder.
pub fn names() -> Vec<String> {
    let files = std::fs::read_dir(folder()).into_iter().flatten().flatten().map(|entry| entry.path());
    let mut names: Vec<String> = files.filter_map(|path| name_of(&path)).collect();
    names.sort();
    names
}

fn name_of(path: &Path) -> Option<String> {
    path.extension().filter(|extension| *extension == "toml")?;
    Some(path.file_stem()?.to_str()?.to_owned())
}

/// Reads those of `wanted` that are described.
///
/// # Errors
/// A description that cannot be read, or says what there is not.
pub fn all(wanted: &[String]) -> Result<Vec<Peer>, String> {
    let described = names();
    wanted.iter().filter(|name| described.contains(name)).map(|name| Peer::read(&folder().join(format!("{name}.toml")))).collect()
}

impl Peer {
    /// This program, started afresh to run `system` in it.
    ///
    /// # Errors
    /// If its own path is not known.
    pub fn ourselves(system: &str) -> Result<Peer, String> {
        let program = std::env::current_exe().map_err(|error| format!("the path of this program is not known: {error}"))?;
        Ok(Peer {
            name: system.to_owned(),
            command: vec![program.to_string_lossy().into_owned(), "serve".into()],
            directory: PathBuf::new(),
            hello_s: hello_s(),
            prepare_s: 600.0,
            warm_up: warm_up(),
            options: BTreeMap::new(),
        })
    }

    fn read(path: &Path) -> Result<Peer, String> {
        let wrong = |what: String| format!("{}: {what}", path.display());
        let text = std::fs::read_to_string(path).map_err(|error| wrong(error.to_string()))?;
        let mut peer: Peer = toml::from_str(&text).map_err(|error| wrong(error.to_string()))?;
        if Some(&peer.name) != name_of(path).as_ref() {
            return Err(wrong(format!("a file's name is its system's: call it {}.toml", peer.name)));
        }
        if peer.command.is_empty() {
            return Err(wrong("`command` names no program".into()));
        }
        if ![peer.hello_s, peer.prepare_s].iter().all(|seconds| *seconds > 0.0 && *seconds < 1e6) {
            return Err(wrong("`hello_s` and `prepare_s` are seconds, more than zero".into()));
        }
        peer.directory = path.parent().unwrap_or(Path::new("")).join(&peer.directory);
        Ok(peer)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn read(text: &str) -> Result<Peer, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.toml");
        std::fs::write(&path, text).unwrap();
        Peer::read(&path)
    }

    #[test]
    fn a_description_has_defaults() {
        let peer = read("name = \"x\"\ncommand = [\"a\", \"b\"]\n[options]\nheap = \"1G\"\n").unwrap();
        assert_eq!((peer.warm_up, peer.hello_s, peer.options["heap"].as_str()), (1, 10.0, "1G"));
        assert!(peer.directory.is_absolute());
    }

    #[test]
    fn what_is_wrong_is_told_with_the_file() {
        for (text, hint) in [
            ("name = \"x\"", "command"),
            ("name = \"y\"\ncommand = [\"a\"]", "y.toml"),
            ("name = \"x\"\ncommand = []", "no program"),
            ("name = \"x\"\ncommand = [\"a\"]\nhello_s = 0.0", "seconds"),
            ("name = \"x\"\ncommand = [\"a\"]\nwarmup = 1", "warmup"),
            ("name = ", "x.toml"),
        ] {
            let wrong = read(text).unwrap_err();
            assert!(wrong.contains(hint) && wrong.contains("x.toml"), "{text}: {wrong}");
        }
    }

    #[test]
    fn those_that_come_with_the_program_can_be_read() {
        let names = names();
        assert!(names.contains(&"reference".to_owned()), "{names:?}");
        assert_eq!(all(&names).unwrap().len(), names.len());
    }
}
