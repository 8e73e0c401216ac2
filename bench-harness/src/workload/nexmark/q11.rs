//! q11: bids of each bidder per session; ten seconds without a bid end one.

use thalweg::{Count, Dataflow, Own, Session, Windowed, source::Source};

use super::{
    Arrivals, Bid, Cell,
    program::{Bids, Output, WATERMARKS, bid},
};

pub(super) fn build(flow: &mut Dataflow, events: impl Source<Out = Arrivals>, out: &mut Output) {
    flow.source(events)
        .filter_map_to::<Bids, _>(bid)
        .watermarks(WATERMARKS, |bid: &Bid<'_>| bid.date_time)
        .key_by(|bid: &Bid<'_>| bid.bidder)
        .window(Session::seconds(10))
        .aggregate(Count)
        .sink(out.rows::<Own<Windowed<i64, u64>>, _>(|rows, session: Windowed<i64, u64>| {
            rows.insert(&[Cell::Int(session.key), Cell::Int(session.value as i64), Cell::Int(session.start), Cell::Int(session.end)]);
        }));
}
