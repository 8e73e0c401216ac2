//! The upstream end of an edge to one target.

use std::{cell::RefCell, rc::Rc};

use super::RowInlet;
use crate::{
    error::RunError,
    operator::Control,
    record::{Parcel, Portable},
    ring::{Consumer, PushError, Sender},
    runtime::{Scope, Waker},
    time::EventTime,
};

/// Rows of a parcel that goes to another worker, at most: with their texts some tens of KiB, so that those on the way stay in the caches.
pub(super) const PARCEL_ROWS: usize = 256;

/// An outlet before its worker has started.
pub(crate) enum RowOutletSeed<R: Portable> {
    /// The target is on the same worker; `input` is its number among the target's inputs.
    Local { edge: usize, input: usize },
    /// The target is on another worker.
    Remote { sender: Sender<Parcel<R>, Control>, spare: Consumer<Parcel<R>>, waker: Waker },
}

/// Passes rows to one target.
pub(crate) struct RowOutlet<R: Portable> {
    target: Target<R>,
    /// Rows that have not left yet.
    pending: Parcel<R>,
    /// Control that follows them.
    control: Option<Control>,
    fault: Option<RunError>,
}

enum Target<R: Portable> {
    Local { inlet: Rc<RefCell<dyn RowInlet<R>>>, input: usize },
    Remote { sender: Sender<Parcel<R>, Control>, spare: Consumer<Parcel<R>>, waker: Waker },
}

impl<R: Portable> RowOutletSeed<R> {
    pub(crate) fn start(self, scope: &mut Scope) -> RowOutlet<R> {
        let target = match self {
            Self::Local { edge, input } => Target::Local { inlet: scope.inlet::<dyn RowInlet<R>>(edge), input },
            Self::Remote { sender, spare, waker } => Target::Remote { sender, spare, waker },
        };
        RowOutlet { target, pending: Parcel::default(), control: None, fault: None }
    }
}

impl<R: Portable> RowOutlet<R> {
    pub(crate) fn is_local(&self) -> bool {
        matches!(self.target, Target::Local { .. })
    }

    /// Packs a row, to leave with a full parcel or the next [`flush`](Self::flush).
    #[inline(always)]
    pub(crate) fn pack(&mut self, time: EventTime, row: R::Of<'_>) {
        self.pending.push(time, row);
        // Once, also if there is no room and the parcel grows on.
        if self.pending.len() == PARCEL_ROWS {
            self.flush();
        }
    }

    /// Lends rows to a target on this worker; what it has no room for is packed. Leaves the buffer empty.
    pub(crate) fn lend<'a>(&mut self, rows: &mut Vec<(EventTime, R::Of<'a>)>) {
        if let Target::Local { inlet, .. } = &mut self.target
            && self.pending.is_empty()
            && self.fault.is_none()
        {
            let mut inlet = inlet.borrow_mut();
            match inlet.ready() {
                Ok(true) => return inlet.lend(rows),
                Ok(false) => {}
                Err(fault) => self.fault = Some(fault),
            }
        }
        rows.drain(..).for_each(|(time, row)| self.pending.push(time, row));
    }

    /// Moves pending rows on as far as they go.
    #[inline(never)]
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
            Target::Remote { sender, spare, waker } => {
                if !self.pending.is_empty() {
                    match sender.push(std::mem::take(&mut self.pending)) {
                        Ok(()) => {
                            self.pending = spare.pop().unwrap_or_default();
                            waker.wake();
                        }
                        Err(PushError(parcel)) => self.pending = parcel,
                    }
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

    /// Sends control after all rows before it.
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
