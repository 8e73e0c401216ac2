#![allow(clippy::unwrap_used)]
use hdrhistogram::Histogram;

use super::*;

/// A run in which record `i` is sent and leaves when the functions say so; gaps as given. One record each 10 µs.
fn run(sent: impl Fn(u64) -> u64, left: impl Fn(u64) -> u64, gap: Option<[u64; 2]>) -> Outcome {
    let pace = Pace::new(&Schedule::constant(1e5), 2_000).unwrap();
    let (mut departures, mut emissions) = (pace.departures(Role::Loop), pace.emissions());
    for i in 0..2_000 {
        departures.sent_at.upto(i + 1, sent(i));
        emissions.left_at.upto(i + 1, left(i));
    }
    (departures.sent, departures.last, emissions.left, emissions.last) = (2_000, sent(1_999), 2_000, left(1_999));
    if let Some([from, to]) = gap {
        departures.gaps.add(from, to);
    }
    pace.outcome(departures, emissions, Answer::default())
}

#[test]
fn a_late_sender_shows_in_lateness_and_not_in_the_uncorrected_figure() {
    // Stopped from 10 ms to 13 ms; then all that was due leaves at once, 2 µs after it was sent.
    let sent = |i: u64| if (10_000_000..13_000_000).contains(&(i * 10_000)) { 13_000_000 } else { i * 10_000 };
    let outcome = run(sent, |i| sent(i) + 2_000, Some([10_000_000, 13_000_000]));
    let over = |histogram: Option<Histogram<u64>>| {
        let histogram = histogram.unwrap();
        histogram.len() - histogram.count_between(0, 1_000_000)
    };
    assert_eq!(over(outcome.uncorrected_ns), 0);
    assert_eq!(over(outcome.lateness_ns), 200, "two of three milliseconds");
    let undisturbed = outcome.undisturbed_ns.unwrap();
    assert_eq!((undisturbed.len(), undisturbed.max()), (1_800 - 300, 2_000), "all but the warm-up and the 300 that waited");
}

#[test]
fn what_a_sleeper_oversleeps_is_a_gap_and_the_sleep_is_not() {
    for (role, least_ns) in [(Role::Sleeper, 2_000_000), (Role::Loop, 9_000_000)] {
        // The second record is due 10 ms after the first.
        let pace = Pace::new(&Schedule::constant(100.0), 2).unwrap();
        let mut departures = pace.departures(role);
        while departures.due() == 0 {}
        departures.send(1);
        assert_eq!(departures.due(), 0);
        std::thread::sleep(Duration::from_millis(12));
        assert_eq!(departures.due(), 1);
        let gaps = departures.gaps();
        assert!(gaps.largest_ns >= least_ns, "{role:?}: {gaps:?}");
        assert!(role == Role::Loop || gaps.largest_ns + 9_000_000 < departures.last, "{role:?}: {gaps:?}");
    }
}

#[test]
fn littles_law_holds_over_stalls_at_either_end() {
    // Drives the clock by hand: every record is taken 50 µs after it is due, but those due in the last tenth, and some of the warm-up and
    // after it, only at the end of a stall.
    let pace = Pace::new(&Schedule::constant(1e6), 20_000).unwrap();
    let mut emissions = pace.emissions();
    let left_at = |i: u64| match i {
        1_500..3_000 => 3_100_000,
        18_000.. => 25_000_000,
        _ => i * 1_000 + 50_000,
    };
    (0..20_000).for_each(|i| emissions.leave_at(1, left_at(i)));
    let outcome = pace.outcome(pace.departures(Role::Loop), emissions, Answer::default());
    let (l, lambda, w) = (outcome.in_flight_mean.unwrap(), outcome.window_per_s.unwrap(), outcome.latency_ns.unwrap().mean() / 1e9);
    assert!((l / (lambda * w) - 1.0).abs() < 0.01, "{l} in flight, {lambda}/s, {w} s");
}

#[test]
fn nothing_is_due_before_the_start_and_everything_in_the_end() {
    let pace = Pace::new(&Schedule::constant(1e6), 1_000).unwrap();
    let (mut departures, mut emissions) = (pace.departures(Role::Loop), pace.emissions());
    assert_eq!(departures.due(), 0);
    let mut sent = 0;
    while sent < 1_000 {
        let due = departures.due();
        departures.send(due);
        emissions.leave(due);
        sent += due;
    }
    let outcome = pace.outcome(departures, emissions, Answer::default());
    assert_eq!((outcome.n, outcome.latency_ns.unwrap().len()), (1_000, 900));
    assert!(outcome.elapsed >= Duration::from_micros(999));
    assert!(outcome.progress.len() > 10 && outcome.progress.last().unwrap().n <= 1_000);
}
