//! q20: bids with their auction, if it is of category 10.

use thalweg::{
    Dataflow,
    process::Either,
    record::{EitherOf, PairOf},
    source::Source,
};

use super::{
    Arrival, Arrivals, Auction, Bid, Cell, Event,
    portable::{Auctions, Bids},
    program::{Output, WATERMARKS},
};

/// The category that is asked for.
const CATEGORY: i64 = 10;

/// A bid, or an auction. Those of other categories must be known too, so that no bid waits for them for ever; their texts need not.
#[inline(always)]
fn bid_or_auction(arrival: Arrival<'_>) -> Option<Either<Bid<'_>, Auction<'_>>> {
    match arrival.event {
        Event::Bid(bid) => Some(Either::Left(bid)),
        Event::Auction(auction) if auction.category == CATEGORY => Some(Either::Right(auction)),
        Event::Auction(auction) => Some(Either::Right(Auction { item_name: "", description: "", extra: "", ..auction })),
        Event::Person(_) => None,
    }
}

pub(super) fn build(flow: &mut Dataflow, events: impl Source<Out = Arrivals>, out: &mut Output) {
    flow.source(events)
        .watermarks(WATERMARKS, |arrival: &Arrival<'_>| arrival.event.date_time())
        .filter_map_to::<EitherOf<Bids, Auctions>, _>(bid_or_auction)
        .key_by(|row| match row {
            Either::Left(bid) => bid.auction,
            Either::Right(auction) => auction.id,
        })
        .many_to_one(|auction| auction.category == CATEGORY)
        .sink(out.rows::<PairOf<Bids, Auctions>, _>(|rows, (b, a)| {
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
