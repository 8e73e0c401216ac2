//! One process, from its start to its death, and what is said to it.

use std::{
    process::Command,
    time::{Duration, Instant},
};

use super::{
    guard::{Guard, Heard, LINE_BYTES_MAX},
    interrupt,
    peer::Peer,
    protocol::{Done, Hello, Order, PROTOCOL, Prepare, Reply},
    stop::Stopper,
};
use crate::{load::Inject, run::once::Failure};

/// Tells a process where this program is.
const PROGRAM: &str = "THALWEG_BENCH";

/// A process that was started and has said what it is. Dropping it ends it.
pub struct Session {
    process: Guard,
    prepare_limit: Duration,
    started: Instant,
    hello: Hello,
    ready_s: Option<f64>,
    runs: u64,
}

/// What a run gave, and what the harness saw of it from outside.
#[derive(Debug)]
pub struct Ran {
    /// What the process reported.
    pub done: Done,
    /// From `go` to the report.
    pub wall: Duration,
}

impl Session {
    /// Starts the process and waits for it to say what it is.
    ///
    /// # Errors
    /// If it cannot be started, does not say what it is in time, or speaks another version of the protocol.
    pub fn start(peer: &Peer) -> Result<Session, Failure> {
        let started = Instant::now();
        let mut command = Command::new(&peer.command[0]);
        command.args(&peer.command[1..]);
        if !peer.directory.as_os_str().is_empty() {
            command.current_dir(&peer.directory);
        }
        // For a process that has its input made.
        if let Ok(program) = std::env::current_exe() {
            command.env(PROGRAM, program);
        }
        let cannot = |error: std::io::Error| Failure::Process(format!("`{}` cannot be started: {error}", peer.command.join(" ")));
        let process = Guard::start_apart(command).map_err(cannot)?.until(interrupt::asked());
        let (hello, prepare_limit) = (Hello::default(), seconds(peer.prepare_s));
        let mut session = Session { process, prepare_limit, started, hello, ready_s: None, runs: 0 };
        match session.next("say what it is", seconds(peer.hello_s))? {
            Reply::Hello(hello) if hello.protocol == PROTOCOL => session.hello = hello,
            Reply::Hello(hello) => {
                let says = format!("{hello} speaks version {} of the protocol; this program speaks {PROTOCOL}", hello.protocol);
                return Err(Failure::Process(says));
            }
            other => return Err(unexpected("hello", &other)),
        }
        Ok(session)
    }

    /// Its number.
    pub fn pid(&self) -> u32 {
        self.process.pid()
    }

    /// What it says that it is.
    pub fn hello(&self) -> &Hello {
        &self.hello
    }

    /// Seconds from its start until it was ready for the first time.
    pub fn ready_s(&self) -> Option<f64> {
        self.ready_s
    }

    /// Runs that it has done.
    pub fn runs(&self) -> u64 {
        self.runs
    }

    /// Has a run prepared.
    ///
    /// # Errors
    /// [`Failure::Refused`] if it cannot do this; otherwise as the process failed.
    pub fn prepare(&mut self, run: &Prepare) -> Result<(), Failure> {
        self.say(&Order::Prepare(Box::new(run.clone())))?;
        match self.next("prepare a run", self.prepare_limit)? {
            Reply::Ready => {
                self.ready_s.get_or_insert(self.started.elapsed().as_secs_f64());
                Ok(())
            }
            Reply::Refused { reason } => Err(Failure::Refused(reason)),
            Reply::Failed { reason } => Err(Failure::Error(reason)),
            other => Err(unexpected("ready", &other)),
        }
    }

