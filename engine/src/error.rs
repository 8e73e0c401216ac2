//! Errors: what [`start`](crate) refuses before a thread runs, and what ends a running job.

/// Why a dataflow was refused. No thread was started.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// An option has a value that cannot work.
    #[error("{option} = {value} cannot be used: {why}")]
    Option {
        /// The option's name.
        option: &'static str,
        /// The value it had.
        value: String,
        /// What is wrong with it and what to do.
        why: String,
    },
    /// A source or sink cannot be opened.
    #[error("{what}: {source}")]
    Open {
        /// What was to be opened, with its path.
        what: String,
        /// The cause.
        source: std::io::Error,
    },
}

/// Why a running job ended early.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RunError {
    /// A closure given to an operator panicked.
    #[error("operator {operator} panicked: {message}")]
    Panic {
        /// Position and name of the operator, and where it was added.
        operator: String,
        /// The panic's message.
        message: String,
    },
    /// Reading or writing failed.
    #[error("{what}: {source}")]
    Io {
        /// What was being read or written.
        what: String,
        /// The cause.
        source: std::io::Error,
    },
    /// A record could not be decoded, and the error policy says to fail.
    #[error("{what}: record {record}: {message}")]
    Decode {
        /// What was being read.
        what: String,
        /// Number of the record, counted from 1.
        record: u64,
        /// What is wrong with it.
        message: String,
    },
}
