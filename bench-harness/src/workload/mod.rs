//! What is computed: for each workload a seeded input, the answer that a naive oracle gives, and how rows are reduced to a checksum.
//!
//! ```text
//!   Spec (name, events, seed, block) ──▶ Input (Arc, shared by all systems) ──▶ every System ──▶ Answer
//!                                              └─────── oracle (naive, independent, rayon) ──────▶ Answer   must be equal
//! ```
//!
//! Laws
//! - An input is a function of its [`Spec`] alone (and of the file it names): same spec, same bytes.
//! - A synthetic input is a block that is replayed in laps, each shifted so that event time and sequence go on growing ([`replay`]).
//!   Every system replays with the shift applied and takes exactly [`Input::events`] records; the last lap may be partial.
//! - What a record means (the functions mapped, filtered, summed) is written once, next to the record, and shared by every system; how it
//!   is computed is each system's own. The oracles share the meaning, never the loops.
//! - An answer is compared as a multiset: the number of rows and the wrapping sum of a strong 64-bit mix of each row.

use std::{
    collections::HashMap,
    fmt,
    hash::Hasher,
    path::PathBuf,
    sync::{Arc, Mutex, OnceLock, PoisonError},
};

use foldhash::{SharedSeed, quality::FoldHasher};
use replay::Replay;

use crate::quantity;

pub(crate) mod draw;
pub mod flights;
pub mod nexmark;
mod oracle;
pub mod replay;
pub mod synthetic;
pub mod text;
pub mod windowed;
pub mod ysb;

/// The result of a run, reduced so that it can be compared: equal answers mean equal multisets of rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Answer {
    /// Number of rows.
    pub rows: u64,
    /// Wrapping sum over the rows of a 64-bit mix of all their columns.
    pub checksum: u64,
}

impl Answer {
    /// Adds a row, given as its columns in order.
    #[inline]
    pub fn add(&mut self, columns: &[u64]) {
        self.rows += 1;
        self.checksum = self.checksum.wrapping_add(row(columns));
    }

    /// The answer of both multisets together.
    #[must_use]
    pub fn merge(self, other: Answer) -> Answer {
        Answer { rows: self.rows + other.rows, checksum: self.checksum.wrapping_add(other.checksum) }
    }
}

/// A bijective 64-bit mix: every input bit reaches every output bit.
///
/// Source: the output function of SplitMix64 (Steele, Lea, Flood: "Fast splittable pseudorandom number generators", 2014).
#[inline]
pub const fn mix(value: u64) -> u64 {
    let z = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// Mixes a row's columns, in order, into 64 bits: a sum of the columns, each times a random odd number of its own, mixed once.
///
/// # Cost
/// A multiplication per column and three more: every system pays it for every row, so it must not weigh on a workload with many rows.
#[inline]
pub fn row(columns: &[u64]) -> u64 {
    let weighted = columns.iter().zip(1u64..).map(|(column, place)| column.wrapping_mul(mix(place) | 1));
    mix(weighted.fold(columns.len() as u64, u64::wrapping_add))
}

/// Hashes a text column for [`row`]: the same bytes give the same number in every system, on this machine.
///
/// # Cost
/// A few ns for a word, 10 ns for a hundred bytes: the sinks of every system pay it for every text of every row.
#[inline]
pub fn text_column(text: &str) -> u64 {
    let mut hasher = FoldHasher::with_seed(0, SharedSeed::global_fixed());
    hasher.write(text.as_bytes());
    hasher.finish()
}

/// What input is wanted.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Spec {
    /// A name out of [`names`].
    pub name: String,
    /// Records that a run takes, exactly.
    pub events: u64,
    /// Seed of everything drawn.
    pub seed: u64,
    /// Bytes of the replayed block; at least one record is taken.
    pub block_bytes: usize,
    /// A file to read in place of the workload's own (only flights are read).
    pub input: Option<PathBuf>,
}

impl Spec {
    /// Bytes of a block unless told otherwise.
    pub const BLOCK_BYTES: usize = 1 << 20;

    /// A spec with the default block and input.
    pub fn new(name: &str, events: u64, seed: u64) -> Spec {
        Spec { name: name.to_owned(), events, seed, block_bytes: Self::BLOCK_BYTES, input: None }
    }
}

