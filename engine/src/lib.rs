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
//! # What bad input does
//!
//! | input | outcome |
//! |---|---|
//! | a record that cannot be decoded | as [`OnMalformed`] says: the job fails, it is skipped and counted, or handed to a dead-letter sink |
//! | an event time near an end of the scale | it is in its windows exactly; their start and end are clipped to what an event time can say |
//! | the event time `i64::MIN` | the watermark before the first one is this time as well, which says that no record has it: a window of 1 ms, and what orders or joins by time, counts it late |
//! | an event time far in the future | the policy decides: [`BoundedDisorder`] and [`Monotone`] believe it, and all records before it are late from then on; a [`WatermarkPolicy`](watermark::WatermarkPolicy) of your own may not |
//! | an event time far in the past | late, if its windows have fired: counted in [`Report::late`], and on the stream that [`split_late`](WindowedStream::split_late) gives |
//! | times that open ever more windows | memory grows until [`open_max`](WindowedStream::open_max), then the job ends with an error that names the operator. There is no limit unless it is set |
//! | ever more keys | the same with [`keys_max`](TimedKeyedStream::keys_max) and, for joins, [`rows_max`](JoinedStream::rows_max) |
//! | a late flood | each record is counted, and changes nothing; where late records are asked for, the job goes as fast as whoever takes them. What an allowed lateness admits makes at most one result for each record |
//! | an input that was idle comes back with records that event time has passed | with several workers, what a worker has combined for a window that has fired elsewhere is counted late, once for each key and window, and not handed on |
//! | NaN | no key, since floats are none (their bits are); in [`Max`], [`Min`] and [`TopN`] the greatest value of all by [`Total`] (with its sign bit set, the least); in [`FloatMean`] it spreads |
//! | numbers too large | [`Sum`] wraps around ([`SumCount`]); [`Mean`] and [`operator::WideSum`] count in 128 bits; counts have 64 bits, which no stream fills |
//! | an empty key | a key like others |
//! | sizes, periods, gaps that are not positive; a lateness, a disorder that is negative; no records | refused before anything runs, with an error that names the operator and says what to give |
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
    BroadcastStream, Config, Dataflow, JoinedStream, KeyedStream, LateSessionStream, LateSplitStream, LateToStream, OperatorWatermark,
    PaneStream, Report, Running, SessionStream, StageReport, Stream, TimedKeyedStream, TimedStream, TriggeredStream, UpdateStream,
    WindowStream, WindowedStream,
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
