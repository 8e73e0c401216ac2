//! When an airport is in trouble: its delayed flights in sessions, which a while without any ends.

use thalweg::{BoundedDisorder, Dataflow, Session, Sum, SumCount, Windowed, sink::Folded, source::Source};

use super::{
    DELAYED_MIN, Flight, GAP_MS,
    program::{Airport, FlightRow, rows},
    session_row,
};
use crate::workload::Answer;

pub(super) fn build(flow: &mut Dataflow, flights: impl Source<Out = FlightRow>, bound_ms: i64) -> Folded<Answer> {
    let (sink, answers) = rows(|answer, session: Windowed<Airport, SumCount>| {
        answer.add(&session_row(session.key.code(), session.start, session.end, session.value.count, session.value.sum));
    });
    flow.source(flights)
        .watermarks(BoundedDisorder::millis(bound_ms), |flight| flight.scheduled)
        .filter(|flight| flight.delay >= DELAYED_MIN)
        .key_by(|flight| Airport::of(flight.origin))
        .window(Session::millis(GAP_MS))
        .aggregate(Sum::of::<FlightRow>(|flight: &Flight<'_>| flight.delay))
        .sink(sink);
    answers
}
