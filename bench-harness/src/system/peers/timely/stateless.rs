//! `stateless`: map, filter and map are one operator, which keeps the sum and the count too; at the end the sums of all workers are added up.

use std::time::Duration;

use timely::dataflow::{
    channels::pact::{Exchange, Pipeline},
    operators::generic::operator::Operator,
};

use super::{CLAIM_RECORDS, Claims, add, execute, source};
use crate::workload::{
    Answer,
    replay::Replay,
    synthetic::{Event, is_kept, mark, scale, total_row},
};

pub(super) fn run(replay: &Replay<Event>, workers: usize, batch: usize) -> Result<(Duration, Answer), String> {
    let (replay, claims) = (replay.clone(), Claims::new(replay.events, CLAIM_RECORDS));
    execute(workers, move |scope, rows| {
        let rows = rows.clone();
        let (is_here, mut total) = (scope.index() == 0, Some((0u64, 0u64)));
        source::records(scope, &replay, &claims, batch, 0, |event| event.event_time, |event| event)
            .unary_frontier(Pipeline, "Sum", |capability, _| {
                let mut end = Some(capability);
                let (mut sum, mut count) = (0i64, 0u64);
                move |(input, frontier), output| {
                    input.for_each(|_, events| {
                        for event in &*events {
                            let scaled = scale(event);
                            // All ones if it passes: what is dropped adds nothing, and there is no branch to guess.
                            let mask = -i64::from(is_kept(scaled));
                            sum = sum.wrapping_add(mark(scaled, event.seq) & mask);
                            count = count.wrapping_sub(mask as u64);
                        }
                    });
                    if frontier.is_empty()
                        && let Some(end) = end.take()
                    {
                        output.session(&end).give((sum as u64, count));
                    }
                }
            })
            .container::<Vec<_>>()
            .sink(Exchange::new(|_: &(u64, u64)| 0), "Total", move |(input, frontier)| {
                input.for_each(|_, sums| {
                    for (more, counted) in sums.drain(..) {
                        total = total.map(|(sum, count)| (sum.wrapping_add(more), count + counted));
                    }
                });
                if is_here
                    && frontier.is_empty()
                    && let Some((sum, count)) = total.take()
                {
                    add(&rows, &total_row(sum, count));
                }
            });
    })
}
