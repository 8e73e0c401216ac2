//! q4, q6 and q9: auctions and the bids that win them.

use std::collections::BTreeMap;

use super::{Auction, Bid, Cell, Emit, Event, auctions, average, bids, grouped};

/// Each auction that was won, in order of arrival, with the bid that won it: of those made while it was open the highest, of these the
/// earliest, of these the first to arrive.
fn won<'e>(events: &[Event<'e>]) -> Vec<(Auction<'e>, Bid<'e>)> {
    let bids = grouped(bids(events), |bid| bid.auction);
    let winner = |auction: Auction<'e>| {
        let on_it = bids.get(&auction.id).map_or(&[][..], Vec::as_slice).iter();
        let in_time = on_it.filter(|bid| auction.date_time <= bid.date_time && bid.date_time <= auction.expires);
        // The first of several greatest, hence the smallest by the reverse of the price.
        let best = in_time.min_by_key(|bid| (std::cmp::Reverse(bid.price), bid.date_time));
        best.map(|bid| (auction, *bid))
    };
    auctions(events).filter_map(winner).collect()
}

pub(super) fn q4(events: &[Event<'_>], emit: Emit<'_>) {
    let mut prices = BTreeMap::<i64, Vec<i64>>::new();
    for (auction, bid) in won(events) {
        prices.entry(auction.category).or_default().push(bid.price);
    }
    for (category, prices) in prices {
        emit(&[Cell::Int(category), Cell::Int(average(&prices))]);
    }
}

pub(super) fn q6(events: &[Event<'_>], emit: Emit<'_>) {
    for (seller, mut won) in grouped(won(events).into_iter(), |(auction, _)| auction.seller) {
        won.sort_by_key(|(auction, _)| (auction.expires, auction.id));
        let last_ten = &won[won.len().saturating_sub(10)..];
        let prices: Vec<i64> = last_ten.iter().map(|(_, bid)| bid.price).collect();
        emit(&[Cell::Int(seller), Cell::Int(average(&prices))]);
    }
}

pub(super) fn q9(events: &[Event<'_>], emit: Emit<'_>) {
    for (auction, bid) in won(events) {
        emit(&[
            Cell::Int(auction.id),
            Cell::Text(auction.item_name),
            Cell::Text(auction.description),
            Cell::Int(auction.initial_bid),
            Cell::Int(auction.reserve),
            Cell::Int(auction.date_time),
            Cell::Int(auction.expires),
            Cell::Int(auction.seller),
            Cell::Int(auction.category),
            Cell::Text(auction.extra),
            Cell::Int(bid.bidder),
            Cell::Int(bid.price),
            Cell::Int(bid.date_time),
            Cell::Text(bid.extra),
        ]);
    }
}

#[cfg(test)]
mod tests {
    use crate::workload::nexmark::{
        oracle::testing::{auction, bid, rows, sorted},
        query::Query::*,
    };

    #[test]
    fn q4_averages_the_winning_prices_and_truncates() {
        let events = [
            bid(1, 5, 40, 100), // At the very opening, before the auction arrives.
            auction(1, 9, 10, 100, 200),
            bid(1, 5, 30, 150),
            bid(1, 5, 1_000, 99), // Too early.
            auction(2, 9, 10, 100, 200),
            bid(2, 5, 45, 200),          // As it expires.
            bid(2, 5, 1_000, 201),       // Too late.
            auction(3, 9, 10, 100, 200), // No bids: does not count.
            auction(4, 9, 11, 100, 200),
            bid(4, 5, 7, 150),
            bid(77, 5, 7, 150), // No such auction.
            auction(5, 9, 12, 100, 200),
            bid(5, 5, 7, 300), // None in time: no row for the category.
        ];
        // (40 + 45) / 2 = 42.5
        assert_eq!(sorted(Q4, &events), "10|42\n11|7\n");
    }

    #[test]
    fn q6_takes_the_last_ten_by_expiry_and_id() {
        let mut events = Vec::new();
        // Eleven auctions of seller 1: the one that expires first falls out, though it arrives last.
        for id in 2..=11 {
            events.extend([auction(id, 1, 10, 0, 500), bid(id, 5, id * 100, 10)]);
        }
        events.extend([auction(1, 1, 10, 0, 499), bid(1, 5, 1_000_000, 10)]);
        // One that expires later and was not won does not count among the ten.
        events.push(auction(12, 1, 10, 0, 900));
        // (200 + 300 + … + 1100) / 10 = 650
        assert_eq!(sorted(Q6, &events), "1|650\n");
        // With equal expiry the least id falls out: (300 + … + 1100 + 5) / 10 = 630.5
        events.extend([auction(13, 1, 10, 0, 500), bid(13, 5, 5, 10)]);
        events.extend([auction(14, 2, 10, 0, 500), bid(14, 5, 3, 10), bid(14, 5, 4, 500)]);
        assert_eq!(sorted(Q6, &events), "1|630\n2|4\n");
    }

    #[test]
    fn q9_breaks_ties_by_time_then_by_arrival() {
        let events = [
            auction(1, 9, 10, 100, 200),
            bid(1, 5, 40, 150),
            bid(1, 6, 40, 140), // Earlier, though it arrives later.
            bid(1, 7, 40, 140), // As early, and arrives later.
            bid(1, 8, 39, 100),
            auction(2, 9, 10, 100, 200),
            bid(2, 5, 1, 200), // As it expires.
            bid(2, 5, 2, 201),
            auction(3, 9, 10, 100, 200),
        ];
        assert_eq!(rows(Q9, &events), "1|i|d|11|22|100|200|9|10|ax|6|40|140|x\n2|i|d|11|22|100|200|9|10|ax|5|1|200|x\n");
    }
}
