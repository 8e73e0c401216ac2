//! Sliding windows from slices: what a window holds is kept as it moves, not computed anew.
//!
//! ```text
//!   slices   [ evicted ]  [ a ][ b ][ c ] │ [ d ][ e ]  …       │ entered so far
//!
//!   with an inverse     value(key) = entered − evicted                  one partial a key
//!   without             value(key) = front(key) + back(key)             two stacks for all keys together
//!                       back: what entered since the last turn
//!                       front: what is left of the slices before; each of them remembers what remains of a key once it goes
//! ```
//!
//! A turn takes the slices from the newest to the oldest, so that each entry (a key in a slice) is combined once when it enters, once when
//! the stacks turn, and set back once when it leaves: amortised O(1) combines per entry, whatever the number of slices in a window. A firing
//! takes one `lower` (and one `combine`, without an inverse) for each key that the window holds.
//!
//! An entry that comes late for a slice that has entered makes the next firing rebuild the front: O(entries in the window), once a firing.
//!
//! Source: two stacks: Tangwongsan et al., "Low-Latency Sliding-Window Aggregation in Worst-Case Constant Time", DEBS 2017, section 2; here the
//! stacks are shared by all keys, which is ours.

use std::{collections::VecDeque, marker::PhantomData, ops::Range};

use super::{
    assign::{Slices, clamp},
    open::Late,
};
use crate::{
    operator::{
        States,
        adapt::Mapped,
        aggregate::Aggregate,
        blame::{Site, guard},
    },
    record::Record,
    state::{Key, KeyedState, Partial, Table},
    time::EventTime,
};

/// The sliding windows of the keys of one owner.
pub(crate) struct Slide<R: Record, K, A: Aggregate<R>> {
    windows: Slices,
    aggregate: A,
    site: Site,
    keys: Table<K, Live<A::Partial>>,
    /// Slices with entries, earliest first.
    slices: VecDeque<Slice<K, A::Partial>>,
    /// How many of them, from the front, have entered.
    entered: usize,
    /// How many of those, from the front, are in the front stack.
    turned: usize,
    /// All slices that begin before it have entered, or gone.
    entered_end: i128,
    /// An entry came for a slice that had entered, and neither stack knows it.
    stale: bool,
    /// Start of the earliest window that has not fired.
    next: i128,
    watermark: EventTime,
    /// The places of keys whose results in window `next` have not been taken.
    emitting: Option<Range<usize>>,
    /// The slice that got the last entry.
    current: usize,
    /// Where that slice starts, as long as entries go there without a question: it has not entered.
    growing: Option<EventTime>,
    /// Storage of slices that have gone.
    spare: Vec<Slice<K, A::Partial>>,
    of: PhantomData<fn(R)>,
}

#[derive(Clone)]
struct Slice<K, P> {
    begin: i128,
    entries: Vec<(K, P)>,
    /// Between which bits the keys are that have entered, if they are integers.
    bits: Bits,
    /// For each entry of a slice in the front stack: the key's front once the entry has gone.
    rests: Vec<P>,
}

/// A range of keys' bits; empty if the greatest is below the least.
#[derive(Clone, Copy)]
struct Bits {
    least: u64,
    greatest: u64,
}

impl Bits {
    const NONE: Self = Self { least: u64::MAX, greatest: 0 };

    #[inline(always)]
    fn note<K: Key>(&mut self, key: &K) {
        if K::INTEGER {
            let bits = key.bits();
            *self = self.with(Self { least: bits, greatest: bits });
        }
    }

    #[inline(always)]
    fn with(self, other: Self) -> Self {
        Self { least: self.least.min(other.least), greatest: self.greatest.max(other.greatest) }
    }
}

/// What is kept of a key that is in a slice which has entered and not gone.
#[derive(Clone)]
struct Live<P> {
    front: P,
    back: P,
    /// Entries in such slices.
    inside: u32,
}

impl<P: Partial> Partial for Live<P> {
    fn empty() -> Self {
        Self { front: P::empty(), back: P::empty(), inside: 0 }
    }
    #[inline(always)]
    fn is_empty(&self) -> bool {
        self.inside == 0
    }
}

/// Hands each entry to `with`, together with what is kept of its key.
#[inline(always)]
fn each_live<K: Key, V: Partial, E>(
    keys: &mut Table<K, V>,
    mut entries: impl Iterator<Item = E>,
    key: impl Fn(&E) -> &K,
    mut with: impl FnMut(&mut V, E),
) {
    // A sequence of runs, as in a window aggregate (`combine`).
    loop {
        let mut missed = None;
        if let Some(mut direct) = keys.as_direct() {
            for entry in entries.by_ref() {
                match direct.slot_of(key(&entry)) {
                    Some(live) => with(live, entry),
                    None => {
                        missed = Some(entry);
                        break;
                    }
                }
            }
        } else {
            missed = entries.next();
        }
        let Some(entry) = missed else { return };
        with(keys.slot(key(&entry)), entry);
    }
}

