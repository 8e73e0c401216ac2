//! The hops: one worker's source, the other's sink, and between them a pact that moves whole containers, as nothing asks for the records' keys.
//!
//! ```text
//!   worker 0   source ─ Vec<T> ═ mpsc channel of timely ═▶ sink   worker 1
//! ```
//!
//! Closed, the source goes on while fewer than [`AHEAD`] turns are on their way, which it sees by a probe: channels of timely have no bound. Open,
//! all is one time: what is due goes out at once, and no progress has to be spoken of between the workers.

use std::sync::{Arc, Mutex, PoisonError};

use serde::{Serialize, de::DeserializeOwned};
use timely::{
    communication::Push,
    container::NoopBuilder,
    dataflow::{
        channels::{Message, pact::DistributorPact, pushers::exchange::Distributor},
        operators::{
            generic::operator::{Operator, source},
            probe::{Handle, Probe},
        },
    },
    progress::Stamp,
};

use super::{Claims, Time, execute, source::TURN_BYTES};
use crate::{
    load::{
        Schedule,
        open::{Departures, Emissions, Pace, Role},
    },
    system::{
        Job, Outcome,
        hop::{Hopping, answer},
    },
    workload::replay::Replay,
};

/// Turns of the source that may be on their way.
const AHEAD: Time = 4;

/// Sends whole containers to the last worker.
struct ToLast;

impl<C: Default> Distributor<C> for ToLast {
    fn partition<T: Clone, P: Push<Message<T, C>>>(&mut self, container: &mut C, stamp: &Stamp<T>, pushers: &mut [P]) {
        if let Some(last) = pushers.last_mut() {
            Message::push_at(container, stamp.clone(), last);
        }
    }

    fn flush<T: Clone, P: Push<Message<T, C>>>(&mut self, _: &Stamp<T>, _: &mut [P]) {}
}

/// What an end leaves behind.
type Left<T> = Arc<Mutex<Option<T>>>;

fn leave<T>(place: &Left<T>, notes: T) {
    *place.lock().unwrap_or_else(PoisonError::into_inner) = Some(notes);
}

fn take<T>(place: &Left<T>) -> Result<T, String> {
    place.lock().unwrap_or_else(PoisonError::into_inner).take().ok_or_else(|| "an end of the dataflow saw no end".to_owned())
}

pub(super) fn run<T: Hopping + Serialize + DeserializeOwned>(replay: &Replay<T>, job: &Job) -> Result<Outcome, String> {
    match &job.schedule {
        None => closed(replay, job.batch.max(1)),
        Some(schedule) => open(replay, schedule, job.batch.max(1)),
    }
}

fn closed<T: Hopping + Serialize + DeserializeOwned>(replay: &Replay<T>, batch: usize) -> Result<Outcome, String> {
    let (events, input) = (replay.events, replay.clone());
    let total = Left::default();
    let left = total.clone();
    let containers = (TURN_BYTES / size_of::<T>()).div_ceil(batch).max(1);
    let (elapsed, _) = execute(2, move |scope, _| {
        let (replay, left) = (input.clone(), left.clone());
        let mut claims = Claims::new(events, u64::MAX);
        let (is_first, is_last) = (scope.index() == 0, scope.index() + 1 == scope.peers());
        let probe = Handle::new();
        let reached = probe.clone();
        source::<_, NoopBuilder<Vec<T>>, _, _>(scope, "Replay", move |capability, info| {
            let activator = scope.activator_for(info.address);
            let mut capability = is_first.then_some(capability);
            let mut container = Vec::new();
            move |output| {
                let Some(now) = &mut capability else { return };
                activator.activate();
                if reached.less_than(&(*now.time()).saturating_sub(AHEAD)) {
                    return;
                }
                for _ in 0..containers {
                    let Some(range) = claims.next(batch as u64) else {
                        capability = None;
                        return;
                    };
                    container.clear();
                    for (shift, slice) in replay.slices(range, batch) {
                        container.extend(slice.iter().map(|record| record.at(shift)));
                    }
                    output.session_with_builder(&*now).give_container(&mut container);
                }
                // The least time of all stands for before the first turn.
                let next = now.time().checked_add(1).unwrap_or(Time::MAX);
                now.downgrade(&next);
            }
        })
        .unary_frontier::<timely::container::CapacityContainerBuilder<Vec<()>>, _, _, _>(DistributorPact(|_| ToLast), "Sum", move |_, _| {
            let (mut sum, mut count) = (0u64, 0u64);
            move |(input, frontier), _| {
                input.for_each(|_, records| {
                    sum = records.iter().fold(sum, |sum, record| sum.wrapping_add(record.digest()));
                    count += records.len() as u64;
                });
                if frontier.is_empty() && is_last {
                    leave(&left, (sum, count));
                }
            }
        })
        .probe_with(&probe);
    })?;
    let (sum, count) = take(&total)?;
    Ok(Outcome::closed(count, elapsed, answer(sum, count)))
}

fn open<T: Hopping + Serialize + DeserializeOwned>(replay: &Replay<T>, schedule: &Schedule, batch: usize) -> Result<Outcome, String> {
    let (events, input) = (replay.events, replay.clone());
    let pace = Pace::new(schedule, events)?;
    let (departed, noted) = (Left::<Departures>::default(), Left::<(Emissions, u64)>::default());
    let (leaving, noting, paced) = (departed.clone(), noted.clone(), pace.clone());
    execute(2, move |scope, _| {
        let (replay, leaving, noting) = (input.clone(), leaving.clone(), noting.clone());
        let (is_first, is_last) = (scope.index() == 0, scope.index() + 1 == scope.peers());
        let mut departures = is_first.then(|| paced.departures(Role::Loop));
        let mut emissions = is_last.then(|| paced.emissions());
        source::<_, NoopBuilder<Vec<T>>, _, _>(scope, "Due", move |capability, info| {
            let activator = scope.activator_for(info.address);
            let mut capability = is_first.then_some(capability);
            let mut container = Vec::new();
            move |output| {
                let Some((now, notes)) = capability.as_ref().zip(departures.as_mut()) else { return };
                let due = notes.due().min(batch as u64);
                if due > 0 {
                    container.clear();
                    for (shift, slice) in replay.slices(notes.sent()..notes.sent() + due, batch) {
                        container.extend(slice.iter().map(|record| record.at(shift)));
                    }
                    notes.send(due);
                    output.session_with_builder(now).give_container(&mut container);
                    if notes.sent() == events {
                        capability = None;
                        if let Some(notes) = departures.take() {
                            leave(&leaving, notes);
                        }
                        return;
                    }
                }
                activator.activate();
            }
        })
        .sink(DistributorPact(|_| ToLast), "Sum", {
            let mut sum = 0u64;
            move |(input, _)| {
                let Some(notes) = &mut emissions else { return };
                input.for_each(|_, records| {
                    sum = records.iter().fold(sum, |sum, record| sum.wrapping_add(record.digest()));
                    notes.leave(records.len() as u64);
                });
                if notes.left() == events
                    && let Some(notes) = emissions.take()
                {
                    leave(&noting, (notes, sum));
                }
            }
        });
    })?;
    let (emissions, sum) = take(&noted)?;
    let count = emissions.left();
    Ok(pace.outcome(take(&departed)?, emissions, answer(sum, count)))
}
