//! The process's allocator, and a count of allocations that costs nothing when off.
//!
//! ```text
//!   cargo build                          mimalloc          scripts/allocators builds both and compares them by the same command
//!   cargo build --no-default-features    the system's
//!
//!   alloc ──▶ counting? (one relaxed load) ──▶ the allocator
//!                 └─ yes: +1 in this thread's shard
//! ```
//!
//! It is chosen when the program is built, so that no call asks which one it is. A shard is a padded line that a thread keeps for life; threads
//! share one only beyond 64.
//!
//! Unsafe: [`GlobalAlloc`] forwards to an allocator that keeps its contract.
#![allow(unsafe_code)]

use std::{
    alloc::{GlobalAlloc, Layout},
    cell::Cell,
    sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
};

use crossbeam_utils::CachePadded;
#[cfg(feature = "mimalloc")]
const ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;
#[cfg(not(feature = "mimalloc"))]
const ALLOCATOR: std::alloc::System = std::alloc::System;

const SHARDS: usize = 64;

static COUNTING: AtomicBool = AtomicBool::new(false);
static COUNTS: [CachePadded<AtomicU64>; SHARDS] = [const { CachePadded::new(AtomicU64::new(0)) }; SHARDS];
static THREADS: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    // Constant and without a destructor: touching it inside the allocator can neither allocate nor find it destroyed.
    static SHARD: Cell<usize> = const { Cell::new(usize::MAX) };
}

/// Forwards to the allocator that the program was built with. Make it the `#[global_allocator]`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Counted;

/// Starts or stops counting, for all threads.
pub fn count(on: bool) {
    // ORDERING: Relaxed; the counts are read after the counted threads were joined, and a few allocations at the edges do not matter.
    COUNTING.store(on, Ordering::Relaxed);
}

/// Allocations and reallocations counted since the process started, all threads together.
pub fn counted() -> u64 {
    // ORDERING: Relaxed; joining a thread (or the pause between phases) orders its last increment before this read.
    COUNTS.iter().map(|shard| shard.load(Ordering::Relaxed)).sum()
}

/// The allocator that [`Counted`] forwards to, by name.
pub const fn name() -> &'static str {
    if cfg!(feature = "mimalloc") { "mimalloc" } else { "system" }
}

#[inline]
fn count_one() {
    // ORDERING: Relaxed, see `count`.
    if COUNTING.load(Ordering::Relaxed) {
        add_to_shard();
    }
}

#[inline(never)]
fn add_to_shard() {
    let shard = SHARD.try_with(|shard| {
        if shard.get() == usize::MAX {
            // ORDERING: Relaxed; only the number matters.
            shard.set(THREADS.fetch_add(1, Ordering::Relaxed) % SHARDS);
        }
        shard.get()
    });
    // ORDERING: Relaxed, see `counted`. An increment and not a store: beyond 64 threads a shard has several owners.
    COUNTS[shard.unwrap_or(0)].fetch_add(1, Ordering::Relaxed);
}

// SAFETY: every call is forwarded, with the caller's own arguments, to one allocator that keeps the contract of GlobalAlloc.
unsafe impl GlobalAlloc for Counted {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count_one();
        // SAFETY: forwarded from the caller.
        unsafe { ALLOCATOR.alloc(layout) }
    }

    #[inline]
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count_one();
        // SAFETY: forwarded from the caller.
        unsafe { ALLOCATOR.alloc_zeroed(layout) }
    }

    #[inline]
    unsafe fn realloc(&self, block: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        count_one();
        // SAFETY: forwarded from the caller; `block` came from the same allocator.
        unsafe { ALLOCATOR.realloc(block, layout, new_size) }
    }

    #[inline]
    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: forwarded from the caller; `block` came from the same allocator.
        unsafe { ALLOCATOR.dealloc(block, layout) }
    }
}
