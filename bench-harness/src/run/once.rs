//! One run and everything that is measured around it.
//!
//! ```text
//!   floor on the run's cores │ reset peak, read counters │ a fresh thread: system.run(job) │ read counters │ floor again
//! ```

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    time::Duration,
};

use core_affinity::CoreId;
use crossbeam_channel::{bounded, select};
use serde::{Deserialize, Serialize};

use crate::{
    load::Inject,
    measure::{
        alloc,
        clock::{self, ClockSanity, ClockWatch, Drift},
        cpu, rss, stalls, threads,
    },
    process::{Session, interrupt},
    system::{Job, Outcome, System},
};

/// How a run is surrounded.
#[derive(Clone, Copy, Debug)]
pub struct Surroundings {
    /// How long to spin for the stall floor before the run, and again after it, on each of its cores. Zero: not at all.
    pub floor: Duration,
    /// A run that takes longer than this has failed.
    pub limit: Duration,
}

/// The stalls of the machine, as printed in a row.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Stalls {
    /// Stalls over a microsecond that spinning threads saw; null if none spun.
    pub count: Option<u64>,
    /// Share of the watched time that was lost in them.
    pub share: Option<f64>,
    /// The longest, in ns.
    pub largest_ns: Option<u64>,
    /// Seconds watched, all cores together.
    pub watched_s: f64,
    /// How it was measured, in words.
    pub how: String,
    /// Seconds that the hypervisor took from all cores of the machine during the run itself; null if the kernel does not say.
    pub steal_s: Option<f64>,
    /// Times that a thread of the process (of another process: of the run, as it reports them) was taken off its core during the run itself.
    pub involuntary_switches: u64,
    /// What a record that arrives at a random moment would wait for a stall to end, by quantile; null if none spun.
    pub wait: Option<Waits>,
}

/// Waits that the machine alone would cause: the floor of a latency, quantile by quantile, in ns. A quantile between stalls is zero.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Waits {
    /// Half of the moments.
    pub p50_ns: u64,
    /// 90 %.
    pub p90_ns: u64,
    /// 99 %.
    pub p99_ns: u64,
    /// 99.9 %.
    pub p99_9_ns: u64,
    /// 99.99 %.
    pub p99_99_ns: u64,
}

impl Waits {
    /// None if nothing spun.
    fn of(spun: &stalls::Spun) -> Option<Waits> {
        let wait = |q| spun.wait_ns(q);
        Some(Waits { p50_ns: wait(0.5)?, p90_ns: wait(0.9)?, p99_ns: wait(0.99)?, p99_9_ns: wait(0.999)?, p99_99_ns: wait(0.9999)? })
    }
}

/// What was measured of one run.
#[derive(Debug)]
pub struct Measured {
    /// What the system reported, or why it failed.
    pub outcome: Result<Outcome, Failure>,
    /// CPU time of the process during the call, the run's own preparation included.
    pub cpu: Duration,
    /// Allocations during the whole call, the run's own preparation included; none where a process does not count them.
    pub allocations: Option<u64>,
    /// Bytes resident before the run.
    pub rss_at_start: Option<u64>,
    /// Peak of the resident bytes.
    pub peak: Option<rss::Peak>,
    /// The machine's stalls.
    pub stalls: Stalls,
    /// The clocks against each other.
    pub clock: ClockSanity,
    /// A fixed piece of work before and after.
    pub drift: Drift,
    /// The process that ran it; none if it was this one.
    pub process: Option<ProcessUse>,
}

impl Measured {
    /// Of a run that did not come to be measured.
    pub fn failed(failure: Failure) -> Measured {
        Measured {
            outcome: Err(failure),
            cpu: Duration::ZERO,
            allocations: None,
            rss_at_start: None,
            peak: None,
            stalls: Stalls { how: "not measured".into(), ..Stalls::default() },
            clock: ClockSanity::default(),
            drift: Drift::default(),
            process: None,
        }
    }
}

/// The process that a run took place in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ProcessUse {
    /// Seconds from its start until it was ready.
    pub ready_s: f64,
    /// Runs that it had done before this one, warm-ups included.
    pub runs_before: u64,
    /// What it says that it is: name and version.
    pub says: String,
}

/// Why there is no outcome.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// The system said so.
    #[error("{0}")]
    Error(String),
    /// It panicked.
    #[error("panicked: {0}")]
    Panic(String),
    /// It did not end in time. Its threads still run, so nothing after it can be measured in this process.
    #[error("did not end within {} s (see --timeout)", .0.as_secs())]
    Hung(Duration),
    /// The process that was to run it hung, ended, or broke the protocol. It is gone, and what comes after can be measured.
    #[error("the process {0}")]
    Process(String),
    /// This program was asked to end meanwhile.
    #[error("interrupted")]
    Interrupted,
    /// The process cannot run this, and said so.
    #[error("refused: {0}")]
    Refused(String),
}

/// Runs `job` once on `system`, which will use `cores`.
pub fn measure(system: &'static dyn System, job: Job, cores: &[CoreId], around: Surroundings) -> Measured {
    let _ = threads::take();
    surround(None, cores, around, || {
        let allocations = alloc::counted();
        let mut outcome = in_fresh_thread(move || system.run(&job), around.limit)?;
        outcome.threads = threads::take();
        Ok((outcome, Some(alloc::counted() - allocations)))
    })
}

