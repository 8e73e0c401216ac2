//! `sliding`, `session`, `join`, `disorder` and `disorder-lenient` as programs on the public API.

use std::collections::HashMap;

use foldhash::fast::FixedState;
use thalweg::{
    BoundedDisorder, Config, Count, Dataflow, Fold, Monotone, Own, Revised, Session, Sliding, Sum, SumCount, Tumbling, Windowed,
    process::Either, sink::Folded, time::EventTime,
};

use super::{
    input::{Watch, replayed},
    pipelines::{Ran, closed, moved, rows, run},
};
use crate::{
    system::Outcome,
    workload::{
        Answer,
        replay::Replay,
        synthetic::{Event, WINDOW_MS},
        windowed::{BOUND_MS, GAP_MS, INTERVAL_MS, SLIDING_MS, Visit, disorder_row, is_left, join_row, late_row, session_row, sliding_row},
    },
};

/// `sliding`: the average per key in windows of ten seconds that slide.
pub(super) fn sliding(replay: &Replay<Event>, slide_ms: i64, config: Config) -> Result<Outcome, String> {
    let watch = Watch::new(replay.events);
    let mut flow = Dataflow::new("sliding");
    let (sink, answers) = rows(|answer, row: Windowed<u64, SumCount>| {
        answer.add(&sliding_row(row.key, row.end, row.value.sum, row.value.count));
    });
    flow.source(watch.over(replayed(replay)))
        .watermarks(Monotone, |event| event.event_time)
        .key_by(|event| event.key)
        .window(Sliding::millis(SLIDING_MS, slide_ms))
        .aggregate(Sum::of::<Own<Event>>(|event: &Event| event.value))
        .sink(sink);
    let ran = run(flow, config)?;
    Ok(closed(ran, &watch, &answers))
}

/// `session`: records per key until it pauses.
pub(super) fn session(replay: &Replay<Visit>, config: Config) -> Result<Outcome, String> {
    let watch = Watch::new(replay.events);
    let mut flow = Dataflow::new("session");
    let (sink, answers) = rows(|answer, row: Windowed<u64, u64>| answer.add(&session_row(row.key, row.start, row.end - GAP_MS, row.value)));
    flow.source(watch.over(replayed(replay)))
        .watermarks(Monotone, |visit| visit.event_time)
        .key_by(|visit| visit.key)
        .window(Session::millis(GAP_MS))
        .aggregate(Count)
        .sink(sink);
    let ran = run(flow, config)?;
    Ok(closed(ran, &watch, &answers))
}

/// `join`: pairs of a left and a right record of one key that are near each other in time.
pub(super) fn join(replay: &Replay<Event>, config: Config) -> Result<Outcome, String> {
    let watch = Watch::new(replay.events);
    let mut flow = Dataflow::new("join");
    let (sink, answers) = rows(|answer, (key, left, right): (u64, u64, u64)| answer.add(&join_row(key, left, right)));
    flow.source(watch.over(replayed(replay)))
        .watermarks(Monotone, |event| event.event_time)
        .map(|event| if is_left(&event) { Either::Left((event.key, event.seq)) } else { Either::Right((event.key, event.seq)) })
        .join_sides(|left: &(u64, u64)| left.0, |right: &(u64, u64)| right.0)
        .between(-INTERVAL_MS, INTERVAL_MS, |left, right| (left.0, left.1, right.1))
        .sink(sink);
    let ran = run(flow, config)?;
    Ok(closed(ran, &watch, &answers))
}

/// `disorder`: sum and count per key in windows of a second, and what came too late for its window.
pub(super) fn disorder(replay: &Replay<Event>, config: Config) -> Result<Outcome, String> {
    let watch = Watch::new(replay.events);
    let mut flow = Dataflow::new("disorder");
    let (sink, answers) = rows(|answer, row: Windowed<u64, SumCount>| {
        *answer = answer.merge(disorder_row(row.key, row.start, row.value.sum, row.value.count));
    });
    let (late_sink, late) = rows(|answer, (_, event): (EventTime, Event)| *answer = answer.merge(late_row(&event)));
    flow.source(watch.over(replayed(replay)))
        .watermarks(BoundedDisorder::millis(BOUND_MS), |event| event.event_time)
        .key_by(|event| event.key)
        .window(Tumbling::millis(WINDOW_MS))
        .late_to(late_sink)
        .aggregate(Sum::of::<Own<Event>>(|event: &Event| event.value))
        .sink(sink);
    let (ran, late) = run_with_late(flow, config, &late)?;
    let outcome = closed(ran, &watch, &answers);
    Ok(Outcome { answer: outcome.answer.merge(late), ..outcome })
}

