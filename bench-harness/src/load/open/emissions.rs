//! The receiving end: what left, when, and how much was in flight.

use hdrhistogram::Histogram;

use super::{super::schedule::Cursor, Pace, Timer, both::Table, gaps::GapLog};
use crate::measure::{residence, stalls::STALL_MIN_NS, steady::Progress, threads::Gaps};

/// Moments at which the progress of a run is noted.
const PROGRESS_POINTS: u64 = 50;

/// Records of one batch that are noted down one by one; a longer batch of an even schedule is noted down in as many groups, each at its mean.
const GROUPS: u64 = 16;

/// The notes of the end that receives.
pub struct Emissions {
    pub(super) timer: Timer,
    pub(super) due: Cursor,
    pub(super) warm: u64,
    pub(super) residence_ns: Histogram<u64>,
    pub(super) left: u64,
    pub(super) left_at: Table,
    /// When the first measured batch had left.
    pub(super) first_measured: u64,
    /// The last emission.
    pub(super) last: u64,
    /// The last look at the clock that found nothing.
    pub(super) last_look: u64,
    pub(super) was_idle: bool,
    pub(super) idle: u32,
    /// The next sampling instant and the state of its jitter.
    pub(super) next_sample: u64,
    pub(super) jitter: u64,
    pub(super) in_flight: u128,
    pub(super) samples: u64,
    pub(super) progress: Vec<Progress>,
    pub(super) progress_ns: u64,
    pub(super) gaps: GapLog,
}

impl Emissions {
    pub(super) fn new(pace: &Pace) -> Emissions {
        let last_due = pace.arrivals.at(pace.arrivals.len().saturating_sub(1));
        Emissions {
            timer: pace.timer(),
            due: pace.arrivals.cursor(),
            warm: pace.warm,
            residence_ns: residence::histogram(),
            left: 0,
            left_at: Table::new(pace),
            first_measured: 0,
            last: 0,
            last_look: 0,
            was_idle: false,
            idle: 0,
            next_sample: pace.arrivals.at(pace.warm),
            jitter: 1,
            in_flight: 0,
            samples: 0,
            progress: Vec::with_capacity(PROGRESS_POINTS as usize + 1),
            progress_ns: (last_due / PROGRESS_POINTS).max(1),
            gaps: GapLog::default(),
        }
    }

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
    pub(super) fn leave_at(&mut self, count: u64, now: u64) {
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
