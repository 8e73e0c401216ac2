//! A result folder for a terminal: systems compared, the tables, and the plots that text can show.

use super::{
    cells::{self, Cell},
    chart::terminal,
    compare, cost,
    folder::Results,
    page,
    plots::Plots,
    systems::{self, PRICE_PER_CORE_HOUR},
    table::{self, Look},
};

/// Writes a folder's tables, what an experiment found, of every open loop its latency by percentile and against load, and what it all cost.
pub fn text(results: &Results) -> String {
    let mut text = format!("{}\n{}\n", results.path().display(), results.definition().command_line());
    if !results.is_complete() {
        text += "The run did not end: this is what there was until then.\n";
    }
    text = text.lines().map(|line| table::wrap(line, "")).collect();
    text.push('\n');
    text += &systems::draw(&systems::compare(results.rows()), PRICE_PER_CORE_HOUR);
    text += &table::draw(&compare::summarise(results.rows(), &[]), Look::Terminal);
    let all = cells::gather(results.rows());
    let plots = Plots::new(results, 0);
    text.extend(page::experiment_words(results).map(|words| table::wrap(&words, "") + "\n"));
    for chart in plots.of_experiment() {
        text += &format!("{}\n", terminal::draw(&chart));
    }
    let mut workloads: Vec<&str> = Vec::new();
    for cell in all.iter().filter(|cell| cell.is_open()) {
        let workload = cell.first().workload.as_str();
        if !workloads.contains(&workload) {
            workloads.push(workload);
        }
    }
    for workload in workloads {
        let open: Vec<&Cell<'_>> = all.iter().filter(|cell| cell.first().workload == workload && cell.is_open()).collect();
        for chart in plots.of_workload(&open) {
            text += &format!("{workload}: {}\n", terminal::draw(&chart));
        }
    }
    let costs = cost::costs(results.rows(), None);
    if !costs.is_empty() {
        text += &format!("cost {}", cost::draw(&costs));
    }
    text
}
