//! q18: the last bid of each bidder on each auction.

use thalweg::{Dataflow, record::ChangeOf, source::Source};

use super::{
    Arrivals, Bid, Cell,
    portable::NumberedBids,
    program::{Output, WATERMARKS, narrow, numbered_bid},
};

/// A bid as a row: auction, bidder, price, channel, url, time, extra.
pub(super) fn cells<'r>(bid: &Bid<'r>) -> [Cell<'r>; 7] {
    [
        Cell::Int(bid.auction),
        Cell::Int(bid.bidder),
        Cell::Int(bid.price),
        Cell::Text(bid.channel),
        Cell::Text(bid.url),
        Cell::Int(bid.date_time),
        Cell::Text(bid.extra),
    ]
}

pub(super) fn build(flow: &mut Dataflow, events: impl Source<Out = Arrivals>, out: &mut Output) {
    flow.source(events)
        .filter_map_to::<NumberedBids, _>(numbered_bid)
        .watermarks(WATERMARKS, |(bid, _)| bid.date_time)
        .key_by(|(bid, _)| (narrow(bid.bidder), narrow(bid.auction)))
        .latest_row_by(|(bid, number)| (bid.date_time, *number))
        .sink(out.rows::<ChangeOf<NumberedBids>, _>(|rows, change| rows.change(&change, |(bid, _)| cells(bid))));
}
