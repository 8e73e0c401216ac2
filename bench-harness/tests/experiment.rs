//! `sustain`, `sweep`, `tune`, `scale` and `cost` from the outside, on a program whose speed is known: a script that prints rows of a system with
//! a capacity, so that what is found can be held against the truth.
#![allow(clippy::unwrap_used)]

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Command, Output},
    time::{Duration, Instant},
};

use serde_json::Value;
use thalweg_bench::report::folder::Results;

fn bench(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_thalweg-bench")).args(arguments).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[track_caller]
fn ends_with(output: &Output, code: i32) {
    assert_eq!(output.status.code(), Some(code), "stdout:\n{}\nstderr:\n{}", text(&output.stdout), text(&output.stderr));
    assert!(text(&output.stdout).lines().all(|line| line.chars().count() <= 80), "{}", text(&output.stdout));
}

fn json_lines(path: &Path) -> Vec<Value> {
    fs::read_to_string(path).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// A million a second times batch / (batch + 64), divided among cores by a contention of 0.1; p99 is a microsecond a record of the batch, but
/// a second beyond the capacity.
const SCRIPT: &str = r#"#!/bin/sh
echo "$*" >> @DIR@/calls
while [ $# -gt 0 ]; do
  case $1 in --rate) rate=$2; shift;; --batch) batch=$2; shift;; --cores) cores=$2; shift;; --wait) wait=$2; shift;; esac
  shift
done
sleep ${FAKE_SLEEP:-0}
[ "$wait" = park ] && { echo "error: no park" >&2; exit 2; }
awk -v rate="$rate" -v batch="${batch:-256}" -v cores="${cores:-1}" -v seed="$$" 'BEGIN {
  capacity = 1e6 * batch / (batch + 64) * cores / (1 + 0.1 * (cores - 1))
  if (rate ~ /x$/) { sub(/x$/, "", rate); rate = rate * capacity }
  open = rate != ""
  growth = open && rate > capacity ? 1 - capacity / rate : 0
  r = open ? (rate < capacity ? rate : capacity) : capacity * (0.99 + (seed % 21) / 1000)
  p99 = growth > 0 ? 1000000000 : batch * 1000
  printf "s/\"@R@\"/%.1f/;s/\"@BATCH@\"/%d/;s/\"@CORES@\"/%d/;s/\"@LOOP@\"/\"%s\"/;", r, batch, cores, open ? "open" : "closed"
  printf "s/\"@RATE@\"/%s/;s/\"@GROWTH@\"/%s/;", open ? sprintf("%.1f", rate) : "null", open ? sprintf("%.6f", growth) : "null"
  printf "s/\"@LOW@\"/%.6f/;s/\"@HIGH@\"/%.6f/;s/\"@P99@\"/%d/\n", growth - 0.002, growth + 0.002, p99
}' > @DIR@/edit.$$
sed -f @DIR@/edit.$$ @DIR@/row.json
rm @DIR@/edit.$$
"#;

/// Writes the program and what it needs into `folder`.
fn program(folder: &Path) -> PathBuf {
    let output =
        bench(&["run", "stateless", "--system", "hand", "--events", "20k", "--repeats", "1", "--floor", "0ms", "--format", "json"]);
    ends_row(&output);
    let mut row: Value = serde_json::from_str(text(&output.stdout).trim()).unwrap();
    row["r_per_s"] = "@R@".into();
    row["verdict"] = serde_json::json!({ "standing": "believed", "reasons": [] });
    row["config"]["batch"] = "@BATCH@".into();
    row["config"]["cores"] = "@CORES@".into();
    row["config"]["loop"] = "@LOOP@".into();
    row["config"]["rate_per_s"] = "@RATE@".into();
    row["backlog_growth"] = "@GROWTH@".into();
    row["backlog_growth_interval"] = serde_json::json!(["@LOW@", "@HIGH@"]);
    let none = Value::Null;
    row["latency_ns"] = serde_json::json!({
        "p50": 1_000, "p90": 2_000, "p99": "@P99@", "p99_9": none, "p99_99": none, "max": 2_000_000_000u64, "samples": 10_000,
        "p50_interval": none, "p90_interval": none, "p99_interval": none, "p99_9_interval": none, "p99_99_interval": none,
    });
    fs::write(folder.join("row.json"), format!("{row}\n")).unwrap();
    let path = folder.join("program");
    fs::write(&path, SCRIPT.replace("@DIR@", folder.to_str().unwrap())).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    path
}

