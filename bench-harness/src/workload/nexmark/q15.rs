//! q15: statistics of each day's bids.

use thalweg::{Dataflow, Update, operator::Updates, source::Source};

use super::{
    Arrivals, Bid, Cell,
    calendar::{self, day_of},
    program::{Bids, Output, Results, bid},
    ranks::{ByRank, Counts, Written, cells},
};

fn row<'d>(date: &'d str, counts: &Counts) -> [Cell<'d>; 13] {
    let mut row = [Cell::Text(date); 13];
    row[1..].copy_from_slice(&cells(counts));
    row
}

pub(super) fn build(flow: &mut Dataflow, events: impl Source<Out = Arrivals>, out: &mut Output) {
    let mut date = Written::by(calendar::date);
    flow.source(events).filter_map_to::<Bids, _>(bid).key_by(|bid: &Bid<'_>| day_of(bid.date_time)).aggregate(ByRank).sink(
        out.rows::<Updates<i64, (Counts, i64)>, _>(move |rows: &mut Results, update: Update<'_, i64, (Counts, i64)>| {
            let date = date.text(*update.key);
            if let Some((before, _)) = &update.before {
                rows.delete(&row(date, before));
            }
            rows.insert(&row(date, &update.after.0));
        }),
    );
}
