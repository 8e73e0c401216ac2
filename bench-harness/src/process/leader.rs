//! The leader of a process group, and the right to send signals to its number.
//!
//! ```text
//!   runs ──▶ ended, not waited for (a zombie) ──▶ group killed ──▶ waited for
//!   └──────────── the number is its own ─────────────────────┘     └─ the number may be anybody's: no signal goes to it any more
//! ```
//!
//! Laws
//! - A signal goes out under the same lock under which the leader is waited for, so that it never hits a foreign group.
//! - What the leader started, in its group, is killed when it has ended by itself: before it is waited for, while the number still is its own.
//!
//! Unsafe: two calls into the C library; they take numbers, and one fills a struct which we own.
#![allow(unsafe_code)]

use std::{
    io,
    process::{Child, ExitStatus},
    sync::{Arc, Mutex, PoisonError},
};

/// A child that leads a process group. Clones are of the same one.
#[derive(Clone, Debug)]
pub(super) struct Leader {
    pid: libc::pid_t,
    /// It has been waited for.
    reaped: Arc<Mutex<bool>>,
}

impl Leader {
    /// Of a child that was started as the leader of a group, and that nobody but [`Leader::reap`] waits for.
    pub(super) fn of(child: &Child) -> Leader {
        // Numbers of processes are positive and fit; of what is none, no group is ever signalled.
        Leader { pid: libc::pid_t::try_from(child.id()).unwrap_or(0), reaped: Arc::default() }
    }

    #[cfg(test)]
    /// As if the system had given its number to another one.
    pub(super) fn moved_to(&self, pid: u32) -> Leader {
        Leader { pid: libc::pid_t::try_from(pid).unwrap_or(0), reaped: self.reaped.clone() }
    }

    /// Whether they are clones of one another.
    pub(super) fn is(&self, other: &Leader) -> bool {
        Arc::ptr_eq(&self.reaped, &other.reaped)
    }

    /// Its number, and that of its group.
    pub(super) fn pid(&self) -> u32 {
        self.pid.unsigned_abs()
    }

    /// Sends a signal to all processes of its group, unless the leader has been waited for.
    pub(super) fn signal(&self, signal: libc::c_int) {
        let reaped = self.reaped.lock().unwrap_or_else(PoisonError::into_inner);
        if !*reaped {
            self.signal_unreaped(signal);
        }
    }

    /// Only under the lock, while `reaped` is false.
    fn signal_unreaped(&self, signal: libc::c_int) {
        if self.pid > 1 {
            // SAFETY: kill takes two numbers and touches no memory. The leader has not been waited for, and is not while the lock is held, so
            // that its number cannot have been given to another process or group.
            unsafe { libc::kill(-self.pid, signal) };
        }
    }

    /// How it ended; kills what is left of its group then. None while it runs.
    pub(super) fn reap(&self, child: &mut Child) -> Option<io::Result<ExitStatus>> {
        let mut reaped = self.reaped.lock().unwrap_or_else(PoisonError::into_inner);
        if !*reaped {
            if !self.has_ended() {
                return None;
            }
            self.signal_unreaped(libc::SIGKILL);
            *reaped = true;
        }
        Some(child.wait())
    }

    /// Whether it has ended, or cannot be waited for at all. Leaves it as it is.
    fn has_ended(&self) -> bool {
        // SAFETY: siginfo_t is a struct of numbers and pointers, for which all zeroes is a valid value.
        let mut info: libc::siginfo_t = unsafe { std::mem::zeroed() };
        let flags = libc::WEXITED | libc::WNOHANG | libc::WNOWAIT;
        // SAFETY: `info` is valid and writable for the length of the call; the call keeps no pointer to it.
        let failed = unsafe { libc::waitid(libc::P_PID, self.pid.unsigned_abs(), &raw mut info, flags) } != 0;
        // Of a process that runs, nothing is filled in.
        failed || info.si_signo != 0
    }
}
