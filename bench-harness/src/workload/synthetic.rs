//! The synthetic records, and what `hop`, `stateless` and `tumbling` mean.

use serde::{Deserialize, Serialize};

use super::{
    draw::Draw,
    mix,
    replay::{Replay, Replayed, Shift},
};

/// 32 bytes: the record of `stateless` and `tumbling`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct Event {
    /// In `0..10_000` (`tumbling`), or any 64 bits.
    pub key: u64,
    /// Small and signed (`tumbling`), or any 64 bits (`stateless`).
    pub value: i64,
    /// In ms since the Unix epoch; monotone.
    pub event_time: i64,
    /// Position in the replayed sequence.
    pub seq: u64,
}

impl Replayed for Event {
    #[inline(always)]
    fn at(self, shift: Shift) -> Event {
        Event { event_time: self.event_time + shift.time, seq: self.seq + shift.seq, ..self }
    }
}

/// 64 bytes: the record of `hop64`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[repr(C)]
pub struct Wide {
    /// Any 64 bits.
    pub key: u64,
    /// Any 64 bits.
    pub value: u64,
    /// In ms since the Unix epoch; monotone.
    pub event_time: i64,
    /// Position in the replayed sequence.
    pub seq: u64,
    /// Carried along.
    pub payload: [u64; 4],
}

impl Replayed for Wide {
    #[inline(always)]
    fn at(self, shift: Shift) -> Wide {
        Wide { event_time: self.event_time + shift.time, seq: self.seq + shift.seq, ..self }
    }
}

/// What the receiver of a hop adds up for each record; wrapping.
pub trait Digest {
    /// The number to add.
    fn digest(&self) -> u64;
}

impl Digest for u64 {
    #[inline(always)]
    fn digest(&self) -> u64 {
        *self
    }
}

impl Digest for Wide {
    #[inline(always)]
    fn digest(&self) -> u64 {
        self.value.wrapping_add(self.seq)
    }
}

/// `stateless`, first map: three times the value, and the key.
#[inline(always)]
pub fn scale(event: &Event) -> i64 {
    event.value.wrapping_mul(3).wrapping_add(event.key as i64)
}

/// `stateless`, filter: even numbers pass. Values and keys are random, so half of them are, in no order that could be predicted.
#[inline(always)]
pub fn is_kept(scaled: i64) -> bool {
    scaled & 1 == 0
}

/// `stateless`, second map: half of it, marked with the record's sequence number.
#[inline(always)]
pub fn mark(scaled: i64, seq: u64) -> i64 {
    (scaled >> 1) ^ seq as i64
}

/// `chain-N`: what the operator at `place`, from 1, makes of a value. An addition, a shift and an exclusive or, which no compiler can fold into
/// those of the next.
#[inline(always)]
pub fn link(value: u64, place: u64) -> u64 {
    value.wrapping_add(place) ^ (value >> 3)
}

/// Length of a window of `tumbling`, in ms.
pub const WINDOW_MS: i64 = 1_000;

/// Keys of `tumbling` are in `0..KEYS`, or scattered: `mix(0) .. mix(KEYS - 1)`.
pub const KEYS: u64 = 10_000;

/// A result row of `tumbling`.
#[inline]
pub fn tumbling_row(key: u64, start: i64, sum: i64, count: u64) -> [u64; 4] {
    [key, start as u64, sum as u64, count]
}

/// The result row of `stateless` (sum, count) and of the hops (digest, count).
#[inline]
pub fn total_row(sum: u64, count: u64) -> [u64; 2] {
    [sum, count]
}

/// Event time of the first record, in ms since the Unix epoch; not aligned to any window.
pub(super) const FIRST_TIME: i64 = 1_700_000_000_123;

/// Records per ms of event time.
const RECORDS_PER_MS: usize = 1_000;

/// Records in a block of `bytes`.
pub(super) fn block_len<T>(bytes: usize, events: u64) -> usize {
    let len = (bytes / size_of::<T>()).max(1);
    // A block longer than the run would only cost time to fill.
    len.min(usize::try_from(events).unwrap_or(usize::MAX)).max(1)
}

/// Event time that a block of `len` records covers: at least 1 ms, so that laps move on.
pub(super) fn span(len: usize) -> i64 {
    (len / RECORDS_PER_MS).max(1) as i64
}

/// Event time of record `index` of a block of `len`: spread evenly over its span.
pub(super) fn time_at(index: usize, len: usize) -> i64 {
    FIRST_TIME + (index as i64 * span(len)) / len as i64
}

