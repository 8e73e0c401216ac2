#![allow(clippy::unwrap_used)]
use super::*;

#[cfg(loom)]
mod models {
    use crate::sync::{Arc, AtomicUsize, Ordering};

    use super::*;

    #[test]
    fn model_an_idle_worker_takes_every_batch() {
        for wait in [Wait::SpinPark, Wait::Adaptive] {
            loom::model(move || {
                let (mut idle, waker) = Idle::new(wait);
                let tail = Arc::new(AtomicUsize::new(0));
                let seen = tail.clone();
                let worker = thread::spawn(move || {
                    let mut head = 0;
                    while head < 2 {
                        let work = seen.load(Ordering::Acquire) - head;
                        head += work;
                        if head < 2 {
                            idle.idle(work, None, || seen.load(Ordering::Acquire) > head);
                        }
                    }
                });
                for batch in 1..=2 {
                    tail.store(batch, Ordering::Release);
                    waker.wake();
                }
                worker.join().unwrap();
            });
        }
    }
}

#[cfg(not(loom))]
mod plain {
    use std::{
        sync::{
            Arc,
            atomic::{AtomicBool, AtomicU64, Ordering},
        },
        thread,
    };

    use super::*;

    fn both_fences() -> Vec<Fences> {
        if Fences::of_process() == Fences::Asymmetric { vec![Fences::Symmetric, Fences::Asymmetric] } else { vec![Fences::Symmetric] }
    }

    #[test]
    fn a_strategy_is_known_by_its_name() {
        for wait in Wait::ALL {
            assert_eq!(wait.to_string().parse(), Ok(wait));
        }
        assert_eq!(Wait::default(), "adaptive".parse().unwrap());
        for unknown in ["", "Spin", "spin ", "sleep"] {
            let error = unknown.parse::<Wait>().unwrap_err().to_string();
            for wait in Wait::ALL {
                assert!(error.contains(wait.name()), "{error}");
            }
        }
    }

    fn learnt(gaps: impl IntoIterator<Item = Duration>) -> Gaps {
        let mut learnt = Gaps::new();
        gaps.into_iter().for_each(|gap| learnt.learn(gap));
        learnt
    }

    const fn micros(micros: u64) -> Duration {
        Duration::from_micros(micros)
    }

    #[test]
    fn a_busy_stream_is_spun_through_with_room_for_its_longest_gaps() {
        // 100,000 items a second, then with a stall of the machine among them.
        let busy = learnt([micros(10); 100]);
        assert!(busy.budget() >= micros(200), "{busy:?}");
        let stalled = learnt([micros(10); 100].into_iter().chain([micros(5_000), micros(10), micros(20_000)]));
        assert!(stalled.budget() >= micros(200), "{stalled:?}");
        // Bursts of short gaps need no more than the least.
        assert_eq!(learnt([micros(1); 100]).budget(), Gaps::BUSY.0);
        assert_eq!(learnt([micros(90); 100]).budget(), Gaps::BUSY.1);
    }

    #[test]
    fn a_sparse_stream_is_hardly_spun_for_and_a_busy_one_is_found_again() {
        let mut gaps = learnt([micros(10); 100]);
        (0..4).for_each(|_| gaps.learn(micros(1_000)));
        assert_eq!(gaps.budget(), Gaps::SPARSE);
        // Gaps as a sleeping worker sees them: with the wake-up's own time.
        (0..16).for_each(|_| gaps.learn(micros(40)));
        assert!(gaps.budget() >= micros(500), "{gaps:?}");
    }

    #[test]
    fn no_gap_is_too_long_or_too_short_to_learn_from() {
        let mut gaps = Gaps::new();
        for gap in [Duration::ZERO, Duration::MAX, Duration::from_nanos(1), Duration::MAX, Gaps::SHORT] {
            gaps.learn(gap);
            assert!(gaps.short <= Gaps::SURE);
            assert!(gaps.budget() >= Gaps::SPARSE && gaps.budget() <= Gaps::BUSY.1);
        }
    }

    #[test]
    fn an_idle_worker_ends_up_asleep_and_its_net_grows_to_the_largest() {
        for wait in [Wait::SpinPark, Wait::Adaptive] {
            let (mut idle, _waker) = Idle::new(wait);
            while idle.net < NET_MAX {
                idle.idle(0, None, || false);
            }
            let counts = idle.counts();
            // 10, 20, 40, 80 ms; a sleep may end early for no reason, so there may be more of them.
            assert_eq!(counts.nets, 4);
            assert!(counts.parks >= 4);
            assert_eq!((counts.woken, counts.caught), (0, 0));
            // Work, and the net is small again in the next gap.
            idle.idle(1, None, || false);
            while idle.counts().parks == counts.parks {
                idle.idle(0, None, || false);
            }
            assert!(idle.net <= NET_MIN * 2);
        }
    }

