//! The folder of an experiment: a result folder, beside the ledger that it can be made anew from.
//!
//! ```text
//!   DIR/  ledger.jsonl                          every run as it ends: what an experiment that was cut off goes on from
//!         definition, environment, rows …      a result folder, made anew by each invocation and filled as runs end
//!         sustain.jsonl, points.jsonl …        what was found
//! ```

use std::{fs, path::Path};

use serde_json::Value;

use super::ledger::{LEDGER, Ledger};
use crate::{
    report::{
        compare::summarise,
        folder::{Definition, Folder},
        row::Row,
    },
    run::environment::Environment,
};

/// An experiment's folder, being filled.
#[derive(Debug)]
pub struct Place {
    folder: Folder,
    environment: Environment,
}

impl Place {
    /// Opens the folder for what is `asked`, and the ledger in it.
    ///
    /// # Errors
    /// If it cannot be written, or holds something else.
    pub fn open(path: &Path, asked: &Value) -> Result<(Ledger, Place), String> {
        let told = |error: std::io::Error| format!("{}: {error}", path.display());
        fs::create_dir_all(path).map_err(told)?;
        let is_begun = path.join(LEDGER).exists();
        let ledger = Ledger::open(&path.join(LEDGER), asked)?;
        let environment = Environment::read();
        let definition = Definition::new(std::env::args().collect(), asked.clone());
        let make = if is_begun { Folder::renew } else { Folder::create };
        let folder = make(path, &environment, definition).inspect_err(|_| {
            // A ledger that was begun in vain would say that what is here is an experiment's.
            if !is_begun {
                let _ = fs::remove_file(path.join(LEDGER));
            }
        });
        Ok((ledger, Place { folder: folder.map_err(told)?, environment }))
    }

    /// Adds the rows of a run.
    ///
    /// # Errors
    /// Those of writing.
    pub fn add(&mut self, rows: &[Row]) -> Result<(), String> {
        rows.iter().try_for_each(|row| self.folder.row(row, [])).map_err(|error| format!("a row cannot be kept: {error}"))
    }

    /// Writes `files` beside the `rows` that were added, and what makes the folder complete.
    ///
    /// # Errors
    /// Those of writing.
    pub fn finish(self, rows: &[Row], files: &[(&str, String)]) -> Result<(), String> {
        for (name, text) in files {
            fs::write(self.folder.path().join(name), text).map_err(|error| format!("{name} cannot be kept: {error}"))?;
        }
        let finished = self.folder.finish(rows, &summarise(rows, &[]), &self.environment);
        finished.map_err(|error| format!("the folder cannot be finished: {error}"))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn results_of_something_else_are_not_touched() {
        let folder = tempfile::tempdir().unwrap();
        let rows = folder.path().join("rows.jsonl");
        fs::write(&rows, "{}").unwrap();
        assert!(Place::open(folder.path(), &Value::Null).unwrap_err().contains("never overwritten"));
        assert_eq!(fs::read_to_string(rows).unwrap(), "{}");
        assert!(!folder.path().join(LEDGER).exists());
    }
}
