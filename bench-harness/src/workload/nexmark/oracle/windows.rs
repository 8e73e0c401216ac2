//! q5, q7, q8, q11 and q12: windows of time.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::{Cell, Emit, Event, auctions, bids, persons};

const SIZE_MS: i64 = 10_000;
const SLIDE_MS: i64 = 2_000;
const GAP_MS: i64 = 10_000;

/// Start of the tumbling window that a time falls into.
fn start(time: i64) -> i64 {
    time.div_euclid(SIZE_MS) * SIZE_MS
}

pub(super) fn q5(events: &[Event<'_>], emit: Emit<'_>) {
    let mut auctions = BTreeMap::<i64, Vec<i64>>::new();
    for bid in bids(events) {
        auctions.entry(bid.date_time.div_euclid(SLIDE_MS) * SLIDE_MS).or_default().push(bid.auction);
    }
    let reaches_back = |&slide: &i64| (slide - SIZE_MS + SLIDE_MS..=slide).step_by(SLIDE_MS as usize);
    let starts: BTreeSet<i64> = auctions.keys().flat_map(reaches_back).collect();
    // One window after the other, in one table: all at once they would take GB.
    let mut counts = HashMap::<i64, i64>::new();
    for start in starts {
        counts.clear();
        for &auction in auctions.range(start..start + SIZE_MS).flat_map(|(_, auctions)| auctions) {
            *counts.entry(auction).or_default() += 1;
        }
        let most = counts.values().copied().max().unwrap_or(0);
        for (&auction, &count) in &counts {
            if count == most {
                emit(&[Cell::Int(auction), Cell::Int(count), Cell::Int(start)]);
            }
        }
    }
}

pub(super) fn q7(events: &[Event<'_>], emit: Emit<'_>) {
    let mut highest = BTreeMap::<i64, i64>::new();
    for bid in bids(events) {
        let price = highest.entry(start(bid.date_time)).or_insert(bid.price);
        *price = bid.price.max(*price);
    }
    for bid in bids(events).filter(|bid| highest[&start(bid.date_time)] == bid.price) {
        emit(&[Cell::Int(bid.auction), Cell::Int(bid.price), Cell::Int(bid.bidder), Cell::Int(bid.date_time), Cell::Text(bid.extra)]);
    }
}

pub(super) fn q8(events: &[Event<'_>], emit: Emit<'_>) {
    let sellers: BTreeSet<(i64, i64)> = auctions(events).map(|auction| (auction.seller, start(auction.date_time))).collect();
    for person in persons(events) {
        let start = start(person.date_time);
        if sellers.contains(&(person.id, start)) {
            emit(&[Cell::Int(person.id), Cell::Text(person.name), Cell::Int(start)]);
        }
    }
}

pub(super) fn q11(events: &[Event<'_>], emit: Emit<'_>) {
    let mut times_of = BTreeMap::<i64, Vec<i64>>::new();
    for bid in bids(events) {
        times_of.entry(bid.bidder).or_default().push(bid.date_time);
    }
    for (bidder, mut times) in times_of {
        times.sort_unstable();
        for session in times.chunk_by(|earlier, later| later - earlier <= GAP_MS) {
            let (first, last) = (session[0], session[session.len() - 1]);
            emit(&[Cell::Int(bidder), Cell::Int(session.len() as i64), Cell::Int(first), Cell::Int(last + GAP_MS)]);
        }
    }
}

pub(super) fn q12(events: &[Event<'_>], clock: &dyn Fn(usize) -> i64, emit: Emit<'_>) {
    let mut counts = BTreeMap::<(i64, i64), i64>::new();
    for (place, event) in events.iter().enumerate() {
        if let Some(bid) = event.bid() {
            *counts.entry((bid.bidder, start(clock(place)))).or_default() += 1;
        }
    }
    for ((bidder, start), count) in counts {
        emit(&[Cell::Int(bidder), Cell::Int(count), Cell::Int(start), Cell::Int(start + SIZE_MS)]);
    }
}

#[cfg(test)]
mod tests {
    use crate::workload::nexmark::{
        oracle::{
            answer_q12,
            testing::{auction, bid, person, rows, sorted},
        },
        query::Query::*,
    };

    #[test]
    fn q5_counts_in_five_windows_and_keeps_ties() {
        // Each bid is in the windows that start at 12000, 10000, 8000, 6000 and 4000 if it is at 12000 .. 13999; one ms earlier they start
        // at 10000 .. 2000.
        let events = [bid(1, 9, 5, 12_000), bid(2, 9, 5, 13_999), bid(1, 8, 5, 11_999)];
        let expected = "1|1|2000\n1|1|12000\n1|2|4000\n1|2|6000\n1|2|8000\n1|2|10000\n2|1|12000\n";
        assert_eq!(sorted(Q5, &events), expected);
    }

    #[test]
    fn q5_windows_reach_before_the_epoch() {
        assert_eq!(sorted(Q5, &[bid(1, 9, 5, 0)]), "1|1|-8000\n1|1|-6000\n1|1|-4000\n1|1|-2000\n1|1|0\n");
    }

    #[test]
    fn q7_keeps_all_bids_at_the_highest_price() {
        let events = [bid(1, 2, 50, 9_999), bid(3, 4, 50, 0), bid(5, 6, 49, 1), bid(7, 8, 1, 10_000), bid(7, 8, 2, -1)];
        assert_eq!(rows(Q7, &events), "1|50|2|9999|x\n3|50|4|0|x\n7|1|8|10000|x\n7|2|8|-1|x\n");
    }

    #[test]
    fn q8_needs_both_in_one_window_and_counts_once() {
        let events = [
            auction(1, 100, 10, 9_999, 20_000), // Before the person arrives, in the same window.
            person(100, "OR", 0),
            auction(2, 100, 10, 5, 20_000),
            person(101, "OR", 9_999),
            auction(3, 101, 10, 10_000, 20_000), // One ms after the window.
            person(102, "OR", 10_000),
            auction(4, 102, 10, 10_000, 20_000),
            person(103, "OR", 10_000),
        ];
        assert_eq!(rows(Q8, &events), "100|n|0\n102|n|10000\n");
    }

    #[test]
    fn q11_joins_at_the_gap_and_splits_beyond_it() {
        let events = [
            bid(1, 7, 1, 10_000),
            bid(1, 7, 1, 0), // Exactly the gap before: the same session.
            bid(1, 7, 1, 20_001),
            bid(1, 8, 1, 5),
            bid(1, 8, 1, 5),
        ];
        assert_eq!(sorted(Q11, &events), "7|1|20001|30001\n7|2|0|20000\n8|2|5|10005\n");
    }

    #[test]
    fn q11_a_late_arrival_merges_two_sessions() {
        assert_eq!(sorted(Q11, &[bid(1, 7, 1, 0), bid(1, 7, 1, 18_000), bid(1, 7, 1, 9_000)]), "7|3|0|28000\n");
    }

    #[test]
    fn q12_goes_by_the_clock_and_not_by_event_time() {
        let events = [bid(1, 7, 1, 0), person(1, "OR", 0), bid(1, 7, 1, 0), bid(1, 7, 1, 99_000), bid(1, 8, 1, 0)];
        let clock = |place: usize| [9_999, 0, 10_000, 10_001, 20_000][place];
        assert_eq!(answer_q12(&events, clock).sorted().to_string(), "7|1|0|10000\n7|2|10000|20000\n8|1|20000|30000\n");
        assert_eq!(sorted(Q12, &events), "7|1|90000|100000\n7|2|0|10000\n8|1|0|10000\n");
    }
}
