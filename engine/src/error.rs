//! Errors: what [`start`](crate) refuses before a thread runs, what ends a running job, and why a test's snapshot is not to be had.

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

/// Why a test's job gave no snapshot, or took none. Nothing has changed then.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SnapshotError {
    /// Something is under way that cannot come to its end.
    #[error("results wait for room, so that no state is whole: take them from the outputs, or give more room, and try again")]
    Held,
    /// The job has ended with a fault.
    #[error("the job has failed, and what its operators hold is not whole: begin again with a new one")]
    Failed,
    /// A state of this job cannot be copied.
    #[error("{stage}: {why}")]
    Unkept {
        /// Name of the stage, by its first operator.
        stage: String,
        /// What is wrong and what to do.
        why: String,
    },
    /// The snapshot is of a job with another name, other operators, or another number of workers.
    #[error("the snapshot is of another job: {what} is {snapshot}, and here {job}; restore it into the job that it was taken from")]
    OtherJob {
        /// What differs.
        what: &'static str,
        /// What the snapshot says.
        snapshot: String,
        /// What the job says.
        job: String,
    },
    /// The snapshot is of another version of the job, whose operators have other parameters or states of other types.
    #[error("the snapshot is of another version of the job: {stage}: {why}; take a new one")]
    OtherVersion {
        /// Name of the stage, by its first operator.
        stage: String,
        /// What differs.
        why: String,
    },
    /// The job has run already.
    #[error("this job has run already: restore before its first step")]
    Running,
}
