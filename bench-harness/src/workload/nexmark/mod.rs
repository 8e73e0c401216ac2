//! Nexmark: the stream of an auction site, and the queries q0 to q23 over it.
pub mod block;
pub mod calendar;
mod claim;
mod disorder;
pub mod generate;
pub mod model;
pub mod oracle;
mod pool;
pub mod query;
pub mod rows;
pub mod source;
