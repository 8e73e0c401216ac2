//! A machine to test with, worse than the real one: what it does to the speed of a run, drawn from a seed.
//!
//! ```text
//!   logarithm of a run's time =  a drift over the session (slow wave + random walk)      minutes
//!                              + noise that remembers the last run (a neighbour's work)  seconds
//!                              + where this process happened to lie in memory            a process
//!                              + noise of the run itself
//!                              + now and then a stall, only ever slower
//! ```

use crate::workload::draw::Draw;

/// A standard normal draw: number `i` of a seed.
pub(crate) fn normal(seed: u64, i: u64) -> f64 {
    let draw = Draw::new(seed, 0x006e_6f72_6d61_6c00);
    // Box and Muller.
    (-2.0 * (1.0 - draw.unit(2 * i)).ln()).sqrt() * (std::f64::consts::TAU * draw.unit(2 * i + 1)).cos()
}

/// A session on a noisy machine of two cores.
pub(crate) struct Machine {
    draw: Draw,
    seed: u64,
    runs: u64,
    walk: f64,
    neighbour: f64,
}

impl Machine {
    pub(crate) fn new(seed: u64) -> Machine {
        let walk = 0.03 * normal(seed, u64::MAX / 4);
        Machine { draw: Draw::new(seed, 1), seed, runs: 0, walk, neighbour: 0.0 }
    }

    /// Runs something in a process of its own that would take `time` on a machine at rest; returns what it took.
    pub(crate) fn run(&mut self, time: f64) -> f64 {
        let i = self.runs;
        self.runs += 1;
        let normal = |purpose: u64| normal(self.seed, i * 4 + purpose);
        self.walk += 0.004 * normal(0);
        self.neighbour = 0.8 * self.neighbour + 0.012 * normal(1);
        let wave = 0.05 * (i as f64 / 40.0 + self.draw.unit(u64::MAX)).sin();
        let (process, run) = (0.015 * normal(2), 0.015 * normal(3));
        let stall = if self.draw.unit(2 * i) < 0.08 { -0.15 * (1.0 - self.draw.unit(2 * i + 1)).ln() } else { 0.0 };
        time * (self.walk + self.neighbour + wave + process + run + stall).exp()
    }
}
