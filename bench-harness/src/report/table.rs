//! Tables for people: at most 80 columns wide, one per workload and kind of loop, the reason beside every run that is not believed.

use comfy_table::{Attribute, Cell, CellAlignment, ContentArrangement, Table, presets};

use crate::{
    quantity,
    report::compare::{Reason, Spread, Summary},
};

/// Widest line.
pub const WIDTH: u16 = 80;

/// How a table is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Look {
    /// For a terminal.
    Terminal,
    /// Markdown.
    Markdown,
}

/// A column: its heading, and its text for a cell of the matrix (none where there is nothing to say).
struct Column {
    name: String,
    is_text: bool,
    values: Vec<Option<String>>,
}

/// Draws all summaries, with the notes that explain what stands in them.
pub fn draw(summaries: &[Summary], look: Look) -> String {
    let mut text = String::new();
    let mut rest = summaries;
    while let Some(first) = rest.first() {
        let same = |s: &Summary| s.workload == first.workload && s.config.kind == first.config.kind;
        let end = rest.iter().position(|s| !same(s)).unwrap_or(rest.len());
        text += &section(&rest[..end], look);
        rest = &rest[end..];
    }
    text
}

fn section(summaries: &[Summary], look: Look) -> String {
    let first = &summaries[0];
    let title = match first.config.kind.as_str() {
        "open" => format!("{}, open loop: residence from the intended arrival", first.workload),
        _ => format!("{}, closed loop: throughput", first.workload),
    };
    let repeats = summaries.iter().map(|s| s.repeats).max().unwrap_or(0);
    let what = if first.config.kind == "open" { "" } else { "; CPU time and allocations are per record" };
    let about = format!("medians of {repeats} interleaved repeats; ± is half the range{what}");
    let mut text = match look {
        Look::Terminal => format!("{title}\n{}", wrap(&about, "")),
        Look::Markdown => format!("## {title}\n\n{about}\n\n"),
    };
    text += &table(summaries, look).to_string();
    text.push('\n');
    for (reason, who) in notes(summaries) {
        text += &wrap(&format!("{reason}: {}", who.join(", ")), if look == Look::Markdown { "- " } else { "  ! " });
    }
    text.push('\n');
    text
}

/// Each kind of reason once, and for which lines and how many of their repeats it was given.
fn notes(summaries: &[Summary]) -> Vec<(String, Vec<String>)> {
    let mut notes: Vec<(&Reason, Vec<String>)> = Vec::new();
    for summary in summaries {
        for reason in &summary.reasons {
            let who = format!("{} {}×", label(summary, summaries), reason.repeats);
            match notes.iter_mut().find(|(kind, _)| kind.is_like(&reason.reason)) {
                Some((_, all)) => all.push(who),
                None => notes.push((reason, vec![who])),
            }
        }
    }
    let told = |(kind, who): (&Reason, Vec<String>)| {
        let is_one = who.len() == 1 && kind.repeats == 1;
        (if is_one { kind.reason.clone() } else { format!("{} (or the like)", kind.reason) }, who)
    };
    notes.into_iter().map(told).collect()
}

/// A line's name: the system, and what of its configuration differs between the lines.
fn label(summary: &Summary, among: &[Summary]) -> String {
    let parts: [fn(&Summary) -> String; 5] = [
        |s| format!("{} core{}", s.config.cores, if s.config.cores == 1 { "" } else { "s" }),
        |s| format!("batch {}", s.config.batch),
        ring,
        |s| s.config.wait.clone(),
        |s| s.config.rate_asked.clone().unwrap_or_default(),
    ];
    let shown: Vec<String> =
        parts.iter().filter(|part| among.iter().any(|s| part(s) != part(&among[0]))).map(|part| part(summary)).collect();
    if shown.is_empty() { summary.system.clone() } else { format!("{} ({})", summary.system, shown.join(", ")) }
}

fn ring(summary: &Summary) -> String {
    quantity::human_bytes(summary.config.ring_bytes as u64)
}

/// Breaks a note into lines of at most [`WIDTH`], the later ones indented under the first.
pub(super) fn wrap(note: &str, bullet: &str) -> String {
    let mut lines = vec![bullet.to_owned()];
    let indent = " ".repeat(bullet.len());
    for word in note.split(' ') {
        let is_full = lines
            .last()
            .is_some_and(|line| line.trim() != bullet.trim() && line.chars().count() + 1 + word.chars().count() > usize::from(WIDTH));
        if is_full {
            lines.push(indent.clone());
        }
        let line = lines.last_mut().expect("starts with one line and only grows");
        if !line.is_empty() && !line.ends_with(' ') {
            line.push(' ');
        }
        line.push_str(word);
    }
    lines.iter().map(|line| format!("{}\n", line.trim_end())).collect()
}

