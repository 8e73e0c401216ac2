//! Windows whose results may come early: at the key's owner, a pane for each window of a key, with its trigger's state.
//!
//! ```text
//!   lifted record ─▶ pane(s) of the key ─ trigger says so ─────▶ result so far      revision 0, 1, …
//!                                       ├ period passes, changed ▶ result so far
//!                                       └ watermark passes window ▶ result, if it changed since: the pane has fired
//!   allowed lateness: a fired pane stays for so long ─ late record ▶ result anew, after the batch
//! ```
//!
//! Records hop one by one, so that a trigger sees each. A record of a sliding window works on each of its windows.

use std::{
    cmp::Reverse,
    collections::{BinaryHeap, VecDeque},
    marker::PhantomData,
};

use super::{
    Revised, WindowPartial,
    assign::{Slices, clamp},
    limit,
    numbered::Numbered,
    open::Late,
    paned::Panes,
    trigger::Trigger,
};
use crate::{
    error::RunError,
    metrics::Counter,
    operator::{
        Control, EMIT, Operator, States,
        aggregate::Aggregate,
        blame::{Site, guard},
        link::{ChainCx, Step},
    },
    record::{Own, Record, Timed},
    state::{Key, Partial},
    time::EventTime,
    watermark::Ticks,
};

/// Makes results of lifted records when a trigger or the watermark says so.
pub struct MergePanes<R, K, A, T> {
    pub(crate) panes: Panes,
    pub(crate) trigger: T,
    pub(crate) aggregate: A,
    pub(crate) site: Site,
    pub(crate) late: Counter,
    pub(crate) open_max: usize,
    pub(crate) of: PhantomData<fn(R) -> K>,
}

impl<R, K, A: Clone, T: Clone> Clone for MergePanes<R, K, A, T> {
    fn clone(&self) -> Self {
        let Self { panes, trigger, aggregate, site, late, open_max, .. } = self;
        Self {
            panes: *panes,
            trigger: trigger.clone(),
            aggregate: aggregate.clone(),
            site: *site,
            late: late.clone(),
            open_max: *open_max,
            of: PhantomData,
        }
    }
}

impl<R: Record, K: Key, A: Aggregate<R>, T: Trigger> Step<Own<WindowPartial<K, A::Partial>>> for MergePanes<R, K, A, T> {
    type Out = Timed<Own<Revised<K, A::Out>>>;
    fn before<N: Operator<Self::Out> + 'static>(self, next: N, _: ChainCx) -> impl Operator<Own<WindowPartial<K, A::Partial>>> + 'static {
        MergingPanes {
            ticks: self.trigger.ticks().map(Ticks::new),
            of: self,
            keys: Numbered::new(),
            deadlines: BinaryHeap::new(),
            changed: Vec::new(),
            corrected: Vec::new(),
            watermark: EventTime::MIN,
            found: None,
            told: EventTime::MIN,
            out: VecDeque::new(),
            pending: None,
            next,
        }
    }
}

/// A window of a key.
#[derive(Clone)]
struct Pane<P, S> {
    /// Of a window of fixed size: where it begins.
    start: i128,
    partial: P,
    state: S,
    /// Least and greatest time of its records.
    first: EventTime,
    last: EventTime,
    records: u64,
    /// Results so far.
    results: u32,
    /// Whether a record has come since the last result.
    changed: bool,
    /// The watermark has passed the window. It is kept for records that may still change it.
    fired: bool,
}

/// What is kept of a key.
#[derive(Clone)]
struct OfKey<P, S> {
    /// In no order.
    panes: Vec<Pane<P, S>>,
    /// The deadline of the valid timer.
    armed: Option<EventTime>,
    /// Whether the number is in the list of those that changed. Outlasts the key.
    listed: bool,
}

impl<P, S> Default for OfKey<P, S> {
    fn default() -> Self {
        Self { panes: Vec::new(), armed: None, listed: false }
    }
}

