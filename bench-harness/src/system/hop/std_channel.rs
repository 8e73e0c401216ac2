//! The standard library's `sync_channel`, item by item.

use std::{
    hint::spin_loop,
    sync::mpsc::{Receiver as Rx, SyncSender as Tx, TrySendError, sync_channel},
};

use super::{Hopping, Link, Receiver, Sender, Shift, rtrb::TAKE};

/// A bounded channel that carries record by record.
pub(in crate::system) struct StdChannel;

impl Link for StdChannel {
    const NAME: &'static str = "std";
    type Sender<T: Hopping> = Tx<T>;
    type Receiver<T: Hopping> = Rx<T>;

    fn open<T: Hopping>(_: usize, capacity: usize) -> (Tx<T>, Rx<T>) {
        sync_channel(capacity)
    }
}

impl<T: Hopping> Sender<T> for Tx<T> {
    fn send(&mut self, shift: Shift, records: &[T]) {
        for record in records {
            let mut record = record.at(shift);
            while let Err(TrySendError::Full(back)) = self.try_send(record) {
                record = back;
                spin_loop();
            }
        }
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
