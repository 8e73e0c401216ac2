//! The upstream end of an edge to one target.

use std::{cell::RefCell, rc::Rc};

use super::edge::Inlet;
use crate::{
    error::RunError,
    operator::Control,
    ring::{PushError, Sender},
    runtime::{Scope, Waker},
    sync::planted,
};

/// An outlet before its worker has started.
pub(crate) enum OutletSeed<T> {
    /// The target is on the same worker; `input` is its number among the target's inputs.
    Local { edge: usize, input: usize, batch: usize },
    /// The target is on another worker.
    Remote { sender: Sender<T, Control>, waker: Waker, batch: usize },
}

/// Passes records to one target.
pub(crate) struct Outlet<T> {
    target: Target<T>,
    /// Records that have not left yet.
    pending: Vec<T>,
    /// Control that follows them.
    control: Option<Control>,
    fault: Option<RunError>,
    batch: usize,
}

enum Target<T> {
    Local { inlet: Rc<RefCell<dyn Inlet<T>>>, input: usize },
    Remote { sender: Sender<T, Control>, waker: Waker },
}

impl<T: Send + 'static> OutletSeed<T> {
    pub(crate) fn start(self, scope: &mut Scope) -> Outlet<T> {
        let (target, batch) = match self {
            Self::Local { edge, input, batch } => (Target::Local { inlet: scope.inlet::<dyn Inlet<T>>(edge), input }, batch),
            Self::Remote { sender, waker, batch } => (Target::Remote { sender, waker }, batch),
        };
        Outlet { target, pending: Vec::with_capacity(batch), control: None, fault: None, batch }
    }
}

impl<T> Outlet<T> {
    /// Sends a batch. What the target has no room for stays pending.
    #[inline(always)]
    pub(crate) fn send(&mut self, mut records: impl Iterator<Item = T>) {
        if let Target::Remote { sender, waker } = &mut self.target
            && self.pending.is_empty()
        {
            loop {
                let Ok(chunk) = sender.claim(self.batch) else { break };
                let claimed = chunk.len();
                if chunk.fill(&mut records) < claimed {
                    waker.wake();
                    return;
                }
                waker.wake();
            }
        }
        self.pending.extend(records);
        // A local target is called once a batch, here or in `ready`, however many parts the batch comes in.
        if self.pending.len() >= self.batch || matches!(self.target, Target::Remote { .. }) {
            self.flush();
        }
    }

    /// Keeps a record until the next [`flush`](Self::flush).
    #[inline(always)]
    pub(crate) fn stage(&mut self, record: T) {
        self.pending.push(record);
    }

    /// Moves pending records on as far as they go.
    pub(crate) fn flush(&mut self) {
        match &mut self.target {
            Target::Local { inlet, input } => {
                if self.pending.is_empty() && self.control.is_none() {
                    return;
                }
                let mut inlet = inlet.borrow_mut();
                while !self.pending.is_empty() || self.control.is_some() {
                    match inlet.ready() {
                        Ok(true) if !self.pending.is_empty() => inlet.take(&mut self.pending),
                        Ok(true) => {
                            if let Some(control) = self.control.take() {
                                inlet.control(*input, control);
                            }
                        }
                        Ok(false) => return,
                        Err(fault) => {
                            self.fault = Some(fault);
                            return;
                        }
                    }
                }
            }
            Target::Remote { sender, waker } => {
                while !self.pending.is_empty() {
                    let Ok(chunk) = sender.claim(self.pending.len()) else { break };
                    let fits = chunk.len();
                    let filled = chunk.fill(&mut self.pending.drain(..fits));
                    debug_assert_eq!(filled, fits);
                    if !planted("outlet") {
                        waker.wake();
                    }
                }
                if self.pending.is_empty()
                    && let Some(control) = self.control.take()
                {
                    match sender.control(control) {
                        Ok(()) if planted("outlet") => {}
                        Ok(()) => waker.wake(),
                        Err(PushError(control)) => self.control = Some(control),
                    }
                }
            }
        }
    }

    /// Sends control after all records before it.
    pub(crate) fn send_control(&mut self, control: Control) {
        debug_assert!(self.control.is_none(), "control is called only when ready");
        self.control = Some(control);
        self.flush();
    }

    /// Whether all has left and the target takes more.
    #[inline(always)]
    pub(crate) fn ready(&mut self) -> Result<bool, RunError> {
        if !self.pending.is_empty() || self.control.is_some() {
            self.flush();
        }
        if let Some(fault) = self.fault.take() {
            return Err(fault);
        }
        if !self.pending.is_empty() || self.control.is_some() {
            return Ok(false);
        }
        match &mut self.target {
            Target::Local { inlet, .. } => inlet.borrow_mut().ready(),
            Target::Remote { .. } => Ok(true),
        }
    }
}

/// Every interleaving of an outlet that waits for room with a target that waits for records, where both sleep. Nothing wakes either but the other, so
/// a wake-up that is missing is a deadlock.
#[cfg(all(test, loom))]
mod models {
    #![allow(clippy::unwrap_used)]
    use std::time::Duration;

    use super::*;
    use crate::{
        ring::{Next, channel},
        runtime::{Fences, Parker},
        sync::thread,
    };

    /// Two records and a control through a ring with room for one.
    #[test]
    fn model_a_full_ring_wakes_both_sides() {
        let mut builder = loom::model::Builder::new();
        builder.preemption_bound = Some(3);
        builder.check(|| {
            let (sender, mut receiver) = channel::<u64, Control>(1, 1);
            let (mut upstream, wake_upstream) = Parker::pair(Fences::of_process());
            let (mut downstream, wake_downstream) = Parker::pair(Fences::of_process());
            let outlet = Outlet {
                target: Target::Remote { sender, waker: wake_downstream },
                pending: Vec::new(),
                control: None,
                fault: None,
                batch: 1,
            };
            let producer = thread::spawn(move || {
                let mut outlet = outlet;
                outlet.send([7, 8].into_iter());
                let is_through = |outlet: &mut Outlet<u64>| outlet.ready().unwrap();
                while !is_through(&mut outlet) {
                    upstream.park(Duration::MAX, || is_through(&mut outlet));
                }
                outlet.send_control(Control::End);
                while !is_through(&mut outlet) {
                    upstream.park(Duration::MAX, || is_through(&mut outlet));
                }
                // The sender lives until the other side has all: its end wakes nobody.
                outlet
            });
            let consumer = thread::spawn(move || {
                let (mut taken, mut ended) = (Vec::new(), false);
                let mut cycle = || match receiver.next(1) {
                    Next::Records(records) => {
                        taken.extend(records);
                        wake_upstream.wake();
                        true
                    }
                    Next::Control(_) => {
                        ended = true;
                        wake_upstream.wake();
                        true
                    }
                    Next::Empty | Next::Closed => false,
                };
                for _ in 0..3 {
                    let mut worked = cycle();
                    while !worked {
                        downstream.park(Duration::MAX, || {
                            worked = cycle();
                            worked
                        });
                    }
                }
                assert!(ended);
                assert_eq!(taken, [7, 8]);
                receiver
            });
            drop((producer.join().unwrap(), consumer.join().unwrap()));
        });
    }
}
