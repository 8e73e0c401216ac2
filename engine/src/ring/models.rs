//! Every interleaving of two threads on small rings, under the C11 memory model. Run by `scripts/model.sh`.
//!
//! What may happen is in the assertions; what may not is, besides them: an access to a slot that is not ordered after the other side's
//! last one (the ledger in `sync.rs`), a record dropped twice or never, a wait that never ends (loom's own deadlock and branch bounds).

#![allow(clippy::unwrap_used)]

use loom::thread;

use super::*;

/// A record that counts itself. The count is a plain one: only what is modelled may order the two sides.
struct Counted(u64, std::sync::Arc<std::sync::atomic::AtomicIsize>);

#[derive(Clone, Default)]
struct Living(std::sync::Arc<std::sync::atomic::AtomicIsize>);

impl Living {
    fn make(&self, id: u64) -> Counted {
        self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        Counted(id, self.0.clone())
    }
    fn count(&self) -> isize {
        self.0.load(std::sync::atomic::Ordering::Relaxed)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.1.fetch_sub(1, std::sync::atomic::Ordering::Relaxed);
    }
}

/// Explores with a bound on preemptions, which keeps the longer models short; unbounded where `None`.
fn explore(preemptions: Option<usize>, model: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = preemptions;
    builder.check(model);
}

#[test]
fn model_push_and_pop_keep_order() {
    explore(None, || {
        let (mut producer, mut consumer) = ring::<u64>(2);
        let writer = thread::spawn(move || {
            for value in 0..3 {
                let mut value = value;
                while let Err(PushError(back)) = producer.push(value) {
                    value = back;
                    thread::yield_now();
                }
            }
        });
        for expected in 0..3 {
            loop {
                match consumer.pop() {
                    Some(value) => break assert_eq!(value, expected),
                    None => thread::yield_now(),
                }
            }
        }
        assert_eq!(consumer.pop(), None);
        writer.join().unwrap();
    });
}

#[test]
fn model_chunks_wrap_and_keep_order() {
    explore(Some(3), || {
        let (mut producer, mut consumer) = ring::<u64>(4);
        let writer = thread::spawn(move || {
            let mut next = 0;
            while next < 6 {
                match producer.claim(3) {
                    Ok(chunk) => next += chunk.fill(&mut (next..6)) as u64,
                    Err(Full) => thread::yield_now(),
                }
            }
        });
        let mut expected = 0;
        while expected < 6 {
            match consumer.read(2) {
                Ok(chunk) => {
                    for &value in &*chunk {
                        assert_eq!(value, expected);
                        expected += 1;
                    }
                    chunk.release();
                }
                Err(Empty) => thread::yield_now(),
            }
        }
        writer.join().unwrap();
    });
}

#[test]
fn model_records_are_moved_out_or_dropped_once() {
    explore(Some(3), || {
        let living = Living::default();
        let (mut producer, mut consumer) = ring(2);
        let made = living.clone();
        let writer = thread::spawn(move || {
            let mut next = 0;
            while next < 3 {
                match producer.claim(2) {
                    Ok(chunk) => next += chunk.fill(&mut (next..3).map(|id| made.make(id))) as u64,
                    Err(Full) => thread::yield_now(),
                }
            }
            if let Ok(mut chunk) = producer.claim(1) {
                chunk.push(made.make(9)).unwrap();
            }
        });
        let mut seen = 0;
        while seen < 2 {
            match consumer.read(2) {
                Ok(mut chunk) => {
                    let record = chunk.drain().next().unwrap();
                    assert_eq!(record.0, seen);
                    seen += 1 + chunk.len() as u64;
                }
                Err(Empty) => thread::yield_now(),
            }
        }
        drop(consumer);
        writer.join().unwrap();
        assert_eq!(living.count(), 0);
    });
}

#[test]
fn model_consumer_sees_everything_before_abandonment() {
    explore(None, || {
        let (mut producer, mut consumer) = ring::<u64>(2);
        let writer = thread::spawn(move || {
            producer.push(1).unwrap();
            producer.push(2).unwrap();
        });
        let mut sum = 0;
        loop {
            let gone = consumer.is_abandoned();
            match consumer.pop() {
                Some(value) => sum += value,
                None if gone => break,
                None => thread::yield_now(),
            }
        }
        assert_eq!(sum, 3);
        writer.join().unwrap();
    });
}

