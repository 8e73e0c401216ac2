//! Windows made of slices, and what merges their slices.

use std::marker::PhantomData;

use super::{MergePartials, MergeRevising, MergeSlices, Revised, Sliding, Tumbling, WindowPartial, Windowed, assign::Slices};
use crate::{
    metrics::Counter,
    operator::{Aggregate, Step, blame::Site},
    record::{Own, Record, Timed},
    state::Key,
};

/// Windows of fixed size: [`Tumbling`] and [`Sliding`].
pub trait Sliced: Copy + Send + 'static {
    /// How they are made of slices.
    #[doc(hidden)]
    fn slices(self) -> Slices;
    /// Says what is wrong with their parameters, if anything.
    #[doc(hidden)]
    fn refusal(self) -> Option<String>;
}

impl Sliced for Tumbling {
    fn slices(self) -> Slices {
        self.into()
    }
    fn refusal(self) -> Option<String> {
        self.refuse()
    }
}

impl Sliced for Sliding {
    fn slices(self) -> Slices {
        self.into()
    }
    fn refusal(self) -> Option<String> {
        self.refuse()
    }
}

/// Windows that late records may still change for a while.
#[derive(Clone, Copy, Debug)]
pub struct Lenient<W> {
    pub(crate) windows: W,
    pub(crate) lateness_ms: i64,
}

impl<W: Sliced> Sliced for Lenient<W> {
    fn slices(self) -> Slices {
        self.windows.slices().late_by(self.lateness_ms)
    }
    fn refusal(self) -> Option<String> {
        let negative = || format!("an allowed lateness of {} ms is negative; give 0 or more", self.lateness_ms);
        self.windows.refusal().or_else(|| (self.lateness_ms < 0).then(negative))
    }
}

/// What a second half is made of.
pub struct Half<A> {
    pub(crate) aggregate: A,
    pub(crate) site: Site,
    pub(crate) late: Counter,
    pub(crate) open_max: usize,
}

/// Windows whose slices can be merged into results.
pub trait Merges<R: Record, K: Key, A: Aggregate<R>>: Sliced {
    /// A result.
    type Result: Send + 'static;
    /// Merges at the key's owner.
    type Merge: Step<Own<WindowPartial<K, A::Partial>>, Out = Timed<Own<Self::Result>>>;
    /// Makes it.
    #[doc(hidden)]
    fn merge(self, half: Half<A>) -> Self::Merge;
}

impl<R: Record, K: Key, A: Aggregate<R>> Merges<R, K, A> for Tumbling {
    type Result = Windowed<K, A::Out>;
    type Merge = MergePartials<R, K, A>;
    fn merge(self, Half { aggregate, site, late, open_max }: Half<A>) -> Self::Merge {
        MergePartials { windows: self, aggregate, site, late, open_max, of: PhantomData }
    }
}

impl<R: Record, K: Key, A: Aggregate<R>> Merges<R, K, A> for Sliding {
    type Result = Windowed<K, A::Out>;
    type Merge = MergeSlices<R, K, A>;
    fn merge(self, Half { aggregate, site, late, open_max }: Half<A>) -> Self::Merge {
        MergeSlices { windows: self.slices(), aggregate, site, late, open_max, of: PhantomData }
    }
}

impl<R: Record, K: Key, A: Aggregate<R>, W: Sliced> Merges<R, K, A> for Lenient<W> {
    type Result = Revised<K, A::Out>;
    type Merge = MergeRevising<R, K, A>;
    fn merge(self, Half { aggregate, site, late, open_max }: Half<A>) -> Self::Merge {
        MergeRevising { windows: self.slices(), aggregate, site, late, open_max, of: PhantomData }
    }
}
