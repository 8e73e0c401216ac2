//! `stateless`: renoir's own operators, which compile into one loop; each replica keeps its sum and count, and the end adds them up.

use std::time::Duration;

use super::{answered, source::records};
use crate::{
    system::Job,
    workload::{
        Answer,
        replay::Replay,
        synthetic::{Event, is_kept, mark, scale, total_row},
    },
};

pub(super) fn run(replay: &Replay<Event>, job: &Job) -> Result<(Duration, Answer), String> {
    answered(job.cores, |context, started| {
        context
            .stream_par_iter(records(replay, started))
            .map(|event| (scale(&event), event.seq))
            .fold_assoc(
                (0i64, 0u64),
                // The filter and the second map as a mask, which leaves no branch to guess: half of the records pass, in no order.
                |(sum, count), (scaled, seq)| {
                    let mask = -i64::from(is_kept(scaled));
                    *sum = sum.wrapping_add(mark(scaled, seq) & mask);
                    *count = count.wrapping_sub(mask as u64);
                },
                |(sum, count), (more, counted)| (*sum, *count) = (sum.wrapping_add(more), *count + counted),
            )
            .map(|(sum, count)| {
                let mut answer = Answer::default();
                answer.add(&total_row(sum as u64, count));
                answer
            })
            .collect_vec()
    })
}
