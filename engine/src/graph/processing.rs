//! Streams in processing time.

use std::marker::PhantomData;

use super::{Head, Stream, TimedStream};
use crate::{
    operator::link::{Link, Then},
    watermark::{ClockTimes, ProcessingTime},
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
        self.graph.borrow_mut().refuse(site, time.refuse());
        TimedStream { stream: self.then(ClockTimes::new(time)), of: PhantomData }
    }
}
