//! Aggregates that pick: the least, the greatest, the first, the last, the top few.

use std::{cmp::Ordering, marker::PhantomData};

use super::Aggregate;
use crate::{record::Record, state::Partial};

/// A floating-point number in a total order: −NaN < −∞ < … < −0 < +0 < … < +∞ < NaN.
///
/// A NaN is thus the greatest (or least, with its sign bit set) of all: it shows in the result and never makes another one depend on the
/// order of records. Source: IEEE 754-2008, section 5.10, `totalOrder`.
///
/// ```
/// use thalweg::Total;
/// assert!(Total(f64::NAN) > Total(f64::INFINITY) && Total(-0.0) < Total(0.0));
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Total(pub f64);

impl Ord for Total {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.total_cmp(&other.0)
    }
}

impl PartialOrd for Total {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Total {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Total {}

macro_rules! extreme {
    ($(#[$doc:meta])* $name:ident, $better:pat) => {
        $(#[$doc])*
        pub struct $name<F, V> {
            value: F,
            of: PhantomData<fn() -> V>,
        }

        impl<F: Clone, V> Clone for $name<F, V> {
            fn clone(&self) -> Self {
                Self { value: self.value.clone(), of: PhantomData }
            }
        }

        impl<F, V> $name<F, V> {
            /// Compares what `value` takes from each record.
            pub fn of<R: Record>(value: F) -> Self
            where
                F: for<'a, 'b> FnMut(&'b R::Of<'a>) -> V,
            {
                Self { value, of: PhantomData }
            }
        }

        impl<R, F, V> Aggregate<R> for $name<F, V>
        where
            R: Record,
            F: for<'a, 'b> FnMut(&'b R::Of<'a>) -> V + Clone + Send + 'static,
            V: Ord + Clone + Send + 'static,
        {
            type Partial = Option<V>;
            type Out = V;
            #[inline(always)]
            fn lift(&mut self, partial: &mut Option<V>, record: &R::Of<'_>) {
                let value = (self.value)(record);
                if partial.as_ref().is_none_or(|best| matches!(value.cmp(best), $better)) {
                    *partial = Some(value);
                }
            }
            #[inline(always)]
            fn combine(&mut self, partial: &mut Option<V>, other: Option<V>) {
                if let Some(value) = other
                    && partial.as_ref().is_none_or(|best| matches!(value.cmp(best), $better))
                {
                    *partial = Some(value);
                }
            }
            fn lower(&self, partial: &Option<V>) -> V {
                partial.clone().expect("an empty partial is never lowered")
            }
        }
    };
}

extreme! {
    /// The least of what a function takes from the records. For floating-point numbers take [`Total`].
    ///
    /// ```
    /// use thalweg::{Aggregate, Min, Own, state::Partial};
    /// let mut least = Min::of::<Own<i64>>(|x: &i64| *x);
    /// let mut partial = None;
    /// for x in [3, 1, 2] {
    ///     Aggregate::<Own<i64>>::lift(&mut least, &mut partial, &x);
    /// }
    /// assert_eq!(Aggregate::<Own<i64>>::lower(&least, &partial), 1);
    /// ```
    Min, Ordering::Less
}

extreme! {
    /// The greatest of what a function takes from the records. For floating-point numbers take [`Total`].
    Max, Ordering::Greater
}

/// A value and what it is ordered by; none is empty.
#[derive(Clone, Debug)]
pub struct Ordered<O, V>(Option<(O, V)>);

impl<O, V> Partial for Ordered<O, V> {
    fn empty() -> Self {
        Self(None)
    }
    fn is_empty(&self) -> bool {
        self.0.is_none()
    }
}

macro_rules! ordered {
    ($(#[$doc:meta])* $name:ident, $replaces:pat) => {
        $(#[$doc])*
        pub struct $name<B, F, O, V> {
            by: B,
            value: F,
            of: PhantomData<fn() -> (O, V)>,
        }

        impl<B: Clone, F: Clone, O, V> Clone for $name<B, F, O, V> {
            fn clone(&self) -> Self {
                Self { by: self.by.clone(), value: self.value.clone(), of: PhantomData }
            }
        }

        impl<B, F, O, V> $name<B, F, O, V> {
            /// Orders records by what `by` takes from them (the event time, mostly), and keeps what `value` takes.
            pub fn by<R: Record>(by: B, value: F) -> Self
            where
                B: for<'a, 'b> FnMut(&'b R::Of<'a>) -> O,
                F: for<'a, 'b> FnMut(&'b R::Of<'a>) -> V,
            {
                Self { by, value, of: PhantomData }
            }
        }

        impl<R, B, F, O, V> Aggregate<R> for $name<B, F, O, V>
        where
            R: Record,
            B: for<'a, 'b> FnMut(&'b R::Of<'a>) -> O + Clone + Send + 'static,
            F: for<'a, 'b> FnMut(&'b R::Of<'a>) -> V + Clone + Send + 'static,
            O: Ord + Clone + Send + 'static,
            V: Clone + Send + 'static,
        {
            type Partial = Ordered<O, V>;
            type Out = V;
            #[inline(always)]
            fn lift(&mut self, partial: &mut Ordered<O, V>, record: &R::Of<'_>) {
                let by = (self.by)(record);
                if partial.0.as_ref().is_none_or(|(kept, _)| matches!(by.cmp(kept), $replaces)) {
                    partial.0 = Some((by, (self.value)(record)));
                }
            }
            #[inline(always)]
            fn combine(&mut self, partial: &mut Ordered<O, V>, other: Ordered<O, V>) {
                if let Some((by, value)) = other.0
                    && partial.0.as_ref().is_none_or(|(kept, _)| matches!(by.cmp(kept), $replaces))
                {
                    partial.0 = Some((by, value));
                }
            }
            fn lower(&self, partial: &Ordered<O, V>) -> V {
                partial.0.clone().expect("an empty partial is never lowered").1
            }
        }
    };
}

ordered! {
    /// The value of the earliest record. Of records that are equally early, one worker keeps the one that came first; between workers it is
    /// open which, unless `by` tells them apart.
    First, Ordering::Less
}

ordered! {
    /// The value of the latest record. Of records that are equally late, one worker keeps the one that came last; between workers it is
    /// open which, unless `by` tells them apart.
    ///
    /// ```
    /// use thalweg::{Aggregate, Last, Own, state::Partial};
    /// let mut last = Last::by::<Own<(i64, char)>>(|record: &(i64, char)| record.0, |record: &(i64, char)| record.1);
    /// let mut partial = Partial::empty();
    /// for record in [(1, 'a'), (9, 'b'), (5, 'c')] {
    ///     Aggregate::<Own<(i64, char)>>::lift(&mut last, &mut partial, &record);
    /// }
    /// assert_eq!(Aggregate::<Own<(i64, char)>>::lower(&last, &partial), 'b');
    /// ```
    Last, Ordering::Greater | Ordering::Equal
}

/// The greatest values, in descending order.
#[derive(Clone, Debug)]
pub struct Top<V>(Vec<V>);

impl<V> Partial for Top<V> {
    fn empty() -> Self {
        Self(Vec::new())
    }
    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// The `n` greatest of what a function takes from the records, greatest first. Equal values count as often as they come.
///
/// # Cost
/// A record that is none of the `n` costs a comparison; one that is moves up to `n` values. A partial holds at most `n` values.
pub struct TopN<F, V> {
    n: usize,
    value: F,
    of: PhantomData<fn() -> V>,
}

impl<F: Clone, V> Clone for TopN<F, V> {
    fn clone(&self) -> Self {
        Self { n: self.n, value: self.value.clone(), of: PhantomData }
    }
}

impl<F, V> TopN<F, V> {
    /// Keeps the `n` greatest (at least one) of what `value` takes from each record. For the least, take `std::cmp::Reverse`.
    pub fn of<R: Record>(n: usize, value: F) -> Self
    where
        F: for<'a, 'b> FnMut(&'b R::Of<'a>) -> V,
    {
        Self { n: n.max(1), value, of: PhantomData }
    }

    #[inline(always)]
    fn insert(&self, Top(top): &mut Top<V>, value: V)
    where
        V: Ord,
    {
        if top.len() >= self.n {
            if top.last().is_some_and(|least| value <= *least) {
                return;
            }
            top.pop();
        }
        let at = top.partition_point(|kept| *kept >= value);
        top.insert(at, value);
    }
}

impl<R, F, V> Aggregate<R> for TopN<F, V>
where
    R: Record,
    F: for<'a, 'b> FnMut(&'b R::Of<'a>) -> V + Clone + Send + 'static,
    V: Ord + Clone + Send + 'static,
{
    type Partial = Top<V>;
    type Out = Vec<V>;
    #[inline]
    fn lift(&mut self, partial: &mut Top<V>, record: &R::Of<'_>) {
        let value = (self.value)(record);
        self.insert(partial, value);
    }
    fn combine(&mut self, partial: &mut Top<V>, other: Top<V>) {
        if partial.0.is_empty() {
            *partial = other;
            return;
        }
        for value in other.0 {
            self.insert(partial, value);
        }
    }
    fn lower(&self, partial: &Top<V>) -> Vec<V> {
        partial.0.clone()
    }
}
