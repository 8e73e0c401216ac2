//! Sliding windows of keys that count from 0, from slices: what an operator of any framework keeps for them.

use std::collections::VecDeque;

use super::panes::Cell;

/// The slices of the windows that have not ended, and the total of those that the next window to end holds already.
#[derive(Clone)]
pub(super) struct Slices {
    size_ms: i64,
    slide_ms: i64,
    /// By start, ascending; each is there once something came.
    slices: VecDeque<(i64, Vec<Cell>)>,
    /// How many of them are in `total`.
    added: usize,
    total: Vec<Cell>,
    spare: Vec<Vec<Cell>>,
    /// The end of the next window.
    next_end: Option<i64>,
}

impl Slices {
    pub(super) fn new(size_ms: i64, slide_ms: i64) -> Slices {
        Slices { size_ms, slide_ms, slices: VecDeque::new(), added: 0, total: Vec::new(), spare: Vec::new(), next_end: None }
    }

    /// The end of the next window that will have rows; none if there is nothing to say.
    pub(super) fn next_end(&self) -> Option<i64> {
        self.next_end
    }

    /// Adds partial aggregates of the slice that begins at `start`, which must not be complete.
    pub(super) fn add(&mut self, start: i64, partials: impl Iterator<Item = (u64, Cell)>) {
        let place = self.slices.partition_point(|(slice, _)| *slice < start);
        if self.slices.get(place).is_none_or(|(slice, _)| *slice != start) {
            let slice = self.spare.pop().unwrap_or_default();
            self.slices.insert(place, (start, slice));
            let end = start + self.slide_ms;
            self.next_end = Some(self.next_end.map_or(end, |next| if self.added == 0 { next.min(end) } else { next }));
        }
        let slice = &mut self.slices[place].1;
        for (key, cell) in partials {
            let at = key as usize;
            if at >= slice.len() {
                slice.resize((at + 1).next_power_of_two(), Cell::default());
            }
            slice[at].add(cell.sum, cell.count);
        }
    }

    /// Gives the rows (key, end, aggregate) of the windows that have ended when all slices that begin before `complete` are complete.
    pub(super) fn advance(&mut self, complete: i64, mut row: impl FnMut(u64, i64, Cell)) {
        while let Some(end) = self.next_end.filter(|end| *end <= complete) {
            if let Some((start, slice)) = self.slices.get(self.added).filter(|(start, _)| *start < end) {
                debug_assert_eq!(*start, end - self.slide_ms);
                if self.total.len() < slice.len() {
                    self.total.resize(slice.len(), Cell::default());
                }
                self.total.iter_mut().zip(slice).for_each(|(total, cell)| total.add(cell.sum, cell.count));
                self.added += 1;
            }
            for (cell, key) in self.total.iter().zip(0..).filter(|(cell, _)| cell.count > 0) {
                row(key, end, *cell);
            }
            if self.slices.front().is_some_and(|(start, _)| *start == end - self.size_ms)
                && let Some((_, mut slice)) = self.slices.pop_front()
            {
                for (total, cell) in self.total.iter_mut().zip(&mut slice) {
                    total.sum = total.sum.wrapping_sub(cell.sum);
                    total.count -= cell.count;
                    *cell = Cell::default();
                }
                self.added -= 1;
                self.spare.push(slice);
            }
            self.next_end = match self.slices.front() {
                // Windows without records have no rows.
                Some((start, _)) if self.added == 0 => Some(start + self.slide_ms),
                Some(_) => Some(end + self.slide_ms),
                None => None,
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn rows_are_those_of_the_definition(records in prop::collection::vec((0i64..400, 0u64..4, -9i64..9), 1..60), steps in prop::collection::vec(0i64..400, 0..6)) {
            let (size, slide) = (100, 20);
            let mut expected = BTreeMap::<(u64, i64), (i64, u64)>::new();
            for &(time, key, value) in &records {
                let mut end = time.div_euclid(slide) * slide + slide;
                while end - size <= time {
                    let cell = expected.entry((key, end)).or_default();
                    *cell = (cell.0 + value, cell.1 + 1);
                    end += slide;
                }
            }
            let mut records = records;
            records.sort_by_key(|record| record.0);
            let mut steps = steps;
            steps.sort_unstable();
            let mut slices = Slices::new(size, slide);
            let mut seen = BTreeMap::new();
            let mut emit = |slices: &mut Slices, upto: i64| slices.advance(upto, |key, end, cell| {
                assert!(seen.insert((key, end), (cell.sum, cell.count)).is_none());
            });
            for (time, key, value) in records {
                if let Some(&step) = steps.first().filter(|step| **step <= time) {
                    steps.remove(0);
                    emit(&mut slices, step / slide * slide);
                }
                slices.add(time / slide * slide, std::iter::once((key, Cell { sum: value, count: 1 })));
            }
            emit(&mut slices, i64::MAX);
            prop_assert_eq!(seen, expected);
        }
    }
}
