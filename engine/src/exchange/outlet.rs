//! The upstream end of an edge to one target.

use std::{cell::RefCell, rc::Rc};

use super::edge::Inlet;
use crate::{
    error::RunError,
    operator::Control,
    ring::{PushError, Sender},
    runtime::{Scope, Waker},
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
                    waker.wake();
                }
                if self.pending.is_empty()
                    && let Some(control) = self.control.take()
                {
                    match sender.control(control) {
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
