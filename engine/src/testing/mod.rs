//! Test your own dataflow without a thread: records, watermarks and clock ticks come by hand, and what leaves is looked at in between.
//!
//! ```text
//!   Feed ── push, watermark, end ──▶ your streams, as always ──▶ Outputs: rows, watermark, end
//!                     Driver::run: until nothing moves        clock: ManualClock, moved by hand
//! ```
//!
//! ```
//! use thalweg::{Config, Count, Dataflow, Tumbling, Windowed, testing::{feed, outputs}};
//!
//! let (mut clicks, source) = feed::<u32>();
//! let (sink, rows) = outputs();
//! let mut flow = Dataflow::new("test");
//! flow.source(source).timed().key_by(|user| *user).window(Tumbling::seconds(1)).aggregate(Count).sink(sink);
//! let mut driver = flow.drive(Config::default())?;
//!
//! clicks.push(100, 7);
//! clicks.push(900, 7);
//! clicks.watermark(998);
//! driver.run()?;
//! assert!(rows.take().is_empty(), "the window is open");
//! clicks.watermark(999);
//! driver.run()?;
//! assert_eq!(rows.take(), [Windowed { key: 7, start: 0, end: 1000, value: 2 }]);
//! assert!(rows.watermark() >= 999);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Laws: nothing moves but in [`Driver::run`]; two runs of a test take the same steps.
//!
//! Non-goals: snapshot and restore (they come with checkpoints), more than one worker (start the dataflow for that; a feed that was
//! filled and ended before works there as well).

mod driver;
mod feed;
mod outputs;

pub use driver::Driver;
pub use feed::{Feed, FeedReader, FeedSource, feed};
pub use outputs::{OutputSink, OutputWriter, Outputs, outputs};
