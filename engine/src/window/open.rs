//! The windows that are open, and those that fire: a table of partials each, recycled, and what else a window has.

use std::collections::VecDeque;

use super::assign::Slices;
use crate::{
    state::{Cursor, Direct, Key, KeyedState, Partial, Table},
    time::EventTime,
};

/// Windows between which records may go to and fro without a search.
pub(crate) const NEIGHBOURS: usize = 4;

/// What a window has beside its table of partials.
pub(crate) trait Beside: Clone + Default {
    /// Forgets all, and keeps the memory.
    fn clear(&mut self);
}

impl Beside for () {
    fn clear(&mut self) {}
}

/// Open and firing windows of one operator instance.
#[derive(Clone)]
pub(crate) struct OpenWindows<K, P, B = ()> {
    windows: Slices,
    /// Open windows in no order; there are few. The one that got the last record is at `current`.
    open: Vec<Window<K, P, B>>,
    current: usize,
    /// Windows that fire, earliest first, and where the emission of the first one stands.
    firing: VecDeque<Window<K, P, B>>,
    cursor: Cursor,
    /// Windows that have fired, for the next ones.
    spare: Vec<Window<K, P, B>>,
    /// All windows that end at or before it have fired.
    watermark: EventTime,
    /// A window that fired is open again, for records that may still change it.
    reopened: bool,
}

#[derive(Clone)]
pub(crate) struct Window<K, P, B = ()> {
    pub(crate) start: EventTime,
    pub(crate) table: Table<K, P>,
    pub(crate) beside: B,
}

/// The record's window has fired.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(crate) struct Late;

impl<K: Key, P: Partial, B: Beside> OpenWindows<K, P, B> {
    /// With slices for windows, what fires is a slice.
    pub(crate) fn new(windows: Slices) -> Self {
        Self {
            windows,
            open: Vec::new(),
            current: 0,
            firing: VecDeque::new(),
            cursor: Cursor::default(),
            spare: Vec::new(),
            watermark: EventTime::MIN,
            reopened: false,
        }
    }

    /// Windows that are open.
    #[inline(always)]
    pub(crate) fn len(&self) -> usize {
        self.open.len()
    }

    /// What the open windows have beside their tables.
    pub(crate) fn besides(&self) -> impl Iterator<Item = &B> {
        self.open.iter().map(|window| &window.beside)
    }

    /// The window that got the last record, if it is still open.
    #[inline(always)]
    pub(crate) fn current(&mut self) -> Option<&mut Window<K, P, B>> {
        self.open.get_mut(self.current)
    }

