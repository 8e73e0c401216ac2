//! Control that keeps its place between records, beside a data ring that stays dense.
//!
//! ```text
//!   data ring   r0 r1 r2 │ r3 r4 r5 r6 │ r7 …          slices of records, nothing else
//!   side ring         (3, W) (3, B)  (7, W)            (position, control): "after the first 3 records"
//!   next(max)   Records[r0 r1 r2]  Control(W)  Control(B)  Records[r3 …
//! ```
//!
//! Protocol
//! - The sender puts a control on the side ring (a Release store) before the Release store of any later record. The receiver reads the
//!   data tail (Acquire) and then, whenever it re-read that, the side ring's tail. So it has seen every control that precedes a record it
//!   knows of, and never hands out records past one.
//! - In the common case, no control pending, that is one load of a line that nobody has written: it stays in the receiver's cache.
//!
//! Laws
//! - What comes out of `next` is what went in, in order: data by `commit`, `fill` or `push`, control by `control`.
//! - [`Next::Closed`] is said only after everything was handed out, and for ever after.

use super::{Consumer, Empty, Full, Probe, Producer, PushError, ReadChunk, WriteChunk, ring};

/// A control and its place.
struct Mark<C> {
    /// Number of records that come before it.
    at: u64,
    control: C,
}

/// Makes a ring for `capacity` records with room for `control_capacity` controls beside it, both rounded up as by [`ring`].
///
/// ```
/// use thalweg::ring::{Next, channel};
///
/// let (mut sender, mut receiver) = channel::<u64, &str>(8, 2);
/// sender.claim(2)?.fill(&mut (0..));
/// sender.control("watermark").map_err(|full| full.0)?;
/// sender.claim(2)?.fill(&mut (2..));
///
/// assert!(matches!(receiver.next(64), Next::Records(records) if *records == [0, 1]));
/// assert!(matches!(receiver.next(64), Next::Control("watermark")));
/// assert!(matches!(receiver.next(64), Next::Records(records) if *records == [2, 3]));
/// assert!(matches!(receiver.next(64), Next::Empty));
/// drop(sender);
/// assert!(matches!(receiver.next(64), Next::Closed));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn channel<T, C>(capacity: usize, control_capacity: usize) -> (Sender<T, C>, Receiver<T, C>) {
    let (data, data_out) = ring(capacity);
    let (side, side_out) = ring(control_capacity);
    (Sender { data, side }, Receiver { data: data_out, side: side_out })
}

/// The end of a channel that writes records and control.
pub struct Sender<T, C> {
    data: Producer<T>,
    side: Producer<Mark<C>>,
}

impl<T, C> Sender<T, C> {
    /// As [`Producer::claim`].
    ///
    /// # Errors
    /// [`Full`] if no slot for a record is free.
    #[inline]
    pub fn claim(&mut self, max: usize) -> Result<WriteChunk<'_, T>, Full> {
        self.data.claim(max)
    }

    /// As [`Producer::push`].
    ///
    /// # Errors
    /// [`PushError`] with the value if no slot for a record is free.
    #[inline]
    pub fn push(&mut self, value: T) -> Result<(), PushError<T>> {
        self.data.push(value)
    }

    /// Places a control after all records committed so far, and before all later ones.
    ///
    /// # Errors
    /// [`PushError`] with the control if the side ring is full. Send no record that must come after it before it was accepted.
    #[inline]
    pub fn control(&mut self, control: C) -> Result<(), PushError<C>> {
        let at = self.data.position();
        self.side.push(Mark { at, control }).map_err(|PushError(mark)| PushError(mark.control))
    }

    /// Number of controls that can be placed now; more may be by the time you look.
    #[inline]
    pub fn vacant_controls(&mut self) -> usize {
        self.side.vacant()
    }

    /// As [`Producer::vacant`]: slots for records.
    #[inline]
    pub fn vacant(&mut self) -> usize {
        self.data.vacant()
    }

    /// Number of slots for records.
    #[inline]
    pub fn capacity(&self) -> usize {
        self.data.capacity()
    }

    /// Records committed so far.
    #[inline]
    pub fn position(&self) -> u64 {
        self.data.position()
    }

    /// The receiver was dropped.
    #[inline]
    pub fn is_abandoned(&self) -> bool {
        self.data.is_abandoned()
    }

    /// Watches the records from any thread.
    pub fn probe(&self) -> Probe {
        self.data.probe()
    }
}

/// What comes next out of a channel.
#[must_use]
pub enum Next<'a, T, C> {
    /// Records, none of them past the next control's place.
    Records(ReadChunk<'a, T>),
    /// A control; every record before it was handed out.
    Control(C),
    /// Nothing now.
    Empty,
    /// Nothing ever again: the sender has gone and everything was handed out.
    Closed,
}

/// The end of a channel that reads records and control in the order in which they were sent.
pub struct Receiver<T, C> {
    data: Consumer<T>,
    side: Consumer<Mark<C>>,
}

impl<T, C> Receiver<T, C> {
    /// Hands out what comes next: up to `max` records in one contiguous run, or one control.
    ///
    /// With `max` 0 it hands out no records, so it says `Empty` also when some are there.
    ///
    /// # Cost
    /// O(1), wait-free. As [`Consumer::read`], and one load of the side ring's tail for every load of the data ring's.
    #[inline]
    pub fn next(&mut self, max: usize) -> Next<'_, T, C> {
        let want = max.min(self.data.run()).max(1);
        if self.data.cursor.known() < want {
            self.refresh();
        }
        let mut due = self.due();
        if due == Due::Nothing && self.data.is_abandoned() {
            // The flag is set after the last commit and the last control, so after it both tails are final.
            self.refresh();
            due = self.due();
            if due == Due::Nothing {
                return Next::Closed;
            }
        }
        match due {
            Due::Records(limit) => match self.data.read(max.min(limit)) {
                Ok(records) => Next::Records(records),
                Err(Empty) => Next::Empty,
            },
            Due::Control => match self.side.pop() {
                Some(mark) => Next::Control(mark.control),
                None => Next::Empty,
            },
            Due::Nothing => Next::Empty,
        }
    }

    /// Re-reads both tails. The order is the protocol: a control seen too late would be handed out after records that follow it.
    #[inline(always)]
    fn refresh(&mut self) {
        self.data.cursor.refresh();
        self.side.cursor.refresh();
    }

    /// What is due among the records and controls that this side knows of.
    #[inline(always)]
    fn due(&self) -> Due {
        let known = self.data.cursor.known();
        match self.side.peek_known() {
            None if known == 0 => Due::Nothing,
            None => Due::Records(known),
            Some(mark) => {
                debug_assert!(mark.at >= self.data.position());
                match (mark.at - self.data.position()) as usize {
                    0 => Due::Control,
                    before if known == 0 => {
                        debug_assert!(before > 0);
                        Due::Nothing
                    }
                    before => Due::Records(known.min(before)),
                }
            }
        }
    }

    /// Records released so far.
    #[inline]
    pub fn position(&self) -> u64 {
        self.data.position()
    }

    /// Number of slots for records.
    #[inline]
    pub fn capacity(&self) -> usize {
        self.data.capacity()
    }

    /// The sender was dropped; what it sent before is still handed out, and then [`Next::Closed`].
    #[inline]
    pub fn is_abandoned(&self) -> bool {
        self.data.is_abandoned()
    }

    /// Watches the records from any thread.
    pub fn probe(&self) -> Probe {
        self.data.probe()
    }
}

/// What [`Receiver::next`] has to hand out.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Due {
    /// Up to so many records.
    Records(usize),
    Control,
    Nothing,
}
