//! Each workload as a program on the public API.

use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use thalweg::{
    BuildError, Config, Count, Dataflow, Fold, Monotone, Own, ProcessingTime, RunError, Sum, SumCount, Text, Tumbling, Update, Windowed,
    ring::Probe,
    sink::{Folded, Sink, Total},
    source::{Csv, Source},
};

use super::{
    growth::Growth,
    input::{TextReplay, Watch, replayed},
};
use crate::{
    system::{
        Outcome,
        hop::{Hopping, answer},
    },
    workload::{
        Answer,
        flights::{self, Flights, program::FlightRow},
        nexmark::{
            Events, Feed, Query,
            oracle::new_keys,
            program::{self, Keep},
        },
        replay::Replay,
        synthetic::{self, Event, is_kept, link, mark, scale, total_row, tumbling_row},
        text::{Lines, word_row, words},
        ysb::{self, Ad, EventType},
    },
};

/// `hop`: a source on one core, a sink on another, nothing between.
pub(super) fn hop<T: Hopping>(replay: &Replay<T>, config: Config) -> Result<Outcome, String> {
    let watch = Watch::new(replay.events);
    let mut flow = Dataflow::new("hop");
    let (sink, totals) = Fold::new((0u64, 0u64), |total: &mut (u64, u64), record: T| {
        total.0 = total.0.wrapping_add(record.digest());
        total.1 += 1;
    });
    flow.source(watch.over(replayed(replay))).hop().sink(sink);
    let ran = run(flow, config)?;
    let elapsed = watch.elapsed();
    let (sum, count) = totals.merge(add).unwrap_or_default();
    Ok(outcome(ran, &watch, elapsed, answer(sum, count)))
}

fn add(a: (u64, u64), b: (u64, u64)) -> (u64, u64) {
    (a.0.wrapping_add(b.0), a.1 + b.1)
}

/// `stateless`: map, a filter that keeps half, map; sum and count.
pub(super) fn stateless(replay: &Replay<Event>, config: Config) -> Result<Outcome, String> {
    let watch = Watch::new(replay.events);
    let mut flow = Dataflow::new("stateless");
    let (sink, total) = Total::new();
    flow.source(watch.over(replayed(replay)))
        .map(|event| (scale(&event), event.seq))
        .filter(|&(scaled, _)| is_kept(scaled))
        .map_pure(|(scaled, seq)| mark(scaled, seq))
        .sink(sink);
    let ran = run(flow, config)?;
    let elapsed = watch.elapsed();
    let SumCount { sum, count } = total.get();
    let mut answer = Answer::default();
    answer.add(&total_row(sum as u64, count));
    Ok(outcome(ran, &watch, elapsed, answer))
}

/// `chain-N`: N maps one after the other; sum and count.
pub(super) fn chain(replay: &Replay<Event>, links: u64, config: Config) -> Result<Outcome, String> {
    let watch = Watch::new(replay.events);
    let mut flow = Dataflow::new("chain");
    let (sink, total) = Total::new();
    let values = flow.source(watch.over(replayed(replay))).map(|event| event.value as u64);
    // A chain is a type: each length is written out.
    macro_rules! maps {
        ($($place:literal)*) => { values$(.map(|value| link(value, $place)))*.map_pure(|value| value as i64).sink(sink) };
    }
    match links {
        1 => maps!(1),
        2 => maps!(1 2),
        4 => maps!(1 2 3 4),
        8 => maps!(1 2 3 4 5 6 7 8),
        16 => maps!(1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16),
        _ => return Err(format!("a chain of {links}: there are 1, 2, 4, 8 and 16")),
    };
    let ran = run(flow, config)?;
    let elapsed = watch.elapsed();
    let SumCount { sum, count } = total.get();
    let mut answer = Answer::default();
    answer.add(&total_row(sum as u64, count));
    Ok(outcome(ran, &watch, elapsed, answer))
}

