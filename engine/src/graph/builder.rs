//! The dataflow under construction.

use std::{cell::RefCell, panic::Location, rc::Rc};

use super::{
    Config, Running, SourceHead, StageCx, Stream, TaskSeed,
    plan::{Stage, StageBuild},
    start,
};
use crate::{
    error::BuildError,
    metrics::{Counter, Gauges},
    operator::{blame::Site, link::Identity},
    source::Source,
};

/// A job in the making: sources, operators and sinks, which [`start`](Dataflow::start) checks and runs.
///
/// ```
/// use thalweg::{Config, Dataflow, Generate, Collect};
///
/// let mut flow = Dataflow::new("squares");
/// let (sink, squares) = Collect::new();
/// flow.source(Generate::new(5, |i| i)).map(|i| i * i).sink(sink);
/// let report = flow.start(Config::default().workers(1))?.join()?;
/// assert_eq!(report.records_in(), 5);
/// assert_eq!(squares.take(), [0, 1, 4, 9, 16]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Dataflow {
    graph: Shared,
}

pub(crate) type Shared = Rc<RefCell<Graph>>;

/// What has been said so far.
pub(crate) struct Graph {
    pub(crate) name: String,
    pub(crate) sites: Vec<SiteInfo>,
    pub(crate) stages: Vec<Stage>,
    pub(crate) edges: Vec<EdgeInfo>,
    /// First sites of streams, and whether a chain that begins there has come to an end.
    pub(crate) heads: Vec<(Site, bool)>,
    pub(crate) refusals: Vec<BuildError>,
    pub(crate) late: Counter,
    /// Operators that make watermarks.
    pub(crate) gauges: Vec<(Site, Gauges)>,
}

/// An operator, a source or a sink, as the user wrote it.
pub(crate) struct SiteInfo {
    pub(crate) name: String,
    pub(crate) location: &'static Location<'static>,
}

/// An edge: the stage behind it once that is known, and the site in front of it.
pub(crate) struct EdgeInfo {
    pub(crate) stage: Option<usize>,
    pub(crate) from: Site,
}

impl Graph {
    #[track_caller]
    pub(crate) fn site(&mut self, name: &str) -> Site {
        let site = Site(u32::try_from(self.sites.len()).expect("fewer than 2^32 operators"));
        self.sites.push(SiteInfo { name: name.into(), location: Location::caller() });
        site
    }

    pub(crate) fn edge(&mut self, from: Site) -> usize {
        self.edges.push(EdgeInfo { stage: None, from });
        self.edges.len() - 1
    }

    /// Takes note of a parameter that cannot work.
    pub(crate) fn refuse(&mut self, site: Site, why: Option<String>) {
        if let Some(why) = why {
            let operator = self.describe(site);
            self.refusals.push(BuildError::Operator { operator, why });
        }
    }

    /// Gauges for an operator that makes watermarks.
    pub(crate) fn gauges(&mut self, site: Site) -> Gauges {
        let gauges = Gauges::default();
        self.gauges.push((site, gauges.clone()));
        gauges
    }

    /// A site as errors name it: `#3 map (src/main.rs:12)`.
    pub(crate) fn describe(&self, site: Site) -> String {
        match self.sites.get(site.0 as usize) {
            Some(info) => format!("#{} {} ({}:{})", site.0, info.name, info.location.file(), info.location.line()),
            None => "(unknown)".into(),
        }
    }

    pub(crate) fn add_stage(&mut self, head: Option<usize>, sites: Vec<Site>, segment: usize, build: StageBuild) {
        let stage = self.stages.len();
        if let Some(edge) = head {
            self.edges[edge].stage = Some(stage);
        }
        if let Some(first) = sites.first()
            && let Some((_, ended)) = self.heads.iter_mut().find(|(site, _)| site == first)
        {
            *ended = true;
        }
        self.stages.push(Stage { sites, segment, records: Counter::default(), malformed: Counter::default(), build });
    }
}

impl Dataflow {
    /// An empty dataflow. The name appears in thread names and reports.
    pub fn new(name: impl Into<String>) -> Self {
        let graph = Graph {
            name: name.into(),
            sites: Vec::new(),
            stages: Vec::new(),
            edges: Vec::new(),
            heads: Vec::new(),
            refusals: Vec::new(),
            late: Counter::default(),
            gauges: Vec::new(),
        };
        Self { graph: Rc::new(RefCell::new(graph)) }
    }

    /// Adds a source. Every worker of the first segment reads a share of it.
    #[track_caller]
    pub fn source<S: Source>(&mut self, source: S) -> Stream<SourceHead<S>, Identity<S::Out>> {
        let mut graph = self.graph.borrow_mut();
        let site = graph.site(source.name());
        graph.heads.push((site, false));
        drop(graph);
        Stream { graph: self.graph.clone(), head: SourceHead(source), links: Identity::new(), sites: vec![site], segment: 0 }
    }

    /// Checks everything that can be checked, then starts the workers.
    ///
    /// # Errors
    /// [`BuildError`]; then no thread was started and no file was created.
    pub fn start(self, config: Config) -> Result<Running, BuildError> {
        start::start(self.into_graph()?, config)
    }

    /// What was said, once all streams have come to an end.
    pub(super) fn into_graph(self) -> Result<Graph, BuildError> {
        let graph = Rc::try_unwrap(self.graph).map_err(|graph| {
            let graph = graph.borrow();
            let open = graph.heads.iter().find(|(_, ended)| !ended).map(|(site, _)| graph.describe(*site));
            BuildError::Unfinished { stream: open.unwrap_or_else(|| "a stream".into()) }
        })?;
        Ok(graph.into_inner())
    }
}

/// Keeps the types that a stage's builder is made of out of sight.
pub(crate) fn stage_build<F>(build: F) -> StageBuild
where
    F: FnOnce(&StageCx) -> Result<Vec<TaskSeed>, BuildError> + 'static,
{
    Box::new(build)
}
