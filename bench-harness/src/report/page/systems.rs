//! Frameworks beside each other: performance and cost, functions, ease of use, and when to take another one.

use maud::{Markup, html};

use super::words::count;
use crate::{
    quantity,
    report::{
        chart::RowRef,
        compare::Spread,
        folder::Results,
        systems::{self, CONTENDERS, Line, PRICE_PER_CORE_HOUR},
    },
    run::verdict::Standing,
};

/// The section, if the folder holds a framework's runs beside the engine's.
pub(super) fn section(folder: &Results, number: usize) -> Option<Markup> {
    let lines = systems::compare(folder.rows());
    (!lines.is_empty()).then(|| {
        html! {
            section id={ "systems-" (number) } {
                h2 { "Systems compared" }
                (words(&lines))
                h3 { "Performance and cost" }
                (overview(&lines))
                @for group in lines.chunk_by(|a, b| a.question == b.question) { (table(group, number)) }
                h3 { "Functions" }
                (functions())
                h3 { "Ease of use" }
                (lengths())
                (first_result(folder))
                h3 { "When to take another system" }
                ul { @for advice in &systems::said().advice { li { b { (advice.when) } " " (advice.then) } } }
            }
        }
    })
}

/// Who stands in the lines beside the engine, in the order in which contenders are shown.
fn contenders(lines: &[Line]) -> Vec<&'static str> {
    let stands = |name: &&str| lines.iter().any(|line| line.contender == *name);
    CONTENDERS.iter().map(|contender| contender.name).filter(stands).collect()
}

/// How the engine did against each framework over all closed loops, and where it lost.
fn words(lines: &[Line]) -> Markup {
    let contenders = contenders(lines);
    html! {
        p {
            "Every system had the same input and was held against the same oracle, in one run, interleaved, each repeat in a process of its own. Of each the variant "
            "that did best stands here. Ratios are thalweg ÷ the other, repeat by repeat. How each was configured, what was tried, and how to object: "
            code { "bench-harness/FAIRNESS.md" } "."
        }
        ul {
            @for contender in contenders {
                @let closed = lines.iter().filter(|line| line.contender == contender && line.question.rate.is_none());
                @let ratios: Vec<(f64, &Line)> = closed.filter_map(|line| Some((line.ratio?.median, line))).collect();
                @let lowest = ratios.iter().min_by(|a, b| a.0.total_cmp(&b.0));
                @let highest = ratios.iter().max_by(|a, b| a.0.total_cmp(&b.0));
                @if let (Some((low, slow)), Some((high, fast))) = (lowest, highest) {
                    li {
                        b { (contender) } ": thalweg has " (format!("{low:.2}")) " times its throughput (" (question(slow)) ") to "
                        (format!("{high:.2}")) " times (" (question(fast)) "), over " (count(ratios.len(), "configuration")) "."
                        @let lost = ratios.iter().filter(|(ratio, _)| *ratio < 1.0).count();
                        @if lost > 0 { " " strong { (contender) " is faster in " (count(lost, "configuration")) "." } }
                    }
                }
            }
        }
    }
}

fn question(line: &Line) -> String {
    let cores = count(line.question.cores, "core");
    line.question.rate.as_ref().map_or_else(
        || format!("{}, {cores}", line.question.workload),
        |rate| format!("{}, {cores}, open loop at {rate}", line.question.workload),
    )
}

