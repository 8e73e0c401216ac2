//! q3, q4, q18 and q20: state without an end, so that no time matters. Rows go to the worker of their key as soon as they are read.

use foldhash::fast::FixedState;
use hashbrown::{HashMap, hash_map::Entry};
use serde::{Deserialize, Serialize};
use timely::{
    ExchangeData,
    dataflow::{
        Stream,
        channels::pact::{Exchange, Pipeline},
        operators::generic::operator::Operator,
    },
};

use super::{Batch, Sink};
use crate::{
    system::peers::{
        auctions::{Known, Lot, Price},
        kept::{KeptAuction, KeptBid},
        timely::{Rows, Time},
    },
    workload::nexmark::{Cell, Digest, Event, Query},
};

type Map<K, V> = HashMap<K, V, FixedState>;

/// What a query asks of an event, as a record of its own.
pub(super) fn project<'scope, D: Clone + 'static>(
    events: Stream<'scope, Time, Batch>,
    project: impl Fn(u64, Event<'_>) -> Option<D> + 'static,
) -> Stream<'scope, Time, Vec<D>> {
    events.unary(Pipeline, "Project", move |_, _| {
        move |input, output| {
            input.for_each(|time, batch| {
                let Some(piece) = &batch.0 else { return };
                let mut session = output.session(&time);
                piece.for_each(|number, event| {
                    if let Some(record) = project(number, event) {
                        session.give(record);
                    }
                });
            });
        }
    })
}

/// Takes each record on the worker of its key; adds rows, and takes them back, until the end.
fn keyed<D: ExchangeData>(
    records: Stream<'_, Time, Vec<D>>,
    mut sink: Sink,
    key: impl Fn(&D) -> i64 + 'static,
    mut take: impl FnMut(&mut Digest, D) + 'static,
) {
    records.sink(Exchange::new(move |record: &D| key(record) as u64), "State", move |(input, frontier)| {
        input.for_each(|_, records| {
            if let Some(rows) = sink.rows() {
                records.drain(..).for_each(|record| take(rows, record));
            }
        });
        if frontier.is_empty() {
            sink.end();
        }
    });
}

/// A person of the wanted states with name, city and state, or the id of an auction of the wanted category.
#[derive(Clone, Serialize, Deserialize)]
enum Side {
    Person(Box<[Box<str>; 3]>),
    Auction(i64),
}

pub(super) fn q3(events: Stream<'_, Time, Batch>, rows: &Rows) {
    let sides = project(events, |_, event| match event {
        Event::Person(p) if ["OR", "ID", "CA"].contains(&p.state) => {
            Some((p.id, Side::Person(Box::new([p.name, p.city, p.state].map(Into::into)))))
        }
        Event::Auction(a) if a.category == 10 => Some((a.seller, Side::Auction(a.id))),
        _ => None,
    });
    // Whoever comes first waits for the other: no row is made twice.
    let mut known = Map::<i64, (Option<Box<[Box<str>; 3]>>, Vec<i64>)>::default();
    keyed(
        sides,
        Sink::new(Query::Q3, rows),
        |(seller, _)| *seller,
        move |rows, (seller, side)| {
            let add = |rows: &mut Digest, person: &[Box<str>; 3], auction| {
                let [name, city, state] = person.each_ref().map(|text| Cell::Text(text));
                rows.add(&[name, city, state, Cell::Int(auction)]);
            };
            let (person, auctions) = known.entry(seller).or_default();
            match side {
                Side::Person(new) => {
                    auctions.drain(..).for_each(|auction| add(rows, &new, auction));
                    *person = Some(new);
                }
                Side::Auction(auction) => match person {
                    Some(person) => add(rows, person, auction),
                    None => auctions.push(auction),
                },
            }
        },
    );
}

