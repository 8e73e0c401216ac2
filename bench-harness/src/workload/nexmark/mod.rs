//! Nexmark: the stream of an auction site, and what the queries q0 to q23 over it give.
//!
//! ```text
//!   generate  Options, seed ─▶ Generator ── event(n) ──▶ Event<'_>  person, auction or bid, borrowing its texts
//!   jsonl     a file of lines ─▶ read ──▶ block ◀─ collect ┘
//!   source    Inline (generator), Replay (block, in laps) ─▶ records `Events` of the engine
//!   oracle    answer(q, &[Event]) ──▶ Rows    digest(q, &[Event]) ──▶ Answer     naive, independent of the engine
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
pub mod generate;
pub mod jsonl;
pub mod model;
pub mod oracle;
mod pool;
pub mod query;
pub mod rows;
pub mod source;

pub use block::Block;
pub use generate::{Generator, Options};
pub use model::{Auction, Bid, Event, Events, Kind, Person};
pub use query::Query;
pub use rows::{Cell, Digest, Rows};
pub use source::{Inline, Replay};
