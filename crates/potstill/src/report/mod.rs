//! Charts and tables of results: as SVG in a self-contained page, as text in the terminal, as SVG and PNG
//! files.
//!
//! Reasons against a plotting crate: the charts take their colours from a style sheet, so that one SVG suits
//! light and dark themes; and series are distinguished by dash and label too, never by colour alone.
//!
//! ```
//! use potstill::report::{LineChart, Series, Table};
//!
//! let points = vec![(0.0, 1.0), (1.0, 4.0)];
//! let series = vec![Series { name: "return".to_owned(), points, band: Vec::new() }];
//! let chart = LineChart { title: "Learning".to_owned(), series, ..LineChart::default() };
//! assert!(chart.svg_file().starts_with("<svg"));
//! assert!(chart.png(1.0).starts_with(b"\x89PNG"));
//!
//! let table = Table { head: vec!["run".to_owned(), "return".to_owned()], rows: vec![vec!["a".to_owned(), "-13".to_owned()]] };
//! assert_eq!(table.text(), "  run  return\n  ---  ------\n  a       -13\n");
//! ```

mod clip;
mod drawing;
mod film;
mod grid;
mod html;
mod pdf;
mod png;
mod scene;
mod size;
mod style;
mod svg;
mod text;

pub use film::{FRAMES_MAX, Film, scene_rgb};
pub use scene::scene_svg;
pub use size::Size;
pub use text::{NOT_KNOWN, wrap};

/// One line in a chart, with an optional band around it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Series {
    /// Its name in the legend.
    pub name: String,
    /// `(x, y)` in ascending order of `x`. Points that are not finite are left out.
    pub points: Vec<(f64, f64)>,
    /// `(low, high)` for each point, or empty.
    pub band: Vec<(f64, f64)>,
}

/// A line chart.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LineChart {
    /// The title.
    pub title: String,
    /// The label of the x axis.
    pub x_label: String,
    /// The label of the y axis.
    pub y_label: String,
    /// The lines.
    pub series: Vec<Series>,
    /// The range of the y axis, if it is not that of the data.
    pub y_range: Option<(f64, f64)>,
}

/// A bar chart: one bar per category and series; values from 0 up.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct BarChart {
    /// The title.
    pub title: String,
    /// The label of the x axis.
    pub x_label: String,
    /// The label of the y axis.
    pub y_label: String,
    /// The names of the groups of bars.
    pub categories: Vec<String>,
    /// A name and one value per category.
    pub series: Vec<(String, Vec<f64>)>,
}

/// A table with a heading. The first column is aligned to the left, numbers in the others to the right.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Table {
    /// The column titles.
    pub head: Vec<String>,
    /// The cells.
    pub rows: Vec<Vec<String>>,
}

/// A grey-scale image, row by row, from 0 for the background to 1 for ink.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct GreyImage {
    /// The title.
    pub title: String,
    /// Pixels in a row.
    pub width: usize,
    /// The pixels.
    pub values: Vec<f64>,
}

/// A square of a [`GridChart`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Square {
    /// Its number.
    pub value: Option<f64>,
    /// The policy's action in it: an arrow, a letter or a number.
    pub arrow: Option<String>,
    /// The letter of its kind, such as S for the start.
    pub letter: Option<char>,
    /// True if it cannot be entered.
    pub is_wall: bool,
}

/// A map of a grid environment, or a table of states with names of its rows and columns.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct GridChart {
    /// The title.
    pub title: String,
    /// Squares in a row.
    pub columns: usize,
    /// The squares, row by row.
    pub squares: Vec<Square>,
    /// True if the numbers are counts, which are shaded by their logarithm.
    pub is_count: bool,
    /// The names of the rows, from above; none for a map of places.
    pub row_names: Vec<String>,
    /// The names of the columns, from the left.
    pub column_names: Vec<String>,
    /// The quantities of the rows and of the columns.
    pub labels: [String; 2],
}

/// A block of a page.
#[derive(Clone, Debug, PartialEq)]
pub enum Block {
    /// A section's title.
    Heading(String),
    /// A paragraph.
    Text(String),
    /// A line chart.
    Lines(LineChart),
    /// A bar chart.
    Bars(BarChart),
    /// A map of a grid environment.
    Grid(GridChart),
    /// A table.
    Table(Table),
    /// An image.
    Image(GreyImage),
    /// Preformatted text in a fixed-width font.
    Plain(String),
    /// Blocks beside each other, if there is room.
    Row(Vec<Block>),
}