/// A workload as `list workloads` shows it.
#[derive(Clone, Copy, Debug)]
pub struct WorkloadInfo {
    /// Its name on the command line and in results.
    pub name: &'static str,
    /// One line: what it computes.
    pub summary: &'static str,
    /// What an event is, in the plural: `records`, `lines`, `rows`.
    pub unit: &'static str,
    /// Bytes of an event (of text: on average, about).
    pub event_bytes: usize,
    /// Events that take the hand loop about a second on one core.
    pub default_events: u64,
    /// Most events of a run whose length is given in seconds: as many as its oracle, which keeps them all, answers within seconds and some
    /// GB. None: its oracle keeps none.
    pub checked_max: Option<u64>,
    /// Whether it has an open loop: a rate may be asked for.
    pub open_loop: bool,
    /// The suite that it is a part of, if it is: its name stands for all of them.
    pub suite: Option<&'static str>,
}

/// An input that is ready to run, and what must come out.
#[derive(Clone, Debug)]
pub struct Prepared {
    /// Shared by all systems.
    pub input: Arc<Input>,
    /// The oracle's answer.
    pub expected: Answer,
}

/// A prepared input.
pub struct Input {
    /// The workload's name.
    pub name: &'static str,
    /// Records that a run takes, exactly. For a file it may be fewer than were asked for.
    pub events: u64,
    /// The records.
    pub data: Data,
}

impl fmt::Debug for Input {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Input({}, {} events)", self.name, self.events)
    }
}

/// The records of an input, by workload.
pub enum Data {
    /// `hop`: numbers.
    Hop(Replay<u64>),
    /// `hop64`: records of 64 bytes.
    Hop64(Replay<synthetic::Wide>),
    /// `stateless`.
    Stateless(Replay<synthetic::Event>),
    /// `chain-1`, `chain-2`, …
    Chain {
        /// The records.
        replay: Replay<synthetic::Event>,
        /// Operators in the chain.
        links: u64,
    },
    /// `tumbling` and `tumbling-scattered`; of the latter `keys` says nothing that a system may use.
    Tumbling {
        /// The records.
        replay: Replay<synthetic::Event>,
        /// Keys are in `0..keys`; none if they are scattered over 64 bits.
        keys: Option<usize>,
    },
    /// `sliding`, `sliding-fine`, and `sliding-1`, `sliding-2`, …
    Sliding {
        /// The records.
        replay: Replay<synthetic::Event>,
        /// A window begins every so many ms.
        slide_ms: i64,
    },
    /// `session`.
    Session(Replay<windowed::Visit>),
    /// `join`: both streams in one.
    Join(Replay<synthetic::Event>),
    /// `disorder` and `disorder-lenient`.
    Disorder {
        /// The records.
        replay: Replay<synthetic::Event>,
        /// How long after its end a window may still be corrected, in ms.
        lateness_ms: i64,
    },
    /// `ysb`.
    Ysb {
        /// The ad events.
        replay: Replay<ysb::Ad>,
        /// The campaign of each ad, by `ad_id`.
        campaigns: Arc<[u32]>,
    },
    /// `wordcount`.
    WordCount(text::Lines),
    /// `flights`.
    Flights(flights::Flights),
    /// A query of Nexmark.
    Nexmark {
        /// Which one.
        query: nexmark::Query,
        /// The events.
        events: nexmark::Events,
        /// Keys that a growing state gets in the middle half of the events, once someone has counted them: see [`nexmark::oracle::new_keys`].
        state_keys: OnceLock<Option<u64>>,
    },
}

/// The workloads there are.
pub fn names() -> &'static [WorkloadInfo] {
    WORKLOADS
}

const fn info(name: &'static str, unit: &'static str, event_bytes: usize, default_events: u64, summary: &'static str) -> WorkloadInfo {
    let open_loop = matches!(name.as_bytes(), b"hop" | b"hop64" | b"tumbling" | b"tumbling-scattered" | b"ysb");
    WorkloadInfo { name, summary, unit, event_bytes, default_events, checked_max: None, open_loop, suite: None }
}

