//! The source of the programs: lends events of a block to the engine without a copy.
//!
//! ```text
//!   Replay ── a batch of its block, shifted by the lap ─┐
//!                                                       ├─▶ one loop over events of a block ─▶ the program's first chain
//!   Inline ── a batch made into the reader's own block ─┘
//! ```
//!
//! One source for both, so that each program is compiled once; and whoever wants to look on does so once a batch, through a [`Hook`].
//!
//! Laws
//! - Every event is lent exactly once, by some reader; the places that one reader lends grow. The order of arrival of one reader is hence
//!   that of the sequence, and its disorder is no greater.
//! - Nothing is allocated per event.

use std::{io, ops::Range};

use thalweg::{
    BuildError, RunError,
    operator::Operator,
    source::{Polled, Reader, Source},
};

use super::{
    block::{self, Block},
    claim::Claims,
    model::{Arrival, Arrivals, Event},
    source::{Inline, Replay, Shift},
};

/// Events in order of arrival, replayed or made.
#[derive(Clone, Debug)]
pub enum Events {
    /// From memory.
    Replay(Replay),
    /// By a generator.
    Inline(Inline),
}

impl Events {
    /// How many there are.
    pub fn events(&self) -> u64 {
        match self {
            Events::Replay(replay) => replay.events(),
            Events::Inline(inline) => inline.events(),
        }
    }

    /// Those of some numbers, which are in `0..events()`, in order: what an oracle reads.
    pub fn range(&self, numbers: Range<u64>) -> Box<dyn Iterator<Item = Event<'_>> + '_> {
        match self {
            Events::Replay(replay) => Box::new(replay.range(numbers)),
            Events::Inline(inline) => Box::new(inline.range(numbers)),
        }
    }

    /// Hands each event to `each`, in order: what the fastest loops read.
    #[inline(always)]
    pub fn for_each<'a>(&'a self, each: impl FnMut(Event<'a>)) {
        match self {
            Events::Replay(replay) => replay.for_each(each),
            Events::Inline(inline) => inline.iter().for_each(each),
        }
    }
}

impl From<Replay> for Events {
    fn from(replay: Replay) -> Events {
        Events::Replay(replay)
    }
}

impl From<Inline> for Events {
    fn from(inline: Inline) -> Events {
        Events::Inline(inline)
    }
}

/// Looks on while a reader lends its events.
pub trait Hook: Send {
    /// Before each batch, the first one too.
    fn before(&mut self);
    /// After a batch of so many events.
    fn after(&mut self, events: usize);
    /// When there is nothing more to lend.
    fn end(&mut self);
}

/// A hook for each of so many readers.
type Hooks = Box<dyn FnOnce(usize) -> Vec<Box<dyn Hook>> + Send>;

/// [`Events`] as a source of the engine.
pub struct Feed {
    events: Events,
    hooks: Option<Hooks>,
}

impl<E: Into<Events>> From<E> for Feed {
    fn from(events: E) -> Feed {
        Feed { events: events.into(), hooks: None }
    }
}

impl Feed {
    /// With a hook for each reader.
    #[must_use]
    pub fn hooked(self, hooks: impl FnOnce(usize) -> Vec<Box<dyn Hook>> + Send + 'static) -> Feed {
        Feed { hooks: Some(Box::new(hooks)), ..self }
    }
}

impl Source for Feed {
    type Out = Arrivals;
    type Reader = FeedReader;

    fn name(&self) -> &'static str {
        match self.events {
            Events::Replay(_) => "nexmark replay",
            Events::Inline(_) => "nexmark generator",
        }
    }

    fn open(self, readers: usize) -> Result<Vec<FeedReader>, BuildError> {
        let Feed { events, hooks } = self;
        let mut hooks = hooks.map_or_else(Vec::new, |hooks| hooks(readers)).into_iter();
        let claims = Claims::new(events.events(), readers);
        Ok(claims.map(|claims| FeedReader { events: events.clone(), claims, made: Block::new(), hook: hooks.next() }).collect())
    }
}

/// One worker's share of a [`Feed`].
pub struct FeedReader {
    events: Events,
    claims: Claims,
    /// The batch that was made last.
    made: Block,
    hook: Option<Box<dyn Hook>>,
}

impl Reader for FeedReader {
    type Out = Arrivals;

    #[inline(always)]
    fn poll<O: Operator<Arrivals>>(&mut self, max: usize, out: &mut O) -> Result<Polled, RunError> {
        if let Some(hook) = &mut self.hook {
            hook.before();
        }
        let Some(batch) = self.claims.next(max as u64) else {
            if let Some(hook) = &mut self.hook {
                hook.end();
            }
            return Ok(Polled::End);
        };
        let start = batch.start;
        let (block, from, events, shift) = match &self.events {
            Events::Replay(replay) => {
                let len = replay.block.len() as u64;
                let (lap, from) = (start / len, (start % len) as usize);
                // A batch lies within one lap.
                let events = (batch.end - start).min(len - from as u64);
                self.claims.keep(&batch, events);
                (&*replay.block, from, events as usize, replay.lap(lap))
            }
            Events::Inline(inline) => {
                self.made.clear();
                for number in batch {
                    let full = |error| RunError::Io { what: "making events".into(), source: io::Error::other(error) };
                    self.made.push(inline.generator.event(number)).map_err(full)?;
                }
                (&self.made, 0, self.made.len(), Shift::default())
            }
        };
        out.process(Lent { events: block.range(from..from + events), shift, number: start });
        if let Some(hook) = &mut self.hook {
            hook.after(events);
        }
        Ok(Polled::Records(events))
    }

    fn drain(&mut self) {
        self.claims.drain();
    }
}

/// Events of a batch, with their numbers. Compiled into the loop that asks for them, as [`block::Events`] are.
struct Lent<'a> {
    events: block::Events<'a>,
    shift: Shift,
    /// Of the next event.
    number: u64,
}

impl<'a> Iterator for Lent<'a> {
    type Item = Arrival<'a>;

    #[inline(always)]
    fn next(&mut self) -> Option<Arrival<'a>> {
        match self.events.next() {
            Some(event) => {
                let number = self.number;
                self.number += 1;
                Some(Arrival { number, event: self.shift.apply(event) })
            }
            None => None,
        }
    }

    #[inline(always)]
    fn size_hint(&self) -> (usize, Option<usize>) {
        self.events.size_hint()
    }

    #[inline(always)]
    fn fold<B, F: FnMut(B, Arrival<'a>) -> B>(self, init: B, mut step: F) -> B {
        let Lent { events, shift, mut number } = self;
        events.fold(init, |folded, event| {
            let arrival = Arrival { number, event: shift.apply(event) };
            number += 1;
            step(folded, arrival)
        })
    }
}