#[test]
fn model_producer_sees_abandonment_and_leftovers_are_dropped() {
    explore(None, || {
        let living = Living::default();
        let (mut producer, mut consumer) = ring(2);
        let reader = thread::spawn(move || {
            drop(consumer.pop());
            drop(consumer);
        });
        let mut pushed = 0;
        while !producer.is_abandoned() {
            match producer.push(living.make(0)) {
                Ok(()) => pushed += 1,
                Err(_) => thread::yield_now(),
            }
            assert!(pushed <= 3, "one was popped at most");
        }
        reader.join().unwrap();
        drop(producer);
        assert_eq!(living.count(), 0);
    });
}

#[test]
fn model_probe_counters_agree() {
    explore(Some(3), || {
        let (mut producer, mut consumer) = ring::<u64>(2);
        let probe = producer.probe();
        let watcher = thread::spawn(move || {
            let released = probe.released();
            let committed = probe.committed();
            assert!(released <= committed && committed <= 2);
        });
        let writer = thread::spawn(move || {
            producer.push(1).unwrap();
            producer.push(2).unwrap();
        });
        consumer.pop();
        consumer.pop();
        writer.join().unwrap();
        watcher.join().unwrap();
    });
}

#[test]
fn model_control_keeps_its_place() {
    explore(Some(3), || {
        let (mut sender, mut receiver) = channel::<u64, u64>(2, 2);
        // 0 1 C2 2 C3, then gone.
        let writer = thread::spawn(move || {
            let mut next = 0;
            while next < 2 {
                match sender.claim(2) {
                    Ok(chunk) => next += chunk.fill(&mut (next..2)) as u64,
                    Err(Full) => thread::yield_now(),
                }
            }
            sender.control(2).unwrap();
            while sender.push(2).is_err() {
                thread::yield_now();
            }
            sender.control(3).unwrap();
        });
        let (mut records, mut controls) = (0, 2);
        loop {
            match receiver.next(4) {
                Next::Records(chunk) => {
                    for record in chunk {
                        assert_eq!(record, records);
                        records += 1;
                    }
                    assert!(records <= controls, "records past a control's place");
                }
                Next::Control(control) => {
                    assert_eq!((control, records), (controls, controls));
                    controls += 1;
                }
                Next::Empty => thread::yield_now(),
                Next::Closed => break,
            }
        }
        assert_eq!((records, controls), (3, 4));
        writer.join().unwrap();
    });
}

#[test]
fn model_control_before_the_first_record() {
    explore(None, || {
        let (mut sender, mut receiver) = channel::<u64, ()>(2, 1);
        let writer = thread::spawn(move || {
            sender.control(()).unwrap();
            sender.push(7).unwrap();
        });
        let mut controls = 0;
        loop {
            match receiver.next(2) {
                Next::Records(chunk) => assert_eq!((controls, &*chunk), (1, &[7][..])),
                Next::Control(()) => controls += 1,
                Next::Empty => thread::yield_now(),
                Next::Closed => break,
            }
        }
        assert_eq!((controls, receiver.position()), (1, 1));
        writer.join().unwrap();
    });
}

#[test]
fn model_frames_wrap_and_keep_order() {
    explore(Some(3), || {
        // Four words: one-word and two-word frames, so that the third skips a word.
        let (mut producer, mut consumer) = byte_ring(16);
        let writer = thread::spawn(move || {
            for (index, len) in [0, 4, 4].into_iter().enumerate() {
                loop {
                    match producer.claim(len) {
                        Ok(mut frame) => {
                            frame.fill(index as u8);
                            if index == 0 {
                                frame.finish()
                            } else {
                                frame.commit()
                            }
                            break;
                        }
                        Err(ClaimError::Full) => thread::yield_now(),
                        Err(error) => panic!("{error}"),
                    }
                }
            }
        });
        let mut expected = [&[][..], &[1; 4], &[2; 4]].into_iter();
        loop {
            let gone = consumer.is_abandoned();
            match consumer.read(2) {
                Ok(frames) => {
                    for frame in &frames {
                        assert_eq!(Some(frame), expected.next());
                    }
                }
                Err(Empty) if gone => break,
                Err(Empty) => thread::yield_now(),
            }
        }
        assert_eq!(expected.next(), None);
        writer.join().unwrap();
    });
}
