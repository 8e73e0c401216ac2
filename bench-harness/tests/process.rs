//! Processes under test from the outside: the reference process, fresh processes, ones that misbehave, and the negative controls.
#![allow(clippy::unwrap_used)]

use std::{
    path::Path,
    process::{Command, Output},
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use serde_json::Value;
use thalweg_bench::report::folder::{Kind, Results};

/// Held by every test while it measures: they would be in each other's figures.
static MACHINE: Mutex<()> = Mutex::new(());

fn bench(arguments: &[&str], peers: Option<&Path>) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_thalweg-bench"));
    command.args(arguments).args(["--floor", "1ms", "--format", "json"]);
    if let Some(peers) = peers {
        command.env("THALWEG_BENCH_PEERS", peers);
    }
    let _alone = MACHINE.lock().unwrap_or_else(PoisonError::into_inner);
    command.output().unwrap()
}

#[track_caller]
fn rows(output: &Output, code: i32) -> Vec<Value> {
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.status.code(), Some(code), "stdout:\n{out}\nstderr:\n{err}");
    out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn has(program: &str) -> bool {
    let runs = Command::new(program).arg("--version").output().is_ok_and(|output| output.status.success());
    if !runs {
        eprintln!("skipped: there is no {program}");
    }
    runs
}

fn two_cores() -> bool {
    let has = std::thread::available_parallelism().is_ok_and(|cores| cores.get() >= 2);
    if !has {
        eprintln!("skipped: a hop needs two cores");
    }
    has
}

fn check<'a>(row: &'a Value, name: &str) -> &'a Value {
    row["checks"].as_array().unwrap().iter().find(|check| check["name"] == name).unwrap()
}

#[test]
fn the_reference_process_is_measured_and_right() {
    if !has("python3") {
        return;
    }
    let closed = bench(&["run", "hop", "--cores", "1", "--system", "hand,reference", "--events", "20k", "--repeats", "2"], None);
    let all = rows(&closed, 0);
    assert_eq!(all.len(), 4);
    for row in all.iter().filter(|row| row["system"] == "reference") {
        assert_eq!((&row["check"]["ok"], &row["n"]), (&true.into(), &20_000.into()), "{row}");
        assert!(row["process"]["says"].as_str().unwrap().starts_with("reference 1 (Python 3"), "{}", row["process"]);
        assert_eq!(row["process"]["runs_before"], 1);
        assert!(row["process"]["ready_s"].as_f64().unwrap() > 0.0);
        assert!(row["cpu_s"].as_f64().unwrap() > 0.0 && row["peak_rss_bytes"].as_u64().unwrap() > 1 << 20, "seen from outside: {row}");
        assert!(row["allocations_per_record"].is_null(), "Python does not count them: {row}");
    }

    let arguments = ["run", "hop", "--cores", "1", "--system", "reference", "--events", "5k", "--rate", "10k", "--repeats", "1"];
    let row = &rows(&bench(&arguments, None), 0)[0];
    assert_eq!(row["check"]["ok"], true, "{row}");
    assert_eq!(row["latency_ns"]["samples"], 4_500, "its histogram was read: {row}");
    assert!(row["latency_ns"]["max"].as_u64() >= row["uncorrected_ns"]["max"].as_u64(), "{row}");
    for figure in ["n_in_flight", "residence_ns", "residual"] {
        assert!(row["little"][figure].is_f64(), "{}", row["little"]);
    }
    // What it cannot do it says.
    let refused = bench(&["run", "stateless", "--system", "reference", "--events", "1k"], None);
    assert_eq!(refused.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("runs hop, on one core"));
}

/// Descriptions of the JVM's peers that leave their warm-up out; none if they are not built.
fn jvm_peers() -> Option<tempfile::TempDir> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("peers");
    if !folder.join("jvm/target/peers.jar").is_file() || !has("java") {
        eprintln!("skipped: the JVM peers are not built: scripts/peers build");
        return None;
    }
    let peers = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink(folder.join("jvm"), peers.path().join("jvm")).unwrap();
    for name in ["flink", "flink-newcomer", "lmax-disruptor"] {
        let text = std::fs::read_to_string(folder.join(format!("{name}.toml"))).unwrap();
        let cold: Vec<String> =
            text.lines().map(|line| if line.starts_with("warm_up_s") { "warm_up_s = \"0\"".into() } else { line.to_owned() }).collect();
        std::fs::write(peers.path().join(format!("{name}.toml")), cold.join("\n")).unwrap();
    }
    Some(peers)
}

