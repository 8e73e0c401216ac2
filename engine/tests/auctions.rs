//! Queries over an auction in the manner of Nexmark, each a few lines of the public API, against naive ones over all the rows.
#![allow(clippy::unwrap_used)]

use std::{
    cmp::Reverse,
    collections::{BTreeMap, HashMap, VecDeque},
};

use proptest::prelude::*;
use thalweg::{
    Collect, Config, Dataflow, EventTime,
    changelog::{Materialise, Mean},
    process::{Context, Either, Process, Ranked, Timer},
    testing::{FeedSource, feed},
};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Auction {
    id: u64,
    seller: u64,
    category: u64,
    time: EventTime,
    expires: EventTime,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Bid {
    auction: u64,
    bidder: u64,
    price: i64,
    time: EventTime,
    number: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Person {
    id: u64,
    state: u64,
    time: EventTime,
}

#[derive(Clone, Debug)]
struct Rows {
    auctions: Vec<Auction>,
    bids: Vec<Bid>,
    people: Vec<Person>,
}

const DISORDER: i64 = 30;

fn all_rows() -> impl Strategy<Value = Rows> {
    let auctions = prop::collection::vec((0..5u64, 0..3u64, 0..20i64, 0..DISORDER, 1..150i64), 0..25);
    let bids = prop::collection::vec((0..25u64, 0..6u64, 0..8i64, 0..6i64, 0..DISORDER), 0..150);
    let people = prop::collection::vec((0..3u64, 0..30i64), 0..7);
    (auctions, bids, people).prop_map(|(auctions, bids, people)| {
        let (mut now, mut rows) = (0, Rows { auctions: Vec::new(), bids: Vec::new(), people: Vec::new() });
        for (id, (seller, category, step, behind, lasts)) in (0..).zip(auctions) {
            now += step;
            rows.auctions.push(Auction { id, seller, category, time: now - behind, expires: now - behind + lasts });
        }
        now = 0;
        for (number, (auction, bidder, price, step, behind)) in bids.into_iter().enumerate() {
            now += step;
            rows.bids.push(Bid { auction, bidder, price, time: now - behind, number });
        }
        for (id, (state, time)) in (0..).zip(people) {
            rows.people.push(Person { id, state, time });
        }
        rows
    })
}

fn fed<T: Clone + Send + 'static>(rows: &[T], time: impl Fn(&T) -> EventTime) -> FeedSource<T> {
    let (mut input, source) = feed();
    let mut highest = EventTime::MIN;
    for row in rows {
        input.push(time(row), row.clone());
        highest = highest.max(time(row));
        input.watermark(highest - DISORDER - 1);
    }
    input.end();
    source
}

fn run(flow: Dataflow, (workers, batch): (usize, usize)) {
    let workers = workers.min(thalweg::runtime::available_cores().limit);
    let report = flow.start(Config::default().workers(workers).batch(batch)).unwrap().join().unwrap();
    assert_eq!(report.late, 0);
}

fn ways() -> impl Strategy<Value = (usize, usize)> {
    (1..=2usize, prop_oneof![Just(1usize), Just(64), Just(1024)])
}

fn sorted<T: Ord>(mut rows: Vec<T>) -> Vec<T> {
    rows.sort();
    rows
}

/// The winning bid of each auction that has one.
fn winners(rows: &Rows) -> BTreeMap<u64, (Auction, Bid)> {
    let of = |auction: &Auction| {
        let mut best: Option<Bid> = None;
        for bid in &rows.bids {
            let counts = bid.auction == auction.id && auction.time <= bid.time && bid.time <= auction.expires;
            if counts && best.is_none_or(|best| bid.price > best.price || bid.price == best.price && bid.time < best.time) {
                best = Some(*bid);
            }
        }
        best
    };
    rows.auctions.iter().filter_map(|auction| of(auction).map(|bid| (auction.id, (*auction, bid)))).collect()
}

/// Emits an auction's winning price when event time passes its end (q6).
#[derive(Default)]
struct Closing;

#[derive(Clone, Copy, Debug)]
struct Closed {
    id: u64,
    seller: u64,
    price: i64,
}

impl Process<u64, Either<Bid, Auction>> for Closing {
    type State = (Option<Auction>, Vec<Bid>);
    type Out = Closed;
    fn on_record(&mut self, state: &mut Option<Self::State>, record: Either<Bid, Auction>, cx: &mut Context<'_, u64, Closed>) {
        let (auction, bids) = state.get_or_insert_default();
        match record {
            Either::Left(bid) => bids.push(bid),
            Either::Right(row) => {
                cx.set_timer(row.expires);
                *auction = Some(row);
            }
        }
    }
    fn on_timer(&mut self, state: &mut Option<Self::State>, _: Timer, cx: &mut Context<'_, u64, Closed>) {
        let Some((Some(auction), bids)) = state.take() else { return };
        let counts = |bid: &&Bid| (auction.time..=auction.expires).contains(&bid.time);
        if let Some(price) = bids.iter().filter(counts).map(|bid| bid.price).max() {
            cx.emit(Closed { id: auction.id, seller: auction.seller, price });
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: thalweg::testing::cases(24), ..ProptestConfig::default() })]

    #[test]
    fn q3_auctions_of_a_category_by_people_of_a_state(rows in all_rows(), ways in ways()) {
        let mut flow = Dataflow::new("q3");
        let (sink, out) = Collect::new();
        let auctions = flow.source(fed(&rows.auctions, |row| row.time)).timed().filter(|auction| auction.category == 1);
        let people = flow.source(fed(&rows.people, |row| row.time)).timed().filter(|person| person.state < 2);
        auctions.key_by(|auction| auction.seller).join(people.key_by(|person| person.id)).inner(|auction, person| (*auction, *person)).sink(sink);
        run(flow, ways);
        let mut expected = Vec::new();
        for auction in rows.auctions.iter().filter(|auction| auction.category == 1) {
            expected.extend(rows.people.iter().filter(|person| person.state < 2 && person.id == auction.seller).map(|person| (*auction, *person)));
        }
        prop_assert_eq!(sorted(out.take()), sorted(expected));
    }

    #[test]
    fn q4_and_q9_winning_bids_and_their_mean_per_category(rows in all_rows(), ways in ways()) {
        let mut flow = Dataflow::new("q9");
        let (sink, table) = Materialise::by(|(auction, _): &(Auction, Bid)| auction.id);
        let (means_sink, means) = Materialise::by(|row: &(u64, i64)| row.0);
        let winning = |flow: &mut Dataflow| {
            let auctions = flow.source(fed(&rows.auctions, |row| row.time)).timed().key_by(|auction: &Auction| auction.id);
            let bids = flow.source(fed(&rows.bids, |row| row.time)).timed().key_by(|bid: &Bid| bid.auction);
            bids.join(auctions)
                .inner(|bid, auction| (*auction, *bid))
                .filter(|(auction, bid)| (auction.time..=auction.expires).contains(&bid.time))
                .key_by(|(auction, _)| auction.id)
                .highest_by(|(_, bid)| (bid.price, Reverse(bid.time)))
        };
        winning(&mut flow).sink(sink);
        run(flow, ways);
        prop_assert_eq!(table.take().into_iter().collect::<BTreeMap<_, _>>(), winners(&rows));

        let mut flow = Dataflow::new("q4");
        winning(&mut flow)
            .aggregate_rows(|(auction, _): &(Auction, Bid)| auction.category, Mean::of(|(_, bid): &(Auction, Bid)| bid.price))
            .sink(means_sink);
        run(flow, ways);
        let mut prices = HashMap::<u64, Vec<i64>>::new();
        winners(&rows).values().for_each(|(auction, bid)| prices.entry(auction.category).or_default().push(bid.price));
        let mean = |prices: Vec<i64>| prices.iter().sum::<i64>() / prices.len() as i64;
        let expected: HashMap<u64, (u64, i64)> = prices.into_iter().map(|(category, prices)| (category, (category, mean(prices)))).collect();
        prop_assert_eq!(means.take(), expected);
    }

    #[test]
    fn q6_mean_of_the_last_winning_prices_of_a_seller(rows in all_rows(), ways in ways()) {
        const LAST: usize = 3;
        let mut flow = Dataflow::new("q6");
        let (sink, out) = Collect::<(u64, i64)>::new();
        let auctions = flow.source(fed(&rows.auctions, |row| row.time)).timed().key_by(|auction| auction.id);
        let bids = flow.source(fed(&rows.bids, |row| row.time)).timed().key_by(|bid| bid.auction);
        bids.join(auctions)
            .process(|| Closing)
            .key_by(|closed| closed.seller)
            .in_order(|closed| closed.id)
            .key_by(|closed| closed.seller)
            .last_n(LAST, |seller, last: &VecDeque<Closed>| (*seller, last.iter().map(|closed| closed.price).sum::<i64>() / last.len() as i64))
            .sink(sink);
        run(flow, ways);
        let mut closed: Vec<(Auction, Bid)> = winners(&rows).into_values().collect();
        closed.sort_by_key(|(auction, _)| (auction.expires, auction.id));
        let mut expected = BTreeMap::<u64, Vec<i64>>::new();
        let mut prices = HashMap::<u64, Vec<i64>>::new();
        for (auction, bid) in closed {
            let prices = prices.entry(auction.seller).or_default();
            prices.push(bid.price);
            let last = &prices[prices.len().saturating_sub(LAST)..];
            expected.entry(auction.seller).or_default().push(last.iter().sum::<i64>() / last.len() as i64);
        }
        let mut rows = BTreeMap::<u64, Vec<i64>>::new();
        out.take().into_iter().for_each(|(seller, mean)| rows.entry(seller).or_default().push(mean));
        prop_assert_eq!(rows, expected);
    }

    #[test]
    fn q18_the_last_bid_of_a_bidder_on_an_auction(rows in all_rows(), ways in ways()) {
        let mut flow = Dataflow::new("q18");
        let (sink, table) = Materialise::by(|bid: &Bid| (bid.bidder, bid.auction));
        flow.source(fed(&rows.bids, |row| row.time)).timed().key_by(|bid| (bid.bidder, bid.auction)).latest_by(|bid| bid.time).sink(sink);
        run(flow, ways);
        let mut expected = HashMap::<(u64, u64), Bid>::new();
        for bid in &rows.bids {
            let last = expected.entry((bid.bidder, bid.auction)).or_insert(*bid);
            if bid.time >= last.time {
                *last = *bid;
            }
        }
        prop_assert_eq!(table.take(), expected);
    }

    #[test]
    fn q19_the_highest_bids_of_an_auction(rows in all_rows(), ways in ways()) {
        let mut flow = Dataflow::new("q19");
        let (sink, table) = Materialise::by(|row: &Ranked<Bid>| (row.row.auction, row.rank));
        flow.source(fed(&rows.bids, |row| row.time)).timed().key_by(|bid| bid.auction).top(10, |bid| bid.price).sink(sink);
        run(flow, ways);
        let mut bids = rows.bids.clone();
        bids.sort_by_key(|bid| (bid.auction, Reverse(bid.price)));
        let (mut expected, mut ranks) = (HashMap::new(), HashMap::<u64, u32>::new());
        for bid in bids {
            let rank = ranks.entry(bid.auction).or_insert(0);
            *rank += 1;
            if *rank <= 10 {
                expected.insert((bid.auction, *rank), Ranked { rank: *rank, row: bid });
            }
        }
        prop_assert_eq!(table.take(), expected);
    }

    #[test]
    fn q20_and_q23_bids_with_auctions_and_people(rows in all_rows(), ways in ways()) {
        let mut flow = Dataflow::new("q20");
        let (sink, out) = Collect::new();
        let auctions = flow.source(fed(&rows.auctions, |row| row.time)).timed().filter(|auction| auction.category == 1);
        let bids = flow.source(fed(&rows.bids, |row| row.time)).timed();
        bids.key_by(|bid| bid.auction).join(auctions.key_by(|auction| auction.id)).inner(|bid, auction| (*bid, *auction)).sink(sink);
        run(flow, ways);
        let mut expected = Vec::new();
        for bid in &rows.bids {
            expected.extend(rows.auctions.iter().filter(|auction| auction.category == 1 && auction.id == bid.auction).map(|auction| (*bid, *auction)));
        }
        prop_assert_eq!(sorted(out.take()), sorted(expected));

        let mut flow = Dataflow::new("q23");
        let (sink, out) = Collect::new();
        let auctions = flow.source(fed(&rows.auctions, |row| row.time)).timed();
        let bids = flow.source(fed(&rows.bids, |row| row.time)).timed();
        let people = flow.source(fed(&rows.people, |row| row.time)).timed();
        bids.key_by(|bid| bid.bidder)
            .join(people.key_by(|person| person.id))
            .inner(|bid, person| (*bid, *person))
            .key_by(|(bid, _)| bid.bidder)
            .join(auctions.key_by(|auction| auction.seller))
            .inner(|(bid, person), auction| (*bid, *person, *auction))
            .sink(sink);
        run(flow, ways);
        let mut expected = Vec::new();
        for bid in &rows.bids {
            for person in rows.people.iter().filter(|person| person.id == bid.bidder) {
                expected.extend(rows.auctions.iter().filter(|auction| auction.seller == bid.bidder).map(|auction| (*bid, *person, *auction)));
            }
        }
        prop_assert_eq!(sorted(out.take()), sorted(expected));
    }
}
