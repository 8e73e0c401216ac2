//! Keyed aggregates without a window: every change of a key's value is emitted.
//!
//! ```text
//!   per worker   intern: key ─▶ dense slot; lift into the slot's partial
//!                        after the batch, or a mini-batch of many, for each slot that got a record
//!                                                                  ─▶ Delta { slot, partial, the key itself the first time }
//!   key's owner  roll:   values[slot] combine delta ─▶ Update { key, before, after }
//! ```
//!
//! A key is hashed once, where it enters; what hops is its slot, so a text key crosses once and is made owned once per worker.
//!
//! Laws: for each key the updates form a chain (`before` of one is `after` of the last; the first has none), and the last `after` is the
//! aggregate over all its records. A batch makes one update of a key, however many of its records are the key's; where a filter hands it on
//! in parts, each part makes one. A mini-batch makes one of a key and worker; it ends with its number of records, at a tick of its clock, and before
//! any control goes on.

use std::{hash::Hash, iter, marker::PhantomData, ops::Range};

use hashbrown::HashMap;

use super::{
    Control, EMIT, Operator, States,
    aggregate::Aggregate,
    blame::{Site, guard},
    link::{ChainCx, Step},
};
use crate::{
    error::RunError,
    exchange::group_of,
    record::{Own, Record, Text},
    state::{Dictionary, Key, KeyedState, Partial, Prepared, Table, prefetch},
    watermark::{ProcessingTime, Ticks},
};

/// A change of a key's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Update<'a, K, V> {
    /// The key.
    pub key: &'a K,
    /// A dense number of the key: 0, 1, 2, … in the order of first appearance at this worker; a sink may index by it.
    pub slot: u32,
    /// The value before, none for a new key.
    pub before: Option<V>,
    /// The value now.
    pub after: V,
}

/// Changes of keyed values; keys borrow from the operator's state.
pub struct Updates<K, V>(PhantomData<fn(&K) -> V>);

impl<K: 'static, V: 'static> Record for Updates<K, V> {
    type Of<'a> = Update<'a, K, V>;
}

