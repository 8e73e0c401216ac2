//! Keyed state against the standard library's map, over keys made to be hostile.
#![allow(clippy::unwrap_used)]

use std::collections::HashMap;

use proptest::{collection::vec, prelude::*};
use thalweg::state::{Cursor, Dictionary, Key, KeyedState, Partial, Table};

/// A count and a sum: the count says whether it is empty, the sum shows that no update was lost or doubled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Sum {
    count: u64,
    sum: u64,
}

impl Partial for Sum {
    fn empty() -> Self {
        Self { count: 0, sum: 0 }
    }
    fn is_empty(&self) -> bool {
        self.count == 0
    }
}

impl Sum {
    fn add(&mut self, value: u64) {
        self.count += 1;
        self.sum = self.sum.wrapping_add(value);
    }
}

#[derive(Clone, Debug)]
enum Op<K> {
    Add(Vec<K>),
    /// As a window operator does it: runs over whatever view the table offers.
    Run(Vec<K>),
    /// Makes room for a key and puts nothing in.
    Touch(K),
    Get(K),
    Take(K),
    /// Steps of a firing, each followed by updates or none.
    Fire(Vec<(usize, Vec<K>)>),
    Clear,
}

/// Keys of one kind for a while: dense, moving, strided, scattered, few extremes.
fn keys() -> impl Strategy<Value = Vec<u64>> {
    let many = 0..200_usize;
    prop_oneof![
        4 => vec(0..300_u64, many.clone()),
        3 => (prop_oneof![Just(0), Just(1 << 40), Just(u64::MAX - 5_000), any::<u64>()], vec(0..5_000_u64, many.clone()))
            .prop_map(|(base, keys)| keys.into_iter().map(|key| base.saturating_add(key)).collect()),
        2 => (0..64_u32, vec(0..100_u64, many.clone()))
            .prop_map(|(shift, keys)| keys.into_iter().map(|key| key.wrapping_shl(shift)).collect()),
        2 => vec(any::<u64>(), many.clone()),
        2 => vec(prop_oneof![Just(0), Just(1), Just(u64::MAX), Just(u64::MAX - 1), Just(1 << 63), Just((1 << 63) - 1)], 0..20),
        1 => (any::<u64>(), many).prop_map(|(base, many)| (0..many as u64).map(|key| base.wrapping_add(key)).collect()),
        1 => Just((0..3_000_u64).map(|key| key * 7_919 % 3_001).collect()),
    ]
}

fn ops<K: Clone + std::fmt::Debug + 'static>(key: fn(u64) -> K) -> impl Strategy<Value = Vec<Op<K>>> {
    let one = move || prop_oneof![0..300_u64, any::<u64>(), Just(0), Just(u64::MAX)].prop_map(key);
    let many = move || keys().prop_map(move |keys| keys.into_iter().map(key).collect::<Vec<K>>());
    let op = prop_oneof![
        4 => many().prop_map(Op::Add),
        4 => many().prop_map(Op::Run),
        1 => one().prop_map(Op::Touch),
        2 => one().prop_map(Op::Get),
        2 => one().prop_map(Op::Take),
        2 => vec((1..300_usize, prop_oneof![4 => Just(vec![]).boxed(), 1 => many().boxed()]), 0..6).prop_map(Op::Fire),
        2 => Just(Op::Clear),
    ];
    vec(op, 1..25)
}

/// The loop of a window operator.
fn run<K: Key>(table: &mut Table<K, Sum>, keys: &[K], mut value: impl FnMut() -> u64) {
    let mut keys = keys.iter();
    let mut missed = keys.next();
    while let Some(key) = missed.take() {
        table.slot(key).add(value());
        if let Some(mut direct) = table.as_direct() {
            for key in keys.by_ref() {
                let Some(slot) = direct.slot(key.bits()) else {
                    missed = Some(key);
                    break;
                };
                slot.add(value());
            }
        } else if let Some(mut probe) = table.as_probe() {
            for key in keys.by_ref() {
                let Some(slot) = probe.slot(key.bits()) else {
                    missed = Some(key);
                    break;
                };
                slot.add(value());
            }
        } else {
            missed = keys.next();
        }
    }
}

