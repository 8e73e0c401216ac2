//! What a keyed operator costs per record, beside a loop by hand.
//!
//! `cargo run --release -p thalweg --example keyed_speed`

use std::{collections::HashMap, time::Instant};

use thalweg::{
    Config, Dataflow, Fold, Generate, Monotone,
    changelog::Change,
    process::{Context, Process, Ranked, Timer},
};

const RECORDS: u64 = 50_000_000;

/// Counts the records of each key, and emits each thousandth count.
struct Counter;

impl Process<u64, u64> for Counter {
    type State = u64;
    type Out = u64;
    #[inline(always)]
    fn on_record(&mut self, state: &mut Option<u64>, _: u64, cx: &mut Context<'_, u64, u64>) {
        let count = state.get_or_insert(0);
        *count += 1;
        if count.is_multiple_of(1000) {
            cx.emit(*count);
        }
    }
}

/// As [`Counter`], and emits every count.
struct EveryCount;

impl Process<u64, u64> for EveryCount {
    type State = u64;
    type Out = u64;
    #[inline(always)]
    fn on_record(&mut self, state: &mut Option<u64>, _: u64, cx: &mut Context<'_, u64, u64>) {
        let count = state.get_or_insert(0);
        *count += 1;
        cx.emit(*count);
    }
}

