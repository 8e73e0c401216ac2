//! What `sliding`, `session`, `join` and `disorder` mean, and their inputs.
//!
//! ```text
//!   sliding   1,000 records per ms of event time: a window of ten seconds holds ten million, a key ten thousand of them
//!   session   a tenth of the keys is active at a time: each for four seconds of forty, so that a pause of ten seconds ends its session
//!   join      10 records per ms, left and right: the interval of two seconds around a record holds about one partner
//!   disorder  as tumbling, each record up to 499 ms ahead of its place, and one of a hundred one to eleven seconds behind it
//! ```

use super::{
    Answer,
    draw::Draw,
    mix,
    replay::{Replay, Replayed, Shift},
    row,
    synthetic::{Event, FIRST_TIME, WINDOW_MS, block_len, events_of, span, time_at},
};

/// Length of a window of `sliding`, in ms.
pub const SLIDING_MS: i64 = 10_000;

/// Keys of `sliding` are in `0..SLIDING_KEYS`.
pub const SLIDING_KEYS: u64 = 1_000;

/// A result row of `sliding`: the average truncates. There is at least one record.
#[inline]
pub fn sliding_row(key: u64, end: i64, sum: i64, count: u64) -> [u64; 3] {
    [key, end as u64, (sum / count as i64) as u64]
}

/// Makes the input of `sliding`: values in -1000..1000.
pub(super) fn sliding(seed: u64, events: u64, block_bytes: usize) -> Replay<Event> {
    let (key, value) = (Draw::new(seed, 0), Draw::new(seed, 1));
    events_of(events, block_bytes, |i| (key.below(i, SLIDING_KEYS), value.below(i, 2_000) as i64 - 1_000))
}

/// 16 bytes: the record of `session`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct Visit {
    /// In `0..SESSION_KEYS`.
    pub key: u64,
    /// In ms since the Unix epoch; monotone.
    pub event_time: i64,
}

/// Keys of `session` are in `0..SESSION_KEYS`.
pub const SESSION_KEYS: u64 = 10_000;

/// Keys of `session` that are active at a time.
const ACTIVE_KEYS: u64 = 1_000;

/// Every so many ms one key falls silent and another one begins.
const MS_PER_KEY: i64 = 4;

/// A pause longer than this, in ms, ends a session.
pub const GAP_MS: i64 = 10_000;

/// The active keys move on with event time.
impl Replayed for Visit {
    #[inline(always)]
    fn at(self, shift: Shift) -> Visit {
        // The same for all records of a lap: a compiler takes it out of the loop.
        let moved = (shift.time / MS_PER_KEY) as u64 % SESSION_KEYS;
        let key = self.key + moved;
        Visit { key: if key < SESSION_KEYS { key } else { key - SESSION_KEYS }, event_time: self.event_time + shift.time }
    }
}

/// A result row of `session`, given the first and the last event time.
#[inline]
pub fn session_row(key: u64, first: i64, last: i64, count: u64) -> [u64; 4] {
    [key, first as u64, (last + GAP_MS) as u64, count]
}

/// Makes the input of `session`.
pub(super) fn session(seed: u64, events: u64, block_bytes: usize) -> Replay<Visit> {
    let key = Draw::new(seed, 0);
    let len = block_len::<Visit>(block_bytes, events);
    let visit = |i: usize| Visit { key: key.below(i as u64, ACTIVE_KEYS), event_time: time_at(i, len) };
    Replay { block: (0..len).map(visit).collect(), span: span(len), events }
}

/// Keys of `join` are in `0..JOIN_KEYS`.
pub const JOIN_KEYS: u64 = 10_000;

/// Records of a pair are at most this far apart, in ms.
pub const INTERVAL_MS: i64 = 1_000;

/// Records of `join` per ms of event time.
const JOIN_RECORDS_PER_MS: usize = 10;

/// Which of the two streams of `join` a record belongs to: left if its value is even.
#[inline(always)]
pub fn is_left(event: &Event) -> bool {
    event.value & 1 == 0
}

/// A result row of `join`: the places of both records tell the pairs apart.
#[inline]
pub fn join_row(key: u64, left_seq: u64, right_seq: u64) -> [u64; 3] {
    [key, left_seq, right_seq]
}

/// Makes the input of `join`: both streams in one, in order of event time. A short block has fewer keys, so that it has pairs too.
pub(super) fn join(seed: u64, events: u64, block_bytes: usize) -> Replay<Event> {
    let (key, value) = (Draw::new(seed, 0), Draw::new(seed, 1));
    let len = block_len::<Event>(block_bytes, events);
    let span = (len / JOIN_RECORDS_PER_MS).max(1) as i64;
    let keys = (len as u64 / 2).clamp(1, JOIN_KEYS);
    let record = |i: usize| Event {
        key: key.below(i as u64, keys),
        value: value.below(i as u64, 2_000) as i64 - 1_000,
        event_time: FIRST_TIME + i as i64 * span / len as i64,
        seq: i as u64,
    };
    Replay { block: (0..len).map(record).collect(), span, events }
}