    /// Has it run what was prepared, while `inject` is done to it.
    ///
    /// # Errors
    /// As the process failed; or if it claims to have run for longer than it took to answer.
    pub fn go(&mut self, inject: Inject, limit: Duration) -> Result<Ran, Failure> {
        let stopper = Stopper::begin(self.process.leader(), inject);
        let begun = Instant::now();
        self.say(&Order::Go)?;
        let reply = self.next("run", limit)?;
        let wall = begun.elapsed();
        self.runs += 1;
        if !stopper.end() {
            return Err(Failure::Error(format!("was not stopped as `{inject}` says: what stops it has panicked")));
        }
        match reply {
            Reply::Done(done) if done.outcome.elapsed > wall => {
                let (claimed, took) = (done.outcome.elapsed.as_secs_f64(), wall.as_secs_f64());
                Err(Failure::Process(format!("claims a run of {claimed:.3} s, and reported it {took:.3} s after it was told to begin")))
            }
            Reply::Done(done) => Ok(Ran { done: *done, wall }),
            Reply::Failed { reason } => Err(Failure::Error(reason)),
            other => Err(unexpected("done", &other)),
        }
    }

    fn say(&mut self, order: &Order) -> Result<(), Failure> {
        let line = serde_json::to_string(order).map_err(|error| Failure::Process(error.to_string()))?;
        // It reads no more: it is about to end, or has.
        self.process.tell(&line).map_err(|_| self.ended("read what it was told"))
    }

    /// The next reply; lines that are empty are passed over.
    fn next(&mut self, what: &str, limit: Duration) -> Result<Reply, Failure> {
        let until = Instant::now() + limit;
        loop {
            match self.process.hear(until) {
                Heard::Line(text) if text.trim().is_empty() => {}
                Heard::Line(text) => {
                    let start: String = text.chars().take(80).collect();
                    return serde_json::from_str(&text)
                        .map_err(|error| Failure::Process(format!("said what the protocol does not know: {error}, in `{start}`")));
                }
                Heard::TooLong => return Err(Failure::Process(format!("said a line of more than {LINE_BYTES_MAX} bytes"))),
                Heard::Silence => {
                    self.process.kill();
                    let words = self.words();
                    return Err(Failure::Process(format!("did not {what} within {} s, and was killed{words}", limit.as_secs_f32())));
                }
                Heard::Interrupted => {
                    self.process.kill();
                    return Err(Failure::Interrupted);
                }
                Heard::End => return Err(self.ended(what)),
            }
        }
    }

    /// It has closed its output: says how it ended.
    fn ended(&mut self, what: &str) -> Failure {
        let how = self.process.end().map_or("closed its output".to_owned(), |status| format!("ended ({status})"));
        let words = self.words();
        Failure::Process(format!("{how} when it was to {what}{words}"))
    }

    fn words(&self) -> String {
        let text = self.process.last_words();
        let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        let last = lines[lines.len().saturating_sub(3)..].join(" / ");
        if last.is_empty() { String::new() } else { format!("; its last words: {last}") }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // One that does not listen any more is ended by its guard.
        let _ = serde_json::to_string(&Order::Quit).map(|quit| self.process.tell(&quit));
    }
}

fn seconds(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX)
}

