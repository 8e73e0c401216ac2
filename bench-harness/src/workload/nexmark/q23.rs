//! q23: bids with their bidder's person, and with every auction that the bidder sells.
//!
//! All three are rows of one person, so one step keyed by the person joins them: each row that comes meets the rows of the other two kinds that
//! are there already. Rows are shared by all results that they are part of.

use std::sync::Arc;

use thalweg::{
    Dataflow, Own,
    process::{Context, Either, Process},
    source::Source,
};

use super::{
    Arrival, Arrivals, Cell, Event,
    owned::{OwnedAuction, OwnedBid, OwnedPerson},
    program::{Output, WATERMARKS},
};

/// A bid, a person or an auction.
type Record = Either<Arc<OwnedBid>, Either<Arc<OwnedPerson>, Arc<OwnedAuction>>>;
type Row = (Arc<OwnedBid>, Arc<OwnedPerson>, Arc<OwnedAuction>);

/// What is known of a person.
#[derive(Clone, Default)]
struct Known {
    bids: Vec<Arc<OwnedBid>>,
    persons: Vec<Arc<OwnedPerson>>,
    auctions: Vec<Arc<OwnedAuction>>,
}

struct Joined;

impl Process<i64, Record> for Joined {
    type State = Known;
    type Out = Row;

    fn on_record(&mut self, known: &mut Option<Known>, record: Record, cx: &mut Context<'_, i64, Row>) {
        let Known { bids, persons, auctions } = known.get_or_insert_default();
        let mut emit = |bid: &Arc<OwnedBid>, person: &Arc<OwnedPerson>, auction: &Arc<OwnedAuction>| {
            cx.emit((bid.clone(), person.clone(), auction.clone()));
        };
        match record {
            Either::Left(bid) => {
                persons.iter().for_each(|person| auctions.iter().for_each(|auction| emit(&bid, person, auction)));
                bids.push(bid);
            }
            Either::Right(Either::Left(person)) => {
                bids.iter().for_each(|bid| auctions.iter().for_each(|auction| emit(bid, &person, auction)));
                persons.push(person);
            }
            Either::Right(Either::Right(auction)) => {
                bids.iter().for_each(|bid| persons.iter().for_each(|person| emit(bid, person, &auction)));
                auctions.push(auction);
            }
        }
    }
}

pub(super) fn build(flow: &mut Dataflow, events: impl Source<Out = Arrivals>, out: &mut Output) {
    flow.source(events)
        .watermarks(WATERMARKS, |arrival: &Arrival<'_>| arrival.event.date_time())
        .map(|Arrival { event, .. }: Arrival<'_>| match event {
            Event::Bid(bid) => Either::Left(Arc::new(OwnedBid::from(bid))),
            Event::Person(person) => Either::Right(Either::Left(Arc::new(OwnedPerson::from(person)))),
            Event::Auction(auction) => Either::Right(Either::Right(Arc::new(OwnedAuction::from(auction)))),
        })
        .key_by(|record: &Record| match record {
            Either::Left(bid) => bid.bidder,
            Either::Right(Either::Left(person)) => person.id,
            Either::Right(Either::Right(auction)) => auction.seller,
        })
        .process(|| Joined)
        .sink(out.rows::<Own<Row>, _>(|rows, (bid, person, auction): Row| {
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
