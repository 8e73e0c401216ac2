//! Every aggregate against a fold over all records: however they are divided among partials, whatever is taken out again.

use std::{cmp::Reverse, collections::BTreeSet};

use proptest::prelude::*;

use super::*;
use crate::record::Own;

type Row = (i64, i64);

/// Lifts `kept` into some partials and `gone` into another, combines them in an order given by `shuffle`, and takes the other out if that goes.
fn result<A: Aggregate<Own<Row>>>(mut aggregate: A, kept: &[Row], gone: &[Row], parts: usize, shuffle: usize) -> A::Out {
    let mut partials: Vec<A::Partial> = (0..parts).map(|_| A::Partial::empty()).collect();
    for (at, row) in kept.iter().enumerate() {
        let partial = &mut partials[at * 7 % parts];
        aggregate.lift(partial, row);
        assert!(!partial.is_empty());
    }
    let mut out = A::Partial::empty();
    gone.iter().for_each(|row| aggregate.lift(&mut out, row));
    let mut whole = A::Partial::empty();
    assert!(whole.is_empty());
    if A::INVERTS && !gone.is_empty() {
        aggregate.combine(&mut whole, out.clone());
    }
    for at in 0..parts {
        let partial = partials[(at + shuffle) % parts].clone();
        aggregate.combine(&mut whole, partial);
    }
    if A::INVERTS && !gone.is_empty() {
        aggregate.invert(&mut whole, &out);
    }
    aggregate.lower(&whole)
}

fn first(row: &Row) -> i64 {
    row.0
}

fn rows() -> impl Strategy<Value = Vec<Row>> {
    let number = prop_oneof![8 => -20..20i64, 1 => Just(i64::MAX), 1 => Just(i64::MIN), 1 => any::<i64>()];
    prop::collection::vec(number, 1..60)
        .prop_map(|numbers| numbers.into_iter().enumerate().map(|(at, number)| (number, at as i64)).collect())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: crate::testing::cases(256), ..ProptestConfig::default() })]

    #[test]
    fn aggregates_equal_folds(kept in rows(), gone in rows(), parts in 1..5usize, shuffle in 0..5usize) {
        let (kept, gone) = (&kept[..], &gone[..]);
        let numbers: Vec<i64> = kept.iter().map(first).collect();
        let count = numbers.len() as u64;
        let sum = numbers.iter().fold(0i64, |sum, number| sum.wrapping_add(*number));
        let wide: i128 = numbers.iter().map(|number| i128::from(*number)).sum();
        let distinct = numbers.iter().collect::<BTreeSet<_>>().len() as u64;
        let mut descending = numbers.clone();
        descending.sort_unstable_by_key(|number| Reverse(*number));
        let least = kept.iter().min().copied().expect("some");
        let greatest = kept.iter().max().copied().expect("some");

        prop_assert_eq!(result(Count, kept, gone, parts, shuffle), count);
        prop_assert_eq!(result(Sum::of::<Own<Row>>(first), kept, gone, parts, shuffle), SumCount { sum, count });
        prop_assert_eq!(i128::from(result(Mean::of::<Own<Row>>(first), kept, gone, parts, shuffle)), wide / i128::from(count));
        prop_assert_eq!(result(Min::of::<Own<Row>>(first), kept, gone, parts, shuffle), least.0);
        prop_assert_eq!(result(Max::of::<Own<Row>>(first), kept, gone, parts, shuffle), greatest.0);
        // Ordered by the whole row, no two are equal.
        prop_assert_eq!(result(First::by::<Own<Row>>(|row: &Row| *row, |row: &Row| row.1), kept, gone, parts, shuffle), least.1);
        prop_assert_eq!(result(Last::by::<Own<Row>>(|row: &Row| *row, |row: &Row| row.1), kept, gone, parts, shuffle), greatest.1);
        prop_assert_eq!(result(DistinctCount::of::<Own<Row>>(first), kept, gone, parts, shuffle), distinct);
        prop_assert_eq!(result(ApproxDistinct::of::<Own<Row>>(first), kept, gone, parts, shuffle), distinct);
        for n in [1, 3, 100] {
            let top = result(TopN::of::<Own<Row>>(n, first), kept, gone, parts, shuffle);
            prop_assert_eq!(&top[..], &descending[..n.min(descending.len())]);
        }
        let reduced = Reduce::of::<Own<Row>>(|row: &Row| vec![row.0], |a: Vec<i64>, b: Vec<i64>| [a, b].concat());
        prop_assert_eq!(result(reduced, kept, gone, parts, shuffle).len() as u64, count);
        let several = (Count, Sum::of::<Own<Row>>(first), Mean::of::<Own<Row>>(first));
        prop_assert_eq!(result(several.clone(), kept, gone, parts, shuffle).1, SumCount { sum, count });
        prop_assert!(<(Count, Count) as Aggregate<Own<Row>>>::INVERTS);
        let four = (Max::of::<Own<Row>>(first), several.0, several.1, several.2);
        let (max, counted, ..) = result(four, kept, gone, parts, shuffle);
        prop_assert_eq!((max, counted), (greatest.0, count));
    }

    #[test]
    fn floats_are_totally_ordered_and_a_nan_spreads_through_a_mean(mut numbers in prop::collection::vec(any::<f64>(), 1..20), nan: bool) {
        if nan {
            numbers.push(f64::NAN);
        }
        let rows: Vec<Row> = numbers.iter().map(|number| (number.to_bits().cast_signed(), 0)).collect();
        let number = |row: &Row| f64::from_bits(row.0.cast_unsigned());
        let greatest = numbers.iter().copied().max_by(f64::total_cmp).expect("some");
        let max = result(Max::of::<Own<Row>>(move |row: &Row| Total(number(row))), &rows, &[], 3, 1);
        prop_assert_eq!(max.0.to_bits(), greatest.to_bits());
        let mean = result(FloatMean::of::<Own<Row>>(number), &rows, &[], 1, 0);
        let expected = numbers.iter().sum::<f64>() / numbers.len() as f64;
        prop_assert!(mean == expected || mean.is_nan() && expected.is_nan());
        prop_assert!(!nan || mean.is_nan());
    }
}

#[test]
fn estimates_stay_within_four_standard_errors_from_few_to_very_many() {
    let mut aggregate = ApproxDistinct::of::<Own<Row>>(first);
    let mut halves = [Sketch::empty(), Sketch::empty()];
    let mut checked = 0;
    for number in 0..2_000_000i64 {
        // Each value comes twice, to both halves now and then.
        Aggregate::<Own<Row>>::lift(&mut aggregate, &mut halves[number as usize % 2], &(number, 0));
        Aggregate::<Own<Row>>::lift(&mut aggregate, &mut halves[number as usize % 3 % 2], &(number, 0));
        let count = number as u64 + 1;
        if count.is_power_of_two() || count.is_multiple_of(250_000) {
            let mut whole = halves[0].clone();
            Aggregate::<Own<Row>>::combine(&mut aggregate, &mut whole, halves[1].clone());
            let estimate = Aggregate::<Own<Row>>::lower(&aggregate, &whole);
            let error = (estimate as f64 - count as f64).abs() / count as f64;
            assert!(error <= if count <= FEW_EXACT { 0.0 } else { 4.0 * 0.01625 }, "{estimate} for {count}");
            checked += 1;
        }
    }
    assert!(checked > 20);
}

/// Up to here a sketch is exact.
const FEW_EXACT: u64 = 64;
