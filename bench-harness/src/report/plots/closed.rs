//! Closed loops: how fast, at what cost, and how that changes along a number of the configuration.

use super::*;

impl<'a> Plots<'a> {
    /// Throughput by cell: every repeat a point, the range of the repeats a bar.
    pub(super) fn throughput(&self, closed: &[&Cell<'a>]) -> Option<Chart> {
        let shown: Vec<&Cell<'a>> = closed.iter().copied().filter(|cell| cell.spread(|row| row.r_per_s).is_some()).collect();
        if shown.is_empty() {
            return None;
        }
        let names = cells::names(&shown, &[]);
        let mut series = Vec::new();
        for (line, cell) in shown.iter().enumerate() {
            let spread = cell.spread(|row| row.r_per_s)?;
            let mut points: Vec<Point> = cell
                .figures(|row| row.r_per_s)
                .into_iter()
                .map(|(i, rate)| {
                    let tip = format!("{}, repeat {}: {}", names[line], self.results.rows()[i].repeat + 1, quantity::per_second(rate));
                    self.point(i, rate, line as f64, tip)
                })
                .collect();
            points[0].span = Some([spread.min, spread.max]);
            let system = &cell.first().system;
            series.push(Series { name: system.clone(), colour: self.colour(system), stroke: Stroke::None, points, row: None });
        }
        let all = series.iter().flat_map(|series| series.points.iter().map(|point| point.x));
        Some(Chart {
            title: "Throughput".into(),
            about: "Each point is a run, the bar their range; further right is better.".into(),
            x: Axis { label: "records per second".into(), scale: Scale::from_zero(all), show: rate_short },
            y: Axis { label: String::new(), scale: Scale::Names(names), show: plain },
            series,
        })
    }

    /// CPU time per record against throughput.
    pub(super) fn cost(&self, closed: &[&Cell<'a>]) -> Option<Chart> {
        let medians = |cell: &&Cell<'a>| Some((cell.spread(|row| row.cpu_ns_per_record)?.median, cell.spread(|row| row.r_per_s)?.median));
        let front: Vec<(f64, f64)> = closed.iter().filter_map(medians).collect();
        if front.len() < 3 {
            return None;
        }
        let names = cells::names(closed, &[]);
        let series = self.scattered(closed, &names, |row| row.cpu_ns_per_record, seconds_short);
        Some(Chart {
            title: "Throughput against its cost".into(),
            about: "CPU time of all threads, per record; up and left is better.".into(),
            x: Axis { label: "CPU time per record".into(), scale: Scale::fitting(&xs(&series)), show: seconds_short },
            y: Axis { label: "records per second".into(), scale: Scale::fitting(&ys(&series)), show: rate_short },
            series: std::iter::once(front_series(&front)).chain(series).collect(),
        })
    }

    /// A point per run, `x` across and throughput up.
    pub(super) fn scattered(
        &self,
        cells: &[&Cell<'a>],
        names: &[String],
        x: impl Fn(&Row) -> Option<f64> + Copy,
        show: fn(f64) -> String,
    ) -> Vec<Series> {
        let of_cell = |(cell, name): (&&Cell<'a>, &String)| {
            let system = &cell.first().system;
            let point = |(i, across): (usize, f64)| {
                let rate = self.results.rows()[i].r_per_s?;
                let tip = format!("{name}: {} at {}", quantity::per_second(rate), show(across));
                Some(self.point(i, across, rate, tip))
            };
            let points = cell.figures(x).into_iter().filter_map(point).collect();
            Series { name: system.clone(), colour: self.colour(system), stroke: Stroke::None, points, row: None }
        };
        cells.iter().zip(names).map(of_cell).filter(|series| !series.points.is_empty()).collect()
    }

    /// Throughput along every number of the configuration that was varied: two points for cores, three for others.
    pub(super) fn curves(&self, closed: &[&Cell<'a>]) -> Vec<Chart> {
        let Some(first) = closed.first() else { return Vec::new() };
        let axes = cells::numbers(&first.first().config).into_iter().map(|(name, _)| name);
        axes.filter_map(|axis| self.curve(closed, &axis)).collect()
    }

    fn curve(&self, closed: &[&Cell<'a>], axis: &str) -> Option<Chart> {
        let at = |cell: &Cell<'a>| cells::numbers(&cell.first().config).into_iter().find(|(name, _)| name == axis).map(|(_, value)| value);
        // A line joins the cells that differ in this number alone.
        let names = cells::names(closed, &[axis]);
        let mut lines: Vec<(&String, Vec<&Cell<'a>>)> = Vec::new();
        for (cell, name) in closed.iter().zip(&names).filter(|(cell, _)| cell.spread(|row| row.r_per_s).is_some()) {
            match lines.iter_mut().find(|(other, _)| *other == name) {
                Some((_, cells)) => cells.push(cell),
                None => lines.push((name, vec![cell])),
            }
        }
        let enough = if axis == "cores" { 2 } else { 3 };
        lines.retain(|(_, cells)| cells.len() >= enough);
        let mut series = Vec::new();
        for (name, mut cells) in lines {
            cells.sort_by(|a, b| at(a).unwrap_or(0.0).total_cmp(&at(b).unwrap_or(0.0)));
            let point = |cell: &&Cell<'a>| {
                let (x, spread) = (at(cell)?, cell.spread(|row| row.r_per_s)?);
                let tip = format!("{name}, {axis} {}: {} (median)", plain(x), quantity::per_second(spread.median));
                let row = cell.median_row(|row| row.r_per_s)?;
                Some(Point { span: Some([spread.min, spread.max]), ..self.point(row, x, spread.median, tip) })
            };
            let points = cells.iter().filter_map(point).collect();
            let colour = self.colour(&cells[0].first().system);
            series.push(Series { name: name.clone(), colour, stroke: Stroke::Solid, points, row: None });
        }
        if series.is_empty() {
            return None;
        }
        let is_bytes = axis.ends_with("_bytes");
        let label = axis.trim_end_matches("_bytes").replace('_', " ");
        Some(Chart {
            title: format!("Throughput by {label}"),
            about: "Medians, and the range of the runs.".into(),
            x: Axis { label, scale: Scale::fitting(&xs(&series)), show: if is_bytes { bytes_short } else { plain } },
            y: Axis { label: "records per second".into(), scale: Scale::from_zero(spans(&series)), show: rate_short },
            series,
        })
    }
}

pub(super) fn xs(series: &[Series]) -> Vec<f64> {
    series.iter().flat_map(|series| series.points.iter().map(|point| point.x)).collect()
}

pub(super) fn ys(series: &[Series]) -> Vec<f64> {
    series.iter().flat_map(|series| series.points.iter().map(|point| point.y)).collect()
}

fn spans(series: &[Series]) -> Vec<f64> {
    series.iter().flat_map(|series| &series.points).flat_map(|point| point.span.unwrap_or([point.y; 2])).collect()
}
