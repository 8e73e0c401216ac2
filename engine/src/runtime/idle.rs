//! What a worker does when a duty cycle found no work: spin, yield, or sleep.
//!
//! ```text
//!   work > 0 ──▶ nothing (one branch)
//!   work = 0 ──▶ spin ... spin │ yield ... yield │ park ─▶ park ─▶ park       (adaptive)
//!                0             └ at most 50 us   └ budget  10 ms   20 ms ... 100 ms: the safety net
//! ```
//!
//! A run of cycles without work is a **gap**. How long to spin in one is a bet: a gap that ends while the worker spins costs its items
//! nothing, one that ends while it sleeps costs them a wake-up, 10 to 50 us, and one that was spun through in vain costs processor
//! time. The adaptive strategy looks at the last gaps ([`Gaps`]) and spins for a few of them, or hardly at all when they were long.
//!
//! Laws
//! - A worker that was told of work by its [`Waker`](super::Waker) never sleeps through it ([`super::park`]).
//! - It never sleeps past `until`; it wakes [`EARLY`] before and spins or yields the rest.
//! - Every strategy yields its core sooner or later, so that two workers that share a core both go on.
//! - The clock is read once in [`CYCLES_BETWEEN_LOOKS`] cycles while spinning, so a short gap costs its items no clock.
//! - Under loom there is no time: the strategies that park do so at once, and without a limit; the others yield.

use std::{fmt, str::FromStr, time::Duration, time::Instant};

use super::{
    fence::Fences,
    park::{Parker, Slept, Waker},
};
use crate::sync::{spin_loop, thread};

/// How a worker waits for work.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Wait {
    /// Spins for ever, yielding its core once in a thousand cycles. The lowest latency, and a whole core always.
    Spin,
    /// Spins for some microseconds, then yields in every cycle. For more workers than cores; still a whole core when nobody else wants it.
    SpinYield,
    /// Spins for 50 us, then sleeps.
    SpinPark,
    /// Spins, then yields, then sleeps, and learns from the last gaps between work when to do so: never sleeps in a stream of more than
    /// 10,000 items a second, and uses next to nothing when idle.
    #[default]
    Adaptive,
}

impl Wait {
    /// All of them.
    pub const ALL: [Wait; 4] = [Wait::Spin, Wait::SpinYield, Wait::SpinPark, Wait::Adaptive];

    /// Its name in options and reports.
    pub fn name(self) -> &'static str {
        match self {
            Wait::Spin => "spin",
            Wait::SpinYield => "yield",
            Wait::SpinPark => "park",
            Wait::Adaptive => "adaptive",
        }
    }
}

impl fmt::Display for Wait {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// No wait strategy has this name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no wait strategy is called `{0}`; use one of spin, yield, park, adaptive")]
pub struct UnknownWait(pub String);

impl FromStr for Wait {
    type Err = UnknownWait;

    fn from_str(name: &str) -> Result<Wait, UnknownWait> {
        Wait::ALL.into_iter().find(|wait| wait.name() == name).ok_or_else(|| UnknownWait(name.to_owned()))
    }
}

/// Cycles without work between two looks at the clock while spinning; a power of two. With PAUSE (11 ns) and a poll of the inputs, about
/// half a microsecond.
const CYCLES_BETWEEN_LOOKS: u64 = 16;
/// [`Wait::Spin`] yields once in so many cycles, tens of microseconds: under 1 % of the time, and enough for a thread that shares the
/// core.
const SPIN_CYCLES_PER_YIELD: u64 = 1024;
/// [`Wait::SpinYield`] spins so many cycles first: about the time in which the next batch of a busy stream comes.
const CYCLES_BEFORE_YIELD: u64 = 256;
/// The spin of [`Wait::SpinPark`]: about what waking up costs at worst (measured: 35 to 50 us where the core is a virtual one that halts).
const PARK_AFTER: Duration = Duration::from_micros(50);
/// The adaptive strategy spins at most so long before it yields in between.
const YIELD_AFTER: Duration = Duration::from_micros(50);
/// How long before `until` a sleep ends: the kernel's timer slack (50 us) and the way back to user space (measured: 60 to 85 us).
const EARLY: Duration = Duration::from_micros(150);
/// The first sleep's safety net; doubled by each sleep that it ended, up to `NET_MAX`. At 1 ms it woke a worker with an item every 10 ms
/// three times for nothing before each.
const NET_MIN: Duration = Duration::from_millis(10);
/// The largest safety net: ten wake-ups a second, of some microseconds each.
const NET_MAX: Duration = Duration::from_millis(100);

/// What the last gaps were like, and what that says of the next.
///
/// Two things are learnt. Whether the next gap will be short enough to spin through: a saturating counter as in a branch predictor, so
/// that one stall of the machine among a thousand short gaps changes nothing. And how long short gaps are, as a moving mean.
#[derive(Clone, Debug)]
struct Gaps {
    /// In 0..=[`Gaps::SURE`]: short gaps raise it, long ones lower it faster.
    short: u8,
    /// Moving mean of the short gaps, in nanoseconds.
    mean_ns: u64,
}

impl Gaps {
    /// Gaps up to this are short: twice what a wake-up costs at worst, so that to sleep would add half as much again to them.
    const SHORT: Duration = Duration::from_micros(100);
    const SURE: u8 = 16;
    /// At and above this the next gap is expected to be short.
    const EXPECT: u8 = 8;
    /// A budget of so many mean gaps: of arrivals at random (Poisson), one gap in e^32 is longer.
    const MEANS: u32 = 32;
    /// The least and most to spin when the next gap is expected to be short.
    const BUSY: (Duration, Duration) = (Duration::from_micros(50), Duration::from_millis(1));
    /// What to spin when the next gap is expected to be long: no more than a wake-up costs, so that a wrong guess costs little.
    const SPARSE: Duration = Duration::from_micros(20);

