//! `disorder`: as `tumbling`, with up to three windows open, and the late records beside them.
//!
//! ```text
//!   piece of 1,024 records ─▶ late? ─▶ a row of its own
//!                             window ─▶ one of four tables      then the watermark moves on, and closes what it has passed
//! ```
//!
//! Every straggler is late here: it is further behind than any open window. With several cores each takes a contiguous part and has windows of
//! its own at the seam; their rows add up, as the answer is linear.

use std::time::Duration;

use super::{
    states::{Array, Cell, States},
    table::Table,
};
use crate::{
    system::cores::parallel,
    workload::{
        Answer,
        replay::Replay,
        synthetic::{Event, KEYS, WINDOW_MS},
        windowed::{BOUND_MS, disorder_row, is_straggler, late_row},
    },
};

/// Records between two watermarks, at most: they cover few ms of event time.
const PIECE: usize = 1_024;

/// Windows that may be open: those from the bound behind the watermark's record to the bound ahead of the piece are three.
const OPEN: usize = 4;

/// The cells of the open windows.
trait Windows {
    fn cell(&mut self, window: usize, key: u64) -> &mut Cell;
    fn each(&mut self, window: usize, each: impl FnMut(u64, &mut Cell));
}

const ROW: usize = KEYS.next_power_of_two() as usize;

/// All windows in one array, so that no pointer is followed.
struct Flat(Array<Cell, { OPEN * ROW }>);

impl Windows for Flat {
    #[inline(always)]
    fn cell(&mut self, window: usize, key: u64) -> &mut Cell {
        self.0.value((window * ROW) as u64 + key)
    }

    fn each(&mut self, window: usize, mut each: impl FnMut(u64, &mut Cell)) {
        (0..KEYS).for_each(|key| each(key, self.cell(window, key)));
    }
}

impl Windows for [Table<Cell>; OPEN] {
    #[inline(always)]
    fn cell(&mut self, window: usize, key: u64) -> &mut Cell {
        self[window % OPEN].value(key)
    }

    fn each(&mut self, window: usize, each: impl FnMut(u64, &mut Cell)) {
        States::each(&mut self[window % OPEN], each);
    }
}

/// Closes a window of the ring.
#[inline(never)]
fn close(windows: &mut impl Windows, start: i64, answer: &mut Answer) {
    windows.each((start / WINDOW_MS) as usize % OPEN, |key, cell| {
        if cell.count > 0 {
            *answer = answer.merge(disorder_row(key, start, cell.sum, cell.count));
            *cell = Cell::default();
        }
    });
}

#[cold]
#[inline(never)]
fn late(event: &Event, answer: &mut Answer) {
    *answer = answer.merge(late_row(event));
}

/// Adds a piece to the windows from `floor` on; gives the greatest time.
#[inline(never)]
fn add(windows: &mut impl Windows, floor: i64, time: i64, piece: &[Event], answer: &mut Answer) -> i64 {
    // Times of the block itself: the shift is taken off the bounds instead.
    let (from, first) = (floor - time, (floor / WINDOW_MS) as usize);
    let (second, third) = (from + WINDOW_MS, from + 2 * WINDOW_MS);
    let mut greatest = i64::MIN;
    for event in piece {
        let at = event.event_time;
        greatest = greatest.max(at);
        if at < from {
            late(&Event { event_time: at + time, ..*event }, answer);
            continue;
        }
        // No division: there are three windows to choose from.
        let window = first + usize::from(at >= second) + usize::from(at >= third);
        windows.cell(window % OPEN, event.key).add(event.value, 1);
    }
    greatest + time
}

fn part(replay: &Replay<Event>, part: usize, parts: usize, mut windows: impl Windows) -> Answer {
    let share = replay.share(part, parts);
    let mut answer = Answer::default();
    // The first record that is no straggler says where time is; without one all are late.
    let mut places = share.clone().take(2 * replay.block.len());
    let first = places.find_map(|place| Some(replay.get(place)).filter(|event| !is_straggler(event)));
    let start = |time: i64| time.div_euclid(WINDOW_MS) * WINDOW_MS;
    let mut floor = first.map_or(i64::MAX / 2, |event| start(event.event_time - BOUND_MS));
    let mut greatest = i64::MIN;
    for (shift, piece) in replay.slices(share, PIECE) {
        greatest = greatest.max(add(&mut windows, floor, shift.time, piece, &mut answer));
        // The watermark is `greatest - BOUND_MS - 1`; a window fires when it has come to its last ms.
        while floor + WINDOW_MS <= greatest - BOUND_MS {
            close(&mut windows, floor, &mut answer);
            floor += WINDOW_MS;
        }
    }
    (0..OPEN as i64 - 1).for_each(|window| close(&mut windows, floor + window * WINDOW_MS, &mut answer));
    answer
}

fn run<W: Windows>(replay: &Replay<Event>, cores: usize, windows: impl Fn() -> W + Sync) -> (Duration, Answer) {
    let work = |number| part(replay, number, cores, windows());
    parallel(cores, work, |parts| parts.into_iter().fold(Answer::default(), Answer::merge))
}

pub(super) fn array(replay: &Replay<Event>, cores: usize) -> (Duration, Answer) {
    run(replay, cores, || Flat(Array::new()))
}

pub(super) fn hash(replay: &Replay<Event>, cores: usize) -> (Duration, Answer) {
    run(replay, cores, || std::array::from_fn::<_, OPEN, _>(|_| Table::<Cell>::for_keys(KEYS as usize)))
}
