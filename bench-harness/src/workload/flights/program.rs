//! The queries over flights as programs on the engine: what they share, and the one place that knows them all.

use thalweg::{Dataflow, Fold, Record, sink::Folded, source::Source};

use super::{Flight, Query};
use crate::workload::Answer;

/// Rows of flights, which borrow from the parser's buffer.
pub struct FlightRow;

impl Record for FlightRow {
    type Of<'a> = Flight<'a>;
}

/// An airport's IATA code: three letters, an integer to the engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Airport([u8; 3]);

impl Airport {
    /// Of its code, which has three letters.
    pub fn of(code: &str) -> Airport {
        Airport(code.as_bytes().try_into().expect("an IATA code has three letters"))
    }

    /// Its code.
    pub fn code(&self) -> &str {
        std::str::from_utf8(&self.0).expect("it was made from a str")
    }
}

impl thalweg::state::Key for Airport {
    const WIDTH: Option<u32> = Some(24);
    #[inline(always)]
    fn bits(&self) -> u64 {
        let [a, b, c] = self.0;
        u64::from(u32::from_be_bytes([0, a, b, c]))
    }
    #[inline(always)]
    fn from_bits(bits: u64) -> Self {
        let [_, a, b, c] = (bits as u32).to_be_bytes();
        Airport([a, b, c])
    }
}

/// A sink that reduces rows to an answer.
pub(super) fn rows<T: 'static>(
    add: impl Fn(&mut Answer, T) + Clone + Send + 'static,
) -> (Fold<Answer, impl FnMut(&mut Answer, T) + Clone + Send + 'static>, Folded<Answer>) {
    Fold::new(Answer::default(), move |answer: &mut Answer, row: T| add(answer, row))
}

/// Builds a query's program; `bound_ms` is that of the input. The answers are there once the job has ended.
pub fn build(query: Query, flow: &mut Dataflow, flights: impl Source<Out = FlightRow>, bound_ms: i64) -> Folded<Answer> {
    match query {
        Query::Hourly => super::hourly::build(flow, flights, bound_ms),
        Query::Top => super::top::build(flow, flights, bound_ms),
        Query::Sessions => super::sessions::build(flow, flights, bound_ms),
    }
}
