//! Cuts replayed records into runs that each lie within one tumbling window, so that no record is asked for its window.
//!
//! ```text
//!   slice   ████████████████████████████      event time is monotone: a law of the synthetic workloads
//!   window  └── w ──┴──── w+1 ────┴─ w+2      one comparison a slice, a binary search where a window ends inside it
//!   runs    ████████ █████████████ ██████     each goes to `Panes::add`, in a loop without a branch
//! ```
//!
//! With two cores each takes a contiguous half of the stream. The windows that its half holds completely it closes itself; the ones at the
//! seam are merged at the end.

use std::{collections::BTreeMap, ops::Range, time::Duration};

use crate::{
    system::cores::parallel,
    workload::{
        Answer,
        replay::{Replay, Replayed, Shift},
    },
};

/// The state of the open window.
pub(super) trait Panes<T> {
    /// What a row is about.
    type Key: Ord + Copy + Send;
    /// A row's aggregates: sum and count, say.
    type Value: Copy + Send;

    /// Takes records of one window.
    fn add(&mut self, run: &[T]);

    /// Gives all rows of the window, and forgets them.
    fn close(&mut self, row: impl FnMut(Self::Key, Self::Value));
}

/// What a workload means by its windows.
pub(super) struct Meaning<T, K, V, const N: usize> {
    /// Length of a window, in ms.
    pub(super) window_ms: i64,
    /// A record's event time.
    pub(super) time: fn(&T) -> i64,
    /// Puts two partial aggregates together.
    pub(super) combine: fn(V, V) -> V,
    /// The result row of (key, window start, value).
    pub(super) row: fn(K, i64, V) -> [u64; N],
}

/// Rows of a window at a seam, by its start and their key.
type Seam<K, V> = Vec<((i64, K), V)>;

/// What a core has at its end: the answer for its own windows, and the rows of those that it shares with its neighbours.
type Part<K, V> = (Answer, Seam<K, V>);

/// Runs the workload on `cores` cores, with panes made by `panes` on each.
pub(super) fn run<T: Replayed, P: Panes<T>, const N: usize>(
    replay: &Replay<T>,
    cores: usize,
    panes: impl Fn() -> P + Sync,
    meaning: &Meaning<T, P::Key, P::Value, N>,
) -> (Duration, Answer) {
    let work = |part| half(replay, part, cores, panes(), meaning);
    parallel(cores, work, |parts: Vec<Part<P::Key, P::Value>>| {
        let mut answer = Answer::default();
        let mut seams = BTreeMap::new();
        for (part, seam) in parts {
            answer = answer.merge(part);
            for (key, value) in seam {
                seams.entry(key).and_modify(|sum| *sum = (meaning.combine)(*sum, value)).or_insert(value);
            }
        }
        seams.into_iter().for_each(|((start, key), value)| answer.add(&(meaning.row)(key, start, value)));
        answer
    })
}

/// Works on one core's contiguous part.
fn half<T: Replayed, P: Panes<T>, const N: usize>(
    replay: &Replay<T>,
    part: usize,
    parts: usize,
    mut panes: P,
    meaning: &Meaning<T, P::Key, P::Value, N>,
) -> Part<P::Key, P::Value> {
    let mut answer = Answer::default();
    let mut seam = Vec::new();
    let mut open = None;
    let mut is_shared = part > 0;
    let mut close = |panes: &mut P, start: i64, is_shared: bool| {
        if is_shared {
            panes.close(|key, value| seam.push(((start, key), value)));
        } else {
            panes.close(|key, value| answer.add(&(meaning.row)(key, start, value)));
        }
    };
    for_runs(replay, replay.share(part, parts), meaning.window_ms, meaning.time, |start, run| {
        if let Some(before) = open.replace(start).filter(|&before| before != start) {
            close(&mut panes, before, is_shared);
            is_shared = false;
        }
        panes.add(run);
    });
    if let Some(last) = open {
        close(&mut panes, last, is_shared || part + 1 < parts);
    }
    (answer, seam)
}

/// Hands each run of records that lie within one window to `each`, with the window's start. Event time must be monotone.
pub(in crate::system) fn for_runs<T: Replayed>(
    replay: &Replay<T>,
    range: Range<u64>,
    window_ms: i64,
    time: fn(&T) -> i64,
    mut each: impl FnMut(i64, &[T]),
) {
    for (shift, slice) in replay.slices(range, usize::MAX) {
        for_runs_of(shift, slice, window_ms, time, &mut each);
    }
}

/// The same of one slice.
#[inline]
pub(in crate::system) fn for_runs_of<T>(
    shift: Shift,
    mut slice: &[T],
    window_ms: i64,
    time: fn(&T) -> i64,
    mut each: impl FnMut(i64, &[T]),
) {
    while let [first, ..] = slice {
        let start = (time(first) + shift.time).div_euclid(window_ms) * window_ms;
        let end = start + window_ms - shift.time;
        let is_inside = |record: &T| time(record) < end;
        let records = if slice.last().is_some_and(is_inside) { slice.len() } else { slice.partition_point(is_inside) };
        each(start, &slice[..records]);
        slice = &slice[records..];
    }
}
