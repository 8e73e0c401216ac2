//! When records are due: fixed before the run, the same in every process that is given the same schedule.
//!
//! ```text
//!   constant   |  |  |  |  |  |  |  |      poisson  | ||   |  |    | | |
//!   bursts     ||||        ||||            ramp     |    |   |  |  | | |||
//!   trace      as recorded; scaled to the rate if one is given; from the beginning again after its end
//! ```
//!
//! Constant, bursts and ramp are formulas of the record's number; Poisson and traces are tables, because a sum of gaps has no short formula:
//! 8 bytes a record, at most [`TABLE_RECORDS_MAX`]. The gaps of a Poisson schedule are drawn by counter (a mix of seed and number), so that
//! a prefix of a longer schedule is the same schedule.
//!
//! Not here: who waits until a record is due, and what its lateness means.

use std::{fmt, path::PathBuf, sync::Arc};

use serde::{Deserialize, Serialize};

use crate::{quantity, workload::mix};

/// Records of the longest table: 1 GiB.
pub const TABLE_RECORDS_MAX: u64 = 1 << 27;

/// How arrivals are spread.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Shape {
    /// Evenly.
    #[default]
    Constant,
    /// Independently of each other: gaps are exponential.
    Poisson,
    /// All of each `every_ns` evenly within its first `on_ns`, then silence.
    Bursts {
        /// Length of a burst in ns.
        on_ns: u64,
        /// From one burst's beginning to the next, in ns.
        every_ns: u64,
    },
    /// The rate grows (or falls) linearly over the run, from and to a multiple of the rate that was asked for.
    Ramp {
        /// Multiple at the first record.
        from: f64,
        /// Multiple at the last.
        to: f64,
    },
    /// As recorded in a file: one arrival a line, in ns since any origin, ascending.
    Trace {
        /// The file.
        file: PathBuf,
    },
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plain = |ns: u64| quantity::nanoseconds(ns as f64).replace(' ', "");
        match self {
            Shape::Constant => f.write_str("constant"),
            Shape::Poisson => f.write_str("poisson"),
            Shape::Bursts { on_ns, every_ns } => write!(f, "bursts={}/{}", plain(*on_ns), plain(*every_ns)),
            Shape::Ramp { from, to } => write!(f, "ramp={from}..{to}"),
            Shape::Trace { file } => write!(f, "trace={}", file.display()),
        }
    }
}

impl std::str::FromStr for Shape {
    type Err = String;

    fn from_str(text: &str) -> Result<Shape, String> {
        let (kind, value) = text.split_once('=').unwrap_or((text, ""));
        match (kind, value) {
            ("constant", "") => Ok(Shape::Constant),
            ("poisson", "") => Ok(Shape::Poisson),
            ("bursts", value) if !value.is_empty() => {
                let (on, every) = value.split_once('/').ok_or_else(|| format!("`{text}`: a burst is ON/EVERY, for example 10ms/100ms"))?;
                let ns = |text: &str| Ok::<_, String>((quantity::seconds(text)? * 1e9).round() as u64);
                let (on_ns, every_ns) = (ns(on)?, ns(every)?);
                if on_ns == 0 || on_ns > every_ns {
                    return Err(format!(
                        "`{text}`: a burst must be longer than nothing and at most as long as the time from one to the next"
                    ));
                }
                Ok(Shape::Bursts { on_ns, every_ns })
            }
            ("ramp", value) if !value.is_empty() => {
                let multiple = |text: &str| text.parse::<f64>().ok().filter(|multiple| (0.0..=1e6).contains(multiple));
                let ends = value.split_once("..").and_then(|(from, to)| Some((multiple(from)?, multiple(to)?)));
                match ends.filter(|(from, to)| from + to > 0.0) {
                    Some((from, to)) => Ok(Shape::Ramp { from, to }),
                    None => Err(format!("`{text}`: a ramp is FROM..TO in multiples of the rate, for example 0.1..1.9")),
                }
            }
            ("trace", file) if !file.is_empty() => Ok(Shape::Trace { file: file.into() }),
            _ => Err(format!("`{text}`: a schedule is constant, poisson, bursts=ON/EVERY, ramp=FROM..TO or trace=FILE")),
        }
    }
}

