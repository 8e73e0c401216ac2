//! The summary in words: what ran, what is believed, how it came out, what the machine did.

use maud::{Markup, html};

use crate::{
    quantity,
    report::{
        cells::{self, Cell},
        compare::{Spread, Summary},
        folder::Results,
    },
    run::verdict::Standing,
};

/// `1 run`, `2 runs`.
pub(super) fn count(n: usize, what: &str) -> String {
    format!("{n} {what}{}", if n == 1 { "" } else { "s" })
}

/// Of a whole folder.
pub(super) fn summary(folder: &Results, all: &[Cell<'_>], summaries: &[Summary]) -> Markup {
    let rows = folder.rows();
    let standing = |standing: Standing| rows.iter().filter(|row| row.verdict.standing == standing).count();
    let workloads = {
        let mut names: Vec<&str> = rows.iter().map(|row| row.workload.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        names.len()
    };
    let text = |name: &str| folder.environment().get(name).and_then(|value| value.as_str()).unwrap_or("unknown").to_owned();
    let stall = Spread::of(rows.iter().filter_map(|row| row.stalls.share));
    let longest = rows.iter().filter_map(|row| row.stalls.largest_ns).max();
    html! {
        p.lead {
            (count(rows.len(), "run")) " of " (count(all.len(), "configuration")) " on " (count(workloads, "workload")) ", "
            (folder.definition().began.replace('T', " ").trim_end_matches('Z')) " UTC, commit " code { (text("commit")) } " on " (text("cpu")) "."
            @if !folder.is_complete() { " " strong { "The run did not end: what follows is what there was until then." } }
        }
        ul.standing {
            (badge("believed", standing(Standing::Believed)))
            (badge("doubtful", standing(Standing::Doubtful)))
            (badge("not believed", standing(Standing::NotBelieved)))
            (badge("failed", standing(Standing::Failed)))
        }
        p {
            @let failed = rows.iter().filter(|row| row.failed()).count();
            @if failed == 0 {
                "Every run gave the output of a naive oracle, record for record in count and checksum. "
            } @else {
                strong { (count(failed, "run")) " failed" } " and shows no speed; the others gave the oracle's output. "
            }
            (against(summaries))
            @if let Some(stall) = stall {
                "The machine itself stalled for " (format!("{:.2}", stall.median * 100.0)) " % of the time (median)"
                @if let Some(longest) = longest { ", at the longest for " (quantity::nanoseconds(longest as f64)) } "."
            }
        }
    }
}

fn badge(name: &str, n: usize) -> Markup {
    let class = if n == 0 { "none".to_owned() } else { name.replace(' ', "-") };
    html! { li class=(class) { b { (n) } " " (name) } }
}

/// How the engine did against the baseline over all closed loops.
fn against(summaries: &[Summary]) -> Markup {
    let mut baselines: Vec<&str> = Vec::new();
    let mut ratios: Vec<(f64, &str)> = Vec::new();
    for summary in summaries.iter().filter(|summary| summary.system == "thalweg" && summary.config.kind == "closed") {
        for ratio in summary.ratios.iter().filter(|ratio| ratio.baseline != summary.system) {
            ratios.push((ratio.ratio.median, &summary.workload));
            if !baselines.contains(&ratio.baseline.as_str()) {
                baselines.push(&ratio.baseline);
            }
        }
    }
    ratios.sort_by(|a, b| a.0.total_cmp(&b.0));
    let spread = Spread::of(ratios.iter().map(|(ratio, _)| *ratio));
    html! {
        @if let (Some(spread), Some((low, slowest)), Some((high, fastest))) = (spread, ratios.first(), ratios.last()) {
            "Closed loop, thalweg beside " (baselines.join(" or ")) " on the same input: "
            strong { (format!("{:.2}", spread.median)) " times its throughput" }
            @if ratios.len() > 1 {
                " (median of " (ratios.len()) " configurations), from " (format!("{low:.2}")) " (" (slowest) ") to " (format!("{high:.2}")) " (" (fastest) ")"
            }
            ". "
        }
    }
}

/// Of a workload: the fastest of the closed loops, and the best tail of the open ones.
pub(super) fn of_workload(cells: &[&Cell<'_>], summaries: &[Summary]) -> Markup {
    let (open, closed): (Vec<&Cell<'_>>, Vec<&Cell<'_>>) = cells.iter().copied().partition(|cell| cell.is_open());
    let names = cells::names(&closed, &[]);
    let rate = |cell: &Cell<'_>| cell.spread(|row| row.r_per_s).map(|spread| spread.median);
    let fastest = closed.iter().zip(&names).filter_map(|(cell, name)| Some((rate(cell)?, name))).max_by(|a, b| a.0.total_cmp(&b.0));
    let p99 = |cell: &Cell<'_>| {
        let holds = cell.rows.iter().all(|(_, row)| row.verdict.standing < Standing::NotBelieved);
        let p99 = cell.spread(|row| row.latency_ns.as_ref().and_then(|latency| latency.p99).map(|ns| ns as f64))?;
        holds.then_some(p99.median)
    };
    let open_names = cells::names(&open, &[]);
    let shortest = open.iter().zip(&open_names).filter_map(|(cell, name)| Some((p99(cell)?, name))).min_by(|a, b| a.0.total_cmp(&b.0));
    let repeats = cells.iter().map(|cell| cell.rows.len()).max().unwrap_or(0);
    let of_it = |summary: &&Summary| cells.first().is_some_and(|cell| cell.first().workload == summary.workload);
    let worst = summaries.iter().filter(of_it).map(|summary| summary.standing).max();
    html! {
        p {
            @if let Some((rate, name)) = fastest { "Fastest in a closed loop: " b { (name) } ", " (quantity::per_second(rate)) ". " }
            @if let Some((ns, name)) = shortest { "Shortest p99 of a rate that was kept: " b { (name) } ", " (quantity::nanoseconds(ns)) ". " }
            (count(repeats, "repeat")) " of each, interleaved."
            @if worst.is_some_and(|worst| worst > Standing::Believed) { " Not everything here is believed: see the verdicts." }
        }
    }
}
