//! Laws of the oracle on random events: the queries once more, as conditions on each row instead of loops that make them.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::{Auction, Bid, Event, answer, auctions, bids, digest, testing};
use crate::workload::nexmark::query::Query;

/// Up to 120 events over 80 s, of few people and auctions. Ids of persons and auctions are unique; times and prices are drawn from few, so
/// that they tie, or are all different.
fn events(distinct: bool) -> impl Strategy<Value = Vec<Event<'static>>> {
    let parts = (0u8..10, 0i64..5, 0i64..5, 0i64..8, 0i64..400, 0i64..100);
    proptest::collection::vec(parts, 0..120).prop_map(move |all| {
        let (mut persons, mut auctions) = (0, 0);
        let make = |(place, (kind, a, b, price, time, expires)): (usize, _)| {
            let own = if distinct { place as i64 } else { 0 };
            let time = time * 200 + own;
            match kind {
                0 => {
                    persons += 1;
                    testing::person(persons, ["OR", "AZ"][a as usize % 2], time)
                }
                1 | 2 => {
                    auctions += 1;
                    testing::auction(auctions, a, 10 + b % 2, time, time + expires * 200)
                }
                _ => testing::bid(a, b, price * 200_000 + own, time),
            }
        };
        all.into_iter().enumerate().map(make).collect()
    })
}

/// Bids with their place in the order of arrival.
fn placed<'e>(events: &[Event<'e>]) -> Vec<(usize, Bid<'e>)> {
    bids(events).enumerate().collect()
}

