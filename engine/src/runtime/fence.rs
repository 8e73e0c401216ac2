//! An asymmetric fence: free for the side that passes often, dear for the side that passes seldom.
//!
//! ```text
//!   waker (each batch)                      waiter (each time it wants to sleep)
//!   ------------------                      ------------------------------------
//!   W  publish the work                     P  announce: parked = true
//!   light()                                 heavy()
//!   L  load parked                          C  check for work once more
//! ```
//!
//! Law: with one `light()` between `W` and `L` and one `heavy()` between `P` and `C`, **not both** `L` and `C` miss the other side's
//! store. (Dekker's argument.) Two modes keep it, and both halves of a pair must use the same one:
//!
//! - [`Fences::Symmetric`]: `fence(SeqCst)` on both sides. Sequentially consistent fences have one total order. If the waker's comes
//!   first, `C` sees `W`; if the waiter's comes first, `L` sees `P`. Works everywhere; costs the waker 2 ns a batch when its
//!   stores have drained (measured), and waits for them when they have not.
//! - [`Fences::Asymmetric`]: the waker's fence binds only the compiler, which keeps `W` before `L` in its instructions. The waiter's is
//!   the system call `membarrier(PRIVATE_EXPEDITED)`: the kernel makes every other core that runs a thread of this process execute a
//!   full barrier, between the call's begin and its return, and a thread that does not run has passed one when it was switched out.
//!   So some full barrier `B` stands at one point of the waker's instructions, after `P` and before `C` in time. If `B` stands before
//!   `L`, then `L` sees `P`; if it stands after `L`, it stands after `W` too, and `C` sees `W`. Nothing in this uses x86's order of
//!   stores: the barrier is interposed at an instruction boundary of a precise exception, so it holds on ARM and RISC-V alike.
//!
//! **Agreement.** The process decides once ([`Fences::of_process`]), by asking the kernel, registering and making one trial call. The
//! answer is then copied into both halves of each pair when the pair is made, and never changes, so the two cannot disagree, whatever
//! a later decision would have been. If the system call stops working after that (a filter installed late), `heavy()` says `false`
//! and the waiter must not rely on being woken.
//!
//! The language has no words for a barrier that the kernel interposes, so neither loom, Miri nor ThreadSanitizer can follow it: under
//! loom and Miri every pair is symmetric. The model tests thus prove the protocol, and the argument above carries it over.
//!
//! Unsafe code lives here for the system call alone.
#![allow(unsafe_code)]

use crate::sync::{Ordering, fence};

/// How the two sides of a pair keep their accesses apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fences {
    /// A full fence on either side.
    Symmetric,
    /// A compiler fence for the waker, a system call for the waiter.
    Asymmetric,
}

impl Fences {
    /// What this process uses: asymmetric where the kernel offers it. Decided at the first call, which registers the process.
    pub(crate) fn of_process() -> Fences {
        static DECIDED: std::sync::OnceLock<Fences> = std::sync::OnceLock::new();
        *DECIDED.get_or_init(|| if kernel::register() { Fences::Asymmetric } else { Fences::Symmetric })
    }

    /// The waker's side. Costs nothing (asymmetric) or a full fence (symmetric).
    #[inline(always)]
    pub(crate) fn light(self) {
        match self {
            // ORDERING: SeqCst, pairs with the fence in `heavy`; see the module's head.
            Fences::Symmetric => fence(Ordering::SeqCst),
            // ORDERING: compiler only, pairs with the membarrier in `heavy`; see the module's head.
            Fences::Asymmetric => std::sync::atomic::compiler_fence(std::sync::atomic::Ordering::SeqCst),
        }
    }

    /// The waiter's side. Costs a full fence (symmetric) or a system call and an interrupt to each core that runs a thread of the
    /// process, 1.2 us measured beside one such thread (asymmetric). `false`: the kernel refused, and the law of the module's head
    /// does not hold this time.
    #[must_use]
    pub(crate) fn heavy(self) -> bool {
        match self {
            Fences::Symmetric => {
                // ORDERING: SeqCst, pairs with the fence in `light`; see the module's head.
                fence(Ordering::SeqCst);
                true
            }
            Fences::Asymmetric => kernel::barrier(),
        }
    }
}

