//! Panics in the caller's iterator, in its closure, and in a record's own drop: nothing leaks, nothing is dropped twice, the ring goes on.

use super::{super::*, *};

/// The ring still carries `capacity` records after whatever happened.
fn still_works(producer: &mut Producer<Counted>, consumer: &mut Consumer<Counted>, living: &Living) {
    while consumer.pop().is_some() {}
    assert_eq!(living.count(), 0);
    let capacity = producer.capacity() as u64;
    for id in 0..capacity {
        assert!(producer.push(living.make(id)).is_ok());
    }
    for id in 0..capacity {
        assert_eq!(consumer.pop().unwrap().id, id);
    }
    assert_eq!(living.count(), 0);
}

#[test]
fn an_iterator_that_panics_publishes_nothing() {
    let living = Living::default();
    let (mut producer, mut consumer) = ring(4);
    producer.push(living.make(7)).unwrap();
    must_panic(|| {
        let mut items = (0..).map(|id| if id == 2 { panic!("in the iterator") } else { living.make(id) });
        producer.claim(3).unwrap().fill(&mut items);
    });
    assert_eq!((living.count(), producer.position(), consumer.available()), (1, 1, 1));
    still_works(&mut producer, &mut consumer, &living);

    let (mut producer, mut consumer) = ring(4);
    must_panic(|| {
        producer.claim(3).unwrap().fill(&mut (0..).map(|id: u64| if id == 2 { panic!("in the iterator") } else { id }));
    });
    assert_eq!((producer.position(), consumer.pop()), (0, None), "records without drop glue");
    producer.push(5).unwrap();
    assert_eq!(consumer.pop(), Some(5));
}

#[test]
fn a_closure_that_panics_uses_up_its_batch() {
    let living = Living::default();
    let (mut producer, mut consumer) = ring(4);
    for way in 0..4 {
        producer.claim(4).unwrap().fill(&mut (0..4).map(|id| living.make(id)));
        let mut seen = 0;
        let mut work = |record: &Counted| {
            assert!(record.id != 2, "in the closure");
            seen += 1;
        };
        must_panic(|| {
            let mut chunk = consumer.read(4).unwrap();
            match way {
                0 => chunk.iter().for_each(work),
                1 => chunk.into_iter().for_each(|record| work(&record)),
                2 => {
                    for record in chunk {
                        work(&record);
                    }
                }
                _ => chunk.drain().for_each(|record| work(&record)),
            }
        });
        assert_eq!((seen, living.count(), consumer.available(), producer.vacant()), (2, 0, 0, 4), "way {way}");
    }
    still_works(&mut producer, &mut consumer, &living);

    let (mut producer, mut consumer) = ring(4);
    producer.claim(4).unwrap().fill(&mut (0..4));
    must_panic(|| consumer.read(3).unwrap().into_iter().for_each(|id| assert!(id != 1, "in the closure")));
    assert_eq!((consumer.pop(), consumer.pop(), producer.vacant()), (Some(3), None, 4), "records without drop glue");
}

#[test]
fn a_record_whose_drop_panics_does_not_wedge_the_ring() {
    let living = Living::default();
    let (mut producer, mut consumer) = ring(4);
    let bombed = |id| if id == 1 { living.bomb(id) } else { living.make(id) };
    producer.claim(4).unwrap().fill(&mut (0..4).map(bombed));
    must_panic(|| consumer.read(4).unwrap().release());
    assert_eq!((living.count(), producer.vacant()), (0, 4));

    must_panic(|| {
        let mut chunk = producer.claim(3).unwrap();
        (0..3).for_each(|id| chunk.push(bombed(id)).unwrap());
    });
    assert_eq!((living.count(), producer.vacant()), (0, 4));
    still_works(&mut producer, &mut consumer, &living);

    // Left over, on both sides of the wrap, when the ring goes.
    let (mut producer, mut consumer) = ring(4);
    producer.claim(4).unwrap().fill(&mut (10..14).map(bombed));
    consumer.read(2).unwrap().release();
    producer.claim(2).unwrap().fill(&mut (0..2).map(bombed));
    drop(producer);
    must_panic(|| drop(consumer));
    assert_eq!(living.count(), 0);
}