fn table(summaries: &[Summary], look: Look) -> Table {
    let mut columns = columns(summaries);
    if look == Look::Terminal {
        leave_out(&mut columns);
    }
    let mut table = Table::new();
    table.load_style(if look == Look::Markdown { presets::ASCII_MARKDOWN } else { presets::NOTHING });
    if look == Look::Terminal {
        table.set_content_arrangement(ContentArrangement::Dynamic).set_width(WIDTH);
    }
    table.set_header(columns.iter().map(|column| {
        let cell = Cell::new(&column.name).add_attribute(Attribute::Bold);
        if column.is_text { cell } else { cell.set_alignment(CellAlignment::Right) }
    }));
    for i in 0..summaries.len() {
        table.add_row(columns.iter().map(|column| {
            let cell = Cell::new(column.values[i].as_deref().unwrap_or("–"));
            if column.is_text { cell } else { cell.set_alignment(CellAlignment::Right) }
        }));
    }
    if look == Look::Terminal {
        for column in table.column_iter_mut() {
            column.set_padding((0, 1));
        }
    }
    table
}

/// Leaves out what is least missed, one column after the other, until the lines fit: the page and the rows have them all.
fn leave_out(columns: &mut Vec<Column>) {
    let width = |column: &Column| {
        let widest = column.values.iter().flatten().map(|value| value.chars().count()).max().unwrap_or(1);
        widest.max(column.name.chars().count()) + 1
    };
    for least in ["stalls", "allocs", "Little", "max"] {
        if columns.iter().map(width).sum::<usize>() <= usize::from(WIDTH) {
            return;
        }
        columns.retain(|column| column.name != least);
    }
}

fn columns(summaries: &[Summary]) -> Vec<Column> {
    let is_open = summaries[0].config.kind == "open";
    let mut columns = Vec::new();
    let mut text = |name: &str, value: &dyn Fn(&Summary) -> Option<String>| {
        columns.push(Column { name: name.into(), is_text: true, values: summaries.iter().map(value).collect() });
    };
    text("system", &|s| Some(s.system.clone()));
    // A configuration's column is shown only if it differs between the lines.
    let varies = |value: &dyn Fn(&Summary) -> String| summaries.iter().any(|s| value(s) != value(&summaries[0]));
    let mut number = |name: &str, is_shown: bool, value: &dyn Fn(&Summary) -> Option<String>| {
        if is_shown {
            columns.push(Column { name: name.into(), is_text: false, values: summaries.iter().map(value).collect() });
        }
    };
    number("cores", true, &|s| Some(s.config.cores.to_string()));
    number("batch", varies(&|s| s.config.batch.to_string()), &|s| Some(s.config.batch.to_string()));
    number("ring", varies(&ring), &|s| Some(ring(s)));
    number("wait", varies(&|s| s.config.wait.clone()), &|s| Some(s.config.wait.clone()));

    let median = |spread: Option<Spread>, show: &dyn Fn(f64) -> String| spread.map(|spread| show(spread.median));
    let nanoseconds = |spread: Option<Spread>| median(spread, &quantity::nanoseconds);
    if is_open {
        number("offered", true, &|s| s.config.rate_per_s.map(quantity::per_second));
        number("p50", true, &|s| nanoseconds(s.p50_ns));
        number("p99", true, &|s| nanoseconds(s.p99_ns));
        number("p99.9", true, &|s| nanoseconds(s.p99_9_ns));
        number("max", true, &|s| nanoseconds(s.max_ns));
    } else {
        number("rate", true, &|s| s.r_per_s.map(|rate| with_range(quantity::per_second(rate.median), rate, s.repeats)));
    }
    let mut baselines: Vec<&str> = Vec::new();
    for ratio in summaries.iter().flat_map(|s| &s.ratios) {
        if !baselines.contains(&ratio.baseline.as_str()) {
            baselines.push(&ratio.baseline);
        }
    }
    for baseline in baselines {
        let name = if is_open { format!("p50/{baseline}") } else { format!("vs {baseline}") };
        number(&name, true, &|s| {
            let ratio = s.ratios.iter().find(|ratio| ratio.baseline == baseline)?.ratio;
            Some(with_range(format!("{:.2}", ratio.median), ratio, s.repeats))
        });
    }
    if is_open {
        number("Little", true, &|s| s.residual.map(|residual| format!("{:.2} %", residual.median * 100.0)));
    } else {
        number("×1core", summaries.iter().any(|s| s.against_one_core.is_some()), &|s| {
            s.against_one_core.map(|r| format!("{:.2}", r.median))
        });
        number("CPU", true, &|s| nanoseconds(s.cpu_ns_per_record));
        number("allocs", true, &|s| s.allocations_per_record.map(|spread| allocations(spread.median)));
    }
    number("stalls", true, &|s| s.stall_share.map(|share| format!("{:.1} %", share.median * 100.0)));
    columns.push(Column {
        name: "verdict".into(),
        is_text: true,
        values: summaries.iter().map(|s| Some(s.standing.to_string())).collect(),
    });
    columns
}

