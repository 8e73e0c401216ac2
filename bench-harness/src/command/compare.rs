//! `thalweg-bench compare`: better, worse or not distinguishable; a guard for a CI.

use std::{
    fs,
    io::IsTerminal,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::OnceLock,
    time::{SystemTime, UNIX_EPOCH},
};

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use thalweg_bench::{
    compare::{
        comparison::{self, How, Together},
        interleave::{self, Contender},
        text,
    },
    quantity,
    report::{
        compare::summarise,
        folder::{self, Definition, Folder, Results},
        row::Row,
    },
    run::environment::Environment,
};

use super::{EXIT_FAILED, Format, print, usage};

pub(crate) const EXAMPLES: &str = "\
Examples:
  thalweg-bench compare results/before results/after
  thalweg-bench compare results/before results/after --beside hand,rtrb
  thalweg-bench compare --run ./before/thalweg-bench . -- tumbling --system thalweg --events 20M
  thalweg-bench compare --run '. --batch 256' '. --batch 2048' -- ysb --system thalweg --events 5M
  thalweg-bench compare --run ./main . --threshold 3% --out results/gate -- tumbling ysb --system thalweg --events 10M

With --run, both are run in turns, each time in a fresh process, in an order that a coin chooses: only so are a few per cent told from what
the machine does. Give --events, so that both do the same work, and keep runs short (0.1 s) rather than few.

Exit code: 0 if nothing is worse beyond the threshold, 1 if something is, or failed, 2 if there is nothing to compare.";

/// Stands in the definition of rows that were run in pairs: the same value in both folders says that they belong together.
const PAIRED: &str = "paired";

#[derive(Args)]
pub(crate) struct CompareArgs {
    /// A result folder or a file of rows; with --run a program and what it alone is told, `.` for this program
    a: String,
    /// The same, to be judged against A
    b: String,
    /// Run A and B in turns, in fresh processes; what both are told stands after `--`, as for `run`
    #[arg(long)]
    run: bool,
    /// Pairs to run
    #[arg(long, default_value_t = interleave::PAIRS_DEFAULT, value_parser = clap::value_parser!(u32).range(1..=1000), requires = "run")]
    pairs: u32,
    /// Seed of the coin
    #[arg(long, default_value = "42", value_parser = quantity::seed, requires = "run")]
    coin: u64,
    /// The loss from which a difference fails: 2%, 0.05
    #[arg(long, default_value = "2%", value_parser = share)]
    threshold: f64,
    /// Confidence of all intervals together
    #[arg(long, default_value = "99%", value_parser = confidence)]
    confidence: f64,
    /// Folders of different moments: by how much the machine may have changed in between
    #[arg(long, default_value = "5%", value_parser = share, conflicts_with = "run")]
    allow: f64,
    /// Folders of different moments: systems that are the same in both, and ran beside; takes out what the machine changed
    #[arg(long, value_delimiter = ',', value_name = "SYSTEM", conflicts_with_all = ["run", "allow"])]
    beside: Vec<String>,
    /// How the result is printed
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
    /// With --run: keep the rows in DIR/a and DIR/b, and the comparison in DIR/comparison.json
    #[arg(long, value_name = "DIR", requires = "run")]
    out: Option<PathBuf>,
    /// With --run: what both are told, as for `run`
    #[arg(last = true, value_name = "RUN ARGUMENTS")]
    both: Vec<String>,
}

/// A share: `2%` or `0.02`.
pub(crate) fn share(text: &str) -> Result<f64, String> {
    let (number, scale) = text.strip_suffix('%').map_or((text, 1.0), |number| (number, 100.0));
    let share = number.trim().parse::<f64>().ok().map(|number| number / scale);
    share.filter(|share| (0.0..=10.0).contains(share)).ok_or_else(|| format!("`{text}` is not a share, for example 2% or 0.02"))
}

fn confidence(text: &str) -> Result<f64, String> {
    let confidence = share(text)?;
    if (0.5..1.0).contains(&confidence) { Ok(confidence) } else { Err(format!("`{text}` is not between 50% and 100%")) }
}

