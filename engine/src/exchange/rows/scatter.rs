//! Each row to the worker that owns its key.

use super::{RowEdge, RowOutlet, RowOutletSeed};
use crate::{
    error::{BuildError, RunError},
    exchange::scatter::owner_of,
    graph::{End, EndSeed, StageCx},
    operator::{Control, Operator, States},
    record::{Portable, Record, Timed},
    runtime::Scope,
    time::EventTime,
};

/// Bytes of rows that are lent to this worker's own share at a time: they stay in the first-level cache, beside what they come from.
const LENT_BYTES: usize = 8 << 10;

/// As many rows of a size as that is, within reason.
const fn rows_lent<R>() -> usize {
    let rows = LENT_BYTES / if size_of::<R>() == 0 { 1 } else { size_of::<R>() };
    if rows < 32 {
        32
    } else if rows > 256 {
        256
    } else {
        rows
    }
}

/// Gives the group of a row's key.
pub(crate) trait Grouping<R: Record>: for<'a, 'b> FnMut(&'b R::Of<'a>) -> u8 + Clone + Send + 'static {}

impl<R: Record, F: for<'a, 'b> FnMut(&'b R::Of<'a>) -> u8 + Clone + Send + 'static> Grouping<R> for F {}

/// Ends a chain at an edge where each row goes to its owner.
pub(crate) struct RowScatterEnd<R: Portable, F> {
    pub(crate) edge: RowEdge<R>,
    pub(crate) group: F,
}

impl<R: Portable, F: Grouping<R>> End<Timed<R>> for RowScatterEnd<R, F> {
    type Seed = RowScatterSeed<R, F>;

    fn open(self, cx: &StageCx) -> Result<Vec<Self::Seed>, BuildError> {
        let targets = cx.workers_behind(self.edge.id).len();
        Ok(cx
            .workers
            .iter()
            .map(|&from| RowScatterSeed {
                outlets: (0..targets).map(|to| self.edge.outlet(cx, from, to)).collect(),
                group: self.group.clone(),
            })
            .collect())
    }
}

pub(crate) struct RowScatterSeed<R: Portable, F> {
    outlets: Vec<RowOutletSeed<R>>,
    group: F,
}

impl<R: Portable, F: Grouping<R>> EndSeed<Timed<R>> for RowScatterSeed<R, F> {
    type Operator = RowScatter<R, F>;
    fn start(self, scope: &mut Scope) -> Self::Operator {
        let outlets: Vec<_> = self.outlets.into_iter().map(|outlet| outlet.start(scope)).collect();
        let local = outlets.iter().position(RowOutlet::is_local);
        RowScatter { outlets, local, group: self.group, lent: Vec::with_capacity(rows_lent::<(EventTime, R::Of<'static>)>()) }
    }
}

/// The last operator of such a chain.
pub(crate) struct RowScatter<R: Portable, F> {
    outlets: Vec<RowOutlet<R>>,
    /// The outlet to this worker, if one is.
    local: Option<usize>,
    group: F,
    /// Empty between calls; the room is kept.
    lent: Vec<(EventTime, R::Of<'static>)>,
}

/// The same room for records that live otherwise. The standard library collects in place.
fn reuse<A, B>(mut room: Vec<A>) -> Vec<B> {
    room.clear();
    room.into_iter().map(|_| unreachable!("it is empty")).collect()
}

impl<R: Portable, F: Grouping<R>> Operator<Timed<R>> for RowScatter<R, F> {
    #[inline(always)]
    fn process<'a, I>(&mut self, rows: I)
    where
        I: Iterator<Item = (EventTime, R::Of<'a>)>,
    {
        let mut lent: Vec<(EventTime, R::Of<'a>)> = reuse(std::mem::take(&mut self.lent));
        let Self { outlets, local, group, .. } = self;
        let targets = outlets.len();
        // With no outlet to this worker, none is lent to.
        let own = local.unwrap_or(usize::MAX);
        let mut lend = |outlet: &mut RowOutlet<R>, time, row| {
            lent.push((time, row));
            if lent.len() >= const { rows_lent::<(EventTime, R::Of<'static>)>() } {
                outlet.lend(&mut lent);
            }
        };
        // `for_each` and no `for`: adapters before it then stand in one loop over the slice that a source lends.
        if let ([outlet], Some(_)) = (&mut outlets[..], *local) {
            rows.for_each(|(time, row)| lend(outlet, time, row));
        } else {
            rows.for_each(|(time, row)| {
                let owner = if targets == 1 { 0 } else { owner_of(group(&row), targets) };
                let outlet = &mut outlets[owner];
                if owner == own { lend(outlet, time, row) } else { outlet.pack(time, row) }
            });
        }
        if !lent.is_empty() {
            outlets[own].lend(&mut lent);
        }
        for outlet in outlets {
            outlet.flush();
        }
        self.lent = reuse(lent);
    }

    fn control(&mut self, control: Control) {
        for outlet in &mut self.outlets {
            outlet.send_control(control);
        }
    }

    #[inline(always)]
    fn ready(&mut self) -> Result<bool, RunError> {
        // All of them: what one holds must not wait for another.
        let mut ready = true;
        for outlet in &mut self.outlets {
            ready &= outlet.ready()?;
        }
        Ok(ready)
    }

    fn states(&mut self, _: &mut States<'_>) {}
}
