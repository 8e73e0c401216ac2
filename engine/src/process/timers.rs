//! Timers: a set of (key, time), taken out in time order.
//!
//! ```text
//!   heap     (time, number, key) …   earliest first; equal times in the order in which they were set
//!   of_key   key ─▶ (time, number) …  what is set; an entry of the heap that is not here was cancelled
//! ```
//!
//! Laws
//! - A key has at most one timer for a time; setting it again changes nothing.
//! - Cancelled entries stay in the heap until they are the earliest or outnumber the live ones; then they go all at once. So memory is
//!   bounded by the timers that are set, however often they are moved.
//!
//! Cost: O(log n) to set and to take; setting a timer later than all others, the common case, is O(1). About 16 + the key's bytes twice
//! per timer, plus a table entry of 32 bytes per key that has any.

use std::{cmp::Ordering, collections::BinaryHeap};

use super::store::Kept;
use crate::state::{Key, KeyedState, Partial};

/// Cancelled entries up to this number are not worth a sweep.
const FEW: usize = 64;

/// An entry of the heap, ordered so that the earliest is the greatest.
#[derive(Clone)]
pub(super) struct Entry<K> {
    pub(super) time: i64,
    pub(super) number: u64,
    pub(super) key: K,
}

impl<K> Ord for Entry<K> {
    fn cmp(&self, other: &Self) -> Ordering {
        (other.time, other.number).cmp(&(self.time, self.number))
    }
}

impl<K> PartialOrd for Entry<K> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<K> PartialEq for Entry<K> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl<K> Eq for Entry<K> {}

/// The timers of one key. Most have one.
#[derive(Clone)]
enum Times {
    None,
    One(i64, u64),
    Many(Vec<(i64, u64)>),
}

impl Partial for Times {
    fn empty() -> Self {
        Self::None
    }
    fn is_empty(&self) -> bool {
        matches!(self, Self::None)
    }
}

impl Times {
    fn insert(&mut self, time: i64, number: u64) -> bool {
        match self {
            Self::None => *self = Self::One(time, number),
            Self::One(at, _) if *at == time => return false,
            Self::One(at, first) => *self = Self::Many(vec![(*at, *first), (time, number)]),
            Self::Many(all) if all.iter().any(|(at, _)| *at == time) => return false,
            Self::Many(all) => all.push((time, number)),
        }
        true
    }

    /// Removes a timer, if it is there and, where a number is given, has that number.
    fn remove(&mut self, time: i64, number: Option<u64>) -> bool {
        let is_it = |at: i64, its: u64| at == time && number.is_none_or(|number| number == its);
        match self {
            Self::One(at, its) if is_it(*at, *its) => *self = Self::None,
            Self::Many(all) => {
                let Some(place) = all.iter().position(|&(at, its)| is_it(at, its)) else { return false };
                all.swap_remove(place);
                if let [(at, its)] = all[..] {
                    *self = Self::One(at, its);
                }
            }
            _ => return false,
        }
        true
    }

    fn has(&self, number: u64) -> bool {
        match self {
            Self::None => false,
            Self::One(_, its) => *its == number,
            Self::Many(all) => all.iter().any(|&(_, its)| its == number),
        }
    }
}

#[derive(Clone)]
pub(crate) struct Timers<K> {
    heap: BinaryHeap<Entry<K>>,
    of_key: Kept<K, Times>,
    number: u64,
    live: usize,
}

impl<K: Key> Timers<K> {
    pub(crate) fn new() -> Self {
        Self { heap: BinaryHeap::new(), of_key: Kept::new(), number: 0, live: 0 }
    }

    /// Whether no timer is set.
    #[inline(always)]
    pub(crate) fn is_empty(&self) -> bool {
        self.live == 0
    }

    pub(crate) fn set(&mut self, key: &K, time: i64) {
        let number = self.number;
        if self.of_key.with(key, |times| times.insert(time, number)) {
            self.number += 1;
            self.live += 1;
            self.heap.push(Entry { time, number, key: key.clone() });
        }
    }

