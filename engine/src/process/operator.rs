//! The operator that runs a process function behind the edge that brings each record to its key's owner.
//!
//! As in a window aggregate, the loop over a batch is a sequence of runs: within a run the table finds every key as it is, and a record with
//! a dense key costs a bounds check beside the function itself. A key that the table has to change for breaks the run.

use std::{collections::VecDeque, marker::PhantomData, time::Duration, time::Instant};

use super::{
    Keeping, RowProcess, Timer,
    context::{ClockSource, Context, Effects},
    expiry::Expiry,
    store::Kept,
};
use crate::{
    error::RunError,
    metrics::Counter,
    operator::{
        Control, EMIT, Operator, States,
        blame::{self, Site, guard},
        link::{ChainCx, Step},
    },
    record::{Parcel, Portable, Record, Timed},
    runtime::alarm,
    state::{Direct, Key, Probe},
    time::EventTime,
};

/// Timers that fire in one go before the worker may see to other things.
const TIMERS_A_STEP: usize = 1 << 16;
/// How often a clock that only says what time it is, is looked at while somebody waits for it.
const LOOK_AGAIN: Duration = Duration::from_millis(1);

/// A process function before it has any state.
pub(crate) struct ProcessStep<R, F, M, P> {
    pub(crate) key: F,
    pub(crate) make: M,
    pub(crate) keeping: Keeping,
    pub(crate) site: Site,
    pub(crate) late: Counter,
    pub(crate) of: PhantomData<fn(R) -> P>,
}

impl<R, F: Clone, M: Clone, P> Clone for ProcessStep<R, F, M, P> {
    fn clone(&self) -> Self {
        let Self { key, make, keeping, site, late, of } = self;
        Self { key: key.clone(), make: make.clone(), keeping: keeping.clone(), site: *site, late: late.clone(), of: *of }
    }
}

impl<R, K, F, M, P> Step<Timed<R>> for ProcessStep<R, (F, PhantomData<fn() -> K>), M, P>
where
    R: Portable,
    K: Key,
    F: for<'a, 'b> FnMut(&'b R::Of<'a>) -> K + Clone + Send + 'static,
    M: Fn() -> P + Clone + Send + 'static,
    P: RowProcess<K, R>,
{
    type Out = Timed<P::Out>;
    fn before<N: Operator<Self::Out> + 'static>(self, next: N, _: ChainCx) -> impl Operator<Timed<R>> + 'static {
        let Self { key: (key, _), make, keeping, site, late, .. } = self;
        Processing::<R, _, _, _, _> {
            key,
            function: guard(site, make),
            site,
            late,
            states: Kept::new(),
            keys_max: keeping.keys_max,
            expiry: keeping.ttl_ms.map(Expiry::new),
            sweep: keeping.sweep_ms.map(Sweep::every),
            effects: Effects::new(keeping.clock),
            out: Parcel::with_capacity(EMIT),
            waiting: Waiting::default(),
            pending: None,
            granted: false,
            fault: None,
            next,
        }
    }
}

struct Processing<R: Portable, K, F, P: RowProcess<K, R>, N>
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
    sweep: Option<Sweep>,
    effects: Effects<K>,
    out: Parcel<P::Out>,
    waiting: Waiting<R>,
    /// Control that follows once the timers that it fires have left.
    pending: Option<Control>,
    /// Downstream has said that it takes a batch, and has not got one since.
    granted: bool,
    fault: Option<RunError>,
    next: N,
}

/// A walk over all keys that goes on with event time.
#[derive(Clone)]
struct Sweep {
    every_ms: i64,
    /// The watermark up to which it has gone on; `None` before the first.
    done: Option<EventTime>,
    /// The slot that is next.
    at: usize,
}

impl Sweep {
    fn every(every_ms: i64) -> Self {
        Self { every_ms, done: None, at: 0 }
    }

    /// How many of `places` slots are due at a watermark.
    fn due(&mut self, watermark: EventTime, places: usize) -> usize {
        let passed = self.done.map_or(0, |done| watermark.saturating_sub(done));
        self.done = Some(watermark);
        let due = (places as i128 * i128::from(passed.max(0))).div_euclid(i128::from(self.every_ms)) + 1;
        usize::try_from(due).map_or(places, |due| due.min(places))
    }
}