#[track_caller]
fn ends_row(output: &Output) {
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
}

#[test]
fn sustain_finds_the_capacity_and_draws_the_curve() {
    let folder = tempfile::tempdir().unwrap();
    let (program, out) = (program(folder.path()), folder.path().join("out"));
    let (program, out_text) = (program.to_str().unwrap(), out.to_str().unwrap());
    let output = bench(&["sustain", "stateless", "--program", program, "--batch", "64", "--repeats", "2", "--out", out_text]);
    ends_with(&output, 0);
    let found = &json_lines(&out.join("sustain.jsonl"))[0]["found"];
    let sustained = found["sustained_per_s"].as_f64().unwrap();
    // Up to 0.2 % more is within the noise of the script's intervals, and 1 % is allowed to be left behind.
    assert!((0.97..=1.011).contains(&(sustained / 0.5e6)), "{found}");
    assert!(found["exceeded_per_s"].as_f64().unwrap() / sustained < 1.021, "{found}");
    let curve = json_lines(&out.join("load_curve.jsonl"));
    assert_eq!(curve.len(), 24);
    let rows = Results::read(&out).unwrap();
    for point in &curve {
        let share = point["share"].as_f64().unwrap();
        let row = &rows.rows()[point["row"].as_u64().unwrap() as usize];
        assert!((row.config.rate_per_s.unwrap() / (share * sustained) - 1.0).abs() < 1e-3, "{point}");
        let stability = if share <= 0.9 { "stable" } else { "grows" };
        assert!((0.95..1.05).contains(&share) || point["stability"] == stability, "{point}");
    }
    assert!(text(&output.stdout).contains("sustainable: ") && text(&output.stdout).contains("120 %"), "{}", text(&output.stdout));
}

#[test]
fn a_sweep_that_is_killed_goes_on_where_it_stopped() {
    let folder = tempfile::tempdir().unwrap();
    let program = program(folder.path());
    let (definition, out) = (folder.path().join("sweep.toml"), folder.path().join("out"));
    fs::write(&definition, "repeats = 2\nload = \"0.5x\"\n[matrix]\nworkload = \"stateless\"\nsystem = \"hand\"\nbatch = [64, 256, 1024]\nwait = [\"spin\", \"park\"]\n").unwrap();
    let arguments = ["sweep", definition.to_str().unwrap(), "--program", program.to_str().unwrap(), "--out", out.to_str().unwrap()];
    let mut first = Command::new(env!("CARGO_BIN_EXE_thalweg-bench")).args(arguments).env("FAKE_SLEEP", "0.1").spawn().unwrap();
    let ledger = out.join("ledger.jsonl");
    let start = Instant::now();
    while fs::read_to_string(&ledger).map_or(0, |text| text.lines().count()) < 6 {
        assert!(start.elapsed() < Duration::from_secs(60), "the sweep does not begin");
        std::thread::sleep(Duration::from_millis(20));
    }
    first.kill().unwrap();
    first.wait().unwrap();
    // As if it had been killed in the middle of a line, too.
    let done = fs::read_to_string(&ledger).unwrap().lines().count() - 1;
    fs::write(&ledger, fs::read_to_string(&ledger).unwrap() + "{\"point\":\"ba").unwrap();
    let output = bench(&arguments);
    // Points that wait by parking have no figure: they are refused.
    ends_with(&output, 1);
    assert!(text(&output.stderr).contains(&format!("goes on: {done} runs are done")), "{}", text(&output.stderr));
    let entries = json_lines(&ledger);
    assert_eq!(entries.len(), 1 + 24);
    let mut keys: Vec<String> =
        entries[1..].iter().map(|entry| format!("{} {} {}", entry["point"], entry["repeat"], entry["load"])).collect();
    keys.sort();
    keys.dedup();
    assert_eq!(keys.len(), 24, "each run once");
    // What was running when it was killed ran again, and nothing else.
    let calls = fs::read_to_string(folder.path().join("calls")).unwrap().lines().count();
    assert!(calls <= 25, "{calls} runs for 24");

    let points = json_lines(&out.join("points.jsonl"));
    assert_eq!(points.len(), 6);
    for point in &points {
        let (batch, wait) = (point["values"]["batch"].as_str().unwrap(), point["values"]["wait"].as_str().unwrap());
        // More batch is more throughput and more p99: none beats another.
        assert_eq!(point["on_front_p99"], wait == "spin", "batch {batch}, wait {wait}: {point}");
        assert_eq!(point["throughput"].is_null(), wait == "park");
        assert!(wait == "spin" || point["left_out"][0].as_str().unwrap().contains("no park"), "{point}");
    }
    assert_eq!(Results::read(&out).unwrap().rows().len(), 12);

    // Again: nothing is left to run. And a budget that is used up says so.
    let again = bench(&arguments);
    ends_with(&again, 1);
    assert_eq!(fs::read_to_string(folder.path().join("calls")).unwrap().lines().count(), calls);
    let text_of = fs::read_to_string(&definition).unwrap().replace("repeats = 2", "repeats = 3\nbudget = \"1ms\"");
    fs::write(&definition, text_of).unwrap();
    let output = bench(&arguments);
    ends_with(&output, 1);
    let said = text(&output.stdout);
    assert!(said.contains("12 of 36 runs are left") && said.contains("PARTIAL: the budget"), "{said}");
}

