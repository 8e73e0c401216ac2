//! q15, q16 and q17: statistics of each day.

use std::collections::BTreeSet;

use super::{Bid, Cell, Emit, Event, average, bids, grouped, narrow, price_rank};
use crate::workload::nexmark::calendar::{clock, date, day_of, minute_of_day};

/// Bids, distinct bidders and distinct auctions: each in total, and of the price ranks 1, 2 and 3.
fn by_rank(bids: &[Bid<'_>]) -> [Cell<'static>; 12] {
    let mut cells = [Cell::Null; 12];
    for rank in 0..4 {
        let those = || bids.iter().filter(|bid| rank == 0 || price_rank(bid.price) == rank);
        let count = |number: usize| Cell::Int(number as i64);
        cells[rank] = count(those().count());
        cells[4 + rank] = count(those().map(|bid| bid.bidder).collect::<BTreeSet<_>>().len());
        cells[8 + rank] = count(those().map(|bid| bid.auction).collect::<BTreeSet<_>>().len());
    }
    cells
}

pub(super) fn q15(events: &[Event<'_>], emit: Emit<'_>) {
    for (day, bids) in grouped(bids(events), |bid| day_of(bid.date_time)) {
        emit(&[&[Cell::Text(&date(day))][..], &by_rank(&bids)].concat());
    }
}

pub(super) fn q16(events: &[Event<'_>], emit: Emit<'_>) {
    for ((channel, day), bids) in grouped(bids(events), |bid| (bid.channel, day_of(bid.date_time))) {
        let latest = bids.iter().map(|bid| minute_of_day(bid.date_time)).max().unwrap_or(0);
        let (day, minute) = (date(day), clock(latest));
        emit(&[&[Cell::Text(channel), Cell::Text(&day), Cell::Text(&minute)][..], &by_rank(&bids)].concat());
    }
}

pub(super) fn q17(events: &[Event<'_>], emit: Emit<'_>) {
    for ((auction, day), bids) in grouped(bids(events), |bid| (bid.auction, day_of(bid.date_time))) {
        let prices: Vec<i64> = bids.iter().map(|bid| bid.price).collect();
        let of_rank = |rank| Cell::Int(prices.iter().filter(|&&price| price_rank(price) == rank).count() as i64);
        let sum: i128 = prices.iter().map(|&price| i128::from(price)).sum();
        emit(&[
            Cell::Int(auction),
            Cell::Text(&date(day)),
            Cell::Int(prices.len() as i64),
            of_rank(1),
            of_rank(2),
            of_rank(3),
            Cell::Int(prices.iter().copied().min().unwrap_or(0)),
            Cell::Int(prices.iter().copied().max().unwrap_or(0)),
            Cell::Int(average(&prices)),
            Cell::Int(narrow(sum)),
        ]);
    }
}

#[cfg(test)]
mod tests {
    use crate::workload::nexmark::{
        calendar::DAY_MS,
        model::Bid,
        oracle::testing::{bid, rows, sorted},
        query::Query::*,
    };

    #[test]
    fn q15_ranks_prices_and_counts_each_once() {
        let events = [
            bid(1, 5, 9_999, 0),
            bid(1, 5, 10_000, 1),
            bid(2, 5, 999_999, 2),
            bid(2, 6, 1_000_000, DAY_MS - 1),
            bid(3, 6, 1_000_000, 5),
            bid(1, 5, 1, DAY_MS), // The next day.
            bid(1, 5, 2, -1),     // The day before.
        ];
        let expected = "1969-12-31|1|1|0|0|1|1|0|0|1|1|0|0\n1970-01-01|5|1|2|2|2|1|1|1|3|1|2|2\n1970-01-02|1|1|0|0|1|1|0|0|1|1|0|0\n";
        assert_eq!(rows(Q15, &events), expected);
    }

    #[test]
    fn q16_keeps_channels_apart_and_knows_the_latest_minute() {
        let over = |channel, price, time| Bid { channel, ..bid(1, 5, price, time).bid().unwrap() }.into();
        let events =
            [over("Google", 1, 120_000), over("Google", 10_000, 179_999), over("Google", 1, 60_000), over("google", 1, DAY_MS - 1)];
        let expected = "Google|1970-01-01|00:02|3|2|1|0|1|1|1|0|1|1|1|0\ngoogle|1970-01-01|23:59|1|1|0|0|1|1|0|0|1|1|0|0\n";
        assert_eq!(sorted(Q16, &events), expected);
    }

    #[test]
    fn q17_sums_up_an_auctions_day() {
        let events = [bid(1, 5, 100, 0), bid(1, 6, 1_000_001, 1), bid(1, 5, 10_000, 2), bid(2, 5, 7, 0), bid(1, 5, 3, DAY_MS)];
        // (100 + 1,000,001 + 10,000) / 3 = 336,700.33
        let expected = "1|1970-01-01|3|1|1|1|100|1000001|336700|1010101\n1|1970-01-02|1|1|0|0|3|3|3|3\n2|1970-01-01|1|1|0|0|7|7|7|7\n";
        assert_eq!(sorted(Q17, &events), expected);
    }

    #[test]
    fn q17_sums_beyond_64_bits_stop_there() {
        let events = [bid(1, 5, i64::MAX, 0), bid(1, 5, i64::MAX, 0)];
        let max = i64::MAX;
        assert_eq!(rows(Q17, &events), format!("1|1970-01-01|2|0|0|2|{max}|{max}|{max}|{max}\n"));
    }
}
