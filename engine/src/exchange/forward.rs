//! All records to one target; to several, a batch each in turn.

use super::{
    edge::Edge,
    outlet::{Outlet, OutletSeed},
};
use crate::{
    error::{BuildError, RunError},
    graph::{End, EndSeed, StageCx},
    operator::{Control, Operator, States},
    record::Movable,
    runtime::Scope,
};

/// Ends a chain at an edge, keeping records on their worker if they can stay.
pub(crate) struct ForwardEnd<R: Movable>(pub(crate) Edge<R::Item>);

impl<R: Movable> End<R> for ForwardEnd<R> {
    type Seed = ForwardSeed<R::Item>;

    fn open(self, cx: &StageCx) -> Result<Vec<Self::Seed>, BuildError> {
        Ok(forward_seeds(&self.0, cx))
    }
}

/// One seed for each instance of the stage.
pub(crate) fn forward_seeds<T: Send + 'static>(edge: &Edge<T>, cx: &StageCx) -> Vec<ForwardSeed<T>> {
    let targets = cx.workers_behind(edge.id);
    let sources = cx.workers.len();
    cx.workers
        .iter()
        .enumerate()
        .map(|(instance, &from)| {
            let stays = targets.iter().position(|&worker| worker == from);
            let to: Vec<usize> = match stays {
                Some(target) => vec![target],
                None if sources >= targets.len() => vec![instance % targets.len()],
                None => (instance..targets.len()).step_by(sources).collect(),
            };
            ForwardSeed::<T>(to.into_iter().map(|target| edge.outlet(cx, from, target)).collect())
        })
        .collect()
}

pub(crate) struct ForwardSeed<T>(Vec<OutletSeed<T>>);

impl<T: Send + 'static> ForwardSeed<T> {
    pub(crate) fn outlets(self, scope: &mut Scope) -> Forward<T> {
        Forward { outlets: self.0.into_iter().map(|outlet| outlet.start(scope)).collect(), turn: 0 }
    }
}

impl<R: Movable> EndSeed<R> for ForwardSeed<R::Item> {
    type Operator = Forward<R::Item>;
    fn start(self, scope: &mut Scope) -> Forward<R::Item> {
        self.outlets(scope)
    }
}

/// The last operator of such a chain.
pub(crate) struct Forward<T> {
    outlets: Vec<Outlet<T>>,
    turn: usize,
}

impl<T> Forward<T> {
    /// The outlet whose turn it is.
    #[inline(always)]
    pub(crate) fn outlet(&mut self) -> &mut Outlet<T> {
        &mut self.outlets[self.turn]
    }

    pub(crate) fn next_turn(&mut self) {
        self.turn = if self.turn + 1 < self.outlets.len() { self.turn + 1 } else { 0 };
    }

    pub(crate) fn send_control(&mut self, control: Control) {
        for outlet in &mut self.outlets {
            outlet.send_control(control);
        }
    }

    #[inline(always)]
    pub(crate) fn all_ready(&mut self) -> Result<bool, RunError> {
        // All of them: what one holds must not wait for another.
        let mut ready = true;
        for outlet in &mut self.outlets {
            ready &= outlet.ready()?;
        }
        Ok(ready)
    }

    pub(crate) fn states(&mut self, states: &mut States<'_>) {
        states.keep(&mut self.turn);
    }
}

impl<R: Movable> Operator<R> for Forward<R::Item> {
    #[inline(always)]
    fn process<'a, I>(&mut self, records: I)
    where
        I: Iterator<Item = R::Of<'a>>,
    {
        self.outlet().send(records.map(R::into_item));
        self.next_turn();
    }

    fn control(&mut self, control: Control) {
        self.send_control(control);
    }

    #[inline(always)]
    fn ready(&mut self) -> Result<bool, RunError> {
        self.all_ready()
    }

    fn states(&mut self, states: &mut States<'_>) {
        Self::states(self, states);
    }
}
