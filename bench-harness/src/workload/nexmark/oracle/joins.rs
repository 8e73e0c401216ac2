//! q3, q20 and q23: joins without bounds in time, so that order of arrival plays no part.

use super::{Cell, Emit, Event, auctions, bids, grouped, persons};

pub(super) fn q3(events: &[Event<'_>], emit: Emit<'_>) {
    let persons = grouped(persons(events).filter(|person| ["OR", "ID", "CA"].contains(&person.state)), |person| person.id);
    for auction in auctions(events).filter(|auction| auction.category == 10) {
        for person in persons.get(&auction.seller).into_iter().flatten() {
            emit(&[Cell::Text(person.name), Cell::Text(person.city), Cell::Text(person.state), Cell::Int(auction.id)]);
        }
    }
}

pub(super) fn q20(events: &[Event<'_>], emit: Emit<'_>) {
    let auctions = grouped(auctions(events).filter(|auction| auction.category == 10), |auction| auction.id);
    for bid in bids(events) {
        for auction in auctions.get(&bid.auction).into_iter().flatten() {
            emit(&[
                Cell::Int(bid.auction),
                Cell::Int(bid.bidder),
                Cell::Int(bid.price),
                Cell::Text(bid.channel),
                Cell::Text(bid.url),
                Cell::Int(bid.date_time),
                Cell::Text(bid.extra),
                Cell::Text(auction.item_name),
                Cell::Text(auction.description),
                Cell::Int(auction.initial_bid),
                Cell::Int(auction.reserve),
                Cell::Int(auction.date_time),
                Cell::Int(auction.expires),
                Cell::Int(auction.seller),
                Cell::Int(auction.category),
                Cell::Text(auction.extra),
            ]);
        }
    }
}

pub(super) fn q23(events: &[Event<'_>], emit: Emit<'_>) {
    let persons = grouped(persons(events), |person| person.id);
    let auctions = grouped(auctions(events), |auction| auction.seller);
    for bid in bids(events) {
        for person in persons.get(&bid.bidder).into_iter().flatten() {
            for auction in auctions.get(&bid.bidder).into_iter().flatten() {
                emit(&[
                    Cell::Int(bid.bidder),
                    Cell::Int(bid.price),
                    Cell::Text(bid.channel),
                    Cell::Text(bid.url),
                    Cell::Text(bid.extra),
                    Cell::Text(person.name),
                    Cell::Text(person.email_address),
                    Cell::Text(person.credit_card),
                    Cell::Text(person.city),
                    Cell::Text(person.state),
                    Cell::Text(person.extra),
                    Cell::Text(auction.item_name),
                    Cell::Text(auction.description),
                    Cell::Int(auction.initial_bid),
                    Cell::Int(auction.reserve),
                    Cell::Int(auction.date_time),
                    Cell::Int(auction.expires),
                    Cell::Int(auction.seller),
                    Cell::Int(auction.category),
                    Cell::Text(auction.extra),
                ]);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::workload::nexmark::{
        oracle::testing::{auction, bid, person, rows, sorted},
        query::Query::*,
    };

    #[test]
    fn q3_joins_whoever_comes_first() {
        let events = [
            auction(1, 100, 10, 0, 9),
            person(100, "OR", 1_000_000), // After its auction.
            auction(2, 100, 11, 0, 9),    // Another category.
            auction(3, 100, 10, 0, 9),
            person(101, "AZ", 0), // Another state.
            auction(4, 101, 10, 0, 9),
            person(102, "CA", 0),
            person(103, "ID", 0),
            auction(5, 103, 10, 0, 9),
            auction(6, 999, 10, 0, 9), // Nobody.
        ];
        assert_eq!(sorted(Q3, &events), "n|t|ID|5\nn|t|OR|1\nn|t|OR|3\n");
    }

    #[test]
    fn q20_joins_bids_of_any_time() {
        let events = [
            bid(1, 5, 7, 99), // Before the auction opens and before it arrives.
            auction(1, 9, 10, 100, 200),
            bid(1, 5, 8, 999), // Long after it expired.
            auction(2, 9, 11, 100, 200),
            bid(2, 5, 7, 150),
        ];
        assert_eq!(rows(Q20, &events), "1|5|7|c|u|99|x|i|d|11|22|100|200|9|10|ax\n1|5|8|c|u|999|x|i|d|11|22|100|200|9|10|ax\n");
    }

    #[test]
    fn q23_pairs_a_bid_with_every_auction_of_its_bidder() {
        let events = [
            bid(50, 1, 7, 0),
            auction(60, 1, 10, 100, 200),
            person(1, "WA", 5),
            auction(61, 1, 11, 101, 201),
            bid(51, 1, 8, 300),
            bid(51, 2, 8, 300), // Sells nothing.
            person(2, "WA", 5),
            bid(51, 3, 8, 300), // Is not registered.
            auction(62, 3, 11, 101, 201),
        ];
        let row = |price: i64, rest: &str| format!("1|{price}|c|u|x|n|e|k|t|WA|px|i|d|11|22|{rest}|ax\n");
        let expected = [row(7, "100|200|1|10"), row(7, "101|201|1|11"), row(8, "100|200|1|10"), row(8, "101|201|1|11")].concat();
        assert_eq!(sorted(Q23, &events), expected);
    }
}
