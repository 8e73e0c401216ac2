//! Residence times: from the intended arrival of a record to its emission, in a histogram of three significant digits.
//!
//! ```text
//!   intended 0    1    2    3    4      a stall hits the source between 1 and 2; records 2, 3 and 4 leave together, late.
//!            │    │    │    │    │      from the intended arrival: 2 waited longest, 4 least; all three are charged.
//!   emitted  0    1              2,3,4  from the actual send: all three look fast. That is coordinated omission, and is not done here.
//! ```

use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};

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

/// A quantile is reported only with at least so many samples above it: with ten the number of exceedances is known to about a third
/// (1 / √10), which is also the usual bound for the normal approximation that [`interval`] makes.
pub const ABOVE_MIN: f64 = 10.0;

/// The quantiles that are reported, in nanoseconds. One with fewer than [`ABOVE_MIN`] samples above it is none: the sample cannot know it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Latency {
    /// Half of the records waited at most this long.
    pub p50: Option<u64>,
    /// 90 %.
    pub p90: Option<u64>,
    /// 99 %.
    pub p99: Option<u64>,
    /// 99.9 %.
    pub p99_9: Option<u64>,
    /// 99.99 %.
    pub p99_99: Option<u64>,
    /// The slowest record.
    pub max: u64,
    /// How many records were timed.
    pub samples: u64,
    /// Where the true median lies with probability 95 %, see [`interval`].
    pub p50_interval: Option<[u64; 2]>,
    /// The same for 90 %.
    pub p90_interval: Option<[u64; 2]>,
    /// The same for 99 %.
    pub p99_interval: Option<[u64; 2]>,
    /// The same for 99.9 %.
    pub p99_9_interval: Option<[u64; 2]>,
    /// The same for 99.99 %.
    pub p99_99_interval: Option<[u64; 2]>,
}

impl Latency {
    /// Reads the quantiles. None of an empty histogram: it has no quantiles.
    pub fn of(histogram: &Histogram<u64>) -> Option<Self> {
        let value = |q| quantile(histogram, q);
        let range = |q| interval(histogram, q);
        (!histogram.is_empty()).then(|| Self {
            p50: value(0.50),
            p90: value(0.90),
            p99: value(0.99),
            p99_9: value(0.999),
            p99_99: value(0.9999),
            max: histogram.max(),
            samples: histogram.len(),
            p50_interval: range(0.50),
            p90_interval: range(0.90),
            p99_interval: range(0.99),
            p99_9_interval: range(0.999),
            p99_99_interval: range(0.9999),
        })
    }
}

/// A quantile, if there are enough samples above it ([`ABOVE_MIN`]).
pub fn quantile(histogram: &Histogram<u64>, q: f64) -> Option<u64> {
    // A hair of slack: 100,000 × (1 − 0.9999) is 9.999999999998899 in floating point.
    let is_known = histogram.len() as f64 * (1.0 - q) >= ABOVE_MIN - 1e-6;
    is_known.then(|| histogram.value_at_quantile(q))
}

/// Where the true quantile lies with probability 95 %, whatever the distribution: between two order statistics, whose ranks follow from the
/// binomial distribution of the number of samples below it (H. A. David, H. N. Nagaraja, "Order Statistics", 3rd ed., 7.1), here by its normal
/// approximation. None where [`quantile`] is none.
///
/// It holds for independent samples. Waits behind one stall are not independent, so it is the least that the uncertainty can be; repeats in
/// processes of their own show the rest.
pub fn interval(histogram: &Histogram<u64>, q: f64) -> Option<[u64; 2]> {
    quantile(histogram, q)?;
    let n = histogram.len() as f64;
    let spread = 1.96 * (n * q * (1.0 - q)).sqrt();
    let at_rank = |rank: f64| histogram.value_at_quantile((rank.clamp(1.0, n)) / n);
    Some([at_rank((n * q - spread).floor()), at_rank((n * q + spread).ceil() + 1.0)])
}

/// Histograms in text: HdrHistogram's own interchange format (V2, deflated, base64), which its tools and other languages read.
pub mod interchange {
    use std::io::Read;

    use base64::{Engine, engine::general_purpose::STANDARD};
    use flate2::read::ZlibDecoder;
    use hdrhistogram::{
        Histogram,
        serialization::{Deserializer as Reader, Serializer as Writer, V2DeflateSerializer},
    };
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    /// Longest text that is read: a full histogram of three digits takes well under this.
    const TEXT_BYTES_MAX: usize = 4 << 20;
    /// The same inflated.
    const PLAIN_BYTES_MAX: u64 = 4 << 20;
    /// The first word of a deflated histogram. Source: `V2CompressedEncodingCookieBase` of HdrHistogram, with the word size of V2.
    const COMPRESSED: u32 = 0x1c84_9314;
    /// Cookie, payload length, normalising offset, digits, bounds, ratio: what comes before the payload.
    const HEAD_BYTES: usize = 4 * 4 + 3 * 8;

