//! Whether a run is believed, and if not, why. Pure.
//!
//! ```text
//!   FAILED        wrong output, an error, a panic, a hang: there is no speed at all
//!   not believed  the figures contradict each other or the model: printed, with the reason, and never compared as if they held
//!   doubtful      the figures may be right, but something around them was not as it should be
//!   believed      none of these
//! ```

use serde::{Deserialize, Serialize};

use crate::{
    measure::{little::Model, throughput},
    quantity,
    system::Outcome,
    workload::Answer,
};

/// Share of the time lost in the machine's own stalls above which a run is doubted: 10 % is more than twice what a busy virtual machine
/// usually shows.
pub const STALL_SHARE_MAX: f64 = 0.10;

/// A verdict, from best to worst.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// Nothing speaks against it.
    Believed,
    /// Something around it was not as it should be.
    Doubtful,
    /// Its figures contradict each other or the model.
    NotBelieved,
    /// There are no figures.
    Failed,
}

impl std::fmt::Display for Standing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Standing::Believed => "believed",
            Standing::Doubtful => "doubtful",
            Standing::NotBelieved => "NOT BELIEVED",
            Standing::Failed => "FAILED",
        })
    }
}

/// A verdict and its reasons.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Verdict {
    /// How far the run is believed.
    pub standing: Standing,
    /// Why not further; empty if believed.
    pub reasons: Vec<String>,
}

impl Verdict {
    /// A run without an outcome.
    pub fn failed(reason: impl Into<String>) -> Verdict {
        Verdict { standing: Standing::Failed, reasons: vec![reason.into()] }
    }

    fn add(&mut self, standing: Standing, reason: String) {
        self.standing = self.standing.max(standing);
        self.reasons.push(reason);
    }
}

/// One of the harness's looks at itself, as it is printed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SelfCheck {
    /// What was looked at.
    pub name: String,
    /// Whether it was as it should be; null if it could not be seen.
    pub ok: Option<bool>,
    /// What was seen, in words and figures.
    pub says: String,
}

/// What was asked of a run that has an outcome.
#[derive(Clone, Copy, Debug)]
pub struct Asked {
    /// Records that it should take.
    pub n: u64,
    /// The oracle's answer.
    pub expected: Answer,
    /// Offered rate; none in a closed loop.
    pub rate: Option<f64>,
}

/// The model's quantities of an open-loop run; `Err` says what was not measured.
pub fn model(asked: Asked, outcome: &Outcome) -> Option<Result<Model, &'static str>> {
    let offered_per_s = asked.rate?;
    let measured = || {
        let latency = outcome.latency_ns.as_ref().filter(|latency| !latency.is_empty()).ok_or("residence was not measured")?;
        Ok(Model {
            in_flight: outcome.in_flight_mean.ok_or("records in flight were not measured")?,
            residence_s: latency.mean() / 1e9,
            exit_per_s: throughput::rate(outcome.n, outcome.elapsed).ok_or("the run took no time")?,
            entry_per_s: outcome.v_per_s.ok_or("the rate at the source was not measured")?,
            offered_per_s,
        })
    };
    Some(measured())
}

