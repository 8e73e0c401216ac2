//! Result folders as one page of HTML: no file beside it, no network, every figure a link to the row it comes from.
//!
//! ```text
//!   for each folder   words ▶ what an experiment found, systems compared ▶ table and plots per workload ▶ self-checks ▶ stalls ▶
//!                     what was asked, machine ▶ list of all runs
//!   at the end        the rows themselves as JSON; a link `#row-0-17` opens row 17 of folder 0 in a dialog
//! ```
//!
//! Laws
//! - Everything that comes from a row is text: the template escapes it, and in the JSON every `<` is `\u003c`. A hostile name is a name.
//! - Folders stand beside each other and are never compared: they are from two moments of a machine.
//! - Without its script the page loses the dialog and nothing else.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::{
    cells::{self, Cell},
    chart::svg,
    compare,
    folder::Results,
    plots::Plots,
};

mod about;
mod experiment;
mod systems;
mod table;
mod words;

pub(super) use experiment::words as experiment_words;

const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

/// Writes the page. `folders` is not empty.
pub fn page(folders: &[Results]) -> String {
    let title = match folders {
        [one] => format!("Thalweg: {}", name(one)),
        many => format!("Thalweg: {} result folders", many.len()),
    };
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                // Nothing may be fetched, whatever a row holds.
                meta http-equiv="Content-Security-Policy"
                    content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'";
                link rel="icon" href="data:,";
                title { (title) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                header {
                    p.brand { "Thalweg benchmark" }
                    @if folders.len() > 1 {
                        h1 { (folders.len()) " result folders" }
                        p { "They were measured at different moments: read each by itself." }
                        nav { @for (i, folder) in folders.iter().enumerate() { a href={ "#folder-" (i) } { (name(folder)) } " " } }
                    }
                }
                main { @for (i, folder) in folders.iter().enumerate() { (section(folder, i)) } }
                footer {
                    p { "Made by thalweg-bench " (env!("CARGO_PKG_VERSION")) ". Every figure is computed from the rows and leads to one: tap it." }
                    noscript { p { "Scripts are off: a link to a row names its place in rows.jsonl instead of showing it." } }
                }
                dialog id="row" aria-labelledby="row-title" {
                    form method="dialog" { h2 id="row-title" {} button { "Close" } }
                    p id="row-about" {}
                    pre id="row-json" tabindex="0" {}
                }
                @for (i, folder) in folders.iter().enumerate() {
                    script type="application/jsonl" id={ "rows-" (i) } { (PreEscaped(rows_json(folder))) }
                }
                script { (PreEscaped(SCRIPT)) }
            }
        }
    };
    page.into_string()
}

/// A folder's last name.
fn name(folder: &Results) -> String {
    let path = folder.path();
    // `.` and `..` have a name only when they are looked up.
    let name = path.file_name().map(ToOwned::to_owned).or_else(|| Some(path.canonicalize().ok()?.file_name()?.to_owned()));
    name.map_or_else(|| path.display().to_string(), |name| name.to_string_lossy().into_owned())
}

fn section(folder: &Results, number: usize) -> Markup {
    let all = cells::gather(folder.rows());
    let summaries = compare::summarise(folder.rows(), &[]);
    let plots = Plots::new(folder, number);
    let mut workloads: Vec<&str> = Vec::new();
    for cell in &all {
        if !workloads.contains(&cell.first().workload.as_str()) {
            workloads.push(&cell.first().workload);
        }
    }
    let systems = systems::section(folder, number);
    html! {
        article id={ "folder-" (number) } {
            h1 { (name(folder)) }
            (words::summary(folder, &all, &summaries))
            nav aria-label="Contents" {
                @if systems.is_some() { a href={ "#systems-" (number) } { "systems compared" } " " }
                @for (i, workload) in workloads.iter().enumerate() { a href={ "#w-" (number) "-" (i) } { (workload) } " " }
                a href={ "#machine-" (number) } { "machine" } " "
                a href={ "#runs-" (number) } { "all runs" }
            }
            (experiment::section(folder, &plots))
            @if let Some(systems) = systems { (systems) }
            @for (i, workload) in workloads.iter().enumerate() {
                @let of_it: Vec<&Cell<'_>> = all.iter().filter(|cell| cell.first().workload == **workload).collect();
                section id={ "w-" (number) "-" (i) } {
                    h2 { (workload) }
                    (words::of_workload(&of_it, &summaries))
                    (table::tables(&of_it, &summaries, number))
                    div.charts { @for chart in plots.of_workload(&of_it) { (svg::draw(&chart)) } }
                }
            }
            section id={ "machine-" (number) } {
                h2 { "The machine, and whether to believe it" }
                div.charts { @for chart in plots.stalls() { (svg::draw(&chart)) } }
                (experiment::costs(folder))
                (about::checks(folder, number))
                (about::manifest(folder))
            }
            section id={ "runs-" (number) } { h2 { "All runs" } (table::runs(folder, number)) }
        }
    }
}

/// The rows of a folder line by line, as they stand in its file, safe within a `script` element.
fn rows_json(folder: &Results) -> String {
    let lines = (0..).map_while(|i| folder.line(i)).collect::<Vec<_>>().join("\n");
    // Within valid JSON these stand in strings only, where the escape means the same.
    lines.replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026")
}

#[cfg(test)]
mod tests;
