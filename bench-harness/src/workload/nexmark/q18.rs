//! q18: the last bid of each bidder on each auction.

use thalweg::{Dataflow, Own, changelog::Change, source::Source};

use super::{
    Arrivals, Cell,
    owned::OwnedBid,
    program::{NumberedBid, Output, WATERMARKS, numbered_bid},
};

/// A bid as a row: auction, bidder, price, channel, url, time, extra.
pub(super) fn cells(bid: &OwnedBid) -> [Cell<'_>; 7] {
    let bid = bid.view();
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
        .filter_map(numbered_bid)
        .watermarks(WATERMARKS, |(bid, _)| bid.date_time)
        .key_by(|(bid, _)| (bid.bidder, bid.auction))
        .latest_by(|(bid, number)| (bid.date_time, *number))
        .sink(out.rows::<Own<Change<NumberedBid>>, _>(|rows, change| rows.change(&change, |(bid, _)| cells(bid))));
}
