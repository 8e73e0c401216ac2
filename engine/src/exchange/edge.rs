//! An edge between stages, and the task at its downstream end.

use std::{
    cell::RefCell,
    marker::PhantomData,
    rc::Rc,
    sync::{Arc, Mutex, PoisonError},
};

use super::outlet::OutletSeed;
use crate::{
    error::{BuildError, RunError},
    graph::{EndSeed, Head, StageCx, TaskSeed},
    metrics::Gauge,
    operator::{
        Control, Operator, States,
        link::{ChainCx, Link},
    },
    record::{Movable, Record},
    ring::{Next, Receiver, channel},
    runtime::{Level, Progress, Step, Task, Waker},
    watermark::Merge,
};

/// Control messages that a ring's side ring holds before the producer has to wait.
pub(crate) const CONTROL_SLOTS: usize = 64;

/// An edge that carries `T`. Both ends hold a clone while the dataflow is built.
pub(crate) struct Edge<T> {
    pub(crate) id: usize,
    ports: Arc<Mutex<Vec<Ports<T>>>>,
}

impl<T> Clone for Edge<T> {
    fn clone(&self) -> Self {
        Self { id: self.id, ports: self.ports.clone() }
    }
}

/// What leads into one downstream instance.
struct Ports<T> {
    inputs: usize,
    receivers: Vec<Port<T>>,
}

struct Port<T> {
    input: usize,
    receiver: Receiver<T, Control>,
    /// Wakes the producer when room has been made.
    producer: Waker,
}

impl<T: Send + 'static> Edge<T> {
    pub(crate) fn new(id: usize) -> Self {
        Self { id, ports: Arc::default() }
    }

    /// The outlet from an upstream instance on worker `from` to the downstream instance number `to`.
    pub(crate) fn outlet(&self, cx: &StageCx, from: usize, to: usize) -> OutletSeed<T> {
        let targets = cx.workers_behind(self.id);
        let mut ports = self.ports.lock().unwrap_or_else(PoisonError::into_inner);
        ports.resize_with(targets.len(), || Ports { inputs: 0, receivers: Vec::new() });
        let port = &mut ports[to];
        let input = port.inputs;
        port.inputs += 1;
        if targets[to] == from {
            return OutletSeed::Local { edge: self.id, input, batch: cx.batch };
        }
        let (sender, receiver) = channel(cx.ring_slots::<T>(), CONTROL_SLOTS);
        cx.probes.borrow_mut().push(sender.probe());
        port.receivers.push(Port { input, receiver, producer: cx.wakers[from].clone() });
        OutletSeed::Remote { sender, waker: cx.wakers[targets[to]].clone(), batch: cx.batch }
    }
}

/// Takes records from tasks of the same worker, by a call.
pub(crate) trait Inlet<T> {
    /// As [`Operator::ready`].
    fn ready(&mut self) -> Result<bool, RunError>;
    /// Works the batch off and leaves it empty. Only after `ready` said yes.
    fn take(&mut self, batch: &mut Vec<T>);
    /// Handles the control of one input. Only after `ready` said yes.
    fn control(&mut self, input: usize, control: Control);
}

/// The operators behind an edge, shared by the task that polls the rings and the local outlets that call directly.
pub(crate) struct Intake<R, O> {
    pub(crate) merge: Merge,
    /// Control that waits for the operators to be ready again.
    second: Option<Control>,
    gauge: Gauge,
    pub(crate) operator: O,
    record: PhantomData<fn() -> R>,
}

impl<R: Record, O: Operator<R>> Intake<R, O> {
    pub(crate) fn new(inputs: usize, gauge: Gauge, operator: O) -> Self {
        Self { merge: Merge::new(inputs), second: None, gauge, operator, record: PhantomData }
    }

    #[inline]
    pub(crate) fn all_ready(&mut self) -> Result<bool, RunError> {
        if !self.operator.ready()? {
            return Ok(false);
        }
        match self.second.take() {
            None => Ok(true),
            Some(control) => {
                self.operator.control(control);
                self.operator.ready()
            }
        }
    }

