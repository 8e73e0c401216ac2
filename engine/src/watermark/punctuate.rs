//! Watermarks that the records bring themselves.

use crate::{
    error::RunError,
    metrics::{Gauge, Gauges},
    operator::{
        Control, Operator, States,
        blame::{Site, guard},
        link::{ChainCx, Step},
    },
    record::{Record, Timed},
    time::EventTime,
};

/// Puts the event time beside each record, and after each batch the highest watermark that a record of it has brought.
#[derive(Clone)]
pub(crate) struct Punctuate<T, M, N = (), G = Gauges> {
    time: T,
    mark: M,
    site: Site,
    brought: EventTime,
    emitted: EventTime,
    /// The input was idle when last heard of, as those behind have been told.
    idle: bool,
    /// It is back, and they are to be told, by the old watermark if there is no higher.
    back: bool,
    next: N,
    gauge: G,
}

impl<T, M> Punctuate<T, M> {
    pub(crate) fn new(time: T, mark: M, site: Site, gauge: Gauges) -> Self {
        Self { time, mark, site, brought: EventTime::MIN, emitted: EventTime::MIN, idle: false, back: false, next: (), gauge }
    }
}

impl<R, T, M> Step<R> for Punctuate<T, M>
where
    R: Record,
    T: for<'a, 'b> FnMut(&'b R::Of<'a>) -> EventTime + Clone + Send + 'static,
    M: for<'a, 'b> FnMut(&'b R::Of<'a>) -> Option<EventTime> + Clone + Send + 'static,
{
    type Out = Timed<R>;
    fn before<N: Operator<Timed<R>> + 'static>(self, next: N, cx: ChainCx) -> impl Operator<R> + 'static {
        let Self { time, mark, site, brought, emitted, idle, back, next: (), gauge } = self;
        Punctuate { time, mark, site, brought, emitted, idle, back, next, gauge: gauge.add(cx.instance) }
    }
}

impl<R, T, M, N> Operator<R> for Punctuate<T, M, N, Gauge>
where
    R: Record,
    T: for<'a, 'b> FnMut(&'b R::Of<'a>) -> EventTime,
    M: for<'a, 'b> FnMut(&'b R::Of<'a>) -> Option<EventTime>,
    N: Operator<Timed<R>>,
{
    #[inline(always)]
    fn process<'a, I>(&mut self, records: I)
    where
        I: Iterator<Item = R::Of<'a>>,
    {
        self.back |= std::mem::take(&mut self.idle);
        let Self { time, mark, site, brought, next, .. } = self;
        next.process(records.map(|record| {
            let (time, mark) = guard(*site, || (time(&record), mark(&record)));
            if let Some(mark) = mark {
                *brought = (*brought).max(mark);
            }
            (time, record)
        }));
    }

    fn control(&mut self, control: Control) {
        // The records own event time from here on: watermarks from further up are of another clock.
        if !matches!(control, Control::Watermark(_)) {
            self.idle |= control == Control::Idle;
            self.next.control(control);
        }
    }

    #[inline]
    fn ready(&mut self) -> Result<bool, RunError> {
        if !self.next.ready()? {
            return Ok(false);
        }
        if self.brought <= self.emitted && !self.back {
            return Ok(true);
        }
        self.back = false;
        self.emitted = self.brought;
        self.gauge.set(self.emitted);
        self.next.control(Control::Watermark(self.emitted));
        self.next.ready()
    }

    fn states(&mut self, states: &mut States<'_>) {
        states.keep(&mut self.brought);
        states.keep(&mut self.emitted);
        states.keep(&mut self.idle);
        states.keep(&mut self.back);
        self.next.states(states);
    }
}
