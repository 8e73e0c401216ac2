//! The phases of an invocation, workload by workload.
//!
//! ```text
//!   prepare  small input; refuse the cells that a system cannot run
//!   probe    closed loop, small: is the answer right, how fast is it, hence how many records a run takes and what `0.5x` means
//!   warm up  only when the size was given: one whole run, not recorded (a probed cell is warm)
//!   measure  repeat by repeat, every cell in each: floor, run, floor, verdict, row
//! ```
//!
//! A budget (the quick suite's) bounds the whole: each workload gets an even share of what is left, and shortens its runs to fit.

use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};

use core_affinity::CoreId;

use crate::{
    load::{Inject, Schedule},
    measure::throughput,
    process::{Peer, Session, interrupt, protocol},
    quantity::Rate,
    report::row::{Origin, Row},
    run::{
        environment::Environment,
        matrix::{self, Cell, Matrix, Size},
        once::{self, Failure, Measured, Surroundings},
        verdict::Asked,
    },
    system::{Job, Outcome, System},
    workload::{Prepared, Spec, WorkloadInfo},
};

/// A probe takes this part of a workload's default size: about 15 ms of the hand loop.
const PROBE_PART: u64 = 64;
/// How long each closed-loop run takes that a relative rate is built on.
const RELATIVE_PROBE_S: f64 = 0.1;
/// Seconds of an open loop's warm-up.
const OPEN_WARM_UP_S: f64 = 0.05;
/// Fewest records of an open-loop run: fewer have no tail to speak of.
const OPEN_EVENTS_MIN: u64 = 1_000;
/// The quick suite never shortens a run below this, see [`throughput::ELAPSED_MIN`] for what is believed.
const SECONDS_MIN: f64 = 0.04;

/// Makes an input and its expected answer; [`crate::workload::prepare`] outside of tests.
pub type Prepare = dyn Fn(&Spec) -> Result<Prepared, String>;

/// What the phases work with.
pub struct Bench<'a> {
    /// Workloads there are.
    pub workloads: &'a [WorkloadInfo],
    /// Makes their inputs.
    pub prepare: &'a Prepare,
    /// Systems there are. Alive until the process ends, because a run that hangs is left behind.
    pub systems: Vec<&'static dyn System>,
    /// The machine.
    pub environment: Environment,
    /// Cores that runs are given, the first `n` of them.
    pub cores: Vec<CoreId>,
    /// What surrounds each run.
    pub around: Surroundings,
    /// Systems that are processes of their own; of one that has the name of a system above, it is the one that is run.
    pub peers: Vec<Peer>,
    /// Whether every repeat runs in a fresh process, and not in this one.
    pub fresh: bool,
    /// Time for everything; none: as long as it takes.
    pub budget: Option<Duration>,
}

/// Is told of everything as it happens.
pub trait Observer {
    /// A workload begins that will have this many measured runs; `what` names the phase.
    fn phase(&mut self, workload: &str, what: &str, runs: Option<u64>);
    /// A run begins.
    fn started(&mut self, cell: &Cell, repeat: Option<u32>);
    /// A measured run ended, or a run failed; then it has no outcome.
    ///
    /// # Errors
    /// If it cannot be written; ends the invocation.
    fn row(&mut self, row: &Row, outcome: Option<&Outcome>) -> std::io::Result<()>;
    /// A cell's runs take `events` records, and not as many as last the time that was asked for.
    fn shortened(&mut self, cell: &Cell, events: u64);
    /// A cell cannot be run.
    fn refused(&mut self, cell: &Cell, reason: &str);
}

