//! An inner join of two changelogs: a changelog of pairs.

use super::{Rows, push, unbounded::Sides};
use crate::{
    changelog::Change,
    operator::States,
    process::{Context, Either, Process},
    state::Key,
};

/// Applies the changes of both sides, and emits what they change about the pairs.
pub(crate) struct JoinChanges<F> {
    pub(crate) pair: F,
    pub(crate) rows: Rows,
}

/// Applies a change to one side, and tells how each pair with a row of the other side changes. Cost: a search through the key's rows of the
/// side, unless it is an insert.
fn apply<T: PartialEq, O, U: PartialEq>(
    change: Change<T>,
    side: &mut Vec<T>,
    other: &[O],
    mut pair: impl FnMut(&T, &O) -> U,
    mut emit: impl FnMut(Change<U>),
) -> Result<(), ()> {
    match change {
        Change::Insert(row) => {
            other.iter().for_each(|other| emit(Change::Insert(pair(&row, other))));
            push(side, row);
        }
        Change::Delete(row) => {
            let place = side.iter().position(|held| *held == row).ok_or(())?;
            side.swap_remove(place);
            other.iter().for_each(|other| emit(Change::Delete(pair(&row, other))));
        }
        Change::Update { before, after } => {
            let held = side.iter_mut().find(|held| **held == before).ok_or(())?;
            for other in other {
                if let Some(change) = Change::between(Some(pair(&before, other)), Some(pair(&after, other))) {
                    emit(change);
                }
            }
            *held = after;
        }
    }
    Ok(())
}

impl<K, L, R, U, F> Process<K, Either<Change<L>, Change<R>>> for JoinChanges<F>
where
    K: Key,
    L: Clone + PartialEq + Send + 'static,
    R: Clone + PartialEq + Send + 'static,
    U: PartialEq + Send + 'static,
    F: FnMut(&L, &R) -> U + 'static,
{
    type State = Sides<L, R>;
    type Out = Change<U>;

    fn on_record(&mut self, state: &mut Option<Sides<L, R>>, record: Either<Change<L>, Change<R>>, cx: &mut Context<'_, K, Change<U>>) {
        let sides = state.get_or_insert_default();
        let Sides { lefts, rights } = sides;
        let pair = &mut self.pair;
        let before = lefts.len() + rights.len();
        let applied = match record {
            Either::Left(change) => apply(change, lefts, rights, &mut *pair, |change| cx.emit(change)),
            Either::Right(change) => apply(change, rights, lefts, |right, left| pair(left, right), |change| cx.emit(change)),
        };
        let now = lefts.len() + rights.len();
        if applied.is_err() {
            cx.fail("a row was deleted that was never inserted: the changelog is not sound");
        }
        if now > before {
            self.rows.add(cx);
        } else {
            self.rows.kept -= before - now;
        }
        if now == 0 {
            *state = None;
        }
    }

    fn states(&mut self, states: &mut States<'_>) {
        states.keep(&mut self.rows.kept);
    }
}
