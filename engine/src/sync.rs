//! The one switch between the standard library's primitives and loom's models of them.
//!
//! Every concurrency protocol of the engine takes its atomics, cells and threads from here, so that the model tests run the code that
//! ships. Build with `RUSTFLAGS="--cfg loom"` to get the models.

#[cfg(not(loom))]
pub(crate) use std::{
    hint::spin_loop,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering, fence},
    },
    thread,
};

#[cfg(loom)]
pub(crate) use loom::{
    hint::spin_loop,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering, fence},
    },
    thread,
};
