//! The mean delay of each airport's flights per hour: their count and the sum of their delays.

use thalweg::{BoundedDisorder, Dataflow, Sum, SumCount, Tumbling, Windowed, sink::Folded, source::Source};

use super::{
    Flight, HOUR_MS, airport_row,
    program::{Airport, FlightRow, rows},
};
use crate::workload::Answer;

pub(super) fn build(flow: &mut Dataflow, flights: impl Source<Out = FlightRow>, bound_ms: i64) -> Folded<Answer> {
    let (sink, answers) = rows(|answer, row: Windowed<Airport, SumCount>| {
        answer.add(&airport_row(row.key.code(), row.start, row.value.count, row.value.sum));
    });
    flow.source(flights)
        .watermarks(BoundedDisorder::millis(bound_ms), |flight| flight.scheduled)
        .key_by(|flight| Airport::of(flight.origin))
        .window(Tumbling::millis(HOUR_MS))
        .aggregate(Sum::of::<FlightRow>(|flight: &Flight<'_>| flight.delay))
        .sink(sink);
    answers
}
