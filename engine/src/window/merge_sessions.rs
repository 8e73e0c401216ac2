//! The two halves of a session window aggregate: what one worker knows of sessions, and sessions at the key's owner.
//!
//! ```text
//!   one worker    records ─▶ sessions ─▶ results            nobody else has a part in them: they are over where they are read
//!   several       records ─▶ lifted, one by one ─▶ sessions at the key's owner ─▶ results
//! ```
//!
//! With several, a worker cannot hold a session back until it is over, since another's records may join it with the next; and it would have
//! to hold the watermark back with it.

use std::marker::PhantomData;

use super::{
    Windowed, limit,
    open::Late,
    session::{Session, SessionPart, Sessions},
};
use crate::{
    error::RunError,
    metrics::Counter,
    operator::{
        Control, EMIT, Operator, States,
        adapt::Mapped,
        aggregate::Aggregate,
        blame::{Site, guard},
        link::{ChainCx, Step},
    },
    record::{Own, Record, Timed},
    state::{Key, Partial},
    time::EventTime,
};

/// What a session aggregate is made of, before it has any state.
pub(crate) struct CombineSessions<F, A, K> {
    pub(crate) key: F,
    pub(crate) windows: Session,
    pub(crate) aggregate: A,
    pub(crate) site: Site,
    pub(crate) late: Counter,
    pub(crate) open_max: usize,
    pub(crate) of: PhantomData<fn() -> K>,
}

impl<F: Clone, A: Clone, K> Clone for CombineSessions<F, A, K> {
    fn clone(&self) -> Self {
        let Self { key, windows, aggregate, site, late, open_max, of } = self;
        let (key, aggregate, late) = (key.clone(), aggregate.clone(), late.clone());
        Self { key, windows: *windows, aggregate, site: *site, late, open_max: *open_max, of: *of }
    }
}

impl<R, F, K, A> Step<Timed<R>> for CombineSessions<F, A, K>
where
    R: Record,
    F: for<'a, 'b> FnMut(&'b R::Of<'a>) -> K + Clone + Send + 'static,
    K: Key,
    A: Aggregate<R>,
{
    type Out = Own<SessionPart<K, A::Partial>>;
    fn before<N: Operator<Self::Out> + 'static>(self, next: N, cx: ChainCx) -> impl Operator<Timed<R>> + 'static {
        let Self { key, windows, aggregate, site, late, open_max, .. } = self;
        CombiningSessions::<R, F, K, A, N> {
            key,
            alone: cx.instances <= 1,
            sessions: Sessions::new(windows, aggregate.clone(), site),
            aggregate,
            site,
            late,
            open_max,
            emitted: Vec::with_capacity(EMIT),
            pending: None,
            next,
        }
    }
}

/// Keeps the sessions, if no other worker has a part in them; else lifts each record into a part of its own.
struct CombiningSessions<R: Record, F, K, A: Aggregate<R>, N> {
    key: F,
    alone: bool,
    sessions: Sessions<R, K, A>,
    aggregate: A,
    site: Site,
    late: Counter,
    open_max: usize,
    emitted: Vec<SessionPart<K, A::Partial>>,
    pending: Option<Control>,
    next: N,
}

