//! q19: the ten highest bids of each auction, with their ranks.

use std::sync::Arc;

use thalweg::{Dataflow, Own, changelog::Change, process::Ranked, source::Source};

use super::{
    Bid, Cell, Events,
    owned::OwnedBid,
    program::{Bids, Output, WATERMARKS, bid},
    q18,
};

pub(super) fn build(flow: &mut Dataflow, events: impl Source<Out = Events>, out: &mut Output) {
    flow.source(events)
        .flat_map_to::<Bids, _>(bid)
        .watermarks(WATERMARKS, |bid: &Bid<'_>| bid.date_time)
        .map(|bid: Bid<'_>| Arc::new(OwnedBid::from(bid)))
        .key_by(|bid: &Arc<OwnedBid>| bid.auction)
        .top(10, |bid: &Arc<OwnedBid>| bid.price)
        .sink(out.rows::<Own<Change<Ranked<Arc<OwnedBid>>>>, _>(|rows, change| {
            rows.change(&change, |ranked| {
                let [a, b, c, d, e, f, g] = q18::cells(&ranked.row);
                [a, b, c, d, e, f, g, Cell::Int(ranked.rank as i64)]
            });
        }));
}
