//! Gaps between two looks at the clock, and the records that they touch.

use crate::measure::threads::Gaps;

/// Gaps whose times are kept: more than this in one run, and the later ones are only counted.
const GAPS_KEPT: usize = 1 << 16;

/// Gaps between two looks at the clock with nothing to do in between.
#[derive(Default)]
pub(super) struct GapLog {
    pub(super) looked: bool,
    pub(super) sum: Gaps,
    pub(super) kept: Vec<[u64; 2]>,
}

impl GapLog {
    // Cold: a few hundred times a second.
    #[cold]
    #[inline(never)]
    pub(super) fn add(&mut self, from: u64, to: u64) {
        self.sum.add(to - from);
        if self.kept.len() < GAPS_KEPT {
            self.kept.push([from, to]);
        }
    }
}

/// Joins the intervals that overlap. They must be sorted.
pub(super) fn united(sorted: &[[u64; 2]]) -> Vec<[u64; 2]> {
    let mut all: Vec<[u64; 2]> = Vec::new();
    for &[from, to] in sorted {
        match all.last_mut().filter(|last| last[1] >= from) {
            Some(last) => last[1] = last[1].max(to),
            None => all.push([from, to]),
        }
    }
    all
}

/// Whether one of the intervals, which are sorted and apart, overlaps `from..=to`.
pub(super) fn touches(apart: &[[u64; 2]], from: u64, to: u64) -> bool {
    let next = apart.partition_point(|gap| gap[1] <= from);
    apart.get(next).is_some_and(|gap| gap[0] < to)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_unite_and_touch() {
        let apart = united(&[[1, 3], [2, 5], [5, 6], [10, 11]]);
        assert_eq!(apart, [[1, 6], [10, 11]]);
        for (from, to, touched) in [(0, 1, false), (0, 2, true), (6, 10, false), (5, 5, true), (6, 11, true), (11, 99, false)] {
            assert_eq!(touches(&apart, from, to), touched, "{from}..{to}");
        }
        assert!(!touches(&[], 0, 9));
    }
}
