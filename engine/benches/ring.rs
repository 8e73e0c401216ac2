//! One hop, from one pinned thread to another, over this crate's ring and over rtrb's chunks, batch by batch.
//!
//! `cargo bench -p thalweg --bench ring` measures; `cargo bench -p thalweg --bench ring -- --test` runs each once and checks the answer
//! only. Every record carries its sequence number, and the consumer's sum is checked, so a record that is lost, doubled or stale shows.
//!
//! It cannot show latency (both sides are saturated), nor anything if the two threads share one core.

#![allow(clippy::unwrap_used)]
#![allow(missing_docs)]

use std::{
    hint::{black_box, spin_loop},
    sync::Barrier,
    thread,
    time::{Duration, Instant},
};

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};

/// Records of one criterion iteration.
const RECORDS: u64 = 1 << 17;
/// Within 256 KiB to 1 MiB for both record sizes: 64 Ki slots of 8 bytes, 8 Ki slots of 64.
const RING_BYTES: usize = 512 << 10;
const BATCHES: [usize; 4] = [16, 64, 256, 1024];

/// A record that knows its sequence number.
trait Sequenced: Send + 'static {
    fn new(sequence: u64) -> Self;
    fn sequence(&self) -> u64;
}

impl Sequenced for u64 {
    fn new(sequence: u64) -> Self {
        sequence
    }
    fn sequence(&self) -> u64 {
        *self
    }
}

/// One cache line, every word of which is written and read.
#[repr(C, align(64))]
struct Line([u64; 8]);

impl Sequenced for Line {
    fn new(sequence: u64) -> Self {
        Self([sequence; 8])
    }
    fn sequence(&self) -> u64 {
        self.0.iter().fold(0, |all, word| all | word)
    }
}

/// A way to move batches. `send` writes one batch of `batch` from `next` on and returns how many were published; `receive` adds up one
/// batch and returns how many it took.
trait Hop<R: Sequenced> {
    type Tx: Send;
    type Rx: Send;
    fn open(slots: usize) -> (Self::Tx, Self::Rx);
    fn send(tx: &mut Self::Tx, batch: usize, records: std::ops::Range<u64>) -> u64;
    fn receive(rx: &mut Self::Rx, batch: usize, sum: &mut u64) -> u64;
}

struct Thalweg;

impl<R: Sequenced> Hop<R> for Thalweg {
    type Tx = thalweg::ring::Producer<R>;
    type Rx = thalweg::ring::Consumer<R>;
    fn open(slots: usize) -> (Self::Tx, Self::Rx) {
        thalweg::ring::ring(slots)
    }
    #[inline(always)]
    fn send(tx: &mut Self::Tx, batch: usize, records: std::ops::Range<u64>) -> u64 {
        tx.claim(batch).map_or(0, |chunk| chunk.fill(&mut records.map(R::new)) as u64)
    }
    #[inline(always)]
    fn receive(rx: &mut Self::Rx, batch: usize, sum: &mut u64) -> u64 {
        rx.read(batch).map_or(0, |chunk| {
            let taken = chunk.len() as u64;
            *sum = chunk.iter().fold(*sum, |sum, record| sum.wrapping_add(record.sequence()));
            taken
        })
    }
}

/// As `Thalweg`, with the records moved out by value.
struct Moved;

impl<R: Sequenced> Hop<R> for Moved {
    type Tx = thalweg::ring::Producer<R>;
    type Rx = thalweg::ring::Consumer<R>;
    fn open(slots: usize) -> (Self::Tx, Self::Rx) {
        thalweg::ring::ring(slots)
    }
    #[inline(always)]
    fn send(tx: &mut Self::Tx, batch: usize, records: std::ops::Range<u64>) -> u64 {
        <Thalweg as Hop<R>>::send(tx, batch, records)
    }
    #[inline(always)]
    fn receive(rx: &mut Self::Rx, batch: usize, sum: &mut u64) -> u64 {
        rx.read(batch).map_or(0, |chunk| {
            let taken = chunk.len() as u64;
            *sum = chunk.into_iter().fold(*sum, |sum, record| sum.wrapping_add(record.sequence()));
            taken
        })
    }
}

/// As `Thalweg`, over the channel with its side ring for control (none is sent).
struct Channel;

impl<R: Sequenced> Hop<R> for Channel {
    type Tx = thalweg::ring::Sender<R, u64>;
    type Rx = thalweg::ring::Receiver<R, u64>;
    fn open(slots: usize) -> (Self::Tx, Self::Rx) {
        thalweg::ring::channel(slots, 16)
    }
    #[inline(always)]
    fn send(tx: &mut Self::Tx, batch: usize, records: std::ops::Range<u64>) -> u64 {
        tx.claim(batch).map_or(0, |chunk| chunk.fill(&mut records.map(R::new)) as u64)
    }
    #[inline(always)]
    fn receive(rx: &mut Self::Rx, batch: usize, sum: &mut u64) -> u64 {
        match rx.next(batch) {
            thalweg::ring::Next::Records(chunk) => {
                let taken = chunk.len() as u64;
                *sum = chunk.iter().fold(*sum, |sum, record| sum.wrapping_add(record.sequence()));
                taken
            }
            _ => 0,
        }
    }
}

struct Rtrb;

