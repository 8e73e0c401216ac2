//! Borrowed records that may leave the call that made them: with their texts beside them.
//!
//! ```text
//!   &Bid { price, url, extra }   ── pack ──▶   rows   … [time, Fixed { price, url: at 96, extra: at 130 }] …
//!   (borrows from a block)                     texts  … "https://…" "padding" …
//!                                ◀─ unpack ─   one arena for a whole parcel: no allocation, no free per record
//! ```
//!
//! A [`Parcel`] is how such records cross to another worker or wait for room, a [`Held`] how one of them stays in state. Both are buffers that
//! are filled again and again; what they hold is copied once, when it comes in.
//!
//! Laws: `unpack(pack(record, texts), texts)` is the record, also when more texts have been appended since.

use std::fmt;

use super::{Own, Record};
use crate::{changelog::Change, process::Either, process::Ranked, time::EventTime};

/// Borrowed records that can be packed: cross to another worker, wait, or be kept.
///
/// Owned records are portable as they are. For records that borrow:
///
/// ```
/// use thalweg::{Record, record::{Packed, Portable}};
///
/// #[derive(Clone, Copy, Debug, PartialEq)]
/// struct Visit<'a> { user: u64, url: &'a str }
///
/// struct Visits;
/// impl Record for Visits {
///     type Of<'a> = Visit<'a>;
/// }
/// impl Portable for Visits {
///     type Fixed = (u64, Packed<1>);
///     fn pack(visit: Visit<'_>, texts: &mut String) -> Self::Fixed {
///         (visit.user, Packed::pack([visit.url], texts))
///     }
///     fn unpack((user, packed): Self::Fixed, texts: &str) -> Visit<'_> {
///         let [url] = packed.of(texts);
///         Visit { user, url }
///     }
///     fn shorten<'s, 'l: 's>(visit: Visit<'l>) -> Visit<'s> {
///         visit
///     }
/// }
///
/// let mut texts = String::new();
/// let visit = Visit { user: 7, url: "/home" };
/// let fixed = Visits::pack(visit, &mut texts);
/// assert_eq!(Visits::unpack(fixed, &texts), visit);
/// ```
pub trait Portable: Record {
    /// A record without its texts: what it owns, and where they are.
    type Fixed: Send + 'static;
    /// Appends the record's texts.
    fn pack(record: Self::Of<'_>, texts: &mut String) -> Self::Fixed;
    /// The record again.
    fn unpack(fixed: Self::Fixed, texts: &str) -> Self::Of<'_>;
    /// The record itself, for a shorter time: write `record`. Says that the family is covariant, which the compiler cannot know of all.
    fn shorten<'s, 'l: 's>(record: Self::Of<'l>) -> Self::Of<'s>;

    /// Shows a packed record to a function.
    #[inline(always)]
    fn view<X>(fixed: &Self::Fixed, texts: &str, see: impl for<'a> FnOnce(&Self::Of<'a>) -> X) -> X
    where
        Self::Fixed: Clone,
    {
        see(&Self::unpack(fixed.clone(), texts))
    }

    /// Whether two packed records, each with its texts, are equal.
    #[inline(always)]
    fn same(a: (&Self::Fixed, &str), b: (&Self::Fixed, &str)) -> bool
    where
        Self::Fixed: Clone,
        for<'a> Self::Of<'a>: PartialEq,
    {
        Self::unpack(a.0.clone(), a.1) == Self::unpack(b.0.clone(), b.1)
    }
}

impl<T: Send + 'static> Portable for Own<T> {
    type Fixed = T;
    #[inline(always)]
    fn pack(record: T, _: &mut String) -> T {
        record
    }
    #[inline(always)]
    fn unpack(fixed: T, _: &str) -> T {
        fixed
    }
    #[inline(always)]
    fn shorten<'s, 'l: 's>(record: T) -> T {
        record
    }
    // Owned records can be looked at where they are.
    #[inline(always)]
    fn view<X>(fixed: &T, _: &str, see: impl for<'a> FnOnce(&T) -> X) -> X {
        see(fixed)
    }
    #[inline(always)]
    fn same(a: (&T, &str), b: (&T, &str)) -> bool
    where
        for<'a> T: PartialEq,
    {
        a.0 == b.0
    }
}

/// `N` texts, one behind the other, in the texts of a parcel: 4 bytes, and 4 for each.
#[derive(Clone, Copy, Debug)]
pub struct Packed<const N: usize> {
    start: u32,
    lengths: [u32; N],
}

