//! Time: event time carried by records, and the engine's own clock.

/// Event time: milliseconds since the Unix epoch, as carried by a record.
pub type EventTime = i64;
