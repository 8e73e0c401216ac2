//! q8: persons who registered and opened an auction in the same window of ten seconds.

use thalweg::{
    Dataflow, Own, Record, Tumbling,
    process::Either,
    record::{EitherOf, Packed, PairOf, Portable},
    source::Source,
};

use super::{
    Arrival, Arrivals, Cell, Event,
    program::{Output, WATERMARKS},
};

/// Who registered.
#[derive(Clone, Copy)]
struct Registered<'a> {
    id: i64,
    name: &'a str,
}

struct Persons;

impl Record for Persons {
    type Of<'a> = Registered<'a>;
}

impl Portable for Persons {
    type Fixed = (i64, Packed<1>);

    #[inline(always)]
    fn pack(Registered { id, name }: Registered<'_>, texts: &mut String) -> Self::Fixed {
        (id, Packed::pack([name], texts))
    }

    #[inline(always)]
    fn unpack((id, packed): Self::Fixed, texts: &str) -> Registered<'_> {
        let [name] = packed.of(texts);
        Registered { id, name }
    }

    fn shorten<'s, 'l: 's>(person: Registered<'l>) -> Registered<'s> {
        person
    }
}

/// A person, or the seller of an auction, with the time.
type PersonOrSeller = PairOf<EitherOf<Persons, Own<i64>>, Own<i64>>;

/// Bids take no part, so they are not even asked for their time.
#[inline(always)]
fn person_or_seller(arrival: Arrival<'_>) -> Option<(Either<Registered<'_>, i64>, i64)> {
    match arrival.event {
        Event::Person(person) => Some((Either::Left(Registered { id: person.id, name: person.name }), person.date_time)),
        Event::Auction(auction) => Some((Either::Right(auction.seller), auction.date_time)),
        Event::Bid(_) => None,
    }
}

/// The time goes with the row anyway from where there are watermarks.
#[inline(always)]
fn without_time<'a>((row, _): (Either<Registered<'a>, i64>, i64)) -> Option<Either<Registered<'a>, i64>> {
    Some(row)
}

pub(super) fn build(flow: &mut Dataflow, events: impl Source<Out = Arrivals>, out: &mut Output) {
    flow.source(events)
        .filter_map_to::<PersonOrSeller, _>(person_or_seller)
        .watermarks(WATERMARKS, |(_, time)| *time)
        .filter_map_to::<EitherOf<Persons, Own<i64>>, _>(without_time)
        .key_by(|row| match row {
            Either::Left(person) => person.id,
            Either::Right(seller) => *seller,
        })
        .window_semi_join(Tumbling::seconds(10))
        .sink(out.rows::<PairOf<Persons, Own<i64>>, _>(|rows, (person, start)| {
            rows.insert(&[Cell::Int(person.id), Cell::Text(person.name), Cell::Int(start)]);
        }));
}