/// Runs a pipeline to its end. Returns what it did, and what came out late.
fn run_with_late(flow: Dataflow, config: Config, late: &Folded<Answer>) -> Result<(Ran, Answer), String> {
    let running = flow.start(config).map_err(|error| error.to_string())?;
    let rings = running.probes().to_vec();
    let report = running.join().map_err(|error| error.to_string())?;
    let late = late.merge(Answer::merge).unwrap_or_default();
    if late.rows != report.late {
        return Err(format!("{} late records came out and {} were counted", late.rows, report.late));
    }
    Ok((Ran { records: report.records_in(), bytes_moved: moved(&rings) }, late))
}

/// `disorder-lenient`: as `disorder`, and a record that comes within a while after its window has fired corrects the window's row.
pub(super) fn lenient(replay: &Replay<Event>, lateness_ms: i64, config: Config) -> Result<Outcome, String> {
    let watch = Watch::new(replay.events);
    let mut flow = Dataflow::new("disorder-lenient");
    let (sink, latest) = Fold::new(Latest::default(), Latest::revise);
    let (late_sink, late) = rows(|answer, (_, event): (EventTime, Event)| *answer = answer.merge(late_row(&event)));
    flow.source(watch.over(replayed(replay)))
        .watermarks(BoundedDisorder::millis(BOUND_MS), |event| event.event_time)
        .key_by(|event| event.key)
        .window(Tumbling::millis(WINDOW_MS))
        .allowed_lateness(lateness_ms)
        .late_to(late_sink)
        .aggregate(Sum::of::<Own<Event>>(|event: &Event| event.value))
        .sink(sink);
    let (ran, late) = run_with_late(flow, config, &late)?;
    let elapsed = watch.elapsed();
    let (mut answer, mut changes) = (late, 0);
    for latest in latest.take() {
        if let Some(row) = latest.unexpected {
            return Err(format!("revision {} of key {} and window {} does not follow the one before", row.revision, row.key, row.start));
        }
        answer = answer.merge(latest.answer);
        changes += latest.changes;
    }
    Ok(Outcome {
        changes: Some(changes),
        allocations: watch.allocations(),
        progress: watch.progress(),
        bytes_moved: Some(ran.bytes_moved),
        ..Outcome::closed(ran.records, elapsed, answer)
    })
}

/// The last row of each key and window, as whoever reads revisions keeps them.
#[derive(Clone, Default)]
struct Latest {
    /// Revision, sum and count of the windows that may be revised.
    rows: HashMap<(u64, i64), (u32, i64, u64), FixedState>,
    /// The greatest start of a window so far.
    newest: i64,
    answer: Answer,
    changes: u64,
    /// A revision that was out of its order.
    unexpected: Option<Revised<u64, SumCount>>,
}

impl Latest {
    /// Windows that began so long before the newest are not revised any more.
    const KEPT_MS: i64 = 16 * WINDOW_MS;

    fn revise(&mut self, row: Revised<u64, SumCount>) {
        let Revised { key, start, revision, value: SumCount { sum, count }, .. } = row;
        if start > self.newest {
            self.newest = start;
            self.rows.retain(|(_, start), _| *start > self.newest - Self::KEPT_MS);
        }
        self.changes += 1;
        self.answer = self.answer.merge(disorder_row(key, start, sum, count));
        let before = self.rows.insert((key, start), (revision, sum, count));
        if before.map_or(0, |(before, ..)| before + 1) != revision {
            self.unexpected = Some(row);
        }
        if let Some((_, sum, count)) = before {
            let Answer { rows, checksum } = disorder_row(key, start, sum, count);
            self.answer.rows -= rows;
            self.answer.checksum = self.answer.checksum.wrapping_sub(checksum);
        }
    }
}
