//! What a sweep found: medians of every point, and which points no other beats.

use serde::Serialize;

use super::{
    front::front,
    ledger::Entry,
    trial::{Values, key},
};
use crate::{
    quantity,
    report::row::Row,
    run::verdict::Standing,
    statistics::bootstrap::{self, Median},
};

/// Seed of the bootstrap: the same ledger gives the same summary.
const SEED: u64 = 42;

/// A point of a sweep.
#[derive(Clone, Debug, Serialize)]
pub struct Point {
    /// Its options.
    pub values: Values,
    /// r of the closed loops, in records per second.
    pub throughput: Option<Median>,
    /// CPU time per record of the closed loops, in ns.
    pub cpu_ns_per_record: Option<Median>,
    /// p99 of the open loops, in ns.
    pub p99_ns: Option<Median>,
    /// Whether no other point of its workload has more throughput at no more p99, or less p99 at no less throughput.
    pub on_front_p99: bool,
    /// The same with CPU time in place of p99.
    pub on_front_cpu: bool,
    /// Runs that are not in the figures, and why: failed, refused, not believed.
    pub left_out: Vec<String>,
}

/// Summarises the entries of `points`.
pub fn summarise(points: &[Values], entries: &[Entry]) -> Vec<Point> {
    let mut all: Vec<Point> = points.iter().map(|values| point(values, entries)).collect();
    let median = |median: Option<Median>| median.map_or(f64::NAN, |median| median.median);
    let mut workloads: Vec<String> = all.iter().filter_map(|point| point.values.get("workload").cloned()).collect();
    workloads.sort();
    workloads.dedup();
    for workload in workloads {
        let of_it: Vec<usize> = (0..all.len()).filter(|i| all[*i].values.get("workload") == Some(&workload)).collect();
        let fronts = [|p: &Point| p.p99_ns, |p: &Point| p.cpu_ns_per_record]
            .map(|cost| front(&of_it.iter().map(|i| (median(all[*i].throughput), median(cost(&all[*i])))).collect::<Vec<_>>()));
        for (place, i) in of_it.into_iter().enumerate() {
            (all[i].on_front_p99, all[i].on_front_cpu) = (fronts[0][place], fronts[1][place]);
        }
    }
    all
}

fn point(values: &Values, entries: &[Entry]) -> Point {
    let name = key(values);
    let of_it: Vec<&Entry> = entries.iter().filter(|entry| entry.point == name).collect();
    let believed = |row: &&Row| !row.failed() && row.verdict.standing < Standing::NotBelieved;
    let rows: Vec<&Row> = of_it.iter().flat_map(|entry| &entry.rows).filter(believed).collect();
    let figure = |kind: &str, of: &dyn Fn(&Row) -> Option<f64>| {
        let values: Vec<f64> = rows.iter().filter(|row| row.config.kind == kind).filter_map(|row| of(row)).collect();
        bootstrap::median_interval(&values, SEED)
    };
    let mut left_out: Vec<String> = Vec::new();
    let errors = of_it.iter().filter_map(|entry| entry.error.clone());
    let doubts = of_it.iter().flat_map(|entry| &entry.rows).filter(|row| !believed(row)).map(|row| row.verdict.reasons.join("; "));
    for why in errors.chain(doubts) {
        if !left_out.contains(&why) {
            left_out.push(why);
        }
    }
    Point {
        values: values.clone(),
        throughput: figure("closed", &|row| row.r_per_s),
        cpu_ns_per_record: figure("closed", &|row| row.cpu_ns_per_record),
        p99_ns: figure("open", &|row| row.latency_ns.as_ref()?.p99.map(|ns| ns as f64)),
        on_front_p99: false,
        on_front_cpu: false,
        left_out,
    }
}

