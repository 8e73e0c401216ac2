//! Records that pass a test to one stream, the rest to another.

use super::{
    edge::Edge,
    forward::{Forward, ForwardSeed, forward_seeds},
};
use crate::{
    error::{BuildError, RunError},
    graph::{End, EndSeed, StageCx},
    operator::{
        Control, Operator, States,
        blame::{Site, guard},
        function::Predicate,
    },
    record::Movable,
    runtime::Scope,
};

/// Ends a chain at two edges.
pub(crate) struct SplitEnd<R: Movable, P> {
    pub(crate) predicate: P,
    pub(crate) site: Site,
    pub(crate) passed: Edge<R::Item>,
    pub(crate) rest: Edge<R::Item>,
}

impl<R: Movable, P: Predicate<R>> End<R> for SplitEnd<R, P> {
    type Seed = SplitSeed<R::Item, P>;

    fn open(self, cx: &StageCx) -> Result<Vec<Self::Seed>, BuildError> {
        let passed = forward_seeds(&self.passed, cx);
        let rest = forward_seeds(&self.rest, cx);
        let seed = |(passed, rest)| SplitSeed::<R::Item, P> { predicate: self.predicate.clone(), site: self.site, passed, rest };
        Ok(passed.into_iter().zip(rest).map(seed).collect())
    }
}

pub(crate) struct SplitSeed<T, P> {
    predicate: P,
    site: Site,
    passed: ForwardSeed<T>,
    rest: ForwardSeed<T>,
}

impl<R: Movable, P: Predicate<R>> EndSeed<R> for SplitSeed<R::Item, P> {
    type Operator = Split<R::Item, P>;
    fn start(self, scope: &mut Scope) -> Self::Operator {
        Split { predicate: self.predicate, site: self.site, passed: self.passed.outlets(scope), rest: self.rest.outlets(scope) }
    }
}

/// The last operator of such a chain.
pub(crate) struct Split<T, P> {
    predicate: P,
    site: Site,
    passed: Forward<T>,
    rest: Forward<T>,
}

impl<R: Movable, P: Predicate<R>> Operator<R> for Split<R::Item, P> {
    #[inline(always)]
    fn process<'a, I>(&mut self, records: I)
    where
        I: Iterator<Item = R::Of<'a>>,
    {
        let (passed, rest) = (self.passed.outlet(), self.rest.outlet());
        for record in records {
            let side = if guard(self.site, || self.predicate.test(&record)) { &mut *passed } else { &mut *rest };
            side.stage(R::into_item(record));
        }
        passed.flush();
        rest.flush();
        self.passed.next_turn();
        self.rest.next_turn();
    }

    fn control(&mut self, control: Control) {
        self.passed.send_control(control);
        self.rest.send_control(control);
    }

    #[inline(always)]
    fn ready(&mut self) -> Result<bool, RunError> {
        let passed = self.passed.all_ready()?;
        Ok(self.rest.all_ready()? && passed)
    }

    fn states(&mut self, states: &mut States<'_>) {
        self.passed.states(states);
        self.rest.states(states);
    }
}
