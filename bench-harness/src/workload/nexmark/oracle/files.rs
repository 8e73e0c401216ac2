//! q10: bids in partitioned files.

use std::collections::BTreeMap;

use super::{Bid, Cell, Emit, Event, bids, grouped};
use crate::workload::nexmark::calendar::{clock, date, day_of, minute_of_day};

/// What each partition of q10 holds at the end, by day and minute: its bids in order of arrival, which files need not keep.
///
/// ```
/// # use thalweg_bench::workload::nexmark::{model::{Bid, Event}, oracle};
/// let bid = Bid { auction: 1, bidder: 2, price: 3, channel: "c", url: "u", date_time: 61_000, extra: "" };
/// let partitions = oracle::partitions(&[Event::Bid(bid)]);
/// assert_eq!(partitions[&("1970-01-01".to_owned(), "00:01".to_owned())], [bid]);
/// ```
pub fn partitions<'e>(events: &[Event<'e>]) -> BTreeMap<(String, String), Vec<Bid<'e>>> {
    let minutes = grouped(bids(events), |bid| (day_of(bid.date_time), minute_of_day(bid.date_time)));
    minutes.into_iter().map(|((day, minute), bids)| ((date(day), clock(minute)), bids)).collect()
}

pub(super) fn q10(events: &[Event<'_>], emit: Emit<'_>) {
    for ((day, minute), bids) in partitions(events) {
        for bid in bids {
            emit(&[
                Cell::Int(bid.auction),
                Cell::Int(bid.bidder),
                Cell::Int(bid.price),
                Cell::Int(bid.date_time),
                Cell::Text(bid.extra),
                Cell::Text(&day),
                Cell::Text(&minute),
            ]);
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::workload::nexmark::{
        calendar::DAY_MS,
        oracle::testing::{bid, rows},
        query::Query::Q10,
    };

    #[test]
    fn q10_parts_days_and_minutes() {
        let events = [bid(1, 5, 9, 60_000), bid(2, 5, 9, 59_999), bid(3, 5, 9, DAY_MS), bid(4, 5, 9, 0)];
        let expected = "2|5|9|59999|x|1970-01-01|00:00\n4|5|9|0|x|1970-01-01|00:00\n1|5|9|60000|x|1970-01-01|00:01\n\
                        3|5|9|86400000|x|1970-01-02|00:00\n";
        assert_eq!(rows(Q10, &events), expected);
    }
}
