//! Events in memory, as small as they go: numbers in place, text in one arena.
//!
//! ```text
//!   items     [ Person 0 │ Auction 0 │ Auction 1 │ Bid { numbers, start, lengths } │ … ]    in order of arrival
//!   persons   [ 0 ]  auctions [ 0, 1 ]                        the rare kinds, so that an item is no larger than a bid
//!   text      "Kate Jonesabc@de.com…"                         the texts of an event one behind the other
//! ```
//!
//! Law: what was pushed comes out again, in order. A block never changes once it is shared.

use super::model::{Auction, Bid, Event, Person};

/// No more text fits a block, which addresses it with 32 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the text of a block is limited to 4 GiB: use fewer events, or several files")]
pub struct Full;

/// Events in order of arrival.
#[derive(Clone, Debug, Default)]
pub struct Block {
    items: Vec<Item>,
    persons: Vec<PersonItem>,
    auctions: Vec<AuctionItem>,
    text: String,
}

#[derive(Clone, Copy, Debug)]
enum Item {
    /// Place in `persons`.
    Person(u32),
    /// Place in `auctions`.
    Auction(u32),
    Bid(BidItem),
}

#[derive(Clone, Copy, Debug)]
struct PersonItem {
    id: i64,
    date_time: i64,
    texts: Texts<6>,
}

#[derive(Clone, Copy, Debug)]
struct AuctionItem {
    id: i64,
    initial_bid: i64,
    reserve: i64,
    date_time: i64,
    expires: i64,
    seller: i64,
    category: i64,
    texts: Texts<3>,
}

#[derive(Clone, Copy, Debug)]
struct BidItem {
    auction: i64,
    bidder: i64,
    price: i64,
    date_time: i64,
    texts: Texts<3>,
}

/// Texts of the arena, one behind the other.
#[derive(Clone, Copy, Debug)]
struct Texts<const N: usize> {
    start: u32,
    lengths: [u32; N],
}

impl<const N: usize> Texts<N> {
    /// Puts texts into the arena.
    fn keep(text: &mut String, texts: [&str; N]) -> Result<Self, Full> {
        let start = text.len();
        let bytes = texts.iter().map(|text| text.len()).sum::<usize>();
        // The end fits too, hence every length does.
        u32::try_from(start + bytes).map_err(|_| Full)?;
        texts.iter().for_each(|part| text.push_str(part));
        Ok(Texts { start: start as u32, lengths: texts.map(|text| text.len() as u32) })
    }

    /// The texts.
    ///
    /// `get` and not an index: what cannot panic is left out by the compiler where nobody uses the text.
    #[inline(always)]
    fn of(self, text: &str) -> [&str; N] {
        // A loop and not `map`, which the compiler calls rather than unrolls.
        let (mut texts, mut from) = ([""; N], self.start as usize);
        for (part, length) in texts.iter_mut().zip(self.lengths) {
            let to = from + length as usize;
            debug_assert!(text.get(from..to).is_some(), "kept by `keep`, in this arena");
            *part = text.get(from..to).unwrap_or_default();
            from = to;
        }
        texts
    }
}

impl Block {
    /// A block without events.
    pub fn new() -> Block {
        Block::default()
    }