/// Arrivals at a rate.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Schedule {
    /// Records per second: the mean, but for a ramp, whose ends are multiples of it.
    pub rate_per_s: f64,
    /// How they are spread.
    pub shape: Shape,
    /// Seed of what is drawn.
    pub seed: u64,
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", quantity::per_second(self.rate_per_s), self.shape)
    }
}

impl Schedule {
    /// Evenly at `rate_per_s`.
    pub fn constant(rate_per_s: f64) -> Schedule {
        Schedule { rate_per_s, shape: Shape::Constant, seed: 0 }
    }

    /// Records per second offered over the whole run.
    pub fn mean_per_s(&self) -> f64 {
        match self.shape {
            Shape::Ramp { from, to } => self.rate_per_s * (from + to) / 2.0,
            _ => self.rate_per_s,
        }
    }

    /// Records per second that `events` of them offer, as drawn: from the first to the last arrival, where that is not the mean itself.
    ///
    /// # Errors
    /// As [`Schedule::arrivals`].
    pub fn offered_per_s(&self, events: u64) -> Result<f64, String> {
        if matches!(self.shape, Shape::Constant | Shape::Ramp { .. }) {
            return Ok(self.mean_per_s());
        }
        let last_ns = self.arrivals(events)?.at(events.saturating_sub(1));
        Ok(if last_ns > 0 { events as f64 * 1e9 / last_ns as f64 } else { self.mean_per_s() })
    }

    /// Fixes the arrivals of `events` records.
    ///
    /// # Errors
    /// A rate that is not positive, a table that would be too long, a trace that cannot be read or is not ascending.
    ///
    /// # Cost
    /// O(1) for formulas; about 10 ns a record for tables.
    pub fn arrivals(&self, events: u64) -> Result<Arrivals, String> {
        let rate = self.rate_per_s;
        if !(rate > 0.0 && rate.is_finite()) {
            return Err(format!("{rate} records a second is not a positive rate"));
        }
        let gap_ns = 1e9 / rate;
        let times = match &self.shape {
            Shape::Constant => Times::Even { gap_ns },
            Shape::Bursts { on_ns, every_ns } => Times::Bursts { gap_ns, on: *on_ns as f64, every: *every_ns as f64 },
            Shape::Ramp { from, to } => {
                let length_ns = events as f64 * gap_ns / ((from + to) / 2.0);
                Times::Ramp { from: from / gap_ns, growth: (to - from) / gap_ns / length_ns.max(1.0) }
            }
            Shape::Poisson => Times::Table(self.table(events, |table| {
                let mut at = 0.0;
                for i in 0..events {
                    table.push(at as u64);
                    at += gap_ns * exponential(self.seed, i);
                }
                Ok(())
            })?),
            Shape::Trace { file } => Times::Table(self.table(events, |table| {
                let recorded = read_trace(file)?;
                // A lap ends a mean gap after its last arrival.
                let span = *recorded.last().unwrap_or(&0) as f64;
                let lap_ns = span * recorded.len() as f64 / (recorded.len() as f64 - 1.0).max(1.0);
                let scale = if span > 0.0 { recorded.len() as f64 * gap_ns / lap_ns } else { 1.0 };
                for lap in 0.. {
                    for at in &recorded {
                        if table.len() as u64 == events {
                            return Ok(());
                        }
                        table.push(((lap as f64 * lap_ns + *at as f64) * scale) as u64);
                    }
                }
                Ok(())
            })?),
        };
        Ok(Arrivals { times, events })
    }

