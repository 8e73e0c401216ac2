//! `disorder`: as `tumbling`, with up to three windows open, and the late records beside them.
//!
//! ```text
//!   piece of 1,024 records ─▶ late? ─▶ a row of its own
//!                             window ─▶ one of four tables      then the watermark moves on, and closes what it has passed
//! ```
//!
//! With an allowed lateness a window stays for that long after its rows, and a record that comes for it corrects its key's row. With several
//! cores each takes a contiguous part and has windows of its own at the seam; their rows add up, as the answer is linear.

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

/// The same, and those that may still be corrected: as many as begin within the allowed lateness and a window's length.
const LENIENT: usize = 8;

/// The cells of the open windows.
trait Windows {
    /// How many there are.
    const OPEN: usize;
    fn cell(&mut self, window: usize, key: u64) -> &mut Cell;
    fn each(&mut self, window: usize, each: impl FnMut(u64, &mut Cell));
}

const ROW: usize = KEYS.next_power_of_two() as usize;

/// All windows in one array, so that no pointer is followed.
struct Flat<const CELLS: usize>(Array<Cell, CELLS>);

impl<const CELLS: usize> Windows for Flat<CELLS> {
    const OPEN: usize = CELLS / ROW;

    #[inline(always)]
    fn cell(&mut self, window: usize, key: u64) -> &mut Cell {
        self.0.value((window * ROW) as u64 + key)
    }

    fn each(&mut self, window: usize, mut each: impl FnMut(u64, &mut Cell)) {
        (0..KEYS).for_each(|key| each(key, self.cell(window, key)));
    }
}

impl<const N: usize> Windows for [Table<Cell>; N] {
    const OPEN: usize = N;

    #[inline(always)]
    fn cell(&mut self, window: usize, key: u64) -> &mut Cell {
        self[window % N].value(key)
    }

    fn each(&mut self, window: usize, each: impl FnMut(u64, &mut Cell)) {
        States::each(&mut self[window % N], each);
    }
}

/// Gives the rows of a window of the ring.
#[inline(never)]
fn fire<W: Windows>(windows: &mut W, start: i64, answer: &mut Answer) {
    windows.each((start / WINDOW_MS) as usize % W::OPEN, |key, cell| {
        if cell.count > 0 {
            *answer = answer.merge(disorder_row(key, start, cell.sum, cell.count));
        }
    });
}

/// Forgets a window of the ring.
#[inline(never)]
fn forget<W: Windows>(windows: &mut W, start: i64) {
    windows.each((start / WINDOW_MS) as usize % W::OPEN, |_, cell| *cell = Cell::default());
}

/// Corrects the row of a window that has fired.
#[cold]
#[inline(never)]
fn correct<W: Windows>(windows: &mut W, event: &Event, answer: &mut Answer) {
    let window = event.event_time.div_euclid(WINDOW_MS);
    windows.cell(window as usize % W::OPEN, event.key).add(event.value, 1);
    // What the new row has more than the one that it replaces; the answer is linear.
    *answer = answer.merge(disorder_row(event.key, window * WINDOW_MS, event.value, 1));
}

#[cold]
#[inline(never)]
fn late(event: &Event, answer: &mut Answer) {
    *answer = answer.merge(late_row(event));
}

/// Adds a piece to the windows from `floor` on, and corrects those from `kept` on; gives the greatest time.
#[inline(never)]
fn add<W: Windows>(windows: &mut W, kept: i64, floor: i64, time: i64, piece: &[Event], answer: &mut Answer) -> i64 {
    // Times of the block itself: the shift is taken off the bounds instead.
    let (from, first) = (floor - time, (floor / WINDOW_MS) as usize);
    let (second, third) = (from + WINDOW_MS, from + 2 * WINDOW_MS);
    let mut greatest = i64::MIN;
    for event in piece {
        let at = event.event_time;
        greatest = greatest.max(at);
        if at < from {
            let event = Event { event_time: at + time, ..*event };
            if event.event_time >= kept {
                correct(windows, &event, answer)
            } else {
                late(&event, answer)
            }
            continue;
        }
        // No division: there are three windows to choose from.
        let window = first + usize::from(at >= second) + usize::from(at >= third);
        windows.cell(window % W::OPEN, event.key).add(event.value, 1);
    }
    greatest + time
}

fn part<W: Windows>(replay: &Replay<Event>, part: usize, parts: usize, lateness_ms: i64, mut windows: W) -> Answer {
    let share = replay.share(part, parts);
    let mut answer = Answer::default();
    // The first record that is no straggler says where time is; without one all are late.
    let mut places = share.clone().take(2 * replay.block.len());
    let first = places.find_map(|place| Some(replay.get(place)).filter(|event| !is_straggler(event)));
    let start = |time: i64| time.div_euclid(WINDOW_MS) * WINDOW_MS;
    // Windows before `floor` have fired; those before `kept` are gone.
    let mut floor = first.map_or(i64::MAX / 2, |event| start(event.event_time - BOUND_MS));
    let mut kept = floor;
    let mut greatest = i64::MIN;
    for (shift, piece) in replay.slices(share, PIECE) {
        greatest = greatest.max(add(&mut windows, kept, floor, shift.time, piece, &mut answer));
        // The watermark is `greatest - BOUND_MS - 1`; a window fires when it has come to its last ms, and goes when it has passed the
        // lateness after that.
        while floor + WINDOW_MS <= greatest - BOUND_MS {
            fire(&mut windows, floor, &mut answer);
            floor += WINDOW_MS;
        }
        while kept < floor && kept + WINDOW_MS + lateness_ms <= greatest - BOUND_MS {
            forget(&mut windows, kept);
            kept += WINDOW_MS;
        }
    }
    (0..3).for_each(|window| fire(&mut windows, floor + window * WINDOW_MS, &mut answer));
    answer
}

fn run<W: Windows>(replay: &Replay<Event>, cores: usize, lateness_ms: i64, windows: impl Fn() -> W + Sync) -> (Duration, Answer) {
    let work = |number| part(replay, number, cores, lateness_ms, windows());
    parallel(cores, work, |parts| parts.into_iter().fold(Answer::default(), Answer::merge))
}

pub(super) fn array(replay: &Replay<Event>, lateness_ms: i64, cores: usize) -> (Duration, Answer) {
    match lateness_ms {
        0 => run(replay, cores, 0, || Flat::<{ OPEN * ROW }>(Array::new())),
        _ => run(replay, cores, lateness_ms, || Flat::<{ LENIENT * ROW }>(Array::new())),
    }
}

pub(super) fn hash(replay: &Replay<Event>, lateness_ms: i64, cores: usize) -> (Duration, Answer) {
    let table = |_| Table::<Cell>::for_keys(KEYS as usize);
    match lateness_ms {
        0 => run(replay, cores, 0, || std::array::from_fn::<_, OPEN, _>(table)),
        _ => run(replay, cores, lateness_ms, || std::array::from_fn::<_, LENIENT, _>(table)),
    }
}