/// A key that no branch can guess.
fn key(i: u64, keys: u64) -> u64 {
    let mixed = (i ^ (i >> 31)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    ((u128::from(mixed) * u128::from(keys)) >> 64) as u64
}

fn timed(name: &str, records: u64, run: impl FnOnce() -> u64) {
    let start = Instant::now();
    let result = run();
    let ns = start.elapsed().as_nanos() as f64 / records as f64;
    println!("{name:<44} {ns:>7.2} ns a record  {:>7.1} M/s   ({result})", 1e3 / ns);
}

fn counted<P: Process<u64, u64, Out = u64>>(keys: u64, spread: u64, make: fn() -> P) -> u64 {
    let mut flow = Dataflow::new("count");
    let (sink, sum) = Fold::new(0u64, |sum: &mut u64, count: u64| *sum = sum.wrapping_add(count));
    flow.source(Generate::new(RECORDS, move |i| key(i, keys).wrapping_mul(spread)))
        .watermarks(Monotone, |_| 0)
        .key_by(|key| *key)
        .process(make)
        .sink(sink);
    flow.start(Config::default().workers(1)).expect("a sound flow").join().expect("no fault");
    sum.merge(|a, b| a.wrapping_add(b)).unwrap_or(0)
}

/// Two rows of an auction and its bids, of which one in `bids` is the auction.
fn joined(records: u64, bids: u64) -> u64 {
    let mut flow = Dataflow::new("join");
    let (sink, sum) = Fold::new(0u64, |sum: &mut u64, pair: u64| *sum = sum.wrapping_add(pair));
    // Bids come after their auction, up to two hundred auctions later.
    let auctions = Generate::new(records / bids, |i| (i, i * 3));
    let offers = Generate::new(records, move |i| ((i / bids).saturating_sub(key(i, 200)), i));
    let auctions = flow.source(auctions).watermarks(Monotone, |_| 0).key_by(|auction| auction.0);
    let offers = flow.source(offers).watermarks(Monotone, |_| 0).key_by(|offer| offer.0);
    offers.join(auctions).inner(|offer, auction| offer.1 ^ auction.1).sink(sink);
    flow.start(Config::default().workers(1)).expect("a sound flow").join().expect("no fault");
    sum.merge(|a, b| a.wrapping_add(b)).unwrap_or(0)
}

/// The same by hand: both sides kept, since either may come first.
fn joined_by_hand(records: u64, bids: u64) -> u64 {
    let (mut lefts, mut rights) = (Vec::<Vec<(u64, u64)>>::new(), Vec::<Vec<(u64, u64)>>::new());
    let mut sum = 0u64;
    for i in 0..records {
        if i.is_multiple_of(bids) {
            let auction = (i / bids, i / bids * 3);
            let at = auction.0 as usize;
            if at >= rights.len() {
                rights.resize_with((at + 1).next_power_of_two(), Vec::new);
                lefts.resize_with((at + 1).next_power_of_two(), Vec::new);
            }
            lefts[at].iter().for_each(|offer| sum = sum.wrapping_add(offer.1 ^ auction.1));
            rights[at].push(auction);
        }
        let offer = ((i / bids).saturating_sub(key(i, 200)), i);
        let at = offer.0 as usize;
        rights[at].iter().for_each(|auction| sum = sum.wrapping_add(offer.1 ^ auction.1));
        lefts[at].push(offer);
    }
    sum
}

/// Forgets a user after a second of silence: each record moves its key's timer.
struct Silence;

impl Process<u64, u64> for Silence {
    type State = i64;
    type Out = u64;
    fn on_record(&mut self, seen: &mut Option<i64>, _: u64, cx: &mut Context<'_, u64, u64>) {
        if let Some(seen) = seen.replace(cx.time()) {
            cx.cancel_timer(seen + 1000);
        }
        cx.set_timer(cx.time() + 1000);
    }
    fn on_timer(&mut self, seen: &mut Option<i64>, _: Timer, cx: &mut Context<'_, u64, u64>) {
        *seen = None;
        cx.emit(*cx.key());
    }
}

/// A bid: auction, bidder, price, number.
type Bid = (u64, u64, u64, u64);

fn bid(i: u64) -> Bid {
    // Half of all bids are on one of the last hundred auctions' hottest.
    let newest = i / 16;
    let auction = if i.is_multiple_of(2) { newest / 100 * 100 } else { newest.saturating_sub(key(i, 100)) };
    (auction, key(i.rotate_left(7), 1000) + i / 1000, key(i.rotate_left(13), 1_000_000), i)
}

/// Runs `build` over so many bids; a record every 10 us of event time.
fn over_bids<S>(records: u64, build: impl FnOnce(&mut Dataflow, Generate<fn(u64) -> Bid>) -> S, result: impl FnOnce(S) -> u64) -> u64 {
    let mut flow = Dataflow::new("bids");
    let kept = build(&mut flow, Generate::new(records, bid as fn(u64) -> Bid));
    flow.start(Config::default().workers(1)).expect("a sound flow").join().expect("no fault");
    result(kept)
}

fn main() {
    println!("bids");
    const RECORDS_OF_BIDS: u64 = 5_000_000;
    let times = |bid: &Bid| bid.3 as i64 / 100;
    timed("  by hand: latest in a map, nearly all new", RECORDS_OF_BIDS, || {
        let mut latest = HashMap::<(u64, u64), Bid>::new();
        let mut changes = 0;
        for bid in (0..RECORDS_OF_BIDS).map(bid) {
            let before = latest.insert((bid.0, bid.1), bid);
            changes += u64::from(before.is_none_or(|before| before != bid));
        }
        changes
    });
    timed("  latest bid of a bidder and auction (hashed)", RECORDS_OF_BIDS, || {
        let build = |flow: &mut Dataflow, bids: Generate<fn(u64) -> Bid>| {
            let (sink, changes) = Fold::new(0u64, |changes: &mut u64, _: Change<Bid>| *changes += 1);
            flow.source(bids).watermarks(Monotone, times).key_by(|bid| (bid.0, bid.1)).latest_by(|bid| bid.3).sink(sink);
            changes
        };
        over_bids(RECORDS_OF_BIDS, build, |changes| changes.merge(|a, b| a + b).unwrap_or(0))
    });
    timed("  ten highest bids of an auction", RECORDS_OF_BIDS, || {
        let build = |flow: &mut Dataflow, bids: Generate<fn(u64) -> Bid>| {
            let (sink, changes) = Fold::new(0u64, |changes: &mut u64, _: Change<Ranked<Bid>>| *changes += 1);
            flow.source(bids).watermarks(Monotone, times).key_by(|bid| bid.0).top(10, |bid| bid.2).sink(sink);
            changes
        };
        over_bids(RECORDS_OF_BIDS, build, |changes| changes.merge(|a, b| a + b).unwrap_or(0))
    });
    timed("  first bid of a bidder within 10 s", RECORDS_OF_BIDS, || {
        let build = |flow: &mut Dataflow, bids: Generate<fn(u64) -> Bid>| {
            let (sink, firsts) = Fold::new(0u64, |firsts: &mut u64, _: Bid| *firsts += 1);
            flow.source(bids).watermarks(Monotone, times).key_by(|bid| bid.1).deduplicate_within(10_000).sink(sink);
            firsts
        };
        over_bids(RECORDS_OF_BIDS, build, |firsts| firsts.merge(|a, b| a + b).unwrap_or(0))
    });
    timed("  a timer moved by each bid, 1,000 bidders", RECORDS_OF_BIDS, || {
        let build = |flow: &mut Dataflow, bids: Generate<fn(u64) -> Bid>| {
            let (sink, silent) = Fold::new(0u64, |silent: &mut u64, _: u64| *silent += 1);
            flow.source(bids).watermarks(Monotone, times).map(|bid| bid.1).key_by(|bidder| *bidder).process(|| Silence).sink(sink);
            silent
        };
        over_bids(RECORDS_OF_BIDS, build, |silent| silent.merge(|a, b| a + b).unwrap_or(0))
    });
    println!("join of bids with their auction, one in 16");
    const BIDS: u64 = 10_000_000;
    timed("  by hand: an array of vectors", BIDS, || joined_by_hand(BIDS, 16));
    timed("  join, inner", BIDS, || joined(BIDS, 16));
    for keys in [1_000, 10_000, 1_000_000] {
        println!("{keys} keys");
        timed("  by hand: array, each thousandth", RECORDS, || {
            let mut counts = vec![0u64; keys as usize];
            let mut sum = 0u64;
            for i in 0..RECORDS {
                let count = &mut counts[key(i, keys) as usize];
                *count += 1;
                if count.is_multiple_of(1000) {
                    sum = sum.wrapping_add(*count);
                }
            }
            sum
        });
        timed("  process: dense, each thousandth", RECORDS, || counted(keys, 1, || Counter));
        timed("  process: dense, every count", RECORDS, || counted(keys, 1, || EveryCount));
        timed("  process: scattered, each thousandth", RECORDS, || counted(keys, 0x9e37_79b9_7f4a_7c15, || Counter));
    }
}
