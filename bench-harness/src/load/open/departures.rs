//! The sending end: what was due, what was sent, and how late.

use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};

use super::{super::schedule::Cursor, Pace, Timer, both::Table, gaps::GapLog};
use crate::measure::{residence, stalls::STALL_MIN_NS, threads::Gaps};

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

/// What a generator noted, on its way out of its process.
#[derive(Debug, Serialize, Deserialize)]
pub struct Notes {
    sent: u64,
    last: u64,
    sent_at: Vec<u64>,
    noted: u64,
    #[serde(with = "residence::interchange")]
    own_ns: Option<Histogram<u64>>,
    gaps: Gaps,
    kept: Vec<[u64; 2]>,
}

/// The notes of the end that sends.
pub struct Departures {
    pub(super) role: Role,
    pub(super) timer: Timer,
    pub(super) due: Cursor,
    pub(super) sent: u64,
    pub(super) sent_at: Table,
    /// The last look at the clock; after the run the last departure.
    pub(super) last: u64,
    pub(super) was_idle: bool,
    /// How late a generator that had nothing else to do saw that a record was due.
    pub(super) own_ns: Histogram<u64>,
    pub(super) gaps: GapLog,
}

impl Departures {
    pub(super) fn new(pace: &Pace, role: Role) -> Departures {
        Departures {
            role,
            timer: pace.timer(),
            due: pace.arrivals.cursor(),
            sent: 0,
            sent_at: Table::new(pace),
            last: 0,
            was_idle: false,
            own_ns: residence::histogram(),
            gaps: GapLog { looked: true, ..GapLog::default() },
        }
    }

    /// Of a generator in another process, for `pace`.
    ///
    /// # Errors
    /// If they are of another run.
    pub fn of(pace: &Pace, notes: Notes) -> Result<Departures, String> {
        let mut all = Departures::new(pace, Role::Generator);
        let Notes { sent, last, sent_at, noted, own_ns, gaps, kept } = notes;
        let (Some(own_ns), true) = (own_ns, sent_at.len() == all.sent_at.times.len()) else {
            return Err("the generator's notes are of another run".to_owned());
        };
        (all.sent, all.last, all.own_ns) = (sent, last, own_ns);
        (all.sent_at.times, all.sent_at.next) = (sent_at, noted);
        (all.gaps.sum, all.gaps.kept) = (gaps, kept);
        Ok(all)
    }

    /// On their way to another process.
    pub fn notes(self) -> Notes {
        Notes {
            sent: self.sent,
            last: self.last,
            noted: self.sent_at.next,
            sent_at: self.sent_at.times,
            own_ns: Some(self.own_ns),
            gaps: self.gaps.sum,
            kept: self.gaps.kept,
        }
    }

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
