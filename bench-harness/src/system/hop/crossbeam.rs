//! Bounded channels of the crate `crossbeam-channel`: of `Vec` batches, and item by item.

use std::hint::spin_loop;

use crossbeam_channel::{Receiver as Rx, Sender as Tx, TryRecvError, TrySendError, bounded};

use super::{Hopping, Link, Receiver, Sender, Shift, rtrb::TAKE};

/// A channel of `Vec`s of at most a batch. Empty ones come back over a second channel, so that none is allocated on the way.
pub(in crate::system) struct Batches;

impl Link for Batches {
    const NAME: &'static str = "crossbeam";
    type Sender<T: Hopping> = BatchSender<T>;
    type Receiver<T: Hopping> = BatchReceiver<T>;

    fn open<T: Hopping>(batch: usize, capacity: usize) -> (BatchSender<T>, BatchReceiver<T>) {
        let batches = (capacity / batch).max(2);
        let (full, filled) = bounded(batches);
        let (empty, spare) = bounded(batches);
        for _ in 0..batches {
            empty.try_send(Vec::with_capacity(batch)).expect("the channel holds as many batches as there are");
        }
        (BatchSender { full, spare }, BatchReceiver { filled, empty })
    }
}

pub(in crate::system) struct BatchSender<T> {
    full: Tx<Vec<T>>,
    spare: Rx<Vec<T>>,
}

impl<T: Hopping> Sender<T> for BatchSender<T> {
    fn send(&mut self, shift: Shift, records: &[T]) {
        let mut batch = loop {
            match self.spare.try_recv() {
                Ok(batch) => break batch,
                Err(TryRecvError::Empty) => spin_loop(),
                Err(TryRecvError::Disconnected) => return,
            }
        };
        batch.extend(records.iter().map(|record| record.at(shift)));
        put(&self.full, batch);
    }
}

pub(in crate::system) struct BatchReceiver<T> {
    filled: Rx<Vec<T>>,
    empty: Tx<Vec<T>>,
}

impl<T: Hopping> Receiver<T> for BatchReceiver<T> {
    fn receive(&mut self, each: impl FnMut(&T)) -> usize {
        let Ok(mut batch) = self.filled.try_recv() else { return 0 };
        let received = batch.len();
        batch.iter().for_each(each);
        batch.clear();
        put(&self.empty, batch);
        received
    }
}

/// Sends, spinning while the channel is full; drops the value if nobody listens any more, which happens only when that thread panicked.
fn put<T>(channel: &Tx<T>, mut value: T) {
    while let Err(TrySendError::Full(back)) = channel.try_send(value) {
        value = back;
        spin_loop();
    }
}

/// A channel that carries record by record.
pub(in crate::system) struct Items;

impl Link for Items {
    const NAME: &'static str = "crossbeam-item";
    type Sender<T: Hopping> = Tx<T>;
    type Receiver<T: Hopping> = Rx<T>;

    fn open<T: Hopping>(_: usize, capacity: usize) -> (Tx<T>, Rx<T>) {
        bounded(capacity)
    }
}

impl<T: Hopping> Sender<T> for Tx<T> {
    fn send(&mut self, shift: Shift, records: &[T]) {
        records.iter().for_each(|record| put(self, record.at(shift)));
    }
}

impl<T: Hopping> Receiver<T> for Rx<T> {
    fn receive(&mut self, mut each: impl FnMut(&T)) -> usize {
        for received in 0..TAKE {
            match self.try_recv() {
                Ok(record) => each(&record),
                Err(_) => return received,
            }
        }
        TAKE
    }
}