#[cfg(all(any(target_os = "linux", target_os = "android"), not(loom), not(miri)))]
mod kernel {
    /// `membarrier(2)`; the numbers are the kernel's (`include/uapi/linux/membarrier.h`).
    fn membarrier(command: libc::c_int) -> libc::c_long {
        let no_flags: libc::c_uint = 0;
        let any_cpu: libc::c_int = 0;
        // SAFETY: the call takes three integers and touches no memory of ours; an unknown command or a missing system call is
        // answered with an error code.
        unsafe { libc::syscall(libc::SYS_membarrier, command, no_flags, any_cpu) }
    }

    const QUERY: libc::c_int = 0;
    const PRIVATE_EXPEDITED: libc::c_int = 1 << 3;
    const REGISTER_PRIVATE_EXPEDITED: libc::c_int = 1 << 4;

    /// Registers the process and tries a barrier.
    pub(super) fn register() -> bool {
        let offered = membarrier(QUERY);
        let wanted = libc::c_long::from(PRIVATE_EXPEDITED | REGISTER_PRIVATE_EXPEDITED);
        offered >= 0 && offered & wanted == wanted && membarrier(REGISTER_PRIVATE_EXPEDITED) == 0 && barrier()
    }

    /// A full barrier on every running thread of the process.
    pub(super) fn barrier() -> bool {
        membarrier(PRIVATE_EXPEDITED) == 0
    }
}

#[cfg(not(all(any(target_os = "linux", target_os = "android"), not(loom), not(miri))))]
mod kernel {
    /// There is no such call here.
    pub(super) fn register() -> bool {
        false
    }

    /// Never called, for no pair is asymmetric; a refusal is the safe answer.
    pub(super) fn barrier() -> bool {
        false
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn the_decision_is_made_once_and_its_fences_work() {
        let fences = Fences::of_process();
        assert_eq!(fences, Fences::of_process());
        fences.light();
        assert!(fences.heavy(), "{fences:?} was decided but does not work");
    }

    /// The law on real cores: two threads meet, each stores its word and then looks at the other's, and never do both miss. Without the
    /// system call in `heavy` some rounds of a run fail here, on x86 too, for a store waits in its core's buffer while the load goes ahead.
    #[test]
    fn never_do_both_sides_miss() {
        use std::sync::atomic::{AtomicBool, AtomicUsize};

        use crossbeam_utils::CachePadded;

        const ROUNDS: usize = 20_000;
        #[derive(Default)]
        struct Round {
            work: CachePadded<AtomicBool>,
            parked: CachePadded<AtomicBool>,
        }
        let meet = |met: &AtomicUsize, round: usize| {
            met.fetch_add(1, Ordering::SeqCst);
            let mut spins = 0_u32;
            while met.load(Ordering::SeqCst) < 2 * (round + 1) {
                spins += 1;
                // The two may share a core.
                if spins.is_multiple_of(1024) { std::thread::yield_now() } else { std::hint::spin_loop() }
            }
        };
        for fences in [Fences::Symmetric, Fences::of_process()] {
            let rounds: Vec<Round> = (0..ROUNDS).map(|_| Round::default()).collect();
            let met = AtomicUsize::new(0);
            let (missed_by_waker, missed_by_waiter): (Vec<bool>, Vec<bool>) = std::thread::scope(|scope| {
                let waker = scope.spawn(|| {
                    let mut missed = Vec::with_capacity(ROUNDS);
                    for (index, round) in rounds.iter().enumerate() {
                        meet(&met, index);
                        round.work.store(true, Ordering::Release);
                        fences.light();
                        missed.push(!round.parked.load(Ordering::Relaxed));
                    }
                    missed
                });
                let mut missed = Vec::with_capacity(ROUNDS);
                for (index, round) in rounds.iter().enumerate() {
                    meet(&met, index);
                    round.parked.store(true, Ordering::Release);
                    assert!(fences.heavy());
                    missed.push(!round.work.load(Ordering::Acquire));
                }
                (waker.join().expect("it does not panic"), missed)
            });
            let both = missed_by_waker.iter().zip(&missed_by_waiter).filter(|(waker, waiter)| **waker && **waiter).count();
            assert_eq!(both, 0, "{fences:?}: in {both} of {ROUNDS} rounds each side missed the other's store");
        }
    }

    #[test]
    #[cfg(all(target_os = "linux", not(miri)))]
    fn an_unknown_command_is_refused_not_obeyed() {
        // What an old kernel or a filter does: the answer is an error code, which `register` and `barrier` take as no.
        // SAFETY: three integers, see `membarrier`; the command is one that no kernel knows.
        let answer = unsafe { libc::syscall(libc::SYS_membarrier, 1 << 30, 0, 0) };
        assert_ne!(answer, 0);
    }
}
