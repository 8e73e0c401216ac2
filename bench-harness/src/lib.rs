//! The harness behind `thalweg-bench`.
//!
//! The traits in [`workload`] and [`system`] are its joints.

pub mod system;
pub mod workload;
