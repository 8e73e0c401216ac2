//! The decision about one metric of one cell. Pure.
//!
//! ```text
//!   ratio B/A    0.90      0.95       1       1.05            least: what matters for the metric
//!                  ├────●────┤        ¦                       interval left of 1, ratio beyond least  ─▶ worse (of a throughput)
//!                            ├────────●──┤                    holds 1                                 ─▶ not distinguishable
//!                                     ¦├●┤                    leaves 1 out, but nobody would mind     ─▶ not distinguishable
//! ```
//!
//! Everything is done on logarithms, so that B/A and A/B are judged alike.

use serde::Serialize;

use crate::statistics::{Interval, Shift, rank_sum, signed_rank};

/// Which way is good.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Good {
    /// Throughput.
    More,
    /// Everything that costs.
    Less,
}

/// What is said of B against A.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Finding {
    /// B is better.
    Better,
    /// B is worse.
    Worse,
    /// The runs do not tell them apart.
    NotDistinguishable,
    /// A run's output was wrong, or there is no figure.
    Failed,
}

impl std::fmt::Display for Finding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(match self {
            Finding::Better => "better",
            Finding::Worse => "WORSE",
            Finding::NotDistinguishable => "not distinguishable",
            Finding::Failed => "FAILED",
        })
    }
}

/// The values of A and B.
#[derive(Clone, Copy, Debug)]
pub enum Samples<'a> {
    /// Run in pairs, a coin chose the order: (A, B).
    Pairs(&'a [(f64, f64)]),
    /// Run at different moments.
    Apart {
        /// Values of A.
        a: &'a [f64],
        /// Values of B.
        b: &'a [f64],
        /// By what share the machine alone may have changed in between: 0.05.
        allowance: f64,
    },
}

/// How a metric is judged.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    /// Which way is good.
    pub good: Good,
    /// The smallest ratio that matters, minus one: 0.01.
    pub least: f64,
    /// Confidence of this interval.
    pub confidence: f64,
}

/// What was decided.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Decision {
    /// B / A; Hodges and Lehmann's estimate.
    pub ratio: f64,
    /// Where it lies; none if there are too few values.
    pub interval: Option<Interval>,
    /// Probability of a difference at least so clear between equals; of values of different moments without what is allowed for the machine.
    pub p: f64,
    /// What that says.
    pub finding: Finding,
}

impl Decision {
    /// By how much B is worse: 0.05 is five per cent more time, memory or waiting, or 1/1.05 of the throughput. Negative if it is better.
    pub fn loss(&self, good: Good) -> f64 {
        match good {
            Good::Less => self.ratio - 1.0,
            Good::More => 1.0 / self.ratio - 1.0,
        }
    }
}

