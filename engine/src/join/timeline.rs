//! Rows of all keys on one side of a join, each chained to the one of its key that is next older, until event time has passed them.
//!
//! ```text
//!   blocks   [ row row … ] [ row row … ] [ row     ]      in the order of arrival, 256 a block; a row has a number for ever
//!   a key    chain ─▶ row ─ before ─▶ row ─ before ─▶ row ─▶ (gone)         by time, the newest first
//!                      └──────── jump ─────────────────▶                    every eighth row: over many at once
//! ```
//!
//! A block goes as a whole, once its last row has had its time, and its memory is the next one's: nothing is allocated, and nothing done for a
//! row that goes. Chains are by time, so that what lies behind a row which is gone had its time before it.
//!
//! Cost: O(1) for a row that is the newest of its key, and O(log n) to find a place in a chain of n rows, in expectation over how they came.
//! A row that lives long keeps its block: rows that come far ahead of event time should be few. An empty block takes 40 bytes for as long as
//! an older row lives.
//!
//! Source of the jumps: Myers, "An Applicative Random-Access Stack", Information Processing Letters 17(5), 1983. Ours may be out of balance,
//! where rows came out of order.

use std::{collections::VecDeque, num::NonZero};

use crate::time::EventTime;

/// Rows of a block.
const BLOCK: usize = 256;
/// With fewer living blocks than this, none is looked for between them.
const FEW_BLOCKS: usize = 64;

/// One row in so many of a chain jumps: that it does is known without a look at the rows before it, which most rows are spared.
const JUMPS: u64 = 8;
/// The number of no row.
const NONE: u64 = u64::MAX / (2 * JUMPS);

/// The rows of a key: the number of the newest one times [`JUMPS`], plus how many rows came to the chain modulo that, plus one.
#[derive(Clone, Copy)]
pub(super) struct Chain(NonZero<u64>);

impl Chain {
    pub(super) const EMPTY: Self = Self::of(NONE, 0);

    #[inline(always)]
    const fn of(newest: u64, rows: u64) -> Self {
        Self(NonZero::<u64>::MIN.saturating_add(newest * JUMPS + rows % JUMPS))
    }

    #[inline(always)]
    fn newest(self) -> u64 {
        (self.0.get() - 1) / JUMPS
    }

    #[inline(always)]
    fn rows(self) -> u64 {
        (self.0.get() - 1) % JUMPS
    }
}

/// Rows, in the order of arrival.
#[derive(Clone)]
pub(super) struct Timeline<T> {
    blocks: VecDeque<Block<T>>,
    /// The number of the first row of the first block.
    first: u64,
    /// Rows that are there.
    rows: usize,
    /// The greatest time of all rows that ever came.
    latest: EventTime,
    /// Blocks that are not gone.
    living: usize,
    /// So many living blocks are a reason to look for some to free between others.
    search_at: usize,
    /// Memory of blocks that are gone.
    spare: Vec<Vec<Row<T>>>,
}

#[derive(Clone)]
struct Block<T> {
    /// None once the block is gone.
    rows: Vec<Row<T>>,
    /// The greatest time.
    latest: EventTime,
}

#[derive(Clone)]
struct Row<T> {
    time: EventTime,
    /// The number of the next older row of the key; it may be gone.
    before: u64,
    /// One that is older still, or the same.
    jump: u64,
    /// About how many of those that jump are before it. 0 if it does not.
    depth: u32,
    row: T,
}

impl<T> Timeline<T> {
    pub(super) fn new() -> Self {
        Self { blocks: VecDeque::new(), first: 0, rows: 0, latest: EventTime::MIN, living: 0, search_at: FEW_BLOCKS, spare: Vec::new() }
    }

    /// Rows that are kept.
    #[inline(always)]
    pub(super) fn len(&self) -> usize {
        self.rows
    }

    /// Whether the newest row of a chain is there.
    #[inline(always)]
    pub(super) fn has(&self, chain: Chain) -> bool {
        self.row(chain.newest()).is_some()
    }

    #[inline(always)]
    fn row(&self, number: u64) -> Option<&Row<T>> {
        // The place of one that is gone is not there: before the first it would be negative.
        let place = number.wrapping_sub(self.first) as usize;
        self.blocks.get(place / BLOCK)?.rows.get(place % BLOCK)
    }

