//! The rows of both sides in one tumbling window, together when it closes.
//!
//! ```text
//!   a window   keys    key ─▶ first and last row of either side
//!              lefts   [row, next] [row, next] …  and their texts in one arena       in the order of arrival; the rows of a key are chained
//!              rights  [row, next] …
//! ```
//!
//! A row that comes is appended to its window's rows and to its key's chain; a window that has fired is emptied as a whole, and its memory
//! is the next one's. So there is no timer, no vector for a key, and no allocation once windows have reached their size.

use std::{fmt, marker::PhantomData};

use super::TwoSided;
use crate::{
    error::RunError,
    metrics::Counter,
    operator::{
        Control, EMIT, Operator, States,
        blame::{Site, guard, refuse},
        link::{ChainCx, Step},
    },
    process::Either,
    record::{Parcel, Portable, Record, Timed},
    state::{Key, KeyedState, Partial},
    time::EventTime,
    window::{Beside, Late, OpenWindows, Tumbling, last_time},
};

/// Keys whose rows are shown before it is seen whether results should leave.
const KEYS_A_STEP: usize = 64;
/// Rows on a worker, and bytes of texts on a side of a window, at most: half of what 32 bits can say the places of, so that a batch which
/// passes it still fits.
const PLACES_MAX: usize = 1 << 31;

/// The rows of one side of a window.
pub(crate) struct Side<R: Portable> {
    /// Each with the place of the next one of its key, if there is one.
    rows: Vec<(R::Fixed, u32)>,
    texts: String,
}

impl<R: Portable> Default for Side<R> {
    fn default() -> Self {
        Self { rows: Vec::new(), texts: String::new() }
    }
}

impl<R: Portable<Fixed: Clone>> Clone for Side<R> {
    fn clone(&self) -> Self {
        Self { rows: self.rows.clone(), texts: self.texts.clone() }
    }
}

impl<R: Portable> Side<R> {
    #[inline(always)]
    fn push(&mut self, row: R::Of<'_>, chain: &mut Chain) {
        // Fits: `ready` refuses more than half as many.
        let place = self.rows.len() as u32;
        let fixed = R::pack(row, &mut self.texts);
        if chain.rows == 0 {
            chain.first = place;
        } else if let Some((_, next)) = self.rows.get_mut(chain.last as usize) {
            *next = place;
        }
        self.rows.push((fixed, 0));
        chain.last = place;
        chain.rows += 1;
    }
}

/// The rows of both sides.
pub(crate) struct BothSides<X: TwoSided> {
    lefts: Side<X::Left>,
    rights: Side<X::Right>,
}

impl<X: TwoSided> Default for BothSides<X> {
    fn default() -> Self {
        Self { lefts: Side::default(), rights: Side::default() }
    }
}

impl<X: TwoSided> Clone for BothSides<X> {
    fn clone(&self) -> Self {
        Self { lefts: self.lefts.clone(), rights: self.rights.clone() }
    }
}

impl<X: TwoSided> Beside for BothSides<X> {
    fn clear(&mut self) {
        self.lefts.rows.clear();
        self.lefts.texts.clear();
        self.rights.rows.clear();
        self.rights.texts.clear();
    }
}

impl<X: TwoSided> BothSides<X> {
    fn text_bytes(&self) -> usize {
        self.lefts.texts.len().max(self.rights.texts.len())
    }

    #[inline(always)]
    fn push(&mut self, row: X::Of<'_>, chains: &mut Chains) {
        match X::side(row) {
            Either::Left(left) => self.lefts.push(left, &mut chains.lefts),
            Either::Right(right) => self.rights.push(right, &mut chains.rights),
        }
    }
}

/// The rows of a key on one side. All is 0 if there are none: so a processor empties a chain without putting its parts together first.
#[derive(Clone, Copy)]
struct Chain {
    first: u32,
    last: u32,
    rows: u32,
}

impl Chain {
    const EMPTY: Self = Self { first: 0, last: 0, rows: 0 };

    fn of<R: Portable>(self, side: &Side<R>) -> WindowRows<'_, R> {
        WindowRows { side, next: self.first, left: self.rows }
    }
}

/// The rows of a key. There is a row.
#[derive(Clone, Copy)]
pub(crate) struct Chains {
    lefts: Chain,
    rights: Chain,
}

