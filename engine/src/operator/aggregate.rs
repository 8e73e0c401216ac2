//! Aggregates: lift a record into a partial, combine partials, lower a partial into a result.
//!
//! ```text
//!   records ── lift ─▶ partial ┐
//!   records ── lift ─▶ partial ┴ combine ─▶ partial ── lower ─▶ result
//! ```
//!
//! `combine` must be associative and commutative: partials are made per worker and meet in any order. An empty partial is the identity; it
//! says itself that it is empty, so that a table of partials needs no flags beside it.
//!
//! What overflow and NaN do
//! - Counts are of 64 bits, which no stream fills. [`Sum`] wraps around; [`Mean`] sums in 128 bits and cannot overflow.
//! - Floating-point values are compared in a total order ([`Total`]), in which a NaN is a value like others; in sums ([`FloatMean`]) it spreads.
//!
//! Your own aggregate is a type with this trait; [`Reduce`] makes one of two closures, and a tuple of up to four aggregates is one.
//!
//! Source: Tangwongsan et al., "General Incremental Sliding-Window Aggregation", PVLDB 8(7), 2015, section 3.

mod distinct;
mod extreme;
mod mean;
#[cfg(test)]
mod tests;
mod tuple;

pub use distinct::{ApproxDistinct, DistinctCount, Sketch, ValueSet};
pub use extreme::{First, Last, Max, Min, Ordered, Top, TopN, Total};
pub use mean::{FloatMean, FloatSum, Mean, WideSum};

use std::{marker::PhantomData, ops::AddAssign};

use crate::{record::Record, state::Partial};

/// An aggregate over records of family `R`.
pub trait Aggregate<R: Record>: Clone + Send + 'static {
    /// What is kept per key (and window).
    type Partial: Partial + Clone + Send + 'static;
    /// What is emitted.
    type Out: Send + 'static;
    /// Adds one record; the partial is not empty then.
    fn lift(&mut self, partial: &mut Self::Partial, record: &R::Of<'_>);
    /// Adds another partial.
    fn combine(&mut self, partial: &mut Self::Partial, other: Self::Partial);
    /// Whether [`invert`](Self::invert) undoes [`combine`](Self::combine) exactly. Sliding windows then fire cheaper.
    const INVERTS: bool = false;
    /// Takes a partial out again that was combined into this one. Called only if `INVERTS` says so.
    ///
    /// Must be exact: sums of floating-point numbers have no inverse, since rounding would stay behind.
    fn invert(&mut self, partial: &mut Self::Partial, other: &Self::Partial) {
        let _ = (partial, other);
        unreachable!("an aggregate with INVERTS must define invert()")
    }
    /// Turns a partial into a result. Never called on an empty one.
    fn lower(&self, partial: &Self::Partial) -> Self::Out;
}

/// Number of records.
#[derive(Clone, Copy, Debug, Default)]
pub struct Count;

/// A number of records; none is empty.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally(pub u64);

impl Partial for Tally {
    #[inline(always)]
    fn empty() -> Self {
        Self(0)
    }
    #[inline(always)]
    fn is_empty(&self) -> bool {
        self.0 == 0
    }
}

impl<R: Record> Aggregate<R> for Count {
    type Partial = Tally;
    type Out = u64;
    #[inline(always)]
    fn lift(&mut self, partial: &mut Tally, _: &R::Of<'_>) {
        partial.0 += 1;
    }
    #[inline(always)]
    fn combine(&mut self, partial: &mut Tally, other: Tally) {
        partial.0 += other.0;
    }
    const INVERTS: bool = true;
    #[inline(always)]
    fn invert(&mut self, partial: &mut Tally, other: &Tally) {
        partial.0 -= other.0;
    }
    #[inline(always)]
    fn lower(&self, partial: &Tally) -> u64 {
        partial.0
    }
}

/// Sum (wrapping) and number of what a function takes from each record: a mean is `sum / count`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SumCount {
    /// Wrapping sum.
    pub sum: i64,
    /// Number of records.
    pub count: u64,
}

