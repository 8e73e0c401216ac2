//! The comparison for a terminal: a table per question, at most 80 columns wide.

use super::{Line, Question};
use crate::{quantity, report::compare::Spread, run::verdict::Standing, statistics::bootstrap::Median};

/// Draws the lines; nothing if there are none. Money is for the CPU time of a billion records at a price per core-hour.
pub fn draw(lines: &[Line], price_per_core_hour: f64) -> String {
    let mut text = String::new();
    let mut rest = lines;
    while let Some(first) = rest.first() {
        let end = rest.iter().position(|line| line.question != first.question).unwrap_or(rest.len());
        text += &question(&first.question, &rest[..end], price_per_core_hour);
        rest = &rest[end..];
    }
    if !text.is_empty() {
        text.insert_str(0, &head(price_per_core_hour));
    }
    text
}

fn head(price: f64) -> String {
    let about = format!(
        "Systems beside each other: of each the variant that did best. `ours` is thalweg ÷ it, by repeat: of rates, and in an open loop of the \
         median residence; in brackets where its median lies with probability 95 %. Money is for the CPU time of a billion records at {price} per \
         core-hour."
    );
    crate::report::table::wrap(&about, "") + "\n"
}

fn question(question: &Question, lines: &[Line], price: f64) -> String {
    let cores = format!("{} core{}", question.cores, if question.cores == 1 { "" } else { "s" });
    let is_open = question.rate.is_some();
    let columns = if is_open { ["p50", "p99", "p99.9", "CPU"] } else { ["rate", "CPU", "memory", "money"] };
    let mut text = match &question.rate {
        Some(rate) => format!("{}, {cores}, open loop at {rate}\n", question.workload),
        None => format!("{}, {cores}, closed loop\n", question.workload),
    };
    text += &format!("  {:<18}", "");
    columns.iter().for_each(|column| text += &format!("{column:>9}"));
    text += "  ours\n";
    for line in lines {
        text += &format!("  {:<18}", line.contender);
        let figures = if is_open {
            [ns(line.p50_ns), ns(line.p99_ns), ns(line.p99_9_ns), ns(line.cpu_ns_per_record)]
        } else {
            let rate = line.r_per_s.map_or("–".into(), |rate| quantity::per_second(rate.median).replace(' ', ""));
            let money = line.money_per_billion(price).map_or("–".into(), money);
            [rate, ns(line.cpu_ns_per_record), bytes(line.peak_rss_bytes), money]
        };
        figures.iter().for_each(|figure| text += &format!("{figure:>9}"));
        if line.contender != super::OURS {
            text += &format!("  {}", line.ratio.map_or("–".into(), times));
        }
        text.push('\n');
        for failure in &line.failures {
            text += &crate::report::table::wrap(&format!("wrong: {failure}"), "    ! ");
        }
        if line.standing == Standing::NotBelieved {
            text += "    ! not believed: see the runs\n";
        }
    }
    text + "\n"
}

/// A ratio with its interval.
pub fn times(ratio: Median) -> String {
    let short = |value: f64| {
        let digits = if value >= 100.0 { 0 } else { usize::from(value < 10.0) + 1 };
        format!("{value:.digits$}")
    };
    match ratio.interval {
        Some(interval) => format!("{} × ({}–{})", short(ratio.median), short(interval.low), short(interval.high)),
        None => format!("{} × (of {})", short(ratio.median), ratio.values),
    }
}

/// An amount of money, to two figures.
pub fn money(amount: f64) -> String {
    if amount > 0.0 && amount < 0.001 {
        return format!("{amount:.1e}");
    }
    let digits = if amount > 0.0 { (1 - amount.log10().floor() as i32).clamp(0, 9) as usize } else { 0 };
    format!("{amount:.digits$}")
}

fn ns(spread: Option<Spread>) -> String {
    spread.map_or("–".into(), |spread| quantity::nanoseconds(spread.median).replace(' ', ""))
}

fn bytes(spread: Option<Spread>) -> String {
    spread.map_or("–".into(), |spread| quantity::human_bytes(spread.median as u64).replace(' ', ""))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        report::{
            row::tests::{EXPECTED, row},
            systems::compare,
        },
        workload::Answer,
    };

    #[test]
    fn tables_fit_a_terminal_and_name_what_is_wrong() {
        let mut rows = Vec::new();
        for repeat in 0..5 {
            rows.push(row("thalweg", 1, repeat, 100, EXPECTED, None));
            rows.push(row("flink-checkpoints", 1, repeat, 1_234_567, EXPECTED, None));
            rows.push(row("thalweg", 2, repeat, 100, EXPECTED, Some(1e4)));
            rows.push(row("timely", 2, repeat, 100, EXPECTED, Some(1e4)));
        }
        rows.push(row("renoir", 1, 0, 100, Answer { rows: 0, checksum: 0 }, None));
        let text = draw(&compare(&rows), 0.04);
        assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
        for part in ["1 core, closed loop", "2 cores, open loop at", "12346 × (12346–12346)", "wrong: renoir", "1.00 × (1.00–1.00)"] {
            assert!(text.contains(part), "no `{part}` in\n{text}");
        }
        assert_eq!(draw(&[], 0.04), "");
    }

    #[test]
    fn money_keeps_two_figures() {
        assert_eq!([money(0.0), money(12.345), money(1.26), money(0.000_123_4)], ["0", "12", "1.3", "1.2e-4"]);
    }
}
