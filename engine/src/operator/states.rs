//! What operators remember between batches, copied out of a job and into another one of the same shape.
//!
//! ```text
//!   take      operator ── keep(&mut state) ──▶ clone ──▶ copies …        one walk along each chain, first operator to last
//!   compare   operator ── keep(&mut state) ──▶ same type as the copy?    before anything is changed
//!   restore   operator ◀─ keep(&mut state) ─── clone ─── copies …        the same walk, in the same order
//! ```
//!
//! An operator says once what its state is, in [`Operator::states`](super::Operator::states), and that serves all three directions. The walk
//! happens only while nothing is under way: no batch, no result that waits, no control.
//!
//! Non-goals: bytes, and state that moves between numbers of workers.

use std::{any::Any, any::type_name, fmt};

/// A copy of one state.
struct Copy {
    kind: &'static str,
    value: Box<dyn Any>,
    /// Of a parameter: how it reads.
    reads: Option<String>,
}

/// Copies of all states of a job, in the order of the walk.
#[derive(Default)]
pub(crate) struct Copies(Vec<Copy>);

impl fmt::Debug for Copies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|copy| copy.kind)).finish()
    }
}

enum Walk<'a> {
    Take(&'a mut Copies),
    Compare(&'a Copies),
    Restore(&'a Copies),
}

/// Walks over the states of a job's operators: to copy them, to compare them with copies, or to put copies in their place.
pub struct States<'a> {
    walk: Walk<'a>,
    at: usize,
    /// Why it cannot go on.
    refusal: Option<String>,
}

impl fmt::Debug for States<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("States").field("at", &self.at).field("refusal", &self.refusal).finish_non_exhaustive()
    }
}

impl<'a> States<'a> {
    pub(crate) fn take(into: &'a mut Copies) -> Self {
        Self { walk: Walk::Take(into), at: 0, refusal: None }
    }

    pub(crate) fn compare(with: &'a Copies) -> Self {
        Self { walk: Walk::Compare(with), at: 0, refusal: None }
    }

    pub(crate) fn restore(from: &'a Copies) -> Self {
        Self { walk: Walk::Restore(from), at: 0, refusal: None }
    }

    /// Copies a state, or puts its copy in its place.
    ///
    /// Cost: that of the clone.
    pub fn keep<T: Clone + 'static>(&mut self, state: &mut T) {
        let kind = type_name::<T>();
        match &mut self.walk {
            Walk::Take(copies) => copies.0.push(Copy { kind, value: Box::new(state.clone()), reads: None }),
            Walk::Compare(copies) | Walk::Restore(copies) => match copies.0.get(self.at) {
                Some(Copy { value, .. }) if value.is::<T>() => {
                    if let Walk::Restore(_) = self.walk
                        && let Some(copy) = value.downcast_ref::<T>()
                    {
                        state.clone_from(copy);
                    }
                }
                other => {
                    let found = other.map_or("nothing", |copy| copy.kind);
                    self.refuse(format!("state of the type {kind} is wanted, and {found} is there"));
                }
            },
        }
        self.at += 1;
    }

    /// As [`keep`](Self::keep) for what decides where the walk goes: the value there is, or its copy.
    pub(crate) fn known(&mut self, mut value: bool) -> bool {
        match &self.walk {
            Walk::Compare(copies) | Walk::Restore(copies) => {
                let copy = copies.0.get(self.at).and_then(|copy| copy.value.downcast_ref::<bool>()).copied();
                self.keep(&mut value);
                copy.unwrap_or(value)
            }
            Walk::Take(_) => {
                self.keep(&mut value);
                value
            }
        }
    }

    /// Sees to it that a parameter on which the meaning of the states depends is the same in both jobs.
    pub fn same<T: PartialEq + Clone + fmt::Debug + 'static>(&mut self, parameter: &T) {
        let kind = type_name::<T>();
        match &mut self.walk {
            Walk::Take(copies) => {
                copies.0.push(Copy { kind, value: Box::new(parameter.clone()), reads: Some(format!("{parameter:?}")) });
            }
            Walk::Compare(copies) | Walk::Restore(copies) => match copies.0.get(self.at) {
                Some(copy) if copy.value.downcast_ref::<T>() == Some(parameter) => {}
                other => {
                    let found = other.map_or("nothing", |copy| copy.reads.as_deref().unwrap_or(copy.kind)).to_owned();
                    self.refuse(format!("the job has {parameter:?}, and the snapshot {found}"));
                }
            },
        }
        self.at += 1;
    }

    /// Takes note of a reason why a copy of this job's states would not be whole. The first one counts.
    pub(crate) fn refuse(&mut self, why: String) {
        self.refusal.get_or_insert(why);
    }

    /// Whether states are copied, not put back.
    pub(crate) fn is_taking(&self) -> bool {
        matches!(self.walk, Walk::Take(_))
    }

    /// Whether copies are put in their places.
    pub(crate) fn is_restoring(&self) -> bool {
        matches!(self.walk, Walk::Restore(_))
    }

    /// The first reason why not, if there is one.
    pub(crate) fn refusal(&self) -> Option<&str> {
        self.refusal.as_deref()
    }

    /// Ends the walk.
    pub(crate) fn end(mut self) -> Option<String> {
        if let Walk::Compare(copies) | Walk::Restore(copies) = self.walk
            && self.at < copies.0.len()
        {
            self.refuse(format!("{} states of the snapshot have no place in the job", copies.0.len() - self.at));
        }
        self.refusal
    }
}
