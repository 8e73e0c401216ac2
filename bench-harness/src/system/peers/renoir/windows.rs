//! `tumbling`, `ysb` and `sliding`: operators that cut windows aligned to the epoch.
//!
//! ```text
//!   source ─▶ Cut: open window ─▶ a value each key ─ (start, key, value), watermark ─ group_by key ─▶ Join: windows ─▶ rows
//! ```

use std::{collections::VecDeque, sync::Arc, time::Duration};

use renoir::{
    BatchMode, Stream, StreamContext,
    operator::{ElementGenerator, ExchangeData, Operator, StreamElement, sink::StreamOutput},
};

use super::{answered, source::records};
use crate::{
    system::{
        Job,
        peers::{
            panes::{Cell, Dense, Hashed, Pane},
            slide::Slices,
        },
    },
    workload::{
        Answer,
        replay::{Replay, Replayed},
        synthetic::{Event, WINDOW_MS, tumbling_row},
        windowed::{SLIDING_MS, sliding_row},
        ysb::{self, Ad, EventType, campaign_row},
    },
};

/// A window's start, a key, and what the window holds of it.
type Part<V> = (i64, u64, V);

/// Partial aggregates in a batch between blocks.
const BATCH: usize = 1 << 10;

/// Cuts a replica's records, whose event times do not fall, into windows.
#[derive(Clone)]
struct Cut<P: Pane> {
    window_ms: i64,
    pane: P,
    /// Start and end of the open window.
    open: Option<(i64, i64)>,
    /// What is to be given out before the next record is asked for.
    pending: VecDeque<StreamElement<Part<P::Value>>>,
}

impl<P: Pane> Cut<P> {
    fn new(window_ms: i64, pane: P) -> Cut<P> {
        Cut { window_ms, pane, open: None, pending: VecDeque::new() }
    }

    #[inline(always)]
    fn process<T>(
        &mut self,
        mut records: ElementGenerator<'_, impl Operator<Out = T>>,
        time: impl Fn(&T) -> i64,
        take: impl Fn(&mut P, T),
    ) -> StreamElement<Part<P::Value>> {
        if let Some(element) = self.pending.pop_front() {
            return element;
        }
        let mut end = self.open.map_or(i64::MIN, |(_, end)| end);
        loop {
            match records.next() {
                StreamElement::Item(record) => {
                    if time(&record) >= end {
                        end = self.turn(time(&record));
                        take(&mut self.pane, record);
                        if let Some(element) = self.pending.pop_front() {
                            return element;
                        }
                    } else {
                        take(&mut self.pane, record);
                    }
                }
                StreamElement::FlushAndRestart => {
                    self.close();
                    self.pending.push_back(StreamElement::FlushAndRestart);
                    return self.pending.pop_front().unwrap_or(StreamElement::Terminate);
                }
                StreamElement::Terminate => return StreamElement::Terminate,
                StreamElement::FlushBatch => return StreamElement::FlushBatch,
                StreamElement::Timestamped(..) | StreamElement::Watermark(_) => unreachable!("nothing before it gives times"),
            }
        }
    }

    /// Closes the open window and opens that of `time`; gives its end.
    #[cold]
    #[inline(never)]
    fn turn(&mut self, time: i64) -> i64 {
        self.close();
        let start = time.div_euclid(self.window_ms) * self.window_ms;
        self.pending.push_back(StreamElement::Watermark(start));
        self.open = Some((start, start + self.window_ms));
        start + self.window_ms
    }

    fn close(&mut self) {
        let Some((start, _)) = self.open.take() else { return };
        let pending = &mut self.pending;
        self.pane.drain(|key, value| pending.push_back(StreamElement::Timestamped((start, key, value), start)));
    }
}

/// Puts the parts of keys together; a watermark says that no part of an earlier window comes any more.
#[derive(Clone)]
struct Join<S, const N: usize> {
    state: S,
    rows: VecDeque<[u64; N]>,
    ending: bool,
}

/// Windows whose parts come in.
trait Joined<V>: Clone + Send + 'static {
    fn add(&mut self, part: Part<V>);
    /// Gives the rows that are complete when all windows before `complete` are.
    fn close(&mut self, complete: i64, row: impl FnMut(u64, i64, V));
}

impl<S, const N: usize> Join<S, N> {
    fn new(state: S) -> Self {
        Join { state, rows: VecDeque::new(), ending: false }
    }

    fn process<V>(
        &mut self,
        mut parts: ElementGenerator<'_, impl Operator<Out = (u64, Part<V>)>>,
        row: fn(u64, i64, V) -> [u64; N],
    ) -> StreamElement<[u64; N]>
    where
        S: Joined<V>,
    {
        loop {
            if let Some(row) = self.rows.pop_front() {
                return StreamElement::Item(row);
            }
            if std::mem::take(&mut self.ending) {
                return StreamElement::FlushAndRestart;
            }
            let rows = &mut self.rows;
            let mut give = |key, time, value| rows.push_back(row(key, time, value));
            match parts.next() {
                StreamElement::Timestamped((_, part), _) | StreamElement::Item((_, part)) => self.state.add(part),
                StreamElement::Watermark(complete) => self.state.close(complete, &mut give),
                StreamElement::FlushAndRestart => {
                    self.state.close(i64::MAX, &mut give);
                    self.ending = true;
                }
                StreamElement::Terminate => return StreamElement::Terminate,
                StreamElement::FlushBatch => return StreamElement::FlushBatch,
            }
        }
    }
}

