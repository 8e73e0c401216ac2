//! `map` and `inspect`: one record in, one out.

use std::marker::PhantomData;

use super::{
    Control, Operator, States,
    adapt::Mapped,
    blame::{Site, guard},
    function::{Mapper, mapping, masked, unmasked},
    link::{ChainCx, Step},
};
use crate::{error::RunError, record::Record};

/// Applies a function to each record. If it is pure (no side effect, no panic), it may be called in vain, for records under a mask.
pub struct Map<F, U, N = (), const PURE: bool = false> {
    function: F,
    site: Site,
    next: N,
    out: PhantomData<fn() -> U>,
}

impl<F, U, const PURE: bool> Map<F, U, (), PURE> {
    pub(crate) fn new(function: F, site: Site) -> Self {
        Self { function, site, next: (), out: PhantomData }
    }
}

impl<F: Clone, U, const PURE: bool> Clone for Map<F, U, (), PURE> {
    fn clone(&self) -> Self {
        Self::new(self.function.clone(), self.site)
    }
}

impl<R: Record, U: Record, F: Mapper<R, U>, const PURE: bool> Step<R> for Map<F, U, (), PURE> {
    type Out = U;
    fn before<N: Operator<U> + 'static>(self, next: N, _: ChainCx) -> impl Operator<R> + 'static {
        Map::<F, U, N, PURE> { function: self.function, site: self.site, next, out: self.out }
    }
}

impl<R: Record, U: Record, F: Mapper<R, U>, N: Operator<U>, const PURE: bool> Operator<R> for Map<F, U, N, PURE> {
    #[inline(always)]
    fn process<'a, I>(&mut self, records: I)
    where
        I: Iterator<Item = R::Of<'a>>,
    {
        self.next.process(Mapped { records, function: mapping::<R, U, F>(&mut self.function, self.site) });
    }

    const MASKS: bool = PURE && N::MASKS;

    #[inline(always)]
    fn process_masked<'a, I>(&mut self, records: I)
    where
        I: Iterator<Item = (bool, R::Of<'a>)>,
    {
        if const { <Self as Operator<R>>::MASKS } {
            self.next.process_masked(records.map(masked(mapping::<R, U, F>(&mut self.function, self.site))));
        } else {
            self.process(records.filter_map(unmasked));
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

/// Shows each record to a function and passes it on.
#[derive(Clone)]
pub struct Inspect<F, N = ()> {
    function: F,
    site: Site,
    next: N,
}

impl<F> Inspect<F> {
    pub(crate) fn new(function: F, site: Site) -> Self {
        Self { function, site, next: () }
    }
}

impl<R, F> Step<R> for Inspect<F>
where
    R: Record,
    F: for<'a, 'b> FnMut(&'b R::Of<'a>) + Clone + Send + 'static,
{
    type Out = R;
    fn before<N: Operator<R> + 'static>(self, next: N, _: ChainCx) -> impl Operator<R> + 'static {
        Inspect { function: self.function, site: self.site, next }
    }
}

impl<R, F, N> Operator<R> for Inspect<F, N>
where
    R: Record,
    F: for<'a, 'b> FnMut(&'b R::Of<'a>),
    N: Operator<R>,
{
    #[inline(always)]
    fn process<'a, I>(&mut self, records: I)
    where
        I: Iterator<Item = R::Of<'a>>,
    {
        let (function, site) = (&mut self.function, self.site);
        self.next.process(records.inspect(|record| guard(site, || function(record))));
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
