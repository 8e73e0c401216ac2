//! The ten airports with the greatest mean delay of each day; of equal ones those that come first in the alphabet.

use std::cmp::{Ordering, Reverse};

use thalweg::{BoundedDisorder, Dataflow, Own, Sum, SumCount, TopN, Tumbling, Windowed, sink::Folded, source::Source};

use super::{
    DAY_MS, Flight, TOP, airport_row,
    program::{Airport, FlightRow, rows},
    top_row,
};
use crate::workload::Answer;

/// An airport's delays of a day, ordered by their mean: as fractions, since a rounded mean would make ties.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Delays {
    airport: Airport,
    count: u64,
    sum: i64,
}

impl Ord for Delays {
    fn cmp(&self, other: &Self) -> Ordering {
        let by = |mine: &Self, theirs: &Self| i128::from(mine.sum) * i128::from(theirs.count);
        by(self, other).cmp(&by(other, self)).then_with(|| Reverse(self.airport).cmp(&Reverse(other.airport)))
    }
}

impl PartialOrd for Delays {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

type Daily = Windowed<Airport, SumCount>;

pub(super) fn build(flow: &mut Dataflow, flights: impl Source<Out = FlightRow>, bound_ms: i64) -> Folded<Answer> {
    let (sink, answers) = rows(|answer, day: Windowed<(), Vec<Delays>>| {
        for (rank, delays) in (1..).zip(&day.value) {
            answer.add(&top_row(rank, airport_row(delays.airport.code(), day.start, delays.count, delays.sum)));
        }
    });
    flow.source(flights)
        .watermarks(BoundedDisorder::millis(bound_ms), |flight| flight.scheduled)
        .key_by(|flight| Airport::of(flight.origin))
        .window(Tumbling::millis(DAY_MS))
        .aggregate(Sum::of::<FlightRow>(|flight: &Flight<'_>| flight.delay))
        // The results of a day have its last time, and so are of the same day.
        .key_by(|_| ())
        .window(Tumbling::millis(DAY_MS))
        .aggregate(TopN::of::<Own<Daily>>(TOP, |day: &Daily| Delays { airport: day.key, count: day.value.count, sum: day.value.sum }))
        .sink(sink);
    answers
}
