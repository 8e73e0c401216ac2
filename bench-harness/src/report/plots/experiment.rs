//! What an experiment found: the load–latency curve, and cost along a number with the law that it follows.

use super::{
    closed::{xs, ys},
    *,
};
use crate::{
    experiment::{curve, scale},
    statistics::{bootstrap::Median, median, scalability::Fit},
};

/// Points of a drawn law.
const LAW_POINTS: u32 = 60;

impl Plots<'_> {
    /// All of it; nothing for the folder of a plain run.
    pub fn of_experiment(&self) -> Vec<Chart> {
        let mut charts: Vec<Chart> = self.load_curve().into_iter().collect();
        let points = &self.results.findings().scale;
        charts.extend(self.scale("Throughput", points, |point| point.r_per_s, "records per second", rate_short));
        charts.extend(self.scale("CPU time per record", points, |point| point.cpu_ns_per_record, "CPU time per record", seconds_short));
        charts.extend(self.scale("p99", points, |point| point.p99_ns, "residence", seconds_short));
        charts.extend(self.scale("Memory", points, |point| point.peak_added_bytes, "peak of the memory added", bytes_short));
        charts
    }

    /// Medians of the quantiles at each load of a curve, and the rate that can be sustained.
    fn load_curve(&self) -> Option<Chart> {
        let findings = self.results.findings();
        let mut offered: Vec<f64> = findings.load_curve.iter().map(|point| point.offered_per_s).collect();
        offered.sort_by(f64::total_cmp);
        offered.dedup();
        let system = &findings.load_curve.first()?.system;
        let quantiles: [(&str, fn(&curve::Point) -> Option<u64>, Stroke); 3] =
            [("p50", |p| p.p50_ns, Stroke::Dashed), ("p99", |p| p.p99_ns, Stroke::Solid), ("p99.9", |p| p.p99_9_ns, Stroke::Solid)];
        let mut series = Vec::new();
        for (colour, (name, of, stroke)) in quantiles.into_iter().enumerate() {
            let point = |rate: &f64| {
                let mut runs: Vec<(&curve::Point, f64)> =
                    findings.load_curve.iter().filter(|p| p.offered_per_s == *rate).filter_map(|p| Some((p, of(p)? as f64))).collect();
                runs.sort_by(|a, b| a.1.total_cmp(&b.1));
                let middle = median(&runs.iter().map(|(_, ns)| *ns).collect::<Vec<_>>());
                let (first, last, (row, _)) = (runs.first()?.1, runs.last()?.1, runs.get(runs.len() / 2)?);
                let (share, shown) = (row.share * 100.0, quantity::nanoseconds(middle));
                let tip = format!("{share:.0} % ({}): {name} {shown}", quantity::per_second(*rate));
                let is_hollow = runs.iter().any(|(run, _)| run.stability != Some(crate::measure::backlog::Stability::Stable));
                Some(Point { span: Some([first, last]), is_hollow, ..self.point(row.row as usize, *rate, middle, tip) })
            };
            let points = offered.iter().filter_map(point).collect();
            series.push(Series { name: name.into(), colour: Some(colour), stroke, points, row: None });
        }
        series.retain(|series: &Series| !series.points.is_empty());
        let spans = || series.iter().flat_map(|series| &series.points).flat_map(|point| point.span.unwrap_or([point.y; 2]));
        let y = Scale::log(spans())?;
        let (low, high) = spans().fold((f64::INFINITY, 0.0f64), |(low, high), ns| (low.min(ns), high.max(ns)));
        if let Some(rate) = findings.sustained.as_ref().and_then(|sustained| sustained.found.sustained_per_s) {
            let end = |y| Point { x: rate, y, span: None, row: None, tip: String::new(), is_hollow: false };
            let name = format!("sustainable: {}", quantity::per_second(rate));
            series.push(Series { name, colour: None, stroke: Stroke::Dashed, points: vec![end(low), end(high)], row: None });
        }
        Some(Chart {
            title: format!("Load and latency of {system}"),
            about: "Medians, and the range of the runs; hollow: at this load not every run was stable.".into(),
            x: Axis { label: "offered records per second".into(), scale: Scale::from_zero(xs(&series)), show: rate_short },
            y: Axis { label: "residence".into(), scale: y, show: seconds_short },
            series,
        })
    }

    /// One figure along the axis of a scale experiment: medians and their intervals; of throughput over workers the law, too.
    fn scale(
        &self,
        title: &str,
        points: &[scale::Point],
        of: fn(&scale::Point) -> Option<Median>,
        label: &str,
        show: fn(f64) -> String,
    ) -> Option<Chart> {
        let first = points.first()?;
        let axis = first.axis.replace('_', " ");
        let point = |point: &scale::Point| {
            let (x, figure) = (point.number()?, of(point)?);
            let tip = format!("{axis} {}: {} (median of {})", point.value, show(figure.median), figure.values);
            let span = figure.interval.map(|interval| [interval.low, interval.high]);
            Some(Point { x, y: figure.median, span, row: None, tip, is_hollow: false })
        };
        let mut drawn: Vec<Point> = points.iter().filter_map(point).collect();
        drawn.sort_by(|a, b| a.x.total_cmp(&b.x));
        let (low, high) = (drawn.first()?.x, drawn.last()?.x);
        if drawn.len() < 2 {
            return None;
        }
        let mut series = vec![Series {
            name: first.system.clone(),
            colour: self.colour(&first.system),
            stroke: Stroke::Solid,
            points: drawn,
            row: None,
        }];
        if let Some(Fit::Whole { law, .. }) =
            self.results.findings().law.as_ref().filter(|_| first.axis == "workers" && title == "Throughput")
        {
            series[0].stroke = Stroke::None;
            let at = |i: u32| low + (high - low) * f64::from(i) / f64::from(LAW_POINTS);
            let point = |x: f64| Point { x, y: law.throughput(x), span: None, row: None, tip: String::new(), is_hollow: false };
            let points = (0..=LAW_POINTS).map(|i| point(at(i))).collect();
            series.insert(0, Series { name: "Universal Scalability Law".into(), colour: None, stroke: Stroke::Dashed, points, row: None });
        }
        let spans = series.iter().flat_map(|series| &series.points).flat_map(|point| point.span.unwrap_or([point.y; 2]));
        // A tail spans decades; the rest is read from zero.
        let y = if title == "p99" { Scale::log(ys(&series))? } else { Scale::from_zero(spans) };
        Some(Chart {
            title: format!("{title} over {axis}: {}", first.workload),
            about: "Medians with 95 % intervals, as far as the repeats give any.".into(),
            x: Axis { label: axis.clone(), scale: Scale::fitting(&xs(&series)), show: if axis == "ring" { bytes_short } else { plain } },
            y: Axis { label: label.into(), scale: y, show },
            series,
        })
    }
}
