//! Makes the events: event `n` is a function of the seed, the options and `n` alone.
//!
//! ```text
//!   n       0        1 2 3          4 … 49      50       …          an epoch: 1 person, 3 auctions, 46 bids
//!           person   auctions       bids        person
//!   time    first + n / rate                                        in ms; the order of arrival may differ: `disorder`
//!   bid     half on the hot auction (the last multiple of 100), else any of the last 100 or the next 10
//!           three quarters by the hot bidder (one after the last multiple of 100), else any of the last 1,000 or the next 10
//!           price log-uniform over six decades; half over four hot channels, else one of 10,000
//! ```
//!
//! What is drawn, and how likely, is that of the public Nexmark suite; the draws themselves are our own. Texts come from a pool made once
//! (`Pool`), so that a person's address or card is one of 4,096.
//!
//! Laws
//! - The same seed and options give the same events, on every machine, by any number of readers.
//! - Ids are dense: persons and auctions are numbered from 1,000 in order of event time.
//! - Event times never fall in the order of numbers, and in the order of arrival by at most `disorder_ms`.
//!
//! Source: T. Tucker et al., "NEXMark: a benchmark for queries over data streams", 2004; the generator's defaults are those of the
//! suite's implementation in Apache Beam, as published for Flink (nexmark/nexmark) and in Rust (crate `nexmark`).

use super::{
    disorder::Disorder,
    model::{Auction, Bid, Event, Kind, Person},
    pool::{Pool, below},
};
use crate::workload::mix;

/// Least id of persons and of auctions.
pub const FIRST_ID: i64 = 1_000;
/// Least category.
pub const FIRST_CATEGORY: i64 = 10;
/// Categories there are.
const CATEGORIES: u32 = 5;
/// Ids ahead of the last one that bids, and sellers, may refer to.
const LEAD: u64 = 10;
/// The hot person and auction change every so many.
const HOT_EVERY: u64 = 100;
/// One bid in two goes over a hot channel.
const HOT_CHANNELS_RATIO: u32 = 2;

/// What to make. [`Options::default`] is what the public suite does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// Events per second of event time: 10,000.
    pub rate_per_s: u64,
    /// Event time of the first event, in ms since the Unix epoch.
    pub first_time: i64,
    /// Persons in an epoch: 1. At least one.
    pub persons: u32,
    /// Auctions in an epoch: 3. At least one.
    pub auctions: u32,
    /// Bids in an epoch: 46.
    pub bids: u32,
    /// All but one in so many bids are on the hot auction: 2.
    pub hot_auction_ratio: u32,
    /// All but one in so many auctions are by the hot seller: 4.
    pub hot_seller_ratio: u32,
    /// All but one in so many bids are by the hot bidder: 4.
    pub hot_bidder_ratio: u32,
    /// Auctions that are open at a time, about: 100.
    pub in_flight_auctions: u32,
    /// Latest persons who sell and bid: 1,000.
    pub active_persons: u32,
    /// Average size of a person, in bytes: 200.
    pub person_bytes: u32,
    /// Average size of an auction, in bytes: 500.
    pub auction_bytes: u32,
    /// Average size of a bid, in bytes: 100. Channel and URL come on top.
    pub bid_bytes: u32,
    /// How late an event may arrive, in ms of event time: 0. Below 4,000 nothing is late for the queries.
    pub disorder_ms: i64,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            rate_per_s: 10_000,
            first_time: 1_700_000_000_000,
            persons: 1,
            auctions: 3,
            bids: 46,
            hot_auction_ratio: 2,
            hot_seller_ratio: 4,
            hot_bidder_ratio: 4,
            in_flight_auctions: 100,
            active_persons: 1_000,
            person_bytes: 200,
            auction_bytes: 500,
            bid_bytes: 100,
            disorder_ms: 0,
        }
    }
}

/// Times beyond are refused, in options and in files: as far from the epoch as a date of ECMAScript, 273,000 years.
pub const TIME_MAX: i64 = 8_640_000_000_000_000;

impl Options {
    /// Whether something can be made of them, and all numbers stay within 64 bits.
    ///
    /// # Errors
    /// Which option is out of its range.
    pub fn check(&self) -> Result<(), String> {
        let within = |name: &str, value: i128, least: i128, most: i128| {
            if (least..=most).contains(&value) { Ok(()) } else { Err(format!("{name} is {value}, and has to be in {least}..={most}")) }
        };
        within("the rate per second", self.rate_per_s.into(), 1, 1_000_000_000)?;
        within("the first time", self.first_time.into(), (-TIME_MAX).into(), TIME_MAX.into())?;
        within("the number of persons in an epoch", self.persons.into(), 1, 1_000_000)?;
        within("the number of auctions in an epoch", self.auctions.into(), 1, 1_000_000)?;
        within("the number of bids in an epoch", self.bids.into(), 0, 1_000_000)?;
        within("the hot auction ratio", self.hot_auction_ratio.into(), 1, 1_000_000)?;
        within("the hot seller ratio", self.hot_seller_ratio.into(), 1, 1_000_000)?;
        within("the hot bidder ratio", self.hot_bidder_ratio.into(), 1, 1_000_000)?;
        within("the number of auctions in flight", self.in_flight_auctions.into(), 1, 10_000_000)?;
        within("the number of active persons", self.active_persons.into(), 1, 10_000_000)?;
        within("the size of a person", self.person_bytes.into(), 0, 65_536)?;
        within("the size of an auction", self.auction_bytes.into(), 0, 65_536)?;
        within("the size of a bid", self.bid_bytes.into(), 0, 65_536)?;
        within("the disorder in ms", self.disorder_ms.into(), 0, 3_600_000)
    }

