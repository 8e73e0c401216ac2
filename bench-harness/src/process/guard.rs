//! One process from its start to its death: it is heard line by line, and cannot outlive its [`Guard`].
//!
//! ```text
//!   tell ──▶ stdin ┌─────────┐ stdout ──▶ a thread ──▶ lines ──▶ hear        until a moment, or until Ctrl-C
//!                  │ process │
//!                  └─────────┘ stderr ──▶ a thread ──▶ the last words        shown if it fails
//! ```
//!
//! Both outputs are read while it runs, so that it never waits for a full pipe. It leads a process group: what it starts is stopped with it,
//! and killed with it or once it has ended by itself; and a Ctrl-C in the terminal reaches this program alone.
//!
//! ```text
//!   input closed ── QUIT ──▶ SIGTERM ── GRACE ──▶ SIGKILL ──▶ waited for ──▶ scratch folder removed
//!   killed: ───────────────▶
//! ```

use std::{
    io::{self, BufRead, BufReader, Read, Write},
    process::{Child, ChildStdin, Command, ExitStatus, Stdio},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use crossbeam_channel::{Receiver, never, select, unbounded};

use super::{leader::Leader, living, scratch::Scratch};

/// Longest line that is read from a process.
pub const LINE_BYTES_MAX: usize = 64 << 20;
/// Bytes kept of what a process writes to standard error: its last words.
const LAST_WORDS_BYTES: usize = 4_000;
/// How long the last words may take to arrive once a process has ended; something that it started may hold the pipe.
const LAST_WORDS: Duration = Duration::from_millis(200);
/// How long a process may take to end when it was told to.
const QUIT: Duration = Duration::from_millis(500);
/// How long a process that is killed may take to end in order, see [`Guard::grace`].
const GRACE: Duration = Duration::from_secs(1);
/// From one look to the next at whether a process has ended.
const ENDS_EVERY: Duration = Duration::from_millis(2);

/// A process. Dropping it closes its input, and kills it if it does not end by that.
#[derive(Debug)]
pub struct Guard {
    /// Waited for by `leader` alone.
    child: Child,
    leader: Leader,
    /// Taken when the process is told to end.
    input: Option<ChildStdin>,
    lines: Receiver<Line>,
    last_words: Arc<Mutex<Vec<u8>>>,
    /// Disconnected when standard error is.
    said_all: Receiver<()>,
    asked_to_end: Receiver<()>,
    grace: Duration,
    /// Gone when the process is.
    _scratch: Option<Scratch>,
}

#[derive(Debug)]
enum Line {
    Text(String),
    TooLong,
}

/// What came of waiting for a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Heard {
    /// A line, without its end.
    Line(String),
    /// A line of more than [`LINE_BYTES_MAX`]: nothing that follows can be heard.
    TooLong,
    /// The moment came first.
    Silence,
    /// It has closed its output.
    End,
    /// This program is asked to end.
    Interrupted,
}

impl Guard {
    /// Starts it, with an input to tell it things by.
    ///
    /// # Errors
    /// Those of the system.
    pub fn start(command: Command) -> io::Result<Guard> {
        Guard::start_in(command, None)
    }

    /// The same, with a temporary folder of its own, which is removed when the process is dead.
    ///
    /// # Errors
    /// Those of the system.
    pub fn start_apart(mut command: Command) -> io::Result<Guard> {
        let scratch = Scratch::new()?;
        command.env("TMPDIR", scratch.path());
        Guard::start_in(command, Some(scratch))
    }

    fn start_in(mut command: Command, scratch: Option<Scratch>) -> io::Result<Guard> {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let mut child = command.spawn()?;
        let leader = Leader::of(&child);
        living::enter(&leader, scratch.as_ref().map(|scratch| scratch.path().to_owned()));
        let last_words = Arc::default();
        let lines = read_lines(child.stdout.take());
        let said_all = keep_last(child.stderr.take(), Arc::clone(&last_words));
        let input = child.stdin.take();
        Ok(Guard { child, leader, input, lines, last_words, said_all, asked_to_end: never(), grace: GRACE, _scratch: scratch })
    }

    /// Has [`Guard::hear`] end too when `asked` is disconnected, see [`super::interrupt::asked`].
    #[must_use]
    pub fn until(mut self, asked: Receiver<()>) -> Guard {
        self.asked_to_end = asked;
        self
    }

    /// How long it may take to end in order when it is killed, in place of a second: longer, if it has to end processes of its own.
    #[must_use]
    pub fn grace(mut self, grace: Duration) -> Guard {
        self.grace = grace;
        self
    }

