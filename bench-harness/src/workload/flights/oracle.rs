//! The right answers of the queries over flights, computed naively from the rows in memory. No row is late: the input's bound covers its
//! worst disorder, so that windows hold all that belongs to them, in whatever order it comes.

use std::collections::BTreeMap;

use super::{DAY_MS, DELAYED_MIN, GAP_MS, HOUR_MS, Query, Row, TOP, airport_row, session_row, top_row};
use crate::workload::Answer;

/// Count and sum of the delays of each airport, by the start of a window.
fn delays(rows: &[Row], window_ms: i64) -> BTreeMap<i64, BTreeMap<&str, (u64, i64)>> {
    let mut windows = BTreeMap::<i64, BTreeMap<&str, (u64, i64)>>::new();
    for row in rows {
        let start = row.scheduled.div_euclid(window_ms) * window_ms;
        let (count, sum) = windows.entry(start).or_default().entry(&row.origin).or_default();
        *count += 1;
        *sum += row.delay;
    }
    windows
}

/// The answer of a query.
pub(in crate::workload) fn answer(query: Query, rows: &[Row]) -> Answer {
    let mut answer = Answer::default();
    match query {
        Query::Hourly => {
            for (start, airports) in delays(rows, HOUR_MS) {
                airports.iter().for_each(|(origin, &(count, sum))| answer.add(&airport_row(origin, start, count, sum)));
            }
        }
        Query::Top => {
            for (start, airports) in delays(rows, DAY_MS) {
                let mut airports: Vec<_> = airports.into_iter().collect();
                // a/b > c/d if a·d > c·b. The sort is stable: what ties stays in the order of the alphabet.
                airports.sort_by(|(_, a), (_, b)| (i128::from(b.1) * i128::from(a.0)).cmp(&(i128::from(a.1) * i128::from(b.0))));
                for (place, (origin, (count, sum))) in airports.into_iter().take(TOP).enumerate() {
                    answer.add(&top_row(place as u64 + 1, airport_row(origin, start, count, sum)));
                }
            }
        }
        Query::Sessions => {
            let mut airports = BTreeMap::<&str, Vec<&Row>>::new();
            rows.iter().filter(|row| row.delay >= DELAYED_MIN).for_each(|row| airports.entry(&row.origin).or_default().push(row));
            for (origin, mut delayed) in airports {
                delayed.sort_by_key(|row| row.scheduled);
                for session in delayed.chunk_by(|earlier, later| later.scheduled - earlier.scheduled <= GAP_MS) {
                    let (first, last) = (session[0].scheduled, session[session.len() - 1].scheduled);
                    let sum = session.iter().map(|row| row.delay).sum();
                    answer.add(&session_row(origin, first, last + GAP_MS, session.len() as u64, sum));
                }
            }
        }
    }
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(origin: &str, scheduled_min: i64, delay: i64) -> Row {
        Row { scheduled: scheduled_min * 60_000, delay, origin: origin.to_owned(), rest: String::new() }
    }

    fn of<const N: usize>(rows: &[[u64; N]]) -> Answer {
        rows.iter().fold(Answer::default(), |mut answer, row| {
            answer.add(row);
            answer
        })
    }

    const MIN: i64 = 60_000;

    #[test]
    fn hours_end_at_the_hour() {
        let rows = [row("AAA", 59, 1), row("AAA", 60, 2), row("BBB", 0, -3), row("AAA", 0, 4)];
        let expected = [airport_row("AAA", 0, 2, 5), airport_row("AAA", 60 * MIN, 1, 2), airport_row("BBB", 0, 1, -3)];
        assert_eq!(answer(Query::Hourly, &rows), of(&expected));
    }

    #[test]
    fn the_top_is_by_exact_mean_and_ties_by_the_alphabet() {
        // Means: CCC 7/2, BBB and DDD 3, AAA 10/3.
        let mut rows = vec![row("BBB", 0, 3), row("DDD", 5, 6), row("DDD", 6, 0), row("CCC", 1, 3), row("CCC", 2, 4)];
        rows.extend([3, 3, 4].map(|delay| row("AAA", 9, delay)));
        rows.extend((0..9).map(|i| row(&format!("Z{i}Z"), 10, -i)));
        rows.push(row("BBB", 24 * 60, -1));
        let mut expected = vec![("CCC", 2, 7), ("AAA", 3, 10), ("BBB", 1, 3), ("DDD", 2, 6)]
            .into_iter()
            .map(|(o, c, s)| airport_row(o, 0, c, s))
            .collect::<Vec<_>>();
        expected.extend((0..6).map(|i| airport_row(&format!("Z{i}Z"), 0, 1, -i)));
        let mut expected: Vec<_> = (1..).zip(expected).map(|(rank, row)| top_row(rank, row)).collect();
        expected.push(top_row(1, airport_row("BBB", DAY_MS, 1, -1)));
        assert_eq!(answer(Query::Top, &rows), of(&expected));
    }

    #[test]
    fn sessions_join_at_the_gap_and_split_beyond_it_and_take_delayed_flights_only() {
        let rows = [row("AAA", 60, 15), row("AAA", 0, 20), row("AAA", 121, 30), row("AAA", 90, 14), row("BBB", 1, 99)];
        let expected = [
            session_row("AAA", 0, 120 * MIN, 2, 35),
            session_row("AAA", 121 * MIN, 181 * MIN, 1, 30),
            session_row("BBB", MIN, 61 * MIN, 1, 99),
        ];
        assert_eq!(answer(Query::Sessions, &rows), of(&expected));
    }
}
