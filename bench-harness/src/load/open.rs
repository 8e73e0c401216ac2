//! The open loop: what its two ends note down, and what follows from their notes.
//!
//! ```text
//!   due(i)  fixed before the run                                    a late sender is charged to every record that waited for it
//!     │
//!     ├── Departures: sent(i), gaps ─▶ system under test ─▶ Emissions: left(i), number in flight, progress
//!     │                                                                │
//!     └──────────────── latency = left − due ──────────────────────────┤
//!                       uncorrected = left − sent                      │  after the run, from both ends' tables
//!                       lateness = sent − due                          │
//!                       undisturbed = latency of those that no gap touched
//! ```
//!
//! Latency is recorded of every record. What needs both ends is taken from every `stride`-th record, at most `TABLE_RECORDS` of them: each
//! end writes its own table, so that measuring adds no traffic between the cores that are measured.
//!
//! The number in flight at an instant is the number of records due by then, less those that had left; it is known exactly at any instant
//! between two batches, from positions alone. The instants are fixed in advance too, a jittered microsecond apart, so that neither
//! batches nor stalls decide when it is looked at. Mean residence and mean number are thus counted apart, and Little's law can be held against them.

use std::{
    sync::{Arc, OnceLock},
    time::{Duration, Instant},
};

use hdrhistogram::Histogram;
use quanta::Clock;

use super::{Arrivals, Schedule, schedule::Cursor};
use crate::{
    measure::{residence, stalls::STALL_MIN_NS, steady::Progress, threads::Gaps},
    system::Outcome,
    workload::Answer,
};

/// A part of the run that is not measured: this share of its records, but no more than those of this many seconds.
const WARM_SHARE: f64 = 0.1;
const WARM_SECONDS: f64 = 0.2;

/// From the readiness of the ends to the first record, so that neither is measured while it starts.
const LEAD_NS: f64 = 5e6;

/// Records that both ends keep the times of: 8 MiB a table.
const TABLE_RECORDS: u64 = 1 << 20;

/// Gaps whose times are kept: more than this in one run, and the later ones are only counted.
const GAPS_KEPT: usize = 1 << 16;

/// Moments at which the progress of a run is noted.
const PROGRESS_POINTS: u64 = 50;

/// Records of one batch that are noted down one by one; a longer batch of an even schedule is noted down in as many groups, each at its mean.
const GROUPS: u64 = 16;

/// What both ends share: the arrivals, and a clock that begins for both at the same time.
#[derive(Clone)]
pub struct Pace {
    clock: Clock,
    ns_per_tick: f64,
    arrivals: Arrivals,
    /// Records at the beginning that are not measured.
    warm: u64,
    stride: u64,
    /// The start, in ticks and for those that sleep: set by whichever end is ready first.
    start: Arc<OnceLock<(u64, Instant)>>,
}

impl Pace {
    /// Fixes the arrivals.
    ///
    /// # Errors
    /// As [`Schedule::arrivals`].
    pub fn new(schedule: &Schedule, events: u64) -> Result<Pace, String> {
        const TICKS: u64 = 1 << 40;
        let clock = Clock::new();
        let ns_per_tick = clock.delta_as_nanos(0, TICKS) as f64 / TICKS as f64;
        let warm = (events as f64 * WARM_SHARE).min(schedule.mean_per_s() * WARM_SECONDS) as u64;
        let stride = events.div_ceil(TABLE_RECORDS).max(1);
        Ok(Pace { clock, ns_per_tick, arrivals: schedule.arrivals(events)?, warm, stride, start: Arc::default() })
    }

    /// The arrivals.
    pub fn arrivals(&self) -> &Arrivals {
        &self.arrivals
    }

    /// The notes of the sending end. The first of either end fixes the start, a little later.
    pub fn departures(&self, role: Role) -> Departures {
        Departures {
            role,
            timer: self.timer(),
            due: self.arrivals.cursor(),
            sent: 0,
            sent_at: Table::new(self),
            last: 0,
            was_idle: false,
            own_ns: residence::histogram(),
            gaps: GapLog { looked: true, ..GapLog::default() },
        }
    }

    /// The notes of the receiving end.
    pub fn emissions(&self) -> Emissions {
        let last_due = self.arrivals.at(self.arrivals.len().saturating_sub(1));
        Emissions {
            timer: self.timer(),
            due: self.arrivals.cursor(),
            warm: self.warm,
            residence_ns: residence::histogram(),
            left: 0,
            left_at: Table::new(self),
            first_measured: 0,
            last: 0,
            last_look: 0,
            was_idle: false,
            idle: 0,
            next_sample: self.arrivals.at(self.warm),
            jitter: 1,
            in_flight: 0,
            samples: 0,
            progress: Vec::with_capacity(PROGRESS_POINTS as usize + 1),
            progress_ns: (last_due / PROGRESS_POINTS).max(1),
            gaps: GapLog::default(),
        }
    }

