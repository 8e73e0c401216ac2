//! Whether a run is believed, and if not, why. Pure.
//!
//! ```text
//!   FAILED        wrong output, an error, a panic, a hang: there is no speed at all
//!   not believed  the figures contradict each other or the model: printed, with the reason, and never compared as if they held
//!   doubtful      the figures may be right, but something around them was not as it should be
//!   believed      none of these
//! ```

use serde::{Deserialize, Serialize};

use super::checks::SelfCheck;
use crate::{
    measure::{little::Model, throughput},
    quantity,
    system::Outcome,
    workload::Answer,
};

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
    /// Why not further, and what else has to be known of its figures: a quantile that is the machine's, say.
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
        let exit_per_s = throughput::rate(outcome.n, outcome.elapsed).ok_or("the run took no time")?;
        Ok(Model {
            in_flight: outcome.in_flight_mean.ok_or("records in flight were not measured")?,
            residence_s: latency.mean() / 1e9,
            window_per_s: outcome.window_per_s.unwrap_or(exit_per_s),
            exit_per_s,
            entry_per_s: outcome.v_per_s.ok_or("the rate at the source was not measured")?,
            offered_per_s,
        })
    };
    Some(measured())
}

/// Judges a run from its self-checks, and from whether it was long enough to be timed.
pub fn judge(checks: &[SelfCheck], outcome: &Outcome) -> Verdict {
    let broken = || checks.iter().filter(|check| check.ok == Some(false));
    if let Some(check) = broken().find(|check| check.otherwise == Standing::Failed) {
        return Verdict::failed(check.says.clone());
    }
    let mut verdict = Verdict { standing: Standing::Believed, reasons: Vec::new() };
    if throughput::rate(outcome.n, outcome.elapsed).is_none() {
        verdict.add(Standing::NotBelieved, "the run took no time".into());
    } else if !throughput::is_long_enough(outcome.elapsed) {
        let took = quantity::nanoseconds(outcome.elapsed.as_nanos() as f64);
        verdict.add(Standing::Doubtful, format!("too short: {took}, want {} ms", throughput::ELAPSED_MIN.as_millis()));
    }
    for check in broken() {
        verdict.add(check.otherwise, check.says.clone());
    }
    verdict
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn check(name: &str, ok: Option<bool>, otherwise: Standing) -> SelfCheck {
        SelfCheck { name: name.into(), ok, says: format!("{name} says"), otherwise }
    }

    fn ran(ms: u64) -> Outcome {
        Outcome::closed(1_000, Duration::from_millis(ms), Answer::default())
    }

    #[test]
    fn a_sound_run_is_believed() {
        let checks = [check("a", Some(true), Standing::Failed), check("b", None, Standing::NotBelieved)];
        assert_eq!(judge(&checks, &ran(100)), Verdict { standing: Standing::Believed, reasons: vec![] });
    }

    #[test]
    fn the_worst_check_decides_and_all_are_told() {
        let checks = [
            check("a", Some(false), Standing::Doubtful),
            check("b", Some(false), Standing::NotBelieved),
            check("c", Some(true), Standing::Failed),
        ];
        assert_eq!(judge(&checks, &ran(100)), Verdict { standing: Standing::NotBelieved, reasons: vec!["a says".into(), "b says".into()] });
    }

    #[test]
    fn wrong_output_fails_whatever_else_holds() {
        let checks = [check("a", Some(false), Standing::Doubtful), check("c", Some(false), Standing::Failed)];
        assert_eq!(judge(&checks, &ran(100)), Verdict::failed("c says"));
    }

    #[test]
    fn short_runs_are_doubted() {
        assert_eq!(judge(&[], &ran(3)).standing, Standing::Doubtful);
        assert_eq!(judge(&[], &ran(0)).standing, Standing::NotBelieved);
    }
}
