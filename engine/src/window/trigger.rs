//! When a window's result is due, besides at its end.

use crate::{time::EventTime, watermark::ProcessingTime};

/// Says when results of windows are due early. Each window of each key has a state of its own.
///
/// ```
/// use thalweg::{EventTime, Trigger};
///
/// /// A result whenever a record comes ten seconds or more after the last one that made a result.
/// #[derive(Clone)]
/// struct AfterTenSeconds;
///
/// impl Trigger for AfterTenSeconds {
///     type State = Option<EventTime>;
///     fn on_record(&mut self, last: &mut Option<EventTime>, time: EventTime) -> bool {
///         let due = last.is_none_or(|last| time >= last + 10_000);
///         if due {
///             *last = Some(time);
///         }
///         due
///     }
/// }
/// ```
pub trait Trigger: Clone + Send + 'static {
    /// What is kept per key and window.
    type State: Default + Clone + Send + 'static;

    /// A record with this time has come into the window. Says whether the result, with it, is due.
    fn on_record(&mut self, state: &mut Self::State, time: EventTime) -> bool;

    /// Results that have changed are due each time when the watermark passes a multiple of so many ms.
    fn event_period_ms(&self) -> Option<i64> {
        None
    }

    /// Results that have changed are due at each tick of this clock.
    fn ticks(&self) -> Option<ProcessingTime> {
        None
    }

    /// Says what is wrong with its parameters, if anything.
    fn refuse(&self) -> Option<String> {
        None
    }
}

/// Never early: results when the watermark passes the window.
#[derive(Clone, Copy, Debug)]
pub struct OnWatermark;

impl Trigger for OnWatermark {
    type State = ();
    #[inline(always)]
    fn on_record(&mut self, (): &mut (), _: EventTime) -> bool {
        false
    }
}

/// A result for every so many records of the window.
#[derive(Clone, Copy, Debug)]
pub struct EveryRecords(pub u64);

impl Trigger for EveryRecords {
    type State = u64;
    #[inline(always)]
    fn on_record(&mut self, records: &mut u64, _: EventTime) -> bool {
        *records += 1;
        let due = *records >= self.0;
        if due {
            *records = 0;
        }
        due
    }
    fn refuse(&self) -> Option<String> {
        (self.0 == 0).then(|| "a result every 0 records; give 1 or more".into())
    }
}

/// Results of windows that have changed, whenever event time passes a multiple of so many ms.
#[derive(Clone, Copy, Debug)]
pub struct EveryEventTime {
    period_ms: i64,
}

impl EveryEventTime {
    /// A period in milliseconds.
    pub const fn millis(period_ms: i64) -> Self {
        Self { period_ms }
    }
}

impl Trigger for EveryEventTime {
    type State = ();
    #[inline(always)]
    fn on_record(&mut self, (): &mut (), _: EventTime) -> bool {
        false
    }
    fn event_period_ms(&self) -> Option<i64> {
        Some(self.period_ms)
    }
    fn refuse(&self) -> Option<String> {
        (self.period_ms <= 0).then(|| format!("results every {} ms; give 1 ms or more", self.period_ms))
    }
}

/// Results of windows that have changed, at each tick of a clock.
#[derive(Clone, Debug)]
pub struct EveryProcessingTime(pub ProcessingTime);

impl Trigger for EveryProcessingTime {
    type State = ();
    #[inline(always)]
    fn on_record(&mut self, (): &mut (), _: EventTime) -> bool {
        false
    }
    fn ticks(&self) -> Option<ProcessingTime> {
        Some(self.0.clone())
    }
    fn refuse(&self) -> Option<String> {
        self.0.refuse()
    }
}
