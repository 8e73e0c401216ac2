#![allow(clippy::unwrap_used)]
use super::*;
use crate::report::{
    folder::{Definition, Folder},
    row::tests::{EXPECTED, row},
};

fn results(rows: &[Row]) -> Results {
    let root = tempfile::tempdir().unwrap();
    let environment = crate::run::environment::Environment::read();
    let mut folder = Folder::create(root.path(), &environment, Definition::new(Vec::new(), serde_json::Value::Null)).unwrap();
    rows.iter().for_each(|row| folder.row(row, []).unwrap());
    Results::read(root.path()).unwrap()
}

fn titles(rows: &[Row]) -> Vec<String> {
    let results = results(rows);
    let cells = cells::gather(results.rows());
    let plots = Plots::new(&results, 0);
    let charts = plots.of_workload(&cells.iter().collect::<Vec<_>>());
    charts.into_iter().map(|chart| chart.title).collect()
}

#[test]
fn each_plot_is_drawn_when_its_rows_are_there_and_not_before() {
    let closed = |system, cores| row(system, cores, 0, 100, EXPECTED, None);
    assert_eq!(titles(&[closed("a", 1)]), ["Throughput"]);
    assert_eq!(titles(&[closed("a", 1), closed("a", 2)]), ["Throughput", "Throughput by cores"]);
    assert_eq!(titles(&[closed("a", 1), closed("b", 1), closed("c", 1)]), ["Throughput", "Throughput against its cost"]);
    // An open loop of a thousand records in as long as its rate takes.
    let open = |rate: u64| row("a", 2, 0, 1_000_000 / rate, EXPECTED, Some(rate as f64));
    assert_eq!(titles(&[open(10_000)]), ["Latency by percentile at 10 k/s"]);
    let three = titles(&[open(5_000), open(10_000), open(20_000)]);
    assert_eq!(three[..3], ["5 k/s", "10 k/s", "20 k/s"].map(|rate| format!("Latency by percentile at {rate}")));
    assert_eq!(three[3..], ["Latency against load", "Throughput against its tail"]);
}

#[test]
fn a_curve_rises_with_its_axis_whatever_the_order_of_the_rows() {
    let results = results(&[row("a", 2, 0, 50, EXPECTED, None), row("a", 1, 0, 100, EXPECTED, None), row("b", 1, 0, 100, EXPECTED, None)]);
    let cells = cells::gather(results.rows());
    let curves = Plots::new(&results, 0).curves(&cells.iter().collect::<Vec<_>>());
    assert_eq!(curves.len(), 1);
    assert_eq!(curves[0].series.len(), 1, "one point of `b` is no curve");
    let points: Vec<_> = curves[0].series[0].points.iter().map(|point| (point.x, point.y, point.row.unwrap().row)).collect();
    assert_eq!(points, [(1.0, 10_000.0, 1), (2.0, 20_000.0, 0)]);
}

#[test]
fn a_front_is_what_nothing_beats() {
    // Cheap and slow, dear and fast, and one that is both dear and slow.
    assert_eq!(front(&[(1.0, 10.0), (3.0, 30.0), (4.0, 20.0), (3.0, 30.0)]), [(1.0, 10.0), (3.0, 30.0)]);
    assert_eq!(front(&[]), []);
}

#[test]
fn figures_are_written_short() {
    assert_eq!([seconds_short(1_000.0), seconds_short(1_500.0), rate_short(2e8), rate_short(0.0)], ["1 µs", "1.5 µs", "200 M/s", "0"]);
    assert_eq!([percent(0.0), percent(0.9), percent(0.99999), percent(0.005)], ["0 %", "90 %", "99.999 %", "0.5 %"]);
    assert_eq!(plain(64.0), "64");
}

#[test]
fn unbelieved_figures_are_hollow() {
    // Half of what was offered went through.
    let results = results(&[row("a", 2, 0, 100, EXPECTED, Some(2e4))]);
    assert!(Plots::new(&results, 0).point(0, 1.0, 1.0, String::new()).is_hollow);
}
