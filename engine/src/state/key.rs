//! What a key of keyed state must be able to say about itself.
//!
//! ```text
//!   u32, i64, char, (u16, u32), AuctionId(u64) ── bits() ──▶ u64 ── index an array, or an open-addressed table of u64
//!                                              ◀─ from_bits() ──
//!   String, (u32, String), your own type       ── hash64() ─▶ u64 ── a table that stores the keys
//! ```
//!
//! Stable Rust has no specialisation, so a type says once, in a constant, whether it is integer-like; everything that depends on it is
//! decided at compile time.
//!
//! Laws of an integer-like key (`WIDTH` is `Some(w)`)
//! - `K::from_bits(key.bits()) == key`, and two keys with the same bits are equal;
//! - `bits() < 2^w`, and neighbouring keys have neighbouring bits: `bits` keeps the order of the type. (Order is what makes dense keys
//!   recognisable, negative ones as well.)
//!
//! Non-goals: hashes here are fixed, not random for each process, so that a replay takes the same path twice. Keys chosen by an enemy who
//! reads this file can slow a table down; they cannot make it wrong.

use std::{
    hash::{BuildHasher, Hash},
    sync::Arc,
    time::Duration,
};

use foldhash::fast::FixedState;

/// A key of keyed state.
///
/// Integers, `bool`, `char`, strings, byte strings and tuples of keys are keys already. For a type of your own:
///
/// ```
/// use thalweg::state::Key;
///
/// #[derive(Clone, PartialEq, Eq, Hash)]
/// struct Route { from: String, to: String }
/// impl Key for Route {}                            // hashed
///
/// #[derive(Clone, PartialEq, Eq, Hash)]
/// struct AuctionId(u64);
/// thalweg::integer_key!(AuctionId(u64));           // as fast as the integer inside
///
/// assert!(!Route::INTEGER && AuctionId::INTEGER);
/// assert_eq!(AuctionId::from_bits(AuctionId(7).bits()).0, 7);
/// // Tuples of narrow integers are integers too.
/// assert!(<(u32, i16)>::INTEGER && !<(u64, u64)>::INTEGER);
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a key of keyed state",
    note = "for a type that is `Clone + Eq + Hash + Send + 'static` write `impl thalweg::state::Key for {Self} {{}}`",
    note = "for a newtype over an integer write `thalweg::integer_key!({Self}(u64));`"
)]
pub trait Key: Clone + Eq + Hash + Send + 'static {
    /// How many bits an integer-like key needs, at most 64; `None` for keys that are hashed and stored.
    const WIDTH: Option<u32> = None;

    /// Whether the key is integer-like. Follows from `WIDTH`; leave it alone.
    const INTEGER: bool = Self::WIDTH.is_some();

    /// The key as an integer, in the order of the type. Called only if `WIDTH` is given.
    #[inline(always)]
    fn bits(&self) -> u64 {
        unreachable!("a key with WIDTH must define bits()")
    }

    /// The key as a number from which `bits` follow by adding [`ORIGIN`](Self::ORIGIN), around the end of 64 bits: who adds something anyway
    /// takes this one.
    #[doc(hidden)]
    #[inline(always)]
    fn raw(&self) -> u64 {
        self.bits()
    }

    /// `bits() == raw() + ORIGIN`, around the end of 64 bits.
    #[doc(hidden)]
    const ORIGIN: u64 = 0;

    /// The key that has these bits. Called only if `WIDTH` is given, and only with what `bits` returned.
    #[inline(always)]
    fn from_bits(bits: u64) -> Self {
        let _ = bits;
        unreachable!("a key with WIDTH must define from_bits()")
    }

    /// A hash in which every bit depends on the whole key; equal on every thread and in every run of one build.
    ///
    /// Integer-like keys hash alike on every machine and in every version; for others the hash is only as stable as their `Hash`.
    #[inline]
    fn hash64(&self) -> u64 {
        if Self::INTEGER { mix(self.bits()) } else { mix(FixedState::with_seed(SEED).hash_one(self)) }
    }
}

/// The seed of the hashes of stored keys.
const SEED: u64 = 0x7468_616c_7765_6721;

