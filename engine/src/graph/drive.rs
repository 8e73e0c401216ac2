//! A dataflow on the caller's own thread, for tests.

use std::sync::Arc;

use super::{
    Config, Dataflow, TaskSeed,
    start::{self, Planned},
};
use crate::{
    error::BuildError,
    runtime::{Idle, Scope, Shutdown, Waker, Worker},
    testing::{Driver, Job},
};

impl Dataflow {
    /// Checks everything as [`start`](Self::start) does, and hands the job to the caller, who runs it step by step on this thread.
    ///
    /// One worker, unless `config` says how many, however many cores there are: their steps are made in turn, and records hop between them
    /// as between threads. Besides that only the batch and the rings of `config` matter.
    ///
    /// # Errors
    /// [`BuildError`], as for `start`.
    pub fn drive(self, config: Config) -> Result<Driver, BuildError> {
        let mut graph = self.into_graph()?;
        let workers = config.workers.unwrap_or(1);
        let config = config.workers(workers.min(1)).pin(false);
        start::check(&mut graph, &config)?;
        let (idles, wakers): (Vec<Idle>, Vec<Waker>) = (0..workers).map(|_| Idle::new(config.wait)).unzip();
        // Nobody sleeps.
        drop(idles);
        let operators = graph.sites.iter().map(|site| site.name.clone()).collect();
        let job = Job { name: graph.name.clone(), operators, workers };
        let Planned { seeds, namer, late, .. } = start::plan(graph, &config, &wakers)?;
        let shutdown = Arc::new(Shutdown::new(wakers.clone()));
        let worker = |(seeds, waker): (Vec<(usize, TaskSeed)>, Waker)| {
            let mut scope = Scope::new(waker);
            // Downstream first, as on a worker's thread.
            let tasks = seeds.into_iter().rev().map(|(stage, seed)| (stage, seed(&mut scope))).collect();
            Worker::new(tasks, shutdown.clone(), namer.clone())
        };
        let workers = seeds.into_iter().zip(wakers).map(worker).collect();
        Ok(Driver::new(job, workers, shutdown, late))
    }
}
