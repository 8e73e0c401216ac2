//! Statistics of bids by price rank: what q15 and q16 count.
//!
//! ```text
//!   a worker's partial: a list of (bidder, auction, rank)     the owner's: counts, and a set each of bidders and auctions, with the
//!                                                              ranks of each member as bits
//! ```

use std::hash::BuildHasher;

use smallvec::SmallVec;
use thalweg::{Aggregate, state::Partial};

use super::{
    Bid, Cell,
    program::{Bids, narrow},
};

/// A number written out, kept for the rows that follow: most have the same day.
#[derive(Clone)]
pub(super) struct Written {
    of: i64,
    text: String,
    write: fn(i64) -> String,
}

impl Written {
    pub(super) fn by(write: fn(i64) -> String) -> Written {
        Written { of: 0, text: write(0), write }
    }

    #[inline]
    pub(super) fn text(&mut self, of: i64) -> &str {
        if of != self.of {
            *self = Written { of, text: (self.write)(of), write: self.write };
        }
        &self.text
    }
}

/// 0, 1 or 2: below 10,000, below 1,000,000, and the rest.
#[inline]
pub(super) fn rank(price: i64) -> usize {
    usize::from(price >= 10_000) + usize::from(price >= 1_000_000)
}

/// Distinct members in total and by rank.
#[derive(Clone, Default)]
struct Distinct {
    /// Bits of the ranks that each member has.
    members: std::collections::HashMap<u32, u8, Hasher>,
    counts: [i64; 4],
}

/// Multiplies: ids are not made by an adversary.
#[derive(Clone, Copy, Default)]
struct Hasher;

impl BuildHasher for Hasher {
    type Hasher = foldhash::fast::FoldHasher<'static>;
    fn build_hasher(&self) -> Self::Hasher {
        foldhash::fast::FixedState::default().build_hasher()
    }
}

impl Distinct {
    #[inline]
    fn add(&mut self, member: u32, rank: usize) {
        let bits = self.members.entry(member).or_insert(0);
        self.counts[0] += i64::from(*bits == 0);
        self.counts[1 + rank] += i64::from(*bits & 1 << rank == 0);
        *bits |= 1 << rank;
    }
}

/// What is known of a day.
#[derive(Clone, Default)]
pub(super) struct Day {
    /// The latest minute.
    minute: i64,
    /// Bids that are not in the sets yet: of most channels one in a batch.
    fresh: SmallVec<[(u32, u32, u8); 1]>,
    /// Apart, so that what a batch adds to a day is small.
    settled: Option<Box<Settled>>,
}

/// Bids that are in the sets.
#[derive(Clone, Default)]
struct Settled {
    bids: [i64; 4],
    bidders: Distinct,
    auctions: Distinct,
}

impl Partial for Day {
    fn empty() -> Self {
        Day::default()
    }
    fn is_empty(&self) -> bool {
        self.settled.is_none() && self.fresh.is_empty()
    }
}

impl Settled {
    fn add(&mut self, bids: &[(u32, u32, u8)]) {
        for &(bidder, auction, rank) in bids {
            let rank = usize::from(rank);
            self.bids[0] += 1;
            self.bids[1 + rank] += 1;
            self.bidders.add(bidder, rank);
            self.auctions.add(auction, rank);
        }
    }
}

/// Bids, distinct bidders and distinct auctions: each in total, and by rank.
pub(super) type Counts = [i64; 12];

/// The counts as columns.
pub(super) fn cells(counts: &Counts) -> [Cell<'static>; 12] {
    counts.map(Cell::Int)
}

/// Counts by rank, and the latest minute of the day.
#[derive(Clone)]
pub(super) struct ByRank;

impl Aggregate<Bids> for ByRank {
    type Partial = Day;
    type Out = (Counts, i64);

    #[inline]
    fn lift(&mut self, day: &mut Day, bid: &Bid<'_>) {
        day.fresh.push((narrow(bid.bidder), narrow(bid.auction), rank(bid.price) as u8));
        day.minute = day.minute.max(super::calendar::minute_of_day(bid.date_time));
    }

    fn combine(&mut self, day: &mut Day, other: Day) {
        debug_assert!(other.settled.is_none(), "only what came of one batch is combined");
        day.settled.get_or_insert_default().add(&other.fresh);
        day.minute = day.minute.max(other.minute);
    }

    fn lower(&self, day: &Day) -> (Counts, i64) {
        let mut counts = [0; 12];
        if let Some(settled) = &day.settled {
            counts[..4].copy_from_slice(&settled.bids);
            counts[4..8].copy_from_slice(&settled.bidders.counts);
            counts[8..].copy_from_slice(&settled.auctions.counts);
        }
        (counts, day.minute)
    }
}
