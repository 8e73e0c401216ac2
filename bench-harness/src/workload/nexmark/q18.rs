//! q18: the last bid of each bidder on each auction.

use std::sync::Arc;

use thalweg::{Dataflow, Own, changelog::Change, source::Source};

use super::{
    Bid, Cell, Events,
    owned::OwnedBid,
    program::{Bids, Output, WATERMARKS, bid},
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

pub(super) fn build(flow: &mut Dataflow, events: impl Source<Out = Events>, out: &mut Output) {
    flow.source(events)
        .flat_map_to::<Bids, _>(bid)
        .watermarks(WATERMARKS, |bid: &Bid<'_>| bid.date_time)
        .map(|bid: Bid<'_>| Arc::new(OwnedBid::from(bid)))
        .key_by(|bid: &Arc<OwnedBid>| (bid.bidder, bid.auction))
        .latest_by(|bid: &Arc<OwnedBid>| bid.date_time)
        .sink(out.rows::<Own<Change<Arc<OwnedBid>>>, _>(|rows, change| rows.change(&change, |bid| cells(bid))));
}
