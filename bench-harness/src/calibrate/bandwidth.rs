//! How fast memory and the L2 cache can be read: the ceiling over every workload that looks at each record once.
//!
//! Each thread sums the words of a block of its own. From memory: blocks of 256 MiB, larger than the caches of most machines; from L2: half
//! of the cache, read again and again. The sum uses AVX2 where the CPU has it, whatever the program was compiled for.
//!
//! Unsafe: calling the AVX2 version, after the CPU was asked for it.
#![allow(unsafe_code)]

use std::{hint::black_box, sync::Barrier, time::Instant};

use core_affinity::CoreId;
use serde::Serialize;

/// One bandwidth.
#[derive(Clone, Debug, Serialize)]
pub struct Bandwidth {
    /// `memory` or `L2`.
    pub from: &'static str,
    /// Cores reading at once.
    pub cores: usize,
    /// Block of each.
    pub bytes_per_core: usize,
    /// All cores together.
    pub bytes_per_s: f64,
}

const MEMORY_BYTES: usize = 256 << 20;
const L2_BYTES_UNKNOWN: usize = 256 << 10;
const ROUNDS: usize = 5;

/// Measures memory on one core and on all, and L2 on one.
pub fn measure(cores: &[CoreId]) -> Vec<Bandwidth> {
    let Some(first) = cores.first() else { return Vec::new() };
    let l2 = l2_bytes(*first).unwrap_or(2 * L2_BYTES_UNKNOWN) / 2;
    let mut all = vec![read("L2", &[*first], l2, 2_000), read("memory", &[*first], MEMORY_BYTES, 1)];
    if cores.len() > 1 {
        all.push(read("memory", cores, MEMORY_BYTES, 1));
    }
    all
}

/// Size of a core's L2 as the kernel states it: `2048K`.
fn l2_bytes(core: CoreId) -> Option<usize> {
    let field = |index: usize, name: &str| {
        std::fs::read_to_string(format!("/sys/devices/system/cpu/cpu{}/cache/index{index}/{name}", core.id)).ok()
    };
    let index = (0..8).find(|index| field(*index, "level").is_some_and(|level| level.trim() == "2"))?;
    crate::quantity::bytes(field(index, "size")?.trim()).ok()
}

/// Median over rounds of the bandwidth of all cores together, each reading its block `passes` times a round.
fn read(from: &'static str, cores: &[CoreId], bytes: usize, passes: usize) -> Bandwidth {
    let together = Barrier::new(cores.len());
    let together = &together;
    let rounds: Vec<Vec<f64>> = std::thread::scope(|scope| {
        let readers: Vec<_> = cores
            .iter()
            .map(|core| {
                scope.spawn(move || {
                    core_affinity::set_for_current(*core);
                    // Written here, so that its pages are mapped, and near this core.
                    let block: Vec<u64> = (0..bytes as u64 / 8).collect();
                    black_box(sum(&block));
                    (0..ROUNDS)
                        .map(|_| {
                            together.wait();
                            let start = Instant::now();
                            for _ in 0..passes {
                                black_box(sum(black_box(&block)));
                            }
                            (bytes * passes) as f64 / start.elapsed().as_secs_f64()
                        })
                        .collect()
                })
            })
            .collect();
        readers.into_iter().map(|reader| reader.join().unwrap_or_else(|_| vec![0.0; ROUNDS])).collect()
    });
    let mut totals: Vec<f64> = (0..ROUNDS).map(|round| rounds.iter().map(|reader| reader[round]).sum()).collect();
    totals.sort_by(f64::total_cmp);
    Bandwidth { from, cores: cores.len(), bytes_per_core: bytes, bytes_per_s: totals[ROUNDS / 2] }
}

fn sum(words: &[u64]) -> u64 {
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx2") {
        // SAFETY: the CPU has just been found to have AVX2.
        return unsafe { sum_avx2(words) };
    }
    sum_plain(words)
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn sum_avx2(words: &[u64]) -> u64 {
    sum_plain(words)
}

/// Sixty-four partial sums, so that the additions of a pass do not wait for each other and the compiler can use whole vectors.
#[inline(always)]
fn sum_plain(words: &[u64]) -> u64 {
    const LANES: usize = 64;
    let mut lanes = [0u64; LANES];
    let chunks = words.chunks_exact(LANES);
    let rest: u64 = chunks.remainder().iter().fold(0, |sum, word| sum.wrapping_add(*word));
    for chunk in chunks {
        for (lane, word) in lanes.iter_mut().zip(chunk) {
            *lane = lane.wrapping_add(*word);
        }
    }
    lanes.iter().fold(rest, |sum, lane| sum.wrapping_add(*lane))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_are_right_with_and_without_a_remainder() {
        for n in [0u64, 1, 63, 64, 65, 1_000, 1_024] {
            let words: Vec<u64> = (0..n).collect();
            let naive = words.iter().sum::<u64>();
            assert_eq!(sum(&words), naive);
            assert_eq!(sum_plain(&words), naive);
        }
    }

    #[test]
    fn every_core_counts() {
        let cores = crate::run::environment::allowed_cores();
        let bandwidth = read("L2", &cores, 64 << 10, 3);
        assert_eq!(bandwidth.cores, cores.len());
        assert!(bandwidth.bytes_per_s > 0.0);
    }
}
