//! Sources: a worker's share of the input, in containers that are stamped with the window that they belong to.

use timely::{
    container::NoopBuilder,
    dataflow::{Scope, Stream, operators::generic::operator::source},
};

use super::{Claims, Time};
use crate::workload::replay::{Replay, Replayed};

/// Bytes that a source gives out each time it is scheduled. Progress is exchanged and other operators run once each time; more than this no
/// longer fits the caches between them.
pub(super) const TURN_BYTES: usize = 256 << 10;

/// What `project` makes of a replay's records, in containers of at most `batch`, each within one window of `window_ms`: what `time` gives must not fall.
/// A window of 0 ms is the whole stream. Projecting here keeps containers small: an operator of its own would read and write each record once more.
pub(super) fn records<'scope, T: Replayed, D: Clone + 'static>(
    scope: Scope<'scope, Time>,
    replay: &Replay<T>,
    claims: &Claims,
    batch: usize,
    window_ms: i64,
    time: fn(&T) -> i64,
    project: impl Fn(T) -> D + 'static,
) -> Stream<'scope, Time, Vec<D>> {
    let (replay, mut claims) = (replay.clone(), claims.clone());
    let containers = (TURN_BYTES / size_of::<D>()).div_ceil(batch).max(1);
    source::<_, NoopBuilder<Vec<D>>, _, _>(scope, "Replay", move |capability, info| {
        let activator = scope.activator_for(info.address);
        let mut capability = Some(capability);
        let mut container = Vec::new();
        move |output| {
            for _ in 0..containers {
                let Some(now) = &mut capability else { return };
                let next = claims.next(batch as u64).and_then(|range| {
                    let (shift, slice) = replay.slices(range.clone(), batch).next()?;
                    Some((range, shift, slice))
                });
                let Some((range, shift, mut slice)) = next else {
                    capability = None;
                    return;
                };
                if window_ms > 0 {
                    let start = (time(&slice[0]) + shift.time).div_euclid(window_ms) * window_ms;
                    let is_inside = |record: &T| time(record) + shift.time < start + window_ms;
                    if !slice.last().is_some_and(is_inside) {
                        slice = &slice[..slice.partition_point(is_inside)];
                    }
                    if *now.time() < start {
                        now.downgrade(&start);
                    }
                }
                claims.unread(range.end - range.start - slice.len() as u64);
                container.clear();
                container.extend(slice.iter().map(|record| project(record.at(shift))));
                output.session_with_builder(now).give_container(&mut container);
            }
            activator.activate();
        }
    })
}
