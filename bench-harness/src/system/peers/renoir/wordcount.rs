//! `wordcount`: an associative fold. Each replica counts the words of its lines, and at the end of the stream the counts are put together.
//!
//! Elements are pieces of whole lines that stay in the text, so that a word becomes a string of its own once and not each time that it occurs.
//! `flat_map` and `group_by_count`, over words as elements, is the shorter program; it makes a `String` of each.

use std::{collections::HashMap, ops::Range, sync::Arc, time::Duration};

use foldhash::fast::FixedState;

use super::{Claims, Started, answered};
use crate::{
    measure::threads::ThreadWatch,
    system::Job,
    workload::{
        Answer,
        text::{Lines, word_row, words},
    },
};

/// Lines that a replica claims at a time.
const CLAIM_LINES: u64 = 1 << 13;

type Counts = HashMap<Box<str>, u64, FixedState>;

fn count(counts: &mut Counts, word: &str, count: u64) {
    match counts.get_mut(word) {
        Some(all) => *all += count,
        None => drop(counts.insert(word.into(), count)),
    }
}

/// Whole lines of the text, piece by piece.
struct Pieces {
    lines: Lines,
    claims: Claims,
    max: u64,
    started: Started,
    watch: Option<ThreadWatch>,
}

impl Iterator for Pieces {
    type Item = (Arc<str>, Range<usize>);

    fn next(&mut self) -> Option<Self::Item> {
        if self.watch.is_none() {
            self.started.now();
            self.watch = Some(ThreadWatch::begin("source"));
        }
        let Some(range) = self.claims.next(self.max) else {
            self.watch = None;
            return None;
        };
        let len = self.lines.block_lines();
        let at = range.start % len;
        let take = (len - at).min(range.end - range.start);
        self.claims.unread(range.end - range.start - take);
        let bytes = self.lines.offsets[at as usize] as usize..self.lines.offsets[(at + take) as usize] as usize;
        Some((self.lines.block.clone(), bytes))
    }
}

pub(super) fn run(lines: &Lines, job: &Job) -> Result<(Duration, Answer), String> {
    answered(job.cores, |context, started| {
        let (lines, claims, max) = (lines.clone(), Claims::new(lines.events, CLAIM_LINES), job.batch.max(1) as u64);
        let started = started.clone();
        context
            .stream_par_iter(move |_, _| Pieces { lines, claims, max, started, watch: None })
            .fold_assoc(
                Counts::default(),
                |counts, (text, bytes)| words(&text[bytes]).for_each(|word| count(counts, word, 1)),
                |counts, more| more.into_iter().for_each(|(word, more)| count(counts, &word, more)),
            )
            .map(|counts| {
                counts.into_iter().fold(Answer::default(), |mut answer, (word, count)| {
                    answer.add(&word_row(&word, count));
                    answer
                })
            })
            .collect_vec()
    })
}
