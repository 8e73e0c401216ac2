//! The generator in a process of its own: nothing that the system under test does to its own process, its heap, its cores or its page tables, can
//! hold the generator back, but by not reading.
//!
//! ```text
//!   process under test                                     generator: `thalweg-bench feed`
//!     Feed::start ──── block, schedule, clock ───────────▶   Pace, the same arrivals
//!     Feed::begin ──── start, in ticks ──────────────────▶   from here on by the clock alone
//!     Feed::poll ◀──── [count][records …] [count] … [0] ──   Departures: when each was due, when it was sent, gaps
//!     Feed::end  ◀──── Departures ───────────────────────    after the last record: both ends' notes make the Outcome
//! ```
//!
//! Both processes read the same counter of the same machine, by the same calibration. What the socket costs, two system calls a batch and the copies
//! of its bytes, is in the latency: it is how records arrive here. A system that does not read fills the socket's buffer; then the
//! generator is late, and since the intended arrivals stand, every record is charged for it.
//!
//! Not here: the system's CPU time holds its own part of the socket's work, and not the generator's.

use std::{
    io::{ErrorKind, Read, Write},
    os::{
        linux::net::SocketAddrExt,
        unix::net::{SocketAddr, UnixListener, UnixStream},
    },
    process::Command,
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};

use serde::{Deserialize, Serialize};

use super::{
    Schedule,
    open::{Departures, Notes, Pace},
};
use crate::{process::guard::Guard, workload::replay::Replay};

mod feeder;
mod wire;

pub use self::{feeder::feed, wire::Wire};

/// How long the generator may take to be ready.
const READY: Duration = Duration::from_secs(20);
/// Bytes read at once.
const READ_BYTES: usize = 256 << 10;
/// Bytes of a number that says how many records, or bytes, follow.
const COUNT_BYTES: usize = 4;

/// What a generator is to do; the block follows it.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Order {
    /// [`Wire::KIND`] of its records.
    kind: String,
    span: i64,
    events: u64,
    /// Records that are sent at once, at most.
    batch: usize,
    schedule: Schedule,
}

/// The system's end of the socket.
pub struct Feed {
    socket: UnixStream,
    /// Ends the generator with this.
    process: Guard,
    buffer: Vec<u8>,
    /// What of the buffer is read and not taken: `taken..filled`.
    taken: usize,
    filled: usize,
    /// Records of the present frame that were not taken.
    in_frame: usize,
    /// Whether the frame of no records was read: what follows are the notes.
    is_over: bool,
}

