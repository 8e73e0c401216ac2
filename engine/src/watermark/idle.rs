//! Inputs that fall silent: event time goes on without them.
//!
//! ```text
//!   records …  pause longer than the timeout ─▶ Idle in band: merges leave this input out
//!   record     comes again ────────────────────▶ its last watermark again: merges wait for this input once more
//! ```
//!
//! Law: as long as what is behind takes no more, the time does not count: a blocked input is not idle.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use crate::{
    error::RunError,
    operator::{
        Control, Operator, States,
        link::{ChainCx, Step},
    },
    record::{Record, Timed},
    runtime::alarm,
    time::{Clock, EventTime, Nanos},
};

/// A clock given by somebody else is looked at this often.
const LOOK_AGAIN: Duration = Duration::from_millis(1);

/// Declares its input idle after a time without records.
#[derive(Clone)]
pub(crate) struct IdleAfter<N = ()> {
    after: Nanos,
    clock: Arc<dyn Clock>,
    /// When the input was last known not to be idle; none if that is to be noted at the next call.
    since: Option<Nanos>,
    idle: bool,
    ended: bool,
    watermark: EventTime,
    /// Tells the watermark again, since the input is back.
    back: bool,
    next: N,
}

impl IdleAfter {
    pub(crate) fn new(after: Duration, clock: Arc<dyn Clock>) -> Self {
        let after = u64::try_from(after.as_nanos()).unwrap_or(u64::MAX);
        Self { after, clock, since: None, idle: false, ended: false, watermark: EventTime::MIN, back: false, next: () }
    }
}

impl<R: Record> Step<Timed<R>> for IdleAfter {
    type Out = Timed<R>;
    fn before<N: Operator<Timed<R>> + 'static>(self, next: N, _: ChainCx) -> impl Operator<Timed<R>> + 'static {
        let Self { after, clock, since, idle, ended, watermark, back, next: () } = self;
        IdleAfter { after, clock, since, idle, ended, watermark, back, next }
    }
}

impl<N> IdleAfter<N> {
    /// Whether the input has just become idle. If not, sees to it that the worker is awake when it does.
    fn falls_silent(&mut self) -> bool {
        let now = self.clock.now();
        let since = *self.since.get_or_insert(now);
        let left = self.after.saturating_sub(now.saturating_sub(since));
        if left > 0 {
            alarm::wake_by(Instant::now() + Duration::from_nanos(left).min(LOOK_AGAIN));
        }
        left == 0
    }
}

impl<R: Record, N: Operator<Timed<R>>> Operator<Timed<R>> for IdleAfter<N> {
    #[inline(always)]
    fn process<'a, I>(&mut self, records: I)
    where
        I: Iterator<Item = (EventTime, R::Of<'a>)>,
    {
        self.since = None;
        self.back |= std::mem::replace(&mut self.idle, false);
        self.next.process(records);
    }

    fn control(&mut self, control: Control) {
        match control {
            Control::Watermark(watermark) => {
                self.watermark = watermark;
                self.back = false;
            }
            Control::Idle => self.idle = true,
            Control::End => self.ended = true,
            Control::Barrier(_) => {}
        }
        self.next.control(control);
    }

    #[inline]
    fn ready(&mut self) -> Result<bool, RunError> {
        if !self.next.ready()? {
            self.since = None;
            return Ok(false);
        }
        if self.back {
            self.back = false;
            if self.watermark > EventTime::MIN {
                self.next.control(Control::Watermark(self.watermark));
                return self.next.ready();
            }
        }
        if !self.idle && !self.ended && self.falls_silent() {
            self.idle = true;
            self.next.control(Control::Idle);
            return self.next.ready();
        }
        Ok(true)
    }

    fn states(&mut self, states: &mut States<'_>) {
        let Self { after: _, clock: _, since, idle, ended, watermark, back, next } = self;
        states.keep(since);
        states.keep(idle);
        states.keep(ended);
        states.keep(watermark);
        states.keep(back);
        next.states(states);
    }
}
