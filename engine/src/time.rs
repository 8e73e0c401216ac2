//! Time: event time carried by records, and the engine's own clock.
//!
//! ```text
//!   EventTime   when it happened     milliseconds since the Unix epoch, in the record, says nothing of now
//!   Nanos       when we handle it    nanoseconds of a Clock: since an origin of its own, never backwards
//! ```
//!
//! Whatever waits or times out by processing time (idle sources, triggers, time limits) asks a [`Clock`], so that a test can drive it
//! by hand. Non-goals: the time of day, and comparing two clocks of different origin.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

/// Event time: milliseconds since the Unix epoch, as carried by a record.
///
/// `EventTime::MIN` is no time of a record: it stands for a watermark that nobody has told yet. A join takes a record that carries it
/// for late from the start.
pub type EventTime = i64;

/// Processing time: nanoseconds since a clock's origin. 64 bits last 584 years.
pub type Nanos = u64;

/// A clock that never goes backwards.
///
/// # Cost
/// Real clocks take 10 to 20 ns to read: once a batch is fine, once a record is not.
pub trait Clock: Send + Sync {
    /// Nanoseconds since the clock's origin.
    fn now(&self) -> Nanos;
}

impl<C: Clock + ?Sized> Clock for &C {
    fn now(&self) -> Nanos {
        (**self).now()
    }
}

impl<C: Clock + ?Sized> Clock for Arc<C> {
    fn now(&self) -> Nanos {
        (**self).now()
    }
}

/// The system's monotonic clock. Its origin is when it was made; copies share it, so their times compare.
///
/// ```
/// use thalweg::time::{Clock, MonotonicClock};
/// let clock = MonotonicClock::new();
/// let copy = clock;
/// let first = clock.now();
/// assert!(first <= copy.now());
/// ```
#[derive(Clone, Copy, Debug)]
pub struct MonotonicClock {
    origin: Instant,
}

impl MonotonicClock {
    /// A clock that begins now.
    pub fn new() -> MonotonicClock {
        MonotonicClock { origin: Instant::now() }
    }

    /// The time of an instant on this clock; 0 for one before its origin.
    pub fn at(&self, instant: Instant) -> Nanos {
        nanos(instant.saturating_duration_since(self.origin))
    }

    /// The instant of a time on this clock, for those who sleep until then; `None` beyond what the system can express.
    pub fn instant(&self, time: Nanos) -> Option<Instant> {
        self.origin.checked_add(Duration::from_nanos(time))
    }
}

impl Default for MonotonicClock {
    fn default() -> MonotonicClock {
        MonotonicClock::new()
    }
}

impl Clock for MonotonicClock {
    fn now(&self) -> Nanos {
        nanos(self.origin.elapsed())
    }
}

/// A clock that a test moves by hand. Clones share the time.
///
/// ```
/// use std::time::Duration;
/// use thalweg::time::{Clock, ManualClock};
/// let clock = ManualClock::new();
/// let seen_by_the_engine = clock.clone();
/// clock.advance(Duration::from_millis(5));
/// assert_eq!(seen_by_the_engine.now(), 5_000_000);
/// ```
#[derive(Clone, Debug, Default)]
pub struct ManualClock {
    now: Arc<AtomicU64>,
}

impl ManualClock {
    /// A clock that stands at 0.
    pub fn new() -> ManualClock {
        ManualClock::default()
    }

    /// Moves the clock on to `time`. A clock never goes backwards: a time before the present one changes nothing.
    pub fn set(&self, time: Nanos) {
        // ORDERING: AcqRel, pairs with the Acquire load in `now`: who sees the new time sees what was done before it was set.
        self.now.fetch_max(time, Ordering::AcqRel);
    }

    /// Moves the clock on by `step`, at most to the end of time.
    pub fn advance(&self, step: Duration) {
        let step = nanos(step);
        // ORDERING: as in `set`; the load is only a first guess.
        let _ = self.now.fetch_update(Ordering::AcqRel, Ordering::Relaxed, |now| Some(now.saturating_add(step)));
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Nanos {
        // ORDERING: Acquire, pairs with `set` and `advance`.
        self.now.load(Ordering::Acquire)
    }
}

/// A duration in nanoseconds, at most the largest that can be expressed.
fn nanos(duration: Duration) -> Nanos {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(all(test, not(loom)))]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_monotonic_clock_goes_on_and_converts_to_instants_and_back() {
        let clock = MonotonicClock::new();
        let first = clock.now();
        std::thread::sleep(Duration::from_millis(2));
        let second = clock.now();
        assert!(second >= first + 2_000_000);
        assert_eq!(clock.at(clock.instant(second).unwrap()), second);
        assert_eq!(clock.at(clock.instant(0).unwrap()), 0);
    }

    #[test]
    fn an_instant_before_the_origin_is_time_zero() {
        let before = Instant::now();
        std::thread::sleep(Duration::from_millis(1));
        assert_eq!(MonotonicClock::new().at(before), 0);
    }

    #[test]
    fn the_manual_clock_moves_on_only_by_hand_and_never_back() {
        let clock = ManualClock::new();
        assert_eq!(clock.now(), 0);
        clock.set(100);
        clock.set(40);
        assert_eq!(clock.now(), 100);
        clock.advance(Duration::from_nanos(7));
        assert_eq!(clock.now(), 107);
        clock.advance(Duration::MAX);
        assert_eq!(clock.now(), u64::MAX);
    }

    #[test]
    fn clones_references_and_handles_of_a_manual_clock_share_its_time() {
        let clock = ManualClock::new();
        let handle: Arc<dyn Clock> = Arc::new(clock.clone());
        let other = clock.clone();
        std::thread::spawn(move || other.set(9)).join().unwrap();
        assert_eq!((clock.now(), handle.now(), (&clock as &dyn Clock).now()), (9, 9, 9));
    }
}
