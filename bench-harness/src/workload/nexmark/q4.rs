//! q4: the average winning price of each category.

use thalweg::{
    Dataflow, Own,
    changelog::{Change, Mean},
    process::Either,
    source::Source,
};

use super::{
    Arrival, Arrivals, Cell, Event,
    program::{Output, WATERMARKS},
    winners::{Offer, Winners, Wins},
};

/// What counts of an auction.
#[derive(Clone, Copy, PartialEq)]
pub(super) struct Lot {
    id: i64,
    category: i64,
    opens: i64,
    expires: i64,
}

impl Offer for Lot {
    fn open(&self) -> (i64, i64) {
        (self.opens, self.expires)
    }
}

/// What counts of a bid.
#[derive(Clone, Copy, PartialEq)]
pub(super) struct Price {
    auction: i64,
    price: i64,
    made: i64,
}

impl Wins for Price {
    fn price(&self) -> i64 {
        self.price
    }
    fn made(&self) -> i64 {
        self.made
    }
}

pub(super) fn build(flow: &mut Dataflow, events: impl Source<Out = Arrivals>, out: &mut Output) {
    let (lots, prices) = flow
        .source(events)
        .watermarks(WATERMARKS, |arrival: &Arrival<'_>| arrival.event.date_time())
        .flat_map(|Arrival { event, .. }: Arrival<'_>| match event {
            Event::Auction(a) => Some(Either::Left(Lot { id: a.id, category: a.category, opens: a.date_time, expires: a.expires })),
            Event::Bid(b) => Some(Either::Right(Price { auction: b.auction, price: b.price, made: b.date_time })),
            Event::Person(_) => None,
        })
        .divide();
    lots.key_by(|lot| lot.id)
        .join(prices.key_by(|price| price.auction))
        .process(|| Winners)
        .aggregate_rows(|(lot, _)| lot.category, Mean::of(|(_, price): &(Lot, Price)| price.price))
        .sink(out.rows::<Own<Change<(i64, i64)>>, _>(|rows, change| {
            rows.change(&change, |&(category, average)| [Cell::Int(category), Cell::Int(average)]);
        }));
}
