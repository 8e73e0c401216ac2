//! How long an invocation will take, before it starts: the cells that systems accept, times what a run takes.

use std::time::Duration;

use super::matrix::{Matrix, Size};
use crate::{
    load::Schedule,
    run::phases::Prepare,
    system::{Job, System},
    workload::Spec,
};

/// Records of the input that systems are shown: they say whether they take a job without running it.
const EVENTS: u64 = 10_000;
/// Seconds around each run that are neither run nor floor: threads, memory, the oracle's comparison.
const AROUND_S: f64 = 0.05;
/// Seconds that a cell takes before its first measured run: probes, warm-up, its part of the inputs and their oracle.
const PER_CELL_S: f64 = 1.0;

/// What is to come.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    /// Measured runs.
    pub runs: u64,
    /// How long all will take, about; none if runs were given a number of records, for which no one knows the time.
    pub time: Option<Duration>,
}

impl std::fmt::Display for Estimate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} runs", self.runs)?;
        match self.time.map(|time| time.as_secs()) {
            None => Ok(()),
            Some(seconds) if seconds < 90 => write!(f, ", about {seconds} seconds"),
            Some(seconds) => write!(f, ", about {} minutes", seconds.div_ceil(60)),
        }
    }
}

/// Counts the runs and adds up their time.
///
/// # Errors
/// If an input cannot be made.
///
/// # Cost
/// A small input of every workload, some ms each.
pub fn estimate(systems: &[Box<dyn System>], prepare: &Prepare, matrices: &[Matrix], floor: Duration) -> Result<Estimate, String> {
    let mut runs = 0;
    let mut seconds = Some(0.0);
    for matrix in matrices {
        for workload in &matrix.workloads {
            let spec = Spec {
                name: workload.clone(),
                events: EVENTS,
                seed: matrix.seed,
                block_bytes: matrix.block_bytes,
                input: matrix.input.clone(),
            };
            let input = prepare(&spec)?.input;
            let takes = |cell: &super::matrix::Cell| {
                let job = Job {
                    input: input.clone(),
                    cores: cell.cores,
                    batch: cell.batch,
                    ring_bytes: cell.ring_bytes,
                    wait: cell.wait.clone(),
                    schedule: cell.rate.map(|_| Schedule { rate_per_s: 1.0, shape: cell.shape.clone(), seed: matrix.seed }),
                    generator: cell.generator,
                };
                systems.iter().any(|system| system.name() == cell.system && system.refuses(&job).is_none())
            };
            let cells = matrix.cells(workload).iter().filter(|cell| takes(cell)).count() as u64;
            let repeats = cells * u64::from(matrix.repeats);
            runs += repeats;
            seconds = match matrix.size {
                Size::Events(_) => None,
                Size::Seconds(each) => {
                    seconds.map(|sum: f64| sum + cells as f64 * PER_CELL_S + repeats as f64 * (each + 2.0 * floor.as_secs_f64() + AROUND_S))
                }
            };
        }
    }
    Ok(Estimate { runs, time: seconds.map(Duration::from_secs_f64) })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::{quantity::Rate, run::matrix::WAITS, system, workload};

    fn matrix(size: Size) -> Matrix {
        Matrix {
            workloads: vec!["hop".into()],
            systems: vec!["thalweg".into(), "rtrb".into(), "hand".into(), "absent".into()],
            cores: vec![1, 2],
            batches: vec![256],
            rings: vec![1 << 18],
            waits: vec![WAITS[0].0.into()],
            rates: vec![None],
            shapes: vec![Default::default()],
            generators: vec![Default::default()],
            inject: Default::default(),
            size,
            repeats: 3,
            seed: 1,
            block_bytes: 1 << 16,
            input: None,
        }
    }

    #[test]
    fn only_what_is_accepted_counts() {
        let of = |matrix: Matrix| estimate(&system::all(), &workload::prepare, &[matrix], Duration::from_millis(50)).unwrap();
        let closed = of(matrix(Size::Seconds(0.5)));
        // Three repeats of thalweg and rtrb on two cores, and of the loop by hand on one and on two.
        assert_eq!(closed.runs, 12, "{closed:?}");
        let longer = of(Matrix { repeats: 6, ..matrix(Size::Seconds(0.5)) });
        assert!(longer.runs == 2 * closed.runs && longer.time > closed.time);
        assert_eq!(of(matrix(Size::Events(10))).time, None);
        assert_eq!(of(Matrix { rates: vec![Some(Rate::OfClosedLoop(0.5)); 2], cores: vec![1], ..matrix(Size::Seconds(1.0)) }).runs, 0);
    }

    #[test]
    fn time_is_said_as_people_say_it() {
        let say = |seconds| Estimate { runs: 7, time: Some(Duration::from_secs(seconds)) }.to_string();
        assert_eq!([say(30), say(600)], ["7 runs, about 30 seconds", "7 runs, about 10 minutes"]);
    }
}
