//! q9: the winning bid of each auction, with the auction's columns.

use thalweg::{Dataflow, Own, changelog::Change, process::Either, source::Source};

use super::{
    Arrival, Arrivals, Cell, Event,
    owned::{OwnedAuction, Texts},
    program::{Output, WATERMARKS},
    winners::{Offer, Winners, Wins},
};

impl Offer for OwnedAuction {
    fn open(&self) -> (i64, i64) {
        (self.date_time, self.expires)
    }
}

/// What the result has of a bid.
#[derive(Clone, PartialEq)]
struct Made {
    auction: i64,
    bidder: i64,
    price: i64,
    date_time: i64,
    number: u64,
    extra: Texts<1>,
}

impl Wins for Made {
    fn price(&self) -> i64 {
        self.price
    }
    fn made(&self) -> i64 {
        self.date_time
    }
    fn number(&self) -> u64 {
        self.number
    }
}

fn cells<'r>((auction, bid): &'r (OwnedAuction, Made)) -> [Cell<'r>; 14] {
    let a = auction.view();
    [
        Cell::Int(a.id),
        Cell::Text(a.item_name),
        Cell::Text(a.description),
        Cell::Int(a.initial_bid),
        Cell::Int(a.reserve),
        Cell::Int(a.date_time),
        Cell::Int(a.expires),
        Cell::Int(a.seller),
        Cell::Int(a.category),
        Cell::Text(a.extra),
        Cell::Int(bid.bidder),
        Cell::Int(bid.price),
        Cell::Int(bid.date_time),
        Cell::Text(bid.extra.get(0)),
    ]
}

pub(super) fn build(flow: &mut Dataflow, events: impl Source<Out = Arrivals>, out: &mut Output) {
    let (auctions, bids) = flow
        .source(events)
        .watermarks(WATERMARKS, |arrival: &Arrival<'_>| arrival.event.date_time())
        .filter_map(|Arrival { number, event }: Arrival<'_>| match event {
            Event::Auction(auction) => Some(Either::Left(OwnedAuction::from(auction))),
            Event::Bid(b) => Some(Either::Right(Made {
                auction: b.auction,
                bidder: b.bidder,
                price: b.price,
                date_time: b.date_time,
                number,
                extra: Texts::new([b.extra]),
            })),
            Event::Person(_) => None,
        })
        .divide();
    auctions
        .key_by(|auction: &OwnedAuction| auction.id)
        .join(bids.key_by(|bid: &Made| bid.auction))
        .process(|| Winners)
        .sink(out.rows::<Own<Change<(OwnedAuction, Made)>>, _>(|rows, change| rows.change(&change, cells)));
}
