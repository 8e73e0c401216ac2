//! `sliding`: a time is a slice, as long as the slide. Partial aggregates of slices go to the workers of their keys, which keep the slices of a
//! window and their total: a record costs what it costs in a tumbling window.
//!
//! ```text
//!   slice ends ─▶ total += slice ─▶ a row each key ─▶ total -= the slice that leaves the window
//! ```

use std::time::Duration;

use timely::dataflow::{
    channels::pact::{Exchange, Pipeline},
    operators::{Capability, generic::operator::Operator},
};

use super::{CLAIM_RECORDS, Claims, Time, add, execute, source, windows::partials};
use crate::{
    system::peers::{
        panes::{Cell, Dense, Pane},
        slide::Slices,
    },
    workload::{
        Answer,
        replay::Replay,
        synthetic::Event,
        windowed::{SLIDING_MS, sliding_row},
    },
};

pub(super) fn run(replay: &Replay<Event>, slide_ms: i64, workers: usize, batch: usize) -> Result<(Duration, Answer), String> {
    let (replay, claims) = (replay.clone(), Claims::new(replay.events, CLAIM_RECORDS));
    execute(workers, move |scope, rows| {
        let rows = rows.clone();
        let records = source::records(scope, &replay, &claims, batch, slide_ms, |event| event.event_time, |event| (event.key, event.value));
        partials(records, Dense::<Cell>::default, |pane, values: &[(u64, i64)]| {
            values.iter().for_each(|&(key, value)| pane.value(key).add(value, 1));
        })
        .unary_frontier(Exchange::new(|(key, _): &(u64, Cell)| *key), "Slide", move |_, _| {
            let mut slices = Slices::new(SLIDING_MS, slide_ms);
            // For windows that end later than the slices that have come.
            let mut capability: Option<Capability<Time>> = None;
            move |(input, frontier), output| {
                input.for_each(|least, partials| {
                    let Some(&time) = least.least() else { return };
                    capability.get_or_insert_with(|| least.delayed(&time, 0));
                    slices.add(time, partials.drain(..));
                });
                let complete = frontier.frontier().iter().min().copied().unwrap_or(Time::MAX);
                let Some(held) = &mut capability else { return };
                let mut session = output.session(&*held);
                slices.advance(complete, |key, end, cell| session.give(sliding_row(key, end, cell.sum, cell.count)));
                drop(session);
                match slices.next_end() {
                    Some(end) if end - slide_ms > *held.time() => held.downgrade(&(end - slide_ms)),
                    Some(_) => {}
                    None => capability = None,
                }
            }
        })
        .container::<Vec<_>>()
        .sink(Pipeline, "Rows", move |(input, _)| {
            input.for_each(|_, out| out.drain(..).for_each(|row| add(&rows, &row)));
        });
    })
}
