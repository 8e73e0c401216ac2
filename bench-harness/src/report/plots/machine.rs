//! The machine itself, run by run.

use super::*;

impl Plots<'_> {
    /// The machine's stalls over time: their share, and the longest.
    pub fn stalls(&self) -> Vec<Chart> {
        let share = self.over_time(|row| row.stalls.share);
        let longest = self.over_time(|row| row.stalls.largest_ns.filter(|ns| *ns > 0).map(|ns| ns as f64));
        let x = || {
            let last = self.results.rows().len() as f64;
            Axis { label: "run, in order".into(), scale: Scale::Linear { low: 0.0, high: (last * 1.02).max(2.0) }, show: plain }
        };
        let mut charts = Vec::new();
        if !share.is_empty() {
            let scale = Scale::from_zero(share.iter().map(|point| point.y));
            charts.push(Chart {
                title: "The machine's stalls over time".into(),
                about: "Share of the time that a thread which only reads the clock lost around each run.".into(),
                x: x(),
                y: Axis { label: "share of time".into(), scale, show: percent },
                series: vec![machine(share)],
            });
        }
        if let Some(scale) = Scale::log(longest.iter().map(|point| point.y)) {
            charts.push(Chart {
                title: "The longest stall around each run".into(),
                about: "A tail near it is the machine's, not the system's.".into(),
                x: x(),
                y: Axis { label: "longest stall".into(), scale, show: seconds_short },
                series: vec![machine(longest)],
            });
        }
        charts
    }

    fn over_time(&self, figure: impl Fn(&Row) -> Option<f64>) -> Vec<Point> {
        let point = |(i, row): (usize, &Row)| {
            let tip = format!("run {}: {} on {}", i + 1, row.workload, row.system);
            Some(self.point(i, i as f64 + 1.0, figure(row)?, tip))
        };
        self.results.rows().iter().enumerate().filter_map(point).collect()
    }
}

fn machine(points: Vec<Point>) -> Series {
    Series { name: String::new(), colour: None, stroke: Stroke::None, points, row: None }
}
