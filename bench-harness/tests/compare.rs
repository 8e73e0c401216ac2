//! `compare` from the outside: what it says of two sets of rows, how it ends, and that damage is told and never a panic.
#![allow(clippy::unwrap_used)]

use std::{
    fs,
    path::Path,
    process::{Command, Output},
};

use serde_json::Value;

fn bench(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_thalweg-bench")).args(arguments).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[track_caller]
fn ends_with(output: &Output, code: i32) {
    assert_eq!(output.status.code(), Some(code), "stdout:\n{}\nstderr:\n{}", text(&output.stdout), text(&output.stderr));
}

/// Rows of twelve short runs of one build against itself.
fn sample(folder: &Path) {
    let out = folder.to_str().unwrap();
    let run = bench(&[
        "compare",
        "--run",
        ".",
        ". --wait spin",
        "--pairs",
        "12",
        "--threshold",
        "900%",
        "--out",
        out,
        "--",
        "stateless",
        "--system",
        "hand",
        "--events",
        "20k",
    ]);
    ends_with(&run, 0);
    let said = text(&run.stdout);
    assert!(said.contains("wait: A adaptive, B spin") && said.contains("stateless on hand") && said.contains("throughput"), "{said}");
    assert!(said.lines().all(|line| line.chars().count() <= 80), "{said}");
}

/// Copies a folder's rows, each figure of speed `factor` times what it was; without the seal, which would no longer hold.
fn scaled(from: &Path, to: &Path, factor: f64) {
    let lines = fs::read_to_string(from.join("rows.jsonl")).unwrap();
    let scale = |line: &str| {
        let mut row: Value = serde_json::from_str(line).unwrap();
        row["r_per_s"] = (row["r_per_s"].as_f64().unwrap() * factor).into();
        format!("{row}\n")
    };
    fs::create_dir_all(to).unwrap();
    fs::write(to.join("rows.jsonl"), lines.lines().map(scale).collect::<String>()).unwrap();
    for name in ["definition.json", "environment.json"] {
        fs::copy(from.join(name), to.join(name)).unwrap();
    }
}

#[test]
fn rows_are_judged_and_the_exit_code_guards() {
    let root = tempfile::tempdir().unwrap();
    sample(&root.path().join("kept"));
    let a = root.path().join("kept/a");
    let kept: Value = serde_json::from_str(&fs::read_to_string(root.path().join("kept/comparison.json")).unwrap()).unwrap();
    assert_eq!(kept["lines"][0]["repeats"], 12);
    let compare = |b: &Path, more: &[&str]| {
        let mut arguments = vec!["compare", a.to_str().unwrap(), b.to_str().unwrap()];
        arguments.extend(more);
        bench(&arguments)
    };
    let line = |output: &Output| text(&output.stdout).lines().find(|line| line.trim().starts_with("throughput")).unwrap().to_owned();

    let (same, slower, faster) = (root.path().join("same"), root.path().join("slower"), root.path().join("faster"));
    scaled(&a, &same, 1.0);
    let output = compare(&same, &[]);
    ends_with(&output, 0);
    assert!(line(&output).contains("1.000") && line(&output).contains("not distinguishable"), "{}", line(&output));
    scaled(&a, &slower, 0.95);
    let output = compare(&slower, &[]);
    ends_with(&output, 1);
    assert!(line(&output).contains("0.950") && line(&output).contains("WORSE"), "{}", line(&output));
    ends_with(&compare(&slower, &["--threshold", "10%"]), 0);
    scaled(&a, &faster, 1.2);
    let output = compare(&faster, &["--format", "json"]);
    ends_with(&output, 0);
    let json: Value = serde_json::from_str(&text(&output.stdout)).unwrap();
    assert_eq!((&json["lines"][0]["metric"], &json["lines"][0]["finding"]), (&"throughput".into(), &"better".into()));
    // Rows alone: without the mark that they were run in pairs, so little is laid to the machine.
    let output = compare(&slower.join("rows.jsonl"), &[]);
    ends_with(&output, 0);
    assert!(text(&output.stdout).contains("laid to the machine"), "{}", text(&output.stdout));

    // Damage of every kind is told, names the file, and is no panic.
    let good = fs::read(a.join("rows.jsonl")).unwrap();
    let foreign = text(&good).replace("\"schema\":2", "\"schema\":99").into_bytes();
    let damaged = root.path().join("damaged");
    scaled(&a, &damaged, 1.0);
    for (bytes, needle) in [
        (&good[..good.len() / 2], "ends in the middle of line"),
        (&good[..0], "no run has ended"),
        (&foreign[..], "row schema 99"),
        (&[0xff; 100][..], "not text"),
        (b"{}\n", "damaged"),
    ] {
        fs::write(damaged.join("rows.jsonl"), bytes).unwrap();
        let output = compare(&damaged, &[]);
        ends_with(&output, 2);
        let said = text(&output.stderr);
        assert!(said.contains(needle) && said.contains("damaged") && !said.contains("panicked"), "{needle}: {said}");
    }
    ends_with(&compare(&root.path().join("absent"), &[]), 2);
    ends_with(&compare(root.path(), &[]), 2);
}

#[test]
fn what_cannot_be_compared_is_refused() {
    for (arguments, needle) in [
        (&["compare", "--run", ".", "."][..], "say what to run"),
        (&["compare", "--run", "/no/such/program", ".", "--", "hop"], "cannot be started"),
        (&["compare", "--run", ".", ".", "--", "no-such-workload"], "no-such-workload"),
        (&["compare", "a", "b", "--", "hop"], "--run"),
        (&["compare", "a", "b", "--threshold", "x"], "not a share"),
        (&["compare", "a", "b", "--confidence", "1%"], "between 50% and 100%"),
    ] {
        let output = bench(arguments);
        ends_with(&output, 2);
        assert!(text(&output.stderr).contains(needle), "{arguments:?}: {}", text(&output.stderr));
    }
}
