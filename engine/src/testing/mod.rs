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
//! A job can be left at any moment and gone on with in another driver:
//!
//! ```
//! use thalweg::{Config, Dataflow, Own, Sum, Update, testing::{Driver, Feed, Outputs, feed, outputs}};
//!
//! fn totals() -> (Feed<i64>, Outputs<(i64, i64)>, Driver) {
//!     let (amounts, source) = feed();
//!     let (sink, rows) = outputs();
//!     let mut flow = Dataflow::new("totals");
//!     flow.source(source)
//!         .map(|(_, amount)| amount)
//!         .key_by(|amount: &i64| amount % 2)
//!         .aggregate(Sum::of::<Own<i64>>(|amount: &i64| *amount))
//!         .map(|update: Update<'_, i64, thalweg::SumCount>| (*update.key, update.after.sum))
//!         .sink(sink);
//!     (amounts, rows, flow.drive(Config::default()).unwrap())
//! }
//! let (mut amounts, _, mut driver) = totals();
//! amounts.push_all([(0, 1), (0, 3), (0, 4)]);
//! let snapshot = driver.snapshot()?;
//!
//! let (mut amounts, rows, mut driver) = totals();
//! driver.restore(&snapshot)?;
//! amounts.push_all([(0, 5), (0, 6)]);
//! driver.run()?;
//! assert_eq!(rows.take(), [(1, 9), (0, 10)]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Laws
//! - Nothing moves but in [`Driver::run`], [`Driver::step`] and [`Driver::snapshot`]; two runs of a test take the same steps.
//! - A job that was restored puts out what the one that it was taken from would have, record for record.
//!
//! Non-goals: snapshots that outlive the process or change the number of workers.

mod driver;
mod feed;
mod outputs;
mod snapshot;

pub use driver::Driver;
pub(crate) use driver::Job;
pub use feed::{Feed, FeedReader, FeedSource, feed};
pub use outputs::{OutputSink, OutputWriter, Outputs, outputs};
pub use snapshot::Snapshot;

/// How many cases a property test is to run: what the environment's `PROPTEST_CASES` says, or else `few`.
///
/// For tests whose cases take longer than the usual number of them allows: `ProptestConfig::with_cases(cases(48))` would hold under any
/// environment if it were given the number alone.
pub fn cases(few: u32) -> u32 {
    std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(few)
}