/// How records get their key.
pub trait KeyBy<R: Record>: Clone + Send + 'static {
    /// The key as state keeps it.
    type Owned: Clone + Eq + Hash + Send + 'static;
    /// Finds a key's slot.
    type Index: Default + Clone + 'static;
    /// What is known of a key before it is looked up.
    type Prepared: Copy;
    /// Gets ready to look the record's key up; the waits for memory of a group of keys then overlap.
    fn prepare(&mut self, index: &Self::Index, record: &R::Of<'_>) -> Self::Prepared;
    /// The slot of the record's key in the index, and the key itself if it is new.
    fn intern(&mut self, index: &mut Self::Index, record: &R::Of<'_>, prepared: Self::Prepared) -> (u32, Option<Self::Owned>);
    /// A hash of a key that is as good for one worker as for another.
    fn hash(key: &Self::Owned) -> u64;
}

/// Keys taken from records by a function.
pub struct ByKey<F, K> {
    key: F,
    of: PhantomData<fn() -> K>,
}

impl<F, K> ByKey<F, K> {
    pub(crate) fn new(key: F) -> Self {
        Self { key, of: PhantomData }
    }
}

impl<F: Clone, K> Clone for ByKey<F, K> {
    fn clone(&self) -> Self {
        Self::new(self.key.clone())
    }
}

/// Numbers keys in the order of their first appearance.
#[derive(Clone)]
pub struct KeyIndex<K: Key> {
    slots: Table<K, Option<u32>>,
    len: u32,
}

impl<K: Key> Default for KeyIndex<K> {
    fn default() -> Self {
        Self { slots: Table::default(), len: 0 }
    }
}

impl<R, F, K> KeyBy<R> for ByKey<F, K>
where
    R: Record,
    F: for<'a, 'b> FnMut(&'b R::Of<'a>) -> K + Clone + Send + 'static,
    K: Key,
{
    type Owned = K;
    type Index = KeyIndex<K>;
    type Prepared = ();

    #[inline(always)]
    fn prepare(&mut self, _: &Self::Index, _: &R::Of<'_>) {}

    #[inline(always)]
    fn intern(&mut self, index: &mut Self::Index, record: &R::Of<'_>, (): ()) -> (u32, Option<K>) {
        let key = (self.key)(record);
        let slot = index.slots.slot(&key);
        match *slot {
            Some(slot) => (slot, None),
            None => {
                let fresh = index.len;
                index.len = fresh.checked_add(1).expect("fewer than 2^32 keys on one machine");
                *slot = Some(fresh);
                (fresh, Some(key))
            }
        }
    }

    fn hash(key: &K) -> u64 {
        key.hash64()
    }
}

/// The text itself is the key.
#[derive(Clone)]
pub struct ByText;

impl KeyBy<Text> for ByText {
    type Owned = Box<str>;
    type Index = Dictionary<str>;
    type Prepared = Prepared;

    #[inline(always)]
    fn prepare(&mut self, index: &Dictionary<str>, record: &&str) -> Prepared {
        index.prepare(record)
    }

    #[inline(always)]
    fn intern(&mut self, index: &mut Dictionary<str>, record: &&str, prepared: Prepared) -> (u32, Option<Box<str>>) {
        let (slot, new) = index.slot_prepared(record, prepared);
        (slot, new.then(|| (*record).into()))
    }

    fn hash(key: &Box<str>) -> u64 {
        key.hash64()
    }
}

/// What a record, or several of one key, add to the key's value.
#[derive(Clone, Debug)]
pub struct Delta<K, P> {
    partial: P,
    /// The key, the first time that the worker `origin` mentions it.
    key: Option<K>,
    /// The key's slot at the worker `origin`.
    slot: u32,
    origin: u16,
    group: u8,
}

impl<K, P> Delta<K, P> {
    pub(crate) fn group(&self) -> u8 {
        self.group
    }
}

/// How long changes are held together before they are told.
#[derive(Clone)]
pub(crate) struct MiniBatch {
    pub(crate) records: usize,
    pub(crate) time: ProcessingTime,
}

/// The first half.
pub(crate) struct Intern<R, B, A> {
    pub(crate) by: B,
    pub(crate) aggregate: A,
    pub(crate) mini_batch: Option<MiniBatch>,
    pub(crate) site: Site,
    pub(crate) of: PhantomData<fn(R)>,
}

impl<R, B: Clone, A: Clone> Clone for Intern<R, B, A> {
    fn clone(&self) -> Self {
        let Self { by, aggregate, mini_batch, site, of } = self;
        Self { by: by.clone(), aggregate: aggregate.clone(), mini_batch: mini_batch.clone(), site: *site, of: *of }
    }
}

impl<R: Record, B: KeyBy<R>, A: Aggregate<R>> Step<R> for Intern<R, B, A> {
    type Out = Own<Delta<B::Owned, A::Partial>>;
    fn before<N: Operator<Self::Out> + 'static>(mut self, next: N, cx: ChainCx) -> impl Operator<R> + 'static {
        let origin = u16::try_from(cx.instance).expect("fewer workers than 2^16");
        let held = self.mini_batch.take().map(|MiniBatch { records, time }| Held {
            records_max: records,
            ticks: Ticks::new(time),
            records: 0,
            touched: 0,
            told: 0,
            known: 0,
            leaves: false,
            pending: None,
        });
        Interning {
            of: self,
            held,
            index: B::Index::default(),
            origin,
            partials: Vec::new(),
            groups: Vec::new(),
            dirty: Vec::new(),
            fresh: Vec::new(),
            next,
        }
    }
}

struct Interning<R: Record, B: KeyBy<R>, A: Aggregate<R>, N> {
    of: Intern<R, B, A>,
    /// The mini-batch under way, if there are mini-batches.
    held: Option<Held>,
    index: B::Index,
    origin: u16,
    /// By slot: what this batch adds. All empty between batches, or mini-batches.
    partials: Vec<A::Partial>,
    /// By slot: the key's group.
    groups: Vec<u8>,
    /// Slots with a partial, in the order of their first record. Only as many are valid as `lift` says.
    dirty: Vec<u32>,
    /// Keys that this batch has brought, in the order of their slots, which is that of `dirty` too.
    fresh: Vec<B::Owned>,
    next: N,
}

/// A mini-batch under way.
struct Held {
    records_max: usize,
    ticks: Ticks,
    /// Records that it has.
    records: usize,
    /// Slots with a partial: `dirty[..touched]`, of which `dirty[..told]` have left.
    touched: usize,
    told: usize,
    /// Slots of keys that have been told.
    known: usize,
    /// It has ended, and leaves as the operators after this one take it.
    leaves: bool,
    /// Goes on when all has left.
    pending: Option<Control>,
}

/// Records whose keys are looked up together.
const GROUP: usize = 64;

/// Records with what is known of their keys, to be looked up.
type Group<'a, R, B> = [Option<(<R as Record>::Of<'a>, <B as KeyBy<R>>::Prepared)>; GROUP];

