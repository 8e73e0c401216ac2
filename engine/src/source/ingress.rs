//! The way in for a service: its threads hand records over, the workers find them in rings.
//!
//! ```text
//!   thread A ─ IngressHandle ─ ring ─┐                       a ring for each handle: one producer, one consumer
//!   thread B ─ IngressHandle ─ ring ─┼─▶ reader 0 ─▶ chain   handles are spread over the readers in turn
//!   thread C ─ IngressHandle ─ ring ───▶ reader 1 ─▶ chain
//!        new handles ──▶ registry (locked) ┄┄ a counter says when to look
//! ```
//!
//! Laws
//! - What a push accepted is delivered exactly once, unless the job is stopped or fails; what it did not accept comes back to the caller.
//!   Records of one handle keep their order.
//! - Memory is bounded: a ring that is full refuses, and the caller decides to wait, to give up, or to drop the record.
//! - The source ends when every handle and the [`Ingress`] are gone and the rings are empty, or after a drain.
//!
//! Draining must not lose a record that is being pushed at the very moment. The reader sets `closed`, a handle says `pushing` before it
//! looks at `closed`, and a pair of fences between store and load on either side makes one of the two see the other:
//!
//! ```text
//!   handle: pushing = true · light fence · closed? ─ no ─▶ commit · pushing = false (Release)
//!   reader: closed = true  · heavy fence · no handle pushing (Acquire)? ─ then its ring is looked at for the last time
//! ```
//!
//! Not here: dropping the oldest records for new ones. Only the reader may take from a ring, so the handle would have to wait for it.

use std::{
    fmt,
    ops::DerefMut,
    sync::PoisonError,
    time::{Duration, Instant},
};

use crossbeam_utils::{Backoff, CachePadded};

use super::{Polled, Reader, Source};
use crate::{
    error::{BuildError, RunError},
    operator::Operator,
    record::Own,
    ring::{Consumer, Producer, ring},
    runtime::{Fences, Waker},
    sync::{Arc, AtomicBool, AtomicU64, Mutex, OnceLock, Ordering, fence, planted},
};

/// A way in: the handle factory for the service, and the source for the dataflow. Each handle's ring has room for `capacity` records.
///
/// ```ignore
/// let (ingress, source) = ingress::<Order>(4096);
/// let mut handle = ingress.handle();          // one for each thread that pushes
/// handle.push(order)?;
/// ```
pub fn ingress<T: Send + 'static>(capacity: usize) -> (Ingress<T>, IngressSource<T>) {
    let shared = Arc::new(Shared {
        closed: CachePadded::new(AtomicBool::new(false)),
        finished: AtomicBool::new(false),
        registered: CachePadded::new(AtomicU64::new(0)),
        fences: Fences::of_process(),
        registry: Mutex::new(Registry { waiting: vec![Vec::new()], wakers: Vec::new(), next: 0 }),
    });
    let token = Arc::new(Token { shared: shared.clone() });
    (Ingress { capacity, token }, IngressSource { shared, opened: false })
}

/// What all parties share.
struct Shared<T> {
    /// Nothing is accepted any more. Read at every push, so it has a line of its own.
    closed: CachePadded<AtomicBool>,
    /// The [`Ingress`] is gone: no new handles.
    finished: AtomicBool,
    /// Handles registered so far. Read at every poll.
    registered: CachePadded<AtomicU64>,
    fences: Fences,
    /// Locked to add a handle, to fetch it, and to open and end the source: never for a record.
    registry: Mutex<Registry<T>>,
}

struct Registry<T> {
    /// For each reader, handles that it has not fetched. One list for all until the source is opened.
    waiting: Vec<Vec<Lane<T>>>,
    wakers: Vec<Waker>,
    /// Whose turn it is to get a handle.
    next: usize,
}

