//! The first half of a window aggregate: each worker's own partials, per open window and key.
//!
//! The loop over a batch is a sequence of runs. Within a run all records belong to the current window and their keys index its table
//! directly, so that a record costs two comparisons and an update in place. A record that breaks the run is handled with all the care it
//! needs (another window, a late record, a key that makes the table change), and the next run begins.

use super::{
    Tumbling, WindowPartial,
    assign::Slices,
    last_time, limit,
    open::{NEIGHBOURS, OpenWindows},
};
use crate::{
    error::RunError,
    metrics::Counter,
    operator::{
        Control, EMIT, Operator, States,
        aggregate::Aggregate,
        blame::{Site, guard},
        link::{ChainCx, Step},
    },
    record::{Own, Record, Timed},
    state::{Direct, Key, KeyedState},
    time::EventTime,
};

/// What a window aggregate is made of, before it has any state.
pub(crate) struct Combine<F, A> {
    pub(crate) key: F,
    /// The windows, or the slices that they are made of.
    pub(crate) windows: Tumbling,
    /// How windows are made of slices.
    pub(crate) slices: Slices,
    pub(crate) aggregate: A,
    pub(crate) site: Site,
    pub(crate) late: Counter,
    pub(crate) open_max: usize,
}

impl<F: Clone, A: Clone> Clone for Combine<F, A> {
    fn clone(&self) -> Self {
        let Self { key, windows, slices, aggregate, site, late, open_max } = self;
        Self {
            key: key.clone(),
            windows: *windows,
            slices: *slices,
            aggregate: aggregate.clone(),
            site: *site,
            late: late.clone(),
            open_max: *open_max,
        }
    }
}

/// Carries the key's type, which `Combine` leaves open.
pub(crate) struct CombineStep<F, A, K>(pub(crate) Combine<F, A>, pub(crate) std::marker::PhantomData<fn() -> K>);

impl<F: Clone, A: Clone, K> Clone for CombineStep<F, A, K> {
    fn clone(&self) -> Self {
        Self(self.0.clone(), self.1)
    }
}

impl<R, F, K, A> Step<Timed<R>> for CombineStep<F, A, K>
where
    R: Record,
    F: for<'a, 'b> FnMut(&'b R::Of<'a>) -> K + Clone + Send + 'static,
    K: Key,
    A: Aggregate<R>,
{
    type Out = Own<WindowPartial<K, A::Partial>>;
    fn before<N: Operator<Self::Out> + 'static>(self, next: N, cx: ChainCx) -> impl Operator<Timed<R>> + 'static {
        Combining::new(self.0, cx.instances, next)
    }
}

/// So many runs in a batch mean that records of several windows alternate ...
const BREAKS: u32 = 8;
/// ... and that they will in so many batches more, after which it is looked at again.
const MIXED_BATCHES: u32 = 64;

/// Records that are looked at ahead.
const AHEAD: usize = 16;

/// Whether the times of the next [`AHEAD`] records are in the window.
#[inline(always)]
fn all_within<T>(mut ahead: impl Iterator<Item = (EventTime, T)>, start: EventTime, size_ms: u64) -> bool {
    for _ in 0..AHEAD {
        match ahead.next() {
            Some((time, _)) if time.wrapping_sub(start).cast_unsigned() < size_ms => {}
            _ => return false,
        }
    }
    true
}

/// Keeps partials per window and key, and passes them on when the watermark passes the window.
pub(crate) struct Combining<F, A, K, P, N> {
    of: Combine<F, A>,
    /// No other worker's partials meet these.
    alone: bool,
    /// Late records may open a window again.
    lenient: bool,
    /// Batches to go in which records of several windows are expected to alternate.
    mixed: u32,
    open: OpenWindows<K, P>,
    emitted: Vec<WindowPartial<K, P>>,
    /// The first watermark that passes a window which no earlier one did.
    passes_next: EventTime,
    /// The input is idle, as those behind have been told.
    idle: bool,
    /// Control that follows once all that fires has left.
    pending: Option<Control>,
    next: N,
}

