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
//! A row that lives long keeps its block: rows that come far ahead of event time should be few. An empty block takes 64 bytes for as long as
//! an older row lives.
//!
//! Source of the jumps: Myers, "An Applicative Random-Access Stack", Information Processing Letters 17(5), 1983. Ours may be out of balance,
//! where rows came out of order.

use std::{mem, num::NonZero};

use crate::time::EventTime;

/// Rows of a block.
const BLOCK: u64 = 256;
/// With fewer living blocks than this, none is looked for between them.
const FEW_BLOCKS: usize = 64;
/// The least number of places for blocks.
const FEW_PLACES: usize = 8;

/// One row in so many of a chain jumps: that it does is known without a look at the rows before it, which most rows are spared.
const JUMPS: u64 = 8;
/// The number of no row.
const NONE: u64 = u64::MAX / (2 * JUMPS);

/// The rows of a key: the number of the newest one times [`JUMPS`], plus how many rows came to the chain modulo that, plus one.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Chain(NonZero<u64>);

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
    /// A ring of a power of two of places, or of none: that of the block of row `n` is `n / BLOCK`, modulo their number.
    blocks: Vec<Block<T>>,
    /// The number of the first row of the first block. A multiple of `BLOCK`.
    first: u64,
    /// The number of the next row. No less than `first`.
    next: u64,
    /// The greatest time of all rows that ever came.
    latest: EventTime,
    /// Blocks that are not gone.
    living: usize,
    /// So many living blocks are a reason to look for some to free between others.
    search_at: usize,
    /// Memory of blocks that are gone.
    spare: Vec<(Vec<Row<T>>, Vec<Jump>)>,
}

#[derive(Clone)]
struct Block<T> {
    /// None before the block begins, and once it is gone.
    rows: Vec<Row<T>>,
    /// Of those of its rows that jump, in their order.
    jumps: Vec<Jump>,
    earliest: EventTime,
    latest: EventTime,
}

impl<T> Block<T> {
    /// One without rows.
    fn gone() -> Self {
        Self { rows: Vec::new(), jumps: Vec::new(), earliest: EventTime::MAX, latest: EventTime::MIN }
    }
}

/// A row, small: what a join spends its time on is to wait for rows to come from the caches.
#[derive(Clone)]
struct Row<T> {
    time: EventTime,
    before: Before,
    row: T,
}

/// The number of the next older row of the key, which may be gone, and whether the row jumps.
#[derive(Clone, Copy)]
struct Before(u64);

impl Before {
    #[inline(always)]
    fn new(number: u64, jumps: bool) -> Self {
        Self(2 * number + u64::from(jumps))
    }

    #[inline(always)]
    fn number(self) -> u64 {
        self.0 / 2
    }

    #[inline(always)]
    fn jumps(self) -> bool {
        self.0 % 2 == 1
    }
}

/// Where a row jumps to.
#[derive(Clone, Copy)]
struct Jump {
    /// The place of the row in its block.
    from: usize,
    /// The number of a row that is older than the next older one.
    to: u64,
    /// About how many of those that jump are before it.
    depth: u32,
}

impl<T> Timeline<T> {
    pub(super) fn new() -> Self {
        Self { blocks: Vec::new(), first: 0, next: 0, latest: EventTime::MIN, living: 0, search_at: FEW_BLOCKS, spare: Vec::new() }
    }

    /// How many rows there are with `time` or later. Looks into blocks that have earlier ones too.
    pub(super) fn len_from(&self, time: EventTime) -> usize {
        let of = |block: &Block<T>| {
            if block.earliest >= time { block.rows.len() } else { block.rows.iter().filter(|row| row.time >= time).count() }
        };
        self.blocks.iter().map(of).sum()
    }

    /// Whether the newest row of a chain is there.
    #[inline(always)]
    pub(super) fn has(&self, chain: Chain) -> bool {
        self.row(chain.newest()).is_some()
    }

