//! A comparison for people, within 80 columns.

use std::fmt::Write;

use super::{
    comparison::{Comparison, How, Line, Together},
    decide::Finding,
};

/// Widest line.
pub const WIDTH: usize = 80;

/// Draws all cells, what they were compared by, and the conclusion.
pub fn draw(comparison: &Comparison, how: &How) -> String {
    let mut text = String::new();
    for line in &comparison.compared {
        text += &wrap(line, "");
    }
    text += &wrap(&method(comparison, how), "");
    for warning in &comparison.warnings {
        text += &wrap(&format!("warning: {warning}"), "");
    }
    let (mut cell, mut told) = (String::new(), None);
    for line in &comparison.lines {
        let heading = format!("{} on {}, {}", line.workload, line.system, line.cell);
        if heading != cell {
            let _ = write!(text, "\n{}", wrap(&heading, ""));
            if line.finding != Finding::Failed {
                let _ = writeln!(text, "  {:<13} {:>10} {:>10}  {:>6} {:<13} B is", "", "A", "B", "B/A", "interval");
            }
            cell = heading;
        }
        text += &row(line);
        // Once, not under every line of a cell.
        if line.why != told {
            text.extend(line.why.iter().map(|why| wrap(why, "      ")));
            told.clone_from(&line.why);
        }
    }
    if !comparison.unmatched.is_empty() {
        text.push('\n');
        for unmatched in &comparison.unmatched {
            text += &wrap(&format!("not compared, {unmatched}"), "");
        }
    }
    let _ = write!(text, "\n{}", wrap(&conclusion(comparison, how), ""));
    text
}

fn row(line: &Line) -> String {
    let value = |median: Option<crate::statistics::bootstrap::Median>| median.map_or("–".into(), |median| line.unit.show(median.median));
    let ratio = line.decision.map_or("–".into(), |decision| format!("{:.3}", decision.ratio));
    let interval = line.decision.and_then(|decision| decision.interval);
    let interval = interval.map_or("–".into(), |interval| format!("{:.3}–{:.3}", interval.low, interval.high));
    if line.decision.is_none() && line.a.is_none() && line.b.is_none() {
        format!("  {:<13} {}\n", line.metric, line.finding)
    } else {
        let (a, b) = (value(line.a), value(line.b));
        format!("  {:<13} {a:>10} {b:>10}  {ratio:>6} {interval:<13} {}\n", line.metric, line.finding)
    }
}

fn method(comparison: &Comparison, how: &How) -> String {
    let together = match &how.together {
        Together::InPairs => "run in pairs in fresh processes, a coin chose the order".to_owned(),
        Together::Apart(allowance) => format!(
            "run at different moments: up to {:.0} % are laid to the machine. `compare --run A B` runs them in turns and sees far smaller \
             differences; `--beside SYSTEM` uses systems that are the same in both",
            allowance * 100.0
        ),
        Together::Beside(names) => format!("run at different moments, each divided by {} beside it", names.join(" or ")),
    };
    let lines = comparison.lines.len();
    format!(
        "{together}. The {lines} intervals hold together with {:.0} %, each with {:.2} %.",
        how.confidence * 100.0,
        comparison.confidence_each * 100.0
    )
}

/// The one sentence that stays if nothing else is read.
fn conclusion(comparison: &Comparison, how: &How) -> String {
    let count = |finding: Finding| comparison.lines.iter().filter(|line| line.finding == finding).count();
    let regressions = comparison.lines.iter().filter(|line| line.is_regression).count();
    let counts = format!(
        "{} better, {} worse, {} not distinguishable, {} failed",
        count(Finding::Better),
        count(Finding::Worse),
        count(Finding::NotDistinguishable),
        count(Finding::Failed)
    );
    let threshold = how.threshold * 100.0;
    match regressions {
        _ if comparison.lines.is_empty() => "A and B have no work in common".into(),
        0 => format!("B against A: {counts}; no regression beyond {threshold} %"),
        1 => format!("B against A: {counts}; one REGRESSION (a failure, or a loss of {threshold} % or more)"),
        n => format!("B against A: {counts}; {n} REGRESSIONS (failures, or losses of {threshold} % or more)"),
    }
}

/// Breaks text into lines of at most [`WIDTH`], each indented.
pub fn wrap(text: &str, indent: &str) -> String {
    let mut lines = String::new();
    let mut line = indent.to_owned();
    for word in text.split_whitespace() {
        if line.len() > indent.len() && line.chars().count() + 1 + word.chars().count() > WIDTH {
            lines += line.trim_end();
            lines.push('\n');
            line = indent.to_owned();
        }
        if line.len() > indent.len() {
            line.push(' ');
        }
        line += word;
    }
    lines + line.trim_end() + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        compare::comparison::compare,
        report::row::tests::{EXPECTED, row},
        workload::Answer,
    };

    #[test]
    fn fits_eighty_columns_and_says_what_a_stranger_needs() {
        let side = |ms: u64| {
            let mut rows: Vec<_> = (0..20).map(|repeat| row("crossbeam-item", 2, repeat, ms, EXPECTED, None)).collect();
            rows.extend((0..20).map(|repeat| row("hand", 1, repeat, 100, EXPECTED, Some(1e4))));
            rows
        };
        let mut b = side(120);
        b.push(row("broken", 1, 0, 100, Answer { rows: 0, checksum: 0 }, None));
        let mut a = side(100);
        a.push(row("broken", 1, 0, 100, EXPECTED, None));
        a.push(row("alone", 1, 0, 100, EXPECTED, None));
        for together in [Together::InPairs, Together::Apart(0.05), Together::Beside(vec!["hand".into()])] {
            let how = How { together, confidence: 0.99, threshold: 0.02 };
            let text = draw(&compare(&a, &b, &how), &how);
            for line in text.lines() {
                assert!(line.chars().count() <= WIDTH, "{} columns: {line}\n{text}", line.chars().count());
            }
            for needle in ["w on crossbeam-item, closed loop, 2 cores", "B/A", "FAILED", "only in A: w on alone", "REGRESSION"] {
                assert!(text.contains(needle), "no `{needle}` in\n{text}");
            }
        }
        let how = How { together: Together::InPairs, confidence: 0.99, threshold: 0.02 };
        let text = draw(&compare(&a, &b, &how), &how);
        assert!(text.contains("0.833") && text.contains("WORSE") && text.contains("not distinguishable"), "{text}");
        assert!(draw(&compare(&[], &[], &how), &how).contains("no work in common"));
    }
}