impl<F, A, K: Key, P: crate::state::Partial, N> Combining<F, A, K, P, N> {
    pub(crate) fn new(of: Combine<F, A>, instances: usize, next: N) -> Self {
        let (open, lenient) = (OpenWindows::new(of.slices), of.slices.is_lenient());
        Self {
            of,
            alone: instances <= 1,
            lenient,
            mixed: 0,
            open,
            emitted: Vec::with_capacity(EMIT),
            passes_next: EventTime::MIN,
            idle: false,
            pending: None,
            next,
        }
    }

    /// Works records off as long as they belong to one of a few neighbouring windows, whose tables take them; returns the one that breaks the run.
    ///
    /// Where records of two windows alternate, nobody can predict which one is next, so it is computed.
    #[inline(always)]
    fn run_mixed<'a, R, I>(&mut self, records: &mut I) -> Option<(EventTime, K, R::Of<'a>)>
    where
        R: Record,
        F: for<'b, 'c> FnMut(&'c R::Of<'b>) -> K,
        A: Aggregate<R, Partial = P>,
        I: Iterator<Item = (EventTime, R::Of<'a>)>,
    {
        let Combine { key, windows, aggregate, site, .. } = &mut self.of;
        let site = *site;
        let Some((first, mut neighbours)) = self.open.neighbours(windows.size_ms()) else {
            self.mixed = 0;
            return self.run::<R, I>(records);
        };
        // Not to overflow: `neighbours` has seen to it.
        let size_ms = windows.size_ms().cast_unsigned();
        let bounds: [u64; NEIGHBOURS] = std::array::from_fn(|at| (at as u64 + 1) * size_ms);
        loop {
            let (time, record) = records.next()?;
            let key = guard(site, || key(&record));
            let ahead = time.wrapping_sub(first).cast_unsigned();
            let window = bounds.iter().fold(0, |window, bound| window + usize::from(ahead >= *bound));
            if let Some(slots) = neighbours.get_mut(window)
                && let Some(partial) = slots.slot_of(&key)
            {
                guard(site, || aggregate.lift(partial, &record));
            } else {
                return Some((time, key, record));
            }
        }
    }

    /// Works records off as long as they belong to the current window and its table takes them; returns the one that breaks the run.
    #[inline(always)]
    fn run<'a, R, I>(&mut self, records: &mut I) -> Option<(EventTime, K, R::Of<'a>)>
    where
        R: Record,
        F: for<'b, 'c> FnMut(&'c R::Of<'b>) -> K,
        A: Aggregate<R, Partial = P>,
        I: Iterator<Item = (EventTime, R::Of<'a>)>,
    {
        let Combine { key, windows, aggregate, site, .. } = &mut self.of;
        let site = *site;
        let Some(window) = self.open.current() else {
            let (time, record) = records.next()?;
            let key = guard(site, || key(&record));
            return Some((time, key, record));
        };
        let start = window.start;
        // One unsigned comparison for both ends of the window.
        let size_ms = windows.size_ms().cast_unsigned();
        if K::INTEGER
            && let Some(mut direct) = window.table.as_direct()
        {
            loop {
                let (time, record) = records.next()?;
                let key = guard(site, || key(&record));
                if time.wrapping_sub(start).cast_unsigned() < size_ms
                    && let Some(partial) = direct.slot_of(&key)
                {
                    guard(site, || aggregate.lift(partial, &record));
                } else {
                    return Some((time, key, record));
                }
            }
        }
        if K::INTEGER
            && let Some(mut probe) = window.table.as_probe()
        {
            loop {
                let (time, record) = records.next()?;
                let key = guard(site, || key(&record));
                if time.wrapping_sub(start).cast_unsigned() < size_ms
                    && let Some(partial) = probe.slot(key.bits())
                {
                    guard(site, || aggregate.lift(partial, &record));
                } else {
                    return Some((time, key, record));
                }
            }
        }
        loop {
            let (time, record) = records.next()?;
            let key = guard(site, || key(&record));
            if time.wrapping_sub(start).cast_unsigned() >= size_ms {
                return Some((time, key, record));
            }
            let partial = window.table.slot(&key);
            guard(site, || aggregate.lift(partial, &record));
        }
    }

    /// As [`run`](Self::run), with a look ahead as long as there are enough records.
    #[inline(always)]
    fn run_ahead<'a, R, I>(&mut self, records: &mut I) -> Option<(EventTime, K, R::Of<'a>)>
    where
        R: Record,
        F: for<'b, 'c> FnMut(&'c R::Of<'b>) -> K,
        A: Aggregate<R, Partial = P>,
        I: Iterator<Item = (EventTime, R::Of<'a>)> + Clone,
    {
        if K::INTEGER
            && let Some(window) = self.open.current()
            && let Some(mut direct) = window.table.as_direct()
        {
            let (of, start) = (&mut self.of, window.start);
            let broken = match direct.plain::<K>() {
                Some(plain) => Self::look_ahead::<R, I>(of, start, plain, records),
                None => Self::look_ahead::<R, I>(of, start, direct, records),
            };
            if broken.is_some() {
                return broken;
            }
        }
        self.run::<R, I>(records)
    }

    /// Looks at the times of some records ahead, and if all are in the window that begins at `start`, works them off without another look; over and
    /// over. Returns a record that has no slot, or none: the next ones have to be worked off one by one then.
    ///
    /// Nothing is kept from the look, and the record that has no slot is made once more, so that what a record has beside its key is loaded where it is
    /// used. That is worth more than the look costs: a loop that may have to hand on the record, with its time, keeps all of it in registers.
    #[inline(always)]
    fn look_ahead<'a, R, I>(
        Combine { key, windows, aggregate, site, .. }: &mut Combine<F, A>,
        start: EventTime,
        mut direct: Direct<'_, P>,
        records: &mut I,
    ) -> Option<(EventTime, K, R::Of<'a>)>
    where
        R: Record,
        F: for<'b, 'c> FnMut(&'c R::Of<'b>) -> K,
        A: Aggregate<R, Partial = P>,
        I: Iterator<Item = (EventTime, R::Of<'a>)> + Clone,
    {
        let (site, size_ms) = (*site, windows.size_ms().cast_unsigned());
        while records.size_hint().0 >= AHEAD && all_within(records.clone(), start, size_ms) {
            for _ in 0..AHEAD {
                let mut again = records.clone();
                let (_, record) = records.next()?;
                let key = guard(site, || key(&record));
                match direct.slot_of(&key) {
                    Some(partial) => guard(site, || aggregate.lift(partial, &record)),
                    None => return again.next().map(|(time, record)| (time, key, record)),
                }
            }
        }
        None
    }

    /// Works a batch off in runs, each made by `run`, which returns the record that breaks it.
    #[inline(always)]
    fn process_runs<'a, R, I>(&mut self, records: &mut I, mut run: impl FnMut(&mut Self, &mut I) -> Option<(EventTime, K, R::Of<'a>)>)
    where
        R: Record,
        F: for<'b, 'c> FnMut(&'c R::Of<'b>) -> K,
        A: Aggregate<R, Partial = P>,
        I: Iterator<Item = (EventTime, R::Of<'a>)>,
    {
        let mut breaks = 0;
        loop {
            let broken = if K::INTEGER && self.mixed > 0 { self.run_mixed::<R, I>(records) } else { run(self, records) };
            let Some((time, key, record)) = broken else { break };
            breaks += 1;
            if breaks == BREAKS {
                self.mixed = MIXED_BATCHES;
            }
            if let Some(partial) = Self::enter(&mut self.open, &self.of, time, &key) {
                let Combine { aggregate, site, .. } = &mut self.of;
                guard(*site, || aggregate.lift(partial, &record));
            }
        }
        self.mixed = self.mixed.saturating_sub(1);
        if self.lenient {
            self.open.close_reopened();
        }
    }

    /// Finds the partial of a record of another window, or of one that the current table has to change for; none if the record is late.
    ///
    /// Takes the key alone, so that a record's fields need not be loaded for it.
    #[cold]
    #[inline(never)]
    fn enter<'o>(open: &'o mut OpenWindows<K, P>, of: &Combine<F, A>, time: EventTime, key: &K) -> Option<&'o mut P> {
        match open.enter(of.windows.start(time)) {
            Ok(window) => Some(window.table.slot(key)),
            Err(super::open::Late) => {
                of.late.add(1);
                None
            }
        }
    }

    /// Emits what fires, as far as it goes. `true` once all has left.
    #[cold]
    fn emit(&mut self) -> Result<bool, RunError>
    where
        N: Operator<Own<WindowPartial<K, P>>>,
        P: 'static,
    {
        while self.open.is_firing() {
            if !self.next.ready()? {
                return Ok(false);
            }
            let emitted = &mut self.emitted;
            self.open.take_some(EMIT, |start, key, partial| emitted.push(WindowPartial { key, start, partial }));
            self.next.process(emitted.drain(..));
        }
        if !self.next.ready()? {
            return Ok(false);
        }
        match self.pending.take() {
            None => Ok(true),
            Some(control) => {
                self.next.control(control);
                self.next.ready()
            }
        }
    }
}