/// Spreads the entropy of 64 bits over 64 bits, one to one.
///
/// Source: the finaliser "Mix13" of D. Stafford, "Better Bit Mixing" (2011), as used by SplitMix64.
#[inline(always)]
pub(super) fn mix(bits: u64) -> u64 {
    let bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

/// The width of two keys side by side, if both are integer-like and fit.
const fn joined(left: Option<u32>, right: Option<u32>) -> Option<u32> {
    match (left, right) {
        (Some(left), Some(right)) if left + right <= u64::BITS => Some(left + right),
        _ => None,
    }
}

/// The width of a key, 0 for one that has none.
const fn width<K: Key>() -> u32 {
    match K::WIDTH {
        Some(width) => width,
        None => 0,
    }
}

/// The bits of a pair; `right` takes the low bits.
#[inline(always)]
fn join<B: Key>(left: u64, right: &B) -> u64 {
    left.checked_shl(width::<B>()).unwrap_or(0) | right.bits()
}

/// Takes the low bits apart from the rest.
#[inline(always)]
fn split<B: Key>(bits: u64) -> (u64, B) {
    let left = bits.checked_shr(width::<B>()).unwrap_or(0);
    let right = bits ^ left.checked_shl(width::<B>()).unwrap_or(0);
    (left, B::from_bits(right))
}

macro_rules! unsigned {
    ($($type:ty),*) => {$(
        impl Key for $type {
            const WIDTH: Option<u32> = Some(<$type>::BITS);
            #[inline(always)]
            fn bits(&self) -> u64 {
                *self as u64
            }
            #[inline(always)]
            fn from_bits(bits: u64) -> Self {
                bits as $type
            }
        }
    )*};
}

macro_rules! signed {
    ($($type:ty as $unsigned:ty),*) => {$(
        impl Key for $type {
            const WIDTH: Option<u32> = Some(<$type>::BITS);
            // Flipping the sign bit keeps the order: the least key becomes 0.
            #[inline(always)]
            fn bits(&self) -> u64 {
                (*self ^ <$type>::MIN) as $unsigned as u64
            }
            const ORIGIN: u64 = 1 << (<$type>::BITS - 1);
            #[inline(always)]
            fn raw(&self) -> u64 {
                *self as i64 as u64
            }
            #[inline(always)]
            fn from_bits(bits: u64) -> Self {
                bits as $type ^ <$type>::MIN
            }
        }
    )*};
}

unsigned!(u8, u16, u32, u64, usize);
signed!(i8 as u8, i16 as u16, i32 as u32, i64 as u64, isize as usize);

impl Key for bool {
    const WIDTH: Option<u32> = Some(1);
    #[inline(always)]
    fn bits(&self) -> u64 {
        u64::from(*self)
    }
    #[inline(always)]
    fn from_bits(bits: u64) -> Self {
        bits != 0
    }
}

impl Key for char {
    const WIDTH: Option<u32> = Some(21);
    #[inline(always)]
    fn bits(&self) -> u64 {
        u64::from(*self)
    }
    #[inline(always)]
    fn from_bits(bits: u64) -> Self {
        u32::try_from(bits).ok().and_then(char::from_u32).expect("only bits of a char come back")
    }
}

impl Key for () {
    const WIDTH: Option<u32> = Some(0);
    #[inline(always)]
    fn bits(&self) -> u64 {
        0
    }
    #[inline(always)]
    fn from_bits(_: u64) -> Self {}
}

macro_rules! hashed {
    ($($type:ty),*) => {$( impl Key for $type {} )*};
}

hashed!(u128, i128, String, Box<str>, Arc<str>, &'static str, Vec<u8>, Box<[u8]>, Arc<[u8]>, Duration);

impl<K: Key> Key for Option<K> {}
impl<K: Key, const N: usize> Key for [K; N] {}

impl<A: Key, B: Key> Key for (A, B) {
    const WIDTH: Option<u32> = joined(A::WIDTH, B::WIDTH);
    #[inline(always)]
    fn bits(&self) -> u64 {
        join(self.0.bits(), &self.1)
    }
    #[inline(always)]
    fn from_bits(bits: u64) -> Self {
        let (left, b) = split(bits);
        (A::from_bits(left), b)
    }
}

impl<A: Key, B: Key, C: Key> Key for (A, B, C) {
    const WIDTH: Option<u32> = joined(joined(A::WIDTH, B::WIDTH), C::WIDTH);
    #[inline(always)]
    fn bits(&self) -> u64 {
        join(join(self.0.bits(), &self.1), &self.2)
    }
    #[inline(always)]
    fn from_bits(bits: u64) -> Self {
        let (left, c) = split(bits);
        let (left, b) = split(left);
        (A::from_bits(left), b, c)
    }
}

impl<A: Key, B: Key, C: Key, D: Key> Key for (A, B, C, D) {
    const WIDTH: Option<u32> = joined(joined(joined(A::WIDTH, B::WIDTH), C::WIDTH), D::WIDTH);
    #[inline(always)]
    fn bits(&self) -> u64 {
        join(join(join(self.0.bits(), &self.1), &self.2), &self.3)
    }
    #[inline(always)]
    fn from_bits(bits: u64) -> Self {
        let (left, d) = split(bits);
        let (left, c) = split(left);
        let (left, b) = split(left);
        (A::from_bits(left), b, c, d)
    }
}

/// Makes a newtype over an integer-like key a key that is as fast as what it wraps: `integer_key!(AuctionId(u64));`.
#[macro_export]
macro_rules! integer_key {
    ($type:ident($inner:ty)) => {
        impl $crate::state::Key for $type {
            const WIDTH: ::core::option::Option<u32> = <$inner as $crate::state::Key>::WIDTH;
            #[inline(always)]
            fn bits(&self) -> u64 {
                $crate::state::Key::bits(&self.0)
            }
            const ORIGIN: u64 = <$inner as $crate::state::Key>::ORIGIN;
            #[inline(always)]
            fn raw(&self) -> u64 {
                $crate::state::Key::raw(&self.0)
            }
            #[inline(always)]
            fn from_bits(bits: u64) -> Self {
                $type(<$inner as $crate::state::Key>::from_bits(bits))
            }
        }
    };
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn round_trip<K: Key + std::fmt::Debug>(key: K) -> Result<(), TestCaseError> {
        let width = K::WIDTH.expect("integer-like");
        prop_assert!(u128::from(key.bits()) < 1 << width, "{key:?} needs more than {width} bits");
        prop_assert_eq!(key.raw().wrapping_add(K::ORIGIN), key.bits());
        prop_assert_eq!(K::from_bits(key.bits()), key);
        Ok(())
    }

    proptest! {
        #[test]
        fn bits_come_back(a: u64, b: i64, c: i32, d: u16, e: char, f: bool, g: i8) {
            round_trip(a)?;
            round_trip(b)?;
            round_trip(c)?;
            round_trip(e)?;
            round_trip(g)?;
            round_trip((c, d))?;
            round_trip((d, c, g))?;
            round_trip((e, f, d, g))?;
            round_trip((a, ()))?;
            round_trip(((), a))?;
        }

        #[test]
        fn bits_keep_the_order(a: i64, b: i64, c: (i16, i32), d: (i16, i32)) {
            prop_assert_eq!(a.cmp(&b), a.bits().cmp(&b.bits()));
            prop_assert_eq!(c.cmp(&d), c.bits().cmp(&d.bits()));
        }
    }

    #[test]
    fn extremes_come_back() {
        for key in [i64::MIN, -1, 0, 1, i64::MAX] {
            assert_eq!(i64::from_bits(key.bits()), key);
        }
        assert_eq!(i64::MIN.bits(), 0);
        assert_eq!(i64::MAX.bits(), u64::MAX);
        assert_eq!((-1_i64).bits() + 1, 0_i64.bits(), "neighbours across zero stay neighbours");
    }

    #[test]
    fn wide_tuples_are_hashed() {
        assert_eq!(<(u64, bool)>::WIDTH, None);
        assert_eq!(<(u32, String)>::WIDTH, None);
        assert_eq!((1_u64, true).hash64(), (1_u64, true).hash64());
        assert_ne!((1_u64, true).hash64(), (1_u64, false).hash64());
    }

    #[test]
    fn hashes_of_dense_keys_fill_every_group() {
        let mut groups = [0_u32; 128];
        for key in 0..128_000_u32 {
            groups[(key.hash64() >> 57) as usize] += 1;
        }
        assert!(groups.iter().all(|&keys| (800..1200).contains(&keys)), "{groups:?}");
    }
}
