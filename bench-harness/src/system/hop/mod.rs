//! Baselines that carry records from one thread to another over a queue of somebody else's making.
//!
//! ```text
//!   core 0                                          core 1
//!   replay block ─▶ shift ─▶ Sender ══ queue ══▶ Receiver ─▶ digest, count [─▶ residence]
//! ```
//!
//! Every queue is driven the way its authors mean it to be driven fast: chunks are filled and read in place, batches of `Vec`s go back to
//! the sender for reuse, item-wise queues are fed item by item. Waiting is a spin with a pause on both sides, as both have a core each.

use std::{hint::spin_loop, marker::PhantomData, thread, time::Instant};

use super::{
    Job, Outcome, System,
    cores::{Gate, available, pin},
};
use crate::{
    load::apart::Wire,
    measure::threads::ThreadWatch,
    workload::{
        Answer, Data,
        replay::{Replay, Shift},
        synthetic::{Digest, total_row},
    },
};

mod crossbeam;
mod open;
mod rtrb;
mod std_channel;

pub(super) use self::{
    crossbeam::{Batches, Items},
    rtrb::{Chunks, Elements},
    std_channel::StdChannel,
};

/// A record that can hop. The default is what a slot holds that was never written.
pub(super) trait Hopping: Wire + Digest + Default {}

impl<T: Wire + Digest + Default> Hopping for T {}

/// A kind of queue.
pub(super) trait Link: Sync + 'static {
    /// Name of the system.
    const NAME: &'static str;
    /// Writing half.
    type Sender<T: Hopping>: Sender<T>;
    /// Reading half.
    type Receiver<T: Hopping>: Receiver<T>;

    /// Makes a queue of about `capacity` records, which carries `batch` at a time if it carries batches.
    fn open<T: Hopping>(batch: usize, capacity: usize) -> (Self::Sender<T>, Self::Receiver<T>);
}

/// The writing half of a queue.
pub(super) trait Sender<T: Hopping>: Send {
    /// Sends the records, at most `batch` of them, shifted; waits for room.
    fn send(&mut self, shift: Shift, records: &[T]);

    /// Says that no more will come, and makes sure that all that was sent arrives.
    fn finish(&mut self) {}
}

/// The reading half of a queue.
pub(super) trait Receiver<T: Hopping>: Send {
    /// Hands the records that are there to `each`, at most about a batch of them, and says how many there were.
    fn receive(&mut self, each: impl FnMut(&T)) -> usize;
}

/// Runs a hop over a kind of queue.
pub(super) struct Hop<L>(pub(super) PhantomData<L>);

impl<L: Link> System for Hop<L> {
    fn name(&self) -> &'static str {
        L::NAME
    }

    fn refuses(&self, job: &Job) -> Option<String> {
        if !matches!(job.input.data, Data::Hop(_) | Data::Hop64(_)) {
            return Some(format!("{} is a queue: it runs hop and hop64", L::NAME));
        }
        (job.cores != 2 || available() < 2).then(|| format!("{} takes two cores: one sends, one receives", L::NAME))
    }

    fn run(&self, job: &Job) -> Result<Outcome, String> {
        match &job.input.data {
            Data::Hop(replay) => hop::<L, _>(replay, job),
            Data::Hop64(replay) => hop::<L, _>(replay, job),
            _ => Err(format!("{} runs hop and hop64 only", L::NAME)),
        }
    }
}

fn hop<L: Link, T: Hopping>(replay: &Replay<T>, job: &Job) -> Result<Outcome, String> {
    let batch = job.batch.max(1);
    let capacity = (job.ring_bytes / size_of::<T>()).max(2 * batch);
    let (sender, receiver) = L::open::<T>(batch, capacity);
    let outcome = match &job.schedule {
        Some(schedule) => open::run(replay, batch, schedule, job.generator, sender, receiver)?,
        None => closed(replay, batch, sender, receiver),
    };
    // Whether one by one or in batches: each record is written on one core and read on the other.
    Ok(Outcome { bytes_moved: Some(outcome.n * size_of::<T>() as u64), ..outcome })
}

/// As fast as it goes: from the moment that both threads are ready to the moment that the last record was added up.
fn closed<T: Hopping>(replay: &Replay<T>, batch: usize, mut sender: impl Sender<T>, mut receiver: impl Receiver<T>) -> Outcome {
    let gate = Gate::new(2);
    let (start, (end, sum, count)) = thread::scope(|scope| {
        let sending = scope.spawn(|| {
            pin(0);
            gate.pass();
            let _thread = ThreadWatch::begin("send");
            let start = Instant::now();
            for (shift, slice) in replay.slices(0..replay.events, batch) {
                sender.send(shift, slice);
            }
            sender.finish();
            start
        });
        let receiving = scope.spawn(|| {
            pin(1);
            gate.pass();
            let _thread = ThreadWatch::begin("receive");
            let (mut sum, mut count) = (0u64, 0u64);
            while count < replay.events {
                match receiver.receive(|record| sum = sum.wrapping_add(record.digest())) {
                    0 => spin_loop(),
                    received => count += received as u64,
                }
            }
            (Instant::now(), sum, count)
        });
        (joined(sending), joined(receiving))
    });
    Outcome::closed(count, end - start, answer(sum, count))
}

/// What the thread returned; its panic goes on in the caller.
fn joined<R>(thread: thread::ScopedJoinHandle<'_, R>) -> R {
    thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

pub(super) fn answer(sum: u64, count: u64) -> Answer {
    let mut answer = Answer::default();
    answer.add(&total_row(sum, count));
    answer
}
