//! q0, q1 and q2: one operator, which is the sink.

use timely::dataflow::{Stream, channels::pact::Pipeline, operators::generic::operator::Operator};

use super::{Batch, Sink};
use crate::{
    system::peers::{
        events::{q0, q1, q2},
        timely::{Rows, Time},
    },
    workload::nexmark::{Bid, Digest, Query},
};

pub(super) fn build(query: Query, events: Stream<'_, Time, Batch>, rows: &Rows) {
    let sink = Sink::new(query, rows);
    match query {
        Query::Q0 => each_bid(events, sink, q0),
        Query::Q1 => each_bid(events, sink, q1),
        _ => each_bid(events, sink, q2),
    }
}

fn each_bid(events: Stream<'_, Time, Batch>, mut sink: Sink, row: impl Fn(&mut Digest, Bid<'_>) + 'static) {
    events.sink(Pipeline, "Rows", move |(input, frontier)| {
        input.for_each(|_, batch| {
            let (Some(piece), Some(rows)) = (&batch.0, sink.rows()) else { return };
            piece.for_each(|_, event| {
                if let Some(bid) = event.bid() {
                    row(rows, bid);
                }
            });
        });
        if frontier.is_empty() {
            sink.end();
        }
    });
}
