//! One build for every x86-64, at the speed of the processor at hand.
//!
//! A chain is compiled into its task's step, so it is enough to compile that step twice: for the baseline that every x86-64 has, and for
//! the level that processors since 2013 (Intel) and 2015 (AMD) have, with AVX2. Which one runs is decided once a task, from what the
//! processor says of itself. It pays where the compiler vectorises (a sum behind a masked filter runs twice as fast), and costs code size.
//!
//! Unsafe lives here for one reason: a function compiled for a feature may be called only where the feature is.
#![allow(unsafe_code)]

/// A step of a task that is compiled for each level. Implement with `#[inline(always)]`, so that it is compiled within its caller.
pub(crate) trait Step {
    /// What a step returns.
    type Out;
    /// Makes one step.
    fn step(&mut self) -> Self::Out;
}

/// The level that this processor has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Level {
    /// Private, and set by `detect` alone: the proof that the features are there.
    has_avx2: bool,
}

impl Level {
    /// Asks the processor.
    pub(crate) fn detect() -> Self {
        #[cfg(target_arch = "x86_64")]
        let has_avx2 = is_x86_feature_detected!("avx2")
            && is_x86_feature_detected!("bmi1")
            && is_x86_feature_detected!("bmi2")
            && is_x86_feature_detected!("fma")
            && is_x86_feature_detected!("lzcnt")
            && is_x86_feature_detected!("popcnt");
        #[cfg(not(target_arch = "x86_64"))]
        let has_avx2 = false;
        Self { has_avx2 }
    }

    /// Makes one step, compiled for this level.
    #[inline]
    pub(crate) fn run<S: Step>(self, task: &mut S) -> S::Out {
        // In a build for a processor with the features there is nothing to choose.
        #[cfg(all(target_arch = "x86_64", not(all(target_feature = "avx2", target_feature = "bmi2", target_feature = "fma"))))]
        if self.has_avx2 {
            // SAFETY: a `Level` comes from `detect` alone, which found all the features that `run_avx2` is compiled for.
            return unsafe { run_avx2(task) };
        }
        task.step()
    }
}

#[cfg(all(target_arch = "x86_64", not(all(target_feature = "avx2", target_feature = "bmi2", target_feature = "fma"))))]
#[target_feature(enable = "avx2,bmi1,bmi2,fma,lzcnt,popcnt")]
fn run_avx2<S: Step>(task: &mut S) -> S::Out {
    task.step()
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Sum(Vec<u64>);

    impl Step for Sum {
        type Out = u64;
        #[inline(always)]
        fn step(&mut self) -> u64 {
            self.0.iter().fold(0, |sum, number| sum.wrapping_add(number.wrapping_mul(3)))
        }
    }

    #[test]
    fn every_level_computes_the_same() {
        let mut sum = Sum((0..1001).collect());
        let expected = (0..1001).map(|i| i * 3).sum::<u64>();
        assert_eq!(Level { has_avx2: false }.run(&mut sum), expected);
        assert_eq!(Level::detect().run(&mut sum), expected);
    }
}
