//! Subcommands that are more than a line.

pub(crate) mod generate;
pub(crate) mod query;