struct MergingPanes<R: Record, K, A: Aggregate<R>, T: Trigger, N> {
    of: MergePanes<R, K, A, T>,
    keys: Numbered<K, OfKey<A::Partial, T::State>>,
    /// Deadlines and the numbers of their keys. One that is not what its key says is void.
    deadlines: BinaryHeap<Reverse<(EventTime, u32)>>,
    /// Numbers of keys with a pane that may have changed since its last result, once each. Kept only for triggers with a period.
    changed: Vec<u32>,
    /// Numbers of keys with a fired pane that has changed. Empty between batches, once all has left.
    corrected: Vec<u32>,
    ticks: Option<Ticks>,
    watermark: EventTime,
    /// Start of a slice of time, and the windows that hold it and have not fired. Forgotten when the watermark moves.
    found: Option<(EventTime, (i128, i128))>,
    /// The watermark that those behind know.
    told: EventTime,
    /// Results on their way.
    out: VecDeque<(EventTime, Revised<K, A::Out>)>,
    pending: Option<Control>,
    next: N,
}

impl<R: Record, K: Key, A: Aggregate<R>, T: Trigger> MergePanes<R, K, A, T> {
    /// Adds a record to the pane that begins at `start`, or a new one, and says whether its result is due.
    fn add(
        &mut self,
        panes: &mut Vec<Pane<A::Partial, T::State>>,
        (start, time, partial): (i128, EventTime, A::Partial),
        watermark: EventTime,
    ) -> (usize, bool) {
        let at = panes.iter().position(|pane| pane.start == start).unwrap_or_else(|| {
            let (partial, state) = (A::Partial::empty(), T::State::default());
            let fired = matches!(self.panes, Panes::Fixed(windows) if windows.last_of_window(start) <= watermark);
            panes.push(Pane { start, partial, state, first: time, last: time, records: 0, results: 0, changed: false, fired });
            panes.len() - 1
        });
        let pane = &mut panes[at];
        (pane.first, pane.last) = (pane.first.min(time), pane.last.max(time));
        pane.records += 1;
        pane.changed = true;
        let Self { aggregate, trigger, .. } = self;
        let due = guard(self.site, || {
            aggregate.combine(&mut pane.partial, partial);
            trigger.on_record(&mut pane.state, time)
        });
        (at, due)
    }

    /// A pane's result so far.
    fn result(&self, key: &K, pane: &mut Pane<A::Partial, T::State>, told: EventTime) -> (EventTime, Revised<K, A::Out>) {
        let (start, end, time) = match self.panes {
            Panes::Fixed(windows) => {
                let last = windows.last_of_window(pane.start);
                (clamp(pane.start), last.saturating_add(1), last)
            }
            Panes::Global | Panes::Count(_) => (pane.first, pane.last.saturating_add(1), pane.last.max(told.saturating_add(1))),
        };
        let value = guard(self.site, || self.aggregate.lower(&pane.partial));
        let revision = pane.results;
        pane.results = revision.saturating_add(1);
        pane.changed = false;
        (time, Revised { key: key.clone(), start, end, revision, value })
    }

    /// The watermark at which something happens to the pane: it fires, or goes.
    fn deadline(&self, pane: &Pane<A::Partial, T::State>) -> EventTime {
        match self.panes {
            Panes::Fixed(windows) if pane.fired => windows.kept_of_window(pane.start),
            Panes::Fixed(windows) => windows.last_of_window(pane.start),
            Panes::Global | Panes::Count(_) => EventTime::MAX,
        }
    }
}

impl<R: Record, K: Key, A: Aggregate<R>, T: Trigger, N> MergingPanes<R, K, A, T, N> {
    /// Works on a lifted record.
    fn add(&mut self, key: &K, time: EventTime, partial: A::Partial) -> Result<(), Late> {
        let (first, last, slide) = match self.of.panes {
            Panes::Global | Panes::Count(_) => (0, 0, 1),
            Panes::Fixed(windows) => match self.windows_of(windows, time)? {
                Some((first, last)) => (first, last, windows.slide()),
                None => return Ok(()),
            },
        };
        let number = self.keys.number(key);
        let periodic = self.ticks.is_some() || self.of.trigger.event_period_ms().is_some();
        let Self { of, keys, out, told, watermark, .. } = self;
        let of_key = keys.at(number);
        let (mut start, mut corrects, known) = (first, false, (*watermark, *told));
        while start + slide <= last {
            corrects |= Self::step(of, &mut of_key.panes, (key, known), (start, time, partial.clone()), out);
            start += slide;
        }
        corrects |= Self::step(of, &mut of_key.panes, (key, known), (start, time, partial), out);
        if corrects && self.corrected.last() != Some(&number) {
            self.corrected.push(number);
        }
        if periodic && !std::mem::replace(&mut of_key.listed, true) {
            self.changed.push(number);
        }
        self.arm(number);
        Ok(())
    }