    /// The place of a row's block.
    #[inline(always)]
    fn place(&self, number: u64) -> usize {
        (number / BLOCK) as usize & self.blocks.len().wrapping_sub(1)
    }

    /// Whether a row is before the first block, or not there yet, as [`NONE`] is. Those of a block between others that is gone are not told.
    #[inline(always)]
    fn is_outside(&self, number: u64) -> bool {
        number.wrapping_sub(self.first) >= self.next - self.first
    }

    #[inline(always)]
    fn row(&self, number: u64) -> Option<&Row<T>> {
        if self.is_outside(number) {
            return None;
        }
        self.blocks.get(self.place(number))?.rows.get((number % BLOCK) as usize)
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
        // Behind rows that are gone a chain begins anew.
        let rows = 1 + if self.is_outside(chain.newest()) { 0 } else { chain.rows() };
        Chain::of(self.push(chain.newest(), rows.is_multiple_of(JUMPS), time, row), rows)
    }

    #[cold]
    #[inline(never)]
    fn add_out_of_order(&mut self, chain: Chain, time: EventTime, row: T) {
        let mut newer = chain.newest();
        while let Some(row) = self.row(newer) {
            let is_newer = |number| self.row(number).is_some_and(|row| row.time > time);
            newer = match () {
                () if row.before.jumps() && is_newer(self.jump(newer, row.before).0) => self.jump(newer, row.before).0,
                () if is_newer(row.before.number()) => row.before.number(),
                () => break,
            };
        }
        let older = self.row(newer).map_or(NONE, |row| row.before.number());
        // As good as drawn by lot: rows of one key may come in any rhythm.
        let jumps = self.next.wrapping_mul(0x9e37_79b9_7f4a_7c15).leading_zeros() >= JUMPS.ilog2();
        let number = self.push(older, jumps, time, row);
        let place = self.place(newer);
        // The new row is there, hence a block is.
        if let Some(row) = self.blocks[place].rows.get_mut((newer % BLOCK) as usize) {
            row.before = Before::new(number, row.before.jumps());
        }
    }

    /// Appends a row; returns its number.
    #[inline(always)]
    fn push(&mut self, before: u64, jumps: bool, time: EventTime, row: T) -> u64 {
        let jump = jumps.then(|| self.jump_over(before));
        let number = self.next;
        if number.is_multiple_of(BLOCK) {
            self.begin_block();
        }
        self.next = number + 1;
        let place = self.place(number);
        let block = &mut self.blocks[place];
        block.earliest = block.earliest.min(time);
        block.latest = block.latest.max(time);
        if let Some((to, depth)) = jump {
            block.jumps.push(Jump { from: block.rows.len(), to, depth });
        }
        block.rows.push(Row { time, before: Before::new(before, jumps), row });
        number
    }

    /// Where a row that is there jumps to, and how deep it is: to the one before, and 0, if it does not.
    #[inline(never)]
    fn jump(&self, number: u64, before: Before) -> (u64, u32) {
        let jumps = self.blocks.get(self.place(number)).map_or(&[][..], |block| &block.jumps);
        match jumps.binary_search_by_key(&((number % BLOCK) as usize), |jump| jump.from) {
            Ok(at) if before.jumps() => (jumps[at].to, jumps[at].depth),
            _ => (before.number(), 0),
        }
    }

    /// Where a row jumps to that comes before row `before`, and how deep it is: to the one that jumped last, or over as far as that row's
    /// jump and the next one go, if these are equally far.
    #[inline(never)]
    fn jump_over(&self, before: u64) -> (u64, u32) {
        let mut last = before;
        for _ in 1..JUMPS {
            let Some(row) = self.row(last) else { return (before, 1) };
            last = row.before.number();
        }
        let Some(row) = self.row(last) else { return (before, 1) };
        let (mid, depth) = self.jump(last, row.before);
        let far = self.row(mid).and_then(|row| {
            let (end, mid_depth) = self.jump(mid, row.before);
            let end_depth = self.jump(end, self.row(end)?.before).1;
            (depth.wrapping_sub(mid_depth) == mid_depth.wrapping_sub(end_depth)).then_some(end)
        });
        (far.unwrap_or(last), depth.wrapping_add(1))
    }

