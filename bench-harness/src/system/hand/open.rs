//! The open loop over windows by hand, on one core: takes what is due, adds it, and closes the windows that it ends.
//!
//! A record has left when it was added; a result, when its window's rows were all made, which is later than the first of them was.

use std::{hint::spin_loop, thread};

use super::windows::{Meaning, Panes, for_runs_of};
use crate::{
    load::{
        Schedule,
        open::{Pace, Role},
    },
    measure::threads::ThreadWatch,
    system::{Outcome, cores::pin},
    workload::{
        Answer,
        replay::{Replay, Replayed},
    },
};

pub(super) fn run<T: Replayed, P: Panes<T>, const N: usize>(
    replay: &Replay<T>,
    schedule: &Schedule,
    batch: usize,
    panes: impl FnOnce() -> P + Send,
    meaning: &Meaning<T, P::Key, P::Value, N>,
) -> Result<Outcome, String> {
    let pace = Pace::new(schedule, replay.events)?;
    let work = || {
        pin(0);
        let (mut departures, mut emissions, mut results) = (pace.departures(Role::Loop), pace.emissions(), pace.results());
        let mut panes = panes();
        let mut answer = Answer::default();
        let mut open = None;
        let mut thread = ThreadWatch::begin("worker 0");
        let mut close = |panes: &mut P, start: i64| {
            let mut rows = 0;
            panes.close(|key, value| {
                answer.add(&(meaning.row)(key, start, value));
                rows += 1;
            });
            let (now, end) = (results.now(), start + meaning.window_ms);
            results.emit(now, end, rows, || replay.first(|record| (meaning.time)(&record) >= end));
        };
        let mut slices = replay.slices(0..replay.events, batch);
        while departures.sent() < replay.events {
            let due = departures.due().min(batch as u64) as usize;
            if due == 0 {
                spin_loop();
                continue;
            }
            let Some((shift, slice)) = slices.next_up_to(due) else { break };
            departures.send(slice.len() as u64);
            for_runs_of(shift, slice, meaning.window_ms, meaning.time, |start, run| {
                if let Some(before) = open.replace(start).filter(|before| *before != start) {
                    close(&mut panes, before);
                }
                panes.add(run);
            });
            emissions.leave(slice.len() as u64);
        }
        if let Some(last) = open {
            close(&mut panes, last);
        }
        thread.gaps(departures.gaps());
        (departures, emissions, results, answer)
    };
    let ran = thread::scope(|scope| scope.spawn(work).join());
    let (departures, emissions, results, answer) = ran.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
    Ok(Outcome { result_latency_ns: Some(results.latency_ns()), ..pace.outcome(departures, emissions, answer) })
}
