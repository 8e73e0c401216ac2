//! One ring against a `VecDeque`, at the wrap, with records of no size, and across two threads.

use std::{collections::VecDeque, thread};

use proptest::prelude::*;

use super::{super::*, *};

#[test]
fn capacity_is_rounded_up() {
    for (asked, given) in [(0, 1), (1, 1), (2, 2), (3, 4), (1000, 1024)] {
        let (producer, consumer) = ring::<u8>(asked);
        assert_eq!((producer.capacity(), consumer.capacity()), (given, given));
    }
}

#[test]
#[should_panic(expected = "isize::MAX")]
fn a_ring_larger_than_memory_is_refused() {
    let _ = ring::<u64>(usize::MAX / 16);
}

#[test]
fn slots_start_on_a_line() {
    let (mut producer, mut consumer) = ring::<[u64; 8]>(4);
    producer.push([1; 8]).unwrap();
    assert_eq!(consumer.read(1).unwrap().as_ptr() as usize % 128, 0);
}

#[test]
fn claims_and_reads_stop_at_the_wrap() {
    let (mut producer, mut consumer) = ring::<u64>(8);
    assert_eq!(producer.claim(6).unwrap().fill(&mut (0..)), 6);
    consumer.read(5).unwrap().release();
    assert_eq!(producer.claim(100).unwrap().len(), 2, "to the end of the storage");
    assert_eq!(producer.claim(100).unwrap().fill(&mut (6..)), 2);
    assert_eq!(producer.claim(100).unwrap().fill(&mut (8..)), 5, "the other side of the wrap, up to the head");
    assert_eq!(producer.claim(1).unwrap_err(), Full);
    assert_eq!(producer.push(99), Err(PushError(99)));
    assert_eq!(*consumer.read(100).unwrap(), [5, 6, 7]);
    assert_eq!(*consumer.read(100).unwrap(), [8, 9, 10, 11, 12]);
    assert_eq!(consumer.read(1).unwrap_err(), Empty);
    assert_eq!(consumer.pop(), None);
    assert_eq!((producer.position(), consumer.position()), (13, 13));
}

#[test]
fn asking_for_nothing_gives_nothing() {
    let (mut producer, mut consumer) = ring::<u64>(4);
    assert_eq!(producer.claim(0).unwrap_err(), Full);
    producer.push(1).unwrap();
    assert_eq!(consumer.read(0).unwrap_err(), Empty);
    assert_eq!(consumer.pop(), Some(1));
}

#[test]
fn an_uncommitted_chunk_is_never_seen() {
    let living = Living::default();
    let (mut producer, mut consumer) = ring(4);
    let mut chunk = producer.claim(3).unwrap();
    chunk.push(living.make(1)).unwrap();
    chunk.push(living.make(2)).unwrap();
    assert_eq!((chunk.len(), chunk.written(), chunk.vacant()), (3, 2, 1));
    drop(chunk);
    assert_eq!(living.count(), 0);
    assert!(consumer.pop().is_none());
    assert_eq!(producer.position(), 0);

    let mut chunk = producer.claim(2).unwrap();
    chunk.push(living.make(3)).unwrap();
    assert_eq!(chunk.commit(), 1, "a prefix");
    assert_eq!(ids(&consumer.read(9).unwrap()), [3]);
    assert_eq!(living.count(), 0);
}

#[test]
fn a_full_chunk_gives_the_value_back() {
    let (mut producer, _consumer) = ring(1);
    let mut chunk = producer.claim(5).unwrap();
    chunk.push(1).unwrap();
    assert_eq!(chunk.push(2), Err(PushError(2)));
    assert_eq!(chunk.fill(&mut std::iter::repeat_with(|| panic!("no slot for another"))), 1);
}

#[test]
fn fill_takes_no_item_it_has_no_slot_for() {
    let (mut producer, mut consumer) = ring::<String>(4);
    let mut items = (0..6).map(|i| i.to_string());
    assert_eq!(producer.claim(9).unwrap().fill(&mut items), 4);
    consumer.read(9).unwrap().release();
    assert_eq!(producer.claim(9).unwrap().fill(&mut items), 2);
    assert_eq!(*consumer.read(9).unwrap(), ["4", "5"]);
    assert_eq!(producer.claim(9).unwrap().fill(&mut items), 0, "and an empty iterator publishes nothing");
    assert_eq!(producer.position(), 6);
}

