//! The counting allocator, as the global allocator of a process of its own.
#![allow(clippy::unwrap_used)]

use thalweg_bench::measure::alloc;

#[global_allocator]
static ALLOCATOR: alloc::Switch = alloc::Switch;

/// One test, so that no other thread allocates meanwhile.
#[test]
fn allocations_are_counted_only_when_asked_and_exactly() {
    assert_eq!(alloc::name(), "mimalloc");
    let off = alloc::counted();
    drop(std::hint::black_box(vec![1u8; 100]));
    assert_eq!(alloc::counted(), off, "counted although off");

    alloc::count(true);
    let before = alloc::counted();
    for _ in 0..1_000 {
        drop(std::hint::black_box(Box::new(7u64)));
    }
    assert_eq!(alloc::counted() - before, 1_000);

    let before = alloc::counted();
    let mut sum = 0u64;
    for i in 0..1_000u64 {
        sum = std::hint::black_box(sum + i);
    }
    assert_eq!(alloc::counted() - before, 0, "a loop that does not allocate was charged, sum {sum}");

    let before = alloc::counted();
    let mut growing: Vec<u8> = Vec::with_capacity(1);
    growing.reserve_exact(std::hint::black_box(1_000));
    drop(std::hint::black_box(growing));
    assert_eq!(alloc::counted() - before, 2, "an allocation and a reallocation");

    let before = alloc::counted();
    let threads: Vec<_> = (0..100).map(|_| std::thread::spawn(|| (0..100).for_each(|i| drop(std::hint::black_box(Box::new(i)))))).collect();
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    assert!(alloc::counted() - before >= 10_000, "allocations of other threads are missing");
    alloc::count(false);
}