#[test]
fn flink_is_measured_and_right_if_it_is_built() {
    let Some(peers) = jvm_peers() else { return };
    for (workload, systems) in [("tumbling", "flink,flink-newcomer"), ("stateless", "flink"), ("sliding", "flink"), ("q4", "flink")] {
        let arguments = ["run", workload, "--cores", "1", "--system", systems, "--events", "20k", "--repeats", "1"];
        for row in rows(&bench(&arguments, Some(peers.path())), 0) {
            assert_eq!((&row["check"]["ok"], &row["n"]), (&true.into(), &20_000.into()), "{row}");
            assert!(row["process"]["says"].as_str().unwrap().starts_with("flink 2."), "{}", row["process"]);
        }
    }
    if two_cores() {
        let arguments =
            ["run", "hop", "--cores", "2", "--system", "flink,lmax-disruptor", "--events", "5k", "--rate", "10k", "--repeats", "1"];
        for row in rows(&bench(&arguments, Some(peers.path())), 0) {
            assert_eq!(row["check"]["ok"], true, "{row}");
            assert!(row["latency_ns"]["samples"] == 4_500 && row["little"]["residual"].as_f64().unwrap() < 0.01, "{row}");
        }
    }
}

#[test]
fn a_process_that_hangs_crashes_or_lies_ends_nothing_else() {
    let peers = tempfile::tempdir().unwrap();
    let ready = r#"echo '{"is":"hello","protocol":1,"name":"x","version":"0"}'; while read order; do case $order in *prepare*) echo '{"is":"ready"}';; *go*) RUN;; *) exit;; esac; done"#;
    for (name, run) in [
        ("hangs", "sleep 600"),
        ("crashes", "echo out of order >&2; exit 7"),
        ("babbles", "echo hello world"),
        // More than it took, with any answer; and the right number, with a wrong one.
        ("counts", r#"echo '{"is":"done","n":2000,"elapsed_ns":1000,"answer":[[1,1000]]}'"#),
        ("answers", r#"echo '{"is":"done","n":1000,"elapsed_ns":1000,"answer":[[1,1000]]}'"#),
        ("boasts", r#"echo '{"is":"done","n":1000,"elapsed_ns":60000000000,"answer":[[1,1000]]}'"#),
    ] {
        let script = ready.replace("RUN", run);
        let text = format!("name = \"{name}\"\nwarm_up = 0\nhello_s = 30.0\ncommand = [\"sh\", \"-c\", '''{script}''']\n");
        std::fs::write(peers.path().join(format!("{name}.toml")), text).unwrap();
    }
    let names = "hangs,crashes,babbles,counts,answers,boasts,hand";
    let arguments = ["run", "hop", "--cores", "1", "--system", names, "--events", "1000", "--repeats", "2", "--timeout", "2s"];
    let all = rows(&bench(&arguments, Some(peers.path())), 1);
    for (name, reason) in [
        ("hangs", "did not run within 2 s, and was killed"),
        ("crashes", "exit status: 7) when it was to run; its last words: out of order"),
        ("babbles", "does not know"),
        ("counts", "the output differs"),
        ("answers", "the output differs"),
        ("boasts", "claims a run of 60.000 s"),
    ] {
        let of_it: Vec<_> = all.iter().filter(|row| row["system"] == name).collect();
        assert_eq!(of_it.len(), 1, "{name} has one row, and is not run again");
        assert_eq!(of_it[0]["verdict"]["standing"], "failed");
        assert!(of_it[0]["verdict"]["reasons"][0].as_str().unwrap().contains(reason), "{name}: {}", of_it[0]["verdict"]);
        assert!(of_it[0]["r_per_s"].is_null() && of_it[0]["t_s"].is_null(), "a failed run shows a speed: {}", of_it[0]);
    }
    assert_eq!(all.iter().filter(|row| row["system"] == "hand" && row["check"]["ok"] == true).count(), 2, "the others went on");
}

/// A description of a process that prepares a run, writes into its temporary folder, and then hangs; TERM is noted in the file `asked`.
fn hangs(peers: &Path) {
    let script = r#"trap 'echo > asked; exit' TERM
echo '{"is":"hello","protocol":1,"name":"x","version":"0"}'
while read order; do case $order in
*prepare*) echo '{"is":"ready"}';;
*go*) mkdir -p $TMPDIR/a/b; echo x > $TMPDIR/a/b/c; echo $$ > running; sleep 600 & wait;;
*) exit;;
esac; done"#;
    let text = format!("name = \"hangs\"\nwarm_up = 0\nhello_s = 30.0\ncommand = [\"sh\", \"-c\", '''{script}''']\n");
    std::fs::write(peers.join("hangs.toml"), text).unwrap();
}

