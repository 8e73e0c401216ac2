//! The first half of windows that have to see each record at the key's owner: those with a trigger.

use std::marker::PhantomData;

use super::WindowPartial;
use crate::{
    error::RunError,
    operator::{
        Control, Operator, States,
        adapt::Mapped,
        aggregate::Aggregate,
        blame::{Site, guard},
        link::{ChainCx, Step},
    },
    record::{Own, Record, Timed},
    state::{Key, Partial},
    time::EventTime,
};

/// Lifts each record into a partial of its own; its time stands for the window's start.
pub(crate) struct Lift<F, A, K, N = ()> {
    pub(crate) key: F,
    pub(crate) aggregate: A,
    pub(crate) site: Site,
    pub(crate) next: N,
    pub(crate) of: PhantomData<fn() -> K>,
}

impl<F: Clone, A: Clone, K> Clone for Lift<F, A, K> {
    fn clone(&self) -> Self {
        Self { key: self.key.clone(), aggregate: self.aggregate.clone(), site: self.site, next: (), of: PhantomData }
    }
}

impl<R, F, K, A> Step<Timed<R>> for Lift<F, A, K>
where
    R: Record,
    F: for<'a, 'b> FnMut(&'b R::Of<'a>) -> K + Clone + Send + 'static,
    K: Key,
    A: Aggregate<R>,
{
    type Out = Own<WindowPartial<K, A::Partial>>;
    fn before<N: Operator<Self::Out> + 'static>(self, next: N, _: ChainCx) -> impl Operator<Timed<R>> + 'static {
        let Self { key, aggregate, site, .. } = self;
        Lift { key, aggregate, site, next, of: PhantomData::<fn() -> K> }
    }
}

impl<R, F, A, K, N> Operator<Timed<R>> for Lift<F, A, K, N>
where
    R: Record,
    F: for<'a, 'b> FnMut(&'b R::Of<'a>) -> K,
    K: Key,
    A: Aggregate<R>,
    N: Operator<Own<WindowPartial<K, A::Partial>>>,
{
    #[inline(always)]
    fn process<'a, I>(&mut self, records: I)
    where
        I: Iterator<Item = (EventTime, R::Of<'a>)>,
    {
        let Self { key, aggregate, site, next, .. } = self;
        next.process(Mapped {
            records,
            function: |(time, record)| {
                let mut partial = A::Partial::empty();
                let key = guard(*site, || {
                    aggregate.lift(&mut partial, &record);
                    key(&record)
                });
                WindowPartial { key, start: time, partial }
            },
        });
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
