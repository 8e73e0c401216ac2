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

/// Who registered, and when.
#[derive(Clone, Copy)]
struct Registered<'a> {
    id: i64,
    name: &'a str,
    date_time: i64,
}

struct Persons;

impl Record for Persons {
    type Of<'a> = Registered<'a>;
}

impl Portable for Persons {
    type Fixed = (i64, i64, Packed<1>);

    #[inline(always)]
    fn pack(Registered { id, name, date_time }: Registered<'_>, texts: &mut String) -> Self::Fixed {
        (id, date_time, Packed::pack([name], texts))
    }

    #[inline(always)]
    fn unpack((id, date_time, packed): Self::Fixed, texts: &str) -> Registered<'_> {
        let [name] = packed.of(texts);
        Registered { id, name, date_time }
    }

    fn shorten<'s, 'l: 's>(person: Registered<'l>) -> Registered<'s> {
        person
    }
}

/// A seller's id, and when an auction was opened.
type Opened = (i64, i64);

/// Bids take no part, so they are not even asked for their time.
#[inline(always)]
fn registered_or_opened(arrival: Arrival<'_>) -> Option<Either<Registered<'_>, Opened>> {
    match arrival.event {
        Event::Person(person) => Some(Either::Left(Registered { id: person.id, name: person.name, date_time: person.date_time })),
        Event::Auction(auction) => Some(Either::Right((auction.seller, auction.date_time))),
        Event::Bid(_) => None,
    }
}

pub(super) fn build(flow: &mut Dataflow, events: impl Source<Out = Arrivals>, out: &mut Output) {
    flow.source(events)
        .filter_map_to::<EitherOf<Persons, Own<Opened>>, _>(registered_or_opened)
        .watermarks(WATERMARKS, |row| match row {
            Either::Left(person) => person.date_time,
            Either::Right(opened) => opened.1,
        })
        .key_by(|row| match row {
            Either::Left(person) => person.id,
            Either::Right(opened) => opened.0,
        })
        .window_join::<PairOf<Persons, Own<i64>>, _>(Tumbling::seconds(10), |_, start, persons, opened, out| {
            if opened.len() > 0 {
                persons.for_each(|person| out.emit((person, start)));
            }
        })
        .sink(out.rows::<PairOf<Persons, Own<i64>>, _>(|rows, (person, start)| {
            rows.insert(&[Cell::Int(person.id), Cell::Text(person.name), Cell::Int(start)]);
        }));
}
