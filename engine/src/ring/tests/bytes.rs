//! Frames against a queue of vectors, at every length and every place of the wrap.

use std::{collections::VecDeque, thread};

use proptest::prelude::*;

use super::super::*;

#[test]
fn a_frame_longer_than_half_the_ring_is_refused() {
    let (mut producer, mut consumer) = byte_ring(64);
    assert_eq!((producer.capacity_bytes(), producer.longest()), (64, 28));
    let error = producer.claim(29).unwrap_err();
    assert_eq!(error, ClaimError::TooLong { len: 29, longest: 28 });
    assert!(error.to_string().contains("29 bytes") && error.to_string().contains("28 bytes"), "{error}");
    assert!(matches!(producer.claim(usize::MAX), Err(ClaimError::TooLong { .. })));
    // The longest frame fits wherever the ring stands, once it is empty.
    for at in 0..32 {
        producer.claim(28).unwrap().commit();
        assert_eq!(consumer.read(9).unwrap().iter().map(<[u8]>::len).collect::<Vec<_>>(), [28], "round {at}");
        producer.claim(at % 9).unwrap().commit();
        consumer.read(9).unwrap().release();
    }
}

#[test]
fn the_smallest_ring_carries_empty_frames() {
    let (mut producer, mut consumer) = byte_ring(0);
    assert_eq!((producer.capacity_bytes(), producer.longest()), (8, 0));
    for _ in 0..5 {
        producer.claim(0).unwrap().commit();
        assert_eq!(consumer.read(1).unwrap().iter().next(), Some(&b""[..]));
    }
}

#[test]
fn a_full_ring_publishes_what_is_finished() {
    let (mut producer, mut consumer) = byte_ring(32);
    for _ in 0..4 {
        producer.claim(4).unwrap().finish();
    }
    assert_eq!(consumer.read(9).unwrap_err(), Empty);
    assert_eq!(producer.claim(4).unwrap_err(), ClaimError::Full);
    assert_eq!(consumer.read(9).unwrap().len(), 4, "or the two would wait for each other");
    assert!(producer.claim(4).is_ok());
}

#[test]
fn finished_frames_survive_the_producer_and_unfinished_ones_do_not() {
    let (mut producer, mut consumer) = byte_ring(64);
    producer.claim(3).unwrap().finish();
    producer.claim(5).unwrap().copy_from_slice(b"never");
    assert!(!consumer.is_abandoned());
    drop(producer);
    assert!(consumer.is_abandoned());
    let frames = consumer.read(9).unwrap();
    assert_eq!(frames.iter().map(<[u8]>::len).collect::<Vec<_>>(), [3]);
    frames.release();
    assert_eq!(consumer.read(9).unwrap_err(), Empty);
}

#[derive(Debug, Clone)]
enum Step {
    Write { bytes: Vec<u8>, spare: usize, end: u8 },
    Commit,
    Read { max: usize },
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => (prop::collection::vec(any::<u8>(), 0..40), 0..9usize, 0..3u8)
            .prop_map(|(bytes, spare, end)| Step::Write { bytes, spare, end }),
        1 => Just(Step::Commit),
        2 => (0..5usize).prop_map(|max| Step::Read { max }),
    ]
}

proptest! {
    #[test]
    fn comes_out_as_it_went_in(capacity in 0..140usize, steps in prop::collection::vec(step(), 0..200)) {
        let (mut producer, mut consumer) = byte_ring(capacity);
        let (mut finished, mut sent) = (Vec::new(), VecDeque::new());
        for step in steps {
            match step {
                Step::Write { bytes, spare, end } => {
                    let (len, longest) = (bytes.len() + spare, producer.longest());
                    match producer.claim(len) {
                        Ok(mut frame) => {
                            prop_assert!(len <= longest && frame.len() == len);
                            frame[..bytes.len()].copy_from_slice(&bytes);
                            frame.truncate(bytes.len());
                            prop_assert_eq!(&*frame, &bytes[..]);
                            match end {
                                0 => drop(frame),
                                1 => { frame.finish(); finished.push(bytes) }
                                _ => { frame.commit(); sent.extend(finished.drain(..)); sent.push_back(bytes) }
                            }
                        }
                        Err(ClaimError::Full) => {
                            sent.extend(finished.drain(..));
                            prop_assert!(!sent.is_empty(), "an empty ring takes every frame it does not refuse");
                        }
                        Err(ClaimError::TooLong { .. }) => prop_assert!(len > longest),
                    }
                }
                Step::Commit => { producer.commit(); sent.extend(finished.drain(..)) }
                Step::Read { max } => {
                    let there = max.min(sent.len());
                    match consumer.read(max) {
                        Ok(frames) => {
                            prop_assert_eq!(frames.len(), there);
                            prop_assert_eq!(frames.iter().len(), there);
                            for frame in &frames { prop_assert_eq!(frame, &sent.pop_front().unwrap()[..]); }
                        }
                        Err(Empty) => prop_assert_eq!(there, 0),
                    }
                }
            }
        }
    }
}

/// Frame `i` has `i % 50` bytes, all of them made from `i`.
#[test]
fn two_threads_pass_every_frame_once_in_order() {
    const FRAMES: usize = 50_000;
    let (mut producer, consumer) = byte_ring(512);
    thread::scope(|scope| {
        scope.spawn(move || {
            let mut next = 0;
            while next < FRAMES && !producer.is_abandoned() {
                match producer.claim(next % 50) {
                    Ok(mut frame) => {
                        frame.fill((next % 251) as u8);
                        if next % 4 == 0 {
                            frame.commit()
                        } else {
                            frame.finish()
                        }
                        next += 1;
                    }
                    Err(ClaimError::Full) => thread::yield_now(),
                    Err(error) => panic!("{error}"),
                }
            }
        });
        // Owned here, so that a failed check abandons the ring and ends the sender.
        let mut consumer = consumer;
        let mut expected = 0;
        loop {
            let gone = consumer.is_abandoned();
            match consumer.read(16) {
                Ok(frames) => {
                    for frame in &frames {
                        assert_eq!(frame.len(), expected % 50);
                        assert!(frame.iter().all(|&byte| byte == (expected % 251) as u8));
                        expected += 1;
                    }
                }
                Err(Empty) if gone => break,
                Err(Empty) => thread::yield_now(),
            }
        }
        assert_eq!(expected, FRAMES);
    });
}