    /// At first a stream is expected to be busy, with a gap of 10 us.
    fn new() -> Gaps {
        Gaps { short: Gaps::EXPECT, mean_ns: 10_000 }
    }

    /// Takes note of a gap that has ended.
    fn learn(&mut self, gap: Duration) {
        if gap <= Gaps::SHORT {
            self.short = (self.short + 1).min(Gaps::SURE);
            let gap_ns = gap.as_nanos() as u64;
            self.mean_ns = (self.mean_ns * 7 + gap_ns) / 8;
        } else {
            self.short = self.short.saturating_sub(4);
        }
    }

    /// How long to spin and yield in the next gap before sleeping.
    fn budget(&self) -> Duration {
        if self.short >= Gaps::EXPECT {
            (Duration::from_nanos(self.mean_ns) * Gaps::MEANS).clamp(Gaps::BUSY.0, Gaps::BUSY.1)
        } else {
            Gaps::SPARSE
        }
    }
}

/// What the idle strategy did so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct IdleCounts {
    /// Sleeps.
    pub(crate) parks: u64,
    /// Sleeps that a waker ended.
    pub(crate) woken: u64,
    /// Sleeps that the safety net ended.
    pub(crate) nets: u64,
    /// Among those, the ones after which there was work. Should be almost none: either somebody published without a wake, or was just
    /// about to wake.
    pub(crate) caught: u64,
}

/// Decides how a worker waits. One for each worker.
pub(crate) struct Idle {
    wait: Wait,
    parker: Parker,
    /// Cycles without work in this gap, rounded up once the spinning is over (see `look_next_cycle`). 0: the last cycle had work.
    cycles: u64,
    /// When the present gap was first looked at, if one was.
    since: Instant,
    /// When it was looked at last; `seen - since` is its length when work comes.
    seen: Instant,
    /// How long to spin and yield in the present gap.
    budget: Duration,
    /// How long the next sleep lasts at most.
    net: Duration,
    /// The same for the first sleep in a gap; `NET_MIN` but for tests.
    net_first: Duration,
    gaps: Gaps,
    counts: IdleCounts,
}

impl Idle {
    /// An idle strategy, and the waker to give to everybody who brings work.
    pub(crate) fn new(wait: Wait) -> (Idle, Waker) {
        Idle::with_fences(wait, Fences::of_process())
    }

    fn with_fences(wait: Wait, fences: Fences) -> (Idle, Waker) {
        let (parker, waker) = Parker::pair(fences);
        let now = Instant::now();
        let (gaps, counts) = (Gaps::new(), IdleCounts::default());
        let idle =
            Idle { wait, parker, cycles: 0, since: now, seen: now, budget: gaps.budget(), net: NET_MIN, net_first: NET_MIN, gaps, counts };
        (idle, waker)
    }

