//! A chart as SVG within HTML: colours are classes, so that the page's theme sets them; points and lines are links to their rows.
//!
//! The drawing is 400 wide whatever the screen: on a telephone's 328 its text is still readable, on a desk several stand side by side.

use std::fmt::Write;

use maud::{Markup, html};

use super::{Axis, Chart, Point, RowRef, Scale, Series, Stroke};

const WIDTH: f64 = 400.0;
const HEIGHT: f64 = 250.0;
/// Room for the ticks' text on the left, with names less: those stand above their lines.
const LEFT: f64 = 52.0;
const LEFT_OF_NAMES: f64 = 8.0;
const RIGHT: f64 = 12.0;
const TOP: f64 = 10.0;
const BOTTOM: f64 = 40.0;
/// Height of a named line.
const LINE: f64 = 34.0;
/// A line of more points gets no markers.
const MARKED_MAX: usize = 16;
/// Colours that the page defines; later ones begin again with another marker.
pub(crate) const COLOURS: usize = 8;

/// Where the plot's area lies.
struct Frame {
    left: f64,
    top: f64,
    width: f64,
    height: f64,
}

impl Frame {
    fn x(&self, chart: &Chart, value: f64) -> Option<f64> {
        chart.x.scale.place(value).map(|place| self.left + place * self.width)
    }

    fn y(&self, chart: &Chart, value: f64) -> Option<f64> {
        let is_downwards = matches!(chart.y.scale, Scale::Names(_));
        let place = chart.y.scale.place(value)?;
        // The marks of a named line stand in its lower half, under the name.
        Some(if is_downwards { self.top + place * self.height + LINE / 5.0 } else { self.top + (1.0 - place) * self.height })
    }
}

/// Draws it.
pub fn draw(chart: &Chart) -> Markup {
    let names = match &chart.y.scale {
        Scale::Names(names) => Some(names),
        _ => None,
    };
    let inner = names.map_or(HEIGHT - TOP - BOTTOM, |names| names.len() as f64 * LINE);
    let left = if names.is_some() { LEFT_OF_NAMES } else { LEFT };
    let frame = Frame { left, top: TOP, width: WIDTH - left - RIGHT, height: inner };
    let (right, bottom) = (frame.left + frame.width, frame.top + frame.height);
    html! {
        figure.chart {
            figcaption { strong { (chart.title) } " " span { (chart.about) } }
            svg viewBox={ "0 0 " (WIDTH) " " (bottom + BOTTOM) } role="img" aria-label=(chart.title) {
                @for tick in chart.x.scale.ticks(5) {
                    @if let Some(x) = frame.x(chart, tick) {
                        line.grid x1=(r(x)) x2=(r(x)) y1=(frame.top) y2=(r(bottom)) {}
                        text.tick x=(r(x)) y=(r(bottom + 14.0)) text-anchor=(anchor(x, right)) { ((chart.x.show)(tick)) }
                    }
                }
                @for tick in chart.y.scale.ticks(6) {
                    @if let Some(y) = frame.y(chart, tick) {
                        line.grid x1=(frame.left) x2=(right) y1=(r(y)) y2=(r(y)) {}
                        @match names.and_then(|names| names.get(tick as usize)) {
                            Some(name) => text.name x=(frame.left) y=(r(y - 10.0)) { (name) },
                            None => text.tick x=(frame.left - 6.0) y=(r(y + 4.0)) text-anchor="end" { ((chart.y.show)(tick)) },
                        }
                    }
                }
                line.axis x1=(frame.left) x2=(right) y1=(r(bottom)) y2=(r(bottom)) {}
                @if names.is_none() {
                    line.axis x1=(frame.left) x2=(frame.left) y1=(frame.top) y2=(r(bottom)) {}
                    text.label x=(frame.left + 6.0) y=(frame.top + 4.0) { (chart.y.label) }
                }
                text.label x=(right) y=(r(bottom + 32.0)) text-anchor="end" { (chart.x.label) }
                @for series in &chart.series { (draw_series(chart, series, &frame)) }
            }
            (legend(chart))
        }
    }
}

/// Text at the right end is set to its left, so that it stays inside.
fn anchor(x: f64, right: f64) -> &'static str {
    if x > right - 14.0 { "end" } else { "middle" }
}

fn legend(chart: &Chart) -> Markup {
    let entries = chart.legend();
    html! {
        @if entries.len() > 1 || entries.iter().any(|(_, _, stroke)| *stroke != Stroke::None) {
            ul.legend {
                @for (name, colour, stroke) in entries {
                    li {
                        svg.key viewBox="0 0 26 12" aria-hidden="true" {
                            g class=(class(colour)) {
                                @if stroke != Stroke::None { path class=(stroke_class(stroke)) d="M1 6H25" {} }
                                @if colour.is_some() && stroke != Stroke::Dotted { (marker(colour, 13.0, 6.0, false)) }
                            }
                        }
                        (name)
                    }
                }
            }
        }
    }
}

