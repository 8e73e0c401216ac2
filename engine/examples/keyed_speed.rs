//! What a keyed operator costs per record, beside a loop by hand.
//!
//! `cargo run --release -p thalweg --example keyed_speed`

use std::time::Instant;

use thalweg::{
    Config, Dataflow, Fold, Generate, Monotone,
    process::{Context, Process},
};

const RECORDS: u64 = 50_000_000;

/// Counts the records of each key, and emits each thousandth count.
struct Counter;

impl Process<u64, u64> for Counter {
    type State = u64;
    type Out = u64;
    #[inline(always)]
    fn on_record(&mut self, state: &mut Option<u64>, _: u64, cx: &mut Context<'_, u64, u64>) {
        let count = state.get_or_insert(0);
        *count += 1;
        if count.is_multiple_of(1000) {
            cx.emit(*count);
        }
    }
}

/// As [`Counter`], and emits every count.
struct EveryCount;

impl Process<u64, u64> for EveryCount {
    type State = u64;
    type Out = u64;
    #[inline(always)]
    fn on_record(&mut self, state: &mut Option<u64>, _: u64, cx: &mut Context<'_, u64, u64>) {
        let count = state.get_or_insert(0);
        *count += 1;
        cx.emit(*count);
    }
}

/// A key that no branch can guess.
fn key(i: u64, keys: u64) -> u64 {
    let mixed = (i ^ (i >> 31)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    ((u128::from(mixed) * u128::from(keys)) >> 64) as u64
}

fn timed(name: &str, records: u64, run: impl FnOnce() -> u64) {
    let start = Instant::now();
    let result = run();
    let ns = start.elapsed().as_nanos() as f64 / records as f64;
    println!("{name:<44} {ns:>7.2} ns a record  {:>7.1} M/s   ({result})", 1e3 / ns);
}

fn counted<P: Process<u64, u64, Out = u64>>(keys: u64, spread: u64, make: fn() -> P) -> u64 {
    let mut flow = Dataflow::new("count");
    let (sink, sum) = Fold::new(0u64, |sum: &mut u64, count: u64| *sum = sum.wrapping_add(count));
    flow.source(Generate::new(RECORDS, move |i| key(i, keys).wrapping_mul(spread)))
        .watermarks(Monotone, |_| 0)
        .key_by(|key| *key)
        .process(make)
        .sink(sink);
    flow.start(Config::default().workers(1)).expect("a sound flow").join().expect("no fault");
    sum.merge(|a, b| a.wrapping_add(b)).unwrap_or(0)
}

fn main() {
    for keys in [1_000, 10_000, 1_000_000] {
        println!("{keys} keys");
        timed("  by hand: array, each thousandth", RECORDS, || {
            let mut counts = vec![0u64; keys as usize];
            let mut sum = 0u64;
            for i in 0..RECORDS {
                let count = &mut counts[key(i, keys) as usize];
                *count += 1;
                if count.is_multiple_of(1000) {
                    sum = sum.wrapping_add(*count);
                }
            }
            sum
        });
        timed("  process: dense, each thousandth", RECORDS, || counted(keys, 1, || Counter));
        timed("  process: dense, every count", RECORDS, || counted(keys, 1, || EveryCount));
        timed("  process: scattered, each thousandth", RECORDS, || counted(keys, 0x9e37_79b9_7f4a_7c15, || Counter));
    }
}