/// Makes the input of `hop`.
pub(super) fn hop(seed: u64, events: u64, block_bytes: usize) -> Replay<u64> {
    let len = block_len::<u64>(block_bytes, events);
    let value = Draw::new(seed, 0);
    Replay { block: (0..len as u64).map(|i| value.bits(i)).collect(), span: span(len), events }
}

/// Makes the input of `hop64`.
pub(super) fn hop64(seed: u64, events: u64, block_bytes: usize) -> Replay<Wide> {
    let len = block_len::<Wide>(block_bytes, events);
    let (key, value, payload) = (Draw::new(seed, 0), Draw::new(seed, 1), Draw::new(seed, 2));
    let record = |i: usize| Wide {
        key: key.bits(i as u64),
        value: value.bits(i as u64),
        event_time: time_at(i, len),
        seq: i as u64,
        payload: std::array::from_fn(|word| payload.bits((i * 4 + word) as u64)),
    };
    Replay { block: (0..len).map(record).collect(), span: span(len), events }
}

/// Makes the input of `stateless`: keys and values of 64 random bits.
pub(super) fn stateless(seed: u64, events: u64, block_bytes: usize) -> Replay<Event> {
    let (key, value) = (Draw::new(seed, 0), Draw::new(seed, 1));
    events_of(events, block_bytes, |i| (key.bits(i), value.bits(i) as i64))
}

/// Makes the input of `tumbling`: uniform keys in `0..KEYS`, or those keys scattered over 64 bits; values in -1000..1000.
pub(super) fn tumbling(seed: u64, events: u64, block_bytes: usize, scattered: bool) -> Replay<Event> {
    let (key, value) = (Draw::new(seed, 0), Draw::new(seed, 1));
    events_of(events, block_bytes, |i| {
        let dense = key.below(i, KEYS);
        (if scattered { mix(dense) } else { dense }, value.below(i, 2_000) as i64 - 1_000)
    })
}

/// Bytes of a block with many keys, at least: ten million records, so that the keys drawn are about as many as there are to draw from. All
/// numbers of keys have the same, and so read their input from the same place.
const KEYED_BLOCK_BYTES: usize = 10_000_000 * size_of::<Event>();

/// Records of such a block per ms of event time: a window of a second holds ten million.
const KEYED_RECORDS_PER_MS: usize = 10_000;

/// Makes the input of `tumbling` with uniform keys in `0..keys`, and windows with so many records that all keys come.
pub(super) fn keyed(seed: u64, keys: u64, events: u64, block_bytes: usize) -> Replay<Event> {
    let (key, value) = (Draw::new(seed, 0), Draw::new(seed, 1));
    let len = block_len::<Event>(block_bytes.max(KEYED_BLOCK_BYTES), events);
    let span = (len / KEYED_RECORDS_PER_MS).max(1) as i64;
    let record = |i: usize| Event {
        key: key.below(i as u64, keys),
        value: value.below(i as u64, 2_000) as i64 - 1_000,
        event_time: FIRST_TIME + i as i64 * span / len as i64,
        seq: i as u64,
    };
    Replay { block: (0..len).map(record).collect(), span, events }
}

/// `events` records, whose key and value are a function of their place.
pub(super) fn events_of(events: u64, block_bytes: usize, columns: impl Fn(u64) -> (u64, i64)) -> Replay<Event> {
    let len = block_len::<Event>(block_bytes, events);
    let record = |i: usize| {
        let (key, value) = columns(i as u64);
        Event { key, value, event_time: time_at(i, len), seq: i as u64 }
    };
    Replay { block: (0..len).map(record).collect(), span: span(len), events }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_have_the_sizes_that_the_workloads_state() {
        assert_eq!(size_of::<Event>(), 32);
        assert_eq!(size_of::<Wide>(), 64);
    }

    #[test]
    fn event_time_is_monotone_across_laps() {
        for bytes in [32, 1_000, 100_000] {
            let replay = tumbling(1, 30_000, bytes, false);
            let times: Vec<i64> = (0..30_000).map(|i| replay.get(i).event_time).collect();
            assert!(times.is_sorted());
            assert!(times[29_999] > times[0]);
            assert!((0..30_000).all(|i| replay.get(i).seq == i));
        }
    }

    #[test]
    fn half_of_the_stateless_records_pass() {
        let replay = stateless(1, 32_768, 1 << 20);
        let kept = replay.block.iter().filter(|event| is_kept(scale(event))).count();
        assert!((15_800..17_000).contains(&kept), "{kept}");
    }
}
