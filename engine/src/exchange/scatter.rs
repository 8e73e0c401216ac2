//! Each record to the worker that owns its key.

use super::{
    edge::Edge,
    outlet::{Outlet, OutletSeed},
};
use crate::{
    error::{BuildError, RunError},
    graph::{End, EndSeed, StageCx},
    operator::{Control, Operator, States},
    record::Movable,
    runtime::Scope,
};

/// Key groups: keys map to a fixed number of groups and groups to workers, so that state can move between worker counts.
pub(crate) const KEY_GROUPS: u64 = 128;

/// The group of a key with this hash.
#[inline]
pub(crate) fn group_of(hash: u64) -> u8 {
    // The high half, since tables use the low bits.
    ((hash >> 32) % KEY_GROUPS) as u8
}

/// The target, of `targets`, that owns a group.
#[inline]
pub(crate) fn owner_of(group: u8, targets: usize) -> usize {
    usize::from(group) * targets / KEY_GROUPS as usize
}

/// Ends a chain at an edge where each record goes to its owner; `group` gives the group of a record's key.
pub(crate) struct ScatterEnd<R: Movable, F> {
    pub(crate) edge: Edge<R::Item>,
    pub(crate) group: F,
}

impl<R, F> End<R> for ScatterEnd<R, F>
where
    R: Movable,
    F: FnMut(&R::Item) -> u8 + Clone + Send + 'static,
{
    type Seed = ScatterSeed<R::Item, F>;

    fn open(self, cx: &StageCx) -> Result<Vec<Self::Seed>, BuildError> {
        let targets = cx.workers_behind(self.edge.id).len();
        Ok(cx
            .workers
            .iter()
            .map(|&from| ScatterSeed::<R::Item, F> {
                outlets: (0..targets).map(|to| self.edge.outlet(cx, from, to)).collect(),
                group: self.group.clone(),
            })
            .collect())
    }
}

pub(crate) struct ScatterSeed<T, F> {
    outlets: Vec<OutletSeed<T>>,
    group: F,
}

impl<R, F> EndSeed<R> for ScatterSeed<R::Item, F>
where
    R: Movable,
    F: FnMut(&R::Item) -> u8 + Clone + Send + 'static,
{
    type Operator = Scatter<R::Item, F>;
    fn start(self, scope: &mut Scope) -> Self::Operator {
        Scatter { outlets: self.outlets.into_iter().map(|outlet| outlet.start(scope)).collect(), group: self.group }
    }
}

/// The last operator of such a chain.
pub(crate) struct Scatter<T, F> {
    outlets: Vec<Outlet<T>>,
    group: F,
}

impl<R, F> Operator<R> for Scatter<R::Item, F>
where
    R: Movable,
    F: FnMut(&R::Item) -> u8,
{
    #[inline(always)]
    fn process<'a, I>(&mut self, records: I)
    where
        I: Iterator<Item = R::Of<'a>>,
    {
        if let [only] = &mut self.outlets[..] {
            return only.send(records.map(R::into_item));
        }
        let targets = self.outlets.len();
        for record in records {
            let item = R::into_item(record);
            let owner = owner_of((self.group)(&item), targets);
            self.outlets[owner].stage(item);
        }
        for outlet in &mut self.outlets {
            outlet.flush();
        }
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