    #[test]
    fn the_spinning_strategies_never_sleep() {
        for wait in [Wait::Spin, Wait::SpinYield] {
            let (mut idle, _waker) = Idle::new(wait);
            for _ in 0..100_000 {
                idle.idle(0, None, || panic!("asked before a sleep"));
            }
            assert_eq!(idle.counts(), IdleCounts::default());
        }
    }

    #[test]
    fn it_does_not_sleep_when_something_is_due_now_or_soon() {
        for wait in Wait::ALL {
            let (mut idle, _waker) = Idle::new(wait);
            for _ in 0..2_000 {
                // Due already, and so near that a sleep would end late.
                idle.idle(0, Some(Instant::now()), || panic!("asked before a sleep"));
                idle.idle(0, Some(Instant::now() + EARLY / 2), || panic!("asked before a sleep"));
            }
            assert_eq!(idle.counts().parks, 0);
        }
    }

    #[test]
    fn a_sleep_to_a_due_time_is_no_work_for_the_net() {
        for wait in [Wait::SpinPark, Wait::Adaptive] {
            let (mut idle, _waker) = Idle::new(wait);
            idle.net_first = Duration::from_secs(100);
            let start = Instant::now();
            let due = start + Duration::from_millis(30);
            while Instant::now() < due {
                idle.idle(0, Some(due), || false);
            }
            // It slept, it woke by itself, and the net of 100 s had no part in it.
            assert!(idle.counts().parks >= 1);
            assert_eq!((idle.counts().woken, idle.counts().nets), (0, 0));
            assert!(start.elapsed() < Duration::from_secs(50));
        }
    }

    #[test]
    fn work_that_only_the_recheck_sees_is_not_asked_for_in_every_cycle() {
        let (mut idle, _waker) = Idle::new(Wait::Adaptive);
        let mut asked = 0_u64;
        let cycles = 200_000;
        for _ in 0..cycles {
            idle.idle(0, None, || {
                asked += 1;
                true
            });
        }
        assert!(asked >= 1 && asked <= cycles / CYCLES_BETWEEN_LOOKS, "{asked}");
        assert_eq!(idle.counts().parks, 0);
    }

    /// Waits until `word` has reached `wanted`, as a worker would.
    fn wait_for(idle: &mut Idle, word: &AtomicU64, wanted: u64) {
        loop {
            let work = usize::from(word.load(Ordering::Acquire) >= wanted);
            idle.idle(work, None, || word.load(Ordering::Acquire) >= wanted);
            if work > 0 {
                return;
            }
        }
    }

    #[test]
    fn two_threads_ping_and_pong_with_every_strategy() {
        const ROUNDS: u64 = 10_000;
        for fences in both_fences() {
            for wait in Wait::ALL {
                let (mut here, wake_here) = Idle::with_fences(wait, fences);
                let (mut there, wake_there) = Idle::with_fences(wait, fences);
                let words = Arc::new([AtomicU64::new(0), AtomicU64::new(0)]);
                let words_there = words.clone();
                let peer = thread::spawn(move || {
                    for round in 1..=ROUNDS {
                        wait_for(&mut there, &words_there[0], round);
                        words_there[1].store(round, Ordering::Release);
                        wake_here.wake();
                    }
                });
                for round in 1..=ROUNDS {
                    words[0].store(round, Ordering::Release);
                    wake_there.wake();
                    wait_for(&mut here, &words[1], round);
                }
                peer.join().unwrap();
                assert_eq!(words[1].load(Ordering::Relaxed), ROUNDS, "{wait} {fences:?}");
            }
        }
    }

