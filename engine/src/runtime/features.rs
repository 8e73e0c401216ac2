//! One build for every x86-64, at the speed of the processor at hand.
//!
//! A chain is compiled into its task's step, so it is enough to compile that step three times: for the baseline that every x86-64 has, for
//! the level of processors since 2013 (Intel) and 2015 (AMD), with AVX2, and for that of servers since 2017 (Intel) and 2022 (AMD), with
//! AVX-512. Which one runs is decided once a task, from what the processor says of itself. It pays where the compiler vectorises (a sum
//! behind a masked filter runs twice as fast with each level), and costs code size.
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
pub(crate) struct Level(Has);

/// Private, and made by [`Level::detect`] alone: the proof that the features are there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Has {
    Baseline,
    #[cfg_attr(not(target_arch = "x86_64"), allow(dead_code))]
    Avx2,
    #[cfg_attr(not(target_arch = "x86_64"), allow(dead_code))]
    Avx512,
}

impl Level {
    /// Asks the processor.
    pub(crate) fn detect() -> Self {
        #[cfg(target_arch = "x86_64")]
        {
            let has_avx2 = is_x86_feature_detected!("avx2")
                && is_x86_feature_detected!("bmi1")
                && is_x86_feature_detected!("bmi2")
                && is_x86_feature_detected!("fma")
                && is_x86_feature_detected!("lzcnt")
                && is_x86_feature_detected!("popcnt");
            let has_avx512 = has_avx2
                && is_x86_feature_detected!("avx512f")
                && is_x86_feature_detected!("avx512bw")
                && is_x86_feature_detected!("avx512cd")
                && is_x86_feature_detected!("avx512dq")
                && is_x86_feature_detected!("avx512vl");
            if has_avx512 {
                return Self(Has::Avx512);
            }
            if has_avx2 {
                return Self(Has::Avx2);
            }
        }
        Self(Has::Baseline)
    }

    /// Makes one step, compiled for this level.
    ///
    /// In a build for a processor that has AVX2 anyway, the steps that the build is for are the only ones.
    #[inline]
    pub(crate) fn run<S: Step>(self, task: &mut S) -> S::Out {
        match self.0 {
            #[cfg(all(target_arch = "x86_64", not(target_feature = "avx2"), any(test, not(debug_assertions))))]
            // SAFETY: a `Level` comes from `detect` alone, which found all the features that `run_avx512` is compiled for.
            Has::Avx512 => unsafe { run_avx512(task) },
            #[cfg(all(target_arch = "x86_64", not(target_feature = "avx2"), any(test, not(debug_assertions))))]
            // SAFETY: as above, with `run_avx2`.
            Has::Avx2 => unsafe { run_avx2(task) },
            _ => task.step(),
        }
    }
}

#[cfg(all(target_arch = "x86_64", not(target_feature = "avx2"), any(test, not(debug_assertions))))]
#[target_feature(enable = "avx2,bmi1,bmi2,fma,lzcnt,popcnt,avx512f,avx512bw,avx512cd,avx512dq,avx512vl")]
fn run_avx512<S: Step>(task: &mut S) -> S::Out {
    task.step()
}

#[cfg(all(target_arch = "x86_64", not(target_feature = "avx2"), any(test, not(debug_assertions))))]
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
        let best = Level::detect();
        let levels = [Has::Baseline, Has::Avx2, Has::Avx512].map(Level).into_iter().take_while(|&level| level != best).chain([best]);
        for level in levels {
            assert_eq!(level.run(&mut sum), expected);
        }
    }
}
