//! `timely`: timely dataflow 0.32, data-parallel, with operators written for each workload as its users write them.
//!
//! ```text
//!   one core    source ─ Vec<T> ─▶ operator: fused work, partial state per time ─▶ rows
//!   per worker       └─ a time is a window: capability and frontier say when it ends; rows of partials are exchanged by key, and merged
//! ```
//!
//! What makes it fast, and what was tried: `FAIRNESS.md`. In short: records go through a dataflow in containers of a few KiB, many of them an
//! activation; times are as coarse as the result allows, so that progress is tracked once a window and not once a batch; neighbouring steps
//! are one operator; and each worker aggregates before the exchange, not after it.

use std::{
    cell::Cell,
    rc::Rc,
    sync::Arc,
    time::{Duration, Instant},
};

use timely::{Config, dataflow::Scope};

use super::{claim::Claims, events::refuses, moved};
use crate::{
    measure::threads::ThreadWatch,
    system::{
        Job, Outcome, System,
        cores::{Gate, available, pin},
    },
    workload::{Answer, Data, keys_of, synthetic::Wide},
};

mod hop;
mod nexmark;
mod sliding;
mod source;
mod stateless;
mod windows;
mod wordcount;

/// What a timestamp is: event time in ms, usually a window's start.
type Time = i64;

/// The rows that a worker has given out.
type Rows = Rc<Cell<Answer>>;

/// Timely dataflow.
pub(in crate::system) struct Timely;

impl System for Timely {
    fn name(&self) -> &'static str {
        "timely"
    }

    fn refuses(&self, job: &Job) -> Option<String> {
        if job.cores == 0 || job.cores > available() {
            return Some(format!("{} cores were asked for; this process may use {}", job.cores, available()));
        }
        let is_hop = matches!(job.input.data, Data::Hop(_) | Data::Hop64(_));
        if is_hop && job.cores != 2 {
            return Some("a hop takes two workers: one sends, one receives".to_owned());
        }
        if job.schedule.is_some() && !is_hop {
            return Some("open loops were written for hop and hop64".to_owned());
        }
        match &job.input.data {
            Data::Hop(_) | Data::Hop64(_) | Data::Stateless(_) | Data::Sliding { .. } | Data::Ysb { .. } | Data::WordCount(_) => None,
            // The suite of numbers of keys shows how the engine's own table adapts to them.
            Data::Tumbling { .. } if keys_of(job.input.name).is_none() => None,
            Data::Nexmark { query, events, .. } => refuses(*query, events),
            _ => Some("no dataflow was written for it".to_owned()),
        }
    }

    fn run(&self, job: &Job) -> Result<Outcome, String> {
        let (workers, batch) = (job.cores, job.batch);
        let (elapsed, answer) = match &job.input.data {
            Data::Hop(replay) => return hop::run(replay, job).map(moved::<u64>),
            Data::Hop64(replay) => return hop::run(replay, job).map(moved::<Wide>),
            Data::Stateless(replay) => stateless::run(replay, workers, batch),
            Data::Tumbling { replay, keys } => windows::tumbling(replay, keys.is_some(), workers, batch),
            Data::Sliding { replay, slide_ms } => sliding::run(replay, *slide_ms, workers, batch),
            Data::Ysb { replay, campaigns } => windows::ysb(replay, campaigns, workers, batch),
            Data::WordCount(lines) => wordcount::run(lines, workers, batch),
            Data::Nexmark { query, events, .. } => nexmark::run(*query, events, workers, batch),
            _ => Err("timely has no dataflow for it".to_owned()),
        }?;
        Ok(Outcome::closed(job.input.events, elapsed, answer))
    }
}

/// Records that a worker claims at a time.
const CLAIM_RECORDS: u64 = 1 << 16;

/// Runs the dataflow that `build` makes of a scope, on so many workers. Its sinks add to the rows.
///
/// Timed from the moment that all workers have built it until the last of them sees it complete.
fn execute<B>(workers: usize, build: B) -> Result<(Duration, Answer), String>
where
    B: for<'scope> Fn(Scope<'scope, Time>, &Rows) + Send + Sync + 'static,
{
    let config = if workers == 1 { Config::thread() } else { Config::process(workers) };
    let gate = Arc::new(Gate::new(workers));
    let guards = timely::execute(config, move |worker| {
        pin(worker.index());
        let rows = Rows::default();
        worker.dataflow(|scope| build(scope, &rows));
        gate.pass();
        let watch = ThreadWatch::begin(format!("worker {}", worker.index()));
        let start = Instant::now();
        // Each worker has a core of its own: it spins.
        while worker.has_dataflows() {
            worker.step();
        }
        let end = Instant::now();
        drop(watch);
        (start, end, rows.get())
    })?;
    let mut ran = Vec::new();
    for worker in guards.join() {
        ran.push(worker?);
    }
    let start = ran.iter().map(|(start, ..)| *start).min();
    let end = ran.iter().map(|(_, end, _)| *end).max();
    let (start, end) = start.zip(end).ok_or("no worker ran")?;
    Ok((end - start, ran.iter().fold(Answer::default(), |all, (.., rows)| all.merge(*rows))))
}

/// Adds a row.
fn add(rows: &Rows, row: &[u64]) {
    let mut answer = rows.get();
    answer.add(row);
    rows.set(answer);
}