/// Rows as a sorted list of some of their columns.
fn column(query: Query, events: &[Event<'_>], places: &[usize]) -> Vec<Vec<i64>> {
    let rows = answer(query, events).rows;
    let number = |row: &Vec<Option<String>>, place: usize| row[place].as_ref().unwrap().parse::<i64>().unwrap();
    let mut columns: Vec<Vec<i64>> = rows.iter().map(|row| places.iter().map(|&place| number(row, place)).collect()).collect();
    columns.sort_unstable();
    columns
}

fn sorted(mut rows: Vec<Vec<i64>>) -> Vec<Vec<i64>> {
    rows.sort_unstable();
    rows
}

fn is_in_time(auction: &Auction<'_>, bid: &Bid<'_>) -> bool {
    bid.auction == auction.id && (auction.date_time..=auction.expires).contains(&bid.date_time)
}

proptest! {
    #[test]
    fn order_of_arrival_matters_only_to_ties(events in events(true), seed in any::<u64>()) {
        let mut shuffled: Vec<(u64, Event<'_>)> =
            events.iter().zip(0..).map(|(event, place)| (crate::workload::mix(seed ^ place), *event)).collect();
        shuffled.sort_by_key(|(order, _)| *order);
        let shuffled: Vec<Event<'_>> = shuffled.into_iter().map(|(_, event)| event).collect();
        for query in Query::ALL {
            prop_assert_eq!(digest(query, &events), digest(query, &shuffled), "{}", query);
        }
    }

    #[test]
    fn q5_every_window_has_its_most_frequent(events in events(false)) {
        let bids: Vec<Bid<'_>> = bids(&events).collect();
        let mut expected = Vec::new();
        for start in (-10_000..100_000).step_by(2_000) {
            let count = |auction| bids.iter().filter(|b| b.auction == auction && start <= b.date_time && b.date_time < start + 10_000).count();
            for auction in 0..5 {
                if count(auction) > 0 && (0..5).all(|other| count(other) <= count(auction)) {
                    expected.push(vec![auction, count(auction) as i64, start]);
                }
            }
        }
        prop_assert_eq!(column(Query::Q5, &events, &[0, 1, 2]), sorted(expected));
    }

    #[test]
    fn q7_nobody_in_the_window_bids_more(events in events(false)) {
        let bids = placed(&events);
        let best = |bid: &Bid<'_>| {
            bids.iter().all(|(_, other)| other.date_time / 10_000 != bid.date_time / 10_000 || other.price <= bid.price)
        };
        let expected = bids.iter().filter(|(_, bid)| best(bid)).map(|(_, b)| vec![b.auction, b.price, b.bidder, b.date_time]).collect();
        prop_assert_eq!(column(Query::Q7, &events, &[0, 1, 2, 3]), sorted(expected));
    }

    #[test]
    fn q9_the_winner_beats_every_other_bid_in_time(events in events(false)) {
        let bids = placed(&events);
        let mut expected = Vec::new();
        for auction in auctions(&events) {
            let in_time = || bids.iter().filter(|(_, bid)| is_in_time(&auction, bid));
            let rank = |(place, bid): &(usize, Bid<'_>)| (-bid.price, bid.date_time, *place);
            expected.extend(
                in_time()
                    .filter(|one| in_time().all(|other| rank(one) <= rank(other)))
                    .map(|(_, bid)| vec![auction.id, bid.bidder, bid.price, bid.date_time]),
            );
        }
        prop_assert_eq!(column(Query::Q9, &events, &[0, 10, 11, 12]), sorted(expected));
    }

    #[test]
    fn q11_sessions_part_the_bids_at_gaps(events in events(false)) {
        let bids: Vec<Bid<'_>> = bids(&events).collect();
        let mut expected = Vec::new();
        for bidder in 0..5 {
            let times: BTreeSet<i64> = bids.iter().filter(|bid| bid.bidder == bidder).map(|bid| bid.date_time).collect();
            // A session begins where nothing lies within the gap before, and ends where nothing lies within the gap after.
            let begins = times.iter().filter(|&&time| times.range(time - 10_000..time).next().is_none());
            for &first in begins {
                let ends = |time: i64| times.range(time + 1..=time + 10_000).next().is_none();
                let last = times.range(first..).copied().find(|&time| ends(time)).unwrap();
                let count = bids.iter().filter(|bid| bid.bidder == bidder && (first..=last).contains(&bid.date_time)).count();
                expected.push(vec![bidder, count as i64, first, last + 10_000]);
            }
        }
        prop_assert_eq!(column(Query::Q11, &events, &[0, 1, 2, 3]), sorted(expected));
    }

    #[test]
    fn q18_nothing_comes_after_the_last(events in events(false)) {
        let bids = placed(&events);
        let is_last = |(place, bid): &&(usize, Bid<'_>)| {
            let same = bids.iter().filter(|(_, other)| (other.auction, other.bidder) == (bid.auction, bid.bidder));
            same.into_iter().all(|(other_place, other)| (other.date_time, *other_place) <= (bid.date_time, *place))
        };
        let expected = bids.iter().filter(is_last).map(|(_, bid)| vec![bid.auction, bid.bidder, bid.price, bid.date_time]).collect();
        prop_assert_eq!(column(Query::Q18, &events, &[0, 1, 2, 5]), sorted(expected));
    }

    #[test]
    fn q19_a_rank_counts_the_better_ones(events in events(false)) {
        let bids = placed(&events);
        let rank = |place: usize, bid: &Bid<'_>| {
            let better = |(other_place, other): &&(usize, Bid<'_>)| {
                other.auction == bid.auction && (other.price > bid.price || (other.price == bid.price && *other_place < place))
            };
            1 + bids.iter().filter(better).count() as i64
        };
        let ranked = bids.iter().map(|(place, bid)| vec![bid.auction, bid.bidder, bid.price, bid.date_time, rank(*place, bid)]);
        prop_assert_eq!(column(Query::Q19, &events, &[0, 1, 2, 5, 7]), sorted(ranked.filter(|row| row[4] <= 10).collect()));
    }

    #[test]
    fn sums_agree_across_queries(events in events(false)) {
        let count = bids(&events).count() as i64;
        let total = |query, place| column(query, &events, &[place]).into_iter().flatten().sum::<i64>();
        for (query, place) in [(Query::Q11, 1), (Query::Q12, 1), (Query::Q15, 1), (Query::Q16, 3), (Query::Q17, 2)] {
            prop_assert_eq!(total(query, place), count, "{}", query);
        }
        let ranks: i64 = (2..5).map(|place| total(Query::Q15, place)).sum();
        prop_assert_eq!(ranks, count);
        prop_assert_eq!(total(Query::Q17, 9), bids(&events).map(|bid| bid.price).sum::<i64>());
        for query in [Query::Q0, Query::Q1, Query::Q10, Query::Q13, Query::Q22] {
            prop_assert_eq!(digest(query, &events).rows as i64, count, "{}", query);
        }
        // q4 and q6 out of q9's rows.
        let won = column(Query::Q9, &events, &[8, 7, 6, 0, 11]);
        for (query, key, last) in [(Query::Q4, 0, usize::MAX), (Query::Q6, 1, 10)] {
            let keys: BTreeSet<i64> = won.iter().map(|row| row[key]).collect();
            let expected: Vec<Vec<i64>> = keys.into_iter().map(|of| {
                let mut rows: Vec<&Vec<i64>> = won.iter().filter(|row| row[key] == of).collect();
                rows.sort_by_key(|row| (row[2], row[3]));
                let prices: Vec<i64> = rows.iter().rev().take(last).map(|row| row[4]).collect();
                vec![of, prices.iter().sum::<i64>() / prices.len() as i64]
            }).collect();
            prop_assert_eq!(column(query, &events, &[0, 1]), expected, "{}", query);
        }
    }

    #[test]
    fn joins_pair_what_belongs_together(events in events(false)) {
        let (mut q3, mut q20, mut q23, mut q8) = (0, 0, 0, 0);
        let persons: Vec<_> = super::persons(&events).collect();
        let auctions: Vec<_> = auctions(&events).collect();
        for person in &persons {
            let opened = || auctions.iter().filter(|auction| auction.seller == person.id);
            q3 += opened().filter(|auction| auction.category == 10 && person.state == "OR").count();
            q8 += usize::from(opened().any(|auction| auction.date_time / 10_000 == person.date_time / 10_000));
            q23 += opened().count() * bids(&events).filter(|bid| bid.bidder == person.id).count();
        }
        for auction in auctions.iter().filter(|auction| auction.category == 10) {
            q20 += bids(&events).filter(|bid| bid.auction == auction.id).count();
        }
        let rows = [Query::Q3, Query::Q8, Query::Q20, Query::Q23].map(|query| digest(query, &events).rows as usize);
        prop_assert_eq!(rows, [q3, q8, q20, q23]);
    }
}
