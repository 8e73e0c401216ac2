//! `session`: one open session a key; those that have been silent for long enough are swept out once a second of event time.
//!
//! ```text
//!   record ─▶ its key's session: last = time, count += 1        a branch for what has no open session: rare, and predicted
//!   second ─▶ all keys: whose last record is the gap behind? ─▶ a row
//! ```
//!
//! With several cores each takes a contiguous part. The first session of a key in a part, and the last one, may be pieces of one that crosses a
//! seam: they are put together at the end.

use std::{
    collections::{HashMap, HashSet},
    time::Duration,
};

use super::{
    states::{Array, States},
    table::Table,
};
use crate::{
    system::cores::parallel,
    workload::{
        Answer,
        replay::{Replay, Replayed, Shift},
        windowed::{GAP_MS, SESSION_KEYS, Visit, session_row},
    },
};

const SWEEP_MS: i64 = 1_000;

/// Records between two looks at the time, at most.
const SLICE: usize = 1 << 16;

/// A session; there is none if the count is 0, and then `last` is so long ago that no record extends it.
#[derive(Clone, Copy, Default)]
struct Open {
    first: i64,
    last: i64,
    count: u64,
}

/// What a core has at its end.
#[derive(Default)]
struct Part {
    answer: Answer,
    /// Whether it is not the first part.
    is_behind: bool,
    /// Keys that have had a session; only kept behind a seam.
    seen: HashSet<u64>,
    /// The first session of each key, if it ended.
    heads: Vec<(u64, Open)>,
    /// Open sessions, and whether they are the first ones of their keys.
    tails: Vec<(u64, Open, bool)>,
}

impl Part {
    fn emit(&mut self, key: u64, open: Open) {
        if self.is_behind && self.seen.insert(key) {
            self.heads.push((key, open));
        } else {
            emit(&mut self.answer, key, open);
        }
    }

    #[cold]
    #[inline(never)]
    fn begin(&mut self, key: u64, open: &mut Open, time: i64) {
        if open.count > 0 {
            self.emit(key, *open);
        }
        *open = Open { first: time, last: time, count: 0 };
    }

    #[inline(never)]
    fn add(&mut self, states: &mut impl States<Open>, shift: Shift, slice: &[Visit]) {
        for visit in slice {
            let visit = visit.at(shift);
            let open = states.value(visit.key);
            if visit.event_time - open.last > GAP_MS {
                self.begin(visit.key, open, visit.event_time);
            }
            open.last = visit.event_time;
            open.count += 1;
        }
    }

    /// Ends the sessions that no record from `now` on extends.
    #[inline(never)]
    fn sweep(&mut self, states: &mut impl States<Open>, now: i64) {
        states.each(|key, open| {
            if open.count > 0 && now - open.last > GAP_MS {
                self.emit(key, std::mem::take(open));
            }
        });
    }
}

fn emit(answer: &mut Answer, key: u64, open: Open) {
    answer.add(&session_row(key, open.first, open.last, open.count));
}

fn part(replay: &Replay<Visit>, part: usize, parts: usize, mut states: impl States<Open>) -> Part {
    let mut done = Part { is_behind: part > 0, ..Part::default() };
    let mut next_sweep = i64::MIN;
    for (shift, slice) in replay.slices(replay.share(part, parts), SLICE) {
        let now = slice[0].event_time + shift.time;
        if now >= next_sweep {
            done.sweep(&mut states, now);
            next_sweep = now + SWEEP_MS;
        }
        done.add(&mut states, shift, slice);
    }
    states.each(|key, open| {
        if open.count > 0 {
            let is_first = done.is_behind && !done.seen.contains(&key);
            done.tails.push((key, *open, is_first));
        }
    });
    done
}

/// Puts the pieces of sessions that cross seams together.
fn together(parts: Vec<Part>) -> Answer {
    let mut answer = Answer::default();
    let mut open = HashMap::<u64, Open>::new();
    let join = |answer: &mut Answer, before: Option<Open>, key: u64, next: Open| match before {
        Some(before) if next.first - before.last <= GAP_MS => {
            Open { first: before.first, last: next.last, count: before.count + next.count }
        }
        before => {
            before.into_iter().for_each(|before| emit(answer, key, before));
            next
        }
    };
    for part in parts {
        answer = answer.merge(part.answer);
        for (key, head) in part.heads {
            let session = join(&mut answer, open.remove(&key), key, head);
            emit(&mut answer, key, session);
        }
        for (key, tail, is_first) in part.tails {
            let session = if is_first { join(&mut answer, open.remove(&key), key, tail) } else { tail };
            open.insert(key, session);
        }
    }
    open.into_iter().for_each(|(key, session)| emit(&mut answer, key, session));
    answer
}

fn run<S: States<Open>>(replay: &Replay<Visit>, cores: usize, states: impl Fn() -> S + Sync) -> (Duration, Answer) {
    parallel(cores, |number| part(replay, number, cores, states()), together)
}

pub(super) fn array(replay: &Replay<Visit>, cores: usize) -> (Duration, Answer) {
    run(replay, cores, Array::<Open, { SESSION_KEYS.next_power_of_two() as usize }>::new)
}

pub(super) fn hash(replay: &Replay<Visit>, cores: usize) -> (Duration, Answer) {
    run(replay, cores, || Table::<Open>::for_keys(SESSION_KEYS as usize))
}