fn is_empty(folder: &Path) -> bool {
    std::fs::read_dir(folder).unwrap().next().is_none()
}

#[test]
fn a_process_that_is_killed_leaves_nothing_in_the_temporary_folder() {
    let (peers, temporary) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    hangs(peers.path());
    let arguments = ["run", "hop", "--cores", "1", "--system", "hangs", "--events", "1000", "--repeats", "1", "--timeout", "1s"];
    let mut command = Command::new(env!("CARGO_BIN_EXE_thalweg-bench"));
    command.args(arguments).args(["--floor", "1ms", "--format", "json"]);
    command.env("THALWEG_BENCH_PEERS", peers.path()).env("TMPDIR", temporary.path());
    assert_eq!(rows(&command.output().unwrap(), 1)[0]["verdict"]["standing"], "failed");
    assert!(peers.path().join("asked").is_file(), "it was asked to end first");
    assert!(is_empty(temporary.path()));
}

#[test]
fn an_interrupt_ends_the_process_and_the_run() {
    let (peers, temporary) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    hangs(peers.path());

    let arguments = ["run", "hop", "--cores", "1", "--system", "hand,hangs", "--events", "1000", "--repeats", "1", "--timeout", "600s"];
    let mut command = Command::new(env!("CARGO_BIN_EXE_thalweg-bench"));
    command.args(arguments).args(["--floor", "1ms", "--format", "json"]);
    command.env("THALWEG_BENCH_PEERS", peers.path()).env("TMPDIR", temporary.path());
    command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
    let harness = command.spawn().unwrap();
    let running = peers.path().join("running");
    let began = Instant::now();
    let peer = loop {
        let peer = std::fs::read_to_string(&running).unwrap_or_default();
        if peer.ends_with('\n') {
            break peer.trim().to_owned();
        }
        assert!(began.elapsed() < Duration::from_secs(60), "it never ran");
        std::thread::sleep(Duration::from_millis(10));
    };
    Command::new("kill").args(["-TERM", &harness.id().to_string()]).status().unwrap();
    let ended = harness.wait_with_output().unwrap();
    assert_eq!(ended.status.code(), Some(1), "{}", String::from_utf8_lossy(&ended.stderr));
    assert!(String::from_utf8_lossy(&ended.stderr).contains("interrupted"), "{}", String::from_utf8_lossy(&ended.stderr));
    assert!(!String::from_utf8_lossy(&ended.stdout).contains("hangs"), "a run that was cut off is no row");
    assert!(peers.path().join("asked").is_file(), "it was asked to end first");
    assert!(!Path::new("/proc").join(peer).exists(), "the process outlived the harness");
    assert!(is_empty(temporary.path()));
}

#[test]
fn every_repeat_can_have_a_process_of_its_own() {
    if !two_cores() {
        return;
    }
    let arguments = ["run", "hop", "--cores", "2", "--system", "thalweg,rtrb", "--events", "100k", "--repeats", "2", "--fresh"];
    for row in rows(&bench(&arguments, None), 0) {
        assert_eq!((&row["check"]["ok"], &row["process"]["runs_before"]), (&true.into(), &1.into()), "{row}");
        assert!(row["process"]["says"].as_str().unwrap().contains("thalweg-bench"), "{row}");
        assert!(row["cpu_s"].as_f64().unwrap() > 0.0 && row["allocations_per_record"].is_f64(), "{row}");
        assert!(!row["threads"].as_array().unwrap().is_empty(), "{row}");
    }
}

#[test]
fn a_lost_record_fails() {
    for fresh in [&[][..], &["--fresh"]] {
        let arguments = ["run", "stateless", "--system", "hand,thalweg", "--events", "10k", "--repeats", "1", "--inject", "loss=1"];
        let all = rows(&bench(&[&arguments[..], fresh].concat(), None), 1);
        assert_eq!(all.len(), 2);
        assert!(all.iter().all(|row| row["verdict"]["standing"] == "failed" && row["config"]["inject"] == "loss=1"), "{all:?}");
    }
}

