//! q18 and q19: the last and the highest bids.

use super::{Bid, Cell, Emit, Event, bids, grouped};

fn cells<'e>(bid: &Bid<'e>) -> [Cell<'e>; 7] {
    [
        Cell::Int(bid.auction),
        Cell::Int(bid.bidder),
        Cell::Int(bid.price),
        Cell::Text(bid.channel),
        Cell::Text(bid.url),
        Cell::Int(bid.date_time),
        Cell::Text(bid.extra),
    ]
}

pub(super) fn q18(events: &[Event<'_>], emit: Emit<'_>) {
    for bids in grouped(bids(events), |bid| (bid.bidder, bid.auction)).into_values() {
        // The last of several latest: the one that arrived last.
        if let Some(last) = bids.iter().max_by_key(|bid| bid.date_time) {
            emit(&cells(last));
        }
    }
}

pub(super) fn q19(events: &[Event<'_>], emit: Emit<'_>) {
    for mut bids in grouped(bids(events), |bid| bid.auction).into_values() {
        // Stable: of equal prices the first to arrive stays first.
        bids.sort_by_key(|bid| std::cmp::Reverse(bid.price));
        for (bid, rank) in bids.iter().take(10).zip(1..) {
            emit(&[&cells(bid)[..], &[Cell::Int(rank)]].concat());
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::workload::nexmark::{
        oracle::testing::{bid, rows, sorted},
        query::Query::*,
    };

    #[test]
    fn q18_is_by_event_time_then_the_later_arrival() {
        let events = [
            bid(1, 5, 10, 100),
            bid(1, 5, 11, 99), // Arrives later, made earlier.
            bid(2, 5, 12, 100),
            bid(1, 6, 20, 7),
            bid(1, 6, 21, 7), // As late: the later arrival wins.
        ];
        assert_eq!(sorted(Q18, &events), "1|5|10|c|u|100|x\n1|6|21|c|u|7|x\n2|5|12|c|u|100|x\n");
    }

    #[test]
    fn q19_ranks_ten_and_keeps_the_earlier_of_equals() {
        let mut events: Vec<_> = (1..=9).map(|price| bid(1, 5, price, price)).collect();
        // Three more at price 3: the tenth place goes to the second that arrived, the third is eleventh.
        events.extend([bid(1, 6, 3, 50), bid(1, 7, 3, 0), bid(2, 5, 1, 0)]);
        let row = |bidder, price, time, rank| format!("1|{bidder}|{price}|c|u|{time}|x|{rank}\n");
        let ranked: String = (0..6).map(|i| row(5, 9 - i, 9 - i, i + 1)).collect();
        let rest = [row(5, 3, 3, 7), row(6, 3, 50, 8), row(7, 3, 0, 9), row(5, 2, 2, 10), "2|5|1|c|u|0|x|1\n".to_owned()].concat();
        assert_eq!(rows(Q19, &events), ranked + &rest);
    }
}