const fn query(query: &str, name: &'static str, suite: &'static str, default_events: u64, summary: &'static str) -> WorkloadInfo {
    let keeps_none = matches!(query.as_bytes(), b"q0" | b"q1" | b"q2" | b"q10" | b"q13" | b"q14" | b"q21" | b"q22");
    let checked_max = if keeps_none { None } else { Some(nexmark::oracle::EVENTS_MAX) };
    WorkloadInfo { suite: Some(suite), checked_max, ..info(name, "events", 220, default_events, summary) }
}

const fn keyed(name: &'static str, summary: &'static str) -> WorkloadInfo {
    WorkloadInfo { suite: Some(TUMBLING_KEYS), ..info(name, "records", 32, 40_000_000, summary) }
}

const fn windowed(name: &'static str, summary: &'static str) -> WorkloadInfo {
    WorkloadInfo { suite: Some(SLIDING_WINDOWS), ..info(name, "records", 32, 100_000_000, summary) }
}

const fn chained(name: &'static str, summary: &'static str) -> WorkloadInfo {
    WorkloadInfo { suite: Some(CHAIN), ..info(name, "records", 32, 300_000_000, summary) }
}

const fn flights(name: &'static str, summary: &'static str) -> WorkloadInfo {
    WorkloadInfo { suite: Some(FLIGHTS), ..info(name, "rows", 32, 3_000_000, summary) }
}

/// The flights: a workload, and the suite of all queries over them.
pub const FLIGHTS: &str = "flights";

/// The suite of queries over an auction site, whose events are replayed from memory.
pub const NEXMARK: &str = "nexmark";

/// The same, over events that are made as they are read: the generator's time counts.
pub const NEXMARK_INLINE: &str = "nexmark-inline";

/// Records out of order: a workload without allowed lateness, and the suite of both with and without.
pub const DISORDER: &str = "disorder";

/// The suite that shows what a record costs by the number of keys.
pub const TUMBLING_KEYS: &str = "tumbling-keys";

/// The suite that shows what a record costs by the number of windows that it belongs to.
pub const SLIDING_WINDOWS: &str = "sliding-windows";

/// How many windows a record belongs to, in a part of [`SLIDING_WINDOWS`].
pub fn windows_of(name: &str) -> Option<u64> {
    name.strip_prefix("sliding-")?.parse().ok()
}

/// The suite that shows what a record costs by the length of the chain of operators that it passes.
pub const CHAIN: &str = "chain";

/// How many operators are in the chain of a part of [`CHAIN`].
pub fn links_of(name: &str) -> Option<u64> {
    name.strip_prefix("chain-")?.parse().ok()
}

/// How many keys a part of [`TUMBLING_KEYS`] has.
pub fn keys_of(name: &str) -> Option<u64> {
    quantity::count(name.strip_prefix("tumbling-")?).ok()
}

/// The workloads, and each query twice: replayed, and made inline.
macro_rules! workloads {
    ([$($info:expr,)*] [$($query:literal $events:literal $summary:literal,)*]) => {
        &[
            $($info,)*
            $(query($query, $query, NEXMARK, $events, $summary),)*
            $(query($query, concat!($query, "-inline"), NEXMARK_INLINE, $events, concat!($summary, ", of events made on the way")),)*
        ]
    };
}