    /// The notes of windowed work's results.
    pub fn results(&self) -> Results {
        let latency_ns = residence::histogram();
        Results { timer: self.timer(), arrivals: self.arrivals.clone(), warm: self.warm, latency_ns, window: None }
    }

    fn timer(&self) -> Timer {
        let begin = || (self.clock.raw() + (LEAD_NS / self.ns_per_tick) as u64, Instant::now() + Duration::from_nanos(LEAD_NS as u64));
        let (start, instant) = *self.start.get_or_init(begin);
        Timer { clock: self.clock.clone(), ns_per_tick: self.ns_per_tick, start, instant }
    }

    /// What a run measured whose ends noted this.
    pub fn outcome(&self, departures: Departures, emissions: Emissions, answer: Answer) -> Outcome {
        let both = Both::of(self, &departures, &emissions);
        let measured = emissions.left.saturating_sub(self.warm);
        let window_ns = emissions.last.saturating_sub(emissions.first_measured);
        Outcome {
            in_flight_mean: (emissions.samples > 0).then(|| emissions.in_flight as f64 / emissions.samples as f64),
            window_per_s: (window_ns > 0).then(|| measured as f64 * 1e9 / window_ns as f64),
            latency_ns: Some(emissions.residence_ns),
            uncorrected_ns: Some(both.uncorrected_ns),
            undisturbed_ns: (departures.gaps.looked || emissions.gaps.looked).then_some(both.undisturbed_ns),
            lateness_ns: Some(both.lateness_ns),
            own_lateness_ns: (departures.role == Role::Generator).then_some(departures.own_ns),
            v_per_s: (departures.last > 0).then(|| departures.sent as f64 * 1e9 / departures.last as f64),
            progress: emissions.progress,
            ..Outcome::closed(emissions.left, Duration::from_nanos(emissions.last), answer)
        }
    }
}

/// Time since the common start, in ns.
#[derive(Clone)]
struct Timer {
    clock: Clock,
    ns_per_tick: f64,
    start: u64,
    instant: Instant,
}

impl Timer {
    /// None before the start.
    #[inline]
    fn now(&self) -> Option<u64> {
        let ticks = self.clock.raw().checked_sub(self.start)?;
        Some((ticks as f64 * self.ns_per_tick) as u64)
    }
}

/// A time of every `stride`-th record.
struct Table {
    stride: u64,
    next: u64,
    times: Vec<u64>,
}

impl Table {
    /// Filled, so that no page of it is touched for the first time during the run.
    fn new(pace: &Pace) -> Table {
        Table { stride: pace.stride, next: 0, times: vec![u64::MAX; pace.arrivals.len().div_ceil(pace.stride) as usize] }
    }

    /// Gives all records before `end` that have none the time `now`.
    #[inline]
    fn upto(&mut self, end: u64, now: u64) {
        while self.next * self.stride < end {
            if let Some(time) = self.times.get_mut(self.next as usize) {
                *time = now;
            }
            self.next += 1;
        }
    }
}

/// Gaps between two looks at the clock with nothing to do in between.
#[derive(Default)]
struct GapLog {
    looked: bool,
    sum: Gaps,
    kept: Vec<[u64; 2]>,
}

impl GapLog {
    // Cold: a few hundred times a second.
    #[cold]
    #[inline(never)]
    fn add(&mut self, from: u64, to: u64) {
        self.sum.add(to - from);
        if self.kept.len() < GAPS_KEPT {
            self.kept.push([from, to]);
        }
    }
}

/// Who sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// A thread that does nothing else: its own lateness is not the system's.
    Generator,
    /// The system's own loop, which never sleeps.
    Loop,
    /// The system's own loop, which may sleep until the next record is due: only what it oversleeps is a gap.
    Sleeper,
}

/// The notes of the end that sends.
pub struct Departures {
    role: Role,
    timer: Timer,
    due: Cursor,
    sent: u64,
    sent_at: Table,
    /// The last look at the clock; after the run the last departure.
    last: u64,
    was_idle: bool,
    /// How late a generator that had nothing else to do saw that a record was due.
    own_ns: Histogram<u64>,
    gaps: GapLog,
}

