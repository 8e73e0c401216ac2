//! Workers: pinned threads that run tasks in a duty cycle.

/// Wakes a worker that has parked. Cheap to clone, callable from any thread.
#[derive(Clone, Debug)]
pub struct Waker;
