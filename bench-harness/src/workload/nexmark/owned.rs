//! Events that outlive their block: rows that a query keeps in state, or brings to the owner of a key.
//!
//! The texts of a row are one allocation, whatever their number, which all clones of the row share.

use std::{cell::RefCell, sync::Arc};

use super::model::{Auction, Bid, Person};

/// `N` texts, one after the other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Texts<const N: usize> {
    all: Arc<str>,
    /// Where each text ends.
    ends: [u32; N],
}

impl<const N: usize> Texts<N> {
    /// Copies the texts.
    ///
    /// # Panics
    /// With 4 GiB of text or more.
    pub fn new(texts: [&str; N]) -> Texts<N> {
        thread_local! {
            /// Where texts are put together: the length of an [`Arc`] must be known before it is filled.
            static ALL: RefCell<String> = const { RefCell::new(String::new()) };
        }
        ALL.with_borrow_mut(|all| {
            all.clear();
            let ends = texts.map(|text| {
                all.push_str(text);
                u32::try_from(all.len()).expect("a row's texts are shorter than 4 GiB")
            });
            Texts { all: Arc::from(all.as_str()), ends }
        })
    }

    /// The text at a place in `0..N`.
    pub fn get(&self, place: usize) -> &str {
        let start = if place == 0 { 0 } else { self.ends[place - 1] };
        &self.all[start as usize..self.ends[place] as usize]
    }
}

/// A [`Bid`] of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnedBid {
    /// See [`Bid::auction`].
    pub auction: i64,
    /// See [`Bid::bidder`].
    pub bidder: i64,
    /// See [`Bid::price`].
    pub price: i64,
    /// See [`Bid::date_time`].
    pub date_time: i64,
    /// Channel, url, extra.
    texts: Texts<3>,
}

impl From<Bid<'_>> for OwnedBid {
    fn from(bid: Bid<'_>) -> OwnedBid {
        let Bid { auction, bidder, price, channel, url, date_time, extra } = bid;
        OwnedBid { auction, bidder, price, date_time, texts: Texts::new([channel, url, extra]) }
    }
}

impl OwnedBid {
    /// The bid again.
    pub fn view(&self) -> Bid<'_> {
        let OwnedBid { auction, bidder, price, date_time, ref texts } = *self;
        Bid { auction, bidder, price, channel: texts.get(0), url: texts.get(1), date_time, extra: texts.get(2) }
    }
}

/// An [`Auction`] of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnedAuction {
    /// See [`Auction::id`].
    pub id: i64,
    /// See [`Auction::initial_bid`].
    pub initial_bid: i64,
    /// See [`Auction::reserve`].
    pub reserve: i64,
    /// See [`Auction::date_time`].
    pub date_time: i64,
    /// See [`Auction::expires`].
    pub expires: i64,
    /// See [`Auction::seller`].
    pub seller: i64,
    /// See [`Auction::category`].
    pub category: i64,
    /// Item name, description, extra.
    texts: Texts<3>,
}

impl From<Auction<'_>> for OwnedAuction {
    fn from(auction: Auction<'_>) -> OwnedAuction {
        let Auction { id, item_name, description, initial_bid, reserve, date_time, expires, seller, category, extra } = auction;
        OwnedAuction { id, initial_bid, reserve, date_time, expires, seller, category, texts: Texts::new([item_name, description, extra]) }
    }
}

impl OwnedAuction {
    /// The auction again.
    pub fn view(&self) -> Auction<'_> {
        let OwnedAuction { id, initial_bid, reserve, date_time, expires, seller, category, ref texts } = *self;
        let (item_name, description, extra) = (texts.get(0), texts.get(1), texts.get(2));
        Auction { id, item_name, description, initial_bid, reserve, date_time, expires, seller, category, extra }
    }
}

/// A [`Person`] of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnedPerson {
    /// See [`Person::id`].
    pub id: i64,
    /// See [`Person::date_time`].
    pub date_time: i64,
    /// Name, email address, credit card, city, state, extra.
    texts: Texts<6>,
}

impl From<Person<'_>> for OwnedPerson {
    fn from(person: Person<'_>) -> OwnedPerson {
        let Person { id, name, email_address, credit_card, city, state, date_time, extra } = person;
        OwnedPerson { id, date_time, texts: Texts::new([name, email_address, credit_card, city, state, extra]) }
    }
}

impl OwnedPerson {
    /// The person again.
    pub fn view(&self) -> Person<'_> {
        let texts = |place| self.texts.get(place);
        Person {
            id: self.id,
            name: texts(0),
            email_address: texts(1),
            credit_card: texts(2),
            city: texts(3),
            state: texts(4),
            date_time: self.date_time,
            extra: texts(5),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workload::nexmark::{Event, Generator, Options};

    #[test]
    fn owned_events_are_the_events() {
        let generator = Generator::new(1, Options::default()).expect("the defaults are sound");
        for n in 0..1_000 {
            match generator.event(n) {
                Event::Person(person) => assert_eq!(OwnedPerson::from(person).view(), person),
                Event::Auction(auction) => assert_eq!(OwnedAuction::from(auction).view(), auction),
                Event::Bid(bid) => assert_eq!(OwnedBid::from(bid).view(), bid),
            }
        }
    }
}