    /// Adds a row to a chain, behind those of its time; returns the chain as it is now.
    #[inline(always)]
    pub(super) fn add(&mut self, chain: Chain, time: EventTime, row: T) -> Chain {
        if time >= self.latest {
            // In the order of all keys, hence in that of its own: nothing of the chain need be looked at.
            self.latest = time;
        } else if self.row(chain.newest()).is_some_and(|newest| newest.time > time) {
            self.add_out_of_order(chain, time, row);
            return chain;
        }
        let rows = chain.rows() + 1;
        Chain::of(self.push(chain.newest(), rows.is_multiple_of(JUMPS), time, row), rows)
    }

    #[cold]
    #[inline(never)]
    fn add_out_of_order(&mut self, chain: Chain, time: EventTime, row: T) {
        let mut newer = chain.newest();
        while let Some(row) = self.row(newer) {
            let is_newer = |number| self.row(number).is_some_and(|row| row.time > time);
            newer = match () {
                () if is_newer(row.jump) => row.jump,
                () if is_newer(row.before) => row.before,
                () => break,
            };
        }
        let older = self.row(newer).map_or(NONE, |row| row.before);
        // As good as drawn by lot: rows of one key may come in any rhythm.
        let jumps = (self.rows as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15).leading_zeros() >= JUMPS.ilog2();
        let number = self.push(older, jumps, time, row);
        let place = newer.wrapping_sub(self.first) as usize;
        if let Some(row) = self.blocks.get_mut(place / BLOCK).and_then(|block| block.rows.get_mut(place % BLOCK)) {
            row.before = number;
        }
    }

    /// Appends a row; returns its number.
    #[inline(always)]
    fn push(&mut self, before: u64, jumps: bool, time: EventTime, row: T) -> u64 {
        let (jump, depth) = if jumps { self.jump_over(before) } else { (before, 0) };
        if self.blocks.back().is_none_or(|block| block.rows.len() == BLOCK) {
            self.begin_block();
        }
        self.rows += 1;
        let blocks = self.blocks.len() - 1;
        let block = &mut self.blocks[blocks];
        let number = self.first + (blocks * BLOCK + block.rows.len()) as u64;
        block.latest = block.latest.max(time);
        block.rows.push(Row { time, before, jump, depth, row });
        number
    }

    /// Where a row jumps to that comes before row `before`, and how deep it is: to the one that jumped last, or over as far as that row's
    /// jump and the next one go, if these are equally far.
    #[inline(never)]
    fn jump_over(&self, before: u64) -> (u64, u32) {
        let mut last = before;
        for _ in 1..JUMPS {
            let Some(row) = self.row(last) else { return (before, 1) };
            last = row.before;
        }
        let Some(row) = self.row(last) else { return (before, 1) };
        let far = self.row(row.jump).and_then(|mid| {
            let end = self.row(mid.jump)?;
            (row.depth.wrapping_sub(mid.depth) == mid.depth.wrapping_sub(end.depth)).then_some(mid.jump)
        });
        (far.unwrap_or(last), row.depth.wrapping_add(1))
    }

    #[cold]
    #[inline(never)]
    fn begin_block(&mut self) {
        let rows = self.spare.pop().unwrap_or_else(|| Vec::with_capacity(BLOCK));
        self.blocks.push_back(Block { rows, latest: EventTime::MIN });
        self.living += 1;
    }

    /// The rows of a chain with times in `from..=until`, the newest first.
    #[inline(always)]
    pub(super) fn within(&self, chain: Chain, from: EventTime, until: EventTime) -> impl Iterator<Item = (EventTime, &T)> {
        let mut next = self.row(chain.newest());
        while let Some(row) = next
            && row.time > until
        {
            next = match self.row(row.jump) {
                Some(far) if far.time > until => Some(far),
                _ => self.row(row.before),
            };
        }
        std::iter::from_fn(move || {
            let row = next.filter(|row| row.time >= from)?;
            next = self.row(row.before);
            Some((row.time, &row.row))
        })
    }

