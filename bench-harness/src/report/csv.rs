//! Rows as CSV: the JSON row flattened, one column per leaf, nested names joined by dots (`latency_ns.p50`).
//!
//! The columns are those of the schema, the same for every row, whether or not a value is there; a null is an empty field, a list is joined
//! by blanks.

use serde_json::Value;

use crate::{
    measure::{
        clock::{ClockSanity, Drift},
        little::Little,
        residence::Latency,
        steady::Steady,
    },
    report::row::{Reduced, Row},
    run::once::Waits,
    run::{checks::Headroom, once::ProcessUse},
};

/// The columns of a row, in order.
///
/// Objects that may be null (no latency in a closed loop) keep their columns.
fn columns(row: &Row) -> Vec<(String, Value)> {
    let mut json = serde_json::to_value(row).unwrap_or_default();
    let mut fill = |field: &[&str], empty: Value| {
        let place = field.iter().try_fold(&mut json, |value, name| value.get_mut(*name));
        if let Some(place) = place.filter(|place| place.is_null()) {
            *place = nulls(empty);
        }
    };
    let latency = || serde_json::to_value(Latency::default()).unwrap_or_default();
    for name in ["latency_ns", "uncorrected_ns", "undisturbed_ns", "result_latency_ns"] {
        fill(&[name], latency());
    }
    let headroom = Headroom { lateness_ns: Latency::default(), share_of_residence: 0.0, was_bottleneck: false };
    fill(&["generator"], serde_json::to_value(headroom).unwrap_or_default());
    fill(&["stalls", "wait"], serde_json::to_value(Waits::default()).unwrap_or_default());
    let steady = Steady { reached: false, warm_share: 0.0, drift: 0.0, points: 0 };
    fill(&["steady"], serde_json::to_value(steady).unwrap_or_default());
    fill(&["clock"], serde_json::to_value(ClockSanity::default()).unwrap_or_default());
    fill(&["drift"], serde_json::to_value(Drift::default()).unwrap_or_default());
    fill(&["process"], serde_json::to_value(ProcessUse { ready_s: 0.0, runs_before: 0, says: String::new() }).unwrap_or_default());
    fill(&["little"], serde_json::to_value(Little { n_in_flight: 0.0, residence_ns: 0.0, residual: 0.0 }).unwrap_or_default());
    fill(&["check", "got"], serde_json::to_value(Reduced { rows: 0, checksum: String::new() }).unwrap_or_default());
    let mut columns = Vec::new();
    flatten("", json, &mut columns);
    columns
}

/// The same object with every value null, in objects within it too.
fn nulls(value: Value) -> Value {
    match value {
        Value::Object(fields) => Value::Object(fields.into_iter().map(|(name, value)| (name, nulls(value))).collect()),
        _ => Value::Null,
    }
}

fn flatten(prefix: &str, value: Value, columns: &mut Vec<(String, Value)>) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                let name = if prefix.is_empty() { name } else { format!("{prefix}.{name}") };
                flatten(&name, value, columns);
            }
        }
        value => columns.push((prefix.to_owned(), value)),
    }
}

fn text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(values) => values.iter().map(text).collect::<Vec<_>>().join(" "),
        // Objects in a list stay JSON.
        other => other.to_string(),
    }
}

/// Writes rows to `to`, the header before the first.
#[derive(Debug)]
pub struct Writer<W: std::io::Write> {
    inner: ::csv::Writer<W>,
    is_begun: bool,
}

impl<W: std::io::Write> Writer<W> {
    /// A writer that has written nothing yet.
    pub fn new(to: W) -> Self {
        Writer { inner: ::csv::Writer::from_writer(to), is_begun: false }
    }

    /// Writes a row and flushes it.
    ///
    /// # Errors
    /// Those of the writer below.
    pub fn row(&mut self, row: &Row) -> std::io::Result<()> {
        let columns = columns(row);
        if !self.is_begun {
            self.inner.write_record(columns.iter().map(|(name, _)| name))?;
            self.is_begun = true;
        }
        self.inner.write_record(columns.iter().map(|(_, value)| text(value)))?;
        self.inner.flush()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::{
        report::row::tests::{EXPECTED, row},
        workload::Answer,
    };

    #[test]
    fn every_row_has_the_same_columns() {
        let mut bytes = Vec::new();
        let mut writer = Writer::new(&mut bytes);
        let wrong = Answer { rows: 0, checksum: 0 };
        for (rate, answer) in [(None, EXPECTED), (Some(1e4), EXPECTED), (Some(1e4), wrong)] {
            writer.row(&row("a", 2, 0, 100, answer, rate)).unwrap();
        }
        drop(writer);
        let mut reader = ::csv::Reader::from_reader(bytes.as_slice());
        let header = reader.headers().unwrap().clone();
        let at = |name: &str| header.iter().position(|column| column == name).unwrap_or_else(|| panic!("no column {name} in {header:?}"));
        let rows: Vec<_> = reader.records().map(Result::unwrap).collect();
        assert_eq!(rows.len(), 3);
        assert_eq!(&rows[0][at("r_per_s")], "10000.0");
        assert_eq!(&rows[0][at("latency_ns.p50")], "");
        assert!(rows[1][at("latency_ns.p50")].parse::<u64>().unwrap() > 0);
        assert_eq!(&rows[2][at("check.ok")], "false");
        for column in ["r_per_s", "t_s", "n", "latency_ns.p50", "little.residual", "cpu_s"] {
            assert_eq!(&rows[2][at(column)], "", "{column} of a failed run");
        }
    }
}