/// Sends Ctrl-C to a program that runs `arguments`, once its ledger has a few lines; returns what it printed.
fn interrupted(arguments: &[&str], ledger: &Path) -> Output {
    use std::process::Stdio;
    let mut command = Command::new(env!("CARGO_BIN_EXE_thalweg-bench"));
    let begun = command.args(arguments).env("FAKE_SLEEP", "0.1").stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let start = Instant::now();
    while fs::read_to_string(ledger).map_or(0, |text| text.lines().count()) < 6 {
        assert!(start.elapsed() < Duration::from_secs(60), "it does not begin");
        std::thread::sleep(Duration::from_millis(20));
    }
    assert!(Command::new("kill").args(["-INT", &begun.id().to_string()]).status().unwrap().success());
    begun.wait_with_output().unwrap()
}

#[test]
fn a_search_that_is_cut_off_says_so_and_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let (program, out) = (program(folder.path()), folder.path().join("out"));
    let arguments = ["sustain", "stateless", "--program", program.to_str().unwrap(), "--repeats", "1", "--out", out.to_str().unwrap()];
    let output = interrupted(&arguments, &out.join("ledger.jsonl"));
    let said = text(&output.stdout);
    assert!(said.contains("PARTIAL: interrupted after") && said.contains("the same command goes on"), "{said}");
    // The folder can be read as it is.
    let results = Results::read(&out).unwrap();
    assert!(results.is_complete() && results.rows().len() >= 5);
    let before = fs::read_to_string(out.join("ledger.jsonl")).unwrap();
    // A budget that is used up already runs nothing, and tells the same.
    let none = bench(&[&arguments[..], &["--budget", "0.1s"]].concat());
    assert!(text(&none.stdout).contains("PARTIAL: the budget of 0 s was used up"), "{}", text(&none.stdout));
    assert_eq!(fs::read_to_string(out.join("ledger.jsonl")).unwrap(), before);
    let whole = bench(&arguments);
    ends_with(&whole, 0);
    let said = text(&whole.stdout);
    assert!(said.contains("sustainable: ") && !said.contains("PARTIAL"), "{said}");
    // What was found is what one that was never cut off finds, and no run was made twice.
    let after = fs::read_to_string(out.join("ledger.jsonl")).unwrap();
    assert!(after.starts_with(&before));
    let calls = fs::read_to_string(folder.path().join("calls")).unwrap().lines().count();
    assert!(calls <= after.lines().count(), "{calls} runs for {} entries and the one that was killed", after.lines().count() - 1);
    // Another question is not answered in this folder.
    let other = bench(&[&arguments[..], &["--batch", "64"]].concat());
    ends_with(&other, 2);
    assert!(text(&other.stderr).contains("holds another experiment"), "{}", text(&other.stderr));
}