impl<T> Shared<T> {
    fn registry(&self) -> impl DerefMut<Target = Registry<T>> {
        // Nothing panics under this lock but a failing allocation, and then the registry is still whole.
        self.registry.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn close(&self) {
        // ORDERING: Release, pairs with the Acquire in `IngressHandle::enter`; the handshake of a drain lies in the fences.
        self.closed.store(true, Ordering::Release);
    }
}

/// A handle's ring, as its reader sees it.
struct Lane<T> {
    consumer: Consumer<T>,
    state: Arc<LaneState>,
}

/// What a handle shares with its reader.
struct LaneState {
    /// A push is under way. Written by the handle alone.
    pushing: CachePadded<AtomicBool>,
    /// Wakes the reader, once it has fetched the lane.
    waker: OnceLock<Waker>,
}

/// Makes handles. When all its clones are gone there will be no more of them.
pub struct Ingress<T> {
    capacity: usize,
    token: Arc<Token<T>>,
}

impl<T> Clone for Ingress<T> {
    fn clone(&self) -> Self {
        Self { capacity: self.capacity, token: self.token.clone() }
    }
}

/// Says that no more handles will come, when dropped.
struct Token<T> {
    shared: Arc<Shared<T>>,
}

impl<T> Drop for Token<T> {
    fn drop(&mut self) {
        // ORDERING: Release, pairs with the Acquire in `IngressReader::end`: whoever sees this sees every registration.
        self.shared.finished.store(true, Ordering::Release);
        self.shared.registry().wakers.iter().for_each(Waker::wake);
    }
}

impl<T: Send + 'static> Ingress<T> {
    /// A handle for one thread, with a ring of its own. May be made at any time, also before the job starts.
    ///
    /// # Cost
    /// Allocates the ring and takes a lock.
    pub fn handle(&self) -> IngressHandle<T> {
        let shared = self.token.shared.clone();
        let (producer, consumer) = ring(self.capacity);
        let state = Arc::new(LaneState { pushing: CachePadded::new(AtomicBool::new(false)), waker: OnceLock::new() });
        let waker = {
            let mut registry = shared.registry();
            let reader = registry.next % registry.waiting.len();
            registry.next += 1;
            registry.waiting[reader].push(Lane { consumer, state: state.clone() });
            registry.wakers.get(reader).cloned()
        };
        // ORDERING: Release, pairs with the Acquire in `IngressReader::fetch`.
        shared.registered.fetch_add(1, Ordering::Release);
        if let Some(waker) = waker {
            waker.wake();
        }
        IngressHandle { producer, bell: Bell { state, waker: None }, shared, dropped: 0 }
    }
}

impl<T> fmt::Debug for Ingress<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ingress").field("capacity", &self.capacity).finish_non_exhaustive()
    }
}

/// A record that was not accepted, and why.
#[derive(Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TryPushError<T> {
    /// The ring is full; retry once the job has caught up.
    #[error("the ingress is full; retry, or drop the record")]
    Full(T),
    /// The job accepts nothing any more: it is draining, stopped or failed.
    #[error("the job accepts no more records; see what its join returns")]
    Closed(T),
}

impl<T> fmt::Debug for TryPushError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Full(_) => "Full(..)",
            Self::Closed(_) => "Closed(..)",
        })
    }
}

/// The job accepts nothing any more; here is what was not accepted.
#[derive(Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the job accepts no more records; see what its join returns")]
pub struct Closed<T>(pub T);

impl<T> fmt::Debug for Closed<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Closed(..)")
    }
}

/// Wakes the reader, also when dropped.
struct Bell {
    state: Arc<LaneState>,
    /// Known once the reader has fetched the lane.
    waker: Option<Waker>,
}

impl Bell {
    #[inline]
    fn ring(&mut self) {
        if self.waker.is_none() {
            // ORDERING: SeqCst, pairs with the fence in `IngressReader::fetch`: the waker is seen here, or what was pushed is seen there.
            if !planted("bell") {
                fence(Ordering::SeqCst);
            }
            self.waker = self.state.waker.get().cloned();
        }
        if let Some(waker) = &self.waker {
            waker.wake();
        }
    }
}

impl Drop for Bell {
    fn drop(&mut self) {
        self.ring();
    }
}

/// Hands records in from one thread.
pub struct IngressHandle<T> {
    /// Declared before the bell, so dropped before it: the reader wakes up to a ring that was abandoned.
    producer: Producer<T>,
    bell: Bell,
    shared: Arc<Shared<T>>,
    dropped: u64,
}

/// A push under way. Dropping it says that it is over.
struct Pushing<'a>(&'a LaneState);

impl Drop for Pushing<'_> {
    #[inline]
    fn drop(&mut self) {
        // ORDERING: Release, pairs with the Acquire in `IngressReader::end`: who sees `false` sees what was committed before.
        self.0.pushing.store(false, Ordering::Release);
    }
}

