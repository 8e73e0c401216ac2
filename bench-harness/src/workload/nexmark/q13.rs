//! q13: bids with a value from a bounded side input, by the auction's id modulo 10,000.

use std::sync::Arc;

use thalweg::{Dataflow, source::Source};

use super::{
    Arrivals, Bid, Cell,
    program::{Bids, Output, bid},
};

/// Rows of the side input.
const ROWS: i64 = 10_000;

pub(super) fn build(flow: &mut Dataflow, events: impl Source<Out = Arrivals>, out: &mut Output) {
    let values: Arc<[Box<str>]> = (0..ROWS).map(|key| format!("v{key}").into()).collect();
    flow.source(events).filter_map_to::<Bids, _>(bid).sink(out.rows::<Bids, _>(move |rows, bid: Bid<'_>| {
        let value = &values[bid.auction.rem_euclid(ROWS) as usize];
        rows.insert(&[Cell::Int(bid.auction), Cell::Int(bid.bidder), Cell::Int(bid.price), Cell::Int(bid.date_time), Cell::Text(value)]);
    }));
}
