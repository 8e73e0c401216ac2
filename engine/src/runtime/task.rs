//! What a worker runs: a chain with its input.

use std::{any::Any, cell::RefCell, collections::HashMap, rc::Rc, time::Instant};

use super::{Level, Step, Waker};
use crate::{
    error::RunError,
    metrics::Counter,
    operator::{Control, Operator, States},
    source::{Polled, Reader},
};

/// What one step of a task did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// It moved that many records.
    Worked(usize),
    /// It has nothing to do before that time, or before it is woken.
    Idle(Option<Instant>),
    /// It cannot go on before someone downstream makes room.
    Blocked,
    /// It has ended, and all it produced has left.
    Done,
}

/// A chain with its input, on one worker.
pub trait Task {
    /// Works off about a batch. Never blocks.
    fn do_work(&mut self) -> Result<Progress, RunError>;
    /// Asks for an orderly end.
    fn drain(&mut self);

    /// Walks over the states of the chain.
    fn states(&mut self, states: &mut States<'_>);
}

/// What a worker's tasks are built with, on the worker's own thread.
pub struct Scope {
    /// Wakes this worker.
    pub(crate) waker: Waker,
    /// Inlets of this worker's tasks, by edge. Values are `Rc<RefCell<dyn Inlet<T>>>`, or `dyn RowInlet<R>`.
    inlets: HashMap<usize, Box<dyn Any>>,
}

impl Scope {
    pub(crate) fn new(waker: Waker) -> Self {
        Self { waker, inlets: HashMap::new() }
    }

    pub(crate) fn add_inlet<I: ?Sized + 'static>(&mut self, edge: usize, inlet: Rc<RefCell<I>>) {
        self.inlets.insert(edge, Box::new(inlet));
    }

    /// The inlet of an edge. Tasks are built downstream first, so it is there.
    pub(crate) fn inlet<I: ?Sized + 'static>(&mut self, edge: usize) -> Rc<RefCell<I>> {
        let inlet = self.inlets.get(&edge).expect("the task behind a local edge is built before the one in front of it");
        inlet.downcast_ref::<Rc<RefCell<I>>>().expect("both ends of an edge carry the same type").clone()
    }
}

/// A source's reader and the chain behind it.
pub(crate) struct SourceTask<R, O> {
    pub(crate) reader: R,
    pub(crate) operator: O,
    pub(crate) batch: usize,
    pub(crate) ended: bool,
    /// Downstream has been told that there is no input.
    pub(crate) unfed: bool,
    pub(crate) level: Level,
    pub(crate) tally: Tally,
}

/// What a reader has handed out. Counted here without atomics, and added to the job's counters when the task goes.
pub(crate) struct Tally {
    handed_out: u64,
    skipped: u64,
    records: Counter,
    malformed: Counter,
}

impl Tally {
    pub(crate) fn new(records: Counter, malformed: Counter) -> Self {
        Self { handed_out: 0, skipped: 0, records, malformed }
    }
}

impl Drop for Tally {
    fn drop(&mut self) {
        self.records.add(self.handed_out);
        self.malformed.add(self.skipped);
    }
}

/// Batches that a source hands out in one step, if its chain takes them: a cycle over the worker's tasks then costs little beside them.
const BURST: usize = 4;

impl<R: Reader, O: Operator<R::Out>> Step for SourceTask<R, O> {
    type Out = Result<Progress, RunError>;

    #[inline(always)]
    fn step(&mut self) -> Result<Progress, RunError> {
        if !self.operator.ready()? {
            return Ok(Progress::Blocked);
        }
        if self.ended {
            return Ok(Progress::Done);
        }
        let mut worked = 0;
        for _ in 0..BURST {
            match self.reader.poll(self.batch, &mut self.operator)? {
                Polled::Records(records) => {
                    self.unfed = false;
                    self.tally.handed_out += records as u64;
                    // None may come of a batch in which all was malformed; that is work all the same.
                    worked += records.max(1);
                }
                Polled::Unfed => {
                    if !self.unfed {
                        self.unfed = true;
                        self.operator.control(Control::Idle);
                        return Ok(Progress::Worked(worked + 1));
                    }
                    return Ok(Progress::Idle(None));
                }
                Polled::Idle(until) => return Ok(if worked > 0 { Progress::Worked(worked) } else { Progress::Idle(until) }),
                Polled::End => {
                    self.ended = true;
                    self.tally.skipped = self.reader.malformed();
                    self.operator.control(Control::End);
                    return Ok(Progress::Worked(worked + 1));
                }
            }
            if !self.operator.ready()? {
                break;
            }
        }
        Ok(Progress::Worked(worked))
    }
}

impl<R: Reader, O: Operator<R::Out>> Task for SourceTask<R, O> {
    fn do_work(&mut self) -> Result<Progress, RunError> {
        let level = self.level;
        level.run(self)
    }

    fn drain(&mut self) {
        self.reader.drain();
    }

    fn states(&mut self, states: &mut States<'_>) {
        states.keep(&mut self.ended);
        states.keep(&mut self.unfed);
        if states.is_taking() && !self.ended && !self.reader.is_resumable() {
            states.refuse("a source has not ended, and a new one would begin at its beginning: let it end, or use a feed".into());
        }
        self.operator.states(states);
    }
}
