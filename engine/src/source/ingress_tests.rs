//! What pushes accept against what readers deliver, with drains and stops in between.
#![allow(clippy::unwrap_used)]

use std::{sync::atomic, thread};

use super::*;
use crate::source::testing::Gather;

fn poll_to_end(reader: &mut IngressReader<u64>, out: &mut Gather<Own<u64>, u64>) {
    loop {
        match reader.poll(16, out).unwrap() {
            Polled::Records(_) => {}
            Polled::Idle(_) | Polled::Unfed => thread::yield_now(),
            Polled::End => return,
        }
    }
}

#[test]
fn handles_made_before_and_after_the_start_are_spread_over_the_readers() {
    let (ingress, source) = ingress::<u64>(4);
    let mut early: Vec<_> = (0..3).map(|_| ingress.handle()).collect();
    let mut readers = source.open(2).unwrap();
    let mut late = ingress.handle();
    for (i, handle) in early.iter_mut().enumerate() {
        handle.push(i as u64).unwrap();
    }
    late.push(3).unwrap();
    for (reader, expected) in readers.iter_mut().zip([[0, 2], [1, 3]]) {
        let mut out = Gather::own();
        while reader.poll(10, &mut out).unwrap() != Polled::Idle(None) {}
        assert_eq!(out.items, expected);
    }
    drop((early, late, ingress));
    for reader in &mut readers {
        assert_eq!(reader.poll(10, &mut Gather::own()).unwrap(), Polled::End);
    }
}

#[test]
fn it_ends_only_when_the_ingress_and_all_handles_are_gone_and_the_rings_are_empty() {
    let (ingress, source) = ingress::<u64>(4);
    let mut reader = source.open(1).unwrap().remove(0);
    let mut out = Gather::own();
    let mut handle = ingress.handle();
    let clone = ingress.clone();
    drop(ingress);
    assert_eq!(reader.poll(10, &mut out).unwrap(), Polled::Idle(None));
    handle.push(1).unwrap();
    drop(clone);
    drop(handle);
    assert_eq!(reader.poll(10, &mut out).unwrap(), Polled::Records(1));
    assert_eq!(reader.poll(10, &mut out).unwrap(), Polled::End);
    assert_eq!(out.items, [1]);
}

#[test]
fn a_full_ring_hands_the_record_back() {
    let (ingress, source) = ingress::<u64>(2);
    let mut reader = source.open(1).unwrap().remove(0);
    let mut handle = ingress.handle();
    handle.try_push(1).unwrap();
    handle.try_push(2).unwrap();
    assert_eq!(handle.try_push(3), Err(TryPushError::Full(3)));
    assert_eq!(handle.push_timeout(3, Duration::from_micros(200)), Err(TryPushError::Full(3)));
    assert_eq!(handle.push_or_drop(3), Ok(false));
    assert_eq!(handle.try_push_batch(&mut [3].into_iter()), Ok(0));
    assert_eq!(handle.dropped(), 1);
    let mut out = Gather::own();
    reader.poll(1, &mut out).unwrap();
    assert_eq!(handle.push_or_drop(4), Ok(true));
    while reader.poll(10, &mut out).unwrap() != Polled::Idle(None) {}
    assert_eq!(out.items, [1, 2, 4]);
}

#[test]
fn a_drain_delivers_what_was_accepted_and_refuses_the_rest() {
    let (ingress, source) = ingress::<u64>(8);
    let mut reader = source.open(1).unwrap().remove(0);
    let mut handle = ingress.handle();
    handle.push_batch(0..5).unwrap();
    reader.drain();
    assert_eq!(handle.push(5), Err(Closed(5)));
    assert_eq!(handle.try_push(5), Err(TryPushError::Closed(5)));
    assert_eq!(handle.push_timeout(5, Duration::MAX), Err(TryPushError::Closed(5)));
    let mut items = 5..9;
    assert_eq!(handle.push_batch(&mut items), Err(Closed(0)));
    assert_eq!(items, 5..9);
    assert_eq!(ingress.handle().push(6), Err(Closed(6)));
    let mut out = Gather::own();
    poll_to_end(&mut reader, &mut out);
    assert_eq!(out.items, [0, 1, 2, 3, 4]);
}