    /// The windows that hold this time and may change, none if it is in a gap.
    fn windows_of(&mut self, windows: Slices, time: EventTime) -> Result<Option<(i128, i128)>, Late> {
        // Most records are of the same slice as the one before, and divisions in 128 bits are slow.
        if let Some((start, found)) = self.found
            && time.wrapping_sub(start).cast_unsigned() < windows.slice.size_ms().cast_unsigned()
        {
            return Ok(Some(found));
        }
        let begin = i128::from(time);
        let Some(last) = windows.last_window(begin) else { return Ok(None) };
        if windows.kept_of_window(last) <= self.watermark {
            return Err(Late);
        }
        let found = (windows.first_window(begin).max(windows.first_kept(self.watermark)), last);
        let start = windows.slice.start(time);
        // The slice of the least time may begin before what an event time can say.
        self.found = (start > EventTime::MIN).then_some((start, found));
        Ok(Some(found))
    }

    /// Works on a lifted record in one of its windows. Says whether that has fired already and its result is out of date.
    fn step(
        of: &mut MergePanes<R, K, A, T>,
        panes: &mut Vec<Pane<A::Partial, T::State>>,
        (key, (watermark, told)): (&K, (EventTime, EventTime)),
        record: (i128, EventTime, A::Partial),
        out: &mut VecDeque<(EventTime, Revised<K, A::Out>)>,
    ) -> bool {
        let (at, due) = of.add(panes, record, watermark);
        let full = matches!(of.panes, Panes::Count(records) if panes[at].records >= records);
        if due || full {
            out.push_back(of.result(key, &mut panes[at], told));
        }
        let corrects = panes[at].fired && panes[at].changed;
        if full {
            panes.swap_remove(at);
        }
        corrects
    }

    /// Sets the key's timer if it has none or a later one; forgets a key without panes.
    fn arm(&mut self, number: u32) {
        let Self { of, keys, deadlines, .. } = self;
        let of_key = keys.at(number);
        let Some(earliest) = of_key.panes.iter().map(|pane| of.deadline(pane)).min() else {
            of_key.armed = None;
            keys.release(number);
            return;
        };
        if of_key.armed.is_none_or(|armed| earliest < armed) {
            of_key.armed = Some(earliest);
            deadlines.push(Reverse((earliest, number)));
        }
    }

    /// Puts out results so far of all that has changed.
    fn put_out_changed(&mut self) {
        let Self { of, keys, changed, out, told, .. } = self;
        for number in changed.drain(..) {
            let entry = keys.entry(number);
            entry.value.listed = false;
            // Free by now if the window has fired; then nothing is there.
            let Some(key) = &entry.key else { continue };
            for pane in entry.value.panes.iter_mut().filter(|pane| pane.changed) {
                out.push_back(of.result(key, pane, *told));
            }
        }
    }

    /// Puts out the results of fired panes that late records have changed.
    #[cold]
    fn put_out_corrected(&mut self) {
        let Self { of, keys, corrected, out, told, .. } = self;
        for number in corrected.drain(..) {
            let entry = keys.entry(number);
            let Some(key) = &entry.key else { continue };
            for pane in entry.value.panes.iter_mut().filter(|pane| pane.fired && pane.changed) {
                out.push_back(of.result(key, pane, *told));
            }
        }
    }

