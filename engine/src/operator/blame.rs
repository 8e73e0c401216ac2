//! Which operator a panic came from.
//!
//! Operators fuse into one loop, so when a closure panics, no stack of operators is left to ask. Each call of a closure therefore stands under
//! a guard whose drop does nothing but note the operator; it is forgotten when the closure returns, so it runs on unwinding only and the
//! hot path pays nothing. The innermost guard drops first and wins.

use std::{cell::Cell, mem};

use crate::error::RunError;

/// Number of an operator within its dataflow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Site(pub(crate) u32);

/// Stands for the source of whatever task is running.
pub(crate) const SOURCE: Site = Site(u32::MAX - 1);
const NOBODY: Site = Site(u32::MAX);

thread_local! {
    static BLAMED: Cell<Site> = const { Cell::new(NOBODY) };
}

struct Guard(Site);

impl Drop for Guard {
    #[cold]
    fn drop(&mut self) {
        BLAMED.with(|blamed| {
            if blamed.get() == NOBODY {
                blamed.set(self.0);
            }
        });
    }
}

/// Runs a user's closure so that a panic in it is blamed on `site`.
#[inline(always)]
pub(crate) fn guard<T>(site: Site, closure: impl FnOnce() -> T) -> T {
    let guard = Guard(site);
    let result = closure();
    mem::forget(guard);
    result
}

/// Runs a closure of a source so that a panic in it is blamed on the source.
#[inline(always)]
pub(crate) fn source<T>(closure: impl FnOnce() -> T) -> T {
    guard(SOURCE, closure)
}

/// The error by which an operator refuses to go on. Its worker, who knows the operators' names, fills in which one it was.
#[cold]
pub(crate) fn refuse(site: Site, why: String) -> RunError {
    BLAMED.with(|blamed| blamed.set(site));
    RunError::Operator { operator: String::new(), why }
}

/// Takes the operator blamed since the last call on this thread.
pub(crate) fn take() -> Option<Site> {
    let site = BLAMED.with(|blamed| blamed.replace(NOBODY));
    (site != NOBODY).then_some(site)
}