impl<R: Sequenced> Hop<R> for Rtrb {
    type Tx = rtrb::Producer<R>;
    type Rx = rtrb::Consumer<R>;
    fn open(slots: usize) -> (Self::Tx, Self::Rx) {
        rtrb::RingBuffer::new(slots)
    }
    #[inline(always)]
    fn send(tx: &mut Self::Tx, batch: usize, records: std::ops::Range<u64>) -> u64 {
        let batch = batch.min((records.end - records.start) as usize);
        tx.write_chunk_uninit(batch).map_or(0, |chunk| chunk.fill_from_iter(records.map(R::new)) as u64)
    }
    #[inline(always)]
    fn receive(rx: &mut Self::Rx, batch: usize, sum: &mut u64) -> u64 {
        rx.read_chunk(batch).map_or(0, |chunk| {
            let taken = chunk.len() as u64;
            let (first, second) = chunk.as_slices();
            *sum = first.iter().chain(second).fold(*sum, |sum, record| sum.wrapping_add(record.sequence()));
            chunk.commit_all();
            taken
        })
    }
}

/// How long the calling thread was ready to run and did not, because of others (Linux; zero elsewhere).
fn delayed() -> Duration {
    let schedstat = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    Duration::from_nanos(schedstat.split(' ').nth(1).and_then(|nanos| nanos.parse().ok()).unwrap_or(0))
}

/// Time that `records` records take from one thread to the other in batches of `batch`, and how long the two were kept from running.
fn hop<R: Sequenced, H: Hop<R>>(records: u64, batch: usize, slots: usize) -> (Duration, Duration) {
    let (mut tx, mut rx) = H::open(slots);
    let cores = core_affinity::get_core_ids().unwrap_or_default();
    let start = Barrier::new(2);
    thread::scope(|scope| {
        let sender = scope.spawn(|| {
            cores.first().map(|&core| core_affinity::set_for_current(core));
            start.wait();
            let before = delayed();
            let mut next = 0;
            while next < records {
                match H::send(&mut tx, batch, next..records) {
                    0 => spin_loop(),
                    sent => next += sent,
                }
            }
            delayed() - before
        });
        let receiver = scope.spawn(|| {
            cores.last().map(|&core| core_affinity::set_for_current(core));
            start.wait();
            let before = delayed();
            let begin = Instant::now();
            let (mut taken, mut sum) = (0, 0);
            while taken < records {
                match H::receive(&mut rx, batch, &mut sum) {
                    0 => spin_loop(),
                    got => taken += got,
                }
            }
            let elapsed = begin.elapsed();
            assert_eq!(sum, (0..records).fold(0, u64::wrapping_add), "a record was lost, doubled or stale");
            (elapsed, delayed() - before)
        });
        let sender_delayed = sender.join().unwrap();
        let (elapsed, receiver_delayed) = receiver.join().unwrap();
        (elapsed, sender_delayed + receiver_delayed)
    })
}

fn hops<R: Sequenced>(criterion: &mut Criterion, record: &str) {
    let mut group = criterion.benchmark_group(format!("hop/{record}"));
    group.throughput(Throughput::Elements(RECORDS)).sample_size(20).measurement_time(Duration::from_secs(2));
    let slots = RING_BYTES / size_of::<R>();
    for batch in BATCHES {
        let mut add = |name, hop: fn(u64, usize, usize) -> (Duration, Duration)| {
            group.bench_function(BenchmarkId::new(name, batch), |bencher| {
                bencher.iter_custom(|iterations| black_box(hop(iterations * RECORDS, batch, slots).0));
            });
        };
        add("thalweg", hop::<R, Thalweg>);
        add("thalweg-moved", hop::<R, Moved>);
        add("thalweg-channel", hop::<R, Channel>);
        add("rtrb", hop::<R, Rtrb>);
    }
    group.finish();
}

/// `HOP_PAIRED=rounds` instead of criterion: every hop in turn, so that a slow spell of the machine hits all alike. Runs in which a
/// thread was kept from running for more than 2 % of the time are left out. Prints medians in million records a second, their ratio to
/// rtrb's, and how many runs counted.
fn paired(rounds: usize) {
    fn one<R: Sequenced>(record: &str, rounds: usize) {
        type Timed = fn(u64, usize, usize) -> (Duration, Duration);
        let hops: [(&str, Timed); 4] =
            [("rtrb", hop::<R, Rtrb>), ("thalweg", hop::<R, Thalweg>), ("moved", hop::<R, Moved>), ("channel", hop::<R, Channel>)];
        // A few milliseconds each.
        let records = if size_of::<R>() == 8 { 1 << 22 } else { 1 << 20 };
        for slots in [4096, (512 << 10) / size_of::<R>(), (1 << 20) / size_of::<R>()] {
            for batch in [64, 256] {
                let mut rates = vec![Vec::new(); hops.len()];
                for round in 0..rounds {
                    for turn in 0..hops.len() {
                        let which = (round + turn) % hops.len();
                        let (elapsed, delayed) = hops[which].1(records, batch, slots);
                        if delayed * 50 < elapsed {
                            rates[which].push(records as f64 / elapsed.as_secs_f64() / 1e6);
                        }
                    }
                }
                print!("{record:>4} slots {slots:>6} batch {batch:>4}");
                let mut base = f64::NAN;
                for (rates, (name, _)) in rates.iter_mut().zip(hops) {
                    rates.sort_by(f64::total_cmp);
                    let median = rates.get(rates.len() / 2).copied().unwrap_or(f64::NAN);
                    base = if name == "rtrb" { median } else { base };
                    print!("  {name} {median:6.0} ({:4.2}, {})", median / base, rates.len());
                }
                println!();
            }
        }
    }
    one::<u64>("u64", rounds);
    one::<Line>("64 B", rounds);
}

fn all(criterion: &mut Criterion) {
    if let Some(runs) = std::env::var("HOP_PAIRED").ok().and_then(|runs| runs.parse().ok()) {
        return paired(runs);
    }
    hops::<u64>(criterion, "u64");
    hops::<Line>(criterion, "64B");
}

criterion_group!(benches, all);
criterion_main!(benches);
