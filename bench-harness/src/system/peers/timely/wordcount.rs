//! `wordcount`: each worker splits its lines and counts; what changed in a round goes to the workers of the words, which keep the totals.
//!
//! ```text
//!   source ─ pieces of the text at a round ─▶ Split and count ─ (word, count) by word ─▶ Total ─ every change ─▶ table
//! ```
//!
//! Lines are not copied: a container holds the text's buffer and where its pieces are, as containers of bytes do that come from a file or a socket.

use std::{ops::Range, sync::Arc, time::Duration};

use foldhash::fast::FixedState;
use hashbrown::HashMap;
use timely::{
    Accountable,
    container::NoopBuilder,
    dataflow::{
        channels::pact::{Exchange, Pipeline},
        operators::generic::operator::{Operator, source},
    },
};

use super::{Claims, Time, add, execute};
use crate::workload::{
    Answer,
    text::{Lines, word_row, words},
    text_column,
};

/// Whole lines of a text.
#[derive(Clone, Default)]
struct Piece {
    text: Option<Arc<str>>,
    bytes: Range<usize>,
    lines: i64,
}

impl Accountable for Piece {
    fn record_count(&self) -> i64 {
        self.lines
    }
}

/// Lines of a round: what the workers count before they say what changed.
const ROUND_LINES: u64 = 1 << 16;

type Counts = HashMap<Box<str>, u64, FixedState>;

fn count(counts: &mut Counts, word: &str, count: u64) {
    match counts.get_mut(word) {
        Some(all) => *all += count,
        None => drop(counts.insert(word.into(), count)),
    }
}

pub(super) fn run(lines: &Lines, workers: usize, batch: usize) -> Result<(Duration, Answer), String> {
    let (lines, claims) = (lines.clone(), Claims::new(lines.events, ROUND_LINES));
    execute(workers, move |scope, rows| {
        let (rows, lines, mut claims) = (rows.clone(), lines.clone(), claims.clone());
        let pieces = source::<_, NoopBuilder<Piece>, _, _>(scope, "Lines", move |capability, info| {
            let activator = scope.activator_for(info.address);
            let mut capability = Some(capability);
            move |output| {
                let Some(now) = &mut capability else { return };
                let Some(range) = claims.next(batch as u64) else {
                    capability = None;
                    return;
                };
                let round = (range.start / ROUND_LINES) as Time;
                if *now.time() < round {
                    now.downgrade(&round);
                }
                let mut session = output.session_with_builder(now);
                let len = lines.block_lines();
                let mut next = range.start;
                while next < range.end {
                    let at = next % len;
                    let take = (len - at).min(range.end - next);
                    let bytes = lines.offsets[at as usize] as usize..lines.offsets[(at + take) as usize] as usize;
                    session.give_container(&mut Piece { text: Some(lines.block.clone()), bytes, lines: take as i64 });
                    next += take;
                }
                drop(session);
                activator.activate();
            }
        });
        pieces
            .unary_frontier(Pipeline, "Count", |_, _| {
                let mut counts = Counts::default();
                let mut round = None;
                move |(input, frontier), output| {
                    input.for_each(|capability, piece| {
                        let Some(text) = &piece.text else { return };
                        round.get_or_insert_with(|| capability.delayed(capability.stamp().least().unwrap_or(&Time::MAX), 0));
                        words(&text[piece.bytes.clone()]).for_each(|word| count(&mut counts, word, 1));
                    });
                    if round.as_ref().is_some_and(|round| !frontier.less_equal(round.time()))
                        && let Some(round) = round.take()
                    {
                        output.session(&round).give_iterator(counts.drain());
                    }
                }
            })
            .container::<Vec<_>>()
            .sink(Exchange::new(|(word, _): &(Box<str>, u64)| text_column(word)), "Total", {
                let mut totals = Counts::default();
                move |(input, frontier)| {
                    input.for_each(|_, changes| changes.drain(..).for_each(|(word, more)| count(&mut totals, &word, more)));
                    if frontier.is_empty() {
                        totals.drain().for_each(|(word, count)| add(&rows, &word_row(&word, count)));
                    }
                }
            });
    })
}