const WORKLOADS: &[WorkloadInfo] = workloads! {
    [
        info("hop", "records", 8, 500_000_000, "u64 records from one core to another: count and checksum"),
        info("hop64", "records", 64, 200_000_000, "64-byte records from one core to another: count and checksum"),
        info("stateless", "records", 32, 500_000_000, "map, a filter that keeps half, map; sum and count"),
        info("tumbling", "records", 32, 300_000_000, "sum and count per key in 1 s windows, keys 0..10,000"),
        info("tumbling-scattered", "records", 32, 150_000_000, "sum and count per key in 1 s windows, 10,000 keys scattered over 64 bits"),
        info("sliding", "records", 32, 300_000_000, "average per key in 10 s windows that slide by 1 s, keys 0..1,000"),
        info("sliding-fine", "records", 32, 300_000_000, "average per key in 10 s windows that slide by 100 ms, keys 0..1,000"),
        info("session", "records", 16, 300_000_000, "count per key and session, gap 10 s, keys 0..10,000"),
        info("join", "events", 32, 20_000_000, "two streams joined by key where event times are at most 1 s apart"),
        info(DISORDER, "records", 32, 150_000_000, "tumbling out of order by up to 0.5 s, and one record of 100 later than that"),
        WorkloadInfo {
            suite: Some(DISORDER),
            ..info("disorder-lenient", "records", 32, 150_000_000, "the same, and windows are corrected for 1 s after their end")
        },
        info("ysb", "records", 64, 300_000_000, "ad views per campaign in 10 s windows (Yahoo Streaming Benchmark, in memory)"),
        info("wordcount", "lines", 70, 5_000_000, "lines of ten words: how often each word occurs"),
        info(FLIGHTS, "rows", 32, 3_000_000, "US domestic flights from a CSV file: delays per origin airport and hour"),
        flights("flights-top", "the same flights: the ten airports with the greatest mean delay of each day"),
        flights("flights-sessions", "the same flights: delayed ones per origin airport, until an hour passes without"),
        keyed("tumbling-10", "as tumbling, 10 keys, ten million records a window"),
        keyed("tumbling-100", "the same, 100 keys"),
        keyed("tumbling-1k", "the same, 1,000 keys"),
        keyed("tumbling-10k", "the same, 10,000 keys"),
        keyed("tumbling-100k", "the same, 100,000 keys"),
        keyed("tumbling-1M", "the same, a million keys"),
        keyed("tumbling-10M", "the same, ten million keys"),
        windowed("sliding-1", "as sliding, in 10 s windows that slide by 10 s: each record belongs to one"),
        windowed("sliding-2", "the same, each record belongs to 2"),
        windowed("sliding-10", "the same, each record belongs to 10"),
        windowed("sliding-100", "the same, each record belongs to 100"),
        windowed("sliding-1000", "the same, each record belongs to 1,000"),
        chained("chain-1", "a map that adds, shifts and exclusive-ors; sum and count"),
        chained("chain-2", "the same, a chain of 2 maps"),
        chained("chain-4", "the same, a chain of 4 maps"),
        chained("chain-8", "the same, a chain of 8 maps"),
        chained("chain-16", "the same, a chain of 16 maps"),
    ]
    [
        "q0" 16_000_000 "every bid as it is",
        "q1" 16_000_000 "every bid, its price converted",
        "q2" 32_000_000 "bids on every 123rd auction",
        "q3" 16_000_000 "auctions of a category joined with sellers of three states",
        "q4" 4_000_000 "average winning price of each category",
        "q5" 4_000_000 "auctions with the most bids, 10 s windows that slide by 2 s",
        "q6" 4_000_000 "average of each seller's last ten winning prices",
        "q7" 16_000_000 "bids at the highest price of each 10 s window",
        "q8" 16_000_000 "persons who register and sell within 10 s",
        "q9" 2_000_000 "the winning bid of each auction",
        "q10" 1_000_000 "every bid to files by day and minute",
        "q11" 4_000_000 "bids of each bidder per session",
        "q12" 8_000_000 "bids of each bidder per 10 s in which they are handled (here: their event time)",
        "q13" 16_000_000 "bids joined with a side input",
        "q14" 16_000_000 "bids of a range of prices, with a count of letters",
        "q15" 4_000_000 "statistics of each day",
        "q16" 4_000_000 "statistics of each channel and day",
        "q17" 4_000_000 "statistics of each auction and day",
        "q18" 2_000_000 "the last bid of each bidder on each auction",
        "q19" 2_000_000 "the ten highest bids of each auction",
        "q20" 4_000_000 "bids joined with their auction",
        "q21" 16_000_000 "bids with their channel's id",
        "q22" 16_000_000 "bids with parts of their url",
        "q23" 2_000_000 "bids joined with bidder and auctions, three ways",
    ]
};