    #[test]
    fn two_threads_that_sleep_at_once_lose_no_wake() {
        // No spinning at all, so that nearly every round sleeps; and a limit that only a lost wake-up reaches.
        const ROUNDS: u64 = 10_000;
        const LIMIT: Duration = Duration::from_secs(20);
        fn wait_for(parker: &mut Parker, word: &AtomicU64, wanted: u64) {
            while word.load(Ordering::Acquire) < wanted {
                let start = Instant::now();
                let slept = parker.park(LIMIT, || word.load(Ordering::Acquire) >= wanted);
                assert!(slept != Slept::Unwoken || start.elapsed() < LIMIT, "a wake-up was lost");
            }
        }
        for fences in both_fences() {
            let (mut here, wake_here) = Parker::pair(fences);
            let (mut there, wake_there) = Parker::pair(fences);
            let words = Arc::new([AtomicU64::new(0), AtomicU64::new(0)]);
            let words_there = words.clone();
            let peer = thread::spawn(move || {
                for round in 1..=ROUNDS {
                    wait_for(&mut there, &words_there[0], round);
                    words_there[1].store(round, Ordering::Release);
                    wake_here.wake();
                }
            });
            for round in 1..=ROUNDS {
                words[0].store(round, Ordering::Release);
                wake_there.wake();
                wait_for(&mut here, &words[1], round);
            }
            peer.join().unwrap();
        }
    }

    /// The next of a stream of pseudo-random numbers (splitmix64).
    fn random(state: &mut u64) -> u64 {
        *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = *state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    #[test]
    fn wakes_that_race_with_going_to_sleep_are_never_lost() {
        // Three producers at random intervals, so that the items come around the moment at which the worker goes to sleep (50 us after the
        // last item, 20 for the adaptive one once it has seen long gaps), for half a second each. The safety net is so large that only a
        // lost wake-up reaches it.
        const NET: Duration = Duration::from_secs(20);
        for (seed, (fences, wait)) in
            both_fences().into_iter().flat_map(|fences| [(fences, Wait::SpinPark), (fences, Wait::Adaptive)]).enumerate()
        {
            let (mut idle, waker) = Idle::with_fences(wait, fences);
            idle.net_first = NET;
            let interval_ns_max = if wait == Wait::Adaptive { 600_000 } else { 120_000 };
            let counters: Arc<[AtomicU64; 3]> = Arc::default();
            let stop = Arc::new(AtomicBool::new(false));
            let producers: Vec<_> = (0..3)
                .map(|producer| {
                    let (counters, stop, waker) = (counters.clone(), stop.clone(), waker.clone());
                    thread::spawn(move || {
                        let mut state = (seed * 3 + producer) as u64;
                        let mut sent = 0;
                        while !stop.load(Ordering::Relaxed) {
                            let until = Instant::now() + Duration::from_nanos(random(&mut state) % interval_ns_max);
                            while Instant::now() < until {
                                // Three producers and a worker on perhaps two cores.
                                if random(&mut state).is_multiple_of(64) { thread::yield_now() } else { std::hint::spin_loop() }
                            }
                            sent += 1;
                            counters[producer].store(sent, Ordering::Release);
                            waker.wake();
                        }
                        sent
                    })
                })
                .collect();
            let end = Instant::now() + Duration::from_millis(500);
            let mut taken = [0; 3];
            let mut cycle = |idle: &mut Idle| {
                let mut work = 0;
                for (taken, counter) in taken.iter_mut().zip(counters.iter()) {
                    let sent = counter.load(Ordering::Acquire);
                    work += (sent - *taken) as usize;
                    *taken = sent;
                }
                idle.idle(work, None, || {
                    taken.iter().zip(counters.iter()).any(|(taken, counter)| counter.load(Ordering::Acquire) > *taken)
                });
                taken
            };
            // A busy machine may take longer until enough was tried.
            while Instant::now() < end || idle.counts().parks < 100 {
                cycle(&mut idle);
            }
            stop.store(true, Ordering::Relaxed);
            let sent: Vec<u64> = producers.into_iter().map(|producer| producer.join().unwrap()).collect();
            // What is left is there already, so no sleep is needed to take it.
            let taken = loop {
                let taken = cycle(&mut idle);
                if taken.iter().sum::<u64>() == sent.iter().sum::<u64>() {
                    break taken;
                }
            };
            assert_eq!(taken.to_vec(), sent);
            let counts = idle.counts();
            assert_eq!((counts.nets, counts.caught), (0, 0), "{wait} {fences:?}: a wake-up was lost: {counts:?}");
        }
    }
}

/// Figures, not tests: `cargo test -p thalweg --release --lib measure_ -- --ignored --nocapture --test-threads 1`.
#[cfg(all(target_os = "linux", not(loom)))]
mod measure {
    use std::{
        hint::black_box,
        sync::{
            Arc,
            atomic::{AtomicBool, AtomicU64, Ordering},
        },
        thread,
    };

    use super::*;

    const FENCES: [Fences; 2] = [Fences::Symmetric, Fences::Asymmetric];

