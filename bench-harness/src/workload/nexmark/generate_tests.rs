//! The generator's laws, and its distributions against those of the public crate.

use std::collections::BTreeMap;

use nexmark::{EventGenerator, config::NexmarkConfig, event};
use proptest::prelude::*;

use super::*;

const EVENTS: u64 = 200_000;

fn generator(seed: u64, options: Options) -> Generator {
    Generator::new(seed, options).unwrap()
}

/// The public crate's events, as ours. Its names of states and cities are in small letters.
fn theirs() -> Vec<event::Event> {
    let config = NexmarkConfig { base_time: Options::default().first_time as u64, ..NexmarkConfig::default() };
    EventGenerator::new(config).take(EVENTS as usize).collect()
}

fn as_ours(event: &event::Event) -> Event<'_> {
    match event {
        event::Event::Person(person) => Event::Person(Person {
            id: person.id as i64,
            name: &person.name,
            email_address: &person.email_address,
            credit_card: &person.credit_card,
            city: &person.city,
            state: &person.state,
            date_time: person.date_time as i64,
            extra: &person.extra,
        }),
        event::Event::Auction(auction) => Event::Auction(Auction {
            id: auction.id as i64,
            item_name: &auction.item_name,
            description: &auction.description,
            initial_bid: auction.initial_bid as i64,
            reserve: auction.reserve as i64,
            date_time: auction.date_time as i64,
            expires: auction.expires as i64,
            seller: auction.seller as i64,
            category: auction.category as i64,
            extra: &auction.extra,
        }),
        event::Event::Bid(bid) => Event::Bid(Bid {
            auction: bid.auction as i64,
            bidder: bid.bidder as i64,
            price: bid.price as i64,
            channel: &bid.channel,
            url: &bid.url,
            date_time: bid.date_time as i64,
            extra: &bid.extra,
        }),
    }
}

/// The greatest difference of two empirical distributions (Kolmogorov and Smirnov's).
fn distance(mut a: Vec<f64>, mut b: Vec<f64>) -> f64 {
    a.sort_by(f64::total_cmp);
    b.sort_by(f64::total_cmp);
    let share = |all: &[f64], upto: f64| all.partition_point(|&value| value <= upto) as f64 / all.len() as f64;
    let mut points = [&a[..], &b[..]].concat();
    points.sort_by(f64::total_cmp);
    points.dedup();
    points.into_iter().map(|value| (share(&a, value) - share(&b, value)).abs()).fold(0.0, f64::max)
}

