//! The messages of the process protocol, one JSON object a line. `PROTOCOL.md` says what each field means; a test holds it against these types.

use std::{collections::BTreeMap, path::PathBuf};

use serde::{Deserialize, Serialize};

use crate::{load::Schedule, system::Outcome};

/// Version of the protocol: counted up when a message changes its meaning; new optional fields do not count.
pub const PROTOCOL: u32 = 1;

/// What the harness says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
pub enum Order {
    /// Make everything ready for a run, the input too, so that `go` has nothing left to do but the run.
    Prepare(Box<Prepare>),
    /// Run what was prepared, once.
    Go,
    /// End.
    Quit,
}

/// What a process says.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum Reply {
    /// The first line, unasked: what it is.
    Hello(Hello),
    /// Prepared.
    Ready,
    /// It cannot run this, and says why. It can be asked to prepare something else.
    Refused {
        /// Why.
        reason: String,
    },
    /// The run ended.
    Done(Box<Done>),
    /// The run, or its preparation, failed.
    Failed {
        /// Why.
        reason: String,
    },
}

/// What a process is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    /// Version of the protocol that it speaks.
    pub protocol: u32,
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// What it is written in, or runs on.
    #[serde(default)]
    pub language: String,
}

impl std::fmt::Display for Hello {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.name, self.version)?;
        if self.language.is_empty() { Ok(()) } else { write!(f, " ({})", self.language) }
    }
}

/// A run that is to be prepared.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Prepare {
    /// Name of the system, for a process that is several.
    pub system: String,
    /// Workload.
    pub workload: String,
    /// Records that the run takes.
    pub events: u64,
    /// Seed of the input.
    pub seed: u64,
    /// Bytes of the block that the input replays.
    pub block_bytes: usize,
    /// A file to read in place of the workload's own.
    pub input: Option<PathBuf>,
    /// How many cores it may use.
    pub cores: usize,
    /// Their numbers.
    pub core_numbers: Vec<usize>,
    /// Records per batch.
    pub batch: usize,
    /// Bytes per ring.
    pub ring_bytes: usize,
    /// Wait strategy.
    pub wait: String,
    /// When records are due; none in a closed loop.
    pub schedule: Option<Schedule>,
    /// What its description says beside.
    #[serde(default)]
    pub options: BTreeMap<String, String>,
}

/// What a run measured.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Done {
    /// All that a system of this program would report.
    #[serde(flatten)]
    pub outcome: Outcome,
    /// Heap allocations of the whole run; none where they are not counted.
    #[serde(default)]
    pub allocations_of_run: Option<u64>,
}

/// An answer as a process reports it: reduced, or the rows themselves.
pub(crate) mod answer {
    use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};
    use serde_json::Value;

    use crate::workload::{Answer, text_column};

    /// Most rows that are taken one by one.
    const ROWS_MAX: usize = 1 << 20;

    #[derive(Serialize, Deserialize)]
    #[serde(untagged)]
    enum Reported {
        /// Number and checksum, which is a string of 16 hexadecimal digits because many readers of JSON hold numbers as doubles.
        Reduced { rows: u64, checksum: String },
        /// Each row as its columns in order: whole numbers, or strings.
        Rows(Vec<Vec<Value>>),
    }

    /// For `#[serde(with)]`.
    pub(crate) fn serialize<S: Serializer>(answer: &Answer, to: S) -> Result<S::Ok, S::Error> {
        Reported::Reduced { rows: answer.rows, checksum: format!("{:016x}", answer.checksum) }.serialize(to)
    }

    /// For `#[serde(with)]`.
    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Answer, D::Error> {
        match Reported::deserialize(from)? {
            Reported::Reduced { rows, checksum } => {
                let checksum = u64::from_str_radix(&checksum, 16);
                Ok(Answer { rows, checksum: checksum.map_err(|_| D::Error::custom("a checksum is 16 hexadecimal digits"))? })
            }
            Reported::Rows(rows) if rows.len() > ROWS_MAX => {
                Err(D::Error::custom(format!("more than {ROWS_MAX} rows: send their checksum")))
            }
            Reported::Rows(rows) => rows.iter().try_fold(Answer::default(), |mut answer, row| {
                let columns: Option<Vec<u64>> = row.iter().map(column).collect();
                answer.add(&columns.ok_or_else(|| D::Error::custom("a row's columns are whole numbers of 64 bits, or strings"))?);
                Ok(answer)
            }),
        }
    }

    fn column(value: &Value) -> Option<u64> {
        match value {
            Value::Number(number) => number.as_u64().or_else(|| number.as_i64().map(|signed| signed as u64)),
            Value::String(text) => Some(text_column(text)),
            _ => None,
        }
    }
}

