//! The second half of a sliding window aggregate: at the key's owner, slices of all workers become windows.

use std::marker::PhantomData;

use super::{WindowPartial, Windowed, assign::Slices, limit, open::Late, slide::Slide};
use crate::{
    error::RunError,
    metrics::Counter,
    operator::{
        Control, EMIT, Operator, States,
        adapt::Mapped,
        aggregate::Aggregate,
        blame::Site,
        link::{ChainCx, Step},
    },
    record::{Own, Record, Timed},
    state::Key,
    time::EventTime,
};

/// Combines slices into windows when the merged watermark passes them.
pub struct MergeSlices<R, K, A> {
    pub(crate) windows: Slices,
    pub(crate) aggregate: A,
    pub(crate) site: Site,
    pub(crate) late: Counter,
    pub(crate) open_max: usize,
    pub(crate) of: PhantomData<fn(R) -> K>,
}

impl<R, K, A: Clone> Clone for MergeSlices<R, K, A> {
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

impl<R: Record, K: Key, A: Aggregate<R>> Step<Own<WindowPartial<K, A::Partial>>> for MergeSlices<R, K, A> {
    type Out = Timed<Own<Windowed<K, A::Out>>>;
    fn before<N: Operator<Self::Out> + 'static>(self, next: N, _: ChainCx) -> impl Operator<Own<WindowPartial<K, A::Partial>>> + 'static {
        let Self { windows, aggregate, site, late, open_max, .. } = self;
        MergingSlices { slide: Slide::new(windows, aggregate, site), late, site, open_max, pending: None, next }
    }
}

struct MergingSlices<R: Record, K, A: Aggregate<R>, N> {
    slide: Slide<R, K, A>,
    late: Counter,
    site: Site,
    open_max: usize,
    pending: Option<Control>,
    next: N,
}

impl<R: Record, K: Key, A: Aggregate<R>, N> MergingSlices<R, K, A, N>
where
    N: Operator<Timed<Own<Windowed<K, A::Out>>>>,
{
    #[cold]
    fn emit(&mut self) -> Result<bool, RunError> {
        while self.slide.fires() {
            if !self.next.ready()? {
                return Ok(false);
            }
            // Straight on: a window may have as many results as it has records.
            let (start, last, results) = self.slide.take_some(EMIT);
            let end = last.saturating_add(1);
            self.next.process(Mapped { records: results, function: |(key, value)| (last, Windowed { key, start, end, value }) });
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

impl<R: Record, K: Key, A: Aggregate<R>, N> Operator<Own<WindowPartial<K, A::Partial>>> for MergingSlices<R, K, A, N>
where
    N: Operator<Timed<Own<Windowed<K, A::Out>>>>,
{
    #[inline(always)]
    fn process<'a, I>(&mut self, partials: I)
    where
        I: Iterator<Item = <Own<WindowPartial<K, A::Partial>> as Record>::Of<'a>>,
    {
        for WindowPartial { key, start, partial } in partials {
            // Late only if the worker had no input for a while, and event time went on without it.
            if let Err(Late) = self.slide.add(key, start, partial) {
                self.late.add(1);
            }
        }
    }

    fn control(&mut self, control: Control) {
        match control {
            Control::Watermark(watermark) => self.slide.close(watermark),
            Control::End => self.slide.close(EventTime::MAX),
            Control::Barrier(_) | Control::Idle => {}
        }
        self.pending = Some(control);
    }

    #[inline(always)]
    fn ready(&mut self) -> Result<bool, RunError> {
        limit(self.slide.len(), self.open_max, self.site)?;
        if self.pending.is_none() { self.next.ready() } else { self.emit() }
    }

    fn states(&mut self, states: &mut States<'_>) {
        self.slide.states(states);
        self.next.states(states);
    }
}
