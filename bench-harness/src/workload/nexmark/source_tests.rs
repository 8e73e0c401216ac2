//! The sources under the engine itself, and what laps are.

use std::collections::HashSet;

use proptest::prelude::*;
use thalweg::{Collect, Config, Dataflow};

use super::*;
use crate::workload::nexmark::{Events, Feed, claim::Claims, generate::Options};

fn generator() -> Generator {
    Generator::new(3, Options::default()).unwrap()
}

fn block(events: u64) -> Block {
    let generator = generator();
    Block::collect((0..events).map(|n| generator.event(n))).unwrap()
}

/// What a dataflow of one map reads from a source: all of it, in any order.
fn read(events: impl Into<Events>, workers: usize, batch: usize) -> Vec<String> {
    let mut flow = Dataflow::new("read");
    let (sink, rows) = Collect::<String>::new();
    flow.source(Feed::from(events)).map(|arrival| format!("{} {:?}", arrival.number, arrival.event)).sink(sink);
    flow.start(Config::default().workers(workers).pin(false).batch(batch)).unwrap().join().unwrap();
    let mut rows = rows.take();
    rows.sort_unstable();
    rows
}

fn sorted<'a>(events: impl Iterator<Item = Event<'a>>) -> Vec<String> {
    let mut rows: Vec<String> = events.enumerate().map(|(number, event)| format!("{number} {event:?}")).collect();
    rows.sort_unstable();
    rows
}

#[test]
fn the_engine_reads_every_event_once() {
    let generator = Arc::new(generator());
    let made = sorted((0..3_333).map(|n| generator.event(n)));
    let replay = Replay::new(block(700), 3_333).unwrap();
    let replayed = sorted(replay.iter());
    for (workers, batch) in [(1, 1), (1, 64), (1, 1024), (2, 7), (2, 1024)] {
        assert_eq!(read(Inline::new(generator.clone(), 3_333), workers, batch), made, "{workers} workers, batches of {batch}");
        assert_eq!(read(replay.clone(), workers, batch), replayed, "{workers} workers, batches of {batch}");
    }
    let once = Replay::once(block(700));
    assert_eq!(read(once, 2, 64), sorted((0..700).map(|n| generator.event(n))));
}

#[test]
fn laps_neither_overlap_in_time_nor_in_ids() {
    let replay = Replay::new(block(2_500), 10_000).unwrap();
    let events: Vec<Event<'_>> = replay.iter().collect();
    assert_eq!(events.len(), 10_000);
    assert!(events.is_sorted_by_key(|event| event.date_time()));
    let persons: Vec<i64> = events.iter().filter_map(|event| event.person()).map(|person| person.id).collect();
    let auctions: Vec<i64> = events.iter().filter_map(|event| event.auction()).map(|auction| auction.id).collect();
    // Cut at an epoch, ids go on where the lap before has ended, and so does time.
    assert!(persons.iter().copied().eq(1_000..1_200), "{persons:?}");
    assert!(auctions.iter().copied().eq(1_000..1_600), "{auctions:?}");
    assert_eq!(events[2_500].date_time() - events[0].date_time(), 250);
    // What refers to an event of the lap still does.
    for (first, later) in events[..2_500].iter().zip(&events[5_000..]) {
        match (first, later) {
            (Event::Bid(first), Event::Bid(later)) => {
                assert_eq!((later.auction - first.auction, later.bidder - first.bidder), (300, 100));
                assert_eq!((later.extra, later.price), (first.extra, first.price));
            }
            (Event::Auction(first), Event::Auction(later)) => {
                assert_eq!((later.seller - first.seller, later.expires - first.expires), (100, 500));
            }
            (Event::Person(first), Event::Person(later)) => assert_eq!(later.name, first.name),
            _ => panic!("{first:?} became {later:?}"),
        }
    }
}

#[test]
fn laps_of_disorder_do_not_overlap_either() {
    let generator = Generator::new(3, Options { disorder_ms: 100, ..Options::default() }).unwrap();
    let replay = Replay::new(Block::collect((0..2_000).map(|n| generator.event(n))).unwrap(), 8_000).unwrap();
    let times: Vec<i64> = replay.iter().map(|event| event.date_time()).collect();
    assert!(!times.is_sorted());
    let laps: Vec<&[i64]> = times.chunks(2_000).collect();
    assert!(laps.windows(2).all(|pair| pair[0].iter().max() < pair[1].iter().min()));
}

#[test]
fn a_replay_of_nothing_or_too_far_is_refused() {
    assert!(Replay::new(Block::new(), 1).unwrap_err().contains("without events"));
    assert_eq!(Replay::new(Block::new(), 0).unwrap().iter().count(), 0);
    assert!(read(Replay::once(Block::new()), 1, 64).is_empty());
    let bid = |date_time| Event::Bid(Bid { auction: 1, bidder: 2, price: 3, channel: "", url: "", date_time, extra: "" });
    let wide = Block::collect([bid(0), bid(1 << 60)]).unwrap();
    assert!(Replay::new(wide.clone(), 7).is_ok());
    assert!(Replay::new(wide, 8).unwrap_err().contains("64-bit"));
    // Without persons and auctions, ids stay.
    let shift = Shift::of(&Block::collect([bid(5)]).unwrap());
    assert_eq!(shift, Shift { time: 1, persons: 0, auctions: 0 });
}

proptest! {
    #[test]
    fn readers_share_the_places(end in 0u64..5_000, readers in 1usize..5, max in 1u64..70, order in any::<u64>()) {
        let mut claims: Vec<Claims> = Claims::new(end, readers).collect();
        let mut last = vec![None; readers];
        let mut seen = HashSet::new();
        let mut turn = order;
        let mut idle = 0;
        while idle < readers {
            idle = 0;
            for _ in 0..readers {
                turn = crate::workload::mix(turn);
                let reader = (turn % readers as u64) as usize;
                if let Some(batch) = claims[reader].next(max) {
                    prop_assert!(!batch.is_empty() && batch.end - batch.start <= max);
                    // Half of it is given back.
                    let used = (batch.end - batch.start).div_ceil(2);
                    claims[reader].keep(&batch, used);
                    for place in batch.start..batch.start + used {
                        prop_assert!(seen.insert(place) && Some(place) > last[reader]);
                        last[reader] = Some(place);
                    }
                }
            }
            for (reader, claims) in claims.iter_mut().enumerate() {
                let Some(batch) = claims.next(max) else { idle += 1; continue };
                for place in batch {
                    prop_assert!(seen.insert(place) && Some(place) > last[reader]);
                    last[reader] = Some(place);
                }
            }
        }
        prop_assert_eq!(seen.len() as u64, end);
        prop_assert!(seen.iter().all(|&place| place < end));
    }
}

#[test]
fn drained_a_reader_finishes_its_run() {
    let mut claims = Claims::new(1 << 40, 1).next().unwrap();
    let first = claims.next(10).unwrap();
    claims.drain();
    let mut places = first.end - first.start;
    while let Some(batch) = claims.next(10) {
        places += batch.end - batch.start;
    }
    assert_eq!(places, 160);
}