impl<R: Record, B: KeyBy<R>, A: Aggregate<R>, N> Interning<R, B, A, N> {
    /// Looks the keys of some records up and lifts the records. Slots that had no partial yet go to `dirty[touched..]`; returns its new end.
    ///
    /// Two loops, since what the first one finds is no nearer to the processor than what it searches: the waits overlap in each.
    #[inline(never)]
    fn lift<'a>(&mut self, group: &mut [Option<(R::Of<'a>, B::Prepared)>], mut touched: usize) -> usize {
        let Self { of: Intern { by, aggregate, site, .. }, index, partials, groups, dirty, fresh, .. } = self;
        let site = *site;
        let mut slots = [0; GROUP];
        for (place, slot) in group.iter().zip(&mut slots) {
            let Some((record, prepared)) = place else { continue };
            let (found, key) = guard(site, || by.intern(index, record, *prepared));
            if let Some(key) = key {
                groups.push(group_of(B::hash(&key)));
                partials.push(A::Partial::empty());
                fresh.push(key);
            }
            prefetch(&partials[found as usize]);
            *slot = found;
        }
        for (place, slot) in group.iter_mut().zip(slots) {
            let Some((record, _)) = place.take() else { continue };
            let partial = &mut partials[slot as usize];
            // Written in vain if the slot is there already: whether a word is the batch's first of its kind cannot be predicted.
            match dirty.get_mut(touched) {
                Some(place) => *place = slot,
                None => dirty.push(slot),
            }
            touched += usize::from(partial.is_empty());
            guard(site, || aggregate.lift(partial, &record));
        }
        touched
    }
}

impl Held {
    fn add(&mut self, records: usize, touched: usize) {
        if self.records == 0 {
            // The ticks before its first record are no concern of it.
            self.ticks.tick();
        }
        (self.records, self.touched) = (self.records + records, touched);
        self.leaves |= self.records >= self.records_max;
    }
}

impl<R, B, A, N> Interning<R, B, A, N>
where
    R: Record,
    B: KeyBy<R>,
    A: Aggregate<R>,
    N: Operator<Own<Delta<B::Owned, A::Partial>>>,
{
    /// Sends the partials of `dirty[slots]` on. Keys from slot `known` on are new, `new` of them; they come in the order of their slots.
    #[inline(always)]
    fn tell(&mut self, slots: Range<usize>, mut known: usize, new: usize) {
        let Self { origin, partials, groups, dirty, fresh, next, .. } = self;
        let mut fresh = fresh.drain(..new);
        next.process(dirty[slots].iter().map(|&slot| {
            let partial = std::mem::replace(&mut partials[slot as usize], A::Partial::empty());
            let is_new = slot as usize == known;
            known += usize::from(is_new);
            let key = if is_new { fresh.next() } else { None };
            Delta { partial, key, slot, origin: *origin, group: groups[slot as usize] }
        }));
    }

    /// Lets a mini-batch leave that is due, in pieces, and then the control behind it. The operators after this one are ready.
    fn let_leave(&mut self) -> Result<bool, RunError> {
        loop {
            let Some(held) = &mut self.held else { return Ok(true) };
            held.leaves |= held.touched > 0 && held.ticks.tick().is_some();
            if !held.leaves {
                return Ok(true);
            }
            if held.told < held.touched {
                let (piece, known) = (held.told..held.touched.min(held.told + EMIT), held.known);
                let new = self.dirty[piece.clone()].iter().filter(|&&slot| slot as usize >= known).count();
                (held.told, held.known) = (piece.end, known + new);
                self.tell(piece, known, new);
            } else {
                (held.records, held.touched, held.told, held.leaves) = (0, 0, 0, false);
                if let Some(control) = held.pending.take() {
                    self.next.control(control);
                }
            }
            if !self.next.ready()? {
                return Ok(false);
            }
        }
    }
}

