//! How long the same job is in each system: counted in the programs that the harness runs, as they stand in this repository.
//!
//! A job's length is that of the functions and classes that make it up, without blank lines and comments. Serialisers, sources and sinks are left out
//! of all; what a function holds to carry the answer to the harness is counted, since a program has something in its place.

use std::sync::OnceLock;

/// A job in one system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Length {
    /// The workload.
    pub job: &'static str,
    /// The contender.
    pub contender: &'static str,
    /// Lines.
    pub lines: usize,
}

/// A piece of a program: the text of a file, and where in it a function or class begins.
type Piece = (&'static str, &'static str);

macro_rules! flink {
    ($class:literal) => {
        include_str!(concat!("../../../peers/jvm/src/main/java/thalweg/peers/flink/", $class, ".java"))
    };
}

const THALWEG: &str = include_str!("../../system/thalweg/pipelines.rs");
const TIMELY: &str = include_str!("../../system/peers/timely/windows.rs");
const RENOIR: &str = include_str!("../../system/peers/renoir/windows.rs");
const BUILD: &str = "void build(Plan plan)";

/// What timely's windows of any kind are made of.
const TIMELY_WINDOWS: [Piece; 3] = [(TIMELY, "impl<P> Open<P>"), (TIMELY, "fn partials<"), (TIMELY, "fn merge<")];
/// The same of renoir.
const RENOIR_WINDOWS: [Piece; 5] =
    [(RENOIR, "impl<P: Pane> Cut<P>"), (RENOIR, "> Join<S, N>"), (RENOIR, "for Tumbling<P>"), (RENOIR, "fn join<"), (RENOIR, "fn cut<")];

/// The same of Flink, tuned; what the plain programs have in its place is Flink's own.
const FLINK_WINDOWS: [Piece; 6] = [
    (flink!("combine/Combiner"), "final class Combiner"),
    (flink!("combine/Slices"), "final class Slices"),
    (flink!("combine/KeyTable"), "final class KeyTable"),
    (flink!("job/Adding"), "abstract class Adding"),
    (flink!("job/AddUp"), "final class AddUp"),
    (flink!("job/NameWindow"), "final class NameWindow"),
];
/// What Flink's plain windows need beside its own.
const FLINK_PLAIN_WINDOWS: [Piece; 2] =
    [(flink!("job/Adding"), "abstract class Adding"), (flink!("job/NameWindow"), "final class NameWindow")];