/// Why an invocation ended early.
#[derive(Debug, thiserror::Error)]
pub enum Stopped {
    /// An input cannot be made.
    #[error("workload {0}: {1}")]
    Input(String, String),
    /// No system accepts any cell.
    #[error("nothing to run: every combination was refused\n{0}")]
    AllRefused(String),
    /// A run hangs.
    #[error("{0} {1}; its threads still run, so nothing after it could be believed")]
    Hung(String, Failure),
    /// This program was asked to end.
    #[error("interrupted")]
    Interrupted,
    /// A result cannot be written.
    #[error("a result cannot be written: {0}")]
    Write(#[from] std::io::Error),
}

/// Who runs a cell.
#[derive(Clone)]
enum Runner {
    /// A system of this process.
    Here(&'static dyn System),
    /// A process, started for each run.
    Process(Arc<Peer>),
}

/// A cell that is ready to be measured.
struct Ready {
    cell: Cell,
    runner: Runner,
    rate: Option<f64>,
    events: u64,
    alive: bool,
}

/// Runs everything in `matrices`, one after the other, and adds a row for each measured run to `rows`.
///
/// # Errors
/// [`Stopped`]; the rows before it are in `rows`.
pub fn run(bench: &Bench<'_>, matrices: &[Matrix], observer: &mut dyn Observer, rows: &mut Vec<Row>) -> Result<(), Stopped> {
    let start = Instant::now();
    let mut refusals = Vec::new();
    let all: Vec<(&Matrix, &String)> = matrices.iter().flat_map(|matrix| matrix.workloads.iter().map(move |name| (matrix, name))).collect();
    for (i, (matrix, workload)) in all.iter().enumerate() {
        let left = bench.budget.map(|budget| budget.saturating_sub(start.elapsed()) / (all.len() - i) as u32);
        OneWorkload { bench, matrix, workload, inputs: HashMap::new(), rows, observer, refusals: &mut refusals }.run(left)?;
    }
    if rows.is_empty() { Err(Stopped::AllRefused(refusals.join("\n"))) } else { Ok(()) }
}

struct OneWorkload<'a, 'b> {
    bench: &'a Bench<'b>,
    matrix: &'a Matrix,
    workload: &'a str,
    inputs: HashMap<u64, Prepared>,
    rows: &'a mut Vec<Row>,
    observer: &'a mut dyn Observer,
    refusals: &'a mut Vec<String>,
}

impl OneWorkload<'_, '_> {
    fn run(&mut self, budget: Option<Duration>) -> Result<(), Stopped> {
        let start = Instant::now();
        let default_events = self.default_events();
        let probe_events = match self.matrix.size {
            Size::Events(events) => events,
            Size::Seconds(_) => (default_events / PROBE_PART).max(1),
        };
        self.observer.phase(self.workload, "prepare", None);
        self.input(probe_events)?;

        let mut ready = Vec::new();
        let cells = self.matrix.cells(self.workload);
        self.observer.phase(self.workload, "probe", None);
        for cell in cells {
            ready.extend(self.probe(cell, probe_events, default_events)?);
        }
        let mut seconds = match self.matrix.size {
            Size::Events(_) => None,
            Size::Seconds(seconds) => Some(seconds),
        };
        if let (Some(wanted), Some(budget)) = (&mut seconds, budget) {
            let runs = (ready.len() as u32 * self.matrix.repeats).max(1);
            // A tenth for the oracle, which sees every size once.
            let each =
                budget.saturating_sub(start.elapsed()).as_secs_f64() * 0.9 / f64::from(runs) - 2.0 * self.bench.around.floor.as_secs_f64();
            *wanted = each.clamp(SECONDS_MIN, *wanted);
        }
        for ready in &mut ready {
            if let Some(seconds) = seconds {
                ready.events = match ready.rate {
                    Some(rate) => ((rate * seconds) as u64).max(OPEN_EVENTS_MIN),
                    None => matrix::events_for(seconds, ready.events as f64, default_events),
                };
            }
            if let (Some(_), None, Some(max)) = (seconds, ready.rate, self.checked_max())
                && ready.events > max
            {
                ready.events = max;
                self.observer.shortened(&ready.cell, max);
            }
            let events = ready.events;
            ready.events = self.input(events)?.input.events;
        }
        self.warm_up(&mut ready)?;

        self.observer.phase(self.workload, "measure", Some(ready.len() as u64 * u64::from(self.matrix.repeats)));
        for (repeat, i) in matrix::interleaved(ready.len(), self.matrix.repeats) {
            let ready = &mut ready[i];
            if !ready.alive {
                continue;
            }
            self.observer.started(&ready.cell, Some(repeat));
            let (measured, asked) = self.once(&ready.runner.clone(), &ready.cell, ready.events, ready.rate, Some(self.bench.around))?;
            let row = self.record(&ready.cell, repeat, asked, &measured)?;
            ready.alive = !row;
        }
        Ok(())
    }

