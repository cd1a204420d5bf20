//! The layout of charts as shapes, which are then rendered as SVG and as pixels.

use super::clip::clipped;
use super::size::Size;
use super::{BarChart, LineChart, tick_label, ticks};

const RIGHT: f64 = 16.0;
/// The top of the plot with one row of title and of legend.
const TOP: f64 = 56.0;
const BOTTOM: f64 = 48.0;
const TITLE_ROW: f64 = 19.0;
const LEGEND_ROW: f64 = 18.0;
/// Estimated widths of letters.
const TITLE_LETTER: f64 = 8.0;
const LEGEND_LETTER: f64 = 7.0;
/// Points of a line; longer series are thinned to means over buckets.
const POINTS_MAX: usize = 300;
/// Numbers of points of a line that are marked, as those of evaluations are; two are the ends of a reference line.
const MARKED: std::ops::RangeInclusive<usize> = 3..=40;

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

/// Shapes from back to front.
pub(super) struct Drawing {
    pub(super) title: String,
    pub(super) width: f64,
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
    /// y axis. The last label stands at the lower right.
    fn framed(
        size: Size,
        title: &str,
        (x_label, y_label, remark): (&str, &str, &str),
        names: &[&str],
        sample: fn(usize, (f64, f64)) -> (Role, Form),
        y_range: (f64, f64),
    ) -> (Drawing, Scale) {
        let Size { width, height, .. } = size;
        let mut drawing = Drawing { title: title.to_owned(), width, height, shapes: Vec::new() };
        let (left, right) = (size.left(), width - RIGHT);
        let rows = wrapped(title, ((right - left) / TITLE_LETTER) as usize);
        for (i, row) in rows.iter().enumerate() {
            drawing.text(Role::Title, row, (left, 18.0 + TITLE_ROW * i as f64), Anchor::Start);
        }
        let mut below = TITLE_ROW * rows.len().saturating_sub(1) as f64;
        if names.len() > 1 {
            below += drawing.legend((left, 36.0 + below), right, names, sample);
        }
        if !size.is_fixed {
            drawing.height += below;
        }
        let (top, bottom) = (TOP + below, (drawing.height - BOTTOM).max(TOP + below + 1.0));
        let y = Scale { from: y_range, to: (bottom, top) };
        let (y_ticks, decimals) = ticks(y_range, (((bottom - top) / 43.0) as usize).clamp(2, 12));
        for tick in y_ticks {
            let place = y.at(tick);
            drawing.line(Role::Grid, (left, place), (right, place));
            drawing.text(Role::Tick, &tick_label(tick, decimals), (left - 8.0, place + 4.0), Anchor::End);
        }
        drawing.line(Role::Axis, (left, bottom), (right, bottom));
        let middle = ((left + right) / 2.0, (top + bottom) / 2.0);
        let foot = drawing.height - 8.0;
        // Beside a remark a narrow chart has no middle.
        let is_beside = !remark.is_empty() && width < 500.0;
        let (x, anchor) = if is_beside { (left, Anchor::Start) } else { (middle.0, Anchor::Middle) };
        drawing.text(Role::Tick, x_label, (x, foot), anchor);
        if !remark.is_empty() {
            drawing.text(Role::Tick, remark, (right, foot), Anchor::End);
        }
        let upright = Form::Text {
            text: y_label.to_owned(),
            at: (14.0, middle.1),
            anchor: Anchor::Middle,
            upright: true,
        };
        drawing.shapes.push((Role::Tick, upright));
        (drawing, y)
    }

