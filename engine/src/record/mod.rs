//! What a stream carries.
//!
//! A record is either a value that owns itself ([`Own<T>`]) or one that borrows from the block it was read into ([`Text`]). One trait
//! covers both: [`Record`] is a family of types, one for each lifetime, and operators are written once over the family.
//!
//! ```text
//!   Own<T>::Of<'a>   = T            moves from operator to operator
//!   Text::Of<'a>     = &'a str      lives as long as the block that the source read
//!   Timed<R>::Of<'a> = (EventTime, R::Of<'a>)
//! ```
//!
//! Laws: a record handed to an operator is valid for that call only; what must outlive it is made owned by the operator that keeps it.

mod portable;

pub use portable::{ChangeOf, EitherOf, Held, Packed, PairOf, Parcel, Portable, RankedOf};

use std::marker::PhantomData;

use crate::time::EventTime;

/// A family of record types, one for each lifetime that the records may borrow for.
pub trait Record: 'static {
    /// The record as an operator sees it during one call.
    type Of<'a>;
}

/// Records that own all they hold.
pub struct Own<T>(PhantomData<fn() -> T>);

impl<T: 'static> Record for Own<T> {
    type Of<'a> = T;
}

/// UTF-8 text that borrows from the block it was read into.
pub struct Text;

impl Record for Text {
    type Of<'a> = &'a str;
}

/// Records with their event time beside them.
pub struct Timed<R>(PhantomData<fn() -> R>);

impl<R: Record> Record for Timed<R> {
    type Of<'a> = (EventTime, R::Of<'a>);
}

/// Records that may leave the call that made them: cross to another task, be buffered or collected.
#[diagnostic::on_unimplemented(
    message = "records of `{Self}` borrow from their source's block and cannot leave the chain that reads it",
    note = "map them to an owned type first, for example `.map(|line| line.to_owned())`"
)]
pub trait Movable: Record {
    /// The owned form.
    type Item: Send + 'static;
    /// Takes a record out of its call.
    fn into_item(record: Self::Of<'_>) -> Self::Item;
    /// Hands an owned record to a call.
    fn from_item<'a>(item: Self::Item) -> Self::Of<'a>;
}

impl<T: Send + 'static> Movable for Own<T> {
    type Item = T;
    #[inline(always)]
    fn into_item(record: T) -> T {
        record
    }
    #[inline(always)]
    fn from_item<'a>(item: T) -> Self::Of<'a> {
        item
    }
}

impl<R: Movable> Movable for Timed<R> {
    type Item = (EventTime, R::Item);
    #[inline(always)]
    fn into_item((time, record): (EventTime, R::Of<'_>)) -> Self::Item {
        (time, R::into_item(record))
    }
    #[inline(always)]
    fn from_item<'a>((time, item): Self::Item) -> Self::Of<'a> {
        (time, R::from_item(item))
    }
}