    /// Registers the process; without this the asymmetric fence would fail.
    fn registered() {
        assert_eq!(Fences::of_process(), Fences::Asymmetric, "both modes can be measured only where there is a membarrier");
    }

    fn median(mut figures: Vec<f64>) -> f64 {
        figures.sort_by(f64::total_cmp);
        figures[figures.len() / 2]
    }

    /// Processor time of this thread, in nanoseconds.
    fn thread_ns() -> u64 {
        let schedstat = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
        schedstat.split(' ').next().unwrap().parse().unwrap()
    }

    #[test]
    #[ignore = "a measurement"]
    fn measure_wake_while_the_worker_runs() {
        const WAKES: u64 = 20_000_000;
        registered();
        let time = |publish: &dyn Fn(u64)| {
            let start = Instant::now();
            (0..WAKES).for_each(publish);
            start.elapsed().as_nanos() as f64 / WAKES as f64
        };
        let word = AtomicU64::new(0);
        let (_parkers, wakers): (Vec<_>, Vec<_>) = FENCES.into_iter().map(Parker::pair).unzip();
        let (mut bare, mut with) = (Vec::new(), [Vec::new(), Vec::new()]);
        for _ in 0..9 {
            bare.push(time(&|batch| word.store(black_box(batch), Ordering::Release)));
            for (waker, figures) in wakers.iter().zip(&mut with) {
                figures.push(time(&|batch| {
                    word.store(black_box(batch), Ordering::Release);
                    waker.wake();
                }));
            }
        }
        let bare = median(bare);
        println!("publish alone {bare:.2} ns");
        for (fences, figures) in FENCES.into_iter().zip(with) {
            println!("wake, {fences:?}: {:.2} ns more", median(figures) - bare);
        }
    }

    #[test]
    #[ignore = "a measurement"]
    fn measure_sleep_and_wake_round_trip() {
        const ROUNDS: u64 = 30_000;
        registered();
        for fences in [FENCES, FENCES].concat() {
            let (mut here, wake_here) = Parker::pair(fences);
            let (mut there, wake_there) = Parker::pair(fences);
            let words = Arc::new([AtomicU64::new(0), AtomicU64::new(0)]);
            let words_there = words.clone();
            let wait_for = |parker: &mut Parker, word: &AtomicU64, wanted: u64| {
                let mut slept = 0;
                while word.load(Ordering::Acquire) < wanted {
                    slept += u64::from(parker.park(NET_MAX, || word.load(Ordering::Acquire) >= wanted) != Slept::NotAtAll);
                }
                slept
            };
            let peer = thread::spawn(move || {
                crate::runtime::pin_current_thread(crate::runtime::CoreId(1));
                for round in 1..=ROUNDS {
                    wait_for(&mut there, &words_there[0], round);
                    words_there[1].store(round, Ordering::Release);
                    wake_here.wake();
                }
            });
            crate::runtime::pin_current_thread(crate::runtime::CoreId(0));
            let start = Instant::now();
            let mut slept = 0;
            for round in 1..=ROUNDS {
                words[0].store(round, Ordering::Release);
                wake_there.wake();
                slept += wait_for(&mut here, &words[1], round);
            }
            let round_ns = start.elapsed().as_nanos() as u64 / ROUNDS;
            peer.join().unwrap();
            println!("round trip asleep, {fences:?}: {round_ns} ns ({slept} sleeps in {ROUNDS} rounds)");
        }
        for fences in FENCES {
            const CALLS: u32 = 100_000;
            let stop = Arc::new(AtomicBool::new(false));
            let seen = stop.clone();
            let peer = thread::spawn(move || while !seen.load(Ordering::Relaxed) {});
            let start = Instant::now();
            // A store between two fences, or the compiler makes one of them.
            let word = AtomicU64::new(0);
            (0..CALLS).for_each(|_| {
                word.store(black_box(1), Ordering::Relaxed);
                assert!(fences.heavy());
            });
            let heavy_ns = start.elapsed().as_nanos() as f64 / f64::from(CALLS);
            stop.store(true, Ordering::Relaxed);
            peer.join().unwrap();
            println!("the waiter's fence beside a spinning thread, {fences:?}: {heavy_ns:.1} ns");
        }
    }