/// Makes a workload's input and the answer that is right for it. Answers of synthetic inputs are remembered as long as the process lives.
///
/// # Errors
/// A message that says what is wrong with the spec (an unknown name, no events), or which file cannot be read.
pub fn prepare(spec: &Spec) -> Result<Prepared, String> {
    let info = checked(spec)?;
    let Some(data) = synthetic_data(info, spec)? else {
        let (flights, rows) = flights::open(flights_query(info.name), spec.input.as_deref(), spec.events)?;
        let expected = flights::oracle::answer(flights.query, &rows);
        return Ok(Prepared { input: Arc::new(Input { name: info.name, events: spec.events, data: Data::Flights(flights) }), expected });
    };
    let expected = remembered(spec, || oracle::answer(&data));
    Ok(Prepared { input: Arc::new(Input { name: info.name, events: spec.events, data }), expected })
}

/// Makes a workload's input alone, without an answer.
///
/// # Errors
/// As [`prepare`].
pub fn input(spec: &Spec) -> Result<Input, String> {
    let info = checked(spec)?;
    let data = match synthetic_data(info, spec)? {
        Some(data) => data,
        None => Data::Flights(flights::open(flights_query(info.name), spec.input.as_deref(), spec.events)?.0),
    };
    Ok(Input { name: info.name, events: spec.events, data })
}

/// The workload that a spec is of, if the spec makes sense.
fn checked(spec: &Spec) -> Result<&'static WorkloadInfo, String> {
    let known = || names().iter().map(|info| info.name).collect::<Vec<_>>().join(", ");
    let info = names().iter().find(|info| info.name == spec.name);
    let info = info.ok_or_else(|| format!("there is no workload `{}`; there are {}", spec.name, known()))?;
    if spec.events == 0 {
        return Err(format!("{} needs at least one event", spec.name));
    }
    if spec.input.is_some() && !is_flights(&spec.name) {
        return Err(format!("{} makes its own input; --input is for flights", spec.name));
    }
    Ok(info)
}

/// The records of a workload that makes its own: of all but `flights`.
fn synthetic_data(info: &WorkloadInfo, spec: &Spec) -> Result<Option<Data>, String> {
    let Spec { seed, events, block_bytes, .. } = *spec;
    Ok(Some(match info.name {
        "hop" => Data::Hop(synthetic::hop(seed, events, block_bytes)),
        "hop64" => Data::Hop64(synthetic::hop64(seed, events, block_bytes)),
        "stateless" => Data::Stateless(synthetic::stateless(seed, events, block_bytes)),
        "tumbling" => {
            let replay = synthetic::tumbling(seed, events, block_bytes, false);
            Data::Tumbling { replay, keys: Some(synthetic::KEYS as usize) }
        }
        "tumbling-scattered" => Data::Tumbling { replay: synthetic::tumbling(seed, events, block_bytes, true), keys: None },
        name if keys_of(name).is_some() => {
            let keys = keys_of(name).unwrap_or(1);
            Data::Tumbling { replay: synthetic::keyed(seed, keys, events, block_bytes), keys: Some(keys as usize) }
        }
        name if links_of(name).is_some() => {
            let replay = synthetic::stateless(seed, events, block_bytes);
            Data::Chain { replay, links: links_of(name).unwrap_or(1) }
        }
        name if windows_of(name).is_some() => {
            let windows = windows_of(name).unwrap_or(1) as i64;
            Data::Sliding { replay: windowed::sliding(seed, events, block_bytes), slide_ms: windowed::SLIDING_MS / windows }
        }
        "sliding" => Data::Sliding { replay: windowed::sliding(seed, events, block_bytes), slide_ms: 1_000 },
        "sliding-fine" => Data::Sliding { replay: windowed::sliding(seed, events, block_bytes), slide_ms: 100 },
        "session" => Data::Session(windowed::session(seed, events, block_bytes)),
        "join" => Data::Join(windowed::join(seed, events, block_bytes)),
        "disorder" => Data::Disorder { replay: windowed::disorder(seed, events, block_bytes), lateness_ms: 0 },
        "disorder-lenient" => Data::Disorder { replay: windowed::disorder(seed, events, block_bytes), lateness_ms: windowed::LATENESS_MS },
        "ysb" => Data::Ysb { replay: ysb::generate(seed, events, block_bytes), campaigns: ysb::campaigns(seed) },
        "wordcount" => Data::WordCount(text::generate(seed, events, block_bytes)),
        name if is_flights(name) => return Ok(None),
        query => match query.strip_suffix("-inline") {
            Some(query) => {
                let generator = nexmark::Generator::new(seed, nexmark::Options::default())?;
                Data::Nexmark { query: query.parse()?, events: nexmark::Inline::new(generator, events).into(), state_keys: OnceLock::new() }
            }
            None => Data::Nexmark {
                query: query.parse()?,
                events: nexmark::replay_of(seed, events, block_bytes)?.into(),
                state_keys: OnceLock::new(),
            },
        },
    }))
}

