//! What a process function may do besides changing its key's state: emit, set timers, ask for the time, fail.

use std::{marker::PhantomData, sync::Arc, time::Duration};

use super::timers::Timers;
use crate::{
    record::{Parcel, Portable},
    state::Key,
    time::{Clock, EventTime, MonotonicClock, Nanos},
};

/// The clock of processing-time timers.
#[derive(Clone)]
pub(super) enum ClockSource {
    /// The system's; how long to sleep until a time is known.
    System(MonotonicClock),
    /// Somebody else's, who says only what time it is.
    Given(Arc<dyn Clock>),
}

impl ClockSource {
    pub(super) fn now(&self) -> Nanos {
        match self {
            Self::System(clock) => clock.now(),
            Self::Given(clock) => clock.now(),
        }
    }
}

/// What the calls of one operator instance have brought about and nobody has worked off yet.
pub(crate) struct Effects<K> {
    pub(super) timers: Timers<K>,
    pub(super) clock_timers: Timers<K>,
    pub(super) watermark: EventTime,
    /// All timers up to this time have fired.
    pub(super) passed: EventTime,
    pub(super) at_end: bool,
    pub(super) clock: ClockSource,
    /// The clock's time, read at most once a batch.
    pub(super) now: Option<Nanos>,
    pub(super) late: u64,
    pub(super) failure: Option<String>,
}

impl<K: Key> Effects<K> {
    pub(super) fn new(clock: ClockSource) -> Self {
        Self {
            timers: Timers::new(),
            clock_timers: Timers::new(),
            watermark: EventTime::MIN,
            passed: EventTime::MIN,
            at_end: false,
            clock,
            now: None,
            late: 0,
            failure: None,
        }
    }

    pub(super) fn now(&mut self) -> Nanos {
        *self.now.get_or_insert_with(|| self.clock.now())
    }
}

/// The key at hand, and what can be done for it. `B` is what rows are emitted into.
pub struct Context<'a, K, O, B = Vec<(EventTime, O)>> {
    pub(super) key: &'a K,
    pub(super) time: EventTime,
    pub(super) effects: &'a mut Effects<K>,
    pub(super) out: &'a mut B,
    pub(super) of: PhantomData<fn(O)>,
}

/// A [`Context`] whose rows are of the family `R`, and are packed as they are emitted.
pub type RowContext<'a, K, R> = Context<'a, K, R, Parcel<R>>;

impl<K: Key, O> Context<'_, K, O> {
    /// Emits a row with the event time of [`time`](Self::time).
    #[inline(always)]
    pub fn emit(&mut self, row: O) {
        self.out.push((self.time, row));
    }

    /// Emits a row with another event time. One at or below the watermark is late for whoever comes after.
    #[inline(always)]
    pub fn emit_at(&mut self, time: EventTime, row: O) {
        self.out.push((time, row));
    }
}

impl<K: Key, R: Portable> RowContext<'_, K, R> {
    /// Emits a row with the event time of [`time`](Self::time). What it borrows is copied.
    #[inline(always)]
    pub fn emit(&mut self, row: R::Of<'_>) {
        self.out.push(self.time, row);
    }

    /// Emits a row with another event time. One at or below the watermark is late for whoever comes after.
    #[inline(always)]
    pub fn emit_at(&mut self, time: EventTime, row: R::Of<'_>) {
        self.out.push(time, row);
    }
}

impl<K: Key, O, B> Context<'_, K, O, B> {
    /// The key.
    #[inline(always)]
    pub fn key(&self) -> &K {
        self.key
    }

    /// Event time of the record, or of the timer; for a processing-time timer, the earliest that is not late.
    #[inline(always)]
    pub fn time(&self) -> EventTime {
        self.time
    }

    /// The watermark: no record with a time at or below it comes any more. `EventTime::MAX` at the end of the input.
    #[inline(always)]
    pub fn watermark(&self) -> EventTime {
        self.effects.watermark
    }

    /// Whether the input has ended, and all that comes are the timers that are left.
    pub fn at_end(&self) -> bool {
        self.effects.at_end
    }

    /// Sets a timer for this key: [`on_timer`](super::Process::on_timer) is called once the watermark has passed `time`. Set twice, it
    /// fires once. A time that has passed already becomes the next one that has not.
    ///
    /// At the end of the input all timers fire, those set by timers too: a function that always sets the next one must ask
    /// [`at_end`](Self::at_end), or the job never ends by itself.
    #[inline]
    pub fn set_timer(&mut self, time: EventTime) {
        let time = time.max(self.effects.passed.saturating_add(1));
        self.effects.timers.set(self.key, time);
    }

    /// Takes a timer of this key back. Says whether it was set.
    #[inline]
    pub fn cancel_timer(&mut self, time: EventTime) -> bool {
        self.effects.timers.cancel(self.key, time)
    }

    /// Processing time, in nanoseconds of the operator's clock; read once a batch.
    pub fn now(&mut self) -> Nanos {
        self.effects.now()
    }

    /// Sets a timer for this key that fires when the clock has come to `time`. Set twice, it fires once.
    ///
    /// At the end of the input those that are set fire at once, in their order; what they set then is ignored.
    pub fn set_clock_timer(&mut self, time: Nanos) {
        if !self.effects.at_end {
            self.effects.clock_timers.set(self.key, clock_time(time));
        }
    }

    /// Sets a timer for this key that fires after a while.
    pub fn set_timer_in(&mut self, delay: Duration) {
        let delay = Nanos::try_from(delay.as_nanos()).unwrap_or(Nanos::MAX);
        let time = self.now().saturating_add(delay);
        self.set_clock_timer(time);
    }

    /// Takes a processing-time timer of this key back. Says whether it was set.
    pub fn cancel_clock_timer(&mut self, time: Nanos) -> bool {
        self.effects.clock_timers.cancel(self.key, clock_time(time))
    }

    /// Counts a record that came too late to change a result; [`Report::late`](crate::Report::late) adds them up.
    pub fn count_late(&mut self) {
        self.effects.late += 1;
    }

    /// Ends the job with [`RunError::Operator`](crate::RunError::Operator), which names this operator and says why.
    #[cold]
    pub fn fail(&mut self, why: impl Into<String>) {
        self.effects.failure.get_or_insert_with(|| why.into());
    }
}

/// Nanoseconds as timers keep them; 292 years are enough.
fn clock_time(time: Nanos) -> i64 {
    i64::try_from(time).unwrap_or(i64::MAX)
}
