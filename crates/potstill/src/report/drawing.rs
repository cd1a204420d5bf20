//! The layout of charts as shapes, which are then rendered as SVG and as pixels.

use super::{BarChart, LineChart, tick_label, ticks};

pub(super) const WIDTH: f64 = 720.0;
/// Height with one row of legend, as `TOP`.
const HEIGHT: f64 = 320.0;
const LEFT: f64 = 64.0;
const RIGHT: f64 = 16.0;
const TOP: f64 = 56.0;
const BOTTOM: f64 = 48.0;
const LEGEND_ROW: f64 = 18.0;
/// Points of a line; longer series are thinned to means over buckets.
const POINTS_MAX: usize = 300;

/// The role of a shape, which determines colour, width and dash. The numbers are those of series.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Role {
    Title,
    Tick,
    Grid,
    Axis,
    Line(usize),
    Dot(usize),
    Band(usize),
    Bar(usize),
}

impl Role {
    /// Returns true for shapes that are drawn along their outline; others are filled.
    pub(super) fn is_stroked(self) -> bool {
        matches!(self, Role::Grid | Role::Axis | Role::Line(_))
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Anchor {
    Start,
    Middle,
    End,
}

#[derive(Debug)]
pub(super) enum Form {
    Polyline(Vec<(f64, f64)>),
    Polygon(Vec<(f64, f64)>),
    /// Centre and radius.
    Circle((f64, f64), f64),
    /// Corner, size, and tooltip.
    Rectangle((f64, f64), (f64, f64), String),
    /// Text with its baseline at `at`.
    Text {
        text: String,
        at: (f64, f64),
        anchor: Anchor,
        /// True for text from bottom to top.
        upright: bool,
    },
}

/// Shapes from back to front, `WIDTH` wide.
pub(super) struct Drawing {
    pub(super) title: String,
    pub(super) height: f64,
    pub(super) shapes: Vec<(Role, Form)>,
}

/// Maps a range of values onto a range of pixels.
#[derive(Clone, Copy)]
struct Scale {
    from: (f64, f64),
    to: (f64, f64),
}

impl Scale {
    fn at(self, value: f64) -> f64 {
        let part = (value - self.from.0) / (self.from.1 - self.from.0);
        self.to.0 + part * (self.to.1 - self.to.0)
    }
}

impl Drawing {
    /// The common parts of line and bar charts: title, legend, y axis with grid, labels; and the scale of the
    /// y axis.
    fn framed(
        title: &str,
        (x_label, y_label): (&str, &str),
        names: &[&str],
        sample: fn(usize, (f64, f64)) -> (Role, Form),
        y_range: (f64, f64),
    ) -> (Drawing, Scale) {
        let mut drawing = Drawing { title: title.to_owned(), height: HEIGHT, shapes: Vec::new() };
        drawing.text(Role::Title, title, (LEFT, 18.0), Anchor::Start);
        let (right, mut top) = (WIDTH - RIGHT, TOP);
        if names.len() > 1 {
            let (mut x, mut y) = (LEFT, 36.0);
            for (i, name) in names.iter().enumerate() {
                // Line sample and gap, and an estimate of the name's width.
                let width = 30.0 + 7.0 * name.chars().count() as f64;
                if x > LEFT && x + width > right {
                    (x, y) = (LEFT, y + LEGEND_ROW);
                }
                drawing.shapes.push(sample(i, (x, y)));
                drawing.text(Role::Tick, name, (x + 30.0, y + 4.0), Anchor::Start);
                x += width + 24.0;
            }
            top += y - 36.0;
            drawing.height += y - 36.0;
        }
        let bottom = drawing.height - BOTTOM;
        let y = Scale { from: y_range, to: (bottom, top) };
        let (y_ticks, decimals) = ticks(y_range, 5);
        for tick in y_ticks {
            let place = y.at(tick);
            drawing.line(Role::Grid, (LEFT, place), (right, place));
            drawing.text(Role::Tick, &tick_label(tick, decimals), (LEFT - 8.0, place + 4.0), Anchor::End);
        }
        drawing.line(Role::Axis, (LEFT, bottom), (right, bottom));
        let middle = ((LEFT + right) / 2.0, (top + bottom) / 2.0);
        drawing.text(Role::Tick, x_label, (middle.0, drawing.height - 8.0), Anchor::Middle);
        let upright = Form::Text {
            text: y_label.to_owned(),
            at: (14.0, middle.1),
            anchor: Anchor::Middle,
            upright: true,
        };
        drawing.shapes.push((Role::Tick, upright));
        (drawing, y)
    }

    fn text(&mut self, role: Role, text: &str, at: (f64, f64), anchor: Anchor) {
        self.shapes.push((role, Form::Text { text: text.to_owned(), at, anchor, upright: false }));
    }

    fn line(&mut self, role: Role, from: (f64, f64), to: (f64, f64)) {
        self.shapes.push((role, Form::Polyline(vec![from, to])));
    }

    fn x_mark(&mut self, text: &str, x: f64) {
        self.text(Role::Tick, text, (x, self.height - BOTTOM + 18.0), Anchor::Middle);
    }
}

/// Means over buckets of equally many points; the ends of the line stay.
fn thin<const N: usize>(points: &[[f64; N]]) -> Vec<[f64; N]> {
    if points.len() <= POINTS_MAX {
        return points.to_vec();
    }
    let run = points.len().div_ceil(POINTS_MAX);
    let means = points.chunks(run).map(|chunk| {
        std::array::from_fn(|i| chunk.iter().map(|point| point[i]).sum::<f64>() / chunk.len() as f64)
    });
    let mut thinned: Vec<[f64; N]> = means.collect();
    thinned.insert(0, points[0]);
    thinned.push(points[points.len() - 1]);
    thinned
}

fn is_finite<const N: usize>(point: &[f64; N]) -> bool {
    point.iter().all(|value| value.is_finite())
}

impl LineChart {
    pub(super) fn drawing(&self) -> Drawing {
        let (x_range, y_range) = self.ranges();
        let names: Vec<&str> = self.series.iter().map(|s| s.name.as_str()).collect();
        let sample = |i, (x, y)| (Role::Line(i), Form::Polyline(vec![(x, y), (x + 24.0, y)]));
        let (mut drawing, y) =
            Drawing::framed(&self.title, (&self.x_label, &self.y_label), &names, sample, y_range);
        let x = Scale { from: x_range, to: (LEFT, WIDTH - RIGHT) };
        let (x_ticks, decimals) = ticks(x_range, 6);
        for tick in x_ticks {
            drawing.x_mark(&tick_label(tick, decimals), x.at(tick));
        }
        // Points outside the range are drawn at its edge.
        let at = |px: f64, py: f64| (x.at(px), y.at(py.clamp(y_range.0, y_range.1)));
        let mut lines = Vec::new();
        for (i, series) in self.series.iter().enumerate() {
            if series.band.len() == series.points.len() {
                let band =
                    series.points.iter().zip(&series.band).map(|(&(px, _), &(low, high))| [px, low, high]);
                let band: Vec<[f64; 3]> = band.filter(is_finite).collect();
                let band = thin(&band);
                let above = band.iter().map(|p| at(p[0], p[2]));
                let outline: Vec<(f64, f64)> =
                    above.chain(band.iter().rev().map(|p| at(p[0], p[1]))).collect();
                if !outline.is_empty() {
                    drawing.shapes.push((Role::Band(i), Form::Polygon(outline)));
                }
            }
            let points = series.points.iter().map(|&(px, py)| [px, py]);
            let points: Vec<[f64; 2]> = points.filter(is_finite).collect();
            match points[..] {
                [] => {}
                [[px, py]] => lines.push((Role::Dot(i), Form::Circle(at(px, py), 3.0))),
                _ => {
                    let line = thin(&points).iter().map(|p| at(p[0], p[1])).collect();
                    lines.push((Role::Line(i), Form::Polyline(line)));
                }
            }
        }
        // No band may tint another series' line.
        drawing.shapes.extend(lines);
        drawing
    }
}

impl BarChart {
    pub(super) fn drawing(&self) -> Drawing {
        let values = || self.series.iter().flat_map(|s| s.1.iter().copied()).filter(|v| v.is_finite());
        let y_range = (0.0, values().fold(1e-9, f64::max));
        let names: Vec<&str> = self.series.iter().map(|s| s.0.as_str()).collect();
        let sample =
            |i, (x, y)| (Role::Bar(i), Form::Rectangle((x + 6.0, y - 6.0), (18.0, 12.0), String::new()));
        let (mut drawing, y) =
            Drawing::framed(&self.title, (&self.x_label, &self.y_label), &names, sample, y_range);
        let group = (WIDTH - LEFT - RIGHT) / self.categories.len().max(1) as f64;
        let bar = group * 0.8 / self.series.len().max(1) as f64;
        for (c, category) in self.categories.iter().enumerate() {
            let left = LEFT + group * c as f64;
            drawing.x_mark(category, left + group / 2.0);
            for (s, (name, values)) in self.series.iter().enumerate() {
                let value = values.get(c).copied().filter(|v| v.is_finite()).unwrap_or(0.0).max(0.0);
                let corner = (left + group * 0.1 + bar * s as f64, y.at(value));
                let size = (bar, y.at(0.0) - corner.1);
                let hint = format!("{category}, {name}: {value:.3}");
                drawing.shapes.push((Role::Bar(s), Form::Rectangle(corner, size, hint)));
            }
        }
        drawing
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Series;

    #[test]
    fn long_lines_are_thinned_and_keep_their_ends() {
        let points: Vec<[f64; 2]> = (0..10_000).map(|i| [f64::from(i), f64::from(i % 7)]).collect();
        let thinned = thin(&points);
        assert!(thinned.len() <= POINTS_MAX + 2);
        assert_eq!((thinned[0], thinned[thinned.len() - 1]), (points[0], points[9999]));
        // 34 points fall into a bucket; the first has the mean x of 0..=33.
        assert_eq!(thinned[1][0], 16.5);
    }

    #[test]
    fn a_long_legend_takes_more_rows() {
        let check = |names: &[&str], height: f64| {
            let series = names.iter().map(|name| Series { name: (*name).to_owned(), ..Series::default() });
            let drawing = LineChart { series: series.collect(), ..LineChart::default() }.drawing();
            assert_eq!(drawing.height, height, "{names:?}");
        };
        check(&["one"], 320.0);
        check(&["teacher", "student"], 320.0);
        // 30 + 7 * 20 + 24 = 194 each: three in a row of 640.
        check(&["a name of 20 letters"; 3], 320.0);
        check(&["a name of 20 letters"; 4], 338.0);
        check(&["a name of 20 letters"; 7], 356.0);
    }
}
