//! Sessions that late records may still change: results, and later results that replace them.
//!
//! ```text
//!   gap 3      fired [1, 8) revision 0   fired [12, 16) revision 0            watermark 20, allowed lateness 10
//!   late 9     ├──────────┤ . . . . . . .├─────┤
//!   result     [1, 16) revision 1        replaces both, for it covers both
//! ```
//!
//! Laws
//! - A session fires when the watermark `w >= last + gap`, and is kept until `w >= last + gap + lateness`.
//! - A record that joins a session which has fired makes a result at once if that is still over, and opens it again if not. Its revision is one
//!   more than the highest of those that it joins.
//! - A result of a revision above 0 replaces all earlier results of its key whose sessions lie within its own. What no later result replaces is
//!   what an oracle says that knows all records that were not late.
//! - A record is late if it joins no session that is kept, and its own would have to go at once.
//!
//! Why "within": sessions that are kept are apart by more than the gap, and each that a result covers was joined. One that was forgotten begins
//! at a time that no record can have any more, so nothing can cover it.
//!
//! It is a process function: records come to their key's owner one by one, and that alone says which are late, by the merged watermark.
//!
//! # Cost
//! Of a record: a search through the key's sessions that are kept, few unless the lateness is many times the gap.

use super::{Revised, session::Session};
use crate::{
    error::RunError,
    operator::{
        Aggregate, Control, Operator, States,
        link::{ChainCx, Step},
    },
    process::{Context, Either, Process, Timer},
    record::{Own, Record},
    state::{Key, Partial},
    time::EventTime,
};

/// Keeps the sessions of a key.
pub(crate) struct LenientSessions<A> {
    pub(crate) windows: Session,
    pub(crate) lateness_ms: i64,
    pub(crate) aggregate: A,
    /// Late records go on, besides being counted.
    pub(crate) hands_out_late: bool,
}

/// The sessions of a key, any two further apart than the gap, in order.
#[derive(Clone)]
pub(crate) struct OfKey<P> {
    sessions: Vec<Kept<P>>,
    /// The timer that is set, if any.
    armed: Option<EventTime>,
}

#[derive(Clone)]
struct Kept<P> {
    first: EventTime,
    last: EventTime,
    partial: P,
    /// Results so far: 1 and the highest revision.
    results: u32,
    /// Nothing has come since the last result.
    fired: bool,
}

impl<A> LenientSessions<A> {
    fn deadline<P>(&self, session: &Kept<P>) -> EventTime {
        session.last.saturating_add(self.windows.gap_ms())
    }

    /// The watermark at which a session goes.
    fn kept_until<P>(&self, session: &Kept<P>) -> EventTime {
        self.deadline(session).saturating_add(self.lateness_ms)
    }

