//! Control keeps its place, against the plain list of what was sent.

use std::{collections::VecDeque, thread};

use proptest::prelude::*;

use super::{super::*, *};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Item {
    Record(u64),
    Control(u64),
}

#[derive(Debug, Clone)]
enum Step {
    Fill { max: usize, items: usize },
    Control,
    Next { max: usize },
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (0..9usize, 0..9usize).prop_map(|(max, items)| Step::Fill { max, items }),
        Just(Step::Control),
        (0..9usize).prop_map(|max| Step::Next { max }),
        (1..9usize).prop_map(|max| Step::Next { max }),
    ]
}

proptest! {
    #[test]
    fn comes_out_as_it_went_in(capacity in 1..9usize, controls in 1..4usize, steps in prop::collection::vec(step(), 0..200)) {
        let (mut sender, mut receiver) = channel::<u64, u64>(capacity, controls);
        let mut sent = VecDeque::new();
        let mut id = 0;
        for step in steps {
            match step {
                Step::Fill { max, items } => if let Ok(chunk) = sender.claim(max) {
                    let written = chunk.fill(&mut (id..id + items as u64)) as u64;
                    sent.extend((id..id + written).map(Item::Record));
                    id += written;
                },
                Step::Control => {
                    let room = sender.vacant_controls();
                    match sender.control(id) {
                        Ok(()) => { prop_assert!(room > 0); sent.push_back(Item::Control(id)); id += 1 }
                        Err(PushError(back)) => prop_assert_eq!((room, back), (0, id)),
                    }
                }
                Step::Next { max } => match receiver.next(max) {
                    Next::Records(records) => {
                        prop_assert!((1..=max).contains(&records.len()));
                        for &record in &*records { prop_assert_eq!(Some(Item::Record(record)), sent.pop_front()); }
                    }
                    Next::Control(control) => prop_assert_eq!(Some(Item::Control(control)), sent.pop_front()),
                    Next::Empty => prop_assert!(sent.is_empty() || max == 0),
                    Next::Closed => prop_assert!(false, "the sender is alive"),
                },
            }
        }
        drop(sender);
        while let Some(item) = sent.pop_front() {
            match receiver.next(1) {
                Next::Records(mut records) => prop_assert_eq!(item, Item::Record(records.drain().next().unwrap())),
                Next::Control(control) => prop_assert_eq!(item, Item::Control(control)),
                Next::Empty | Next::Closed => prop_assert!(false, "{:?} was lost", item),
            }
        }
        prop_assert!(matches!(receiver.next(1), Next::Closed));
        prop_assert!(matches!(receiver.next(1), Next::Closed));
    }
}

#[test]
fn control_alone_and_at_both_ends() {
    let (mut sender, mut receiver) = channel::<u64, u64>(4, 4);
    sender.control(0).unwrap();
    assert!(matches!(receiver.next(9), Next::Control(0)));
    assert!(matches!(receiver.next(9), Next::Empty));
    sender.push(1).unwrap();
    sender.control(2).unwrap();
    sender.control(3).unwrap();
    assert!(!receiver.is_abandoned());
    drop(sender);
    assert!(receiver.is_abandoned());
    assert!(matches!(receiver.next(9), Next::Records(records) if *records == [1]));
    assert!(matches!(receiver.next(9), Next::Control(2)));
    assert!(matches!(receiver.next(9), Next::Control(3)));
    assert!(matches!(receiver.next(9), Next::Closed));
}

#[test]
fn nothing_leaks_and_abandonment_is_seen() {
    let living = Living::default();
    let (mut sender, receiver) = channel(4, 4);
    sender.push(living.make(0)).unwrap();
    sender.control(living.make(1)).unwrap();
    drop(receiver);
    assert!(sender.is_abandoned());
    assert_eq!((sender.position(), sender.probe().in_flight()), (1, 1));
    drop(sender);
    assert_eq!(living.count(), 0);
}

/// A control after every 1,000th record, seen exactly there.
#[test]
fn two_threads_keep_control_in_place() {
    const RECORDS: u64 = 100_000;
    let (mut sender, receiver) = channel::<u64, u64>(256, 2);
    thread::scope(|scope| {
        scope.spawn(move || {
            let mut next = 0;
            while next < RECORDS && !sender.is_abandoned() {
                let due = 1000 - (next % 1000) as usize;
                match sender.claim(due.min(64)) {
                    Ok(chunk) => next += chunk.fill(&mut (next..)) as u64,
                    Err(Full) => thread::yield_now(),
                }
                if next % 1000 == 0 && sender.position() == next {
                    let mut control = next;
                    while let Err(PushError(back)) = sender.control(control)
                        && !sender.is_abandoned()
                    {
                        control = back;
                        thread::yield_now();
                    }
                }
            }
        });
        // Owned here, so that a failed check abandons the channel and ends the sender.
        let mut receiver = receiver;
        let (mut expected, mut last_control) = (0, 0);
        loop {
            match receiver.next(100) {
                Next::Records(records) => {
                    for record in records {
                        assert_eq!(record, expected);
                        expected += 1;
                    }
                    assert!(expected <= last_control + 1000, "records past a control's place");
                }
                Next::Control(control) => {
                    assert!(control == expected && (control == last_control + 1000 || control == last_control));
                    last_control = control;
                }
                Next::Empty => thread::yield_now(),
                Next::Closed => break,
            }
        }
        assert_eq!((expected, last_control), (RECORDS, RECORDS));
    });
}
