//! Joins without an end: every pair of rows of one key, whenever they came.

use super::{Rows, push};
use crate::{
    changelog::Change,
    operator::States,
    process::{Context, Either, Process},
    state::Key,
};

/// All rows of a key.
#[derive(Clone)]
pub(crate) struct Sides<L, R> {
    pub(super) lefts: Vec<L>,
    pub(super) rights: Vec<R>,
}

impl<L, R> Default for Sides<L, R> {
    fn default() -> Self {
        Self { lefts: Vec::new(), rights: Vec::new() }
    }
}

/// Emits each pair once.
pub(crate) struct Inner<F> {
    pub(crate) pair: F,
    pub(crate) rows: Rows,
}

impl<K, L, R, U, F> Process<K, Either<L, R>> for Inner<F>
where
    K: Key,
    L: Clone + Send + 'static,
    R: Clone + Send + 'static,
    U: Send + 'static,
    F: FnMut(&L, &R) -> U + 'static,
{
    type State = Sides<L, R>;
    type Out = U;

    #[inline]
    fn on_record(&mut self, state: &mut Option<Sides<L, R>>, record: Either<L, R>, cx: &mut Context<'_, K, U>) {
        let Sides { lefts, rights } = state.get_or_insert_default();
        match record {
            Either::Left(left) => {
                rights.iter().for_each(|right| cx.emit((self.pair)(&left, right)));
                push(lefts, left);
            }
            Either::Right(right) => {
                lefts.iter().for_each(|left| cx.emit((self.pair)(left, &right)));
                push(rights, right);
            }
        }
        self.rows.add(cx);
    }

    fn states(&mut self, states: &mut States<'_>) {
        states.keep(&mut self.rows.kept);
    }
}

/// Emits each pair, and rows of a side that is kept (`LEFT`, `RIGHT`) alone for as long as they have no partner.
pub(crate) struct Outer<F, const LEFT: bool, const RIGHT: bool> {
    pub(crate) pair: F,
    pub(crate) rows: Rows,
}

impl<K, L, R, U, F, const LEFT: bool, const RIGHT: bool> Process<K, Either<L, R>> for Outer<F, LEFT, RIGHT>
where
    K: Key,
    L: Clone + Send + 'static,
    R: Clone + Send + 'static,
    U: PartialEq + Send + 'static,
    F: FnMut(Option<&L>, Option<&R>) -> U + 'static,
{
    type State = Sides<L, R>;
    type Out = Change<U>;

    fn on_record(&mut self, state: &mut Option<Sides<L, R>>, record: Either<L, R>, cx: &mut Context<'_, K, Change<U>>) {
        let Sides { lefts, rights } = state.get_or_insert_default();
        let pair = &mut self.pair;
        let mut change = |before, after| {
            if let Some(change) = Change::between(before, Some(after)) {
                cx.emit(change);
            }
        };
        match record {
            Either::Left(left) => {
                if rights.is_empty() && LEFT {
                    change(None, pair(Some(&left), None));
                }
                // With the first left row, rights that stood alone do so no more.
                let alone = RIGHT && lefts.is_empty();
                for right in &*rights {
                    change(alone.then(|| pair(None, Some(right))), pair(Some(&left), Some(right)));
                }
                push(lefts, left);
            }
            Either::Right(right) => {
                if lefts.is_empty() && RIGHT {
                    change(None, pair(None, Some(&right)));
                }
                let alone = LEFT && rights.is_empty();
                for left in &*lefts {
                    change(alone.then(|| pair(Some(left), None)), pair(Some(left), Some(&right)));
                }
                push(rights, right);
            }
        }
        self.rows.add(cx);
    }

    fn states(&mut self, states: &mut States<'_>) {
        states.keep(&mut self.rows.kept);
    }
}
