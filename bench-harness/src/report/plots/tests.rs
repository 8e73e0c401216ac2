#![allow(clippy::unwrap_used)]
use super::*;
use crate::report::{
    folder::{Definition, Folder},
    row::tests::{EXPECTED, row},
};

fn results(rows: &[Row]) -> Results {
    results_beside(rows, &[])
}

/// Rows, and files beside them.
fn results_beside(rows: &[Row], files: &[(&str, String)]) -> Results {
    let root = tempfile::tempdir().unwrap();
    let environment = crate::run::environment::Environment::read();
    let mut folder = Folder::create(root.path(), &environment, Definition::new(Vec::new(), serde_json::Value::Null)).unwrap();
    rows.iter().for_each(|row| folder.row(row, []).unwrap());
    files.iter().for_each(|(name, text)| std::fs::write(root.path().join(name), text).unwrap());
    Results::read(root.path()).unwrap()
}

/// What `sustain` leaves: a thousand a second are sustained, and a curve of two loads, two runs each.
fn sustained() -> Results {
    use crate::{
        experiment::{
            curve,
            search::{Found, Sustained, Tried},
        },
        measure::backlog::Stability,
    };
    let rows: Vec<Row> = (0..4).map(|repeat| row("a", 2, repeat, 100, EXPECTED, Some(1e4))).collect();
    let point = |row: u64| {
        let is_over = row >= 2;
        let stability = Some(if is_over { Stability::Grows } else { Stability::Stable });
        let ns = |base: u64| Some(base * (1 + row));
        curve::Point {
            workload: "w".into(),
            system: "a".into(),
            share: if is_over { 1.2 } else { 0.5 },
            offered_per_s: if is_over { 12_000.0 } else { 5_000.0 },
            r_per_s: Some(1e4),
            repeat: row as u32 % 2,
            p50_ns: ns(1_000),
            p99_ns: ns(10_000),
            p99_9_ns: None,
            max_ns: ns(1_000_000),
            stability,
            row,
        }
    };
    let curve: String = (0..4).map(|row| serde_json::to_string(&point(row)).unwrap() + "\n").collect();
    let tried = vec![Tried { rate_per_s: 1e4, stability: Stability::Stable }];
    let found = Found {
        sustained_per_s: Some(1e4),
        kept_per_s: Some(1e4),
        exceeded_per_s: Some(1.02e4),
        confirmed_by: 3,
        is_partial: false,
        tried,
    };
    let sustained = Sustained { configuration: Default::default(), found, confidence: 0.99, growth_max: 0.01 };
    results_beside(&rows, &[("load_curve.jsonl", curve), ("sustain.jsonl", serde_json::to_string(&sustained).unwrap() + "\n")])
}

/// What `scale` leaves over 1, 2 and 4 workers that follow the law.
fn scaled() -> Results {
    use crate::{
        experiment::scale::{Axis, Point},
        statistics::scalability,
    };
    let law = |workers: f64| 1e6 * workers / (1.0 + 0.1 * (workers - 1.0));
    // A thousand records each, in the time that the law gives them.
    let rows = |workers: usize| -> Vec<Row> {
        let slower = |repeat: u32| Row {
            r_per_s: Some(law(workers as f64) * (1.0 - f64::from(repeat) / 100.0)),
            ..row("a", workers, repeat, 100, EXPECTED, None)
        };
        (0..5).map(slower).collect()
    };
    let all: Vec<(usize, Vec<Row>)> = [1, 2, 4, 8].map(|workers| (workers, rows(workers))).into();
    let points = all.iter().map(|(workers, rows)| Point::of("w", "a", Axis::Workers, &workers.to_string(), rows, Vec::new()));
    let scale: String = points.map(|point| serde_json::to_string(&point).unwrap() + "\n").collect();
    let fitted = |(workers, rows): &(usize, Vec<Row>)| scalability::Point {
        workers: *workers as f64,
        throughput: rows.iter().filter_map(|row| row.r_per_s).collect(),
    };
    let fit = scalability::fit(&all.iter().map(fitted).collect::<Vec<_>>(), 1);
    let rows: Vec<Row> = all.into_iter().flat_map(|(_, rows)| rows).collect();
    results_beside(&rows, &[("scale.jsonl", scale), ("usl.jsonl", serde_json::to_string(&fit).unwrap() + "\n")])
}

