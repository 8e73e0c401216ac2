//! The events of Nexmark, in pieces that stay in the block where they are: what goes from an operator to the next is where a piece is, and no text is
//! copied until a query keeps it or sends it to another worker.

use std::ops::Range;

use super::claim::Claims;
use crate::workload::nexmark::{Bid, Cell, Digest, Event, Events, Query, Replay, source::Shift};

/// Events that a worker claims at a time.
const CLAIM_EVENTS: u64 = 1 << 13;

/// Why a query does not run on a peer.
pub(super) fn refuses(query: Query, events: &Events) -> Option<String> {
    use Query::*;
    if matches!(events, Events::Inline(_)) {
        return Some("its source reads events from memory".to_owned());
    }
    let is_written = matches!(query, Q0 | Q1 | Q2 | Q3 | Q4 | Q5 | Q7 | Q8 | Q11 | Q18 | Q20);
    (!is_written).then(|| "it was not written for this query".to_owned())
}

/// The row of a bid in q0, q1 and q2, which keep nothing.
pub(super) fn q0(rows: &mut Digest, bid: Bid<'_>) {
    let [auction, bidder, price, time] = [bid.auction, bid.bidder, bid.price, bid.date_time].map(Cell::Int);
    rows.add(&[auction, bidder, price, time, Cell::Text(bid.extra)]);
}

/// As [`q0`].
pub(super) fn q1(rows: &mut Digest, bid: Bid<'_>) {
    let [auction, bidder, time] = [bid.auction, bid.bidder, bid.date_time].map(Cell::Int);
    let price = Cell::Thousandths(i128::from(bid.price) * 908);
    rows.add(&[auction, bidder, price, time, Cell::Text(bid.extra)]);
}

/// As [`q0`].
pub(super) fn q2(rows: &mut Digest, bid: Bid<'_>) {
    if bid.auction % 123 == 0 {
        rows.add(&[bid.auction, bid.price].map(Cell::Int));
    }
}

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
