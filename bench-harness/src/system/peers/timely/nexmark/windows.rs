//! q5, q7, q8 and q11: windows of event time, which end when the frontier has passed them.

use std::collections::BTreeMap;

use foldhash::fast::FixedState;
use hashbrown::HashMap;
use timely::dataflow::{
    Stream,
    channels::pact::{Exchange, Pipeline},
    operators::{Capability, generic::operator::Operator},
};

use super::{Batch, Sink, joins::project};
use crate::{
    system::peers::{
        kept::KeptBid,
        timely::{Rows, Time},
    },
    workload::nexmark::{Cell, Event, Query},
};

type Map<K, V> = HashMap<K, V, FixedState>;

const SIZE_MS: i64 = 10_000;
const SLIDE_MS: i64 = 2_000;
const GAP_MS: i64 = 10_000;

/// Start of the window of `size_ms` that a time falls into.
fn start(time: i64, size_ms: i64) -> i64 {
    time.div_euclid(size_ms) * size_ms
}

/// State by the end of its window, oldest first, each with the right to speak at its last ms: so that a frontier which has reached the end has
/// passed all that is said about the window, here and downstream.
struct Windows<S>(BTreeMap<Time, (Capability<Time>, S)>);

impl<S: Default> Windows<S> {
    fn new() -> Windows<S> {
        Windows(BTreeMap::new())
    }

    /// The state of the window that ends at `end`.
    fn at(&mut self, end: Time, capability: impl FnOnce() -> Capability<Time>) -> &mut S {
        &mut self.0.entry(end).or_insert_with(|| (capability(), S::default())).1
    }

    /// The oldest window, if the frontier has reached its end.
    fn pop(&mut self, frontier: &timely::progress::frontier::MutableAntichain<Time>) -> Option<(Time, Capability<Time>, S)> {
        let first = self.0.first_entry().filter(|first| !frontier.less_than(first.key()))?;
        let (end, (capability, state)) = first.remove_entry();
        Some((end, capability, state))
    }
}

/// What has the most, and how much that is.
#[derive(Clone)]
struct Leaders<T> {
    most: i64,
    who: Vec<T>,
}

impl<T> Default for Leaders<T> {
    fn default() -> Self {
        Leaders { most: i64::MIN, who: Vec::new() }
    }
}

impl<T> Leaders<T> {
    #[inline]
    fn add(&mut self, amount: i64, who: impl FnOnce() -> T) {
        if amount >= self.most {
            if amount > self.most {
                self.most = amount;
                self.who.clear();
            }
            self.who.push(who());
        }
    }
}

