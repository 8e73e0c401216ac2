//! How long a word takes from one core to another and back: the floor under every hop's latency.
//!
//! ```text
//!   core A   ping = i ──────▶ spins until pong = i        two padded lines, one writer each
//!   core B   spins until ping = i ──────▶ pong = i
//! ```

use std::{
    hint,
    sync::{
        Barrier,
        atomic::{AtomicU64, Ordering},
    },
    time::Instant,
};

use core_affinity::CoreId;
use crossbeam_utils::CachePadded;
use serde::Serialize;

/// A pair of cores and the median round trip between them.
#[derive(Clone, Debug, Serialize)]
pub struct RoundTrip {
    /// The two cores.
    pub cores: [usize; 2],
    /// With PAUSE in the spin loops, in ns.
    pub pause_ns: f64,
    /// Without.
    pub busy_ns: f64,
}

const TRIPS: u64 = 2_000;
const BATCHES: usize = 51;

/// Measures both ways of spinning.
pub fn measure(a: CoreId, b: CoreId) -> RoundTrip {
    RoundTrip { cores: [a.id, b.id], pause_ns: median_trip(a, b, hint::spin_loop), busy_ns: median_trip(a, b, || {}) }
}

/// Median over batches of the mean round trip in a batch.
fn median_trip(a: CoreId, b: CoreId, wait: impl Fn() + Copy + Send + Sync) -> f64 {
    let ping = CachePadded::new(AtomicU64::new(0));
    let pong = CachePadded::new(AtomicU64::new(0));
    let ready = Barrier::new(2);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            core_affinity::set_for_current(b);
            ready.wait();
            answer(&ping, &pong, wait);
        });
        let asking = scope.spawn(|| {
            core_affinity::set_for_current(a);
            ready.wait();
            ask(&ping, &pong, wait)
        });
        asking.join().unwrap_or(f64::NAN)
    })
}

fn ask(ping: &AtomicU64, pong: &AtomicU64, wait: impl Fn()) -> f64 {
    let mut sent = 0;
    let mut batches: Vec<f64> = (0..BATCHES)
        .map(|_| {
            let start = Instant::now();
            for _ in 0..TRIPS {
                sent += 1;
                // ORDERING: Release, pairs with the Acquire in `answer`: the same pair that a ring's tail uses.
                ping.store(sent, Ordering::Release);
                // ORDERING: Acquire, pairs with the Release in `answer`.
                while pong.load(Ordering::Acquire) != sent {
                    wait();
                }
            }
            start.elapsed().as_nanos() as f64 / TRIPS as f64
        })
        .collect();
    batches.sort_by(f64::total_cmp);
    batches[BATCHES / 2]
}

fn answer(ping: &AtomicU64, pong: &AtomicU64, wait: impl Fn()) {
    for expected in 1..=TRIPS * BATCHES as u64 {
        // ORDERING: Acquire, pairs with the Release in `ask`.
        while ping.load(Ordering::Acquire) != expected {
            wait();
        }
        // ORDERING: Release, pairs with the Acquire in `ask`.
        pong.store(expected, Ordering::Release);
    }
}
