//! The right answers, computed naively: plain loops into hash maps, in parallel only because answers add up.
//!
//! Nothing here is shared with a system under test but the records, the functions that define the workload, and [`Answer`]. No oracle
//! relies on event time being monotone.

use std::{collections::HashMap, hash::Hash, ops::Range};

use foldhash::fast::FixedState;
use rayon::prelude::*;

use super::{
    Answer, Data,
    flights::{self, Row, airport_row},
    nexmark,
    replay::{Replay, Replayed},
    synthetic::{self, Digest, is_kept, mark, scale, total_row, tumbling_row},
    text::{Lines, word_row, words},
    ysb::{self, EventType, campaign_row},
};

type Groups<K, A> = HashMap<K, A, FixedState>;

/// The answer of a synthetic workload.
pub(super) fn answer(data: &Data) -> Answer {
    match data {
        Data::Hop(replay) => hop(replay),
        Data::Hop64(replay) => hop(replay),
        Data::Stateless(replay) => {
            let (sum, count) = totals(replay, |event| {
                let scaled = scale(&event);
                is_kept(scaled).then(|| mark(scaled, event.seq) as u64)
            });
            one(&total_row(sum, count))
        }
        Data::Tumbling { replay, .. } => {
            let groups = group(replay, |groups: &mut Groups<(u64, i64), (i64, u64)>, event| {
                let group = groups.entry((event.key, start(event.event_time, synthetic::WINDOW_MS))).or_default();
                *group = (group.0 + event.value, group.1 + 1);
            });
            rows(groups, (0, 0), |a, b| (a.0 + b.0, a.1 + b.1), |(key, start), (sum, count)| tumbling_row(key, start, sum, count))
        }
        Data::Ysb { replay, campaigns } => {
            let groups = group(replay, |groups: &mut Groups<(u32, i64), u64>, ad| {
                if ad.event_type == EventType::View {
                    *groups.entry((campaigns[ad.ad_id as usize], start(ad.event_time, ysb::WINDOW_MS))).or_default() += 1;
                }
            });
            rows(groups, 0, |a, b| a + b, |(campaign, start), count| campaign_row(campaign, start, count))
        }
        Data::WordCount(lines) => wordcount(lines),
        Data::Nexmark { query, replay } => nexmark::oracle::digest(*query, &replay.iter().collect::<Vec<_>>()),
        Data::Flights(_) => unreachable!("prepare() answers flights from the rows it read"),
    }
}

/// The answer of `flights`. No row is late: the watermark's bound covers the worst disorder.
pub(super) fn flights(rows: &[Row]) -> Answer {
    let mut groups = HashMap::<(&str, i64), (u64, i64)>::new();
    for row in rows {
        let group = groups.entry((&row.origin, start(row.scheduled, flights::WINDOW_MS))).or_default();
        *group = (group.0 + 1, group.1 + row.delay);
    }
    let mut answer = Answer::default();
    groups.iter().for_each(|(&(origin, start), &(count, sum))| answer.add(&airport_row(origin, start, count, sum)));
    answer
}

/// The start of the window that a time falls into.
fn start(time: i64, window_ms: i64) -> i64 {
    time.div_euclid(window_ms) * window_ms
}

fn one(columns: &[u64]) -> Answer {
    let mut answer = Answer::default();
    answer.add(columns);
    answer
}

/// Ranges of a few million records that cover all of them.
fn ranges(events: u64) -> Vec<Range<u64>> {
    const STEP: u64 = 2_000_000;
    (0..events).step_by(STEP as usize).map(|from| from..(from + STEP).min(events)).collect()
}

fn records<T: Replayed>(replay: &Replay<T>, range: Range<u64>) -> impl Iterator<Item = T> {
    replay.slices(range, usize::MAX).flat_map(|(shift, slice)| slice.iter().map(move |record| record.at(shift)))
}

/// Wrapping sum and count of what `value` gives.
fn totals<T: Replayed>(replay: &Replay<T>, value: impl Fn(T) -> Option<u64> + Sync) -> (u64, u64) {
    let partial = |range| records(replay, range).filter_map(&value).fold((0u64, 0u64), |(sum, count), v| (sum.wrapping_add(v), count + 1));
    ranges(replay.events).into_par_iter().map(partial).reduce(|| (0, 0), |a, b| (a.0.wrapping_add(b.0), a.1 + b.1))
}

fn hop<T: Replayed + Digest>(replay: &Replay<T>) -> Answer {
    let (sum, count) = totals(replay, |record| Some(record.digest()));
    one(&total_row(sum, count))
}

/// Groups of each range.
fn group<T: Replayed, K: Send, A: Send>(replay: &Replay<T>, add: impl Fn(&mut Groups<K, A>, T) + Sync) -> Vec<Groups<K, A>> {
    let of_range = |range| {
        let mut groups = Groups::default();
        records(replay, range).for_each(|record| add(&mut groups, record));
        groups
    };
    ranges(replay.events).into_par_iter().map(of_range).collect()
}

/// Puts the ranges' groups together and reduces them to an answer.
fn rows<K: Hash + Eq, A: Copy, const N: usize>(
    parts: Vec<Groups<K, A>>,
    zero: A,
    combine: impl Fn(A, A) -> A,
    row: impl Fn(K, A) -> [u64; N],
) -> Answer {
    let mut all = Groups::default();
    for (key, group) in parts.into_iter().flatten() {
        let sum = all.entry(key).or_insert(zero);
        *sum = combine(*sum, group);
    }
    let mut answer = Answer::default();
    all.into_iter().for_each(|(key, group)| answer.add(&row(key, group)));
    answer
}

