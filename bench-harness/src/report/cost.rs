//! What a million records cost: CPU, bytes moved, allocations, memory; and a billion in money.
//!
//! Two prices, because a worker that spins has its core whether it works or not: *used* counts CPU seconds, *rented* the cores that the run was given
//! for as long as it took. What one pays lies between them: what others may use of an idle core.

use serde::Serialize;

use super::row::{Config, Row};
use crate::{
    quantity,
    run::verdict::Standing,
    statistics::bootstrap::{self, Median},
};

/// Seed of the bootstrap: the same rows give the same figures.
const SEED: u64 = 42;

/// The cost of one cell; medians over its repeats.
#[derive(Clone, Debug, Serialize)]
pub struct Cost {
    /// Workload.
    pub workload: String,
    /// System.
    pub system: String,
    /// Configuration of the first repeat.
    pub config: Config,
    /// Records per second.
    pub r_per_s: Option<Median>,
    /// CPU seconds per million records, all threads.
    pub cpu_s_per_million: Option<Median>,
    /// Core seconds per million records: cores × time.
    pub core_s_per_million: Option<Median>,
    /// CPU cycles per million records; null where the machine does not give them.
    pub cycles_per_million: Option<Median>,
    /// Bytes that went between threads, per million records; null where they are not counted.
    pub bytes_moved_per_million: Option<Median>,
    /// Heap allocations per million records.
    pub allocations_per_million: Option<Median>,
    /// Peak of the memory that the run added.
    pub peak_added_bytes: Option<Median>,
    /// The same per million records: memory that grows with the input shows here as a constant.
    pub peak_added_bytes_per_million: Option<Median>,
    /// Money per billion records for the CPU time that was used; null without a price.
    pub used_per_billion: Option<f64>,
    /// Money per billion records for the cores that were held.
    pub rented_per_billion: Option<f64>,
}

/// The cost of each cell, in the order of first appearance, at a price per core-hour. Runs that failed or are not believed are left out.
pub fn costs(rows: &[Row], price_per_core_hour: Option<f64>) -> Vec<Cost> {
    let same = |a: &Row, b: &Row| {
        let asked = |row: &Row| Config { events: 0, rate_per_s: None, ..row.config.clone() };
        a.workload == b.workload && a.system == b.system && asked(a) == asked(b)
    };
    let mut cells: Vec<Vec<&Row>> = Vec::new();
    for row in rows.iter().filter(|row| !row.failed() && row.verdict.standing < Standing::NotBelieved) {
        match cells.iter_mut().find(|cell| same(cell[0], row)) {
            Some(cell) => cell.push(row),
            None => cells.push(vec![row]),
        }
    }
    cells.iter().map(|cell| cost(cell, price_per_core_hour)).collect()
}

fn cost(rows: &[&Row], price: Option<f64>) -> Cost {
    let median = |figure: &dyn Fn(&Row) -> Option<f64>| {
        let values: Vec<f64> = rows.iter().filter_map(|row| figure(row)).filter(|value| value.is_finite()).collect();
        bootstrap::median_interval(&values, SEED)
    };
    let per_million = |of: &dyn Fn(&Row) -> Option<f64>| median(&|row| Some(of(row)? * 1e6 / row.n.filter(|n| *n > 0)? as f64));
    let added = |row: &Row| Some(row.peak_rss_bytes?.saturating_sub(row.rss_at_start_bytes?) as f64);
    let cpu_s_per_million = per_million(&|row| row.cpu_s);
    let core_s_per_million = per_million(&|row| Some(row.t_s? * row.config.cores as f64));
    let money = |seconds: Option<Median>| Some(seconds?.median * 1e3 / 3600.0 * price?);
    Cost {
        workload: rows[0].workload.clone(),
        system: rows[0].system.clone(),
        config: rows[0].config.clone(),
        r_per_s: median(&|row| row.r_per_s),
        cpu_s_per_million,
        core_s_per_million,
        cycles_per_million: None,
        bytes_moved_per_million: per_million(&|row| row.bytes_moved.map(|bytes| bytes as f64)),
        allocations_per_million: median(&|row| row.allocations_per_record.map(|count| count * 1e6)),
        peak_added_bytes: median(&added),
        peak_added_bytes_per_million: per_million(&added),
        used_per_billion: money(cpu_s_per_million),
        rented_per_billion: money(core_s_per_million),
    }
}