impl<const N: usize> Packed<N> {
    /// Appends the texts.
    ///
    /// # Panics
    /// If there are then 4 GiB of texts or more.
    #[inline(always)]
    pub fn pack(parts: [&str; N], texts: &mut String) -> Self {
        let start = texts.len();
        let bytes = parts.iter().map(|part| part.len()).sum::<usize>();
        assert!(start + bytes <= u32::MAX as usize, "the texts of a batch are shorter than 4 GiB");
        texts.reserve(bytes);
        parts.iter().for_each(|part| texts.push_str(part));
        // The end fits, hence so does all before. Loops and not `map`, which the compiler would call.
        let mut lengths = [0; N];
        for (length, part) in lengths.iter_mut().zip(parts) {
            *length = part.len() as u32;
        }
        Self { start: start as u32, lengths }
    }

    /// The texts.
    ///
    /// `get` and not an index: what cannot panic is left out by the compiler where nobody uses the text.
    #[inline(always)]
    pub fn of(self, texts: &str) -> [&str; N] {
        let mut at = self.start as usize;
        let mut parts = [""; N];
        for (part, length) in parts.iter_mut().zip(self.lengths) {
            let from = at;
            at += length as usize;
            debug_assert!(texts.get(from..at).is_some(), "packed with these texts");
            *part = texts.get(from..at).unwrap_or_default();
        }
        parts
    }
}

/// A parcel with so many bytes of texts is full: they are read again at once, and the memory is the next parcel's.
const TEXT_BYTES: usize = 32 << 10;

/// Records on their way, with their event times and texts.
pub struct Parcel<R: Portable> {
    pub(crate) rows: Vec<(EventTime, R::Fixed)>,
    texts: String,
}

impl<R: Portable> fmt::Debug for Parcel<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Parcel").field("rows", &self.rows.len()).field("text_bytes", &self.texts.len()).finish_non_exhaustive()
    }
}

impl<R: Portable> Default for Parcel<R> {
    fn default() -> Self {
        Self { rows: Vec::new(), texts: String::new() }
    }
}

impl<R: Portable> Parcel<R> {
    pub(crate) fn with_capacity(rows: usize) -> Self {
        Self { rows: Vec::with_capacity(rows), texts: String::new() }
    }

    #[inline(always)]
    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    #[inline(always)]
    pub(crate) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Whether what it holds should leave: there are as many rows as wanted, or so many texts that they would not stay in the nearest caches.
    #[inline(always)]
    pub(crate) fn is_full(&self, rows: usize) -> bool {
        self.rows.len() >= rows || self.texts.len() >= TEXT_BYTES
    }

    #[inline(always)]
    pub(crate) fn push(&mut self, time: EventTime, record: R::Of<'_>) {
        let fixed = R::pack(record, &mut self.texts);
        self.rows.push((time, fixed));
    }

    /// Appends the texts of a row that becomes a part of records of this parcel.
    #[inline(always)]
    pub(crate) fn pack<S: Portable>(&mut self, row: S::Of<'_>) -> S::Fixed {
        S::pack(row, &mut self.texts)
    }

    /// Hands out all records, in order. [`clear`](Self::clear) it behind.
    #[inline(always)]
    pub(crate) fn drain(&mut self) -> impl Iterator<Item = (EventTime, R::Of<'_>)> {
        let Self { rows, texts } = self;
        let texts: &str = texts;
        rows.drain(..).map(|(time, fixed)| (time, R::unpack(fixed, texts)))
    }

    /// Forgets all, and keeps the memory.
    #[inline(always)]
    pub(crate) fn clear(&mut self) {
        self.rows.clear();
        self.texts.clear();
    }
}

/// A record that is kept. Its texts are in one buffer, which the next record takes over.
pub struct Held<R: Portable> {
    fixed: R::Fixed,
    texts: String,
}

impl<R: Portable<Fixed: Clone>> Clone for Held<R> {
    fn clone(&self) -> Self {
        Self { fixed: self.fixed.clone(), texts: self.texts.clone() }
    }
}

impl<R: Portable> fmt::Debug for Held<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Held").field("text_bytes", &self.texts.len()).finish_non_exhaustive()
    }
}

impl<R: Portable> Held<R> {
    /// Copies a record.
    #[inline]
    pub fn new(record: R::Of<'_>) -> Self {
        let mut texts = String::new();
        let fixed = R::pack(record, &mut texts);
        Self { fixed, texts }
    }

    /// Keeps another record instead. Allocates only if its texts are longer than any before.
    #[inline]
    pub fn set(&mut self, record: R::Of<'_>) {
        self.texts.clear();
        self.fixed = R::pack(record, &mut self.texts);
    }

    /// The record.
    #[inline(always)]
    pub fn get(&self) -> R::Of<'_>
    where
        R::Fixed: Clone,
    {
        R::unpack(self.fixed.clone(), &self.texts)
    }

    /// Shows the record to a function: one that owns itself is not cloned.
    #[inline(always)]
    pub fn view<X>(&self, see: impl for<'a> FnOnce(&R::Of<'a>) -> X) -> X
    where
        R::Fixed: Clone,
    {
        R::view(&self.fixed, &self.texts, see)
    }

    /// Whether another record is equal.
    #[inline(always)]
    pub fn is_same(&self, other: &Self) -> bool
    where
        R::Fixed: Clone,
        for<'a> R::Of<'a>: PartialEq,
    {
        R::same((&self.fixed, &self.texts), (&other.fixed, &other.texts))
    }
}

