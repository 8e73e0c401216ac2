//! Every interleaving of a push with a drain, of a handle's end with the source's, and of either with a reader that goes to sleep.
#![allow(clippy::unwrap_used)]

use loom::thread;

use super::*;
use crate::{runtime::Parker, source::testing::Gather};

fn run_to_end(mut reader: IngressReader<u64>, mut out: Gather<Own<u64>, u64>) -> Vec<u64> {
    loop {
        match reader.poll(4, &mut out).unwrap() {
            Polled::Records(_) => {}
            Polled::Idle(_) | Polled::Unfed => thread::yield_now(),
            Polled::End => return out.items,
        }
    }
}

/// Allowed: accepted and delivered; refused and not delivered. Forbidden: the other two.
#[test]
fn model_a_drain_delivers_exactly_what_was_accepted() {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(3);
    builder.check(|| {
        let (ingress, source) = ingress::<u64>(2);
        let mut reader = source.open(1).unwrap().remove(0);
        let mut handle = ingress.handle();
        let mut out = Gather::own();
        reader.poll(4, &mut out).unwrap();
        let pusher = thread::spawn(move || {
            let accepted = handle.try_push(7).is_ok();
            // A handle that stays: the end of the drain must not depend on its going.
            (handle, accepted)
        });
        reader.drain();
        let delivered = run_to_end(reader, out);
        let (_handle, accepted) = pusher.join().unwrap();
        assert_eq!(delivered, if accepted { vec![7] } else { vec![] });
    });
}

/// The last record of a handle that goes is delivered before the end, and so is one whose handle came late.
#[test]
fn model_the_end_comes_after_the_last_record() {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(3);
    builder.check(|| {
        let (ingress, source) = ingress::<u64>(2);
        let reader = source.open(1).unwrap().remove(0);
        let pusher = thread::spawn(move || {
            let mut handle = ingress.handle();
            handle.try_push(7).unwrap();
        });
        assert_eq!(run_to_end(reader, Gather::own()), [7]);
        pusher.join().unwrap();
    });
}

/// A worker that does nothing but read, and sleeps whenever there is nothing: until it has `wanted` records, or the source ends.
///
/// Nothing wakes it but what the ingress wakes, so a wake-up that is missing is a deadlock.
fn read_asleep(source: IngressSource<u64>, wanted: usize) -> Vec<u64> {
    let mut reader = source.open(1).unwrap().remove(0);
    let (mut parker, waker) = Parker::pair(Fences::of_process());
    reader.attach(&waker);
    let mut out = Gather::own();
    let mut cycle = || {
        match reader.poll(4, &mut out).unwrap() {
            Polled::Records(_) if out.items.len() < wanted => {}
            Polled::Records(_) | Polled::End => return Some(std::mem::take(&mut out.items)),
            Polled::Idle(_) | Polled::Unfed => return None,
        }
        Some(Vec::new())
    };
    loop {
        let mut found = cycle();
        if found.is_none() {
            // As a worker does it: the recheck is a whole cycle.
            parker.park(Duration::MAX, || {
                found = cycle();
                found.is_some()
            });
        }
        if let Some(items) = found.filter(|items| wanted == 0 || !items.is_empty()) {
            return items;
        }
    }
}

fn check_asleep(model: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(3);
    builder.check(model);
}

/// The handle was there before the reader: what is pushed while the reader fetches it, and learns whom to wake, is seen by one of them.
#[test]
fn model_a_push_wakes_the_reader_that_fetches_its_handle() {
    check_asleep(|| {
        let (ingress, source) = ingress::<u64>(2);
        let mut handle = ingress.handle();
        let reader = thread::spawn(move || read_asleep(source, 1));
        handle.try_push(7).unwrap();
        assert_eq!(reader.join().unwrap(), [7]);
        // Neither the handle's end nor the ingress's has woken it.
        drop((handle, ingress));
    });
}

/// The handle is made while the reader may already sleep.
#[test]
fn model_a_new_handle_wakes_the_reader() {
    check_asleep(|| {
        let (ingress, source) = ingress::<u64>(2);
        let reader = thread::spawn(move || read_asleep(source, 1));
        let mut handle = ingress.handle();
        handle.try_push(7).unwrap();
        assert_eq!(reader.join().unwrap(), [7]);
        drop((handle, ingress));
    });
}

/// The last party goes while the reader may already sleep.
#[test]
fn model_the_end_wakes_the_reader() {
    check_asleep(|| {
        let (ingress, source) = ingress::<u64>(2);
        let reader = thread::spawn(move || read_asleep(source, 0));
        drop(ingress);
        assert!(reader.join().unwrap().is_empty());
    });
}
