//! Chains without fusion, for tests: before each operator a batch is stored, and handed on in two parts.
//!
//! ```text
//!   fused     source ─▶ one loop: map, filter, window
//!   unfused   source ─▶ [batch] ─▶ map ─▶ [batch] ─▶ filter ─▶ [batch] ─▶ window
//! ```
//!
//! With the feature `unfused` every chain of every program is linked this way, so that a suite of tests that runs with and without it shows
//! that fusion, masks and the cut of batches change no result. It costs an allocation a batch and operator: never for use.

use std::marker::PhantomData;

use super::{Control, Operator, States};
use crate::{error::RunError, record::Record};

/// Stores what enters before the next operator gets it.
pub(super) struct Unfused<R, O> {
    next: O,
    of: PhantomData<fn() -> R>,
}

impl<R, O> Unfused<R, O> {
    pub(super) fn new(next: O) -> Self {
        Self { next, of: PhantomData }
    }
}

impl<R: Record, O: Operator<R>> Operator<R> for Unfused<R, O> {
    fn process<'a, I>(&mut self, records: I)
    where
        I: Iterator<Item = R::Of<'a>>,
    {
        let mut first: Vec<R::Of<'a>> = records.collect();
        let rest = first.split_off(first.len() / 2);
        for part in [first, rest] {
            self.next.process(part.into_iter());
        }
    }

    fn control(&mut self, control: Control) {
        self.next.control(control);
    }

    fn ready(&mut self) -> Result<bool, RunError> {
        self.next.ready()
    }

    fn states(&mut self, states: &mut States<'_>) {
        self.next.states(states);
    }
}
