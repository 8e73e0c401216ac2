//! Windows that late records may still change: results, and later results that replace them.
//!
//! ```text
//!   slices     [ a ][ b ][ c ][ d ]                kept until no window that holds them may change
//!   windows    fired, kept ─┴─ next to fire        each key's number of results so far
//!
//!   late partial for b ─▶ slice b ─▶ every fired window that holds b: the key's result anew, revision + 1
//! ```
//!
//! Laws
//! - A window's results of a key are numbered 0, 1, 2, …; each replaces the one before. The last is what an oracle says that knows all records
//!   that were not late.
//! - The watermark that goes on is held back by the lateness, so that no result, however late, comes behind it.
//!
//! # Cost
//! A firing and a correction combine the slices of the window for each key (one slice for tumbling windows). Memory: a partial per key and
//! slice, and a number per key and window, for as long as windows are kept.

use std::{collections::VecDeque, marker::PhantomData};

use super::{
    WindowPartial,
    assign::{Slices, clamp},
    limit,
};
use crate::{
    error::RunError,
    metrics::Counter,
    operator::{
        Control, EMIT, Operator, States,
        aggregate::Aggregate,
        blame::{Site, guard},
        link::{ChainCx, Step},
    },
    record::{Own, Record, Timed},
    state::{Cursor, Key, KeyedState, Partial, Table},
    time::EventTime,
};

/// One result of a window that may be replaced by a later one, until the window can change no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Revised<K, V> {
    /// The key.
    pub key: K,
    /// Start of the window, inclusive, in ms.
    pub start: EventTime,
    /// End of the window, exclusive, in ms.
    pub end: EventTime,
    /// 0 for the first result of this key and window; each later one replaces the one before.
    pub revision: u32,
    /// The aggregate.
    pub value: V,
}

/// Combines slices into windows, again when late ones come.
pub struct MergeRevising<R, K, A> {
    pub(crate) windows: Slices,
    pub(crate) aggregate: A,
    pub(crate) site: Site,
    pub(crate) late: Counter,
    pub(crate) open_max: usize,
    pub(crate) of: PhantomData<fn(R) -> K>,
}

impl<R, K, A: Clone> Clone for MergeRevising<R, K, A> {
    fn clone(&self) -> Self {
        Self {
            windows: self.windows,
            aggregate: self.aggregate.clone(),
            site: self.site,
            late: self.late.clone(),
            open_max: self.open_max,
            of: PhantomData,
        }
    }
}

impl<R: Record, K: Key, A: Aggregate<R>> Step<Own<WindowPartial<K, A::Partial>>> for MergeRevising<R, K, A> {
    type Out = Timed<Own<Revised<K, A::Out>>>;
    fn before<N: Operator<Self::Out> + 'static>(self, next: N, _: ChainCx) -> impl Operator<Own<WindowPartial<K, A::Partial>>> + 'static {
        let emitted = Vec::with_capacity(EMIT);
        Revising { kept: Kept::new(self.windows), of: self, emitted, pending: None, next }
    }
}

/// What is kept of the windows of one owner.
#[derive(Clone)]
struct Kept<K, P> {
    windows: Slices,
    /// By where they begin.
    slices: VecDeque<Slice<K, P>>,
    /// Windows that have fired and may change, by start.
    fired: VecDeque<Fired<K>>,
    /// Start of the earliest window that has not fired.
    next: i128,
    watermark: EventTime,
    /// The window that fires, and where its emission stands.
    firing: Table<K, P>,
    cursor: Option<Cursor>,
    /// Keys in the `dirty` lists of all fired windows.
    dirty: usize,
    spare: Vec<Table<K, P>>,
}

#[derive(Clone)]
struct Slice<K, P> {
    begin: i128,
    table: Table<K, P>,
}

#[derive(Clone)]
struct Fired<K> {
    start: i128,
    /// Results that each key has had, and whether the key is in `dirty`.
    results: Table<K, Option<(u32, bool)>>,
    /// Keys whose result is out of date.
    dirty: Vec<K>,
}

impl<K: Key, P: Partial + Clone> Kept<K, P> {
    fn new(windows: Slices) -> Self {
        Self {
            windows,
            slices: VecDeque::new(),
            fired: VecDeque::new(),
            next: i128::MIN / 2,
            watermark: EventTime::MIN,
            firing: Table::new(),
            cursor: None,
            dirty: 0,
            spare: Vec::new(),
        }
    }

