//! Events for the oracle's tests, with what does not matter filled in.

use super::{Auction, Bid, Event, Person, answer, digest};
use crate::workload::nexmark::query::Query;

/// A person called `n`.
pub(super) fn person(id: i64, state: &'static str, date_time: i64) -> Event<'static> {
    Person { id, name: "n", email_address: "e", credit_card: "k", city: "t", state, date_time, extra: "px" }.into()
}

/// An auction of item `i`.
pub(super) fn auction(id: i64, seller: i64, category: i64, date_time: i64, expires: i64) -> Event<'static> {
    let (initial_bid, reserve) = (11, 22);
    Auction { id, item_name: "i", description: "d", initial_bid, reserve, date_time, expires, seller, category, extra: "ax" }.into()
}

/// A bid over channel `c`.
pub(super) fn bid(auction: i64, bidder: i64, price: i64, date_time: i64) -> Event<'static> {
    Bid { auction, bidder, price, channel: "c", url: "u", date_time, extra: "x" }.into()
}

/// The rows, one a line, as they come.
#[track_caller]
pub(super) fn rows(query: Query, events: &[Event<'_>]) -> String {
    let rows = answer(query, events);
    assert_eq!(rows.answer, digest(query, events));
    rows.to_string()
}

/// The rows, one a line, sorted.
#[track_caller]
pub(super) fn sorted(query: Query, events: &[Event<'_>]) -> String {
    answer(query, events).sorted().to_string()
}