/// A page.
#[derive(Clone, Debug, PartialEq)]
pub struct Page {
    /// The title.
    pub title: String,
    /// An introductory sentence.
    pub lead: String,
    /// The content.
    pub blocks: Vec<Block>,
}

/// Escapes the special characters of HTML and SVG, and replaces those that XML forbids.
fn escape(text: &str) -> String {
    let forbidden = |c: char| {
        (c.is_control() && !matches!(c, '\t' | '\n' | '\r')) || matches!(c, '\u{fffe}' | '\u{ffff}')
    };
    let text = text.replace(forbidden, "\u{fffd}");
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// Lowest and highest of the finite values, moved apart if they are equal; `(0, 1)` if there are none.
pub(crate) fn extent(values: impl Iterator<Item = f64>) -> (f64, f64) {
    let finite = values.filter(|v| v.is_finite());
    let (low, high) = finite.fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), v| (l.min(v), h.max(v)));
    if low > high {
        (0.0, 1.0)
    } else if low == high {
        let margin = (low.abs() * 0.1).max(0.5);
        (low - margin, high + margin)
    } else {
        (low, high)
    }
}

/// About `count` round numbers (1, 2 or 5 times a power of ten apart) in the range, and the decimals that
/// they need.
fn ticks((low, high): (f64, f64), count: usize) -> (Vec<f64>, usize) {
    let rough = (high - low) / count as f64;
    let mut power = 1.0;
    while power > rough && power > 1e-12 {
        power /= 10.0;
    }
    while power * 10.0 <= rough && power < 1e300 {
        power *= 10.0;
    }
    let step = [1.0, 2.0, 5.0, 10.0].map(|m| m * power).into_iter().find(|step| *step >= rough * 0.999);
    let step = step.unwrap_or(rough);
    let (first, last) = ((low / step - 1e-9).ceil() as i64, (high / step + 1e-9).floor() as i64);
    let mut decimals = 0;
    let mut unit = 1.0;
    while decimals < 9 && ((step / unit).round() * unit - step).abs() > step * 1e-6 {
        unit /= 10.0;
        decimals += 1;
    }
    // Twice the count bounds the loop whatever the range.
    ((first..=last).take(2 * count + 2).map(|i| i as f64 * step).collect(), decimals)
}

/// The label of a tick: `12000` as `12k`.
fn tick_label(value: f64, decimals: usize) -> String {
    if decimals == 0 && value.abs() >= 1000.0 && value % 100.0 == 0.0 {
        let thousands = value / 1000.0;
        return format!("{thousands}k");
    }
    without_minus_zero(format!("{value:.decimals$}"))
}

/// A number with about three digits.
fn plain_number(value: f64) -> String {
    let decimals = match value.abs() {
        size if size >= 100.0 => 0,
        size if size >= 1.0 => 1,
        _ => 3,
    };
    let text = format!("{value:.decimals$}");
    let text = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    without_minus_zero(text.to_owned())
}

/// Removes the sign of a zero that rounding made negative.
fn without_minus_zero(text: String) -> String {
    if text.trim_start_matches('-').chars().all(|c| c == '0' || c == '.') {
        text.replace('-', "")
    } else {
        text
    }
}

impl LineChart {
    /// The number of points beyond the range of the y axis, in words; empty if there are none.
    pub fn beyond(&self) -> String {
        let Some((low, high)) = self.y_range else { return String::new() };
        let count = |is_beyond: &dyn Fn(f64) -> bool| {
            self.series.iter().flat_map(|s| &s.points).filter(|p| p.1.is_finite() && is_beyond(p.1)).count()
        };
        let words = |count: usize, side: &str, bound: f64| match count {
            0 => None,
            1 => Some(format!("1 point is {side} {}", plain_number(bound))),
            n => Some(format!("{n} points are {side} {}", plain_number(bound))),
        };
        let below = words(count(&|y| y < low), "below", low);
        let above = words(count(&|y| y > high), "above", high);
        [below, above].into_iter().flatten().collect::<Vec<_>>().join(", ")
    }