    fn epoch(&self) -> u64 {
        u64::from(self.persons) + u64::from(self.auctions) + u64::from(self.bids)
    }
}

/// Makes events by number.
#[derive(Debug)]
pub struct Generator {
    options: Options,
    seed: u64,
    disorder: Disorder,
    /// Events of an epoch.
    epoch: u64,
    /// Events in which as many auctions open as are in flight.
    in_flight_events: u64,
    prices: Prices,
    pool: Pool,
}

impl Generator {
    /// How many events there are: event times stay exact.
    pub const EVENTS_MAX: u64 = 1 << 50;

    /// A generator of a seed's events.
    ///
    /// # Errors
    /// As [`Options::check`].
    pub fn new(seed: u64, options: Options) -> Result<Generator, String> {
        options.check()?;
        let epoch = options.epoch();
        let largest = options.person_bytes.max(options.auction_bytes).max(options.bid_bytes) as usize;
        Ok(Generator {
            options,
            seed: mix(seed ^ 0x6e65_786d_6172_6b00),
            disorder: Disorder::new(seed, options.disorder_ms, options.rate_per_s),
            epoch,
            in_flight_events: u64::from(options.in_flight_auctions) * epoch / u64::from(options.auctions),
            prices: Prices::new(),
            pool: Pool::new(seed, (largest * 6 / 5 + 2).max(DESCRIPTION_BYTES)),
        })
    }

    /// The options.
    pub fn options(&self) -> &Options {
        &self.options
    }

