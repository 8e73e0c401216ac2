//! A replica's share of the input, as the iterator that renoir's sources are.

use super::{CLAIM_RECORDS, Claims, Started};
use crate::{
    measure::threads::ThreadWatch,
    workload::replay::{Replay, Replayed, Shift},
};

/// Records, one by one.
pub(super) struct Records<T> {
    replay: Replay<T>,
    claims: Claims,
    shift: Shift,
    /// Places of the block that come next.
    next: usize,
    end: usize,
    started: Started,
    /// From the first record, on the replica's thread, to the last.
    watch: Option<ThreadWatch>,
}

/// The source of each replica, by its number.
pub(super) fn records<T: Replayed>(replay: &Replay<T>, started: &Started) -> impl FnOnce(u64, u64) -> Records<T> + Clone + Send + 'static {
    let (replay, claims, started) = (replay.clone(), Claims::new(replay.events, CLAIM_RECORDS), started.clone());
    move |_, _| Records { replay, claims, shift: Shift::default(), next: 0, end: 0, started, watch: None }
}

impl<T: Replayed> Records<T> {
    // Cold: once in a claim, or a lap.
    #[cold]
    #[inline(never)]
    fn refill(&mut self) -> bool {
        if self.watch.is_none() {
            self.started.now();
            self.watch = Some(ThreadWatch::begin("source"));
        }
        let len = self.replay.block.len() as u64;
        let Some(range) = self.claims.next(u64::MAX) else {
            self.watch = None;
            return false;
        };
        let (lap, at) = (range.start / len, range.start % len);
        let take = (len - at).min(range.end - range.start);
        self.claims.unread(range.end - range.start - take);
        (self.next, self.end) = (at as usize, (at + take) as usize);
        self.shift = Shift { time: lap as i64 * self.replay.span, seq: lap * len };
        true
    }
}

impl<T: Replayed> Iterator for Records<T> {
    type Item = T;

    #[inline(always)]
    fn next(&mut self) -> Option<T> {
        if self.next == self.end && !self.refill() {
            return None;
        }
        let record = self.replay.block[self.next].at(self.shift);
        self.next += 1;
        Some(record)
    }
}
