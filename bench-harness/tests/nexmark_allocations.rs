//! Events are made and lent without an allocation; and so are they worked on, once a query is warm, unless its state grows.
#![allow(clippy::unwrap_used)]

use std::{hint::black_box, sync::Arc};

use thalweg_bench::{
    measure::alloc,
    system::{self, Generator as Made, Job},
    workload::{
        self, Spec,
        nexmark::{Block, Generator, Options, Query, Replay},
    },
};

#[global_allocator]
static ALLOCATOR: alloc::Switch = alloc::Switch;

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
    let live = alloc::live_bytes();
    let block = black_box(Box::new([0u8; 1_000]));
    assert_eq!((alloc::counted() - before, alloc::live_bytes() - live), (1, 1_000));
    drop(block);
    assert_eq!(alloc::live_bytes() - live, 0);
    alloc::count(false);
}

/// More threads than there are shards, several at a time: those that share one lose nothing either.
fn every_thread_is_counted() {
    const THREADS: u64 = 2_000;
    const BLOCKS: u64 = 1_000;
    alloc::count(true);
    let (before, live) = (alloc::counted(), alloc::live_bytes());
    for _ in 0..THREADS / 4 {
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| (0..BLOCKS).for_each(|_| drop(black_box(Box::new([0u8; 64])))));
            }
        });
    }
    alloc::count(false);
    // A thread takes a few blocks itself: too few to hide that some of a thousand were lost.
    let (counted, ours) = (alloc::counted() - before, THREADS * BLOCKS);
    assert!((ours..ours + THREADS * 20).contains(&counted), "{counted} counted of {ours}");
    assert!(alloc::live_bytes() - live < 100_000, "what was freed is still held");
}

/// Queries whose state grows with the stream: each new key takes memory.
const GROWING: [Query; 11] =
    [Query::Q3, Query::Q4, Query::Q6, Query::Q9, Query::Q15, Query::Q16, Query::Q17, Query::Q18, Query::Q19, Query::Q20, Query::Q23];

/// Queries that make something of their own per window or file, and nothing per record: allocations per record stay below this.
const FEW: f64 = 0.001;

/// What these may allocate per event, though their state does not grow: the sessions of q11.
fn allowed(query: Query) -> f64 {
    match query {
        Query::Q11 => 0.01,
        _ => FEW,
    }
}

/// What a key may take at most, in bytes: about half as much again as the largest measured. A person of q23 keeps about a hundred bids.
fn key_takes(query: Query) -> f64 {
    match query {
        Query::Q23 => 30_000.0,
        Query::Q19 => 3_000.0,
        _ => 1_200.0,
    }
}

fn queries_allocate_only_where_their_state_grows() {
    let thalweg = system::all().into_iter().find(|system| system.name() == "thalweg").unwrap();
    alloc::count(true);
    let mut over = Vec::new();
    for query in Query::ALL {
        let input = Arc::new(workload::input(&Spec::new(&query.to_string(), 400_000, 1)).unwrap());
        let job = Job {
            input,
            cores: 1,
            batch: 1_024,
            ring_bytes: 64 << 10,
            wait: "adaptive".to_owned(),
            schedule: None,
            generator: Made::Thread,
        };
        let outcome = thalweg.run(&job).unwrap();
        let (allocations, records) = outcome.allocations.unwrap();
        let per_record = allocations as f64 / records as f64;
        match outcome.state {
            Some((bytes, keys)) => {
                let per_key = bytes as f64 / keys as f64;
                println!("{query}: {per_record:.4} allocations per record, {per_key:.0} bytes per key, {keys} keys");
                assert!(GROWING.contains(&query) && keys > 0 && per_key < key_takes(query), "{query}: {per_key} bytes per key");
            }
            None => {
                println!("{query}: {per_record:.6} allocations per record");
                assert!(!GROWING.contains(&query), "{query}: no bytes per key");
                if per_record >= allowed(query) {
                    over.push((query, per_record));
                }
            }
        }
    }
    alloc::count(false);
    assert!(over.is_empty(), "these allocate per record: {over:?}");
}

/// One test, so that no other thread allocates meanwhile.
#[test]
fn allocations() {
    neither_a_generator_nor_a_replay_allocates();
    every_thread_is_counted();
    queries_allocate_only_where_their_state_grows();
}
