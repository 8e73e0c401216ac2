//! State without an end, of q3, q4, q18 and q20: what an operator of any framework keeps for them. Each has its records, and takes one after
//! the other; rows are added, and taken back where they were.

use foldhash::fast::FixedState;
use hashbrown::{HashMap, hash_map::Entry};
use serde::{Deserialize, Serialize};

use super::kept::{KeptAuction, KeptBid};
use crate::workload::nexmark::{Cell, Digest, Event};

/// By whole numbers or pairs of them.
pub(super) type Map<K, V> = HashMap<K, V, FixedState>;

/// Of q3: a person of the wanted states with name, city and state, or the id of an auction of the wanted category.
#[derive(Clone, Serialize, Deserialize)]
pub(super) enum Side {
    Person(Box<[Box<str>; 3]>),
    Auction(i64),
}

impl Side {
    /// With the seller's id; none if the event is not wanted.
    pub(super) fn of(event: Event<'_>) -> Option<(i64, Side)> {
        match event {
            Event::Person(p) if ["OR", "ID", "CA"].contains(&p.state) => {
                Some((p.id, Side::Person(Box::new([p.name, p.city, p.state].map(Into::into)))))
            }
            Event::Auction(a) if a.category == 10 => Some((a.seller, Side::Auction(a.id))),
            _ => None,
        }
    }
}

/// Of q3: whoever comes first waits for the other, so that no row is made twice.
#[derive(Clone, Default)]
pub(super) struct Sellers(Map<i64, (Option<Box<[Box<str>; 3]>>, Vec<i64>)>);

impl Sellers {
    pub(super) fn take(&mut self, rows: &mut Digest, (seller, side): (i64, Side)) {
        let add = |rows: &mut Digest, person: &[Box<str>; 3], auction| {
            let [name, city, state] = person.each_ref().map(|text| Cell::Text(text));
            rows.add(&[name, city, state, Cell::Int(auction)]);
        };
        let (person, auctions) = self.0.entry(seller).or_default();
        match side {
            Side::Person(new) => {
                auctions.drain(..).for_each(|auction| add(rows, &new, auction));
                *person = Some(new);
            }
            Side::Auction(auction) => match person {
                Some(person) => add(rows, person, auction),
                None => auctions.push(auction),
            },
        }
    }
}

/// Of q4: a bid on an auction.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) struct Price {
    pub(super) price: i64,
    pub(super) made: i64,
}

/// Of q4: what happens to an auction.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) enum Lot {
    Opens { category: i64, from: i64, until: i64 },
    Bid(Price),
}

/// Of q4: a change of the sum and the number of a category's winning prices.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) struct Change {
    pub(super) category: i64,
    pub(super) sum: i64,
    pub(super) count: i64,
}

/// Of q4: what is known of an auction, and its winning bid as it changes.
#[derive(Clone)]
pub(super) enum Known {
    /// Bids on it; itself it has not come.
    Early(Vec<Price>),
    /// It, and the highest price so far.
    Open { category: i64, from: i64, until: i64, best: Option<i64> },
}

impl Default for Known {
    fn default() -> Known {
        Known::Early(Vec::new())
    }
}

impl Known {
    /// Takes what happened; the change of the category, if it makes one.
    pub(super) fn take(&mut self, lot: Lot) -> Option<Change> {
        match (&mut *self, lot) {
            (Known::Early(bids), Lot::Bid(bid)) => {
                bids.push(bid);
                None
            }
            (Known::Early(bids), Lot::Opens { category, from, until }) => {
                let best = bids.iter().filter(|bid| (from..=until).contains(&bid.made)).map(|bid| bid.price).max();
                *self = Known::Open { category, from, until, best };
                best.map(|sum| Change { category, sum, count: 1 })
            }
            (Known::Open { category, from, until, best }, Lot::Bid(Price { price, made })) => {
                if !(*from..=*until).contains(&made) || best.is_some_and(|best| best >= price) {
                    return None;
                }
                let before = best.replace(price);
                Some(Change { category: *category, sum: price - before.unwrap_or(0), count: i64::from(before.is_none()) })
            }
            (Known::Open { .. }, Lot::Opens { .. }) => unreachable!("an auction opens once"),
        }
    }
}

