//! The right answers, computed naively: plain loops into hash maps, in parallel only because answers add up.
//!
//! Nothing here is shared with a system under test but the records, the functions that define the workload, and [`Answer`]. No oracle
//! relies on event time being monotone.

use std::{collections::HashMap, hash::Hash, ops::Range};

use foldhash::fast::FixedState;
use rayon::prelude::*;

use super::{
    Answer, Data, nexmark,
    replay::{Replay, Replayed},
    synthetic::{self, Digest, Event, is_kept, mark, scale, total_row, tumbling_row},
    text::{Lines, word_row, words},
    windowed::{self, Visit, disorder_row, is_left, join_row, session_row, sliding_row},
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
        Data::Chain { replay, links } => {
            let (sum, count) = totals(replay, |event| Some((1..=*links).fold(event.value as u64, synthetic::link)));
            one(&total_row(sum, count))
        }
        Data::Tumbling { replay, .. } => {
            let groups = group(replay, |groups: &mut Groups<(u64, i64), (i64, u64)>, event| {
                let group = groups.entry((event.key, start(event.event_time, synthetic::WINDOW_MS))).or_default();
                *group = (group.0 + event.value, group.1 + 1);
            });
            rows(groups, (0, 0), |a, b| (a.0 + b.0, a.1 + b.1), |(key, start), (sum, count)| tumbling_row(key, start, sum, count))
        }
        Data::Sliding { replay, slide_ms } => sliding(replay, *slide_ms),
        Data::Session(replay) => session(replay),
        Data::Join(replay) => join(replay),
        Data::Disorder { replay, .. } => {
            let row = |event: Event| disorder_row(event.key, start(event.event_time, synthetic::WINDOW_MS), event.value, 1);
            let of_range = |range| records(replay, range).map(row).fold(Answer::default(), Answer::merge);
            ranges(replay.events).into_par_iter().map(of_range).reduce(Answer::default, Answer::merge)
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
        Data::Nexmark { query, events, .. } => {
            let of_range = |range| nexmark::oracle::digest(*query, &events.range(range).collect::<Vec<_>>());
            match query.is_by_event() {
                true => ranges(events.events()).into_par_iter().map(of_range).reduce(Answer::default, Answer::merge),
                false => of_range(0..events.events()),
            }
        }
        Data::Flights(_) => unreachable!("prepare() answers flights from the rows it read"),
    }
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

/// Adds up what falls between two slides, and then, for each window, all that falls into it.
fn sliding(replay: &Replay<Event>, slide_ms: i64) -> Answer {
    let parts = group(replay, |groups: &mut Groups<(u64, i64), (i64, u64)>, event| {
        let group = groups.entry((event.key, start(event.event_time, slide_ms))).or_default();
        *group = (group.0 + event.value, group.1 + 1);
    });
    let mut windows = Groups::<(u64, i64), (i64, u64)>::default();
    for ((key, time), (sum, count)) in parts.into_iter().flatten() {
        for end in (1..=windowed::SLIDING_MS / slide_ms).map(|slides| time + slides * slide_ms) {
            let window = windows.entry((key, end)).or_default();
            *window = (window.0 + sum, window.1 + count);
        }
    }
    let mut answer = Answer::default();
    windows.iter().for_each(|(&(key, end), &(sum, count))| answer.add(&sliding_row(key, end, sum, count)));
    answer
}

/// First and last event time, and count.
type Span = (i64, i64, u64);

/// Puts together what is at most the gap apart.
fn sessions(mut spans: Vec<Span>) -> Vec<Span> {
    spans.sort_unstable();
    let mut sessions = Vec::<Span>::new();
    for span in spans {
        match sessions.last_mut() {
            Some(open) if span.0 - open.1 <= windowed::GAP_MS => *open = (open.0, open.1.max(span.1), open.2 + span.2),
            _ => sessions.push(span),
        }
    }
    sessions
}

fn session(replay: &Replay<Visit>) -> Answer {
    let of_range = |range| {
        let mut keys = Groups::<u64, Vec<Span>>::default();
        records(replay, range).for_each(|visit| keys.entry(visit.key).or_default().push((visit.event_time, visit.event_time, 1)));
        keys.into_iter().map(|(key, visits)| (key, sessions(visits))).collect::<Vec<_>>()
    };
    let mut keys = Groups::<u64, Vec<Span>>::default();
    for (key, spans) in ranges(replay.events).into_par_iter().map(of_range).collect::<Vec<_>>().into_iter().flatten() {
        keys.entry(key).or_default().extend(spans);
    }
    let mut answer = Answer::default();
    for (key, spans) in keys {
        sessions(spans).into_iter().for_each(|(first, last, count)| answer.add(&session_row(key, first, last, count)));
    }
    answer
}

/// For each record of the left, all of the right that are near enough.
fn join(replay: &Replay<Event>) -> Answer {
    let mut keys = Groups::<u64, [Vec<(i64, u64)>; 2]>::default();
    for event in records(replay, 0..replay.events) {
        keys.entry(event.key).or_default()[usize::from(is_left(&event))].push((event.event_time, event.seq));
    }
    let pairs_of = |(key, [mut rights, lefts]): (u64, [Vec<(i64, u64)>; 2])| {
        rights.sort_unstable();
        let mut answer = Answer::default();
        for (time, left) in lefts {
            let from = rights.partition_point(|right| right.0 < time - windowed::INTERVAL_MS);
            let near = rights[from..].iter().take_while(|right| right.0 <= time + windowed::INTERVAL_MS);
            near.for_each(|&(_, right)| answer.add(&join_row(key, left, right)));
        }
        answer
    };
    keys.into_iter().collect::<Vec<_>>().into_par_iter().map(pairs_of).reduce(Answer::default, Answer::merge)
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
    use crate::workload::{Spec, flights::airport_row, prepare};

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
                Data::Chain { replay, links } => {
                    let mut value = replay.get(index).value as u64;
                    for place in 1..=*links {
                        value = value.wrapping_add(place) ^ (value / 8);
                    }
                    rows.entry(vec![]).or_default().push(value as i64);
                }
                Data::Tumbling { replay, .. } => {
                    let event = replay.get(index);
                    rows.entry(vec![event.key, (event.event_time - event.event_time % 1_000) as u64]).or_default().push(event.value);
                }
                Data::Sliding { replay, slide_ms } => {
                    let event = replay.get(index);
                    for end in event.event_time + 1..=event.event_time + 10_000 {
                        if end % slide_ms == 0 {
                            rows.entry(vec![event.key, end as u64]).or_default().push(event.value);
                        }
                    }
                }
                Data::Session(replay) => {
                    let visit = replay.get(index);
                    rows.entry(vec![visit.key]).or_default().push(visit.event_time);
                }
                Data::Join(replay) => {
                    let event = replay.get(index);
                    for other in (0..events).map(|other| replay.get(other)) {
                        let is_pair = event.value % 2 == 0 && other.value % 2 != 0 && event.key == other.key;
                        if is_pair && (event.event_time - other.event_time).abs() <= 1_000 {
                            rows.entry(vec![event.key, event.seq, other.seq]).or_default();
                        }
                    }
                }
                Data::Disorder { replay, .. } => {
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
                Data::Sliding { .. } => answer.add(&[key, vec![(sum as i64 / count as i64) as u64]].concat()),
                Data::Session(_) => {
                    let mut times = values;
                    times.sort_unstable();
                    for session in times.chunk_by(|a, b| b - a <= 10_000) {
                        let end = session[session.len() - 1] + 10_000;
                        answer.add(&[key[0], session[0] as u64, end as u64, session.len() as u64]);
                    }
                }
                Data::Join(_) => answer.add(&key),
                Data::Disorder { .. } => answer = answer.merge(disorder_row(key[0], key[1] as i64, sum as i64, count)),
                Data::Hop(_) | Data::Hop64(_) | Data::Stateless(_) | Data::Chain { .. } | Data::Tumbling { .. } => {
                    answer.add(&[key, vec![sum, count]].concat())
                }
                _ => answer.add(&[key, vec![count]].concat()),
            }
        }
        answer
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(thalweg::testing::cases(24)))]
        #[test]
        fn oracles_agree_with_plainer_ones(name in prop::sample::select(vec!["hop", "hop64", "stateless", "chain-1", "chain-8", "tumbling", "tumbling-scattered", "ysb"]), events in 1u64..3_000, block_bytes in 1usize..20_000, seed: u64) {
            let prepared = prepare(&Spec { block_bytes, ..Spec::new(name, events, seed) }).unwrap();
            prop_assert_eq!(prepared.expected, plain(&prepared.input.data, events));
        }
    }

    #[test]
    fn windows_and_joins_agree_with_plainer_ones() {
        for name in ["sliding", "sliding-fine", "sliding-1", "sliding-100", "session", "join", "disorder"] {
            for (events, block_bytes, seed) in [(1, 100, 1), (500, 64, 2), (700, 1_000, 3), (900, 20_000, 4)] {
                let prepared = prepare(&Spec { block_bytes, ..Spec::new(name, events, seed) }).unwrap();
                assert_eq!(prepared.expected, plain(&prepared.input.data, events), "{name}, {events}");
            }
        }
        let prepared = prepare(&Spec { block_bytes: 32, ..Spec::new("session", 60_000, 5) }).unwrap();
        assert_eq!(prepared.expected, plain(&prepared.input.data, 60_000), "sessions that close");
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
