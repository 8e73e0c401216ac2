//! Windows against naive oracles that go through the records one by one: neither batches, workers nor chaining may change a result.
#![allow(clippy::unwrap_used)]

mod ahead;
mod late;
mod oracle;
mod processing;
mod session;
mod silent;
mod sliding;
mod trigger;
mod watermark;