/// A length of time as whole nanoseconds.
pub(crate) mod nanoseconds {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    /// For `#[serde(with)]`.
    pub(crate) fn serialize<S: Serializer>(time: &Duration, to: S) -> Result<S::Ok, S::Error> {
        u64::try_from(time.as_nanos()).unwrap_or(u64::MAX).serialize(to)
    }

    /// For `#[serde(with)]`.
    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
        u64::deserialize(from).map(Duration::from_nanos)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;
    use crate::{measure::residence, workload::Answer};

    #[test]
    fn a_run_survives_its_json() {
        let mut latency = residence::histogram();
        (1..1_000).for_each(|ns| residence::record(&mut latency, 0, ns * ns));
        let answer = Answer { rows: 5, checksum: u64::MAX - 3 };
        let outcome = Outcome { latency_ns: Some(latency), v_per_s: Some(1.5), ..Outcome::closed(7, Duration::from_nanos(123), answer) };
        let text = serde_json::to_string(&Reply::Done(Box::new(Done { outcome, allocations_of_run: Some(9) }))).unwrap();
        assert!(text.starts_with(r#"{"is":"done","n":7,"elapsed_ns":123,"answer":{"rows":5,"checksum":"fffffffffffffffc"}"#), "{text}");
        let Reply::Done(done) = serde_json::from_str(&text).unwrap() else { panic!("{text}") };
        assert_eq!((done.outcome.answer, done.outcome.n, done.allocations_of_run), (answer, 7, Some(9)));
        assert_eq!(done.outcome.latency_ns.unwrap().len(), 999);
    }

    #[test]
    fn the_least_that_a_process_must_say_is_enough() {
        let done = r#"{"is":"done","n":2,"elapsed_ns":5,"answer":[[3,-1],["word",4]]}"#;
        let Reply::Done(done) = serde_json::from_str(done).unwrap() else { panic!() };
        let mut answer = Answer::default();
        answer.add(&[3, u64::MAX]);
        answer.add(&[crate::workload::text_column("word"), 4]);
        assert_eq!(done.outcome.answer, answer);
        assert!(done.outcome.latency_ns.is_none() && done.outcome.threads.is_empty());
    }

    #[test]
    fn orders_are_as_they_are_documented() {
        let schedule = Schedule { rate_per_s: 1e5, shape: "bursts=1ms/2ms".parse().unwrap(), seed: 3 };
        let prepare = Prepare {
            system: "s".into(),
            workload: "hop".into(),
            events: 9,
            seed: 1,
            block_bytes: 64,
            input: None,
            cores: 1,
            core_numbers: vec![0],
            batch: 2,
            ring_bytes: 3,
            wait: "spin".into(),
            schedule: Some(schedule),
            options: BTreeMap::new(),
        };
        let order = Order::Prepare(Box::new(prepare));
        let text = serde_json::to_string(&order).unwrap();
        assert_eq!(serde_json::from_str::<Order>(&text).unwrap(), order);
        assert!(
            text.contains(r#""schedule":{"rate_per_s":100000.0,"shape":{"bursts":{"on_ns":1000000,"every_ns":2000000}},"seed":3}"#),
            "{text}"
        );
        assert_eq!(serde_json::to_string(&Order::Go).unwrap(), r#"{"do":"go"}"#);
    }

    proptest! {
        #[test]
        fn garbage_is_refused_and_never_panics(text in ".{0,200}", cut in 0usize..200) {
            let _ = serde_json::from_str::<Reply>(&text);
            let whole = r#"{"is":"done","n":2,"elapsed_ns":5,"answer":{"rows":1,"checksum":"00"},"latency_ns":"HISTFAAAA"}"#;
            prop_assert!(serde_json::from_str::<Reply>(whole).is_err(), "a cut histogram");
            let _ = serde_json::from_str::<Reply>(&whole[..cut.min(whole.len())]);
        }
    }
}
