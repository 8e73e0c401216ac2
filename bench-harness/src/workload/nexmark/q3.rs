//! q3: auctions of category 10 with their sellers, if they live in Oregon, Idaho or California.

use thalweg::{
    Dataflow, Own, Record,
    process::Either,
    record::{EitherOf, Packed, PairOf, Portable},
    source::Source,
};

use super::{
    Arrival, Arrivals, Cell, Event,
    program::{Output, WATERMARKS},
};

/// An auction's seller and id.
type Sold = (i64, i64);

/// Who sells.
#[derive(Clone, Copy)]
struct Seller<'a> {
    id: i64,
    name: &'a str,
    city: &'a str,
    state: &'a str,
}

impl Seller<'_> {
    fn is_near(&self) -> bool {
        ["OR", "ID", "CA"].contains(&self.state)
    }
}

struct Sellers;

impl Record for Sellers {
    type Of<'a> = Seller<'a>;
}

impl Portable for Sellers {
    type Fixed = (i64, Packed<3>);

    #[inline]
    fn pack(Seller { id, name, city, state }: Seller<'_>, texts: &mut String) -> Self::Fixed {
        (id, Packed::pack([name, city, state], texts))
    }

    #[inline]
    fn unpack((id, packed): Self::Fixed, texts: &str) -> Seller<'_> {
        let [name, city, state] = packed.of(texts);
        Seller { id, name, city, state }
    }

    fn shorten<'s, 'l: 's>(seller: Seller<'l>) -> Seller<'s> {
        seller
    }
}

/// An auction of the category, or somebody who may sell it. Those who live elsewhere must be known too, so that no auction waits for them.
#[inline(always)]
fn sold_or_seller(arrival: Arrival<'_>) -> Option<Either<Sold, Seller<'_>>> {
    match arrival.event {
        Event::Auction(auction) if auction.category == 10 => Some(Either::Left((auction.seller, auction.id))),
        Event::Person(person) => Some(Either::Right(Seller { id: person.id, name: person.name, city: person.city, state: person.state })),
        _ => None,
    }
}

pub(super) fn build(flow: &mut Dataflow, events: impl Source<Out = Arrivals>, out: &mut Output) {
    flow.source(events)
        .watermarks(WATERMARKS, |arrival: &Arrival<'_>| arrival.event.date_time())
        .filter_map_to::<EitherOf<Own<Sold>, Sellers>, _>(sold_or_seller)
        .key_by(|row| match row {
            Either::Left(sold) => sold.0,
            Either::Right(seller) => seller.id,
        })
        .many_to_one(|seller| seller.is_near())
        .sink(out.rows::<PairOf<Own<Sold>, Sellers>, _>(|rows, ((_, auction), seller)| {
            rows.insert(&[Cell::Text(seller.name), Cell::Text(seller.city), Cell::Text(seller.state), Cell::Int(auction)]);
        }));
}