    /// Draws the legend, and returns the height of its rows after the first.
    fn legend(
        &mut self,
        (left, top): (f64, f64),
        right: f64,
        names: &[&str],
        sample: fn(usize, (f64, f64)) -> (Role, Form),
    ) -> f64 {
        let (mut x, mut y) = (left, top);
        let letters_max = ((right - left - 30.0) / LEGEND_LETTER) as usize;
        for (i, name) in names.iter().enumerate() {
            let name = shortened(name, letters_max);
            // Line sample and gap, and an estimate of the name's width.
            let width = 30.0 + LEGEND_LETTER * name.chars().count() as f64;
            if x > left && x + width > right {
                (x, y) = (left, y + LEGEND_ROW);
            }
            self.shapes.push(sample(i, (x, y)));
            self.text(Role::Tick, &name, (x + 30.0, y + 4.0), Anchor::Start);
            x += width + 24.0;
        }
        y - top
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

/// The words in rows of up to a number of letters.
fn wrapped(text: &str, letters_max: usize) -> Vec<String> {
    let mut rows = vec![String::new()];
    for word in text.split(' ') {
        let last = rows.last_mut().expect("there is one");
        if !last.is_empty() && last.chars().count() + 1 + word.chars().count() > letters_max {
            rows.push(word.to_owned());
        } else {
            if !last.is_empty() {
                last.push(' ');
            }
            *last += word;
        }
    }
    rows
}

/// A name without its beginning, if it is too long; ends differ more often.
fn shortened(name: &str, letters_max: usize) -> String {
    let letters = name.chars().count();
    if letters <= letters_max {
        return name.to_owned();
    }
    let rest: String = name.chars().skip(letters + 3 - letters_max.max(3)).collect();
    format!("...{rest}")
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
    pub(super) fn drawing(&self, size: Size) -> Drawing {
        let (x_range, y_range) = self.ranges();
        let names: Vec<&str> = self.series.iter().map(|s| s.name.as_str()).collect();
        let sample = |i, (x, y)| (Role::Line(i), Form::Polyline(vec![(x, y), (x + 24.0, y)]));
        let labels = (&*self.x_label, &*self.y_label, &*self.beyond());
        let (mut drawing, y) = Drawing::framed(size, &self.title, labels, &names, sample, y_range);
        let x = Scale { from: x_range, to: (size.left(), size.width - RIGHT) };
        let (x_ticks, decimals) = ticks(x_range, ((size.width / 110.0) as usize).clamp(2, 12));
        for tick in x_ticks {
            drawing.x_mark(&tick_label(tick, decimals), x.at(tick));
        }
        // A band ends at the edge; a line leaves the picture.
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
            for piece in clipped(&thin(&points), y_range) {
                lines.push((Role::Line(i), Form::Polyline(piece.iter().map(|p| at(p[0], p[1])).collect())));
            }
            if points.len() == 1 || MARKED.contains(&points.len()) {
                let shown = points.iter().filter(|p| p[1] >= y_range.0 && p[1] <= y_range.1);
                lines.extend(shown.map(|p| (Role::Dot(i), Form::Circle(at(p[0], p[1]), 3.0))));
            }
        }
        // No band may tint another series' line.
        drawing.shapes.extend(lines);
        drawing
    }
}

impl BarChart {
    pub(super) fn drawing(&self, size: Size) -> Drawing {
        let values = || self.series.iter().flat_map(|s| s.1.iter().copied()).filter(|v| v.is_finite());
        let y_range = (0.0, values().fold(1e-9, f64::max));
        let names: Vec<&str> = self.series.iter().map(|s| s.0.as_str()).collect();
        let sample =
            |i, (x, y)| (Role::Bar(i), Form::Rectangle((x + 6.0, y - 6.0), (18.0, 12.0), String::new()));
        let labels = (&*self.x_label, &*self.y_label, "");
        let (mut drawing, y) = Drawing::framed(size, &self.title, labels, &names, sample, y_range);
        let group = (size.width - size.left() - RIGHT) / self.categories.len().max(1) as f64;
        let bar = group * 0.8 / self.series.len().max(1) as f64;
        for (c, category) in self.categories.iter().enumerate() {
            let left = size.left() + group * c as f64;
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
            let drawing = LineChart { series: series.collect(), ..LineChart::default() }.drawing(Size::WIDE);
            assert_eq!(drawing.height, height, "{names:?}");
        };
        check(&["one"], 320.0);
        check(&["teacher", "student"], 320.0);
        // 30 + 7 * 20 + 24 = 194 each: three in a row of 640.
        check(&["a name of 20 letters"; 3], 320.0);
        check(&["a name of 20 letters"; 4], 338.0);
        check(&["a name of 20 letters"; 7], 356.0);
    }

    #[test]
    fn a_narrow_chart_has_rows_of_title_and_short_names() {
        assert_eq!(wrapped("one two three", 7), ["one two", "three"]);
        assert_eq!(wrapped("", 7), [""]);
        assert_eq!(
            (shortened("abcdefgh", 8), shortened("abcdefgh", 6)),
            ("abcdefgh".to_owned(), "...fgh".to_owned())
        );
        let series = |name: &str| Series {
            name: name.to_owned(),
            points: vec![(0.0, 0.0), (1.0, 1.0)],
            ..Series::default()
        };
        let title = "Distance of the student from its teacher before each refresh".to_owned();
        let chart = LineChart {
            title,
            series: vec![series(&"long".repeat(30)), series("b")],
            ..LineChart::default()
        };
        for size in [Size::WIDE, Size::NARROW, Size::fixed(400, 200)] {
            let drawing = chart.drawing(size);
            assert!(size.is_fixed == (drawing.height == size.height) || size == Size::WIDE, "{size:?}");
            for (role, form) in &drawing.shapes {
                let Form::Text { text, at, anchor: Anchor::Start, .. } = form else { continue };
                let letter = if *role == Role::Title { TITLE_LETTER } else { LEGEND_LETTER };
                assert!(at.0 + letter * text.chars().count() as f64 <= drawing.width, "{text}");
            }
        }
    }
}