impl<R, B, A, N> Operator<R> for Interning<R, B, A, N>
where
    R: Record,
    B: KeyBy<R>,
    A: Aggregate<R>,
    N: Operator<Own<Delta<B::Owned, A::Partial>>>,
{
    #[inline(always)]
    fn process<'a, I>(&mut self, records: I)
    where
        I: Iterator<Item = R::Of<'a>>,
    {
        let known = self.groups.len();
        let mut group: Group<'a, R, B> = [const { None }; GROUP];
        let (mut filled, mut touched) = (0, self.held.as_ref().map_or(0, |held| held.touched));
        let mut groups = 0;
        records.for_each(|record| {
            let prepared = guard(self.of.site, || self.of.by.prepare(&self.index, &record));
            group[filled] = Some((record, prepared));
            filled += 1;
            if filled == GROUP {
                filled = 0;
                groups += 1;
                touched = self.lift(&mut group, touched);
            }
        });
        touched = self.lift(&mut group[..filled], touched);
        match &mut self.held {
            None => self.tell(0..touched, known, self.fresh.len()),
            Some(held) => held.add(groups * GROUP + filled, touched),
        }
    }

    fn control(&mut self, control: Control) {
        match &mut self.held {
            Some(held) if held.touched > 0 => (held.leaves, held.pending) = (true, Some(control)),
            _ => self.next.control(control),
        }
    }

    #[inline(always)]
    fn ready(&mut self) -> Result<bool, RunError> {
        Ok(self.next.ready()? && (self.held.is_none() || self.let_leave()?))
    }

    fn states(&mut self, states: &mut States<'_>) {
        let Self { of: _, held, index, origin: _, partials, groups, dirty, fresh, next } = self;
        if let Some(Held { records_max: _, ticks, records, touched, told: _, known, leaves: _, pending: _ }) = held {
            ticks.states(states);
            states.keep(records);
            states.keep(touched);
            states.keep(known);
            states.keep(fresh);
        }
        states.keep(index);
        states.keep(partials);
        states.keep(groups);
        states.keep(dirty);
        next.states(states);
    }
}

/// The second half.
pub struct Roll<R, B, A> {
    pub(crate) aggregate: A,
    pub(crate) site: Site,
    pub(crate) of: PhantomData<fn(R, B)>,
}

impl<R, B, A: Clone> Clone for Roll<R, B, A> {
    fn clone(&self) -> Self {
        Self { aggregate: self.aggregate.clone(), site: self.site, of: PhantomData }
    }
}

impl<R: Record, B: KeyBy<R>, A: Aggregate<R>> Step<Own<Delta<B::Owned, A::Partial>>> for Roll<R, B, A> {
    type Out = Updates<B::Owned, A::Out>;
    fn before<N: Operator<Self::Out> + 'static>(self, next: N, cx: ChainCx) -> impl Operator<Own<Delta<B::Owned, A::Partial>>> + 'static {
        let mapped = cx.inputs > 1;
        Rolling {
            of: self,
            keys: Vec::new(),
            partials: Vec::new(),
            origins: if mapped { (0..cx.inputs).map(|_| Vec::new()).collect() } else { Vec::new() },
            known: HashMap::default(),
            next,
        }
    }
}