/// Contenders across, questions down: the ratios alone.
fn overview(lines: &[Line]) -> Markup {
    let names = contenders(lines);
    html! {
        table {
            caption { "Thalweg against each" span { " Closed loop: how many times its throughput. Open loop: its median latency as a share of the other's." } }
            thead { tr { th scope="col" { "work" } @for name in &names { th.n scope="col" { (name) } } } }
            tbody {
                @for group in lines.chunk_by(|a, b| a.question == b.question) {
                    tr {
                        th scope="row" { (question(&group[0])) }
                        @for name in &names {
                            td.n data-label=(name) {
                                @match group.iter().find(|line| line.contender == *name) {
                                    None => { "–" },
                                    Some(line) if line.variant.is_none() => { span.failed { "wrong" } },
                                    Some(line) => { (line.ratio.map_or("–".to_owned(), |ratio| format!("{:.2}", ratio.median))) },
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// The figures of one question.
fn table(lines: &[Line], number: usize) -> Markup {
    let is_open = lines[0].question.rate.is_some();
    let of = |spread: Option<Spread>, show: fn(f64) -> String| {
        html! {
            @if let Some(spread) = spread { (show(spread.median)) @if spread.percent() >= 0.5 { small { " ±" (format!("{:.0}", spread.percent())) "%" } } } @else { "–" }
        }
    };
    let bytes = |bytes: f64| quantity::human_bytes(bytes as u64);
    html! {
        table {
            caption {
                (question(&lines[0]))
                span { " Medians, ± half the range of the repeats. Money: a billion records' CPU time at " (PRICE_PER_CORE_HOUR) " per core-hour." }
            }
            thead {
                tr {
                    th scope="col" { "system" }
                    @if is_open { th.n scope="col" { "p50" } th.n scope="col" { "p99" } th.n scope="col" { "p99.9" } } @else { th.n scope="col" { "throughput" } }
                    th.n scope="col" { "CPU per record" }
                    th.n scope="col" { "memory" }
                    th.n scope="col" { "money" }
                    th.n scope="col" { "thalweg ÷ it" }
                    th scope="col" { "runs" }
                }
            }
            tbody {
                @for line in lines {
                    tr {
                        th scope="row" {
                            (line.contender)
                            @if let Some(variant) = line.variant.as_deref().filter(|variant| *variant != line.contender) { small { " " (variant) } }
                            @if line.standing == Standing::NotBelieved { " " span.not-believed { "not believed" } }
                            @for failure in &line.failures { " " span.failed { "wrong: " (failure) } }
                        }
                        @if is_open {
                            td.n data-label="p50" { (of(line.p50_ns, quantity::nanoseconds)) }
                            td.n data-label="p99" { (of(line.p99_ns, quantity::nanoseconds)) }
                            td.n data-label="p99.9" { (of(line.p99_9_ns, quantity::nanoseconds)) }
                        } @else {
                            td.n data-label="throughput" { (of(line.r_per_s, quantity::per_second)) }
                        }
                        td.n data-label="CPU per record" { (of(line.cpu_ns_per_record, quantity::nanoseconds)) }
                        td.n data-label="memory" { (of(line.peak_rss_bytes, bytes)) }
                        td.n data-label="money" { (line.money_per_billion(PRICE_PER_CORE_HOUR).map_or("–".into(), systems::money)) }
                        td.n data-label="thalweg ÷ it" { (line.ratio.map_or("–".into(), systems::times)) }
                        td.runs data-label="runs" { @for row in &line.rows { a href=(RowRef { folder: number, row: *row }.link()) { (row + 1) } " " } }
                    }
                }
            }
        }
    }
}

/// What each system can do, with the source of every cell.
fn functions() -> Markup {
    html! {
        @for group in systems::said().functions.chunk_by(|a, b| a.group == b.group) {
            table {
                caption { (group[0].group) span { " Each cell leads to its source." } }
                thead { tr { th scope="col" { "function" } @for (name, _) in group[0].cells() { th scope="col" { (name) } } } }
                tbody {
                    @for function in group {
                        tr {
                            th scope="row" { (function.name) }
                            @for (name, cell) in function.cells() {
                                td data-label=(name) {
                                    @match cell.address() {
                                        Some(address) => a href=(address) { (cell.has.word()) },
                                        None => span title=(cell.source) { (cell.has.word()) " " code { (cell.source) } },
                                    }
                                    @if !cell.note.is_empty() { small { " " (cell.note) } }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// How long the same job is.
fn lengths() -> Markup {
    let lengths = systems::lengths();
    let mut names: Vec<&str> = Vec::new();
    for length in lengths {
        if !names.contains(&length.contender) {
            names.push(length.contender);
        }
    }
    html! {
        table {
            caption { "Lines of the same job" span { " Counted in the programs that ran here, without blank lines, comments, serialisers, sources and sinks." } }
            thead { tr { th scope="col" { "job" } @for name in &names { th.n scope="col" { (name) } } } }
            tbody {
                @for job in lengths.chunk_by(|a, b| a.job == b.job) {
                    tr {
                        th scope="row" { (job[0].job) }
                        @for name in &names {
                            td.n data-label=(name) { (job.iter().find(|length| length.contender == *name).map_or("–".to_owned(), |length| length.lines.to_string())) }
                        }
                    }
                }
            }
        }
    }
}

/// Seconds from a clone to the first result, where `scripts/first-result` measured them before the run.
fn first_result(folder: &Results) -> Markup {
    let times = systems::first_results(folder.path());
    html! {
        @if !times.is_empty() {
            table {
                caption { "From a clone to the first result" span { " Seconds to build the smallest job, from a source through a map to a sink, and to run it; what is downloaded is there already." } }
                thead { tr { th scope="col" { "system" } th.n scope="col" { "time" } } }
                tbody { @for (name, seconds) in &times { tr { th scope="row" { (name) } td.n data-label="time" { (format!("{seconds:.0} s")) } } } }
            }
        }
    }
}
