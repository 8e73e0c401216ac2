//! What becomes of input that cannot be decoded: one policy for all decoders.
//!
//! Laws: a malformed record costs itself alone, never its neighbours; with any policy but [`OnMalformed::Fail`] it is counted, and
//! [`Reader::malformed`](super::Reader::malformed) tells how many there were.

use std::{fmt, sync::Arc};

/// What to do with a record that cannot be decoded.
#[derive(Clone, Default)]
pub enum OnMalformed {
    /// End the job with [`RunError::Decode`](crate::error::RunError::Decode). Records before it have been handed on.
    #[default]
    Fail,
    /// Skip and count it.
    Skip,
    /// Give it to a dead-letter function, then skip and count it. Called on the worker's thread: it should not block.
    Send(DeadLetter),
}

/// The function of [`OnMalformed::Send`].
pub type DeadLetter = Arc<dyn Fn(&Malformed<'_>) + Send + Sync>;

impl OnMalformed {
    /// [`OnMalformed::Send`] from a closure.
    pub fn send(to: impl Fn(&Malformed<'_>) + Send + Sync + 'static) -> Self {
        Self::Send(Arc::new(to))
    }
}

impl fmt::Debug for OnMalformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Fail => "Fail",
            Self::Skip => "Skip",
            Self::Send(_) => "Send(..)",
        })
    }
}

/// A record that cannot be decoded.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Malformed<'a> {
    /// What was being read: a path, or the name of an input in memory.
    pub what: &'a str,
    /// Where the record begins, in bytes from the start of the input.
    pub offset: u64,
    /// The record as it was read, without its line ending. Of a line that is too long, its beginning; of a CSV row, its fields, unquoted
    /// and joined by the delimiter.
    pub bytes: &'a [u8],
    /// What is wrong with it.
    pub message: &'a str,
}

/// A malformed record that ends the job.
#[derive(Debug)]
pub(crate) struct Fault {
    /// Where the record begins, in bytes from the start of the input.
    pub(crate) offset: u64,
    pub(crate) message: String,
}

/// A policy at work in one reader.
#[derive(Debug)]
pub(crate) struct Rejects {
    policy: OnMalformed,
    count: u64,
}

impl Rejects {
    pub(crate) fn new(policy: OnMalformed) -> Self {
        Self { policy, count: 0 }
    }

    pub(crate) fn count(&self) -> u64 {
        self.count
    }

    /// Treats a malformed record as the policy says; an error ends the job.
    // Cold: the common input is well formed, and the decoders' loops should stay small.
    #[cold]
    #[inline(never)]
    pub(crate) fn reject(&mut self, malformed: &Malformed<'_>) -> Result<(), Fault> {
        match &self.policy {
            OnMalformed::Fail => return Err(Fault { offset: malformed.offset, message: malformed.message.to_owned() }),
            OnMalformed::Skip => {}
            OnMalformed::Send(to) => to(malformed),
        }
        self.count += 1;
        Ok(())
    }
}
