//! The loops written by hand: what a careful person would write for this one job, and nothing that adapts.

use std::ops::Range;

use thalweg::state::{KeyedState, Table};

use super::{Record, Sum};

/// An array indexed by the key.
#[inline(never)]
pub(crate) fn array(slots: &mut [Sum], records: &[Record], window: Range<i64>) {
    for record in records {
        if window.contains(&record.event_time) {
            slots[record.key as usize].add(record.value);
        }
    }
}

/// The table's plain interface, without runs.
#[inline(never)]
pub(crate) fn slot_by_slot(table: &mut Table<u64, Sum>, records: &[Record], window: Range<i64>) {
    for record in records {
        if window.contains(&record.event_time) {
            table.slot(&record.key).add(record.value);
        }
    }
}

#[inline(always)]
fn prefetch(entry: &Entry) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: SSE is part of x86-64, and a prefetch does nothing but warm a cache.
    unsafe {
        std::arch::x86_64::_mm_prefetch::<{ std::arch::x86_64::_MM_HINT_T0 }>(std::ptr::from_ref(entry).cast())
    };
    #[cfg(not(target_arch = "x86_64"))]
    let _ = entry;
}

#[derive(Clone, Copy, Default)]
struct Entry {
    key: u64,
    sum: Sum,
}

/// Linear probing; an entry is free while its count is 0. Never grows.
pub(crate) struct Linear {
    entries: Vec<Entry>,
}

const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

impl Linear {
    pub(crate) fn new(entries: usize) -> Self {
        Self { entries: vec![Entry::default(); entries] }
    }

    pub(crate) fn for_each(&self, f: &mut dyn FnMut(u64, Sum)) {
        self.entries.iter().filter(|entry| entry.sum.count > 0).for_each(|entry| f(entry.key, entry.sum));
    }

    /// Multiplicative hash, a plain loop.
    #[inline(never)]
    pub(crate) fn simple(&mut self, records: &[Record], window: Range<i64>) {
        let entries = self.entries.as_mut_slice();
        let mask = entries.len() - 1;
        let shift = 64 - entries.len().ilog2();
        for record in records {
            if window.contains(&record.event_time) {
                let mut at = (record.key.wrapping_mul(GOLDEN) >> shift) as usize & mask;
                loop {
                    let entry = &mut entries[at];
                    if entry.key == record.key {
                        entry.sum.add(record.value);
                        break;
                    }
                    if entry.sum.count == 0 {
                        *entry = Entry { key: record.key, sum: Sum::default() };
                        entry.sum.add(record.value);
                        break;
                    }
                    at = (at + 1) & mask;
                }
            }
        }
    }

    /// The same, reading ahead by sixteen records.
    #[inline(never)]
    pub(crate) fn ahead(&mut self, records: &[Record], window: Range<i64>) {
        let entries = self.entries.as_mut_slice();
        let mask = entries.len() - 1;
        let shift = 64 - entries.len().ilog2();
        for (at, record) in records.iter().enumerate() {
            if let Some(later) = records.get(at + 16) {
                prefetch(&entries[(later.key.wrapping_mul(GOLDEN) >> shift) as usize & mask]);
            }
            if window.contains(&record.event_time) {
                let mut at = (record.key.wrapping_mul(GOLDEN) >> shift) as usize & mask;
                while entries[at].key != record.key && entries[at].sum.count > 0 {
                    at = (at + 1) & mask;
                }
                entries[at].key = record.key;
                entries[at].sum.add(record.value);
            }
        }
    }

    /// Multiplicative hash; the second entry is chosen without a branch.
    #[inline(never)]
    pub(crate) fn skipping(&mut self, records: &[Record], window: Range<i64>) {
        let shift = 64 - self.entries.len().ilog2();
        self.skip(records, window, |key| (key.wrapping_mul(GOLDEN) >> shift) as usize);
    }

    #[inline(always)]
    fn skip(&mut self, records: &[Record], window: Range<i64>, hash: impl Fn(u64) -> usize) {
        let entries = self.entries.as_mut_slice();
        let mask = entries.len() - 1;
        for record in records {
            if window.contains(&record.event_time) {
                let home = hash(record.key) & mask;
                let at = (home + usize::from(entries[home].key != record.key)) & mask;
                let entry = &mut entries[at];
                if entry.key == record.key {
                    entry.sum.add(record.value);
                } else {
                    Self::far(entries, home, record);
                }
            }
        }
    }

    #[cold]
    #[inline(never)]
    fn far(entries: &mut [Entry], mut at: usize, record: &Record) {
        while entries[at].key != record.key && entries[at].sum.count > 0 {
            at = (at + 1) & (entries.len() - 1);
        }
        entries[at].key = record.key;
        entries[at].sum.add(record.value);
    }
}

/// Keys and sums in arrays of their own.
pub(crate) struct Split {
    keys: Vec<u64>,
    sums: Vec<Sum>,
}

impl Split {
    pub(crate) fn new(entries: usize) -> Self {
        Self { keys: vec![0; entries], sums: vec![Sum::default(); entries] }
    }

    pub(crate) fn for_each(&self, f: &mut dyn FnMut(u64, Sum)) {
        self.keys.iter().zip(&self.sums).filter(|(_, sum)| sum.count > 0).for_each(|(&key, &sum)| f(key, sum));
    }

    #[inline(never)]
    pub(crate) fn run(&mut self, records: &[Record], window: Range<i64>) {
        let keys = self.keys.as_mut_slice();
        let sums = &mut self.sums[..keys.len()];
        let mask = keys.len() - 1;
        let shift = 64 - keys.len().ilog2();
        for record in records {
            if window.contains(&record.event_time) {
                let mut at = (record.key.wrapping_mul(GOLDEN) >> shift) as usize & mask;
                at = (at + usize::from(keys[at] != record.key)) & mask;
                while keys[at] != record.key {
                    at = (record.key.wrapping_mul(GOLDEN) >> shift) as usize & mask;
                    while keys[at] != record.key && sums[at].count > 0 {
                        at = (at + 1) & mask;
                    }
                    keys[at] = record.key;
                }
                sums[at].add(record.value);
            }
        }
    }
}
