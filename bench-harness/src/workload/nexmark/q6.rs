//! q6: for each seller the average of the winning prices of the last ten auctions that closed.

use thalweg::{
    Dataflow, Own,
    changelog::Change,
    process::{Context, Either, Process, Timer},
    source::Source,
};

use super::{
    Arrival, Arrivals, Cell,
    program::{Output, WATERMARKS},
    winners::{self, Known, Lot, Price, auction_of, lot_or_price},
};

/// Emits an auction and its winning bid when the watermark has passed its end.
struct Closed;

impl Process<i64, Either<Lot, Price>> for Closed {
    type State = Known<Lot, Price>;
    type Out = (Lot, Price);

    fn on_record(&mut self, known: &mut Option<Self::State>, record: Either<Lot, Price>, cx: &mut Context<'_, i64, Self::Out>) {
        if let Either::Left(lot) = record {
            cx.set_timer(lot.expires);
        }
        winners::take(known, record);
    }

    fn on_timer(&mut self, known: &mut Option<Self::State>, _: Timer, cx: &mut Context<'_, i64, Self::Out>) {
        // Nothing that comes now can count.
        if let Some(Known::Open(lot, Some(best))) = known.take() {
            cx.emit((lot, best));
        }
    }
}

/// The last ten of a seller, by expiry and id.
const LAST: usize = 10;

struct LastTen;

impl Process<i64, (Lot, Price)> for LastTen {
    /// `(expires, id, price)`, in order.
    type State = Vec<(i64, i64, i64)>;
    type Out = Change<(i64, i64)>;

    fn on_record(&mut self, last: &mut Option<Self::State>, (lot, best): (Lot, Price), cx: &mut Context<'_, i64, Self::Out>) {
        let last = last.get_or_insert_with(|| Vec::with_capacity(LAST + 1));
        let average = |last: &[(i64, i64, i64)]| {
            let sum: i128 = last.iter().map(|&(_, _, price)| i128::from(price)).sum();
            (!last.is_empty()).then(|| (sum / last.len() as i128) as i64)
        };
        let before = average(last);
        let place = last.partition_point(|&(expires, id, _)| (expires, id) <= (lot.expires, lot.id));
        last.insert(place, (lot.expires, lot.id, best.price));
        if last.len() > LAST {
            last.remove(0);
        }
        let seller = *cx.key();
        let row = |average: Option<i64>| average.map(|average| (seller, average));
        if let Some(change) = Change::between(row(before), row(average(last))) {
            cx.emit(change);
        }
    }
}

pub(super) fn build(flow: &mut Dataflow, events: impl Source<Out = Arrivals>, out: &mut Output) {
    flow.source(events)
        .watermarks(WATERMARKS, |arrival: &Arrival<'_>| arrival.event.date_time())
        .filter_map(lot_or_price)
        .key_by(auction_of)
        .process(|| Closed)
        .key_by(|(lot, _)| lot.seller)
        .process(|| LastTen)
        .sink(out.rows::<Own<Change<(i64, i64)>>, _>(|rows, change| {
            rows.change(&change, |&(seller, average)| [Cell::Int(seller), Cell::Int(average)]);
        }));
}