    /// Its number, and that of its group.
    pub fn pid(&self) -> u32 {
        self.leader.pid()
    }

    /// To send signals by, also from another thread.
    pub(super) fn leader(&self) -> &Leader {
        &self.leader
    }

    /// Writes a line to its input.
    ///
    /// # Errors
    /// If it does not read any more.
    pub fn tell(&mut self, line: &str) -> io::Result<()> {
        let input = self.input.as_mut().ok_or(io::ErrorKind::BrokenPipe)?;
        input.write_all(line.as_bytes())?;
        input.write_all(b"\n")?;
        input.flush()
    }

    /// Closes its input.
    pub fn close_input(&mut self) {
        self.input = None;
    }

    /// Waits for its next line.
    pub fn hear(&self, until: Instant) -> Heard {
        select! {
            recv(self.lines) -> line => match line {
                Ok(Line::Text(text)) => Heard::Line(text),
                Ok(Line::TooLong) => Heard::TooLong,
                Err(_) => Heard::End,
            },
            recv(self.asked_to_end) -> _ => Heard::Interrupted,
            default(until.saturating_duration_since(Instant::now())) => Heard::Silence,
        }
    }

    /// Ends it and all that it started: politely first, and if that takes too long by force.
    pub fn kill(&mut self) {
        self.leader.signal(libc::SIGTERM);
        if self.ends_within(self.grace).is_none() {
            self.leader.signal(libc::SIGKILL);
        }
    }

    /// Waits a moment for its end, and kills what it has left behind. None if it does not end.
    pub fn end(&mut self) -> Option<ExitStatus> {
        self.ends_within(QUIT)
    }

    fn ends_within(&mut self, limit: Duration) -> Option<ExitStatus> {
        let until = Instant::now() + limit;
        loop {
            match self.leader.reap(&mut self.child) {
                None if Instant::now() < until => std::thread::sleep(ENDS_EVERY),
                status => return status?.ok(),
            }
        }
    }

    /// The last of what it wrote to standard error; waits a moment for the rest of it.
    pub fn last_words(&self) -> String {
        let _ = self.said_all.recv_timeout(LAST_WORDS);
        let bytes = self.last_words.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&bytes).trim().to_owned()
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.close_input();
        if self.end().is_none() {
            self.kill();
            while self.leader.reap(&mut self.child).is_none() {
                std::thread::sleep(ENDS_EVERY);
            }
        }
        living::leave(&self.leader);
    }
}

/// Hands on the lines of a process, until it closes its output. The thread ends then, or when nobody listens.
fn read_lines(from: Option<impl Read + Send + 'static>) -> Receiver<Line> {
    let (tell, lines) = unbounded();
    std::thread::spawn(move || {
        let Some(from) = from else { return };
        let mut from = BufReader::new(from);
        loop {
            let mut bytes = Vec::new();
            match from.by_ref().take(LINE_BYTES_MAX as u64 + 1).read_until(b'\n', &mut bytes) {
                Ok(0) | Err(_) => return,
                Ok(read) => {
                    let is_long = read > LINE_BYTES_MAX;
                    let text = || String::from_utf8_lossy(bytes.strip_suffix(b"\n").unwrap_or(&bytes)).into_owned();
                    if tell.send(if is_long { Line::TooLong } else { Line::Text(text()) }).is_err() || is_long {
                        return;
                    }
                }
            }
        }
    });
    lines
}