    /// Probes a cell. Returns it with `events` holding its closed-loop rate if sizes are in seconds; none if it was refused or failed.
    fn probe(&mut self, cell: Cell, probe_events: u64, default_events: u64) -> Result<Option<Ready>, Stopped> {
        let Some(runner) = self.runner(&cell, probe_events)? else { return Ok(None) };
        let mut ready = Ready { cell, runner, rate: None, events: probe_events, alive: true };
        let is_sized = matches!(self.matrix.size, Size::Events(_));
        match ready.cell.rate {
            Some(Rate::PerSecond(rate)) => ready.rate = Some(rate),
            None if is_sized => {}
            relative_or_closed => {
                // Twice: the first run finds cold caches, an unmapped heap and an untrained branch predictor.
                let closed = Cell { rate: None, ..ready.cell.clone() };
                let events = if is_sized { (default_events / PROBE_PART).max(1) } else { probe_events };
                let Some(_) = self.unrecorded(&ready.runner.clone(), &closed, events, None)? else { return Ok(None) };
                let Some(mut rate) = self.unrecorded(&ready.runner.clone(), &closed, events, None)? else { return Ok(None) };
                if relative_or_closed.is_some() {
                    // A rate is built on this one: longer runs, and the median of three.
                    let events = matrix::events_for(RELATIVE_PROBE_S, rate, default_events);
                    let mut rates = [0.0; 3];
                    for measured in &mut rates {
                        let Some(rate) = self.unrecorded(&ready.runner.clone(), &closed, events, None)? else { return Ok(None) };
                        *measured = rate;
                    }
                    rates.sort_by(f64::total_cmp);
                    rate = rates[1];
                }
                match relative_or_closed {
                    Some(Rate::OfClosedLoop(share)) => ready.rate = Some(rate * share),
                    _ => ready.events = rate.max(1.0) as u64,
                }
            }
        }
        Ok(Some(ready))
    }

    /// Runs what no probe has warmed: closed loops of a given size once in full, open loops for a moment at their own rate.
    fn warm_up(&mut self, ready: &mut [Ready]) -> Result<(), Stopped> {
        self.observer.phase(self.workload, "warm up", None);
        let is_sized = matches!(self.matrix.size, Size::Events(_));
        for ready in ready.iter_mut() {
            let events = match ready.rate {
                Some(rate) => ((rate * OPEN_WARM_UP_S) as u64).clamp(OPEN_EVENTS_MIN, ready.events.max(OPEN_EVENTS_MIN)),
                None if is_sized => ready.events,
                None => continue,
            };
            ready.alive = self.unrecorded(&ready.runner.clone(), &ready.cell, events, ready.rate)?.is_some();
        }
        Ok(())
    }

    /// One run that gives no row unless it fails. Returns its rate, none if it failed.
    fn unrecorded(&mut self, runner: &Runner, cell: &Cell, events: u64, rate: Option<f64>) -> Result<Option<f64>, Stopped> {
        self.observer.started(cell, None);
        let (measured, asked) = self.once(runner, cell, events, rate, None)?;
        let right = |outcome: &&Outcome| outcome.answer == asked.expected && outcome.n == asked.n;
        match measured.outcome.as_ref().ok().filter(right) {
            Some(outcome) => Ok(Some(throughput::rate(outcome.n, outcome.elapsed).unwrap_or(f64::MAX))),
            None => self.record(cell, 0, asked, &measured).map(|_| None),
        }
    }

