//! `broken`: a system that is wrong on purpose, to show that the harness notices.
//!
//! It does the work of the first system that accepts the job and then changes one bit of the checksum. It is left out of every list and must
//! be asked for by name; the end-to-end tests do, and so can anyone who wonders whether the check checks:
//! `thalweg-bench run stateless --system hand,broken`.

use crate::system::{Job, Outcome, System};

/// Its name on the command line.
pub const BROKEN: &str = "broken";

/// The system that is wrong on purpose.
pub struct Broken {
    /// Systems to borrow the work from.
    pub honest: Vec<Box<dyn System>>,
}

impl Broken {
    fn honest_one(&self, job: &Job) -> Result<&dyn System, String> {
        let accepts = |system: &&dyn System| system.refuses(job).is_none();
        self.honest.iter().map(AsRef::as_ref).find(accepts).ok_or_else(|| "no system to borrow the work from".to_owned())
    }
}

impl System for Broken {
    fn name(&self) -> &'static str {
        BROKEN
    }

    fn refuses(&self, job: &Job) -> Option<String> {
        self.honest_one(job).err()
    }

    fn run(&self, job: &Job) -> Result<Outcome, String> {
        let mut outcome = self.honest_one(job)?.run(job)?;
        outcome.answer.checksum ^= 1;
        Ok(outcome)
    }
}
