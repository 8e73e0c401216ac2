//! How far event time is, operator by operator.
//!
//! ```text
//!   stage behind an edge    gauge of its head: the merged watermark      ┐  an operator has that of the nearest gauge
//!   .watermarks(..)         gauge of the operator: what it has told last ┘  before it in its chain
//! ```

use std::sync::Arc;

use crate::{metrics::Gauges, operator::blame::Site, runtime::Namer, time::EventTime};

/// How far event time is at one instance of an operator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OperatorWatermark {
    /// The operator, as errors name it.
    pub operator: String,
    /// The number of the instance among those of its stage, one for each worker.
    pub instance: usize,
    /// The last watermark that has come to it; none before the first, and without event time. An operator that makes watermarks has what it
    /// has told last.
    pub watermark: Option<EventTime>,
}

/// The gauges of a job.
pub(crate) struct Watermarks {
    makers: Vec<(Site, Gauges)>,
    namer: Arc<Namer>,
    stages: Vec<(Vec<Site>, usize, Gauges)>,
}

impl Watermarks {
    pub(crate) fn new(makers: Vec<(Site, Gauges)>, namer: Arc<Namer>) -> Self {
        Self { makers, namer, stages: Vec::new() }
    }

    /// Adds a stage with its operators and number of instances; returns the gauges of its head.
    pub(crate) fn stage(&mut self, sites: &[Site], instances: usize) -> Gauges {
        let head = Gauges::default();
        self.stages.push((sites.to_vec(), instances, head.clone()));
        head
    }

    pub(crate) fn read(&self) -> Vec<OperatorWatermark> {
        let mut all = Vec::new();
        for (stage, (sites, instances, head)) in self.stages.iter().enumerate() {
            for instance in 0..*instances {
                let mut gauges = head;
                for site in sites {
                    if let Some((_, makes)) = self.makers.iter().find(|(maker, _)| maker == site) {
                        gauges = makes;
                    }
                    all.push(OperatorWatermark { operator: (self.namer)(stage, Some(*site)), instance, watermark: gauges.get(instance) });
                }
            }
        }
        all
    }
}
