//! Events are made and lent without an allocation.
#![allow(clippy::unwrap_used)]

use std::hint::black_box;

use thalweg_bench::{
    measure::alloc,
    workload::nexmark::{Block, Generator, Options, Replay},
};

#[global_allocator]
static ALLOCATOR: alloc::Counted = alloc::Counted;

/// One test, so that no other thread allocates meanwhile.
#[test]
fn neither_a_generator_nor_a_replay_allocates() {
    let options = Options { disorder_ms: 1_000, ..Options::default() };
    let generator = Generator::new(1, options).unwrap();
    let replay = Replay::new(Block::collect((0..5_000).map(|n| generator.event(n))).unwrap(), 100_000).unwrap();
    alloc::count(true);
    let before = alloc::counted();
    for n in 0..100_000 {
        black_box(generator.event(black_box(n)));
    }
    assert_eq!(alloc::counted() - before, 0);
    for event in replay.iter() {
        black_box(event);
    }
    assert_eq!(alloc::counted() - before, 0);
    // The count does count.
    drop(black_box(Box::new(1)));
    assert_eq!(alloc::counted() - before, 1);
    alloc::count(false);
}
