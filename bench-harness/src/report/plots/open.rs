//! Open loops: latency by percentile, and against load.

use super::{
    closed::{xs, ys},
    *,
};

/// Quantiles by name, as rows have them.
const QUANTILES: [(f64, fn(&Latency) -> Option<u64>); 5] =
    [(0.5, |l| l.p50), (0.9, |l| l.p90), (0.99, |l| l.p99), (0.999, |l| l.p99_9), (0.9999, |l| l.p99_99)];

/// With more rates than this it is not the single rate that is looked at: a search tries dozens.
const RATES_MAX: usize = 8;

/// Loads that make a curve.
const LOADS_MIN: usize = 3;

impl<'a> Plots<'a> {
    /// Latency by percentile, a chart for each rate that was asked for.
    pub(super) fn percentiles(&self, open: &[&Cell<'a>]) -> Vec<Chart> {
        let mut rates: Vec<&Option<String>> = Vec::new();
        for cell in open {
            if !rates.contains(&&cell.first().config.rate_asked) {
                rates.push(&cell.first().config.rate_asked);
            }
        }
        if rates.len() > RATES_MAX {
            return Vec::new();
        }
        let at = |rate: &&Option<String>| {
            let cells: Vec<&Cell<'a>> = open.iter().copied().filter(|cell| cell.first().config.rate_asked == **rate).collect();
            self.percentiles_at(&cells, rate.as_deref().unwrap_or("a rate"))
        };
        rates.iter().filter_map(at).collect()
    }

    fn percentiles_at(&self, cells: &[&Cell<'a>], rate: &str) -> Option<Chart> {
        let names = cells::names(cells, &["rate_asked"]);
        let mut series = Vec::new();
        for (cell, name) in cells.iter().zip(&names).filter(|(cell, _)| !cell.failed()) {
            for (i, row) in &cell.rows {
                let line = |name: String, colour, stroke, points: Vec<(f64, f64)>| {
                    let point = |(x, y): (f64, f64)| {
                        let tip = format!("{name}: {} of the records within {}", percent(x), quantity::nanoseconds(y));
                        Point { x, y, span: None, row: self.row(*i), tip, is_hollow: row.verdict.standing >= Standing::NotBelieved }
                    };
                    let points = points.into_iter().map(point).collect();
                    Series { name: name.clone(), colour, stroke, points, row: self.row(*i) }
                };
                let waits = row.stalls.wait.map(|w| [w.p50_ns, w.p90_ns, w.p99_ns, w.p99_9_ns, w.p99_99_ns]);
                if let Some(waits) = waits {
                    let points = QUANTILES.iter().zip(waits).filter(|(_, ns)| *ns > 0).map(|((q, _), ns)| (*q, ns as f64)).collect();
                    series.push(line("the machine's own stalls".into(), None, Stroke::Dotted, points));
                }
                let colour = self.colour(&row.system);
                let corrected = self.quantiles(*i, Kind::Latency, row.latency_ns.as_ref());
                let uncorrected = self.quantiles(*i, Kind::Uncorrected, row.uncorrected_ns.as_ref());
                if differ(row.latency_ns.as_ref(), row.uncorrected_ns.as_ref()) {
                    series.push(line(format!("{name}, from the actual send"), colour, Stroke::Dotted, uncorrected));
                }
                series.push(line(name.clone(), colour, Stroke::Solid, corrected));
            }
        }
        series.retain(|series| !series.points.is_empty());
        // Grey below, systems above.
        series.sort_by_key(|series| series.colour.is_some());
        let largest = series.iter().flat_map(|series| series.points.iter().map(|point| point.x)).fold(0.9, f64::max);
        if !series.iter().any(|series| series.colour.is_some()) {
            return None;
        }
        let y = Scale::log(ys(&series))?;
        Some(Chart {
            title: format!("Latency by percentile at {rate}"),
            about: "From the intended arrival; each line is a run. Quantiles with fewer than ten records above them are not drawn.".into(),
            x: Axis { label: "percentile".into(), scale: Scale::Percentile { nines: -(1.0 - largest).log10() * 1.02 }, show: percent },
            y: Axis { label: "residence".into(), scale: y, show: seconds_short },
            series,
        })
    }

    /// The quantiles of a run's histogram, or those that its row has, as far as the sample knows them.
    fn quantiles(&self, row: usize, kind: Kind, known: Option<&Latency>) -> Vec<(f64, f64)> {
        let positive = |(q, ns): (f64, u64)| (ns > 0).then_some((q, ns as f64));
        match (self.results.histogram(row, kind), known) {
            (Some(histogram), _) => {
                // Eight to a nine: closer ones could not be told apart on the chart.
                let shares = (0..=64).map(|i| 1.0 - 10f64.powf(-f64::from(i) / 8.0));
                shares.filter_map(|q| positive((q, residence::quantile(histogram, q)?))).collect()
            }
            (None, Some(latency)) => QUANTILES.iter().filter_map(|(q, of)| positive((*q, of(latency)?))).collect(),
            (None, None) => Vec::new(),
        }
    }

    /// Latency against offered load: medians of p50 and p99.
    pub(super) fn load(&self, open: &[&Cell<'a>]) -> Option<Chart> {
        let names = cells::names(open, &["rate_asked"]);
        let mut lines: Vec<(&String, Vec<&Cell<'a>>)> = Vec::new();
        for (cell, name) in open.iter().zip(&names).filter(|(cell, _)| !cell.failed()) {
            match lines.iter_mut().find(|(other, _)| *other == name) {
                Some((_, cells)) => cells.push(cell),
                None => lines.push((name, vec![cell])),
            }
        }
        let mut series = Vec::new();
        for (name, mut cells) in lines.into_iter().filter(|(_, cells)| cells.len() >= LOADS_MIN) {
            let offered = |cell: &Cell<'a>| cell.first().config.rate_per_s.unwrap_or(0.0);
            cells.sort_by(|a, b| offered(a).total_cmp(&offered(b)));
            for (quantile, of, stroke) in [("p50", QUANTILES[0].1, Stroke::Dashed), ("p99", QUANTILES[2].1, Stroke::Solid)] {
                let figure = |row: &Row| row.latency_ns.as_ref().and_then(of).map(|ns| ns as f64);
                let point = |cell: &&Cell<'a>| {
                    let (x, spread) = (offered(cell), cell.spread(figure)?);
                    let (rate, ns) = (quantity::per_second(x), quantity::nanoseconds(spread.median));
                    let tip = format!("{name} at {rate}: {quantile} {ns} (median)");
                    let row = cell.median_row(figure)?;
                    Some(Point { span: Some([spread.min, spread.max]), ..self.point(row, x, spread.median, tip) })
                };
                let points: Vec<Point> = cells.iter().filter_map(point).collect();
                let colour = self.colour(&cells[0].first().system);
                series.push(Series { name: format!("{name}, {quantile}"), colour, stroke, points, row: None });
            }
        }
        series.retain(|series| series.points.len() >= LOADS_MIN);
        let y = Scale::log(series.iter().flat_map(|series| &series.points).flat_map(|point| point.span.unwrap_or([point.y; 2])))?;
        Some(Chart {
            title: "Latency against load".into(),
            about: "Medians, and the range of the runs; hollow: the rate was not kept.".into(),
            x: Axis { label: "offered records per second".into(), scale: Scale::fitting(&xs(&series)), show: rate_short },
            y: Axis { label: "residence".into(), scale: y, show: seconds_short },
            series,
        })
    }

    /// The tail against throughput, where throughput was varied.
    pub(super) fn tail_against_throughput(&self, open: &[&Cell<'a>]) -> Option<Chart> {
        let p99 = |row: &Row| row.latency_ns.as_ref().and_then(|latency| latency.p99).map(|ns| ns as f64);
        let held: Vec<&Cell<'a>> =
            open.iter().copied().filter(|cell| cell.rows.iter().all(|(_, row)| row.verdict.standing < Standing::NotBelieved)).collect();
        let medians = |cell: &&Cell<'a>| Some((cell.spread(p99)?.median, cell.spread(|row| row.r_per_s)?.median));
        let points: Vec<(f64, f64)> = held.iter().filter_map(medians).collect();
        let (low, high) = points.iter().fold((f64::INFINITY, 0.0f64), |(low, high), (_, rate)| (low.min(*rate), high.max(*rate)));
        if points.len() < 3 || high < low * 1.05 {
            return None;
        }
        let names = cells::names(&held, &[]);
        let series = self.scattered(&held, &names, p99, seconds_short);
        Some(Chart {
            title: "Throughput against its tail".into(),
            about: "p99 of the runs that kept their rate; up and left is better.".into(),
            x: Axis { label: "p99".into(), scale: Scale::fitting(&xs(&series)), show: seconds_short },
            y: Axis { label: "records per second".into(), scale: Scale::fitting(&ys(&series)), show: rate_short },
            series: std::iter::once(front_series(&points)).chain(series).collect(),
        })
    }
}

/// Whether two sets of quantiles differ by more than the histogram's own steps can explain.
fn differ(a: Option<&Latency>, b: Option<&Latency>) -> bool {
    let (Some(a), Some(b)) = (a, b) else { return false };
    let far = |a: u64, b: u64| a.abs_diff(b) as f64 > 0.05 * a.max(b) as f64;
    far(a.max, b.max) || QUANTILES.iter().any(|(_, of)| of(a).zip(of(b)).is_some_and(|(a, b)| far(a, b)))
}
