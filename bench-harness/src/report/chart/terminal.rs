//! A chart as text: a letter per series, at most 80 columns wide.

use super::{Chart, Scale, Stroke};

/// Widest line.
pub const WIDTH: usize = 80;
/// Lines of the plot's area.
const HEIGHT: usize = 14;
/// Columns for the ticks' text on the left.
const LEFT: usize = 10;

/// Draws it, without what is dotted: side notes that a page shows thin would hide the rest here. A chart of names is a table's business and
/// gives nothing.
pub fn draw(chart: &Chart) -> String {
    if matches!(chart.y.scale, Scale::Names(_)) {
        return String::new();
    }
    let chart = &Chart { series: chart.series.iter().filter(|series| series.stroke != Stroke::Dotted).cloned().collect(), ..chart.clone() };
    let width = WIDTH - LEFT - 2;
    let mut area = vec![vec![' '; width]; HEIGHT];
    let column = |place: f64| (place * (width - 1) as f64).round() as usize;
    let line = |place: f64| ((1.0 - place) * (HEIGHT - 1) as f64).round() as usize;
    let names: Vec<&str> = chart.legend().into_iter().map(|(name, ..)| name).collect();
    let letter = |name: &str| names.iter().position(|other| *other == name).map_or('·', |i| (b'a' + (i % 26) as u8) as char);
    for series in &chart.series {
        let place = |x: f64, y: f64| Some((column(chart.x.scale.place(x)?), line(chart.y.scale.place(y)?)));
        for point in &series.points {
            if let Some((x, y)) = place(point.x, point.y) {
                let cell = &mut area[y][x];
                // Where two series meet, neither is hidden.
                *cell = if *cell == ' ' || *cell == letter(&series.name) { letter(&series.name) } else { '*' };
            }
        }
    }

    let mut text = format!("{}\n{:>LEFT$} {}\n", chart.title, "", chart.y.label);
    let ticks: Vec<(usize, String)> =
        chart.y.scale.ticks(5).into_iter().filter_map(|tick| Some((line(chart.y.scale.place(tick)?), (chart.y.show)(tick)))).collect();
    for (i, cells) in area.iter().enumerate() {
        let tick = ticks.iter().find(|(at, _)| *at == i).map_or("", |(_, text)| text);
        let row: String = cells.iter().collect();
        text += format!("{tick:>LEFT$} │{}", row.trim_end()).trim_end();
        text.push('\n');
    }
    text += &format!("{:LEFT$} └{}\n{:LEFT$}  {}\n", "", "─".repeat(width), "", ticks_below(chart, width));
    text += &format!("{:>WIDTH$}\n", chart.x.label);
    let mut legend = String::new();
    for name in &names {
        let entry = format!("{} {name}", letter(name));
        let used = legend.lines().last().map_or(0, |line| line.chars().count());
        if used > 0 {
            legend += if used + entry.chars().count() + 4 > WIDTH { "\n" } else { "   " };
        }
        legend += &entry;
    }
    legend.lines().for_each(|line| text += &format!("  {}\n", line.trim()));
    text
}

/// The ticks' text under the area; one that would touch its neighbour is left out.
fn ticks_below(chart: &Chart, width: usize) -> String {
    let mut line: Vec<char> = Vec::new();
    for tick in chart.x.scale.ticks(6) {
        let Some(place) = chart.x.scale.place(tick) else { continue };
        let text: Vec<char> = (chart.x.show)(tick).chars().collect();
        let middle = (place * (width - 1) as f64).round() as usize;
        let from = middle.saturating_sub(text.len() / 2).min(width.saturating_sub(text.len()));
        if line.is_empty() || from > line.len() {
            line.resize(from, ' ');
            line.extend(text);
        }
    }
    line.into_iter().collect()
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::report::chart::{Axis, Point, RowRef, Series};

    pub(crate) fn example() -> Chart {
        let point = |x: f64, y: f64| Point { x, y, span: None, row: Some(RowRef { folder: 0, row: 3 }), tip: "t".into(), is_hollow: false };
        let series = |name: &str, stroke, points| Series { name: name.into(), colour: Some(0), stroke, points, row: None };
        Chart {
            title: "load".into(),
            about: "how".into(),
            x: Axis { label: "offered".into(), scale: Scale::Linear { low: 0.0, high: 4.0 }, show: |x| format!("{x}") },
            y: Axis { label: "p99".into(), scale: Scale::Log { low: 1.0, high: 1000.0 }, show: |y| format!("{y} µs") },
            series: vec![
                series("one", Stroke::Solid, vec![point(0.0, 1.0), point(2.0, 10.0), point(4.0, 1000.0), point(3.0, f64::NAN)]),
                series("side note", Stroke::Dotted, vec![point(1.0, 100.0)]),
                series("two", Stroke::None, vec![point(2.0, 10.0), point(4.0, 1.0)]),
            ],
        }
    }

    #[test]
    fn stands_where_it_should_within_eighty_columns() {
        let text = draw(&example());
        assert!(text.lines().all(|line| line.chars().count() <= WIDTH), "{text}");
        let lines: Vec<&str> = text.lines().collect();
        let area = &lines[2..2 + HEIGHT];
        assert!(area[0].starts_with("   1000 µs │") && area[0].ends_with('a'), "{text}");
        assert!(area[HEIGHT - 1].contains("│a") && area[HEIGHT - 1].ends_with('b'), "{text}");
        assert_eq!(text.matches('*').count(), 1, "where both meet:\n{text}");
        assert!(text.contains("a one   b two") && !text.contains("side note"), "{text}");
    }
}
