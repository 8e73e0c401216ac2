//! The right answers, computed naively: each query read off the workload's definition, over a slice of events, with maps and vectors.
//!
//! ```text
//!   &[Event], in order of arrival ──▶ answer(q) ──▶ Rows      text, for small inputs
//!                                 ──▶ digest(q) ──▶ Answer    rows and checksum, for millions
//! ```
//!
//! Laws
//! - The meaning is that at the end of a bounded input: a last watermark has fired every window, closed every auction and committed every
//!   partition. Nothing is late: event times may be in any order.
//! - Upsert queries give the final table. Ties that the definition leaves open are broken by arrival order.
//! - Nothing is shared with the engine. What events mean (columns, calendar) is shared with everyone; no loop is.
//! - Ids of persons are taken to be unique among persons, and those of auctions among auctions. If one occurs twice, both stand for
//!   themselves, and tables keyed by them have two rows.
//! - Prices are added up in 128 bits; a result beyond 64 becomes the nearest 64-bit number.

mod auctions;
mod daily;
mod files;
mod joins;
mod keys;
#[cfg(test)]
mod laws;
mod ranks;
mod stateless;
#[cfg(test)]
mod testing;
mod windows;

use std::collections::BTreeMap;

pub use files::partitions;
pub use keys::new_keys;

use super::{
    model::{Auction, Bid, Event, Person},
    query::Query,
    rows::{Cell, Digest, Rows},
};
use crate::workload::Answer;

/// Most events that a run should ask for whose length is its own choice: a query keeps them all, 88 bytes each, and what it makes of them.
pub const EVENTS_MAX: u64 = 32_000_000;

/// Takes the rows of a result, one after the other.
type Emit<'a> = &'a mut dyn FnMut(&[Cell<'_>]);

/// The rows of a query over `events`, which are in order of arrival. For q12 see [`answer_q12`].
///
/// # Cost
/// Every column of every row is a text of its own: for inputs of millions use [`digest`].
pub fn answer(query: Query, events: &[Event<'_>]) -> Rows {
    let mut rows = Rows::new(query);
    for_each_row(query, events, &mut |row| rows.add(row));
    rows
}

/// As [`answer`], reduced to the number of rows and their checksum.
pub fn digest(query: Query, events: &[Event<'_>]) -> Answer {
    let mut digest = Digest::new(query);
    for_each_row(query, events, &mut |row| digest.add(row));
    digest.answer()
}

/// The rows of q12 if the bid at a place of `events` is handled at the processing time, in ms, that `clock` gives for the place.
pub fn answer_q12(events: &[Event<'_>], clock: impl Fn(usize) -> i64) -> Rows {
    let mut rows = Rows::new(Query::Q12);
    windows::q12(events, &clock, &mut |row| rows.add(row));
    rows
}

/// Gives `emit` each row of a query's result, in any order. q12 takes each bid as handled at its own event time.
pub fn for_each_row(query: Query, events: &[Event<'_>], emit: Emit<'_>) {
    match query {
        Query::Q0 => stateless::q0(events, emit),
        Query::Q1 => stateless::q1(events, emit),
        Query::Q2 => stateless::q2(events, emit),
        Query::Q3 => joins::q3(events, emit),
        Query::Q4 => auctions::q4(events, emit),
        Query::Q5 => windows::q5(events, emit),
        Query::Q6 => auctions::q6(events, emit),
        Query::Q7 => windows::q7(events, emit),
        Query::Q8 => windows::q8(events, emit),
        Query::Q9 => auctions::q9(events, emit),
        Query::Q10 => files::q10(events, emit),
        Query::Q11 => windows::q11(events, emit),
        Query::Q12 => windows::q12(events, &|place| events[place].date_time(), emit),
        Query::Q13 => stateless::q13(events, emit),
        Query::Q14 => stateless::q14(events, emit),
        Query::Q15 => daily::q15(events, emit),
        Query::Q16 => daily::q16(events, emit),
        Query::Q17 => daily::q17(events, emit),
        Query::Q18 => ranks::q18(events, emit),
        Query::Q19 => ranks::q19(events, emit),
        Query::Q20 => joins::q20(events, emit),
        Query::Q21 => stateless::q21(events, emit),
        Query::Q22 => stateless::q22(events, emit),
        Query::Q23 => joins::q23(events, emit),
    }
}

fn persons<'e>(events: &[Event<'e>]) -> impl Iterator<Item = Person<'e>> {
    events.iter().filter_map(|event| event.person())
}

fn auctions<'e>(events: &[Event<'e>]) -> impl Iterator<Item = Auction<'e>> {
    events.iter().filter_map(|event| event.auction())
}

fn bids<'e>(events: &[Event<'e>]) -> impl Iterator<Item = Bid<'e>> {
    events.iter().filter_map(|event| event.bid())
}

/// Items in groups of the same key; each group is in order of arrival.
fn grouped<K: Ord, T>(items: impl Iterator<Item = T>, key: impl Fn(&T) -> K) -> BTreeMap<K, Vec<T>> {
    let mut groups = BTreeMap::<K, Vec<T>>::new();
    for item in items {
        groups.entry(key(&item)).or_default().push(item);
    }
    groups
}

/// The integer average of some numbers, of which there is at least one.
fn average(numbers: &[i64]) -> i64 {
    let sum: i128 = numbers.iter().map(|&number| i128::from(number)).sum();
    narrow(sum / numbers.len() as i128)
}

/// The nearest 64-bit number.
fn narrow(number: i128) -> i64 {
    number.clamp(i64::MIN.into(), i64::MAX.into()) as i64
}

/// 0.908 times a price, in thousandths.
fn converted(price: i64) -> i128 {
    i128::from(price) * 908
}

/// 1, 2 or 3.
fn price_rank(price: i64) -> usize {
    match price {
        ..10_000 => 1,
        10_000..1_000_000 => 2,
        _ => 3,
    }
}