#[test]
fn records_can_be_worked_on_in_place() {
    let (mut producer, mut consumer) = ring(4);
    producer.claim(4).unwrap().fill(&mut [3, 1, 2].into_iter());
    let mut chunk = consumer.read(4).unwrap();
    chunk.sort();
    assert_eq!(chunk.into_iter().collect::<Vec<_>>(), [1, 2, 3]);
}

#[test]
fn what_is_not_taken_is_dropped_and_released() {
    let living = Living::default();
    let (mut producer, mut consumer) = ring(4);
    for taken in 0..=4 {
        assert_eq!(producer.claim(4).unwrap().fill(&mut (0..4).map(|id| living.make(id))), 4);
        let mut chunk = consumer.read(4).unwrap();
        assert_eq!(chunk.drain().len(), 4);
        let out: Vec<_> = chunk.drain().take(taken as usize).collect();
        assert_eq!(ids(&out), (0..taken).collect::<Vec<_>>());
        assert_eq!(ids(&chunk), (taken..4).collect::<Vec<_>>(), "the rest stays in the chunk");
        assert_eq!(living.count(), 4);
        drop(chunk);
        assert_eq!(living.count(), taken as isize);
        drop(out);
        assert_eq!((living.count(), producer.vacant()), (0, 4));
    }
}

#[test]
fn release_first_leaves_the_others() {
    let living = Living::default();
    let (mut producer, mut consumer) = ring(4);
    producer.claim(4).unwrap().fill(&mut (0..4).map(|id| living.make(id)));
    consumer.read(4).unwrap().release_first(1);
    assert_eq!((living.count(), consumer.position(), producer.vacant()), (3, 1, 1));
    let mut chunk = consumer.read(4).unwrap();
    drop(chunk.drain().next());
    chunk.release_first(1);
    assert_eq!((living.count(), consumer.position()), (1, 3));
    consumer.read(4).unwrap().release_first(9);
    assert_eq!((living.count(), consumer.position(), producer.vacant()), (0, 4, 4));
}

#[test]
fn forgotten_chunks_leak_and_nothing_worse() {
    let living = Living::default();
    let (mut producer, mut consumer) = ring(4);
    let mut chunk = producer.claim(2).unwrap();
    chunk.push(living.make(0)).unwrap();
    std::mem::forget(chunk);
    assert_eq!(living.count(), 1, "leaked");

    producer.claim(3).unwrap().fill(&mut (1..4).map(|id| living.make(id)));
    std::mem::forget(consumer.read(3).unwrap());
    assert_eq!(ids(&consumer.read(1).unwrap()), [1], "nothing was taken, so nothing is lost");
    let mut chunk = consumer.read(2).unwrap();
    drop(chunk.drain().next());
    std::mem::forget(chunk);
    assert_eq!(living.count(), 2, "record 3 has leaked too");
    drop((producer, consumer));
    assert_eq!(living.count(), 2, "and none was dropped twice");
}

#[test]
fn the_last_end_drops_what_nobody_took() {
    for consumer_first in [true, false] {
        let living = Living::default();
        let (mut producer, mut consumer) = ring(4);
        producer.claim(3).unwrap().fill(&mut (0..3).map(|id| living.make(id)));
        consumer.read(2).unwrap().release();
        while producer.push(living.make(9)).is_ok() {}
        assert_eq!(living.count(), 4, "across the wrap");
        let probe = producer.probe();
        assert!(!producer.is_abandoned() && !consumer.is_abandoned());
        if consumer_first {
            drop(consumer);
            assert!(producer.is_abandoned());
            drop(producer);
        } else {
            drop(producer);
            assert!(consumer.is_abandoned());
            assert_eq!(consumer.pop().unwrap().id, 2, "still there");
            drop(consumer);
        }
        assert_eq!(living.count(), 0, "although a probe is alive");
        assert_eq!(probe.committed(), 6);
    }
}

