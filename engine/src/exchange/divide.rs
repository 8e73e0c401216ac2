//! Records that are one of two, each kind to a stream of its own.

use super::{
    edge::Edge,
    forward::{Forward, ForwardSeed, forward_seeds},
};
use crate::{
    error::{BuildError, RunError},
    graph::{End, EndSeed, StageCx},
    operator::{Control, Operator, States},
    process::Either,
    record::{Own, Record, Timed},
    runtime::Scope,
    time::EventTime,
};

/// Ends a chain at two edges, of different types.
pub(crate) struct DivideEnd<A, B> {
    pub(crate) left: Edge<(EventTime, A)>,
    pub(crate) right: Edge<(EventTime, B)>,
}

impl<A: Send + 'static, B: Send + 'static> End<Timed<Own<Either<A, B>>>> for DivideEnd<A, B> {
    type Seed = DivideSeed<A, B>;

    fn open(self, cx: &StageCx) -> Result<Vec<Self::Seed>, BuildError> {
        let left = forward_seeds(&self.left, cx);
        let right = forward_seeds(&self.right, cx);
        Ok(left.into_iter().zip(right).map(|(left, right)| DivideSeed { left, right }).collect())
    }
}

pub(crate) struct DivideSeed<A, B> {
    left: ForwardSeed<(EventTime, A)>,
    right: ForwardSeed<(EventTime, B)>,
}

impl<A: Send + 'static, B: Send + 'static> EndSeed<Timed<Own<Either<A, B>>>> for DivideSeed<A, B> {
    type Operator = Divide<A, B>;
    fn start(self, scope: &mut Scope) -> Divide<A, B> {
        Divide { left: self.left.outlets(scope), right: self.right.outlets(scope) }
    }
}

/// The last operator of such a chain.
pub(crate) struct Divide<A, B> {
    left: Forward<(EventTime, A)>,
    right: Forward<(EventTime, B)>,
}

impl<A: Send + 'static, B: Send + 'static> Operator<Timed<Own<Either<A, B>>>> for Divide<A, B> {
    #[inline(always)]
    fn process<'a, I>(&mut self, records: I)
    where
        I: Iterator<Item = <Timed<Own<Either<A, B>>> as Record>::Of<'a>>,
    {
        let (left, right) = (self.left.outlet(), self.right.outlet());
        for (time, record) in records {
            match record {
                Either::Left(record) => left.stage((time, record)),
                Either::Right(record) => right.stage((time, record)),
            }
        }
        left.flush();
        right.flush();
        self.left.next_turn();
        self.right.next_turn();
    }

    fn control(&mut self, control: Control) {
        self.left.send_control(control);
        self.right.send_control(control);
    }

    #[inline(always)]
    fn ready(&mut self) -> Result<bool, RunError> {
        let left = self.left.all_ready()?;
        Ok(self.right.all_ready()? && left)
    }

    fn states(&mut self, states: &mut States<'_>) {
        self.left.states(states);
        self.right.states(states);
    }
}
