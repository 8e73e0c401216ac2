//! Ordinary tests of the rings; the interleavings are the models' business (`models.rs`).
#![allow(clippy::unwrap_used)]

mod bytes;
mod control;
mod panics;
mod spsc;

use std::sync::{
    Arc,
    atomic::{AtomicIsize, Ordering},
};

/// Counts how many of its kind are alive, so that a leak and a double drop both show.
#[derive(Clone, Default)]
struct Living(Arc<AtomicIsize>);

impl Living {
    fn count(&self) -> isize {
        self.0.load(Ordering::SeqCst)
    }
    fn make(&self, id: u64) -> Counted {
        self.0.fetch_add(1, Ordering::SeqCst);
        Counted { id, living: self.clone(), bomb: false }
    }
    /// As `make`, but its drop panics (after it was counted).
    fn bomb(&self, id: u64) -> Counted {
        let mut counted = self.make(id);
        counted.bomb = true;
        counted
    }
}

struct Counted {
    id: u64,
    living: Living,
    bomb: bool,
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.living.0.fetch_sub(1, Ordering::SeqCst);
        assert!(!self.bomb, "bomb");
    }
}

fn ids(records: &[Counted]) -> Vec<u64> {
    records.iter().map(|record| record.id).collect()
}

/// Runs `f`, which must panic.
fn must_panic(f: impl FnOnce()) {
    assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(f)).is_err(), "it did not panic");
}
