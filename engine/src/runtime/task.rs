//! What a worker runs: a chain with its input.

use std::{any::Any, cell::RefCell, collections::HashMap, rc::Rc, time::Instant};

use super::Waker;
use crate::{
    error::RunError,
    exchange::Inlet,
    metrics::Counter,
    operator::Operator,
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
}

/// What a worker's tasks are built with, on the worker's own thread.
pub struct Scope {
    /// Wakes this worker.
    pub(crate) waker: Waker,
    /// Inlets of this worker's tasks, by edge. Values are `Rc<RefCell<dyn Inlet<T>>>`.
    inlets: HashMap<usize, Box<dyn Any>>,
}

impl Scope {
    pub(crate) fn new(waker: Waker) -> Self {
        Self { waker, inlets: HashMap::new() }
    }

    pub(crate) fn add_inlet<T: 'static>(&mut self, edge: usize, inlet: Rc<RefCell<dyn Inlet<T>>>) {
        self.inlets.insert(edge, Box::new(inlet));
    }

    /// The inlet of an edge. Tasks are built downstream first, so it is there.
    pub(crate) fn inlet<T: 'static>(&mut self, edge: usize) -> Rc<RefCell<dyn Inlet<T>>> {
        let inlet = self.inlets.get(&edge).expect("the task behind a local edge is built before the one in front of it");
        inlet.downcast_ref::<Rc<RefCell<dyn Inlet<T>>>>().expect("both ends of an edge carry the same type").clone()
    }
}

/// A source's reader and the chain behind it.
pub(crate) struct SourceTask<R, O> {
    pub(crate) reader: R,
    pub(crate) operator: O,
    pub(crate) batch: usize,
    pub(crate) ended: bool,
    pub(crate) records: Counter,
    pub(crate) malformed: Counter,
}

impl<R: Reader, O: Operator<R::Out>> SourceTask<R, O> {
    fn end(&mut self) {
        self.ended = true;
        self.malformed.add(self.reader.malformed());
    }
}

impl<R: Reader, O: Operator<R::Out>> Task for SourceTask<R, O> {
    fn do_work(&mut self) -> Result<Progress, RunError> {
        if !self.operator.ready()? {
            return Ok(Progress::Blocked);
        }
        if self.ended {
            return Ok(Progress::Done);
        }
        match self.reader.poll(self.batch, &mut self.operator)? {
            Polled::Records(records) => {
                self.records.add(records as u64);
                // None may come of a batch in which all was malformed; that is work all the same.
                Ok(Progress::Worked(records.max(1)))
            }
            Polled::Idle(until) => Ok(Progress::Idle(until)),
            Polled::End => {
                self.end();
                self.operator.control(crate::operator::Control::End);
                Ok(Progress::Worked(1))
            }
        }
    }

    fn drain(&mut self) {
        self.reader.drain();
    }
}
