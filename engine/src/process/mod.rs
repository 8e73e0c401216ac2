//! Keyed process functions: your own code over the records of each key, with state, timers and a clock.
//!
//! ```text
//!   records ── to the key's owner ──▶ on_record(state of the key, record) ─┬─▶ emit ──────────────▶ rows, in pieces
//!                                                                          └─▶ set_timer ─▶ timers
//!   watermark w ── fires all timers <= w, in time order ──▶ on_timer(…) ───▶ emit ──▶ rows, and then w itself
//! ```
//!
//! Laws
//! - A key has one owner, which gets its records in the order of each upstream worker. State belongs to that one thread.
//! - State that is `None` after a call takes no room; a time-to-live ends the state of keys that no record touched. Either way the memory
//!   comes back: a table that has lost three quarters of its keys is rebuilt smaller.
//! - A timer for `t` fires before the watermark that passed `t` goes on, so rows emitted by it with its time are not late. Timers fire in
//!   time order, those of one time in the order in which they were set, and each at most once.
//! - Rows leave in batches. When downstream is full, the records of the batch at hand wait here, so what is held is at most a batch of
//!   records and what one record, or a thousand timers, emit.
//!
//! Cost (measured on one core with the example `keyed_speed`, a counter in random order of keys): with 10,000 dense integer keys 3 ns a
//! record, scattered ones 8 ns; with a million, 7 and 30 ns, most of it the wait for memory. Keys that are no integers are hashed and
//! stored. A timer that each record moves costs some 20 ns.
//!
//! Memory: a key takes `size_of::<Option<State>>()` in an array that is at most half empty when its keys are compact; scattered integers
//! take as much and 8 bytes, two to three times over; other keys as much and the key, once to twice over. Timers and the time-to-live
//! keep tables of their own (`timers.rs`, `expiry.rs`: about 64 bytes for each key with a timer, 48 for each that can expire), and cost
//! nothing where they are not used.
//!
//! Non-goals: state that two keys share, blocking calls. Barriers pass through.

mod builtin;
mod context;
mod expiry;
mod operator;
mod store;
mod timers;

pub use builtin::Ranked;
pub(crate) use builtin::{Deduplicate, Highest, InOrder, LastN, TopN};
pub use context::{Context, RowContext};
pub(crate) use operator::ProcessStep;
pub(crate) use store::Kept;

use std::{fmt, marker::PhantomData, sync::Arc, time::Duration};

use crate::{
    operator::States,
    record::{Own, Portable, Record},
    state::Key,
    time::{Clock, EventTime, MonotonicClock, Nanos},
};
use context::ClockSource;

/// A function over the records `R` of each key `K`. Each worker makes one of its own.
///
/// ```
/// use thalweg::{Collect, Config, Dataflow, Monotone, Replay, process::{Context, Process, Timer}};
///
/// /// Says when a user has done nothing for ten seconds.
/// struct Silence;
/// impl Process<u32, (u32, i64)> for Silence {
///     type State = i64;                                // when the user was last seen
///     type Out = (u32, i64);
///     fn on_record(&mut self, seen: &mut Option<i64>, _: (u32, i64), cx: &mut Context<'_, u32, Self::Out>) {
///         if let Some(seen) = seen.replace(cx.time()) {
///             cx.cancel_timer(seen + 10_000);
///         }
///         cx.set_timer(cx.time() + 10_000);
///     }
///     fn on_timer(&mut self, seen: &mut Option<i64>, _: Timer, cx: &mut Context<'_, u32, Self::Out>) {
///         if let Some(seen) = seen.take() {            // `None`: nothing is kept for this user
///             cx.emit((*cx.key(), seen));
///         }
///     }
/// }
///
/// let mut flow = Dataflow::new("silence");
/// let (sink, silent) = Collect::new();
/// flow.source(Replay::new(vec![(7, 0), (8, 1_000), (7, 5_000)]))
///     .watermarks(Monotone, |seen| seen.1)
///     .key_by(|seen| seen.0)
///     .process(|| Silence)
///     .sink(sink);
/// flow.start(Config::default().workers(1))?.join()?;
/// assert_eq!(silent.take(), [(8, 1_000), (7, 5_000)]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait Process<K: Key, R>: 'static {
    /// What is kept for a key: one value, or a map or a list as an ordinary collection.
    type State: Clone + 'static;
    /// What is emitted. For a second output, emit an [`Either`] and [`divide`](crate::TimedStream::divide) the stream.
    type Out: Send + 'static;

    /// Handles a record of the key `cx.key()`.
    fn on_record(&mut self, state: &mut Option<Self::State>, record: R, cx: &mut Context<'_, K, Self::Out>);

    /// Handles a timer of the key `cx.key()`.
    fn on_timer(&mut self, state: &mut Option<Self::State>, timer: Timer, cx: &mut Context<'_, K, Self::Out>) {
        let _ = (state, timer, cx);
    }

    /// Shows to a snapshot what the function itself remembers, beside the states of its keys: `states.keep(&mut self.count)`. Needed only to
    /// test a job with [snapshots](crate::testing::Driver::snapshot).
    fn states(&mut self, states: &mut States<'_>) {
        let _ = states;
    }

    /// Looks after the state of some key, if [`Keeping::sweep_ms`] asks for it: the place to drop what the watermark has passed. Costs a few
    /// ns a key, where a timer costs some 20 ns to set and as much to fire.
    fn on_sweep(&mut self, state: &mut Option<Self::State>, watermark: EventTime) {
        let _ = (state, watermark);
    }
}

