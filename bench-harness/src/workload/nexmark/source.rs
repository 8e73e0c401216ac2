//! Where events come from: replayed from memory, or made on the way. [`Feed`](super::Feed) hands either to the engine.
//!
//! ```text
//!   Replay   a Block, in laps     what is measured is the query and not the generator; a small block stays in cache
//!   Inline   a Generator          every event is new, and the time that it takes to make it counts
//! ```
//!
//! A lap is the block once more, later and with other ids:
//!
//! - times move on by the block's span, which is its greatest event time less its least, and one ms: event times of laps do not overlap;
//! - ids of persons move on by the range of those that register in the block, and ids of auctions by the range of those that open, so
//!   that nobody registers twice and no auction opens twice. Sellers and bidders move with the persons, a bid's auction with the auctions:
//!   a bid on an auction of just before the block is one on an auction of the lap before.
//!
//! A block cut from the generator's sequence at epochs (a multiple of 50 events, unless told otherwise) so continues as the generator
//! would, with the same draws.

use std::{ops::Range, sync::Arc};

use super::{
    block::Block,
    generate::Generator,
    model::{Auction, Bid, Event, Person},
};

/// How far a lap is ahead of the block itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Shift {
    /// Added to times, in ms.
    pub time: i64,
    /// Added to ids of persons.
    pub persons: i64,
    /// Added to ids of auctions.
    pub auctions: i64,
}

impl Shift {
    /// From one lap of a block to the next.
    pub fn of(block: &Block) -> Shift {
        /// Greatest less least, and one; 0 of nothing.
        fn range(numbers: impl Iterator<Item = i64> + Clone) -> i64 {
            let (least, greatest) = (numbers.clone().min(), numbers.max());
            least.zip(greatest).map_or(0, |(least, greatest)| greatest.saturating_sub(least).saturating_add(1))
        }
        Shift {
            time: range(block.iter().map(|event| event.date_time())),
            persons: range(block.iter().filter_map(|event| event.person()).map(|person| person.id)),
            auctions: range(block.iter().filter_map(|event| event.auction()).map(|auction| auction.id)),
        }
    }

    /// Of so many laps; nothing if a number would leave half of the 64-bit range.
    fn times(self, laps: u64) -> Option<Shift> {
        let times = |shift: i64| i64::try_from(laps).ok()?.checked_mul(shift).filter(|far| *far <= i64::MAX / 2);
        Some(Shift { time: times(self.time)?, persons: times(self.persons)?, auctions: times(self.auctions)? })
    }

    /// An event of the lap. Numbers beyond 64 bits wrap around, which none of a replay's do unless the block's own were beyond half of it.
    #[inline(always)]
    #[must_use]
    pub fn apply(self, event: Event<'_>) -> Event<'_> {
        let (time, person, auction) =
            (|t: i64| t.wrapping_add(self.time), |id: i64| id.wrapping_add(self.persons), |id: i64| id.wrapping_add(self.auctions));
        match event {
            Event::Person(p) => Event::Person(Person { id: person(p.id), date_time: time(p.date_time), ..p }),
            Event::Auction(a) => Event::Auction(Auction {
                id: auction(a.id),
                seller: person(a.seller),
                date_time: time(a.date_time),
                expires: time(a.expires),
                ..a
            }),
            Event::Bid(b) => Event::Bid(Bid { auction: auction(b.auction), bidder: person(b.bidder), date_time: time(b.date_time), ..b }),
        }
    }
}

/// A block of events, replayed in laps.
#[derive(Clone, Debug)]
pub struct Replay {
    pub(super) block: Arc<Block>,
    events: u64,
    shift: Shift,
}

impl Replay {
    /// `events` events: laps over the block, the last of which may be partial.
    ///
    /// # Errors
    /// If the block is empty although events are wanted, or a lap would shift a number too far.
    pub fn new(block: impl Into<Arc<Block>>, events: u64) -> Result<Replay, String> {
        let block = block.into();
        if block.is_empty() && events > 0 {
            return Err(format!("{events} events cannot be replayed from a block without events"));
        }
        let shift = Shift::of(&block);
        let laps = events.checked_div(block.len() as u64).unwrap_or(0);
        shift.times(laps).ok_or_else(|| format!("{laps} laps over this block would leave the range of 64-bit times or ids"))?;
        Ok(Replay { block, events, shift })
    }

    /// The events of the block, once.
    pub fn once(block: impl Into<Arc<Block>>) -> Replay {
        let block = block.into();
        Replay { events: block.len() as u64, block, shift: Shift::default() }
    }

    /// Events of all laps together.
    pub fn events(&self) -> u64 {
        self.events
    }

    /// The block.
    pub fn block(&self) -> &Block {
        &self.block
    }

    /// All events in order, lap by lap.
    pub fn iter(&self) -> impl Iterator<Item = Event<'_>> {
        self.range(0..self.events)
    }

    /// The events of some numbers, which are in `0..events()`, in order, lap by lap: what an oracle reads.
    pub fn range(&self, numbers: Range<u64>) -> impl Iterator<Item = Event<'_>> {
        let len = self.block.len() as u64;
        let laps = if numbers.is_empty() { 0..0 } else { numbers.start / len..numbers.end.div_ceil(len) };
        laps.flat_map(move |lap| {
            let (first, shift) = (lap * len, self.lap(lap));
            let places = numbers.start.saturating_sub(first) as usize..(numbers.end - first).min(len) as usize;
            self.block.range(places).map(move |event| shift.apply(event))
        })
    }

    /// Hands each event to `each`, in order, lap by lap: what the fastest loops read.
    #[inline(always)]
    pub fn for_each<'a>(&'a self, mut each: impl FnMut(Event<'a>)) {
        let len = self.block.len() as u64;
        let (mut lap, mut left) = (0, self.events);
        while left > 0 {
            let (shift, events) = (self.lap(lap), left.min(len));
            for event in self.block.range(0..events as usize) {
                each(shift.apply(event));
            }
            (lap, left) = (lap + 1, left - events);
        }
    }

    /// How far a lap is ahead of the block.
    #[inline]
    pub(super) fn lap(&self, lap: u64) -> Shift {
        let lap = lap as i64;
        Shift {
            time: lap.wrapping_mul(self.shift.time),
            persons: lap.wrapping_mul(self.shift.persons),
            auctions: lap.wrapping_mul(self.shift.auctions),
        }
    }
}

/// Events made by a generator as they are read.
#[derive(Clone, Debug)]
pub struct Inline {
    pub(super) generator: Arc<Generator>,
    events: u64,
}

impl Inline {
    /// The generator's first `events` events, at most [`Generator::EVENTS_MAX`].
    pub fn new(generator: impl Into<Arc<Generator>>, events: u64) -> Inline {
        Inline { generator: generator.into(), events: events.min(Generator::EVENTS_MAX) }
    }

    /// How many there are.
    pub fn events(&self) -> u64 {
        self.events
    }

    /// All events in order.
    pub fn iter(&self) -> impl Iterator<Item = Event<'_>> {
        self.range(0..self.events)
    }

    /// The events of some numbers in order: what an oracle reads.
    pub fn range(&self, numbers: Range<u64>) -> impl Iterator<Item = Event<'_>> {
        numbers.map(|number| self.generator.event(number))
    }
}

#[cfg(test)]
#[path = "source_tests.rs"]
mod tests;
