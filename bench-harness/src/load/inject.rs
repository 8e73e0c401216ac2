//! Negative controls: what is broken on purpose, so that anyone can see whether the harness notices.
//!
//! ```text
//!   stall=5ms@1/s   the process under test is stopped for 5 ms, once a second        ─▶ stalls, latency
//!   loss=1          the process is given one record fewer than the oracle counts      ─▶ FAILED
//!   slow=20%        the process is stopped for a fifth of the time that it has run    ─▶ compare
//! ```
//!
//! All of them act on the process from the outside, so that they work on any system, in any language, and cost nothing when they are off. What
//! stops a process needs one of its own ([`crate::process`]): with `stall` and `slow` every repeat has a fresh one.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::quantity;

/// How often a process can be stopped, per second: from once in 17 minutes to once in 0.1 ms.
const PER_S: std::ops::RangeInclusive<f64> = 1e-3..=1e4;

/// A process that is stopped now and then.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Stall {
    /// For how long, in ns.
    pub length_ns: u64,
    /// How often.
    pub per_s: f64,
}

/// What is broken on purpose; nothing by default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Inject {
    /// Stops.
    pub stall: Option<Stall>,
    /// Records that are lost on the way.
    pub loss: u64,
    /// Time stopped as a share of the time run: 0.2 makes a run take 1.2 times as long.
    pub slow: f64,
}

impl Inject {
    /// Whether nothing is broken.
    pub fn is_nothing(&self) -> bool {
        *self == Inject::default()
    }

    /// Whether it stops the process that runs.
    pub fn stops(&self) -> bool {
        self.stall.is_some() || self.slow > 0.0
    }

    /// Reads one control and adds it: `stall=5ms@1/s`, `loss=1` or `slow=20%`.
    ///
    /// # Errors
    /// What is wrong with it.
    fn and(mut self, text: &str) -> Result<Inject, String> {
        let unknown = || format!("`{text}`: there are stall=LENGTH@N/s, loss=N and slow=N%");
        let (kind, value) = text.split_once('=').ok_or_else(unknown)?;
        match kind {
            "stall" => {
                let (length, often) = value.split_once('@').ok_or_else(unknown)?;
                let per_s = often.strip_suffix("/s").and_then(|n| n.parse::<f64>().ok()).ok_or_else(unknown)?;
                if !PER_S.contains(&per_s) {
                    return Err(format!("`{text}`: a process can be stopped {} to {} times a second", PER_S.start(), PER_S.end()));
                }
                let length_s = quantity::seconds(length)?;
                if length_s * per_s >= 1.0 {
                    return Err(format!("`{text}`: stopped all the time"));
                }
                self.stall = Some(Stall { length_ns: (length_s * 1e9) as u64, per_s });
            }
            "loss" => self.loss = quantity::count(value)?,
            "slow" => {
                let percent = value.strip_suffix('%').and_then(|n| n.parse::<f64>().ok());
                self.slow = percent.filter(|n| *n > 0.0 && *n <= 1000.0).ok_or_else(unknown)? / 100.0;
            }
            _ => return Err(unknown()),
        }
        Ok(self)
    }
}

impl std::str::FromStr for Inject {
    type Err = String;

    fn from_str(text: &str) -> Result<Inject, String> {
        text.split(',').try_fold(Inject::default(), |inject, part| inject.and(part.trim()))
    }
}

impl fmt::Display for Inject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let stall =
            self.stall.map(|stall| format!("stall={}@{}/s", quantity::nanoseconds(stall.length_ns as f64).replace(' ', ""), stall.per_s));
        let loss = (self.loss > 0).then(|| format!("loss={}", self.loss));
        let slow = (self.slow > 0.0).then(|| format!("slow={}%", self.slow * 100.0));
        let parts: Vec<String> = [stall, loss, slow].into_iter().flatten().collect();
        f.write_str(if parts.is_empty() { "nothing" } else { "" })?;
        f.write_str(&parts.join(","))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn controls_read_as_they_are_shown() {
        for text in ["stall=5ms@1/s", "loss=1", "slow=20%", "stall=300ms@0.5/s,loss=2,slow=5%"] {
            let inject: Inject = text.parse().unwrap();
            assert!(!inject.is_nothing());
            assert_eq!(inject.to_string().parse::<Inject>().unwrap(), inject, "{text}");
            assert_eq!(serde_json::from_str::<Inject>(&serde_json::to_string(&inject).unwrap()).unwrap(), inject);
        }
        assert_eq!(Inject::default().to_string(), "nothing");
        for text in ["", "stall", "stall=5ms", "stall=5ms@1", "stall=2s@1/s", "loss=0", "slow=20", "slow=-1%", "fast=1"] {
            assert!(text.parse::<Inject>().is_err(), "{text} was accepted");
        }
        for text in ["stall=5ms@1e-300/s", "stall=0ms@inf/s", "stall=1us@20000/s", "stall=5ms@NaN/s", "stall=5ms@-1/s"] {
            assert!(text.parse::<Inject>().unwrap_err().contains(text), "{text} was accepted");
        }
    }
}
