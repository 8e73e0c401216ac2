//! Session windows: runs of a key's records with no pause longer than a gap.
//!
//! ```text
//!   gap 3    times  1  2     5        10  11           [1, 8)  [10, 14)
//!            ├─────────────────┤      ├────────┤       a record at 7 or 8 would join the two
//! ```
//!
//! Laws
//! - Two records share a session if their times are at most the gap apart; a session is `[first, last + gap)`.
//! - A session fires when the watermark `w >= last + gap`: then no record to come can be in it. (At `w = last + gap - 1` one could.)
//! - A record is late if it joins no open session and its own, `[time, time + gap)`, would have to fire at once.
//!
//! Each key has at most one valid timer, at the earliest deadline that its sessions had when it was set. A record that extends a session
//! leaves it alone: a timer that goes off too early is set anew. So there is a timer per session and gap, not per record.

use std::{collections::VecDeque, marker::PhantomData, time::Duration};

use super::{assign::whole_millis, deadlines::Deadlines, open::Late};
use crate::{
    operator::{
        States,
        aggregate::Aggregate,
        blame::{Site, guard},
    },
    record::Record,
    state::{Key, KeyedState, Partial, Table},
    time::EventTime,
};

/// Windows that hold a key's records until it pauses for longer than a gap.
///
/// A session that is never interrupted never fires. Results have the start and the end of their session; sessions of a key do not overlap,
/// unless a record that a fired session would have held comes after it (it is not late if its own session need not fire yet).
///
/// ```
/// use thalweg::{BoundedDisorder, Collect, Config, Count, Dataflow, Replay, Session, Windowed};
///
/// let mut flow = Dataflow::new("visits");
/// let (sink, visits) = Collect::<Windowed<char, u64>>::new();
/// flow.source(Replay::new(vec![('a', 1), ('b', 2), ('a', 5), ('a', 2), ('a', 10), ('a', 11)]))
///     .watermarks(BoundedDisorder::millis(5), |visit| visit.1)
///     .key_by(|visit| visit.0)
///     .window(Session::millis(3))
///     .aggregate(Count)
///     .sink(sink);
/// flow.start(Config::default())?.join()?;
/// let mut visits: Vec<_> = visits.take().into_iter().map(|row| (row.key, row.start, row.end, row.value)).collect();
/// visits.sort();
/// assert_eq!(visits, [('a', 1, 8, 3), ('a', 10, 14, 2), ('b', 2, 5, 1)]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Session {
    gap_ms: i64,
}

impl Session {
    /// Sessions that end with a pause longer than `gap`, in whole milliseconds.
    pub fn gap(gap: Duration) -> Self {
        Self::millis(whole_millis(gap))
    }

    /// A gap in milliseconds.
    pub const fn millis(gap_ms: i64) -> Self {
        Self { gap_ms }
    }

    /// A gap in seconds.
    pub const fn seconds(gap_s: i64) -> Self {
        Self { gap_ms: gap_s.saturating_mul(1000) }
    }

    /// The gap in ms.
    pub const fn gap_ms(self) -> i64 {
        self.gap_ms
    }

    pub(crate) fn refuse(self) -> Option<String> {
        (self.gap_ms <= 0).then(|| format!("sessions with a gap of {} ms hold nothing together; give 1 ms or more", self.gap_ms))
    }
}

/// Deadlines lie at most a gap ahead of event time; they are kept by so many parts of it.
const DAYS_A_GAP: i64 = 32;

/// The open sessions of some keys.
pub(crate) struct Sessions<R: Record, K, A: Aggregate<R>> {
    gap_ms: i64,
    aggregate: A,
    site: Site,
    keys: Table<K, OfKey<A::Partial>>,
    /// Keys with open sessions.
    open: usize,
    /// Deadlines with their keys. One that is not what its key says is void.
    timers: Deadlines<K>,
    watermark: EventTime,
    spare: Spare<A::Partial>,
    of: PhantomData<fn(R)>,
}

/// A part of a session: what one worker has of it, or all.
#[derive(Clone, Debug)]
pub struct SessionPart<K, P> {
    pub(crate) key: K,
    pub(crate) first: EventTime,
    pub(crate) last: EventTime,
    pub(crate) partial: P,
}

/// A key's open sessions. Any two are further apart than the gap.
#[derive(Clone)]
pub(crate) struct OfKey<P> {
    /// The one that records most likely go to.
    latest: Open<P>,
    /// The deadline of the valid timer; the least time if there is none.
    armed: EventTime,
    /// Those before the latest, in order: while records are out of order by more than the gap. Boxed because it is rare, and a key's place
    /// small that way.
    #[allow(clippy::box_collection)] // See above.
    earlier: Option<Box<VecDeque<Open<P>>>>,
}

/// Empty ones, so that none is allocated once there have been enough.
#[allow(clippy::vec_box)] // They come boxed and go boxed.
type Spare<P> = Vec<Box<VecDeque<Open<P>>>>;

/// A session; there is none if `last` is before `first`, and no time is near that.
#[derive(Clone)]
struct Open<P> {
    first: EventTime,
    last: EventTime,
    partial: P,
}

