//! Tables of the page. On a narrow screen every line becomes a card, so that nothing is cut off and nothing scrolls sideways.

use maud::{Markup, html};

use super::words::count;
use crate::{
    quantity,
    report::{
        cells::{self, Cell},
        chart::RowRef,
        compare::{Spread, Summary, same_cell},
        folder::Results,
        row::Row,
    },
    run::verdict::Standing,
};

/// What a figure of a row is, and how it is written.
type Figure = (&'static str, fn(&Row) -> Option<f64>, fn(f64) -> String);

fn ns(value: Option<u64>) -> Option<f64> {
    value.map(|ns| ns as f64)
}

fn percent(share: f64) -> String {
    format!("{:.2} %", share * 100.0)
}

fn allocations(per_record: f64) -> String {
    if per_record > 0.0 && per_record < 0.001 { "<0.001".into() } else { format!("{per_record:.3}") }
}

fn bytes(bytes: f64) -> String {
    quantity::human_bytes(bytes as u64)
}

const CLOSED: [Figure; 5] = [
    ("throughput", |row| row.r_per_s, quantity::per_second),
    ("CPU per record", |row| row.cpu_ns_per_record, quantity::nanoseconds),
    ("allocations per record", |row| row.allocations_per_record, allocations),
    ("memory added", |row| Some(row.peak_rss_bytes?.saturating_sub(row.rss_at_start_bytes?) as f64), bytes),
    ("stalls", |row| row.stalls.share, percent),
];

const OPEN: [Figure; 8] = [
    ("offered", |row| row.config.rate_per_s, quantity::per_second),
    ("p50", |row| ns(row.latency_ns.as_ref()?.p50), quantity::nanoseconds),
    ("p99", |row| ns(row.latency_ns.as_ref()?.p99), quantity::nanoseconds),
    ("p99.9", |row| ns(row.latency_ns.as_ref()?.p99_9), quantity::nanoseconds),
    ("max", |row| ns(Some(row.latency_ns.as_ref()?.max)), quantity::nanoseconds),
    ("p99 uncorrected", |row| ns(row.uncorrected_ns.as_ref()?.p99), quantity::nanoseconds),
    ("p99 of results", |row| ns(row.result_latency_ns.as_ref()?.p99), quantity::nanoseconds),
    ("Little's residual", |row| row.little.map(|little| little.residual), percent),
];

/// The tables of one workload.
pub(super) fn tables(cells: &[&Cell<'_>], summaries: &[Summary], folder: usize) -> Markup {
    let (open, closed): (Vec<&Cell<'_>>, Vec<&Cell<'_>>) = cells.iter().copied().partition(|cell| cell.is_open());
    html! {
        @if !closed.is_empty() { (table("Closed loop: as fast as it goes", &closed, &CLOSED, summaries, folder)) }
        @if !open.is_empty() { (table("Open loop: latency from the intended arrival", &open, &OPEN, summaries, folder)) }
    }
}

fn table(title: &str, cells: &[&Cell<'_>], figures: &[Figure], summaries: &[Summary], folder: usize) -> Markup {
    let names = cells::names(cells, &["rate_asked"]);
    let common = cells::in_common(cells, &[]);
    // Columns that say nothing here are left out.
    let shown: Vec<&Figure> = figures.iter().filter(|(_, of, _)| cells.iter().any(|cell| cell.spread(of).is_some())).collect();
    let summary_of = |cell: &Cell<'_>| summaries.iter().find(|summary| is_of(summary, cell));
    let baseline = cells.iter().find_map(|cell| summary_of(cell)?.ratios.first().map(|ratio| ratio.baseline.clone()));
    html! {
        table {
            caption {
                (title)
                span { " Medians, ± half the range of the repeats; a figure leads to the run nearest to it." @if !common.is_empty() { " All: " (common) "." } }
            }
            thead {
                tr {
                    th scope="col" { "system" }
                    @for (name, ..) in &shown { th.n scope="col" { (name) } }
                    @if let Some(baseline) = &baseline { th.n scope="col" { "vs " (baseline) } }
                    th scope="col" { "verdict" }
                    th scope="col" { "runs" }
                }
            }
            tbody {
                @for (cell, name) in cells.iter().zip(&names) {
                    tr {
                        th scope="row" { (name) }
                        @for (label, of, show) in &shown {
                            td.n data-label=(label) { (figure(cell, of, *show, folder)) }
                        }
                        @if let Some(baseline) = &baseline {
                            td.n data-label={ "vs " (baseline) } { (ratio(summary_of(cell), baseline)) }
                        }
                        td data-label="verdict" { (verdict(cell, summary_of(cell))) }
                        td.runs data-label="runs" {
                            @for (i, row) in &cell.rows { a href=(RowRef { folder, row: *i }.link()) { (row.repeat + 1) } " " }
                        }
                    }
                }
            }
        }
    }
}

/// Whether a summary is that of a cell: both are made of the same rows.
fn is_of(summary: &Summary, cell: &Cell<'_>) -> bool {
    let first = cell.first();
    let as_row =
        Row { workload: summary.workload.clone(), system: summary.system.clone(), config: summary.config.clone(), ..first.clone() };
    same_cell(&as_row, first)
}

fn figure(cell: &Cell<'_>, of: &fn(&Row) -> Option<f64>, show: fn(f64) -> String, folder: usize) -> Markup {
    let (Some(spread), Some(row)) = (cell.spread(of), cell.median_row(of)) else { return html! { "–" } };
    html! { a href=(RowRef { folder, row }.link()) { (show(spread.median)) (range(spread, cell.rows.len())) } }
}

/// Half the range, in per cent; nothing of a single run, or where it is nothing.
fn range(spread: Spread, repeats: usize) -> Markup {
    let percent = spread.percent();
    html! { @if repeats > 1 && percent >= 0.5 { small { " ±" @if percent > 999.0 { ">999" } @else { (format!("{percent:.0}")) } "%" } } }
}

fn ratio(summary: Option<&Summary>, baseline: &str) -> Markup {
    let found = summary.and_then(|summary| Some((summary, summary.ratios.iter().find(|ratio| ratio.baseline == baseline)?)));
    html! {
        @match found {
            Some((summary, ratio)) => span { (format!("{:.2}", ratio.ratio.median)) (range(ratio.ratio, summary.repeats)) },
            None => { "–" },
        }
    }
}

fn verdict(cell: &Cell<'_>, summary: Option<&Summary>) -> Markup {
    let standing = summary.map_or(cell.first().verdict.standing, |summary| summary.standing);
    let reasons = summary.map(|summary| summary.reasons.as_slice()).unwrap_or_default();
    html! {
        (badge(standing))
        @if !reasons.is_empty() {
            details {
                summary { (count(reasons.iter().map(|reason| reason.repeats).sum(), "remark")) }
                ul { @for reason in reasons { li { (reason.reason) @if reason.repeats > 1 { " (" (reason.repeats) " runs)" } } } }
            }
        }
    }
}

fn badge(standing: Standing) -> Markup {
    let class = match standing {
        Standing::Believed => "verdict believed",
        Standing::Doubtful => "verdict doubtful",
        Standing::NotBelieved => "verdict not-believed",
        Standing::Failed => "verdict failed",
    };
    html! { span class=(class) { (standing) } }
}

/// Every run, in the order in which they were made.
pub(super) fn runs(folder: &Results, number: usize) -> Markup {
    html! {
        details {
            summary { "The " (count(folder.rows().len(), "run")) " in order" }
            table {
                thead {
                    tr {
                        th.n scope="col" { "run" }
                        th scope="col" { "workload" }
                        th scope="col" { "system" }
                        th.n scope="col" { "cores" }
                        th scope="col" { "load" }
                        th.n scope="col" { "throughput" }
                        th.n scope="col" { "p99" }
                        th scope="col" { "verdict" }
                    }
                }
                tbody {
                    @for (i, row) in folder.rows().iter().enumerate() {
                        tr {
                            th.n scope="row" { a href=(RowRef { folder: number, row: i }.link()) { (i + 1) } }
                            td data-label="workload" { (row.workload) }
                            td data-label="system" { (row.system) }
                            td.n data-label="cores" { (row.config.cores) }
                            td data-label="load" { (row.config.rate_asked.as_deref().unwrap_or("closed loop")) }
                            td.n data-label="throughput" { (row.r_per_s.map_or("–".into(), quantity::per_second)) }
                            td.n data-label="p99" { (ns(row.latency_ns.as_ref().and_then(|l| l.p99)).map_or("–".into(), quantity::nanoseconds)) }
                            td data-label="verdict" { (badge(row.verdict.standing)) }
                        }
                    }
                }
            }
        }
    }
}
