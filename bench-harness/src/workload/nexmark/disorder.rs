//! Arrival out of order: event numbers are shuffled within groups, so that the same events arrive, each no later than a bound.
//!
//! ```text
//!   arrival    0 1 2 3 │ 4 5 6 7 │ …        a group is as many events as fall within the bound
//!   event      2 0 3 1 │ 6 7 4 5 │ …        each group has an order of its own
//! ```
//!
//! Laws
//! - In each group every event arrives exactly once; where an event arrives depends on the seed and its number alone.
//! - When an event arrives, no event time seen is more than the bound ahead of its own.

use crate::workload::mix;

/// An order of arrival.
#[derive(Clone, Copy, Debug)]
pub(super) struct Disorder {
    /// Events of a group; less than 2 for no disorder.
    group: u64,
    key: u64,
}

impl Disorder {
    /// Groups of the events that fall within `bound_ms`, at `rate_per_s`.
    pub(super) fn new(seed: u64, bound_ms: i64, rate_per_s: u64) -> Disorder {
        let group = u128::from(bound_ms.unsigned_abs()) * u128::from(rate_per_s) / 1000;
        Disorder { group: u64::try_from(group).unwrap_or(u64::MAX), key: mix(mix(seed) ^ 0x6469_736f_7264_6572) }
    }

    /// The number of the event that arrives at a place.
    #[inline(always)]
    pub(super) fn number(self, arrival: u64) -> u64 {
        if self.group < 2 { arrival } else { self.shuffled(arrival) }
    }

    #[inline]
    fn shuffled(self, arrival: u64) -> u64 {
        let (group, place) = (arrival / self.group, arrival % self.group);
        let key = mix(self.key.wrapping_add(group));
        // Steps on 0..2^bits, each of which can be undone: times an odd number, and the high half onto the low one. What falls outside of
        // the group is shuffled again; as it came from inside, it gets back inside, and fewer than two rounds do on average.
        let bits = u64::BITS - (self.group - 1).leading_zeros();
        let mask = u64::MAX >> (u64::BITS - bits);
        let half = (bits / 2).max(1);
        let mut x = place;
        loop {
            for key in [key, key.rotate_right(32)] {
                x = x.wrapping_mul(key | 1).wrapping_add(key >> 17) & mask;
                x ^= x >> half;
            }
            if x < self.group {
                return group * self.group + x;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_group_is_shuffled_in_itself(seed in any::<u64>(), group in 2u64..600, which in 0u64..50) {
            let disorder = Disorder::new(seed, 1_000, group);
            let numbers = group * which..group * (which + 1);
            let mut shuffled: Vec<u64> = numbers.clone().map(|arrival| disorder.number(arrival)).collect();
            prop_assert!(group < 20 || !shuffled.is_sorted());
            shuffled.sort_unstable();
            prop_assert_eq!(shuffled, numbers.collect::<Vec<_>>());
        }
    }

    #[test]
    fn groups_have_orders_of_their_own_and_seeds_too() {
        let order = |seed, group: u64| -> Vec<u64> {
            (group * 100..group * 100 + 100).map(|arrival| Disorder::new(seed, 10, 10_000).number(arrival) - group * 100).collect()
        };
        assert_ne!(order(1, 0), order(1, 1));
        assert_ne!(order(1, 0), order(2, 0));
    }

    #[test]
    fn no_bound_no_disorder() {
        assert!((0..100).all(|arrival| Disorder::new(3, 0, 1_000_000).number(arrival) == arrival));
        assert!((0..100).all(|arrival| Disorder::new(3, 1, 1_000).number(arrival) == arrival));
    }
}
