//! `thalweg-bench`: the command line.
fn main() {}
