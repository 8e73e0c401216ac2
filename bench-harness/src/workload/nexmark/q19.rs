//! q19: the ten highest bids of each auction, with their ranks.

use std::cmp::Reverse;

use thalweg::{
    Dataflow,
    record::{ChangeOf, RankedOf},
    source::Source,
};

use super::{
    Arrivals, Cell,
    portable::NumberedBids,
    program::{Output, WATERMARKS, numbered_bid},
    q18,
};

pub(super) fn build(flow: &mut Dataflow, events: impl Source<Out = Arrivals>, out: &mut Output) {
    flow.source(events)
        .filter_map_to::<NumberedBids, _>(numbered_bid)
        .watermarks(WATERMARKS, |(bid, _)| bid.date_time)
        .key_by(|(bid, _)| bid.auction)
        .top_rows(10, |(bid, number)| (bid.price, Reverse(*number)))
        .sink(out.rows::<ChangeOf<RankedOf<NumberedBids>>, _>(|rows, change| {
            rows.change(&change, |ranked| {
                let [a, b, c, d, e, f, g] = q18::cells(&ranked.row.0);
                [a, b, c, d, e, f, g, Cell::Int(ranked.rank as i64)]
            });
        }));
}
