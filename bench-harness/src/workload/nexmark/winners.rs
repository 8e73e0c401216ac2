//! The bid that wins each auction, as it changes: what q4, q6 and q9 begin with.
//!
//! Of the bids made while an auction is open the highest wins, of these the earliest, of these the first to arrive. Bids may come before
//! their auction does: they wait for it, and then the best of them wins.

use std::cmp::Reverse;

use thalweg::{
    changelog::Change,
    process::{Context, Either, Process},
};

use super::{Arrival, Event};

/// What is asked of an auction.
pub(super) trait Offer {
    /// When it opens, and the last ms at which a bid counts.
    fn open(&self) -> (i64, i64);
}

/// What is asked of a bid.
pub(super) trait Wins {
    /// The price.
    fn price(&self) -> i64;
    /// When it was made.
    fn made(&self) -> i64;
    /// Its number in the order of arrival, where it matters which of two equal bids wins.
    fn number(&self) -> u64 {
        0
    }
}

/// What q4 and q6 ask of an auction.
#[derive(Clone, Copy, PartialEq)]
pub(super) struct Lot {
    pub(super) id: i64,
    pub(super) seller: i64,
    pub(super) category: i64,
    opens: i64,
    pub(super) expires: i64,
}

impl Offer for Lot {
    fn open(&self) -> (i64, i64) {
        (self.opens, self.expires)
    }
}

/// What q4 and q6 ask of a bid.
#[derive(Clone, Copy, PartialEq)]
pub(super) struct Price {
    pub(super) auction: i64,
    pub(super) price: i64,
    made: i64,
}

impl Wins for Price {
    fn price(&self) -> i64 {
        self.price
    }
    fn made(&self) -> i64 {
        self.made
    }
}

/// The lot or the price that an event is about.
pub(super) fn lot_or_price(arrival: Arrival<'_>) -> Option<Either<Lot, Price>> {
    match arrival.event {
        Event::Auction(a) => {
            Some(Either::Left(Lot { id: a.id, seller: a.seller, category: a.category, opens: a.date_time, expires: a.expires }))
        }
        Event::Bid(b) => Some(Either::Right(Price { auction: b.auction, price: b.price, made: b.date_time })),
        Event::Person(_) => None,
    }
}

/// The auction that a lot or a price is about.
pub(super) fn auction_of(row: &Either<Lot, Price>) -> i64 {
    match row {
        Either::Left(lot) => lot.id,
        Either::Right(price) => price.auction,
    }
}

/// Each auction's winner, as a changelog of `(auction, bid)`.
pub(super) struct Winners;

/// What is known of an auction.
#[derive(Clone)]
pub(super) enum Known<A, B> {
    /// Bids on it; itself it has not come.
    Early(Vec<B>),
    /// It, and the best bid so far.
    Open(A, Option<B>),
}

pub(super) fn beats<B: Wins>(bid: &B, best: &B) -> bool {
    let order = |bid: &B| (bid.price(), Reverse((bid.made(), bid.number())));
    order(bid) > order(best)
}

pub(super) fn counts<A: Offer, B: Wins>(auction: &A, bid: &B) -> bool {
    let (from, until) = auction.open();
    (from..=until).contains(&bid.made())
}

/// Takes a record into what is known; the change of the winner, if it makes one.
pub(super) fn take<A: Offer + Clone, B: Wins + Clone>(known: &mut Option<Known<A, B>>, record: Either<A, B>) -> Option<Change<(A, B)>> {
    match (known.as_mut(), record) {
        (None, Either::Right(bid)) => *known = Some(Known::Early(vec![bid])),
        (Some(Known::Early(early)), Either::Right(bid)) => early.push(bid),
        (Some(Known::Open(auction, best)), Either::Right(bid)) => {
            if counts(auction, &bid) && best.as_ref().is_none_or(|best| beats(&bid, best)) {
                let before = best.replace(bid.clone());
                let after = (auction.clone(), bid);
                return Some(match before {
                    None => Change::Insert(after),
                    Some(before) => Change::Update { before: (auction.clone(), before), after },
                });
            }
        }
        (before, Either::Left(auction)) => {
            let early = match before {
                Some(Known::Early(early)) => std::mem::take(early),
                _ => Vec::new(),
            };
            let mut best: Option<B> = None;
            for bid in early.into_iter().filter(|bid| counts(&auction, bid)) {
                if best.as_ref().is_none_or(|best| beats(&bid, best)) {
                    best = Some(bid);
                }
            }
            let change = best.clone().map(|best| Change::Insert((auction.clone(), best)));
            *known = Some(Known::Open(auction, best));
            return change;
        }
    }
    None
}

impl<A: Offer + Clone + Send + 'static, B: Wins + Clone + Send + 'static> Process<i64, Either<A, B>> for Winners {
    type State = Known<A, B>;
    type Out = Change<(A, B)>;

    fn on_record(&mut self, known: &mut Option<Known<A, B>>, record: Either<A, B>, cx: &mut Context<'_, i64, Self::Out>) {
        if let Some(change) = take(known, record) {
            cx.emit(change);
        }
    }
}
