//! Keyed state against the best loops we could write by hand.
//!
//! `cargo bench --bench state` measures each loop by itself. With `YARDSTICK=1` in the environment the loops of each group take turns
//! instead, and medians and ratios are printed: on a machine whose speed drifts, only that can tell two loops apart. `YARDSTICK=name`
//! runs the groups whose names contain that.
//!
//! Shown: the cost of finding and updating an accumulator, with keys that were all seen before. Not shown: firing, growth, memory that is
//! cold because something else ran in between.
#![allow(missing_docs, clippy::unwrap_used)]

use std::{
    hash::{BuildHasherDefault, Hasher},
    hint::black_box,
    ops::Range,
    time::Instant,
};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use thalweg::state::{Dictionary, Key, KeyedState, Partial, Table};

#[path = "state/hand.rs"]
mod hand;

const BLOCK: usize = 32 * 1024;
const WINDOW: Range<i64> = 0..1_000;

/// The synthetic workloads' record.
#[derive(Clone, Copy)]
#[repr(C)]
struct Record {
    key: u64,
    value: i64,
    event_time: i64,
    seq: u64,
}

#[derive(Clone, Copy, Default, PartialEq, Debug)]
struct Sum {
    sum: i64,
    count: u64,
}

impl Sum {
    #[inline(always)]
    fn add(&mut self, value: i64) {
        self.sum += value;
        self.count += 1;
    }
}

impl Partial for Sum {
    #[inline(always)]
    fn empty() -> Self {
        Self::default()
    }
    #[inline(always)]
    fn is_empty(&self) -> bool {
        self.count == 0
    }
}

/// SplitMix64.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
    fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }
}

fn scattered(keys: usize) -> Vec<u64> {
    let mut random = Random(keys as u64);
    (0..keys).map(|_| random.next()).collect()
}

fn records(count: usize, keys: &[u64]) -> Vec<Record> {
    let mut random = Random(1);
    (0..count as u64)
        .map(|seq| Record { key: keys[random.below(keys.len())], value: (seq % 100) as i64, event_time: (seq % 1_000) as i64, seq })
        .collect()
}

/// The loop of the window operator.
#[inline(never)]
fn window_loop<K: Key>(table: &mut Table<K, Sum>, records: &[Record], key: impl Fn(&Record) -> K, window: Range<i64>) {
    let mut records = records.iter();
    let mut missed: Option<&Record> = None;
    loop {
        if let Some(record) = missed.take() {
            // Fires, opens another window; here there is one, so late records are dropped.
            if window.contains(&record.event_time) {
                table.slot(&key(record)).add(record.value);
            }
        }
        if let Some(mut direct) = table.as_direct() {
            for record in records.by_ref() {
                if window.contains(&record.event_time)
                    && let Some(sum) = direct.slot(key(record).bits())
                {
                    sum.add(record.value);
                } else {
                    missed = Some(record);
                    break;
                }
            }
        } else if let Some(mut probe) = table.as_probe() {
            for record in records.by_ref() {
                if window.contains(&record.event_time)
                    && let Some(sum) = probe.slot(key(record).bits())
                {
                    sum.add(record.value);
                } else {
                    missed = Some(record);
                    break;
                }
            }
        } else {
            for record in records.by_ref() {
                if window.contains(&record.event_time) {
                    table.slot(&key(record)).add(record.value);
                }
            }
        }
        if missed.is_none() {
            return;
        }
    }
}

#[derive(Default)]
struct Fx(u64);

impl Hasher for Fx {
    fn finish(&self) -> u64 {
        self.0.rotate_left(26)
    }
    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|&byte| self.write_u64(u64::from(byte)));
    }
    fn write_u64(&mut self, word: u64) {
        self.0 = (self.0.wrapping_add(word)).wrapping_mul(0xf135_7aea_2e62_a9c5);
    }
}

/// A loop with its state, that reports what it holds in all.
struct Contender<'a, I: ?Sized> {
    name: &'static str,
    run: Box<dyn FnMut(&I) + 'a>,
}

fn contender<'a, I: ?Sized>(name: &'static str, run: impl FnMut(&I) + 'a) -> Contender<'a, I> {
    Contender { name, run: Box::new(run) }
}