    /// Who is to run a cell; none if there is nobody, which was told.
    fn runner(&mut self, cell: &Cell, probe_events: u64) -> Result<Option<Runner>, Stopped> {
        let rate = cell.rate.map(|_| 1_000.0);
        if let Some(peer) = self.bench.peers.iter().find(|peer| peer.name == cell.system) {
            let peer = Arc::new(peer.clone());
            let asked = self.asked(cell, probe_events, rate)?;
            return match Session::start(&peer).and_then(|mut session| session.prepare(&self.order(&peer, cell, probe_events, rate))) {
                Ok(()) => Ok(Some(Runner::Process(peer))),
                Err(Failure::Refused(reason)) => {
                    self.refuse(cell, &reason);
                    Ok(None)
                }
                Err(failure) => self.record(cell, 0, asked, &Measured::failed(failure)).map(|_| None),
            };
        }
        let Some(system) = self.bench.systems.iter().copied().find(|system| system.name() == cell.system) else {
            self.refuse(cell, "there is no such system");
            return Ok(None);
        };
        let prepared = self.input(probe_events)?;
        if let Some(reason) = system.refuses(&self.job(cell, prepared, rate)) {
            self.refuse(cell, &reason);
            return Ok(None);
        }
        if !self.bench.fresh {
            return Ok(Some(Runner::Here(system)));
        }
        match Peer::ourselves(system.name()) {
            Ok(peer) => Ok(Some(Runner::Process(Arc::new(peer)))),
            Err(reason) => Err(Stopped::Input(self.workload.to_owned(), reason)),
        }
    }

    /// One run, between looks at the machine, or (`around` is none) one that is not recorded.
    fn once(
        &mut self,
        runner: &Runner,
        cell: &Cell,
        events: u64,
        rate: Option<f64>,
        around: Option<Surroundings>,
    ) -> Result<(Measured, Asked), Stopped> {
        if interrupt::is_asked() {
            return Err(Stopped::Interrupted);
        }
        let asked = self.asked(cell, events, rate)?;
        // The control `loss`: fewer records than the oracle counts.
        let events = events.saturating_sub(cell.inject.loss).max(1);
        let bare = Surroundings { floor: Duration::ZERO, ..self.bench.around };
        let measured = match runner {
            Runner::Here(system) => {
                let prepared = self.input(events)?;
                once::measure(*system, self.job(cell, prepared, rate), self.cores_of(cell), around.unwrap_or(bare))
            }
            Runner::Process(peer) => {
                let warm_ups = if around.is_some() { peer.warm_up } else { 0 };
                self.in_process(peer, cell, events, rate, warm_ups, around.unwrap_or(bare))?.unwrap_or_else(Measured::failed)
            }
        };
        Ok((measured, asked))
    }

    /// One run in a fresh process, after runs that are checked and not recorded.
    fn in_process(
        &mut self,
        peer: &Peer,
        cell: &Cell,
        events: u64,
        rate: Option<f64>,
        warm_ups: u32,
        around: Surroundings,
    ) -> Result<Result<Measured, Failure>, Stopped> {
        let warm_events = match rate {
            Some(rate) => ((rate * OPEN_WARM_UP_S) as u64).max(OPEN_EVENTS_MIN),
            None => (self.default_events() / PROBE_PART).max(1),
        };
        let warm_events = warm_events.min(events);
        // Of a file it may be fewer.
        let warm = if warm_ups > 0 { Some(self.asked(cell, warm_events, rate)?) } else { None };
        let warm_order = self.order(peer, cell, warm_events, rate);
        let order = self.order(peer, cell, events, rate);
        let run = || {
            let mut session = Session::start(peer)?;
            for _ in 0..warm_ups {
                session.prepare(&warm_order)?;
                let outcome = session.go(Inject::default(), around.limit)?.done.outcome;
                if warm.is_some_and(|asked| (outcome.answer, outcome.n) != (asked.expected, asked.n)) {
                    return Err(Failure::Error("the output of a warm-up differs from the oracle's".into()));
                }
            }
            session.prepare(&order)?;
            Ok(once::measure_process(&mut session, cell.inject, self.cores_of(cell), around))
        };
        Ok(run())
    }

