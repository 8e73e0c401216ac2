//! Seven queries of Nexmark, each as one loop on one core.
//!
//! ```text
//!   events ─▶ match on the kind ─▶ state, indexed by what an id is beyond the first one ─▶ rows ─▶ Digest
//! ```
//!
//! They know what a pipeline cannot: that event time is monotone, so that a window ends with the first event behind it; and that ids are dense.
//! They do not use that the replayed events stay in memory: input is a buffer that is used again, so what q18 and q20 keep for good is copied,
//! as any program over a stream must. Rows that live for a window of seconds at most borrow still. Rows and changes are the same, and come at
//! the same event time or earlier, sessions at most two seconds later.

use std::time::Duration;

use super::{dense::Dense, table::Table};
use crate::{
    system::cores::parallel,
    workload::{
        Answer,
        nexmark::{Auction, Bid, Cell, Digest, Event, Events, Query},
    },
};

/// The loop of a query, if one was written.
pub(super) fn of(query: Query) -> Option<fn(&Events, &mut Digest)> {
    match query {
        Query::Q1 => Some(q1),
        Query::Q5 => Some(q5),
        Query::Q7 => Some(q7),
        Query::Q8 => Some(q8),
        Query::Q11 => Some(q11),
        Query::Q18 => Some(q18),
        Query::Q20 => Some(q20),
        _ => None,
    }
}

/// Runs a query's loop on one core.
pub(super) fn run(query: Query, each: fn(&Events, &mut Digest), events: &Events) -> (Duration, Answer) {
    let work = |_| {
        let mut digest = Digest::new(query);
        each(events, &mut digest);
        digest.answer()
    };
    parallel(1, work, |parts| parts.into_iter().fold(Answer::default(), Answer::merge))
}

/// Start of the window of `size_ms` that a time falls into.
fn start(time: i64, size_ms: i64) -> i64 {
    time.div_euclid(size_ms) * size_ms
}

fn q1(events: &Events, rows: &mut Digest) {
    events.for_each(|event| {
        if let Event::Bid(bid) = event {
            let price = Cell::Thousandths(i128::from(bid.price) * 908);
            rows.add(&[Cell::Int(bid.auction), Cell::Int(bid.bidder), price, Cell::Int(bid.date_time), Cell::Text(bid.extra)]);
        }
    });
}

/// Counts per pane of two seconds; a window is the sum of five.
fn q5(events: &Events, rows: &mut Digest) {
    const PANES: usize = 5;
    const SLIDE_MS: i64 = 2_000;
    let mut panes: [Dense<u32>; PANES] = Default::default();
    let mut at = 0;
    // The end of the open pane, and of the window whose last pane it is.
    let mut end = None::<i64>;
    let mut sums = Vec::<u32>::new();
    let mut close = |panes: &mut [Dense<u32>; PANES], end: i64| {
        let taken = || panes.iter().map(Dense::ids).filter(|ids| !ids.is_empty());
        let (Some(low), Some(high)) = (taken().map(|ids| ids.start).min(), taken().map(|ids| ids.end).max()) else { return false };
        sums.clear();
        sums.resize((high - low) as usize, 0);
        for pane in panes.iter().filter(|pane| !pane.ids().is_empty()) {
            let from = (pane.ids().start - low) as usize;
            sums[from..].iter_mut().zip(pane.values()).for_each(|(sum, count)| *sum += count);
        }
        let most = sums.iter().copied().max().unwrap_or(0);
        for (_, auction) in sums.iter().zip(low..).filter(|&(&sum, _)| sum == most) {
            rows.add(&[Cell::Int(auction), Cell::Int(most.into()), Cell::Int(end - PANES as i64 * SLIDE_MS)]);
        }
        true
    };
    events.for_each(|event| {
        let Event::Bid(bid) = event else { return };
        let mut open = *end.get_or_insert_with(|| start(bid.date_time, SLIDE_MS) + SLIDE_MS);
        while bid.date_time >= open {
            // After windows without a bid the next one begins anew.
            let is_any = close(&mut panes, open);
            at = (at + 1) % PANES;
            panes[at].clear();
            open = if is_any { open + SLIDE_MS } else { start(bid.date_time, SLIDE_MS) + SLIDE_MS };
            end = Some(open);
        }
        *panes[at].value(bid.auction) += 1;
    });
    let mut open = end.unwrap_or(0);
    while close(&mut panes, open) {
        at = (at + 1) % PANES;
        panes[at].clear();
        open += SLIDE_MS;
    }
}

