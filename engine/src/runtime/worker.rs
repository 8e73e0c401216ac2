//! The duty cycle: run every task, then let the idle strategy decide what to do about the work that was or was not there.

use std::{
    any::Any,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    time::{Duration, Instant},
};

use super::{
    Idle, Progress, Task, alarm,
    shutdown::{Phase, Shutdown},
};
use crate::{
    error::RunError,
    operator::{
        States,
        blame::{self, Site},
    },
};

/// Says which operator a panic came from. `None`: the code around the operators, which for a task means its sink.
pub(crate) type Namer = dyn Fn(usize, Option<Site>) -> String + Send + Sync;

/// A blocked task waits for someone who may not wake us (a service that polls its results), so it looks again this soon.
const BLOCKED_RECHECK: Duration = Duration::from_micros(200);

pub(crate) struct Worker {
    /// Tasks and the number of the stage that each belongs to. Done tasks are `None`.
    tasks: Vec<(usize, Option<Box<dyn Task>>)>,
    live: usize,
    shutdown: Arc<Shutdown>,
    namer: Arc<Namer>,
    draining: bool,
}

/// What a cycle over all tasks did.
pub(crate) struct Cycle {
    pub(crate) worked: usize,
    pub(crate) until: Option<Instant>,
    /// A task waits for room downstream.
    pub(crate) blocked: bool,
}

impl Worker {
    pub(crate) fn new(tasks: Vec<(usize, Box<dyn Task>)>, shutdown: Arc<Shutdown>, namer: Arc<Namer>) -> Self {
        let tasks: Vec<_> = tasks.into_iter().map(|(stage, task)| (stage, Some(task))).collect();
        Self { live: tasks.len(), tasks, shutdown, namer, draining: false }
    }

    /// Runs until all tasks are done or the job ends.
    pub(crate) fn run(mut self, mut idle: Idle) {
        while self.live > 0 {
            let phase = self.shutdown.phase();
            match phase {
                Phase::Running => {}
                Phase::Draining => self.drain(),
                Phase::Stopping => break,
            }
            let Cycle { worked, until, .. } = self.cycle();
            if worked > 0 {
                idle.idle(worked, None, || true);
            } else {
                idle.idle(0, until, || self.live == 0 || self.shutdown.phase() != phase || self.cycle().worked > 0);
            }
        }
        // Tasks go on this thread, and a drop that panics must not take the process down.
        let (tasks, stage) = (std::mem::take(&mut self.tasks), 0);
        if let Err(panic) = catch_unwind(AssertUnwindSafe(move || drop(tasks))) {
            self.fail(stage, panic);
        }
    }

    /// Whether all tasks are done.
    pub(crate) fn is_done(&self) -> bool {
        self.live == 0
    }

    pub(crate) fn drain(&mut self) {
        if !self.draining {
            self.draining = true;
            for (_, task) in &mut self.tasks {
                if let Some(task) = task {
                    task.drain();
                }
            }
        }
    }

    pub(crate) fn cycle(&mut self) -> Cycle {
        let mut cycle = Cycle { worked: 0, until: None, blocked: false };
        for at in 0..self.tasks.len() {
            let (stage, slot) = &mut self.tasks[at];
            let (stage, Some(task)) = (*stage, slot.as_mut()) else { continue };
            match catch_unwind(AssertUnwindSafe(|| task.do_work())) {
                Ok(Ok(Progress::Worked(records))) => cycle.worked += records,
                Ok(Ok(Progress::Idle(until))) => cycle.until = earlier(cycle.until, until),
                Ok(Ok(Progress::Blocked)) => {
                    cycle.until = earlier(cycle.until, Some(Instant::now() + BLOCKED_RECHECK));
                    cycle.blocked = true;
                }
                Ok(Ok(Progress::Done)) => {
                    self.live -= 1;
                    cycle.worked += 1;
                    // What the user's closures hold goes with it, and a drop may panic.
                    let done = slot.take();
                    if let Err(panic) = catch_unwind(AssertUnwindSafe(move || drop(done))) {
                        self.fail(stage, panic);
                        return cycle;
                    }
                }
                Ok(Err(mut fault)) => {
                    if let RunError::Operator { operator, .. } = &mut fault {
                        *operator = (self.namer)(stage, blame::take());
                    }
                    self.shutdown.fail(fault);
                    cycle.worked += 1;
                    return cycle;
                }
                Err(panic) => {
                    self.fail(stage, panic);
                    cycle.worked += 1;
                    return cycle;
                }
            }
        }
        cycle.until = earlier(cycle.until, alarm::take());
        cycle
    }

    /// Walks over the states of all tasks, and says which stage has refused it, and why. Only while nothing is under way.
    pub(crate) fn states(&mut self, states: &mut States<'_>) -> Result<(), (String, String)> {
        for (stage, slot) in &mut self.tasks {
            let done = states.known(slot.is_none());
            match slot {
                Some(task) if !done => task.states(states),
                Some(_) if states.is_restoring() => {
                    *slot = None;
                    self.live -= 1;
                }
                _ => {}
            }
            if let Some(why) = states.refusal() {
                return Err(((self.namer)(*stage, Some(blame::SOURCE)), why.into()));
            }
        }
        Ok(())
    }

    #[cold]
    fn fail(&self, stage: usize, panic: Box<dyn Any + Send>) {
        let message = match panic.downcast::<String>() {
            Ok(message) => *message,
            Err(panic) => panic.downcast::<&str>().map_or_else(|_| "(no message)".into(), |message| (*message).into()),
        };
        self.shutdown.fail(RunError::Panic { operator: (self.namer)(stage, blame::take()), message });
    }
}

fn earlier(a: Option<Instant>, b: Option<Instant>) -> Option<Instant> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}