/// Measures the contenders of a group over one input of `elements` elements.
fn compare<I: ?Sized>(c: &mut Criterion, group: &str, input: &I, elements: usize, mut contenders: Vec<Contender<'_, I>>) {
    let Ok(wanted) = std::env::var("YARDSTICK") else {
        let mut group = c.benchmark_group(group);
        group.throughput(Throughput::Elements(elements as u64)).sample_size(20);
        for contender in &mut contenders {
            group.bench_function(contender.name, |b| b.iter(|| (contender.run)(black_box(input))));
        }
        group.finish();
        return;
    };
    if wanted != "1" && !group.contains(&wanted) {
        return;
    }
    let mut seconds = vec![Vec::new(); contenders.len()];
    let rounds = 21;
    for round in 0..rounds + 1 {
        for (contender, seconds) in contenders.iter_mut().zip(&mut seconds) {
            let repeats = (2_000_000 / elements).max(1);
            let start = Instant::now();
            for _ in 0..repeats {
                (contender.run)(black_box(input));
            }
            if round > 0 {
                seconds.push(start.elapsed().as_secs_f64() / (repeats * elements) as f64);
            }
        }
    }
    let medians: Vec<f64> = seconds
        .iter_mut()
        .map(|seconds| {
            seconds.sort_by(f64::total_cmp);
            seconds[rounds / 2]
        })
        .collect();
    for (contender, median) in contenders.iter().zip(&medians) {
        let ratio = medians[0] / median;
        println!("{group:<24}{:<36}{:>8.1} M/s {:>7.2} ns  {ratio:>5.2} of the first", contender.name, 1e-6 / median, median * 1e9);
    }
}

/// A table that has seen the records once and says what it holds.
fn check(name: &str, records: &[Record], repeats: u64, for_each: impl FnOnce(&mut dyn FnMut(u64, Sum))) {
    let mut oracle = std::collections::HashMap::<u64, Sum>::new();
    for record in records {
        oracle.entry(record.key).or_default().add(record.value);
    }
    for_each(&mut |key, sum| {
        let expected = oracle.remove(&key).unwrap_or_else(|| panic!("{name}: key {key} was never put in, or twice"));
        assert_eq!((sum.count, sum.sum), (expected.count * repeats, expected.sum * repeats as i64), "{name}: key {key}");
    });
    assert!(oracle.is_empty(), "{name} lost keys");
}

fn dense(c: &mut Criterion) {
    let keys: Vec<u64> = (0..10_000).collect();
    let records = records(BLOCK, &keys);
    let mut array = vec![Sum::default(); 10_000];
    let mut table = Table::<u64, Sum>::new();
    let mut narrow = Table::<u32, Sum>::new();
    let mut slots = Table::<u64, Sum>::new();
    compare(
        c,
        "dense-10k",
        records.as_slice(),
        BLOCK,
        vec![
            contender("hand array", |records| hand::array(&mut array, records, WINDOW)),
            contender("table", |records| window_loop(&mut table, records, |record| record.key, WINDOW)),
            contender("table, u32 keys", |records| window_loop(&mut narrow, records, |record| record.key as u32, WINDOW)),
            contender("table, slot by slot", |records| hand::slot_by_slot(&mut slots, records, WINDOW)),
        ],
    );
    let repeats = table.get(&keys[0]).map_or(0, |sum| sum.count) / records.iter().filter(|record| record.key == 0).count().max(1) as u64;
    if repeats > 0 {
        check("table", &records, repeats, |f| table.for_each(|&key, &sum| f(key, sum)));
    }
}