/// `tumbling`: sum and count per key in windows of a second. The same program for dense and scattered keys.
pub(super) fn tumbling(replay: &Replay<Event>, config: Config) -> Result<Outcome, String> {
    let watch = Watch::new(replay.events);
    let mut flow = Dataflow::new("tumbling");
    let (sink, answers) = rows(|answer, row: Windowed<u64, SumCount>| {
        answer.add(&tumbling_row(row.key, row.start, row.value.sum, row.value.count));
    });
    tumbling_between(&mut flow, watch.over(replayed(replay)), sink);
    let ran = run(flow, config)?;
    Ok(closed(ran, &watch, &answers))
}

/// The program of `tumbling` between a source and a sink.
pub(super) fn tumbling_between<S: Source<Out = Own<Event>>>(flow: &mut Dataflow, source: S, sink: impl Sink<Own<Windowed<u64, SumCount>>>) {
    flow.source(source)
        .watermarks(Monotone, |event| event.event_time)
        .key_by(|event| event.key)
        .window(Tumbling::millis(synthetic::WINDOW_MS))
        .aggregate(Sum::of::<Own<Event>>(|event: &Event| event.value))
        .sink(sink);
}

/// `ysb`: ad views per campaign in windows of ten seconds. Projects before it filters, so that the filter has little to move.
pub(super) fn ysb(replay: &Replay<Ad>, campaigns: &Arc<[u32]>, config: Config) -> Result<Outcome, String> {
    let watch = Watch::new(replay.events);
    let mut flow = Dataflow::new("ysb");
    let (sink, answers) = rows(|answer, row: Windowed<u32, u64>| answer.add(&ysb::campaign_row(row.key, row.start, row.value)));
    ysb_between(&mut flow, watch.over(replayed(replay)), campaigns.clone(), sink);
    let ran = run(flow, config)?;
    Ok(closed(ran, &watch, &answers))
}

/// The program of `ysb` between a source and a sink.
pub(super) fn ysb_between<S: Source<Out = Own<Ad>>>(
    flow: &mut Dataflow,
    source: S,
    campaigns: Arc<[u32]>,
    sink: impl Sink<Own<Windowed<u32, u64>>>,
) {
    flow.source(source)
        .map(|ad| (ad.ad_id, ad.event_type, ad.event_time))
        .filter(|(_, event_type, _)| *event_type == EventType::View)
        .map(move |(ad_id, _, time)| (campaigns[ad_id as usize], time))
        .watermarks(Monotone, |(_, time)| *time)
        .key_by(|(campaign, _)| *campaign)
        .window(Tumbling::millis(ysb::WINDOW_MS))
        .aggregate(Count)
        .sink(sink);
}

/// `wordcount`: how often each word occurs. The sink keeps the final table from the changes alone, which come for a million words at a time, as in
/// the other systems' programs.
pub(super) fn wordcount(lines: &Lines, config: Config) -> Result<Outcome, String> {
    let watch = Watch::new(lines.events);
    let mut flow = Dataflow::new("wordcount");
    let (sink, tables) = Fold::new(Table::default(), Table::change);
    let words = flow.source(watch.over(TextReplay(lines.clone()))).flat_map_to::<Text, _>(words);
    words.key_by_text().mini_batch(1 << 20, ProcessingTime::new().tick(Duration::from_millis(100))).aggregate(Count).sink(sink);
    let ran = run(flow, config)?;
    let elapsed = watch.elapsed();
    let (mut answer, mut changes) = (Answer::default(), 0);
    for table in tables.take() {
        changes += table.changes;
        table.words.iter().zip(&table.counts).for_each(|(word, count)| answer.add(&word_row(word, *count)));
    }
    Ok(Outcome {
        changes: Some(changes),
        allocations: watch.allocations(),
        progress: watch.progress(),
        ..Outcome::closed(ran.records, elapsed, answer)
    })
}

/// The materialised result of a stream of changes.
#[derive(Clone, Default)]
struct Table {
    words: Vec<Box<str>>,
    counts: Vec<u64>,
    changes: u64,
}

impl Table {
    #[inline]
    fn change(&mut self, update: Update<'_, Box<str>, u64>) {
        self.changes += 1;
        match self.counts.get_mut(update.slot as usize) {
            Some(count) => *count = update.after,
            None => {
                self.words.push(update.key.clone());
                self.counts.push(update.after);
            }
        }
    }
}