    /// Called once after each duty cycle. Returns when the next one is due.
    ///
    /// `work` is how much the cycle did, `until` a reader's next due time, if there is one. `recheck` is asked after the intent to sleep
    /// was announced, and says whether there is work after all; it must look at the shared words themselves (the tails of the input
    /// rings, the heads of output rings that were full, the stop flag), not at cached copies of them.
    ///
    /// # Cost
    /// With work: one store and one predictable branch. Without: a PAUSE, or what the strategy chose.
    #[inline(always)]
    pub(crate) fn idle(&mut self, work: usize, until: Option<Instant>, recheck: impl FnMut() -> bool) {
        if work > 0 {
            self.cycles = 0;
        } else {
            self.rest(until, recheck);
        }
    }

    /// What it did so far.
    #[cfg(test)]
    pub(crate) fn counts(&self) -> IdleCounts {
        self.counts
    }

    fn rest(&mut self, until: Option<Instant>, recheck: impl FnMut() -> bool) {
        self.cycles += 1;
        if cfg!(loom) {
            match self.wait {
                Wait::Spin | Wait::SpinYield => thread::yield_now(),
                Wait::SpinPark | Wait::Adaptive => {
                    self.sleep(NET_MAX, recheck);
                }
            }
            return;
        }
        let pause = match self.wait {
            Wait::Spin => !self.cycles.is_multiple_of(SPIN_CYCLES_PER_YIELD),
            Wait::SpinYield => self.cycles < CYCLES_BEFORE_YIELD,
            Wait::SpinPark | Wait::Adaptive => {
                if self.cycles.is_multiple_of(CYCLES_BETWEEN_LOOKS) {
                    self.look(until, recheck);
                    return;
                }
                true
            }
        };
        if pause { spin_loop() } else { thread::yield_now() }
    }

    /// The strategies that sleep, once in a while: looks at the clock and spins on, yields or sleeps.
    ///
    /// Out of line, so that the duty cycle's loop stays small.
    #[inline(never)]
    fn look(&mut self, until: Option<Instant>, recheck: impl FnMut() -> bool) {
        let now = Instant::now();
        if self.cycles == CYCLES_BETWEEN_LOOKS {
            self.open_gap(now);
        }
        self.seen = now;
        let idle = now - self.since;
        let yields = self.wait == Wait::Adaptive && idle >= YIELD_AFTER.min(self.budget / 2);
        if idle < self.budget {
            if yields {
                self.look_next_cycle();
                thread::yield_now();
            } else {
                spin_loop();
            }
            return;
        }
        self.look_next_cycle();
        let left = until.map_or(Duration::MAX, |until| until.saturating_duration_since(now));
        if left.is_zero() {
            return;
        }
        match left.checked_sub(EARLY) {
            Some(left) if !left.is_zero() => self.sleep_for(now, left, recheck),
            // Too near to sleep.
            _ if yields => thread::yield_now(),
            _ => spin_loop(),
        }
    }

    /// The last gap has ended and a new one is there.
    fn open_gap(&mut self, now: Instant) {
        self.gaps.learn(self.seen - self.since);
        self.budget = if self.wait == Wait::Adaptive { self.gaps.budget() } else { PARK_AFTER };
        self.since = now;
        self.net = self.net_first;
    }

    /// Makes the next cycle without work look at the clock again, and not only the sixteenth from now.
    fn look_next_cycle(&mut self) {
        self.cycles |= CYCLES_BETWEEN_LOOKS - 1;
    }

    /// Sleeps under the safety net, and no longer than `left`, the time to the next thing due.
    #[cold]
    fn sleep_for(&mut self, now: Instant, left: Duration, mut recheck: impl FnMut() -> bool) {
        let slept = self.sleep(self.net.min(left), &mut recheck);
        self.seen = Instant::now();
        if slept == Slept::Unwoken && self.seen - now >= self.net {
            self.counts.nets += 1;
            self.counts.caught += u64::from(recheck());
            self.net = (self.net * 2).min(NET_MAX.max(self.net_first));
        }
    }

    fn sleep(&mut self, limit: Duration, recheck: impl FnMut() -> bool) -> Slept {
        let slept = self.parker.park(limit, recheck);
        match slept {
            // As good as work: the next gap begins. Should the next cycle do nothing about it, it spins before it asks again, for
            // asking interrupts the other cores.
            Slept::NotAtAll => self.cycles = 0,
            Slept::Woken => {
                self.counts.parks += 1;
                self.counts.woken += 1;
            }
            Slept::Unwoken => self.counts.parks += 1,
        }
        slept
    }
}

#[cfg(test)]
#[path = "idle_tests.rs"]
mod tests;