    /// Four windows that follow one another, the earliest open one first, as far as they are open: where the first one begins, and their
    /// slots. `None` if the keys of one do not index memory, or if the first has no equal before or behind it, at the ends of time.
    #[inline(never)]
    pub(crate) fn neighbours(&mut self, size_ms: i64) -> Option<(EventTime, [Direct<'_, P>; NEIGHBOURS])> {
        let first = self.open.iter().map(|window| window.start).min()?;
        first.checked_add(size_ms.checked_mul(NEIGHBOURS as i64)?)?;
        if first == EventTime::MIN {
            return None;
        }
        let mut slots = std::array::from_fn(|_| Direct::none());
        for window in &mut self.open {
            let at = (window.start.wrapping_sub(first) / size_ms) as usize;
            if let Some(slots) = slots.get_mut(at) {
                *slots = window.table.as_direct()?;
            }
        }
        Some((first, slots))
    }

    /// Makes the window that begins at `start` the current one.
    #[inline]
    pub(crate) fn enter(&mut self, start: EventTime) -> Result<&mut Window<K, P, B>, Late> {
        if self.open.get(self.current).is_none_or(|window| window.start != start) {
            if self.windows.last_of_slice(start) <= self.watermark {
                if self.windows.kept_until(start) <= self.watermark {
                    return Err(Late);
                }
                self.reopened = true;
            }
            let at = self.open.iter().position(|window| window.start == start).unwrap_or_else(|| {
                let fresh = || Window { start, table: Table::new(), beside: B::default() };
                let window = self.spare.pop().map_or_else(fresh, |window| Window { start, ..window });
                self.open.push(window);
                self.open.len() - 1
            });
            if start == EventTime::MIN || start.checked_add(self.windows.slice.size_ms()).is_none() {
                // It may begin before what an event time can say, or end behind it, so that it is shorter than those who hold the current one
                // assume.
                self.current = usize::MAX;
                return Ok(&mut self.open[at]);
            }
            self.current = at;
        }
        Ok(&mut self.open[self.current])
    }

    /// Lets the windows that the watermark has passed fire.
    pub(crate) fn close(&mut self, watermark: EventTime) {
        if watermark <= self.watermark {
            return;
        }
        self.watermark = watermark;
        self.fire();
    }

    /// Lets the windows fire again that are open though the watermark has passed them.
    #[cold]
    #[inline(never)]
    pub(crate) fn close_reopened(&mut self) {
        if self.reopened {
            self.fire();
        }
    }

    /// Lets all windows fire, though they may be opened again.
    pub(crate) fn pass_on(&mut self) {
        self.firing.extend(self.open.drain(..));
        self.current = usize::MAX;
        self.reopened = false;
    }

    #[inline(never)]
    fn fire(&mut self) {
        self.reopened = false;
        let watermark = self.watermark;
        let current = self.open.get(self.current).map(|window| window.start);
        let fired = self.firing.len();
        let mut at = 0;
        while at < self.open.len() {
            if self.windows.last_of_slice(self.open[at].start) <= watermark {
                self.firing.push_back(self.open.swap_remove(at));
            } else {
                at += 1;
            }
        }
        if self.firing.len() > fired {
            self.firing.make_contiguous()[fired..].sort_unstable_by_key(|window| window.start);
            self.current = self.open.iter().position(|window| Some(window.start) == current).unwrap_or(usize::MAX);
        }
    }

    /// Whether a window has results that have not been taken.
    #[inline(always)]
    pub(crate) fn is_firing(&self) -> bool {
        !self.firing.is_empty()
    }

    /// Takes at most about `max` results of the earliest window that fires.
    pub(crate) fn take_some(&mut self, max: usize, mut take: impl FnMut(EventTime, K, P)) {
        self.take_some_beside(max, |start, _, key, partial| take(start, key, partial));
    }

    /// As [`take_some`](Self::take_some), with what the window has beside.
    pub(crate) fn take_some_beside(&mut self, max: usize, mut take: impl FnMut(EventTime, &B, K, P)) {
        let Some(Window { start, table, beside }) = self.firing.front_mut() else { return };
        if table.take_some(&mut self.cursor, max, |key, partial| take(*start, beside, key, partial)) {
            self.has_fired();
        }
    }

    /// The earliest window that fires. [`has_fired`](Self::has_fired) is called once its results are taken.
    #[inline]
    pub(crate) fn first_firing(&mut self) -> Option<&mut Window<K, P, B>> {
        self.firing.front_mut()
    }

    /// Empties the earliest window that fires, and keeps its memory for the next.
    pub(crate) fn has_fired(&mut self) {
        if let Some(mut window) = self.firing.pop_front() {
            window.table.clear();
            window.beside.clear();
            self.spare.push(window);
            self.cursor = Cursor::default();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{operator::Tally, window::Tumbling};

    #[test]
    fn windows_with_scattered_keys_are_no_neighbours() {
        for (factor, are) in [(1_u64, true), (1 << 40, false)] {
            let mut open = OpenWindows::<u64, Tally>::new(Tumbling::millis(10).into());
            for (start, key) in (0..100).flat_map(|key| [(0, key), (10, key)]) {
                let Ok(window) = open.enter(start) else { panic!("{start} is late") };
                window.table.slot(&(key * factor)).0 += 1;
            }
            assert_eq!(open.neighbours(10).is_some(), are, "{factor}");
        }
    }
}
