//! Charts as data, and two ways to draw them.
//!
//! ```text
//!   plots: rows, histograms ──▶ Chart { axes, series of points, each with its row } ──┬──▶ svg       page: dark and light, points are links
//!                                                                                     └──▶ terminal  text, a letter per series
//! ```
//!
//! Why not a plotting crate: those with an SVG backend bake colours in and know no links, so a drawing of theirs can neither follow the reader's
//! dark or light theme nor lead from a point to its row. What is needed of one is small: two axes, lines, points, spans.
//!
//! Law: a value that has no place on its scale (not finite, zero on a logarithmic one, outside) is not drawn at all, never moved to the edge.

pub mod scale;
pub mod svg;
pub mod terminal;

pub use scale::Scale;

/// A chart.
#[derive(Clone, Debug)]
pub struct Chart {
    /// What it shows.
    pub title: String,
    /// How to read it, in a sentence or two.
    pub about: String,
    /// Across.
    pub x: Axis,
    /// Up. With [`Scale::Names`] every name is a line of its own, from the top down.
    pub y: Axis,
    /// What is drawn, the last on top.
    pub series: Vec<Series>,
}

/// An axis.
#[derive(Clone, Debug)]
pub struct Axis {
    /// What it measures.
    pub label: String,
    /// Where values stand.
    pub scale: Scale,
    /// Writes a value.
    pub show: fn(f64) -> String,
}

/// How a series is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stroke {
    /// Points alone.
    None,
    /// A line, and points on it if there are few.
    Solid,
    /// A broken line.
    Dashed,
    /// A dotted, thin line.
    Dotted,
}

/// Points that belong together.
#[derive(Clone, Debug)]
pub struct Series {
    /// Its name in the legend. Series of the same name share an entry.
    pub name: String,
    /// Number of its colour and marker; none is grey, without markers.
    pub colour: Option<usize>,
    /// Its line.
    pub stroke: Stroke,
    /// Its points, in drawing order.
    pub points: Vec<Point>,
    /// The row that the whole line comes from, if it is one.
    pub row: Option<RowRef>,
}

/// A point.
#[derive(Clone, Debug)]
pub struct Point {
    /// Across.
    pub x: f64,
    /// Up.
    pub y: f64,
    /// Where the value may lie, or its range: on the x axis if y has names, on the y axis otherwise.
    pub span: Option<[f64; 2]>,
    /// The row it comes from.
    pub row: Option<RowRef>,
    /// What a reader who points at it is told.
    pub tip: String,
    /// Whether it is drawn hollow: a figure that is not believed.
    pub is_hollow: bool,
}

/// A row of one of the folders that a page tells of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RowRef {
    /// Number of the folder, from 0.
    pub folder: usize,
    /// Number of the row in it, from 0.
    pub row: usize,
}

impl RowRef {
    /// The link to it within the page.
    pub fn link(self) -> String {
        format!("#row-{}-{}", self.folder, self.row)
    }
}

impl Chart {
    /// Names of the series, each once, with what the legend shows of it.
    fn legend(&self) -> Vec<(&str, Option<usize>, Stroke)> {
        let mut entries: Vec<(&str, Option<usize>, Stroke)> = Vec::new();
        for series in self.series.iter().filter(|series| !series.name.is_empty()) {
            if !entries.iter().any(|(name, ..)| *name == series.name) {
                entries.push((&series.name, series.colour, series.stroke));
            }
        }
        entries
    }
}
