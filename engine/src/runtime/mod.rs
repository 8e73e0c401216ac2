//! Workers: pinned threads that run tasks in a duty cycle.
//!
//! ```text
//!   worker ── duty cycle: do_work() ─▶ how much ─▶ Idle: 0? spin, yield, park ──┐
//!     ▲                                                                         │ asleep
//!     └── unpark ◀── Waker ◀── who commits to a ring, hands in a record, stops ─┘
//! ```

mod affinity;
pub(crate) mod alarm;
mod cgroup;
mod features;
mod fence;
mod idle;
mod park;
mod shutdown;
mod task;
mod worker;

pub(crate) use affinity::warn_unpinned;
pub use affinity::{CoreId, Cores, LimitedBy, available_cores, pin_current_thread};
pub(crate) use features::{Level, Step};
pub(crate) use fence::Fences;
pub(crate) use idle::Idle;
pub use idle::{UnknownWait, Wait};
#[cfg(all(test, loom))]
pub(crate) use park::Parker;
pub use park::Waker;
pub(crate) use shutdown::Shutdown;
pub(crate) use task::{Progress, Scope, SourceTask, Tally, Task};
pub(crate) use worker::{Namer, Worker};
