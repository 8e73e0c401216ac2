//! The engine itself, used as any program would use it: through its public API.
//!
//! ```text
//!   input ─▶ Watched (first poll: the clock starts; allocations of the middle of the run) ─▶ pipeline ─▶ sink ─▶ Answer
//! ```
//!
//! Timed from the first poll of a reader to the end of the last worker, so that threads are not timed while they start, but all results are.

mod growth;
mod input;
mod open;
mod pipelines;
mod windowed;

use thalweg::{Config, Wait, runtime::available_cores};

use super::{Generator, Job, Outcome, System};
use crate::workload::Data;

/// The engine.
pub(super) struct Thalweg;

impl System for Thalweg {
    fn name(&self) -> &'static str {
        "thalweg"
    }

    fn refuses(&self, job: &Job) -> Option<String> {
        let is_hop = matches!(job.input.data, Data::Hop(_) | Data::Hop64(_));
        if is_hop && job.cores != 2 {
            return Some("a hop takes two cores: one sends, one receives".into());
        }
        let is_tumbling = matches!(job.input.data, Data::Tumbling { .. } | Data::Ysb { .. });
        if job.schedule.is_some() && !is_hop && !(is_tumbling && job.cores == 1) {
            return Some("an open loop is offered for hop and hop64, and on one core for tumbling, tumbling-scattered and ysb".into());
        }
        if job.generator == Generator::Process && !is_hop {
            return Some("a generator in another process feeds hop and hop64".into());
        }
        None
    }

    fn run(&self, job: &Job) -> Result<Outcome, String> {
        let wait: Wait = job.wait.parse().map_err(|error| format!("{error}"))?;
        // More workers than cores share them, as the kernel decides.
        let has_cores = job.cores <= available_cores().limit;
        let config = Config::default().workers(job.cores).batch(job.batch).ring_bytes(job.ring_bytes).wait(wait).pin(has_cores);
        match (&job.input.data, &job.schedule) {
            (Data::Hop(replay), None) => pipelines::hop(replay, config),
            (Data::Hop64(replay), None) => pipelines::hop(replay, config),
            (Data::Hop(replay), Some(schedule)) => open::hop(replay, schedule, job, config),
            (Data::Hop64(replay), Some(schedule)) => open::hop(replay, schedule, job, config),
            (Data::Tumbling { replay, .. }, Some(schedule)) => open::tumbling(replay, schedule, config),
            (Data::Ysb { replay, campaigns }, Some(schedule)) => open::ysb(replay, campaigns, schedule, config),
            (Data::Stateless(replay), _) => pipelines::stateless(replay, config),
            (Data::Chain { replay, links }, _) => pipelines::chain(replay, *links, config),
            (Data::Tumbling { replay, .. }, _) => pipelines::tumbling(replay, config),
            (Data::Sliding { replay, slide_ms }, _) => windowed::sliding(replay, *slide_ms, config),
            (Data::Session(replay), _) => windowed::session(replay, config),
            (Data::Join(replay), _) => windowed::join(replay, config),
            (Data::Disorder { replay, lateness_ms: 0 }, _) => windowed::disorder(replay, config),
            (Data::Disorder { replay, lateness_ms }, _) => windowed::lenient(replay, *lateness_ms, config),
            (Data::Ysb { replay, campaigns }, _) => pipelines::ysb(replay, campaigns, config),
            (Data::WordCount(lines), _) => pipelines::wordcount(lines, config),
            (Data::Flights(flights), _) => pipelines::flights(flights, job.input.events, config),
            (Data::Nexmark { query, events, state_keys }, _) => pipelines::nexmark(*query, events, state_keys, config),
        }
    }
}
