//! A hint to the processor that a place in memory will be read soon. `unsafe` lives here: the intrinsic is an `unsafe fn`.
//!
//! Elsewhere than on x86-64 the hint is nothing, and a batch of lookups is as fast as the processor makes it.
#![allow(unsafe_code)]

/// Asks for the cache line of `place` to come near, and waits for nothing.
#[inline(always)]
pub(crate) fn prefetch<T>(place: &T) {
    #[cfg(all(target_arch = "x86_64", target_feature = "sse", not(miri)))]
    {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: SSE is there, by the `cfg`; and the instruction never faults, nor reads or writes as far as the language can tell,
        // whatever the address. Here it is even that of a live reference.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(std::ptr::from_ref(place).cast()) };
    }
    #[cfg(not(all(target_arch = "x86_64", target_feature = "sse", not(miri))))]
    let _ = place;
}
