//! Streams in processing time, with watermarks from records, and with inputs that may fall silent.

use std::{marker::PhantomData, sync::Arc, time::Duration};

use super::{Head, Stream, TimedStream};
use crate::{
    operator::link::{Link, Then},
    record::{Record, Timed},
    time::{Clock, EventTime, MonotonicClock},
    watermark::{ClockTimes, IdleAfter, ProcessingTime, Punctuate},
};

impl<H, L> Stream<H, L>
where
    H: Head<Out = L::In>,
    L: Link,
{
    /// Takes the time at which records come here for their time. Windows behind it are windows of processing time.
    #[track_caller]
    pub fn processing_time(
        mut self,
        time: ProcessingTime,
    ) -> TimedStream<L::Out, H, Then<L, impl crate::operator::Step<L::Out, Out = crate::record::Timed<L::Out>>>> {
        let site = self.site("processing_time");
        let gauges = {
            let mut graph = self.graph.borrow_mut();
            graph.refuse(site, time.refuse());
            graph.gauges(site)
        };
        TimedStream { stream: self.then(ClockTimes::new(time, gauges)), of: PhantomData }
    }

    /// Takes event times from the records, and watermarks as well: where `mark` gives one, the record promises that no later one of its source has
    /// an event time at or below it. It is told after the batch that the record came in.
    ///
    /// With several workers each must see marks of its own, since event time goes on only as far as all have promised; see
    /// [`TimedStream::idle_after`] for those that may not.
    ///
    /// For watermarks that follow from event times in a way of your own, implement [`WatermarkPolicy`](crate::watermark::WatermarkPolicy).
    ///
    /// ```
    /// use thalweg::{Collect, Config, Count, Dataflow, Replay, Tumbling, Windowed};
    ///
    /// let mut flow = Dataflow::new("marks");
    /// let (sink, rows) = Collect::<Windowed<(), u64>>::new();
    /// // (time, all up to it has come)
    /// flow.source(Replay::new(vec![(3, false), (1, false), (11, false), (5, false), (9, true), (4, false)]))
    ///     .punctuated(|record| record.0, |record| record.1.then_some(record.0))
    ///     .window_all(Tumbling::millis(10))
    ///     .aggregate(Count)
    ///     .sink(sink);
    /// let report = flow.start(Config::default().workers(1).batch(1))?.join()?;
    /// let mut rows: Vec<_> = rows.take().into_iter().map(|row| (row.start, row.value)).collect();
    /// rows.sort();
    /// assert_eq!((rows, report.late), (vec![(0, 4), (10, 1)], 1));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[track_caller]
    pub fn punctuated<T, M>(
        mut self,
        time: T,
        mark: M,
    ) -> TimedStream<L::Out, H, Then<L, impl crate::operator::Step<L::Out, Out = Timed<L::Out>>>>
    where
        T: for<'a, 'b> FnMut(&'b <L::Out as Record>::Of<'a>) -> EventTime + Clone + Send + 'static,
        M: for<'a, 'b> FnMut(&'b <L::Out as Record>::Of<'a>) -> Option<EventTime> + Clone + Send + 'static,
    {
        let site = self.site("punctuated");
        let gauges = self.graph.borrow_mut().gauges(site);
        TimedStream { stream: self.then(Punctuate::new(time, mark, site, gauges)), of: PhantomData }
    }
}

impl<R, H, L> TimedStream<R, H, L>
where
    R: Record,
    H: Head<Out = L::In>,
    L: Link<Out = Timed<R>>,
{
    /// Lets event time go on without a worker's share of the input when no record of it has come for so long; until one comes again.
    ///
    /// Put it right behind what makes the watermarks. A record that comes when event time has gone on without it may be late. If the whole input
    /// is idle, event time stands.
    #[track_caller]
    pub fn idle_after(self, timeout: Duration) -> TimedStream<R, H, Then<L, impl crate::operator::Step<Timed<R>, Out = Timed<R>>>> {
        self.idle_after_by(timeout, MonotonicClock::new())
    }

    /// As [`idle_after`](Self::idle_after), by another clock, such as a [`ManualClock`](crate::time::ManualClock) in a test.
    #[track_caller]
    pub fn idle_after_by(
        mut self,
        timeout: Duration,
        clock: impl Clock + 'static,
    ) -> TimedStream<R, H, Then<L, impl crate::operator::Step<Timed<R>, Out = Timed<R>>>> {
        let site = self.stream.site("idle_after");
        let refused = timeout.is_zero().then(|| "idle after no time at all; give a timeout longer than the pauses that are usual".into());
        self.stream.graph.borrow_mut().refuse(site, refused);
        TimedStream { stream: self.stream.then(IdleAfter::new(timeout, Arc::new(clock))), of: PhantomData }
    }
}