    #[test]
    #[ignore = "a measurement"]
    fn measure_spinning_round_trip() {
        const ROUNDS: u64 = 1_000_000;
        for wait in [Wait::ALL, Wait::ALL].concat() {
            let (mut here, wake_here) = Idle::new(wait);
            let (mut there, wake_there) = Idle::new(wait);
            let word: Arc<[crossbeam_utils::CachePadded<AtomicU64>; 2]> = Arc::default();
            let words_there = word.clone();
            let wait_for = |idle: &mut Idle, word: &AtomicU64, wanted: u64| {
                while word.load(Ordering::Acquire) < wanted {
                    idle.idle(0, None, || word.load(Ordering::Acquire) >= wanted);
                }
                idle.idle(1, None, || false);
            };
            let peer = thread::spawn(move || {
                crate::runtime::pin_current_thread(crate::runtime::CoreId(1));
                for round in 1..=ROUNDS {
                    wait_for(&mut there, &words_there[0], round);
                    words_there[1].store(round, Ordering::Release);
                    wake_here.wake();
                }
            });
            crate::runtime::pin_current_thread(crate::runtime::CoreId(0));
            let start = Instant::now();
            for round in 1..=ROUNDS {
                word[0].store(round, Ordering::Release);
                wake_there.wake();
                wait_for(&mut here, &word[1], round);
            }
            println!("round trip awake, {wait}: {} ns, {:?}", start.elapsed().as_nanos() as u64 / ROUNDS, here.counts());
            peer.join().unwrap();
        }
    }

    /// A worker that takes items that come every `interval` for `seconds`, with its processor time and its items' waiting times.
    fn serve(wait: Wait, interval: Option<Duration>, seconds: u64) -> String {
        let (mut idle, waker) = Idle::new(wait);
        let tail = Arc::new(AtomicU64::new(0));
        let published_ns = Arc::new(AtomicU64::new(0));
        let stop = Arc::new(AtomicBool::new(false));
        let origin = Instant::now();
        let worker = {
            let (tail, published_ns, stop) = (tail.clone(), published_ns.clone(), stop.clone());
            thread::spawn(move || {
                crate::runtime::pin_current_thread(crate::runtime::CoreId(1));
                let (begun, cpu) = (Instant::now(), thread_ns());
                let (mut head, mut waits) = (0, Vec::with_capacity(1 << 20));
                while !stop.load(Ordering::Relaxed) {
                    let now = tail.load(Ordering::Acquire);
                    let work = (now - head) as usize;
                    if work == 1 {
                        let waited = origin.elapsed().as_nanos() as u64 - published_ns.load(Ordering::Relaxed);
                        waits.push(waited);
                    }
                    head = now;
                    idle.idle(work, None, || tail.load(Ordering::Acquire) > head || stop.load(Ordering::Relaxed));
                }
                let share = (thread_ns() - cpu) as f64 / begun.elapsed().as_nanos() as f64;
                waits.sort_unstable();
                let at = |part: f64| waits.get((waits.len() as f64 * part) as usize).copied().unwrap_or(0);
                format!("{:.2} % of a core, waited p50 {} p99 {} ns, {:?}", share * 100.0, at(0.5), at(0.99), idle.counts())
            })
        };
        crate::runtime::pin_current_thread(crate::runtime::CoreId(0));
        let end = origin + Duration::from_secs(seconds);
        // Where the producer itself was stopped by the machine, the worker is right to sleep.
        let mut stalls = 0;
        match interval {
            None => thread::sleep(Duration::from_secs(seconds)),
            Some(interval) => {
                let mut due = Instant::now();
                let mut last = due;
                while due < end {
                    let now = loop {
                        let now = Instant::now();
                        if now >= due {
                            break now;
                        }
                        std::hint::spin_loop();
                    };
                    stalls += u64::from(now - last > interval + Duration::from_micros(200));
                    last = now;
                    published_ns.store(origin.elapsed().as_nanos() as u64, Ordering::Relaxed);
                    tail.fetch_add(1, Ordering::Release);
                    waker.wake();
                    due += interval;
                }
            }
        }
        stop.store(true, Ordering::Release);
        waker.wake();
        format!("{}, the producer stalled {stalls} times", worker.join().unwrap())
    }

    #[test]
    #[ignore = "a measurement"]
    fn measure_processor_time_when_idle_and_in_streams() {
        for wait in [Wait::Adaptive, Wait::SpinPark] {
            println!("{wait}, nothing comes: {}", serve(wait, None, 3));
            for micros in [10, 50, 200, 1_000, 10_000] {
                println!("{wait}, an item every {micros} us: {}", serve(wait, Some(Duration::from_micros(micros)), 2));
            }
        }
    }
}
