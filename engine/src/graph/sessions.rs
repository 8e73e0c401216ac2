//! Sessions with an allowed lateness, and their late records.

use std::marker::PhantomData;

use super::{Head, Stream, TimedKeyedStream, TimedStream, WindowedStream};
use crate::{
    exchange::EdgeHead,
    operator::{Aggregate, link::Link},
    process::{Either, Keeping},
    record::{Own, Timed},
    state::Key,
    window::{HoldBack, Lenient, LenientSessions, Revised, Session},
};

/// As a [`WindowedStream`] of sessions that may be corrected, where late records make a stream of their own.
#[must_use = "a stream does nothing until it ends in a sink"]
pub struct LateSessionStream<R, H, L, F, K>(WindowedStream<R, H, L, F, K, Lenient<Session>>);

/// What sessions put out: results, and late records.
type Rows<K, T, A> = Either<Revised<K, <A as Aggregate<Own<T>>>::Out>, T>;

impl<T, H, L, F, K> WindowedStream<Own<T>, H, L, F, K, Session>
where
    T: Send + 'static,
    H: Head<Out = L::In>,
    L: Link<Out = Timed<Own<T>>>,
    F: FnMut(&T) -> K + Clone + Send + 'static,
    K: Key,
{
    /// Lets records that come after their session has fired still change it, for so many milliseconds of event time after its end. 0 allows
    /// none, and is the way to [`split_late`](WindowedStream::split_late) for sessions.
    ///
    /// A session fires as usual. A late record that joins one which has fired makes its result anew, with a higher
    /// [`revision`](Revised::revision); one between two sessions may make one of them. So a result whose revision is not 0 replaces all
    /// earlier results of its key whose sessions lie within its own. Records later than that are late: they are counted.
    ///
    /// Event time behind it is held back by the same time and 1 ms, so that corrections are not late there. Sessions are kept for
    /// so much longer; [`open_max`](Self::open_max) limits the keys that have any.
    ///
    /// ```
    /// use thalweg::{Collect, Config, Count, Dataflow, Monotone, Replay, Revised, Session};
    ///
    /// let mut flow = Dataflow::new("corrected visits");
    /// let (sink, rows) = Collect::<Revised<(), u64>>::new();
    /// flow.source(Replay::new(vec![1, 2, 8, 20, 5, 40]))            // 5 is late, and joins [1, 5) and [8, 11)
    ///     .watermarks(Monotone, |time| *time)
    ///     .key_by(|_| ())
    ///     .window(Session::millis(3))
    ///     .allowed_lateness(20)
    ///     .aggregate(Count)
    ///     .sink(sink);
    /// flow.start(Config::default().workers(1).batch(1))?.join()?;
    /// let rows: Vec<_> = rows.take().into_iter().map(|row| (row.start, row.end, row.revision, row.value)).collect();
    /// assert_eq!(rows, [(1, 5, 0, 2), (8, 11, 0, 1), (1, 11, 1, 4), (20, 23, 0, 1), (40, 43, 0, 1)]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn allowed_lateness(self, lateness_ms: i64) -> WindowedStream<Own<T>, H, L, F, K, Lenient<Session>> {
        WindowedStream { keyed: self.keyed, windows: Lenient { windows: self.windows, lateness_ms }, open_max: self.open_max }
    }
}

impl<T, H, L, F, K> WindowedStream<Own<T>, H, L, F, K, Lenient<Session>>
where
    T: Send + 'static,
    H: Head<Out = L::In>,
    L: Link<Out = Timed<Own<T>>>,
    F: FnMut(&T) -> K + Clone + Send + 'static,
    K: Key,
{
    /// Aggregates the records of each key's sessions, and corrects their results. Each record hops to its key's owner.
    #[track_caller]
    #[allow(clippy::type_complexity)] // What it returns has no shorter name.
    pub fn aggregate<A: Aggregate<Own<T>>>(
        self,
        aggregate: A,
    ) -> TimedStream<
        Own<Revised<K, A::Out>>,
        EdgeHead<Timed<Own<T>>>,
        impl Link<In = Timed<Own<T>>, Out = Timed<Own<Revised<K, A::Out>>>> + use<T, H, L, F, K, A>,
    > {
        self.sessions(aggregate, false).flat_map(|row: Rows<K, T, A>| match row {
            Either::Left(result) => Some(result),
            Either::Right(_) => None,
        })
    }

    /// Late records make a second stream, of `(time, record)`, besides being counted: each record is in a session or there.
    /// The [`aggregate`](LateSessionStream::aggregate) that follows gives both streams.
    ///
    /// The second stream has no watermarks, since all that comes there is behind them.
    pub fn split_late(self) -> LateSessionStream<Own<T>, H, L, F, K> {
        LateSessionStream(self)
    }

    /// Results and, if they are wanted, late records.
    #[track_caller]
    #[allow(clippy::type_complexity)] // As above.
    fn sessions<A: Aggregate<Own<T>>>(
        self,
        aggregate: A,
        hands_out_late: bool,
    ) -> TimedStream<
        Own<Rows<K, T, A>>,
        EdgeHead<Timed<Own<T>>>,
        impl Link<In = Timed<Own<T>>, Out = Timed<Own<Rows<K, T, A>>>> + use<T, H, L, F, K, A>,
    > {
        let Self { keyed: TimedKeyedStream { stream, key, .. }, windows: Lenient { windows, lateness_ms }, open_max } = self;
        let graph = stream.graph.clone();
        let refusal = windows
            .refuse()
            .or_else(|| (lateness_ms < 0).then(|| format!("an allowed lateness of {lateness_ms} ms is negative; give 0 or more")));
        let keyed = TimedKeyedStream { stream, key, keys_max: open_max, of: PhantomData::<fn(Own<T>) -> K> };
        let sessions = keyed.processed("window", Keeping::new(), move || LenientSessions {
            windows,
            lateness_ms,
            aggregate: aggregate.clone(),
            hands_out_late,
        });
        let site = sessions.stream.sites[0];
        graph.borrow_mut().refuse(site, refusal);
        // A session that fires at the next watermark may have this one as its last time, and results carry that.
        TimedStream { stream: sessions.stream.then(HoldBack::by_ms(lateness_ms.saturating_add(1))), of: PhantomData }
    }
}

impl<T, H, L, F, K> LateSessionStream<Own<T>, H, L, F, K>
where
    T: Send + 'static,
    H: Head<Out = L::In>,
    L: Link<Out = Timed<Own<T>>>,
    F: FnMut(&T) -> K + Clone + Send + 'static,
    K: Key,
{
    /// As for windows of fixed size: the stream of results, and that of late records.
    #[track_caller]
    #[allow(clippy::type_complexity)] // As above.
    pub fn aggregate<A: Aggregate<Own<T>>>(
        self,
        aggregate: A,
    ) -> (
        TimedStream<
            Own<Revised<K, A::Out>>,
            EdgeHead<Timed<Own<Revised<K, A::Out>>>>,
            impl Link<In = Timed<Own<Revised<K, A::Out>>>, Out = Timed<Own<Revised<K, A::Out>>>> + use<T, H, L, F, K, A>,
        >,
        Stream<EdgeHead<Timed<Own<T>>>, impl Link<In = Timed<Own<T>>, Out = Timed<Own<T>>> + use<T, H, L, F, K, A>>,
    ) {
        let (results, late) = self.0.sessions(aggregate, true).divide();
        (results, late.stream.then(HoldBack::by_ms(i64::MAX)))
    }
}
