//! Nexmark: the stream of an auction site, and what the queries q0 to q23 over it give.
//!
//! ```text
//!   generate  Options, seed ─▶ Generator ── event(n) ──▶ Event<'_>  person, auction or bid, borrowing its texts
//!   jsonl     a file of lines ─▶ read ──▶ block ◀─ collect ┘
//!   source    Inline (generator), Replay (block, in laps) ─▶ feed ─▶ records `Arrivals` of the engine
//!   oracle    answer(q, &[Event]) ──▶ Rows    digest(q, &[Event]) ──▶ Answer     naive, independent of the engine
//!   program   build(q, feed) ──▶ the query on the engine, one file each: q0 … q23
//!   output    rows ─▶ lines of JSON or CSV; changes ─▶ Table
//!   query     names, columns, and whether results are appended or replace one another
//! ```
//!
//! ```
//! use thalweg_bench::workload::nexmark::{Event, Generator, Options, Query, oracle};
//!
//! let generator = Generator::new(42, Options::default())?;
//! let events: Vec<Event<'_>> = (0..10_000).map(|n| generator.event(n)).collect();
//! let rows = oracle::answer(Query::Q5, &events);
//! assert_eq!(rows.names().collect::<Vec<_>>(), ["auction", "bids", "window_start"]);
//! assert_eq!(rows.answer, oracle::digest(Query::Q5, &events));
//! # Ok::<(), String>(())
//! ```

pub mod block;
pub mod calendar;
mod claim;
mod disorder;
pub mod feed;
mod files;
pub mod generate;
pub mod jsonl;
pub mod model;
pub mod oracle;
pub mod output;
pub mod owned;
mod pool;
pub mod portable;
pub mod program;
mod q0;
mod q1;
mod q10;
mod q11;
pub mod q12;
mod q13;
mod q14;
mod q15;
mod q16;
mod q17;
mod q18;
mod q19;
mod q2;
mod q20;
mod q21;
mod q22;
mod q23;
mod q3;
mod q4;
mod q5;
mod q6;
mod q7;
mod q8;
mod q9;
pub mod query;
mod ranks;
pub mod rows;
pub mod source;
mod winners;

pub use block::Block;
pub use feed::{Events, Feed};
pub use generate::{Generator, Options};
pub use model::{Arrival, Arrivals, Auction, Bid, Event, Kind, Person};
pub use query::Query;
pub use rows::{Cell, Digest, Kept, Rows};
pub use source::{Inline, Replay};

/// About how many bytes an event takes in a block.
const EVENT_BYTES: usize = 220;

/// `events` events: a block of about `block_bytes` bytes, cut where the generator's cycle ends, replayed in laps.
///
/// # Errors
/// If there are more laps than times and ids have room for.
pub fn replay_of(seed: u64, events: u64, block_bytes: usize) -> Result<Replay, String> {
    let options = Options::default();
    // Whole cycles, so that the next lap goes on where the generator would.
    let epoch = u64::from(options.persons + options.auctions + options.bids);
    let epochs = (block_bytes / EVENT_BYTES) as u64 / epoch;
    let generator = Generator::new(seed, options)?;
    let block = Block::collect((0..epochs.max(1) * epoch).map(|n| generator.event(n)));
    Replay::new(block.map_err(|_| format!("a block of {block_bytes} bytes has more text than fits; make it smaller with --block"))?, events)
}
