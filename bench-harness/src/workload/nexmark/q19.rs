//! q19: the ten highest bids of each auction, with their ranks.

use std::cmp::Reverse;

use thalweg::{Dataflow, Own, changelog::Change, process::Ranked, source::Source};

use super::{
    Arrivals, Cell,
    program::{NumberedBid, Output, WATERMARKS, numbered_bid},
    q18,
};

pub(super) fn build(flow: &mut Dataflow, events: impl Source<Out = Arrivals>, out: &mut Output) {
    flow.source(events)
        .filter_map(numbered_bid)
        .watermarks(WATERMARKS, |(bid, _)| bid.date_time)
        .key_by(|(bid, _)| bid.auction)
        .top(10, |(bid, number)| (bid.price, Reverse(*number)))
        .sink(out.rows::<Own<Change<Ranked<NumberedBid>>>, _>(|rows, change| {
            rows.change(&change, |ranked| {
                let [a, b, c, d, e, f, g] = q18::cells(&ranked.row.0);
                [a, b, c, d, e, f, g, Cell::Int(ranked.rank as i64)]
            });
        }));
}