    fn table(&self, events: u64, fill: impl FnOnce(&mut Vec<u64>) -> Result<(), String>) -> Result<Arc<[u64]>, String> {
        if events > TABLE_RECORDS_MAX {
            return Err(format!("{} of {events} records needs a table; the longest has {TABLE_RECORDS_MAX}: shorten the run", self.shape));
        }
        let mut table = Vec::with_capacity(events as usize);
        fill(&mut table)?;
        Ok(table.into())
    }
}

/// The mean rate at which a trace was recorded.
///
/// # Errors
/// A trace that cannot be read, is not ascending, or holds fewer than two moments.
pub fn recorded_rate(file: &std::path::Path) -> Result<f64, String> {
    let recorded = read_trace(file)?;
    match recorded.last() {
        Some(&span) if span > 0 => Ok((recorded.len() - 1) as f64 * 1e9 / span as f64),
        _ => Err(format!("the trace {} holds no time from its first arrival to its last: give a --rate", file.display())),
    }
}

/// Arrivals of a trace, from zero.
fn read_trace(file: &std::path::Path) -> Result<Vec<u64>, String> {
    let text = std::fs::read_to_string(file).map_err(|error| format!("the trace {} cannot be read: {error}", file.display()))?;
    let mut times: Vec<u64> = Vec::new();
    for (line, number) in text.lines().zip(1..) {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let wrong = |what: &str| format!("the trace {}, line {number}: {what}", file.display());
        let at: u64 = line.parse().map_err(|_| wrong("not a whole number of nanoseconds"))?;
        if times.last().is_some_and(|last| at < *last) {
            return Err(wrong("earlier than the line before it"));
        }
        times.push(at);
    }
    let first = *times.first().ok_or_else(|| format!("the trace {} holds no arrival", file.display()))?;
    times.iter_mut().for_each(|at| *at -= first);
    Ok(times)
}

/// The `i`-th draw of an exponential distribution of mean one.
fn exponential(seed: u64, i: u64) -> f64 {
    let uniform = (mix(mix(seed) ^ i) >> 11) as f64 / (1u64 << 53) as f64;
    -(1.0 - uniform).ln()
}

/// When each of a run's records is due, in ns after the run's start. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Arrivals {
    times: Times,
    events: u64,
}

#[derive(Clone, Debug)]
enum Times {
    Even {
        gap_ns: f64,
    },
    Bursts {
        gap_ns: f64,
        on: f64,
        every: f64,
    },
    /// Records per ns at the start, and how much that grows per ns.
    Ramp {
        from: f64,
        growth: f64,
    },
    Table(Arc<[u64]>),
}

impl Arrivals {
    /// How many records there are.
    pub fn len(&self) -> u64 {
        self.events
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.events == 0
    }

    /// When record `index` is due.
    ///
    /// # Cost
    /// A few ns; for a ramp a square root.
    #[inline]
    pub fn at(&self, index: u64) -> u64 {
        let i = index as f64;
        match &self.times {
            Times::Even { gap_ns } => (i * gap_ns) as u64,
            Times::Bursts { gap_ns, on, every } => {
                let laps = i * gap_ns / every;
                (laps.floor() * every + laps.fract() * on) as u64
            }
            // Solves from · t + growth · t² / 2 = i, in the form that is exact when growth is near zero.
            Times::Ramp { from, growth } => (2.0 * i / (from + (from * from + 2.0 * growth * i).max(0.0).sqrt()).max(1e-300)) as u64,
            Times::Table(times) => times.get(index as usize).copied().unwrap_or(u64::MAX),
        }
    }

    /// Whether the gaps are all the same.
    #[inline]
    pub fn are_even(&self) -> bool {
        matches!(self.times, Times::Even { .. })
    }

    /// A reader of how many are due, for times that only grow.
    pub fn cursor(&self) -> Cursor {
        Cursor { arrivals: self.clone(), due: 0 }
    }
}

