//! q0: every bid as it is.

use thalweg::{Dataflow, source::Source};

use super::{
    Arrivals, Bid, Cell,
    program::{Bids, Output, bid},
};

pub(super) fn build(flow: &mut Dataflow, events: impl Source<Out = Arrivals>, out: &mut Output) {
    flow.source(events).filter_map_to::<Bids, _>(bid).sink(out.rows::<Bids, _>(|rows, bid: Bid<'_>| {
        rows.insert(&[
            Cell::Int(bid.auction),
            Cell::Int(bid.bidder),
            Cell::Int(bid.price),
            Cell::Int(bid.date_time),
            Cell::Text(bid.extra),
        ]);
    }));
}
