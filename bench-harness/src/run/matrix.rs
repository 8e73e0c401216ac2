//! Which runs there are, and their order. Pure.
//!
//! ```text
//!   workloads × systems × cores × batch × ring × wait × rate  =  cells        repeats:  a b c d │ b c d a │ c d a b
//! ```

use std::path::PathBuf;

use serde::Serialize;

use crate::{
    load::{Inject, Shape},
    quantity::Rate,
    system::Generator,
};

/// The wait strategies by name, and what each one does.
pub const WAITS: [(&str, &str); 4] = [
    ("adaptive", "spins while work is near, then yields, then parks: near zero CPU when idle (the default)"),
    ("spin", "spins with PAUSE, never gives up the core: the lowest latency, one core fully used"),
    ("yield", "spins shortly, then yields to the kernel between looks"),
    ("park", "spins shortly, then sleeps until it is woken"),
];

/// How much work a run is.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Size {
    /// Exactly this many records, for every system.
    Events(u64),
    /// As many records as take about so many seconds; found by a short probe of each cell.
    Seconds(f64),
}

/// Everything that was asked for.
#[derive(Clone, Debug, Serialize)]
pub struct Matrix {
    /// Workloads by name.
    pub workloads: Vec<String>,
    /// Systems by name.
    pub systems: Vec<String>,
    /// Numbers of cores.
    pub cores: Vec<usize>,
    /// Records per batch.
    pub batches: Vec<usize>,
    /// Bytes per ring.
    pub rings: Vec<usize>,
    /// Wait strategies by name.
    pub waits: Vec<String>,
    /// Rates; none is a closed loop.
    pub rates: Vec<Option<Rate>>,
    /// How arrivals are spread; of a closed loop nothing is.
    pub shapes: Vec<Shape>,
    /// Who makes the records of an open loop.
    pub generators: Vec<Generator>,
    /// What is broken on purpose.
    pub inject: Inject,
    /// Work per run.
    pub size: Size,
    /// Measured runs of each cell.
    pub repeats: u32,
    /// Seed of the input.
    pub seed: u64,
    /// Bytes of the block that the input replays.
    pub block_bytes: usize,
    /// A file to read in place of the workload's own.
    pub input: Option<PathBuf>,
}

/// One configuration of one system on one workload.
#[derive(Clone, Debug, PartialEq)]
pub struct Cell {
    /// Workload.
    pub workload: String,
    /// System.
    pub system: String,
    /// Cores.
    pub cores: usize,
    /// Records per batch.
    pub batch: usize,
    /// Bytes per ring.
    pub ring_bytes: usize,
    /// Wait strategy.
    pub wait: String,
    /// Rate; none is a closed loop.
    pub rate: Option<Rate>,
    /// How arrivals are spread.
    pub shape: Shape,
    /// Who makes the records of an open loop.
    pub generator: Generator,
    /// What is broken on purpose.
    pub inject: Inject,
}

impl std::fmt::Display for Cell {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} on {}, {} core{}", self.workload, self.system, self.cores, if self.cores == 1 { "" } else { "s" })?;
        if let Some(rate) = self.rate {
            write!(f, ", {rate}")?;
            if self.shape != Shape::Constant {
                write!(f, " {}", self.shape)?;
            }
            if self.generator != Generator::Thread {
                write!(f, ", generator {}", self.generator.name())?;
            }
        }
        if self.inject.is_nothing() { Ok(()) } else { write!(f, ", inject {}", self.inject) }
    }
}

impl Matrix {
    /// The cells of one workload. Systems vary fastest, so that those that are compared run next to each other.
    pub fn cells(&self, workload: &str) -> Vec<Cell> {
        let mut cells = Vec::new();
        for (rate, shape, generator) in self.loads() {
            for &cores in &self.cores {
                for wait in &self.waits {
                    for &ring_bytes in &self.rings {
                        for &batch in &self.batches {
                            cells.extend(self.systems.iter().map(|system| Cell {
                                workload: workload.to_owned(),
                                system: system.clone(),
                                cores,
                                batch,
                                ring_bytes,
                                wait: wait.clone(),
                                rate,
                                shape: shape.clone(),
                                generator,
                                inject: self.inject,
                            }));
                        }
                    }
                }
            }
        }
        cells
    }

