//! What the page's text holds; that a browser shows it well is `tests/report.rs`'s business.
#![allow(clippy::unwrap_used)]

use std::path::Path;

use super::*;
use crate::{
    measure::residence,
    report::{
        folder::{Definition, Folder, Kind},
        row::{
            Row,
            tests::{EXPECTED, row},
        },
    },
    run::environment::Environment,
    workload::Answer,
};

fn folder(path: &Path, rows: &[Row]) -> Results {
    let definition = Definition::new(vec!["thalweg-bench".into(), "run".into(), "<w>".into()], serde_json::Value::Null);
    let mut folder = Folder::create(path, &Environment::read(), definition).unwrap();
    let mut latency = residence::histogram();
    (1..5_000).for_each(|i| residence::record(&mut latency, 0, i * 300));
    for row in rows {
        let histogram = (row.config.kind == "open").then_some((Kind::Latency, &latency));
        folder.row(row, histogram).unwrap();
    }
    folder.finish(rows, &compare::summarise(rows, &[]), &Environment::read()).unwrap();
    Results::read(path).unwrap()
}

fn rows() -> Vec<Row> {
    let mut rows = Vec::new();
    for repeat in 0..3 {
        rows.push(row("hand", 1, repeat, 100, EXPECTED, None));
        rows.push(row("thalweg", 1, repeat, 80 + u64::from(repeat), EXPECTED, None));
        rows.push(row("thalweg", 2, repeat, 50, EXPECTED, None));
        rows.push(row("thalweg", 2, repeat, 100, EXPECTED, Some(1e4)));
    }
    rows
}

#[test]
fn a_page_stands_alone_and_links_every_figure() {
    let root = tempfile::tempdir().unwrap();
    let results = folder(root.path(), &rows());
    let page = page(std::slice::from_ref(&results));
    for outside in ["http:", "https:", "//cdn", "<img", "url(", "@import"] {
        assert!(!page.contains(outside), "{outside}");
    }
    for row in 0..results.rows().len() {
        assert!(page.matches(&format!("\"#row-0-{row}\"")).count() >= 2, "row {row} has no link from a figure");
    }
    for needle in ["12 runs of 4 configurations", "1.23 times its throughput", "Latency by percentile", "Throughput by cores", "believed"] {
        assert!(page.contains(needle), "no `{needle}`");
    }
    assert!(!page.contains("NaN") && !page.contains("inf "), "a figure that is none");
}

#[test]
fn frameworks_are_compared_with_every_figure_linked() {
    let root = tempfile::tempdir().unwrap();
    let mut rows = rows();
    for repeat in 0..3 {
        rows.push(row("timely", 1, repeat, 800, EXPECTED, None));
        rows.push(row("flink", 1, repeat, 40, EXPECTED, None));
        rows.push(row("flink-sql", 1, repeat, 4_000, EXPECTED, None));
    }
    rows.push(row("renoir", 1, 0, 100, Answer { rows: 0, checksum: 1 }, None));
    let results = folder(root.path(), &rows);
    let page = page(std::slice::from_ref(&results));
    let section = page.split("id=\"systems-0\"").nth(1).unwrap().split("</section>").next().unwrap();
    for needle in ["<b>timely</b>: thalweg has 9.88 times", "Flink is faster in 1 configuration", "wrong: renoir", "href=\"#row-0-13\""] {
        assert!(section.contains(needle), "no `{needle}` in {section}");
    }
    assert!(!section.contains("NaN"));
    // Nothing is fetched: an address is there for who follows it.
    for outside in ["src=\"http", "<img", "url(", "@import"] {
        assert!(!page.contains(outside), "{outside}");
    }
}

#[test]
fn hostile_names_are_names() {
    let root = tempfile::tempdir().unwrap();
    let evil = "</script><img src=x onerror=alert(1)>\"'&<!--";
    let mut rows = rows();
    for row in &mut rows {
        row.workload = evil.into();
        row.environment.cpu = evil.into();
        row.verdict.reasons = vec![evil.into()];
    }
    rows[0].system = evil.into();
    rows[4].config.wait = evil.into();
    let results = folder(root.path(), &rows);
    let page = page(&[results]);
    assert!(page.contains("&lt;/script&gt;&lt;img"), "it is shown");
    assert!(!page.contains("<img") && !page.contains("<!--"), "it has become markup");
    assert_eq!(page.matches("</script>").count(), 2, "it has ended a script");
    // The rows are still the rows.
    let data = page.split("id=\"rows-0\">").nth(1).unwrap().split("</script>").next().unwrap();
    let first: serde_json::Value = serde_json::from_str(data.lines().next().unwrap()).unwrap();
    assert_eq!(first["workload"], evil);
    assert_eq!(data.lines().count(), 12);
}

#[test]
fn a_failed_run_shows_no_speed_and_its_reason() {
    let root = tempfile::tempdir().unwrap();
    let wrong = [row("broken", 1, 0, 100, Answer { rows: 0, checksum: 1 }, None)];
    let page = page(&[folder(root.path(), &wrong)]);
    let shown = page.split("<script").next().unwrap();
    assert!(shown.contains("FAILED") && shown.contains("differs from the oracle") && !shown.contains("/s<"), "{shown}");
    assert!(!shown.contains("<figcaption><strong>Throughput"), "it is drawn");
}

#[test]
fn several_folders_stand_beside_each_other() {
    let root = tempfile::tempdir().unwrap();
    let both = ["a", "b"].map(|name| folder(&root.path().join(name), &rows()));
    let page = page(&both);
    assert!(page.contains("2 result folders") && page.contains("#row-1-0") && page.contains("id=\"rows-1\""));
}
