//! `sliding`: a pane for each slide, and a running total of the panes of a window.
//!
//! ```text
//!   records ─▶ open pane ──end of slide──▶ total += pane ─▶ a row a key ─▶ total -= oldest pane
//!                                          └─ ring of size / slide panes ─┘
//! ```
//!
//! A record costs what it costs in `tumbling`, whatever the size of the window. With several cores each takes the windows that end in its part
//! of the time, and reads what it needs of the part before: ten seconds more.

use std::{ops::Range, time::Duration};

use super::{
    states::{Array, Cell, States, first_at},
    table::Table,
    windows::for_runs,
};
use crate::{
    system::cores::parallel,
    workload::{
        Answer,
        replay::Replay,
        synthetic::Event,
        windowed::{SLIDING_KEYS, SLIDING_MS, sliding_row},
    },
};

const KEYS: usize = SLIDING_KEYS.next_power_of_two() as usize;

const TIME: fn(&Event) -> i64 = |event| event.event_time;

/// Numbers the keys, so that what happens once a slide is done in arrays.
trait Numbers {
    fn of(&mut self, key: u64) -> usize;
}

/// The key is the number.
struct Direct;

impl Numbers for Direct {
    fn of(&mut self, key: u64) -> usize {
        key as usize % KEYS
    }
}

/// In the order in which they come; the table has the number and one.
struct Numbered {
    numbers: Table<u32>,
    next: u32,
}

impl Numbers for Numbered {
    fn of(&mut self, key: u64) -> usize {
        let number = self.numbers.value(key);
        if *number == 0 {
            self.next += 1;
            *number = self.next;
        }
        (*number - 1) as usize % KEYS
    }
}

struct Windows<S, N> {
    slide_ms: i64,
    /// The pane that records go to.
    open: S,
    numbers: N,
    keys: Box<[u64]>,
    total: Box<[Cell]>,
    /// Records in `total`.
    records: u64,
    /// Panes of a window, one behind the other.
    ring: Box<[Cell]>,
    at: usize,
    /// Ends of windows whose rows are wanted.
    wanted: Range<i64>,
    answer: Answer,
}

impl<S: States<Cell>, N: Numbers> Windows<S, N> {
    fn new(slide_ms: i64, open: S, numbers: N, wanted: Range<i64>) -> Self {
        let panes = (SLIDING_MS / slide_ms) as usize;
        Windows {
            slide_ms,
            open,
            numbers,
            keys: vec![0; KEYS].into(),
            total: vec![Cell::default(); KEYS].into(),
            records: 0,
            ring: vec![Cell::default(); panes * KEYS].into(),
            at: 0,
            wanted,
            answer: Answer::default(),
        }
    }

    #[inline(never)]
    fn add(&mut self, run: &[Event]) {
        for event in run {
            self.open.value(event.key).add(event.value, 1);
        }
    }

    /// Ends the open pane at `end`.
    #[inline(never)]
    fn close(&mut self, end: i64) {
        let Windows { open, numbers, keys, total, ring, answer, records, .. } = self;
        let pane = &mut ring[self.at * KEYS..][..KEYS];
        open.each(|key, cell| {
            if cell.count > 0 {
                let number = numbers.of(key);
                keys[number] = key;
                pane[number] = std::mem::take(cell);
                total[number].add(pane[number].sum, pane[number].count);
                *records += pane[number].count;
            }
        });
        if self.wanted.contains(&end) {
            for (cell, &key) in total.iter().zip(keys.iter()).filter(|(cell, _)| cell.count > 0) {
                answer.add(&sliding_row(key, end, cell.sum, cell.count));
            }
        }
        self.at = (self.at + 1) % (ring.len() / KEYS);
        for (total, gone) in total.iter_mut().zip(&mut ring[self.at * KEYS..][..KEYS]) {
            total.sum = total.sum.wrapping_sub(gone.sum);
            total.count -= gone.count;
            *records -= gone.count;
            *gone = Cell::default();
        }
    }

    /// Ends panes from the one that begins at `start`, up to `until` or as long as there is something to say.
    fn close_from(&mut self, start: i64, until: i64) {
        let mut end = start + self.slide_ms;
        while end <= until {
            self.close(end);
            end += self.slide_ms;
            if self.records == 0 {
                break;
            }
        }
    }

    fn run(mut self, replay: &Replay<Event>, range: Range<u64>, until: i64) -> Answer {
        let mut open = None;
        for_runs(replay, range, self.slide_ms, TIME, |start, run| {
            if let Some(before) = open.replace(start).filter(|&before| before != start) {
                self.close_from(before, start);
            }
            self.add(run);
        });
        if let Some(last) = open {
            self.close_from(last, until);
        }
        self.answer
    }
}

fn run<S: States<Cell>, N: Numbers>(
    replay: &Replay<Event>,
    slide_ms: i64,
    cores: usize,
    states: impl Fn() -> (S, N) + Sync,
) -> (Duration, Answer) {
    // Where a part of the time begins: at a multiple of the slide.
    let bound = |part: usize| match part {
        0 => i64::MIN,
        part if part == cores => i64::MAX,
        part => {
            let first = replay.share(part, cores).start.min(replay.events - 1);
            TIME(&replay.get(first)).div_euclid(slide_ms) * slide_ms
        }
    };
    let work = |part| {
        let (from, until) = (bound(part), bound(part + 1));
        // The first window that is wanted ends a slide behind the bound.
        let first = if part == 0 { 0 } else { first_at(replay, from + slide_ms - SLIDING_MS, TIME) };
        let last = if part + 1 == cores { replay.events } else { first_at(replay, until, TIME) };
        let wanted = from.saturating_add(1)..until.saturating_add(1);
        let (open, numbers) = states();
        Windows::new(slide_ms, open, numbers, wanted).run(replay, first..last, until)
    };
    parallel(cores, work, |parts| parts.into_iter().fold(Answer::default(), Answer::merge))
}

pub(super) fn array(replay: &Replay<Event>, slide_ms: i64, cores: usize) -> (Duration, Answer) {
    run(replay, slide_ms, cores, || (Array::<Cell, KEYS>::new(), Direct))
}

pub(super) fn hash(replay: &Replay<Event>, slide_ms: i64, cores: usize) -> (Duration, Answer) {
    let numbers = || Numbered { numbers: Table::for_keys(SLIDING_KEYS as usize), next: 0 };
    run(replay, slide_ms, cores, || (Table::<Cell>::for_keys(SLIDING_KEYS as usize), numbers()))
}