/// Of q4: what happens to which auction.
pub(super) fn lot(event: Event<'_>) -> Option<(i64, Lot)> {
    match event {
        Event::Auction(a) => Some((a.id, Lot::Opens { category: a.category, from: a.date_time, until: a.expires })),
        Event::Bid(b) => Some((b.auction, Lot::Bid(Price { price: b.price, made: b.date_time }))),
        Event::Person(_) => None,
    }
}

/// Of q4: sum and number of winning prices.
#[derive(Clone, Default)]
pub(super) struct Categories(Map<i64, (i64, i64)>);

impl Categories {
    pub(super) fn take(&mut self, rows: &mut Digest, change: Change) {
        let row = |(sum, count)| [Cell::Int(change.category), Cell::Int(sum / count)];
        let total = self.0.entry(change.category).or_default();
        if total.1 > 0 {
            rows.remove(&row(*total));
        }
        *total = (total.0 + change.sum, total.1 + change.count);
        rows.add(&row(*total));
    }
}

/// Of q18: the last bid of each bidder on each auction, with its number in the order of arrival.
#[derive(Clone, Default)]
pub(super) struct LastBids(Map<(i64, i64), (u64, KeptBid)>);

impl LastBids {
    pub(super) fn take(&mut self, rows: &mut Digest, (number, bid): (u64, KeptBid)) {
        match self.0.entry((bid.bidder, bid.auction)) {
            Entry::Vacant(place) => {
                rows.add(&bid.cells());
                place.insert((number, bid));
            }
            Entry::Occupied(mut place) => {
                let (before, kept) = place.get();
                if (bid.date_time, number) > (kept.date_time, *before) {
                    rows.remove(&kept.cells());
                    rows.add(&bid.cells());
                    place.insert((number, bid));
                }
            }
        }
    }
}

/// Of q20: a bid, or an auction: of another category than the wanted one only its id, so that no bid waits for it.
#[derive(Clone, Serialize, Deserialize)]
pub(super) enum Offer {
    Bid(KeptBid),
    Auction(KeptAuction),
    Other,
}

impl Offer {
    /// With the auction's id.
    pub(super) fn of(event: Event<'_>) -> Option<(i64, Offer)> {
        match event {
            Event::Bid(b) => Some((b.auction, Offer::Bid(b.into()))),
            Event::Auction(a) if a.category == 10 => Some((a.id, Offer::Auction(a.into()))),
            Event::Auction(a) => Some((a.id, Offer::Other)),
            Event::Person(_) => None,
        }
    }
}

#[derive(Clone)]
enum Offered {
    /// Bids on an auction that has not come.
    Waiting(Vec<KeptBid>),
    Auction(KeptAuction),
    Other,
}

/// Of q20: the auctions that have come, and the bids that wait for theirs.
#[derive(Clone, Default)]
pub(super) struct Offers(Map<i64, Offered>);

impl Offers {
    pub(super) fn take(&mut self, rows: &mut Digest, (auction, offer): (i64, Offer)) {
        let offered = self.0.entry(auction).or_insert_with(|| Offered::Waiting(Vec::new()));
        match (offer, &mut *offered) {
            (Offer::Bid(bid), Offered::Waiting(bids)) => bids.push(bid),
            (Offer::Bid(bid), Offered::Auction(auction)) => rows.add(&auction.row(&bid)),
            (Offer::Bid(_), Offered::Other) => {}
            (Offer::Auction(auction), Offered::Waiting(bids)) => {
                bids.iter().for_each(|bid| rows.add(&auction.row(bid)));
                *offered = Offered::Auction(auction);
            }
            (Offer::Other, _) => *offered = Offered::Other,
            (Offer::Auction(_), _) => unreachable!("an auction opens once"),
        }
    }
}