impl<T: Send + 'static> IngressHandle<T> {
    /// Announces a push; nothing if the source is closed. Until the guard is gone, a drain waits for this handle.
    #[inline]
    fn enter<'a>(state: &'a LaneState, shared: &Shared<T>) -> Option<Pushing<'a>> {
        // ORDERING: Relaxed; the fences order it before the load below, as the head of this module says.
        state.pushing.store(true, Ordering::Relaxed);
        let pushing = Pushing(state);
        shared.fences.light();
        // ORDERING: Acquire, pairs with the Release in `Shared::close`.
        (!shared.closed.load(Ordering::Acquire)).then_some(pushing)
    }

    /// Hands a record in, if there is room.
    ///
    /// # Errors
    /// The record comes back, with the reason.
    ///
    /// # Cost
    /// A few stores to lines that the handle owns, and one load of a line that nobody writes. Batches cost less a record.
    #[inline]
    pub fn try_push(&mut self, value: T) -> Result<(), TryPushError<T>> {
        let result = match Self::enter(&self.bell.state, &self.shared) {
            Some(_pushing) => self.producer.push(value).map_err(|refused| TryPushError::Full(refused.0)),
            None => Err(TryPushError::Closed(value)),
        };
        // Also when it was refused: a drain may have been waiting for this push.
        self.bell.ring();
        result
    }

    /// Hands a record in, waiting for room: it spins, then yields, then sleeps for short times.
    ///
    /// # Errors
    /// [`Closed`] with the record, if the job accepts nothing any more.
    #[inline]
    pub fn push(&mut self, value: T) -> Result<(), Closed<T>> {
        match self.try_push(value) {
            Ok(()) => Ok(()),
            Err(TryPushError::Closed(value)) => Err(Closed(value)),
            Err(TryPushError::Full(value)) => match self.push_until(value, None) {
                Ok(()) => Ok(()),
                Err(TryPushError::Closed(value) | TryPushError::Full(value)) => Err(Closed(value)),
            },
        }
    }

    /// Hands a record in, waiting for room for at most `limit`.
    ///
    /// # Errors
    /// The record comes back: [`Full`](TryPushError::Full) if there was no room in time.
    #[inline]
    pub fn push_timeout(&mut self, value: T, limit: Duration) -> Result<(), TryPushError<T>> {
        match self.try_push(value) {
            // A limit beyond the clock's range is none.
            Err(TryPushError::Full(value)) => self.push_until(value, Instant::now().checked_add(limit)),
            other => other,
        }
    }

    /// Hands a record in, or drops it if there is no room. Says whether it was accepted; [`dropped`](Self::dropped) counts the others.
    ///
    /// # Errors
    /// [`Closed`] with the record, if the job accepts nothing any more.
    #[inline]
    pub fn push_or_drop(&mut self, value: T) -> Result<bool, Closed<T>> {
        match self.try_push(value) {
            Ok(()) => Ok(true),
            Err(TryPushError::Full(_)) => {
                self.dropped += 1;
                Ok(false)
            }
            Err(TryPushError::Closed(value)) => Err(Closed(value)),
        }
    }

    /// Records that [`push_or_drop`](Self::push_or_drop) has dropped.
    pub fn dropped(&self) -> u64 {
        self.dropped
    }

    /// Hands in as many items as there is room for in one run of the ring, and says how many. What is not accepted stays in the iterator.
    ///
    /// The iterator should not block: a drain of the job waits for it.
    ///
    /// # Errors
    /// [`Closed`] if the job accepts nothing any more; the iterator was not touched.
    #[inline]
    pub fn try_push_batch(&mut self, items: &mut impl Iterator<Item = T>) -> Result<usize, Closed<()>> {
        self.push_run(items).map(|run| run.0)
    }

    /// Hands in all items, waiting for room; says how many that were.
    ///
    /// # Errors
    /// [`Closed`] with the number of items that were accepted; the others were not taken from the iterator.
    pub fn push_batch(&mut self, items: impl IntoIterator<Item = T>) -> Result<u64, Closed<u64>> {
        let (mut items, mut accepted, mut wait) = (items.into_iter(), 0, Patience::new(None));
        while items.size_hint().1 != Some(0) {
            match self.push_run(&mut items) {
                Ok((_, 0)) => _ = wait.once(),
                Ok((count, room)) => {
                    accepted += count as u64;
                    if count < room {
                        break;
                    }
                    wait = Patience::new(None);
                }
                Err(Closed(())) => return Err(Closed(accepted)),
            }
        }
        Ok(accepted)
    }

    /// Fills one run of the ring: how many items were accepted, and for how many there was room.
    #[inline]
    fn push_run(&mut self, items: &mut impl Iterator<Item = T>) -> Result<(usize, usize), Closed<()>> {
        let result = match Self::enter(&self.bell.state, &self.shared) {
            Some(_pushing) => Ok(self.producer.claim(usize::MAX).map_or((0, 0), |chunk| {
                let room = chunk.len();
                (chunk.fill(items), room)
            })),
            None => Err(Closed(())),
        };
        self.bell.ring();
        result
    }

    /// Whether the job accepts nothing any more.
    pub fn is_closed(&self) -> bool {
        // ORDERING: Acquire, pairs with the Release in `Shared::close`.
        self.shared.closed.load(Ordering::Acquire)
    }

    // Cold: only when the ring is full.
    #[cold]
    fn push_until(&mut self, mut value: T, deadline: Option<Instant>) -> Result<(), TryPushError<T>> {
        let mut wait = Patience::new(deadline);
        loop {
            let in_time = wait.once();
            match self.try_push(value) {
                Err(TryPushError::Full(back)) if in_time => value = back,
                other => return other,
            }
        }
    }
}