    /// The event that arrives at place `arrival`, which is below [`Self::EVENTS_MAX`].
    ///
    /// # Cost
    /// About 20 ns a bid; no allocation.
    #[inline]
    pub fn event(&self, arrival: u64) -> Event<'_> {
        let number = self.disorder.number(arrival);
        let at = self.place(number);
        let dice = Dice(mix(self.seed.wrapping_add(number)));
        match at.kind {
            Kind::Bid => Event::Bid(self.bid(at, dice)),
            Kind::Auction => Event::Auction(self.auction(at, dice)),
            Kind::Person => Event::Person(self.person(at, dice)),
        }
    }

    /// Event time of event `number`.
    #[inline(always)]
    fn time(&self, number: u64) -> i64 {
        self.options.first_time + (number * 1000 / self.options.rate_per_s) as i64
    }

    #[inline(always)]
    fn place(&self, number: u64) -> Place {
        let (epoch, offset) = (number / self.epoch, number % self.epoch);
        let (persons, auctions) = (u64::from(self.options.persons), u64::from(self.options.auctions));
        let kind = if offset >= persons + auctions {
            Kind::Bid
        } else if offset >= persons {
            Kind::Auction
        } else {
            Kind::Person
        };
        Place {
            kind,
            number,
            last_person: epoch * persons + offset.min(persons - 1),
            // Of no use to a person, which may come before the first auction.
            last_auction: epoch * auctions + offset.saturating_sub(persons).min(auctions - 1),
        }
    }

    /// One of the active persons, or one who will register soon.
    #[inline(always)]
    fn any_person(&self, at: Place, bits: u32) -> u64 {
        let persons = at.last_person + 1;
        let active = persons.min(self.options.active_persons.into());
        persons - active + u64::from(below(bits, (active + LEAD) as u32))
    }

    #[inline(always)]
    fn bid(&self, at: Place, mut dice: Dice) -> Bid<'_> {
        let (hot_auction, auction) = dice.pair();
        let (hot_bidder, bidder) = dice.pair();
        let (hot_channel, channel) = dice.pair();
        let (length, start) = dice.pair();
        let (price, _) = dice.pair();
        let auction = if below(hot_auction, self.options.hot_auction_ratio) > 0 {
            at.last_auction / HOT_EVERY * HOT_EVERY
        } else {
            let least = at.last_auction.saturating_sub(self.options.in_flight_auctions.into());
            least + u64::from(below(auction, (at.last_auction - least + 1 + LEAD) as u32))
        };
        let bidder = if below(hot_bidder, self.options.hot_bidder_ratio) > 0 {
            // The second of the hundred, so that hot bidders and hot sellers are not the same.
            at.last_person / HOT_EVERY * HOT_EVERY + 1
        } else {
            self.any_person(at, bidder)
        };
        let (channel, url) = self.pool.channel(below(hot_channel, HOT_CHANNELS_RATIO) > 0, channel);
        Bid {
            auction: FIRST_ID + auction as i64,
            bidder: FIRST_ID + bidder as i64,
            price: self.prices.price(price),
            channel,
            url,
            date_time: self.time(at.number),
            // Four numbers of eight bytes.
            extra: self.extra(self.options.bid_bytes, 32, length, start),
        }
    }

    fn auction(&self, at: Place, mut dice: Dice) -> Auction<'_> {
        let (hot_seller, seller) = dice.pair();
        let (initial_bid, above) = dice.pair();
        let (item_name, description) = dice.pair();
        let (category, length) = dice.pair();
        let (start, _) = dice.pair();
        let lifetime = dice.bits();
        let seller = if below(hot_seller, self.options.hot_seller_ratio) > 0 {
            at.last_person / HOT_EVERY * HOT_EVERY
        } else {
            self.any_person(at, seller)
        };
        let date_time = self.time(at.number);
        // On average an auction stays open until as many more have opened as are in flight.
        let horizon = (self.time(at.number + self.in_flight_events) - date_time) as u64;
        let lifetime = 1 + (u128::from(lifetime) * u128::from((2 * horizon).max(1)) >> 64) as i64;
        let initial_bid = self.prices.price(initial_bid);
        Auction {
            id: FIRST_ID + at.last_auction as i64,
            item_name: self.pool.letters(item_name, ITEM_NAME_BYTES),
            description: self.pool.letters(description, DESCRIPTION_BYTES),
            initial_bid,
            reserve: initial_bid + self.prices.price(above),
            date_time,
            expires: date_time + lifetime,
            seller: FIRST_ID + seller as i64,
            category: FIRST_CATEGORY + i64::from(below(category, CATEGORIES)),
            // Six numbers of eight bytes, and the texts.
            extra: self.extra(self.options.auction_bytes, 48 + ITEM_NAME_BYTES + DESCRIPTION_BYTES, length, start),
        }
    }

    fn person(&self, at: Place, mut dice: Dice) -> Person<'_> {
        let (name, email_address) = dice.pair();
        let (credit_card, city) = dice.pair();
        let (state, length) = dice.pair();
        let (start, _) = dice.pair();
        let [name, email_address, credit_card] = [self.pool.name(name), self.pool.email(email_address), self.pool.card(credit_card)];
        let (city, state) = (self.pool.city(city), self.pool.state(state));
        let texts = name.len() + email_address.len() + credit_card.len() + city.len() + state.len();
        Person {
            id: FIRST_ID + at.last_person as i64,
            name,
            email_address,
            credit_card,
            city,
            state,
            date_time: self.time(at.number),
            // The id has eight bytes.
            extra: self.extra(self.options.person_bytes, 8 + texts, length, start),
        }
    }

    /// Padding that makes up what `bytes` lacks to an average size, more or less a fifth.
    #[inline(always)]
    fn extra(&self, average: u32, bytes: usize, length: u32, start: u32) -> &str {
        let lacking = (average as usize).saturating_sub(bytes) as u32;
        let spread = (lacking + 2) / 5;
        self.pool.letters(start, (lacking - spread + below(length, 2 * spread)) as usize)
    }
}

const ITEM_NAME_BYTES: usize = 20;
const DESCRIPTION_BYTES: usize = 100;

/// Where an event stands in the sequence.
#[derive(Clone, Copy)]
struct Place {
    kind: Kind,
    number: u64,
    /// Persons registered by then, less one: the event's own number if it is a person.
    last_person: u64,
    /// As `last_person`, of auctions.
    last_auction: u64,
}

/// Random bits of one event.
///
/// Source: SplitMix64, as `mix`. The draws do not wait for one another: only the counter does.
struct Dice(u64);

impl Dice {
    #[inline(always)]
    fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.0)
    }

    #[inline(always)]
    fn pair(&mut self) -> (u32, u32) {
        let bits = self.bits();
        ((bits >> 32) as u32, bits as u32)
    }
}

/// Prices of 100 to 100,000,000 cents, log-uniform: 100 × 10^(6 u).
///
/// A table of powers with straight lines between them: less than 3 in 100,000 off, and the same on every machine, which the C library's
/// power is not.
#[derive(Debug)]
struct Prices([f64; Prices::STEPS + 1]);

impl Prices {
    const STEPS: usize = 1_024;
    /// 10^(6 / 1024)
    const FACTOR: f64 = 1.013_583_133_334_065_8;

    fn new() -> Prices {
        let mut price = 100.0;
        Prices([(); Self::STEPS + 1].map(|()| {
            let this = price;
            price *= Self::FACTOR;
            this
        }))
    }

    #[inline(always)]
    fn price(&self, bits: u32) -> i64 {
        const FRACTION_BITS: u32 = u32::BITS - Prices::STEPS.ilog2();
        let step = (bits >> FRACTION_BITS) as usize;
        let fraction = f64::from(bits << (u32::BITS - FRACTION_BITS)) / 4_294_967_296.0;
        let (from, to) = (self.0[step], self.0[step + 1]);
        (from + (to - from) * fraction + 0.5) as i64
    }
}

#[cfg(test)]
#[path = "generate_tests.rs"]
mod tests;
