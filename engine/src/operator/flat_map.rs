//! `flat_map`: one record in, any number out.

use std::marker::PhantomData;

use super::{
    Control, Operator, States,
    blame::{Site, guard},
    function::Expander,
    link::{ChainCx, Step},
};
use crate::{error::RunError, record::Record};

/// Applies a function that returns any number of records to each record.
pub struct FlatMap<F, U, N = ()> {
    function: F,
    site: Site,
    next: N,
    out: PhantomData<fn() -> U>,
}

impl<F, U> FlatMap<F, U> {
    pub(crate) fn new(function: F, site: Site) -> Self {
        Self { function, site, next: (), out: PhantomData }
    }
}

impl<F: Clone, U> Clone for FlatMap<F, U> {
    fn clone(&self) -> Self {
        Self::new(self.function.clone(), self.site)
    }
}

impl<R: Record, U: Record, F: Expander<R, U>> Step<R> for FlatMap<F, U> {
    type Out = U;
    fn before<N: Operator<U> + 'static>(self, next: N, _: ChainCx) -> impl Operator<R> + 'static {
        FlatMap { function: self.function, site: self.site, next, out: self.out }
    }
}

impl<R: Record, U: Record, F: Expander<R, U>, N: Operator<U>> Operator<R> for FlatMap<F, U, N> {
    #[inline(always)]
    fn process<'a, I>(&mut self, records: I)
    where
        I: Iterator<Item = R::Of<'a>>,
    {
        self.next.process(records.flat_map(expanding::<R, U, F>(&mut self.function, self.site)));
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

/// An expander's calls as a closure; made here for the reason that [`function`](super::function) gives.
#[inline(always)]
fn expanding<'a, R: Record, U: Record, F: Expander<R, U>>(function: &mut F, site: Site) -> impl FnMut(R::Of<'a>) -> Guarded<F::Iter<'a>> {
    move |record| Guarded { records: guard(site, || function.expand(record)), site }
}

/// What the function returned; a panic in it is the operator's too.
struct Guarded<I> {
    records: I,
    site: Site,
}

impl<I: Iterator> Iterator for Guarded<I> {
    type Item = I::Item;

    #[inline(always)]
    fn next(&mut self) -> Option<I::Item> {
        guard(self.site, || self.records.next())
    }

    #[inline(always)]
    fn size_hint(&self) -> (usize, Option<usize>) {
        self.records.size_hint()
    }
}