    /// Lets rows before `time` go, as far as their block has no other. The last block stays, as it is being filled.
    pub(super) fn free_before(&mut self, time: EventTime) {
        while self.blocks.len() > 1 && self.blocks[0].latest < time {
            if let Some(block) = self.blocks.pop_front() {
                self.first += BLOCK as u64;
                self.recycle(block.rows);
            }
        }
        // Not so often that the search would cost more than a few steps per block that came since.
        if self.living >= self.search_at.max(self.blocks.len() / FEW_BLOCKS) {
            self.free_between(time);
        }
    }

    /// As [`free_before`](Self::free_before), behind blocks that stay.
    #[cold]
    #[inline(never)]
    fn free_between(&mut self, time: EventTime) {
        for at in 0..self.blocks.len() - 1 {
            if self.blocks[at].latest < time {
                let rows = std::mem::take(&mut self.blocks[at].rows);
                self.recycle(rows);
            }
        }
        self.search_at = FEW_BLOCKS.max(2 * self.living);
    }

    /// Takes the memory of a block that goes, unless it has gone already.
    fn recycle(&mut self, mut rows: Vec<Row<T>>) {
        if rows.is_empty() {
            return;
        }
        self.rows -= rows.len();
        self.living -= 1;
        rows.clear();
        // No more of them than are in use.
        if self.spare.len() <= self.living {
            self.spare.push(rows);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Chains of a few keys, however out of order, against sorted vectors.
        #[test]
        fn a_chain_has_what_was_added(
            steps in prop::collection::vec((0..3usize, 0..4i64, prop_oneof![4 => 0..3i64, 1 => 0..400i64, 1 => -3_000..0i64], any::<prop::sample::Index>()), 1..2_500),
        ) {
            let mut timeline = Timeline::new();
            let (mut heads, mut rows) = ([Chain::EMPTY; 3], [const { Vec::<(i64, usize)>::new() }; 3]);
            let mut now = 0;
            for (number, (key, step, behind, index)) in steps.into_iter().enumerate() {
                now += step;
                let time = now - behind;
                heads[key] = timeline.add(heads[key], time, number);
                let place = rows[key].partition_point(|row| row.0 <= time);
                rows[key].insert(place, (time, number));
                // Two thousand ms are kept; what was older may be there or not.
                timeline.free_before(now - 2_000);
                rows[key].drain(..rows[key].partition_point(|row| row.0 < now - 2_000));
                let until = now - index.index(2_000) as i64;
                let from = (until - 50).max(now - 2_000);
                let expected: Vec<_> = rows[key].iter().rev().filter(|row| (from..=until).contains(&row.0)).copied().collect();
                let found: Vec<_> = timeline.within(heads[key], from, until).map(|(time, number)| (time, *number)).collect();
                prop_assert_eq!(found, expected);
            }
        }
    }

    #[test]
    fn memory_is_that_of_the_blocks_that_live() {
        let (mut timeline, mut head) = (Timeline::new(), Chain::EMPTY);
        // The first one lives longer than all.
        for n in 0..1_000_000i64 {
            head = timeline.add(head, if n == 0 { i64::MAX } else { n }, n);
            timeline.free_before(n - 1_000);
        }
        assert!(timeline.len() < 200 * BLOCK, "{} rows", timeline.len());
        assert!(timeline.spare.len() <= timeline.living + FEW_BLOCKS);
        timeline.blocks.iter().for_each(|block| assert!(block.rows.is_empty() || block.rows.capacity() < 2 * BLOCK));
        assert_eq!(timeline.within(head, 0, i64::MAX).map(|(_, n)| *n).take(3).collect::<Vec<_>>(), [0, 999_999, 999_998]);
    }

    /// A walk that stepped from row to row would take minutes.
    #[test]
    fn far_back_is_not_a_long_way() {
        let (mut timeline, mut head) = (Timeline::new(), Chain::EMPTY);
        for n in 0..200_000i64 {
            head = timeline.add(head, n, n);
            let found = timeline.within(head, n / 2, n / 2).map(|(_, n)| *n).next();
            assert_eq!(found, Some(n / 2));
        }
        for n in 0..200_000i64 {
            head = timeline.add(head, n, -n);
        }
        assert_eq!(timeline.within(head, 7, 8).map(|(_, n)| *n).collect::<Vec<_>>(), [-8, 8, -7, 7]);
    }
}
