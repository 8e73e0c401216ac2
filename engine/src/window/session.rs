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
//! leaves it alone: a timer that goes off too early is set anew. So a timer costs O(log keys) per session and gap, not per record.

use std::{
    cmp::Reverse,
    collections::{BinaryHeap, VecDeque},
    marker::PhantomData,
    time::Duration,
};

use super::{assign::whole_millis, numbered::Numbered, open::Late};
use crate::{
    operator::{
        aggregate::Aggregate,
        blame::{Site, guard},
    },
    record::Record,
    state::Key,
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

    pub(crate) fn refuse(self) -> Option<String> {
        (self.gap_ms <= 0).then(|| format!("sessions with a gap of {} ms hold nothing together; give 1 ms or more", self.gap_ms))
    }
}

/// The open sessions of the keys of one owner.
pub(crate) struct Sessions<R: Record, K, A: Aggregate<R>> {
    gap_ms: i64,
    aggregate: A,
    site: Site,
    keys: Numbered<K, OfKey<A::Partial>>,
    /// Deadlines and the numbers of their keys. One that is not what its key says is void.
    timers: BinaryHeap<Reverse<(EventTime, u32)>>,
    watermark: EventTime,
    of: PhantomData<fn(R)>,
}

/// A key's open sessions. Any two are further apart than the gap.
struct OfKey<P> {
    /// The one that records most likely go to.
    latest: Option<Open<P>>,
    /// Those before it, in order: while records are out of order by more than the gap.
    earlier: VecDeque<Open<P>>,
    /// The deadline of the valid timer.
    armed: Option<EventTime>,
}

struct Open<P> {
    first: EventTime,
    last: EventTime,
    partial: P,
}

impl<P> Open<P> {
    fn deadline(&self, gap_ms: i64) -> EventTime {
        self.last.saturating_add(gap_ms)
    }
}

impl<P> Default for OfKey<P> {
    fn default() -> Self {
        Self { latest: None, earlier: VecDeque::new(), armed: None }
    }
}

impl<P> OfKey<P> {
    fn earliest(&self) -> Option<&Open<P>> {
        self.earlier.front().or(self.latest.as_ref())
    }

    fn take_earliest(&mut self) -> Option<Open<P>> {
        self.earlier.pop_front().or_else(|| self.latest.take())
    }
}

impl<R: Record, K: Key, A: Aggregate<R>> Sessions<R, K, A> {
    pub(crate) fn new(windows: Session, aggregate: A, site: Site) -> Self {
        Self {
            gap_ms: windows.gap_ms,
            aggregate,
            site,
            keys: Numbered::new(),
            timers: BinaryHeap::new(),
            watermark: EventTime::MIN,
            of: PhantomData,
        }
    }

    /// Adds a record, lifted.
    #[inline]
    pub(crate) fn add(&mut self, key: &K, time: EventTime, partial: A::Partial) -> Result<(), Late> {
        let gap_ms = self.gap_ms;
        let number = self.keys.number(key);
        let of = self.keys.at(number);
        if let Some(open) = &mut of.latest
            && time >= open.first
            && time <= open.deadline(gap_ms)
        {
            open.last = open.last.max(time);
            guard(self.site, || self.aggregate.combine(&mut open.partial, partial));
            return Ok(());
        }
        self.open(number, Open { first: time, last: time, partial })
    }

    /// Opens a session, and joins it with those that it is near to.
    #[inline(never)]
    fn open(&mut self, number: u32, mut new: Open<A::Partial>) -> Result<(), Late> {
        let Self { gap_ms, aggregate, site, keys, timers, watermark, .. } = self;
        let gap_ms = *gap_ms;
        let of = keys.at(number);
        of.earlier.extend(of.latest.take());
        let from = of.earlier.partition_point(|open| open.deadline(gap_ms) < new.first);
        let to = of.earlier.partition_point(|open| open.first.saturating_sub(gap_ms) <= new.last);
        if from == to && new.deadline(gap_ms) <= *watermark {
            of.latest = of.earlier.pop_back();
            if of.latest.is_none() {
                keys.release(number);
            }
            return Err(Late);
        }
        for open in of.earlier.drain(from..to) {
            (new.first, new.last) = (new.first.min(open.first), new.last.max(open.last));
            guard(*site, || aggregate.combine(&mut new.partial, open.partial));
        }
        of.earlier.insert(from, new);
        of.latest = of.earlier.pop_back();
        Self::arm(of, number, timers, gap_ms);
        Ok(())
    }

    /// Sets the key's timer if it has none or a later one.
    fn arm(of: &mut OfKey<A::Partial>, number: u32, timers: &mut BinaryHeap<Reverse<(EventTime, u32)>>, gap_ms: i64) {
        if let Some(deadline) = of.earliest().map(|open| open.deadline(gap_ms))
            && of.armed.is_none_or(|armed| deadline < armed)
        {
            of.armed = Some(deadline);
            timers.push(Reverse((deadline, number)));
        }
    }

    /// Keys with open sessions.
    pub(crate) fn len(&self) -> usize {
        self.keys.len()
    }

    /// Lets the sessions that the watermark has passed fire.
    pub(crate) fn close(&mut self, watermark: EventTime) {
        self.watermark = self.watermark.max(watermark);
    }

    /// Whether a timer is due.
    pub(crate) fn is_firing(&self) -> bool {
        self.timers.peek().is_some_and(|Reverse((deadline, _))| *deadline <= self.watermark)
    }

    /// Takes sessions that fire, of at most about `max` keys: key, first time, end and value.
    pub(crate) fn take_some(&mut self, max: usize, mut take: impl FnMut(K, EventTime, EventTime, A::Out)) {
        let Self { gap_ms, aggregate, site, keys, timers, watermark, .. } = self;
        for _ in 0..max {
            let Some(&Reverse((deadline, number))) = timers.peek() else { return };
            if deadline > *watermark {
                return;
            }
            timers.pop();
            let entry = keys.entry(number);
            let (Some(key), of) = (&entry.key, &mut entry.value) else { continue };
            if of.armed != Some(deadline) {
                continue;
            }
            of.armed = None;
            while of.earliest().is_some_and(|open| open.deadline(*gap_ms) <= *watermark)
                && let Some(open) = of.take_earliest()
            {
                take(key.clone(), open.first, open.deadline(*gap_ms), guard(*site, || aggregate.lower(&open.partial)));
            }
            Self::arm(of, number, timers, *gap_ms);
            if of.armed.is_none() {
                keys.release(number);
            }
        }
    }
}
