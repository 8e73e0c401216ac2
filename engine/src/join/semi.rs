//! The left rows of a tumbling window whose key has a right row there, when it closes: a semi-join.
//!
//! ```text
//!   a window   met     key ─▶ whether a right row came
//!              lefts   [row] [row] …  and their texts in one arena       in the order of arrival
//!
//!   closes ─▶  each left row, if its key was met
//! ```
//!
//! Of the right rows nothing is kept but that they came, and a left row is looked up once, when its window closes. So a row costs less than in
//! the [window join](super::WindowJoin), which keeps both sides for whoever wants to see them; what leaves is lent from where it is kept.

use std::marker::PhantomData;

use crate::{
    error::RunError,
    metrics::Counter,
    operator::{
        Control, EMIT, Operator, States,
        blame::{Site, guard, refuse},
        link::{ChainCx, Step},
    },
    process::Either,
    record::{EitherOf, Own, PairOf, Portable, Record, Timed},
    state::{Key, KeyedState, Partial},
    time::EventTime,
    window::{Beside, Late, OpenWindows, Tumbling, Window, last_time},
};

/// Bytes of texts of a window, at most: half of what 32 bits can say the places of, so that a batch which passes it still fits.
const TEXT_BYTES_MAX: usize = 1 << 31;

/// Whether a key has a right row.
#[derive(Clone, Copy)]
pub(crate) struct Met(bool);

impl Partial for Met {
    fn empty() -> Self {
        Self(false)
    }
    #[inline(always)]
    fn is_empty(&self) -> bool {
        !self.0
    }
}

/// The left rows of a window.
pub(crate) struct Lefts<L: Portable> {
    rows: Vec<L::Fixed>,
    texts: String,
    /// So many rows have been looked up since the window closed.
    looked_up: usize,
}

impl<L: Portable> Default for Lefts<L> {
    fn default() -> Self {
        Self { rows: Vec::new(), texts: String::new(), looked_up: 0 }
    }
}

impl<L: Portable<Fixed: Clone>> Clone for Lefts<L> {
    fn clone(&self) -> Self {
        Self { rows: self.rows.clone(), texts: self.texts.clone(), looked_up: self.looked_up }
    }
}

impl<L: Portable<Fixed: Clone>> Beside for Lefts<L> {
    fn clear(&mut self) {
        self.rows.clear();
        self.texts.clear();
        self.looked_up = 0;
    }
}

impl<L: Portable> Lefts<L> {
    #[inline(always)]
    fn push(&mut self, left: L::Of<'_>) {
        let fixed = L::pack(left, &mut self.texts);
        self.rows.push(fixed);
    }
}

/// A semi-join before it has any state.
pub(crate) struct WindowSemiJoin<L, R, K, F> {
    pub(crate) windows: Tumbling,
    pub(crate) key: F,
    pub(crate) site: Site,
    pub(crate) late: Counter,
    pub(crate) of: PhantomData<fn(L, R) -> K>,
}

impl<L, R, K, F: Clone> Clone for WindowSemiJoin<L, R, K, F> {
    fn clone(&self) -> Self {
        let Self { windows, key, site, late, of } = self;
        Self { windows: *windows, key: key.clone(), site: *site, late: late.clone(), of: *of }
    }
}