struct Rolling<R: Record, B: KeyBy<R>, A: Aggregate<R>, N> {
    of: Roll<R, B, A>,
    keys: Vec<B::Owned>,
    partials: Vec<A::Partial>,
    /// For each worker that sends deltas, its slots' numbers here. Empty if there is only one: its slots are ours.
    origins: Vec<Vec<u32>>,
    /// Used for keys that a worker mentions for the first time, and only if there are several workers.
    known: HashMap<B::Owned, u32, foldhash::fast::FixedState>,
    next: N,
}

/// A slot of another worker whose key is not owned here, or not known yet.
const ELSEWHERE: u32 = u32::MAX;

impl<R: Record, B: KeyBy<R>, A: Aggregate<R>, N> Rolling<R, B, A, N> {
    /// Takes note of a key that a worker mentions for the first time.
    #[cold]
    #[inline(never)]
    fn meet(&mut self, key: B::Owned, slot: u32, origin: u16) {
        let fresh = u32::try_from(self.keys.len()).expect("fewer than 2^32 keys on one machine");
        if self.origins.is_empty() {
            debug_assert_eq!(slot, fresh, "the only worker's slots are ours");
            self.keys.push(key);
            self.partials.push(A::Partial::empty());
            return;
        }
        let ours = *self.known.entry(key.clone()).or_insert(fresh);
        if ours == fresh {
            self.keys.push(key);
            self.partials.push(A::Partial::empty());
        }
        let slots = &mut self.origins[usize::from(origin)];
        if slots.len() <= slot as usize {
            slots.resize(slot as usize + 1, ELSEWHERE);
        }
        slots[slot as usize] = ours;
    }
}

impl<R, B, A, N> Operator<Own<Delta<B::Owned, A::Partial>>> for Rolling<R, B, A, N>
where
    R: Record,
    B: KeyBy<R>,
    A: Aggregate<R>,
    N: Operator<Updates<B::Owned, A::Out>>,
{
    #[inline(always)]
    fn process<'a, I>(&mut self, mut deltas: I)
    where
        I: Iterator<Item = <Own<Delta<B::Owned, A::Partial>> as Record>::Of<'a>>,
    {
        // A run of deltas whose keys are known goes on in one call; a new key ends the run, since updates borrow the keys.
        let mut held: Option<Delta<B::Owned, A::Partial>> = None;
        loop {
            if let Some(Delta { key, slot, origin, .. }) = &mut held
                && let Some(key) = key.take()
            {
                let (slot, origin) = (*slot, *origin);
                self.meet(key, slot, origin);
            }
            let mut fresh = None;
            let Self { of: Roll { aggregate, site, .. }, keys, partials, origins, next, .. } = &mut *self;
            next.process(iter::from_fn(|| {
                let delta = match held.take() {
                    Some(delta) => delta,
                    None => deltas.next()?,
                };
                if delta.key.is_some() {
                    fresh = Some(delta);
                    return None;
                }
                let slot = match origins.get(usize::from(delta.origin)) {
                    None => delta.slot,
                    Some(slots) => slots[delta.slot as usize],
                };
                let partial = &mut partials[slot as usize];
                Some(guard(*site, || {
                    let before = (!partial.is_empty()).then(|| aggregate.lower(partial));
                    aggregate.combine(partial, delta.partial);
                    let after = aggregate.lower(partial);
                    Update { key: &keys[slot as usize], slot, before, after }
                }))
            }));
            match fresh {
                None => return,
                fresh => held = fresh,
            }
        }
    }

    fn control(&mut self, control: Control) {
        self.next.control(control);
    }

    #[inline(always)]
    fn ready(&mut self) -> Result<bool, RunError> {
        self.next.ready()
    }

    fn states(&mut self, states: &mut States<'_>) {
        let Self { of: _, keys, partials, origins, known, next } = self;
        states.keep(keys);
        states.keep(partials);
        states.keep(origins);
        states.keep(known);
        next.states(states);
    }
}

#[cfg(test)]
#[path = "rolling_tests.rs"]
#[allow(clippy::unwrap_used)]
mod tests;
