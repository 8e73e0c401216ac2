//! `filter_map`: one record in, one out or none.

use std::marker::PhantomData;

use super::{
    Control, Operator, States,
    adapt::Chosen,
    blame::Site,
    function::{Chooser, choosing},
    link::{ChainCx, Step},
};
use crate::{error::RunError, record::Record};

/// Applies a function that returns a record or none to each record.
pub struct FilterMap<F, U, N = ()> {
    function: F,
    site: Site,
    next: N,
    out: PhantomData<fn() -> U>,
}

impl<F, U> FilterMap<F, U> {
    pub(crate) fn new(function: F, site: Site) -> Self {
        Self { function, site, next: (), out: PhantomData }
    }
}

impl<F: Clone, U> Clone for FilterMap<F, U> {
    fn clone(&self) -> Self {
        Self::new(self.function.clone(), self.site)
    }
}

impl<R: Record, U: Record, F: Chooser<R, U>> Step<R> for FilterMap<F, U> {
    type Out = U;
    fn before<N: Operator<U> + 'static>(self, next: N, _: ChainCx) -> impl Operator<R> + 'static {
        FilterMap { function: self.function, site: self.site, next, out: self.out }
    }
}

impl<R: Record, U: Record, F: Chooser<R, U>, N: Operator<U>> Operator<R> for FilterMap<F, U, N> {
    #[inline(always)]
    fn process<'a, I>(&mut self, records: I)
    where
        I: Iterator<Item = R::Of<'a>>,
    {
        self.next.process(Chosen { records, function: choosing::<R, U, F>(&mut self.function, self.site) });
    }

    fn control(&mut self, control: Control) {
        self.next.control(control);
    }

    #[inline(always)]
    fn ready(&mut self) -> Result<bool, RunError> {
        self.next.ready()
    }

    fn states(&mut self, states: &mut States<'_>) {
        self.next.states(states);
    }
}
