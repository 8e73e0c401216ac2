//! Two streams into one: joins by key, and broadcasts.

use std::{marker::PhantomData, sync::Arc};

use super::{
    Head, Stream, TimedKeyedStream, TimedStream,
    process::{behind, run, scatter},
};
use crate::{
    changelog::Change,
    exchange::{Edge, EdgeHead, ForwardEnd, RowHead},
    join::{
        AsOf, Broadcast, BroadcastEnd, Inner, Interval, JoinChanges, ManyToOne, Outer, Rows, Side, TwoSided, WindowJoin, WindowOut,
        WindowRows, WindowSemiJoin,
    },
    metrics::Counter,
    operator::{
        blame::Site,
        link::{Identity, Link},
    },
    process::{Either, Keeping, Owned, Process},
    record::{EitherOf, Own, PairOf, Portable, Timed},
    state::Key,
    time::EventTime,
    window::Tumbling,
};

/// The records of two streams on their way to a join.
type Both<L, R> = Timed<Own<Either<L, R>>>;

/// Two keyed streams brought together; the methods say how.
#[must_use = "a stream does nothing until it ends in a sink"]
pub struct JoinedStream<L, R, K, FL, FR>
where
    L: Send + 'static,
    R: Send + 'static,
{
    stream: Stream<EdgeHead<Both<L, R>>, Identity<Both<L, R>>>,
    site: Site,
    left: FL,
    right: FR,
    rows_max: usize,
    of: PhantomData<fn() -> K>,
}

impl<T, H, L, F, K> TimedKeyedStream<Own<T>, H, L, F, K>
where
    T: Send + 'static,
    H: Head<Out = L::In>,
    L: Link<Out = Timed<Own<T>>>,
    F: FnMut(&T) -> K + Clone + Send + 'static,
    K: Key,
{
    /// Brings this stream, the left one, and another one with keys of the same type together at each key's owner.
    ///
    /// ```
    /// use thalweg::{Collect, Config, Dataflow, Monotone, Replay};
    ///
    /// let mut flow = Dataflow::new("who bid");
    /// let people = flow.source(Replay::new(vec![(1, "Ada"), (2, "Alan")])).watermarks(Monotone, |_| 0);
    /// let bids = flow.source(Replay::new(vec![(2, 30), (1, 10), (2, 20), (3, 5)])).watermarks(Monotone, |_| 0);
    /// let (sink, rows) = Collect::new();
    /// bids.key_by(|bid| bid.0).join(people.key_by(|person| person.0)).inner(|bid, person| (person.1, bid.1)).sink(sink);
    /// flow.start(Config::default())?.join()?;
    /// let mut rows = rows.take();
    /// rows.sort();
    /// assert_eq!(rows, [("Ada", 10), ("Alan", 20), ("Alan", 30)]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[track_caller]
    pub fn join<R, H2, L2, F2>(self, other: TimedKeyedStream<Own<R>, H2, L2, F2, K>) -> JoinedStream<T, R, K, F, F2>
    where
        R: Send + 'static,
        H2: Head<Out = L2::In>,
        L2: Link<Out = Timed<Own<R>>>,
        F2: FnMut(&R) -> K + Clone + Send + 'static,
    {
        let (left, right) = (self.key, other.key);
        let mut left_stream = TimedStream { stream: self.stream, of: PhantomData::<fn() -> Own<T>> }.map(Either::Left);
        let right_stream = TimedStream { stream: other.stream, of: PhantomData::<fn() -> Own<R>> }.map(Either::Right);
        let site = left_stream.stream.site("join");
        let graph = left_stream.stream.graph.clone();
        let segment = left_stream.stream.segment.max(right_stream.stream.segment);
        let edge = Edge::new(graph.borrow_mut().edge(site));
        left_stream.stream.end(scatter(edge.clone(), site, either(left.clone(), right.clone())));
        right_stream.stream.end(scatter(edge.clone(), site, either(left.clone(), right.clone())));
        let stream = behind(graph, edge, site, segment).stream;
        JoinedStream { stream, site, left, right, rows_max: usize::MAX, of: PhantomData }
    }
}