impl Departures {
    /// Records that are due and not sent: as of a look at the clock.
    ///
    /// # Cost
    /// A read of the clock and about 5 ns.
    #[inline]
    pub fn due(&mut self) -> u64 {
        let Some(now) = self.timer.now() else { return 0 };
        let due = self.due.due_by(now) - self.sent;
        if self.was_idle {
            let since = if self.role == Role::Sleeper { self.last.max(self.due.arrivals().at(self.sent)) } else { self.last };
            if now.saturating_sub(since) > STALL_MIN_NS {
                self.gaps.add(since, now);
            }
        }
        if due > 0 && self.role == Role::Generator {
            let own = if self.was_idle { now - self.due.arrivals().at(self.sent) } else { 0 };
            self.own_ns.saturating_record(own.max(1));
        }
        self.was_idle = due == 0;
        self.last = now;
        due
    }

    /// Notes that `count` of them are sent, as of the last look.
    #[inline]
    pub fn send(&mut self, count: u64) {
        self.sent += count;
        self.sent_at.upto(self.sent, self.last);
    }

    /// Records that were sent.
    pub fn sent(&self) -> u64 {
        self.sent
    }

    /// When the next record is due; none if all were sent. For a sender that can sleep until then.
    #[inline]
    pub fn next_due(&self) -> Option<Instant> {
        let arrivals = self.due.arrivals();
        (self.sent < arrivals.len()).then(|| self.timer.instant + Duration::from_nanos(arrivals.at(self.sent)))
    }

    /// Gaps between looks at the clock with nothing due in between.
    pub fn gaps(&self) -> Gaps {
        self.gaps.sum
    }
}

/// The notes of the end that receives.
pub struct Emissions {
    timer: Timer,
    due: Cursor,
    warm: u64,
    residence_ns: Histogram<u64>,
    left: u64,
    left_at: Table,
    /// When the first measured batch had left.
    first_measured: u64,
    /// The last emission.
    last: u64,
    /// The last look at the clock that found nothing.
    last_look: u64,
    was_idle: bool,
    idle: u32,
    /// The next sampling instant and the state of its jitter.
    next_sample: u64,
    jitter: u64,
    in_flight: u128,
    samples: u64,
    progress: Vec<Progress>,
    progress_ns: u64,
    gaps: GapLog,
}

impl Emissions {
    /// Mean distance of the instants at which the number in flight is looked at.
    const SPACING_NS: u64 = 1_000;

    /// Notes that `count` more records have left, as of a look at the clock.
    ///
    /// # Cost
    /// A read of the clock, 5 ns a record of small batches, and 5 ns for each microsecond since the last call.
    #[inline]
    pub fn leave(&mut self, count: u64) {
        let now = self.timer.now().unwrap_or(0);
        self.leave_at(count, now);
    }

    #[inline]
    fn leave_at(&mut self, count: u64, now: u64) {
        let (before, end) = (self.left, self.left + count);
        self.record(before.max(self.warm), end, now);
        self.left_at.upto(end, now);
        self.left = end;
        self.last = now;
        self.was_idle = false;
        // The warm-up's own records are left out of both, so that the law holds exactly from the first measured arrival to the last emission.
        while self.next_sample <= now {
            self.in_flight += u128::from(self.due.due_by(self.next_sample).saturating_sub(before.max(self.warm)));
            self.samples += 1;
            self.jitter ^= self.jitter << 13;
            self.jitter ^= self.jitter >> 7;
            self.jitter ^= self.jitter << 17;
            // Uniform in half to one and a half times the spacing.
            self.next_sample += Self::SPACING_NS / 2 + ((u128::from(self.jitter) * u128::from(Self::SPACING_NS)) >> 64) as u64;
        }
        if now >= self.progress.len() as u64 * self.progress_ns {
            self.note_progress(now);
        }
    }

    /// Notes that nothing was there: from one such look to the next only the machine can take long. It reads the clock at every eighth, so that
    /// the loop stays as quick to see a record as it would be without.
    #[inline]
    pub fn nothing(&mut self) {
        self.idle = self.idle.wrapping_add(1);
        if self.idle.is_multiple_of(8) {
            self.look();
        }
    }

    fn look(&mut self) {
        let Some(now) = self.timer.now() else { return };
        if self.was_idle && now - self.last_look > STALL_MIN_NS {
            self.gaps.add(self.last_look, now);
        }
        self.was_idle = true;
        self.gaps.looked = true;
        self.last_look = now;
    }

    /// Records that have left.
    pub fn left(&self) -> u64 {
        self.left
    }

    /// Gaps between looks with nothing in between; none if there was no such look.
    pub fn gaps(&self) -> Option<Gaps> {
        self.gaps.looked.then_some(self.gaps.sum)
    }

    #[inline]
    fn record(&mut self, first: u64, end: u64, now: u64) {
        if first >= end {
            return;
        }
        if self.first_measured == 0 {
            self.first_measured = self.due.arrivals().at(first);
        }
        let arrivals = self.due.arrivals();
        let groups = if arrivals.are_even() { (end - first).min(GROUPS) } else { end - first };
        let mut from = first;
        for group in 1..=groups {
            let upto = first + (end - first) * group / groups;
            let middle = arrivals.at(from) / 2 + arrivals.at(upto - 1) / 2;
            self.residence_ns.saturating_record_n(now.saturating_sub(middle).max(1), upto - from);
            from = upto;
        }
        debug_assert_eq!(from, end);
    }

