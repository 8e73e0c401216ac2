//! Windows of keys: `tumbling` and `ysb`. A time is a window: each worker aggregates what it reads, the frontier closes a window there, its
//! partial aggregates go to the workers of their keys, and when the frontier has passed there too, they are results.
//!
//! ```text
//!   source ─ Vec<T> at window ─▶ Partial: window ─▶ a value each key ─ (key, value) by key ─▶ Merge: the same of partials ─▶ rows
//! ```

use std::{collections::VecDeque, sync::Arc, time::Duration};

use timely::{
    ExchangeData,
    dataflow::{
        Stream,
        channels::pact::{Exchange, Pipeline},
        operators::{Capability, generic::operator::Operator},
    },
    progress::frontier::MutableAntichain,
};

use super::{CLAIM_RECORDS, Claims, Rows, Time, add, execute, source};
use crate::{
    system::peers::panes::{Cell, Dense, Hashed, Pane},
    workload::{
        Answer,
        replay::Replay,
        synthetic::{Event, WINDOW_MS, tumbling_row},
        ysb::{self, Ad, EventType, campaign_row},
    },
};

/// Windows that are not closed, oldest first, each with the right to send what it holds.
pub(super) struct Open<P> {
    windows: VecDeque<(Capability<Time>, P)>,
    /// Panes of closed windows, for the next ones.
    spare: Vec<P>,
}

impl<P> Open<P> {
    pub(super) fn new() -> Open<P> {
        Open { windows: VecDeque::new(), spare: Vec::new() }
    }

    /// The pane of a window.
    #[inline]
    pub(super) fn pane(&mut self, time: Time, capability: impl FnOnce() -> Capability<Time>, new: impl FnOnce() -> P) -> &mut P {
        let place = self.windows.partition_point(|(open, _)| *open.time() < time);
        if self.windows.get(place).is_none_or(|(open, _)| *open.time() != time) {
            let pane = self.spare.pop().unwrap_or_else(new);
            self.windows.insert(place, (capability(), pane));
        }
        &mut self.windows[place].1
    }

    /// Hands the windows that the frontier has passed to `each`, oldest first, which empties them.
    pub(super) fn close(&mut self, frontier: &MutableAntichain<Time>, mut each: impl FnMut(&Capability<Time>, &mut P)) {
        while self.windows.front().is_some_and(|(window, _)| !frontier.less_equal(window.time()))
            && let Some((window, mut pane)) = self.windows.pop_front()
        {
            each(&window, &mut pane);
            self.spare.push(pane);
        }
    }
}

/// Aggregates each worker's records by window and key.
pub(super) fn partials<'scope, T: Clone + 'static, P: Pane>(
    records: Stream<'scope, Time, Vec<T>>,
    new: impl Fn() -> P + 'static,
    take: impl Fn(&mut P, &[T]) + 'static,
) -> Stream<'scope, Time, Vec<(u64, P::Value)>> {
    records.unary_frontier(Pipeline, "Partial", move |_, _| {
        let mut open = Open::new();
        move |(input, frontier), output| {
            input.for_each(|capability, records| {
                let Some(&time) = capability.least() else { return };
                take(open.pane(time, || capability.delayed(&time, 0), &new), records);
            });
            open.close(frontier, |window, pane| {
                let mut session = output.session(window);
                pane.drain(|key, value| session.give((key, value)));
            });
        }
    })
}

/// Puts the partial aggregates of a key together, on the worker of the key, and gives each window's rows out.
fn merge<P: Pane, const N: usize>(
    partials: Stream<'_, Time, Vec<(u64, P::Value)>>,
    rows: &Rows,
    new: impl Fn() -> P + 'static,
    row: fn(u64, Time, P::Value) -> [u64; N],
) where
    P::Value: ExchangeData,
    [u64; N]: Clone,
{
    let rows = rows.clone();
    partials
        .unary_frontier(Exchange::new(|(key, _): &(u64, P::Value)| *key), "Merge", move |_, _| {
            let mut open = Open::new();
            move |(input, frontier), output| {
                input.for_each(|capability, partials| {
                    let Some(&time) = capability.least() else { return };
                    let pane = open.pane(time, || capability.delayed(&time, 0), &new);
                    partials.drain(..).for_each(|(key, value)| pane.merge(key, value));
                });
                open.close(frontier, |window, pane| {
                    let mut session = output.session(window);
                    pane.drain(|key, value| session.give(row(key, *window.time(), value)));
                });
            }
        })
        .container::<Vec<_>>()
        .sink(Pipeline, "Rows", move |(input, _)| {
            input.for_each(|_, out| out.drain(..).for_each(|row| add(&rows, &row)));
        });
}

fn sum<P: Pane<Value = Cell>>(replay: &Replay<Event>, workers: usize, batch: usize, new: fn() -> P) -> Result<(Duration, Answer), String> {
    let (replay, claims) = (replay.clone(), Claims::new(replay.events, CLAIM_RECORDS));
    execute(workers, move |scope, rows| {
        let records =
            source::records(scope, &replay, &claims, batch, WINDOW_MS, |event| event.event_time, |event| (event.key, event.value));
        let partials = partials(records, new, |pane: &mut P, values: &[(u64, i64)]| {
            values.iter().for_each(|&(key, value)| pane.value(key).add(value, 1));
        });
        merge(partials, rows, new, |key, start, cell| tumbling_row(key, start, cell.sum, cell.count));
    })
}

/// `tumbling`: in an array where keys count from 0, in a hash table where they are scattered.
pub(super) fn tumbling(replay: &Replay<Event>, is_dense: bool, workers: usize, batch: usize) -> Result<(Duration, Answer), String> {
    if is_dense { sum(replay, workers, batch, Dense::<Cell>::default) } else { sum(replay, workers, batch, Hashed::<Cell>::default) }
}

/// `ysb`: the source projects to the ad and whether it was viewed; filter and join are part of the partial aggregate.
pub(super) fn ysb(replay: &Replay<Ad>, campaigns: &Arc<[u32]>, workers: usize, batch: usize) -> Result<(Duration, Answer), String> {
    let (replay, claims) = (replay.clone(), Claims::new(replay.events, CLAIM_RECORDS));
    let campaigns = campaigns.clone();
    execute(workers, move |scope, rows| {
        let new = Dense::<u64>::default;
        let campaigns = campaigns.clone();
        let records = source::records(
            scope,
            &replay,
            &claims,
            batch,
            ysb::WINDOW_MS,
            |ad| ad.event_time,
            |ad| (ad.ad_id, u32::from(ad.event_type == EventType::View)),
        );
        let partials = partials(records, new, move |pane, ads: &[(u32, u32)]| {
            for &(ad, views) in ads {
                // What is no view adds nothing: no branch to guess.
                *pane.value(u64::from(campaigns[ad as usize])) += u64::from(views);
            }
        });
        merge(partials, rows, new, |campaign, start, views| campaign_row(campaign as u32, start, views));
    })
}