#[test]
fn a_probe_counts_both_sides() {
    let (mut producer, mut consumer) = ring(4);
    let probe = producer.probe();
    producer.claim(3).unwrap().fill(&mut (0..3));
    consumer.pop();
    assert_eq!((probe.committed(), probe.released(), probe.in_flight(), probe.capacity()), (3, 1, 2, 4));
    assert_eq!((consumer.probe().in_flight(), consumer.probe().slot_bytes()), (2, 4));
}

#[test]
fn records_without_size() {
    let (mut producer, mut consumer) = ring::<()>(4);
    assert_eq!(producer.claim(9).unwrap().fill(&mut std::iter::repeat(())), 4);
    assert_eq!(producer.push(()), Err(PushError(())));
    assert_eq!(consumer.pop(), Some(()));
    let mut chunk = consumer.read(2).unwrap();
    assert_eq!((chunk.len(), chunk.drain().next()), (2, Some(())));
    assert_eq!(chunk.into_iter().count(), 1);
    assert_eq!(consumer.available(), 1);
    let (huge, _) = ring::<()>(1 << 40);
    assert_eq!(huge.capacity(), 1 << 40);
}

#[derive(Debug, Clone)]
enum Step {
    Push,
    Fill { max: usize, items: usize },
    Abandon { max: usize, items: usize },
    Pop,
    Release { max: usize, first: usize },
    Drain { max: usize, take: usize, then: usize },
    Iterate { max: usize, take: usize },
}

fn step() -> impl Strategy<Value = Step> {
    let n = 0..9usize;
    prop_oneof![
        Just(Step::Push),
        (n.clone(), n.clone()).prop_map(|(max, items)| Step::Fill { max, items }),
        (n.clone(), n.clone()).prop_map(|(max, items)| Step::Abandon { max, items }),
        Just(Step::Pop),
        (n.clone(), n.clone()).prop_map(|(max, first)| Step::Release { max, first }),
        (n.clone(), n.clone(), n.clone()).prop_map(|(max, take, then)| Step::Drain { max, take, then }),
        (n.clone(), n).prop_map(|(max, take)| Step::Iterate { max, take }),
    ]
}

/// What fits into one run: to the end of the storage, and what is free or there.
fn run(max: usize, position: u64, capacity: usize, there: usize) -> usize {
    max.min(capacity - position as usize % capacity).min(there)
}

proptest! {
    #[test]
    fn behaves_like_a_queue(capacity in 1..9usize, steps in prop::collection::vec(step(), 0..200)) {
        let living = Living::default();
        let (mut producer, mut consumer) = ring(capacity);
        let capacity = producer.capacity();
        let mut queue = VecDeque::new();
        let (mut next, mut read) = (0u64, 0u64);
        for step in steps {
            let free = capacity - queue.len();
            match step {
                Step::Push => match producer.push(living.make(next)) {
                    Ok(()) => { prop_assert!(free > 0); queue.push_back(next); next += 1 }
                    Err(PushError(value)) => { prop_assert_eq!((free, value.id), (0, next)) }
                },
                Step::Fill { max, items } => {
                    let len = run(max, next, capacity, free);
                    match producer.claim(max) {
                        Ok(chunk) => {
                            prop_assert_eq!(chunk.len(), len);
                            let written = chunk.fill(&mut (next..next + items as u64).map(|id| living.make(id)));
                            prop_assert_eq!(written, len.min(items));
                            queue.extend(next..next + written as u64);
                            next += written as u64;
                        }
                        Err(Full) => prop_assert_eq!(len, 0),
                    }
                }
                Step::Abandon { max, items } => if let Ok(mut chunk) = producer.claim(max) {
                    for id in 0..items.min(chunk.len()) { chunk.push(living.make(id as u64)).map_err(|_| TestCaseError::fail("full"))?; }
                },
                Step::Pop => {
                    let got = consumer.pop().map(|record| record.id);
                    prop_assert_eq!(got, queue.pop_front());
                    read += got.is_some() as u64;
                }
                Step::Release { max, first } => {
                    let len = run(max, read, capacity, queue.len());
                    match consumer.read(max) {
                        Ok(chunk) => {
                            prop_assert_eq!(chunk.position(), read);
                            prop_assert_eq!(ids(&chunk), queue.iter().take(len).copied().collect::<Vec<_>>());
                            chunk.release_first(first);
                            queue.drain(..len.min(first));
                            read += len.min(first) as u64;
                        }
                        Err(Empty) => prop_assert_eq!(len, 0),
                    }
                }
                Step::Drain { max, take, then } => if let Ok(mut chunk) = consumer.read(max) {
                    let len = chunk.len();
                    let mut out: Vec<u64> = chunk.drain().take(take).map(|record| record.id).collect();
                    out.extend(ids(&chunk[..then.min(chunk.len())]));
                    drop(chunk);
                    let expected: Vec<_> = queue.drain(..len).collect();
                    prop_assert_eq!(&out[..], &expected[..len.min(take.min(len) + then)]);
                    read += len as u64;
                },
                Step::Iterate { max, take } => if let Ok(chunk) = consumer.read(max) {
                    let len = chunk.len();
                    let mut records = chunk.into_iter();
                    let mut out: Vec<u64> = records.by_ref().take(take).map(|record| record.id).collect();
                    prop_assert_eq!(records.len(), len - out.len());
                    records.for_each(|record| out.push(record.id));
                    prop_assert_eq!(out, queue.drain(..len).collect::<Vec<_>>());
                    read += len as u64;
                },
            }
            prop_assert_eq!(living.count(), queue.len() as isize);
            prop_assert_eq!((producer.position(), consumer.position()), (next, read));
            let probe = producer.probe();
            prop_assert_eq!((probe.committed(), probe.released()), (next, read));
            prop_assert_eq!((producer.vacant(), consumer.available()), (capacity - queue.len(), queue.len()));
        }
        drop((producer, consumer));
        prop_assert_eq!(living.count(), 0);
    }
}