fn check<K: Key + std::fmt::Debug>(ops: Vec<Op<K>>) -> Result<(), TestCaseError> {
    let mut table = Table::<K, Sum>::new();
    let mut oracle = HashMap::<K, Sum>::new();
    let mut tick = 0;
    let mut keys_ever = 0;
    let mut put = |oracle: &mut HashMap<K, Sum>, key: &K| {
        tick += 1;
        keys_ever += 1;
        oracle.entry(key.clone()).or_insert(Sum::empty()).add(tick);
        (tick, keys_ever)
    };
    let mut bound = 0;
    for op in ops {
        match op {
            Op::Add(keys) => {
                for key in keys {
                    let (value, keys_ever) = put(&mut oracle, &key);
                    table.slot(&key).add(value);
                    bound = keys_ever;
                }
            }
            Op::Run(keys) => {
                let values: Vec<u64> = keys.iter().map(|key| put(&mut oracle, key).0).collect();
                let mut values = values.into_iter();
                run(&mut table, &keys, || values.next().unwrap());
                prop_assert_eq!(values.next(), None, "a record was left out");
                bound += keys.len();
            }
            Op::Touch(key) => {
                let slot = *table.slot(&key);
                prop_assert_eq!(slot, oracle.get(&key).copied().unwrap_or(Sum::empty()));
                bound += 1;
            }
            Op::Get(key) => prop_assert_eq!(table.get(&key), oracle.get(&key)),
            Op::Take(key) => prop_assert_eq!(table.take(&key), oracle.remove(&key)),
            Op::Fire(steps) => {
                let mut cursor = Cursor::default();
                for (max, keys) in steps {
                    let mut step = Vec::new();
                    table.take_some(&mut cursor, max, |key, value| step.push((key, value)));
                    prop_assert!(step.len() <= max);
                    for (key, value) in step {
                        prop_assert_eq!(oracle.remove(&key), Some(value), "{:?}", key);
                    }
                    for key in keys {
                        let value = put(&mut oracle, &key).0;
                        table.slot(&key).add(value);
                        bound += 1;
                    }
                }
            }
            Op::Clear => {
                table.clear();
                oracle.clear();
                prop_assert!(table.is_empty());
            }
        }
        prop_assert_eq!(table.len(), oracle.len());
        // A MiB of slots is always allowed, placed with room to grow; beyond that it is a factor of the keys.
        prop_assert!(table.memory_bytes() <= (8 << 20) + bound * 1_024, "{} bytes for {bound} keys", table.memory_bytes());
    }
    let mut held = HashMap::new();
    table.for_each(|key, value| assert!(held.insert(key.clone(), *value).is_none(), "a key is there twice"));
    prop_assert_eq!(&held, &oracle);
    // A whole firing, in steps of 7, hands out everything once.
    let mut cursor = Cursor::default();
    let mut fired = HashMap::new();
    while !table.take_some(&mut cursor, 7, |key, value| assert!(fired.insert(key, value).is_none())) {}
    prop_assert_eq!(fired, oracle);
    prop_assert!(table.is_empty());
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn u64_keys(ops in ops(|key| key)) {
        check(ops)?;
    }

    #[test]
    fn i64_keys(ops in ops(|key| key as i64)) {
        check(ops)?;
    }

    #[test]
    fn negative_and_positive_i32_keys(ops in ops(|key| (key as i32).wrapping_sub(150))) {
        check(ops)?;
    }

    #[test]
    fn u8_keys(ops in ops(|key| key as u8)) {
        check(ops)?;
    }

    #[test]
    fn pairs_of_integers(ops in ops(|key| ((key >> 32) as u32, key as i32))) {
        check(ops)?;
    }

    #[test]
    fn strings(ops in ops(|key| key.to_string())) {
        check(ops)?;
    }

    #[test]
    fn pairs_with_a_string(ops in ops(|key| ((key % 3) as u8, (key / 3).to_string()))) {
        check(ops)?;
    }

    #[test]
    fn dictionary_is_a_map(keys in vec(prop_oneof![
        "[a-c]{0,3}",
        "[ab]{6,10}",
        "[a\\x00]{0,18}",
        "[xy]{15,18}",
        "a{0,40}",
        "\\PC{0,12}",
        (0..500_u32).prop_map(|n| format!("a longer key with the number {n}")),
    ], 0..600), clear_at in 0..600_usize) {
        let mut dictionary = Dictionary::<str>::new();
        let mut bytes = Dictionary::<[u8]>::new();
        let mut oracle = HashMap::<String, u32>::new();
        for (at, key) in keys.iter().enumerate() {
            if at == clear_at {
                dictionary.clear();
                bytes.clear();
                oracle.clear();
                prop_assert!(dictionary.is_empty());
            }
            prop_assert_eq!(dictionary.find(key), oracle.get(key).copied());
            let next = oracle.len() as u32;
            let slot = *oracle.entry(key.clone()).or_insert(next);
            prop_assert_eq!(dictionary.slot(key), (slot, slot == next), "{:?}", key);
            prop_assert_eq!(bytes.slot(key.as_bytes()), (slot, slot == next), "{:?}", key);
        }
        prop_assert_eq!(dictionary.len(), oracle.len());
        for (key, &slot) in &oracle {
            prop_assert_eq!(dictionary.key(slot), key);
            prop_assert_eq!(bytes.key(slot), key.as_bytes());
            prop_assert_eq!(dictionary.find(key), Some(slot));
            prop_assert_eq!(dictionary.hash(slot), bytes.hash(slot));
        }
    }
}

