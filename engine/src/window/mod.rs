//! Windows over event time.
//!
//! ```text
//!   (time, record) ─▶ combine: per worker, one table of partials per open window ─▶ partials when the watermark passes
//!                     merge: at the key's owner, partials of all workers ─▶ lower ─▶ Windowed { key, start, end, value }
//! ```
//!
//! | windows | at the reading worker | at the key's owner |
//! |---|---|---|
//! | [`Tumbling`] | `combine` | `merge` |
//! | [`Sliding`] | `combine`, of slices (`assign`) | `slide`, `merge_slices` |
//! | either with allowed lateness | `combine`, again; `late` | `revise` |
//! | [`Session`], one worker | `session` | `merge_sessions` |
//! | [`Session`], several | `merge_sessions` | `session`, `merge_sessions` |
//! | sessions with allowed lateness | | `lenient_sessions` |
//! | [`CountWindows`], [`Global`], any with a [`Trigger`] | lift | `panes` |
//!
//! Conventions, fixed here once
//! - A window is `[start, end)` in milliseconds, aligned to the epoch; a record belongs to it if `start <= time < end`.
//! - It fires when the watermark `w >= end - 1`, once; its results carry the event time `end - 1`.
//! - A record whose windows have all fired is late: it is counted, and changes no result. If only some of its windows have fired, it counts in
//!   the others.
//! - At the ends of the time scale windows are clipped: the first begins at `i64::MIN`, and the last ends at `i64::MAX` and holds it.

mod assign;
mod combine;
mod deadlines;
mod late;
mod lenient_sessions;
mod lift;
mod merge;
mod merge_sessions;
mod merge_slices;
mod numbered;
mod open;
mod paned;
mod panes;
mod revise;
mod session;
mod sliced;
mod slide;
mod trigger;

pub use assign::Slices;
pub use assign::Sliding;
pub(crate) use combine::{Combine, CombineStep};
pub(crate) use late::LateEnd;
pub(crate) use lenient_sessions::{HoldBack, LenientSessions};
pub(crate) use lift::Lift;
pub(crate) use merge::MergePartials;
pub(crate) use merge_sessions::{CombineSessions, MergeSessions};
pub(crate) use merge_slices::MergeSlices;
pub(crate) use open::{Beside, Late, OpenWindows, Window};
pub use paned::{CountWindows, Global, Paned};
pub(crate) use panes::MergePanes;
pub(crate) use revise::MergeRevising;
pub use revise::Revised;
pub use session::Session;
pub(crate) use session::SessionPart;
pub use sliced::{Half, Lenient, Merges, Sliced};
pub use trigger::{EveryEventTime, EveryProcessingTime, EveryRecords, OnWatermark, Trigger};

use crate::{
    error::RunError,
    operator::blame::{Site, refuse},
    time::EventTime,
};

/// Windows of equal length that follow one another without a gap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tumbling {
    size_ms: i64,
}

impl Tumbling {
    /// Windows of this many milliseconds.
    pub const fn millis(size_ms: i64) -> Self {
        Self { size_ms }
    }

    /// Windows of this many seconds.
    pub const fn seconds(size_s: i64) -> Self {
        Self { size_ms: size_s.saturating_mul(1000) }
    }

    /// Length in ms.
    pub const fn size_ms(self) -> i64 {
        self.size_ms
    }

    /// Start of the window that `time` belongs to.
    #[inline]
    pub const fn start(self, time: EventTime) -> EventTime {
        time.saturating_sub(time.rem_euclid(self.size_ms))
    }

    pub(crate) fn refuse(self) -> Option<String> {
        (self.size_ms <= 0).then(|| format!("a window of {} ms holds nothing; give 1 ms or more", self.size_ms))
    }
}

/// One result of a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Windowed<K, V> {
    /// The key.
    pub key: K,
    /// Start of the window, inclusive, in ms.
    pub start: EventTime,
    /// End of the window, exclusive, in ms.
    pub end: EventTime,
    /// The aggregate.
    pub value: V,
}

/// What one worker has of a key and a window, on its way to the key's owner.
#[derive(Clone, Debug)]
pub struct WindowPartial<K, P> {
    pub(crate) key: K,
    pub(crate) start: EventTime,
    pub(crate) partial: P,
}

/// A window's last event time: the watermark that closes it.
#[inline]
pub(crate) fn last_time(start: EventTime, size_ms: i64) -> EventTime {
    if start == EventTime::MIN {
        // It may begin before what an event time can say, and ends where it would have.
        return start + (size_ms - 1 - start.rem_euclid(size_ms));
    }
    start.saturating_add(size_ms - 1)
}

/// Refuses to go on with more open windows than were allowed.
#[inline(always)]
fn limit(open: usize, open_max: usize, site: Site) -> Result<(), RunError> {
    if open <= open_max { Ok(()) } else { Err(too_many(open, open_max, site)) }
}

#[cold]
#[inline(never)]
fn too_many(open: usize, open_max: usize, site: Site) -> RunError {
    let why = format!(
        "{open} windows are open on this worker and open_max allows {open_max}: do watermarks come, and are event times right? if so, raise it"
    );
    refuse(site, why)
}
