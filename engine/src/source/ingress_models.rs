//! Every interleaving of a push with a drain, and of a handle's end with the source's.
#![allow(clippy::unwrap_used)]

use loom::thread;

use super::*;
use crate::source::testing::Gather;

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
