//! What each system can do. The table is data, `functions.toml`, so that who objects to a cell can change it with its source.

use std::sync::OnceLock;

use serde::Deserialize;

/// A function that one may need of a stream system.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Function {
    /// What it is.
    pub name: String,
    /// What it belongs to.
    pub group: String,
    /// The engine.
    pub thalweg: Cell,
    /// timely dataflow, and what is built on it.
    pub timely: Cell,
    /// renoir.
    pub renoir: Cell,
    /// Apache Flink.
    pub flink: Cell,
    /// The Disruptor, in Java and in Rust: a ring, no stream system.
    pub disruptor: Cell,
}

impl Function {
    /// The systems as columns: heading and cell.
    pub fn cells(&self) -> [(&'static str, &Cell); 5] {
        [
            (NAMES[0], &self.thalweg),
            (NAMES[1], &self.timely),
            (NAMES[2], &self.renoir),
            (NAMES[3], &self.flink),
            (NAMES[4], &self.disruptor),
        ]
    }
}

/// The columns' headings.
const NAMES: [&str; 5] = ["thalweg", "timely", "renoir", "Flink", "Disruptor"];

/// What is said of one system.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cell {
    /// Whether it has the function.
    pub has: Has,
    /// How, or with what limits.
    #[serde(default)]
    pub note: String,
    /// Where that is written: an address, or a path of this repository.
    pub source: String,
}

impl Cell {
    /// Where the source can be looked at, if it has an address.
    pub fn address(&self) -> Option<&str> {
        self.source.starts_with("https://").then_some(self.source.as_str())
    }
}

/// Whether a system has a function.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum Has {
    /// It has.
    #[serde(rename = "yes")]
    Yes,
    /// With limits.
    #[serde(rename = "partly")]
    Partly,
    /// Its users write it themselves, with what it gives them.
    #[serde(rename = "by hand")]
    ByHand,
    /// It has not.
    #[serde(rename = "no")]
    No,
    /// We could not find out.
    #[serde(rename = "unknown")]
    Unknown,
}

impl Has {
    /// In a word.
    pub fn word(self) -> &'static str {
        match self {
            Has::Yes => "yes",
            Has::Partly => "partly",
            Has::ByHand => "by hand",
            Has::No => "no",
            Has::Unknown => "unknown",
        }
    }
}

/// When somebody should take another system, and which.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Advice {
    /// What must hold.
    pub when: String,
    /// What to take then, and why.
    pub then: String,
}

/// All that is said, without a figure in it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Said {
    /// The table of functions, its groups together.
    #[serde(rename = "function")]
    pub functions: Vec<Function>,
    /// When to take another system.
    pub advice: Vec<Advice>,
}

/// What `functions.toml` says.
pub fn said() -> &'static Said {
    static SAID: OnceLock<Said> = OnceLock::new();
    // A test reads it: what cannot be read never leaves the repository.
    SAID.get_or_init(|| toml::from_str(include_str!("functions.toml")).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn every_cell_has_a_source_that_is_there() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        assert!(
            said().functions.len() >= 20 && said().advice.len() >= 5,
            "{:?}",
            toml::from_str::<Said>(include_str!("functions.toml")).err()
        );
        for function in &said().functions {
            for (system, cell) in function.cells() {
                let is_there = cell.address().is_some() || root.join(&cell.source).exists();
                assert!(is_there, "{}, {system}: {} is neither an address nor a path of the repository", function.name, cell.source);
                assert!(cell.note.chars().count() <= 100, "{}, {system}: a note is short", function.name);
            }
        }
    }

    #[test]
    fn groups_stand_together() {
        let mut seen: Vec<&str> = Vec::new();
        for function in &said().functions {
            if seen.last() != Some(&function.group.as_str()) {
                assert!(!seen.contains(&function.group.as_str()), "the group {} is in two places", function.group);
                seen.push(&function.group);
            }
        }
    }
}
