//! The open loop over a queue: one thread sends what is due, another takes what is there ([`crate::load::open`]).

use std::{hint::spin_loop, thread};

use super::{Hopping, Outcome, Receiver, Sender, answer, joined};
use crate::{
    load::{
        Schedule,
        open::{Pace, Role},
    },
    measure::threads::ThreadWatch,
    system::cores::{Gate, pin},
    workload::replay::Replay,
};

pub(super) fn run<T: Hopping>(
    replay: &Replay<T>,
    batch: usize,
    schedule: &Schedule,
    mut sender: impl Sender<T>,
    mut receiver: impl Receiver<T>,
) -> Result<Outcome, String> {
    let events = replay.events;
    let pace = Pace::new(schedule, events)?;
    let gate = Gate::new(2);
    let (departures, (emissions, sum)) = thread::scope(|scope| {
        let sending = scope.spawn(|| {
            pin(0);
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
            departures
        });
        let receiving = scope.spawn(|| {
            pin(1);
            let mut emissions = pace.emissions();
            gate.pass();
            let mut thread = ThreadWatch::begin("receive");
            let mut sum = 0u64;
            while emissions.left() < events {
                match receiver.receive(|record| sum = sum.wrapping_add(record.digest())) {
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
    Ok(pace.outcome(departures, emissions, answer(sum, count)))
}
