//! Means.

use std::marker::PhantomData;

use super::Aggregate;
use crate::{record::Record, state::Partial};

/// A sum that cannot overflow, and a number of records; none is empty.
#[derive(Clone, Copy, Debug, Default)]
pub struct WideSum {
    sum: i128,
    count: u64,
}

impl Partial for WideSum {
    #[inline(always)]
    fn empty() -> Self {
        Self::default()
    }
    #[inline(always)]
    fn is_empty(&self) -> bool {
        self.count == 0
    }
}

/// The mean of an integer taken from each record, truncated towards zero. Exact: it sums in 128 bits, which no stream overflows.
///
/// ```
/// use thalweg::{Aggregate, Mean, Own, state::Partial};
/// let mut mean = Mean::of::<Own<i64>>(|x: &i64| *x);
/// let mut partial = Partial::empty();
/// for x in [i64::MAX, i64::MAX, i64::MAX - 3] {
///     Aggregate::<Own<i64>>::lift(&mut mean, &mut partial, &x);
/// }
/// assert_eq!(Aggregate::<Own<i64>>::lower(&mean, &partial), i64::MAX - 1);
/// ```
#[derive(Clone, Debug)]
pub struct Mean<F>(F);

impl<F> Mean<F> {
    /// The mean of what `number` takes from each record.
    pub fn of<R: Record>(number: F) -> Self
    where
        F: for<'a, 'b> FnMut(&'b R::Of<'a>) -> i64,
    {
        Self(number)
    }
}

impl<R, F> Aggregate<R> for Mean<F>
where
    R: Record,
    F: for<'a, 'b> FnMut(&'b R::Of<'a>) -> i64 + Clone + Send + 'static,
{
    type Partial = WideSum;
    type Out = i64;
    #[inline(always)]
    fn lift(&mut self, partial: &mut WideSum, record: &R::Of<'_>) {
        partial.sum += i128::from((self.0)(record));
        partial.count += 1;
    }
    #[inline(always)]
    fn combine(&mut self, partial: &mut WideSum, other: WideSum) {
        partial.sum += other.sum;
        partial.count += other.count;
    }
    const INVERTS: bool = true;
    #[inline(always)]
    fn invert(&mut self, partial: &mut WideSum, other: &WideSum) {
        partial.sum -= other.sum;
        partial.count -= other.count;
    }
    fn lower(&self, partial: &WideSum) -> i64 {
        let mean = partial.sum / i128::from(partial.count.max(1));
        i64::try_from(mean).expect("a mean lies between its numbers")
    }
}

/// A sum of floating-point numbers and their number; none is empty.
#[derive(Clone, Copy, Debug, Default)]
pub struct FloatSum {
    sum: f64,
    count: u64,
}

impl Partial for FloatSum {
    #[inline(always)]
    fn empty() -> Self {
        Self::default()
    }
    #[inline(always)]
    fn is_empty(&self) -> bool {
        self.count == 0
    }
}

/// The mean of a floating-point number taken from each record.
///
/// A NaN among them makes the mean NaN, and sums that overflow make it infinite, as IEEE 754 says. The order in which partials meet is open,
/// and with it the last bits. It has no inverse, since rounding would stay behind.
pub struct FloatMean<F> {
    number: F,
    of: PhantomData<fn() -> f64>,
}

impl<F: Clone> Clone for FloatMean<F> {
    fn clone(&self) -> Self {
        Self { number: self.number.clone(), of: PhantomData }
    }
}

impl<F> FloatMean<F> {
    /// The mean of what `number` takes from each record.
    pub fn of<R: Record>(number: F) -> Self
    where
        F: for<'a, 'b> FnMut(&'b R::Of<'a>) -> f64,
    {
        Self { number, of: PhantomData }
    }
}

impl<R, F> Aggregate<R> for FloatMean<F>
where
    R: Record,
    F: for<'a, 'b> FnMut(&'b R::Of<'a>) -> f64 + Clone + Send + 'static,
{
    type Partial = FloatSum;
    type Out = f64;
    #[inline(always)]
    fn lift(&mut self, partial: &mut FloatSum, record: &R::Of<'_>) {
        partial.sum += (self.number)(record);
        partial.count += 1;
    }
    #[inline(always)]
    fn combine(&mut self, partial: &mut FloatSum, other: FloatSum) {
        partial.sum += other.sum;
        partial.count += other.count;
    }
    fn lower(&self, partial: &FloatSum) -> f64 {
        partial.sum / partial.count as f64
    }
}