fn draw_series(chart: &Chart, series: &Series, frame: &Frame) -> Markup {
    let place = |point: &Point| Some((frame.x(chart, point.x)?, frame.y(chart, point.y)?));
    let path = path(series.points.iter().map(place));
    let is_marked = series.stroke == Stroke::None || (series.points.len() <= MARKED_MAX && series.stroke != Stroke::Dotted);
    let line = html! {
        @if series.stroke != Stroke::None {
            // A wide line that is not seen is easier to hit with a finger.
            @if series.row.is_some() { path.hit d=(path) {} }
            path class=(stroke_class(series.stroke)) d=(path) { @if series.row.is_some() { title { (series.name) } } }
        }
    };
    html! {
        g class=(class(series.colour)) {
            @match series.row {
                Some(row) => (link(row, &line)),
                None => (line),
            }
            @for point in &series.points {
                @if let Some((x, y)) = place(point) {
                    @if let Some(span) = point.span { (draw_span(chart, frame, span, x, y)) }
                    @if is_marked {
                        @let mark = html! { g { title { (point.tip) } (marker(series.colour, x, y, point.is_hollow)) } };
                        @match point.row {
                            Some(row) => (link(row, &mark)),
                            None => (mark),
                        }
                    }
                }
            }
        }
    }
}

fn link(row: RowRef, what: &Markup) -> Markup {
    html! { a href=(row.link()) { (what) } }
}

/// A whisker from end to end; an end that has no place is cut at the frame.
fn draw_span(chart: &Chart, frame: &Frame, span: [f64; 2], x: f64, y: f64) -> Markup {
    let ends = |axis: &Axis| match &axis.scale {
        Scale::Linear { low, high } | Scale::Log { low, high } => span.map(|end| end.clamp(*low, *high)),
        _ => span,
    };
    let is_across = matches!(chart.y.scale, Scale::Names(_));
    let (from, to) = if is_across {
        let [low, high] = ends(&chart.x).map(|end| frame.x(chart, end).unwrap_or(x));
        ((low, y), (high, y))
    } else {
        let [low, high] = ends(&chart.y).map(|end| frame.y(chart, end).unwrap_or(y));
        ((x, low), (x, high))
    };
    html! { line.span x1=(r(from.0)) y1=(r(from.1)) x2=(r(to.0)) y2=(r(to.1)) {} }
}

/// A path through the points; it breaks where one has no place.
fn path(points: impl Iterator<Item = Option<(f64, f64)>>) -> String {
    let mut path = String::new();
    let mut is_down = false;
    for point in points {
        if let Some((x, y)) = point {
            let _ = write!(path, "{}{} {}", if is_down { 'L' } else { 'M' }, r(x), r(y));
        }
        is_down = point.is_some();
    }
    path
}

/// The marker of a colour: its shape tells apart what colour alone would not.
fn marker(colour: Option<usize>, x: f64, y: f64, is_hollow: bool) -> Markup {
    let Some(colour) = colour else { return html! { circle.mark cx=(r(x)) cy=(r(y)) r="2.5" {} } };
    let class = if is_hollow { "mark hollow" } else { "mark" };
    html! {
        @match (colour + colour / COLOURS) % 4 {
            0 => circle class=(class) cx=(r(x)) cy=(r(y)) r="4" {},
            1 => rect class=(class) x=(r(x - 3.5)) y=(r(y - 3.5)) width="7" height="7" {},
            2 => path class=(class) d={ "M" (r(x)) " " (r(y - 4.6)) "l4.6 8h-9.2z" } {},
            _ => path class=(class) d={ "M" (r(x)) " " (r(y - 5.0)) "l5 5l-5 5l-5-5z" } {},
        }
    }
}

fn class(colour: Option<usize>) -> String {
    colour.map_or("quiet".into(), |colour| format!("c{}", colour % COLOURS))
}

fn stroke_class(stroke: Stroke) -> &'static str {
    match stroke {
        Stroke::None | Stroke::Solid => "line",
        Stroke::Dashed => "line dashed",
        Stroke::Dotted => "line dotted",
    }
}

/// A tenth is finer than any screen.
fn r(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::chart::terminal::tests::example;

    #[test]
    fn points_link_to_their_rows_and_names_are_text() {
        let mut chart = example();
        chart.title = "<b>&".into();
        chart.series[0].name = "\"><script>".into();
        let svg = draw(&chart).into_string();
        assert!(svg.contains("href=\"#row-0-3\""), "{svg}");
        assert!(svg.contains("&lt;b&gt;&amp;") && !svg.contains("<script") && !svg.contains("<b>"), "{svg}");
        assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
    }

    #[test]
    fn a_value_without_a_place_breaks_the_line() {
        assert_eq!(path([Some((0.0, 1.0)), Some((2.0, 3.0)), None, Some((4.04, 5.0))].into_iter()), "M0 1L2 3M4 5");
    }
}
