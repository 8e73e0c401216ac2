//! The first half of a window aggregate: each worker's own partials, per open window and key.
//!
//! The loop over a batch is a sequence of runs. Within a run all records belong to the current window and their keys index its table
//! directly, so that a record costs two comparisons and an update in place. A record that breaks the run is handled with all the care it
//! needs (another window, a late record, a key that makes the table change), and the next run begins.
//!
//! A table that exceeds the near caches is asked for ahead: records are taken in groups, each of which first says what it will need, so that
//! the waits for memory overlap. In a small table that would cost more than the waits.

use super::{Tumbling, WindowPartial, assign::Slices, last_time, limit, open::OpenWindows};
use crate::{
    error::RunError,
    metrics::Counter,
    operator::{
        Control, EMIT, Operator,
        aggregate::Aggregate,
        blame::{Site, guard},
        link::{ChainCx, Step},
    },
    record::{Own, Record, Timed},
    state::{Key, KeyedState},
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

/// What a run has to know.
#[derive(Clone, Copy)]
struct Window {
    site: Site,
    size_ms: i64,
}

/// What the loops over a batch only read.
struct Shared<'o> {
    windows: Tumbling,
    window: Window,
    late: &'o Counter,
}

/// Keeps partials per window and key, and passes them on when the watermark passes the window.
pub(crate) struct Combining<F, A, K, P, N> {
    of: Combine<F, A>,
    /// No other worker's partials meet these.
    alone: bool,
    /// Late records may open a window again.
    lenient: bool,
    open: OpenWindows<K, P>,
    emitted: Vec<WindowPartial<K, P>>,
    /// The first watermark that passes a window which no earlier one did.
    passes_next: EventTime,
    /// Control that follows once all that fires has left.
    pending: Option<Control>,
    next: N,
}

/// A table of more bytes than this is asked for ahead.
const LARGE_BYTES: usize = 2 << 20;
/// Records of a group.
const GROUP: usize = 24;

impl<F, A, K: Key, P: crate::state::Partial, N> Combining<F, A, K, P, N> {
    pub(crate) fn new(of: Combine<F, A>, instances: usize, next: N) -> Self {
        let (open, lenient) = (OpenWindows::new(of.slices), of.slices.is_lenient());
        Self {
            of,
            alone: instances <= 1,
            lenient,
            open,
            emitted: Vec::with_capacity(EMIT),
            passes_next: EventTime::MIN,
            pending: None,
            next,
        }
    }