/// Unique payloads, in order, whatever mix of calls the two sides use.
#[test]
fn two_threads_pass_every_record_once_in_order() {
    // Where every record is a hand-over between the threads, fewer of them.
    for (capacity, total) in [(1, 2_000), (2, 4_000), (64, 40_000), (1024, 200_000)] {
        let living = Living::default();
        let (mut producer, consumer) = ring(capacity);
        let probe = producer.probe();
        let made = living.clone();
        thread::scope(|scope| {
            scope.spawn(move || {
                let mut next = 0;
                while next < total && !producer.is_abandoned() {
                    let sent = if next % 3 == 0 {
                        producer.push(made.make(next)).is_ok() as usize
                    } else {
                        producer.claim(1 + (next % 100) as usize).map_or(0, |chunk| chunk.fill(&mut (next..total).map(|id| made.make(id))))
                    };
                    if sent == 0 {
                        thread::yield_now();
                    }
                    next += sent as u64;
                }
            });
            let watcher = scope.spawn(move || {
                let mut last = (0, 0);
                for _ in 0..2_000 {
                    if last.1 == total {
                        break;
                    }
                    let now = (probe.committed(), probe.released());
                    assert!(now.0 >= last.0 && now.1 >= last.1, "a counter went backwards");
                    assert!(probe.in_flight() <= probe.capacity() as u64);
                    last = now;
                    thread::sleep(std::time::Duration::from_micros(200));
                }
            });
            // Owned here, so that a failed check abandons the ring and ends the sender.
            let mut consumer = consumer;
            let mut expected = 0;
            let mut check = |record: Counted| {
                assert_eq!(record.id, expected);
                expected += 1;
            };
            loop {
                let gone = consumer.is_abandoned();
                let mut empty = true;
                if consumer.position() % 3 == 1 {
                    consumer.pop().into_iter().for_each(|record| {
                        empty = false;
                        check(record);
                    });
                } else if let Ok(chunk) = consumer.read(1 + (consumer.position() % 70) as usize) {
                    empty = false;
                    chunk.into_iter().for_each(&mut check);
                }
                match (empty, gone) {
                    (true, true) => break,
                    (true, false) => thread::yield_now(),
                    (false, _) => {}
                }
            }
            assert_eq!(expected, total);
            watcher.join().unwrap();
        });
        assert_eq!(living.count(), 0);
    }
}
