//! The events of Nexmark, in pieces that stay in the block where they are: what goes from an operator to the next is where a piece is, and no text is
//! copied until a query keeps it or sends it to another worker.

use std::ops::Range;

use super::claim::Claims;
use crate::workload::nexmark::{Event, Replay, source::Shift};

/// Events that a worker claims at a time.
const CLAIM_EVENTS: u64 = 1 << 13;

/// Consecutive events of a lap.
#[derive(Clone)]
pub(super) struct Piece {
    replay: Replay,
    places: Range<usize>,
    shift: Shift,
    /// The first one's number in the order of arrival.
    first: u64,
}

impl Piece {
    pub(super) fn len(&self) -> usize {
        self.places.len()
    }

    /// Hands each event to `each`, with its number.
    #[inline(always)]
    pub(super) fn for_each<'a>(&'a self, mut each: impl FnMut(u64, Event<'a>)) {
        for (number, event) in (self.first..).zip(self.replay.block().range(self.places.clone())) {
            each(number, self.shift.apply(event));
        }
    }

    /// The event time of the last one; those of a stream do not fall.
    pub(super) fn last_time(&self) -> i64 {
        let last = self.replay.block().range(self.places.end - 1..self.places.end).next();
        last.map_or(i64::MIN, |event| self.shift.apply(event).date_time())
    }
}

/// One worker's pieces.
#[derive(Clone)]
pub(super) struct Pieces {
    replay: Replay,
    claims: Claims,
    lap: Shift,
    max: u64,
}

impl Pieces {
    /// Clones share the events, at most `max` a piece.
    pub(super) fn new(replay: &Replay, max: usize) -> Pieces {
        let claims = Claims::new(replay.events(), CLAIM_EVENTS);
        Pieces { replay: replay.clone(), claims, lap: Shift::of(replay.block()), max: max.max(1) as u64 }
    }
}

impl Iterator for Pieces {
    type Item = Piece;

    fn next(&mut self) -> Option<Piece> {
        let range = self.claims.next(self.max)?;
        let len = self.replay.block().len() as u64;
        let (lap, at) = ((range.start / len) as i64, range.start % len);
        let take = (len - at).min(range.end - range.start);
        self.claims.unread(range.end - range.start - take);
        let shift = Shift { time: lap * self.lap.time, persons: lap * self.lap.persons, auctions: lap * self.lap.auctions };
        Some(Piece { replay: self.replay.clone(), places: at as usize..(at + take) as usize, shift, first: range.start })
    }
}