    /// Every closed loop once, every open one with every shape and generator.
    fn loads(&self) -> Vec<(Option<Rate>, Shape, Generator)> {
        let mut loads = Vec::new();
        for &rate in &self.rates {
            match rate {
                None => loads.push((None, Shape::Constant, Generator::Thread)),
                Some(_) => {
                    for shape in &self.shapes {
                        loads.extend(self.generators.iter().map(|generator| (rate, shape.clone(), *generator)));
                    }
                }
            }
        }
        loads
    }
}

/// The order of the measured runs as (repeat, cell): all cells once, then all again, each repeat beginning with another cell, so that no
/// system always follows the same one.
pub fn interleaved(cells: usize, repeats: u32) -> impl Iterator<Item = (u32, usize)> {
    (0..repeats).flat_map(move |repeat| {
        let first = (repeat as usize * cells.div_ceil(repeats as usize)) % cells.max(1);
        (0..cells).map(move |i| (repeat, (first + i) % cells))
    })
}

/// Records that take about `seconds` at `rate`, on a grid of powers of two around `base`, so that cells of like speed share one input and
/// one oracle's answer. At least one.
pub fn events_for(seconds: f64, rate: f64, base: u64) -> u64 {
    let wanted = (seconds * rate).max(1.0);
    let step = (wanted / base as f64).log2().round();
    let events = base as f64 * step.exp2();
    if events.is_finite() { (events as u64).max(1) } else { base }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matrix() -> Matrix {
        Matrix {
            workloads: vec!["w".into()],
            systems: vec!["a".into(), "b".into(), "c".into()],
            cores: vec![1, 2],
            batches: vec![64, 256],
            rings: vec![1 << 18],
            waits: vec!["spin".into()],
            rates: vec![None, Some(Rate::OfClosedLoop(0.5))],
            shapes: vec![Shape::Constant],
            generators: vec![Generator::Thread],
            inject: Inject::default(),
            size: Size::Seconds(0.1),
            repeats: 3,
            seed: 1,
            block_bytes: 1 << 20,
            input: None,
        }
    }

    #[test]
    fn lists_multiply_and_systems_vary_fastest() {
        let cells = matrix().cells("w");
        assert_eq!(cells.len(), 3 * 2 * 2 * 2);
        let names: Vec<_> = cells.iter().take(4).map(|cell| cell.system.as_str()).collect();
        assert_eq!(names, ["a", "b", "c", "a"]);
        for (i, cell) in cells.iter().enumerate() {
            assert!(!cells[..i].contains(cell), "{cell:?} twice");
        }
        // A closed loop has no schedule: more shapes are more open loops only.
        let shaped = Matrix { shapes: vec![Shape::Constant, Shape::Poisson], ..matrix() };
        assert_eq!(shaped.cells("w").len(), 3 * 2 * 2 * 3);
    }

    #[test]
    fn repeats_are_outermost_and_each_holds_every_cell_once() {
        let order: Vec<_> = interleaved(4, 3).collect();
        assert_eq!(order.len(), 12);
        for repeat in 0..3u32 {
            let slice = &order[repeat as usize * 4..][..4];
            assert!(slice.iter().all(|(r, _)| *r == repeat));
            let mut cells: Vec<_> = slice.iter().map(|(_, cell)| *cell).collect();
            cells.sort_unstable();
            assert_eq!(cells, [0, 1, 2, 3]);
        }
        let firsts: Vec<_> = order.iter().step_by(4).map(|(_, cell)| *cell).collect();
        assert_eq!(firsts, [0, 2, 0]);
        assert_eq!(interleaved(0, 3).count(), 0);
        assert_eq!(interleaved(3, 0).count(), 0);
    }

    #[test]
    fn events_stay_on_the_grid() {
        assert_eq!(events_for(1.0, 500e6, 500_000_000), 500_000_000);
        assert_eq!(events_for(0.25, 520e6, 500_000_000), 125_000_000);
        assert_eq!(events_for(1.0, 30e6, 500_000_000), 31_250_000);
        assert_eq!(events_for(1.0, 0.001, 500_000_000), 1);
        assert_eq!(events_for(1.0, f64::INFINITY, 64), 64);
        // Never off by more than the square root of two.
        for rate in (1..200).map(|i| i as f64 * 7.3e6) {
            let ratio = events_for(0.3, rate, 500_000_000) as f64 / (0.3 * rate);
            assert!((0.70..1.42).contains(&ratio), "{rate}: {ratio}");
        }
    }
}