impl<R: Record, K: Key, A: Aggregate<R>> Slide<R, K, A> {
    pub(crate) fn new(windows: Slices, aggregate: A, site: Site) -> Self {
        Self {
            windows,
            aggregate,
            site,
            keys: Table::new(),
            slices: VecDeque::new(),
            entered: 0,
            turned: 0,
            entered_end: i128::MIN,
            stale: false,
            next: i128::MIN / 2,
            watermark: EventTime::MIN,
            emitting: None,
            current: usize::MAX,
            growing: None,
            spare: Vec::new(),
            of: PhantomData,
        }
    }

    /// Adds what one worker has of a key and a slice.
    #[inline(always)]
    pub(crate) fn add(&mut self, key: K, start: EventTime, partial: A::Partial) -> Result<(), Late> {
        if self.growing == Some(start)
            && let Some(slice) = self.slices.get_mut(self.current)
        {
            slice.entries.push((key, partial));
            return Ok(());
        }
        self.add_elsewhere(key, start, partial)
    }

    #[cold]
    #[inline(never)]
    fn add_elsewhere(&mut self, key: K, start: EventTime, partial: A::Partial) -> Result<(), Late> {
        self.growing = None;
        let begin = self.windows.begin(start);
        if self.slices.get(self.current).is_none_or(|slice| slice.begin != begin) {
            match self.windows.last_window(begin) {
                // In a gap between windows: in no result.
                None => return Ok(()),
                Some(window) if self.windows.last_of_window(window) <= self.watermark => return Err(Late),
                Some(_) => self.find(begin),
            }
        }
        if self.current >= self.entered {
            self.growing = Some(start);
        } else {
            let live = self.keys.slot(&key);
            live.inside += 1;
            self.slices[self.current].bits.note(&key);
            if A::INVERTS {
                guard(self.site, || self.aggregate.combine(&mut live.back, partial.clone()));
            } else {
                self.stale = true;
            }
        }
        self.slices[self.current].entries.push((key, partial));
        Ok(())
    }

    /// Makes the slice that begins at `begin` the current one.
    fn find(&mut self, begin: i128) {
        self.current = match self.slices.binary_search_by_key(&begin, |slice| slice.begin) {
            Ok(at) => at,
            Err(at) => {
                let mut slice =
                    self.spare.pop().unwrap_or_else(|| Slice { begin, entries: Vec::new(), bits: Bits::NONE, rests: Vec::new() });
                (slice.begin, slice.bits) = (begin, Bits::NONE);
                self.slices.insert(at, slice);
                if begin < self.entered_end {
                    // Among those that have entered; an earlier one than all of them would have no window left.
                    self.entered += 1;
                    self.stale |= !A::INVERTS;
                }
                at
            }
        };
    }

    /// Slices with entries.
    pub(crate) fn len(&self) -> usize {
        self.slices.len()
    }

    /// Lets the windows that the watermark has passed fire.
    pub(crate) fn close(&mut self, watermark: EventTime) {
        self.watermark = self.watermark.max(watermark);
    }

    /// Moves on to the next window that fires and holds anything. `false` if there is none.
    pub(crate) fn fires(&mut self) -> bool {
        if self.emitting.is_some() {
            return true;
        }
        loop {
            // Over a time without records in one step.
            let next = match self.slices.front() {
                Some(first) if self.entered == 0 => self.next.max(self.windows.first_window(first.begin)),
                _ => self.next,
            };
            if self.slices.is_empty() || self.windows.last_of_window(next) > self.watermark {
                // An earlier slice may still come, but not for a window that the watermark has passed.
                self.next = self.next.max(self.windows.first_window(i128::from(self.watermark) + 1));
                return false;
            }
            self.next = next;
            self.shift();
            if self.entered > 0 {
                let bits = self.slices.range(..self.entered).fold(Bits::NONE, |bits, slice| bits.with(slice.bits));
                self.emitting = Some(self.keys.places_between(bits.least, bits.greatest));
                return true;
            }
        }
    }