impl Partial for Chains {
    fn empty() -> Self {
        Self { lefts: Chain::EMPTY, rights: Chain::EMPTY }
    }
    #[inline(always)]
    fn is_empty(&self) -> bool {
        (self.lefts.rows | self.rights.rows) == 0
    }
}

/// The rows of one side of a key and a window, in the order in which they came: an iterator, to be cloned by who wants to see them again.
pub struct WindowRows<'a, R: Portable> {
    side: &'a Side<R>,
    next: u32,
    left: u32,
}

impl<R: Portable> Clone for WindowRows<'_, R> {
    fn clone(&self) -> Self {
        Self { ..*self }
    }
}

impl<R: Portable> fmt::Debug for WindowRows<'_, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WindowRows").field("left", &self.left).finish_non_exhaustive()
    }
}

impl<'a, R: Portable<Fixed: Clone>> Iterator for WindowRows<'a, R> {
    type Item = R::Of<'a>;

    #[inline]
    fn next(&mut self) -> Option<R::Of<'a>> {
        self.left = self.left.checked_sub(1)?;
        let (fixed, next) = self.side.rows.get(self.next as usize)?;
        self.next = *next;
        Some(R::unpack(fixed.clone(), &self.side.texts))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left as usize, Some(self.left as usize))
    }
}

impl<R: Portable<Fixed: Clone>> ExactSizeIterator for WindowRows<'_, R> {}

/// Takes the results of a key and a window. Their time is the window's last.
pub struct WindowOut<'a, U: Portable> {
    time: EventTime,
    out: &'a mut Parcel<U>,
}

impl<U: Portable> fmt::Debug for WindowOut<'_, U> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WindowOut").field("time", &self.time).finish_non_exhaustive()
    }
}

impl<U: Portable> WindowOut<'_, U> {
    /// Emits a row. What it borrows is copied.
    #[inline(always)]
    pub fn emit(&mut self, row: U::Of<'_>) {
        self.out.push(self.time, row);
    }
}

/// A window join before it has any state.
pub(crate) struct WindowJoin<X, K, U, F, T> {
    pub(crate) windows: Tumbling,
    pub(crate) key: F,
    pub(crate) together: T,
    pub(crate) rows_max: usize,
    pub(crate) site: Site,
    pub(crate) late: Counter,
    pub(crate) of: PhantomData<fn(X) -> (K, U)>,
}

impl<X, K, U, F: Clone, T: Clone> Clone for WindowJoin<X, K, U, F, T> {
    fn clone(&self) -> Self {
        let Self { windows, key, together, rows_max, site, late, of } = self;
        let (key, together) = (key.clone(), together.clone());
        Self { windows: *windows, key, together, rows_max: *rows_max, site: *site, late: late.clone(), of: *of }
    }
}