/// Has the process run what it has prepared, while `inject` is done to it.
pub fn measure_process(session: &mut Session, inject: Inject, cores: &[CoreId], around: Surroundings) -> Measured {
    let process =
        ProcessUse { ready_s: session.ready_s().unwrap_or_default(), runs_before: session.runs(), says: session.hello().to_string() };
    let measured = surround(Some(session.pid()), cores, around, || {
        let done = session.go(inject, around.limit)?.done;
        Ok((done.outcome, done.allocations_of_run))
    });
    Measured { process: Some(process), ..measured }
}

/// Looks at the machine before and after `work`, and at what process `pid` (none: this one) used meanwhile.
fn surround(
    pid: Option<u32>,
    cores: &[CoreId],
    around: Surroundings,
    work: impl FnOnce() -> Result<(Outcome, Option<u64>), Failure>,
) -> Measured {
    let spin = |length: Duration| if length.is_zero() { stalls::Spun::default() } else { stalls::spin(cores, length) };
    let before = spin(around.floor);
    let work_before = clock::fixed_work_ns();
    let rss_at_start = rss::resident_bytes(pid);
    let since = rss::reset_peak(pid);
    let (steal, switches) = (cpu::steal_s(), cpu::involuntary_switches());
    let clock = ClockWatch::begin();
    let cpu_before = cpu::process_time(pid);

    let (outcome, allocations) = match work() {
        Ok((outcome, allocations)) => (Ok(outcome), allocations),
        Err(failure) => (Err(failure), None),
    };

    let cpu = cpu::process_time(pid).saturating_sub(cpu_before);
    let steal_s = steal.zip(cpu::steal_s()).map(|(before, after)| after - before);
    let of_threads = |outcome: &Outcome| outcome.threads.iter().map(|thread| thread.involuntary_switches).sum();
    let involuntary_switches = match pid {
        None => cpu::involuntary_switches().saturating_sub(switches),
        Some(_) => outcome.as_ref().map_or(0, of_threads),
    };
    let peak = rss::peak(pid, since);
    let clock = clock.end();
    let drift = Drift::of(work_before, clock::fixed_work_ns());
    let spun = before.merge(spin(around.floor));
    let floor = spun.floor;

    let watched = floor.watched_ns > 0;
    let stalls = Stalls {
        count: watched.then_some(floor.count),
        share: floor.share(),
        largest_ns: watched.then_some(floor.largest_ns),
        watched_s: floor.watched_ns as f64 / 1e9,
        how: if watched {
            format!("spun {} ms before and {0} ms after the run on its {} core(s), all at once", around.floor.as_millis(), cores.len())
        } else {
            "not measured".into()
        },
        steal_s,
        involuntary_switches,
        wait: Waits::of(&spun),
    };
    Measured { outcome, cpu, allocations, rss_at_start, peak, stalls, clock, drift, process: None }
}

/// Runs `work` in a thread of its own, so that its pinning ends with it, and gives up waiting after `limit` or at a Ctrl-C.
fn in_fresh_thread(work: impl FnOnce() -> Result<Outcome, String> + Send + 'static, limit: Duration) -> Result<Outcome, Failure> {
    let (done, outcome) = bounded(1);
    let thread = std::thread::Builder::new().name("run".into()).spawn(move || {
        let result = match catch_unwind(AssertUnwindSafe(work)) {
            Ok(result) => result.map_err(Failure::Error),
            Err(panic) => Err(Failure::Panic(panic_text(panic.as_ref()))),
        };
        // Nobody listens after the limit; then the result is of no use.
        let _ = done.send(result);
    });
    let thread = thread.map_err(|e| Failure::Error(format!("no thread can be started: {e}")))?;
    let result = select! {
        recv(outcome) -> result => result.unwrap_or(Err(Failure::Hung(limit))),
        recv(interrupt::asked()) -> _ => Err(Failure::Interrupted),
        default(limit) => Err(Failure::Hung(limit)),
    };
    if !matches!(result, Err(Failure::Hung(_) | Failure::Interrupted)) {
        // It has sent its result: it ends at once, and its CPU time and memory are then accounted for.
        let _ = thread.join();
    }
    result
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "without a message".into())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::workload::Answer;

    #[test]
    fn errors_panics_and_hangs_are_told_apart() {
        let limit = Duration::from_secs(60);
        let ok = in_fresh_thread(|| Ok(Outcome::closed(1, Duration::from_millis(1), Answer::default())), limit);
        assert_eq!(ok.unwrap().n, 1);
        assert_eq!(in_fresh_thread(|| Err("no".into()), limit).unwrap_err(), Failure::Error("no".into()));
        assert_eq!(in_fresh_thread(|| panic!("boom {}", 7), limit).unwrap_err(), Failure::Panic("boom 7".into()));
        let (release, hold) = std::sync::mpsc::channel::<()>();
        let hung = in_fresh_thread(
            move || {
                let _ = hold.recv();
                Err("late".into())
            },
            Duration::from_millis(10),
        );
        assert_eq!(hung.unwrap_err(), Failure::Hung(Duration::from_millis(10)));
        drop(release);
    }
}
