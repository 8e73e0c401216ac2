//! Events that leave their block: rows that a query keeps in state, or brings to the owner of a key. Their texts go into the arena of a batch,
//! or into one buffer for each row that is kept.

use thalweg::{
    Own, Record,
    record::{Packed, PairOf, Portable},
};

use super::model::{Auction, Bid};

/// The bids among the events.
pub struct Bids;

impl Record for Bids {
    type Of<'a> = Bid<'a>;
}

/// A [`Bid`] without its texts.
#[derive(Clone, Copy, Debug)]
pub struct FixedBid {
    auction: i64,
    bidder: i64,
    price: i64,
    date_time: i64,
    /// Channel, url, extra.
    texts: Packed<3>,
}

impl Portable for Bids {
    type Fixed = FixedBid;

    #[inline(always)]
    fn pack(bid: Bid<'_>, texts: &mut String) -> FixedBid {
        let Bid { auction, bidder, price, channel, url, date_time, extra } = bid;
        FixedBid { auction, bidder, price, date_time, texts: Packed::pack([channel, url, extra], texts) }
    }

    #[inline(always)]
    fn unpack(fixed: FixedBid, texts: &str) -> Bid<'_> {
        let FixedBid { auction, bidder, price, date_time, texts: packed } = fixed;
        let [channel, url, extra] = packed.of(texts);
        Bid { auction, bidder, price, channel, url, date_time, extra }
    }

    #[inline(always)]
    fn shorten<'s, 'l: 's>(bid: Bid<'l>) -> Bid<'s> {
        bid
    }
}

/// Bids with their numbers in the order of arrival.
pub type NumberedBids = PairOf<Bids, Own<u64>>;

/// The auctions among the events.
pub struct Auctions;

impl Record for Auctions {
    type Of<'a> = Auction<'a>;
}

/// An [`Auction`] without its texts.
#[derive(Clone, Copy, Debug)]
pub struct FixedAuction {
    id: i64,
    initial_bid: i64,
    reserve: i64,
    date_time: i64,
    expires: i64,
    seller: i64,
    category: i64,
    /// Item name, description, extra.
    texts: Packed<3>,
}

impl Portable for Auctions {
    type Fixed = FixedAuction;

    #[inline(always)]
    fn pack(auction: Auction<'_>, texts: &mut String) -> FixedAuction {
        let Auction { id, item_name, description, initial_bid, reserve, date_time, expires, seller, category, extra } = auction;
        let texts = Packed::pack([item_name, description, extra], texts);
        FixedAuction { id, initial_bid, reserve, date_time, expires, seller, category, texts }
    }

    #[inline(always)]
    fn unpack(fixed: FixedAuction, texts: &str) -> Auction<'_> {
        let FixedAuction { id, initial_bid, reserve, date_time, expires, seller, category, texts: packed } = fixed;
        let [item_name, description, extra] = packed.of(texts);
        Auction { id, item_name, description, initial_bid, reserve, date_time, expires, seller, category, extra }
    }

    #[inline(always)]
    fn shorten<'s, 'l: 's>(auction: Auction<'l>) -> Auction<'s> {
        auction
    }
}

#[cfg(test)]
mod tests {
    use thalweg::record::Held;

    use super::*;
    use crate::workload::nexmark::{Event, Generator, Options};

    #[test]
    fn packed_events_are_the_events() {
        let generator = Generator::new(1, Options::default()).expect("the defaults are sound");
        let mut texts = String::new();
        let (mut bids, mut auctions) = (Vec::new(), Vec::new());
        let mut last: Option<Held<Bids>> = None;
        for n in 0..1_000 {
            match generator.event(n) {
                Event::Person(_) => {}
                Event::Auction(auction) => auctions.push((n, Auctions::pack(auction, &mut texts))),
                Event::Bid(bid) => {
                    bids.push((n, Bids::pack(bid, &mut texts)));
                    match &mut last {
                        None => last = Some(Held::new(bid)),
                        Some(last) => last.set(bid),
                    }
                    assert_eq!(last.as_ref().map(Held::get), Some(bid));
                }
            }
        }
        // All of them lie in one arena, and each is found again.
        for (n, fixed) in bids {
            assert_eq!(Event::Bid(Bids::unpack(fixed, &texts)), generator.event(n));
        }
        for (n, fixed) in auctions {
            assert_eq!(Event::Auction(Auctions::unpack(fixed, &texts)), generator.event(n));
        }
    }
}
