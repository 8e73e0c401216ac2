//! After warm-up, nothing on the hot path allocates: counted by the process's allocator, per workload shape.
#![allow(clippy::unwrap_used)]

use std::{
    alloc::{GlobalAlloc, Layout, System},
    cell::Cell,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
};

use thalweg::{
    BoundedDisorder, Config, Count, Dataflow, Fold, ForEach, Generate, Lines, Monotone, Own, ProcessingTime, Sliding, Sum, SumCount, Text,
    Tumbling, Update, Windowed,
    process::{Context, Process, Timer},
};

struct Counting;

/// Starts at 1, so that a mark that was passed is never 0.
static ALLOCATIONS: AtomicU64 = AtomicU64::new(1);

thread_local! {
    /// Whether this thread is a worker: it has read records.
    static WORKS: Cell<bool> = const { Cell::new(false) };
}

// SAFETY: forwards to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // What the test runner's own threads do meanwhile does not count.
        if WORKS.try_with(Cell::get).unwrap_or(false) {
            ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        }
        // SAFETY: the caller keeps the contract, which is the same.
        unsafe { System.alloc(layout) }
    }
    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: as above.
        unsafe { System.dealloc(block, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// One job at a time: the count is that of all workers.
static ALONE: Mutex<()> = Mutex::new(());

const RECORDS: u64 = 4_000_000;

/// Notes the allocations made so far when records number `RECORDS / 2` and `RECORDS * 9 / 10` pass.
#[derive(Clone, Default)]
struct Marks(Arc<[AtomicU64; 2]>);

impl Marks {
    fn see(&self, i: u64) {
        WORKS.set(true);
        let mark = match i {
            i if i == RECORDS / 2 => 0,
            i if i == RECORDS / 10 * 9 => 1,
            _ => return,
        };
        // The first worker to come here decides.
        let _ = self.0[mark].compare_exchange(0, ALLOCATIONS.load(Ordering::Relaxed), Ordering::Relaxed, Ordering::Relaxed);
    }

    fn between(&self) -> u64 {
        self.0[1].load(Ordering::Relaxed) - self.0[0].load(Ordering::Relaxed)
    }
}

fn allocations(build: impl Fn(&mut Dataflow, Marks)) {
    let _alone = ALONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    for workers in 1..=thalweg::runtime::available_cores().limit.min(2) {
        let marks = Marks::default();
        let mut flow = Dataflow::new("steady");
        build(&mut flow, marks.clone());
        flow.start(Config::default().workers(workers)).unwrap().join().unwrap();
        assert!(marks.0[0].load(Ordering::Relaxed) > 0, "the first mark was passed");
        // Two workers drift apart as the machine lets them, and a merge then holds a few more windows than ever before, each with a table
        // of its own; what must not be is an allocation that grows with the records.
        let allowed = if workers == 1 { 0 } else { RECORDS / 10 * 4 / 10_000 };
        let between = marks.between();
        assert!(between <= allowed, "{between} allocations by {workers} worker(s) between the marks");
    }
}

#[test]
fn stateless_chains_and_hops() {
    allocations(|flow, marks| {
        let (sink, _) = Fold::new(0u64, |sum: &mut u64, i: u64| *sum = sum.wrapping_add(i));
        flow.source(Generate::new(RECORDS, move |i| {
            marks.see(i);
            i
        }))
        .map(|i| i ^ 5)
        .filter(|i| i % 3 > 0)
        .hop()
        .sink(sink);
    });
}

#[test]
fn windows_over_dense_and_scattered_keys() {
    for scatter in [1, 0x9e37_79b9_7f4a_7c15] {
        allocations(|flow, marks| {
            let (sink, _) = Fold::new(0u64, |rows: &mut u64, _: Windowed<u64, SumCount>| *rows += 1);
            flow.source(Generate::new(RECORDS, move |i| {
                marks.see(i);
                i
            }))
            .watermarks(Monotone, |i| *i as i64 / 100)
            .key_by(move |i| (i % 1000).wrapping_mul(scatter))
            .window(Tumbling::seconds(1))
            .aggregate(Sum::of::<Own<u64>>(|i: &u64| *i as i64))
            .sink(sink);
        });
    }
}

#[test]
fn split_union_and_exchange() {
    allocations(|flow, marks| {
        let (odd, even) = flow
            .source(Generate::new(RECORDS, move |i| {
                marks.see(i);
                i
            }))
            .split(|i: &u64| i % 2 == 1);
        odd.map(|i| i + 1).union(even).exchange(|i: &u64| *i).sink(ForEach::new(|_: u64| ()));
    });
}

#[test]
fn rolling_counts_of_borrowed_words() {
    let words: Vec<String> = (0..500).map(|i| format!("word{i}")).collect();
    let text = format!("{}\n", words.join(" ")).repeat(100);
    allocations(|flow, marks| {
        let mut seen = 0;
        let (sink, _) = Fold::new(0u64, |changes: &mut u64, _: Update<'_, Box<str>, u64>| *changes += 1);
        // Marks by lines: `Marks` counts in records, so each line stands for as many as make the numbers meet.
        let step = RECORDS / 20_000;
        flow.source(Lines::text(text.clone()).laps(400))
            .inspect(move |_| {
                seen += 1;
                marks.see(seen * step);
            })
            .flat_map_to::<Text, _>(str::split_ascii_whitespace)
            .key_by_text()
            .aggregate(Count)
            .sink(sink);
    });
}

#[test]
fn mini_batches_of_counts() {
    allocations(|flow, marks| {
        let (sink, _) = Fold::new(0u64, |changes: &mut u64, _: Update<'_, u64, u64>| *changes += 1);
        flow.source(Generate::new(RECORDS, move |i| {
            marks.see(i);
            i
        }))
        .key_by(|i: &u64| i % 1000)
        .mini_batch(10_000, ProcessingTime::new())
        .aggregate(Count)
        .sink(sink);
    });
}

#[test]
fn sliding_windows() {
    allocations(|flow, marks| {
        let (sink, _) = Fold::new(0u64, |rows: &mut u64, _: Windowed<u64, SumCount>| *rows += 1);
        flow.source(Generate::new(RECORDS, move |i| {
            marks.see(i);
            i
        }))
        .watermarks(Monotone, |i| *i as i64 / 100)
        .key_by(move |i| i % 1000)
        .window(Sliding::seconds(2, 1))
        .aggregate(Sum::of::<Own<u64>>(|i: &u64| *i as i64))
        .sink(sink);
    });
}

/// Emits a key that was silent for a while: each record moves its key's timer.
struct Silence;

impl Process<u64, u64> for Silence {
    type State = i64;
    type Out = u64;
    fn on_record(&mut self, seen: &mut Option<i64>, _: u64, cx: &mut Context<'_, u64, u64>) {
        if let Some(seen) = seen.replace(cx.time()) {
            cx.cancel_timer(seen + 1000);
        }
        cx.set_timer(cx.time() + 1000);
    }
    fn on_timer(&mut self, seen: &mut Option<i64>, _: Timer, cx: &mut Context<'_, u64, u64>) {
        *seen = None;
        cx.emit(*cx.key());
    }
}

#[test]
fn process_functions_with_state_timers_and_a_time_to_live() {
    for scatter in [1, 0x9e37_79b9_7f4a_7c15] {
        let build = |which: u8| {
            allocations(move |flow, marks| {
                let (sink, _) = Fold::new(0u64, |rows: &mut u64, _: u64| *rows += 1);
                let keyed = flow
                    .source(Generate::new(RECORDS, move |i| {
                        marks.see(i);
                        // Keys take turns, so that some are silent for longer than others are.
                        (i, (i / 100_000 % 2 * 500 + i % 500).wrapping_mul(scatter))
                    }))
                    .watermarks(BoundedDisorder::seconds(1), |&(i, _)| i as i64 / 50)
                    .map(|(_, key): (u64, u64)| key)
                    .key_by(|key| *key);
                match which {
                    0 => keyed.process(|| Silence).sink(sink),
                    1 => keyed.deduplicate_within(1500).sink(sink),
                    _ => keyed.top(3, |key| *key).flat_map(|change| change.after().map(|ranked| ranked.row)).sink(sink),
                }
            });
        };
        (0..3).for_each(build);
    }
}