fn q7(events: &Events, rows: &mut Digest) {
    const SIZE_MS: i64 = 10_000;
    let mut end = i64::MIN;
    let mut highest = i64::MIN;
    let mut top = Vec::<Bid<'_>>::new();
    let mut close = |top: &mut Vec<Bid<'_>>| {
        for bid in top.drain(..) {
            let [auction, price, bidder, time] = [bid.auction, bid.price, bid.bidder, bid.date_time].map(Cell::Int);
            rows.add(&[auction, price, bidder, time, Cell::Text(bid.extra)]);
        }
    };
    events.for_each(|event| {
        let Event::Bid(bid) = event else { return };
        if bid.date_time >= end {
            close(&mut top);
            (end, highest) = (start(bid.date_time, SIZE_MS) + SIZE_MS, i64::MIN);
        }
        if bid.price >= highest {
            if bid.price > highest {
                top.clear();
                highest = bid.price;
            }
            top.push(bid);
        }
    });
    close(&mut top);
}

fn q8(events: &Events, rows: &mut Digest) {
    const SIZE_MS: i64 = 10_000;
    let mut end = i64::MIN;
    let mut persons = Vec::<(i64, &str)>::new();
    let mut sellers = Dense::<bool>::default();
    let mut close = |persons: &mut Vec<(i64, &str)>, sellers: &mut Dense<bool>, end: i64| {
        for (id, name) in persons.drain(..).filter(|&(id, _)| sellers.get(id)) {
            rows.add(&[Cell::Int(id), Cell::Text(name), Cell::Int(end - SIZE_MS)]);
        }
        sellers.clear();
    };
    events.for_each(|event| {
        // Bids are not even asked for their time.
        if let Event::Bid(_) = event {
            return;
        }
        if event.date_time() >= end {
            close(&mut persons, &mut sellers, end);
            end = start(event.date_time(), SIZE_MS) + SIZE_MS;
        }
        match event {
            Event::Person(person) => persons.push((person.id, person.name)),
            Event::Auction(auction) => *sellers.value(auction.seller) = true,
            Event::Bid(_) => {}
        }
    });
    close(&mut persons, &mut sellers, end);
}

/// A session; none if the count is 0.
#[derive(Clone, Copy, Default)]
struct Open {
    first: i64,
    last: i64,
    count: i64,
}

fn q11(events: &Events, rows: &mut Digest) {
    const GAP_MS: i64 = 10_000;
    const SWEEP_MS: i64 = 2_000;
    let mut sessions = Dense::<Open>::default();
    let mut next_sweep = i64::MIN;
    // No session of a bidder below it is open.
    let mut low = i64::MIN;
    let mut emit = |bidder: i64, open: Open| {
        rows.add(&[Cell::Int(bidder), Cell::Int(open.count), Cell::Int(open.first), Cell::Int(open.last + GAP_MS)]);
    };
    events.for_each(|event| {
        let Event::Bid(bid) = event else { return };
        if bid.date_time >= next_sweep {
            next_sweep = bid.date_time + SWEEP_MS;
            let mut still = None;
            for (bidder, open) in sessions.from(low).filter(|(_, open)| open.count > 0) {
                if bid.date_time - open.last > GAP_MS {
                    emit(bidder, std::mem::take(open));
                } else {
                    still = still.or(Some(bidder));
                }
            }
            low = still.unwrap_or(i64::MAX);
        }
        let open = sessions.value(bid.bidder);
        if open.count == 0 || bid.date_time - open.last > GAP_MS {
            if open.count > 0 {
                emit(bid.bidder, *open);
            }
            *open = Open { first: bid.date_time, last: 0, count: 0 };
            low = low.min(bid.bidder);
        }
        open.last = bid.date_time;
        open.count += 1;
    });
    sessions.from(i64::MIN).filter(|(_, open)| open.count > 0).for_each(|(bidder, open)| emit(bidder, *open));
}

fn bid_row<'a>(bid: &Bid<'a>) -> [Cell<'a>; 7] {
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

/// A bid that is kept: its texts one behind the other in a buffer of its own, which the next one takes over.
#[derive(Default)]
struct KeptBid {
    numbers: [i64; 4],
    texts: String,
    /// Where the channel and the url end.
    ends: [u32; 2],
}

impl KeptBid {
    fn set(&mut self, bid: &Bid<'_>) {
        self.numbers = [bid.auction, bid.bidder, bid.price, bid.date_time];
        self.texts.clear();
        self.texts.reserve(bid.channel.len() + bid.url.len() + bid.extra.len());
        self.texts.push_str(bid.channel);
        let channel = self.texts.len() as u32;
        self.texts.push_str(bid.url);
        self.ends = [channel, self.texts.len() as u32];
        self.texts.push_str(bid.extra);
    }

    fn of(bid: &Bid<'_>) -> KeptBid {
        let mut kept = KeptBid::default();
        kept.set(bid);
        kept
    }

    fn bid(&self) -> Bid<'_> {
        let [auction, bidder, price, date_time] = self.numbers;
        let [channel, url] = self.ends.map(|end| end as usize);
        let texts = &self.texts;
        Bid { auction, bidder, price, channel: &texts[..channel], url: &texts[channel..url], date_time, extra: &texts[url..] }
    }
}

