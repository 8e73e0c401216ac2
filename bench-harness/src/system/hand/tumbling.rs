//! `tumbling`: sum and count per key and window, in an array indexed by the key, or in a hash table.

use std::time::Duration;

use super::{
    open,
    table::Table,
    windows::{self, Meaning, Panes},
};
use crate::workload::{
    Answer,
    replay::Replay,
    synthetic::{Event, KEYS, WINDOW_MS, tumbling_row},
};
use crate::{load::Schedule, system::Outcome};

#[derive(Clone, Copy, Default)]
struct Cell {
    sum: i64,
    count: u64,
}

impl Cell {
    #[inline(always)]
    fn add(&mut self, value: i64) {
        self.sum = self.sum.wrapping_add(value);
        self.count += 1;
    }
}

const MEANING: Meaning<Event, u64, (i64, u64), 4> = Meaning {
    window_ms: WINDOW_MS,
    time: |event| event.event_time,
    combine: |a, b| (a.0 + b.0, a.1 + b.1),
    row: |key, start, (sum, count)| tumbling_row(key, start, sum, count),
};

/// Indexed by the key; a power of two long, so that a mask takes the place of the bounds check.
struct Array(Box<[Cell; KEYS.next_power_of_two() as usize]>);

impl Panes<Event> for Array {
    type Key = u64;
    type Value = (i64, u64);

    #[inline(never)]
    fn add(&mut self, run: &[Event]) {
        let cells = &mut *self.0;
        for event in run {
            cells[event.key as usize % KEYS.next_power_of_two() as usize].add(event.value);
        }
    }

    fn close(&mut self, mut row: impl FnMut(u64, (i64, u64))) {
        for (cell, key) in self.0.iter_mut().zip(0..) {
            if cell.count > 0 {
                row(key, (cell.sum, cell.count));
                *cell = Cell::default();
            }
        }
    }
}

/// As [`Array`], for any number of keys.
struct AnyArray(Vec<Cell>);

impl Panes<Event> for AnyArray {
    type Key = u64;
    type Value = (i64, u64);

    #[inline(never)]
    fn add(&mut self, run: &[Event]) {
        let mask = self.0.len() - 1;
        for event in run {
            self.0[event.key as usize & mask].add(event.value);
        }
    }

    fn close(&mut self, mut row: impl FnMut(u64, (i64, u64))) {
        for (cell, key) in self.0.iter_mut().zip(0..) {
            if cell.count > 0 {
                row(key, (cell.sum, cell.count));
                *cell = Cell::default();
            }
        }
    }
}

impl Panes<Event> for Table<Cell> {
    type Key = u64;
    type Value = (i64, u64);

    #[inline(never)]
    fn add(&mut self, run: &[Event]) {
        for event in run {
            self.value(event.key).add(event.value);
        }
    }

    fn close(&mut self, mut row: impl FnMut(u64, (i64, u64))) {
        for (key, cell) in self.iter_mut() {
            if cell.count > 0 {
                row(key, (cell.sum, cell.count));
                *cell = Cell::default();
            }
        }
    }
}

fn cells() -> Array {
    Array(Box::new([Cell::default(); _]))
}

fn table() -> Table<Cell> {
    Table::for_keys(KEYS as usize)
}

pub(super) fn array(replay: &Replay<Event>, keys: usize, cores: usize) -> (Duration, Answer) {
    if keys as u64 != KEYS {
        return windows::run(replay, cores, || AnyArray(vec![Cell::default(); keys.next_power_of_two()]), &MEANING);
    }
    windows::run(replay, cores, cells, &MEANING)
}

pub(super) fn array_open(replay: &Replay<Event>, schedule: &Schedule, batch: usize) -> Result<Outcome, String> {
    open::run(replay, schedule, batch, cells, &MEANING)
}

pub(super) fn hash(replay: &Replay<Event>, keys: usize, cores: usize) -> (Duration, Answer) {
    windows::run(replay, cores, || Table::for_keys(keys), &MEANING)
}

pub(super) fn hash_open(replay: &Replay<Event>, schedule: &Schedule, batch: usize) -> Result<Outcome, String> {
    open::run(replay, schedule, batch, table, &MEANING)
}
