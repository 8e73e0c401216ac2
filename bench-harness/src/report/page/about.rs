//! What stands around the figures: the self-checks, what was asked, the machine.

use maud::{Markup, html};
use serde_json::Value;

use super::words::count;
use crate::report::{chart::RowRef, folder::Results};

/// The self-checks over all runs: how often each held, and the runs in which it did not.
pub(super) fn checks(folder: &Results, number: usize) -> Markup {
    struct Check<'a> {
        name: &'a str,
        held: usize,
        unseen: usize,
        broken: Vec<(usize, &'a str)>,
    }
    let mut checks: Vec<Check<'_>> = Vec::new();
    for (i, row) in folder.rows().iter().enumerate() {
        for check in &row.checks {
            let place = checks.iter().position(|known| known.name == check.name).unwrap_or_else(|| {
                checks.push(Check { name: &check.name, held: 0, unseen: 0, broken: Vec::new() });
                checks.len() - 1
            });
            match check.ok {
                Some(true) => checks[place].held += 1,
                Some(false) => checks[place].broken.push((i, &check.says)),
                None => checks[place].unseen += 1,
            }
        }
    }
    html! {
        @if !checks.is_empty() {
            table {
                caption { "Self-checks" span { " What the harness looks at to find its own mistakes, over all runs." } }
                thead {
                    tr { th scope="col" { "check" } th.n scope="col" { "held" } th.n scope="col" { "not seen" } th scope="col" { "broken" } }
                }
                tbody {
                    @for check in &checks {
                        tr {
                            th scope="row" { (check.name) }
                            td.n data-label="held" { (check.held) }
                            td.n data-label="not seen" { (check.unseen) }
                            td data-label="broken" {
                                @if check.broken.is_empty() { "0" } @else {
                                    details {
                                        summary { (count(check.broken.len(), "run")) }
                                        ul { @for (row, says) in &check.broken { li { a href=(RowRef { folder: number, row: *row }.link()) { "run " (row + 1) } ": " (says) } } }
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// What was asked, and of which machine and build.
pub(super) fn manifest(folder: &Results) -> Markup {
    let definition = folder.definition();
    let shown = |value: &Value| match value {
        Value::String(text) if text.is_empty() => "–".to_owned(),
        Value::String(text) => text.clone(),
        Value::Null => "unknown".to_owned(),
        Value::Array(values) => {
            values.iter().map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned)).collect::<Vec<_>>().join(", ")
        }
        other => other.to_string(),
    };
    html! {
        details {
            summary { "What was asked, of which machine and build" }
            p { code.command { (definition.command_line()) } }
            dl {
                dt { "began" } dd { (definition.began) }
                dt { "ended" } dd { (folder.ended().unwrap_or("the run did not end")) }
                dt { "program" } dd { (definition.program) }
                @for (name, value) in folder.environment() { dt { (name.replace('_', " ")) } dd { (shown(value)) } }
            }
        }
    }
}
