//! Up to 16 bytes of text as two numbers, without a branch that depends on how many there are: text has words of 2 and of 12 bytes in no
//! order that a processor could guess. Texts of one length give the same numbers only if they are the same.
//!
//! `unsafe` lives here: where the build has AVX-512, one load under a mask takes exactly the bytes that are there.
#![allow(unsafe_code)]

/// The most bytes that are packed.
pub(super) const SHORT_BYTES: usize = 16;

/// Packs 1 to [`SHORT_BYTES`] bytes.
#[cfg(all(target_arch = "x86_64", target_feature = "avx512bw", target_feature = "avx512vl", not(miri)))]
#[inline(always)]
pub(super) fn pack(bytes: &[u8]) -> (u64, u64) {
    use std::arch::x86_64::{_mm_cvtsi128_si64, _mm_extract_epi64, _mm_maskz_loadu_epi8};
    assert!(bytes.len() <= SHORT_BYTES, "longer keys are packed otherwise");
    let mask = ((1_u32 << bytes.len()) - 1) as u16;
    // SAFETY: the features are there, by the `cfg`. The mask has one bit for each byte of the slice, from its first on, and bytes without
    // a bit are not accessed.
    let packed = unsafe { _mm_maskz_loadu_epi8(mask, bytes.as_ptr().cast()) };
    // SAFETY: SSE4.1 comes with AVX-512.
    unsafe { (_mm_cvtsi128_si64(packed).cast_unsigned(), _mm_extract_epi64::<1>(packed).cast_unsigned()) }
}

/// Packs 1 to [`SHORT_BYTES`] bytes.
///
/// From 4 bytes on they are read in four pieces of four, from both ends, which overlap but cover them; up to 3 bytes, in three of one.
///
/// Source: the reading of short keys in wyhash (Wang Yi, "wyhash and wyrand", 2019); here the pieces are kept and not only hashed.
#[cfg(not(all(target_arch = "x86_64", target_feature = "avx512bw", target_feature = "avx512vl", not(miri))))]
#[inline(always)]
pub(super) fn pack(bytes: &[u8]) -> (u64, u64) {
    use std::hint::select_unpredictable;
    let length = bytes.len();
    let is_tiny = length < 4;
    let tiny = u64::from(bytes[0]) | u64::from(bytes[length / 2]) << 8 | u64::from(bytes[length - 1]) << 16;
    let wide = select_unpredictable(is_tiny, &[0; 4][..], bytes);
    let end = wide.len();
    assert!((4..=SHORT_BYTES).contains(&end), "longer keys are packed otherwise");
    // 0 below eight bytes, 4 below 16, else 8.
    let step = end / 8 * 4;
    let left = read_u32(wide, 0) << 32 | read_u32(wide, step);
    let right = read_u32(wide, end - 4) << 32 | read_u32(wide, end - 4 - step);
    (select_unpredictable(is_tiny, tiny, left), right)
}

#[cfg(not(all(target_arch = "x86_64", target_feature = "avx512bw", target_feature = "avx512vl", not(miri))))]
#[inline(always)]
fn read_u32(bytes: &[u8], at: usize) -> u64 {
    u64::from(u32::from_le_bytes(bytes[at..at + 4].try_into().expect("four bytes")))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(crate::testing::cases(2_000)))]
        #[test]
        fn tells_texts_of_one_length_apart(left in prop::collection::vec(any::<u8>(), 1..=16), at in 0usize..16, other in any::<u8>()) {
            let mut right = left.clone();
            right[at % left.len()] = other;
            prop_assert_eq!(pack(&left) == pack(&right), left == right);
        }
    }

    #[test]
    fn reads_nothing_but_the_bytes() {
        for length in 1..=SHORT_BYTES {
            let inside = [7; SHORT_BYTES];
            let mut framed = [0xff; 3 * SHORT_BYTES];
            framed[SHORT_BYTES..][..length].copy_from_slice(&inside[..length]);
            assert_eq!(pack(&framed[SHORT_BYTES..][..length]), pack(&inside[..length]));
            // At the very end of an allocation.
            let exact: Box<[u8]> = inside[..length].into();
            assert_eq!(pack(&exact), pack(&inside[..length]));
        }
    }
}
