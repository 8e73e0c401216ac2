//! The three kinds of events, as an engine sees them: numbers, and text that borrows from where the events are kept.
//!
//! Fields have the order and names of the workload's schema; serialised, an event is `{"person":{…}}`, `{"auction":{…}}` or `{"bid":{…}}`.

use serde::Serialize;
use thalweg::Record;

/// Someone who registers, to sell and to bid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Person<'a> {
    /// Unique among persons.
    pub id: i64,
    /// First and last name.
    pub name: &'a str,
    /// An address of electronic mail.
    pub email_address: &'a str,
    /// Four groups of four digits.
    pub credit_card: &'a str,
    /// A city in the United States.
    pub city: &'a str,
    /// Two capital letters.
    pub state: &'a str,
    /// When the person registered, in ms since the Unix epoch.
    pub date_time: i64,
    /// Padding up to the event's average size.
    pub extra: &'a str,
}

/// Something put up for sale.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Auction<'a> {
    /// Unique among auctions.
    pub id: i64,
    /// What is sold.
    pub item_name: &'a str,
    /// More about it.
    pub description: &'a str,
    /// Where bidding starts, in cents.
    pub initial_bid: i64,
    /// The least that the seller takes, in cents.
    pub reserve: i64,
    /// When the auction opened, in ms since the Unix epoch.
    pub date_time: i64,
    /// The last ms at which a bid counts.
    pub expires: i64,
    /// The person who sells.
    pub seller: i64,
    /// What sort of thing it is.
    pub category: i64,
    /// Padding up to the event's average size.
    pub extra: &'a str,
}

/// An offer for an auction's item.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Bid<'a> {
    /// The auction that is bid on. It may open later, or never.
    pub auction: i64,
    /// The person who bids. They may register later, or never.
    pub bidder: i64,
    /// What is offered, in cents.
    pub price: i64,
    /// The way by which the bid came in.
    pub channel: &'a str,
    /// The page on which it was made.
    pub url: &'a str,
    /// When it was made, in ms since the Unix epoch.
    pub date_time: i64,
    /// Padding up to the event's average size.
    pub extra: &'a str,
}

/// An event of the auction site.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Event<'a> {
    /// Someone registered.
    Person(Person<'a>),
    /// An auction opened.
    Auction(Auction<'a>),
    /// A bid was made.
    Bid(Bid<'a>),
}

impl<'a> Event<'a> {
    /// Event time, in ms since the Unix epoch.
    #[inline(always)]
    pub fn date_time(&self) -> i64 {
        match self {
            Event::Person(person) => person.date_time,
            Event::Auction(auction) => auction.date_time,
            Event::Bid(bid) => bid.date_time,
        }
    }

    /// Which of the three kinds it is.
    #[inline(always)]
    pub fn kind(&self) -> Kind {
        match self {
            Event::Person(_) => Kind::Person,
            Event::Auction(_) => Kind::Auction,
            Event::Bid(_) => Kind::Bid,
        }
    }

    /// The person, if it is one.
    #[inline(always)]
    pub fn person(self) -> Option<Person<'a>> {
        if let Event::Person(person) = self { Some(person) } else { None }
    }

    /// The auction, if it is one.
    #[inline(always)]
    pub fn auction(self) -> Option<Auction<'a>> {
        if let Event::Auction(auction) = self { Some(auction) } else { None }
    }

    /// The bid, if it is one.
    #[inline(always)]
    pub fn bid(self) -> Option<Bid<'a>> {
        if let Event::Bid(bid) = self { Some(bid) } else { None }
    }
}

impl<'a> From<Person<'a>> for Event<'a> {
    fn from(person: Person<'a>) -> Event<'a> {
        Event::Person(person)
    }
}

impl<'a> From<Auction<'a>> for Event<'a> {
    fn from(auction: Auction<'a>) -> Event<'a> {
        Event::Auction(auction)
    }
}

impl<'a> From<Bid<'a>> for Event<'a> {
    fn from(bid: Bid<'a>) -> Event<'a> {
        Event::Bid(bid)
    }
}

/// The kinds of events.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// [`Event::Person`].
    Person,
    /// [`Event::Auction`].
    Auction,
    /// [`Event::Bid`].
    Bid,
}

/// The events as records of the engine: each borrows its text from the source's block.
#[derive(Clone, Copy, Debug)]
pub struct Events;

impl Record for Events {
    type Of<'a> = Event<'a>;
}
