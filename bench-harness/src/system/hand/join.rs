//! `join`: the records of the last second in a ring, chained by key and side.
//!
//! ```text
//!   heads   key ─▶ the last left, the last right record
//!   ring    … [time, before] … [time, before] …      a record's place is its sequence number; `before` is that of the one before it
//! ```
//!
//! A record walks the other side's chain until it comes to one that is too old, and each step but the last one is a row. With several cores a
//! pair belongs to the part that holds the later record: a part reads a second of the one before.

use std::{ops::Range, time::Duration};

use super::{
    states::{Array, States, first_at},
    table::Table,
};
use crate::{
    system::cores::parallel,
    workload::{
        Answer,
        replay::{Replay, Replayed},
        synthetic::Event,
        windowed::{INTERVAL_MS, JOIN_KEYS, is_left, join_row},
    },
};

/// The last right and the last left record: its sequence number and one, or 0.
type Heads = [u64; 2];

#[derive(Clone, Copy, Default)]
struct Link {
    time: i64,
    /// As in [`Heads`].
    before: u64,
}

/// Places of a ring in which no record within the interval is overwritten: event times are spread evenly over a lap.
fn places<T>(replay: &Replay<T>) -> usize {
    let per_ms = replay.block.len().div_ceil(replay.span as usize);
    ((INTERVAL_MS as usize + 1) * per_ms + 1).next_power_of_two()
}

fn run<S: States<Heads>>(replay: &Replay<Event>, cores: usize, states: impl Fn() -> S + Sync) -> (Duration, Answer) {
    let work = |part| {
        let share = replay.share(part, cores);
        let mut states = states();
        let mut ring = vec![Link::default(); places(replay)];
        let mut answer = Answer::default();
        if !share.is_empty() {
            let first = first_at(replay, replay.get(share.start).event_time - INTERVAL_MS, |event| event.event_time);
            pass::<false>(replay, first..share.start, &mut states, &mut ring, &mut answer);
            pass::<true>(replay, share, &mut states, &mut ring, &mut answer);
        }
        answer
    };
    parallel(cores, work, |parts| parts.into_iter().fold(Answer::default(), Answer::merge))
}

/// Links records into the ring, and emits their pairs if they are wanted.
#[inline(never)]
fn pass<const EMIT: bool>(
    replay: &Replay<Event>,
    range: Range<u64>,
    states: &mut impl States<Heads>,
    ring: &mut [Link],
    answer: &mut Answer,
) {
    let mask = ring.len() - 1;
    for (shift, slice) in replay.slices(range, usize::MAX) {
        for event in slice {
            let event = event.at(shift);
            let side = usize::from(is_left(&event));
            let heads = states.value(event.key);
            if EMIT {
                let mut at = heads[1 - side];
                // What is a ring behind has been overwritten, and was too old.
                while at != 0 && event.seq - (at - 1) < ring.len() as u64 {
                    let link = ring[(at - 1) as usize & mask];
                    if event.event_time - link.time > INTERVAL_MS {
                        break;
                    }
                    let seqs = if side == 1 { (event.seq, at - 1) } else { (at - 1, event.seq) };
                    answer.add(&join_row(event.key, seqs.0, seqs.1));
                    at = link.before;
                }
            }
            ring[event.seq as usize & mask] = Link { time: event.event_time, before: heads[side] };
            heads[side] = event.seq + 1;
        }
    }
}

pub(super) fn array(replay: &Replay<Event>, cores: usize) -> (Duration, Answer) {
    run(replay, cores, Array::<Heads, { JOIN_KEYS.next_power_of_two() as usize }>::new)
}

pub(super) fn hash(replay: &Replay<Event>, cores: usize) -> (Duration, Answer) {
    run(replay, cores, || Table::<Heads>::for_keys(JOIN_KEYS as usize))
}
