//! The one switch between the standard library's primitives and loom's models of them.
//!
//! Every concurrency protocol of the engine takes its atomics, cells and threads from here, so that the model tests run the code that
//! ships. Build with `RUSTFLAGS="--cfg loom"` to get the models (`scripts/model.sh` does).
//!
//! Memory that is lent out as slices cannot live in loom's cells, which are wider than what they hold. It stays in plain memory with a
//! [`Ledger`] beside it: one model cell a slot, told of every access. In a normal build the ledger is a type of size zero.

#[allow(unused_imports, reason = "the switch offers both builds the same names, used or not")]
#[cfg(not(loom))]
pub(crate) use std::{
    hint::spin_loop,
    sync::{
        Arc, Mutex, OnceLock,
        atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering, fence},
    },
    thread,
};

#[allow(unused_imports, reason = "the switch offers both builds the same names, used or not")]
#[cfg(loom)]
pub(crate) use loom::{
    hint::spin_loop,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering, fence},
    },
    thread,
};

/// What the standard library's promises and no more: who finds the value sees what its setter did before, and who finds none knows nothing.
#[cfg(loom)]
pub(crate) struct OnceLock<T> {
    is_set: AtomicBool,
    value: std::sync::OnceLock<T>,
}

#[cfg(loom)]
impl<T> OnceLock<T> {
    pub(crate) fn new() -> Self {
        Self { is_set: AtomicBool::new(false), value: std::sync::OnceLock::new() }
    }
    pub(crate) fn set(&self, value: T) -> Result<(), T> {
        let set = self.value.set(value);
        self.is_set.store(true, Ordering::Release);
        set
    }
    pub(crate) fn get(&self) -> Option<&T> {
        if self.is_set.load(Ordering::Acquire) { self.value.get() } else { None }
    }
}

/// Whether the bug of this name is planted: never, but in a build with `--cfg canary` that the variable `CANARY` tells to. `scripts/model.sh` plants
/// one after the other, each of which a model must notice.
#[cfg(not(canary))]
#[inline(always)]
pub(crate) const fn planted(_bug: &str) -> bool {
    false
}

#[cfg(canary)]
pub(crate) fn planted(bug: &str) -> bool {
    static PLANTED: std::sync::OnceLock<Option<std::ffi::OsString>> = std::sync::OnceLock::new();
    PLANTED.get_or_init(|| std::env::var_os("CANARY")).as_ref().is_some_and(|planted| planted == bug)
}

/// The ordering of a store that publishes, unless the bug of this name is planted, which lets others see it before what it announces.
#[inline(always)]
pub(crate) fn publishing(bug: &str) -> Ordering {
    if planted(bug) { Ordering::Relaxed } else { Ordering::Release }
}

/// Tells the model of every access to a run of slots; in a normal build it does nothing and has no size.
///
/// An access that is not ordered after every conflicting earlier one, on every execution that the model explores, fails the test.
#[cfg(not(loom))]
pub(crate) struct Ledger;

#[cfg(not(loom))]
impl Ledger {
    #[inline(always)]
    pub(crate) fn new(_slots: usize) -> Self {
        Self
    }
    #[inline(always)]
    pub(crate) fn read(&self, _first: usize, _count: usize) {}
    #[inline(always)]
    pub(crate) fn write(&self, _first: usize, _count: usize) {}
}

#[cfg(loom)]
pub(crate) struct Ledger(Box<[loom::cell::UnsafeCell<()>]>);

#[cfg(loom)]
impl Ledger {
    pub(crate) fn new(slots: usize) -> Self {
        Self((0..slots).map(|_| loom::cell::UnsafeCell::new(())).collect())
    }
    /// Slots `first..first + count` are read here.
    pub(crate) fn read(&self, first: usize, count: usize) {
        self.each(first, count, |cell| cell.with(|_| ()));
    }
    /// Slots `first..first + count` are written, moved out of or dropped here.
    pub(crate) fn write(&self, first: usize, count: usize) {
        self.each(first, count, |cell| cell.with_mut(|_| ()));
    }
    fn each(&self, first: usize, count: usize, access: impl FnMut(&loom::cell::UnsafeCell<()>)) {
        // A model that has failed unwinds through drops that access slots; a second panic would abort and hide the first.
        if !std::thread::panicking() {
            self.0[first..first + count].iter().for_each(access);
        }
    }
}
