//! `thalweg-bench generate`: a workload's input as a file.

use std::{path::PathBuf, process::ExitCode};

use clap::{Args, ValueEnum, builder::PossibleValuesParser};
use thalweg_bench::{
    generate::{Format, GenerateError, NEXMARK, Request, generate},
    quantity::{self, Rate},
    workload::{
        self,
        nexmark::{Kind, Options},
    },
};

use super::{EXIT_FAILED, usage};

pub(crate) const EXAMPLES: &str = "\
Examples:
  thalweg-bench generate nexmark --events 1M -o events.jsonl
        one event a line: {\"person\":{…}}, {\"auction\":{…}} or {\"bid\":{…}}, in order of arrival
  thalweg-bench generate nexmark --events 1M --format csv --kind bid -o bids.csv
        the bids among the same million events, under a header line
  thalweg-bench generate nexmark --events 1M --rate 100 --disorder 2s -o slow.jsonl
        100 events a second of event time (2.8 hours), each up to 2 s late
  thalweg-bench generate nexmark --events 20 -o - | head
  thalweg-bench generate ysb --events 100k --format csv -o ads.csv

The same workload, events, seed and options make the same bytes. The file gets its name once it is whole.

Exit code: 0 if it was written, 1 if it could not be, 2 if the command line was wrong.";

#[derive(Args)]
pub(crate) struct GenerateArgs {
    /// What to make
    #[arg(value_name = "WORKLOAD", value_parser = PossibleValuesParser::new(names()))]
    workload: String,
    /// Events to make: 500, 10k, 1M
    #[arg(long, value_parser = quantity::count, value_name = "N")]
    events: u64,
    /// The file to write; `-` is standard output. A file that is there is replaced
    #[arg(short, long, value_name = "FILE")]
    out: PathBuf,
    /// Seed of all that is drawn
    #[arg(long, default_value = "42", value_parser = quantity::seed)]
    seed: u64,
    /// How to write it
    #[arg(long, value_enum, default_value_t = FormatName::Jsonl)]
    format: FormatName,
    #[command(flatten)]
    nexmark: NexmarkArgs,
}

#[derive(Args)]
#[command(next_help_heading = "Options of nexmark")]
struct NexmarkArgs {
    /// Of the events made, write only those of a kind; csv and parquet hold only one
    #[arg(long, value_enum)]
    kind: Option<KindName>,
    /// Events per second of event time [default: 10k]
    #[arg(long, value_parser = rate, value_name = "R")]
    rate: Option<u64>,
    /// Event time of the first event, in ms since 1970 [default: 1700000000000]
    #[arg(long, value_name = "MS", allow_hyphen_values = true)]
    first_time: Option<i64>,
    /// How late events may arrive, in event time; queries take up to 3999ms [default: 0]
    #[arg(long, value_parser = disorder_ms, value_name = "S")]
    disorder: Option<i64>,
    /// Persons, auctions and bids of an epoch, in this order [default: 1:3:46]
    #[arg(long, value_parser = triple, value_name = "P:A:B")]
    mix: Option<[u32; 3]>,
    /// All but one in so many bids are on the hot auction [default: 2]
    #[arg(long, value_name = "N")]
    hot_auctions: Option<u32>,
    /// All but one in so many auctions are by the hot seller [default: 4]
    #[arg(long, value_name = "N")]
    hot_sellers: Option<u32>,
    /// All but one in so many bids are by the hot bidder [default: 4]
    #[arg(long, value_name = "N")]
    hot_bidders: Option<u32>,
    /// Auctions open at a time, about [default: 100]
    #[arg(long, value_name = "N")]
    in_flight: Option<u32>,
    /// Latest persons who sell and bid [default: 1000]
    #[arg(long, value_name = "N")]
    active: Option<u32>,
    /// Average bytes of a person, an auction and a bid [default: 200:500:100]
    #[arg(long, value_parser = triple, value_name = "P:A:B")]
    sizes: Option<[u32; 3]>,
}

#[derive(Clone, Copy, ValueEnum)]
enum FormatName {
    /// A JSON object a line
    Jsonl,
    /// Comma-separated values, with a header line
    Csv,
    /// Apache Parquet, if this program was built with it
    Parquet,
}

#[derive(Clone, Copy, ValueEnum)]
enum KindName {
    Person,
    Auction,
    Bid,
}

fn names() -> Vec<&'static str> {
    std::iter::once(NEXMARK).chain(workload::names().iter().filter(|info| info.suite.is_none()).map(|info| info.name)).collect()
}

