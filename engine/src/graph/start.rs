//! From a checked graph to running workers. All refusals come before the first thread.

use std::{cell::RefCell, sync::Arc, thread, time::Instant};

use super::{
    Config, Running, StageCx, TaskSeed,
    builder::Graph,
    plan::{Stage, workers_of_segment},
    watermarks::Watermarks,
};
use crate::{
    error::{BuildError, RunError},
    metrics::Counter,
    operator::blame::{self, Site},
    ring::Probe,
    runtime::{CoreId, Idle, Namer, Scope, Shutdown, Waker, Worker, available_cores, pin_current_thread, warn_unpinned},
};

/// Largest batch: more brings nothing and costs latency.
const BATCH_MAX: usize = 1 << 16;
const RING_BYTES: std::ops::RangeInclusive<usize> = 4 << 10..=1 << 30;

pub(crate) fn start(mut graph: Graph, config: Config) -> Result<Running, BuildError> {
    let cores = check(&mut graph, &config)?;
    let name = graph.name.clone();
    let workers = cores.len();
    let (idles, wakers): (Vec<Idle>, Vec<Waker>) = (0..workers).map(|_| Idle::new(config.wait)).unzip();

    let Planned { seeds, stages, probes, watermarks, namer, late } = plan(graph, &config, &wakers)?;
    let shutdown = Arc::new(Shutdown::new(wakers.clone()));
    let mut running = Running { threads: Vec::new(), shutdown, started: Instant::now(), stages, late, watermarks, probes };
    for (worker, ((seeds, idle), core)) in seeds.into_iter().zip(idles).zip(cores).enumerate() {
        let (shutdown, namer, waker) = (running.shutdown.clone(), namer.clone(), wakers[worker].clone());
        let name = format!("{name}-{worker}");
        let body = move || {
            let _alarm = Alarm(shutdown.clone());
            if let Some(core) = core
                && !pin_current_thread(core)
            {
                warn_unpinned(core);
            }
            let mut scope = Scope::new(waker);
            // Downstream first, so that the inlets that others call are there.
            let tasks = seeds.into_iter().rev().map(|(stage, seed)| (stage, seed(&mut scope))).collect();
            drop(scope);
            Worker::new(tasks, shutdown, namer).run(idle);
        };
        match thread::Builder::new().name(name).spawn(body) {
            Ok(thread) => running.threads.push(thread),
            // Dropping `running` stops those that have started.
            Err(error) => return Err(BuildError::Thread(error)),
        }
    }
    Ok(running)
}

/// What each worker is to build, and what is known of the job beside it.
pub(super) struct Planned {
    /// By worker: tasks to build, and the stage of each.
    pub(super) seeds: Vec<Vec<(usize, TaskSeed)>>,
    /// The stages that begin at a source: name, records, malformed ones.
    stages: Vec<(String, Counter, Counter)>,
    probes: Vec<Probe>,
    watermarks: Watermarks,
    pub(super) namer: Arc<Namer>,
    pub(super) late: Counter,
}

/// Lays the stages out over the workers, one for each waker, and makes the rings between them.
pub(super) fn plan(graph: Graph, config: &Config, wakers: &[Waker]) -> Result<Planned, BuildError> {
    let workers = wakers.len();
    let namer = namer(&graph);
    let segments = graph.stages.iter().map(|stage| stage.segment).max().unwrap_or(0) + 1;
    let layouts: Vec<Vec<usize>> = graph.stages.iter().map(|stage| workers_of_segment(stage.segment, segments, workers)).collect();
    let edges: Vec<Vec<usize>> = graph.edges.iter().map(|edge| edge.stage.map_or_else(Vec::new, |stage| layouts[stage].clone())).collect();

    let mut seeds: Vec<Vec<(usize, TaskSeed)>> = (0..workers).map(|_| Vec::new()).collect();
    let mut stages = Vec::new();
    let probes = RefCell::default();
    let mut watermarks = Watermarks::new(graph.gauges, namer.clone());
    for (number, Stage { sites, records, malformed, build, .. }) in graph.stages.into_iter().enumerate() {
        let cx = StageCx {
            workers: layouts[number].clone(),
            edges: &edges,
            wakers,
            batch: config.batch,
            ring_bytes: config.ring_bytes,
            records: records.clone(),
            malformed: malformed.clone(),
            gauges: watermarks.stage(&sites, layouts[number].len()),
            probes: &probes,
        };
        for (&worker, seed) in layouts[number].iter().zip(build(&cx)?) {
            seeds[worker].push((number, seed));
        }
        if graph.heads.iter().any(|(site, _)| sites.first() == Some(site)) {
            stages.push((namer(number, Some(sites[0])), records, malformed));
        }
    }
    Ok(Planned { seeds, stages, probes: probes.into_inner(), watermarks, namer, late: graph.late })
}