/// Records of the last batch that found downstream full.
struct Waiting<R: Portable> {
    rows: VecDeque<(EventTime, R::Fixed)>,
    texts: String,
}

impl<R: Portable> Default for Waiting<R> {
    fn default() -> Self {
        Self { rows: VecDeque::new(), texts: String::new() }
    }
}

impl<R: Portable> Waiting<R> {
    fn extend<'a>(&mut self, records: impl Iterator<Item = (EventTime, R::Of<'a>)>) {
        for (time, record) in records {
            let fixed = R::pack(record, &mut self.texts);
            self.rows.push_back((time, fixed));
        }
    }
}

/// How a run of records ended.
enum Ran {
    /// No record is left.
    Out,
    /// As many rows as make a batch are there.
    Full,
}

impl<R, K, F, P, N> Processing<R, K, F, P, N>
where
    R: Portable,
    K: Key,
    F: for<'a, 'b> FnMut(&'b R::Of<'a>) -> K,
    P: RowProcess<K, R>,
    N: Operator<Timed<P::Out>>,
{
    #[inline(always)]
    fn run<'a>(&mut self, records: &mut impl Iterator<Item = (EventTime, R::Of<'a>)>) -> Ran {
        loop {
            let Some((time, record)) = records.next() else { return Ran::Out };
            let key = guard(self.site, || (self.key)(&record));
            let odd =
                if K::INTEGER && self.expiry.is_none() { self.run_integer(records, time, key, record) } else { Some((time, key, record)) };
            if let Some((time, key, record)) = odd {
                self.on_record(time, &key, record);
            } else if !self.out.is_full(EMIT) {
                return Ran::Out;
            }
            if self.out.is_full(EMIT) {
                return Ran::Full;
            }
        }
    }

    /// Works records off as long as the table finds their keys as they are; returns the one that breaks the run. With none, either no
    /// record is left, or enough rows are there.
    #[inline(always)]
    fn run_integer<'a>(
        &mut self,
        records: &mut impl Iterator<Item = (EventTime, R::Of<'a>)>,
        time: EventTime,
        key: K,
        record: R::Of<'a>,
    ) -> Option<(EventTime, K, R::Of<'a>)> {
        let Self { key: key_of, function, site, states, effects, out, .. } = self;
        let mut born_gone = (0, 0);
        let odd = if let Some(direct) = states.table.as_direct() {
            run_slots::<R, _, _>(direct, function, effects, out, *site, &mut born_gone, key_of, records, (time, key, record))
        } else if let Some(probe) = states.table.as_probe() {
            run_slots::<R, _, _>(probe, function, effects, out, *site, &mut born_gone, key_of, records, (time, key, record))
        } else {
            Some((time, key, record))
        };
        states.change(born_gone.0, born_gone.1);
        odd
    }

    fn on_record(&mut self, time: EventTime, key: &K, record: R::Of<'_>) {
        let Self { function, site, states, expiry, effects, out, .. } = self;
        if let Some(expiry) = expiry
            && expiry.is_over(key, time)
        {
            states.take(key);
        }
        let has_state = states.with(key, |state| {
            guard(*site, || function.on_record(state, record, &mut Context { key, time, effects, out, of: PhantomData }));
            state.is_some()
        });
        if let Some(expiry) = expiry
            && has_state
        {
            expiry.touch(key, time);
        }
    }

    fn on_timer(&mut self, timer: Timer, key: &K) {
        let Self { function, site, states, expiry, effects, out, .. } = self;
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
            guard(*site, || function.on_timer(state, timer, &mut Context { key, time, effects, out, of: PhantomData }));
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
        if self.out.is_empty() {
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
        self.next.process(self.out.drain());
        self.out.clear();
        true
    }

    /// Works off what waits: records, then timers, then the control that fired them. `true` once all has left.
    #[cold]
    #[inline(never)]
    fn catch_up(&mut self) -> Result<bool, RunError> {
        self.granted = false;
        let mut fired = 0;
        loop {
            let is_full = self.out.is_full(EMIT);
            if is_full && !self.flush() {
                return self.fault.take().map_or(Ok(false), Err);
            }
            if let Some((time, fixed)) = self.waiting.rows.pop_front() {
                let texts = std::mem::take(&mut self.waiting.texts);
                let record = R::unpack(fixed, &texts);
                let key = guard(self.site, || (self.key)(&record));
                self.on_record(time, &key, record);
                self.waiting.texts = texts;
                continue;
            }
            self.waiting.texts.clear();
            let Some((timer, key)) = self.due() else { break };
            self.on_timer(timer, &key);
            fired += 1;
            if self.effects.failure.is_some() {
                break;
            }
            if fired == TIMERS_A_STEP {
                alarm::wake_by(Instant::now());
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

    /// Ends the state of keys that no later record can find, and sweeps.
    fn expire(&mut self) {
        if let Some(expiry) = &mut self.expiry {
            while let Some(key) = expiry.take_over(self.effects.watermark) {
                self.states.take(&key);
            }
            expiry.tidy();
        }
        if let Some(sweep) = &mut self.sweep {
            let Self { function, site, states, effects, .. } = self;
            let places = states.table.places();
            let due = if effects.at_end { places } else { sweep.due(effects.watermark, places) };
            if effects.at_end {
                sweep.at = 0;
            }
            states.visit(&mut sweep.at, due, |state| guard(*site, || function.on_sweep(state, effects.watermark)));
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

/// A table's slots, borrowed for a run.
trait Slots<V> {
    /// The slot of a key that is placed.
    fn find(&mut self, bits: u64) -> Option<&mut V>;
}

impl<V> Slots<V> for Direct<'_, V> {
    #[inline(always)]
    fn find(&mut self, bits: u64) -> Option<&mut V> {
        self.slot(bits)
    }
}

impl<V> Slots<V> for Probe<'_, V> {
    #[inline(always)]
    fn find(&mut self, bits: u64) -> Option<&mut V> {
        self.slot(bits)
    }
}

/// The run itself, over what it needs and no more, so that it stays in registers.
#[inline(always)]
#[allow(clippy::too_many_arguments)] // Parts of one operator, borrowed apart from one another.
fn run_slots<'a, R: Portable, K: Key, P: RowProcess<K, R>>(
    mut slots: impl Slots<Option<P::State>>,
    function: &mut P,
    effects: &mut Effects<K>,
    out: &mut Parcel<P::Out>,
    site: Site,
    (born, gone): &mut (usize, usize),
    key_of: &mut impl FnMut(&R::Of<'a>) -> K,
    records: &mut impl Iterator<Item = (EventTime, R::Of<'a>)>,
    (mut time, mut key, mut record): (EventTime, K, R::Of<'a>),
) -> Option<(EventTime, K, R::Of<'a>)> {
    loop {
        let Some(state) = slots.find(key.bits()) else { return Some((time, key, record)) };
        let before = state.is_some();
        guard(site, || function.on_record(state, record, &mut Context { key: &key, time, effects, out, of: PhantomData }));
        *born += usize::from(!before & state.is_some());
        *gone += usize::from(before & state.is_none());
        if out.is_full(EMIT) {
            return None;
        }
        match records.next() {
            None => return None,
            Some(next) => (time, record) = next,
        }
        key = guard(site, || key_of(&record));
    }
}

impl<R, K, F, P, N> Operator<Timed<R>> for Processing<R, K, F, P, N>
where
    R: Portable,
    K: Key,
    F: for<'a, 'b> FnMut(&'b R::Of<'a>) -> K,
    P: RowProcess<K, R>,
    N: Operator<Timed<P::Out>>,
{
    #[inline(always)]
    fn process<'a, I>(&mut self, mut records: I)
    where
        I: Iterator<Item = <Timed<R> as Record>::Of<'a>>,
    {
        if !self.waiting.rows.is_empty() {
            // Another part of a batch whose first part did not fit.
            self.waiting.extend(records);
            return;
        }
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
        let is_idle = self.pending.is_none() & self.waiting.rows.is_empty() & self.out.is_empty();
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

    fn states(&mut self, states: &mut States<'_>) {
        let Self { function, states: of_keys, expiry, sweep, effects, next, .. } = self;
        let Effects { timers, clock_timers, watermark, passed, at_end, .. } = effects;
        states.keep(of_keys);
        states.keep(expiry);
        states.keep(sweep);
        states.keep(timers);
        states.keep(clock_timers);
        states.keep(watermark);
        states.keep(passed);
        states.keep(at_end);
        function.states(states);
        next.states(states);
    }
}
