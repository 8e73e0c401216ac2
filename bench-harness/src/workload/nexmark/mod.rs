//! Nexmark: the stream of an auction site, and the queries q0 to q23 over it.
pub mod calendar;
pub mod model;
pub mod oracle;
pub mod query;
pub mod rows;