impl SumCount {
    /// The integer mean, truncated.
    pub fn mean(&self) -> i64 {
        if self.count == 0 { 0 } else { self.sum / self.count.cast_signed() }
    }
}

impl AddAssign for SumCount {
    #[inline(always)]
    fn add_assign(&mut self, other: Self) {
        self.sum = self.sum.wrapping_add(other.sum);
        self.count += other.count;
    }
}

impl Partial for SumCount {
    #[inline(always)]
    fn empty() -> Self {
        Self::default()
    }
    #[inline(always)]
    fn is_empty(&self) -> bool {
        self.count == 0
    }
}

/// Sum and count of a number taken from each record.
#[derive(Clone, Debug)]
pub struct Sum<F>(F);

impl<F> Sum<F> {
    /// Sums what `number` takes from each record.
    pub fn of<R: Record>(number: F) -> Self
    where
        F: for<'a, 'b> FnMut(&'b R::Of<'a>) -> i64,
    {
        Self(number)
    }
}

impl<R, F> Aggregate<R> for Sum<F>
where
    R: Record,
    F: for<'a, 'b> FnMut(&'b R::Of<'a>) -> i64 + Clone + Send + 'static,
{
    type Partial = SumCount;
    type Out = SumCount;
    #[inline(always)]
    fn lift(&mut self, partial: &mut SumCount, record: &R::Of<'_>) {
        *partial += SumCount { sum: (self.0)(record), count: 1 };
    }
    #[inline(always)]
    fn combine(&mut self, partial: &mut SumCount, other: SumCount) {
        *partial += other;
    }
    const INVERTS: bool = true;
    #[inline(always)]
    fn invert(&mut self, partial: &mut SumCount, other: &SumCount) {
        *partial = SumCount { sum: partial.sum.wrapping_sub(other.sum), count: partial.count - other.count };
    }
    #[inline(always)]
    fn lower(&self, partial: &SumCount) -> SumCount {
        *partial
    }
}

/// An aggregate made of a lifting and a combining function.
pub struct Reduce<L, C, T> {
    lift: L,
    combine: C,
    value: PhantomData<fn() -> T>,
}

impl<L: Clone, C: Clone, T> Clone for Reduce<L, C, T> {
    fn clone(&self) -> Self {
        Self { lift: self.lift.clone(), combine: self.combine.clone(), value: PhantomData }
    }
}

impl<L, C, T> Reduce<L, C, T> {
    pub(crate) fn new(lift: L, combine: C) -> Self {
        Self { lift, combine, value: PhantomData }
    }

    /// Lifts each record into a value, and combines values two by two; `combine` must be associative and commutative.
    pub fn of<R: Record>(lift: L, combine: C) -> Self
    where
        L: for<'a, 'b> FnMut(&'b R::Of<'a>) -> T,
        C: FnMut(T, T) -> T,
    {
        Self::new(lift, combine)
    }
}

impl<R, L, C, T> Aggregate<R> for Reduce<L, C, T>
where
    R: Record,
    L: for<'a, 'b> FnMut(&'b R::Of<'a>) -> T + Clone + Send + 'static,
    C: FnMut(T, T) -> T + Clone + Send + 'static,
    T: Clone + Send + 'static,
{
    type Partial = Option<T>;
    type Out = T;
    #[inline(always)]
    fn lift(&mut self, partial: &mut Option<T>, record: &R::Of<'_>) {
        let lifted = (self.lift)(record);
        self.combine_value(partial, lifted);
    }
    #[inline(always)]
    fn combine(&mut self, partial: &mut Option<T>, other: Option<T>) {
        if let Some(other) = other {
            self.combine_value(partial, other);
        }
    }
    #[inline(always)]
    fn lower(&self, partial: &Option<T>) -> T {
        partial.clone().expect("an empty partial is never lowered")
    }
}

impl<L, C, T> Reduce<L, C, T>
where
    C: FnMut(T, T) -> T,
{
    #[inline(always)]
    fn combine_value(&mut self, partial: &mut Option<T>, value: T) {
        *partial = Some(match partial.take() {
            Some(old) => (self.combine)(old, value),
            None => value,
        });
    }
}