/// Records of two families: [`Either`] of them.
pub struct EitherOf<A, B>(std::marker::PhantomData<fn() -> (A, B)>);

impl<A: Record, B: Record> Record for EitherOf<A, B> {
    type Of<'a> = Either<A::Of<'a>, B::Of<'a>>;
}

impl<A: Portable, B: Portable> Portable for EitherOf<A, B> {
    type Fixed = Either<A::Fixed, B::Fixed>;
    #[inline(always)]
    fn pack(record: Self::Of<'_>, texts: &mut String) -> Self::Fixed {
        match record {
            Either::Left(record) => Either::Left(A::pack(record, texts)),
            Either::Right(record) => Either::Right(B::pack(record, texts)),
        }
    }
    #[inline(always)]
    fn unpack(fixed: Self::Fixed, texts: &str) -> Self::Of<'_> {
        match fixed {
            Either::Left(fixed) => Either::Left(A::unpack(fixed, texts)),
            Either::Right(fixed) => Either::Right(B::unpack(fixed, texts)),
        }
    }
    #[inline(always)]
    fn shorten<'s, 'l: 's>(record: Self::Of<'l>) -> Self::Of<'s> {
        match record {
            Either::Left(record) => Either::Left(A::shorten(record)),
            Either::Right(record) => Either::Right(B::shorten(record)),
        }
    }
}

/// Changes of a family's rows.
pub struct ChangeOf<R>(std::marker::PhantomData<fn() -> R>);

impl<R: Record> Record for ChangeOf<R> {
    type Of<'a> = Change<R::Of<'a>>;
}

impl<R: Portable> Portable for ChangeOf<R> {
    type Fixed = Change<R::Fixed>;
    #[inline(always)]
    fn pack(record: Self::Of<'_>, texts: &mut String) -> Self::Fixed {
        match record {
            Change::Insert(row) => Change::Insert(R::pack(row, texts)),
            Change::Delete(row) => Change::Delete(R::pack(row, texts)),
            Change::Update { before, after } => Change::Update { before: R::pack(before, texts), after: R::pack(after, texts) },
        }
    }
    #[inline(always)]
    fn unpack(fixed: Self::Fixed, texts: &str) -> Self::Of<'_> {
        match fixed {
            Change::Insert(row) => Change::Insert(R::unpack(row, texts)),
            Change::Delete(row) => Change::Delete(R::unpack(row, texts)),
            Change::Update { before, after } => Change::Update { before: R::unpack(before, texts), after: R::unpack(after, texts) },
        }
    }
    #[inline(always)]
    fn shorten<'s, 'l: 's>(record: Self::Of<'l>) -> Self::Of<'s> {
        record.map(R::shorten)
    }
}

/// A family's rows with their ranks.
pub struct RankedOf<R>(std::marker::PhantomData<fn() -> R>);

impl<R: Record> Record for RankedOf<R> {
    type Of<'a> = Ranked<R::Of<'a>>;
}

impl<R: Portable> Portable for RankedOf<R> {
    type Fixed = Ranked<R::Fixed>;
    #[inline(always)]
    fn pack(Ranked { rank, row }: Self::Of<'_>, texts: &mut String) -> Self::Fixed {
        Ranked { rank, row: R::pack(row, texts) }
    }
    #[inline(always)]
    fn unpack(Ranked { rank, row }: Self::Fixed, texts: &str) -> Self::Of<'_> {
        Ranked { rank, row: R::unpack(row, texts) }
    }
    #[inline(always)]
    fn shorten<'s, 'l: 's>(Ranked { rank, row }: Self::Of<'l>) -> Self::Of<'s> {
        Ranked { rank, row: R::shorten(row) }
    }
}

/// A family's rows beside those of another: pairs.
pub struct PairOf<A, B>(std::marker::PhantomData<fn() -> (A, B)>);

impl<A: Record, B: Record> Record for PairOf<A, B> {
    type Of<'a> = (A::Of<'a>, B::Of<'a>);
}

impl<A: Portable, B: Portable> Portable for PairOf<A, B> {
    type Fixed = (A::Fixed, B::Fixed);
    #[inline(always)]
    fn pack((a, b): Self::Of<'_>, texts: &mut String) -> Self::Fixed {
        (A::pack(a, texts), B::pack(b, texts))
    }
    #[inline(always)]
    fn unpack((a, b): Self::Fixed, texts: &str) -> Self::Of<'_> {
        (A::unpack(a, texts), B::unpack(b, texts))
    }
    #[inline(always)]
    fn shorten<'s, 'l: 's>((a, b): Self::Of<'l>) -> Self::Of<'s> {
        (A::shorten(a), B::shorten(b))
    }
}
