//! Events that are kept, or sent to another thread: numbers, and their texts one behind the other.

use serde::{Deserialize, Serialize};

use crate::workload::nexmark::{Auction, Bid, Cell};

/// A bid.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct KeptBid {
    pub(super) auction: i64,
    pub(super) bidder: i64,
    pub(super) price: i64,
    pub(super) date_time: i64,
    texts: Box<str>,
    ends: [u32; 2],
}

impl From<Bid<'_>> for KeptBid {
    fn from(bid: Bid<'_>) -> KeptBid {
        let ends = [bid.channel.len() as u32, (bid.channel.len() + bid.url.len()) as u32];
        let texts = [bid.channel, bid.url, bid.extra].concat().into();
        KeptBid { auction: bid.auction, bidder: bid.bidder, price: bid.price, date_time: bid.date_time, texts, ends }
    }
}

impl KeptBid {
    /// The bid again.
    pub(super) fn view(&self) -> Bid<'_> {
        let KeptBid { auction, bidder, price, date_time, texts, ends } = self;
        let [channel, url] = ends.map(|end| end as usize);
        let (channel, url, extra) = (&texts[..channel], &texts[channel..url], &texts[url..]);
        Bid { auction: *auction, bidder: *bidder, price: *price, channel, url, date_time: *date_time, extra }
    }

    /// As a row of q18.
    pub(super) fn cells(&self) -> [Cell<'_>; 7] {
        let bid = self.view();
        let [auction, bidder, price, time] = [bid.auction, bid.bidder, bid.price, bid.date_time].map(Cell::Int);
        let [channel, url, extra] = [bid.channel, bid.url, bid.extra].map(Cell::Text);
        [auction, bidder, price, channel, url, time, extra]
    }
}

/// An auction.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct KeptAuction {
    pub(super) id: i64,
    pub(super) category: i64,
    /// Initial bid, reserve, opening, expiry, seller.
    numbers: [i64; 5],
    texts: Box<str>,
    ends: [u32; 2],
}

impl From<Auction<'_>> for KeptAuction {
    fn from(a: Auction<'_>) -> KeptAuction {
        let ends = [a.item_name.len() as u32, (a.item_name.len() + a.description.len()) as u32];
        let texts = [a.item_name, a.description, a.extra].concat().into();
        let numbers = [a.initial_bid, a.reserve, a.date_time, a.expires, a.seller];
        KeptAuction { id: a.id, category: a.category, numbers, texts, ends }
    }
}

impl KeptAuction {
    /// A bid with this auction, as a row of q20.
    pub(super) fn row<'a>(&'a self, bid: &'a KeptBid) -> [Cell<'a>; 16] {
        let [auction, bidder, price, channel, url, time, extra] = bid.cells();
        let [name, description] = self.ends.map(|end| end as usize);
        let [initial_bid, reserve, opens, expires, seller] = self.numbers.map(Cell::Int);
        [
            auction,
            bidder,
            price,
            channel,
            url,
            time,
            extra,
            Cell::Text(&self.texts[..name]),
            Cell::Text(&self.texts[name..description]),
            initial_bid,
            reserve,
            opens,
            expires,
            seller,
            Cell::Int(self.category),
            Cell::Text(&self.texts[description..]),
        ]
    }
}
