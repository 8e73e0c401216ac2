//! `renoir`: the dataflow engine renoir 0.6 (once Noir), with as many replicas as cores.
//!
//! ```text
//!   replica   source ─▶ operators of one block: one chain of calls, an element at a time ─┐
//!   replica   source ─▶ …                                                                 ├─ batches by key ─▶ the next block's replicas
//! ```
//!
//! renoir's own event-time windows begin at a key's first record and not at multiples of their size, so that two replicas' windows of one key
//! differ and neither is the workload's. What it offers for such cases is `rich_map_custom`: an operator that sees elements and watermarks,
//! as in the `q4-opt` of its own Nexmark example. Here such operators cut the windows: each replica aggregates what it reads into windows
//! aligned to the epoch and sends its partial aggregates on with a watermark; those of a key are put together behind `group_by`. That is right with
//! any number of replicas, and a record costs no look-up of its key's windows.
//!
//! renoir starts a thread for each block and replica, and leaves them to the scheduler: with one core all of them are confined to it. A run is timed from
//! the first record that a source is asked for until all threads have ended.

use std::{
    sync::{Arc, OnceLock},
    thread,
    time::{Duration, Instant},
};

use renoir::{RuntimeConfig, StreamContext, operator::sink::StreamOutput};

use super::{claim::Claims, events::refuses, moved};
use crate::{
    system::{
        Job, Outcome, System,
        cores::{available, confine},
    },
    workload::{Answer, Data, keys_of, synthetic::Wide},
};

mod hop;
mod nexmark;
mod source;
mod stateless;
mod windows;
mod wordcount;

/// Renoir.
pub(in crate::system) struct Renoir;

impl System for Renoir {
    fn name(&self) -> &'static str {
        "renoir"
    }

    fn refuses(&self, job: &Job) -> Option<String> {
        if job.cores == 0 || job.cores > available() {
            return Some(format!("{} cores were asked for; this process may use {}", job.cores, available()));
        }
        let is_hop = matches!(job.input.data, Data::Hop(_) | Data::Hop64(_));
        if is_hop && job.cores != 2 {
            return Some("a hop takes two cores: one block sends, one receives".to_owned());
        }
        if job.schedule.is_some() && !is_hop {
            return Some("open loops were written for hop and hop64".to_owned());
        }
        match &job.input.data {
            Data::Hop(_) | Data::Hop64(_) | Data::Stateless(_) | Data::Sliding { .. } | Data::Ysb { .. } | Data::WordCount(_) => None,
            // The suite of numbers of keys shows how the engine's own table adapts to them.
            Data::Tumbling { .. } if keys_of(job.input.name).is_none() => None,
            Data::Nexmark { query, events, .. } => refuses(*query, events),
            _ => Some("no stream was written for it".to_owned()),
        }
    }

    fn run(&self, job: &Job) -> Result<Outcome, String> {
        let (elapsed, answer) = match &job.input.data {
            Data::Hop(replay) => return hop::run(replay, job).map(moved::<u64>),
            Data::Hop64(replay) => return hop::run(replay, job).map(moved::<Wide>),
            Data::Stateless(replay) => stateless::run(replay, job),
            Data::Tumbling { replay, keys } => windows::tumbling(replay, keys.is_some(), job),
            Data::Sliding { replay, slide_ms } => windows::sliding(replay, *slide_ms, job),
            Data::Ysb { replay, campaigns } => windows::ysb(replay, campaigns, job),
            Data::WordCount(lines) => wordcount::run(lines, job),
            Data::Nexmark { query, events, .. } => nexmark::run(*query, events, job),
            _ => Err("renoir has no stream for it".to_owned()),
        }?;
        Ok(Outcome::closed(job.input.events, elapsed, answer))
    }
}

/// Records that a replica claims at a time.
const CLAIM_RECORDS: u64 = 1 << 16;

/// When the first source was asked for its first record.
#[derive(Clone, Default)]
struct Started(Arc<OnceLock<Instant>>);

impl Started {
    fn now(&self) {
        self.0.get_or_init(Instant::now);
    }
}

/// Runs the streams that `build` makes, on so many replicas, and gives what it returned, with the time that it took.
///
/// On a thread of its own, so that being confined ends with it.
fn execute<O: Send>(cores: usize, build: impl FnOnce(&StreamContext, &Started) -> O + Send) -> Result<(Duration, O), String> {
    let config = RuntimeConfig::local(cores as u64).map_err(|error| format!("renoir refuses its configuration: {error}"))?;
    let run = move || {
        confine(cores);
        let (context, started) = (StreamContext::new(config), Started::default());
        let output = build(&context, &started);
        context.execute_blocking();
        let end = Instant::now();
        let start = started.0.get().ok_or("renoir asked for no record")?;
        Ok((end - *start, output))
    };
    thread::scope(|scope| scope.spawn(run).join()).unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

/// As [`execute`], for streams that end in one item: none if there was no record.
fn single<O: Send + 'static>(
    cores: usize,
    build: impl FnOnce(&StreamContext, &Started) -> StreamOutput<Vec<O>> + Send,
) -> Result<(Duration, Option<O>), String> {
    let (elapsed, output) = execute(cores, build)?;
    let items = output.get().ok_or("renoir left no output")?;
    Ok((elapsed, items.into_iter().next()))
}

/// As [`single`], where the item is the answer.
fn answered(
    cores: usize,
    build: impl FnOnce(&StreamContext, &Started) -> StreamOutput<Vec<Answer>> + Send,
) -> Result<(Duration, Answer), String> {
    let (elapsed, answer) = single(cores, build)?;
    Ok((elapsed, answer.unwrap_or_default()))
}
