//! The operator that runs a process function behind the edge that brings each record to its key's owner.
//!
//! As in a window aggregate, the loop over a batch is a sequence of runs: within a run the keys index the table directly, and a record costs
//! a bounds check beside the function itself. A key that the table has to change for breaks the run.

use std::{collections::VecDeque, marker::PhantomData, time::Duration, time::Instant};

use super::{
    Context, Keeping, Process, Timer,
    context::{ClockSource, Effects},
    expiry::Expiry,
    store::Kept,
};
use crate::{
    error::RunError,
    metrics::Counter,
    operator::{
        Control, EMIT, Operator,
        blame::{self, Site, guard},
        link::{ChainCx, Step},
    },
    record::{Own, Record, Timed},
    runtime::alarm,
    state::Key,
    time::EventTime,
};

/// Timers that fire in one go before the worker may see to other things.
const TIMERS_A_STEP: usize = 1 << 16;
/// How often a clock that only says what time it is, is looked at while somebody waits for it.
const LOOK_AGAIN: Duration = Duration::from_millis(1);

/// A process function before it has any state.
pub(crate) struct ProcessStep<T, F, M, P> {
    pub(crate) key: F,
    pub(crate) make: M,
    pub(crate) keeping: Keeping,
    pub(crate) site: Site,
    pub(crate) late: Counter,
    pub(crate) of: PhantomData<fn(T) -> P>,
}

impl<T, F: Clone, M: Clone, P> Clone for ProcessStep<T, F, M, P> {
    fn clone(&self) -> Self {
        let Self { key, make, keeping, site, late, of } = self;
        Self { key: key.clone(), make: make.clone(), keeping: keeping.clone(), site: *site, late: late.clone(), of: *of }
    }
}

impl<T, K, F, M, P> Step<Timed<Own<T>>> for ProcessStep<T, (F, PhantomData<fn() -> K>), M, P>
where
    T: Send + 'static,
    K: Key,
    F: FnMut(&T) -> K + Clone + Send + 'static,
    M: Fn() -> P + Clone + Send + 'static,
    P: Process<K, T>,
{
    type Out = Timed<Own<P::Out>>;
    fn before<N: Operator<Self::Out> + 'static>(self, next: N, _: ChainCx) -> impl Operator<Timed<Own<T>>> + 'static {
        let Self { key: (key, _), make, keeping, site, late, .. } = self;
        Processing {
            key,
            function: guard(site, make),
            site,
            late,
            states: Kept::new(),
            keys_max: keeping.keys_max,
            expiry: keeping.ttl_ms.map(Expiry::new),
            effects: Effects::new(keeping.clock, EMIT),
            waiting: VecDeque::new(),
            pending: None,
            granted: false,
            fault: None,
            next,
        }
    }
}

struct Processing<T, K, F, P: Process<K, T>, N>
where
    K: Key,
{
    key: F,
    function: P,
    site: Site,
    late: Counter,
    states: Kept<K, Option<P::State>>,
    keys_max: usize,
    expiry: Option<Expiry<K>>,
    effects: Effects<K, P::Out>,
    /// Records of the last batch that found downstream full.
    waiting: VecDeque<(EventTime, T)>,
    /// Control that follows once the timers that it fires have left.
    pending: Option<Control>,
    /// Downstream has said that it takes a batch, and has not got one since.
    granted: bool,
    fault: Option<RunError>,
    next: N,
}

/// How a run of records ended.
enum Ran {
    /// No record is left.
    Out,
    /// As many rows as make a batch are there.
    Full,
}