/// Prices that win are changes of a category's sum and count, which go to the worker of the category.
pub(super) fn q4(events: Stream<'_, Time, Batch>, rows: &Rows) {
    let lots = project(events, |_, event| match event {
        Event::Auction(a) => Some((a.id, Lot::Opens { category: a.category, from: a.date_time, until: a.expires })),
        Event::Bid(b) => Some((b.auction, Lot::Bid(Price { price: b.price, made: b.date_time }))),
        Event::Person(_) => None,
    });
    let changes = lots.unary(Exchange::new(|(auction, _): &(i64, Lot)| *auction as u64), "Win", |_, _| {
        let mut known = Map::<i64, Known>::default();
        move |input, output| {
            input.for_each(|time, lots| {
                let mut session = output.session(&time);
                for (auction, lot) in lots.drain(..) {
                    if let Some(change) = known.entry(auction).or_default().take(lot) {
                        session.give(change);
                    }
                }
            });
        }
    });
    let mut categories = Map::<i64, (i64, i64)>::default();
    keyed(
        changes,
        Sink::new(Query::Q4, rows),
        |change| change.category,
        move |rows, change| {
            let row = |category, (sum, count)| [Cell::Int(category), Cell::Int(sum / count)];
            let total = categories.entry(change.category).or_default();
            if total.1 > 0 {
                rows.remove(&row(change.category, *total));
            }
            *total = (total.0 + change.sum, total.1 + change.count);
            rows.add(&row(change.category, *total));
        },
    );
}

pub(super) fn q18(events: Stream<'_, Time, Batch>, rows: &Rows) {
    let bids = project(events, |number, event| Some((number, KeptBid::from(event.bid()?))));
    let mut last = Map::<(i64, i64), (u64, KeptBid)>::default();
    keyed(
        bids,
        Sink::new(Query::Q18, rows),
        |(_, bid)| bid.bidder,
        move |rows, (number, bid)| match last.entry((bid.bidder, bid.auction)) {
            Entry::Vacant(place) => {
                rows.add(&bid.cells());
                place.insert((number, bid));
            }
            Entry::Occupied(mut place) => {
                let (before, kept) = place.get();
                if (bid.date_time, number) > (kept.date_time, *before) {
                    rows.remove(&kept.cells());
                    rows.add(&bid.cells());
                    place.insert((number, bid));
                }
            }
        },
    );
}

/// A bid, or an auction: of another category than the wanted one only its id, so that no bid waits for it.
#[derive(Clone, Serialize, Deserialize)]
enum Offer {
    Bid(KeptBid),
    Auction(KeptAuction),
    Other,
}

pub(super) fn q20(events: Stream<'_, Time, Batch>, rows: &Rows) {
    enum State {
        Waiting(Vec<KeptBid>),
        Auction(KeptAuction),
        Other,
    }
    let offers = project(events, |_, event| match event {
        Event::Bid(b) => Some((b.auction, Offer::Bid(b.into()))),
        Event::Auction(a) if a.category == 10 => Some((a.id, Offer::Auction(a.into()))),
        Event::Auction(a) => Some((a.id, Offer::Other)),
        Event::Person(_) => None,
    });
    let mut known = Map::<i64, State>::default();
    keyed(
        offers,
        Sink::new(Query::Q20, rows),
        |(auction, _)| *auction,
        move |rows, (auction, offer)| {
            let state = known.entry(auction).or_insert_with(|| State::Waiting(Vec::new()));
            match (offer, &mut *state) {
                (Offer::Bid(bid), State::Waiting(bids)) => bids.push(bid),
                (Offer::Bid(bid), State::Auction(auction)) => rows.add(&auction.row(&bid)),
                (Offer::Bid(_), State::Other) => {}
                (Offer::Auction(auction), State::Waiting(bids)) => {
                    bids.iter().for_each(|bid| rows.add(&auction.row(bid)));
                    *state = State::Auction(auction);
                }
                (Offer::Other, _) => *state = State::Other,
                (Offer::Auction(_), _) => unreachable!("an auction opens once"),
            }
        },
    );
}