pub(crate) fn run(arguments: &CompareArgs) -> ExitCode {
    if !arguments.run && !arguments.both.is_empty() {
        return usage("what follows `--` is for `--run`; two folders need nothing more");
    }
    let sides = if arguments.run { in_turns(arguments) } else { from_folders(arguments) };
    let (a, b, together) = match sides {
        Ok(sides) => sides,
        Err(why) => return usage(&why),
    };
    let how = How { together, confidence: arguments.confidence, threshold: arguments.threshold };
    let comparison = comparison::compare(&a, &b, &how);
    let json = serde_json::to_string(&comparison).map_err(|error| error.to_string());
    let written = match (&arguments.out, &json) {
        (Some(out), Ok(json)) => fs::write(out.join("comparison.json"), format!("{json}\n")).map_err(|error| error.to_string()),
        _ => Ok(()),
    };
    let shown = match (arguments.format, json) {
        (_, Err(why)) => return usage(&why),
        (Format::Json, Ok(json)) => print(&format!("{json}\n")),
        (Format::Csv, _) => return usage("a comparison is printed as table or json"),
        (Format::Table, _) => print(&text::draw(&comparison, &how)),
    };
    if let Err(why) = written {
        return usage(&format!("the comparison cannot be kept: {why}"));
    }
    if comparison.lines.is_empty() {
        return usage("A and B have no work in common: the same workload, system and configuration on both sides");
    }
    if comparison.has_regression() { ExitCode::from(EXIT_FAILED) } else { shown }
}

type Sides = (Vec<Row>, Vec<Row>, Together);

fn from_folders(arguments: &CompareArgs) -> Result<Sides, String> {
    let paths = [&arguments.a, &arguments.b].map(Path::new);
    let [a, b] = paths.map(|path| folder::rows(path).map_err(|error| error.to_string()));
    let (a, b) = (a?, b?);
    let [mark_a, mark_b] = paths.map(|path| Results::read(path).ok().and_then(|results| results.definition().asked.get(PAIRED).cloned()));
    let is_paired = arguments.a != arguments.b && mark_a.is_some() && mark_a == mark_b;
    let together = match &arguments.beside {
        names if !names.is_empty() => Together::Beside(names.clone()),
        _ if is_paired => Together::InPairs,
        _ => Together::Apart(arguments.allow),
    };
    Ok((a, b, together))
}

fn in_turns(arguments: &CompareArgs) -> Result<Sides, String> {
    let this = std::env::current_exe().map_err(|error| format!("the path of this program is not known: {error}"))?;
    let contenders = [Contender::parse(&arguments.a, &this)?, Contender::parse(&arguments.b, &this)?];
    if arguments.both.is_empty() && contenders.iter().any(|contender| contender.arguments.is_empty()) {
        return Err("say what to run after `--`, for example `-- tumbling --system thalweg --events 10M`".into());
    }
    let environment = Environment::read();
    let mut kept = match &arguments.out {
        Some(out) => Some([keep(&out.join("a"), &arguments.a, &environment)?, keep(&out.join("b"), &arguments.b, &environment)?]),
        None => None,
    };
    let bar = if std::io::stderr().is_terminal() { ProgressBar::new(u64::from(arguments.pairs)) } else { ProgressBar::hidden() };
    let style = ProgressStyle::with_template("{elapsed:>4} {bar:24} pair {pos}/{len}, {eta} left");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar.tick();
    let mut rows = [Vec::new(), Vec::new()];
    let mut order = 0;
    for (pair, b_first) in interleave::order(arguments.pairs, arguments.coin).into_iter().enumerate() {
        for side in if b_first { [1, 0] } else { [0, 1] } {
            let got = interleave::once(&contenders[side], &arguments.both, pair as u32, order)?;
            order += got.len() as u64;
            if let Some(folder) = kept.as_mut().map(|folders| &mut folders[side]) {
                got.iter().try_for_each(|row| folder.row(row, [])).map_err(not_kept)?;
            }
            rows[side].extend(got);
        }
        bar.inc(1);
    }
    bar.finish_and_clear();
    for (folder, rows) in kept.into_iter().flatten().zip(&rows) {
        folder.finish(rows, &summarise(rows, &[]), &environment).map_err(not_kept)?;
    }
    let [a, b] = rows;
    Ok((a, b, Together::InPairs))
}

fn not_kept(error: std::io::Error) -> String {
    format!("the rows cannot be kept: {error}")
}

/// A folder for the rows of one side, marked with the session that it belongs to: the process, and when it began.
fn keep(path: &Path, contender: &str, environment: &Environment) -> Result<Folder, String> {
    let session = format!("{} {}", std::process::id(), process_began_ns());
    let asked = serde_json::json!({ PAIRED: session, "contender": contender });
    let definition = Definition::new(std::env::args().collect(), asked);
    Folder::create(path, environment, definition).map_err(|error| format!("{} cannot hold the rows: {error}", path.display()))
}

/// The same number whenever this process asks.
fn process_began_ns() -> u128 {
    static BEGAN: OnceLock<u128> = OnceLock::new();
    *BEGAN.get_or_init(|| SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos()))
}
