//! The edge, and the task at its downstream end.

use std::{
    cell::RefCell,
    rc::Rc,
    sync::{Arc, Mutex, PoisonError},
};

use super::{RowOutletSeed, outlet::PARCEL_ROWS};
use crate::{
    error::{BuildError, RunError},
    exchange::edge::{CONTROL_SLOTS, Intake},
    graph::{EndSeed, Head, StageCx, TaskSeed},
    operator::{
        Control, Operator, States,
        link::{ChainCx, Link},
    },
    record::{Parcel, Portable, Timed},
    ring::{Next, Producer, Receiver, channel, ring},
    runtime::{Level, Progress, Step, Task, Waker},
    time::EventTime,
};

/// Parcels that a ring holds: as many as its bytes allow, but no fewer and no more than this.
const PARCELS: std::ops::RangeInclusive<usize> = 4..=16;

/// An edge that carries rows of the family `R`. Both ends hold a clone while the dataflow is built.
pub(crate) struct RowEdge<R: Portable> {
    pub(crate) id: usize,
    ports: Arc<Mutex<Vec<Ports<R>>>>,
}

impl<R: Portable> Clone for RowEdge<R> {
    fn clone(&self) -> Self {
        Self { id: self.id, ports: self.ports.clone() }
    }
}

/// What leads into one downstream instance.
struct Ports<R: Portable> {
    inputs: usize,
    receivers: Vec<Port<R>>,
}

struct Port<R: Portable> {
    input: usize,
    receiver: Receiver<Parcel<R>, Control>,
    empties: Producer<Parcel<R>>,
    /// Wakes the producer when room has been made.
    producer: Waker,
}

impl<R: Portable> RowEdge<R> {
    pub(crate) fn new(id: usize) -> Self {
        Self { id, ports: Arc::default() }
    }

    /// The outlet from an upstream instance on worker `from` to the downstream instance number `to`.
    pub(crate) fn outlet(&self, cx: &StageCx, from: usize, to: usize) -> RowOutletSeed<R> {
        let targets = cx.workers_behind(self.id);
        let mut ports = self.ports.lock().unwrap_or_else(PoisonError::into_inner);
        ports.resize_with(targets.len(), || Ports { inputs: 0, receivers: Vec::new() });
        let port = &mut ports[to];
        let input = port.inputs;
        port.inputs += 1;
        if targets[to] == from {
            return RowOutletSeed::Local { edge: self.id, input };
        }
        let parcels = (cx.ring_slots::<(EventTime, R::Fixed)>() / PARCEL_ROWS).clamp(*PARCELS.start(), *PARCELS.end());
        let (sender, receiver) = channel(parcels, CONTROL_SLOTS);
        // All parcels of the ring, the one that is being filled and the one that is being emptied can be on their way back.
        let (empties, spare) = ring(parcels + 2);
        cx.probes.borrow_mut().push(sender.probe());
        port.receivers.push(Port { input, receiver, empties, producer: cx.wakers[from].clone() });
        RowOutletSeed::Remote { sender, spare, waker: cx.wakers[targets[to]].clone() }
    }
}

/// Takes rows from tasks of the same worker, by a call. All but `ready` only after `ready` said yes.
pub(crate) trait RowInlet<R: Portable> {
    /// As [`Operator::ready`].
    fn ready(&mut self) -> Result<bool, RunError>;
    /// Works rows off that are lent for the call, and leaves the buffer empty.
    fn lend<'a>(&mut self, rows: &mut Vec<(EventTime, R::Of<'a>)>);
    /// Works a parcel off and leaves it empty.
    fn take(&mut self, parcel: &mut Parcel<R>);
    /// Handles the control of one input.
    fn control(&mut self, input: usize, control: Control);
}

impl<R: Portable, O: Operator<Timed<R>>> RowInlet<R> for Intake<Timed<R>, O> {
    #[inline]
    fn ready(&mut self) -> Result<bool, RunError> {
        self.all_ready()
    }

    fn lend<'a>(&mut self, rows: &mut Vec<(EventTime, R::Of<'a>)>) {
        self.operator.process(rows.drain(..));
    }

    fn take(&mut self, parcel: &mut Parcel<R>) {
        self.operator.process(parcel.drain());
        parcel.clear();
    }

    fn control(&mut self, input: usize, control: Control) {
        self.take_control(input, control);
    }
}

/// The beginning of a stream behind such an edge.
pub struct RowHead<R: Portable>(pub(crate) RowEdge<R>);

impl<R: Portable> Head for RowHead<R> {
    type Out = Timed<R>;

    fn edge(&self) -> Option<usize> {
        Some(self.0.id)
    }

    fn build<L, E>(self, links: L, ends: Vec<E>, cx: &StageCx) -> Result<Vec<TaskSeed>, BuildError>
    where
        L: Link<In = Timed<R>>,
        E: EndSeed<L::Out>,
    {
        let RowEdge { id, ports } = self.0;
        let ports = std::mem::take(&mut *ports.lock().unwrap_or_else(PoisonError::into_inner));
        let instances = cx.workers.len();
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
                    let intake = Rc::new(RefCell::new(Intake::<Timed<R>, _>::new(ports.inputs, gauge, operator)));
                    scope.add_inlet::<dyn RowInlet<R>>(id, intake.clone());
                    Box::new(RowTask { intake, ports: ports.receivers, turn: 0, level: Level::detect() })
                })
            })
            .collect())
    }
}

/// Polls the rings that lead into one downstream instance, in turn.
struct RowTask<R: Portable, O> {
    intake: Rc<RefCell<Intake<Timed<R>, O>>>,
    ports: Vec<Port<R>>,
    turn: usize,
    level: Level,
}

impl<R: Portable, O: Operator<Timed<R>>> Task for RowTask<R, O> {
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

impl<R: Portable, O: Operator<Timed<R>>> Step for RowTask<R, O> {
    type Out = Result<Progress, RunError>;

    #[inline(always)]
    fn step(&mut self) -> Result<Progress, RunError> {
        let mut intake = self.intake.borrow_mut();
        let (mut worked, mut empty) = (0, 0);
        // As many as a ring holds: a batch of the source on the other worker is many parcels, and while they wait it can go on with none.
        for _ in 0..self.ports.len().max(1) * PARCELS.end() {
            if !intake.all_ready()? {
                return Ok(if worked > 0 { Progress::Worked(worked) } else { Progress::Blocked });
            }
            if empty == self.ports.len() {
                break;
            }
            self.turn = if self.turn + 1 < self.ports.len() { self.turn + 1 } else { 0 };
            let port = &mut self.ports[self.turn];
            empty += 1;
            match port.receiver.next(1) {
                Next::Records(parcels) => {
                    empty = 0;
                    for mut parcel in parcels {
                        worked += parcel.len();
                        intake.operator.process(parcel.drain());
                        parcel.clear();
                        // One more than there should be is freed.
                        drop(port.empties.push(parcel));
                    }
                    port.producer.wake();
                }
                Next::Control(control) => {
                    empty = 0;
                    worked += 1;
                    intake.take_control(port.input, control);
                    port.producer.wake();
                }
                Next::Empty | Next::Closed => {}
            }
        }
        if worked > 0 {
            return Ok(Progress::Worked(worked));
        }
        if intake.merge.ended() && intake.all_ready()? { Ok(Progress::Done) } else { Ok(Progress::Idle(None)) }
    }
}
