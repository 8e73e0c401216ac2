//! `thalweg-bench scale`: how cost grows along one axis.

use std::process::ExitCode;

use clap::{Args, builder::PossibleValuesParser};
use thalweg_bench::{
    compare::text::wrap,
    experiment::{
        campaign::Trial,
        scale::{self, Axis, Point},
        sweep::shuffled,
    },
    quantity,
    report::row::Row,
    run::environment::Environment,
};

use super::{
    EXIT_FAILED,
    experiment::{Kept, Setting, announce, begin, lines, told_partial},
    print, runnable_names, usage,
};

pub(crate) const EXAMPLES: &str = "\
Examples:
  thalweg-bench scale tumbling --over workers --repeats 7
  thalweg-bench scale hop --over load --at 0.1,0.5,0.9      shares of the closed loop's rate
  thalweg-bench scale hop --over record-size                8 and 64 bytes
  thalweg-bench scale tumbling --over keys                  10 to 10M; the size of state is in the column memory
  thalweg-bench scale sliding --over windows                each record in 1 to 1,000 windows
  thalweg-bench scale chain --over chain                    1 to 16 operators
  thalweg-bench scale tumbling --over batch --at 64,256,1024,4096

Over workers, the Universal Scalability Law is fitted as far as the points identify it: two worker counts tell the loss between them and no more.

Exit code: 0 if every point has a figure, 1 if one has none, 2 if nothing could be run.";

#[derive(Args)]
pub(crate) struct ScaleArgs {
    /// The workload
    #[arg(value_name = "WORKLOAD", value_parser = PossibleValuesParser::new(runnable_names()))]
    workload: String,
    /// What grows
    #[arg(long, value_enum)]
    over: Axis,
    /// The values [default: a range that suits the axis]
    #[arg(long, value_delimiter = ',', value_name = "VALUES")]
    at: Vec<String>,
    #[command(flatten)]
    setting: Setting,
    /// Runs of each value, in fresh processes, in drawn order
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=1000))]
    repeats: u32,
    /// How long a run takes
    #[arg(long, default_value = "0.3s", value_name = "S")]
    duration: String,
    /// Time for everything, over all invocations that go on in the same folder
    #[arg(long, default_value = "2min", value_parser = quantity::budget, value_name = "S")]
    budget: f64,
    #[command(flatten)]
    kept: Kept,
}

pub(crate) fn run(arguments: &ScaleArgs) -> ExitCode {
    match scale(arguments) {
        Ok((text, is_whole)) => {
            let shown = print(&text);
            if is_whole { shown } else { ExitCode::from(EXIT_FAILED) }
        }
        Err(why) => usage(&why),
    }
}

fn scale(arguments: &ScaleArgs) -> Result<(String, bool), String> {
    quantity::seconds(&arguments.duration)?;
    let program = arguments.setting.program()?;
    let axis = arguments.over.name();
    let cores = Environment::read().usable_cores();
    let at_values = if arguments.at.is_empty() { arguments.over.usual(cores) } else { super::unique(&arguments.at) };
    let asked = serde_json::json!({
        "experiment": "scale", "axis": axis, "values": at_values, "duration": arguments.duration,
        "configuration": arguments.setting.values(&arguments.workload),
    });
    let runs = at_values.len() as u64 * u64::from(arguments.repeats);
    announce(&format!("{} values of {axis}, {runs} runs of {}", at_values.len(), arguments.duration), Some(arguments.budget));
    let out = arguments.kept.out.as_deref();
    let mut campaign = begin(&program, out, &asked, Some(arguments.budget), runs)?;
    let mut rows: Vec<Vec<Row>> = vec![Vec::new(); at_values.len()];
    let mut left_out: Vec<Vec<String>> = vec![Vec::new(); at_values.len()];
    for (repeat, i) in
        (0..arguments.repeats).flat_map(|repeat| shuffled(at_values.len(), 42, u64::from(repeat)).into_iter().map(move |i| (repeat, i)))
    {
        // What could not be run once is refused: it would be refused again.
        if !left_out[i].is_empty() && rows[i].is_empty() {
            continue;
        }
        let mut values = arguments.setting.values(&arguments.workload);
        let load = arguments.over.set(&mut values, &at_values[i], cores);
        let trial = Trial { values: &values, load, repeat, duration: &arguments.duration };
        let Some(ran) = campaign.run(&trial, &format!("{axis} {}", at_values[i]))? else { break };
        match campaign.entry(ran).row() {
            Ok(row) if !row.failed() => rows[i].push(row.clone()),
            Ok(row) => left_out[i].push(row.verdict.reasons.join("; ")),
            Err(why) => left_out[i].push(why.to_owned()),
        }
    }
    if rows.iter().all(Vec::is_empty) {
        return Err(format!("nothing could be run:\n{}", left_out.concat().first().map_or("", String::as_str)));
    }
    let at_each = at_values.iter().zip(&rows).zip(left_out);
    let (workload, system) = (&arguments.workload, &arguments.setting.system);
    let points: Vec<Point> =
        at_each.map(|((value, rows), left_out)| Point::of(workload, system, arguments.over, value, rows, left_out)).collect();
    let fit = (arguments.over == Axis::Workers).then(|| scale::fit(&at_values, &rows));
    let mut text = scale::draw(&points);
    text.extend(fit.as_ref().map(|fit| format!("\n{}", wrap(&scale::told(fit), ""))));
    if arguments.over == Axis::Workers && points.iter().any(|point| point.number() > Some(cores as f64)) {
        text += &wrap(&format!("(More than {cores} workers share the cores, which the law takes for contention.)"), "");
    }
    let mut files = vec![("scale.jsonl", lines(&points))];
    files.extend(fit.iter().map(|fit| ("usl.jsonl", lines(std::slice::from_ref(fit)))));
    text += &told_partial(campaign.over(), campaign.entries().len(), Some(arguments.budget), out);
    campaign.finish(&files)?;
    Ok((text, points.iter().all(|point| point.r_per_s.is_some())))
}
