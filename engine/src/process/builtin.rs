//! Process functions that many jobs need: the first of each key, the last, the last n, the top n.

use std::collections::VecDeque;

use super::{Context, Process, RowContext, RowProcess, Timer};
use crate::{
    changelog::Change,
    record::{ChangeOf, Held, Portable, RankedOf},
    state::Key,
    time::EventTime,
};

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

/// Keeps each key's highest record by an order; of equal ones the one that came later, or (`FIRST`) first.
pub(crate) struct Highest<F, const FIRST: bool>(pub(crate) F);

impl<K, R, O, F, const FIRST: bool> RowProcess<K, R> for Highest<F, FIRST>
where
    K: Key,
    R: Portable<Fixed: Clone>,
    for<'a> R::Of<'a>: Clone + PartialEq,
    O: Ord,
    F: for<'a, 'b> FnMut(&'b R::Of<'a>) -> O + 'static,
{
    /// In a box: a table has several slots for a key, and moves them all when it grows.
    type State = Box<Held<R>>;
    type Out = ChangeOf<R>;

    #[inline]
    fn on_record(&mut self, highest: &mut Option<Box<Held<R>>>, record: R::Of<'_>, cx: &mut RowContext<'_, K, ChangeOf<R>>) {
        let Some(highest) = highest else {
            *highest = Some(Box::new(Held::new(record.clone())));
            cx.emit(Change::Insert(record));
            return;
        };
        let order = (self.0)(&record);
        let order = highest.view(|highest| order.cmp(&(self.0)(highest)));
        if order.is_lt() || FIRST && order.is_eq() {
            return;
        }
        if let Some(change) = change::<R>(R::shorten(highest.get()), R::shorten(record.clone())) {
            cx.emit(change);
        }
        highest.set(record);
    }
}

/// The change from one row to another, if they differ.
#[inline(always)]
fn change<'r, R>(before: R::Of<'r>, after: R::Of<'r>) -> Option<Change<R::Of<'r>>>
where
    R: Portable,
    R::Of<'r>: PartialEq,
{
    Change::between(Some(before), Some(after))
}

/// Holds records until the watermark has passed them, and emits those of a key by event time and, within one time, by an order.
pub(crate) struct InOrder<F>(pub(crate) F);

/// Records of a key that wait, in no order, and the time of the timer that is set for the earliest.
#[derive(Clone)]
pub(crate) struct Unordered<T> {
    waiting: Vec<(EventTime, T)>,
    earliest: EventTime,
}

impl<K, T, O, F> Process<K, T> for InOrder<F>
where
    K: Key,
    T: Clone + Send + 'static,
    O: Ord,
    F: FnMut(&T) -> O + 'static,
{
    type State = Unordered<T>;
    type Out = T;

    fn on_record(&mut self, state: &mut Option<Unordered<T>>, record: T, cx: &mut Context<'_, K, T>) {
        let time = cx.time();
        if time <= cx.watermark() {
            cx.count_late();
            return;
        }
        match state {
            Some(held) => {
                held.waiting.push((time, record));
                if time < held.earliest {
                    cx.cancel_timer(held.earliest);
                    held.earliest = time;
                    cx.set_timer(time);
                }
            }
            None => {
                *state = Some(Unordered { waiting: vec![(time, record)], earliest: time });
                cx.set_timer(time);
            }
        }
    }

    fn on_timer(&mut self, state: &mut Option<Unordered<T>>, _: Timer, cx: &mut Context<'_, K, T>) {
        let Some(held) = state else { return };
        let Self(order) = self;
        // Stable: what is equal in all leaves as it came.
        held.waiting.sort_by(|(a_time, a), (b_time, b)| a_time.cmp(b_time).then_with(|| order(a).cmp(&order(b))));
        let due = held.waiting.partition_point(|(time, _)| *time <= cx.watermark());
        held.waiting.drain(..due).for_each(|(time, record)| cx.emit_at(time, record));
        match held.waiting.first() {
            None => *state = None,
            Some((time, _)) => {
                held.earliest = *time;
                cx.set_timer(*time);
            }
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
    T: Clone + Send + 'static,
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
pub(crate) struct TopN<F, R: Portable> {
    pub(crate) n: usize,
    pub(crate) order: F,
    /// A record that dropped out: the next that comes in takes over its memory.
    pub(crate) dropped: Option<Box<Held<R>>>,
}

impl<K, R, O, F> RowProcess<K, R> for TopN<F, R>
where
    K: Key,
    R: Portable<Fixed: Clone>,
    for<'a> R::Of<'a>: PartialEq,
    O: Ord + Clone + 'static,
    F: for<'a, 'b> FnMut(&'b R::Of<'a>) -> O + 'static,
{
    /// Highest first. In boxes: the list has more room than records, and each that comes in moves those below.
    type State = Vec<(O, Box<Held<R>>)>;
    type Out = ChangeOf<RankedOf<R>>;

    fn on_record(&mut self, top: &mut Option<Self::State>, record: R::Of<'_>, cx: &mut RowContext<'_, K, Self::Out>) {
        let order = (self.order)(&record);
        let top = top.get_or_insert_with(Vec::new);
        if top.len() == self.n && top.last().is_some_and(|(last, _)| *last >= order) {
            return;
        }
        let place = top.partition_point(|(other, _)| *other >= order);
        let held = match self.dropped.take() {
            None => Box::new(Held::new(record)),
            Some(mut held) => {
                held.set(record);
                held
            }
        };
        top.insert(place, (order, held));
        // Each rank from the record's own down takes what the one above had: a row comes twice, and is packed once.
        let (time, out) = (cx.time(), &mut *cx.out);
        let ranked = |at: usize, row: &R::Fixed| Ranked { rank: at as u32 + 1, row: row.clone() };
        let mut row = out.pack::<R>(top[place].1.get());
        for at in place..self.n.min(top.len()) {
            let Some((_, before)) = top.get(at + 1) else {
                out.rows.push((time, Change::Insert(ranked(at, &row))));
                break;
            };
            let before_row = out.pack::<R>(before.get());
            if !before.is_same(&top[at].1) {
                out.rows.push((time, Change::Update { before: ranked(at, &before_row), after: ranked(at, &row) }));
            }
            row = before_row;
        }
        if top.len() > self.n {
            self.dropped = top.pop().map(|(_, held)| held);
        }
    }
}