impl<P: Partial> Open<P> {
    fn none() -> Self {
        Self { first: EventTime::MAX, last: EventTime::MIN, partial: P::empty() }
    }

    #[inline(always)]
    fn is_none(&self) -> bool {
        self.last < self.first
    }

    #[inline(always)]
    fn deadline(&self, gap_ms: i64) -> EventTime {
        self.last.saturating_add(gap_ms)
    }
}

impl<P: Partial> Partial for OfKey<P> {
    fn empty() -> Self {
        Self { latest: Open::none(), armed: EventTime::MIN, earlier: None }
    }

    /// The latest goes last.
    #[inline(always)]
    fn is_empty(&self) -> bool {
        self.latest.is_none()
    }
}

impl<P: Partial> OfKey<P> {
    /// The partial of the latest session, if a record of this time belongs to it, or is within it and the gap behind it; the session then
    /// extends to the record.
    #[inline(always)]
    pub(crate) fn extend(&mut self, time: EventTime, gap_ms: i64) -> Option<&mut P> {
        let Open { first, last, partial } = &mut self.latest;
        let latest = time.max(*last);
        // How far it is ahead, if it is, as a number without a sign: no time is too far away for that.
        if time >= *first && latest.wrapping_sub(*last).cast_unsigned() <= gap_ms.cast_unsigned() {
            *last = latest;
            Some(partial)
        } else {
            None
        }
    }

    fn earliest(&self) -> Option<&Open<P>> {
        let earlier = self.earlier.as_ref().and_then(|earlier| earlier.front());
        earlier.or_else(|| (!self.latest.is_none()).then_some(&self.latest))
    }

    fn take_earliest(&mut self, spare: &mut Spare<P>) -> Open<P> {
        let earlier = self.earlier.as_mut().and_then(|earlier| earlier.pop_front());
        if let Some(empty) = self.earlier.take_if(|earlier| earlier.is_empty()) {
            spare.push(empty);
        }
        earlier.unwrap_or_else(|| std::mem::replace(&mut self.latest, Open::none()))
    }

    /// Opens a session, and joins it, by `combine`, with those that it is near to. One that is near to none and has to fire at once is late.
    fn open(
        &mut self,
        mut new: Open<P>,
        gap_ms: i64,
        watermark: EventTime,
        spare: &mut Spare<P>,
        mut combine: impl FnMut(&mut P, P),
    ) -> Result<(), Late> {
        if self.is_empty() {
            if new.deadline(gap_ms) <= watermark {
                return Err(Late);
            }
            self.latest = new;
            return Ok(());
        }
        let mut all = self.earlier.take().unwrap_or_else(|| spare.pop().unwrap_or_default());
        let latest = std::mem::replace(&mut self.latest, Open::none());
        if !latest.is_none() {
            all.push_back(latest);
        }
        let from = all.partition_point(|open| open.deadline(gap_ms) < new.first);
        let to = all.partition_point(|open| open.first.saturating_sub(gap_ms) <= new.last);
        let is_late = from == to && new.deadline(gap_ms) <= watermark;
        if !is_late {
            for open in all.drain(from..to) {
                (new.first, new.last) = (new.first.min(open.first), new.last.max(open.last));
                combine(&mut new.partial, open.partial);
            }
            all.insert(from, new);
        }
        if let Some(latest) = all.pop_back() {
            self.latest = latest;
        }
        if all.is_empty() {
            spare.push(all);
        } else {
            self.earlier = Some(all);
        }
        if is_late { Err(Late) } else { Ok(()) }
    }
}

impl<R: Record, K: Key, A: Aggregate<R>> Sessions<R, K, A> {
    pub(crate) fn new(windows: Session, aggregate: A, site: Site) -> Self {
        Self {
            gap_ms: windows.gap_ms,
            aggregate,
            site,
            keys: Table::new(),
            open: 0,
            timers: Deadlines::by_days_of(windows.gap_ms / DAYS_A_GAP),
            watermark: EventTime::MIN,
            spare: Vec::new(),
            of: PhantomData,
        }
    }

