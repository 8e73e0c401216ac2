//! The speed of light: the best loops that we could write for each workload, knowing all that there is to know about it.
//!
//! ```text
//!   hand        one fused loop a core; no branch that cannot be predicted; state indexed directly by the key; windows cut before the loop
//!   hand-hash   the same, with the best hash table in place of the array
//! ```
//!
//! With several cores the stream is cut into contiguous parts and the partial results are merged at the end. Of the hops, `hand` shows what is
//! left without one: the receiver's sum in the sender's loop, on one core.

use std::time::Duration;

use super::{Generator, Job, Outcome, System};
use crate::workload::{Answer, Data, flights::Query, synthetic::KEYS};

mod dense;
mod disorder;
mod flights;
mod join;
mod nexmark;
mod open;
mod session;
mod sliding;
mod stateless;
mod states;
mod table;
mod tumbling;
pub(super) mod windows;
mod wordcount;
mod ysb;

/// Directly indexed state.
pub(super) struct Hand;

/// Hash tables.
pub(super) struct HandHash;

impl System for Hand {
    fn name(&self) -> &'static str {
        "hand"
    }

    fn refuses(&self, job: &Job) -> Option<String> {
        if let Data::Nexmark { query, .. } = job.input.data {
            if nexmark::of(query).is_none() {
                return Some("no loop was written for this query".to_owned());
            }
            if job.cores > 1 {
                return Some("the loops for queries take one core".to_owned());
            }
        }
        if let Data::Flights(flights) = &job.input.data
            && flights.query != Query::Hourly
        {
            return Some("no loop was written for this query".to_owned());
        }
        if matches!(job.input.data, Data::Tumbling { keys: None, .. }) {
            return Some("these keys are too far apart for an array: see hand-hash".to_owned());
        }
        unfit(job)
    }

    fn run(&self, job: &Job) -> Result<Outcome, String> {
        let cores = job.cores;
        match (&job.schedule, &job.input.data) {
            (Some(schedule), Data::Tumbling { replay, keys: Some(_) }) => return tumbling::array_open(replay, schedule, job.batch),
            (Some(schedule), Data::Ysb { replay, campaigns }) => return ysb::array_open(replay, campaigns, schedule, job.batch),
            _ => {}
        }
        Ok(outcome(
            job,
            match &job.input.data {
                Data::Hop(replay) => stateless::digest(replay, 1),
                Data::Hop64(replay) => stateless::digest(replay, 1),
                Data::Stateless(replay) => stateless::stateless(replay, cores),
                Data::Chain { replay, links } => stateless::chain(replay, *links, cores)?,
                Data::Tumbling { replay, keys: Some(keys) } => tumbling::array(replay, *keys, cores),
                Data::Tumbling { keys: None, .. } => return Err("hand has no array for scattered keys: use hand-hash".to_owned()),
                Data::Sliding { replay, slide_ms } => sliding::array(replay, *slide_ms, cores),
                Data::Session(replay) => session::array(replay, cores),
                Data::Join(replay) => join::array(replay, cores),
                Data::Disorder { replay, lateness_ms } => disorder::array(replay, *lateness_ms, cores),
                Data::Ysb { replay, campaigns } => ysb::array(replay, campaigns, cores),
                Data::WordCount(lines) => wordcount::run(lines, cores),
                Data::Flights(flights) => flights::run(flights, cores)?,
                Data::Nexmark { query, events, .. } => {
                    let each = nexmark::of(*query).ok_or_else(|| format!("hand has no loop for {query}"))?;
                    nexmark::run(*query, each, events)
                }
            },
        ))
    }
}

impl System for HandHash {
    fn name(&self) -> &'static str {
        "hand-hash"
    }

    fn refuses(&self, job: &Job) -> Option<String> {
        match job.input.data {
            Data::Tumbling { .. } | Data::Ysb { .. } => unfit(job),
            Data::Sliding { .. } | Data::Session(_) | Data::Join(_) | Data::Disorder { .. } => unfit(job),
            Data::WordCount(_) | Data::Flights(_) => Some("its keys are text; hand uses the best table that we have already".to_owned()),
            Data::Nexmark { .. } => Some("no loop was written for this query".to_owned()),
            _ => Some("there are no keys to hash".to_owned()),
        }
    }

    fn run(&self, job: &Job) -> Result<Outcome, String> {
        match (&job.schedule, &job.input.data) {
            (Some(schedule), Data::Tumbling { replay, .. }) => return tumbling::hash_open(replay, schedule, job.batch),
            (Some(schedule), Data::Ysb { replay, campaigns }) => return ysb::hash_open(replay, campaigns, schedule, job.batch),
            _ => {}
        }
        match &job.input.data {
            Data::Tumbling { replay, keys } => Ok(outcome(job, tumbling::hash(replay, keys.unwrap_or(KEYS as usize), job.cores))),
            Data::Ysb { replay, campaigns } => Ok(outcome(job, ysb::hash(replay, campaigns, job.cores))),
            Data::Sliding { replay, slide_ms } => Ok(outcome(job, sliding::hash(replay, *slide_ms, job.cores))),
            Data::Session(replay) => Ok(outcome(job, session::hash(replay, job.cores))),
            Data::Join(replay) => Ok(outcome(job, join::hash(replay, job.cores))),
            Data::Disorder { replay, lateness_ms } => Ok(outcome(job, disorder::hash(replay, *lateness_ms, job.cores))),
            _ => Err("hand-hash runs the synthetic workloads with windows, and ysb, only".to_owned()),
        }
    }
}

fn unfit(job: &Job) -> Option<String> {
    let has_keys_of_its_own = matches!(job.input.data, Data::Tumbling { keys: Some(keys), .. } if keys as u64 != KEYS);
    let has_open_loop = matches!(job.input.data, Data::Tumbling { .. } | Data::Ysb { .. }) && job.cores == 1 && !has_keys_of_its_own;
    if job.schedule.is_some() && !has_open_loop {
        return Some("open loops were written for tumbling, tumbling-scattered and ysb, on one core".to_owned());
    }
    if job.generator == Generator::Process {
        return Some("a generator in another process feeds hop and hop64, through systems that have a queue".to_owned());
    }
    (job.cores == 0).then(|| "no core was asked for".to_owned())
}

fn outcome(job: &Job, (elapsed, answer): (Duration, Answer)) -> Outcome {
    Outcome::closed(job.input.events, elapsed, answer)
}
