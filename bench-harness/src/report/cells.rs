//! Rows gathered into cells: one system in one configuration on one workload, with its repeats, and a name that tells it from its neighbours.

use serde_json::Value;

use super::{
    compare::{self, Spread},
    row::{Config, Row},
};
use crate::quantity;

/// The repeats of a cell, each with its place in the folder. Never empty.
#[derive(Clone, Debug)]
pub struct Cell<'a> {
    /// In the order in which they ran.
    pub rows: Vec<(usize, &'a Row)>,
}

/// Gathers rows, in the order of each cell's first appearance.
pub fn gather(rows: &[Row]) -> Vec<Cell<'_>> {
    let mut cells: Vec<Cell<'_>> = Vec::new();
    for (i, row) in rows.iter().enumerate() {
        match cells.iter_mut().find(|cell| compare::same_cell(cell.first(), row)) {
            Some(cell) => cell.rows.push((i, row)),
            None => cells.push(Cell { rows: vec![(i, row)] }),
        }
    }
    cells
}

impl<'a> Cell<'a> {
    /// Its first repeat: what all of them have in common can be read there.
    pub fn first(&self) -> &'a Row {
        self.rows[0].1
    }

    /// Whether it ran in an open loop.
    pub fn is_open(&self) -> bool {
        self.first().config.kind == "open"
    }

    /// Whether a repeat failed; then the cell has no figure.
    pub fn failed(&self) -> bool {
        self.rows.iter().any(|(_, row)| row.failed())
    }

    /// A figure of every repeat that has it; none of a failed cell.
    pub fn figures(&self, figure: impl Fn(&Row) -> Option<f64>) -> Vec<(usize, f64)> {
        if self.failed() {
            return Vec::new();
        }
        self.rows.iter().filter_map(|(i, row)| Some((*i, figure(row).filter(|value| value.is_finite())?))).collect()
    }

    /// Median and range of a figure.
    pub fn spread(&self, figure: impl Fn(&Row) -> Option<f64>) -> Option<Spread> {
        Spread::of(self.figures(figure).into_iter().map(|(_, value)| value))
    }

    /// The repeat whose figure is nearest to the median: the row to look at for it.
    pub fn median_row(&self, figure: impl Fn(&Row) -> Option<f64>) -> Option<usize> {
        let median = self.spread(&figure)?.median;
        let nearest = |a: &(usize, f64), b: &(usize, f64)| (a.1 - median).abs().total_cmp(&(b.1 - median).abs());
        self.figures(figure).into_iter().min_by(nearest).map(|(i, _)| i)
    }
}

/// What follows from the rest, or is told elsewhere, and so names no cell.
const NAMELESS: [&str; 4] = ["loop", "rate_per_s", "events", "block_bytes"];

/// The fields of a configuration, as text.
fn fields(config: &Config) -> Vec<(String, String)> {
    let Ok(Value::Object(fields)) = serde_json::to_value(config) else { return Vec::new() };
    let told = |(name, value): (String, Value)| {
        let text = match (name.as_str(), &value) {
            (_, Value::Null) => return (name, String::new()),
            ("cores", Value::Number(cores)) => format!("{cores} core{}", if cores.as_u64() == Some(1) { "" } else { "s" }),
            ("wait" | "allocator" | "schedule", Value::String(text)) => text.clone(),
            ("rate_asked", Value::String(text)) => format!("at {text}"),
            (_, Value::Number(number)) if name.ends_with("_bytes") => {
                format!("{} {}", name.trim_end_matches("_bytes"), quantity::human_bytes(number.as_u64().unwrap_or(0)))
            }
            (_, Value::String(text)) => format!("{name} {text}"),
            (_, other) => format!("{name} {other}"),
        };
        (name, text)
    };
    fields.into_iter().filter(|(name, _)| !NAMELESS.contains(&name.as_str())).map(told).collect()
}

/// A name for each cell: the system, and what of its configuration differs among `cells`; fields in `without` are left out.
pub fn names(cells: &[&Cell<'_>], without: &[&str]) -> Vec<String> {
    let all: Vec<Vec<(String, String)>> = cells.iter().map(|cell| fields(&cell.first().config)).collect();
    let varies = |field: usize| all.iter().any(|fields| fields.get(field) != all[0].get(field));
    let name = |(i, cell): (usize, &&Cell<'_>)| {
        let parts = all[i].iter().enumerate();
        let shown = parts.filter(|(at, (name, text))| !without.contains(&name.as_str()) && !text.is_empty() && varies(*at));
        let shown: Vec<&str> = shown.map(|(_, (_, text))| text.as_str()).collect();
        let system = &cell.first().system;
        if shown.is_empty() { system.clone() } else { format!("{system}, {}", shown.join(", ")) }
    };
    cells.iter().enumerate().map(name).collect()
}

/// What all of `cells` have in common, in words.
pub fn in_common(cells: &[&Cell<'_>], without: &[&str]) -> String {
    let all: Vec<Vec<(String, String)>> = cells.iter().map(|cell| fields(&cell.first().config)).collect();
    let Some(first) = all.first() else { return String::new() };
    let same = first.iter().enumerate().filter(|(at, (name, text))| {
        !text.is_empty() && !without.contains(&name.as_str()) && all.iter().all(|fields| fields.get(*at) == first.get(*at))
    });
    same.map(|(_, (_, text))| text.as_str()).collect::<Vec<_>>().join(", ")
}

/// The numbers of a configuration that a curve could be drawn along: `cores`, `batch`, `ring_bytes`, and whatever numbers come to it.
pub fn numbers(config: &Config) -> Vec<(String, f64)> {
    let Ok(Value::Object(fields)) = serde_json::to_value(config) else { return Vec::new() };
    let is_axis = |name: &str| name == "block_bytes" || !NAMELESS.contains(&name);
    fields.into_iter().filter(|(name, _)| is_axis(name)).filter_map(|(name, value)| Some((name, value.as_f64()?))).collect()
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
    fn repeats_become_cells_named_by_what_differs() {
        let rows = [
            row("a", 1, 0, 100, EXPECTED, None),
            row("b", 1, 0, 100, EXPECTED, None),
            row("a", 2, 0, 100, EXPECTED, None),
            row("a", 1, 1, 50, EXPECTED, None),
            row("a", 1, 2, 40, EXPECTED, None),
        ];
        let cells = gather(&rows);
        let all: Vec<&Cell<'_>> = cells.iter().collect();
        assert_eq!(names(&all, &[]), ["a, 1 core", "b, 1 core", "a, 2 cores"]);
        assert_eq!(names(&all, &["cores"]), ["a", "b", "a"]);
        assert_eq!(names(&all[..1], &[]), ["a"]);
        assert!(in_common(&all, &[]).contains("batch 256") && !in_common(&all, &[]).contains("core"), "{}", in_common(&all, &[]));
        assert_eq!(cells[0].spread(|row| row.r_per_s).unwrap().median, 20_000.0);
        assert_eq!(cells[0].median_row(|row| row.r_per_s), Some(3));
        assert!(numbers(&rows[0].config).contains(&("cores".into(), 1.0)));
    }

    #[test]
    fn a_failed_cell_has_no_figure() {
        let rows = [row("a", 1, 0, 100, EXPECTED, None), row("a", 1, 1, 100, Answer { rows: 0, checksum: 0 }, None)];
        let cells = gather(&rows);
        assert!(cells[0].failed() && cells[0].figures(|row| row.r_per_s).is_empty() && cells[0].spread(|row| row.r_per_s).is_none());
    }
}
