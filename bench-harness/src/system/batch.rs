//! `rayon`: the whole input as one parallel batch; what a program would do that need not stream.
//!
//! ```text
//!   ranges of the stream ─ into_par_iter ─▶ fold ranges into partial results ─▶ reduce them in pairs ─▶ answer
//! ```
//!
//! State is directly indexed where keys allow, a hashbrown map where they do not. Nothing is closed before the end, since a batch knows no
//! watermark: all windows are held until they can be merged. The pool has as many threads as cores were asked for, pinned like everybody's.

use std::{collections::BTreeMap, ops::Range, time::Instant};

use foldhash::fast::FixedState;
use hashbrown::HashMap;
use rayon::{ThreadPoolBuilder, prelude::*};

use super::{
    Job, Outcome, System,
    cores::{available, pin},
    hand::windows::for_runs,
};
use crate::workload::{
    Answer, Data,
    replay::{Replay, Replayed, Shift},
    synthetic::{self, Event, is_kept, mark, scale, total_row, tumbling_row},
    text::{Lines, word_row, words},
    ysb::{self, Ad, EventType, campaign_row},
};

/// With so many keys, an array of them for each range of the input takes too much memory.
const KEYS_MAX: usize = 1_000_000;

/// Batch processing with rayon.
pub(super) struct Rayon;

impl System for Rayon {
    fn name(&self) -> &'static str {
        "rayon"
    }

    fn refuses(&self, job: &Job) -> Option<String> {
        if matches!(job.input.data, Data::Hop(_) | Data::Hop64(_) | Data::Flights(_)) {
            return Some("rayon works on what is in memory already: there is nothing to hop, and no file to read".to_owned());
        }
        let none = matches!(job.input.data, Data::Nexmark { .. } | Data::Chain { .. } | Data::Sliding { .. } | Data::Session(_));
        if none || matches!(job.input.data, Data::Join(_) | Data::Disorder { .. }) {
            return Some("no batch loop was written for it".to_owned());
        }
        if matches!(job.input.data, Data::Tumbling { keys: Some(KEYS_MAX..), .. }) {
            return Some("rayon holds an array of all keys for each piece of the input: too much with so many".to_owned());
        }
        if job.schedule.is_some() {
            return Some("rayon takes the whole input at once: there is no rate to keep".to_owned());
        }
        (job.cores == 0 || job.cores > available())
            .then(|| format!("{} cores were asked for; this process may use {}", job.cores, available()))
    }

    fn run(&self, job: &Job) -> Result<Outcome, String> {
        let pool = ThreadPoolBuilder::new().num_threads(job.cores).start_handler(pin).build();
        let pool = pool.map_err(|error| format!("rayon's threads cannot be started: {error}"))?;
        let (elapsed, answer) = pool.install(|| {
            let start = Instant::now();
            let answer = answer(&job.input.data);
            (start.elapsed(), answer)
        });
        Ok(Outcome::closed(job.input.events, elapsed, answer?))
    }
}

fn answer(data: &Data) -> Result<Answer, String> {
    match data {
        Data::Stateless(replay) => Ok(stateless(replay)),
        Data::Tumbling { replay, keys: Some(keys) } => {
            let add = |cells: &mut Vec<Cell>, run: &[Event]| {
                cells.resize(*keys, Cell::default());
                run.iter().for_each(|event| cells[event.key as usize].add((event.value, 1)));
            };
            let merge =
                |cells: &mut Vec<Cell>, more: Vec<Cell>| cells.iter_mut().zip(more).for_each(|(cell, more)| cell.add((more.0, more.1)));
            let windows = windows(replay, synthetic::WINDOW_MS, |event| event.event_time, add, merge);
            let rows = |(start, cells): (i64, Vec<Cell>)| {
                let taken = cells.into_iter().zip(0..).filter(|(cell, _)| cell.1 > 0);
                rows_of(taken.map(|(cell, key)| tumbling_row(key, start, cell.0, cell.1)))
            };
            Ok(windows.into_par_iter().map(rows).reduce(Answer::default, Answer::merge))
        }
        Data::Tumbling { replay, keys: None } => {
            type Cells = HashMap<u64, Cell, FixedState>;
            let add =
                |cells: &mut Cells, run: &[Event]| run.iter().for_each(|event| cells.entry(event.key).or_default().add((event.value, 1)));
            let merge = |cells: &mut Cells, more: Cells| {
                more.into_iter().for_each(|(key, cell)| cells.entry(key).or_default().add((cell.0, cell.1)))
            };
            let windows = windows(replay, synthetic::WINDOW_MS, |event| event.event_time, add, merge);
            let rows =
                |(start, cells): (i64, Cells)| rows_of(cells.into_iter().map(|(key, cell)| tumbling_row(key, start, cell.0, cell.1)));
            Ok(windows.into_par_iter().map(rows).reduce(Answer::default, Answer::merge))
        }
        Data::Ysb { replay, campaigns } => {
            let add = |views: &mut Vec<u64>, run: &[Ad]| {
                views.resize(ysb::CAMPAIGNS as usize, 0);
                run.iter().for_each(|ad| views[campaigns[ad.ad_id as usize] as usize] += u64::from(ad.event_type == EventType::View));
            };
            let merge = |views: &mut Vec<u64>, more: Vec<u64>| views.iter_mut().zip(more).for_each(|(views, more)| *views += more);
            let windows = windows(replay, ysb::WINDOW_MS, |ad| ad.event_time, add, merge);
            let rows = |(start, views): (i64, Vec<u64>)| {
                let taken = views.into_iter().zip(0..).filter(|&(views, _)| views > 0);
                rows_of(taken.map(|(views, campaign)| campaign_row(campaign, start, views)))
            };
            Ok(windows.into_par_iter().map(rows).reduce(Answer::default, Answer::merge))
        }
        Data::WordCount(lines) => Ok(wordcount(lines)),
        _ => Err("rayon runs stateless, tumbling, ysb and wordcount only".to_owned()),
    }
}