impl<T, K, F, P, N> Processing<T, K, F, P, N>
where
    T: 'static,
    K: Key,
    F: FnMut(&T) -> K,
    P: Process<K, T>,
    N: Operator<Timed<Own<P::Out>>>,
{
    #[inline(always)]
    fn run(&mut self, records: &mut impl Iterator<Item = (EventTime, T)>) -> Ran {
        loop {
            let Some((time, record)) = records.next() else { return Ran::Out };
            let key = guard(self.site, || (self.key)(&record));
            let odd =
                if K::INTEGER && self.expiry.is_none() { self.run_direct(records, time, key, record) } else { Some((time, key, record)) };
            if let Some((time, key, record)) = odd {
                self.on_record(time, &key, record);
            } else if self.effects.out.len() < EMIT {
                return Ran::Out;
            }
            if self.effects.out.len() >= EMIT {
                return Ran::Full;
            }
        }
    }

    /// Works records off as long as the table indexes their keys directly; returns the one that breaks the run. With none, either no record
    /// is left, or enough rows are there.
    #[inline(always)]
    fn run_direct(
        &mut self,
        records: &mut impl Iterator<Item = (EventTime, T)>,
        mut time: EventTime,
        mut key: K,
        mut record: T,
    ) -> Option<(EventTime, K, T)> {
        let Self { key: key_of, function, site, states, effects, .. } = self;
        let site = *site;
        let Some(mut direct) = states.table.as_direct() else { return Some((time, key, record)) };
        let (mut born, mut gone) = (0, 0);
        let odd = loop {
            let Some(state) = direct.slot(key.bits()) else { break Some((time, key, record)) };
            let before = state.is_some();
            guard(site, || function.on_record(state, record, &mut Context { key: &key, time, effects }));
            born += usize::from(!before & state.is_some());
            gone += usize::from(before & state.is_none());
            if effects.out.len() >= EMIT {
                break None;
            }
            match records.next() {
                None => break None,
                Some(next) => (time, record) = next,
            }
            key = guard(site, || key_of(&record));
        };
        states.change(born, gone);
        odd
    }

    fn on_record(&mut self, time: EventTime, key: &K, record: T) {
        let Self { function, site, states, expiry, effects, .. } = self;
        if let Some(expiry) = expiry
            && expiry.is_over(key, time)
        {
            states.take(key);
        }
        let has_state = states.with(key, |state| {
            guard(*site, || function.on_record(state, record, &mut Context { key, time, effects }));
            state.is_some()
        });
        if let Some(expiry) = expiry
            && has_state
        {
            expiry.touch(key, time);
        }
    }

    fn on_timer(&mut self, timer: Timer, key: &K) {
        let Self { function, site, states, expiry, effects, .. } = self;
        let time = match timer {
            Timer::Event(time) => time,
            Timer::Clock(_) => effects.passed.saturating_add(1),
        };
        if let Some(expiry) = expiry
            && expiry.is_over(key, time)
        {
            states.take(key);
        }
        let (before, now) = states.with(key, |state| {
            let before = state.is_some();
            guard(*site, || function.on_timer(state, timer, &mut Context { key, time, effects }));
            (before, state.is_some())
        });
        if let Some(expiry) = expiry
            && now & !before
        {
            expiry.touch(key, time);
        }
    }

    /// Passes the rows on, if downstream takes them.
    fn flush(&mut self) -> bool {
        if self.effects.out.is_empty() {
            return true;
        }
        if !std::mem::take(&mut self.granted) {
            match self.next.ready() {
                Ok(true) => {}
                Ok(false) => return false,
                Err(fault) => {
                    self.fault = Some(fault);
                    return false;
                }
            }
        }
        self.next.process(self.effects.out.drain(..));
        true
    }

    /// Works off what waits: records, then timers, then the control that fired them. `true` once all has left.
    #[cold]
    #[inline(never)]
    fn catch_up(&mut self) -> Result<bool, RunError> {
        self.granted = false;
        let mut fired = 0;
        loop {
            let is_full = self.effects.out.len() >= EMIT;
            if is_full && !self.flush() {
                return self.fault.take().map_or(Ok(false), Err);
            }
            if let Some((time, record)) = self.waiting.pop_front() {
                let key = guard(self.site, || (self.key)(&record));
                self.on_record(time, &key, record);
                continue;
            }
            let Some((timer, key)) = self.due() else { break };
            self.on_timer(timer, &key);
            fired += 1;
            if self.effects.failure.is_some() {
                break;
            }
            if fired == TIMERS_A_STEP {
                self.flush();
                return self.fault.take().map_or(Ok(false), Err);
            }
        }
        self.check()?;
        if !self.flush() || !self.next.ready()? {
            return self.fault.take().map_or(Ok(false), Err);
        }
        if let Some(control) = self.pending.take() {
            if let Control::Watermark(_) | Control::End = control {
                self.effects.passed = self.effects.passed.max(self.effects.watermark);
                self.expire();
            }
            self.next.control(control);
        }
        let ready = self.next.ready()?;
        self.granted = ready;
        Ok(ready)
    }

    /// The next timer that must fire before anything else happens.
    fn due(&mut self) -> Option<(Timer, K)> {
        let effects = &mut self.effects;
        if let Some(Control::Watermark(_) | Control::End) = self.pending
            && let Some((time, key)) = effects.timers.take_due(effects.watermark)
        {
            effects.passed = effects.passed.max(time);
            return Some((Timer::Event(time), key));
        }
        if effects.clock_timers.is_empty() {
            return None;
        }
        let now = if effects.at_end { i64::MAX } else { i64::try_from(effects.now()).unwrap_or(i64::MAX) };
        effects.clock_timers.take_due(now).map(|(time, key)| (Timer::Clock(time.cast_unsigned()), key))
    }

    /// Ends the state of keys that no later record can find.
    fn expire(&mut self) {
        if let Some(expiry) = &mut self.expiry {
            while let Some(key) = expiry.take_over(self.effects.watermark) {
                self.states.take(&key);
            }
            expiry.tidy();
        }
        self.states.tidy();
        self.effects.timers.tidy();
        self.effects.clock_timers.tidy();
    }

    /// Whether processing time asks for something; if not yet, makes sure that the worker is awake when it does.
    #[cold]
    fn is_clock_due(&mut self) -> bool {
        let effects = &mut self.effects;
        let Some(earliest) = effects.clock_timers.earliest() else { return false };
        let left = earliest.cast_unsigned().saturating_sub(effects.now());
        if left > 0 {
            let wait = Duration::from_nanos(left);
            alarm::wake_by(Instant::now() + if let ClockSource::System(_) = effects.clock { wait } else { wait.min(LOOK_AGAIN) });
        }
        left == 0
    }

    /// Reports what the function or a limit has refused.
    fn check(&mut self) -> Result<(), RunError> {
        if let Some(fault) = self.fault.take() {
            return Err(fault);
        }
        if self.states.keys() > self.keys_max {
            let why = format!("this worker has state for more than {} keys; raise keys_max, or give a time-to-live", self.keys_max);
            self.effects.failure.get_or_insert(why);
        }
        match self.effects.failure.take() {
            None => Ok(()),
            Some(why) => Err(blame::refuse(self.site, why)),
        }
    }
}