/// Counts the block once, for all full laps, and the last lap's part on its own.
fn wordcount(lines: &Lines) -> Answer {
    let mut counts = Groups::<&str, u64>::default();
    let laps = lines.events / lines.block_lines();
    for (lines, times) in [
        (lines.block.lines().collect::<Vec<_>>(), laps),
        (lines.block.lines().take((lines.events % lines.block_lines()) as usize).collect(), 1),
    ] {
        lines.into_iter().flat_map(words).for_each(|word| *counts.entry(word).or_default() += times);
    }
    let mut answer = Answer::default();
    counts.iter().filter(|&(_, &count)| count > 0).for_each(|(word, &count)| answer.add(&word_row(word, count)));
    answer
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;
    use crate::workload::{Spec, prepare};

    /// The answer once more, record by record in one thread, straight from the definitions.
    fn plain(data: &Data, events: u64) -> Answer {
        let mut rows = BTreeMap::<Vec<u64>, Vec<i64>>::new();
        let mut answer = Answer::default();
        for index in 0..events {
            match data {
                Data::Hop(replay) => rows.entry(vec![]).or_default().push(replay.get(index) as i64),
                Data::Hop64(replay) => {
                    let record = replay.get(index);
                    rows.entry(vec![]).or_default().push(record.value.wrapping_add(index) as i64);
                }
                Data::Stateless(replay) => {
                    let event = replay.get(index);
                    let value = event.value.wrapping_mul(3).wrapping_add(event.key as i64);
                    let kept = rows.entry(vec![]).or_default();
                    if value % 2 == 0 {
                        kept.push((value / 2) ^ index as i64);
                    }
                }
                Data::Tumbling { replay, .. } => {
                    let event = replay.get(index);
                    rows.entry(vec![event.key, (event.event_time - event.event_time % 1_000) as u64]).or_default().push(event.value);
                }
                Data::Ysb { replay, campaigns } => {
                    let ad = replay.get(index);
                    if matches!(ad.event_type, EventType::View) {
                        let start = ad.event_time - ad.event_time % 10_000;
                        rows.entry(vec![campaigns[ad.ad_id as usize].into(), start as u64]).or_default().push(1);
                    }
                }
                Data::WordCount(lines) => {
                    let line = lines.block.lines().nth((index % lines.block_lines()) as usize).unwrap();
                    for word in line.split_whitespace() {
                        rows.entry(vec![crate::workload::text_column(word)]).or_default().push(1);
                    }
                }
                Data::Flights(_) | Data::Nexmark { .. } => unreachable!(),
            }
        }
        for (key, values) in rows {
            let (sum, count) = (values.iter().fold(0i64, |a, &b| a.wrapping_add(b)) as u64, values.len() as u64);
            match data {
                Data::Hop(_) | Data::Hop64(_) | Data::Stateless(_) | Data::Tumbling { .. } => answer.add(&[key, vec![sum, count]].concat()),
                _ => answer.add(&[key, vec![count]].concat()),
            }
        }
        answer
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn oracles_agree_with_plainer_ones(name in prop::sample::select(vec!["hop", "hop64", "stateless", "tumbling", "tumbling-scattered", "ysb"]), events in 1u64..3_000, block_bytes in 1usize..20_000, seed: u64) {
            let prepared = prepare(&Spec { block_bytes, ..Spec::new(name, events, seed) }).unwrap();
            prop_assert_eq!(prepared.expected, plain(&prepared.input.data, events));
        }
    }

    #[test]
    fn wordcount_agrees_with_a_plainer_one() {
        for (events, seed) in [(1, 1), (777, 2), (2_000, 3)] {
            let prepared = prepare(&Spec { block_bytes: 10_000, ..Spec::new("wordcount", events, seed) }).unwrap();
            assert_eq!(prepared.expected, plain(&prepared.input.data, events));
        }
    }

    #[test]
    fn ranges_longer_than_one_step_add_up() {
        let prepared = prepare(&Spec { block_bytes: 4_096, ..Spec::new("ysb", 4_100_001, 5) }).unwrap();
        assert_eq!(prepared.expected, plain(&prepared.input.data, 4_100_001));
    }

    #[test]
    fn flights_agree_with_a_sum_over_all() {
        let prepared = prepare(&Spec::new("flights", 2_000, 1)).unwrap();
        let Data::Flights(flights) = &prepared.input.data else { panic!("flights") };
        let text = std::fs::read_to_string(&flights.path).unwrap();
        let mut answer = Answer::default();
        let mut rows = BTreeMap::<(&str, i64), (u64, i64)>::new();
        for line in text.lines().skip(1) {
            let columns: Vec<&str> = line.split(',').collect();
            let hour = columns[0].parse::<i64>().unwrap() / 3_600_000 * 3_600_000;
            let row = rows.entry((columns[3], hour)).or_default();
            *row = (row.0 + 1, row.1 + columns[1].parse::<i64>().unwrap());
        }
        rows.iter().for_each(|(&(origin, hour), &(count, sum))| answer.add(&airport_row(origin, hour, count, sum)));
        assert_eq!(prepared.expected, answer);
    }
}
