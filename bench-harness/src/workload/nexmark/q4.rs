//! q4: the average winning price of each category.

use thalweg::{
    Dataflow, Own,
    changelog::{Change, Mean},
    source::Source,
};

use super::{
    Arrival, Arrivals, Cell,
    program::{Output, WATERMARKS},
    winners::{Lot, Price, Winners, auction_of, lot_or_price},
};

pub(super) fn build(flow: &mut Dataflow, events: impl Source<Out = Arrivals>, out: &mut Output) {
    flow.source(events)
        .watermarks(WATERMARKS, |arrival: &Arrival<'_>| arrival.event.date_time())
        .filter_map(lot_or_price)
        .key_by(auction_of)
        .process(|| Winners)
        .aggregate_rows(|(lot, _)| lot.category, Mean::of(|(_, price): &(Lot, Price)| price.price))
        .sink(out.rows::<Own<Change<(i64, i64)>>, _>(|rows, change| {
            rows.change(&change, |&(category, average)| [Cell::Int(category), Cell::Int(average)]);
        }));
}
