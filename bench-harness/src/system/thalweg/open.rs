//! The open loop: a source that publishes what is due, and the places where a record or a result leaves.
//!
//! ```text
//!   hop        Due ─▶ hop ─▶ Notes             a record leaves when the sink, on another core, has it
//!   windowed   Due ─▶ … ─▶ window ─▶ Emitted   a record leaves when the call that took it into its window returns; a result, in the sink
//! ```
//!
//! The engine's worker polls the source: when it is late, that is the engine's doing, and is part of the latency. A worker with nothing due
//! may sleep until something is; what it oversleeps is noted as a gap.

use std::{
    marker::PhantomData,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use thalweg::{
    BuildError, Config, Dataflow, Own, RunError, SumCount, Windowed,
    operator::{Control, Operator},
    sink::Sink,
    source::{Polled, Reader, Source},
};

use super::pipelines::{self, run};
use crate::{
    load::{
        Schedule,
        apart::Feed,
        open::{Departures, Emissions, Pace, Results, Role},
    },
    measure::threads::ThreadWatch,
    system::{
        Generator, Job, Outcome,
        hop::{Hopping, answer},
    },
    workload::{
        Answer,
        replay::{Replay, Replayed},
        synthetic::{Event, tumbling_row},
        ysb::{self, Ad},
    },
};

/// What an end leaves behind.
type Left<T> = Arc<Mutex<Option<T>>>;

fn leave<T>(place: &Left<T>, notes: T) {
    *place.lock().unwrap_or_else(PoisonError::into_inner) = Some(notes);
}

fn take<T>(place: &Left<T>) -> Result<T, String> {
    place.lock().unwrap_or_else(PoisonError::into_inner).take().ok_or_else(|| "an end of the pipeline saw no end".to_owned())
}

/// From one core to another.
pub(super) fn hop<T: Hopping>(replay: &Replay<T>, schedule: &Schedule, job: &Job, config: Config) -> Result<Outcome, String> {
    let pace = Pace::new(schedule, replay.events)?;
    let (departed, noted) = (Left::default(), Left::default());
    let mut flow = Dataflow::new("hop");
    let sink = Notes { pace: pace.clone(), noted: noted.clone() };
    match job.generator {
        Generator::Thread => {
            let due = Due { replay: replay.clone(), pace: pace.clone(), departed: departed.clone(), absorbed: None };
            flow.source(due).hop().sink(sink);
        }
        Generator::Process => {
            let feed = Feed::start(replay, schedule, job.batch)?;
            flow.source(Fed::<T> { feed, pace: pace.clone(), departed: departed.clone(), records: PhantomData }).hop().sink(sink);
        }
    }
    let ran = run(flow, config)?;
    let (emissions, sum) = take(&noted)?;
    let count = Emissions::left(&emissions);
    Ok(Outcome { bytes_moved: Some(ran.bytes_moved), ..pace.outcome(take(&departed)?, emissions, answer(sum, count)) })
}

/// `tumbling`, on one core.
pub(super) fn tumbling(replay: &Replay<Event>, schedule: &Schedule, config: Config) -> Result<Outcome, String> {
    windowed(
        replay,
        schedule,
        config,
        |event| event.event_time,
        pipelines::tumbling_between,
        |answer, row: Windowed<u64, SumCount>| {
            answer.add(&tumbling_row(row.key, row.start, row.value.sum, row.value.count));
        },
    )
}

/// `ysb`, on one core.
pub(super) fn ysb(replay: &Replay<Ad>, campaigns: &Arc<[u32]>, schedule: &Schedule, config: Config) -> Result<Outcome, String> {
    let campaigns = campaigns.clone();
    let build = |flow: &mut Dataflow, source, sink| pipelines::ysb_between(flow, source, campaigns, sink);
    windowed(
        replay,
        schedule,
        config,
        |ad| ad.event_time,
        build,
        |answer, row: Windowed<u32, u64>| answer.add(&ysb::campaign_row(row.key, row.start, row.value)),
    )
}

/// Windows whose watermark is the highest event time so far. `time` is a record's, `add` what a row adds to the answer.
fn windowed<T, K, V, A>(
    replay: &Replay<T>,
    schedule: &Schedule,
    config: Config,
    time: fn(&T) -> i64,
    build: impl FnOnce(&mut Dataflow, Due<T>, Emitted<T, A>),
    add: A,
) -> Result<Outcome, String>
where
    T: Replayed,
    A: Fn(&mut Answer, Windowed<K, V>) + Send + 'static,
{
    let pace = Pace::new(schedule, replay.events)?;
    let (departed, absorbed, emitted) = (Left::default(), Left::default(), Left::default());
    let mut flow = Dataflow::new("windowed");
    let due = Due { replay: replay.clone(), pace: pace.clone(), departed: departed.clone(), absorbed: Some(absorbed.clone()) };
    build(&mut flow, due, Emitted { replay: replay.clone(), time, pace: pace.clone(), add, emitted: emitted.clone() });
    let ran = run(flow, config)?;
    let (results, answer) = take(&emitted)?;
    Ok(Outcome {
        result_latency_ns: Some(Results::latency_ns(results)),
        bytes_moved: Some(ran.bytes_moved),
        ..pace.outcome(take(&departed)?, take(&absorbed)?, answer)
    })
}

/// A source of records that are due.
pub(super) struct Due<T> {
    replay: Replay<T>,
    pace: Pace,
    departed: Left<Departures>,
    /// Where the reader notes that the call which it made has taken the records in; none if a sink notes them.
    absorbed: Option<Left<Emissions>>,
}

impl<T: Replayed> Source for Due<T> {
    type Out = Own<T>;
    type Reader = DueReader<T>;

    fn name(&self) -> &'static str {
        "due"
    }

    fn open(self, readers: usize) -> Result<Vec<DueReader<T>>, BuildError> {
        assert_eq!(readers, 1, "one core reads");
        Ok(vec![DueReader { source: self, notes: None }])
    }
}