/// Every event's numbers that can be compared, by what they are.
fn measures(events: &[Event<'_>]) -> BTreeMap<&'static str, Vec<f64>> {
    let mut all = BTreeMap::<&'static str, Vec<f64>>::new();
    let (mut last_person, mut last_auction) = (0, 0);
    for event in events {
        let mut add = |what, value: f64| all.entry(what).or_default().push(value);
        let hot = |last: i64| FIRST_ID + (last - FIRST_ID) / 100 * 100;
        add("kind", f64::from(event.kind() as u8));
        match event {
            Event::Person(person) => {
                last_person = person.id;
                add("person's extra", person.extra.len() as f64);
                add("name", person.name.len() as f64);
                add("address", person.email_address.len() as f64);
                add("card", person.credit_card.len() as f64);
                add("city", person.city.len() as f64);
                add(
                    "state",
                    f64::from(person.state.to_lowercase().as_bytes()[0]) * 256.0 + f64::from(person.state.to_lowercase().as_bytes()[1]),
                );
            }
            Event::Auction(auction) => {
                last_auction = auction.id;
                add("seller is hot", f64::from(u8::from(auction.seller == hot(last_person))));
                add("seller's age", (last_person - auction.seller) as f64);
                add("category", auction.category as f64);
                add("initial bid", auction.initial_bid as f64);
                add("reserve above", (auction.reserve - auction.initial_bid) as f64);
                add("lifetime", (auction.expires - auction.date_time) as f64);
                add("item name", auction.item_name.len() as f64);
                add("description", auction.description.len() as f64);
                add("auction's extra", auction.extra.len() as f64);
            }
            Event::Bid(bid) => {
                add("auction is hot", f64::from(u8::from(bid.auction == hot(last_auction))));
                add("auction's age", (last_auction - bid.auction) as f64);
                add("bidder is hot", f64::from(u8::from(bid.bidder == hot(last_person) + 1)));
                add("bidder's age", (last_person - bid.bidder) as f64);
                add("price", bid.price as f64);
                let channel =
                    bid.channel.strip_prefix("channel-").map_or_else(|| -f64::from(bid.channel.as_bytes()[0]), |n| n.parse().unwrap());
                add("channel", channel);
                add("url has a channel", f64::from(u8::from(bid.url.contains("&channel_id="))));
                if !bid.channel.starts_with("channel-") {
                    check_hot_url(bid.url);
                } else {
                    add("url", bid.url.len() as f64);
                }
                add("bid's extra", bid.extra.len() as f64);
                add("letters c", bid.extra.matches('c').count() as f64);
            }
        }
    }
    all
}

/// There are only four hot URLs, drawn once: their lengths have no distribution to compare.
fn check_hot_url(url: &str) {
    assert!(url.starts_with("https://www.nexmark.com/") && url.ends_with("/item.htm?query=1"), "{url}");
}

#[test]
fn distributions_are_those_of_the_public_crate() {
    let theirs = theirs();
    let theirs: Vec<Event<'_>> = theirs.iter().map(as_ours).collect();
    for seed in [1, 99] {
        let generator = generator(seed, Options::default());
        let ours: Vec<Event<'_>> = (0..EVENTS).map(|n| generator.event(n)).collect();
        // Kinds, ids and times are no matter of chance.
        for (ours, theirs) in ours.iter().zip(&theirs) {
            assert_eq!(ours.kind(), theirs.kind());
            // They round to the nearest ms, in single precision.
            assert!((ours.date_time() - theirs.date_time()).abs() <= 1, "{ours:?}, {theirs:?}");
            match (ours, theirs) {
                (Event::Person(ours), Event::Person(theirs)) => assert_eq!(ours.id, theirs.id),
                (Event::Auction(ours), Event::Auction(theirs)) => assert_eq!(ours.id, theirs.id),
                _ => {}
            }
        }
        let (ours, theirs) = (measures(&ours), measures(&theirs));
        assert!(ours.keys().eq(theirs.keys()));
        for (what, ours) in ours {
            let theirs = theirs[what].clone();
            assert_eq!(ours.len() > 90_000, what.contains("bid'") || theirs.len() > 90_000, "{what}");
            // Independent samples: our padding is cut from a pool that has room for so many apart, and both draw 10,000 URLs once.
            let samples = match what {
                "letters c" => (262_144 / 68, theirs.len()),
                "url" | "url has a channel" => (10_000, 10_000),
                _ => (ours.len(), theirs.len()),
            };
            // 1 in 1,000 pairs of samples of one distribution are further apart than this.
            let far = 1.95 * (1.0 / samples.0 as f64 + 1.0 / samples.1 as f64).sqrt();
            let distance = distance(ours, theirs);
            assert!(distance < far, "{what}: {distance} where {far} is expected, seed {seed}");
        }
    }
}

#[test]
fn prices_are_log_uniform_to_the_end() {
    let prices = Prices::new();
    assert_eq!(prices.price(0), 100);
    assert_eq!(prices.price(u32::MAX), 100_000_000);
    for step in 0..=10_000u64 {
        let bits = (step * u64::from(u32::MAX) / 10_000) as u32;
        let exact = 100.0 * 10f64.powf(6.0 * f64::from(bits) / 4_294_967_296.0);
        let error = (prices.price(bits) as f64 - exact).abs();
        assert!(error <= 0.51 + exact * 3e-5, "{exact} is off by {error}");
    }
}

#[test]
fn an_event_is_the_same_whoever_asks_and_seeds_differ() {
    let [one, again, other] = [7, 7, 8].map(|seed| generator(seed, Options::default()));
    for n in [0, 1, 49, 50, 1_234_567, Generator::EVENTS_MAX - 1] {
        assert_eq!(one.event(n), again.event(n));
    }
    assert!((0..100).filter(|&n| one.event(n) == other.event(n)).count() < 5);
    assert_eq!(one.event(50).person().unwrap().id, FIRST_ID + 1);
    assert_eq!(one.event(53).auction().unwrap().id, FIRST_ID + 5);
}

#[test]
fn the_same_events_on_every_machine() {
    let generator = generator(42, Options::default());
    // Of all that is printed of them, by FNV-1a: the digests of results are not the same on every machine.
    let hash = (0..2_000).flat_map(|n| format!("{:?}", generator.event(n)).into_bytes());
    let hash = hash.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    assert_eq!(hash, 11_421_394_087_858_466_458);
}

#[test]
fn disorder_keeps_the_events_and_the_bound() {
    let ordered = generator(5, Options::default());
    let shuffled = generator(5, Options { disorder_ms: 1_500, ..Options::default() });
    // 15,000 events to a group.
    let events: Vec<Event<'_>> = (0..60_000).map(|n| shuffled.event(n)).collect();
    let mut greatest = i64::MIN;
    let mut worst = 0;
    for event in &events {
        greatest = greatest.max(event.date_time());
        worst = worst.max(greatest - event.date_time());
    }
    assert!((1_400..=1_500).contains(&worst), "{worst}");
    let key = |event: &Event<'_>| format!("{event:?}");
    let mut arrived: Vec<String> = events.iter().map(key).collect();
    let mut made: Vec<String> = (0..60_000).map(|n| key(&ordered.event(n))).collect();
    arrived.sort_unstable();
    made.sort_unstable();
    assert_eq!(arrived, made);
}

#[test]
fn options_out_of_range_are_refused_by_name() {
    for (options, name) in [
        (Options { rate_per_s: 0, ..Options::default() }, "rate"),
        (Options { persons: 0, ..Options::default() }, "persons"),
        (Options { auctions: 0, ..Options::default() }, "auctions"),
        (Options { hot_bidder_ratio: 0, ..Options::default() }, "hot bidder"),
        (Options { disorder_ms: -1, ..Options::default() }, "disorder"),
        (Options { first_time: i64::MAX, ..Options::default() }, "first time"),
        (Options { bid_bytes: u32::MAX, ..Options::default() }, "size of a bid"),
    ] {
        let error = Generator::new(1, options).err().unwrap();
        assert!(error.contains(name), "{error}");
    }
}

proptest! {
    #[test]
    fn any_options_that_pass_make_events(
        seed in any::<u64>(),
        rate_per_s in prop_oneof![1u64..10, 1_000u64..1_000_000, Just(1_000_000_000)],
        (persons, auctions, bids) in (1u32..20, 1u32..20, 0u32..200),
        (hot_auction_ratio, hot_seller_ratio, hot_bidder_ratio) in (1u32..5, 1u32..5, 1u32..5),
        (in_flight_auctions, active_persons) in (1u32..10_000_000, 1u32..10_000_000),
        (person_bytes, auction_bytes, bid_bytes) in (0u32..700, 0u32..700, 0u32..700),
        disorder_ms in 0i64..4_000,
        from in prop_oneof![Just(0u64), any::<u64>().prop_map(|n| n % (Generator::EVENTS_MAX - 1_000))],
    ) {
        let options = Options {
            rate_per_s, persons, auctions, bids, hot_auction_ratio, hot_seller_ratio, hot_bidder_ratio, in_flight_auctions,
            active_persons, person_bytes, auction_bytes, bid_bytes, disorder_ms, ..Options::default()
        };
        let generator = generator(seed, options);
        let mut greatest = i64::MIN;
        for n in from..from + 300 {
            let event = generator.event(n);
            greatest = greatest.max(event.date_time());
            prop_assert!(greatest - event.date_time() <= disorder_ms);
            match event {
                Event::Person(person) => prop_assert!(person.id >= FIRST_ID && person.extra.len() <= 840),
                Event::Auction(auction) => {
                    prop_assert!(auction.id >= FIRST_ID && auction.seller >= FIRST_ID && auction.expires > auction.date_time);
                    prop_assert!((10..15).contains(&auction.category) && auction.reserve > auction.initial_bid);
                    prop_assert_eq!((auction.item_name.len(), auction.description.len()), (20, 100));
                }
                Event::Bid(bid) => {
                    prop_assert!(bid.auction >= FIRST_ID && bid.bidder >= FIRST_ID && (100..=100_000_000).contains(&bid.price));
                    let lacking = bid_bytes.saturating_sub(32) as usize;
                    prop_assert!(bid.extra.len() + lacking / 5 + 1 >= lacking && bid.extra.len() <= lacking + lacking / 5 + 1);
                }
            }
        }
    }
}