fn unexpected(wanted: &str, got: &Reply) -> Failure {
    let got = match got {
        Reply::Hello(_) => "hello",
        Reply::Ready => "ready",
        Reply::Refused { .. } => "refused",
        Reply::Done(_) => "done",
        Reply::Failed { reason } => return Failure::Error(reason.clone()),
    };
    Failure::Process(format!("said `{got}` where `{wanted}` was due"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::process::protocol::Prepare;

    /// A process of shell commands that reads orders by `read`.
    fn shell(script: &str) -> Peer {
        let hello = r#"echo '{"is":"hello","protocol":1,"name":"shell","version":"0"}'; "#;
        let command = ["sh", "-c", &format!("{hello}{script}")].map(str::to_owned).into();
        Peer { command, hello_s: 20.0, prepare_s: 20.0, ..Peer::ourselves("shell").unwrap() }
    }

    fn prepare() -> Prepare {
        Prepare {
            system: "shell".into(),
            workload: "hop".into(),
            events: 2,
            seed: 1,
            block_bytes: 64,
            input: None,
            cores: 1,
            core_numbers: vec![0],
            batch: 1,
            ring_bytes: 64,
            wait: "spin".into(),
            schedule: None,
            options: Default::default(),
        }
    }

    fn run(peer: &Peer, limit: Duration) -> Result<Ran, Failure> {
        let mut session = Session::start(peer)?;
        session.prepare(&prepare())?;
        session.go(Inject::default(), limit)
    }

    const READY: &str = r#"read order; echo '{"is":"ready"}'; read order; "#;
    const LONG: Duration = Duration::from_secs(20);

    #[test]
    fn a_process_that_keeps_to_the_protocol_is_heard() {
        let done = r#"echo '{"is":"done","n":2,"elapsed_ns":5,"answer":[[1]]}'"#;
        let ran = run(&shell(&format!("{READY}{done}")), LONG).unwrap();
        assert_eq!((ran.done.outcome.n, ran.done.outcome.answer.rows), (2, 1));
    }

    #[test]
    fn every_way_to_fail_is_told() {
        let ready = |then: &str| format!("{READY}{then}");
        for (script, limit, hint) in [
            (ready("echo oops >&2; exit 3"), LONG, "exit status: 3) when it was to run; its last words: oops"),
            (ready("sleep 100"), Duration::from_millis(300), "did not run within 0.3 s, and was killed"),
            (ready("echo 'not json'"), LONG, "does not know"),
            (ready(r#"echo '{"is":"ready"}'"#), LONG, "said `ready` where `done` was due"),
            (ready(r#"echo '{"is":"failed","reason":"no room"}'"#), LONG, "no room"),
            (ready(r#"echo '{"is":"done","n":2,"elapsed_ns":9000000000000,"answer":[]}'"#), LONG, "claims a run of 9000.000 s"),
            (r#"read order; echo '{"is":"refused","reason":"not me"}'"#.to_owned(), LONG, "not me"),
            ("exit 0".to_owned(), LONG, "ended (exit status: 0)"),
        ] {
            let failure = run(&shell(&script), limit).unwrap_err().to_string();
            assert!(failure.contains(hint), "{script}: {failure}");
        }
    }

    #[test]
    fn what_is_no_peer_is_told() {
        let absent = Peer { command: vec!["/no/such/program".into()], ..shell("") };
        assert!(Session::start(&absent).err().unwrap().to_string().contains("cannot be started"));
        let foreign = Peer { command: vec!["echo".into(), r#"{"is":"hello","protocol":9,"name":"x","version":"2"}"#.into()], ..shell("") };
        assert!(Session::start(&foreign).err().unwrap().to_string().contains("version 9"));
        let silent = Peer { command: vec!["sleep".into(), "100".into()], hello_s: 0.2, ..shell("") };
        assert!(Session::start(&silent).err().unwrap().to_string().contains("did not say what it is within 0.2 s"));
    }

    #[test]
    fn a_dropped_session_leaves_no_process() {
        let session = Session::start(&shell("sleep 100 & sleep 100")).unwrap();
        let pid = session.pid();
        drop(session);
        assert!(!std::path::Path::new(&format!("/proc/{pid}")).exists());
    }

    #[test]
    fn a_stall_stops_the_process_for_its_length() {
        // It counts the milliseconds that it takes.
        let script = format!(
            "{READY}{}",
            r#"a=$(date +%s%N); i=0; while [ $i -lt 150 ]; do sleep 0.002; i=$((i+1)); done; b=$(date +%s%N); echo "{\"is\":\"done\",\"n\":$(((b-a)/1000000)),\"elapsed_ns\":1,\"answer\":[]}""#
        );
        let took = |inject: &str| {
            let mut session = Session::start(&shell(&script)).unwrap();
            session.prepare(&prepare()).unwrap();
            let inject = if inject.is_empty() { Inject::default() } else { inject.parse().unwrap() };
            session.go(inject, LONG).unwrap().done.outcome.n
        };
        assert!(took("stall=400ms@2/s") >= 700, "150 sleeps of 2 ms, and a stop of 400 ms amid them");
        assert!(took("slow=1000%") > took(""));
    }
}