impl<R, F, A, K, N> Operator<Timed<R>> for Combining<F, A, K, A::Partial, N>
where
    R: Record,
    F: for<'a, 'b> FnMut(&'b R::Of<'a>) -> K,
    K: Key,
    A: Aggregate<R>,
    N: Operator<Own<WindowPartial<K, A::Partial>>>,
{
    #[inline(always)]
    fn process<'a, I>(&mut self, mut records: I)
    where
        I: Iterator<Item = (EventTime, R::Of<'a>)>,
    {
        self.process_runs::<R, I>(&mut records, Self::run::<R, I>);
    }

    #[inline(always)]
    fn process_ahead<'a, I>(&mut self, mut records: I)
    where
        I: DoubleEndedIterator<Item = (EventTime, R::Of<'a>)> + Clone,
    {
        self.process_runs::<R, I>(&mut records, Self::run_ahead::<R, I>);
    }

    fn control(&mut self, control: Control) {
        self.pending = match control {
            Control::Watermark(watermark) => {
                let back = std::mem::take(&mut self.idle);
                // All that leaves here has the last time of a window, so nothing is to be told downstream before the watermark passes one;
                // and then it is known that nothing comes before the last time of the next.
                // Windows that may change later have to know how far event time is.
                if watermark < self.passes_next && !self.lenient {
                    if back {
                        // No new promise: what was told last, so that they wait for this input again.
                        self.pending = Some(Control::Watermark(self.passes_next.saturating_sub(1)));
                    }
                    return;
                }
                self.open.close(watermark);
                if self.lenient {
                    self.pending = Some(control);
                    return;
                }
                let start = self.of.windows.start(watermark.saturating_add(1));
                self.passes_next = last_time(start, self.of.windows.size_ms());
                Some(Control::Watermark(self.passes_next.saturating_sub(1)))
            }
            Control::End => {
                self.open.close(EventTime::MAX);
                Some(control)
            }
            Control::Idle => {
                self.idle = true;
                // Event time goes on without this worker, so what it has must not stay here.
                if !self.alone {
                    self.open.pass_on();
                }
                Some(control)
            }
            Control::Barrier(_) => Some(control),
        };
    }

    #[inline(always)]
    fn ready(&mut self) -> Result<bool, RunError> {
        limit(self.open.len(), self.of.open_max, self.of.site)?;
        if self.pending.is_none() && !(self.lenient && self.open.is_firing()) { self.next.ready() } else { self.emit() }
    }

    fn states(&mut self, states: &mut States<'_>) {
        let Self { of, alone: _, lenient: _, mixed: _, open, emitted: _, passes_next, idle, pending: _, next } = self;
        states.same(&of.slices);
        states.keep(open);
        states.keep(passes_next);
        states.keep(idle);
        next.states(states);
    }
}