    /// Adds records that have not been lifted; says how many were late.
    ///
    /// A sequence of runs, as in a window aggregate (`combine`): within a run the table finds the keys as they are, and each record extends
    /// the latest session of its key.
    #[inline(always)]
    pub(crate) fn add_records<'a>(
        &mut self,
        mut records: impl Iterator<Item = (EventTime, R::Of<'a>)>,
        mut key_of: impl FnMut(&R::Of<'a>) -> K,
    ) -> u64 {
        let mut late = 0;
        while let Some((time, key, record)) = self.run(&mut records, &mut key_of) {
            let Self { aggregate, site, gap_ms, .. } = self;
            // A session of a key that the table has no place for, or one that is not the latest.
            let of = self.keys.slot(&key);
            if let Some(partial) = of.extend(time, *gap_ms) {
                guard(*site, || aggregate.lift(partial, &record));
                continue;
            }
            let mut partial = A::Partial::empty();
            guard(*site, || aggregate.lift(&mut partial, &record));
            late += u64::from(self.open(&key, time, time, partial).is_err());
        }
        late
    }

    /// Returns the record that breaks the run.
    #[inline(always)]
    fn run<'a>(
        &mut self,
        records: &mut impl Iterator<Item = (EventTime, R::Of<'a>)>,
        key_of: &mut impl FnMut(&R::Of<'a>) -> K,
    ) -> Option<(EventTime, K, R::Of<'a>)> {
        let Self { aggregate, site, gap_ms, keys, .. } = self;
        let (site, gap_ms) = (*site, *gap_ms);
        if K::INTEGER
            && let Some(mut direct) = keys.as_direct()
        {
            loop {
                let (time, record) = records.next()?;
                let key = guard(site, || key_of(&record));
                match direct.slot_of(&key).and_then(|of| of.extend(time, gap_ms)) {
                    Some(partial) => guard(site, || aggregate.lift(partial, &record)),
                    None => return Some((time, key, record)),
                }
            }
        }
        if K::INTEGER
            && let Some(mut probe) = keys.as_probe()
        {
            loop {
                let (time, record) = records.next()?;
                let key = guard(site, || key_of(&record));
                match probe.slot(key.bits()).and_then(|of| of.extend(time, gap_ms)) {
                    Some(partial) => guard(site, || aggregate.lift(partial, &record)),
                    None => return Some((time, key, record)),
                }
            }
        }
        let (time, record) = records.next()?;
        let key = guard(site, || key_of(&record));
        Some((time, key, record))
    }

    /// Adds a part of a session.
    #[inline]
    pub(crate) fn add(&mut self, SessionPart { key, first, last, partial }: SessionPart<K, A::Partial>) -> Result<(), Late> {
        let Self { gap_ms, keys, aggregate, site, .. } = self;
        if first == last
            && let Some(whole) = keys.slot(&key).extend(first, *gap_ms)
        {
            guard(*site, || aggregate.combine(whole, partial));
            return Ok(());
        }
        self.open(&key, first, last, partial)
    }

    #[cold]
    #[inline(never)]
    fn open(&mut self, key: &K, first: EventTime, last: EventTime, partial: A::Partial) -> Result<(), Late> {
        let Self { gap_ms, aggregate, site, keys, open, timers, watermark, spare, .. } = self;
        let of = keys.slot(key);
        *open += usize::from(of.is_empty());
        let opened = of.open(Open { first, last, partial }, *gap_ms, *watermark, spare, |a, b| guard(*site, || aggregate.combine(a, b)));
        Self::arm(of, key, timers, *gap_ms);
        *open -= usize::from(of.is_empty());
        opened
    }

    /// Sets the key's timer if it has none or a later one.
    fn arm(of: &mut OfKey<A::Partial>, key: &K, timers: &mut Deadlines<K>, gap_ms: i64) {
        if let Some(deadline) = of.earliest().map(|open| open.deadline(gap_ms))
            && (of.armed == EventTime::MIN || deadline < of.armed)
        {
            of.armed = deadline;
            timers.set(deadline, key.clone());
        }
    }

    /// Keys with open sessions.
    #[inline(always)]
    pub(crate) fn len(&self) -> usize {
        self.open
    }

    /// Lets the sessions that the watermark has passed fire.
    pub(crate) fn close(&mut self, watermark: EventTime) {
        self.watermark = self.watermark.max(watermark);
    }

    /// Whether a timer is due.
    pub(crate) fn is_firing(&mut self) -> bool {
        self.timers.is_due(self.watermark)
    }

    /// Takes sessions that fire, of at most about `max` keys.
    pub(crate) fn take_some(&mut self, max: usize, mut take: impl FnMut(SessionPart<K, A::Partial>)) {
        let Self { gap_ms, keys, open, timers, watermark, spare, .. } = self;
        for _ in 0..max {
            let Some((deadline, key)) = timers.take_due(*watermark) else { return };
            let of = keys.slot(&key);
            if of.armed != deadline || of.is_empty() {
                continue;
            }
            of.armed = EventTime::MIN;
            while of.earliest().is_some_and(|open| open.deadline(*gap_ms) <= *watermark) {
                let Open { first, last, partial } = of.take_earliest(spare);
                take(SessionPart { key: key.clone(), first, last, partial });
            }
            Self::arm(of, &key, timers, *gap_ms);
            *open -= usize::from(of.is_empty());
        }
    }

    /// The result of a session: its end and its value.
    #[inline(always)]
    pub(crate) fn lower(&mut self, part: &SessionPart<K, A::Partial>) -> (EventTime, A::Out) {
        (part.last.saturating_add(self.gap_ms), guard(self.site, || self.aggregate.lower(&part.partial)))
    }

    /// Shows what is kept to a snapshot. Nothing fires then.
    pub(crate) fn states(&mut self, states: &mut States<'_>) {
        let Self { gap_ms, aggregate: _, site: _, keys, open, timers, watermark, spare: _, of: _ } = self;
        states.same(gap_ms);
        states.keep(keys);
        states.keep(open);
        states.keep(timers);
        states.keep(watermark);
    }
}
