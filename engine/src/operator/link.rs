//! How chains are put together: the user adds operators front to back, nesting goes back to front.
//!
//! ```text
//!   stream.map(f).filter(p)       Then<Then<Identity, Map<F>>, Filter<P>>      a Link: operators without an end
//!         .sink(s)                Map { f, next: Filter { p, next: s } }       an Operator: one loop
//! ```

use std::marker::PhantomData;

use super::Operator;
use crate::record::Record;

/// What operators may ask about the instance that they become a part of.
#[derive(Clone, Copy, Debug)]
pub struct ChainCx {
    /// Upstream instances that feed this chain through its edge; 0 behind a source.
    pub inputs: usize,
    /// Instances of this stage.
    pub instances: usize,
    /// Number of this instance.
    pub instance: usize,
}

/// A run of operators that still lacks its end. Cloned once for each worker.
pub trait Link: Clone + Send + 'static {
    /// What enters.
    type In: Record;
    /// What leaves.
    type Out: Record;
    /// Puts the end on.
    fn link<N: Operator<Self::Out> + 'static>(self, next: N, cx: ChainCx) -> impl Operator<Self::In> + 'static;
}

/// One operator that still lacks what comes after it.
pub trait Step<R: Record>: Clone + Send + 'static {
    /// What leaves.
    type Out: Record;
    /// Puts it before `next`.
    fn before<N: Operator<Self::Out> + 'static>(self, next: N, cx: ChainCx) -> impl Operator<R> + 'static;
}

/// No operator at all.
pub struct Identity<R>(PhantomData<fn() -> R>);

impl<R> Identity<R> {
    pub(crate) fn new() -> Self {
        Self(PhantomData)
    }
}

impl<R> Clone for Identity<R> {
    fn clone(&self) -> Self {
        Self::new()
    }
}

impl<R: Record> Link for Identity<R> {
    type In = R;
    type Out = R;
    fn link<N: Operator<R> + 'static>(self, next: N, _: ChainCx) -> impl Operator<R> + 'static {
        next
    }
}

/// A link with one more operator behind it.
#[derive(Clone)]
pub struct Then<L, S> {
    pub(crate) before: L,
    pub(crate) step: S,
}

impl<L: Link, S: Step<L::Out>> Link for Then<L, S> {
    type In = L::In;
    type Out = S::Out;
    fn link<N: Operator<S::Out> + 'static>(self, next: N, cx: ChainCx) -> impl Operator<L::In> + 'static {
        #[cfg(not(feature = "unfused"))]
        return self.before.link(self.step.before(next, cx), cx);
        #[cfg(feature = "unfused")]
        self.before.link(super::unfused::Unfused::new(self.step.before(next, cx)), cx)
    }
}
