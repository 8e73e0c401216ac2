//! From the user's words to running workers.
//!
//! ```text
//!   Dataflow, Stream, …   builder.rs, stream.rs, timed.rs, keyed.rs   what the user writes; each end of a chain registers a stage
//!   process.rs, join.rs, changelog.rs                                 the same for process functions, two inputs, changes
//!   drive()               drive.rs                                     by hand, on this thread: for tests
//!   stages and edges      plan.rs                                     which worker runs which instance of which stage
//!   start()               start.rs                                    refusals first, then rings, then threads
//!   Running, Report       running.rs                                  join, drain, stop
//! ```
//!
//! A **stage** is a chain between two exchanges; it has one instance (a task) on each worker of its **segment**. A segment is what lies
//! between two hops; segments share the workers out among themselves, in order.

mod builder;
mod changelog;
mod config;
mod drive;
mod join;
mod keyed;
mod plan;
mod process;
mod processing;
mod running;
mod sessions;
mod start;
mod stream;
mod timed;
mod triggered;
mod watermarks;
mod windowed;

pub use builder::Dataflow;
pub use config::Config;
pub use join::{BroadcastStream, JoinedStream};
pub use keyed::{KeyedStream, TimedKeyedStream, UpdateStream};
pub use running::{Report, Running, StageReport};
pub use sessions::LateSessionStream;
pub use stream::Stream;
pub use timed::TimedStream;
pub use triggered::{PaneStream, TriggeredStream};
pub use watermarks::OperatorWatermark;
pub use windowed::{LateSplitStream, LateToStream, SessionStream, WindowStream, WindowedStream};

pub(crate) use plan::{End, EndSeed, Head, SourceHead, StageCx, TaskSeed};
