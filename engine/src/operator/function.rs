//! What users give to operators: closures over the records of one family, whatever their lifetime.
//!
//! ```text
//!   Mapper<R, U>      R::Of<'a> -> U::Of<'a>             map
//!   Predicate<R>      &R::Of<'a> -> bool                 filter, split
//!   Chooser<R, U>     R::Of<'a> -> Option<U::Of<'a>>     filter_map
//!   Expander<R, U>    R::Of<'a> -> iterator of U::Of<'a> flat_map
//! ```
//!
//! Closures implement them by themselves. [`OnValue`] lifts each of them to records that carry their event time beside them.

use super::blame::{Site, guard};
use crate::{
    record::{Record, Timed},
    time::EventTime,
};

/// A function from one record to one record. `'a` is the lifetime that both may borrow for.
pub trait MapFn<'a, In> {
    /// What it returns.
    type Out;
    /// Calls it.
    fn call(&mut self, record: In) -> Self::Out;
}

impl<'a, In, F, O> MapFn<'a, In> for F
where
    F: FnMut(In) -> O,
{
    type Out = O;
    #[inline(always)]
    fn call(&mut self, record: In) -> O {
        self(record)
    }
}

/// Turns each record of family `R` into one of family `U`.
pub trait Mapper<R: Record, U: Record>: Clone + Send + 'static {
    /// Maps one record.
    fn map<'a>(&mut self, record: R::Of<'a>) -> U::Of<'a>;
}

impl<R: Record, U: Record, F> Mapper<R, U> for F
where
    F: for<'a> MapFn<'a, R::Of<'a>, Out = U::Of<'a>> + Clone + Send + 'static,
{
    #[inline(always)]
    fn map<'a>(&mut self, record: R::Of<'a>) -> U::Of<'a> {
        self.call(record)
    }
}

/// Says yes or no to a record.
pub trait Predicate<R: Record>: Clone + Send + 'static {
    /// Tests one record.
    fn test<'a>(&mut self, record: &R::Of<'a>) -> bool;
}

impl<R: Record, F> Predicate<R> for F
where
    F: for<'a, 'b> FnMut(&'b R::Of<'a>) -> bool + Clone + Send + 'static,
{
    #[inline(always)]
    fn test<'a>(&mut self, record: &R::Of<'a>) -> bool {
        self(record)
    }
}

/// Turns each record of family `R` into one of family `U`, or none.
pub trait Chooser<R: Record, U: Record>: Clone + Send + 'static {
    /// Maps one record, if it is to go on.
    fn choose<'a>(&mut self, record: R::Of<'a>) -> Option<U::Of<'a>>;
}

impl<R: Record, U: Record, F> Chooser<R, U> for F
where
    F: for<'a> MapFn<'a, R::Of<'a>, Out = Option<U::Of<'a>>> + Clone + Send + 'static,
{
    #[inline(always)]
    fn choose<'a>(&mut self, record: R::Of<'a>) -> Option<U::Of<'a>> {
        self.call(record)
    }
}

/// A function from one record to any number of them.
pub trait IterFn<'a, In> {
    /// One of what it returns.
    type Item;
    /// All of what it returns.
    type Iter: Iterator<Item = Self::Item>;
    /// Calls it.
    fn call(&mut self, record: In) -> Self::Iter;
}

impl<'a, In, F, I> IterFn<'a, In> for F
where
    F: FnMut(In) -> I,
    I: IntoIterator,
{
    type Item = I::Item;
    type Iter = I::IntoIter;
    #[inline(always)]
    fn call(&mut self, record: In) -> I::IntoIter {
        self(record).into_iter()
    }
}

/// Turns each record of family `R` into any number of records of family `U`.
pub trait Expander<R: Record, U: Record>: Clone + Send + 'static {
    /// What one record expands to.
    type Iter<'a>: Iterator<Item = U::Of<'a>>;
    /// Expands one record.
    fn expand<'a>(&mut self, record: R::Of<'a>) -> Self::Iter<'a>;
}

impl<R: Record, U: Record, F> Expander<R, U> for F
where
    F: for<'a> IterFn<'a, R::Of<'a>, Item = U::Of<'a>> + Clone + Send + 'static,
{
    type Iter<'a> = <F as IterFn<'a, R::Of<'a>>>::Iter;
    #[inline(always)]
    fn expand<'a>(&mut self, record: R::Of<'a>) -> Self::Iter<'a> {
        self.call(record)
    }
}