/// A job in one system: the pieces that it shares with others, and its own.
type Program = (&'static str, &'static [Piece], &'static [Piece]);

/// The jobs in each system.
const JOBS: [(&str, &[Program]); 3] = [
    (
        "stateless",
        &[
            ("thalweg", &[], &[(THALWEG, "fn stateless(")]),
            ("timely", &[], &[(include_str!("../../system/peers/timely/stateless.rs"), "fn run(")]),
            ("renoir", &[], &[(include_str!("../../system/peers/renoir/stateless.rs"), "fn run(")]),
            ("Flink", &[], &[(flink!("job/Stateless"), BUILD), (flink!("job/Stateless"), "SingleOutputStreamOperator<Event> fused(")]),
            (
                "Flink, newcomer",
                &[],
                &[(flink!("job/Stateless"), BUILD), (flink!("job/Stateless"), "SingleOutputStreamOperator<Event> steps(")],
            ),
        ],
    ),
    (
        "tumbling",
        &[
            ("thalweg", &[], &[(THALWEG, "fn tumbling_between<")]),
            ("timely", &TIMELY_WINDOWS, &[(TIMELY, "fn sum<")]),
            ("renoir", &RENOIR_WINDOWS, &[(RENOIR, "fn sum<")]),
            (
                "Flink",
                &FLINK_WINDOWS,
                &[(flink!("job/Tumbling"), BUILD), (flink!("job/EventWindows"), "SingleOutputStreamOperator<Totals> combined(")],
            ),
            (
                "Flink, newcomer",
                &FLINK_PLAIN_WINDOWS,
                &[
                    (flink!("job/Tumbling"), BUILD),
                    (flink!("job/EventWindows"), "SingleOutputStreamOperator<Totals> plain("),
                    (flink!("job/SumAndCount"), "final class SumAndCount"),
                ],
            ),
        ],
    ),
    (
        "ysb",
        &[
            ("thalweg", &[], &[(THALWEG, "fn ysb_between<")]),
            ("timely", &TIMELY_WINDOWS, &[(TIMELY, "fn ysb(")]),
            ("renoir", &RENOIR_WINDOWS, &[(RENOIR, "fn ysb(")]),
            (
                "Flink",
                &FLINK_WINDOWS,
                &[
                    (flink!("job/Ysb"), BUILD),
                    (flink!("job/Ysb"), "SingleOutputStreamOperator<Totals> combined("),
                    (flink!("job/Ysb"), "record CountViews"),
                ],
            ),
            (
                "Flink, newcomer",
                &FLINK_PLAIN_WINDOWS,
                &[
                    (flink!("job/Ysb"), BUILD),
                    (flink!("job/Ysb"), "SingleOutputStreamOperator<Totals> plain("),
                    (flink!("job/Campaigns"), "final class Campaigns"),
                    (flink!("job/Count"), "final class Count"),
                ],
            ),
        ],
    ),
];

/// Every job in every system whose program is here.
pub fn lengths() -> &'static [Length] {
    static LENGTHS: OnceLock<Vec<Length>> = OnceLock::new();
    LENGTHS.get_or_init(|| {
        let of_job = |(job, programs): &(&'static str, &'static [Program])| {
            let job = *job;
            programs.iter().filter_map(move |(contender, shared, own)| {
                // A test finds every piece.
                let lines = shared.iter().chain(*own).map(|(source, signature)| lines_of(source, signature)).sum::<Option<usize>>()?;
                Some(Length { job, contender, lines })
            })
        };
        JOBS.iter().flat_map(of_job).collect()
    })
}

/// Lines of the function that begins where `signature` stands, in a language of braces; none if it does not stand there, or does not end.
fn lines_of(source: &str, signature: &str) -> Option<usize> {
    let start = source.find(signature)?;
    let start = source[..start].rfind('\n').map_or(0, |end| end + 1);
    let (mut depth, mut lines, mut in_comment) = (0i32, 0, false);
    for line in source[start..].lines() {
        let code = line.trim();
        let is_comment = in_comment || code.starts_with("//") || code.starts_with("/*");
        if code.starts_with("/*") {
            in_comment = true;
        }
        if is_comment {
            in_comment &= !code.ends_with("*/");
            continue;
        }
        if code.is_empty() {
            continue;
        }
        lines += 1;
        let before = depth;
        depth += braces(code);
        if depth == 0 && (before > 0 || code.contains('{')) {
            return Some(lines);
        }
    }
    None
}

/// Braces opened less braces closed, outside of strings.
fn braces(code: &str) -> i32 {
    let (mut sum, mut in_string, mut escaped) = (0, false, false);
    for character in code.chars() {
        match character {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => in_string = !in_string,
            '{' if !in_string => sum += 1,
            '}' if !in_string => sum -= 1,
            _ => {}
        }
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_piece_is_found() {
        let programs: usize = JOBS.iter().map(|(_, programs)| programs.len()).sum();
        assert_eq!(lengths().len(), programs);
        assert!(lengths().iter().all(|length| (4..400).contains(&length.lines)), "{:?}", lengths());
    }

    #[test]
    fn a_functions_lines_are_counted_without_comments() {
        let source = "use x;\n\n/// Doc.\nfn other() {}\n\nfn job(a: u64) -> u64 {\n    // Why.\n\n    if a > 1 {\n        call(\"}}{\");\n    }\n    /* long\n       comment */\n    a\n}\n\nfn after() {}\n";
        assert_eq!(lines_of(source, "fn job("), Some(6));
        assert_eq!(lines_of(source, "fn other("), Some(1));
        assert_eq!(lines_of(source, "fn absent("), None);
        assert_eq!(lines_of("fn cut() {\n    a\n", "fn cut("), None);
    }
}
