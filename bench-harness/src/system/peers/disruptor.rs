//! `disruptor`: the ring of the crate of that name, a port of the LMAX Disruptor, driven for the hops.
//!
//! ```text
//!   SingleProducer ─ batch_publish(n) ─▶ ring: a power of two of slots ─▶ EventPoller ─ take(batch) ─▶ guard: one store of the cursor
//! ```
//!
//! Batches are published and taken as a whole, as its documentation advises. The poller and not a managed handler: the harness pins and times its own
//! threads.

use std::hint::spin_loop;

use disruptor::{
    BusySpin, EventPoller, MissingFreeSlots, Producer, SingleConsumerBarrier, SingleProducer, SingleProducerBarrier, build_single_producer,
};

use crate::{
    system::hop::{Hopping, Link, Receiver, Sender},
    workload::replay::Shift,
};

/// Batches through the ring.
pub(in crate::system) struct Disruptor;

impl Link for Disruptor {
    const NAME: &'static str = "disruptor";
    type Sender<T: Hopping> = SingleProducer<T, SingleConsumerBarrier>;
    type Receiver<T: Hopping> = Poller<T>;

    fn open<T: Hopping>(batch: usize, capacity: usize) -> (Self::Sender<T>, Poller<T>) {
        // The next power of two below the capacity that was asked for, so that nobody has more room than others; at least two batches.
        let slots = (1 << capacity.max(2).ilog2()).max((2 * batch).next_power_of_two());
        let (poller, builder) = build_single_producer(slots, T::default, BusySpin).new_event_poller();
        (builder.build(), Poller { poller, batch: batch as u64 })
    }
}

impl<T: Hopping> Sender<T> for SingleProducer<T, SingleConsumerBarrier> {
    #[inline]
    fn send(&mut self, shift: Shift, records: &[T]) {
        loop {
            let published = self.try_batch_publish(records.len(), |slots| {
                for (slot, record) in slots.zip(records) {
                    *slot = record.at(shift);
                }
            });
            match published {
                Ok(_) => return,
                Err(MissingFreeSlots(_)) => spin_loop(),
            }
        }
    }
}

/// The reading half.
pub(in crate::system) struct Poller<T> {
    poller: EventPoller<T, SingleProducerBarrier>,
    batch: u64,
}

impl<T: Hopping> Receiver<T> for Poller<T> {
    #[inline]
    fn receive(&mut self, each: impl FnMut(&T)) -> usize {
        // Nothing there, or the producer is gone and all was read.
        let Ok(mut guard) = self.poller.take(self.batch) else { return 0 };
        let events = &mut guard;
        let received = events.len();
        events.for_each(each);
        received
    }
}
