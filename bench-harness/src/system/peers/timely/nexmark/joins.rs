//! q3, q4, q18 and q20: state without an end, so that no time matters. Rows go to the worker of their key as soon as they are read.

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
        kept::KeptBid,
        timely::{Rows, Time},
        unbounded::{Categories, Known, LastBids, Lot, Map, Offer, Offers, Sellers, Side, lot},
    },
    workload::nexmark::{Digest, Event, Query},
};

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

pub(super) fn q3(events: Stream<'_, Time, Batch>, rows: &Rows) {
    let mut sellers = Sellers::default();
    let sides = project(events, |_, event| Side::of(event));
    keyed(sides, Sink::new(Query::Q3, rows), |(seller, _)| *seller, move |rows, side| sellers.take(rows, side));
}

/// Prices that win are changes of a category's sum and count, which go to the worker of the category.
pub(super) fn q4(events: Stream<'_, Time, Batch>, rows: &Rows) {
    let lots = project(events, |_, event| lot(event));
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
    let mut categories = Categories::default();
    keyed(changes, Sink::new(Query::Q4, rows), |change| change.category, move |rows, change| categories.take(rows, change));
}

pub(super) fn q18(events: Stream<'_, Time, Batch>, rows: &Rows) {
    let bids = project(events, |number, event| Some((number, event.bid()?.into())));
    let mut last = LastBids::default();
    keyed(bids, Sink::new(Query::Q18, rows), |(_, bid): &(u64, KeptBid)| bid.bidder, move |rows, bid| last.take(rows, bid));
}

pub(super) fn q20(events: Stream<'_, Time, Batch>, rows: &Rows) {
    let mut known = Offers::default();
    let offers = project(events, |_, event| Offer::of(event));
    keyed(offers, Sink::new(Query::Q20, rows), |(auction, _)| *auction, move |rows, offer| known.take(rows, offer));
}