/// A function over records of the family `R`, which may borrow, of each key. [`Process`] is the same for owned records.
///
/// What is kept of a record is copied: a [`Held`](crate::record::Held) keeps it without an allocation for each.
pub trait RowProcess<K: Key, R: Record>: 'static {
    /// What is kept for a key.
    type State: Clone + 'static;
    /// What is emitted.
    type Out: Portable;

    /// Handles a record of the key `cx.key()`.
    fn on_record(&mut self, state: &mut Option<Self::State>, record: R::Of<'_>, cx: &mut RowContext<'_, K, Self::Out>);

    /// Handles a timer of the key `cx.key()`.
    fn on_timer(&mut self, state: &mut Option<Self::State>, timer: Timer, cx: &mut RowContext<'_, K, Self::Out>) {
        let _ = (state, timer, cx);
    }

    /// As [`Process::on_sweep`].
    fn on_sweep(&mut self, state: &mut Option<Self::State>, watermark: EventTime) {
        let _ = (state, watermark);
    }

    /// As [`Process::states`].
    fn states(&mut self, states: &mut States<'_>) {
        let _ = states;
    }
}

/// A [`Process`] as a [`RowProcess`].
pub(crate) struct Owned<P>(pub(crate) P);

impl<K: Key, T: 'static, P: Process<K, T>> RowProcess<K, Own<T>> for Owned<P> {
    type State = P::State;
    type Out = Own<P::Out>;

    #[inline(always)]
    fn on_record(&mut self, state: &mut Option<P::State>, record: T, cx: &mut RowContext<'_, K, Own<P::Out>>) {
        self.0.on_record(state, record, &mut owned(cx));
    }

    #[inline(always)]
    fn on_timer(&mut self, state: &mut Option<P::State>, timer: Timer, cx: &mut RowContext<'_, K, Own<P::Out>>) {
        self.0.on_timer(state, timer, &mut owned(cx));
    }

    #[inline(always)]
    fn on_sweep(&mut self, state: &mut Option<P::State>, watermark: EventTime) {
        self.0.on_sweep(state, watermark);
    }

    fn states(&mut self, states: &mut States<'_>) {
        self.0.states(states);
    }
}

/// The context of a function that emits owned rows.
#[inline(always)]
fn owned<'b, K, O: Send + 'static>(cx: &'b mut RowContext<'_, K, Own<O>>) -> Context<'b, K, O> {
    Context { key: cx.key, time: cx.time, effects: &mut *cx.effects, out: &mut cx.out.rows, of: PhantomData }
}

/// Which timer fires.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Timer {
    /// Event time has passed this time, in ms.
    Event(EventTime),
    /// The clock has come to this time, in ns.
    Clock(Nanos),
}

/// One of two.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Either<L, R> {
    /// The first.
    Left(L),
    /// The second.
    Right(R),
}

/// How a process function is run.
#[derive(Clone)]
pub struct Keeping {
    ttl_ms: Option<i64>,
    sweep_ms: Option<i64>,
    clock: ClockSource,
    keys_max: usize,
}

impl Default for Keeping {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Keeping {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keeping")
            .field("ttl_ms", &self.ttl_ms)
            .field("sweep_ms", &self.sweep_ms)
            .field("keys_max", &self.keys_max)
            .finish_non_exhaustive()
    }
}

impl Keeping {
    /// State for ever, the system's clock, as many keys as memory holds.
    pub fn new() -> Self {
        Self { ttl_ms: None, sweep_ms: None, clock: ClockSource::System(MonotonicClock::new()), keys_max: usize::MAX }
    }

    /// Ends a key's state once no record of the key came for so many ms of event time: a record at or after the last one's time plus
    /// this finds none. Its memory goes when the watermark says that only such records can come.
    #[must_use]
    pub fn ttl_ms(mut self, ttl_ms: i64) -> Self {
        self.ttl_ms = Some(ttl_ms);
        self
    }

    /// As [`ttl_ms`](Self::ttl_ms).
    #[must_use]
    pub fn ttl(self, ttl: Duration) -> Self {
        self.ttl_ms(i64::try_from(ttl.as_millis()).unwrap_or(i64::MAX))
    }

    /// Calls [`Process::on_sweep`] for every key that has state, once in about so many ms of event time, and at the end of the input. A few keys
    /// at each watermark, in no order: a key may be left out now and then, when the table moves.
    #[must_use]
    pub fn sweep_ms(mut self, sweep_ms: i64) -> Self {
        self.sweep_ms = Some(sweep_ms);
        self
    }

    /// Takes processing time from this clock, such as a [`ManualClock`](crate::time::ManualClock) in a test. Who waits for it looks at
    /// it once a millisecond.
    #[must_use]
    pub fn clock(mut self, clock: impl Clock + 'static) -> Self {
        self.clock = ClockSource::Given(Arc::new(clock));
        self
    }

    /// Ends the job with an error when a worker has state for more keys than this.
    #[must_use]
    pub fn keys_max(mut self, keys: usize) -> Self {
        self.keys_max = keys;
        self
    }

    /// Lowers the limit of keys.
    pub(crate) fn keys_at_most(mut self, keys: usize) -> Self {
        self.keys_max = self.keys_max.min(keys);
        self
    }

    pub(crate) fn refuse(&self) -> Option<String> {
        match self.ttl_ms {
            Some(ttl_ms) if ttl_ms <= 0 => Some(format!("a time-to-live of {ttl_ms} ms keeps nothing; give 1 ms or more")),
            _ => match self.sweep_ms {
                Some(sweep_ms) if sweep_ms <= 0 => Some(format!("a sweep every {sweep_ms} ms never ends; give 1 ms or more")),
                _ => None,
            },
        }
    }
}
