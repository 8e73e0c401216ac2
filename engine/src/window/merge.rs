//! The second half of a window aggregate: at the key's owner, the partials of all workers become one result.
//!
//! With one worker upstream a partial is already whole, and goes straight on.

use std::marker::PhantomData;

use super::{
    Tumbling, WindowPartial, Windowed, last_time, limit,
    open::{Late, OpenWindows},
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
    state::{Key, KeyedState},
    time::EventTime,
};

/// Combines partials and lowers them into results when the merged watermark passes the window.
pub struct MergePartials<R, K, A> {
    pub(crate) windows: Tumbling,
    pub(crate) aggregate: A,
    pub(crate) site: Site,
    pub(crate) late: Counter,
    pub(crate) open_max: usize,
    pub(crate) of: PhantomData<fn(R) -> K>,
}

impl<R, K, A: Clone> Clone for MergePartials<R, K, A> {
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

impl<R: Record, K: Key, A: Aggregate<R>> Step<Own<WindowPartial<K, A::Partial>>> for MergePartials<R, K, A> {
    type Out = Timed<Own<Windowed<K, A::Out>>>;
    fn before<N: Operator<Self::Out> + 'static>(self, next: N, cx: ChainCx) -> impl Operator<Own<WindowPartial<K, A::Partial>>> + 'static {
        let open = OpenWindows::new(self.windows.into());
        Merging { of: self, whole: cx.inputs <= 1, open, emitted: Vec::with_capacity(EMIT), pending: None, next }
    }
}

struct Merging<R: Record, K, A: Aggregate<R>, N> {
    of: MergePartials<R, K, A>,
    /// Partials come from one worker only.
    whole: bool,
    open: OpenWindows<K, A::Partial>,
    emitted: Vec<(EventTime, Windowed<K, A::Out>)>,
    pending: Option<Control>,
    next: N,
}

impl<R: Record, K: Key, A: Aggregate<R>, N> Merging<R, K, A, N>
where
    N: Operator<Timed<Own<Windowed<K, A::Out>>>>,
{
    #[cold]
    fn emit(&mut self) -> Result<bool, RunError> {
        while self.open.is_firing() {
            if !self.next.ready()? {
                return Ok(false);
            }
            let Self { of, emitted, .. } = self;
            self.open.take_some(EMIT, |start, key, partial| emitted.push(of.result(start, key, &partial)));
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

impl<R: Record, K: Key, A: Aggregate<R>> MergePartials<R, K, A> {
    /// Combines partials as long as they are of the current window and its table indexes them directly; returns the one that breaks the run.
    #[inline(always)]
    fn run<I>(&mut self, open: &mut OpenWindows<K, A::Partial>, partials: &mut I) -> Option<WindowPartial<K, A::Partial>>
    where
        I: Iterator<Item = WindowPartial<K, A::Partial>>,
    {
        let first = partials.next()?;
        if let Some(window) = open.current()
            && K::INTEGER
            && let Some(mut direct) = window.table.as_direct()
        {
            let mut next = first;
            loop {
                match direct.slot_of(&next.key) {
                    Some(slot) if next.start == window.start => guard(self.site, || self.aggregate.combine(slot, next.partial)),
                    _ => return Some(next),
                }
                next = partials.next()?;
            }
        }
        Some(first)
    }

    /// Combines a partial of another window, or one that the current table has to change for.
    fn step(&mut self, open: &mut OpenWindows<K, A::Partial>, WindowPartial { key, start, partial }: WindowPartial<K, A::Partial>) {
        // Each worker passes a window on before its own watermark does, so a partial is late only if its worker had no input for a while,
        // and event time went on without it.
        match open.enter(start) {
            Ok(window) => {
                let slot = window.table.slot(&key);
                guard(self.site, || self.aggregate.combine(slot, partial));
            }
            Err(Late) => self.late.add(1),
        }
    }

    #[inline(always)]
    fn result(&mut self, start: EventTime, key: K, partial: &A::Partial) -> (EventTime, Windowed<K, A::Out>) {
        let last = last_time(start, self.windows.size_ms());
        let value = guard(self.site, || self.aggregate.lower(partial));
        (last, Windowed { key, start, end: last.saturating_add(1), value })
    }
}

impl<R: Record, K: Key, A: Aggregate<R>, N> Operator<Own<WindowPartial<K, A::Partial>>> for Merging<R, K, A, N>
where
    N: Operator<Timed<Own<Windowed<K, A::Out>>>>,
{
    #[inline(always)]
    fn process<'a, I>(&mut self, partials: I)
    where
        I: Iterator<Item = <Own<WindowPartial<K, A::Partial>> as Record>::Of<'a>>,
    {
        let Self { of, open, .. } = self;
        if self.whole {
            return self.next.process(partials.map(|WindowPartial { key, start, partial }| of.result(start, key, &partial)));
        }
        let mut partials = partials;
        while let Some(partial) = of.run(open, &mut partials) {
            of.step(open, partial);
        }
    }

    fn control(&mut self, control: Control) {
        match control {
            Control::Watermark(watermark) => self.open.close(watermark),
            Control::End => self.open.close(EventTime::MAX),
            Control::Barrier(_) | Control::Idle => {}
        }
        self.pending = Some(control);
    }

    #[inline(always)]
    fn ready(&mut self) -> Result<bool, RunError> {
        limit(self.open.len(), self.of.open_max, self.of.site)?;
        if self.pending.is_none() { self.next.ready() } else { self.emit() }
    }

    fn states(&mut self, states: &mut States<'_>) {
        states.same(&self.of.windows);
        states.keep(&mut self.open);
        self.next.states(states);
    }
}
