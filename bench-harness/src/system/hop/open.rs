//! The open loop over a queue: one thread sends what is due, another takes what is there ([`crate::load::open`]).

use std::{
    hint::spin_loop,
    sync::atomic::{AtomicBool, Ordering},
    thread,
};

use super::{Hopping, Outcome, Receiver, Sender, answer, joined};
use crate::{
    load::{
        Schedule,
        apart::Feed,
        open::{Departures, Pace, Role},
    },
    measure::threads::ThreadWatch,
    system::{
        Generator,
        cores::{Gate, pin},
    },
    workload::replay::{Replay, Shift},
};

pub(super) fn run<T: Hopping>(
    replay: &Replay<T>,
    batch: usize,
    schedule: &Schedule,
    generator: Generator,
    mut sender: impl Sender<T>,
    mut receiver: impl Receiver<T>,
) -> Result<Outcome, String> {
    let events = replay.events;
    let pace = Pace::new(schedule, events)?;
    let mut feed = match generator {
        Generator::Thread => None,
        Generator::Process => Some(Feed::start(replay, schedule, batch)?),
    };
    let (gate, is_broken) = (Gate::new(2), AtomicBool::new(false));
    let (departures, (emissions, sum)) = thread::scope(|scope| {
        let sending = scope.spawn(|| {
            pin(0);
            if let Some(feed) = feed.take() {
                let departures = fed(feed, batch, &pace, &gate, &mut sender);
                // ORDERING: Relaxed; it carries nothing but itself.
                is_broken.store(departures.is_err(), Ordering::Relaxed);
                return departures;
            }
            let mut departures = pace.departures(Role::Generator);
            let mut slices = replay.slices(0..events, batch);
            gate.pass();
            let mut thread = ThreadWatch::begin("send");
            loop {
                match departures.due() {
                    0 => spin_loop(),
                    due => {
                        let Some((shift, slice)) = slices.next_up_to(due.min(batch as u64) as usize) else { break };
                        departures.send(slice.len() as u64);
                        sender.send(shift, slice);
                        if departures.sent() == events {
                            break;
                        }
                    }
                }
            }
            sender.finish();
            thread.gaps(departures.gaps());
            Ok(departures)
        });
        let receiving = scope.spawn(|| {
            pin(1);
            let mut emissions = pace.emissions();
            gate.pass();
            let mut thread = ThreadWatch::begin("receive");
            let mut sum = 0u64;
            while emissions.left() < events {
                match receiver.receive(|record| sum = sum.wrapping_add(record.digest())) {
                    // ORDERING: Relaxed, as where it is stored.
                    0 if is_broken.load(Ordering::Relaxed) => break,
                    0 => {
                        emissions.nothing();
                        spin_loop();
                    }
                    received => emissions.leave(received as u64),
                }
            }
            if let Some(gaps) = emissions.gaps() {
                thread.gaps(gaps);
            }
            (emissions, sum)
        });
        (joined(sending), joined(receiving))
    });
    let count = emissions.left();
    Ok(pace.outcome(departures?, emissions, answer(sum, count)))
}

/// Hands on what a generator of another process sends.
fn fed<T: Hopping>(mut feed: Feed, batch: usize, pace: &Pace, gate: &Gate, sender: &mut impl Sender<T>) -> Result<Departures, String> {
    let mut records: Vec<T> = Vec::with_capacity(batch);
    gate.pass();
    let mut thread = ThreadWatch::begin("send");
    feed.begin(pace)?;
    loop {
        records.clear();
        let is_last = feed.poll(&mut records, batch)?;
        if !records.is_empty() {
            sender.send(Shift::default(), &records);
        } else if is_last {
            break;
        } else {
            spin_loop();
        }
    }
    sender.finish();
    let departures = feed.end(pace)?;
    thread.gaps(departures.gaps());
    Ok(departures)
}