/// No record of `disorder` comes after one that is later by this or more, in ms, but for the stragglers.
pub const BOUND_MS: i64 = 500;

/// One of so many records of `disorder` is a straggler.
pub const STRAGGLER_OF: u64 = 100;

/// Stragglers are at least this far behind, in ms: some come while their window is open, some while it may be corrected, most are late.
pub const STRAGGLER_MS: i64 = 1_000;

/// Stragglers are up to this much further behind, in ms.
const STRAGGLER_RANGE_MS: u64 = 10_000;

/// Windows of `disorder-lenient` may be corrected for so long after their end, in ms.
pub const LATENESS_MS: i64 = 1_000;

/// What a straggler's value has more than others.
const STRAGGLER_MARK: i64 = 10_000;

/// Whether a record was drawn to come later than the bound: only such a record may be called late.
#[inline(always)]
pub fn is_straggler(event: &Event) -> bool {
    event.value >= STRAGGLER_MARK / 2
}

/// What a row of `disorder`, on time, adds to the answer.
///
/// Which stragglers are late is up to the watermark, and so to batches and to how the input is divided; that none is lost is not. Hence what
/// a row adds is linear in sum and count: a record adds the same whether a window counts it or it is late, and any record that is in neither
/// or in both shows, as does one in the wrong window. That a window gives one row a key is for `tumbling` to check. A corrected row adds what it
/// has more than the one that it replaces.
#[inline]
pub fn disorder_row(key: u64, start: i64, sum: i64, count: u64) -> Answer {
    let weight = row(&[key, start as u64]);
    Answer { rows: count, checksum: weight.wrapping_mul(sum as u64).wrapping_add(mix(weight).wrapping_mul(count)) }
}

/// What a late record of `disorder` adds to the answer. One that the bound should have saved counts twice, so that the answer is wrong.
#[inline]
pub fn late_row(event: &Event) -> Answer {
    let times = if is_straggler(event) { 1 } else { 2 };
    disorder_row(event.key, event.event_time.div_euclid(WINDOW_MS) * WINDOW_MS, event.value * times, times as u64)
}

/// Makes the input of `disorder`: that of `tumbling`, out of order. A block's first record is no straggler.
pub(super) fn disorder(seed: u64, events: u64, block_bytes: usize) -> Replay<Event> {
    let ordered = super::synthetic::tumbling(seed, events, block_bytes, false);
    let (ahead, straggles, behind) = (Draw::new(seed, 2), Draw::new(seed, 3), Draw::new(seed, 4));
    let shuffle = |(i, event): (u64, &Event)| {
        if i > 0 && straggles.below(i, STRAGGLER_OF) == 0 {
            let behind = STRAGGLER_MS + behind.below(i, STRAGGLER_RANGE_MS) as i64;
            return Event { event_time: event.event_time - behind, value: event.value + STRAGGLER_MARK, ..*event };
        }
        Event { event_time: event.event_time + ahead.below(i, BOUND_MS as u64) as i64, ..*event }
    };
    Replay { block: (0..).zip(ordered.block.iter()).map(shuffle).collect(), span: ordered.span, events }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn disorder_stays_under_the_bound_but_for_the_stragglers() {
        for bytes in [64, 4_096, 1 << 20] {
            let replay = disorder(3, 200_000, bytes);
            let (mut greatest, mut stragglers) = (i64::MIN, 0);
            for event in (0..replay.events).map(|i| replay.get(i)) {
                if is_straggler(&event) {
                    stragglers += 1;
                    assert!(event.event_time <= greatest - STRAGGLER_MS + BOUND_MS);
                } else {
                    assert!(event.event_time > greatest.saturating_sub(BOUND_MS));
                    greatest = greatest.max(event.event_time);
                }
            }
            assert!(bytes < 1 << 20 || (1_700..2_300).contains(&stragglers), "{stragglers}");
        }
    }

    #[test]
    fn keys_pause_for_longer_than_the_gap() {
        let replay = session(1, 300_000, 64);
        let mut times: Vec<i64> =
            (0..replay.events).map(|i| replay.get(i)).filter(|visit| visit.key == 5_000).map(|v| v.event_time).collect();
        assert!(times.is_sorted());
        times.dedup();
        assert!(times.windows(2).any(|pair| pair[1] - pair[0] > GAP_MS) && times.windows(2).any(|pair| pair[1] - pair[0] < GAP_MS));
    }

    #[test]
    fn what_is_late_adds_what_it_would_have_added_on_time() {
        let straggler = Event { key: 3, value: STRAGGLER_MARK - 7, event_time: 1_999, seq: 1 };
        assert_eq!(late_row(&straggler), disorder_row(3, 1_000, straggler.value, 1));
        let together = disorder_row(3, 1_000, 5, 1).merge(disorder_row(3, 1_000, 6, 2));
        assert_eq!(together, disorder_row(3, 1_000, 11, 3));
        let on_time = Event { value: 999, ..straggler };
        assert_ne!(late_row(&on_time), disorder_row(3, 1_000, 999, 1));
    }
}
