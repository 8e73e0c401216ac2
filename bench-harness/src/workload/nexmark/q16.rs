//! q16: statistics of each channel's bids by day, with the latest minute.

use smol_str::SmolStr;
use thalweg::{Dataflow, Update, operator::Updates, source::Source};

use super::{
    Arrivals, Bid, Cell,
    calendar::{self, clock, day_of},
    program::{Bids, Output, Results, bid},
    ranks::{ByRank, Counts, Written, cells},
};

/// Channel and day. The channel's name is short enough to lie in the key itself.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Key {
    channel: SmolStr,
    day: i64,
}

impl thalweg::state::Key for Key {}

fn row<'r>(channel: &'r str, date: &'r str, minute: &'r str, counts: &Counts) -> [Cell<'r>; 15] {
    let mut row = [Cell::Text(channel); 15];
    row[1..3].copy_from_slice(&[date, minute].map(Cell::Text));
    row[3..].copy_from_slice(&cells(counts));
    row
}

pub(super) fn build(flow: &mut Dataflow, events: impl Source<Out = Arrivals>, out: &mut Output) {
    let (mut date, mut before_minute, mut minute) = (Written::by(calendar::date), Written::by(clock), Written::by(clock));
    flow.source(events)
        .filter_map_to::<Bids, _>(bid)
        .key_by(|bid: &Bid<'_>| -> Key { Key { channel: bid.channel.into(), day: day_of(bid.date_time) } })
        .aggregate(ByRank)
        .sink(out.rows::<Updates<Key, (Counts, i64)>, _>(move |rows: &mut Results, update: Update<'_, Key, (Counts, i64)>| {
            let Key { channel, day } = update.key;
            let date = date.text(*day);
            if let Some((before, at)) = &update.before {
                rows.delete(&row(channel, date, before_minute.text(*at), before));
            }
            let (after, at) = &update.after;
            rows.insert(&row(channel, date, minute.text(*at), after));
        }));
}
