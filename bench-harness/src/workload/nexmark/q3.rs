//! q3: auctions of category 10 with their sellers, if they live in Oregon, Idaho or California.

use thalweg::{Dataflow, Own, process::Either, source::Source};

use super::{
    Arrival, Arrivals, Cell, Event,
    owned::Texts,
    program::{Output, WATERMARKS},
};

/// A person's id, and name, city and state.
type Seller = (i64, Texts<3>);
/// An auction's seller and id.
type Sold = (i64, i64);

pub(super) fn build(flow: &mut Dataflow, events: impl Source<Out = Arrivals>, out: &mut Output) {
    let (sellers, sold) = flow
        .source(events)
        .watermarks(WATERMARKS, |arrival: &Arrival<'_>| arrival.event.date_time())
        .filter_map(|Arrival { event, .. }: Arrival<'_>| match event {
            Event::Person(person) if ["OR", "ID", "CA"].contains(&person.state) => {
                Some(Either::<Seller, Sold>::Left((person.id, Texts::new([person.name, person.city, person.state]))))
            }
            Event::Auction(auction) if auction.category == 10 => Some(Either::Right((auction.seller, auction.id))),
            _ => None,
        })
        .divide();
    sold.key_by(|sold| sold.0).join(sellers.key_by(|seller| seller.0)).inner(|sold, (_, texts)| (sold.1, texts.clone())).sink(
        out.rows::<Own<(i64, Texts<3>)>, _>(|rows, (auction, texts)| {
            rows.insert(&[Cell::Text(texts.get(0)), Cell::Text(texts.get(1)), Cell::Text(texts.get(2)), Cell::Int(auction)]);
        }),
    );
}