    fn result<K, R, X>(&self, session: &mut Kept<A::Partial>, cx: &mut Context<'_, K, Either<Revised<K, A::Out>, X>>)
    where
        K: Key,
        R: Record,
        A: Aggregate<R>,
    {
        let (end, revision) = (self.deadline(session), session.results);
        session.results = revision.saturating_add(1);
        session.fired = true;
        let row = Revised { key: cx.key().clone(), start: session.first, end, revision, value: self.aggregate.lower(&session.partial) };
        cx.emit_at(end.saturating_sub(1), Either::Left(row));
    }

    /// Sees to it that the key hears of the next thing that happens to one of its sessions.
    fn arm<P, K: Key, X>(&self, of: &mut OfKey<P>, cx: &mut Context<'_, K, X>) {
        let happens = |session: &Kept<P>| if session.fired { self.kept_until(session) } else { self.deadline(session) };
        // Extending a session leaves a timer that comes too early; it is set anew then.
        if let Some(next) = of.sessions.iter().map(happens).min()
            && of.armed.is_none_or(|armed| next < armed)
        {
            if let Some(armed) = of.armed.replace(next) {
                cx.cancel_timer(armed);
            }
            cx.set_timer(next);
        }
    }
}

impl<K, T, A> Process<K, T> for LenientSessions<A>
where
    K: Key,
    T: Send + 'static,
    A: Aggregate<Own<T>>,
{
    type State = OfKey<A::Partial>;
    type Out = Either<Revised<K, A::Out>, T>;

    fn on_record(&mut self, state: &mut Option<OfKey<A::Partial>>, record: T, cx: &mut Context<'_, K, Self::Out>) {
        let (time, gap_ms) = (cx.time(), self.windows.gap_ms());
        let sessions = state.as_ref().map_or(&[][..], |of| &of.sessions);
        let from = sessions.partition_point(|session| self.deadline(session) < time);
        let to = sessions.partition_point(|session| session.first.saturating_sub(gap_ms) <= time);
        let mut new = Kept { first: time, last: time, partial: A::Partial::empty(), results: 0, fired: false };
        if from == to && self.kept_until(&new) <= cx.watermark() {
            cx.count_late();
            if self.hands_out_late {
                cx.emit(Either::Right(record));
            }
            return;
        }
        self.aggregate.lift(&mut new.partial, &record);
        let of = state.get_or_insert_with(|| OfKey { sessions: Vec::new(), armed: None });
        for joined in of.sessions.drain(from..to) {
            (new.first, new.last) = (new.first.min(joined.first), new.last.max(joined.last));
            new.results = new.results.max(joined.results);
            self.aggregate.combine(&mut new.partial, joined.partial);
        }
        if self.deadline(&new) <= cx.watermark() {
            self.result(&mut new, cx);
        }
        of.sessions.insert(from, new);
        self.arm(of, cx);
    }

    fn on_timer(&mut self, state: &mut Option<OfKey<A::Partial>>, _: Timer, cx: &mut Context<'_, K, Self::Out>) {
        let Some(of) = state else { return };
        of.armed = None;
        let watermark = cx.watermark();
        of.sessions.retain_mut(|session| {
            if !session.fired && self.deadline(session) <= watermark {
                self.result(session, cx);
            }
            self.kept_until(session) > watermark
        });
        if of.sessions.is_empty() {
            *state = None;
        } else {
            self.arm(of, cx);
        }
    }
}

/// Tells those behind a lower watermark than the one that comes.
#[derive(Clone)]
pub(crate) struct HoldBack<N = ()> {
    /// By so much; by all of it, if it is the greatest number.
    by_ms: i64,
    told: EventTime,
    /// The input is idle, as those behind have been told.
    idle: bool,
    next: N,
}

impl HoldBack {
    pub(crate) fn by_ms(by_ms: i64) -> Self {
        Self { by_ms, told: EventTime::MIN, idle: false, next: () }
    }
}

impl<R: Record> Step<R> for HoldBack {
    type Out = R;
    fn before<N: Operator<R> + 'static>(self, next: N, _: ChainCx) -> impl Operator<R> + 'static {
        HoldBack { by_ms: self.by_ms, told: self.told, idle: self.idle, next }
    }
}

impl<R: Record, N: Operator<R>> Operator<R> for HoldBack<N> {
    #[inline(always)]
    fn process<'a, I>(&mut self, records: I)
    where
        I: Iterator<Item = R::Of<'a>>,
    {
        self.next.process(records);
    }

    fn control(&mut self, control: Control) {
        match control {
            Control::Watermark(watermark) => {
                let held = if watermark == EventTime::MAX { watermark } else { watermark.saturating_sub(self.by_ms) };
                let back = std::mem::take(&mut self.idle);
                if held > self.told || back {
                    self.told = self.told.max(held);
                    self.next.control(Control::Watermark(self.told));
                }
            }
            Control::Idle | Control::Barrier(_) | Control::End => {
                self.idle |= control == Control::Idle;
                self.next.control(control);
            }
        }
    }

    fn ready(&mut self) -> Result<bool, RunError> {
        self.next.ready()
    }

    fn states(&mut self, states: &mut States<'_>) {
        states.keep(&mut self.told);
        states.keep(&mut self.idle);
        self.next.states(states);
    }
}
