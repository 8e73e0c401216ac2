//! q22: bids with parts of their url's path.

use thalweg::{Dataflow, source::Source};

use super::{
    Arrivals, Bid, Cell,
    program::{Bids, Output, bid},
};

pub(super) fn build(flow: &mut Dataflow, events: impl Source<Out = Arrivals>, out: &mut Output) {
    flow.source(events).flat_map_to::<Bids, _>(bid).sink(out.rows::<Bids, _>(|rows, bid: Bid<'_>| {
        let mut parts = bid.url.split('/').skip(3);
        let mut dir = || parts.next().map_or(Cell::Null, Cell::Text);
        let (dir1, dir2, dir3) = (dir(), dir(), dir());
        rows.insert(&[Cell::Int(bid.auction), Cell::Int(bid.bidder), Cell::Int(bid.price), Cell::Text(bid.channel), dir1, dir2, dir3]);
    }));
}
