//! When a worker must be awake although nobody brings it work: the earliest time that an operator with a clock has asked for.
//!
//! Asked for anew in every cycle, since an operator is asked in every cycle whether it is ready. A word of the worker's own thread, so that the
//! operators between this one and the worker need not pass it on.

use std::{cell::Cell, time::Instant};

thread_local! {
    static EARLIEST: Cell<Option<Instant>> = const { Cell::new(None) };
}

/// Asks the worker to make its next cycle by then.
pub(crate) fn wake_by(time: Instant) {
    EARLIEST.with(|earliest| earliest.set(Some(earliest.get().map_or(time, |earliest| earliest.min(time)))));
}

/// Takes the earliest time asked for in this cycle.
pub(crate) fn take() -> Option<Instant> {
    EARLIEST.with(Cell::take)
}