impl<A, B, H, L> TimedStream<Own<Either<A, B>>, H, L>
where
    A: Send + 'static,
    B: Send + 'static,
    H: Head<Out = L::In>,
    L: Link<Out = Timed<Own<Either<A, B>>>>,
{
    /// Joins the two sides of a stream that carries both, by a key for each: as [`divide`](Self::divide) and
    /// [`join`](TimedKeyedStream::join), without the detour through two streams.
    #[track_caller]
    pub fn join_sides<K, FL, FR>(mut self, left: FL, right: FR) -> JoinedStream<A, B, K, FL, FR>
    where
        K: Key,
        FL: FnMut(&A) -> K + Clone + Send + 'static,
        FR: FnMut(&B) -> K + Clone + Send + 'static,
    {
        let site = self.stream.site("join");
        let keys = either(left.clone(), right.clone());
        let stream = self.stream.cross::<Timed<Own<Either<A, B>>>, _>(site, false, |edge| scatter(edge, site, keys));
        JoinedStream { stream, site, left, right, rows_max: usize::MAX, of: PhantomData }
    }
}

impl<A, B, H, L, F, K> TimedKeyedStream<EitherOf<A, B>, H, L, F, K>
where
    A: Portable<Fixed: Clone>,
    B: Portable<Fixed: Clone>,
    H: Head<Out = L::In>,
    L: Link<Out = Timed<EitherOf<A, B>>>,
    F: for<'a, 'b> FnMut(&'b Either<A::Of<'a>, B::Of<'a>>) -> K + Clone + Send + 'static,
    K: Key,
{
    /// Joins many left rows to the one right row of their key, both sides in one stream: emits each pair whose right row is wanted.
    ///
    /// Left rows wait for their right row and are kept no longer, so memory is that of the right rows and of what came early; a right row that
    /// is not wanted leaves a mark. A second right row of a key ends the job with an error: use [`join`](Self::join) and
    /// [`inner`](JoinedStream::inner) where there may be more.
    #[track_caller]
    #[allow(clippy::type_complexity)] // What it returns has no shorter name.
    pub fn many_to_one<P>(
        self,
        wanted: P,
    ) -> TimedStream<PairOf<A, B>, RowHead<EitherOf<A, B>>, impl Link<In = Timed<EitherOf<A, B>>, Out = Timed<PairOf<A, B>>>>
    where
        P: for<'a, 'b> FnMut(&'b B::Of<'a>) -> bool + Clone + Send + 'static,
    {
        let keys_max = self.keys_max;
        let (stream, site, key) = self.rows_scattered("many_to_one");
        TimedStream { stream: stream.then(ManyToOne { key, wanted, keys_max, site, of: PhantomData }), of: PhantomData }
    }

    /// Shows the left and the right rows of each key and window to a function when the window closes, both sides in one stream: as
    /// [`window`](JoinedStream::window), for rows that may borrow. `together(key, start, lefts, rights, out)` emits what it likes; one side
    /// may be empty. A worker keeps the rows of its open windows, of which [`keys_max`](Self::keys_max) is no limit: two billion at most.
    ///
    /// ```
    /// use thalweg::{Collect, Config, Dataflow, Monotone, Own, Replay, Tumbling, process::Either, record::EitherOf};
    ///
    /// // Orders and payments, by customer: who ordered and paid within one minute?
    /// let orders = [(7, 1_000), (8, 2_000)].map(Either::Left);
    /// let payments = [(7, 59_000), (8, 61_000)].map(Either::Right);
    /// let mut flow = Dataflow::new("paid at once");
    /// let (sink, paid) = Collect::<u32>::new();
    /// flow.source(Replay::new([orders, payments].concat()))
    ///     .watermarks(Monotone, |row: &Either<(u32, i64), (u32, i64)>| match row { Either::Left(order) => order.1, Either::Right(paid) => paid.1 })
    ///     .filter_map_to::<EitherOf<Own<(u32, i64)>, Own<(u32, i64)>>, _>(Some)
    ///     .key_by(|row| match row { Either::Left(order) => order.0, Either::Right(paid) => paid.0 })
    ///     .window_join::<Own<u32>, _>(Tumbling::seconds(60), |customer, _, orders, payments, out| {
    ///         if orders.len() > 0 && payments.len() > 0 {
    ///             out.emit(*customer);
    ///         }
    ///     })
    ///     .sink(sink);
    /// flow.start(Config::default())?.join()?;
    /// assert_eq!(paid.take(), [7]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[track_caller]
    #[allow(clippy::type_complexity)] // What it returns has no shorter name.
    pub fn window_join<U, T>(
        self,
        windows: Tumbling,
        together: T,
    ) -> TimedStream<U, RowHead<EitherOf<A, B>>, impl Link<In = Timed<EitherOf<A, B>>, Out = Timed<U>>>
    where
        U: Portable,
        T: FnMut(&K, EventTime, WindowRows<'_, A>, WindowRows<'_, B>, &mut WindowOut<'_, U>) + Clone + Send + 'static,
    {
        let (stream, site, key) = self.rows_scattered("window_join");
        window_join(stream, site, windows, usize::MAX, key, together)
    }

    /// The left rows whose key has a right row in the same window, when the window closes, in the order in which they came, each with its
    /// window's start: a semi-join. Their time is the window's last.
    ///
    /// A worker keeps the left rows of its open windows, and of the right ones only their keys. [`keys_max`](Self::keys_max) is no limit of either;
    /// the job ends with an error where the texts of one window's left rows pass 2 GiB.
    ///
    /// ```
    /// use thalweg::{Collect, Config, Dataflow, Monotone, Own, Replay, Tumbling, process::Either, record::EitherOf};
    ///
    /// // Orders and payments, by customer: which orders were followed or preceded by a payment within one minute?
    /// let orders = [(7, 1_000), (8, 2_000)].map(Either::Left);
    /// let payments = [(7, 58_000), (7, 59_000), (8, 61_000)].map(Either::Right);
    /// let mut flow = Dataflow::new("paid at once");
    /// let (sink, paid) = Collect::new();
    /// flow.source(Replay::new([&orders[..], &payments].concat()))
    ///     .watermarks(Monotone, |row: &Either<(u32, i64), (u32, i64)>| match row { Either::Left(order) => order.1, Either::Right(paid) => paid.1 })
    ///     .filter_map_to::<EitherOf<Own<(u32, i64)>, Own<(u32, i64)>>, _>(Some)
    ///     .key_by(|row| match row { Either::Left(order) => order.0, Either::Right(paid) => paid.0 })
    ///     .window_semi_join(Tumbling::seconds(60))
    ///     .filter_map_to::<Own<(u32, i64)>, _>(|((customer, _), start): ((u32, i64), i64)| Some((customer, start)))
    ///     .sink(sink);
    /// flow.start(Config::default())?.join()?;
    /// assert_eq!(paid.take(), [(7, 0)]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[track_caller]
    #[allow(clippy::type_complexity)] // What it returns has no shorter name.
    pub fn window_semi_join(
        self,
        windows: Tumbling,
    ) -> TimedStream<
        PairOf<A, Own<EventTime>>,
        RowHead<EitherOf<A, B>>,
        impl Link<In = Timed<EitherOf<A, B>>, Out = Timed<PairOf<A, Own<EventTime>>>>,
    > {
        let (stream, site, key) = self.rows_scattered("window_semi_join");
        let late = late(&stream, site, windows);
        TimedStream { stream: stream.then(WindowSemiJoin { windows, key, site, late, of: PhantomData }), of: PhantomData }
    }
}

/// What counts the late rows of a window join, whose windows are refused if they are none.
fn late<H, L>(stream: &Stream<H, L>, site: Site, windows: Tumbling) -> Counter {
    let mut graph = stream.graph.borrow_mut();
    graph.refuse(site, windows.refuse());
    graph.late.clone()
}

/// Joins the rows of each window behind the edge that brings them to their key's owner.
#[allow(clippy::type_complexity)] // What it returns has no shorter name.
fn window_join<X, H, F, K, U, T>(
    stream: Stream<H, Identity<Timed<X>>>,
    site: Site,
    windows: Tumbling,
    rows_max: usize,
    key: F,
    together: T,
) -> TimedStream<U, H, impl Link<In = Timed<X>, Out = Timed<U>> + use<X, H, F, K, U, T>>
where
    X: TwoSided,
    H: Head<Out = Timed<X>>,
    K: Key,
    U: Portable,
    F: for<'a, 'b> FnMut(&'b X::Of<'a>) -> K + Clone + Send + 'static,
    T: FnMut(&K, EventTime, WindowRows<'_, X::Left>, WindowRows<'_, X::Right>, &mut WindowOut<'_, U>) + Clone + Send + 'static,
{
    let late = late(&stream, site, windows);
    TimedStream { stream: stream.then(WindowJoin { windows, key, together, rows_max, site, late, of: PhantomData }), of: PhantomData }
}

/// The key of a record of either side.
fn either<L, R, K, FL, FR>(mut left: FL, mut right: FR) -> impl FnMut(&Either<L, R>) -> K + Clone + Send + 'static
where
    L: 'static,
    R: 'static,
    FL: FnMut(&L) -> K + Clone + Send + 'static,
    FR: FnMut(&R) -> K + Clone + Send + 'static,
{
    move |record| match record {
        Either::Left(record) => left(record),
        Either::Right(record) => right(record),
    }
}

impl<L, R, K, FL, FR> JoinedStream<L, R, K, FL, FR>
where
    L: Send + 'static,
    R: Send + 'static,
    K: Key,
    FL: FnMut(&L) -> K + Clone + Send + 'static,
    FR: FnMut(&R) -> K + Clone + Send + 'static,
{
    /// Names the join, for reports and errors.
    pub fn named(self, name: &str) -> Self {
        Self { stream: self.stream.named(name), ..self }
    }

    /// Ends the job with an error when a worker keeps more rows than this, of both sides.
    pub fn rows_max(self, rows: usize) -> Self {
        Self { rows_max: rows, ..self }
    }

    /// Runs a process function of your own over the records of both sides.
    pub fn process<P, M>(
        self,
        make: M,
    ) -> TimedStream<Own<P::Out>, EdgeHead<Both<L, R>>, impl Link<In = Both<L, R>, Out = Timed<Own<P::Out>>>>
    where
        P: Process<K, Either<L, R>>,
        M: Fn() -> P + Clone + Send + 'static,
    {
        self.process_with(Keeping::new(), make)
    }

    /// As [`process`](Self::process), with a time-to-live, a clock or a limit.
    pub fn process_with<P, M>(
        self,
        keeping: Keeping,
        make: M,
    ) -> TimedStream<Own<P::Out>, EdgeHead<Both<L, R>>, impl Link<In = Both<L, R>, Out = Timed<Own<P::Out>>> + use<L, R, K, FL, FR, P, M>>
    where
        P: Process<K, Either<L, R>>,
        M: Fn() -> P + Clone + Send + 'static,
    {
        run(self.stream, self.site, either(self.left, self.right), keeping, move || Owned(make()))
    }
}

impl<L, R, K, FL, FR> JoinedStream<L, R, K, FL, FR>
where
    L: Clone + Send + 'static,
    R: Clone + Send + 'static,
    K: Key,
    FL: FnMut(&L) -> K + Clone + Send + 'static,
    FR: FnMut(&R) -> K + Clone + Send + 'static,
{
    /// Every pair of rows of one key, whenever they come. All rows are kept: see [`rows_max`](Self::rows_max).
    pub fn inner<U, F>(self, pair: F) -> TimedStream<Own<U>, EdgeHead<Both<L, R>>, impl Link<In = Both<L, R>, Out = Timed<Own<U>>>>
    where
        U: Send + 'static,
        F: FnMut(&L, &R) -> U + Clone + Send + 'static,
    {
        let rows = Rows::up_to(self.rows_max);
        self.process(move || Inner { pair: pair.clone(), rows })
    }

    /// As [`inner`](Self::inner), and left rows alone for as long as they have no partner: the first partner updates that row.
    pub fn left<U, F>(
        self,
        mut pair: F,
    ) -> TimedStream<Own<Change<U>>, EdgeHead<Both<L, R>>, impl Link<In = Both<L, R>, Out = Timed<Own<Change<U>>>>>
    where
        U: PartialEq + Send + 'static,
        F: FnMut(&L, Option<&R>) -> U + Clone + Send + 'static,
    {
        let rows = Rows::up_to(self.rows_max);
        let pair = move |left: Option<&L>, right: Option<&R>| pair(left.expect("a left join has no row without a left one"), right);
        self.process(move || Outer::<_, true, false> { pair: pair.clone(), rows })
    }

    /// As [`left`](Self::left), and right rows alone as well.
    pub fn full<U, F>(
        self,
        pair: F,
    ) -> TimedStream<Own<Change<U>>, EdgeHead<Both<L, R>>, impl Link<In = Both<L, R>, Out = Timed<Own<Change<U>>>>>
    where
        U: PartialEq + Send + 'static,
        F: FnMut(Option<&L>, Option<&R>) -> U + Clone + Send + 'static,
    {
        let rows = Rows::up_to(self.rows_max);
        self.process(move || Outer::<_, true, true> { pair: pair.clone(), rows })
    }

    /// Every pair of rows of one key with `left time + lo_ms <= right time <= left time + hi_ms`. The watermark cleans up.
    pub fn between<U, F>(
        self,
        lo_ms: i64,
        hi_ms: i64,
        pair: F,
    ) -> TimedStream<Own<U>, EdgeHead<Both<L, R>>, impl Link<In = Both<L, R>, Out = Timed<Own<U>>>>
    where
        U: Send + 'static,
        F: FnMut(&L, &R) -> U + Clone + Send + 'static,
    {
        let rows_max = self.rows_max;
        let why = format!("no time is between {lo_ms} and {hi_ms} ms; give the lower bound first");
        self.refuse((lo_ms > hi_ms).then_some(why));
        // A key that is done is small, and looking after it costs as much as a record.
        let sweep_ms = hi_ms.saturating_sub(lo_ms).max(1).saturating_mul(4);
        self.process_with(Keeping::new().sweep_ms(sweep_ms), move || Interval::new((lo_ms, hi_ms), rows_max, pair.clone()))
    }

    /// The left and the right rows of each key and window, when the window closes: `together(key, start, lefts, rights)` returns what is
    /// emitted. One side may be empty. Rows are in the order in which they came; they are cloned into the vectors, which
    /// [`window_join`](TimedKeyedStream::window_join) does without.
    pub fn window<U, I, F>(
        self,
        windows: Tumbling,
        mut together: F,
    ) -> TimedStream<Own<U>, EdgeHead<Both<L, R>>, impl Link<In = Both<L, R>, Out = Timed<Own<U>>>>
    where
        U: Send + 'static,
        I: IntoIterator<Item = U> + 'static,
        F: FnMut(&K, EventTime, Vec<L>, Vec<R>) -> I + Clone + Send + 'static,
    {
        let together =
            move |key: &K, start, lefts: WindowRows<'_, Own<L>>, rights: WindowRows<'_, Own<R>>, out: &mut WindowOut<'_, Own<U>>| {
                together(key, start, lefts.collect(), rights.collect()).into_iter().for_each(|row| out.emit(row));
            };
        window_join(self.stream, self.site, windows, self.rows_max, either(self.left, self.right), together)
    }

    /// Each left row with the right row that was valid at its event time: the last of its key at or before it, if there is one. A left row
    /// leaves when the watermark has passed it; of the right rows of a key the last one is kept for ever.
    pub fn as_of<U, F>(self, pair: F) -> TimedStream<Own<U>, EdgeHead<Both<L, R>>, impl Link<In = Both<L, R>, Out = Timed<Own<U>>>>
    where
        U: Send + 'static,
        F: FnMut(L, Option<&R>) -> U + Clone + Send + 'static,
    {
        let rows = Rows::up_to(self.rows_max);
        self.process(move || AsOf { pair: pair.clone(), rows })
    }

    fn refuse(&self, why: Option<String>) {
        self.stream.graph.borrow_mut().refuse(self.site, why);
    }
}

impl<T, H, L> TimedStream<Own<Change<T>>, H, L>
where
    T: Send + 'static,
    H: Head<Out = L::In>,
    L: Link<Out = Timed<Own<Change<T>>>>,
{
    /// Every pair of rows of one key that two changelogs hold, as a changelog. `rows_max` as in [`JoinedStream::rows_max`].
    ///
    /// Rows need an equality by which a deleted one is found; a delete searches the rows of its key.
    #[track_caller]
    #[allow(clippy::type_complexity)] // What it returns has no shorter name.
    pub fn join_rows<R, H2, L2, K, FL, FR, U, F>(
        self,
        left: FL,
        other: TimedStream<Own<Change<R>>, H2, L2>,
        right: FR,
        rows_max: usize,
        pair: F,
    ) -> TimedStream<
        Own<Change<U>>,
        EdgeHead<Both<Change<T>, Change<R>>>,
        impl Link<In = Both<Change<T>, Change<R>>, Out = Timed<Own<Change<U>>>> + use<T, H, L, R, H2, L2, K, FL, FR, U, F>,
    >
    where
        T: Clone + PartialEq,
        R: Clone + PartialEq + Send + 'static,
        H2: Head<Out = L2::In>,
        L2: Link<Out = Timed<Own<Change<R>>>>,
        K: Key,
        FL: FnMut(&T) -> K + Clone + Send + 'static,
        FR: FnMut(&R) -> K + Clone + Send + 'static,
        U: PartialEq + Send + 'static,
        F: FnMut(&T, &R) -> U + Clone + Send + 'static,
    {
        let rows = Rows::up_to(rows_max);
        let (left, right) = (self.keyed_rows(left), other.keyed_rows(right));
        left.join(right).process(move || JoinChanges { pair: pair.clone(), rows })
    }
}

/// A stream beside one whose rows go to every worker; the methods say what is made of them.
#[must_use = "a stream does nothing until it ends in a sink"]
pub struct BroadcastStream<SL, SR> {
    left: SL,
    right: SR,
    rows_max: usize,
}

/// What a broadcast's edge carries.
type Sides<T, R> = Timed<Own<Side<T, R>>>;

impl<T, H, L> TimedStream<Own<T>, H, L>
where
    T: Send + 'static,
    H: Head<Out = L::In>,
    L: Link<Out = Timed<Own<T>>>,
{
    /// Looks something up for each record in a table that does not change: `function(&table, record)` returns what is emitted.
    #[track_caller]
    pub fn lookup<V, U, I, F>(
        self,
        table: impl Into<Arc<V>>,
        mut function: F,
    ) -> TimedStream<Own<U>, H, impl Link<In = L::In, Out = Timed<Own<U>>>>
    where
        V: Send + Sync + 'static,
        U: 'static,
        I: IntoIterator<Item = U>,
        F: FnMut(&V, T) -> I + Clone + Send + 'static,
    {
        let table = table.into();
        self.flat_map(move |record| function(&table, record))
    }

    /// Sends the rows of the other stream, the right one, to every worker; the records of this one stay where they are.
    pub fn broadcast<R, H2, L2>(self, other: TimedStream<Own<R>, H2, L2>) -> BroadcastStream<Self, TimedStream<Own<R>, H2, L2>>
    where
        R: Clone + Send + 'static,
        H2: Head<Out = L2::In>,
        L2: Link<Out = Timed<Own<R>>>,
    {
        BroadcastStream { left: self, right: other, rows_max: usize::MAX }
    }
}

impl<T, H, L, R, H2, L2> BroadcastStream<TimedStream<Own<T>, H, L>, TimedStream<Own<R>, H2, L2>>
where
    T: Clone + Send + 'static,
    H: Head<Out = L::In>,
    L: Link<Out = Timed<Own<T>>>,
    R: Clone + Send + 'static,
    H2: Head<Out = L2::In>,
    L2: Link<Out = Timed<Own<R>>>,
{
    /// Ends the job with an error when more left rows than this wait on a worker for the right side's end.
    pub fn rows_max(self, rows: usize) -> Self {
        Self { rows_max: rows, ..self }
    }

    /// Makes something of the right rows on each worker, from `state` on, and of each left row with what there is at that moment.
    ///
    /// Which right rows a left one finds depends on the run, unless they only matter later.
    #[track_caller]
    pub fn apply<S, U, I, FR, FL>(
        self,
        state: S,
        on_right: FR,
        on_left: FL,
    ) -> TimedStream<Own<U>, EdgeHead<Sides<T, R>>, impl Link<In = Sides<T, R>, Out = Timed<Own<U>>>>
    where
        S: Clone + Send + 'static,
        U: Send + 'static,
        I: IntoIterator<Item = U> + 'static,
        FR: FnMut(&mut S, R) + Clone + Send + 'static,
        FL: FnMut(&S, T) -> I + Clone + Send + 'static,
    {
        self.applied(false, state, on_right, on_left)
    }

    /// As [`apply`](Self::apply), but left rows and event time wait until the right stream has ended: a lookup in a side input.
    #[track_caller]
    pub fn apply_after<S, U, I, FR, FL>(
        self,
        state: S,
        on_right: FR,
        on_left: FL,
    ) -> TimedStream<Own<U>, EdgeHead<Sides<T, R>>, impl Link<In = Sides<T, R>, Out = Timed<Own<U>>>>
    where
        S: Clone + Send + 'static,
        U: Send + 'static,
        I: IntoIterator<Item = U> + 'static,
        FR: FnMut(&mut S, R) + Clone + Send + 'static,
        FL: FnMut(&S, T) -> I + Clone + Send + 'static,
    {
        self.applied(true, state, on_right, on_left)
    }

    #[track_caller]
    #[allow(clippy::type_complexity)] // What it returns has no shorter name.
    fn applied<S, U, I, FR, FL>(
        self,
        awaited: bool,
        state: S,
        on_right: FR,
        on_left: FL,
    ) -> TimedStream<
        Own<U>,
        EdgeHead<Sides<T, R>>,
        impl Link<In = Sides<T, R>, Out = Timed<Own<U>>> + use<T, H, L, R, H2, L2, S, U, I, FR, FL>,
    >
    where
        S: Clone + Send + 'static,
        U: Send + 'static,
        I: IntoIterator<Item = U> + 'static,
        FR: FnMut(&mut S, R) + Clone + Send + 'static,
        FL: FnMut(&S, T) -> I + Clone + Send + 'static,
    {
        let rows = Rows::up_to(self.rows_max);
        let mut left = self.left.map(Side::<T, R>::Left);
        let mut right = self.right;
        let site = left.stream.site("broadcast");
        right.stream.sites.push(site);
        let graph = left.stream.graph.clone();
        let segment = left.stream.segment.max(right.stream.segment);
        let edge = Edge::new(graph.borrow_mut().edge(site));
        left.stream.end(ForwardEnd(edge.clone()));
        right.stream.end(BroadcastEnd::<T, R> { edge: edge.clone(), awaited });
        let make = move || Broadcast {
            state: state.clone(),
            on_right: on_right.clone(),
            on_left: on_left.clone(),
            awaited,
            held: Vec::new(),
            ended: 0,
            rows,
        };
        run(behind(graph, edge, site, segment).stream, site, |_: &Side<T, R>| (), Keeping::new(), move || Owned(make()))
    }
}
