//! The hops: a source that is not replicated, and a sink in a block of its own, behind renoir's channel.
//!
//! Batches: `fixed` closed, as many records as the harness asks for. Open, `single` up to 300,000 records a second, so that no record waits for a batch to
//! fill, and `fixed(16)` above, since a message a record is then more than the channel takes. `adaptive` and `timed` make a record wait for their
//! timer at any rate that does not fill batches sooner.

use std::{
    hint::spin_loop,
    ops::Range,
    sync::{Arc, Mutex, PoisonError},
};

use renoir::{BatchMode, Replication};
use serde::{Serialize, de::DeserializeOwned};

use super::{execute, single, source::records};
use crate::{
    load::{
        Schedule,
        open::{Departures, Emissions, Pace, Role},
    },
    measure::threads::ThreadWatch,
    system::{
        Job, Outcome,
        cores::pin,
        hop::{Hopping, answer},
    },
    workload::replay::{Replay, Replayed},
};

/// More records a second than this, and they go in batches of [`OPEN_BATCH`].
const SINGLE_PER_S: f64 = 300_000.0;
const OPEN_BATCH: usize = 16;

/// What an end leaves behind.
type Left<T> = Arc<Mutex<Option<T>>>;

fn leave<T>(place: &Left<T>, notes: T) {
    *place.lock().unwrap_or_else(PoisonError::into_inner) = Some(notes);
}

fn take<T>(place: &Left<T>) -> Option<T> {
    place.lock().unwrap_or_else(PoisonError::into_inner).take()
}

pub(super) fn run<T: Hopping + Serialize + DeserializeOwned>(replay: &Replay<T>, job: &Job) -> Result<Outcome, String> {
    match &job.schedule {
        None => closed(replay, job),
        Some(schedule) => open(replay, schedule, job),
    }
}

fn closed<T: Hopping + Serialize + DeserializeOwned>(replay: &Replay<T>, job: &Job) -> Result<Outcome, String> {
    let (elapsed, total) = single(job.cores, |context, started| {
        let records = records(replay, started)(0, 1);
        context
            .stream_iter(OnCore { core: 0, is_pinned: false, items: records })
            .batch_mode(BatchMode::fixed(job.batch.max(1)))
            .fold((0u64, 0u64), |(sum, count), record| {
                if *count == 0 {
                    pin(1);
                }
                (*sum, *count) = (sum.wrapping_add(record.digest()), *count + 1);
            })
            .collect_vec()
    })?;
    let (sum, count) = total.unwrap_or_default();
    Ok(Outcome::closed(count, elapsed, answer(sum, count)))
}

/// Pins the thread that iterates.
struct OnCore<I> {
    core: usize,
    is_pinned: bool,
    items: I,
}

impl<I: Iterator> Iterator for OnCore<I> {
    type Item = I::Item;

    #[inline(always)]
    fn next(&mut self) -> Option<I::Item> {
        if !self.is_pinned {
            pin(self.core);
            self.is_pinned = true;
        }
        self.items.next()
    }
}

fn open<T: Hopping + Serialize + DeserializeOwned>(replay: &Replay<T>, schedule: &Schedule, job: &Job) -> Result<Outcome, String> {
    let pace = Pace::new(schedule, replay.events)?;
    let (departed, noted) = (Left::default(), Left::default());
    let mode = if schedule.mean_per_s() <= SINGLE_PER_S { BatchMode::single() } else { BatchMode::fixed(OPEN_BATCH.min(job.batch.max(1))) };
    execute(job.cores, |context, started| {
        started.now();
        let due = Due { replay: replay.clone(), pace: pace.clone(), departed: departed.clone(), notes: None, ready: 0..0 };
        let mut sink = Sink { pace: pace.clone(), noted: noted.clone(), events: replay.events, notes: None };
        context
            .stream_iter(OnCore { core: 0, is_pinned: false, items: due })
            .batch_mode(mode)
            .replication(Replication::One)
            .map(|record: T| record.digest())
            .for_each(move |digest| sink.take(digest));
    })?;
    let (emissions, sum) = take(&noted).ok_or("renoir's sink saw no end")?;
    let count = emissions.left();
    Ok(pace.outcome(take(&departed).ok_or("renoir's source saw no end")?, emissions, answer(sum, count)))
}

/// Records when they are due. Whoever asks for one waits until it is: renoir's sources cannot say that there is nothing yet.
struct Due<T> {
    replay: Replay<T>,
    pace: Pace,
    departed: Left<Departures>,
    /// Made at the first record, on the source's thread; left behind after the last.
    notes: Option<(Departures, ThreadWatch)>,
    /// Positions that are due, and noted as sent.
    ready: Range<u64>,
}

impl<T: Replayed> Iterator for Due<T> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        let Due { replay, pace, departed, notes, ready } = self;
        if ready.is_empty() {
            let (departures, _) = notes.get_or_insert_with(|| (pace.departures(Role::Generator), ThreadWatch::begin("source")));
            let sent = departures.sent();
            if sent == replay.events {
                if let Some((departures, mut thread)) = notes.take() {
                    thread.gaps(departures.gaps());
                    leave(departed, departures);
                }
                return None;
            }
            let due = loop {
                match departures.due() {
                    0 => spin_loop(),
                    due => break due,
                }
            };
            // What is late goes out before the clock is read again.
            let count = due.min(replay.events - sent);
            departures.send(count);
            *ready = sent..sent + count;
        }
        let position = ready.next()?;
        Some(replay.get(position))
    }
}

/// Where records leave.
struct Sink {
    pace: Pace,
    noted: Left<(Emissions, u64)>,
    events: u64,
    /// Made at the first record, on the sink's thread.
    notes: Option<(Emissions, u64, ThreadWatch)>,
}

/// Of renoir each replica has a copy of its own; there is one.
impl Clone for Sink {
    fn clone(&self) -> Sink {
        Sink { pace: self.pace.clone(), noted: self.noted.clone(), events: self.events, notes: None }
    }
}

impl Sink {
    #[inline]
    fn take(&mut self, digest: u64) {
        let (notes, sum, _) = self.notes.get_or_insert_with(|| {
            pin(1);
            (self.pace.emissions(), 0, ThreadWatch::begin("sink"))
        });
        *sum = sum.wrapping_add(digest);
        notes.leave(1);
        if notes.left() == self.events
            && let Some((notes, sum, _)) = self.notes.take()
        {
            leave(&self.noted, (notes, sum));
        }
    }
}