    /// Begins the block of the next row.
    #[cold]
    #[inline(never)]
    fn begin_block(&mut self) {
        let (first, begun) = (self.first / BLOCK, ((self.next - self.first) / BLOCK) as usize);
        if begun == self.blocks.len() {
            let places = (2 * begun).max(FEW_PLACES);
            let mut blocks: Vec<_> = (0..places).map(|_| Block::gone()).collect();
            for number in (first..).take(begun) {
                blocks[number as usize & (places - 1)] = mem::replace(&mut self.blocks[number as usize & (begun - 1)], Block::gone());
            }
            self.blocks = blocks;
        }
        let (rows, jumps) = self.spare.pop().unwrap_or_else(|| (Vec::with_capacity(BLOCK as usize), Vec::new()));
        let place = self.place(self.next);
        self.blocks[place] = Block { rows, jumps, ..Block::gone() };
        self.living += 1;
    }

    /// The rows of a chain with times in `from..=until`, the newest first.
    #[inline(always)]
    pub(super) fn within(&self, chain: Chain, from: EventTime, until: EventTime) -> impl Iterator<Item = (EventTime, &T)> {
        let mut next = self.row(chain.newest());
        if next.is_some_and(|row| row.time > until) {
            next = self.skip(chain.newest(), until);
        }
        std::iter::from_fn(move || {
            let row = next.filter(|row| row.time >= from)?;
            next = self.row(row.before.number());
            Some((row.time, &row.row))
        })
    }

    /// The first row of a chain, from a row on that is there, whose time is not behind `until`.
    #[inline(never)]
    fn skip(&self, mut number: u64, until: EventTime) -> Option<&Row<T>> {
        loop {
            let row = self.row(number)?;
            if row.time <= until {
                return Some(row);
            }
            let far = if row.before.jumps() { self.jump(number, row.before).0 } else { NONE };
            number = if self.row(far).is_some_and(|row| row.time > until) { far } else { row.before.number() };
        }
    }

    /// Lets rows before `time` go, as far as their block has no other. The last block stays, as it is being filled.
    pub(super) fn free_before(&mut self, time: EventTime) {
        while self.next - self.first > BLOCK && self.free(self.first, time) {
            self.first += BLOCK;
        }
        // Not so often that the search would cost more than a few steps per block that came since.
        if self.living >= self.search_at.max(((self.next - self.first) / BLOCK) as usize / FEW_BLOCKS) {
            self.free_between(time);
        }
    }

    /// As [`free_before`](Self::free_before), behind blocks that stay.
    #[cold]
    #[inline(never)]
    fn free_between(&mut self, time: EventTime) {
        let mut number = self.first;
        while self.next - number > BLOCK {
            self.free(number, time);
            number += BLOCK;
        }
        self.search_at = FEW_BLOCKS.max(2 * self.living);
    }

    /// Lets the block go that begins with a row, if all of its rows are before `time`; says whether it is gone.
    fn free(&mut self, number: u64, time: EventTime) -> bool {
        let place = self.place(number);
        let block = &mut self.blocks[place];
        if block.rows.is_empty() {
            return true;
        }
        if block.latest >= time {
            return false;
        }
        let Block { mut rows, mut jumps, .. } = mem::replace(block, Block::gone());
        self.living -= 1;
        rows.clear();
        jumps.clear();
        // No more of them than are in use.
        if self.spare.len() <= self.living {
            self.spare.push((rows, jumps));
        }
        true
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
        let (kept, block) = (timeline.len_from(EventTime::MIN), BLOCK as usize);
        assert!(kept < 200 * block, "{kept} rows");
        assert!(timeline.spare.len() <= timeline.living + FEW_BLOCKS);
        timeline.blocks.iter().for_each(|of| assert!(of.rows.is_empty() || of.rows.capacity() < 2 * block));
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