    /// Lets slices go and enter until those of window `next` are in.
    fn shift(&mut self) {
        (self.current, self.growing) = (usize::MAX, None);
        if self.stale {
            self.rebuild();
        }
        let stays = |slice: &Slice<_, _>| slice.begin >= self.next;
        // If all go, there is nothing to turn.
        let all_go = self.entered > 0 && !stays(&self.slices[self.entered - 1]);
        while self.slices.front().is_some_and(|slice| slice.begin < self.next) {
            if self.entered > 0 && !A::INVERTS && !all_go && self.turned == 0 {
                self.turn();
            }
            self.evict(all_go);
        }
        let end = self.next + self.windows.size();
        while self.slices.get(self.entered).is_some_and(|slice| slice.begin < end) {
            let Slice { entries, bits, .. } = &mut self.slices[self.entered];
            each_live(
                &mut self.keys,
                entries.iter(),
                |(key, _)| key,
                |live, (key, partial)| {
                    bits.note(key);
                    live.inside += 1;
                    guard(self.site, || self.aggregate.combine(&mut live.back, partial.clone()));
                },
            );
            self.entered += 1;
        }
        self.entered_end = self.entered_end.max(end);
    }

    /// Lets the first slice go. With `all`, all that have entered go, and what they leave behind does not matter.
    fn evict(&mut self, all: bool) {
        let Some(mut slice) = self.slices.pop_front() else { return };
        let entered = self.entered > 0;
        let mut rests = slice.rests.drain(..);
        let entries = slice.entries.drain(..);
        if entered {
            each_live(
                &mut self.keys,
                entries,
                |(key, _)| key,
                |live, (_, partial)| {
                    let rest = rests.next();
                    live.inside -= 1;
                    if A::INVERTS {
                        // The last one too, since nobody can predict which is: what is exact leaves nothing behind.
                        guard(self.site, || self.aggregate.invert(&mut live.back, &partial));
                    } else if live.inside == 0 {
                        *live = Live::empty();
                    } else if !all && let Some(rest) = rest {
                        live.front = rest;
                    }
                },
            );
        } else {
            drop(entries);
        }
        drop(rests);
        self.entered -= usize::from(entered);
        self.turned = self.turned.saturating_sub(1);
        self.spare.push(slice);
    }

    /// Turns the stacks over: all that has entered goes to the front.
    fn turn(&mut self) {
        let Self { slices, keys, aggregate, site, .. } = self;
        for slice in slices.iter_mut().take(self.entered).rev() {
            slice.rests.clear();
            for (key, partial) in slice.entries.iter().rev() {
                let live = keys.slot(key);
                live.back = A::Partial::empty();
                slice.rests.push(live.front.clone());
                guard(*site, || aggregate.combine(&mut live.front, partial.clone()));
            }
            slice.rests.reverse();
        }
        self.turned = self.entered;
    }

    /// Computes the stacks anew.
    #[cold]
    fn rebuild(&mut self) {
        self.stale = false;
        for slice in self.slices.iter().take(self.entered) {
            for (key, _) in &slice.entries {
                self.keys.slot(key).front = A::Partial::empty();
            }
        }
        self.turn();
    }

    /// Some results of the window that fires: its start and its last time, and keys with values. None of at most `max` places may hold any.
    #[inline(always)]
    pub(crate) fn take_some(&mut self, max: usize) -> (EventTime, EventTime, impl Iterator<Item = (K, A::Out)>) {
        let Self { keys, aggregate, site, turned, windows, emitting, next, .. } = self;
        let (start, last) = (clamp(*next), windows.last_of_window(*next));
        let (site, single) = (*site, A::INVERTS || *turned == 0);
        let Range { start: from, end } = emitting.take().unwrap_or(0..0);
        let to = end.min(from + max);
        if to < end {
            *emitting = Some(to..end);
        } else {
            *next += windows.slide();
        }
        let aggregate = &*aggregate;
        // Combining changes the aggregate, and the results are not all taken while it may be.
        let mut combining = (!single).then(|| aggregate.clone());
        let mut lower = move |live: &Live<A::Partial>| {
            guard(site, || match &mut combining {
                None => aggregate.lower(&live.back),
                Some(combining) => {
                    let mut whole = live.front.clone();
                    combining.combine(&mut whole, live.back.clone());
                    aggregate.lower(&whole)
                }
            })
        };
        (start, last, Mapped { records: keys.some(from..to), function: move |(key, live): (K, &Live<A::Partial>)| (key, lower(live)) })
    }

    /// Shows what is kept to a snapshot. Nothing fires then.
    pub(crate) fn states(&mut self, states: &mut States<'_>) {
        let Self {
            windows,
            aggregate: _,
            site: _,
            keys,
            slices,
            entered,
            turned,
            entered_end,
            stale,
            next,
            watermark,
            emitting: _,
            current,
            growing,
            spare: _,
            of: _,
        } = self;
        (*current, *growing) = (usize::MAX, None);
        states.same(windows);
        states.keep(keys);
        states.keep(slices);
        states.keep(entered);
        states.keep(turned);
        states.keep(entered_end);
        states.keep(stale);
        states.keep(next);
        states.keep(watermark);
    }
}
