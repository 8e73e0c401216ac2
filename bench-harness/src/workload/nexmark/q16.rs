//! q16: statistics of each channel's bids by day, with the latest minute.

use thalweg::{Dataflow, Update, operator::Updates, source::Source};

use super::{
    Arrivals, Bid, Cell,
    calendar::{clock, date, day_of},
    program::{Bids, Output, Results, bid},
    ranks::{ByRank, Counts, cells},
};

/// Channel and day.
type Key = (Box<str>, i64);

fn row((channel, day): &Key, (counts, minute): &(Counts, i64), put: impl FnOnce(&[Cell<'_>])) {
    let (date, minute) = (date(*day), clock(*minute));
    let mut row = [Cell::Text(channel); 15];
    row[1] = Cell::Text(&date);
    row[2] = Cell::Text(&minute);
    row[3..].copy_from_slice(&cells(counts));
    put(&row);
}

pub(super) fn build(flow: &mut Dataflow, events: impl Source<Out = Arrivals>, out: &mut Output) {
    flow.source(events)
        .flat_map_to::<Bids, _>(bid)
        .key_by(|bid: &Bid<'_>| -> Key { (bid.channel.into(), day_of(bid.date_time)) })
        .aggregate(ByRank)
        .sink(out.rows::<Updates<Key, (Counts, i64)>, _>(|rows: &mut Results, update: Update<'_, Key, (Counts, i64)>| {
            if let Some(before) = &update.before {
                row(update.key, before, |row| rows.delete(row));
            }
            row(update.key, &update.after, |row| rows.insert(row));
        }));
}