/// The points as a table of at most 80 columns, workload by workload, the fastest first.
pub fn draw(points: &[Point]) -> String {
    let mut sorted: Vec<&Point> = points.iter().collect();
    let rate = |point: &Point| point.throughput.map_or(-1.0, |median| median.median);
    sorted.sort_by(|a, b| a.values.get("workload").cmp(&b.values.get("workload")).then(rate(b).total_cmp(&rate(a))));
    let varies = |name: &String| points.iter().any(|point| point.values.get(name) != points[0].values.get(name));
    let mut text = String::new();
    let mut workload = None;
    for point in sorted {
        if workload != point.values.get("workload") {
            workload = point.values.get("workload");
            text += &format!(
                "\n{}\n  {:<33} {:>10} {:>4} {:>9} {:>9}  front\n",
                workload.map_or("", |w| w),
                "",
                "throughput",
                "±",
                "p99",
                "CPU/rec"
            );
        }
        let label: Vec<String> = point
            .values
            .iter()
            .filter(|(name, _)| *name != "workload" && varies(name))
            .map(|(name, value)| if name == "system" { value.clone() } else { format!("{name} {value}") })
            .collect();
        let shown = |median: Option<Median>, show: fn(f64) -> String| median.map_or("–".into(), |median| show(median.median));
        let spread = |median: Median| median.interval.map(|i| (i.high - i.low) / 2.0 / median.median * 100.0);
        let spread = point.throughput.and_then(spread).map_or(String::new(), |percent| format!("{percent:.0}%"));
        let fronts = match (point.on_front_p99, point.on_front_cpu) {
            (true, true) => "p99 CPU",
            (true, false) => "p99",
            (false, true) => "CPU",
            (false, false) => "",
        };
        let (r, p99, cpu) = (
            shown(point.throughput, quantity::per_second),
            shown(point.p99_ns, quantity::nanoseconds),
            shown(point.cpu_ns_per_record, quantity::nanoseconds),
        );
        let label = label.join(" ");
        let (label, rest) = if label.chars().count() <= 33 { (label, None) } else { (String::new(), Some(label)) };
        text.extend(rest.map(|label| crate::compare::text::wrap(&label, "  ")));
        text += format!("  {label:<33} {r:>10} {spread:>4} {p99:>9} {cpu:>9}  {fronts}").trim_end();
        text.push('\n');
        text += &reasons(&point.left_out);
    }
    text
}

/// Why runs were left out: the first reason of the first, and how many more there are. All of it is in the points' file.
fn reasons(left_out: &[String]) -> String {
    let Some(first) = left_out.first() else { return String::new() };
    let first: String = first.split(';').next().unwrap_or_default().chars().take(200).collect();
    let more = match left_out.len() - 1 {
        0 => String::new(),
        more => format!(" (and {more} more)"),
    };
    crate::compare::text::wrap(&format!("left out: {first}{more}"), "      ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::row::tests::{EXPECTED, row};

    fn values(pairs: &[(&str, &str)]) -> Values {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    fn entry(values: &Values, repeat: u32, rows: Vec<Row>, error: Option<&str>) -> Entry {
        Entry { point: key(values), repeat, load: "closed".into(), took_s: 1.0, rows, error: error.map(str::to_owned) }
    }

    #[test]
    fn medians_fronts_and_what_is_left_out() {
        let points: Vec<Values> =
            ["64", "256", "1024"].iter().map(|batch| values(&[("workload", "w"), ("system", "x"), ("batch", batch)])).collect();
        let mut entries = Vec::new();
        for repeat in 0..5 {
            entries.push(entry(
                &points[0],
                repeat,
                vec![row("x", 1, repeat, 200, EXPECTED, None), row("x", 2, repeat, 100, EXPECTED, Some(1e4))],
                None,
            ));
            entries.push(entry(
                &points[1],
                repeat,
                vec![row("x", 1, repeat, 100, EXPECTED, None), row("x", 2, repeat, 100, EXPECTED, Some(1e4))],
                None,
            ));
        }
        entries.push(entry(&points[2], 0, Vec::new(), Some("was killed")));
        entries.push(entry(&points[2], 1, Vec::new(), Some("was late; and wrong")));
        let summary = summarise(&points, &entries);
        assert_eq!(summary[0].throughput.map(|m| (m.median, m.values)), Some((5_000.0, 5)));
        assert!(summary[1].on_front_p99 && !summary[0].on_front_p99, "equal p99, half the throughput");
        assert!(summary[1].on_front_cpu && !summary[2].on_front_cpu && summary[2].throughput.is_none());
        assert_eq!(summary[2].left_out, ["was killed", "was late; and wrong"]);
        let text = draw(&summary);
        assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
        for needle in ["batch 256", "10 k/s", "p99 CPU", "left out: was killed (and 1 more)"] {
            assert!(text.contains(needle), "no `{needle}` in\n{text}");
        }
    }
}
