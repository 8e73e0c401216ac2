//! q8: persons who registered and opened an auction in the same window of ten seconds.

use thalweg::{Dataflow, Own, Tumbling, process::Either, source::Source};

use super::{
    Arrival, Arrivals, Cell, Event,
    program::{Output, WATERMARKS},
};

/// A person's id and name.
type Registered = (i64, Box<str>);
/// A seller's id.
type Seller = i64;

pub(super) fn build(flow: &mut Dataflow, events: impl Source<Out = Arrivals>, out: &mut Output) {
    let (registered, sellers) = flow
        .source(events)
        // Bids take no part, so they are not even asked for their time.
        .filter_map(|Arrival { event, .. }: Arrival<'_>| match event {
            Event::Person(person) => Some((person.date_time, Either::<Registered, Seller>::Left((person.id, person.name.into())))),
            Event::Auction(auction) => Some((auction.date_time, Either::Right(auction.seller))),
            Event::Bid(_) => None,
        })
        .watermarks(WATERMARKS, |(time, _)| *time)
        .map(|(_, row)| row)
        .divide();
    registered
        .key_by(|person| person.0)
        .join(sellers.key_by(|seller| *seller))
        .window(Tumbling::seconds(10), |_, start, persons, opened| {
            let wanted = if opened.is_empty() { Vec::new() } else { persons };
            wanted.into_iter().map(move |(id, name)| (id, name, start))
        })
        .sink(out.rows::<Own<(i64, Box<str>, i64)>, _>(|rows, (id, name, start): (i64, Box<str>, i64)| {
            rows.insert(&[Cell::Int(id), Cell::Text(&name), Cell::Int(start)]);
        }));
}
