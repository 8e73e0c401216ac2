//! The process's allocator: mimalloc or the system's, chosen when the process starts, and a count of allocations that costs nothing when off.
//!
//! ```text
//!   --allocator system ──▶ the process starts itself again with THALWEG_BENCH_ALLOCATOR=system
//!                                     │ read at the very first allocation, before main
//!   alloc ──▶ counting? (one relaxed load) ──▶ mimalloc | system
//!                 └─ yes: +1, and the bytes, in this thread's shard; minus the bytes when the block is freed
//! ```
//!
//! Laws: a block is freed by the allocator that gave it, because the choice is made before the first block is given and never changes.
//! A shard is a padded line that one thread writes and keeps for life, so that counting needs no atomic increment: four of them a record (a
//! count and a sum of bytes for what is given and for what is taken back) were a tenth of a query that allocates per record. The last shard is
//! of all the threads beyond the first 1,023, and alone takes increments.
//!
//! Unsafe: [`GlobalAlloc`] forwards to two allocators that keep its contract, and reads one environment variable without allocating.
#![allow(unsafe_code)]

use std::{
    alloc::{GlobalAlloc, Layout, System},
    cell::Cell,
    sync::atomic::{AtomicBool, AtomicI64, AtomicU8, AtomicU64, AtomicUsize, Ordering},
};

use crossbeam_utils::CachePadded;
use mimalloc::MiMalloc;

/// Names the allocator of a process: `mimalloc` (the default) or `system`.
pub const VARIABLE: &str = "THALWEG_BENCH_ALLOCATOR";
const VARIABLE_C: &std::ffi::CStr = c"THALWEG_BENCH_ALLOCATOR";

const SHARDS: usize = 1024;
const SHARED: usize = SHARDS - 1;
const UNDECIDED: u8 = 0;
const MIMALLOC: u8 = 1;
const SYSTEM: u8 = 2;

static CHOICE: AtomicU8 = AtomicU8::new(UNDECIDED);
static COUNTING: AtomicBool = AtomicBool::new(false);
static SHARDS_OF: [CachePadded<Shard>; SHARDS] =
    [const { CachePadded::new(Shard { count: AtomicU64::new(0), bytes: AtomicI64::new(0) }) }; SHARDS];
static THREADS: AtomicUsize = AtomicUsize::new(0);

/// What a thread has allocated.
struct Shard {
    count: AtomicU64,
    /// Given less taken back; below zero where a thread frees what others have allocated.
    bytes: AtomicI64,
}

thread_local! {
    // Constant and without a destructor: touching it inside the allocator can neither allocate nor find it destroyed.
    static SHARD: Cell<usize> = const { Cell::new(usize::MAX) };
}

/// Forwards to the allocator that the environment named when the process started. Make it the `#[global_allocator]`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Switch;

/// Starts or stops counting, for all threads.
pub fn count(on: bool) {
    // ORDERING: Relaxed; the counts are read after the counted threads were joined, and a few allocations at the edges do not matter.
    COUNTING.store(on, Ordering::Relaxed);
}

/// Allocations and reallocations counted since the process started, all threads together.
pub fn counted() -> u64 {
    // ORDERING: Relaxed; joining a thread (or the pause between phases) orders its last increment before this read.
    used().map(|shard| shard.count.load(Ordering::Relaxed)).sum()
}

/// Bytes allocated less bytes freed while counting. Only the difference of two readings says something: what a process holds more than before.
pub fn live_bytes() -> i64 {
    // ORDERING: Relaxed, as `counted`.
    used().map(|shard| shard.bytes.load(Ordering::Relaxed)).sum()
}

/// The shards that have an owner, and the shared one: a run under way reads them too, and is not to pull hundreds of idle lines into its cache.
fn used() -> impl Iterator<Item = &'static Shard> {
    // ORDERING: Relaxed; a thread that has counted nothing yet is not missed.
    let owned = THREADS.load(Ordering::Relaxed).min(SHARED);
    SHARDS_OF[..owned].iter().chain([&SHARDS_OF[SHARED]]).map(|shard| &**shard)
}

