//! q12: bids of each bidder per ten seconds of the time at which they are handled.
//!
//! What time that is, is a parameter. A result that depends on when it was computed cannot be compared, so a run over given events takes
//! each bid as handled at its own event time, as the oracle does: then it is a window of event time. A service takes the system's clock,
//! and a test one that it moves itself.

use thalweg::{Count, Dataflow, Own, ProcessingTime, Tumbling, Windowed, source::Source};

use super::{
    Arrivals, Bid, Cell,
    program::{Bids, Output, Results, WATERMARKS, bid},
};

/// When a bid is handled.
#[derive(Clone, Debug)]
pub enum Handled {
    /// At its own event time.
    AtEventTime,
    /// When it comes to the window, by a clock: `ProcessingTime::new()` is the system's.
    ByClock(ProcessingTime),
}

const WINDOW_S: i64 = 10;

fn row(rows: &mut Results, window: Windowed<i64, u64>) {
    rows.insert(&[Cell::Int(window.key), Cell::Int(window.value as i64), Cell::Int(window.start), Cell::Int(window.end)]);
}

pub(super) fn build(flow: &mut Dataflow, events: impl Source<Out = Arrivals>, handled: Handled, out: &mut Output) {
    let bids = flow.source(events).filter_map_to::<Bids, _>(bid);
    let sink = out.rows::<Own<Windowed<i64, u64>>, _>(row);
    match handled {
        Handled::AtEventTime => bids
            .watermarks(WATERMARKS, |bid: &Bid<'_>| bid.date_time)
            .key_by(|bid: &Bid<'_>| bid.bidder)
            .window(Tumbling::seconds(WINDOW_S))
            .aggregate(Count)
            .sink(sink),
        Handled::ByClock(time) => {
            bids.processing_time(time).key_by(|bid: &Bid<'_>| bid.bidder).window(Tumbling::seconds(WINDOW_S)).aggregate(Count).sink(sink)
        }
    }
}
