//! Time-to-live: when each key's state ends, and a queue that finds those that have ended.
//!
//! A key has one entry in the queue, made with its state. When it comes up and the key was touched since, it goes back for the later
//! time: so a record costs a store, and a key O(log n) once a time-to-live.

use std::collections::BinaryHeap;

use super::{store::Kept, timers::Entry};
use crate::{
    state::{Key, KeyedState},
    time::EventTime,
};

#[derive(Clone)]
pub(super) struct Expiry<K> {
    ttl_ms: i64,
    /// The latest event time at which the key was touched.
    touched: Kept<K, Option<EventTime>>,
    queue: BinaryHeap<Entry<K>>,
}

impl<K: Key> Expiry<K> {
    pub(super) fn new(ttl_ms: i64) -> Self {
        Self { ttl_ms, touched: Kept::new(), queue: BinaryHeap::new() }
    }

    /// Whether the key's state has ended for a record of this time.
    #[inline]
    pub(super) fn is_over(&self, key: &K, time: EventTime) -> bool {
        self.touched.table.get(key).is_some_and(|touched| touched.is_some_and(|touched| touched.saturating_add(self.ttl_ms) <= time))
    }

    /// Takes note that the key has state and was touched.
    #[inline]
    pub(super) fn touch(&mut self, key: &K, time: EventTime) {
        let known = self.touched.with(key, |touched| {
            let known = touched.is_some();
            *touched = Some(touched.map_or(time, |touched| touched.max(time)));
            known
        });
        if !known {
            self.queue.push(Entry { time: time.saturating_add(self.ttl_ms), number: 0, key: key.clone() });
        }
    }

    /// A key whose state no later record can see, given that all of them come after `watermark`.
    pub(super) fn take_over(&mut self, watermark: EventTime) -> Option<K> {
        let first_to_come = watermark.saturating_add(1);
        while self.queue.peek().is_some_and(|entry| entry.time <= first_to_come) {
            let Entry { key, .. } = self.queue.pop()?;
            if self.is_over(&key, first_to_come) {
                self.touched.take(&key);
                return Some(key);
            }
            if let Some(Some(touched)) = self.touched.table.get(&key) {
                self.queue.push(Entry { time: touched.saturating_add(self.ttl_ms), number: 0, key });
            }
        }
        None
    }

    pub(super) fn tidy(&mut self) {
        self.touched.tidy();
        if self.queue.capacity() > 4 * self.queue.len() + 1024 {
            self.queue.shrink_to(2 * self.queue.len());
        }
    }
}
