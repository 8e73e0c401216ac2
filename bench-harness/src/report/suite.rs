//! What the workloads of a suite say together: the queries of Nexmark side by side with their total, and the curve of cost over keys.
//!
//! ```text
//!   nexmark        query × (system, cores): million events per second and core; below, the time for a million events of every query,
//!                 and what a key takes where the state grows
//!   tumbling-keys  keys × system: ns per record, beside the cache that would hold their sums and counts
//! ```
//!
//! Only medians that were measured and checked are shown; a total is given only where no query of those that ran is missing.

use std::fmt::Write as _;

use super::compare::Summary;
use crate::{
    quantity,
    workload::{self, NEXMARK, NEXMARK_INLINE, TUMBLING_KEYS},
};

/// Bytes that a key takes at least: a sum and a count.
const KEY_BYTES: u64 = 16;

/// Draws what there is to say, or nothing.
pub fn draw(summaries: &[Summary]) -> String {
    let of = |suite: &str| {
        let belongs = |summary: &&Summary| workload::names().iter().any(|info| info.name == summary.workload && info.suite == Some(suite));
        summaries.iter().filter(belongs).filter(|summary| summary.config.kind == "closed").collect::<Vec<_>>()
    };
    let mut text = queries(&of(NEXMARK), "nexmark, replayed from memory");
    text += &queries(&of(NEXMARK_INLINE), "nexmark, events made on the way");
    text + &keys(&of(TUMBLING_KEYS), &caches())
}

/// Each value once, in order.
fn unique<T: PartialEq>(values: impl Iterator<Item = T>) -> Vec<T> {
    let mut all = Vec::new();
    values.for_each(|value| {
        if !all.contains(&value) {
            all.push(value)
        }
    });
    all
}

/// What stands in a column: a system on some cores, or several such if more than cores differ.
fn columns<'a>(summaries: &[&'a Summary]) -> Vec<(&'a str, usize)> {
    unique(summaries.iter().map(|summary| (summary.system.as_str(), summary.config.cores)))
}

fn rate(summaries: &[&Summary], workload: &str, (system, cores): (&str, usize)) -> Option<f64> {
    // Of several batches or rings the fastest.
    let rates = summaries.iter().filter(|s| s.workload == workload && s.system == system && s.config.cores == cores);
    rates.filter_map(|s| s.r_per_s.map(|rate| rate.median)).max_by(f64::total_cmp)
}

fn heading((system, cores): (&str, usize)) -> String {
    format!("{system} ×{cores}")
}

fn queries(summaries: &[&Summary], title: &str) -> String {
    let workloads = unique(summaries.iter().map(|summary| summary.workload.as_str()));
    if workloads.len() < 2 {
        return String::new();
    }
    let columns = columns(summaries);
    let mut text = format!("{title}: million events per second and core\n{:<12}", "query");
    for &column in &columns {
        let _ = write!(text, "{:>16}", heading(column));
    }
    text.push('\n');
    for workload in &workloads {
        let _ = write!(text, "{workload:<12}");
        for &column in &columns {
            let cell = rate(summaries, workload, column).map_or("–".into(), |rate| format!("{:.2}", rate / column.1 as f64 / 1e6));
            let _ = write!(text, "{cell:>16}");
        }
        text.push('\n');
    }
    // The time that a million events of every query take together.
    let total = |column| workloads.iter().map(|workload| Some(1e6 / rate(summaries, workload, column)?)).sum::<Option<f64>>();
    let _ = write!(text, "{:<12}", "total");
    for &column in &columns {
        let _ = write!(text, "{:>16}", total(column).map_or("–".into(), |seconds| format!("{seconds:.3} s")));
    }
    let _ = writeln!(text, "   a million events of each of the {} queries", workloads.len());
    for &(system, cores) in columns.iter().filter(|(_, cores)| *cores > 1) {
        if let (Some(one), Some(more)) = (total((system, 1)), total((system, cores))) {
            let _ = writeln!(text, "{system}: {cores} cores take the suite {:.2} times as fast as one", one / more);
        }
    }
    let states = summaries.iter().filter_map(|s| Some(format!("{} {:.0}", s.workload, s.state_bytes_per_key?.median)));
    let states = unique(states.collect::<Vec<_>>().into_iter());
    if !states.is_empty() {
        let _ = writeln!(text, "bytes per key of the states that grow: {}", states.join(", "));
    }
    text.push('\n');
    text
}

/// The caches of data that a core sees, smallest first: name and bytes. Empty where the machine does not tell.
fn caches() -> Vec<(String, u64)> {
    let of = |index: usize| -> Option<(String, u64)> {
        let read = |file: &str| std::fs::read_to_string(format!("/sys/devices/system/cpu/cpu0/cache/index{index}/{file}")).ok();
        if read("type")?.trim() == "Instruction" {
            return None;
        }
        let size = read("size")?;
        let bytes = quantity::bytes(&format!("{}iB", size.trim())).ok()? as u64;
        Some((format!("L{}", read("level")?.trim()), bytes))
    };
    let mut caches: Vec<_> = (0..8).filter_map(of).collect();
    caches.sort_by_key(|(_, bytes)| *bytes);
    caches
}

