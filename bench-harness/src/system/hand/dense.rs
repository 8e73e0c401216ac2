//! A value for each of some ids that lie close together: an array that begins at the lowest one and grows both ways.

use std::ops::Range;

/// How much more than needed it grows by, so that it grows seldom.
const SPARE: usize = 64;

/// Values by id; those that nobody asked for are the default.
#[derive(Debug, Default)]
pub(super) struct Dense<V> {
    /// The id of the first value.
    base: i64,
    values: Vec<V>,
}

impl<V: Copy + Default> Dense<V> {
    /// The value of an id.
    #[inline(always)]
    pub(super) fn value(&mut self, id: i64) -> &mut V {
        let place = id.wrapping_sub(self.base) as usize;
        if place >= self.values.len() {
            self.grow(id);
        }
        let place = id.wrapping_sub(self.base) as usize;
        &mut self.values[place]
    }

    /// A copy of the value of an id.
    pub(super) fn get(&self, id: i64) -> V {
        self.values.get(id.wrapping_sub(self.base) as usize).copied().unwrap_or_default()
    }

    #[cold]
    #[inline(never)]
    fn grow(&mut self, id: i64) {
        if self.values.is_empty() {
            self.base = id - SPARE as i64;
        }
        if id < self.base {
            let more = (self.base - id) as usize + SPARE.max(self.values.len());
            self.values.splice(0..0, std::iter::repeat_n(V::default(), more));
            self.base -= more as i64;
        }
        let needed = (id - self.base) as usize + 1;
        if needed > self.values.len() {
            self.values.resize(needed + SPARE, V::default());
        }
    }

    /// Forgets all, and keeps the memory.
    pub(super) fn clear(&mut self) {
        self.values.clear();
    }

    /// The ids that have a place.
    pub(super) fn ids(&self) -> Range<i64> {
        self.base..self.base + self.values.len() as i64
    }

    /// The values of [`ids`](Self::ids).
    pub(super) fn values(&self) -> &[V] {
        &self.values
    }

    /// The ids from `low` on with their values.
    pub(super) fn from(&mut self, low: i64) -> impl Iterator<Item = (i64, &mut V)> {
        let from = low.clamp(self.base, self.ids().end);
        self.values[(from - self.base) as usize..].iter_mut().zip(from..).map(|(value, id)| (id, value))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn counts_like_a_map(ids in prop::collection::vec(prop_oneof![-50i64..50, 900i64..1_100], 0..500), low in -100i64..1_200) {
            let mut dense = Dense::<u32>::default();
            let mut map = BTreeMap::<i64, u32>::new();
            for id in ids {
                *dense.value(id) += 1;
                *map.entry(id).or_default() += 1;
            }
            prop_assert!((-60..1_200).all(|id| dense.get(id) == map.get(&id).copied().unwrap_or(0)));
            let counts: BTreeMap<i64, u32> = dense.from(low).filter(|(_, count)| **count > 0).map(|(id, count)| (id, *count)).collect();
            prop_assert_eq!(counts, map.split_off(&low));
        }
    }
}
