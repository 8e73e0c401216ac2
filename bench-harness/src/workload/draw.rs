//! Seeded random draws by counter: draw number `i` is a function of the seed and `i` alone, so that any part of an input can be made on its
//! own, and no draw waits for the one before it.

use super::mix;

/// Draws of one seed and purpose.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Draw(u64);

impl Draw {
    /// Draws for `purpose`, a number that tells the columns of an input apart.
    pub(crate) fn new(seed: u64, purpose: u64) -> Draw {
        Draw(mix(mix(seed) ^ purpose))
    }

    /// Draw number `index`: 64 random bits.
    pub(crate) fn bits(self, index: u64) -> u64 {
        mix(self.0.wrapping_add(mix(index)))
    }

    /// Draw number `index`, in `0..bound`; the bias is below `bound` / 2^64.
    pub(crate) fn below(self, index: u64, bound: u64) -> u64 {
        ((u128::from(self.bits(index)) * u128::from(bound)) >> 64) as u64
    }

    /// Draw number `index`, in `0.0..1.0`.
    pub(crate) fn unit(self, index: u64) -> f64 {
        (self.bits(index) >> 11) as f64 / (1u64 << 53) as f64
    }
}