    pub(crate) fn cancel(&mut self, key: &K, time: i64) -> bool {
        let cancelled = self.of_key.with(key, |times| times.remove(time, None));
        if cancelled {
            self.live -= 1;
            if self.heap.len() > 2 * self.live + FEW {
                self.sweep();
            }
        }
        cancelled
    }

    /// Drops all cancelled entries.
    #[cold]
    #[inline(never)]
    fn sweep(&mut self) {
        let of_key = &self.of_key.table;
        self.heap.retain(|entry| of_key.get(&entry.key).is_some_and(|times| times.has(entry.number)));
        // Timers that are moved all the time fill it again up to half of this.
        self.heap.shrink_to(4 * self.heap.len() + 4 * FEW);
    }

    /// The time of the earliest timer.
    pub(crate) fn earliest(&mut self) -> Option<i64> {
        while let Some(entry) = self.heap.peek() {
            if self.of_key.table.get(&entry.key).is_some_and(|times| times.has(entry.number)) {
                return Some(entry.time);
            }
            self.heap.pop();
        }
        None
    }

    /// Takes the earliest timer at or before `until`.
    pub(crate) fn take_due(&mut self, until: i64) -> Option<(i64, K)> {
        while self.heap.peek().is_some_and(|entry| entry.time <= until) {
            let Entry { time, number, key } = self.heap.pop()?;
            if self.of_key.with(&key, |times| times.remove(time, Some(number))) {
                self.live -= 1;
                return Some((time, key));
            }
        }
        None
    }

    /// Gives memory back if most timers have gone.
    pub(crate) fn tidy(&mut self) {
        self.of_key.tidy();
        if self.heap.capacity() > 4 * self.heap.len() + 16 * FEW {
            self.heap.shrink_to(2 * self.heap.len());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    #[derive(Clone, Debug)]
    enum Step {
        Set(u8, i64),
        Cancel(u8, i64),
        TakeDue(i64),
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let step = prop_oneof![
            4 => (0..6u8, 0..30i64).prop_map(|(key, time)| Step::Set(key, time)),
            3 => (0..6u8, 0..30i64).prop_map(|(key, time)| Step::Cancel(key, time)),
            1 => (0..30i64).prop_map(Step::TakeDue),
        ];
        prop::collection::vec(step, 0..400)
    }

    proptest! {
        #[test]
        fn timers_are_a_set_taken_in_time_order(steps in steps()) {
            let mut timers = Timers::<u8>::new();
            let mut oracle = BTreeSet::<(i64, u8)>::new();
            for step in steps {
                match step {
                    Step::Set(key, time) => {
                        timers.set(&key, time);
                        oracle.insert((time, key));
                    }
                    Step::Cancel(key, time) => prop_assert_eq!(timers.cancel(&key, time), oracle.remove(&(time, key))),
                    Step::TakeDue(until) => {
                        let mut taken = Vec::new();
                        while let Some(timer) = timers.take_due(until) {
                            taken.push(timer);
                        }
                        prop_assert!(taken.is_sorted_by_key(|(time, _)| *time));
                        taken.sort_unstable();
                        let due: Vec<_> = oracle.iter().copied().filter(|(time, _)| *time <= until).collect();
                        oracle.retain(|(time, _)| *time > until);
                        prop_assert_eq!(taken, due);
                    }
                }
                prop_assert_eq!(timers.is_empty(), oracle.is_empty());
                prop_assert_eq!(timers.earliest(), oracle.first().map(|(time, _)| *time));
                prop_assert!(timers.heap.len() <= 2 * oracle.len() + FEW + 1);
            }
        }
    }

    #[test]
    fn equal_times_come_in_the_order_in_which_they_were_set() {
        let mut timers = Timers::<u32>::new();
        for key in [5, 1, 3, 2] {
            timers.set(&key, 7);
        }
        let order: Vec<u32> = std::iter::from_fn(|| timers.take_due(7)).map(|(_, key)| key).collect();
        assert_eq!(order, [5, 1, 3, 2]);
    }
}