/// Counts per slice where bids are read; what a slice adds to an auction goes to the five windows that it is in, on the auction's worker; and
/// the leaders of each worker's auctions meet on one.
pub(super) fn q5(events: Stream<'_, Time, Batch>, rows: &Rows) {
    let mut sink = Sink::new(Query::Q5, rows);
    events
        .unary_frontier(Pipeline, "Slices", |_, _| {
            let mut slices = Windows::<Map<i64, u64>>::new();
            move |(input, frontier), output| {
                input.for_each(|least, batch| {
                    let (Some(piece), Some(time)) = (&batch.0, least.least()) else { return };
                    debug_assert!(*time <= piece.last_time());
                    piece.for_each(|_, event| {
                        let Event::Bid(bid) = event else { return };
                        let end = start(bid.date_time, SLIDE_MS) + SLIDE_MS;
                        *slices.at(end, || least.delayed(&(end - 1), 0)).entry(bid.auction).or_default() += 1;
                    });
                });
                while let Some((end, capability, counts)) = slices.pop(frontier) {
                    output.session(&capability).give_iterator(counts.into_iter().map(|(auction, count)| (auction, end, count)));
                }
            }
        })
        .container::<Vec<_>>()
        .unary_frontier(Exchange::new(|(auction, ..): &(i64, Time, u64)| *auction as u64), "Windows", |_, _| {
            let mut windows = Windows::<Map<i64, u64>>::new();
            move |(input, frontier), output| {
                input.for_each(|least, parts| {
                    for (auction, first, count) in parts.drain(..) {
                        for end in (first..first + SIZE_MS).step_by(SLIDE_MS as usize) {
                            *windows.at(end, || least.delayed(&(end - 1), 0)).entry(auction).or_default() += count;
                        }
                    }
                });
                while let Some((end, capability, counts)) = windows.pop(frontier) {
                    let mut leaders = Leaders::default();
                    counts.into_iter().for_each(|(auction, count)| leaders.add(count as i64, || auction));
                    output.session(&capability).give_iterator(leaders.who.into_iter().map(|auction| (end, leaders.most, auction)));
                }
            }
        })
        .container::<Vec<_>>()
        .unary_frontier(Exchange::new(|_: &(Time, i64, i64)| 0), "Leaders", |_, _| {
            let mut windows = Windows::<Leaders<i64>>::new();
            move |(input, frontier), output| {
                input.for_each(|least, leaders| {
                    for (end, count, auction) in leaders.drain(..) {
                        windows.at(end, || least.delayed(&(end - 1), 0)).add(count, || auction);
                    }
                });
                while let Some((end, capability, leaders)) = windows.pop(frontier) {
                    output
                        .session(&capability)
                        .give_iterator(leaders.who.into_iter().map(|auction| (auction, leaders.most, end - SIZE_MS)));
                }
            }
        })
        .container::<Vec<_>>()
        .sink(Pipeline, "Rows", move |(input, frontier)| {
            input.for_each(|_, out| {
                let Some(rows) = sink.rows() else { return };
                out.drain(..).for_each(|(auction, count, start): (i64, i64, i64)| rows.add(&[auction, count, start].map(Cell::Int)));
            });
            if frontier.is_empty() {
                sink.end();
            }
        });
}

/// The bids at the highest price of each worker, which meet on one.
pub(super) fn q7(events: Stream<'_, Time, Batch>, rows: &Rows) {
    let mut sink = Sink::new(Query::Q7, rows);
    events
        .unary_frontier(Pipeline, "Highest here", |_, _| {
            let mut windows = Windows::<Leaders<KeptBid>>::new();
            move |(input, frontier), output| {
                input.for_each(|least, batch| {
                    let Some(piece) = &batch.0 else { return };
                    piece.for_each(|_, event| {
                        let Event::Bid(bid) = event else { return };
                        let end = start(bid.date_time, SIZE_MS) + SIZE_MS;
                        windows.at(end, || least.delayed(&(end - 1), 0)).add(bid.price, || bid.into());
                    });
                });
                while let Some((end, capability, leaders)) = windows.pop(frontier) {
                    output.session(&capability).give_iterator(leaders.who.into_iter().map(|bid| (end, bid)));
                }
            }
        })
        .container::<Vec<_>>()
        .unary_frontier(Exchange::new(|_: &(Time, KeptBid)| 0), "Highest", |_, _| {
            let mut windows = Windows::<Leaders<KeptBid>>::new();
            move |(input, frontier), output| {
                input.for_each(|least, bids| {
                    for (end, bid) in bids.drain(..) {
                        windows.at(end, || least.delayed(&(end - 1), 0)).add(bid.price, || bid);
                    }
                });
                while let Some((_, capability, leaders)) = windows.pop(frontier) {
                    output.session(&capability).give_iterator(leaders.who.into_iter());
                }
            }
        })
        .container::<Vec<_>>()
        .sink(Pipeline, "Rows", move |(input, frontier)| {
            input.for_each(|_, bids| {
                let Some(rows) = sink.rows() else { return };
                for bid in bids.drain(..) {
                    let bid: KeptBid = bid;
                    let [auction, price, bidder, time] = [bid.auction, bid.price, bid.bidder, bid.date_time].map(Cell::Int);
                    rows.add(&[auction, price, bidder, time, Cell::Text(bid.view().extra)]);
                }
            });
            if frontier.is_empty() {
                sink.end();
            }
        });
}