    pub(crate) fn take_control(&mut self, input: usize, control: Control) {
        let mut controls = self.merge.take(input, control).into_iter().flatten();
        if let Some(first) = controls.next() {
            if let Control::Watermark(watermark) = first {
                self.gauge.set(watermark);
            }
            self.operator.control(first);
        }
        self.second = controls.next();
    }
}

impl<R: Movable, O: Operator<R>> Inlet<R::Item> for Intake<R, O> {
    #[inline]
    fn ready(&mut self) -> Result<bool, RunError> {
        self.all_ready()
    }

    fn take(&mut self, batch: &mut Vec<R::Item>) {
        self.operator.process(batch.drain(..).map(R::from_item));
    }

    fn control(&mut self, input: usize, control: Control) {
        self.take_control(input, control);
    }
}

/// The beginning of a stream behind an edge.
pub struct EdgeHead<R: Movable>(pub(crate) Edge<R::Item>);

impl<R: Movable> Head for EdgeHead<R> {
    type Out = R;

    fn edge(&self) -> Option<usize> {
        Some(self.0.id)
    }

    fn build<L, E>(self, links: L, ends: Vec<E>, cx: &StageCx) -> Result<Vec<TaskSeed>, BuildError>
    where
        L: Link<In = R>,
        E: EndSeed<L::Out>,
    {
        let Edge { id, ports } = self.0;
        let ports = std::mem::take(&mut *ports.lock().unwrap_or_else(PoisonError::into_inner));
        let (batch, instances) = (cx.batch, cx.workers.len());
        debug_assert_eq!(ports.len(), ends.len());
        Ok(ports
            .into_iter()
            .zip(ends)
            .enumerate()
            .map(|(instance, (ports, end))| -> TaskSeed {
                let links = links.clone();
                let gauge = cx.gauges.add(instance);
                Box::new(move |scope| {
                    let operator = links.link(end.start(scope), ChainCx { inputs: ports.inputs, instances, instance });
                    let intake = Rc::new(RefCell::new(Intake::<R, _>::new(ports.inputs, gauge, operator)));
                    scope.add_inlet::<dyn Inlet<R::Item>>(id, intake.clone());
                    Box::new(EdgeTask { intake, ports: ports.receivers, turn: 0, batch, level: Level::detect() })
                })
            })
            .collect())
    }
}

/// Polls the rings that lead into one downstream instance, in turn.
struct EdgeTask<R: Movable, O> {
    intake: Rc<RefCell<Intake<R, O>>>,
    ports: Vec<Port<R::Item>>,
    turn: usize,
    batch: usize,
    level: Level,
}

impl<R: Movable, O: Operator<R>> Task for EdgeTask<R, O> {
    fn do_work(&mut self) -> Result<Progress, RunError> {
        let level = self.level;
        level.run(self)
    }

    fn drain(&mut self) {}

    fn states(&mut self, states: &mut States<'_>) {
        let mut intake = self.intake.borrow_mut();
        states.keep(&mut self.turn);
        states.keep(&mut intake.merge);
        intake.operator.states(states);
    }
}

impl<R: Movable, O: Operator<R>> Step for EdgeTask<R, O> {
    type Out = Result<Progress, RunError>;

    #[inline(always)]
    fn step(&mut self) -> Result<Progress, RunError> {
        let mut intake = self.intake.borrow_mut();
        let mut worked = 0;
        for _ in 0..self.ports.len().max(1) {
            if !intake.ready()? {
                return Ok(if worked > 0 { Progress::Worked(worked) } else { Progress::Blocked });
            }
            if self.ports.is_empty() {
                break;
            }
            self.turn = if self.turn + 1 < self.ports.len() { self.turn + 1 } else { 0 };
            let port = &mut self.ports[self.turn];
            match port.receiver.next(self.batch) {
                Next::Records(records) => {
                    worked += records.len();
                    intake.operator.process(records.into_iter().map(R::from_item));
                    port.producer.wake();
                }
                Next::Control(control) => {
                    worked += 1;
                    intake.control(port.input, control);
                    port.producer.wake();
                }
                Next::Empty | Next::Closed => {}
            }
        }
        if worked > 0 {
            return Ok(Progress::Worked(worked));
        }
        if intake.merge.ended() && intake.ready()? { Ok(Progress::Done) } else { Ok(Progress::Idle(None)) }
    }
}