/// Whether it reads flights from a file.
fn is_flights(name: &str) -> bool {
    name == FLIGHTS || name.starts_with("flights-")
}

/// The query of a workload that reads flights.
fn flights_query(name: &str) -> flights::Query {
    match name {
        "flights-top" => flights::Query::Top,
        "flights-sessions" => flights::Query::Sessions,
        _ => flights::Query::Hourly,
    }
}

/// The oracle's answer for a spec, computed once a process.
fn remembered(spec: &Spec, answer: impl FnOnce() -> Answer) -> Answer {
    static ANSWERS: Mutex<Option<HashMap<Spec, Answer>>> = Mutex::new(None);
    let lock = || ANSWERS.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(&known) = lock().get_or_insert_default().get(spec) {
        return known;
    }
    let fresh = answer();
    lock().get_or_insert_default().insert(spec.clone(), fresh);
    fresh
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn every_name_prepares_and_the_same_spec_gives_the_same_answer() {
        for info in names() {
            // Of some queries one in ten thousand events makes a row.
            let spec = Spec { block_bytes: 1 << 20, ..Spec::new(info.name, 12_345, 7) };
            let prepared = prepare(&spec).unwrap();
            assert_eq!(prepared.input.events, 12_345, "{}", info.name);
            assert_eq!(prepare(&spec).unwrap().expected, prepared.expected);
            assert!(prepared.expected.rows > 0);
        }
    }

    #[test]
    fn only_oracles_that_keep_events_bound_a_run() {
        for info in names() {
            let query = info.name.trim_end_matches("-inline").parse::<nexmark::Query>();
            let keeps_all = query.is_ok_and(|query| !query.is_by_event());
            assert_eq!(info.checked_max.is_some(), keeps_all, "{}", info.name);
        }
    }

    #[test]
    fn seeds_give_different_answers() {
        for info in names().iter().filter(|info| !is_flights(info.name)) {
            let answer = |seed| prepare(&Spec { block_bytes: 1 << 20, ..Spec::new(info.name, 12_345, seed) }).unwrap().expected;
            assert_ne!(answer(1), answer(2), "{}", info.name);
        }
    }

    #[test]
    fn nonsense_is_refused_with_a_remedy() {
        assert!(prepare(&Spec::new("hopp", 1, 1)).unwrap_err().contains("hop64"));
        assert!(prepare(&Spec::new("hop", 0, 1)).is_err());
        assert!(prepare(&Spec { input: Some("x.csv".into()), ..Spec::new("hop", 1, 1) }).is_err());
        assert!(prepare(&Spec { input: Some("no-such.csv".into()), ..Spec::new("flights", 1, 1) }).unwrap_err().contains("no-such.csv"));
    }

    #[test]
    fn answers_tell_columns_rows_and_multiplicities_apart() {
        let answer = |rows: &[&[u64]]| {
            rows.iter().fold(Answer::default(), |mut answer, row| {
                answer.add(row);
                answer
            })
        };
        assert_eq!(answer(&[&[1, 2], &[3, 4]]), answer(&[&[3, 4], &[1, 2]]));
        assert_ne!(answer(&[&[1, 2]]), answer(&[&[2, 1]]));
        assert_ne!(answer(&[&[1, 2], &[3, 4]]), answer(&[&[1, 4], &[3, 2]]));
        assert_ne!(answer(&[&[1], &[1]]), answer(&[&[1]]));
        assert_ne!(text_column("ab"), text_column("ab\0"));
        assert_eq!(answer(&[&[1, 2]]).merge(answer(&[&[3, 4]])), answer(&[&[1, 2], &[3, 4]]));
    }
}
