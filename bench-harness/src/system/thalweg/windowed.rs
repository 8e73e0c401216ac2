//! `sliding`, `session`, `join` and `disorder` as programs on the public API.

use thalweg::{
    BoundedDisorder, Config, Count, Dataflow, Monotone, Own, Session, Sliding, Sum, SumCount, Tumbling, Windowed, process::Either,
    time::EventTime,
};

use super::{
    input::{Watch, replayed},
    pipelines::{closed, rows, run},
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
    let n = run(flow, config)?;
    Ok(closed(n, &watch, &answers))
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
    let n = run(flow, config)?;
    Ok(closed(n, &watch, &answers))
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
    let n = run(flow, config)?;
    Ok(closed(n, &watch, &answers))
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
    let running = flow.start(config).map_err(|error| error.to_string())?;
    let report = running.join().map_err(|error| error.to_string())?;
    let outcome = closed(report.records_in(), &watch, &answers);
    let late = late.merge(Answer::merge).unwrap_or_default();
    if late.rows != report.late {
        return Err(format!("{} late records came out and {} were counted", late.rows, report.late));
    }
    Ok(Outcome { answer: outcome.answer.merge(late), ..outcome })
}