#[test]
fn a_load_curve_has_its_medians_its_range_and_the_rate_that_is_sustained() {
    let results = sustained();
    let charts = Plots::new(&results, 0).of_experiment();
    assert_eq!(charts.iter().map(|chart| chart.title.as_str()).collect::<Vec<_>>(), ["Load and latency of a"]);
    let names: Vec<&str> = charts[0].series.iter().map(|series| series.name.as_str()).collect();
    assert_eq!(names, ["p50", "p99", "sustainable: 10 k/s"], "p99.9 has no figure");
    let points: Vec<_> = charts[0].series[0].points.iter().map(|p| (p.x, p.y, p.span.unwrap(), p.is_hollow)).collect();
    assert_eq!(points, [(5_000.0, 1_500.0, [1_000.0, 2_000.0], false), (12_000.0, 3_500.0, [3_000.0, 4_000.0], true)]);
    assert_eq!(charts[0].series[0].points[1].row.unwrap().row, 3, "the slower of two");
    let text = crate::report::text::text(&results);
    assert!(text.contains("Sustainable: 10 k/s, confirmed by 3 runs. 10.2 k/s was not kept up with."), "{text}");
    assert!(text.contains("Load and latency of a") && text.lines().all(|line| line.chars().count() <= 80), "{text}");
    let page = crate::report::page::page(&[results]);
    assert!(page.contains("What the experiment found") && page.contains("Load and latency of a"), "no curve in the page");
}

#[test]
fn a_scale_experiment_has_its_curves_the_law_and_its_cost() {
    let results = scaled();
    let charts = Plots::new(&results, 0).of_experiment();
    let titles: Vec<&str> = charts.iter().map(|chart| chart.title.as_str()).collect();
    assert_eq!(titles, ["Throughput over workers: w", "CPU time per record over workers: w", "Memory over workers: w"]);
    let [law, measured] = &charts[0].series[..] else { panic!("{:?}", charts[0].series) };
    assert_eq!(law.name, "Universal Scalability Law");
    // The law passes through what was measured.
    for point in &measured.points {
        let near = law.points.iter().min_by(|a, b| (a.x - point.x).abs().total_cmp(&(b.x - point.x).abs())).unwrap();
        assert!((near.y / point.y - 1.0).abs() < 0.05 && point.span.is_some(), "{point:?}, the law has {near:?}");
    }
    let text = crate::report::text::text(&results);
    assert!(text.contains("Universal Scalability Law") && text.contains("cost per million records"), "{text}");
    let page = crate::report::page::page(&[results]);
    for needle in ["Throughput over workers: w", "Universal Scalability Law", "Cost, per million records", "bytes moved"] {
        assert!(page.contains(needle), "no `{needle}` in the page");
    }
}

#[test]
fn findings_that_are_damaged_are_an_error_with_the_file_and_the_line() {
    let rows = [row("a", 1, 0, 100, EXPECTED, None)];
    let read = |name: &str, text: &str| {
        let root = tempfile::tempdir().unwrap();
        let environment = crate::run::environment::Environment::read();
        let mut folder = Folder::create(root.path(), &environment, Definition::new(Vec::new(), serde_json::Value::Null)).unwrap();
        rows.iter().for_each(|row| folder.row(row, []).unwrap());
        std::fs::write(root.path().join(name), text).unwrap();
        Results::read(root.path()).unwrap_err().to_string()
    };
    for name in ["sustain.jsonl", "load_curve.jsonl", "scale.jsonl", "usl.jsonl"] {
        let error = read(name, "{}");
        assert!(error.contains(name) && error.contains("line 1: damaged"), "{error}");
        assert!(read(name, "{").contains("cut off"), "{name}");
    }
    let results = sustained();
    let error = read("load_curve.jsonl", &serde_json::to_string(&results.findings().load_curve[3]).unwrap());
    assert!(error.contains("it names row 3, there are 1"), "{error}");
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
