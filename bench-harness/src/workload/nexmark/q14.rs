//! q14: bids of a range of prices, with the time of day and the number of times that `c` is in their extra text.

use thalweg::{Dataflow, source::Source};

use super::{
    Arrivals, Bid, Cell,
    calendar::hour_of_day,
    program::{Bids, Output, bid},
    q1::converted,
};

/// Between these thousandths, both excluded.
const LEAST: i128 = 1_000_000_000;
const MOST: i128 = 50_000_000_000;

pub(super) fn build(flow: &mut Dataflow, events: impl Source<Out = Arrivals>, out: &mut Output) {
    flow.source(events).filter_map_to::<Bids, _>(bid).filter(|bid: &Bid<'_>| (LEAST + 1..MOST).contains(&converted(bid.price))).sink(
        out.rows::<Bids, _>(|rows, bid: Bid<'_>| {
            let time_of_day = match hour_of_day(bid.date_time) {
                8..=18 => "day",
                ..=6 | 20.. => "night",
                _ => "other",
            };
            let c_count = bid.extra.bytes().filter(|&byte| byte == b'c').count();
            rows.insert(&[
                Cell::Int(bid.auction),
                Cell::Int(bid.bidder),
                Cell::Thousandths(converted(bid.price)),
                Cell::Text(time_of_day),
                Cell::Int(bid.date_time),
                Cell::Text(bid.extra),
                Cell::Int(c_count as i64),
            ]);
        }),
    );
}
