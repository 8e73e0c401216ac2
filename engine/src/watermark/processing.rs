//! Processing time as the time of records: all windows over event time then work over processing time too.
//!
//! ```text
//!   clock      ──┬───────┬───────┬──▶        each record gets the clock's time, read once a batch
//!                tick    tick    tick        at each: watermark tick − 1, also while no record comes
//! ```
//!
//! Law: a worker's clock never goes back, so no record comes behind its watermark, and none is late.

use std::{
    sync::Arc,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use crate::{
    error::RunError,
    metrics::{Gauge, Gauges},
    operator::{
        Control, Operator, States,
        link::{ChainCx, Step},
    },
    record::{Record, Timed},
    runtime::alarm,
    time::{Clock, EventTime, MonotonicClock, Nanos},
};

const NANOS_PER_MS: u64 = 1_000_000;
/// A clock given by somebody else is looked at this often.
const LOOK_AGAIN: Duration = Duration::from_millis(1);

/// Which clock gives records their time, and how often it tells those behind how far it is.
///
/// ```
/// use std::time::Duration;
/// use thalweg::{Collect, Config, Count, Dataflow, Generate, ProcessingTime, Tumbling, Windowed, time::ManualClock};
///
/// let clock = ManualClock::new();
/// clock.advance(Duration::from_secs(7));
/// let mut flow = Dataflow::new("per ten seconds of processing time");
/// let (sink, rows) = Collect::<Windowed<u64, u64>>::new();
/// flow.source(Generate::new(100, |i| i))
///     .processing_time(ProcessingTime::new().clock(clock))
///     .key_by(|i| i % 2)
///     .window(Tumbling::seconds(10))
///     .aggregate(Count)
///     .sink(sink);
/// flow.start(Config::default())?.join()?;
/// assert!(rows.take().iter().all(|row| (row.start, row.end, row.value) == (0, 10_000, 50)));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct ProcessingTime {
    clock: ClockSource,
    tick_ms: u64,
}

#[derive(Clone)]
enum ClockSource {
    /// The system's monotonic clock, and what it said at the Unix epoch.
    System { clock: MonotonicClock, epoch: Nanos },
    /// Somebody else's, who says only what time it is.
    Given(Arc<dyn Clock>),
}

impl ClockSource {
    fn now_ms(&self) -> u64 {
        let nanos = match self {
            Self::System { clock, epoch } => epoch.saturating_add(clock.now()),
            Self::Given(clock) => clock.now(),
        };
        nanos / NANOS_PER_MS
    }
}

impl std::fmt::Debug for ProcessingTime {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ProcessingTime").field("tick_ms", &self.tick_ms).finish_non_exhaustive()
    }
}

impl Default for ProcessingTime {
    fn default() -> Self {
        Self::new()
    }
}

impl ProcessingTime {
    /// Milliseconds since the Unix epoch, as the system's clock has them now; steps of that clock later on do not show. Ticks of 10 ms.
    pub fn new() -> Self {
        let epoch = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| u64::try_from(since.as_nanos()).unwrap_or(0));
        Self { clock: ClockSource::System { clock: MonotonicClock::new(), epoch }, tick_ms: 10 }
    }

    /// Another clock, such as a [`ManualClock`](crate::time::ManualClock) in a test; times are milliseconds since its origin.
    #[must_use]
    pub fn clock(mut self, clock: impl Clock + 'static) -> Self {
        self.clock = ClockSource::Given(Arc::new(clock));
        self
    }

    /// How often windows learn how late it is, in whole milliseconds: a window whose end is a multiple of it fires then, others at the next one.
    /// Each tick wakes an idle worker.
    #[must_use]
    pub fn tick(mut self, tick: Duration) -> Self {
        self.tick_ms = u64::try_from(tick.as_millis()).unwrap_or(u64::MAX);
        self
    }

    pub(crate) fn refuse(&self) -> Option<String> {
        (self.tick_ms == 0).then(|| "a tick of less than 1 ms; give 1 ms or more".into())
    }
}

/// Tells ticks of a clock, once each.
#[derive(Clone)]
pub(crate) struct Ticks {
    time: ProcessingTime,
    /// The next tick that is told.
    next_ms: u64,
}

impl Ticks {
    pub(crate) fn new(time: ProcessingTime) -> Self {
        Self { time, next_ms: 0 }
    }

    /// The last tick that has passed and was not told. If there is none, sees to it that the worker is awake for the next.
    pub(crate) fn tick(&mut self) -> Option<u64> {
        let (now_ms, tick_ms) = (self.time.clock.now_ms(), self.time.tick_ms);
        if now_ms < self.next_ms {
            let left = Duration::from_millis(self.next_ms - now_ms);
            let given = matches!(self.time.clock, ClockSource::Given(_));
            alarm::wake_by(Instant::now() + if given { left.min(LOOK_AGAIN) } else { left });
            return None;
        }
        let tick = now_ms - now_ms % tick_ms;
        self.next_ms = tick.saturating_add(tick_ms);
        Some(tick)
    }

    /// When the next tick is due; the clock is the job's own.
    pub(crate) fn states(&mut self, states: &mut States<'_>) {
        states.keep(&mut self.next_ms);
    }
}

/// Puts the clock's time beside each record, and a watermark after each tick.
#[derive(Clone)]
pub(crate) struct ClockTimes<N = (), G = Gauges> {
    ticks: Ticks,
    ended: bool,
    next: N,
    gauge: G,
}

impl ClockTimes {
    pub(crate) fn new(time: ProcessingTime, gauge: Gauges) -> Self {
        Self { ticks: Ticks::new(time), ended: false, next: (), gauge }
    }
}

impl<R: Record> Step<R> for ClockTimes {
    type Out = Timed<R>;
    fn before<N: Operator<Timed<R>> + 'static>(self, next: N, cx: ChainCx) -> impl Operator<R> + 'static {
        ClockTimes { ticks: self.ticks, ended: false, next, gauge: self.gauge.add(cx.instance) }
    }
}

fn time_of(now_ms: u64) -> EventTime {
    // Nanoseconds in 64 bits are fewer milliseconds than an event time can say.
    EventTime::try_from(now_ms).unwrap_or(EventTime::MAX)
}

impl<R: Record, N: Operator<Timed<R>>> Operator<R> for ClockTimes<N, Gauge> {
    #[inline(always)]
    fn process<'a, I>(&mut self, records: I)
    where
        I: Iterator<Item = R::Of<'a>>,
    {
        let now = time_of(self.ticks.time.clock.now_ms());
        self.next.process(records.map(|record| (now, record)));
    }

    fn control(&mut self, control: Control) {
        self.ended |= control == Control::End;
        // Watermarks from further up are of another clock; and this one goes on though no input is there.
        if !matches!(control, Control::Watermark(_) | Control::Idle) {
            self.next.control(control);
        }
    }

    #[inline]
    fn ready(&mut self) -> Result<bool, RunError> {
        if !self.next.ready()? {
            return Ok(false);
        }
        if self.ended {
            return Ok(true);
        }
        match self.ticks.tick() {
            None => Ok(true),
            Some(tick) => {
                let watermark = time_of(tick) - 1;
                self.gauge.set(watermark);
                self.next.control(Control::Watermark(watermark));
                self.next.ready()
            }
        }
    }

    fn states(&mut self, states: &mut States<'_>) {
        self.ticks.states(states);
        states.keep(&mut self.ended);
        self.next.states(states);
    }
}