fn keys(summaries: &[&Summary], caches: &[(String, u64)]) -> String {
    const BAR: usize = 40;
    let mut lines: Vec<(u64, &str)> =
        unique(summaries.iter().filter_map(|summary| Some((workload::keys_of(&summary.workload)?, summary.workload.as_str()))));
    lines.sort_unstable();
    if lines.len() < 2 {
        return String::new();
    }
    let columns = columns(summaries);
    let cost = |workload: &str, column| Some(1e9 / rate(summaries, workload, column)?);
    let mut text = format!(
        "tumbling by the number of keys: ns per record; a key's sum and count take {KEY_BYTES} bytes\n{:<10}{:>10}  {:<7}",
        "keys", "state", "fits"
    );
    for &column in &columns {
        let _ = write!(text, "{:>14}", heading(column));
    }
    text.push('\n');
    let greatest = lines.iter().filter_map(|(_, workload)| cost(workload, columns[0])).fold(0.0, f64::max);
    for (keys, workload) in lines {
        let bytes = keys * KEY_BYTES;
        let fits = caches.iter().find(|(_, size)| bytes <= *size).map_or("memory", |(name, _)| name);
        let _ = write!(text, "{:<10}{:>10}  {fits:<7}", workload.trim_start_matches("tumbling-"), quantity::human_bytes(bytes));
        for &column in &columns {
            let _ = write!(text, "{:>14}", cost(workload, column).map_or("–".into(), |ns| format!("{ns:.2}")));
        }
        let bar = cost(workload, columns[0]).map_or(0, |ns| (ns / greatest * BAR as f64).round() as usize);
        let _ = writeln!(text, "  {}", "█".repeat(bar));
    }
    let known = caches.iter().map(|(name, bytes)| format!("{name} {}", quantity::human_bytes(*bytes))).collect::<Vec<_>>().join(", ");
    let _ = writeln!(
        text,
        "the bars are {}; caches that a core sees: {}\n",
        heading(columns[0]),
        if known.is_empty() { "not told" } else { &known }
    );
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        report::{
            compare::summarise,
            row::{
                Row,
                tests::{EXPECTED, row},
            },
        },
        workload::Answer,
    };

    fn of(workload: &str, mut row: Row) -> Row {
        row.workload = workload.to_owned();
        row
    }

    #[test]
    fn queries_stand_side_by_side_with_their_total() {
        // A thousand records in 100, 50 and 25 ms.
        let mut rows = Vec::new();
        for (query, ms) in [("q0", 100), ("q1", 50)] {
            rows.push(of(query, row("thalweg", 1, 0, ms, EXPECTED, None)));
            rows.push(of(query, row("thalweg", 2, 0, ms / 2, EXPECTED, None)));
        }
        rows.push(of("q1", row("hand", 1, 0, 50, EXPECTED, None)));
        rows.push(of("tumbling", row("thalweg", 1, 0, 50, EXPECTED, None)));
        let text = draw(&summarise(&rows, &[]));
        let line = |name: &str| text.lines().find(|line| line.starts_with(name)).unwrap_or_default().split_whitespace().collect::<Vec<_>>();
        assert_eq!(line("q0"), ["q0", "0.01", "0.01", "–"], "{text}");
        assert_eq!(line("q1"), ["q1", "0.02", "0.02", "0.02"], "{text}");
        assert_eq!(line("total")[..6], ["total", "150.000", "s", "75.000", "s", "–"], "{text}");
        assert!(text.contains("2 cores take the suite 2.00 times as fast"), "{text}");
        assert!(!text.contains("tumbling"), "{text}");
    }

    #[test]
    fn what_failed_has_no_figure_and_no_total() {
        let rows = [
            of("q0", row("thalweg", 1, 0, 100, EXPECTED, None)),
            of("q1", row("thalweg", 1, 0, 100, Answer { rows: 3, checksum: 1 }, None)),
        ];
        let text = draw(&summarise(&rows, &[]));
        assert!(text.lines().any(|line| line.starts_with("total") && line.contains('–')), "{text}");
    }

    #[test]
    fn keys_are_in_order_beside_the_cache_that_holds_them() {
        let costs = [("tumbling-10M", 400), ("tumbling-10", 100), ("tumbling-100k", 200)];
        let rows: Vec<Row> = costs.into_iter().map(|(name, ms)| of(name, row("thalweg", 1, 0, ms, EXPECTED, None))).collect();
        let summaries = summarise(&rows, &[]);
        let text = keys(&summaries.iter().collect::<Vec<_>>(), &[("L1".to_owned(), 48 << 10), ("L2".to_owned(), 2 << 20)]);
        let lines: Vec<&str> = text.lines().collect();
        for (line, (keys, fits, bar)) in lines[2..].iter().zip([("10 ", "L1", 10), ("100k", "L2", 20), ("10M", "memory", 40)]) {
            assert!(line.starts_with(keys) && line.contains(fits), "{text}");
            assert_eq!(line.matches('█').count(), bar, "{text}");
        }
        assert!(text.contains("L2 2 MiB") || text.contains("L2 2.0 MiB") || text.contains("L2 2MiB"), "{text}");
    }
}
