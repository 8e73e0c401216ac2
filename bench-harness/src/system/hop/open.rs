//! The open loop: records are due at times fixed in advance, and residence counts from then.
//!
//! ```text
//!   due(i) = start + i / rate                    a stalled sender is late, and every record that waited for it is charged
//!
//!   core 0: publish what is due ─▶ queue ─▶ core 1: take what is there, read the clock, residence(i) = now - due(i)
//!                                                   before that: n at each sampling instant since the last batch
//! ```
//!
//! The number in flight at an instant is the number of records due by then, less those that had left; it is known exactly at any instant
//! between two batches, from positions alone. The instants are fixed in advance too, a jittered microsecond apart, so that neither
//! batches nor stalls decide when it is looked at. Mean residence and mean number are thus counted apart, and Little's law can be held against them.

use std::{hint::spin_loop, thread, time::Duration};

use hdrhistogram::Histogram;
use quanta::Clock;

use super::{Hopping, Outcome, Receiver, Sender, answer, joined};
use crate::{
    system::cores::{Gate, pin},
    workload::replay::Replay,
};

/// A part of the run that is not measured: this share of its records, but no more than those of this many seconds.
const WARM_SHARE: f64 = 0.1;
const WARM_SECONDS: f64 = 0.2;

/// When records are due, in ticks of the clock.
#[derive(Clone, Copy)]
struct Schedule {
    start: u64,
    ticks_per_record: f64,
    records_per_tick: f64,
    events: u64,
}

impl Schedule {
    /// Records due by a time.
    #[inline]
    fn due_by(&self, now: u64) -> u64 {
        if now < self.start {
            return 0;
        }
        (((now - self.start) as f64 * self.records_per_tick) as u64 + 1).min(self.events)
    }

    /// When a record is due.
    #[inline]
    fn due_at(&self, index: u64) -> u64 {
        self.start + (index as f64 * self.ticks_per_record) as u64
    }
}

pub(super) fn run<T: Hopping>(
    replay: &Replay<T>,
    batch: usize,
    rate: f64,
    mut sender: impl Sender<T>,
    mut receiver: impl Receiver<T>,
) -> Outcome {
    let clock = Clock::new();
    const TICKS: u64 = 1 << 40;
    let ns_per_tick = clock.delta_as_nanos(0, TICKS) as f64 / TICKS as f64;
    let ticks_per_record = 1e9 / rate / ns_per_tick;
    let events = replay.events;
    let warm = (events as f64 * WARM_SHARE).min(rate * WARM_SECONDS) as u64;
    let schedule = |start| Schedule { start, ticks_per_record, records_per_tick: 1.0 / ticks_per_record, events };
    let gate = Gate::new(2);
    // Both threads read the same start: a little after both are ready.
    let start_at = std::sync::OnceLock::new();
    let (sent, received) = thread::scope(|scope| {
        let sending = scope.spawn(|| {
            pin(0);
            let start = *start_at.get_or_init(|| clock.raw() + (5e6 / ns_per_tick) as u64);
            gate.pass();
            let schedule = schedule(start);
            let mut slices = replay.slices(0..events, batch);
            let mut sent = 0;
            while sent < events {
                let due = schedule.due_by(clock.raw());
                while sent < due {
                    let (shift, slice) =
                        slices.next_up_to((due - sent).min(batch as u64) as usize).expect("fewer were sent than there are");
                    sender.send(shift, slice);
                    sent += slice.len() as u64;
                }
                spin_loop();
            }
            sender.finish();
            clock.raw() - start
        });
        let receiving = scope.spawn(|| {
            pin(1);
            let start = *start_at.get_or_init(|| clock.raw() + (5e6 / ns_per_tick) as u64);
            let mut watch = Watch::new(schedule(start), ns_per_tick, warm);
            gate.pass();
            let (mut sum, mut count) = (0u64, 0u64);
            while count < events {
                match receiver.receive(|record| sum = sum.wrapping_add(record.digest())) {
                    0 => spin_loop(),
                    received => {
                        watch.left(clock.raw(), count, received as u64);
                        count += received as u64;
                    }
                }
            }
            (clock.raw() - start, sum, count, watch)
        });
        (joined(sending), joined(receiving))
    });
    let (ticks, sum, count, watch) = received;
    let ns = |ticks: u64| ticks as f64 * ns_per_tick;
    Outcome {
        in_flight_mean: watch.in_flight_mean(),
        latency_ns: Some(watch.residence_ns),
        v_per_s: Some(events as f64 * 1e9 / ns(sent)),
        ..Outcome::closed(count, Duration::from_nanos(ns(ticks) as u64), answer(sum, count))
    }
}

/// What the receiver notes down.
struct Watch {
    schedule: Schedule,
    ns_per_tick: f64,
    warm: u64,
    residence_ns: Histogram<u64>,
    /// The next sampling instant, the mean distance to the one after, and the state of its jitter.
    next_sample: u64,
    spacing: u64,
    jitter: u64,
    /// No sample is taken from this time on: the stream ends.
    last_due: u64,
    in_flight: u128,
    samples: u64,
}

/// Records of one batch that are noted down one by one; a longer batch is noted down in as many groups, each at its mean.
const GROUPS: u64 = 16;

impl Watch {
    fn new(schedule: Schedule, ns_per_tick: f64, warm: u64) -> Watch {
        let residence_ns = Histogram::new_with_bounds(1, 600_000_000_000, 3).expect("the bounds are valid");
        let spacing = ((1_000.0 / ns_per_tick) as u64).max(2);
        let last_due = schedule.due_at(schedule.events.saturating_sub(1));
        Watch {
            schedule,
            ns_per_tick,
            warm,
            residence_ns,
            next_sample: schedule.due_at(warm),
            spacing,
            jitter: 1,
            last_due,
            in_flight: 0,
            samples: 0,
        }
    }

    /// Notes that `received` records left at `now`, after `count` had left before them.
    #[inline]
    fn left(&mut self, now: u64, count: u64, received: u64) {
        let (first, end) = (count.max(self.warm), count + received);
        if first < end {
            let groups = (end - first).min(GROUPS);
            let mut from = first;
            for group in 1..=groups {
                let upto = first + (end - first) * group / groups;
                let middle = self.schedule.due_at(from) / 2 + self.schedule.due_at(upto - 1) / 2;
                let ns = (now.saturating_sub(middle) as f64 * self.ns_per_tick) as u64;
                self.residence_ns.saturating_record_n(ns.max(1), upto - from);
                from = upto;
            }
            debug_assert_eq!(from, end);
        }
        while self.next_sample <= now && self.next_sample < self.last_due {
            let due = self.schedule.due_by(self.next_sample);
            self.in_flight += u128::from(due.saturating_sub(count));
            self.samples += 1;
            self.jitter ^= self.jitter << 13;
            self.jitter ^= self.jitter >> 7;
            self.jitter ^= self.jitter << 17;
            // Uniform in half to one and a half times the spacing.
            let jitter = (u128::from(self.jitter) * u128::from(self.spacing)) >> 64;
            self.next_sample += self.spacing / 2 + jitter as u64;
        }
    }

    fn in_flight_mean(&self) -> Option<f64> {
        (self.samples > 0).then(|| self.in_flight as f64 / self.samples as f64)
    }
}
