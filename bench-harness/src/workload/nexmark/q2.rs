//! q2: bids on auctions whose id is a multiple of 123.

use thalweg::{Dataflow, Own, source::Source};

use super::{
    Arrivals, Cell,
    program::{Bids, Output, bid},
};

pub(super) fn build(flow: &mut Dataflow, events: impl Source<Out = Arrivals>, out: &mut Output) {
    flow.source(events)
        .filter_map_to::<Bids, _>(bid)
        .map(|bid| (bid.auction, bid.price))
        .filter(|(auction, _)| auction % 123 == 0)
        .sink(out.rows::<Own<(i64, i64)>, _>(|rows, (auction, price)| rows.insert(&[Cell::Int(auction), Cell::Int(price)])));
}