/// Ends the job if its worker goes by a panic, wherever that came from: the others would wait for it for ever.
struct Alarm(Arc<Shutdown>);

impl Drop for Alarm {
    fn drop(&mut self) {
        if thread::panicking() {
            let operator = "code of a source, a sink or an operator outside of its records (attach, drain or drop)".into();
            self.0.fail(RunError::Panic { operator, message: "see the panic's own message".into() });
        }
    }
}

/// Refuses what can be refused, and says which core each worker gets (none: not pinned).
pub(super) fn check(graph: &mut Graph, config: &Config) -> Result<Vec<Option<CoreId>>, BuildError> {
    if graph.heads.is_empty() {
        return Err(BuildError::Empty { name: graph.name.clone() });
    }
    if let Some(refusal) = graph.refusals.drain(..).next() {
        return Err(refusal);
    }
    if let Some((site, _)) = graph.heads.iter().find(|(_, ended)| !ended) {
        return Err(BuildError::Unfinished { stream: graph.describe(*site) });
    }
    if let Some(edge) = graph.edges.iter().find(|edge| edge.stage.is_none()) {
        return Err(BuildError::Unfinished { stream: graph.describe(edge.from) });
    }
    let option = |option, value: String, why: String| Err(BuildError::Option { option, value, why });
    if !(1..=BATCH_MAX).contains(&config.batch) {
        return option("batch", config.batch.to_string(), format!("give 1 to {BATCH_MAX} records"));
    }
    if !RING_BYTES.contains(&config.ring_bytes) {
        return option("ring_bytes", config.ring_bytes.to_string(), "give 4 KiB to 1 GiB".into());
    }
    let available = available_cores();
    if let Some(cores) = &config.cores {
        if let Some(workers) = config.workers
            && workers != cores.len()
        {
            return option("workers", workers.to_string(), format!("cores names {}; leave one of the two out", cores.len()));
        }
        if cores.is_empty() {
            return option("cores", "[]".into(), "name at least one core".into());
        }
        let mut chosen = Vec::new();
        for core in cores {
            match available.ids.iter().find(|id| id.0 == *core) {
                Some(_) if chosen.contains(core) => return option("cores", format!("{cores:?}"), format!("core {core} is named twice")),
                Some(_) => chosen.push(*core),
                None => {
                    let ids: Vec<usize> = available.ids.iter().map(|id| id.0).collect();
                    return option("cores", format!("{cores:?}"), format!("this process may use the cores {ids:?}"));
                }
            }
        }
        let ids = chosen.into_iter().map(|core| config.pin.then_some(CoreId(core))).collect();
        return Ok(ids);
    }
    let workers = config.workers.unwrap_or(available.limit);
    if workers == 0 {
        return option("workers", "0".into(), "give at least 1".into());
    }
    if workers > available.limit && config.pin {
        return option(
            "workers",
            workers.to_string(),
            format!(
                "this process may use {} cores (affinity mask and cgroup limits); give at most that many, or let workers share cores: pin(false)",
                available.limit
            ),
        );
    }
    Ok((0..workers).map(|worker| available.ids.get(worker).copied().filter(|_| config.pin)).collect())
}

/// Names operators for errors, independent of the graph.
fn namer(graph: &Graph) -> Arc<Namer> {
    let sites: Vec<String> = (0..graph.sites.len()).map(|site| graph.describe(Site(site as u32))).collect();
    let stages: Vec<Vec<Site>> = graph.stages.iter().map(|stage| stage.sites.clone()).collect();
    Arc::new(move |stage: usize, blamed: Option<Site>| {
        let sites_of = |stage: usize| stages.get(stage).map_or(&[][..], |sites| &sites[..]);
        let site = match blamed {
            Some(blame::SOURCE) => sites_of(stage).first(),
            Some(ref site) => Some(site),
            None => sites_of(stage).last(),
        };
        site.and_then(|site| sites.get(site.0 as usize)).cloned().unwrap_or_else(|| "(unknown)".into())
    })
}