impl Feed {
    /// Starts a generator that will send `replay` at the times of `schedule`, and waits until it is ready.
    ///
    /// # Errors
    /// If it cannot be started, or is not ready in time.
    pub fn start<T: Wire>(replay: &Replay<T>, schedule: &Schedule, batch: usize) -> Result<Feed, String> {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let told = |error: std::io::Error| format!("the generator's socket: {error}");
        // ORDERING: Relaxed; it only has to be another number each time.
        let name = format!("thalweg-bench-{}-{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
        let address = SocketAddr::from_abstract_name(&name).map_err(told)?;
        let listener = UnixListener::bind_addr(&address).map_err(told)?;
        let program = program().map_err(|error| format!("the path of this program is not known: {error}"))?;
        let mut command = Command::new(program);
        command.args(["feed", &name]);
        let mut process = Guard::start(command).map_err(|error| format!("the generator cannot be started: {error}"))?;
        let socket = accept(&listener, &mut process)?;
        let order =
            Order { kind: T::KIND.into(), span: replay.span, events: replay.events, batch: batch.max(1), schedule: schedule.clone() };
        let mut block = Vec::with_capacity(replay.block.len() * T::BYTES);
        replay.block.iter().for_each(|record| record.put(&mut block));
        let mut feed = Feed { socket, process, buffer: vec![0; READ_BYTES], taken: 0, filled: 0, in_frame: 0, is_over: false };
        let order = serde_json::to_vec(&order).map_err(|error| error.to_string())?;
        feed.socket.set_read_timeout(Some(READY)).map_err(told)?;
        write_frame(&mut feed.socket, &order).and_then(|()| write_frame(&mut feed.socket, &block)).map_err(|_| feed.ended())?;
        let mut ready = [0];
        feed.socket.read_exact(&mut ready).map_err(|_| feed.ended())?;
        Ok(feed)
    }

    /// Lets it begin at the start that `pace` fixes by this.
    ///
    /// # Errors
    /// If it has ended.
    pub fn begin(&mut self, pace: &Pace) -> Result<(), String> {
        let (start, ns_per_tick) = pace.start();
        let mut words = start.to_le_bytes().to_vec();
        words.extend(ns_per_tick.to_le_bytes());
        let sent = self.socket.write_all(&words).and_then(|()| self.socket.set_nonblocking(true));
        sent.map_err(|_| self.ended())
    }

    /// Adds the records that have arrived to `records`, as long as there are fewer than `max`. Never waits. Returns whether these were the last.
    ///
    /// # Errors
    /// If the generator has ended before its last record.
    ///
    /// # Cost
    /// A system call if all that was read before is taken, and a copy of the records.
    pub fn poll<T: Wire>(&mut self, records: &mut Vec<T>, max: usize) -> Result<bool, String> {
        loop {
            if self.is_over {
                return Ok(true);
            }
            if self.in_frame == 0 {
                let Some(count) = self.buffer[self.taken..self.filled].first_chunk::<COUNT_BYTES>().copied() else {
                    if !records.is_empty() || !self.fill()? {
                        return Ok(false);
                    }
                    continue;
                };
                self.taken += COUNT_BYTES;
                self.in_frame = u32::from_le_bytes(count) as usize;
                self.is_over = self.in_frame == 0;
                if self.is_over {
                    return Ok(true);
                }
            }
            let whole = (self.filled - self.taken) / T::BYTES;
            let count = whole.min(self.in_frame).min(max - records.len().min(max));
            if count == 0 {
                if !records.is_empty() || !self.fill()? {
                    return Ok(false);
                }
                continue;
            }
            let bytes = &self.buffer[self.taken..self.taken + count * T::BYTES];
            records.extend(bytes.chunks_exact(T::BYTES).map(T::get));
            self.taken += count * T::BYTES;
            self.in_frame -= count;
        }
    }

    /// Reads what is there. Returns whether there was anything.
    fn fill(&mut self) -> Result<bool, String> {
        self.buffer.copy_within(self.taken..self.filled, 0);
        (self.filled, self.taken) = (self.filled - self.taken, 0);
        match self.socket.read(&mut self.buffer[self.filled..]) {
            Ok(0) => Err(self.ended()),
            Ok(read) => {
                self.filled += read;
                Ok(true)
            }
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => Ok(false),
            Err(_) => Err(self.ended()),
        }
    }

    /// The generator's notes, after its last record.
    ///
    /// # Errors
    /// If it ended without them.
    pub fn end(mut self, pace: &Pace) -> Result<Departures, String> {
        let mut rest = self.buffer[self.taken..self.filled].to_vec();
        let read = self.socket.set_nonblocking(false).and_then(|()| self.socket.read_to_end(&mut rest));
        read.map_err(|_| self.ended())?;
        let json = rest.get(COUNT_BYTES..).unwrap_or_default();
        let notes: Notes = serde_json::from_slice(json).map_err(|error| format!("the generator's notes: {error}"))?;
        Departures::of(pace, notes)
    }

    /// It has ended too early: says how.
    fn ended(&mut self) -> String {
        let how = self.process.end().map_or("closed its socket".to_owned(), |status| format!("ended ({status})"));
        format!("the generator {how}: {}", self.process.last_words())
    }
}

/// This program; the tests of the library are another one, which knows no `feed`.
fn program() -> std::io::Result<std::path::PathBuf> {
    std::env::var_os("THALWEG_BENCH_PROGRAM").map_or_else(std::env::current_exe, |path| Ok(path.into()))
}

/// Waits for the generator to connect.
fn accept(listener: &UnixListener, process: &mut Guard) -> Result<UnixStream, String> {
    let told = |error: std::io::Error| format!("the generator's socket: {error}");
    listener.set_nonblocking(true).map_err(told)?;
    let until = Instant::now() + READY;
    loop {
        match listener.accept() {
            Ok((socket, _)) => {
                socket.set_nonblocking(false).map_err(told)?;
                return Ok(socket);
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock && Instant::now() < until => std::thread::sleep(Duration::from_millis(2)),
            Err(_) => return Err(format!("the generator did not connect: {}", process.last_words())),
        }
    }
}

/// Bytes with their number before them.
fn write_frame(to: &mut impl Write, bytes: &[u8]) -> std::io::Result<()> {
    let count = u32::try_from(bytes.len()).map_err(|_| std::io::Error::from(ErrorKind::InvalidInput))?;
    to.write_all(&count.to_le_bytes())?;
    to.write_all(bytes)
}

fn read_frame(from: &mut impl Read) -> std::io::Result<Vec<u8>> {
    let mut count = [0; COUNT_BYTES];
    from.read_exact(&mut count)?;
    let count = u64::from(u32::from_le_bytes(count));
    let mut bytes = Vec::new();
    // As it comes: a number that lies makes no buffer of its size.
    if from.take(count).read_to_end(&mut bytes)? as u64 == count { Ok(bytes) } else { Err(ErrorKind::UnexpectedEof.into()) }
}

#[cfg(test)]
mod tests;
