//! q5, q7, q8 and q11: windows of event time, which end when the frontier has passed them.

use std::collections::BTreeMap;

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
        unbounded::Map,
        windowed::{Leaders, Met, Party, SIZE_MS, SLIDE_MS, Sessions, end, party},
    },
    workload::nexmark::{Cell, Event, Query},
};

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
                        let end = end(bid.date_time, SLIDE_MS);
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
                        let end = end(bid.date_time, SIZE_MS);
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
    project(events, |_, event| party(event))
        .unary_frontier(Exchange::new(|(id, ..): &Party| *id as u64), "Meet", |_, _| {
            let mut windows = Windows::<Met>::new();
            move |(input, frontier), output| {
                input.for_each(|least, parties| {
                    for party in parties.drain(..) {
                        let end = end(party.1, SIZE_MS);
                        windows.at(end, || least.delayed(&(end - 1), 0)).add(party);
                    }
                });
                while let Some((end, capability, met)) = windows.pop(frontier) {
                    output.session(&capability).give_iterator(met.both().map(|(id, name)| (id, name, end - SIZE_MS)));
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

/// Sessions of a bidder on the bidder's worker.
pub(super) fn q11(events: Stream<'_, Time, Batch>, rows: &Rows) {
    let mut sink = Sink::new(Query::Q11, rows);
    let bids = project(events, |_, event| event.bid().map(|bid| (bid.bidder, bid.date_time)));
    let mut sessions = Sessions::default();
    bids.sink(Exchange::new(|(bidder, _): &(i64, Time)| *bidder as u64), "Sessions", move |(input, frontier)| {
        input.for_each(|_, bids| bids.drain(..).for_each(|bid| sessions.add(bid)));
        if let Some(rows) = sink.rows() {
            sessions.advance(frontier.frontier().first().copied().unwrap_or(Time::MAX), rows);
        }
        if frontier.is_empty() {
            sink.end();
        }
    });
}
