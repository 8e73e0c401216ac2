//! q20: bids with their auction, if it is of category 10.

use thalweg::{Dataflow, Own, process::Either, source::Source};

use super::{
    Arrival, Arrivals, Cell, Event,
    owned::{OwnedAuction, OwnedBid},
    program::{Output, WATERMARKS},
};

type Row = (OwnedBid, OwnedAuction);

pub(super) fn build(flow: &mut Dataflow, events: impl Source<Out = Arrivals>, out: &mut Output) {
    let (bids, auctions) = flow
        .source(events)
        .watermarks(WATERMARKS, |arrival: &Arrival<'_>| arrival.event.date_time())
        .filter_map(|Arrival { event, .. }: Arrival<'_>| match event {
            Event::Bid(bid) => Some(Either::Left(OwnedBid::from(bid))),
            Event::Auction(auction) if auction.category == 10 => Some(Either::Right(OwnedAuction::from(auction))),
            _ => None,
        })
        .divide();
    bids.key_by(|bid: &OwnedBid| bid.auction)
        .join(auctions.key_by(|auction: &OwnedAuction| auction.id))
        .inner(|bid, auction| (bid.clone(), auction.clone()))
        .sink(out.rows::<Own<Row>, _>(|rows, (bid, auction): Row| {
            let (b, a) = (bid.view(), auction.view());
            rows.insert(&[
                Cell::Int(b.auction),
                Cell::Int(b.bidder),
                Cell::Int(b.price),
                Cell::Text(b.channel),
                Cell::Text(b.url),
                Cell::Int(b.date_time),
                Cell::Text(b.extra),
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