    /// The ranges of the x and y axes.
    fn ranges(&self) -> ((f64, f64), (f64, f64)) {
        let points = || self.series.iter().flat_map(|s| s.points.iter());
        let bands = self.series.iter().flat_map(|s| s.band.iter()).flat_map(|&(low, high)| [low, high]);
        let y = self.y_range.unwrap_or_else(|| extent(points().map(|p| p.1).chain(bands)));
        (extent(points().map(|p| p.0)), y)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Checks that XML is well-formed: every element that is opened is closed, in order; attributes are
    /// quoted, `&` only begins an entity. Of HTML's exceptions, those that a page has are accepted.
    pub(super) fn check_well_formed(document: &str) {
        const EMPTY: [&str; 2] = ["meta", "!doctype"];
        let check_text = |text: &str| {
            for entity in text.split('&').skip(1) {
                let known = ["amp;", "lt;", "gt;", "quot;"].iter().any(|name| entity.starts_with(name));
                assert!(known, "&{entity}");
            }
            assert!(!text.chars().any(|c| c.is_control() && c != '\n'), "{text:?}");
        };
        let mut open: Vec<&str> = Vec::new();
        for tag in document.split('<').skip(1) {
            let (inside, text) = tag.split_once('>').expect("a tag that ends");
            check_text(text);
            if let Some(name) = inside.strip_prefix('/') {
                assert_eq!(open.pop(), Some(name));
                continue;
            }
            let content = inside.strip_suffix('/').unwrap_or(inside);
            let (name, mut attributes) = content.split_once(' ').unwrap_or((content, ""));
            if inside == content && !EMPTY.contains(&name) {
                open.push(name);
            }
            if name == "!doctype" {
                continue;
            }
            assert!(!name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric()), "{inside}");
            while !attributes.is_empty() {
                let (key, rest) = attributes.split_once("=\"").expect("a quoted attribute");
                let (value, rest) = rest.split_once('"').expect("an attribute that ends");
                assert!(
                    !key.is_empty() && key.chars().all(|c| c.is_ascii_alphabetic() || c == '-'),
                    "{inside}"
                );
                assert!(rest.is_empty() || rest.starts_with(' '), "{inside}");
                check_text(value);
                attributes = rest.trim_start();
            }
        }
        assert!(open.is_empty(), "{open:?}");
    }

    #[test]
    fn ticks_are_round_and_few() {
        let check = |range, expected: &[&str]| {
            let (values, decimals) = ticks(range, 5);
            let labels: Vec<String> = values.iter().map(|&v| tick_label(v, decimals)).collect();
            assert_eq!(labels, expected, "{range:?}");
        };
        check((0.0, 1.0), &["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]);
        check((-150.0, 0.0), &["-150", "-100", "-50", "0"]);
        check((1.0, 500.0), &["100", "200", "300", "400", "500"]);
        check((0.0, 50_000.0), &["0", "10k", "20k", "30k", "40k", "50k"]);
        check((0.0, 0.0031), &["0.000", "0.001", "0.002", "0.003"]);
        check((1e9, 3e9), &["1000000k", "1500000k", "2000000k", "2500000k", "3000000k"]);
    }

    #[test]
    fn what_is_beyond_the_range_is_told() {
        let check = |y_range, ys: &[f64], expected: &str| {
            let points = ys.iter().map(|y| (0.0, *y)).collect();
            let series = vec![Series { points, ..Series::default() }];
            assert_eq!(LineChart { series, y_range, ..LineChart::default() }.beyond(), expected);
        };
        check(None, &[-1e9, 1e9], "");
        check(Some((-350.4, 0.0)), &[-351.0, -1600.0, 0.0, f64::NAN], "2 points are below -350");
        check(Some((-0.25, 1.5)), &[2.0, -1.0, -2.0], "2 points are below -0.25, 1 point is above 1.5");
    }

    #[test]
    fn an_extent_is_never_empty() {
        let check = |values: &[f64], expected| assert_eq!(extent(values.iter().copied()), expected);
        check(&[], (0.0, 1.0));
        check(&[f64::NAN, f64::INFINITY], (0.0, 1.0));
        check(&[3.0], (2.5, 3.5));
        check(&[100.0, 100.0], (90.0, 110.0));
        check(&[1.0, f64::NAN, 2.0], (1.0, 2.0));
    }
}