#[test]
fn a_source_that_is_refused_or_stopped_closes() {
    let (ingress, source) = ingress::<u64>(1);
    let mut handle = ingress.handle();
    handle.push(1).unwrap();
    drop(source);
    assert_eq!(handle.push(2), Err(Closed(2)));

    let (ingress, source) = super::ingress::<u64>(1);
    let mut handle = ingress.handle();
    let reader = source.open(1).unwrap().remove(0);
    handle.push(1).unwrap();
    let waiting = thread::spawn(move || handle.push(2));
    drop(reader);
    assert_eq!(waiting.join().unwrap(), Err(Closed(2)));
}

#[test]
fn a_panic_in_the_iterator_publishes_nothing_and_does_not_hold_up_a_drain() {
    let (ingress, source) = ingress::<u64>(8);
    let mut reader = source.open(1).unwrap().remove(0);
    let mut handle = ingress.handle();
    let pushing = thread::spawn(move || handle.push_batch((0..5).map(|i| if i < 3 { i } else { panic!("planted") })));
    assert!(pushing.join().is_err());
    let mut out = Gather::own();
    reader.drain();
    poll_to_end(&mut reader, &mut out);
    assert!(out.items.is_empty());
}

/// Handles on threads of their own push by every kind of call; readers on threads of their own are drained at some point.
#[test]
fn accepted_is_delivered_whenever_the_drain_comes() {
    for round in 0..200u64 {
        let (ingress, source) = ingress::<u64>(4);
        let drain_after = round * 7 % 1500;
        let draining = atomic::AtomicBool::new(false);
        let readers = source.open(2).unwrap();
        let (accepted, delivered) = thread::scope(|scope| {
            let pushers: Vec<_> = (0..3u64)
                .map(|h| {
                    let ingress = ingress.clone();
                    scope.spawn(move || {
                        let mut handle = ingress.handle();
                        let mut accepted = Vec::new();
                        let mut next = h << 32;
                        loop {
                            let open = match next % 3 {
                                0 => match handle.try_push(next) {
                                    Ok(()) => {
                                        accepted.push(next);
                                        true
                                    }
                                    Err(TryPushError::Full(_)) => true,
                                    Err(TryPushError::Closed(_)) => false,
                                },
                                1 => handle.push(next).map(|()| accepted.push(next)).is_ok(),
                                _ => {
                                    let mut batch = next..next + 6;
                                    let open = handle.push_batch(&mut batch).is_ok();
                                    accepted.extend(next..batch.start);
                                    open
                                }
                            };
                            if !open {
                                return accepted;
                            }
                            next += 7;
                        }
                    })
                })
                .collect();
            let polls: Vec<_> = readers
                .into_iter()
                .map(|mut reader| {
                    let draining = &draining;
                    scope.spawn(move || {
                        let mut out = Gather::own();
                        loop {
                            if draining.load(Ordering::Relaxed) {
                                reader.drain();
                            }
                            match reader.poll(3, &mut out).unwrap() {
                                Polled::End => return out.items,
                                Polled::Idle(_) | Polled::Unfed => thread::yield_now(),
                                Polled::Records(_) if out.items.len() as u64 >= drain_after => draining.store(true, Ordering::Relaxed),
                                Polled::Records(_) => {}
                            }
                        }
                    })
                })
                .collect();
            let join = |threads: Vec<thread::ScopedJoinHandle<'_, Vec<u64>>>| -> Vec<Vec<u64>> {
                threads.into_iter().map(|thread| thread.join().unwrap()).collect()
            };
            (join(pushers), join(polls))
        });
        for h in 0..3u64 {
            // One reader has all of a handle's records, in their order.
            let of_handle: Vec<Vec<u64>> =
                delivered.iter().map(|items| items.iter().copied().filter(|item| item >> 32 == h).collect::<Vec<_>>()).collect();
            assert!(of_handle.iter().filter(|items| !items.is_empty()).count() <= 1);
            assert_eq!(of_handle.concat(), accepted[h as usize]);
        }
    }
}
