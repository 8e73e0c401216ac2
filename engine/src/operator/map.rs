//! `map` and `inspect`: one record in, one out.

use std::marker::PhantomData;

use super::{
    Control, Operator,
    blame::{Site, guard},
    function::Mapper,
    link::{ChainCx, Step},
};
use crate::{error::RunError, record::Record};

/// Applies a function to each record.
pub struct Map<F, U, N = ()> {
    function: F,
    site: Site,
    next: N,
    out: PhantomData<fn() -> U>,
}

impl<F, U> Map<F, U> {
    pub(crate) fn new(function: F, site: Site) -> Self {
        Self { function, site, next: (), out: PhantomData }
    }
}

impl<F: Clone, U> Clone for Map<F, U> {
    fn clone(&self) -> Self {
        Self::new(self.function.clone(), self.site)
    }
}

impl<R: Record, U: Record, F: Mapper<R, U>> Step<R> for Map<F, U> {
    type Out = U;
    fn before<N: Operator<U> + 'static>(self, next: N, _: ChainCx) -> impl Operator<R> + 'static {
        Map { function: self.function, site: self.site, next, out: self.out }
    }
}

impl<R: Record, U: Record, F: Mapper<R, U>, N: Operator<U>> Operator<R> for Map<F, U, N> {
    #[inline(always)]
    fn process<'a, I>(&mut self, records: I)
    where
        I: Iterator<Item = R::Of<'a>>,
    {
        let (function, site) = (&mut self.function, self.site);
        self.next.process(records.map(|record| guard(site, || function.map(record))));
    }

    fn control(&mut self, control: Control) {
        self.next.control(control);
    }

    fn ready(&mut self) -> Result<bool, RunError> {
        self.next.ready()
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
}