    /// Works records off as long as they belong to the current window and its table takes them; returns the one that breaks the run, with
    /// its event time less the window's start (less 0 without a window): the loop has that at hand, and no register for the time itself.
    #[inline(always)]
    fn run<'a, R, I>(open: &mut OpenWindows<K, P>, aggregate: &mut A, of: Window, records: &mut I) -> Option<(i64, K, R::Of<'a>)>
    where
        R: Record,
        A: Aggregate<R, Partial = P>,
        I: Iterator<Item = (EventTime, K, R::Of<'a>)>,
    {
        let Window { site, size_ms } = of;
        let Some(window) = open.current() else { return records.next() };
        let start = window.start;
        // One unsigned comparison for both ends of the window.
        let size_ms = size_ms.cast_unsigned();
        if K::INTEGER
            && let Some(mut direct) = window.table.as_direct()
        {
            loop {
                let (time, key, record) = records.next()?;
                let offset = time.wrapping_sub(start);
                if offset.cast_unsigned() < size_ms
                    && let Some(partial) = direct.slot(key.bits())
                {
                    guard(site, || aggregate.lift(partial, &record));
                } else {
                    return Some((offset, key, record));
                }
            }
        }
        if K::INTEGER
            && let Some(mut probe) = window.table.as_probe()
        {
            loop {
                let (time, key, record) = records.next()?;
                let offset = time.wrapping_sub(start);
                if offset.cast_unsigned() < size_ms
                    && let Some(partial) = probe.slot(key.bits())
                {
                    guard(site, || aggregate.lift(partial, &record));
                } else {
                    return Some((offset, key, record));
                }
            }
        }
        loop {
            let (time, key, record) = records.next()?;
            let offset = time.wrapping_sub(start);
            if offset.cast_unsigned() >= size_ms {
                return Some((offset, key, record));
            }
            let partial = window.table.slot(&key);
            guard(site, || aggregate.lift(partial, &record));
        }
    }

    /// Works all records off.
    #[inline(always)]
    fn work<'a, R, I>(open: &mut OpenWindows<K, P>, aggregate: &mut A, of: &Shared<'_>, mut records: I)
    where
        R: Record,
        A: Aggregate<R, Partial = P>,
        I: Iterator<Item = (EventTime, K, R::Of<'a>)>,
    {
        while let Some((offset, key, record)) = Self::run::<R, I>(open, aggregate, of.window, &mut records) {
            if let Some(partial) = Self::enter(open, of, offset, &key) {
                guard(of.window.site, || aggregate.lift(partial, &record));
            }
        }
    }

    /// As [`work`](Self::work), for tables that exceed the caches.
    #[inline(always)]
    fn work_ahead<'a, R, I>(open: &mut OpenWindows<K, P>, aggregate: &mut A, of: &Shared<'_>, mut records: I)
    where
        R: Record,
        A: Aggregate<R, Partial = P>,
        I: Iterator<Item = (EventTime, K, R::Of<'a>)>,
    {
        let mut group = [const { None }; GROUP];
        loop {
            let mut filled = 0;
            for (place, record) in group.iter_mut().zip(&mut records) {
                if let Some(window) = open.current() {
                    window.table.hint(&record.1);
                }
                *place = Some(record);
                filled += 1;
            }
            Self::work_group::<R>(open, aggregate, of, &mut group[..filled]);
            if filled < GROUP {
                return;
            }
        }
    }

    /// A function of its own, so that what the batch's iterator refers to (the highest event time, say) stays in registers elsewhere.
    #[inline(never)]
    fn work_group<'a, R>(open: &mut OpenWindows<K, P>, aggregate: &mut A, of: &Shared<'_>, group: &mut [Option<(EventTime, K, R::Of<'a>)>])
    where
        R: Record,
        A: Aggregate<R, Partial = P>,
    {
        Self::work::<R, _>(open, aggregate, of, group.iter_mut().filter_map(Option::take));
    }

    /// Finds the partial of a record of another window, or of one that the current table has to change for; none if the record is late.
    ///
    /// Takes the key alone, so that a record's fields need not be loaded for it.
    #[cold]
    #[inline(never)]
    fn enter<'o>(open: &'o mut OpenWindows<K, P>, of: &Shared<'_>, offset: i64, key: &K) -> Option<&'o mut P> {
        let time = open.current().map_or(0, |window| window.start).wrapping_add(offset);
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
    fn process<'a, I>(&mut self, records: I)
    where
        I: Iterator<Item = (EventTime, R::Of<'a>)>,
    {
        let Self { of: Combine { key, windows, aggregate, site, late, .. }, open, .. } = self;
        let site = *site;
        let shared = Shared { windows: *windows, window: Window { site, size_ms: windows.size_ms() }, late };
        let keyed = records.map(|(time, record)| {
            let key = guard(site, || key(&record));
            (time, key, record)
        });
        if open.current().is_some_and(|window| window.table.memory_bytes() > LARGE_BYTES) {
            Self::work_ahead::<R, _>(open, aggregate, &shared, keyed);
        } else {
            Self::work::<R, _>(open, aggregate, &shared, keyed);
        }
        if self.lenient {
            self.open.close_reopened();
        }
    }

    fn control(&mut self, control: Control) {
        self.pending = match control {
            Control::Watermark(watermark) => {
                // All that leaves here has the last time of a window, so nothing is to be told downstream before the watermark passes one;
                // and then it is known that nothing comes before the last time of the next.
                // Windows that may change later have to know how far event time is.
                if watermark < self.passes_next && !self.lenient {
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
}