/// Persons with their names, and sellers without one, by id.
pub(super) fn q8(events: Stream<'_, Time, Batch>, rows: &Rows) {
    let mut sink = Sink::new(Query::Q8, rows);
    project(events, |_, event| match event {
        Event::Person(p) => Some((p.id, p.date_time, Some(Box::<str>::from(p.name)))),
        Event::Auction(a) => Some((a.seller, a.date_time, None)),
        Event::Bid(_) => None,
    })
    .unary_frontier(Exchange::new(|(id, ..): &(i64, Time, Option<Box<str>>)| *id as u64), "Meet", |_, _| {
        let mut windows = Windows::<Map<i64, (Option<Box<str>>, bool)>>::new();
        move |(input, frontier), output| {
            input.for_each(|least, sides| {
                for (id, time, name) in sides.drain(..) {
                    let end = start(time, SIZE_MS) + SIZE_MS;
                    let (person, sells) = windows.at(end, || least.delayed(&(end - 1), 0)).entry(id).or_default();
                    match name {
                        Some(name) => *person = Some(name),
                        None => *sells = true,
                    }
                }
            });
            while let Some((end, capability, met)) = windows.pop(frontier) {
                let both = met.into_iter().filter(|(_, (_, sells))| *sells);
                let rows = both.filter_map(|(id, (name, _))| Some((id, name?, end - SIZE_MS)));
                output.session(&capability).give_iterator(rows);
            }
        }
    })
    .container::<Vec<_>>()
    .sink(Pipeline, "Rows", move |(input, frontier)| {
        input.for_each(|_, out| {
            let Some(rows) = sink.rows() else { return };
            out.drain(..)
                .for_each(|(id, name, start): (i64, Box<str>, i64)| rows.add(&[Cell::Int(id), Cell::Text(&name), Cell::Int(start)]));
        });
        if frontier.is_empty() {
            sink.end();
        }
    });
}

/// First and last bid, and how many.
type Session = (Time, Time, i64);

/// Sessions of a bidder on the bidder's worker. Bids of two workers come out of order, so that a bidder may have several open sessions.
pub(super) fn q11(events: Stream<'_, Time, Batch>, rows: &Rows) {
    let mut sink = Sink::new(Query::Q11, rows);
    let bids = project(events, |_, event| event.bid().map(|bid| (bid.bidder, bid.date_time)));
    let mut sessions = Map::<i64, Vec<Session>>::default();
    // No session ends before.
    let mut next_sweep = Time::MIN;
    bids.sink(Exchange::new(|(bidder, _): &(i64, Time)| *bidder as u64), "Sessions", move |(input, frontier)| {
        input.for_each(|_, bids| {
            for (bidder, time) in bids.drain(..) {
                let open = sessions.entry(bidder).or_default();
                let mut session = (time, time, 1);
                // Nearly always the one session there is, and it grows at its end.
                open.retain(|&(first, last, count)| {
                    let apart = first - session.1 > GAP_MS || session.0 - last > GAP_MS;
                    if !apart {
                        session = (first.min(session.0), last.max(session.1), count + session.2);
                    }
                    apart
                });
                open.push(session);
            }
        });
        let watermark = frontier.frontier().first().copied().unwrap_or(Time::MAX);
        if watermark > next_sweep
            && let Some(rows) = sink.rows()
        {
            next_sweep = watermark;
            sessions.retain(|bidder, open| {
                open.retain(|&(first, last, count)| {
                    // A bid at the watermark may still come.
                    let is_open = watermark - GAP_MS <= last && watermark < Time::MAX;
                    if !is_open {
                        rows.add(&[*bidder, count, first, last + GAP_MS].map(Cell::Int));
                    }
                    is_open
                });
                !open.is_empty()
            });
        }
        if frontier.is_empty() {
            sink.end();
        }
    });
}