impl<T> fmt::Debug for IngressHandle<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IngressHandle").field("ring", &self.producer).finish_non_exhaustive()
    }
}

/// How a thread of the service waits for the other side: it spins, yields, then sleeps.
pub(crate) struct Patience {
    backoff: Backoff,
    deadline: Option<Instant>,
}

/// A sleep of this length takes about 100 µs, for the system adds its slack.
const SLEEP: Duration = Duration::from_micros(50);

impl Patience {
    pub(crate) fn new(deadline: Option<Instant>) -> Self {
        Self { backoff: Backoff::new(), deadline }
    }

    /// Waits a little; `false` once the deadline has passed.
    pub(crate) fn once(&mut self) -> bool {
        if self.backoff.is_completed() {
            let left = self.deadline.map_or(SLEEP, |deadline| deadline.saturating_duration_since(Instant::now()));
            std::thread::sleep(left.min(SLEEP));
        } else {
            self.backoff.snooze();
        }
        self.deadline.is_none_or(|deadline| Instant::now() < deadline)
    }
}

/// The source of an [`Ingress`]. Dropped unopened, it closes the ingress.
pub struct IngressSource<T> {
    shared: Arc<Shared<T>>,
    opened: bool,
}

impl<T> Drop for IngressSource<T> {
    fn drop(&mut self) {
        if !self.opened {
            self.shared.close();
        }
    }
}

impl<T> fmt::Debug for IngressSource<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IngressSource").finish_non_exhaustive()
    }
}

impl<T: Send + 'static> Source for IngressSource<T> {
    type Out = Own<T>;
    type Reader = IngressReader<T>;

    fn name(&self) -> &'static str {
        "ingress"
    }

    fn open(mut self, readers: usize) -> Result<Vec<Self::Reader>, BuildError> {
        if readers == 0 {
            return Ok(Vec::new());
        }
        self.opened = true;
        let mut registry = self.shared.registry();
        let early: Vec<_> = registry.waiting.drain(..).flatten().collect();
        registry.waiting.resize_with(readers, Vec::new);
        registry.next = early.len();
        for (i, lane) in early.into_iter().enumerate() {
            registry.waiting[i % readers].push(lane);
        }
        registry.wakers = vec![Waker::noop(); readers];
        drop(registry);
        Ok((0..readers)
            .map(|index| IngressReader {
                shared: self.shared.clone(),
                index,
                lanes: Vec::new(),
                turn: 0,
                fetched: None,
                waker: None,
                draining: Draining::No,
                ended: false,
            })
            .collect())
    }
}

/// One worker's share of an ingress: the rings of some of the handles.
pub struct IngressReader<T> {
    shared: Arc<Shared<T>>,
    index: usize,
    lanes: Vec<Lane<T>>,
    /// The lane to look at first.
    turn: usize,
    /// The registry's counter when it was last looked at.
    fetched: Option<u64>,
    waker: Option<Waker>,
    draining: Draining,
    ended: bool,
}

/// How far a drain has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Draining {
    No,
    /// Closed, but the kernel refused the fence: wait until every store of before must have become visible.
    Unfenced(Instant),
    /// Closed, and every push that may still be accepted is announced.
    Fenced,
}

