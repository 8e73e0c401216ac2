//! `stateless` and the hops without a hop: one fused loop.

use std::time::Duration;

use crate::{
    system::cores::parallel,
    workload::{
        Answer,
        replay::{Replay, Replayed, Shift},
        synthetic::{Digest, Event, is_kept, link, mark, scale, total_row},
    },
};

/// Sum and count of the records that pass.
pub(super) fn stateless(replay: &Replay<Event>, cores: usize) -> (Duration, Answer) {
    totals(replay, cores, |shift, slice| {
        let (mut sum, mut count) = (0i64, 0u64);
        for event in slice {
            let event = event.at(shift);
            let scaled = scale(&event);
            // All ones if it passes: the addition takes the place of a branch that could not be predicted.
            let mask = -i64::from(is_kept(scaled));
            sum = sum.wrapping_add(mark(scaled, event.seq) & mask);
            count = count.wrapping_sub(mask as u64);
        }
        (sum as u64, count)
    })
}

/// Sum and count of what a chain of `links` maps makes of the values. Each length is a loop of its own, in which the compiler knows it.
///
/// # Errors
/// If no loop was written for that length.
pub(super) fn chain(replay: &Replay<Event>, links: u64, cores: usize) -> Result<(Duration, Answer), String> {
    fn of<const LINKS: u64>(replay: &Replay<Event>, cores: usize) -> (Duration, Answer) {
        totals(replay, cores, |_, slice| {
            let sum = slice.iter().fold(0u64, |sum, event| sum.wrapping_add((1..=LINKS).fold(event.value as u64, link)));
            (sum, slice.len() as u64)
        })
    }
    Ok(match links {
        1 => of::<1>(replay, cores),
        2 => of::<2>(replay, cores),
        4 => of::<4>(replay, cores),
        8 => of::<8>(replay, cores),
        16 => of::<16>(replay, cores),
        _ => return Err(format!("hand has no loop for a chain of {links}")),
    })
}

/// Digest and count of all records: what a hop computes, without one.
pub(super) fn digest<T: Replayed + Digest>(replay: &Replay<T>, cores: usize) -> (Duration, Answer) {
    totals(replay, cores, |shift, slice| {
        let sum = slice.iter().fold(0u64, |sum, record| sum.wrapping_add(record.at(shift).digest()));
        (sum, slice.len() as u64)
    })
}

fn totals<T: Replayed>(replay: &Replay<T>, cores: usize, of_slice: impl Fn(Shift, &[T]) -> (u64, u64) + Sync) -> (Duration, Answer) {
    let add = |a: (u64, u64), b: (u64, u64)| (a.0.wrapping_add(b.0), a.1 + b.1);
    let work = |part| {
        let slices = replay.slices(replay.share(part, cores), usize::MAX);
        slices.map(|(shift, slice)| of_slice(shift, slice)).fold((0, 0), add)
    };
    parallel(cores, work, |parts| {
        let (sum, count) = parts.into_iter().fold((0, 0), add);
        let mut answer = Answer::default();
        answer.add(&total_row(sum, count));
        answer
    })
}