/// Keeps the last bytes of what a process writes to standard error.
fn keep_last(from: Option<impl Read + Send + 'static>, kept: Arc<Mutex<Vec<u8>>>) -> Receiver<()> {
    let (said, said_all) = crossbeam_channel::bounded(0);
    std::thread::spawn(move || {
        let _said = said;
        let Some(mut from) = from else { return };
        let mut bytes = [0; 1_024];
        while let Ok(read @ 1..) = from.read(&mut bytes) {
            let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
            kept.extend_from_slice(&bytes[..read]);
            let surplus = kept.len().saturating_sub(LAST_WORDS_BYTES);
            kept.drain(..surplus);
        }
    });
    said_all
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn shell(script: &str) -> Guard {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        Guard::start(command).unwrap()
    }

    fn soon() -> Instant {
        Instant::now() + Duration::from_secs(20)
    }

    #[test]
    fn it_is_heard_line_by_line_and_to_its_last_words() {
        let mut guard = shell("read word; echo one $word; echo oops >&2; printf two; exit 3");
        guard.tell("more").unwrap();
        assert_eq!(guard.hear(soon()), Heard::Line("one more".into()));
        assert_eq!(guard.hear(soon()), Heard::Line("two".into()));
        assert_eq!(guard.hear(soon()), Heard::End);
        assert_eq!((guard.end().unwrap().code(), guard.last_words().as_str()), (Some(3), "oops"));
        assert!(guard.tell("anything").is_err() || guard.tell("anything").is_err());
    }

    #[test]
    fn silence_and_an_interrupt_end_the_wait() {
        let guard = shell("sleep 100");
        assert_eq!(guard.hear(Instant::now() + Duration::from_millis(20)), Heard::Silence);
        let (end, asked) = crossbeam_channel::bounded(0);
        let guard = guard.until(asked);
        drop(end);
        assert_eq!(guard.hear(soon()), Heard::Interrupted);
    }

    #[test]
    fn what_is_dropped_is_dead_with_all_that_it_started() {
        let guard = shell("sleep 100 & echo $!; exec sleep 100");
        let Heard::Line(started) = guard.hear(soon()) else { panic!("nothing said") };
        let pids = [guard.pid().to_string(), started];
        drop(guard);
        assert_dead(&pids);
    }

    #[test]
    fn it_is_asked_to_end_before_it_is_made_to() {
        let marks = tempfile::tempdir().unwrap();
        let mark = marks.path().join("asked");
        let polite = format!("trap 'echo > {}; exit' TERM; echo ready; while :; do sleep 0.01; done", mark.display());
        for (script, is_marked) in [(polite.as_str(), true), ("trap '' TERM; echo ready; while :; do sleep 0.01; done", false)] {
            let mut guard = shell(script).grace(if is_marked { Duration::from_secs(20) } else { Duration::from_millis(50) });
            assert_eq!(guard.hear(soon()), Heard::Line("ready".into()));
            let pids = [guard.pid().to_string()];
            guard.kill();
            drop(guard);
            assert_dead(&pids);
            assert_eq!(std::fs::remove_file(&mark).is_ok(), is_marked);
        }
    }

    #[test]
    fn what_it_puts_into_the_temporary_folder_goes_with_it() {
        for (script, is_killed) in [
            ("mkdir $TMPDIR/a; echo x > $TMPDIR/a/b; echo $TMPDIR", false),
            ("trap '' TERM; echo $TMPDIR; while :; do mkdir -p $TMPDIR/a; echo x > $TMPDIR/a/b; done 2> /dev/null", true),
        ] {
            let mut command = Command::new("sh");
            command.args(["-c", script]);
            let mut guard = Guard::start_apart(command).unwrap().grace(Duration::from_millis(50));
            let Heard::Line(scratch) = guard.hear(soon()) else { panic!("nothing said") };
            let scratch = std::path::Path::new(&scratch);
            assert!(scratch.starts_with(std::env::temp_dir()) && scratch.is_dir(), "{scratch:?}");
            if is_killed {
                guard.kill();
            }
            drop(guard);
            assert!(!scratch.exists(), "{scratch:?}");
        }
    }

    #[test]
    fn what_it_leaves_behind_dies_as_well() {
        let mut guard = shell("sleep 100 > /dev/null 2>&1 & echo $!; exit 3");
        let Heard::Line(left) = guard.hear(soon()) else { panic!("nothing said") };
        let pids = [guard.pid().to_string(), left];
        assert_eq!(guard.hear(soon()), Heard::End);
        assert_eq!(guard.end().unwrap().code(), Some(3));
        assert_dead(&pids);
        assert_eq!(guard.end().unwrap().code(), Some(3), "it is known from then on");
    }

    #[test]
    fn no_signal_goes_to_the_number_of_one_that_was_waited_for() {
        let mut guard = shell("exit 0");
        let leader = guard.leader().clone();
        assert_eq!(guard.end().unwrap().code(), Some(0));
        // A group of that number would be somebody else's: here it is made to be, as far as the leader can tell.
        let other = shell("exec sleep 100");
        leader.moved_to(other.pid()).signal(libc::SIGKILL);
        assert_eq!(other.hear(Instant::now() + Duration::from_millis(50)), Heard::Silence);
        other.leader().signal(libc::SIGKILL);
        assert_eq!(other.hear(soon()), Heard::End);
    }

    #[track_caller]
    fn assert_dead(pids: &[String]) {
        // What it started is the system's to wait for: it may be seen for a moment more, as a zombie.
        let is_alive = |pid: &String| std::fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| !stat.contains(") Z "));
        let until = soon();
        while pids.iter().any(is_alive) {
            assert!(Instant::now() < until, "{pids:?}");
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}
