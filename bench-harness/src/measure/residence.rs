//! Residence times: from the intended arrival of a record to its emission, in a histogram of three significant digits.
//!
//! ```text
//!   intended 0    1    2    3    4      a stall hits the source between 1 and 2; records 2, 3 and 4 leave together, late.
//!            │    │    │    │    │      from the intended arrival: 2 waited longest, 4 least; all three are charged.
//!   emitted  0    1              2,3,4  from the actual send: all three look fast. That is coordinated omission, and is not done here.
//! ```

use hdrhistogram::Histogram;
use serde::Serialize;

/// Significant decimal digits of every recorded value: relative error under 0.1 %.
pub const SIGNIFICANT_DIGITS: u8 = 3;

/// Longest residence time kept apart; longer ones count as this: 100 s.
pub const LONGEST_NS: u64 = 100_000_000_000;

/// An empty histogram of nanoseconds, of fixed size: recording never allocates. About 240 KiB.
pub fn histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(1, LONGEST_NS, SIGNIFICANT_DIGITS).expect("bounds 1..1e11 and 3 digits are valid")
}

/// Records one residence time; an emission before its intended arrival counts as zero.
///
/// # Cost
/// O(1), a few ns, no allocation.
#[inline]
pub fn record(histogram: &mut Histogram<u64>, intended_ns: u64, emitted_ns: u64) {
    histogram.saturating_record(emitted_ns.saturating_sub(intended_ns));
}

/// The quantiles that are reported, in nanoseconds.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Latency {
    /// Half of the records waited at most this long.
    pub p50: u64,
    /// 90 %.
    pub p90: u64,
    /// 99 %.
    pub p99: u64,
    /// 99.9 %.
    pub p99_9: u64,
    /// 99.99 %.
    pub p99_99: u64,
    /// The slowest record.
    pub max: u64,
    /// How many records were timed.
    pub samples: u64,
}

impl Latency {
    /// Reads the quantiles. None of an empty histogram: it has no quantiles.
    pub fn of(histogram: &Histogram<u64>) -> Option<Self> {
        (!histogram.is_empty()).then(|| Self {
            p50: histogram.value_at_quantile(0.50),
            p90: histogram.value_at_quantile(0.90),
            p99: histogram.value_at_quantile(0.99),
            p99_9: histogram.value_at_quantile(0.999),
            p99_99: histogram.value_at_quantile(0.9999),
            max: histogram.max(),
            samples: histogram.len(),
        })
    }
}

/// Writes every recorded value as CSV lines `value_ns,count,share_at_or_below`, ascending: nothing of the histogram is lost.
///
/// # Errors
/// Those of the writer.
pub fn write_csv(histogram: &Histogram<u64>, mut to: impl std::io::Write) -> std::io::Result<()> {
    writeln!(to, "value_ns,count,share_at_or_below")?;
    let mut seen = 0u64;
    for step in histogram.iter_recorded() {
        seen += step.count_at_value();
        writeln!(to, "{},{},{:.9}", step.value_iterated_to(), step.count_at_value(), seen as f64 / histogram.len() as f64)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn close(got: u64, want: u64) -> bool {
        got.abs_diff(want) as f64 <= want as f64 * 0.001
    }

    #[test]
    fn quantiles_of_a_known_distribution() {
        let mut h = histogram();
        for ns in 1..=100_000u64 {
            record(&mut h, 1_000_000, 1_000_000 + ns);
        }
        let latency = Latency::of(&h).unwrap();
        for (got, want) in [
            (latency.p50, 50_000),
            (latency.p90, 90_000),
            (latency.p99, 99_000),
            (latency.p99_9, 99_900),
            (latency.p99_99, 99_990),
            (latency.max, 100_000),
        ] {
            assert!(close(got, want), "{got} is not {want}");
        }
        assert_eq!(latency.samples, 100_000);
    }

    #[test]
    fn a_stall_is_charged_to_every_record_that_waited() {
        // One record a microsecond; the system stalls from 100 µs to 200 µs, then catches up at once.
        let mut h = histogram();
        for i in 0..1_000u64 {
            let intended = i * 1_000;
            let emitted = if (100_000..200_000).contains(&intended) { 200_000 } else { intended };
            record(&mut h, intended, emitted);
        }
        // A tenth of the records waited, 50 µs on average; a clock started at the send would have seen none of it.
        assert_eq!(h.len() - h.count_between(0, 500), 100);
        assert!((h.mean() - 5_050.0).abs() < 10.0, "mean {}", h.mean());
    }

    #[test]
    fn out_of_range_values_are_kept_at_the_edges() {
        let mut h = histogram();
        record(&mut h, 10, 5);
        record(&mut h, 0, u64::MAX);
        assert_eq!(h.len(), 2);
        assert_eq!(h.min(), 0);
        assert!(h.max() >= LONGEST_NS);
        assert_eq!(Latency::of(&histogram()), None);
    }

    #[test]
    fn the_csv_adds_up_to_the_histogram() {
        let mut h = histogram();
        for ns in [5, 5, 70, 1_000_000] {
            record(&mut h, 0, ns);
        }
        let mut text = Vec::new();
        write_csv(&h, &mut text).unwrap();
        let text = String::from_utf8(text).unwrap();
        let counts: u64 = text.lines().skip(1).map(|line| line.split(',').nth(1).unwrap().parse::<u64>().unwrap()).sum();
        assert_eq!(counts, 4);
        assert!(text.lines().last().unwrap().ends_with(",1.000000000"), "{text}");
        assert!(text.starts_with("value_ns,count,share_at_or_below\n5,2,0.5"), "{text}");
    }
}
