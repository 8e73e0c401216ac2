//! How many keys a query has to remember something of, where that grows with the stream.

use std::collections::HashSet;

use super::{Event, Query};
use crate::workload::{nexmark::calendar::day_of, text_column};

/// The keys of a query's state after each of two numbers of events, the second at least the first: how many came between them. None if the
/// state of the query does not grow: it has none, or what it has ends with a window.
///
/// What a key is: the person or seller of q3 and q23; the auction of q4, q6, q9, q19 and q20; each value that q15 and q16 count once; the
/// rows of q17 and q18.
pub fn new_keys<'e>(query: Query, events: impl Iterator<Item = Event<'e>>, from: u64, to: u64) -> Option<u64> {
    if !matches!(
        query,
        Query::Q3
            | Query::Q4
            | Query::Q6
            | Query::Q9
            | Query::Q15
            | Query::Q16
            | Query::Q17
            | Query::Q18
            | Query::Q19
            | Query::Q20
            | Query::Q23
    ) {
        return None;
    }
    let mut keys = HashSet::<(u8, u64, i64, i64)>::new();
    let mut before = 0;
    for (event, number) in events.zip(0..to) {
        if number == from {
            before = keys.len();
        }
        match (query, event) {
            (Query::Q3, Event::Person(person)) if ["OR", "ID", "CA"].contains(&person.state) => drop(keys.insert((0, 0, person.id, 0))),
            (Query::Q3, Event::Auction(auction)) if auction.category == 10 => drop(keys.insert((0, 0, auction.seller, 0))),
            (Query::Q4 | Query::Q6 | Query::Q9, Event::Auction(auction)) => drop(keys.insert((0, 0, auction.id, 0))),
            (Query::Q4 | Query::Q6 | Query::Q9 | Query::Q19 | Query::Q20, Event::Bid(bid)) => drop(keys.insert((0, 0, bid.auction, 0))),
            (Query::Q20, Event::Auction(auction)) if auction.category == 10 => drop(keys.insert((0, 0, auction.id, 0))),
            (Query::Q15 | Query::Q16, Event::Bid(bid)) => {
                let channel = if query == Query::Q16 { text_column(bid.channel) } else { 0 };
                keys.insert((0, channel, day_of(bid.date_time), bid.bidder));
                keys.insert((1, channel, day_of(bid.date_time), bid.auction));
            }
            (Query::Q17, Event::Bid(bid)) => drop(keys.insert((0, 0, day_of(bid.date_time), bid.auction))),
            (Query::Q18, Event::Bid(bid)) => drop(keys.insert((0, 0, bid.bidder, bid.auction))),
            (Query::Q23, Event::Person(person)) => drop(keys.insert((0, 0, person.id, 0))),
            (Query::Q23, Event::Auction(auction)) => drop(keys.insert((0, 0, auction.seller, 0))),
            (Query::Q23, Event::Bid(bid)) => drop(keys.insert((0, 0, bid.bidder, 0))),
            _ => {}
        }
    }
    Some((keys.len() - before) as u64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workload::nexmark::oracle::testing::{auction, bid, person};

    #[test]
    fn keys_are_counted_once_and_between_the_marks() {
        let events = [person(1, "OR", 0), auction(5, 1, 10, 0, 9), bid(5, 2, 7, 1), bid(5, 2, 7, 2), bid(6, 3, 7, 3), bid(7, 3, 7, 3)];
        let between = |query, from, to| new_keys(query, events.iter().copied(), from, to);
        assert_eq!(between(Query::Q18, 0, 6), Some(3));
        assert_eq!(between(Query::Q18, 3, 5), Some(1));
        assert_eq!(between(Query::Q3, 0, 6), Some(1));
        assert_eq!(between(Query::Q9, 0, 6), Some(3));
        assert_eq!(between(Query::Q15, 0, 6), Some(2 + 3));
        assert_eq!(between(Query::Q23, 1, 6), Some(2));
        assert_eq!(between(Query::Q5, 0, 6), None);
    }
}
