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
    /// An operator was given a parameter that cannot work.
    #[error("operator {operator}: {why}")]
    Operator {
        /// Position and name of the operator, and where it was added.
        operator: String,
        /// What is wrong and what to do.
        why: String,
    },
    /// A stream does not end in a sink.
    #[error("the stream that begins at {stream} ends nowhere; end it with .sink(…), and drop all streams before start()")]
    Unfinished {
        /// The operator it begins at.
        stream: String,
    },
    /// There is nothing to run.
    #[error("the dataflow {name:?} is empty; add a source with .source(…) and end its stream with .sink(…)")]
    Empty {
        /// The dataflow's name.
        name: String,
    },
    /// A worker thread could not be started.
    #[error("a worker thread could not be started: {0}")]
    Thread(std::io::Error),
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
    /// An operator refused to go on: a limit that was set is reached, or its function said so.
    #[error("operator {operator}: {why}")]
    Operator {
        /// Position and name of the operator, and where it was added.
        operator: String,
        /// What is wrong and what to do.
        why: String,
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
