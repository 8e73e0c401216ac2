//! A dataflow on the caller's own thread, for tests.

use std::sync::Arc;

use super::{
    Config, Dataflow,
    start::{self, Planned},
};
use crate::{
    error::BuildError,
    runtime::{Idle, Scope, Shutdown, Worker},
    testing::Driver,
};

impl Dataflow {
    /// Checks everything as [`start`](Self::start) does, and hands the job to the caller, who runs it step by step on this thread: one worker,
    /// nothing pinned. Of `config` only the batch matters.
    ///
    /// # Errors
    /// [`BuildError`], as for `start`.
    pub fn drive(self, config: Config) -> Result<Driver, BuildError> {
        let mut graph = self.into_graph()?;
        let config = config.workers(1).pin(false);
        start::check(&mut graph, &config)?;
        let (_, waker) = Idle::new(config.wait);
        let Planned { seeds, namer, late, .. } = start::plan(graph, &config, std::slice::from_ref(&waker))?;
        let shutdown = Arc::new(Shutdown::new(vec![waker.clone()]));
        let mut scope = Scope::new(waker);
        // Downstream first, as on a worker's thread.
        let seeds = seeds.into_iter().flatten().rev();
        let tasks = seeds.map(|(stage, seed)| (stage, seed(&mut scope))).collect();
        Ok(Driver::new(Worker::new(tasks, shutdown.clone(), namer), shutdown, late))
    }
}