/// Tumbling windows, oldest first.
#[derive(Clone)]
struct Tumbling<P> {
    new: fn() -> P,
    open: VecDeque<(i64, P)>,
    spare: Vec<P>,
}

impl<P: Pane + Clone + Send> Joined<P::Value> for Tumbling<P> {
    fn add(&mut self, (start, key, value): Part<P::Value>) {
        let place = self.open.partition_point(|(open, _)| *open < start);
        if self.open.get(place).is_none_or(|(open, _)| *open != start) {
            let pane = self.spare.pop().unwrap_or_else(self.new);
            self.open.insert(place, (start, pane));
        }
        self.open[place].1.merge(key, value);
    }

    fn close(&mut self, complete: i64, mut row: impl FnMut(u64, i64, P::Value)) {
        while self.open.front().is_some_and(|(start, _)| *start < complete)
            && let Some((start, mut pane)) = self.open.pop_front()
        {
            pane.drain(|key, value| row(key, start, value));
            self.spare.push(pane);
        }
    }
}

impl Joined<Cell> for Slices {
    fn add(&mut self, (start, key, cell): Part<Cell>) {
        Slices::add(self, start, std::iter::once((key, cell)));
    }

    fn close(&mut self, complete: i64, row: impl FnMut(u64, i64, Cell)) {
        self.advance(complete, row);
    }
}

/// From the parts of all replicas to the answer.
fn join<V: ExchangeData, S: Joined<V>, const N: usize>(
    parts: Stream<impl Operator<Out = Part<V>> + 'static>,
    state: S,
    row: fn(u64, i64, V) -> [u64; N],
) -> StreamOutput<Vec<Answer>> {
    let mut join = Join::new(state);
    parts
        .group_by(|(_, key, _)| *key)
        .rich_map_custom(move |parts| join.process(parts, row))
        .fold_assoc(Answer::default(), |answer, row| answer.add(&row), |answer, more| *answer = answer.merge(more))
        .collect_vec()
}

/// From the records of each replica to the parts of its windows.
fn cut<T: Replayed, P: Pane + Clone + Send>(
    context: &StreamContext,
    source: impl FnOnce(u64, u64) -> super::source::Records<T> + Clone + Send + 'static,
    mut cut: Cut<P>,
    time: fn(&T) -> i64,
    take: impl Fn(&mut P, T) + Clone + Send + 'static,
) -> Stream<impl Operator<Out = Part<P::Value>> + 'static>
where
    P::Value: Send,
{
    context.stream_par_iter(source).batch_mode(BatchMode::fixed(BATCH)).rich_map_custom(move |records| cut.process(records, time, &take))
}

fn sum<P: Pane<Value = Cell> + Clone + Send>(replay: &Replay<Event>, job: &Job, new: fn() -> P) -> Result<(Duration, Answer), String> {
    answered(job.cores, |context, started| {
        let take = |pane: &mut P, event: Event| pane.value(event.key).add(event.value, 1);
        let parts = cut(context, records(replay, started), Cut::new(WINDOW_MS, new()), |event| event.event_time, take);
        let state = Tumbling { new, open: VecDeque::new(), spare: Vec::new() };
        join(parts, state, |key, start, cell| tumbling_row(key, start, cell.sum, cell.count))
    })
}

/// `tumbling`: in an array where keys count from 0, in a hash table where they are scattered.
pub(super) fn tumbling(replay: &Replay<Event>, is_dense: bool, job: &Job) -> Result<(Duration, Answer), String> {
    if is_dense { sum(replay, job, Dense::<Cell>::default) } else { sum(replay, job, Hashed::<Cell>::default) }
}

/// `sliding`: cut into slices as long as the slide; those of a window are kept where its key is.
pub(super) fn sliding(replay: &Replay<Event>, slide_ms: i64, job: &Job) -> Result<(Duration, Answer), String> {
    answered(job.cores, |context, started| {
        let pane = Dense::<Cell>::default();
        let take = |pane: &mut Dense<Cell>, event: Event| pane.value(event.key).add(event.value, 1);
        let parts = cut(context, records(replay, started), Cut::new(slide_ms, pane), |event| event.event_time, take);
        join(parts, Slices::new(SLIDING_MS, slide_ms), |key, end, cell| sliding_row(key, end, cell.sum, cell.count))
    })
}

/// `ysb`: filter, projection and join are part of the aggregate.
pub(super) fn ysb(replay: &Replay<Ad>, campaigns: &Arc<[u32]>, job: &Job) -> Result<(Duration, Answer), String> {
    let campaigns = campaigns.clone();
    answered(job.cores, |context, started| {
        let new = Dense::<u64>::default;
        // What is no view adds nothing: no branch to guess.
        let take = move |pane: &mut Dense<u64>, ad: Ad| {
            *pane.value(u64::from(campaigns[ad.ad_id as usize])) += u64::from(ad.event_type == EventType::View);
        };
        let parts = cut(context, records(replay, started), Cut::new(ysb::WINDOW_MS, new()), |ad| ad.event_time, take);
        let state = Tumbling { new, open: VecDeque::new(), spare: Vec::new() };
        join(parts, state, |campaign, start, views| campaign_row(campaign as u32, start, views))
    })
}