    // Cold: fifty times a run.
    #[cold]
    #[inline(never)]
    fn note_progress(&mut self, now: u64) {
        while self.progress.len() as u64 * self.progress_ns <= now && self.progress.len() <= PROGRESS_POINTS as usize {
            self.progress.push(Progress { ns: now, n: self.left });
        }
    }
}

/// The notes of windowed work's results: each from the earliest moment that it could have been known.
pub struct Results {
    timer: Timer,
    arrivals: Arrivals,
    warm: u64,
    latency_ns: Histogram<u64>,
    /// The last window that was asked for: its end, and when the record that closed it was due.
    window: Option<(i64, Option<u64>)>,
}

impl Results {
    /// Notes `rows` results of the window that ends at `end`, as of `now`. `closing` finds the first record whose event time is not before that
    /// end, if there is one: results that only the end of the input made known are not noted, nor are those of the warm-up.
    #[inline]
    pub fn emit(&mut self, now: u64, end: i64, rows: u64, closing: impl FnOnce() -> Option<u64>) {
        let due = match self.window {
            Some((known, due)) if known == end => due,
            _ => {
                let due = closing().filter(|index| *index >= self.warm).map(|index| self.arrivals.at(index));
                self.window = Some((end, due));
                due
            }
        };
        if let Some(due) = due {
            self.latency_ns.saturating_record_n(now.saturating_sub(due).max(1), rows);
        }
    }

    /// Time since the common start.
    #[inline]
    pub fn now(&self) -> u64 {
        self.timer.now().unwrap_or(0)
    }

    /// What was noted.
    pub fn latency_ns(self) -> Histogram<u64> {
        self.latency_ns
    }
}

/// What follows from the notes of both ends.
struct Both {
    uncorrected_ns: Histogram<u64>,
    undisturbed_ns: Histogram<u64>,
    lateness_ns: Histogram<u64>,
}

impl Both {
    fn of(pace: &Pace, departures: &Departures, emissions: &Emissions) -> Both {
        let mut both =
            Both { uncorrected_ns: residence::histogram(), undisturbed_ns: residence::histogram(), lateness_ns: residence::histogram() };
        let mut gaps: Vec<[u64; 2]> =
            [&departures.gaps, &emissions.gaps].into_iter().filter(|log| log.looked).flat_map(|log| log.kept.iter().copied()).collect();
        gaps.sort_unstable();
        let gaps = united(&gaps);
        let known = departures.sent_at.next.min(emissions.left_at.next);
        for k in pace.warm.div_ceil(pace.stride)..known {
            let (Some(&sent), Some(&left)) = (departures.sent_at.times.get(k as usize), emissions.left_at.times.get(k as usize)) else {
                break;
            };
            let due = pace.arrivals.at(k * pace.stride);
            let record = |histogram: &mut Histogram<u64>, from: u64, to: u64| histogram.saturating_record(to.saturating_sub(from).max(1));
            record(&mut both.uncorrected_ns, sent, left);
            record(&mut both.lateness_ns, due, sent);
            if !touches(&gaps, due, left) {
                record(&mut both.undisturbed_ns, due, left);
            }
        }
        both
    }
}

/// Joins the intervals that overlap. They must be sorted.
fn united(sorted: &[[u64; 2]]) -> Vec<[u64; 2]> {
    let mut all: Vec<[u64; 2]> = Vec::new();
    for &[from, to] in sorted {
        match all.last_mut().filter(|last| last[1] >= from) {
            Some(last) => last[1] = last[1].max(to),
            None => all.push([from, to]),
        }
    }
    all
}

/// Whether one of the intervals, which are sorted and apart, overlaps `from..=to`.
fn touches(apart: &[[u64; 2]], from: u64, to: u64) -> bool {
    let next = apart.partition_point(|gap| gap[1] <= from);
    apart.get(next).is_some_and(|gap| gap[0] < to)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
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
    fn intervals_unite_and_touch() {
        let apart = united(&[[1, 3], [2, 5], [5, 6], [10, 11]]);
        assert_eq!(apart, [[1, 6], [10, 11]]);
        for (from, to, touched) in [(0, 1, false), (0, 2, true), (6, 10, false), (5, 5, true), (6, 11, true), (11, 99, false)] {
            assert_eq!(touches(&apart, from, to), touched, "{from}..{to}");
        }
        assert!(!touches(&[], 0, 9));
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
}