/// Judges a run from what was asked, what came out, and the share of time lost to the machine's stalls.
pub fn judge(asked: Asked, outcome: &Outcome, stall_share: Option<f64>) -> Verdict {
    if outcome.answer != asked.expected {
        return Verdict::failed("the output differs from the oracle's");
    }
    if outcome.n != asked.n {
        return Verdict::failed(format!("took {} records, not the {} asked for", outcome.n, asked.n));
    }
    let mut verdict = Verdict { standing: Standing::Believed, reasons: Vec::new() };
    if throughput::rate(outcome.n, outcome.elapsed).is_none() {
        verdict.add(Standing::NotBelieved, "the run took no time".into());
    } else if !throughput::is_long_enough(outcome.elapsed) {
        let took = quantity::nanoseconds(outcome.elapsed.as_nanos() as f64);
        verdict.add(Standing::Doubtful, format!("too short: {took}, want {} ms", throughput::ELAPSED_MIN.as_millis()));
    }
    match model(asked, outcome) {
        None => {}
        Some(Err(missing)) => verdict.add(Standing::NotBelieved, format!("the model cannot be checked: {missing}")),
        Some(Ok(model)) => model.broken().iter().for_each(|broken| verdict.add(Standing::NotBelieved, broken.to_string())),
    }
    if let Some(share) = stall_share.filter(|share| *share > STALL_SHARE_MAX) {
        verdict.add(Standing::Doubtful, format!("the machine itself stalled for {:.0} % of the time", share * 100.0));
    }
    verdict
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::measure::residence;

    const RIGHT: Answer = Answer { rows: 3, checksum: 7 };
    const CLOSED: Asked = Asked { n: 1_000, expected: RIGHT, rate: None };

    fn closed() -> Outcome {
        Outcome::closed(1_000, Duration::from_millis(100), RIGHT)
    }

    /// 10,000 records a second offered and served, each 1 ms inside: ten in flight.
    fn open() -> (Asked, Outcome) {
        let mut latency = residence::histogram();
        (0..1_000).for_each(|_| residence::record(&mut latency, 0, 1_000_000));
        let outcome = Outcome { latency_ns: Some(latency), in_flight_mean: Some(10.0), v_per_s: Some(10_000.0), ..closed() };
        (Asked { rate: Some(10_000.0), ..CLOSED }, outcome)
    }

    #[test]
    fn a_sound_run_is_believed() {
        assert_eq!(judge(CLOSED, &closed(), Some(0.02)), Verdict { standing: Standing::Believed, reasons: vec![] });
        let (asked, outcome) = open();
        assert_eq!(judge(asked, &outcome, None).reasons, Vec::<String>::new());
    }

    #[test]
    fn wrong_output_fails_whatever_else_holds() {
        let wrong = Outcome { answer: Answer { checksum: 8, ..RIGHT }, ..closed() };
        assert_eq!(judge(CLOSED, &wrong, None).standing, Standing::Failed);
        let lost = Outcome { n: 999, ..closed() };
        assert_eq!(judge(CLOSED, &lost, None).standing, Standing::Failed);
    }

    #[test]
    fn short_runs_and_stalled_machines_are_doubted() {
        let short = Outcome { elapsed: Duration::from_millis(3), ..closed() };
        let verdict = judge(CLOSED, &short, Some(0.5));
        assert_eq!(verdict.standing, Standing::Doubtful);
        assert_eq!(verdict.reasons.len(), 2, "{:?}", verdict.reasons);
        assert_eq!(judge(CLOSED, &Outcome { elapsed: Duration::ZERO, ..closed() }, None).standing, Standing::NotBelieved);
    }

    #[test]
    fn open_loops_must_obey_the_model_and_measure_all_of_it() {
        let (asked, outcome) = open();
        let judged = |outcome: Outcome| judge(asked, &outcome, None);
        assert_eq!(judged(Outcome { in_flight_mean: Some(20.0), ..outcome }).standing, Standing::NotBelieved);
        let verdict = judged(Outcome { v_per_s: Some(12_000.0), ..open().1 });
        assert!(verdict.reasons[0].contains("unsustainable"), "{:?}", verdict.reasons);
        for missing in [
            Outcome { in_flight_mean: None, ..open().1 },
            Outcome { v_per_s: None, ..open().1 },
            Outcome { latency_ns: None, ..open().1 },
            Outcome { latency_ns: Some(residence::histogram()), ..open().1 },
        ] {
            let verdict = judged(missing);
            assert_eq!(verdict.standing, Standing::NotBelieved);
            assert!(verdict.reasons[0].contains("cannot be checked"), "{:?}", verdict.reasons);
        }
        assert_eq!(judge(Asked { rate: Some(20_000.0), ..asked }, &open().1, None).standing, Standing::NotBelieved);
    }
}