    /// Puts out some of what the watermark has passed; `false` if there is nothing.
    fn put_out_passed(&mut self) -> bool {
        let mut any = false;
        while self.out.len() < EMIT
            && let Some(&Reverse((deadline, number))) = self.deadlines.peek()
            && deadline <= self.watermark
        {
            any = true;
            self.deadlines.pop();
            let Self { of, keys, out, told, watermark, .. } = self;
            let entry = keys.entry(number);
            let Some(key) = &entry.key else { continue };
            if entry.value.armed != Some(deadline) {
                continue;
            }
            entry.value.armed = None;
            entry.value.panes.retain_mut(|pane| {
                if of.deadline(pane) > *watermark {
                    return true;
                }
                if pane.changed {
                    out.push_back(of.result(key, pane, *told));
                }
                pane.fired = true;
                of.deadline(pane) > *watermark
            });
            self.arm(number);
        }
        any
    }

    /// Emits what is due, as far as it goes. `true` once all has left.
    #[cold]
    fn emit(&mut self) -> Result<bool, RunError>
    where
        N: Operator<Timed<Own<Revised<K, A::Out>>>>,
    {
        loop {
            if self.out.is_empty() && !self.put_out_passed() {
                break;
            }
            if !self.next.ready()? {
                return Ok(false);
            }
            let some = self.out.len().min(EMIT);
            self.next.process(self.out.drain(..some));
        }
        if !self.next.ready()? {
            return Ok(false);
        }
        match self.pending.take() {
            None => Ok(true),
            Some(control) => {
                self.next.control(control);
                self.next.ready()
            }
        }
    }
}

impl<R: Record, K: Key, A: Aggregate<R>, T: Trigger, N> Operator<Own<WindowPartial<K, A::Partial>>> for MergingPanes<R, K, A, T, N>
where
    N: Operator<Timed<Own<Revised<K, A::Out>>>>,
{
    #[inline(always)]
    fn process<'a, I>(&mut self, partials: I)
    where
        I: Iterator<Item = <Own<WindowPartial<K, A::Partial>> as Record>::Of<'a>>,
    {
        let mut late = 0;
        for WindowPartial { key, start, partial } in partials {
            if let Err(Late) = self.add(&key, start, partial) {
                late += 1;
            }
        }
        self.of.late.add(late);
    }

    fn control(&mut self, control: Control) {
        match control {
            Control::Watermark(watermark) if watermark > self.watermark => {
                let before = std::mem::replace(&mut self.watermark, watermark);
                self.found = None;
                if let Some(period) = self.of.trigger.event_period_ms()
                    && before.div_euclid(period) < watermark.div_euclid(period)
                {
                    self.put_out_changed();
                }
            }
            Control::End => (self.watermark, self.found) = (EventTime::MAX, None),
            Control::Watermark(_) | Control::Barrier(_) | Control::Idle => {}
        }
        if let Control::Watermark(watermark) = control {
            self.told = self.told.max(watermark);
        }
        self.pending = Some(match (control, self.of.panes) {
            // No result, however late, comes behind what is told.
            (Control::Watermark(watermark), Panes::Fixed(windows)) => Control::Watermark(windows.held_back(watermark)),
            (control, _) => control,
        });
    }

    #[inline]
    fn ready(&mut self) -> Result<bool, RunError> {
        limit(self.keys.len(), self.of.open_max, self.of.site)?;
        if !self.corrected.is_empty() {
            self.put_out_corrected();
        }
        if let Some(ticks) = &mut self.ticks
            && self.pending != Some(Control::End)
            && ticks.tick().is_some()
        {
            self.put_out_changed();
        }
        if self.pending.is_none() && self.out.is_empty() { self.next.ready() } else { self.emit() }
    }

    fn states(&mut self, states: &mut States<'_>) {
        let Self { of, keys, deadlines, changed, corrected: _, ticks, watermark, found: _, told, out: _, pending: _, next } = self;
        states.same(&of.panes);
        states.keep(keys);
        states.keep(deadlines);
        states.keep(changed);
        if let Some(ticks) = ticks {
            ticks.states(states);
        }
        states.keep(watermark);
        states.keep(told);
        next.states(states);
    }
}