impl<R: Record, F, K: Key, A: Aggregate<R>, N: Operator<Own<SessionPart<K, A::Partial>>>> CombiningSessions<R, F, K, A, N> {
    #[cold]
    #[inline(never)]
    fn emit(&mut self) -> Result<bool, RunError> {
        while self.sessions.is_firing() {
            if !self.next.ready()? {
                return Ok(false);
            }
            let Self { emitted, sessions, next, .. } = self;
            sessions.take_some(EMIT, |part| emitted.push(part));
            next.process(emitted.drain(..));
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

impl<R, F, K, A, N> Operator<Timed<R>> for CombiningSessions<R, F, K, A, N>
where
    R: Record,
    F: for<'a, 'b> FnMut(&'b R::Of<'a>) -> K,
    K: Key,
    A: Aggregate<R>,
    N: Operator<Own<SessionPart<K, A::Partial>>>,
{
    #[inline(always)]
    fn process<'a, I>(&mut self, records: I)
    where
        I: Iterator<Item = (EventTime, R::Of<'a>)>,
    {
        let Self { key, aggregate, site, next, .. } = self;
        if self.alone {
            let late = self.sessions.add_records(records, key);
            if late > 0 {
                self.late.add(late);
            }
            return;
        }
        next.process(Mapped {
            records,
            function: |(time, record)| {
                let mut partial = A::Partial::empty();
                let key = guard(*site, || {
                    aggregate.lift(&mut partial, &record);
                    key(&record)
                });
                SessionPart { key, first: time, last: time, partial }
            },
        });
    }

    fn control(&mut self, control: Control) {
        match control {
            Control::Watermark(watermark) => self.sessions.close(watermark),
            Control::End => self.sessions.close(EventTime::MAX),
            Control::Barrier(_) | Control::Idle => {}
        }
        self.pending = Some(control);
    }

    #[inline(always)]
    fn ready(&mut self) -> Result<bool, RunError> {
        limit(self.sessions.len(), self.open_max, self.site)?;
        if self.pending.is_none() { self.next.ready() } else { self.emit() }
    }

    fn states(&mut self, states: &mut States<'_>) {
        self.sessions.states(states);
        self.next.states(states);
    }
}

/// Makes sessions of their parts.
pub struct MergeSessions<R, K, A> {
    pub(crate) windows: Session,
    pub(crate) aggregate: A,
    pub(crate) site: Site,
    pub(crate) late: Counter,
    pub(crate) open_max: usize,
    pub(crate) of: PhantomData<fn(R) -> K>,
}

impl<R, K, A: Clone> Clone for MergeSessions<R, K, A> {
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

impl<R: Record, K: Key, A: Aggregate<R>> Step<Own<SessionPart<K, A::Partial>>> for MergeSessions<R, K, A> {
    type Out = Timed<Own<Windowed<K, A::Out>>>;
    fn before<N: Operator<Self::Out> + 'static>(self, next: N, cx: ChainCx) -> impl Operator<Own<SessionPart<K, A::Partial>>> + 'static {
        let Self { windows, aggregate, site, late, open_max, .. } = self;
        let sessions = Sessions::<R, K, A>::new(windows, aggregate, site);
        let whole = cx.inputs <= 1;
        MergingSessions { sessions, whole, late, site, open_max, emitted: Vec::with_capacity(EMIT), pending: None, next }
    }
}

struct MergingSessions<R: Record, K, A: Aggregate<R>, N> {
    sessions: Sessions<R, K, A>,
    /// Sessions come from one worker only, and whole.
    whole: bool,
    late: Counter,
    site: Site,
    open_max: usize,
    emitted: Vec<SessionPart<K, A::Partial>>,
    pending: Option<Control>,
    next: N,
}

/// A session's result, with its last time.
#[inline(always)]
fn result<R: Record, K: Key, A: Aggregate<R>>(
    sessions: &mut Sessions<R, K, A>,
    part: SessionPart<K, A::Partial>,
) -> (EventTime, Windowed<K, A::Out>) {
    let (end, value) = sessions.lower(&part);
    (end.saturating_sub(1), Windowed { key: part.key, start: part.first, end, value })
}

impl<R: Record, K: Key, A: Aggregate<R>, N> MergingSessions<R, K, A, N>
where
    N: Operator<Timed<Own<Windowed<K, A::Out>>>>,
{
    #[cold]
    fn emit(&mut self) -> Result<bool, RunError> {
        while self.sessions.is_firing() {
            if !self.next.ready()? {
                return Ok(false);
            }
            let Self { emitted, sessions, next, .. } = self;
            sessions.take_some(EMIT, |part| emitted.push(part));
            next.process(Mapped { records: emitted.drain(..), function: |part| result(sessions, part) });
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

impl<R: Record, K: Key, A: Aggregate<R>, N> Operator<Own<SessionPart<K, A::Partial>>> for MergingSessions<R, K, A, N>
where
    N: Operator<Timed<Own<Windowed<K, A::Out>>>>,
{
    #[inline(always)]
    fn process<'a, I>(&mut self, partials: I)
    where
        I: Iterator<Item = <Own<SessionPart<K, A::Partial>> as Record>::Of<'a>>,
    {
        let Self { sessions, next, .. } = self;
        if self.whole {
            return next.process(Mapped { records: partials, function: |part| result(sessions, part) });
        }
        let mut late = 0;
        for part in partials {
            if let Err(Late) = sessions.add(part) {
                late += 1;
            }
        }
        self.late.add(late);
    }

    fn control(&mut self, control: Control) {
        self.pending = Some(match control {
            Control::Watermark(watermark) => {
                self.sessions.close(watermark);
                // A session that fires at the next watermark may have `watermark` as its last time, and results carry that.
                Control::Watermark(if watermark == EventTime::MAX { watermark } else { watermark.saturating_sub(1) })
            }
            Control::End => {
                self.sessions.close(EventTime::MAX);
                control
            }
            Control::Barrier(_) | Control::Idle => control,
        });
    }

    #[inline(always)]
    fn ready(&mut self) -> Result<bool, RunError> {
        limit(self.sessions.len(), self.open_max, self.site)?;
        if self.pending.is_none() { self.next.ready() } else { self.emit() }
    }

    fn states(&mut self, states: &mut States<'_>) {
        self.sessions.states(states);
        self.next.states(states);
    }
}
