//! The two halves of a session window aggregate: lifting a record where it is read, and sessions at the key's owner.
//!
//! Records hop one by one. A worker cannot hold a session back until it is over, since another's records may join it with the next; and it
//! would have to hold the watermark back with it.

use std::marker::PhantomData;

use super::{
    WindowPartial, Windowed, limit,
    open::Late,
    session::{Session, Sessions},
};
use crate::{
    error::RunError,
    metrics::Counter,
    operator::{
        Control, EMIT, Operator,
        aggregate::Aggregate,
        blame::{Site, guard},
        link::{ChainCx, Step},
    },
    record::{Own, Record, Timed},
    state::{Key, Partial},
    time::EventTime,
};

/// Lifts each record into a partial of its own; its time stands for the window's start.
pub(crate) struct Lift<F, A, K, N = ()> {
    pub(crate) key: F,
    pub(crate) aggregate: A,
    pub(crate) site: Site,
    pub(crate) next: N,
    pub(crate) of: PhantomData<fn() -> K>,
}

impl<F: Clone, A: Clone, K> Clone for Lift<F, A, K> {
    fn clone(&self) -> Self {
        Self { key: self.key.clone(), aggregate: self.aggregate.clone(), site: self.site, next: (), of: PhantomData }
    }
}

impl<R, F, K, A> Step<Timed<R>> for Lift<F, A, K>
where
    R: Record,
    F: for<'a, 'b> FnMut(&'b R::Of<'a>) -> K + Clone + Send + 'static,
    K: Key,
    A: Aggregate<R>,
{
    type Out = Own<WindowPartial<K, A::Partial>>;
    fn before<N: Operator<Self::Out> + 'static>(self, next: N, _: ChainCx) -> impl Operator<Timed<R>> + 'static {
        let Self { key, aggregate, site, .. } = self;
        Lift { key, aggregate, site, next, of: PhantomData::<fn() -> K> }
    }
}

impl<R, F, A, K, N> Operator<Timed<R>> for Lift<F, A, K, N>
where
    R: Record,
    F: for<'a, 'b> FnMut(&'b R::Of<'a>) -> K,
    K: Key,
    A: Aggregate<R>,
    N: Operator<Own<WindowPartial<K, A::Partial>>>,
{
    #[inline(always)]
    fn process<'a, I>(&mut self, records: I)
    where
        I: Iterator<Item = (EventTime, R::Of<'a>)>,
    {
        let Self { key, aggregate, site, next, .. } = self;
        next.process(records.map(|(time, record)| {
            let mut partial = A::Partial::empty();
            let key = guard(*site, || {
                aggregate.lift(&mut partial, &record);
                key(&record)
            });
            WindowPartial { key, start: time, partial }
        }));
    }

    fn control(&mut self, control: Control) {
        self.next.control(control);
    }

    #[inline(always)]
    fn ready(&mut self) -> Result<bool, RunError> {
        self.next.ready()
    }
}

/// Makes sessions of lifted records.
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

impl<R: Record, K: Key, A: Aggregate<R>> Step<Own<WindowPartial<K, A::Partial>>> for MergeSessions<R, K, A> {
    type Out = Timed<Own<Windowed<K, A::Out>>>;
    fn before<N: Operator<Self::Out> + 'static>(self, next: N, _: ChainCx) -> impl Operator<Own<WindowPartial<K, A::Partial>>> + 'static {
        let Self { windows, aggregate, site, late, open_max, .. } = self;
        let sessions = Sessions::<R, K, A>::new(windows, aggregate, site);
        MergingSessions { sessions, late, site, open_max, emitted: Vec::with_capacity(EMIT), pending: None, next }
    }
}

struct MergingSessions<R: Record, K, A: Aggregate<R>, N> {
    sessions: Sessions<R, K, A>,
    late: Counter,
    site: Site,
    open_max: usize,
    emitted: Vec<(EventTime, Windowed<K, A::Out>)>,
    pending: Option<Control>,
    next: N,
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
            let emitted = &mut self.emitted;
            self.sessions.take_some(EMIT, |key, start, end, value| {
                emitted.push((end.saturating_sub(1), Windowed { key, start, end, value }));
            });
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

impl<R: Record, K: Key, A: Aggregate<R>, N> Operator<Own<WindowPartial<K, A::Partial>>> for MergingSessions<R, K, A, N>
where
    N: Operator<Timed<Own<Windowed<K, A::Out>>>>,
{
    #[inline(always)]
    fn process<'a, I>(&mut self, partials: I)
    where
        I: Iterator<Item = <Own<WindowPartial<K, A::Partial>> as Record>::Of<'a>>,
    {
        let mut late = 0;
        for WindowPartial { key, start, partial } in partials {
            if let Err(Late) = self.sessions.add(&key, start, partial) {
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
}
