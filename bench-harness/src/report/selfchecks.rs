//! The self-checks of all runs, in a few lines: how often each held, and what was seen where it did not.
//!
//! ```text
//!   self-checks of 6 runs
//!     oracle      6 of 6    1 rows as the oracle has them
//!     generator   6 of 6    late by 40 ns (p50), 90 ns (p99), 12 µs (max); 9.1 % of the residence
//!     steady      5 of 6    no steady state: …
//! ```

use super::{row::Row, table::wrap};

/// Draws them; nothing without rows that have checks. Of a check that did not hold, the first run in which it did not is told; otherwise
/// the last run in which it could be made.
pub fn draw(rows: &[Row], markdown: bool) -> String {
    let Some(most) = rows.iter().map(|row| &row.checks).max_by_key(|checks| checks.len()).filter(|checks| !checks.is_empty()) else {
        return String::new();
    };
    let runs = rows.iter().filter(|row| !row.checks.is_empty()).count();
    let mut text = if markdown { format!("## Self-checks of {runs} runs\n\n") } else { format!("self-checks of {runs} runs\n") };
    for name in most.iter().map(|check| &check.name) {
        let made: Vec<_> =
            rows.iter().flat_map(|row| row.checks.iter().filter(|check| check.name == *name).map(move |check| (row, check))).collect();
        let seen = made.iter().filter(|(_, check)| check.ok.is_some()).count();
        let held = made.iter().filter(|(_, check)| check.ok == Some(true)).count();
        let said = match made.iter().find(|(_, check)| check.ok == Some(false)) {
            Some((row, check)) => format!("{} on {}: {}", row.workload, row.system, check.says),
            None => made
                .iter()
                .rev()
                .find(|(_, check)| check.ok.is_some())
                .or(made.last())
                .map_or(String::new(), |(_, check)| check.says.clone()),
        };
        let count = if seen == 0 { "not seen".to_owned() } else { format!("{held} of {seen}") };
        text += &if markdown { format!("- {name}: {count}; {said}\n") } else { aligned(name, &count, &said) };
    }
    text + "\n"
}

/// A line in columns. Breaking lines closes gaps between words, so the columns are padded with a space that does not break.
fn aligned(name: &str, count: &str, said: &str) -> String {
    wrap(&format!("{name:\u{a0}<10} {count:\u{a0}<9} {said}"), "  ").replace('\u{a0}', " ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::row::tests::{EXPECTED, row};

    #[test]
    fn each_check_has_its_line() {
        let rows = [row("a", 1, 0, 100, EXPECTED, Some(1e4)), row("b", 1, 0, 100, crate::workload::Answer { rows: 1, checksum: 0 }, None)];
        let text = draw(&rows, false);
        assert!(text.starts_with("self-checks of 2 runs\n"), "{text}");
        let line = |name: &str| text.lines().find(|line| line.trim_start().starts_with(name)).unwrap_or_default();
        assert!(line("oracle").contains("1 of 2") && line("oracle").contains("w on b"), "{text}");
        assert!(line("little").contains("1 of 1"), "{text}");
        assert!(line("clock").contains("not seen"), "{text}");
        assert_eq!(draw(&[], false), "");
    }
}