    /// Writes it.
    pub fn encode(histogram: &Histogram<u64>) -> String {
        let mut bytes = Vec::new();
        V2DeflateSerializer::new().serialize(histogram, &mut bytes).expect("a histogram of 64-bit counts fits a vector");
        STANDARD.encode(bytes)
    }

    /// Reads it.
    ///
    /// # Errors
    /// If it is not base64, or not a histogram.
    pub fn decode(text: &str) -> Result<Histogram<u64>, String> {
        if text.len() > TEXT_BYTES_MAX {
            return Err(format!("a histogram of {} bytes of text is too long", text.len()));
        }
        let bytes = STANDARD.decode(text.trim()).map_err(|error| format!("a histogram is not base64: {error}"))?;
        let plain = plain(&bytes).ok_or("not a histogram of HdrHistogram's format V2")?;
        Reader::new().deserialize(&mut plain.as_slice()).map_err(|error| format!("not a histogram of HdrHistogram's format V2: {error}"))
    }

    /// The histogram's bytes inflated, if they are what they say that they are. The library would allocate whatever length the bytes name, up
    /// to 4 GiB; here the payload must really be there, and be one of [`super::histogram`]'s kind.
    fn plain(bytes: &[u8]) -> Option<Vec<u8>> {
        let word = |bytes: &[u8], at: usize| Some(u32::from_be_bytes(bytes.get(at..at + 4)?.try_into().ok()?));
        let mut plain = Vec::new();
        match word(bytes, 0)? {
            COMPRESSED => ZlibDecoder::new(bytes.get(8..)?).take(PLAIN_BYTES_MAX).read_to_end(&mut plain).ok()?,
            _ => bytes.take(PLAIN_BYTES_MAX).read_to_end(&mut plain).ok()?,
        };
        let (payload, digits) = (word(&plain, 4)? as usize, word(&plain, 12)?);
        (payload + HEAD_BYTES == plain.len() && digits <= super::SIGNIFICANT_DIGITS.into()).then_some(plain)
    }

    /// For `#[serde(with)]`.
    ///
    /// # Errors
    /// Those of the serializer.
    pub fn serialize<S: Serializer>(histogram: &Option<Histogram<u64>>, to: S) -> Result<S::Ok, S::Error> {
        histogram.as_ref().map(encode).serialize(to)
    }

    /// For `#[serde(with)]`.
    ///
    /// # Errors
    /// As [`decode`].
    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Histogram<u64>>, D::Error> {
        Option::<String>::deserialize(from)?.map(|text| decode(&text).map_err(serde::de::Error::custom)).transpose()
    }
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
        for (got, want) in
            [(latency.p50, 50_000), (latency.p90, 90_000), (latency.p99, 99_000), (latency.p99_9, 99_900), (latency.p99_99, 99_990)]
        {
            assert!(close(got.unwrap(), want), "{got:?} is not {want}");
        }
        assert!(close(latency.max, 100_000));
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
    fn quantiles_need_samples_above_them() {
        let mut h = histogram();
        (1..=999).for_each(|ns| record(&mut h, 0, ns));
        let known = |h: &Histogram<u64>| Latency::of(h).map(|l| [l.p50, l.p90, l.p99, l.p99_9].map(|q| q.is_some())).unwrap();
        assert_eq!(known(&h), [true, true, false, false]);
        record(&mut h, 0, 1_000);
        assert_eq!(known(&h), [true, true, true, false]);
        assert_eq!(Latency::of(&h).unwrap().p99_9_interval, None);
    }

    #[test]
    fn intervals_hold_the_true_quantile_as_often_as_they_say() {
        // Of a thousand samples of a uniform distribution the true quantile is known; count how often it is inside.
        for q in [0.5, 0.9, 0.99] {
            let inside = (0..400u64).filter(|sample| {
                let mut h = histogram();
                (0..1_000).for_each(|i| record(&mut h, 0, 1 + crate::workload::mix(sample << 32 | i) % 1_000_000));
                let [low, high] = interval(&h, q).unwrap();
                (low..=high).contains(&((q * 1e6) as u64))
            });
            let share = inside.count() as f64 / 400.0;
            assert!((0.92..=0.99).contains(&share), "q {q}: inside in {share} of the samples");
        }
    }

    #[test]
    fn histograms_survive_their_text_and_garbage_is_refused() {
        let mut h = histogram();
        (0..5_000).for_each(|i| record(&mut h, 0, i * i));
        let text = interchange::encode(&h);
        assert!(text.starts_with("HISTF"), "the interchange format's base64 begins so: {}", &text[..20]);
        assert_eq!(interchange::decode(&text).unwrap(), h);
        for garbage in ["", "HISTF", "????", &text[..text.len() / 2], "AAAAAAAAAAAA"] {
            assert!(interchange::decode(garbage).is_err(), "{garbage:?} was read");
        }
    }
}
