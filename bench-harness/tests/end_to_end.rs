//! The program from the outside: what it prints, what it writes, how it ends.
#![allow(clippy::unwrap_used)]

use std::{
    collections::BTreeSet,
    process::{Command, Output},
};

use serde_json::Value;

fn bench(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_thalweg-bench")).args(arguments).output().unwrap()
}

/// A small run: two systems, two repeats, no time spent on the stall floor.
fn small(more: &[&str]) -> Output {
    let mut arguments = vec!["run", "hop", "--cores", "2", "--events", "200k", "--repeats", "2", "--floor", "2ms"];
    if !more.contains(&"--system") {
        arguments.extend(["--system", "rtrb,crossbeam"]);
    }
    arguments.extend(more);
    bench(&arguments)
}

fn out(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn err(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

#[track_caller]
fn ends_with(output: &Output, code: i32) {
    assert_eq!(output.status.code(), Some(code), "stdout:\n{}\nstderr:\n{}", out(output), err(output));
}

fn two_cores() -> bool {
    let has = std::thread::available_parallelism().is_ok_and(|cores| cores.get() >= 2);
    if !has {
        eprintln!("skipped: a hop needs two cores");
    }
    has
}

/// Every field of an object, nested names joined by dots; what is null or a list is a field itself.
fn fields(value: &Value) -> BTreeSet<String> {
    fn walk(prefix: &str, value: &Value, all: &mut BTreeSet<String>) {
        match value {
            Value::Object(object) => {
                for (name, value) in object {
                    walk(&if prefix.is_empty() { name.clone() } else { format!("{prefix}.{name}") }, value, all);
                }
            }
            _ => drop(all.insert(prefix.to_owned())),
        }
    }
    let mut all = BTreeSet::new();
    walk("", value, &mut all);
    all
}

#[test]
fn lists_what_there_is() {
    let workloads = bench(&["list", "workloads"]);
    ends_with(&workloads, 0);
    for name in ["hop", "stateless", "tumbling", "ysb", "wordcount", "flights"] {
        assert!(out(&workloads).lines().any(|line| line.split_whitespace().next() == Some(name)), "{name}: {}", out(&workloads));
    }
    let systems = out(&bench(&["list", "systems"]));
    assert!(systems.lines().any(|line| line.starts_with("rtrb")), "{systems}");
    assert!(!systems.contains("broken"), "the one that is wrong on purpose is listed");
    assert!(out(&bench(&["list", "options"])).contains("adaptive"));
}

#[test]
fn help_teaches_by_example() {
    for arguments in [&["--help"][..], &["run", "--help"]] {
        let help = bench(arguments);
        ends_with(&help, 0);
        assert!(out(&help).contains("thalweg-bench run hop --rate 0.5x"), "{}", out(&help));
    }
}

#[test]
fn a_json_line_per_run_with_everything_in_it() {
    if !two_cores() {
        return;
    }
    let output = small(&["--format", "json", "--seed", "7"]);
    ends_with(&output, 0);
    let rows: Vec<Value> = out(&output).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(rows.len(), 4);
    for row in &rows {
        assert_eq!(row["schema"], 2);
        assert_eq!(row["workload"], "hop");
        assert_eq!((&row["n"], &row["seed"], &row["config"]["cores"]), (&200_000.into(), &7.into(), &2.into()));
        assert_eq!(row["check"]["ok"], true);
        assert_eq!(row["check"]["expected"], row["check"]["got"]);
        let (n, t, r) = (row["n"].as_f64().unwrap(), row["t_s"].as_f64().unwrap(), row["r_per_s"].as_f64().unwrap());
        assert!((r - n / t).abs() / r < 1e-9, "r is not n / t: {row}");
        for null in ["latency_ns", "little", "v_per_s"] {
            assert!(row[null].is_null(), "{null} in a closed loop");
        }
        for number in ["cpu_s", "cpu_ns_per_record", "allocations_per_record"] {
            assert!(row[number].is_f64(), "{number}: {}", row[number]);
        }
        assert!(row["stalls"]["watched_s"].as_f64().unwrap() > 0.007, "2 cores, 2 ms before and after: {}", row["stalls"]);
        assert!(row["environment"]["compiler"].as_str().unwrap().contains("rustc"));
        assert_eq!(row["environment"]["cores_used"].as_array().unwrap().len(), 2);
    }
    // A second run of the same seed expects the same answer, another seed or size another one.
    let expected =
        |output: &Output| serde_json::from_str::<Value>(out(output).lines().next().unwrap()).unwrap()["check"]["expected"].clone();
    assert_eq!(expected(&small(&["--format", "json", "--seed", "7"])), expected(&output));
}

#[test]
fn an_open_loop_has_latencies_and_the_law() {
    if !two_cores() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("result");
    // Whether the law holds to 1 % is the machine's business; that it was measured is ours.
    let output = small(&["--rate", "50k", "--system", "rtrb-item", "--events", "20k", "--format", "json", "--out", path.to_str().unwrap()]);
    // `--events` is given twice: the program refuses that.
    ends_with(&output, 2);
    let arguments =
        ["run", "hop", "--cores", "2", "--events", "20k", "--repeats", "1", "--rate", "50k", "--system", "rtrb-item", "--format", "json"];
    let output = bench(&[&arguments[..], &["--floor", "0", "--out", path.to_str().unwrap()]].concat());
    ends_with(&output, 0);
    let row: Value = serde_json::from_str(out(&output).trim()).unwrap();
    let latency = &row["latency_ns"];
    let quantile = |name: &str| latency[name].as_u64().unwrap();
    // A system may leave the beginning out, until it is warm.
    assert!((10_000..=20_000).contains(&quantile("samples")), "{latency}");
    let ascending = ["p50", "p90", "p99", "p99_9", "max"].map(quantile);
    assert!(ascending.is_sorted() && ascending[0] > 0, "{latency}");
    assert!(latency["p99_99"].is_null(), "two samples above it are not enough: {latency}");
    for beside in ["uncorrected_ns", "undisturbed_ns"] {
        assert!(row[beside]["p50"].as_u64().unwrap() <= quantile("max"), "{beside}: {}", row[beside]);
    }
    assert!(row["generator"]["lateness_ns"]["samples"].as_u64().unwrap() >= 10_000, "{}", row["generator"]);
    let threads: Vec<_> = row["threads"].as_array().unwrap().iter().map(|thread| thread["name"].as_str().unwrap()).collect();
    assert_eq!(threads, ["receive", "send"]);
    let checks: Vec<_> = row["checks"].as_array().unwrap().iter().map(|check| check["name"].as_str().unwrap()).collect();
    assert_eq!(checks, ["oracle", "little", "v = r", "clock", "generator", "steady", "stalls", "drift"]);
    for figure in ["n_in_flight", "residence_ns", "residual"] {
        assert!(row["little"][figure].is_f64(), "{}", row["little"]);
    }
    assert_eq!(row["config"]["loop"], "open");
    assert_eq!(row["config"]["rate_per_s"], 50_000.0);
    assert!(row["v_per_s"].as_f64().unwrap() > 0.0);
    assert!(row["stalls"]["count"].is_null(), "the floor was left out: {}", row["stalls"]);
    let results = thalweg_bench::report::folder::Results::read(&path).unwrap();
    let histogram = results.histogram(0, thalweg_bench::report::folder::Kind::Latency).unwrap();
    assert_eq!(histogram.len(), quantile("samples"), "the log holds what the row was computed from");
}

#[test]
fn the_schema_is_documented_field_by_field() {
    let readme = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../results/README.md")).unwrap();
    let documented: BTreeSet<String> =
        readme.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next().map(str::to_owned)).collect();
    assert!(readme.contains(&format!("Schema version {}", thalweg_bench::report::row::SCHEMA)));
    if !two_cores() {
        return;
    }
    let arguments =
        ["run", "hop", "--cores", "2", "--events", "20k", "--repeats", "1", "--rate", "100k", "--system", "rtrb-item", "--floor", "1ms"];
    let output = bench(&[&arguments[..], &["--format", "json"]].concat());
    ends_with(&output, 0);
    let mut real = fields(&serde_json::from_str(out(&output).trim()).unwrap());
    // Documented as a whole: null here, or the table's own kind of object.
    real.retain(|field| !field.starts_with("steady.") && !field.starts_with("process."));
    real.extend(["steady".to_owned(), "process".to_owned()]);
    assert_eq!(documented.difference(&real).collect::<Vec<_>>(), Vec::<&String>::new(), "documented, but not in a row");
    assert_eq!(real.difference(&documented).collect::<Vec<_>>(), Vec::<&String>::new(), "in a row, but not documented");
}

#[test]
fn csv_has_a_header_and_a_line_per_run() {
    if !two_cores() {
        return;
    }
    let output = small(&["--format", "csv"]);
    ends_with(&output, 0);
    let mut reader = csv::Reader::from_reader(output.stdout.as_slice());
    let header = reader.headers().unwrap().clone();
    let rate = header.iter().position(|name| name == "r_per_s").unwrap();
    let rows: Vec<_> = reader.records().map(Result::unwrap).collect();
    assert_eq!(rows.len(), 4);
    assert!(rows.iter().all(|row| row[rate].parse::<f64>().unwrap() > 0.0));
    assert!(header.iter().any(|name| name == "latency_ns.p99_99"), "{header:?}");
}

#[test]
fn a_wrong_answer_fails_and_shows_no_speed() {
    if !two_cores() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("result");
    let table = small(&["--system", "rtrb,broken", "--out", path.to_str().unwrap()]);
    ends_with(&table, 1);
    let line = out(&table).lines().find(|line| line.trim_start().starts_with("broken") && line.contains("FAILED")).unwrap().to_owned();
    assert!(!line.contains("/s") && !line.contains("ns"), "a failed run shows a speed: {line}");
    assert!(out(&table).contains("the output differs"), "{}", out(&table));
    assert!(err(&table).contains("FAILED"), "{}", err(&table));
    let honest = out(&table).lines().find(|line| line.trim_start().starts_with("rtrb ")).unwrap().to_owned();
    assert!(honest.contains("/s"), "the honest one has lost its speed: {honest}");

    let rows: Vec<Value> =
        std::fs::read_to_string(path.join("rows.jsonl")).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let broken: Vec<_> = rows.iter().filter(|row| row["system"] == "broken").collect();
    assert_eq!(broken.len(), 1, "a failed system was run again");
    assert_eq!(broken[0]["check"]["ok"], false);
    assert_ne!(broken[0]["check"]["got"], broken[0]["check"]["expected"]);
    for field in ["n", "t_s", "r_per_s", "v_per_s", "latency_ns", "little", "cpu_s", "cpu_ns_per_record"] {
        assert!(broken[0][field].is_null(), "{field} of a failed run: {}", broken[0][field]);
    }
    assert!(!std::fs::read_to_string(path.join("summary.md")).unwrap().lines().any(|line| line.contains("broken") && line.contains("/s")));
}

#[test]
fn unknown_names_and_values_are_refused_with_a_hint() {
    for (arguments, hint) in [
        (&["run", "hopp"][..], "hop"),
        (&["run", "hop", "--system", "rtbr"], "rtrb"),
        (&["run", "hop", "--wait", "spinn"], "spin"),
        (&["run", "hop", "--events", "many"], "does not start with a number"),
        (&["run", "hop", "--rate", "0"], "positive"),
        (&["run", "hop", "--ring", "1Q"], "KiB"),
        (&["run", "hop", "--cores", "4096"], "may use"),
        (&["run", "hop", "--events", "5", "--duration", "2"], "cannot be used with"),
        (&["list", "things"], "workloads"),
        (&["runn"], "run"),
    ] {
        let output = bench(arguments);
        ends_with(&output, 2);
        assert!(err(&output).contains(hint), "{arguments:?} without `{hint}`:\n{}", err(&output));
        assert!(output.stdout.is_empty());
    }
}

#[test]
fn what_no_system_accepts_is_an_error_with_the_reasons() {
    // A hop takes two cores; asked for one, every system refuses.
    let output = bench(&["run", "hop", "--system", "rtrb", "--cores", "1", "--events", "1000"]);
    ends_with(&output, 2);
    assert!(err(&output).contains("refused") && err(&output).contains("rtrb"), "{}", err(&output));
}

#[test]
fn the_folder_holds_everything_and_is_never_overwritten() {
    if !two_cores() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("deep/result");
    let output = small(&["--out", path.to_str().unwrap()]);
    ends_with(&output, 0);
    for name in
        ["definition.json", "environment.json", "rows.jsonl", "rows.csv", "histograms.hlog", "summary.md", "summary.json", "complete.json"]
    {
        assert!(path.join(name).metadata().unwrap().len() > 0, "{name}");
    }
    let summary: Value = serde_json::from_str(&std::fs::read_to_string(path.join("summary.json")).unwrap()).unwrap();
    let ratio = summary.as_array().unwrap().iter().find(|s| s["system"] == "crossbeam").unwrap()["ratios"][0].clone();
    assert_eq!(ratio["baseline"], "rtrb");
    assert!(ratio["ratio"]["median"].as_f64().unwrap() > 0.0);
    let results = thalweg_bench::report::folder::Results::read(&path).unwrap();
    assert!(results.is_complete() && results.rows().len() == 4);
    assert_eq!(results.definition().asked[0]["workloads"][0], "hop", "{:?}", results.definition());
    ends_with(&small(&["--out", path.to_str().unwrap()]), 2);
}

#[test]
fn the_table_fits_eighty_columns() {
    if !two_cores() {
        return;
    }
    let output = small(&["--batch", "64,256", "--baseline", "rtrb,crossbeam"]);
    ends_with(&output, 0);
    for line in out(&output).lines() {
        assert!(line.chars().count() <= 80, "{} columns: {line}", line.chars().count());
    }
    assert!(out(&output).contains("vs crossbeam") && out(&output).contains("verdict"), "{}", out(&output));
}

#[test]
fn the_allocator_can_be_chosen() {
    if !two_cores() {
        return;
    }
    for name in ["mimalloc", "system"] {
        let output = small(&["--allocator", name, "--format", "json"]);
        ends_with(&output, 0);
        let row: Value = serde_json::from_str(out(&output).lines().next().unwrap()).unwrap();
        assert_eq!(row["config"]["allocator"], name);
    }
}

#[test]
fn calibrate_measures_the_machine() {
    let output = bench(&["calibrate", "--format", "json", "--watch", "10ms"]);
    ends_with(&output, 0);
    let value: Value = serde_json::from_str(&out(&output)).unwrap();
    assert!(value["clocks"].as_array().unwrap().iter().all(|clock| clock["ns"].as_f64().unwrap() > 0.0), "{}", value["clocks"]);
    assert!(value["bandwidths"].as_array().unwrap().iter().all(|b| b["bytes_per_s"].as_f64().unwrap() > 1e8), "{}", value["bandwidths"]);
    assert!(!value["stalls"].as_array().unwrap().is_empty());
    let table = bench(&["calibrate", "--watch", "5ms"]);
    ends_with(&table, 0);
    assert!(out(&table).contains("stalls over 1 µs"), "{}", out(&table));
}
