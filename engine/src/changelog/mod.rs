//! Changelogs: results that change, told as inserts, updates and deletes of rows.
//!
//! ```text
//!   rows ──▶ aggregate, top, latest, outer join ──▶ Insert(a) · Update { a, b } · Insert(c) · Delete(b) ──▶ Materialise: {c}
//! ```
//!
//! The one meaning: a changelog stands for a multiset of rows, empty at first. `Insert(r)` adds one `r`, `Delete(r)` takes one away, `Update`
//! takes `before` away and adds `after` at once. Applied in order, the changes give the exact result at every moment.
//!
//! Laws
//! - What is deleted or updated is there: an operator that gets a sound changelog emits a sound one.
//! - All changes of a key leave its owner, in order. After a stream is divided or brought together by another key, the changes of one row
//!   still come in order, since one worker made them; between rows of different workers there is no order, and none is needed.
//! - An update that changes nothing is not emitted.

mod aggregate;
mod materialise;

pub use aggregate::{Count, Extreme, Max, Mean, Min, Retract, Sum};
pub(crate) use aggregate::{Lowering, Retracting};
pub use materialise::{Materialise, MaterialiseWriter, Materialised};

/// One change of a result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Change<T> {
    /// A row is new.
    Insert(T),
    /// A row has become another.
    Update {
        /// The row before, which is there no more.
        before: T,
        /// The row now.
        after: T,
    },
    /// A row has gone.
    Delete(T),
}

impl<T> Change<T> {
    /// The change of the rows that a function makes of these.
    pub fn map<U>(self, mut function: impl FnMut(T) -> U) -> Change<U> {
        match self {
            Self::Insert(row) => Change::Insert(function(row)),
            Self::Update { before, after } => Change::Update { before: function(before), after: function(after) },
            Self::Delete(row) => Change::Delete(function(row)),
        }
    }

    /// The change of the rows that pass a test: an update across the border becomes an insert or a delete.
    pub fn filter(self, mut test: impl FnMut(&T) -> bool) -> Option<Self> {
        match self {
            Self::Insert(row) => test(&row).then_some(Self::Insert(row)),
            Self::Delete(row) => test(&row).then_some(Self::Delete(row)),
            Self::Update { before, after } => match (test(&before), test(&after)) {
                (true, true) => Some(Self::Update { before, after }),
                (true, false) => Some(Self::Delete(before)),
                (false, true) => Some(Self::Insert(after)),
                (false, false) => None,
            },
        }
    }

    /// The change from one state of a row to another, if there is any.
    pub fn between(before: Option<T>, after: Option<T>) -> Option<Self>
    where
        T: PartialEq,
    {
        match (before, after) {
            (None, None) => None,
            (None, Some(row)) => Some(Self::Insert(row)),
            (Some(row), None) => Some(Self::Delete(row)),
            (Some(before), Some(after)) => (before != after).then_some(Self::Update { before, after }),
        }
    }

    /// The row that is there after the change, if one is.
    pub fn after(&self) -> Option<&T> {
        match self {
            Self::Insert(row) | Self::Update { after: row, .. } => Some(row),
            Self::Delete(_) => None,
        }
    }
}