    /// The partial of a key and the slice that begins at `start`; none if it is in no window that may change.
    fn slot(&mut self, key: &K, start: EventTime) -> Result<&mut P, Gone> {
        let begin = self.windows.begin(start);
        let Some(last) = self.windows.last_window(begin) else { return Err(Gone::Gap) };
        if self.windows.kept_of_window(last) <= self.watermark {
            return Err(Gone::Late);
        }
        self.mark(key, begin, last);
        let at = match self.slices.binary_search_by_key(&begin, |slice| slice.begin) {
            Ok(at) => at,
            Err(at) => {
                let table = self.spare.pop().unwrap_or_default();
                self.slices.insert(at, Slice { begin, table });
                at
            }
        };
        Ok(self.slices[at].table.slot(key))
    }

    /// Notes that the key's results in windows that hold this slice, and have fired or were passed while they held nothing, are out of date.
    fn mark(&mut self, key: &K, begin: i128, last: i128) {
        let mut start = self.windows.first_window(begin);
        while start <= last && start < self.next {
            if self.windows.kept_of_window(start) > self.watermark {
                let at = self.fired.binary_search_by_key(&start, |fired| fired.start).unwrap_or_else(|at| {
                    self.fired.insert(at, Fired { start, results: Table::new(), dirty: Vec::new() });
                    at
                });
                let fired = &mut self.fired[at];
                let (_, dirty) = fired.results.slot(key).get_or_insert((0, false));
                if !*dirty {
                    *dirty = true;
                    fired.dirty.push(key.clone());
                    self.dirty += 1;
                }
            }
            start += self.windows.slide();
        }
    }

    /// Moves on to the next window that fires, and gathers it with `combine`. `false` if there is none.
    fn fires(&mut self, mut combine: impl FnMut(&mut P, P)) -> bool {
        if self.cursor.is_some() {
            return true;
        }
        let from = self.slices.partition_point(|slice| slice.begin < self.next);
        let next = self.slices.get(from).map(|slice| self.next.max(self.windows.first_window(slice.begin)));
        let Some(next) = next.filter(|next| self.windows.last_of_window(*next) <= self.watermark) else {
            self.next = self.next.max(self.windows.first_window(i128::from(self.watermark) + 1));
            self.forget();
            return false;
        };
        self.next = next;
        let end = next + self.windows.size();
        for slice in self.slices.range(from..).take_while(|slice| slice.begin < end) {
            slice.table.for_each(|key, partial| combine(self.firing.slot(key), partial.clone()));
        }
        self.cursor = Some(Cursor::default());
        self.fired.push_back(Fired { start: next, results: Table::new(), dirty: Vec::new() });
        true
    }

    /// Takes some of what fires.
    fn take_firing(&mut self, max: usize, mut take: impl FnMut(i128, K, P)) {
        let (Some(cursor), Some(fired)) = (&mut self.cursor, self.fired.back_mut()) else { return };
        let next = self.next;
        let done = self.firing.take_some(cursor, max, |key, partial| {
            *fired.results.slot(&key) = Some((1, false));
            take(next, key, partial);
        });
        if done {
            self.firing.clear();
            self.cursor = None;
            self.next += self.windows.slide();
        }
    }

    /// Takes some of the results that are out of date: window, key, revision, and the key's partial, gathered with `combine`.
    fn take_dirty(&mut self, max: usize, mut combine: impl FnMut(&mut P, P), mut take: impl FnMut(i128, K, u32, P)) {
        let mut left = max;
        for fired in self.fired.iter_mut().filter(|fired| !fired.dirty.is_empty()) {
            let from = self.slices.partition_point(|slice| slice.begin < fired.start);
            let end = fired.start + self.windows.size();
            while left > 0
                && let Some(key) = fired.dirty.pop()
            {
                (left, self.dirty) = (left - 1, self.dirty - 1);
                let mut whole = P::empty();
                for slice in self.slices.range(from..).take_while(|slice| slice.begin < end) {
                    if let Some(partial) = slice.table.get(&key) {
                        combine(&mut whole, partial.clone());
                    }
                }
                let (results, dirty) = fired.results.slot(&key).get_or_insert((0, false));
                let revision = *results;
                (*results, *dirty) = (revision.saturating_add(1), false);
                take(fired.start, key, revision, whole);
            }
        }
    }

