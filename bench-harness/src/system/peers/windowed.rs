//! State of event-time windows, of q5, q7, q8 and q11: what an operator of any framework keeps for them.

use super::unbounded::Map;
use crate::workload::nexmark::{Cell, Digest, Event};

/// How far event times may be out of order.
pub(super) const DISORDER_MS: i64 = 4_000;
/// Length of a window.
pub(super) const SIZE_MS: i64 = 10_000;
/// Of q5: how far windows are apart.
pub(super) const SLIDE_MS: i64 = 2_000;
/// Of q11: a session ends when a bidder was silent for so long.
const GAP_MS: i64 = 10_000;

/// End of the window of `size_ms` that a time falls into.
pub(super) fn end(time: i64, size_ms: i64) -> i64 {
    time.div_euclid(size_ms) * size_ms + size_ms
}

/// The watermark after an event of that time: in steps, as often as windows may close, and no more.
pub(super) fn watermark(time: i64) -> i64 {
    (time - DISORDER_MS).div_euclid(SLIDE_MS) * SLIDE_MS
}

/// Who has the most, and how much that is.
#[derive(Clone)]
pub(super) struct Leaders<T> {
    pub(super) most: i64,
    pub(super) who: Vec<T>,
}

impl<T> Default for Leaders<T> {
    fn default() -> Self {
        Leaders { most: i64::MIN, who: Vec::new() }
    }
}

impl<T> Leaders<T> {
    #[inline]
    pub(super) fn add(&mut self, amount: i64, who: impl FnOnce() -> T) {
        if amount >= self.most {
            if amount > self.most {
                self.most = amount;
                self.who.clear();
            }
            self.who.push(who());
        }
    }
}

/// Of q8: a person with the name, or a seller without one; with id and time.
pub(super) type Party = (i64, i64, Option<Box<str>>);

/// Of q8.
pub(super) fn party(event: Event<'_>) -> Option<Party> {
    match event {
        Event::Person(p) => Some((p.id, p.date_time, Some(p.name.into()))),
        Event::Auction(a) => Some((a.seller, a.date_time, None)),
        Event::Bid(_) => None,
    }
}

/// Of q8: the parties of a window.
#[derive(Clone, Default)]
pub(super) struct Met(Map<i64, (Option<Box<str>>, bool)>);

impl Met {
    pub(super) fn add(&mut self, (id, _, name): Party) {
        let (person, sells) = self.0.entry(id).or_default();
        match name {
            Some(name) => *person = Some(name),
            None => *sells = true,
        }
    }

    /// Persons who sell, by id, with their names.
    pub(super) fn both(self) -> impl Iterator<Item = (i64, Box<str>)> {
        self.0.into_iter().filter(|(_, (_, sells))| *sells).filter_map(|(id, (name, _))| Some((id, name?)))
    }
}

/// First and last bid, and how many.
type Session = (i64, i64, i64);

/// Of q11: open sessions by bidder. Bids of two workers come out of order, so that a bidder may have several.
#[derive(Clone)]
pub(super) struct Sessions {
    open: Map<i64, Vec<Session>>,
    /// No session ends before.
    next_sweep: i64,
}

impl Default for Sessions {
    fn default() -> Self {
        Sessions { open: Map::default(), next_sweep: i64::MIN }
    }
}

impl Sessions {
    pub(super) fn add(&mut self, (bidder, time): (i64, i64)) {
        let open = self.open.entry(bidder).or_default();
        let mut session = (time, time, 1);
        // Nearly always the one session there is, and it grows at its end.
        open.retain(|&(first, last, count)| {
            let apart = first - session.1 > GAP_MS || session.0 - last > GAP_MS;
            if !apart {
                session = (first.min(session.0), last.max(session.1), count + session.2);
            }
            apart
        });
        open.push(session);
    }

    /// Gives out the sessions that have ended.
    pub(super) fn advance(&mut self, watermark: i64, rows: &mut Digest) {
        if watermark <= self.next_sweep {
            return;
        }
        self.next_sweep = watermark;
        self.open.retain(|bidder, open| {
            open.retain(|&(first, last, count)| {
                // A bid at the watermark may still come.
                let is_open = watermark < i64::MAX && watermark - GAP_MS <= last;
                if !is_open {
                    rows.add(&[*bidder, count, first, last + GAP_MS].map(Cell::Int));
                }
                is_open
            });
            !open.is_empty()
        });
    }
}