    /// What a process is told to prepare.
    fn order(&self, peer: &Peer, cell: &Cell, events: u64, rate: Option<f64>) -> protocol::Prepare {
        protocol::Prepare {
            system: peer.name.clone(),
            workload: self.workload.to_owned(),
            events,
            seed: self.matrix.seed,
            block_bytes: self.matrix.block_bytes,
            input: self.matrix.input.clone(),
            cores: cell.cores,
            core_numbers: self.cores_of(cell).iter().map(|core| core.id).collect(),
            batch: cell.batch,
            ring_bytes: cell.ring_bytes,
            wait: cell.wait.clone(),
            schedule: self.schedule(cell, rate),
            options: peer.options.clone(),
        }
    }

    /// What a run of `events` has to give.
    fn asked(&mut self, cell: &Cell, events: u64, rate: Option<f64>) -> Result<Asked, Stopped> {
        let prepared = self.input(events)?;
        let n = prepared.input.events;
        // A schedule that cannot be is told by the run.
        let rate = self.schedule(cell, rate).map(|schedule| schedule.offered_per_s(n).unwrap_or(schedule.rate_per_s));
        Ok(Asked { n, expected: prepared.expected, rate })
    }

    fn schedule(&self, cell: &Cell, rate: Option<f64>) -> Option<Schedule> {
        rate.map(|rate_per_s| Schedule { rate_per_s, shape: cell.shape.clone(), seed: self.matrix.seed })
    }

    fn default_events(&self) -> u64 {
        self.info().map_or(1_000_000, |info| info.default_events)
    }

    fn checked_max(&self) -> Option<u64> {
        self.info()?.checked_max
    }

    fn info(&self) -> Option<&WorkloadInfo> {
        self.bench.workloads.iter().find(|info| info.name == self.workload)
    }

    /// Makes the row and tells it. Returns whether the run failed.
    fn record(&mut self, cell: &Cell, repeat: u32, asked: Asked, measured: &Measured) -> Result<bool, Stopped> {
        // What was cut off is no failure of its system, and gives no row.
        if matches!(measured.outcome, Err(Failure::Interrupted)) {
            return Err(Stopped::Interrupted);
        }
        let origin = Origin {
            cell,
            repeat,
            order: self.rows.len() as u64,
            seed: self.matrix.seed,
            block_bytes: self.matrix.block_bytes,
            asked,
            cores_used: self.cores_of(cell),
            environment: &self.bench.environment,
        };
        let row = Row::new(&origin, measured);
        let failed = row.failed();
        self.observer.row(&row, measured.outcome.as_ref().ok().filter(|_| !failed))?;
        self.rows.push(row);
        match &measured.outcome {
            Err(hung @ Failure::Hung(_)) => Err(Stopped::Hung(cell.to_string(), hung.clone())),
            _ => Ok(failed),
        }
    }

    fn refuse(&mut self, cell: &Cell, reason: &str) {
        self.refusals.push(format!("  {cell}: {reason}"));
        self.observer.refused(cell, reason);
    }

    fn job(&self, cell: &Cell, prepared: Prepared, rate: Option<f64>) -> Job {
        Job {
            input: prepared.input,
            cores: cell.cores,
            batch: cell.batch,
            ring_bytes: cell.ring_bytes,
            wait: cell.wait.clone(),
            schedule: self.schedule(cell, rate),
            generator: cell.generator,
        }
    }

    fn cores_of(&self, cell: &Cell) -> &[CoreId] {
        &self.bench.cores[..cell.cores.min(self.bench.cores.len())]
    }

    /// The input of this size, made once a workload.
    fn input(&mut self, events: u64) -> Result<Prepared, Stopped> {
        if let Some(prepared) = self.inputs.get(&events) {
            return Ok(prepared.clone());
        }
        let spec = Spec {
            name: self.workload.to_owned(),
            events,
            seed: self.matrix.seed,
            block_bytes: self.matrix.block_bytes,
            input: self.matrix.input.clone(),
        };
        let prepared = (self.bench.prepare)(&spec).map_err(|reason| Stopped::Input(self.workload.to_owned(), reason))?;
        self.inputs.insert(events, prepared.clone());
        Ok(prepared)
    }
}

#[cfg(test)]
mod tests;
