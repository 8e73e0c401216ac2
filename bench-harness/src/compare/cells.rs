//! Which rows of A and of B did the same work.
//!
//! A cell is known by workload, system and configuration. A property that has one value in all of A and another in all of B (the batch, say, or
//! the system) is what is being compared: it is named once, and no cell is told apart by it.

use super::metric::Metric;
use crate::{report::row::Row, run::verdict::Standing, statistics::median};

/// What tells a cell apart: names and values.
fn properties(row: &Row) -> Vec<(&'static str, String)> {
    let c = &row.config;
    let or_none = |value: &Option<String>| value.clone().unwrap_or_else(|| "none".into());
    vec![
        ("workload", row.workload.clone()),
        ("system", row.system.clone()),
        ("loop", c.kind.clone()),
        ("rate", or_none(&c.rate_asked)),
        ("schedule", or_none(&c.schedule)),
        ("generator", or_none(&c.generator)),
        ("cores", c.cores.to_string()),
        ("batch", c.batch.to_string()),
        ("ring", c.ring_bytes.to_string()),
        ("wait", c.wait.clone()),
        ("block", c.block_bytes.to_string()),
        ("allocator", c.allocator.clone()),
        ("inject", or_none(&c.inject)),
    ]
}

/// The names of the properties that have one value in all of A and another in all of B, with both.
pub(super) fn compared(a: &[Row], b: &[Row]) -> Vec<(&'static str, String, String)> {
    let (Some(first_a), Some(first_b)) = (a.first(), b.first()) else { return Vec::new() };
    let is_single = |rows: &[Row], i: usize, value: &String| rows.iter().all(|row| properties(row)[i].1 == *value);
    let sides = properties(first_a).into_iter().zip(properties(first_b)).enumerate();
    let differs = sides.filter(|(i, (x, y))| x.1 != y.1 && is_single(a, *i, &x.1) && is_single(b, *i, &y.1));
    differs.map(|(_, (x, y))| (x.0, x.1, y.1)).collect()
}

/// The rows of one cell of A and of B.
pub(super) struct Cell<'a> {
    pub(super) key: Vec<(&'static str, String)>,
    pub(super) a: Vec<&'a Row>,
    pub(super) b: Vec<&'a Row>,
}

pub(super) fn cells<'a>(a: &'a [Row], b: &'a [Row], ignored: &[&str]) -> Vec<Cell<'a>> {
    let mut cells: Vec<Cell<'a>> = Vec::new();
    let sided = a.iter().map(|row| (row, true)).chain(b.iter().map(|row| (row, false)));
    for (row, is_a) in sided {
        let mut key = properties(row);
        key.retain(|(name, _)| !ignored.contains(name));
        let at = cells.iter().position(|cell| cell.key == key).unwrap_or_else(|| {
            cells.push(Cell { key, a: Vec::new(), b: Vec::new() });
            cells.len() - 1
        });
        if is_a { &mut cells[at].a } else { &mut cells[at].b }.push(row);
    }
    cells
}

/// The metric's value of each repeat that is not disbelieved; of several runs of one repeat the median.
pub(super) fn by_repeat(rows: &[&Row], metric: &Metric) -> Vec<(u32, f64)> {
    let mut repeats: Vec<(u32, Vec<f64>)> = Vec::new();
    for row in rows.iter().filter(|row| row.verdict.standing < Standing::NotBelieved) {
        let Some(value) = metric.of(row) else { continue };
        match repeats.iter_mut().find(|(repeat, _)| *repeat == row.repeat) {
            Some((_, values)) => values.push(value),
            None => repeats.push((row.repeat, vec![value])),
        }
    }
    repeats.into_iter().map(|(repeat, values)| (repeat, median(&values))).collect()
}

/// What tells a cell apart from the others besides workload and system: what varies, and always cores and loop.
pub(super) fn label(cell: &Cell<'_>, all: &[Cell<'_>]) -> String {
    let varies = |name: &str| {
        let value = |cell: &Cell<'_>| cell.key.iter().find(|(other, _)| *other == name).map(|(_, value)| value.clone());
        all.iter().any(|other| value(other) != value(cell))
    };
    let shown = cell.key.iter().filter_map(|(name, value)| match *name {
        "workload" | "system" => None,
        "loop" => Some(format!("{value} loop")),
        "rate" if value != "none" => Some(value.clone()),
        "cores" => Some(format!("{value} core{}", if value == "1" { "" } else { "s" })),
        name if varies(name) && value != "none" => Some(format!("{name} {value}")),
        _ => None,
    });
    shown.collect::<Vec<_>>().join(", ")
}
