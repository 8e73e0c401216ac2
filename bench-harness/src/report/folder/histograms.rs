//! The histograms of a folder, in HdrHistogram's interval log: its own tools and those of other languages read it.
//!
//! ```text
//!   #[Histogram log format version 1.3]
//!   "StartTimestamp","Interval_Length","Interval_Max","Interval_Compressed_Histogram"
//!   Tag=17:latency,12.034,0.500,1.204,HISTFAAA…      row 17 (from 0), written 12.034 s after the folder began, 0.5 s long, at most 1.204 ms
//! ```
//!
//! Values are nanoseconds; as the format has it, only the maximum in the third column is in milliseconds.

use std::{collections::BTreeMap, io, time::Duration};

use hdrhistogram::{
    Histogram,
    serialization::interval_log::{IntervalLogIterator, LogEntry},
};

use crate::{measure::residence::interchange, system::Outcome};

/// What a histogram is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Residence from the intended arrival.
    Latency,
    /// The same from the actual send.
    Uncorrected,
    /// Of the latency, the records that no stall of the machine touched.
    Undisturbed,
    /// From the moment that a result could have been known.
    Result,
    /// The generator's lateness.
    Lateness,
}

impl Kind {
    /// All of them.
    pub const ALL: [Kind; 5] = [Kind::Latency, Kind::Uncorrected, Kind::Undisturbed, Kind::Result, Kind::Lateness];

    /// Its name in the log.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Latency => "latency",
            Kind::Uncorrected => "uncorrected",
            Kind::Undisturbed => "undisturbed",
            Kind::Result => "result",
            Kind::Lateness => "lateness",
        }
    }

    /// Of a run's outcome.
    pub fn of(self, outcome: &Outcome) -> Option<&Histogram<u64>> {
        match self {
            Kind::Latency => outcome.latency_ns.as_ref(),
            Kind::Uncorrected => outcome.uncorrected_ns.as_ref(),
            Kind::Undisturbed => outcome.undisturbed_ns.as_ref(),
            Kind::Result => outcome.result_latency_ns.as_ref(),
            Kind::Lateness => outcome.lateness_ns.as_ref(),
        }
    }
}

/// The head of a log.
pub(super) fn head(to: &mut impl io::Write, began: &str) -> io::Result<()> {
    writeln!(to, "#[Histogram log format version 1.3]\n#[Began {began}; values in ns; tag = row in rows.jsonl (from 0) : what of it]")?;
    writeln!(to, "\"StartTimestamp\",\"Interval_Length\",\"Interval_Max\",\"Interval_Compressed_Histogram\"")
}

/// Adds a line.
pub(super) fn line(
    to: &mut impl io::Write,
    row: u64,
    kind: Kind,
    since_start: Duration,
    length_s: f64,
    histogram: &Histogram<u64>,
) -> io::Result<()> {
    let (start_s, max_ms) = (since_start.as_secs_f64(), histogram.max() as f64 / 1e6);
    let encoded = interchange::encode(histogram);
    writeln!(to, "Tag={row}:{},{start_s:.3},{length_s:.3},{max_ms:.3},{encoded}", kind.name())
}

/// Histograms by row and kind.
pub(super) type ByRow = BTreeMap<(usize, Kind), Histogram<u64>>;

/// Reads a log of a folder with `rows` rows. An error says on which line what is wrong.
pub(super) fn read(log: &str, rows: usize) -> Result<ByRow, (usize, String)> {
    let mut found = ByRow::new();
    // Line by line, so that an error has a line.
    for (i, line) in log.split_inclusive('\n').enumerate() {
        let wrong = |why: String| (i + 1, why);
        if !line.ends_with('\n') {
            return Err(wrong("it ends in the middle of a line".into()));
        }
        let is_heading = line.starts_with('#') || line.starts_with('"') || line.trim().is_empty();
        if is_heading {
            continue;
        }
        let Some(Ok(LogEntry::Interval(entry))) = IntervalLogIterator::new(line.as_bytes()).next() else {
            return Err(wrong("not a line of an HdrHistogram interval log".into()));
        };
        let tag = entry.tag().map(|tag| tag.as_str()).unwrap_or_default();
        let parsed = tag.split_once(':').and_then(|(row, name)| {
            let kind = Kind::ALL.into_iter().find(|kind| kind.name() == name)?;
            Some((row.parse::<usize>().ok().filter(|row| *row < rows)?, kind))
        });
        let Some(place) = parsed else {
            return Err(wrong(format!("its tag `{}` names no row of this folder", tag.escape_debug())));
        };
        let histogram = interchange::decode(entry.encoded_histogram()).map_err(wrong)?;
        if found.insert(place, histogram).is_some() {
            return Err(wrong(format!("a second histogram of `{tag}`")));
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::measure::residence;

    #[test]
    fn a_log_is_read_back_by_the_format_s_own_parser() {
        let mut latency = residence::histogram();
        (1..2_000).for_each(|i| residence::record(&mut latency, 0, i * 1_000));
        let mut log = Vec::new();
        head(&mut log, "2026-01-31T00:00:00Z").unwrap();
        for (row, kind) in [(0, Kind::Latency), (0, Kind::Lateness), (2, Kind::Result)] {
            line(&mut log, row, kind, Duration::from_millis(12_034), 0.5, &latency).unwrap();
        }
        let entries: Vec<_> = IntervalLogIterator::new(&log).map(Result::unwrap).collect();
        assert_eq!(entries.len(), 3);
        let LogEntry::Interval(first) = &entries[0] else { panic!("{entries:?}") };
        assert_eq!((first.start_timestamp(), first.duration()), (Duration::from_millis(12_034), Duration::from_millis(500)));
        assert!((first.max() - 2.0).abs() < 0.01);

        let text = String::from_utf8(log).unwrap();
        let found = read(&text, 3).unwrap();
        assert_eq!(found.keys().copied().collect::<Vec<_>>(), [(0, Kind::Latency), (0, Kind::Lateness), (2, Kind::Result)]);
        assert_eq!(found[&(2, Kind::Result)], latency);
        let (at, why) = read(&text, 2).unwrap_err();
        assert!(at == 6 && why.contains("2:result"), "{at} {why}");
        let twice = format!("{text}{}", text.lines().last().unwrap().to_owned() + "\n");
        assert!(read(&twice, 3).unwrap_err().1.contains("second"));
    }
}
