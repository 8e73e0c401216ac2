//! Several aggregates over the same records: a tuple of aggregates gives a tuple of results.

use super::Aggregate;
use crate::{record::Record, state::Partial};

macro_rules! tuple {
    ($($name:ident $at:tt),*) => {
        /// All are empty or none, so the first one tells.
        impl<$($name: Partial),*> Partial for ($($name,)*) {
            #[inline(always)]
            fn empty() -> Self {
                ($($name::empty(),)*)
            }
            #[inline(always)]
            fn is_empty(&self) -> bool {
                self.0.is_empty()
            }
        }

        impl<R: Record, $($name: Aggregate<R>),*> Aggregate<R> for ($($name,)*) {
            type Partial = ($($name::Partial,)*);
            type Out = ($($name::Out,)*);
            #[inline(always)]
            fn lift(&mut self, partial: &mut Self::Partial, record: &R::Of<'_>) {
                $(self.$at.lift(&mut partial.$at, record);)*
            }
            #[inline(always)]
            fn combine(&mut self, partial: &mut Self::Partial, other: Self::Partial) {
                $(self.$at.combine(&mut partial.$at, other.$at);)*
            }
            /// If all have one.
            const INVERTS: bool = $($name::INVERTS)&&*;
            #[inline(always)]
            fn invert(&mut self, partial: &mut Self::Partial, other: &Self::Partial) {
                $(self.$at.invert(&mut partial.$at, &other.$at);)*
            }
            #[inline(always)]
            fn lower(&self, partial: &Self::Partial) -> Self::Out {
                ($(self.$at.lower(&partial.$at),)*)
            }
        }
    };
}

tuple!(A 0, B 1);
tuple!(A 0, B 1, C 2);
tuple!(A 0, B 1, C 2, D 3);
