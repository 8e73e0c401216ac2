//! What a query's state grows by: the bytes that the process holds more after three quarters of the events than after one.
//!
//! On one core only, where the reader knows how far all is. What else the process allocates and keeps meanwhile counts too: nothing does but the
//! pipeline.

use std::sync::{Arc, OnceLock};

use crate::{measure::alloc, workload::nexmark::feed::Hook};

/// The two readings.
#[derive(Clone, Default)]
pub(super) struct Growth(Arc<[OnceLock<i64>; 2]>);

impl Growth {
    /// After how many of `events` the readings are taken.
    pub(super) fn marks(events: u64) -> [u64; 2] {
        [events / 4, events / 4 * 3]
    }

    /// Looks on beside a reader's own hook, if it is the only one.
    pub(super) fn beside(&self, events: u64, hooks: Vec<Box<dyn Hook>>) -> Vec<Box<dyn Hook>> {
        if hooks.len() != 1 {
            return hooks;
        }
        let hook = |inner| Box::new(Looking { inner, growth: self.clone(), marks: Self::marks(events), seen: 0, next: 0 }) as Box<dyn Hook>;
        hooks.into_iter().map(hook).collect()
    }

    /// Bytes that were added between the readings; none without them.
    pub(super) fn bytes(&self) -> Option<u64> {
        let [from, to] = self.0.each_ref().map(OnceLock::get);
        Some(u64::try_from(to? - from?).unwrap_or(0))
    }
}

struct Looking {
    inner: Box<dyn Hook>,
    growth: Growth,
    marks: [u64; 2],
    seen: u64,
    /// The next reading.
    next: usize,
}

impl Hook for Looking {
    fn before(&mut self) {
        self.inner.before();
    }

    fn end(&mut self) {
        self.inner.end();
    }

    fn after(&mut self, events: usize) {
        self.inner.after(events);
        self.seen += events as u64;
        while self.marks.get(self.next).is_some_and(|&mark| self.seen >= mark) {
            self.growth.0[self.next].get_or_init(alloc::live_bytes);
            self.next += 1;
        }
    }
}