#[test]
fn a_stall_is_in_the_tail_and_is_named() {
    if !two_cores() {
        return;
    }
    let arguments = ["run", "hop", "--cores", "2", "--system", "rtrb-item,thalweg", "--events", "100k", "--rate", "100k", "--repeats", "1"];
    for row in rows(&bench(&[&arguments[..], &["--inject", "stall=20ms@2/s"]].concat(), None), 0) {
        assert!(row["latency_ns"]["max"].as_u64().unwrap() >= 19_000_000, "{row}");
        assert!(row["latency_ns"]["p99"].as_u64().unwrap() >= 5_000_000, "two stalls are four per cent of the run: {row}");
        assert_eq!(check(&row, "stalls")["ok"], false, "{row}");
        assert!(row["verdict"]["reasons"].to_string().contains("stalled"), "{}", row["verdict"]);
        assert_eq!(row["config"]["inject"], "stall=20ms@2/s");
        // What the machine (here: who stopped the process) did to it is told apart.
        let quantile = |figure: &str| row[figure]["p99"].as_u64().unwrap();
        assert!(quantile("undisturbed_ns") < quantile("latency_ns"), "{row}");
    }
}

#[test]
fn slowness_is_in_the_speed() {
    let rate = |inject: &[&str]| {
        let arguments = ["run", "stateless", "--system", "hand", "--events", "30M", "--repeats", "3", "--fresh"];
        let mut rates: Vec<f64> =
            rows(&bench(&[&arguments[..], inject].concat(), None), 0).iter().map(|row| row["r_per_s"].as_f64().unwrap()).collect();
        rates.sort_by(f64::total_cmp);
        rates[1]
    };
    let (whole, slowed) = (rate(&[]), rate(&["--inject", "slow=500%"]));
    assert!(slowed < whole / 2.0, "a sixth of the speed was to be left: {slowed} of {whole}");
}

/// Coordinated omission (G. Tene): the process is stopped for 300 ms in the middle of a run at 100,000 records a second. 30,000 records were due
/// meanwhile, and each waited for what was left of the stop; a clock that starts when a record is sent sees nothing of it.
#[test]
fn a_stop_is_charged_to_every_record_that_was_due_meanwhile() {
    if !two_cores() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    for system in ["thalweg", "rtrb-item"] {
        let path = folder.path().join(system);
        let arguments = ["run", "hop", "--cores", "2", "--system", system, "--rate", "100k", "--events", "200k", "--repeats", "1"];
        let stop = ["--inject", "stall=300ms@0.5/s", "--out", path.to_str().unwrap()];
        rows(&bench(&[&arguments[..], &stop].concat(), None), 0);
        let results = Results::read(&path).unwrap();
        let longer = |kind: Kind, than_ns: u64| {
            let histogram = results.histogram(0, kind).unwrap();
            histogram.len() - histogram.count_between(0, than_ns)
        };
        let max_ns = results.histogram(0, Kind::Latency).unwrap().max();
        let late = longer(Kind::Latency, 1_000_000);
        assert!(max_ns >= 300_000_000, "{system}: the longest is {max_ns} ns");
        assert!(late as f64 >= 0.9 * 30_000.0, "{system}: {late} records waited over 1 ms");
        // What was due during the stop is sent in one burst after it, and waits a few milliseconds behind itself. Of the stop's own tens of
        // milliseconds, the uncorrected figure knows only for what was under way when it began.
        let (late, seen) = (longer(Kind::Latency, 30_000_000), longer(Kind::Uncorrected, 30_000_000));
        assert!(seen * 10 < late, "{system}: the uncorrected figure shows {seen} of {late}");
    }
}

/// A generator in a process of its own: the same schedule, the same checks, its own lateness.
#[test]
fn a_generator_in_a_process_of_its_own_keeps_the_schedule_and_the_laws() {
    if !two_cores() {
        return;
    }
    let arguments = ["run", "hop", "--cores", "2", "--system", "rtrb,thalweg", "--events", "20k", "--rate", "20k", "--repeats", "1"];
    for schedule in ["constant", "poisson"] {
        for row in rows(&bench(&[&arguments[..], &["--generator", "process", "--schedule", schedule]].concat(), None), 0) {
            assert_eq!((&row["check"]["ok"], &row["n"], &row["config"]["generator"]), (&true.into(), &20_000.into(), &"process".into()));
            assert_eq!(row["latency_ns"]["samples"], 18_000, "all but the warm-up: {row}");
            assert!(row["generator"]["lateness_ns"]["p50"].is_u64(), "its lateness was noted in its process: {row}");
            assert_eq!(check(&row, "little")["ok"], true, "{row}");
            assert!(check(&row, "generator")["ok"].is_boolean() && row["v_per_s"].as_f64().unwrap() <= 21_000.0, "{row}");
            // It cannot have ended before the last record was due.
            assert!(row["t_s"].as_f64().unwrap() > 0.9, "{row}");
        }
    }
    for refused in [&["run", "hop", "--generator", "process"][..], &["run", "hop", "--rate", "1k", "--generator", "process", "--fresh"]] {
        assert_eq!(bench(refused, None).status.code(), Some(2));
    }
}