/// The allocator in use, by name; `default` where [`Switch`] is not the global allocator.
pub fn name() -> &'static str {
    // ORDERING: Relaxed; the value is written once, before main.
    match CHOICE.load(Ordering::Relaxed) {
        MIMALLOC => "mimalloc",
        SYSTEM => "system",
        _ => "default",
    }
}

// Once a process: kept out of the path of every allocation.
#[cold]
#[inline(never)]
fn choose() -> u8 {
    // SAFETY: the name is a NUL-terminated constant. Another thread changing the environment meanwhile would race; this runs at the first
    // allocation of the process, before main and before any thread of ours exists.
    let value = unsafe { libc::getenv(VARIABLE_C.as_ptr()) };
    // SAFETY: a non-null result of getenv is a NUL-terminated string that lives until the environment changes.
    let is_system = !value.is_null() && unsafe { std::ffi::CStr::from_ptr(value) } == c"system";
    let choice = if is_system { SYSTEM } else { MIMALLOC };
    // ORDERING: Relaxed; every thread that decides decides the same, and no other data hangs on it.
    CHOICE.store(choice, Ordering::Relaxed);
    choice
}

#[inline]
fn is_system() -> bool {
    // ORDERING: Relaxed, see `choose`.
    let choice = CHOICE.load(Ordering::Relaxed);
    (if choice == UNDECIDED { choose() } else { choice }) == SYSTEM
}

#[inline]
fn note(blocks: u64, bytes: i64) {
    // ORDERING: Relaxed, see `count`.
    if COUNTING.load(Ordering::Relaxed) {
        add_to_shard(blocks, bytes);
    }
}

#[inline(never)]
fn add_to_shard(blocks: u64, bytes: i64) {
    let place = SHARD.try_with(|shard| {
        if shard.get() == usize::MAX {
            // ORDERING: Relaxed; only the number matters.
            shard.set(THREADS.fetch_add(1, Ordering::Relaxed).min(SHARED));
        }
        shard.get()
    });
    let place = place.unwrap_or(SHARED);
    let shard = &SHARDS_OF[place];
    // ORDERING: all Relaxed, see `counted`.
    if place == SHARED {
        shard.count.fetch_add(blocks, Ordering::Relaxed);
        shard.bytes.fetch_add(bytes, Ordering::Relaxed);
    } else {
        // No other thread writes it, so nothing comes between the load and the store.
        shard.count.store(shard.count.load(Ordering::Relaxed).wrapping_add(blocks), Ordering::Relaxed);
        shard.bytes.store(shard.bytes.load(Ordering::Relaxed).wrapping_add(bytes), Ordering::Relaxed);
    }
}

// SAFETY: every call is forwarded, with the caller's own arguments, to one of two allocators that keep the contract of GlobalAlloc; all calls
// of a process go to the same one (`CHOICE` goes from UNDECIDED to one value), so a block returns to the allocator that gave it.
unsafe impl GlobalAlloc for Switch {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        note(1, layout.size() as i64);
        // SAFETY: forwarded from the caller.
        if is_system() { unsafe { System.alloc(layout) } } else { unsafe { MiMalloc.alloc(layout) } }
    }

    #[inline]
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        note(1, layout.size() as i64);
        // SAFETY: forwarded from the caller.
        if is_system() { unsafe { System.alloc_zeroed(layout) } } else { unsafe { MiMalloc.alloc_zeroed(layout) } }
    }

    #[inline]
    unsafe fn realloc(&self, block: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        note(1, new_size as i64 - layout.size() as i64);
        // SAFETY: forwarded from the caller; `block` came from the same allocator.
        if is_system() { unsafe { System.realloc(block, layout, new_size) } } else { unsafe { MiMalloc.realloc(block, layout, new_size) } }
    }

    #[inline]
    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        note(0, -(layout.size() as i64));
        // SAFETY: forwarded from the caller; `block` came from the same allocator.
        if is_system() { unsafe { System.dealloc(block, layout) } } else { unsafe { MiMalloc.dealloc(block, layout) } }
    }
}
