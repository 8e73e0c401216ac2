//! What a job remembers at one moment.

use super::driver::Job;
use crate::operator::Copies;

/// The states of a job's operators at a moment when nothing was under way; from [`Driver::snapshot`](super::Driver::snapshot).
///
/// It lives in memory, on one thread, and depends on nothing of the job it was taken from, which may be gone.
#[derive(Debug)]
pub struct Snapshot {
    pub(super) job: Job,
    pub(super) copies: Copies,
    /// Late records until then.
    pub(super) late: u64,
}