impl<X, K, U, F, T> Step<Timed<X>> for WindowJoin<X, K, U, F, T>
where
    X: TwoSided,
    K: Key,
    U: Portable,
    F: for<'a, 'b> FnMut(&'b X::Of<'a>) -> K + Clone + Send + 'static,
    T: FnMut(&K, EventTime, WindowRows<'_, X::Left>, WindowRows<'_, X::Right>, &mut WindowOut<'_, U>) + Clone + Send + 'static,
{
    type Out = Timed<U>;
    fn before<N: Operator<Timed<U>> + 'static>(self, next: N, _: ChainCx) -> impl Operator<Timed<X>> + 'static {
        let open = OpenWindows::new(self.windows.into());
        Joining { of: self, open, kept: 0, out: Parcel::with_capacity(EMIT), pending: None, next }
    }
}

struct Joining<X: TwoSided, K, U: Portable, F, T, N> {
    of: WindowJoin<X, K, U, F, T>,
    open: OpenWindows<K, Chains, BothSides<X>>,
    /// Rows in all windows.
    kept: usize,
    out: Parcel<U>,
    /// Control that follows once all that fires has left.
    pending: Option<Control>,
    next: N,
}

impl<X, K, U, F, T, N> Joining<X, K, U, F, T, N>
where
    X: TwoSided,
    K: Key,
    U: Portable,
    F: for<'a, 'b> FnMut(&'b X::Of<'a>) -> K,
    T: FnMut(&K, EventTime, WindowRows<'_, X::Left>, WindowRows<'_, X::Right>, &mut WindowOut<'_, U>),
    N: Operator<Timed<U>>,
{
    /// Keeps rows as long as they belong to the current window; returns the one that breaks the run.
    #[inline(always)]
    fn run<'a>(&mut self, rows: &mut impl Iterator<Item = (EventTime, X::Of<'a>)>) -> Option<(EventTime, K, X::Of<'a>)> {
        let WindowJoin { windows, key, site, .. } = &mut self.of;
        let (mut current, size_ms) = (self.open.current(), windows.size_ms().cast_unsigned());
        loop {
            let (time, row) = rows.next()?;
            let key = guard(*site, || key(&row));
            match &mut current {
                // One unsigned comparison for both ends of the window.
                Some(window) if time.wrapping_sub(window.start).cast_unsigned() < size_ms => {
                    window.beside.push(row, window.table.slot(&key));
                    self.kept += 1;
                }
                _ => return Some((time, key, row)),
            }
        }
    }

    /// Passes results on, if there are enough of them. `false` if downstream takes none now.
    fn flush(&mut self, enough: usize) -> Result<bool, RunError> {
        if self.out.len() < enough {
            return Ok(true);
        }
        if !self.next.ready()? {
            return Ok(false);
        }
        self.next.process(self.out.drain());
        self.out.clear();
        Ok(true)
    }

    /// Shows what fires, as far as it goes. `true` once all has left.
    #[cold]
    fn fire(&mut self) -> Result<bool, RunError> {
        while self.open.is_firing() {
            if !self.flush(EMIT)? {
                return Ok(false);
            }
            let Self { of: WindowJoin { windows, together, site, .. }, open, kept, out, .. } = self;
            open.take_some_beside(KEYS_A_STEP, |start, BothSides { lefts, rights }, key, chains: Chains| {
                *kept -= chains.lefts.rows as usize + chains.rights.rows as usize;
                let mut out = WindowOut { time: last_time(start, windows.size_ms()), out };
                guard(*site, || together(&key, start, chains.lefts.of(lefts), chains.rights.of(rights), &mut out));
            });
        }
        if !self.flush(1)? || !self.next.ready()? {
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

    /// Refuses to keep more than is allowed, or than there are places for.
    #[cold]
    #[inline(never)]
    fn too_much(&self) -> RunError {
        let WindowJoin { rows_max, site, .. } = self.of;
        let why = if self.kept > rows_max {
            format!("this worker keeps more than {rows_max} rows; raise rows_max, or join within a time")
        } else {
            "this worker keeps 2 billion rows, or 2 GiB of texts on a side of a window; give shorter windows, or more workers".into()
        };
        refuse(site, why)
    }
}

impl<X, K, U, F, T, N> Operator<Timed<X>> for Joining<X, K, U, F, T, N>
where
    X: TwoSided,
    K: Key,
    U: Portable,
    F: for<'a, 'b> FnMut(&'b X::Of<'a>) -> K,
    T: FnMut(&K, EventTime, WindowRows<'_, X::Left>, WindowRows<'_, X::Right>, &mut WindowOut<'_, U>),
    N: Operator<Timed<U>>,
{
    #[inline(always)]
    fn process<'a, I>(&mut self, mut rows: I)
    where
        I: Iterator<Item = <Timed<X> as Record>::Of<'a>>,
    {
        while let Some((time, key, row)) = self.run(&mut rows) {
            match self.open.enter(self.of.windows.start(time)) {
                Ok(window) => {
                    window.beside.push(row, window.table.slot(&key));
                    self.kept += 1;
                }
                Err(Late) => self.of.late.add(1),
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
        if self.kept > self.of.rows_max.min(PLACES_MAX) || self.open.besides().any(|sides| sides.text_bytes() > PLACES_MAX) {
            return Err(self.too_much());
        }
        if self.pending.is_none() { self.next.ready() } else { self.fire() }
    }

    fn states(&mut self, states: &mut States<'_>) {
        let Self { of, open, kept, out: _, pending: _, next } = self;
        states.same(&of.windows.size_ms());
        states.keep(open);
        states.keep(kept);
        next.states(states);
    }
}