pub(super) struct DueReader<T> {
    source: Due<T>,
    /// Made at the first poll, on the worker's thread; taken at the end.
    notes: Option<(Departures, Option<Emissions>, ThreadWatch)>,
}

impl<T: Replayed> DueReader<T> {
    #[cold]
    fn end(&mut self) -> Polled {
        if let Some((departures, emissions, mut thread)) = self.notes.take() {
            thread.gaps(departures.gaps());
            leave(&self.source.departed, departures);
            if let Some((place, emissions)) = self.source.absorbed.as_ref().zip(emissions) {
                leave(place, emissions);
            }
        }
        Polled::End
    }
}

impl<T: Replayed> Reader for DueReader<T> {
    type Out = Own<T>;

    #[inline]
    fn poll<O: Operator<Own<T>>>(&mut self, max: usize, out: &mut O) -> Result<Polled, RunError> {
        let Self { source: Due { replay, pace, absorbed, .. }, notes } = self;
        let begin = || (pace.departures(Role::Sleeper), absorbed.as_ref().map(|_| pace.emissions()), ThreadWatch::begin("source"));
        let (departures, emissions, _) = notes.get_or_insert_with(begin);
        let sent = departures.sent();
        if sent >= replay.events {
            return Ok(self.end());
        }
        let count = departures.due().min(max as u64);
        if count == 0 {
            return Ok(Polled::Idle(departures.next_due()));
        }
        let Some((shift, slice)) = replay.slices(sent..sent + count, count as usize).next() else { return Ok(self.end()) };
        departures.send(slice.len() as u64);
        out.process(slice.iter().map(|record| record.at(shift)));
        if let Some(emissions) = emissions {
            emissions.leave(slice.len() as u64);
        }
        Ok(Polled::Records(slice.len()))
    }

    fn drain(&mut self) {
        self.source.replay.events = 0;
    }
}

/// A source of records that a generator in another process sends.
struct Fed<T> {
    feed: Feed,
    pace: Pace,
    departed: Left<Departures>,
    records: PhantomData<fn() -> T>,
}

impl<T: Hopping> Source for Fed<T> {
    type Out = Own<T>;
    type Reader = FedReader<T>;

    fn name(&self) -> &'static str {
        "fed"
    }

    fn open(self, readers: usize) -> Result<Vec<FedReader<T>>, BuildError> {
        assert_eq!(readers, 1, "one core reads");
        let Fed { feed, pace, departed, .. } = self;
        Ok(vec![FedReader { feed: Some(feed), pace, departed, records: Vec::new(), thread: None }])
    }
}

struct FedReader<T> {
    /// Taken at the end.
    feed: Option<Feed>,
    pace: Pace,
    departed: Left<Departures>,
    records: Vec<T>,
    /// Begun at the first poll, on the worker's thread.
    thread: Option<ThreadWatch>,
}

/// How long a worker may sleep that has nothing else to do: nobody wakes it when the socket has records.
const LOOK_AGAIN: Duration = Duration::from_micros(20);

impl<T: Hopping> FedReader<T> {
    fn look(&mut self, max: usize) -> Result<bool, String> {
        self.records.clear();
        let Some(feed) = &mut self.feed else { return Ok(true) };
        if self.thread.is_none() {
            self.thread = Some(ThreadWatch::begin("source"));
            feed.begin(&self.pace)?;
        }
        let is_last = feed.poll(&mut self.records, max)?;
        if is_last
            && self.records.is_empty()
            && let Some(feed) = self.feed.take()
        {
            leave(&self.departed, feed.end(&self.pace)?);
        }
        Ok(is_last)
    }
}

