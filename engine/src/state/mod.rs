//! Keyed state: an accumulator for each key, owned by one core.
//!
//! ```text
//!   record ──▶ key ──▶ KeyedState::slot ──▶ &mut accumulator        per record: no lock, no allocation
//!                             │
//!   window fires ─────────────┴─ take_some(cursor, max) ──▶ (key, accumulator) …   in bounded steps, then clear() for the next window
//! ```
//!
//! - [`Key`]: what a key says about itself. Integers and narrow tuples of them index memory; others are hashed and stored.
//! - [`Partial`]: an accumulator that says whether it is empty.
//! - [`KeyedState`]: the trait. [`Table`] is the one that adapts to its keys.
//! - [`Dictionary`]: borrowed text to dense numbers, so that words can be keys of a directly indexed table.
//!
//! Laws
//! - A key is in the table when its accumulator is not empty. An empty accumulator is never counted, found or handed out, even if `slot`
//!   has made room for it. So an array of accumulators needs no marks beside it.
//! - State belongs to one thread at a time; nothing here is shared.
//!
//! Non-goals: expiry of single keys by time (the operators know when), and keys on disk.

mod dictionary;
mod direct;
mod hashed;
mod key;
mod prefetch;
mod probe;
mod short;
mod table;

pub use dictionary::{Dictionary, Prepared, Word};
pub use direct::Direct;
pub use key::Key;
pub(crate) use prefetch::prefetch;
pub use probe::Probe;
pub use table::Table;

/// An accumulator that knows whether anything was put in.
///
/// Wrap one that does not (a sum, where 0 is a result) in an `Option`, or keep a count beside it.
pub trait Partial: Sized {
    /// An accumulator into which nothing was put.
    fn empty() -> Self;
    /// Whether nothing was put in.
    fn is_empty(&self) -> bool;
}

impl<T> Partial for Option<T> {
    #[inline(always)]
    fn empty() -> Self {
        None
    }
    #[inline(always)]
    fn is_empty(&self) -> bool {
        self.is_none()
    }
}

/// Where a sequence of [`KeyedState::take_some`] stands. A default one stands at the beginning.
#[derive(Clone, Copy, Debug, Default)]
pub struct Cursor {
    at: usize,
    moves: u64,
    pass: u64,
}

/// A map from keys to accumulators.
pub trait KeyedState<K, V> {
    /// The accumulator of a key; an empty one if it had none.
    ///
    /// Cost: amortised O(1). Allocates only when the table grows.
    fn slot(&mut self, key: &K) -> &mut V;

    /// The accumulator of a key, if it is not empty.
    fn get(&self, key: &K) -> Option<&V>;

    /// Takes the accumulator of a key out, if it is not empty.
    fn take(&mut self, key: &K) -> Option<V>;

    /// How many keys have an accumulator that is not empty.
    ///
    /// Cost: a sweep over the table.
    fn len(&self) -> usize;

    /// Whether no key has one.
    ///
    /// Cost: as [`len`](Self::len).
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Calls `f` with every key and its accumulator, in no particular order.
    fn for_each(&self, f: impl FnMut(&K, &V));

    /// Takes at most `max` keys with their accumulators out, in no particular order, and goes on from there when called again with the same
    /// cursor. Says `true` when it came to the end; the cursor then stands at the beginning again. One call may take fewer than `max`, or
    /// none, and not be at the end: it also bounds how far it looks, so that a step takes microseconds.
    ///
    /// Accumulators written between two calls come out too, now or in the next pass.
    fn take_some(&mut self, cursor: &mut Cursor, max: usize, f: impl FnMut(K, V)) -> bool;

    /// Empties the table for the next window and keeps its memory.
    ///
    /// Cost: a sweep over the table; O(1) if [`take_some`](Self::take_some) has come to the end and nothing was written since.
    fn clear(&mut self);

    /// Bytes of memory held, without what keys and accumulators own elsewhere.
    fn memory_bytes(&self) -> usize;
}
