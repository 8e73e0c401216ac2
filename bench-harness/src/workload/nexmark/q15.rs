//! q15: statistics of each day's bids.

use thalweg::{Dataflow, Update, operator::Updates, source::Source};

use super::{
    Arrivals, Bid, Cell,
    calendar::{date, day_of},
    program::{Bids, Output, Results, bid},
    ranks::{ByRank, Counts, cells},
};

fn row(day: i64, counts: &Counts, put: impl FnOnce(&[Cell<'_>])) {
    let date = date(day);
    let mut row = [Cell::Text(&date); 13];
    row[1..].copy_from_slice(&cells(counts));
    put(&row);
}

pub(super) fn build(flow: &mut Dataflow, events: impl Source<Out = Arrivals>, out: &mut Output) {
    flow.source(events).flat_map_to::<Bids, _>(bid).key_by(|bid: &Bid<'_>| day_of(bid.date_time)).aggregate(ByRank).sink(
        out.rows::<Updates<i64, (Counts, i64)>, _>(|rows: &mut Results, update: Update<'_, i64, (Counts, i64)>| {
            if let Some((before, _)) = update.before {
                row(*update.key, &before, |row| rows.delete(row));
            }
            row(*update.key, &update.after.0, |row| rows.insert(row));
        }),
    );
}
