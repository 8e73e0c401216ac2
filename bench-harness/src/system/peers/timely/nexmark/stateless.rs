//! q0, q1 and q2: one operator, which is the sink.

use timely::dataflow::{Stream, channels::pact::Pipeline, operators::generic::operator::Operator};

use super::{Batch, Sink};
use crate::{
    system::peers::timely::{Rows, Time},
    workload::nexmark::{Bid, Cell, Digest, Query},
};

pub(super) fn build(query: Query, events: Stream<'_, Time, Batch>, rows: &Rows) {
    match query {
        Query::Q0 => each_bid(events, Sink::new(query, rows), |rows, bid| {
            let [auction, bidder, price, time] = [bid.auction, bid.bidder, bid.price, bid.date_time].map(Cell::Int);
            rows.add(&[auction, bidder, price, time, Cell::Text(bid.extra)]);
        }),
        Query::Q1 => each_bid(events, Sink::new(query, rows), |rows, bid| {
            let [auction, bidder, time] = [bid.auction, bid.bidder, bid.date_time].map(Cell::Int);
            let price = Cell::Thousandths(i128::from(bid.price) * 908);
            rows.add(&[auction, bidder, price, time, Cell::Text(bid.extra)]);
        }),
        _ => each_bid(events, Sink::new(query, rows), |rows, bid| {
            if bid.auction % 123 == 0 {
                rows.add(&[bid.auction, bid.price].map(Cell::Int));
            }
        }),
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
