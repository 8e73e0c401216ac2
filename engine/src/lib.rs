//! Thalweg: a lock-free, single-node stream engine.
//!
//! ```text
//!             worker 0 (pinned thread)                              worker 1 (pinned thread)
//!   source ─▶ [reader ─▶ map ─▶ filter ─▶ partials] ─┬─ call ─▶ [merge ─▶ sink]
//!                    one chain: one loop             └─ ring ────────────────────▶ [merge ─▶ sink]
//!   source ─▶ …                                        ring ◀──────────────────── [… partials] ◀─ reader
//!             in band between records: watermarks, barriers, the end
//! ```
//!
//! A [`Dataflow`] is described with streams ([`Stream`], [`TimedStream`], [`KeyedStream`]), checked and started with a [`Config`], and ends as
//! a [`Report`]. Every worker runs every stage for its share of the input; what must meet (a key's partials) hops over rings to the key's
//! owner. [`Stream::hop`] puts what follows on workers of its own.
//!
//! ```
//! use thalweg::{Collect, Config, Count, Dataflow, Generate, Monotone, Trigger, Tumbling, Windowed};
//!
//! let mut flow = Dataflow::new("parity");
//! let (sink, rows) = Collect::<Windowed<u64, u64>>::new();
//! flow.source(Generate::new(4000, |i| i))                     // a record a millisecond
//!     .watermarks(Monotone, |i| *i as i64)
//!     .key_by(|i| i % 2)
//!     .window(Tumbling::seconds(1))
//!     .aggregate(Count)
//!     .sink(sink);
//! flow.start(Config::default())?.join()?;
//! let rows = rows.take();
//! assert_eq!(rows.len(), 8);
//! assert!(rows.iter().all(|row| row.value == 500));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Not promised: an order between records of different workers; the same batches in two runs; durability (a job that ends early has lost what
//! was in flight).
#![deny(unsafe_code)]

pub mod changelog;
pub mod error;
mod exchange;
mod graph;
pub mod join;
mod metrics;
pub mod operator;
pub mod process;
pub mod record;
pub mod ring;
pub mod runtime;
pub mod sink;
pub mod source;
pub mod state;
mod sync;
pub mod testing;
pub mod time;
pub mod watermark;
pub mod window;

pub use error::{BuildError, RunError};
pub use graph::{
    BroadcastStream, Config, Dataflow, JoinedStream, KeyedStream, LateSessionStream, LateSplitStream, LateToStream, OperatorWatermark, PaneStream, Report,
    Running, SessionStream, StageReport, Stream, TimedKeyedStream, TimedStream, TriggeredStream, UpdateStream, WindowStream,
    WindowedStream,
};
pub use operator::{
    Aggregate, ApproxDistinct, Count, DistinctCount, First, FloatMean, Last, Max, Mean, Min, Reduce, Sum, SumCount, TopN, Total, Update,
};
pub use record::{Own, Record, Text, Timed};
pub use runtime::{Wait, Waker};
pub use sink::{Checksum, Collect, FileSink, Fold, ForEach};
pub use source::{Generate, Lines, OnMalformed, Replay};
pub use time::EventTime;
pub use watermark::{BoundedDisorder, Monotone, ProcessingTime};
pub use window::{
    CountWindows, EveryEventTime, EveryProcessingTime, EveryRecords, Global, Lenient, Revised, Session, Sliding, Trigger, Tumbling,
    Windowed,
};

/// The README's program is a test.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
pub struct Readme;