impl<T, K, F, P, N> Operator<Timed<Own<T>>> for Processing<T, K, F, P, N>
where
    T: 'static,
    K: Key,
    F: FnMut(&T) -> K,
    P: Process<K, T>,
    N: Operator<Timed<Own<P::Out>>>,
{
    #[inline(always)]
    fn process<'a, I>(&mut self, mut records: I)
    where
        I: Iterator<Item = <Timed<Own<T>> as Record>::Of<'a>>,
    {
        while let Ran::Full = self.run(&mut records) {
            if !self.flush() {
                self.waiting.extend(records);
                return;
            }
        }
        self.flush();
    }

    fn control(&mut self, control: Control) {
        match control {
            Control::Watermark(watermark) => self.effects.watermark = self.effects.watermark.max(watermark),
            Control::End => {
                self.effects.watermark = EventTime::MAX;
                self.effects.at_end = true;
            }
            Control::Idle | Control::Barrier(_) => {}
        }
        self.pending = Some(control);
    }

    #[inline(always)]
    fn ready(&mut self) -> Result<bool, RunError> {
        self.effects.now = None;
        self.late.add(std::mem::take(&mut self.effects.late));
        let is_idle = self.pending.is_none() & self.waiting.is_empty() & self.effects.out.is_empty();
        if self.fault.is_some() || self.effects.failure.is_some() || self.states.keys() > self.keys_max {
            self.check()?;
        }
        if is_idle && (self.effects.clock_timers.is_empty() || !self.is_clock_due()) {
            self.granted = self.next.ready()?;
            Ok(self.granted)
        } else {
            self.catch_up()
        }
    }
}
