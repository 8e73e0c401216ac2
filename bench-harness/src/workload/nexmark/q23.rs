//! q23: bids with their bidder's person, and with every auction that the bidder sells.

use thalweg::{Dataflow, Own, process::Either, source::Source};

use super::{
    Arrival, Arrivals, Cell, Event,
    owned::{OwnedAuction, OwnedBid, OwnedPerson},
    program::{Output, WATERMARKS},
};

type Bidder = (OwnedBid, OwnedPerson);
type Row = (Bidder, OwnedAuction);

pub(super) fn build(flow: &mut Dataflow, events: impl Source<Out = Arrivals>, out: &mut Output) {
    let (bids, others) = flow
        .source(events)
        .watermarks(WATERMARKS, |arrival: &Arrival<'_>| arrival.event.date_time())
        .map(|Arrival { event, .. }: Arrival<'_>| match event {
            Event::Bid(bid) => Either::Left(OwnedBid::from(bid)),
            Event::Person(person) => Either::Right(Either::Left(OwnedPerson::from(person))),
            Event::Auction(auction) => Either::Right(Either::Right(OwnedAuction::from(auction))),
        })
        .divide();
    let (persons, auctions) = others.divide();
    bids.key_by(|bid: &OwnedBid| bid.bidder)
        .join(persons.key_by(|person: &OwnedPerson| person.id))
        .inner(|bid, person| (bid.clone(), person.clone()))
        .key_by(|(bid, _): &Bidder| bid.bidder)
        .join(auctions.key_by(|auction: &OwnedAuction| auction.seller))
        .inner(|bidder, auction| (bidder.clone(), auction.clone()))
        .sink(out.rows::<Own<Row>, _>(|rows, ((bid, person), auction): Row| {
            let (b, p, a) = (bid.view(), person.view(), auction.view());
            rows.insert(&[
                Cell::Int(b.bidder),
                Cell::Int(b.price),
                Cell::Text(b.channel),
                Cell::Text(b.url),
                Cell::Text(b.extra),
                Cell::Text(p.name),
                Cell::Text(p.email_address),
                Cell::Text(p.credit_card),
                Cell::Text(p.city),
                Cell::Text(p.state),
                Cell::Text(p.extra),
                Cell::Text(a.item_name),
                Cell::Text(a.description),
                Cell::Int(a.initial_bid),
                Cell::Int(a.reserve),
                Cell::Int(a.date_time),
                Cell::Int(a.expires),
                Cell::Int(a.seller),
                Cell::Int(a.category),
                Cell::Text(a.extra),
            ]);
        }));
}
