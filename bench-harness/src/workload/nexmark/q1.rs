//! q1: every bid, its price in another currency.

use thalweg::{Dataflow, source::Source};

use super::{
    Arrivals, Bid, Cell,
    program::{Bids, Output, bid},
};

/// 0.908 times a price, in thousandths.
#[inline]
pub(super) fn converted(price: i64) -> i128 {
    i128::from(price) * 908
}

pub(super) fn build(flow: &mut Dataflow, events: impl Source<Out = Arrivals>, out: &mut Output) {
    flow.source(events).filter_map_to::<Bids, _>(bid).sink(out.rows::<Bids, _>(|rows, bid: Bid<'_>| {
        let price = Cell::Thousandths(converted(bid.price));
        rows.insert(&[Cell::Int(bid.auction), Cell::Int(bid.bidder), price, Cell::Int(bid.date_time), Cell::Text(bid.extra)]);
    }));
}
