//! What an experiment found, and what its runs cost.

use maud::{Markup, html};

use crate::{
    experiment::scale,
    quantity,
    report::{
        chart::svg,
        cost::{self, Cost},
        folder::Results,
        plots::Plots,
    },
    statistics::bootstrap::Median,
};

/// What was found in a sentence; none of a plain run.
pub(in crate::report) fn words(folder: &Results) -> Option<String> {
    let findings = folder.findings();
    if let Some(sustained) = &findings.sustained {
        let (found, rate) = (&sustained.found, quantity::per_second);
        let sentence = match (found.sustained_per_s, found.kept_per_s) {
            (Some(sustained), _) => format!("Sustainable: {}, confirmed by {} runs.", rate(sustained), found.confirmed_by),
            (None, Some(kept)) => format!("No sustainable rate was confirmed; {} was kept up with.", rate(kept)),
            (None, None) => "No sustainable rate was found.".into(),
        };
        let above = found.exceeded_per_s.map_or(String::new(), |above| format!(" {} was not kept up with.", rate(above)));
        let partial = if found.is_partial { " The search was cut off." } else { "" };
        return Some(format!("{sentence}{above}{partial}"));
    }
    findings.law.as_ref().map(scale::told)
}

/// The plots of an experiment under its sentence; nothing of a plain run.
pub(super) fn section(folder: &Results, plots: &Plots<'_>) -> Markup {
    let charts = plots.of_experiment();
    let words = words(folder);
    html! {
        @if !charts.is_empty() || words.is_some() {
            section {
                h2 { "What the experiment found" }
                @if let Some(words) = words { p.lead { (words) } }
                div.charts { @for chart in &charts { (svg::draw(chart)) } }
            }
        }
    }
}

/// What the runs cost, per million records.
pub(super) fn costs(folder: &Results) -> Markup {
    let costs = cost::costs(folder.rows(), None);
    type Column = (&'static str, fn(&Cost) -> Option<Median>, fn(f64) -> String);
    let columns: [Column; 5] = [
        ("CPU time", |cost| cost.cpu_s_per_million, |s| quantity::nanoseconds(s * 1e9)),
        ("cores held", |cost| cost.core_s_per_million, |s| quantity::nanoseconds(s * 1e9)),
        ("bytes moved", |cost| cost.bytes_moved_per_million, |bytes| quantity::human_bytes(bytes as u64)),
        ("allocations", |cost| cost.allocations_per_million, |count| format!("{count:.0}")),
        ("memory", |cost| cost.peak_added_bytes, |bytes| quantity::human_bytes(bytes as u64)),
    ];
    html! {
        @if !costs.is_empty() {
            details {
                summary { "Cost, per million records" }
                table {
                    thead {
                        tr {
                            th scope="col" { "configuration" }
                            @for (label, ..) in &columns { th.n scope="col" { (label) } }
                        }
                    }
                    tbody {
                        @for cost in &costs {
                            tr {
                                th scope="row" { (name(cost)) }
                                @for (label, of, show) in &columns { td.n data-label=(label) { (of(cost).map_or("–".into(), |m| show(m.median))) } }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn name(cost: &Cost) -> String {
    let c = &cost.config;
    let rate = c.rate_asked.as_ref().map_or(String::new(), |rate| format!(", {rate}"));
    format!("{} on {}, {} core{}, batch {}{rate}", cost.workload, cost.system, c.cores, if c.cores == 1 { "" } else { "s" }, c.batch)
}