// Calls of users' functions, under their operator's guard, as closures for iterators to hold.
//
// They are made here and not where they are used: a closure's type holds all types of the function that it stands in. In an operator's `process`
// these are the iterator before it and all operators after it, so that every operator of a chain would double the type of the loop, and a chain
// of sixteen maps could not be compiled.

/// A mapper's calls.
#[inline(always)]
pub(crate) fn mapping<'a, R: Record, U: Record, F: Mapper<R, U>>(function: &mut F, site: Site) -> impl FnMut(R::Of<'a>) -> U::Of<'a> {
    move |record| guard(site, || function.map(record))
}

/// A predicate's calls.
#[inline(always)]
pub(crate) fn testing<'a, R: Record, P: Predicate<R>>(predicate: &mut P, site: Site) -> impl FnMut(&R::Of<'a>) -> bool {
    move |record| guard(site, || predicate.test(record))
}

/// A chooser's calls.
#[inline(always)]
pub(crate) fn choosing<'a, R: Record, U: Record, F: Chooser<R, U>>(
    function: &mut F,
    site: Site,
) -> impl FnMut(R::Of<'a>) -> Option<U::Of<'a>> {
    move |record| guard(site, || function.choose(record))
}

/// A call for what is under a mask; the mask stays.
#[inline(always)]
pub(crate) fn masked<T, U>(mut call: impl FnMut(T) -> U) -> impl FnMut((bool, T)) -> (bool, U) {
    move |(passes, record)| (passes, call(record))
}

/// A test whose answer stands beside the record.
#[inline(always)]
pub(crate) fn masking<T>(mut test: impl FnMut(&T) -> bool) -> impl FnMut(T) -> (bool, T) {
    move |record| (test(&record), record)
}

/// Those whose mask is set.
#[inline(always)]
pub(crate) fn unmasked<T>((passes, record): (bool, T)) -> Option<T> {
    passes.then_some(record)
}

/// A function of a record, applied to a record with its time beside it; the time stays.
#[derive(Clone)]
pub struct OnValue<F>(pub(crate) F);

impl<R: Record, U: Record, F: Mapper<R, U>> Mapper<Timed<R>, Timed<U>> for OnValue<F> {
    #[inline(always)]
    fn map<'a>(&mut self, (time, record): (EventTime, R::Of<'a>)) -> (EventTime, U::Of<'a>) {
        (time, self.0.map(record))
    }
}

impl<R: Record, P: Predicate<R>> Predicate<Timed<R>> for OnValue<P> {
    #[inline(always)]
    fn test<'a>(&mut self, record: &(EventTime, R::Of<'a>)) -> bool {
        self.0.test(&record.1)
    }
}

impl<R: Record, U: Record, F: Chooser<R, U>> Chooser<Timed<R>, Timed<U>> for OnValue<F> {
    #[inline(always)]
    fn choose<'a>(&mut self, (time, record): (EventTime, R::Of<'a>)) -> Option<(EventTime, U::Of<'a>)> {
        Some((time, self.0.choose(record)?))
    }
}

impl<R: Record, U: Record, F: Expander<R, U>> Expander<Timed<R>, Timed<U>> for OnValue<F> {
    type Iter<'a> = Stamped<F::Iter<'a>>;
    #[inline(always)]
    fn expand<'a>(&mut self, (time, record): (EventTime, R::Of<'a>)) -> Self::Iter<'a> {
        Stamped { time, records: self.0.expand(record) }
    }
}

/// Records that all have the same time.
pub struct Stamped<I> {
    time: EventTime,
    records: I,
}

impl<I: Iterator> Iterator for Stamped<I> {
    type Item = (EventTime, I::Item);

    #[inline(always)]
    fn next(&mut self) -> Option<Self::Item> {
        self.records.next().map(|record| (self.time, record))
    }

    #[inline(always)]
    fn size_hint(&self) -> (usize, Option<usize>) {
        self.records.size_hint()
    }
}

/// Drops the event time beside a record.
#[derive(Clone)]
pub struct DropTime;

impl<R: Record> Mapper<Timed<R>, R> for DropTime {
    #[inline(always)]
    fn map<'a>(&mut self, (_, record): (EventTime, R::Of<'a>)) -> R::Of<'a> {
        record
    }
}
