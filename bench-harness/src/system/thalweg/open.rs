//! The open loop: a source that publishes what is due, a hop, and a sink that notes residence from the intended arrival.
//!
//! The schedule, the clock and the notes are the same as those of the queues that it is compared with ([`crate::system::hop::open`]).

use std::sync::{
    Arc, Mutex, OnceLock, PoisonError,
    atomic::{AtomicU64, Ordering},
};

use quanta::Clock;
use thalweg::{
    BuildError, Config, Dataflow, Own, RunError,
    operator::{Control, Operator},
    sink::Sink,
    source::{Polled, Reader, Source},
};

use crate::{
    system::{
        Outcome,
        hop::{
            Hopping,
            open::{Pace, Schedule, Watch},
        },
    },
    workload::replay::Replay,
};

/// Ticks between the readiness of both ends and the first record, so that neither is measured while it starts.
const LEAD_NS: f64 = 5e6;

pub(super) fn hop<T: Hopping>(replay: &Replay<T>, rate: f64, config: Config) -> Result<Outcome, String> {
    let pace = Arc::new(Pace::new(replay.events, rate));
    let start = Arc::new(OnceLock::new());
    let sent = Arc::new(AtomicU64::new(0));
    let noted = Arc::new(Mutex::new(None));
    let mut flow = Dataflow::new("hop");
    flow.source(Due { replay: replay.clone(), pace: pace.clone(), start: start.clone(), sent: sent.clone() }).hop().sink(Notes {
        pace: pace.clone(),
        start,
        noted: noted.clone(),
    });
    flow.start(config).map_err(|error| error.to_string())?.join().map_err(|error| error.to_string())?;
    let noted = noted.lock().unwrap_or_else(PoisonError::into_inner).take();
    let Noted { ticks, sum, count, watch } = noted.ok_or("the sink saw no end")?;
    // ORDERING: Relaxed; joining the worker ordered its store before.
    Ok(pace.outcome(sent.load(Ordering::Relaxed), ticks, sum, count, watch))
}

/// The common start, in ticks: set by whichever end is ready first.
fn start_of(start: &OnceLock<u64>, pace: &Pace) -> u64 {
    *start.get_or_init(|| pace.clock.raw() + (LEAD_NS / pace.ns_per_tick) as u64)
}

/// A source of records that are due.
struct Due<T> {
    replay: Replay<T>,
    pace: Arc<Pace>,
    start: Arc<OnceLock<u64>>,
    sent: Arc<AtomicU64>,
}

impl<T: Hopping> Source for Due<T> {
    type Out = Own<T>;
    type Reader = DueReader<T>;

    fn name(&self) -> &'static str {
        "due"
    }

    fn open(self, readers: usize) -> Result<Vec<DueReader<T>>, BuildError> {
        assert_eq!(readers, 1, "a hop reads on one core");
        let clock = self.pace.clock.clone();
        Ok(vec![DueReader { source: self, clock, schedule: None, next: 0 }])
    }
}

struct DueReader<T> {
    source: Due<T>,
    clock: Clock,
    schedule: Option<Schedule>,
    next: u64,
}

impl<T: Hopping> Reader for DueReader<T> {
    type Out = Own<T>;

    #[inline]
    fn poll<O: Operator<Own<T>>>(&mut self, max: usize, out: &mut O) -> Result<Polled, RunError> {
        let Self { source: Due { replay, pace, start, sent }, clock, schedule, next } = self;
        let schedule = schedule.get_or_insert_with(|| pace.schedule(start_of(start, pace)));
        if *next >= replay.events {
            let start = start_of(start, pace);
            // ORDERING: Relaxed; read after the worker was joined.
            sent.store(clock.raw() - start, Ordering::Relaxed);
            return Ok(Polled::End);
        }
        let due = schedule.due_by(clock.raw());
        let count = (due.saturating_sub(*next)).min(max as u64) as usize;
        if count == 0 {
            // A spin, not a sleep: at the rates that are measured the next one is due within microseconds.
            return Ok(Polled::Idle(None));
        }
        let Some((shift, slice)) = replay.slices(*next..*next + count as u64, count).next() else { return Ok(Polled::End) };
        *next += slice.len() as u64;
        out.process(slice.iter().map(|record| record.at(shift)));
        Ok(Polled::Records(slice.len()))
    }

    fn drain(&mut self) {
        self.next = self.source.replay.events;
    }
}

/// What the sink leaves behind.
struct Noted {
    ticks: u64,
    sum: u64,
    count: u64,
    watch: Watch,
}

/// A sink that notes residence.
struct Notes {
    pace: Arc<Pace>,
    start: Arc<OnceLock<u64>>,
    noted: Arc<Mutex<Option<Noted>>>,
}

impl<T: Hopping> Sink<Own<T>> for Notes {
    type Writer = NotesWriter;

    fn name(&self) -> &'static str {
        "notes"
    }

    fn open(self, writers: usize) -> Result<Vec<NotesWriter>, BuildError> {
        assert_eq!(writers, 1, "a hop writes on one core");
        let start = start_of(&self.start, &self.pace);
        let watch = Watch::new(self.pace.schedule(start), self.pace.ns_per_tick, self.pace.warm);
        Ok(vec![NotesWriter { clock: self.pace.clock.clone(), start, sum: 0, count: 0, watch: Some(watch), noted: self.noted }])
    }
}

struct NotesWriter {
    clock: Clock,
    start: u64,
    sum: u64,
    count: u64,
    /// Taken at the end.
    watch: Option<Watch>,
    noted: Arc<Mutex<Option<Noted>>>,
}

impl<T: Hopping> Operator<Own<T>> for NotesWriter {
    #[inline]
    fn process<'a, I>(&mut self, records: I)
    where
        I: Iterator<Item = <Own<T> as thalweg::Record>::Of<'a>>,
    {
        let (mut sum, mut received) = (self.sum, 0);
        records.for_each(|record| {
            sum = sum.wrapping_add(record.digest());
            received += 1;
        });
        self.sum = sum;
        if let Some(watch) = &mut self.watch
            && received > 0
        {
            watch.left(self.clock.raw(), self.count, received);
        }
        self.count += received;
    }

    fn control(&mut self, control: Control) {
        if control == Control::End
            && let Some(watch) = self.watch.take()
        {
            let noted = Noted { ticks: self.clock.raw().saturating_sub(self.start), sum: self.sum, count: self.count, watch };
            *self.noted.lock().unwrap_or_else(PoisonError::into_inner) = Some(noted);
        }
    }

    fn ready(&mut self) -> Result<bool, RunError> {
        Ok(true)
    }
}