    /// A block of some events.
    ///
    /// # Errors
    /// [`Full`], with more than 4 GiB of text.
    pub fn collect<'a>(events: impl IntoIterator<Item = Event<'a>>) -> Result<Block, Full> {
        let mut block = Block::new();
        for event in events {
            block.push(event)?;
        }
        Ok(block)
    }

    /// Adds an event.
    ///
    /// # Errors
    /// [`Full`], and the block is as it was.
    pub fn push(&mut self, event: Event<'_>) -> Result<(), Full> {
        let text = &mut self.text;
        let item = match event {
            Event::Person(Person { id, name, email_address, credit_card, city, state, date_time, extra }) => {
                let texts = Texts::keep(text, [name, email_address, credit_card, city, state, extra])?;
                let place = u32::try_from(self.persons.len()).map_err(|_| Full)?;
                self.persons.push(PersonItem { id, date_time, texts });
                Item::Person(place)
            }
            Event::Auction(Auction { id, item_name, description, initial_bid, reserve, date_time, expires, seller, category, extra }) => {
                let texts = Texts::keep(text, [item_name, description, extra])?;
                let place = u32::try_from(self.auctions.len()).map_err(|_| Full)?;
                self.auctions.push(AuctionItem { id, initial_bid, reserve, date_time, expires, seller, category, texts });
                Item::Auction(place)
            }
            Event::Bid(Bid { auction, bidder, price, channel, url, date_time, extra }) => {
                let texts = Texts::keep(text, [channel, url, extra])?;
                Item::Bid(BidItem { auction, bidder, price, date_time, texts })
            }
        };
        self.items.push(item);
        Ok(())
    }

    /// Takes all events out, and keeps the memory.
    pub fn clear(&mut self) {
        let Block { items, persons, auctions, text } = self;
        items.clear();
        persons.clear();
        auctions.clear();
        text.clear();
    }

    /// Number of events.
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// Whether there are no events.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// Bytes that the events take, text included.
    pub fn bytes(&self) -> usize {
        size_of_val(&self.items[..]) + size_of_val(&self.persons[..]) + size_of_val(&self.auctions[..]) + self.text.len()
    }

    /// The events at some places, which are in `0..len`, in order.
    #[inline(always)]
    pub fn range(&self, places: std::ops::Range<usize>) -> Events<'_> {
        Events { block: self, items: self.items[places].iter() }
    }

    /// All events, in order.
    pub fn iter(&self) -> Events<'_> {
        self.range(0..self.len())
    }

    #[inline(always)]
    fn lend(&self, item: &Item) -> Event<'_> {
        match item {
            Item::Bid(BidItem { auction, bidder, price, date_time, texts }) => {
                let [channel, url, extra] = texts.of(&self.text);
                Event::Bid(Bid { auction: *auction, bidder: *bidder, price: *price, channel, url, date_time: *date_time, extra })
            }
            Item::Auction(place) => {
                let AuctionItem { id, initial_bid, reserve, date_time, expires, seller, category, texts } = self.auctions[*place as usize];
                let [item_name, description, extra] = texts.of(&self.text);
                Event::Auction(Auction { id, item_name, description, initial_bid, reserve, date_time, expires, seller, category, extra })
            }
            Item::Person(place) => {
                let PersonItem { id, date_time, texts } = self.persons[*place as usize];
                let [name, email_address, credit_card, city, state, extra] = texts.of(&self.text);
                Event::Person(Person { id, name, email_address, credit_card, city, state, date_time, extra })
            }
        }
    }
}

/// Events of a [`Block`], in order.
///
/// Compiled into the loop that asks for them, always: what the loop does not use of an event is then not even loaded. Left to itself, the
/// compiler makes it a call that writes the whole event to memory, which costs ten times as much as a query's own work.
#[derive(Clone, Debug)]
pub struct Events<'a> {
    block: &'a Block,
    items: std::slice::Iter<'a, Item>,
}

impl<'a> Iterator for Events<'a> {
    type Item = Event<'a>;

    #[inline(always)]
    fn next(&mut self) -> Option<Event<'a>> {
        match self.items.next() {
            Some(item) => Some(self.block.lend(item)),
            None => None,
        }
    }

    #[inline(always)]
    fn size_hint(&self) -> (usize, Option<usize>) {
        self.items.size_hint()
    }

    #[inline(always)]
    fn fold<B, F: FnMut(B, Event<'a>) -> B>(self, init: B, mut step: F) -> B {
        let mut folded = init;
        for item in self.items {
            folded = step(folded, self.block.lend(item));
        }
        folded
    }
}

impl ExactSizeIterator for Events<'_> {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_pushed_comes_out_in_order() {
        let bid = |extra| Event::Bid(Bid { auction: i64::MIN, bidder: 2, price: 3, channel: "c", url: "ü", date_time: 4, extra });
        let auction = |item_name| {
            let numbers = (5, 6, 7);
            Event::Auction(Auction {
                id: 1,
                item_name,
                description: "",
                initial_bid: numbers.0,
                reserve: numbers.1,
                date_time: numbers.2,
                expires: 8,
                seller: 9,
                category: 10,
                extra: "語",
            })
        };
        let person = |name| {
            Event::Person(Person {
                id: 1,
                name,
                email_address: "a@b",
                credit_card: "1",
                city: "x y",
                state: "OR",
                date_time: 3,
                extra: "z",
            })
        };
        let events = [bid(""), person("p"), auction("é"), bid("\0"), auction(""), person(""), bid("long enough")];
        let block = Block::collect(events).unwrap();
        assert_eq!(block.iter().collect::<Vec<_>>(), events);
        assert_eq!(block.range(2..4).collect::<Vec<_>>(), events[2..4]);
        assert_eq!((block.len(), block.is_empty(), Block::new().is_empty()), (7, false, true));
    }

    #[test]
    fn a_bid_takes_56_bytes_beside_its_text() {
        assert_eq!(size_of::<Item>(), 56);
    }
}