fn scattered_keys(c: &mut Criterion) {
    let keys = scattered(10_000);
    let records = records(BLOCK, &keys);
    let records = records.as_slice();
    let mut tables: Vec<hand::Linear> = [32 * 1024, 64 * 1024].map(hand::Linear::new).into();
    let (small, large) = tables.split_at_mut(1);
    let mut skipping = hand::Linear::new(64 * 1024);
    let mut ahead = hand::Linear::new(64 * 1024);
    let mut split = hand::Split::new(64 * 1024);
    let mut brown = hashbrown::HashMap::<u64, Sum, _>::with_hasher(foldhash::fast::FixedState::with_seed(1));
    let mut fx = hashbrown::HashMap::<u64, Sum, _>::with_hasher(BuildHasherDefault::<Fx>::default());
    let mut std_map = std::collections::HashMap::<u64, Sum>::new();
    let mut table = Table::<u64, Sum>::new();
    let mut slots = Table::<u64, Sum>::new();

    // Each once, to check the answers.
    small[0].simple(records, WINDOW);
    check("linear", records, 1, |f| small[0].for_each(f));
    skipping.skipping(records, WINDOW);
    check("skipping", records, 1, |f| skipping.for_each(f));
    ahead.ahead(records, WINDOW);
    check("ahead", records, 1, |f| ahead.for_each(f));
    split.run(records, WINDOW);
    check("split", records, 1, |f| split.for_each(f));
    window_loop(&mut table, records, |record| record.key, WINDOW);
    check("table", records, 1, |f| table.for_each(|&key, &sum| f(key, sum)));

    compare(
        c,
        "scattered-10k",
        records,
        BLOCK,
        vec![
            contender("table", |records| window_loop(&mut table, records, |record| record.key, WINDOW)),
            contender("table, slot by slot", |records| hand::slot_by_slot(&mut slots, records, WINDOW)),
            contender("hand: linear, 32 Ki", |records| small[0].simple(records, WINDOW)),
            contender("hand: linear, 64 Ki", |records| large[0].simple(records, WINDOW)),
            contender("hand: linear, ahead, 64 Ki", |records| ahead.ahead(records, WINDOW)),
            contender("hand: skip one, 64 Ki", |records| skipping.skipping(records, WINDOW)),
            contender("hand: keys apart, 64 Ki", |records| split.run(records, WINDOW)),
            contender("hashbrown, foldhash", |records: &[Record]| {
                for record in records.iter().filter(|record| WINDOW.contains(&record.event_time)) {
                    brown.entry(record.key).or_default().add(record.value);
                }
            }),
            contender("hashbrown, fx", |records: &[Record]| {
                for record in records.iter().filter(|record| WINDOW.contains(&record.event_time)) {
                    fx.entry(record.key).or_default().add(record.value);
                }
            }),
            contender("std, SipHash", |records: &[Record]| {
                for record in records.iter().filter(|record| WINDOW.contains(&record.event_time)) {
                    std_map.entry(record.key).or_default().add(record.value);
                }
            }),
        ],
    );
}

/// Words of a text: 50,000 of them, the r-th most frequent in proportion to 1 / r; frequent ones are short, as in any language.
fn text(tokens: usize) -> Vec<String> {
    let mut random = Random(50_000);
    let mut seen = std::collections::HashSet::new();
    let vocabulary: Vec<String> = (0..50_000_usize)
        .map(|rank| {
            loop {
                let length = 2 + random.below(4 + 2 * rank.max(1).ilog10() as usize);
                let word: String = (0..length).map(|_| char::from(b'a' + random.below(26) as u8)).collect();
                if seen.insert(word.clone()) {
                    break word;
                }
            }
        })
        .collect();
    let mut total = 0.0;
    let weights: Vec<f64> = (1..=vocabulary.len())
        .map(|rank| {
            total += 1.0 / rank as f64;
            total
        })
        .collect();
    let draw = |at: f64| weights.partition_point(|&weight| weight < at).min(vocabulary.len() - 1);
    (0..tokens).map(|_| vocabulary[draw(random.next() as f64 / u64::MAX as f64 * total)].clone()).collect()
}

fn words(c: &mut Criterion) {
    let tokens = text(1 << 18);
    let joined = tokens.join(" ");
    let words: Vec<&str> = joined.split(' ').collect();
    let mut dictionary = Dictionary::<str>::new();
    let mut bytes = Dictionary::<[u8]>::new();
    let mut brown = hashbrown::HashMap::<String, u32, _>::with_hasher(foldhash::fast::FixedState::with_seed(1));
    let mut borrowed = hashbrown::HashMap::<&str, u32, _>::with_hasher(foldhash::fast::FixedState::with_seed(1));
    for word in &words {
        let (slot, _) = dictionary.slot(word);
        assert_eq!(*brown.entry_ref(*word).or_insert(slot), slot);
        borrowed.insert(word, slot);
    }
    assert_eq!(dictionary.len(), brown.len());
    let mut counts = vec![0_u64; dictionary.len()];
    let mut counts_of_brown = counts.clone();
    let mut counts_of_borrowed = counts.clone();
    let mut counts_of_bytes = counts.clone();
    compare(
        c,
        "words-50k",
        words.as_slice(),
        words.len(),
        vec![
            contender("dictionary", |words: &[&str]| {
                for word in words {
                    counts[dictionary.slot(word).0 as usize] += 1;
                }
            }),
            contender("dictionary of bytes", |words: &[&str]| {
                for word in words {
                    counts_of_bytes[bytes.slot(word.as_bytes()).0 as usize] += 1;
                }
            }),
            contender("hashbrown, foldhash, String", |words: &[&str]| {
                for word in words {
                    counts_of_brown[*brown.entry_ref(*word).or_insert(0) as usize] += 1;
                }
            }),
            contender("hashbrown, foldhash, &str", |words: &[&str]| {
                for word in words {
                    counts_of_borrowed[borrowed[word] as usize] += 1;
                }
            }),
        ],
    );
}

criterion_group!(benches, dense, scattered_keys, words);
criterion_main!(benches);