impl<T: Hopping> Reader for FedReader<T> {
    type Out = Own<T>;

    #[inline]
    fn poll<O: Operator<Own<T>>>(&mut self, max: usize, out: &mut O) -> Result<Polled, RunError> {
        let looked = self.look(max);
        let io = |why| RunError::Io { what: "the generator".into(), source: std::io::Error::other(why) };
        match looked.map_err(io)? {
            _ if !self.records.is_empty() => {
                out.process(self.records.iter().copied());
                Ok(Polled::Records(self.records.len()))
            }
            true => {
                self.thread = None;
                Ok(Polled::End)
            }
            false => Ok(Polled::Idle(Some(Instant::now() + LOOK_AGAIN))),
        }
    }

    fn drain(&mut self) {
        self.feed = None;
    }
}

/// A sink that notes residence.
struct Notes {
    pace: Pace,
    noted: Left<(Emissions, u64)>,
}

impl<T: Hopping> Sink<Own<T>> for Notes {
    type Writer = NotesWriter;

    fn name(&self) -> &'static str {
        "notes"
    }

    fn open(self, writers: usize) -> Result<Vec<NotesWriter>, BuildError> {
        assert_eq!(writers, 1, "a hop writes on one core");
        Ok(vec![NotesWriter { emissions: Some(self.pace.emissions()), sum: 0, thread: None, noted: self.noted }])
    }
}

struct NotesWriter {
    /// Taken at the end.
    emissions: Option<Emissions>,
    sum: u64,
    thread: Option<ThreadWatch>,
    noted: Left<(Emissions, u64)>,
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
        if let Some(emissions) = &mut self.emissions
            && received > 0
        {
            emissions.leave(received);
        }
        self.thread.get_or_insert_with(|| ThreadWatch::begin("sink"));
    }

    fn control(&mut self, control: Control) {
        if control == Control::End
            && let Some(emissions) = self.emissions.take()
        {
            leave(&self.noted, (emissions, self.sum));
            self.thread = None;
        }
    }

    fn ready(&mut self) -> Result<bool, RunError> {
        Ok(true)
    }

    fn states(&mut self, _: &mut thalweg::operator::States<'_>) {}
}

/// A sink that notes how late results are, and reduces them to an answer.
pub(super) struct Emitted<T, A> {
    replay: Replay<T>,
    time: fn(&T) -> i64,
    pace: Pace,
    add: A,
    emitted: Left<(Results, Answer)>,
}

impl<T, K, V, A> Sink<Own<Windowed<K, V>>> for Emitted<T, A>
where
    T: Replayed,
    K: 'static,
    V: 'static,
    A: Fn(&mut Answer, Windowed<K, V>) + Send + 'static,
{
    type Writer = EmittedWriter<T, A>;

    fn name(&self) -> &'static str {
        "emitted"
    }

    fn open(self, writers: usize) -> Result<Vec<Self::Writer>, BuildError> {
        assert_eq!(writers, 1, "one core writes");
        Ok(vec![EmittedWriter { results: Some(self.pace.results()), answer: Answer::default(), sink: self }])
    }
}

pub(super) struct EmittedWriter<T, A> {
    sink: Emitted<T, A>,
    /// Taken at the end.
    results: Option<Results>,
    answer: Answer,
}

impl<T, K, V, A> Operator<Own<Windowed<K, V>>> for EmittedWriter<T, A>
where
    T: Replayed,
    K: 'static,
    V: 'static,
    A: Fn(&mut Answer, Windowed<K, V>) + Send + 'static,
{
    /// One stamp a batch, when it has come in: rows of a window that closes come in many.
    #[inline]
    fn process<'a, I>(&mut self, rows: I)
    where
        I: Iterator<Item = <Own<Windowed<K, V>> as thalweg::Record>::Of<'a>>,
    {
        let Self { sink: Emitted { replay, time, add, .. }, results, answer } = self;
        let Some(results) = results else { return };
        let now = results.now();
        rows.for_each(|row| {
            let end = row.end;
            add(answer, row);
            results.emit(now, end, 1, || replay.first(|record| time(&record) >= end));
        });
    }

    fn control(&mut self, control: Control) {
        if control == Control::End
            && let Some(results) = self.results.take()
        {
            leave(&self.sink.emitted, (results, self.answer));
        }
    }

    fn ready(&mut self) -> Result<bool, RunError> {
        Ok(true)
    }

    fn states(&mut self, _: &mut thalweg::operator::States<'_>) {}
}