#[test]
fn a_search_says_at_most_how_long_it_takes_and_keeps_to_it() {
    let folder = tempfile::tempdir().unwrap();
    let program = program(folder.path());
    let run = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_thalweg-bench"));
        command.args(arguments).args(["--program", program.to_str().unwrap(), "--budget", "1s"]).env("FAKE_SLEEP", "0.15");
        let start = Instant::now();
        (command.output().unwrap(), start.elapsed())
    };
    for (arguments, announced) in [
        (&["sustain", "stateless"][..], "at most 41 runs"),
        (&["tune", "stateless", "--p99", "100us"], "closed loops"),
        (&["scale", "stateless", "--over", "workers", "--at", "1,2,4,8"], "20 runs"),
    ] {
        let (output, took) = run(arguments);
        assert!(text(&output.stderr).contains(announced), "{}", text(&output.stderr));
        assert!(text(&output.stderr).replace('\n', " ").contains("ends within 1 s (--budget)"), "{}", text(&output.stderr));
        assert!(text(&output.stdout).contains("PARTIAL: the budget of 1 s was used up by"), "{}", text(&output.stdout));
        // No time is asserted but that it is no search to its end, which would take several times as long.
        assert!(took < Duration::from_secs(60), "{took:?}");
    }
}

#[test]
fn definitions_that_are_wrong_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sweep.toml");
    let out = folder.path().join("out");
    for (definition, needle) in
        [("", "matrix"), ("[matrix]\nworkload = \"hop\"\ncolour = 1\n", "no such option"), ("nonsense", "sweep.toml")]
    {
        fs::write(&path, definition).unwrap();
        let output = bench(&["sweep", path.to_str().unwrap(), "--out", out.to_str().unwrap()]);
        ends_with(&output, 2);
        assert!(text(&output.stderr).contains(needle), "{}", text(&output.stderr));
    }
    ends_with(&bench(&["sweep", "/no/such.toml", "--out", out.to_str().unwrap()]), 2);
}

#[test]
fn tune_finds_the_fastest_batch_that_keeps_the_quantile() {
    let folder = tempfile::tempdir().unwrap();
    let program = program(folder.path());
    let tune = |limit: &str| {
        bench(&["tune", "stateless", "--p99", limit, "--program", program.to_str().unwrap(), "--rings", "256KiB", "--waits", "spin,park"])
    };
    // A microsecond a record of the batch: 64 is kept, 256 is not; 64 makes 0.5 M/s.
    let output = tune("100us");
    ends_with(&output, 0);
    let said = text(&output.stdout);
    assert!(said.contains(".batch(64)") && said.contains("wait=spin") && said.contains("left out:"), "{said}");
    assert!(["4", "5"].iter().any(|digit| said.contains(&format!("is kept up to {digit}"))), "{said}");
    let none = tune("10us");
    ends_with(&none, 1);
    assert!(text(&none.stdout).contains("no configuration of 5 keeps p99 at 10 µs"), "{}", text(&none.stdout));
    ends_with(&bench(&["tune", "stateless"]), 2);
}

#[test]
fn scale_fits_the_law_as_far_as_the_points_identify_it() {
    let folder = tempfile::tempdir().unwrap();
    let program = program(folder.path());
    let scale = |more: &[&str]| {
        let mut arguments = vec!["scale", "stateless", "--program", program.to_str().unwrap()];
        arguments.extend(more);
        bench(&arguments)
    };
    let two = scale(&["--over", "workers", "--at", "1,2"]);
    ends_with(&two, 0);
    assert!(text(&two.stdout).contains("Two worker counts do not tell"), "{}", text(&two.stdout));
    let out = folder.path().join("out");
    let four = scale(&["--over", "workers", "--at", "1,2,4,8", "--out", out.to_str().unwrap()]);
    ends_with(&four, 0);
    let law = &json_lines(&out.join("usl.jsonl"))[0]["whole"]["law"];
    assert!((law["sigma"].as_f64().unwrap() - 0.1).abs() < 0.03 && law["kappa"].as_f64().unwrap() < 0.004, "{law}");
    let points = json_lines(&out.join("scale.jsonl"));
    assert_eq!((points.len(), &points[3]["value"]), (4, &"8".into()));
    let load = scale(&["--over", "load", "--at", "0.5,1.2", "--repeats", "2"]);
    ends_with(&load, 0);
    assert!(text(&load.stdout).contains("1 s"), "beyond the capacity: {}", text(&load.stdout));

    let cost = bench(&["cost", out.to_str().unwrap(), "--price", "0.04"]);
    ends_with(&cost, 0);
    assert!(text(&cost.stdout).contains("stateless on hand, 8 cores"), "{}", text(&cost.stdout));
    ends_with(&bench(&["cost", "/no/such/folder"]), 2);
}