/// How many records are due by a time that only grows.
#[derive(Clone, Debug)]
pub struct Cursor {
    arrivals: Arrivals,
    /// Records known to be due. In `0..=events`.
    due: u64,
}

impl Cursor {
    /// Records due by `ns` after the start. A smaller time than before gives the former answer.
    ///
    /// # Cost
    /// O(1) when nothing is due; otherwise O(log of the number that became due).
    #[inline]
    pub fn due_by(&mut self, ns: u64) -> u64 {
        if self.due < self.arrivals.events && self.arrivals.at(self.due) <= ns {
            self.advance(ns);
        }
        self.due
    }

    /// The arrivals.
    #[inline]
    pub fn arrivals(&self) -> &Arrivals {
        &self.arrivals
    }

    /// Gallops to the first record that is not due, from `self.due`, which is.
    fn advance(&mut self, ns: u64) {
        let Arrivals { times, events } = &self.arrivals;
        if let Times::Even { gap_ns } = times {
            // One division in place of a search: at hundreds of millions a second, that is what counts. Rounding may be off by one.
            let mut due = ((ns as f64 / gap_ns) as u64).clamp(self.due, *events);
            while due < *events && self.arrivals.at(due) <= ns {
                due += 1;
            }
            while due > self.due && self.arrivals.at(due - 1) > ns {
                due -= 1;
            }
            self.due = due;
            return;
        }
        let (mut low, mut step) = (self.due, 1);
        while low + step < *events && self.arrivals.at(low + step) <= ns {
            low += step;
            step *= 2;
        }
        let mut high = (low + step).min(*events);
        // at(low) is due, at(high) is not or is the end.
        while low + 1 < high {
            let middle = low + (high - low) / 2;
            if self.arrivals.at(middle) <= ns { low = middle } else { high = middle }
        }
        self.due = low + 1;
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::io::Write;

    use super::*;

    fn shapes() -> Vec<Shape> {
        let texts = ["constant", "poisson", "bursts=10ms/100ms", "ramp=0.1..1.9", "ramp=2..0", "ramp=1..1"];
        texts.map(|text| text.parse().unwrap()).into()
    }

    #[test]
    fn shapes_read_as_they_are_shown() {
        for shape in shapes() {
            assert_eq!(shape.to_string().parse::<Shape>().unwrap(), shape);
            let schedule = Schedule { rate_per_s: 1e5, shape, seed: 3 };
            let json = serde_json::to_string(&schedule).unwrap();
            assert_eq!(serde_json::from_str::<Schedule>(&json).unwrap(), schedule);
        }
        for text in ["", "poison", "poisson=3", "bursts", "bursts=10ms", "bursts=2s/1s", "ramp=1", "ramp=0..0", "ramp=-1..2", "trace="] {
            assert!(text.parse::<Shape>().is_err(), "{text} was accepted");
        }
    }

    #[test]
    fn arrivals_ascend_keep_the_rate_and_agree_with_the_cursor() {
        const EVENTS: u64 = 50_000;
        for shape in shapes() {
            let schedule = Schedule { rate_per_s: 1e5, shape, seed: 7 };
            let arrivals = schedule.arrivals(EVENTS).unwrap();
            let times: Vec<u64> = (0..EVENTS).map(|i| arrivals.at(i)).collect();
            assert!(times.is_sorted(), "{schedule}");
            let length_s = *times.last().unwrap() as f64 / 1e9;
            let mean = EVENTS as f64 / length_s;
            // Bursts: the last one ends 90 ms before its lap does. Poisson: within four standard deviations.
            let slack = if matches!(schedule.shape, Shape::Bursts { .. }) { 0.25 } else { 0.02 };
            assert!((mean / schedule.mean_per_s() - 1.0).abs() < slack, "{schedule}: {mean}");
            for step_ns in [777, 10_000, 1_234_567, 80_000_000] {
                let mut cursor = arrivals.cursor();
                let mut now = 0;
                while now < times[EVENTS as usize - 1] + step_ns {
                    assert_eq!(cursor.due_by(now), times.partition_point(|at| *at <= now) as u64, "{schedule} at {now}");
                    now += step_ns;
                }
                assert_eq!(cursor.due_by(0), EVENTS, "a time that goes back");
            }
        }
    }

    #[test]
    fn poisson_gaps_are_exponential_and_a_prefix_stays_itself() {
        let schedule = |seed| Schedule { rate_per_s: 1e6, shape: Shape::Poisson, seed };
        let times = |seed, n| {
            let arrivals = schedule(seed).arrivals(n).unwrap();
            (0..n).map(|i| arrivals.at(i)).collect::<Vec<_>>()
        };
        let long = times(1, 100_000);
        assert_eq!(times(1, 500), long[..500]);
        assert_ne!(times(2, 500), long[..500]);
        let gaps: Vec<f64> = long.windows(2).map(|pair| (pair[1] - pair[0]) as f64).collect();
        let mean = gaps.iter().sum::<f64>() / gaps.len() as f64;
        let variance = gaps.iter().map(|gap| (gap - mean).powi(2)).sum::<f64>() / gaps.len() as f64;
        assert!((variance.sqrt() / mean - 1.0).abs() < 0.02, "an exponential's deviation is its mean: {}", variance.sqrt() / mean);
        let long_gaps = gaps.iter().filter(|gap| **gap > 3.0 * mean).count() as f64 / gaps.len() as f64;
        assert!((long_gaps - (-3.0f64).exp()).abs() < 0.005, "{long_gaps}");
    }

    #[test]
    fn bursts_are_silent_between() {
        let arrivals = Schedule { rate_per_s: 1e4, shape: "bursts=10ms/100ms".parse().unwrap(), seed: 0 }.arrivals(3_000).unwrap();
        assert!((0..3_000).all(|i| arrivals.at(i) % 100_000_000 <= 10_000_000));
        assert_eq!(arrivals.at(1_000), 100_000_000);
    }

    #[test]
    fn traces_are_scaled_and_repeated_and_checked() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        writeln!(file, "# recorded\n1000\n1010\n\n1030").unwrap();
        let shape = Shape::Trace { file: file.path().into() };
        assert!((recorded_rate(file.path()).unwrap() - 2e9 / 30.0).abs() < 1.0);
        let own = Schedule { rate_per_s: recorded_rate(file.path()).unwrap(), shape: shape.clone(), seed: 0 }.arrivals(5).unwrap();
        // A lap of three takes three mean gaps of 15 ns.
        assert_eq!((0..5).map(|i| own.at(i)).collect::<Vec<_>>(), [0, 10, 30, 45, 55]);
        let slow = Schedule { rate_per_s: 1e3, shape, seed: 0 }.arrivals(4).unwrap();
        assert_eq!(slow.at(3), 3_000_000);
        for wrong in ["", "1\nx\n", "5\n4\n"] {
            std::fs::write(file.path(), wrong).unwrap();
            let shape = Shape::Trace { file: file.path().into() };
            assert!(Schedule { rate_per_s: 1e3, shape, seed: 0 }.arrivals(4).is_err(), "{wrong:?}");
        }
        let absent = Shape::Trace { file: "absent".into() };
        assert!(Schedule { rate_per_s: 1e3, shape: absent, seed: 0 }.arrivals(4).unwrap_err().contains("absent"));
    }

    #[test]
    fn what_cannot_be_is_refused() {
        assert!(Schedule::constant(0.0).arrivals(1).is_err());
        assert!(Schedule::constant(f64::NAN).arrivals(1).is_err());
        let long = Schedule { rate_per_s: 1e9, shape: Shape::Poisson, seed: 0 };
        assert!(long.arrivals(TABLE_RECORDS_MAX + 1).unwrap_err().contains("shorten"));
        assert!(Schedule::constant(1e9).arrivals(0).unwrap().is_empty());
    }
}
