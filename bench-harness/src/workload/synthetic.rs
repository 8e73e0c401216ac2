//! The synthetic records, and what `hop`, `stateless` and `tumbling` mean.

use super::replay::{Replayed, Shift};

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
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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