/// A median and half its range: `403 M/s ±2%`; a single run has no range.
fn with_range(median: String, spread: Spread, repeats: usize) -> String {
    match spread.percent() {
        _ if repeats < 2 => median,
        wide if wide > 999.0 => format!("{median} >999%"),
        percent => format!("{median} ±{percent:.0}%"),
    }
}

/// Allocations per record: `0` is none at all, `<0.001` a run's own preparation spread over its records.
fn allocations(per_record: f64) -> String {
    match per_record {
        0.0 => "0".into(),
        few if few < 0.001 => "<0.001".into(),
        many => format!("{many:.3}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        report::{
            compare::summarise,
            row::tests::{EXPECTED, row},
        },
        workload::Answer,
    };

    #[test]
    fn fits_eighty_columns_and_says_what_a_stranger_needs() {
        let mut rows = Vec::new();
        for repeat in 0..3 {
            rows.push(row("hand", 1, repeat, 100, EXPECTED, None));
            rows.push(row("hand-hash", 1, repeat, 300, EXPECTED, None));
            rows.push(row("thalweg", 1, repeat, 120, EXPECTED, None));
            rows.push(row("thalweg", 2, repeat, 60, EXPECTED, None));
            rows.push(row("crossbeam-item", 2, repeat, 5, EXPECTED, None));
            rows.push(row("hand", 2, repeat, 100, EXPECTED, Some(1e4)));
            rows.push(row("thalweg", 2, repeat, 100, EXPECTED, Some(1e4)));
        }
        rows.sort_by_key(|row| row.config.kind.clone());
        let text = draw(&summarise(&rows, &["hand".into(), "hand-hash".into()]), Look::Terminal);
        for line in text.lines() {
            assert!(line.chars().count() <= usize::from(WIDTH), "{} columns: {line}", line.chars().count());
        }
        for needle in [
            "closed loop",
            "open loop",
            "0.83 ±0%",
            "8.33 k/s ±0%",
            "crossbeam-item ",
            "×1core",
            "vs hand-hash",
            "doubtful",
            "short: 5 ms",
            "p99.9",
            "Little",
            "believed",
            "1.00 ms",
        ] {
            assert!(text.contains(needle), "no `{needle}` in\n{text}");
        }
    }

    #[test]
    fn a_failed_system_shows_no_number() {
        let rows = [row("hand", 1, 0, 100, EXPECTED, None), row("wrong", 1, 0, 100, Answer { rows: 1, checksum: 1 }, None)];
        for look in [Look::Terminal, Look::Markdown] {
            let text = draw(&summarise(&rows, &[]), look);
            let line = text.lines().find(|line| line.contains("wrong") && line.contains("FAILED")).unwrap_or_default().to_owned();
            assert!(!line.is_empty() && !line.contains("/s") && !line.contains("ns"), "{text}");
            assert!(text.contains("differs from the oracle"), "{text}");
        }
    }

    #[test]
    fn long_notes_are_wrapped_under_their_bullet() {
        let text = wrap(&"word ".repeat(60), "  ! ");
        assert!(text.lines().all(|line| line.chars().count() <= usize::from(WIDTH)));
        assert!(text.starts_with("  ! word") && text.lines().nth(1).is_some_and(|line| line.starts_with("    word")), "{text}");
    }

    #[test]
    fn few_allocations_are_not_none() {
        assert_eq!([0.0, 1e-7, 0.25].map(allocations), ["0", "<0.001", "0.250"]);
    }
}
