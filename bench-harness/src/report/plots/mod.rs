//! The plots of a folder, each drawn if there are rows for it.
//!
//! ```text
//!   closed loop   throughput by cell, every repeat a point      cost against throughput, with its front      curves over cores, batch, …
//!   open loop     latency by percentile, every run a line       latency against load                          p99 against throughput
//!   all           the machine's stalls, run by run
//!   experiment    the load–latency curve of `sustain`, cost along the axis of `scale` and the law that it follows
//! ```
//!
//! A point or a line is one row and leads to it. A figure that is not believed is drawn hollow; a failed cell is not drawn.

use super::{
    cells::{self, Cell},
    chart::{Axis, Chart, Point, RowRef, Scale, Series, Stroke},
    folder::{Kind, Results},
    row::Row,
};
use crate::{
    measure::residence::{self, Latency},
    quantity,
    run::verdict::Standing,
};

mod closed;
mod experiment;
mod machine;
mod open;

/// Plots the rows of one folder.
#[derive(Debug)]
pub struct Plots<'a> {
    results: &'a Results,
    folder: usize,
    systems: Vec<&'a str>,
}

impl<'a> Plots<'a> {
    /// Of folder number `folder` of a page.
    pub fn new(results: &'a Results, folder: usize) -> Plots<'a> {
        let mut systems: Vec<&str> = Vec::new();
        for row in results.rows() {
            if !systems.contains(&row.system.as_str()) {
                systems.push(&row.system);
            }
        }
        // The first colour is the engine's own, whatever else ran.
        systems.sort_by_key(|system| *system != "thalweg");
        Plots { results, folder, systems }
    }

    /// Those of one workload, whose cells these are.
    pub fn of_workload(&self, cells: &[&Cell<'a>]) -> Vec<Chart> {
        let (open, closed): (Vec<&Cell<'a>>, Vec<&Cell<'a>>) = cells.iter().copied().partition(|cell| cell.is_open());
        let mut charts = Vec::new();
        charts.extend(self.throughput(&closed));
        charts.extend(self.cost(&closed));
        charts.extend(self.curves(&closed));
        charts.extend(self.percentiles(&open));
        charts.extend(self.load(&open));
        charts.extend(self.tail_against_throughput(&open));
        charts
    }

    fn row(&self, row: usize) -> Option<RowRef> {
        Some(RowRef { folder: self.folder, row })
    }

    fn colour(&self, system: &str) -> Option<usize> {
        self.systems.iter().position(|other| *other == system)
    }

    /// A point of one row.
    fn point(&self, row: usize, x: f64, y: f64, tip: String) -> Point {
        let is_hollow = self.results.rows()[row].verdict.standing >= Standing::NotBelieved;
        Point { x, y, span: None, row: self.row(row), tip, is_hollow }
    }
}

fn seconds_short(ns: f64) -> String {
    short(&quantity::nanoseconds(ns))
}

fn rate_short(rate: f64) -> String {
    if rate == 0.0 { "0".into() } else { short(&quantity::per_second(rate)) }
}

fn bytes_short(bytes: f64) -> String {
    short(&quantity::human_bytes(bytes as u64))
}

fn plain(value: f64) -> String {
    short(&format!("{value:.3}"))
}

fn percent(share: f64) -> String {
    format!("{} %", short(&format!("{:.4}", share * 100.0)))
}

/// `1.00 µs` is `1 µs`.
fn short(text: &str) -> String {
    let (number, unit) = text.split_once(' ').map_or((text, None), |(number, unit)| (number, Some(unit)));
    let number = if number.contains('.') { number.trim_end_matches('0').trim_end_matches('.') } else { number };
    unit.map_or_else(|| number.to_owned(), |unit| format!("{number} {unit}"))
}

/// The points that no other is better than: `is_better` on one axis or both, and worse on none. In the order of x.
fn front(points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    // Lower x is better, and higher y.
    let beaten = |a: &(f64, f64)| points.iter().any(|b| b.0 <= a.0 && b.1 >= a.1 && b != a);
    let mut front: Vec<(f64, f64)> = points.iter().filter(|point| !beaten(point)).copied().collect();
    front.sort_by(|a, b| a.0.total_cmp(&b.0));
    front.dedup();
    front
}

/// A grey line through a front, in steps: between two points nothing better was measured than the left one.
fn front_series(points: &[(f64, f64)]) -> Series {
    let front = front(points);
    let mut steps = Vec::new();
    for (i, (x, y)) in front.iter().enumerate() {
        if let Some((_, before)) = i.checked_sub(1).and_then(|before| front.get(before)) {
            steps.push((*x, *before));
        }
        steps.push((*x, *y));
    }
    let point = |(x, y)| Point { x, y, span: None, row: None, tip: String::new(), is_hollow: false };
    let points = steps.into_iter().map(point).collect();
    Series { name: "Pareto front of the medians".into(), colour: None, stroke: Stroke::Dashed, points, row: None }
}

#[cfg(test)]
mod tests;