/// An auction that is kept.
struct KeptAuction {
    numbers: [i64; 7],
    texts: String,
    ends: [u32; 2],
}

impl KeptAuction {
    fn of(a: &Auction<'_>) -> KeptAuction {
        let ends = [a.item_name.len() as u32, (a.item_name.len() + a.description.len()) as u32];
        let numbers = [a.id, a.initial_bid, a.reserve, a.date_time, a.expires, a.seller, a.category];
        KeptAuction { numbers, texts: [a.item_name, a.description, a.extra].concat(), ends }
    }

    fn auction(&self) -> Auction<'_> {
        let [id, initial_bid, reserve, date_time, expires, seller, category] = self.numbers;
        let [name, description] = self.ends.map(|end| end as usize);
        let (item_name, description, extra) = (&self.texts[..name], &self.texts[name..description], &self.texts[description..]);
        Auction { id, item_name, description, initial_bid, reserve, date_time, expires, seller, category, extra }
    }
}

/// The table has the place of the last bid and one. Each bid replaces the row of the one before, as it does downstream of the engine.
fn q18(events: &Events, rows: &mut Digest) {
    let mut bids = Vec::<KeptBid>::new();
    let mut table = Table::<u32>::for_keys(1 << 16);
    events.for_each(|event| {
        let Event::Bid(bid) = event else { return };
        let (bidder, auction) = (u32::try_from(bid.bidder), u32::try_from(bid.auction));
        let (Ok(bidder), Ok(auction)) = (bidder, auction) else { unreachable!("ids count from 1,000, and there are no 4 billion of them") };
        let place = table.value(u64::from(bidder) << 32 | u64::from(auction));
        match bids.get_mut((*place).wrapping_sub(1) as usize) {
            Some(before) => {
                rows.remove(&bid_row(&before.bid()));
                before.set(&bid);
            }
            None => {
                bids.push(KeptBid::of(&bid));
                *place = bids.len() as u32;
            }
        }
        rows.add(&bid_row(&bid));
    });
}

/// What is known of an auction.
#[derive(Clone, Copy, Default)]
enum Known {
    /// Nothing yet.
    #[default]
    Nothing,
    /// It has not opened; the last one of the bids that wait for it, by its place.
    Waiting(u32),
    /// It is of another category.
    Other,
    /// Its place.
    Wanted(u32),
}

fn q20(events: &Events, rows: &mut Digest) {
    let mut known = Dense::<Known>::default();
    let mut auctions = Vec::<KeptAuction>::new();
    // Bids that wait, each with the one that waited before it.
    let mut waiting = Vec::<(KeptBid, Option<u32>)>::new();
    let mut waiting_now = 0u64;
    let mut emit = |bid: &Bid<'_>, a: &Auction<'_>| {
        let [auction, bidder, price, channel, url, time, extra] = bid_row(bid);
        let [initial_bid, reserve, date_time, expires, seller, category] =
            [a.initial_bid, a.reserve, a.date_time, a.expires, a.seller, a.category].map(Cell::Int);
        let [item_name, description, auction_extra] = [a.item_name, a.description, a.extra].map(Cell::Text);
        rows.add(&[
            auction,
            bidder,
            price,
            channel,
            url,
            time,
            extra,
            item_name,
            description,
            initial_bid,
            reserve,
            date_time,
            expires,
            seller,
            category,
            auction_extra,
        ]);
    };
    events.for_each(|event| match event {
        Event::Bid(bid) => {
            let of = known.value(bid.auction);
            let before = match *of {
                Known::Wanted(place) => return emit(&bid, &auctions[place as usize].auction()),
                Known::Other => return,
                Known::Waiting(before) => Some(before),
                Known::Nothing => None,
            };
            *of = Known::Waiting(waiting.len() as u32);
            waiting.push((KeptBid::of(&bid), before));
            waiting_now += 1;
        }
        Event::Auction(auction) => {
            let is_wanted = auction.category == 10;
            let now = if is_wanted { Known::Wanted(auctions.len() as u32) } else { Known::Other };
            let mut next = match std::mem::replace(known.value(auction.id), now) {
                Known::Waiting(last) => Some(last),
                _ => None,
            };
            while let Some(place) = next {
                let (bid, before) = &waiting[place as usize];
                if is_wanted {
                    emit(&bid.bid(), &auction);
                }
                next = *before;
                waiting_now -= 1;
            }
            if waiting_now == 0 {
                waiting.clear();
            }
            if is_wanted {
                auctions.push(KeptAuction::of(&auction));
            }
        }
        Event::Person(_) => {}
    });
}
