//! Deadlines of keys, taken out in time order: a calendar.
//!
//! ```text
//!   today    … ◀ sorted, the earliest last      the day that is being worked off, sorted when it began
//!   near     [ 3: ┐ ] [ 4: ┐ ] [ 5: ] …         the days behind it; unsorted, a deadline goes to its day at once
//!   far      [ 150: ┐ ] [ 1000: ┐ ]             days further ahead, in a map
//!   entries  … ○ ◀─ ○ … ○ … ○ ◀─ ○ …            of all these days, each with the next one of its day, or with the next one that is free
//! ```
//!
//! A binary heap costs a walk to its bottom for every deadline that is taken, of branches that nobody can predict; here a deadline is put
//! where it belongs twice, and sorted among its neighbours once.
//!
//! Cost: O(1) to set a deadline that is near; O(log n) amortised to take one, n being those of its day. A deadline that is set for today is
//! put in its place, O(n): that is for records which are almost late. Allocates only for more deadlines than there ever were at a time.
//!
//! Source: Brown, "Calendar Queues: A Fast O(1) Priority Queue Implementation for the Simulation Event Set Problem", CACM 31(10), 1988; a map
//! of far days takes the place of its years.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, VecDeque},
    mem,
};

use crate::time::EventTime;

/// Days that are near.
const NEAR: u64 = 64;
/// The place of no entry.
const NONE: usize = usize::MAX;

/// Deadlines with their keys. Nobody takes one back: that a deadline is void shows by what its key says.
#[derive(Clone)]
pub(crate) struct Deadlines<K> {
    day_ms: i64,
    /// Latest first. All of them are before those of other days.
    today: Vec<(EventTime, K)>,
    /// The number of the day in `today`; those before it are over.
    until: i64,
    /// The days from `until + 1` on: the place of the entry that was set last.
    near: VecDeque<usize>,
    /// Likewise, days with deadlines that were not near when they were set.
    far: BTreeMap<i64, usize>,
    entries: Vec<Entry<K>>,
    /// The first free entry.
    free: usize,
}

#[derive(Clone)]
struct Entry<K> {
    deadline: EventTime,
    /// None while it is free.
    key: Option<K>,
    next: usize,
}

impl<K> Deadlines<K> {
    /// With days of so many milliseconds, at least 1: short enough that few deadlines share one, long enough that most days have some.
    pub(crate) fn by_days_of(day_ms: i64) -> Self {
        let (today, near, far, entries) = (Vec::new(), VecDeque::new(), BTreeMap::new(), Vec::new());
        Self { day_ms: day_ms.max(1), today, until: i64::MIN, near, far, entries, free: NONE }
    }

    pub(crate) fn set(&mut self, deadline: EventTime, key: K) {
        let Self { today, until, near, far, entries, free, .. } = self;
        let day = deadline.div_euclid(self.day_ms);
        if day <= *until {
            let at = today.partition_point(|(other, _)| *other > deadline);
            today.insert(at, (deadline, key));
            return;
        }
        // A day can be further ahead than a number with a sign can say.
        let ahead = day.wrapping_sub(*until).cast_unsigned() - 1;
        let its = if ahead < NEAR {
            let at = ahead as usize;
            if at >= near.len() {
                near.resize(at + 1, NONE);
            }
            &mut near[at]
        } else {
            far.entry(day).or_insert(NONE)
        };
        let entry = Entry { deadline, key: Some(key), next: *its };
        if let Some(place) = entries.get_mut(*free) {
            *its = mem::replace(free, place.next);
            *place = entry;
        } else {
            *its = entries.len();
            entries.push(entry);
        }
    }

    /// Whether a deadline is at `now` or before.
    #[inline]
    pub(crate) fn is_due(&mut self, now: EventTime) -> bool {
        if self.today.is_empty() {
            self.begin_day(now.div_euclid(self.day_ms));
        }
        self.today.last().is_some_and(|(deadline, _)| *deadline <= now)
    }

    /// Takes out the earliest deadline, if it is at `now` or before.
    #[inline]
    pub(crate) fn take_due(&mut self, now: EventTime) -> Option<(EventTime, K)> {
        if self.is_due(now) { self.today.pop() } else { None }
    }

    /// Begins the next day that has deadlines, if it is not behind day `now`.
    #[inline(never)]
    fn begin_day(&mut self, now: i64) {
        let near = self.near.iter().position(|last| *last != NONE).map(|at| self.until + 1 + at as i64);
        let far = self.far.first_key_value().map(|(day, _)| *day);
        let Some(day) = near.into_iter().chain(far).min().filter(|day| *day <= now) else { return };
        let passed = day.wrapping_sub(self.until).cast_unsigned().min(self.near.len() as u64) as usize;
        self.until = day;
        // Only the last one, the day itself, can have any.
        let its_near = self.near.drain(..passed).next_back().unwrap_or(NONE);
        let its_far = if far == Some(day) { self.far.remove(&day).unwrap_or(NONE) } else { NONE };
        for mut at in [its_near, its_far] {
            while let Some(entry) = self.entries.get_mut(at) {
                self.today.extend(entry.key.take().map(|key| (entry.deadline, key)));
                (at, entry.next, self.free) = (entry.next, self.free, at);
            }
        }
        self.today.sort_unstable_by_key(|(deadline, _)| Reverse(*deadline));
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn they_come_in_order_and_when_they_are_due(day_ms in 1..50i64, steps in prop::collection::vec((0..30i64, -200..4_000i64, any::<bool>()), 0..300)) {
            let (mut deadlines, mut model) = (Deadlines::by_days_of(day_ms), BTreeSet::new());
            let mut now = -1_000;
            for (key, (step, ahead, sets)) in steps.into_iter().enumerate() {
                if sets {
                    deadlines.set(now + ahead, key);
                    model.insert((now + ahead, key));
                    continue;
                }
                now += step;
                loop {
                    prop_assert_eq!(deadlines.is_due(now), model.first().is_some_and(|(deadline, _)| *deadline <= now));
                    let Some((deadline, key)) = deadlines.take_due(now) else { break };
                    prop_assert_eq!(Some(deadline), model.first().map(|(deadline, _)| *deadline));
                    prop_assert!(model.remove(&(deadline, key)));
                }
                prop_assert!(model.first().is_none_or(|(deadline, _)| *deadline > now));
            }
        }
    }

    #[test]
    fn the_ends_of_time_are_days_too() {
        let mut deadlines = Deadlines::by_days_of(1_000);
        for deadline in [i64::MAX, i64::MIN, 0] {
            deadlines.set(deadline, deadline);
        }
        assert_eq!(deadlines.take_due(i64::MIN), Some((i64::MIN, i64::MIN)));
        assert_eq!(deadlines.take_due(-1), None);
        let rest: Vec<i64> = std::iter::from_fn(|| deadlines.take_due(i64::MAX)).map(|(_, key)| key).collect();
        assert_eq!(rest, [0, i64::MAX]);
    }
}