/// Sum and count.
#[derive(Clone, Copy, Default)]
struct Cell(i64, u64);

impl Cell {
    #[inline(always)]
    fn add(&mut self, (sum, count): (i64, u64)) {
        self.0 = self.0.wrapping_add(sum);
        self.1 += count;
    }
}

fn rows_of<const N: usize>(rows: impl Iterator<Item = [u64; N]>) -> Answer {
    rows.fold(Answer::default(), |mut answer, row| {
        answer.add(&row);
        answer
    })
}

/// Ranges that are long against the cost of a task, and many against the number of threads.
fn ranges(events: u64, step: u64) -> impl ParallelIterator<Item = Range<u64>> {
    (0..events.div_ceil(step)).into_par_iter().map(move |part| part * step..((part + 1) * step).min(events))
}

const STEP: u64 = 1 << 18;

fn stateless(replay: &Replay<Event>) -> Answer {
    let add = |a: (u64, u64), b: (u64, u64)| (a.0.wrapping_add(b.0), a.1 + b.1);
    let of_slice = |(shift, slice): (Shift, &[Event])| {
        slice.iter().fold((0, 0), |sum, event| {
            let event = event.at(shift);
            let scaled = scale(&event);
            let mask = (is_kept(scaled) as u64).wrapping_neg();
            add(sum, (mark(scaled, event.seq) as u64 & mask, mask & 1))
        })
    };
    let of_range = |range| replay.slices(range, usize::MAX).map(of_slice).fold((0, 0), add);
    let (sum, count) = ranges(replay.events, STEP).map(of_range).reduce(|| (0, 0), add);
    rows_of([total_row(sum, count)].into_iter())
}

/// The state of every window, by its start.
fn windows<T: Replayed, S: Default + Send>(
    replay: &Replay<T>,
    window_ms: i64,
    time: fn(&T) -> i64,
    add: impl Fn(&mut S, &[T]) + Sync,
    merge: impl Fn(&mut S, S) + Sync,
) -> BTreeMap<i64, S> {
    let fold = |mut windows: BTreeMap<i64, S>, range| {
        for_runs(replay, range, window_ms, time, |start, run| add(windows.entry(start).or_default(), run));
        windows
    };
    let reduce = |a: BTreeMap<i64, S>, b: BTreeMap<i64, S>| {
        let (mut all, few) = if a.len() < b.len() { (b, a) } else { (a, b) };
        for (start, state) in few {
            match all.entry(start) {
                std::collections::btree_map::Entry::Vacant(place) => drop(place.insert(state)),
                std::collections::btree_map::Entry::Occupied(mut place) => merge(place.get_mut(), state),
            }
        }
        all
    };
    ranges(replay.events, STEP).fold(BTreeMap::new, fold).reduce(BTreeMap::new, reduce)
}

type Counts<'a> = HashMap<&'a str, u64, FixedState>;

fn wordcount(lines: &Lines) -> Answer {
    let counts = ranges(lines.events, STEP / 32)
        .fold(Counts::default, |mut counts, range| {
            lines.pieces(range, usize::MAX).flat_map(words).for_each(|word| *counts.entry(word).or_default() += 1);
            counts
        })
        .reduce(Counts::default, |a, b| {
            let (mut all, few) = if a.len() < b.len() { (b, a) } else { (a, b) };
            few.into_iter().for_each(|(word, count)| *all.entry(word).or_default() += count);
            all
        });
    rows_of(counts.into_iter().map(|(word, count)| word_row(word, count)))
}