/// Far longer than any store stays in a core's buffer.
const GRACE: Duration = Duration::from_millis(20);

impl<T> IngressReader<T> {
    /// Fetches the handles that are new.
    #[inline]
    fn fetch(&mut self) {
        // ORDERING: Acquire, pairs with the Release in `Ingress::handle`.
        let registered = Some(self.shared.registered.load(Ordering::Acquire));
        if registered != self.fetched {
            self.fetched = registered;
            self.fetch_new();
        }
    }

    #[cold]
    #[inline(never)]
    fn fetch_new(&mut self) {
        let new = std::mem::take(&mut self.shared.registry().waiting[self.index]);
        for lane in new {
            if let Some(waker) = &self.waker {
                // It was empty: a lane is fetched once.
                let _ = lane.state.waker.set(waker.clone());
            }
            self.lanes.push(lane);
        }
        // ORDERING: SeqCst, pairs with the fence in `Bell::ring`.
        fence(Ordering::SeqCst);
    }

    /// Whether the source has ended, given that all rings were found empty.
    fn end(&mut self) -> bool {
        // ORDERING: Acquire, pairs with the Release in `Token::drop`. Before the registry's counter is read again.
        let finished = self.shared.finished.load(Ordering::Acquire);
        // What a handle committed before it went is seen once it is seen to have gone.
        self.lanes.retain_mut(|lane| !(lane.consumer.is_abandoned() && lane.consumer.available() == 0));
        // ORDERING: Acquire, pairs with the Release in `Ingress::handle`.
        let registered = self.shared.registered.load(Ordering::Acquire);
        if Some(registered) != self.fetched {
            return false;
        }
        if let Draining::Unfenced(until) = self.draining {
            if !self.shared.fences.heavy() && Instant::now() < until {
                return false;
            }
            // The registry and the rings are looked at anew, after the fence.
            self.draining = Draining::Fenced;
            return false;
        }
        if self.draining == Draining::Fenced {
            // ORDERING: Acquire, pairs with the Release of `Pushing`. Before the ring is looked at.
            return self.lanes.iter_mut().all(|lane| !lane.state.pushing.load(Ordering::Acquire) && lane.consumer.available() == 0);
        }
        finished && self.lanes.is_empty()
    }
}

impl<T: Send + 'static> Reader for IngressReader<T> {
    type Out = Own<T>;

    #[inline]
    fn poll<O: Operator<Own<T>>>(&mut self, max: usize, out: &mut O) -> Result<Polled, RunError> {
        self.fetch();
        let lanes = self.lanes.len();
        for _ in 0..lanes {
            let turn = if self.turn < lanes { self.turn } else { 0 };
            self.turn = turn + 1;
            if let Ok(chunk) = self.lanes[turn].consumer.read(max.max(1)) {
                let records = chunk.len();
                out.process(chunk.into_iter());
                return Ok(Polled::Records(records));
            }
        }
        let draining = self.draining;
        if self.end() {
            self.ended = true;
            return Ok(Polled::End);
        }
        if lanes == 0 && draining == Draining::No {
            return Ok(Polled::Unfed);
        }
        // A drain that could not be fenced is waited out; all else is announced by a wake.
        Ok(Polled::Idle(match draining {
            Draining::Unfenced(until) => Some(until),
            Draining::No | Draining::Fenced => None,
        }))
    }

    fn drain(&mut self) {
        if self.draining == Draining::No {
            self.shared.close();
            let fenced = self.shared.fences.heavy();
            self.draining = if fenced { Draining::Fenced } else { Draining::Unfenced(Instant::now() + GRACE) };
        }
    }

    fn attach(&mut self, waker: &Waker) {
        self.waker = Some(waker.clone());
        if let Some(slot) = self.shared.registry().wakers.get_mut(self.index) {
            *slot = waker.clone();
        }
    }

    fn is_resumable(&self) -> bool {
        true
    }
}

impl<T> Drop for IngressReader<T> {
    fn drop(&mut self) {
        // Stopped or failed: the handles should not wait for room that will never come.
        if !self.ended {
            self.shared.close();
        }
    }
}

impl<T> fmt::Debug for IngressReader<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IngressReader").field("lanes", &self.lanes.len()).field("draining", &self.draining).finish_non_exhaustive()
    }
}

#[cfg(all(test, not(loom)))]
#[path = "ingress_tests.rs"]
mod tests;

#[cfg(all(test, loom))]
#[path = "ingress_models.rs"]
mod models;
