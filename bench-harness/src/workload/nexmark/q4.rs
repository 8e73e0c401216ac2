//! q4: the average winning price of each category.

use thalweg::{
    Dataflow, Own,
    changelog::{Change, Mean},
    source::Source,
};

use super::{
    Arrival, Arrivals, Cell,
    program::{Output, WATERMARKS},
    winners::{Lot, Price, Winners, lot_or_price},
};

pub(super) fn build(flow: &mut Dataflow, events: impl Source<Out = Arrivals>, out: &mut Output) {
    let (lots, prices) =
        flow.source(events).watermarks(WATERMARKS, |arrival: &Arrival<'_>| arrival.event.date_time()).filter_map(lot_or_price).divide();
    lots.key_by(|lot| lot.id)
        .join(prices.key_by(|price| price.auction))
        .process(|| Winners)
        .aggregate_rows(|(lot, _)| lot.category, Mean::of(|(_, price): &(Lot, Price)| price.price))
        .sink(out.rows::<Own<Change<(i64, i64)>>, _>(|rows, change| {
            rows.change(&change, |&(category, average)| [Cell::Int(category), Cell::Int(average)]);
        }));
}
