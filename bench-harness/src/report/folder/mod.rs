//! The result folder: everything that a later reader needs to judge the figures, or to compute others.
//!
//! ```text
//!   results/2026-01-31-host-1a2b3c4d5e/
//!     definition.json    what was asked, when, of which program; the version of this layout       ┐
//!     environment.json   the machine and the build                                                ├ when it begins
//!     rows.jsonl         one line per run                                                         ┤
//!     histograms.hlog    of each open-loop run every histogram, HdrHistogram's interval log       ┴ as each run ends
//!     rows.csv           the rows again, flat         summary.md, summary.json   medians and ratios, from the rows
//!     complete.json      how many rows, and length and CRC-32 of the files above the CSV: written last
//! ```
//!
//! Laws
//! - Written once: a folder that holds rows is never written to again, but by an experiment that goes on, whose ledger holds all rows.
//! - A folder without `complete.json` is one whose run did not end. It can be read, and says so.
//! - Reading trusts nothing: a file that is damaged, cut off, too large or of another version is an [`Unreadable`], which says what to do.

use std::{fmt, path::Path, time::SystemTime};

use serde::{Deserialize, Serialize};
use serde_json::Value;

mod date;
mod findings;
mod histograms;
mod read;
mod write;

pub use findings::Findings;
pub use histograms::Kind;
pub use read::{Results, Unreadable, row, rows};
pub use write::{Folder, default_path};

/// Version of the layout: counted up when a reader of the old one could not read the new one.
pub const FORMAT: u32 = 1;

const DEFINITION: &str = "definition.json";
const ENVIRONMENT: &str = "environment.json";
const ROWS: &str = "rows.jsonl";
/// Made of the rows and never read here, so that a folder can do without it.
const ROWS_CSV: &str = "rows.csv";
const HISTOGRAMS: &str = "histograms.hlog";
const COMPLETE: &str = "complete.json";

/// What was asked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Definition {
    /// [`FORMAT`].
    pub format: u32,
    /// Name and version of the program that wrote the folder.
    pub program: String,
    /// When it began: UTC, `YYYY-MM-DDThh:mm:ssZ`.
    pub began: String,
    /// The command line, word by word.
    pub command: Vec<String>,
    /// The same with every default filled in: the matrices of runs.
    #[serde(default)]
    pub asked: Value,
}

impl Definition {
    /// What `command` asks for, beginning now. Of the program only the name is kept: where it lies is nobody's business who reads results.
    pub fn new(mut command: Vec<String>, asked: Value) -> Definition {
        if let Some(first) = command.first_mut()
            && let Some(name) = Path::new(first.as_str()).file_name()
        {
            *first = name.to_string_lossy().into_owned();
        }
        let program = concat!(env!("CARGO_PKG_NAME"), " ", env!("CARGO_PKG_VERSION")).to_owned();
        Definition { format: FORMAT, program, began: date::time(SystemTime::now()), command, asked }
    }

    /// The command line as one could type it.
    pub fn command_line(&self) -> String {
        let plain = |word: &String| !word.is_empty() && word.chars().all(|c| c.is_ascii_alphanumeric() || "-_./=,:+@%".contains(c));
        let quoted = |word: &String| if plain(word) { word.clone() } else { format!("'{}'", word.replace('\'', r"'\''")) };
        self.command.iter().map(quoted).collect::<Vec<_>>().join(" ")
    }
}

/// The last file to be written: with it the others can be checked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Complete {
    /// When the last row was written, as [`Definition::began`].
    ended: String,
    /// Rows.
    rows: u64,
    /// The other files.
    files: Vec<Seal>,
}

/// What a file was when it was written.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Seal {
    name: String,
    bytes: u64,
    /// CRC-32 (IEEE), hexadecimal.
    crc32: String,
}

impl Seal {
    fn of(name: &str, content: &[u8]) -> Seal {
        Seal { name: name.to_owned(), bytes: content.len() as u64, crc32: format!("{:08x}", crc32fast::hash(content)) }
    }
}

/// Adds an `s` to what there is not one of.
struct Count<'a>(usize, &'a str);

impl fmt::Display for Count<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}{}", self.0, self.1, if self.0 == 1 { "" } else { "s" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_line_can_be_typed_again() {
        let words = ["/some/where/thalweg-bench", "run", "a b", "", "it's", "--rate", "0.5x"];
        let definition = Definition::new(words.map(str::to_owned).to_vec(), Value::Null);
        assert_eq!(definition.command_line(), r"thalweg-bench run 'a b' '' 'it'\''s' --rate 0.5x");
    }
}
