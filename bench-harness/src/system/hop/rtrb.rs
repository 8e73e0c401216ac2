//! The ring of the crate `rtrb`, in chunks and item by item.
#![allow(unsafe_code)]

use std::hint::spin_loop;

use rtrb::{Consumer, Producer, RingBuffer};

use super::{Hopping, Link, Receiver, Sender, Shift};

/// Chunks of at most a batch, filled and read in place.
pub(in crate::system) struct Chunks;

impl Link for Chunks {
    const NAME: &'static str = "rtrb";
    type Sender<T: Hopping> = ChunkSender<T>;
    type Receiver<T: Hopping> = ChunkReceiver<T>;

    fn open<T: Hopping>(batch: usize, capacity: usize) -> (ChunkSender<T>, ChunkReceiver<T>) {
        let (producer, consumer) = RingBuffer::new(capacity);
        (ChunkSender(producer), ChunkReceiver { consumer, batch })
    }
}

pub(in crate::system) struct ChunkSender<T>(Producer<T>);

impl<T: Hopping> Sender<T> for ChunkSender<T> {
    fn send(&mut self, shift: Shift, records: &[T]) {
        let mut chunk = loop {
            match self.0.write_chunk_uninit(records.len()) {
                Ok(chunk) => break chunk,
                Err(_) => spin_loop(),
            }
        };
        let (first, second) = chunk.as_mut_slices();
        let (before, after) = records.split_at(first.len());
        for (slots, records) in [(first, before), (second, after)] {
            for (slot, record) in slots.iter_mut().zip(records) {
                slot.write(record.at(shift));
            }
        }
        // SAFETY: the chunk has as many slots as there are records, and each slot was written above.
        unsafe { chunk.commit_all() };
    }
}

pub(in crate::system) struct ChunkReceiver<T> {
    consumer: Consumer<T>,
    batch: usize,
}

impl<T: Hopping> Receiver<T> for ChunkReceiver<T> {
    fn receive(&mut self, mut each: impl FnMut(&T)) -> usize {
        let there = match self.consumer.read_chunk(self.batch) {
            Ok(chunk) => return consume(chunk, each),
            Err(rtrb::chunks::ChunkError::TooFewSlots(there)) => there,
        };
        match self.consumer.read_chunk(there) {
            Ok(chunk) if there > 0 => consume(chunk, &mut each),
            _ => 0,
        }
    }
}

fn consume<T>(chunk: rtrb::chunks::ReadChunk<'_, T>, mut each: impl FnMut(&T)) -> usize {
    let (first, second) = chunk.as_slices();
    let received = first.len() + second.len();
    first.iter().for_each(&mut each);
    second.iter().for_each(&mut each);
    chunk.commit_all();
    received
}

/// One push and one pop for each record.
pub(in crate::system) struct Elements;

impl Link for Elements {
    const NAME: &'static str = "rtrb-item";
    type Sender<T: Hopping> = Producer<T>;
    type Receiver<T: Hopping> = Consumer<T>;

    fn open<T: Hopping>(_: usize, capacity: usize) -> (Producer<T>, Consumer<T>) {
        RingBuffer::new(capacity)
    }
}

impl<T: Hopping> Sender<T> for Producer<T> {
    fn send(&mut self, shift: Shift, records: &[T]) {
        for record in records {
            let mut record = record.at(shift);
            while let Err(rtrb::PushError::Full(back)) = self.push(record) {
                record = back;
                spin_loop();
            }
        }
    }
}

/// Records that an item-wise receiver takes before it returns.
pub(super) const TAKE: usize = 64;

impl<T: Hopping> Receiver<T> for Consumer<T> {
    fn receive(&mut self, mut each: impl FnMut(&T)) -> usize {
        for received in 0..TAKE {
            match self.pop() {
                Ok(record) => each(&record),
                Err(_) => return received,
            }
        }
        TAKE
    }
}
