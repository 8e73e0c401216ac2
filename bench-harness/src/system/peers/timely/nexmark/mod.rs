//! Nexmark. Times are watermarks: four seconds behind the greatest event time that a worker has read, in steps of two seconds; a window's operator
//! keeps events by their own times, and closes what the frontier has passed.
//!
//! ```text
//!   source ─ pieces of the block ─▶ project, by key ─ records of their own ─▶ state ─▶ rows
//! ```

use std::time::Duration;

use timely::{
    Accountable,
    container::NoopBuilder,
    dataflow::{Scope, Stream, operators::generic::operator::source},
};

use super::{Rows, Time, execute};
use crate::{
    system::peers::{
        events::{Piece, Pieces},
        windowed::watermark,
    },
    workload::{
        Answer,
        nexmark::{Digest, Events, Query},
    },
};

mod joins;
mod stateless;
mod windows;

/// A container that says where its events are.
#[derive(Clone, Default)]
struct Batch(Option<Piece>);

impl Accountable for Batch {
    fn record_count(&self) -> i64 {
        self.0.as_ref().map_or(0, |piece| piece.len() as i64)
    }
}

pub(super) fn run(query: Query, events: &Events, workers: usize, batch: usize) -> Result<(Duration, Answer), String> {
    let Events::Replay(replay) = events else { return Err("timely reads events from memory only".to_owned()) };
    let pieces = Pieces::new(replay, batch);
    execute(workers, move |scope, rows| {
        let times = matches!(query, Query::Q5 | Query::Q7 | Query::Q8 | Query::Q11);
        let events = batches(scope, pieces.clone(), times);
        match query {
            Query::Q0 | Query::Q1 | Query::Q2 => stateless::build(query, events, rows),
            Query::Q3 => joins::q3(events, rows),
            Query::Q4 => joins::q4(events, rows),
            Query::Q18 => joins::q18(events, rows),
            Query::Q20 => joins::q20(events, rows),
            Query::Q5 => windows::q5(events, rows),
            Query::Q7 => windows::q7(events, rows),
            Query::Q8 => windows::q8(events, rows),
            Query::Q11 => windows::q11(events, rows),
            _ => {}
        }
    })
}

/// The source; without `times` all is one time, for queries in which no time ends anything.
fn batches<'scope>(scope: Scope<'scope, Time>, mut pieces: Pieces, times: bool) -> Stream<'scope, Time, Batch> {
    source::<_, NoopBuilder<Batch>, _, _>(scope, "Events", move |capability, info| {
        let activator = scope.activator_for(info.address);
        let mut capability = Some(capability);
        move |output| {
            let Some(now) = &mut capability else { return };
            let Some(piece) = pieces.next() else {
                capability = None;
                return;
            };
            let last = piece.last_time();
            output.session_with_builder(&*now).give_container(&mut Batch(Some(piece)));
            let watermark = watermark(last);
            if times && *now.time() < watermark {
                now.downgrade(&watermark);
            }
            activator.activate();
        }
    })
}

/// Rows of a query, that a sink adds up; handed over at the end.
struct Sink {
    digest: Option<Digest>,
    rows: Rows,
}

impl Sink {
    fn new(query: Query, rows: &Rows) -> Sink {
        Sink { digest: Some(Digest::new(query)), rows: rows.clone() }
    }

    /// Where to add rows to; none after the end.
    fn rows(&mut self) -> Option<&mut Digest> {
        self.digest.as_mut()
    }

    fn end(&mut self) {
        if let Some(digest) = self.digest.take() {
            self.rows.set(self.rows.get().merge(digest.answer()));
        }
    }
}
