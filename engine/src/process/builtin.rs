//! Process functions that many jobs need: the first of each key, the last, the last n, the top n.

use std::collections::VecDeque;

use super::{Context, Process};
use crate::{changelog::Change, state::Key, time::EventTime};

/// Passes a key's first record, and again the first one that comes a while after the last that was passed.
pub(crate) struct Deduplicate {
    /// How long a passed record stands for those that follow; `i64::MAX`: for ever.
    pub(crate) within_ms: i64,
}

impl<K: Key, T: Send + 'static> Process<K, T> for Deduplicate {
    type State = EventTime;
    type Out = T;

    #[inline]
    fn on_record(&mut self, passed: &mut Option<EventTime>, record: T, cx: &mut Context<'_, K, T>) {
        let time = cx.time();
        if passed.is_none_or(|passed| self.within_ms < i64::MAX && passed.saturating_add(self.within_ms) <= time) {
            *passed = Some(time);
            cx.emit(record);
        }
    }
}

/// Keeps each key's latest record by an order; of equal ones the one that came later.
pub(crate) struct Latest<F>(pub(crate) F);

impl<K, T, O, F> Process<K, T> for Latest<F>
where
    K: Key,
    T: Clone + PartialEq + Send + 'static,
    O: Ord,
    F: FnMut(&T) -> O + 'static,
{
    type State = T;
    type Out = Change<T>;

    #[inline]
    fn on_record(&mut self, latest: &mut Option<T>, record: T, cx: &mut Context<'_, K, Change<T>>) {
        if latest.as_ref().is_some_and(|latest| (self.0)(&record) < (self.0)(latest)) {
            return;
        }
        let before = latest.replace(record.clone());
        if let Some(change) = Change::between(before, Some(record)) {
            cx.emit(change);
        }
    }
}

/// Shows the last records of a key, in the order in which they came, to a function, and emits what it returns.
pub(crate) struct LastN<F> {
    pub(crate) n: usize,
    pub(crate) function: F,
}

impl<K, T, U, F> Process<K, T> for LastN<F>
where
    K: Key,
    T: Send + 'static,
    U: Send + 'static,
    F: FnMut(&K, &VecDeque<T>) -> U + 'static,
{
    type State = VecDeque<T>;
    type Out = U;

    fn on_record(&mut self, last: &mut Option<VecDeque<T>>, record: T, cx: &mut Context<'_, K, U>) {
        let last = last.get_or_insert_default();
        if last.len() == self.n {
            last.pop_front();
        }
        last.push_back(record);
        let row = (self.function)(cx.key(), last);
        cx.emit(row);
    }
}

/// A row and its rank, of which 1 is the highest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Ranked<T> {
    /// 1 to n.
    pub rank: u32,
    /// The row.
    pub row: T,
}

/// Keeps the n highest records of each key by an order, of equal ones those that came first, and emits how the ranks change.
pub(crate) struct TopN<F> {
    pub(crate) n: usize,
    pub(crate) order: F,
}

impl<K, T, O, F> Process<K, T> for TopN<F>
where
    K: Key,
    T: Clone + PartialEq + Send + 'static,
    O: Ord + 'static,
    F: FnMut(&T) -> O + 'static,
{
    /// Highest first.
    type State = Vec<(O, T)>;
    type Out = Change<Ranked<T>>;

    fn on_record(&mut self, top: &mut Option<Vec<(O, T)>>, record: T, cx: &mut Context<'_, K, Change<Ranked<T>>>) {
        let order = (self.order)(&record);
        let top = top.get_or_insert_with(Vec::new);
        if top.len() == self.n && top.last().is_some_and(|(last, _)| *last >= order) {
            return;
        }
        let place = top.partition_point(|(other, _)| *other >= order);
        top.insert(place, (order, record));
        let dropped = if top.len() > self.n { top.pop() } else { None };
        let last = top.len() - 1;
        let ranked = |at: usize, row: &T| Ranked { rank: at as u32 + 1, row: row.clone() };
        // Each rank from the record's own down takes what the one above had.
        for at in place..=last {
            let (_, row) = &top[at];
            let before = if at < last { Some(&top[at + 1].1) } else { dropped.as_ref().map(|(_, row)| row) };
            match before {
                Some(before) if before == row => {}
                Some(before) => cx.emit(Change::Update { before: ranked(at, before), after: ranked(at, row) }),
                None => cx.emit(Change::Insert(ranked(at, row))),
            }
        }
    }
}
