//! The winning bid of each auction, as it changes: what q4 begins with.

use serde::{Deserialize, Serialize};

/// A bid on an auction.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) struct Price {
    pub(super) price: i64,
    pub(super) made: i64,
}

/// What happens to an auction.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) enum Lot {
    Opens { category: i64, from: i64, until: i64 },
    Bid(Price),
}

/// A change of the sum and the number of a category's winning prices.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) struct Change {
    pub(super) category: i64,
    pub(super) sum: i64,
    pub(super) count: i64,
}

/// What is known of an auction.
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