    /// Forgets what can change no more.
    fn forget(&mut self) {
        while self.fired.front().is_some_and(|fired| self.windows.kept_of_window(fired.start) <= self.watermark) {
            self.fired.pop_front();
        }
        let gone = |slice: &Slice<K, P>, windows: Slices| {
            windows.last_window(slice.begin).is_none_or(|last| windows.kept_of_window(last) <= self.watermark)
        };
        while self.slices.front().is_some_and(|slice| gone(slice, self.windows))
            && let Some(mut slice) = self.slices.pop_front()
        {
            slice.table.clear();
            self.spare.push(slice.table);
        }
    }
}

/// Why a partial has no place.
enum Gone {
    /// All windows that hold it can change no more.
    Late,
    /// No window holds it.
    Gap,
}

struct Revising<R: Record, K, A: Aggregate<R>, N> {
    of: MergeRevising<R, K, A>,
    kept: Kept<K, A::Partial>,
    emitted: Vec<(EventTime, Revised<K, A::Out>)>,
    pending: Option<Control>,
    next: N,
}

impl<R: Record, K: Key, A: Aggregate<R>, N> Revising<R, K, A, N>
where
    N: Operator<Timed<Own<Revised<K, A::Out>>>>,
{
    #[cold]
    fn emit(&mut self) -> Result<bool, RunError> {
        loop {
            let Self { of: MergeRevising { aggregate, site, windows, .. }, kept, emitted, .. } = self;
            let dirty = kept.dirty > 0;
            // What came late changes what has fired first: a window fires with all that came before the watermark.
            if !dirty && !kept.fires(|partial, other| guard(*site, || aggregate.combine(partial, other))) {
                break;
            }
            if !self.next.ready()? {
                return Ok(false);
            }
            if dirty {
                // Two closures want the aggregate, and combining never looks at what lowering does.
                let mut combining = aggregate.clone();
                kept.take_dirty(
                    EMIT,
                    |partial, other| guard(*site, || combining.combine(partial, other)),
                    |start, key, revision, partial| {
                        emitted.push(result(*windows, start, key, revision, guard(*site, || aggregate.lower(&partial))))
                    },
                );
            } else {
                kept.take_firing(EMIT, |start, key, partial| {
                    emitted.push(result(*windows, start, key, 0, guard(*site, || aggregate.lower(&partial))));
                });
            }
            self.next.process(emitted.drain(..));
        }
        if !self.next.ready()? {
            return Ok(false);
        }
        match self.pending.take() {
            None => Ok(true),
            Some(control) => {
                self.next.control(control);
                self.next.ready()
            }
        }
    }
}

fn result<K, V>(windows: Slices, start: i128, key: K, revision: u32, value: V) -> (EventTime, Revised<K, V>) {
    let last = windows.last_of_window(start);
    (last, Revised { key, start: clamp(start), end: last.saturating_add(1), revision, value })
}

impl<R: Record, K: Key, A: Aggregate<R>, N> Operator<Own<WindowPartial<K, A::Partial>>> for Revising<R, K, A, N>
where
    N: Operator<Timed<Own<Revised<K, A::Out>>>>,
{
    #[inline(always)]
    fn process<'a, I>(&mut self, partials: I)
    where
        I: Iterator<Item = <Own<WindowPartial<K, A::Partial>> as Record>::Of<'a>>,
    {
        let Self { of: MergeRevising { aggregate, site, late, .. }, kept, .. } = self;
        for WindowPartial { key, start, partial } in partials {
            match kept.slot(&key, start) {
                Ok(slot) => guard(*site, || aggregate.combine(slot, partial)),
                // Only if the worker had no input for a while, and event time went on without it.
                Err(Gone::Late) => late.add(1),
                Err(Gone::Gap) => {}
            }
        }
    }

    fn control(&mut self, control: Control) {
        self.pending = Some(match control {
            Control::Watermark(watermark) => {
                self.kept.watermark = self.kept.watermark.max(watermark);
                Control::Watermark(self.of.windows.held_back(watermark))
            }
            Control::End => {
                self.kept.watermark = EventTime::MAX;
                control
            }
            Control::Barrier(_) | Control::Idle => control,
        });
    }

    #[inline(always)]
    fn ready(&mut self) -> Result<bool, RunError> {
        limit(self.kept.slices.len(), self.of.open_max, self.of.site)?;
        if self.pending.is_none() && self.kept.dirty == 0 { self.next.ready() } else { self.emit() }
    }

    fn states(&mut self, states: &mut States<'_>) {
        states.same(&self.of.windows);
        states.keep(&mut self.kept);
        self.next.states(states);
    }
}