/// Decides. The values must be positive. None if there are none.
pub fn decide(samples: Samples<'_>, rule: Rule) -> Option<Decision> {
    let logs = |values: &[f64]| values.iter().map(|value| value.ln()).collect::<Vec<f64>>();
    let (shift, allowance) = match samples {
        Samples::Pairs(pairs) => {
            let differences: Vec<f64> = pairs.iter().map(|(a, b)| (b / a).ln()).collect();
            (signed_rank::shift(&differences, rule.confidence)?, 0.0)
        }
        Samples::Apart { a, b, allowance } => (rank_sum::shift(&logs(a), &logs(b), rule.confidence)?, allowance.ln_1p()),
    };
    let Shift { estimate, interval, p } = shift;
    let interval = interval.map(|Interval { low, high }| Interval { low: low - allowance, high: high + allowance });
    let is_told = interval.is_some_and(|interval| !interval.contains(0.0)) && estimate.abs() >= rule.least.ln_1p();
    let finding = match (is_told, rule.good, estimate > 0.0) {
        (false, ..) => Finding::NotDistinguishable,
        (true, Good::More, true) | (true, Good::Less, false) => Finding::Better,
        (true, ..) => Finding::Worse,
    };
    Some(Decision { ratio: estimate.exp(), interval: interval.map(|interval| interval.map(f64::exp)), p, finding })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::{compare::interleave, statistics::noise::Machine};

    const PAIRS: u32 = interleave::PAIRS_DEFAULT;
    /// As of one cell with six metrics at 99 % together.
    const RULE: Rule = Rule { good: Good::More, least: 0.01, confidence: 1.0 - 0.01 / 6.0 };

    /// Throughputs of A and of B, which takes `slower` times as long, in pairs on a noisy machine.
    fn pairs(session: u64, slower: f64) -> Vec<(f64, f64)> {
        let mut machine = Machine::new(session);
        let pair = |b_first: bool| {
            if b_first {
                let b = machine.run(slower);
                (1.0 / machine.run(1.0), 1.0 / b)
            } else {
                (1.0 / machine.run(1.0), 1.0 / machine.run(slower))
            }
        };
        interleave::order(PAIRS, session).into_iter().map(pair).collect()
    }

    fn findings(slower: f64, sessions: u64, decide: impl Fn(u64, f64) -> Finding, what: Finding) -> f64 {
        (0..sessions).filter(|session| decide(*session, slower) == what).count() as f64 / sessions as f64
    }

    fn in_pairs(session: u64, slower: f64) -> Finding {
        decide(Samples::Pairs(&pairs(session, slower)), RULE).unwrap().finding
    }

    #[test]
    fn the_same_build_is_not_distinguishable() {
        let share = findings(1.0, 400, in_pairs, Finding::NotDistinguishable);
        // 19 of 20 is promised for a whole comparison; its six metrics are alike at worst six times as often wrong.
        assert!(share >= 1.0 - 0.05 / 6.0, "only {share}");
    }

    #[test]
    fn five_per_cent_are_found_both_ways() {
        assert!(findings(1.05, 400, in_pairs, Finding::Worse) >= 0.9);
        assert!(findings(1.0 / 1.05, 400, in_pairs, Finding::Better) >= 0.9);
    }

    #[test]
    fn the_machine_of_these_tests_fools_who_runs_a_then_b() {
        // All of A, then all of B, no allowance: the planted mistake. It must show, or the noise above is no test.
        let a_then_b = |allowance: f64| {
            move |session: u64, slower: f64| {
                let mut machine = Machine::new(session);
                let mut sample = |time: f64| (0..PAIRS).map(|_| 1.0 / machine.run(time)).collect::<Vec<f64>>();
                let (a, b) = (sample(1.0), sample(slower));
                decide(Samples::Apart { a: &a, b: &b, allowance }, RULE).unwrap().finding
            }
        };
        assert!(findings(1.0, 200, a_then_b(0.0), Finding::NotDistinguishable) < 0.8);
        // What is allowed for the machine makes it careful, and blind to what pairs see.
        assert!(findings(1.0, 200, a_then_b(0.1), Finding::NotDistinguishable) > 0.97);
        assert!(findings(1.05, 200, a_then_b(0.1), Finding::Worse) < 0.2);
    }

    #[test]
    fn known_answers() {
        let pairs = vec![(100.0, 90.0); 20];
        let decision = decide(Samples::Pairs(&pairs), RULE).unwrap();
        assert_eq!(decision.finding, Finding::Worse);
        assert!((decision.ratio - 0.9).abs() < 1e-9 && (decision.loss(Good::More) - 1.0 / 9.0).abs() < 1e-9);
        let less = Rule { good: Good::Less, ..RULE };
        assert_eq!(decide(Samples::Pairs(&pairs), less).unwrap().finding, Finding::Better);
        // Clear, but too small to matter.
        assert_eq!(decide(Samples::Pairs(&[(100.0, 99.5); 20]), RULE).unwrap().finding, Finding::NotDistinguishable);
        // Too few to be sure of anything.
        let few = decide(Samples::Pairs(&pairs[..3]), RULE).unwrap();
        assert_eq!((few.finding, few.interval), (Finding::NotDistinguishable, None));
        assert_eq!(decide(Samples::Pairs(&[]), RULE), None);
    }
}