impl<L, R, K, F> Step<Timed<EitherOf<L, R>>> for WindowSemiJoin<L, R, K, F>
where
    L: Portable<Fixed: Clone>,
    R: Portable,
    K: Key,
    F: for<'a, 'b> FnMut(&'b Either<L::Of<'a>, R::Of<'a>>) -> K + Clone + Send + 'static,
{
    type Out = Timed<PairOf<L, Own<EventTime>>>;
    fn before<N: Operator<Self::Out> + 'static>(self, next: N, _: ChainCx) -> impl Operator<Timed<EitherOf<L, R>>> + 'static {
        let open = OpenWindows::new(self.windows.into());
        Joining { of: self, open, pending: None, next }
    }
}

struct Joining<L: Portable, R, K, F, N> {
    of: WindowSemiJoin<L, R, K, F>,
    open: OpenWindows<K, Met, Lefts<L>>,
    /// Control that follows once all that fires has left.
    pending: Option<Control>,
    next: N,
}

impl<L, R, K, F, N> Joining<L, R, K, F, N>
where
    L: Portable<Fixed: Clone>,
    R: Portable,
    K: Key,
    F: for<'a, 'b> FnMut(&'b Either<L::Of<'a>, R::Of<'a>>) -> K,
    N: Operator<Timed<PairOf<L, Own<EventTime>>>>,
{
    /// Keeps rows as long as they belong to the current window and their keys are where the table has room; returns the one that breaks the
    /// run.
    #[inline(always)]
    fn run<'a>(
        &mut self,
        rows: &mut impl Iterator<Item = (EventTime, Either<L::Of<'a>, R::Of<'a>>)>,
    ) -> Option<(EventTime, Either<L::Of<'a>, R::Of<'a>>)> {
        let Self { of: WindowSemiJoin { windows, key, site, .. }, open, .. } = self;
        let Some(Window { start, table, beside: lefts }) = open.current() else { return rows.next() };
        let (start, size_ms, mut met) = (*start, windows.size_ms().cast_unsigned(), table.as_direct());
        loop {
            let (time, row) = rows.next()?;
            // One unsigned comparison for both ends of the window.
            if time.wrapping_sub(start).cast_unsigned() >= size_ms {
                return Some((time, row));
            }
            match row {
                Either::Left(left) => lefts.push(left),
                right => {
                    let key = guard(*site, || key(&right));
                    match met.as_mut().and_then(|met| met.slot(key.bits())) {
                        Some(met) => *met = Met(true),
                        None => return Some((time, right)),
                    }
                }
            }
        }
    }

    /// Shows what fires, as far as it goes. `true` once all has left.
    #[cold]
    fn fire(&mut self) -> Result<bool, RunError> {
        let Self { of: WindowSemiJoin { windows, key, site, .. }, open, pending, next } = self;
        while let Some(Window { start, table, beside: Lefts { rows, texts, looked_up } }) = open.first_firing() {
            if !next.ready()? {
                return Ok(false);
            }
            let (start, time) = (*start, last_time(*start, windows.size_ms()));
            let some = rows.iter().skip(*looked_up).take(EMIT);
            *looked_up += EMIT;
            next.process(some.filter_map(|fixed| {
                let left = Either::Left(L::unpack(fixed.clone(), texts));
                table.get(&guard(*site, || key(&left)))?;
                match left {
                    Either::Left(left) => Some((time, (left, start))),
                    Either::Right(_) => None,
                }
            }));
            if *looked_up >= rows.len() {
                open.has_fired();
            }
        }
        if !next.ready()? {
            return Ok(false);
        }
        match pending.take() {
            None => Ok(true),
            Some(control) => {
                next.control(control);
                next.ready()
            }
        }
    }

    #[cold]
    #[inline(never)]
    fn too_much(&self) -> RunError {
        refuse(self.of.site, "this worker keeps 2 GiB of texts of a window; give shorter windows, or more workers".into())
    }
}

impl<L, R, K, F, N> Operator<Timed<EitherOf<L, R>>> for Joining<L, R, K, F, N>
where
    L: Portable<Fixed: Clone>,
    R: Portable,
    K: Key,
    F: for<'a, 'b> FnMut(&'b Either<L::Of<'a>, R::Of<'a>>) -> K,
    N: Operator<Timed<PairOf<L, Own<EventTime>>>>,
{
    #[inline(always)]
    fn process<'a, I>(&mut self, mut rows: I)
    where
        I: Iterator<Item = <Timed<EitherOf<L, R>> as Record>::Of<'a>>,
    {
        while let Some((time, row)) = self.run(&mut rows) {
            let Self { of: WindowSemiJoin { windows, key, site, late, .. }, open, .. } = self;
            match open.enter(windows.start(time)) {
                Ok(Window { table, beside: lefts, .. }) => match row {
                    Either::Left(left) => lefts.push(left),
                    right => *table.slot(&guard(*site, || key(&right))) = Met(true),
                },
                Err(Late) => late.add(1),
            }
        }
    }

    fn control(&mut self, control: Control) {
        match control {
            Control::Watermark(watermark) => self.open.close(watermark),
            Control::End => self.open.close(EventTime::MAX),
            Control::Idle | Control::Barrier(_) => {}
        }
        self.pending = Some(control);
    }

    #[inline(always)]
    fn ready(&mut self) -> Result<bool, RunError> {
        if self.open.besides().any(|lefts| lefts.texts.len() > TEXT_BYTES_MAX) {
            return Err(self.too_much());
        }
        if self.pending.is_none() { self.next.ready() } else { self.fire() }
    }

    fn states(&mut self, states: &mut States<'_>) {
        let Self { of, open, pending: _, next } = self;
        states.same(&of.windows.size_ms());
        states.keep(open);
        next.states(states);
    }
}