/// A whole number of events per second.
fn rate(text: &str) -> Result<u64, String> {
    match quantity::rate(text)? {
        Rate::PerSecond(rate) if rate.fract() == 0.0 && rate < 1e18 => Ok(rate as u64),
        Rate::PerSecond(_) => Err(format!("`{text}` is not a whole number of events per second")),
        Rate::OfClosedLoop(_) => Err("event time has no closed loop: give a number of events per second".into()),
    }
}

fn disorder_ms(text: &str) -> Result<i64, String> {
    Ok((super::floor_length(text)? * 1000.0).round() as i64)
}

/// Three whole numbers with colons between them.
fn triple(text: &str) -> Result<[u32; 3], String> {
    let numbers: Option<Vec<u32>> = text.split(':').map(|part| part.parse().ok()).collect();
    numbers.and_then(|numbers| numbers.try_into().ok()).ok_or_else(|| format!("`{text}` is not three whole numbers such as 1:3:46"))
}

impl NexmarkArgs {
    /// The name of an option that is given, if any is.
    fn given(&self) -> Option<&'static str> {
        let NexmarkArgs { kind, rate, first_time, disorder, mix, hot_auctions, hot_sellers, hot_bidders, in_flight, active, sizes } = self;
        let all = [
            ("--kind", kind.is_some()),
            ("--rate", rate.is_some()),
            ("--first-time", first_time.is_some()),
            ("--disorder", disorder.is_some()),
            ("--mix", mix.is_some()),
            ("--hot-auctions", hot_auctions.is_some()),
            ("--hot-sellers", hot_sellers.is_some()),
            ("--hot-bidders", hot_bidders.is_some()),
            ("--in-flight", in_flight.is_some()),
            ("--active", active.is_some()),
            ("--sizes", sizes.is_some()),
        ];
        all.into_iter().find(|(_, is_given)| *is_given).map(|(name, _)| name)
    }

    fn options(&self) -> Options {
        let usual = Options::default();
        let [persons, auctions, bids] = self.mix.unwrap_or([usual.persons, usual.auctions, usual.bids]);
        let [person_bytes, auction_bytes, bid_bytes] = self.sizes.unwrap_or([usual.person_bytes, usual.auction_bytes, usual.bid_bytes]);
        Options {
            rate_per_s: self.rate.unwrap_or(usual.rate_per_s),
            first_time: self.first_time.unwrap_or(usual.first_time),
            persons,
            auctions,
            bids,
            hot_auction_ratio: self.hot_auctions.unwrap_or(usual.hot_auction_ratio),
            hot_seller_ratio: self.hot_sellers.unwrap_or(usual.hot_seller_ratio),
            hot_bidder_ratio: self.hot_bidders.unwrap_or(usual.hot_bidder_ratio),
            in_flight_auctions: self.in_flight.unwrap_or(usual.in_flight_auctions),
            active_persons: self.active.unwrap_or(usual.active_persons),
            person_bytes,
            auction_bytes,
            bid_bytes,
            disorder_ms: self.disorder.unwrap_or(usual.disorder_ms),
        }
    }
}

pub(crate) fn run(arguments: GenerateArgs) -> ExitCode {
    let GenerateArgs { workload, events, out, seed, format, nexmark } = arguments;
    if let Some(option) = nexmark.given().filter(|_| workload != NEXMARK) {
        return usage(&format!("{option} is an option of nexmark, and means nothing for {workload}"));
    }
    let request = Request {
        workload,
        events,
        seed,
        format: match format {
            FormatName::Jsonl => Format::JsonLines,
            FormatName::Csv => Format::Csv,
            FormatName::Parquet => Format::Parquet,
        },
        out,
        nexmark: nexmark.options(),
        kind: nexmark.kind.map(|kind| match kind {
            KindName::Person => Kind::Person,
            KindName::Auction => Kind::Auction,
            KindName::Bid => Kind::Bid,
        }),
    };
    match generate(&request) {
        Ok(()) => ExitCode::SUCCESS,
        // A reader that has had enough (`| head`) is no fault.
        Err(GenerateError::Write { source, .. }) if source.kind() == std::io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(GenerateError::Refused(why)) => usage(&why),
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(EXIT_FAILED)
        }
    }
}