/// A table of at most 80 columns; per million records, but for the money, which is per billion.
pub fn draw(costs: &[Cost]) -> String {
    let has_price = costs.iter().any(|cost| cost.used_per_billion.is_some());
    let mut text = String::from("per million records, medians");
    text += if has_price { "; money per billion:\nfor the CPU time used – for the cores held\n" } else { "\n" };
    text += &format!(
        "\n  {:<8} {:>9} {:>9} {:>9} {:>9} {:>9} {:>18}\n",
        "",
        "CPU",
        "cores",
        "moved",
        "allocs",
        "memory",
        if has_price { "money" } else { "" }
    );
    for cost in costs {
        let c = &cost.config;
        let rate = c.rate_asked.as_ref().map_or(String::new(), |rate| format!(", {rate}"));
        let name = format!("{} on {}, {} core{}{rate}", cost.workload, cost.system, c.cores, if c.cores == 1 { "" } else { "s" });
        let more = format!("batch {}, ring {}, {}", c.batch, quantity::human_bytes(c.ring_bytes as u64), c.wait);
        text += &crate::compare::text::wrap(&format!("{name}; {more}"), "");
        let show = |median: Option<Median>, show: &dyn Fn(f64) -> String| median.map_or("–".into(), |median| show(median.median));
        let seconds = |s: f64| quantity::nanoseconds(s * 1e9);
        let bytes = |bytes: f64| quantity::human_bytes(bytes as u64);
        let money = match (cost.used_per_billion, cost.rented_per_billion) {
            (Some(used), Some(rented)) => format!("{used:.4} – {rented:.4}"),
            _ => String::new(),
        };
        let line = format!(
            "  {:<8} {:>9} {:>9} {:>9} {:>9} {:>9} {:>18}",
            show(cost.r_per_s, &|rate| quantity::per_second(rate).replace(' ', "")),
            show(cost.cpu_s_per_million, &seconds),
            show(cost.core_s_per_million, &seconds),
            show(cost.bytes_moved_per_million, &bytes),
            show(cost.allocations_per_million, &|count| format!("{count:.0}")),
            show(cost.peak_added_bytes, &bytes),
            money
        );
        text += line.trim_end();
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::{
        report::row::tests::{EXPECTED, row},
        workload::Answer,
    };

    #[test]
    fn known_costs() {
        // A thousand records in 100 ms on two cores, of which 150 ms CPU time.
        let mut rows: Vec<Row> = (0..5).map(|repeat| row("x", 2, repeat, 100, EXPECTED, None)).collect();
        rows.push(row("wrong", 1, 0, 100, Answer { rows: 0, checksum: 0 }, None));
        let costs = costs(&rows, Some(0.036));
        assert_eq!(costs.len(), 1, "a failed run has no cost");
        let cost = &costs[0];
        let near =
            |median: Option<Median>, want: f64| assert!((median.unwrap().median / want - 1.0).abs() < 1e-9, "{median:?} is not {want}");
        near(cost.cpu_s_per_million, 150.0);
        near(cost.core_s_per_million, 200.0);
        near(cost.allocations_per_million, 50_000.0);
        near(cost.peak_added_bytes, (10 << 20) as f64);
        // 150,000 CPU seconds per billion are 41.67 hours at 0.036.
        assert!((cost.used_per_billion.unwrap() - 1.5).abs() < 1e-9 && (cost.rented_per_billion.unwrap() - 2.0).abs() < 1e-9);
        assert!(cost.bytes_moved_per_million.is_none() && cost.cycles_per_million.is_none());
        let text = draw(&costs);
        assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
        assert!(text.contains("1.5000 – 2.0000") && text.contains("w on x, 2 cores"), "{text}");
        assert!(super::costs(&rows, None)[0].used_per_billion.is_none());
    }
}