#[test]
fn windows_of_any_kind_follow_each_other() {
    let kinds: [fn(u64) -> u64; 6] = [
        |at| at % 10_000,
        |at| (at % 10_000).wrapping_mul(0x9e37_79b9_7f4a_7c15),
        |at| (1 << 50) + at * 7_919 % 100_003,
        |at| at * at * 4_099 % 1_000_003,
        |at| if at % 2 == 0 { at / 2 } else { u64::MAX - at / 2 },
        |at| at << 44,
    ];
    let mut table = Table::<u64, Sum>::new();
    // First the kinds in turn, then each several times in a row: modes change at clears and within windows.
    for window in 0..72_usize {
        let kind = kinds[if window < 24 { window % 6 } else { (window - 24) / 8 }];
        let mut oracle = HashMap::<u64, Sum>::new();
        for at in 0..30_000 {
            let key = kind(at);
            table.slot(&key).add(at);
            oracle.entry(key).or_insert(Sum::empty()).add(at);
        }
        let mut cursor = Cursor::default();
        while !table.take_some(&mut cursor, 1_000, |key, value| {
            assert_eq!(oracle.remove(&key), Some(value), "window {window}, key {key}");
        }) {}
        assert!(oracle.is_empty(), "window {window} lost {} keys", oracle.len());
        table.clear();
        assert!(table.memory_bytes() < 64 << 20, "window {window}: {} bytes", table.memory_bytes());
    }
}

#[test]
fn dense_keys_are_indexed_and_scattered_keys_are_not() {
    let mut table = Table::<u64, Sum>::new();
    // In an order that first looks scattered, and then turns out to be dense.
    (0..1_000_000).for_each(|at| table.slot(&(at * 7_919 % 1_000_003)).add(1));
    assert!(table.as_direct().is_some(), "a million keys of a million and three");
    table.slot(&u64::MAX).add(1);
    assert!(table.as_probe().is_some(), "one key far away");
    assert_eq!(table.len(), 1_000_001);
    table.clear();
    (0..1_000_000).for_each(|at| table.slot(&at).add(1));
    table.clear();
    assert!(table.as_direct().is_some(), "dense again");
    (0..1_000_000).for_each(|at| table.slot(&(at * 7_919 % 1_000_003)).add(1));
    assert!(table.as_direct().is_some(), "the window before told how many keys to expect");
}

#[test]
fn a_recycled_table_keeps_its_memory() {
    for shift in [0, 40] {
        let mut table = Table::<u64, Sum>::new();
        let mut memory = Vec::new();
        for window in 0..20_u64 {
            // Half of the keys are those of the window before; they arrive in another order each time.
            (0..10_000).for_each(|at| table.slot(&((window * 5_000 + at * (7 + window * 10) % 10_000) << shift)).add(at));
            table.clear();
            memory.push(table.memory_bytes());
        }
        assert!(memory[4..].iter().all(|&bytes| bytes == memory[4]), "{memory:?}");
    }
}

#[test]
fn a_value_written_after_the_firing_does_not_leak_into_the_next_window() {
    let mut table = Table::<u32, Sum>::new();
    (0..100).for_each(|key| table.slot(&key).add(1));
    let mut first = Cursor::default();
    table.take_some(&mut first, 10, |_, _| {});
    table.slot(&0).add(1);
    let mut second = Cursor::default();
    table.take_some(&mut second, 1, |_, _| {});
    table.slot(&0).add(1);
    let mut third = Cursor::default();
    table.take_some(&mut third, 1, |_, _| {});
    while !table.take_some(&mut first, 10, |_, _| {}) {}
    table.slot(&1).add(1);
    table.clear();
    assert!(table.is_empty());
    table.as_direct().unwrap().slot(5).unwrap().add(1);
    table.clear();
    assert!(table.is_empty());
}
