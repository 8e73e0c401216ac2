//! What an experiment found, beside the rows: `sustain.jsonl`, `load_curve.jsonl`, `scale.jsonl`, `usl.jsonl`.

use std::path::Path;

use serde::de::DeserializeOwned;

use super::read::{Unreadable, parse, text};
use crate::{
    experiment::{curve, scale, search::Sustained},
    statistics::scalability::Fit,
};

/// What was found; empty of a plain run.
#[derive(Clone, Debug, Default)]
pub struct Findings {
    /// The highest rate that is kept up with.
    pub sustained: Option<Sustained>,
    /// Runs at shares of it.
    pub load_curve: Vec<curve::Point>,
    /// Cost along a number.
    pub scale: Vec<scale::Point>,
    /// The law that it follows.
    pub law: Option<Fit>,
}

impl Findings {
    /// Reads what is there, beside `rows` rows.
    ///
    /// # Errors
    /// If a file is damaged, or names a row that is not there.
    pub(super) fn read(folder: &Path, rows: usize) -> Result<Findings, Unreadable> {
        let load_curve: Vec<curve::Point> = lines(&folder.join("load_curve.jsonl"))?;
        if let Some((line, point)) = (1..).zip(&load_curve).find(|(_, point)| point.row >= rows as u64) {
            let why = format!("it names row {}, there are {rows}", point.row);
            return Err(Unreadable::Damaged { path: folder.join("load_curve.jsonl"), line, why });
        }
        Ok(Findings {
            sustained: lines(&folder.join("sustain.jsonl"))?.into_iter().next(),
            load_curve,
            scale: lines(&folder.join("scale.jsonl"))?,
            law: lines(&folder.join("usl.jsonl"))?.into_iter().next(),
        })
    }
}

fn lines<T: DeserializeOwned>(path: &Path) -> Result<Vec<T>, Unreadable> {
    let text = text(path)?.unwrap_or_default();
    text.lines().zip(1..).map(|(line, number)| parse(path, number, line)).collect()
}
