//! Watermarks from the records themselves.

use crate::{
    error::RunError,
    metrics::{Gauge, Gauges},
    operator::{
        Control, Operator, States,
        adapt::Mapped,
        blame::{Site, guard},
        link::{ChainCx, Step},
    },
    record::{Record, Timed},
    time::EventTime,
};

/// Turns the highest event time seen into a watermark.
pub trait WatermarkPolicy: Clone + Send + 'static {
    /// The watermark once `max` has been seen.
    fn watermark(&mut self, max: EventTime) -> EventTime;

    /// Takes note of a record's time. `max` is what the policy wants to remember of a batch, the highest time by default.
    #[inline(always)]
    fn see(&self, max: &mut EventTime, time: EventTime) {
        *max = (*max).max(time);
    }

    /// Whether the last time of a batch stands for all: to [`see`](Self::see) that one leaves what it leaves to see each.
    const LAST_STANDS_FOR_ALL: bool = false;

    /// Says what is wrong with the policy's parameters, if anything.
    fn refuse(&self) -> Option<String> {
        None
    }
}

/// Event times never go back (equal times may follow one another).
#[derive(Clone, Copy, Debug)]
pub struct Monotone;

impl WatermarkPolicy for Monotone {
    fn watermark(&mut self, max: EventTime) -> EventTime {
        max.saturating_sub(1)
    }

    const LAST_STANDS_FOR_ALL: bool = true;

    /// The last time is the highest one.
    #[inline(always)]
    fn see(&self, max: &mut EventTime, time: EventTime) {
        *max = time;
    }
}

/// A record may be behind the highest event time seen by at most this much.
#[derive(Clone, Copy, Debug)]
pub struct BoundedDisorder {
    bound_ms: i64,
}

impl BoundedDisorder {
    /// A bound in milliseconds.
    pub const fn millis(bound_ms: i64) -> Self {
        Self { bound_ms }
    }

    /// A bound in seconds.
    pub const fn seconds(bound_s: i64) -> Self {
        Self { bound_ms: bound_s.saturating_mul(1000) }
    }
}

impl WatermarkPolicy for BoundedDisorder {
    fn watermark(&mut self, max: EventTime) -> EventTime {
        max.saturating_sub(self.bound_ms).saturating_sub(1)
    }

    fn refuse(&self) -> Option<String> {
        (self.bound_ms < 0).then(|| format!("a disorder of {} ms is negative; give 0 or more", self.bound_ms))
    }
}

/// Puts the event time beside each record, and a watermark after each batch that moved it on.
#[derive(Clone)]
pub(crate) struct Watermarks<T, W, N = (), G = Gauges> {
    time: T,
    policy: W,
    site: Site,
    max: EventTime,
    emitted: EventTime,
    pending: Option<EventTime>,
    /// The input was idle when last heard of, as those behind have been told.
    idle: bool,
    next: N,
    gauge: G,
}

impl<T, W> Watermarks<T, W> {
    pub(crate) fn new(time: T, policy: W, site: Site, gauge: Gauges) -> Self {
        Self { time, policy, site, max: EventTime::MIN, emitted: EventTime::MIN, pending: None, idle: false, next: (), gauge }
    }
}

impl<R, T, W> Step<R> for Watermarks<T, W>
where
    R: Record,
    T: for<'a, 'b> Fn(&'b R::Of<'a>) -> EventTime + Clone + Send + 'static,
    W: WatermarkPolicy,
{
    type Out = Timed<R>;
    fn before<N: Operator<Timed<R>> + 'static>(self, next: N, cx: ChainCx) -> impl Operator<R> + 'static {
        let Self { time, policy, site, max, emitted, pending, idle, next: (), gauge } = self;
        Watermarks { time, policy, site, max, emitted, pending, idle, next, gauge: gauge.add(cx.instance) }
    }
}

/// Puts its time beside a record, and shows it to the policy. A closure that is made here for the reason that
/// [`function`](crate::operator::function) gives.
#[inline(always)]
fn stamping<'a, R, T, W>(time: &T, site: Site, policy: &W, max: &mut EventTime) -> impl FnMut(R::Of<'a>) -> (EventTime, R::Of<'a>)
where
    R: Record,
    T: for<'b, 'c> Fn(&'c R::Of<'b>) -> EventTime,
    W: WatermarkPolicy,
{
    move |record| {
        let time = guard(site, || time(&record));
        policy.see(max, time);
        (time, record)
    }
}

/// As [`stamping`], without a policy that sees it.
#[inline(always)]
fn timing<'a, R, T>(time: &T, site: Site) -> impl Fn(R::Of<'a>) -> (EventTime, R::Of<'a>) + Clone
where
    R: Record,
    T: for<'b, 'c> Fn(&'c R::Of<'b>) -> EventTime,
{
    move |record| (guard(site, || time(&record)), record)
}

impl<T, W: WatermarkPolicy, N> Watermarks<T, W, N, Gauge> {
    /// Notes what the policy has seen of a batch.
    #[inline(always)]
    fn seen(&mut self, max: EventTime) {
        self.max = max;
        let watermark = self.policy.watermark(max);
        // An input that was idle is back, and those behind wait for it again: it tells them the old one if there is no higher.
        if watermark > self.emitted || self.idle {
            self.idle = false;
            self.emitted = self.emitted.max(watermark);
            self.pending = Some(self.emitted);
        }
    }
}

impl<R, T, W, N> Operator<R> for Watermarks<T, W, N, Gauge>
where
    R: Record,
    T: for<'a, 'b> Fn(&'b R::Of<'a>) -> EventTime,
    W: WatermarkPolicy,
    N: Operator<Timed<R>>,
{
    #[inline(always)]
    fn process<'a, I>(&mut self, records: I)
    where
        I: Iterator<Item = R::Of<'a>>,
    {
        let mut max = self.max;
        self.next.process(Mapped { records, function: stamping::<R, T, W>(&self.time, self.site, &self.policy, &mut max) });
        self.seen(max);
    }

    #[inline(always)]
    fn process_ahead<'a, I>(&mut self, records: I)
    where
        I: DoubleEndedIterator<Item = R::Of<'a>> + Clone,
    {
        if !const { W::LAST_STANDS_FOR_ALL } {
            return self.process(records);
        }
        let times = Mapped { records, function: timing::<R, T>(&self.time, self.site) };
        let mut max = self.max;
        if let Some((last, _)) = times.clone().next_back() {
            self.policy.see(&mut max, last);
        }
        self.next.process_ahead(times);
        self.seen(max);
    }

    fn control(&mut self, control: Control) {
        // The policy owns event time from here on: watermarks from further up are of another clock.
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
        match self.pending.take() {
            None => Ok(true),
            Some(watermark) => {
                self.gauge.set(watermark);
                self.next.control(Control::Watermark(watermark));
                self.next.ready()
            }
        }
    }

    fn states(&mut self, states: &mut States<'_>) {
        let Self { time: _, policy, site: _, max, emitted, pending: _, idle, next, gauge: _ } = self;
        states.keep(policy);
        states.keep(max);
        states.keep(emitted);
        states.keep(idle);
        next.states(states);
    }
}