/// `flights`: a query, over rows that the pipeline parses from the CSV file. See `workload::flights`.
pub(super) fn flights(flights: &Flights, events: u64, config: Config) -> Result<Outcome, String> {
    let watch = Watch::new(events);
    let mut flow = Dataflow::new("flights");
    let rows = watch.over(Csv::<FlightRow>::file(&flights.path).rows_are_lines().share_bytes(256 << 10));
    let answers = flights::program::build(flights.query, &mut flow, rows, flights.bound_ms);
    let ran = run(flow, config)?;
    // Texts, which the rings' counters do not see, are most of what moves.
    Ok(Outcome { bytes_moved: None, ..closed(ran, &watch, &answers) })
}

/// A query of Nexmark: see `workload::nexmark`.
pub(super) fn nexmark(query: Query, events: &Events, state_keys: &OnceLock<Option<u64>>, config: Config) -> Result<Outcome, String> {
    let watch = Watch::new(events.events());
    let mut flow = Dataflow::new(query.to_string());
    let (hooks, growth, count) = (watch.clone(), Growth::default(), events.events());
    let looking = growth.clone();
    let feed = Feed::from(events.clone()).hooked(move |readers| looking.beside(count, hooks.hooks(readers)));
    let results = program::build(query, &mut flow, feed, Keep::Digest)?;
    let ran = run(flow, config)?;
    let elapsed = watch.elapsed();
    let results = results.results()?;
    if results.late > 0 {
        return Err(format!("{} records were left out as late, where there are none", results.late));
    }
    let new_keys = || {
        let [from, to] = Growth::marks(count);
        // Once for all repeats.
        *state_keys.get_or_init(|| new_keys(query, events.range(0..to), from, to))
    };
    Ok(Outcome {
        changes: Some(results.changes),
        allocations: watch.allocations(),
        state: growth.bytes().and_then(|bytes| Some((bytes, new_keys()?))),
        progress: watch.progress(),
        ..Outcome::closed(ran.records, elapsed, results.answer())
    })
}

/// A sink that reduces rows to an answer.
pub(super) fn rows<T: 'static>(
    add: impl Fn(&mut Answer, T) + Clone + Send + 'static,
) -> (Fold<Answer, impl FnMut(&mut Answer, T) + Clone + Send + 'static>, Folded<Answer>) {
    Fold::new(Answer::default(), move |answer: &mut Answer, row: T| add(answer, row))
}

pub(super) fn closed(ran: Ran, watch: &Watch, answers: &Folded<Answer>) -> Outcome {
    let elapsed: Duration = watch.elapsed();
    outcome(ran, watch, elapsed, answers.merge(Answer::merge).unwrap_or_default())
}

fn outcome(ran: Ran, watch: &Watch, elapsed: Duration, answer: Answer) -> Outcome {
    Outcome {
        allocations: watch.allocations(),
        progress: watch.progress(),
        bytes_moved: Some(ran.bytes_moved),
        ..Outcome::closed(ran.records, elapsed, answer)
    }
}

/// What a pipeline did.
#[derive(Clone, Copy)]
pub(super) struct Ran {
    /// Records that entered.
    pub(super) records: u64,
    /// Bytes that went through the rings between its workers. What records hold elsewhere, texts say, is not in it.
    pub(super) bytes_moved: u64,
}

/// Runs a pipeline to its end.
pub(super) fn run(flow: Dataflow, config: Config) -> Result<Ran, String> {
    let running = flow.start(config).map_err(|error: BuildError| error.to_string())?;
    let rings = running.probes().to_vec();
    let report = running.join().map_err(|error: RunError| error.to_string())?;
    match (report.late, report.malformed()) {
        (0, 0) => Ok(Ran { records: report.records_in(), bytes_moved: moved(&rings) }),
        (late, malformed) => Err(format!("{late} late and {malformed} malformed records, where there are none")),
    }
}

/// Bytes that went through these rings.
pub(super) fn moved(rings: &[Probe]) -> u64 {
    rings.iter().map(|ring| ring.committed() * ring.slot_bytes() as u64).sum()
}
