//! Thalweg: a lock-free, single-node stream engine.
#![deny(unsafe_code)]

pub mod error;
mod exchange;
mod graph;
mod metrics;
pub mod operator;
pub mod record;
pub mod ring;
pub mod runtime;
pub mod sink;
pub mod source;
pub mod state;
mod sync;
pub mod time;
pub mod watermark;
pub mod window;

pub use error::{BuildError, RunError};
pub use graph::{Config, Dataflow, KeyedStream, Report, ResultStream, Running, StageReport, Stream, TimedKeyedStream, TimedStream, UpdateStream, WindowedStream};
pub use operator::{Aggregate, Count, Reduce, Sum, SumCount, Update};
pub use record::{Own, Record, Text, Timed};
pub use runtime::{Wait, Waker};
pub use sink::{Checksum, Collect, Counted, FileSink, Fold, ForEach};
pub use source::{Generate, Lines, OnMalformed, Replay};
pub use time::EventTime;
pub use watermark::{BoundedDisorder, Monotone};
pub use window::{Tumbling, Windowed};
