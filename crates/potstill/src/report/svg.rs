//! Charts and renderings as SVG. Colours come from a style sheet through classes.

use super::drawing::{Anchor, Drawing, Form, Role};
use super::size::Size;
use super::style::{SERIES, chart_style};
use super::{BarChart, GreyImage, LineChart, escape};

impl Role {
    pub(super) fn class(self) -> String {
        let (name, series) = match self {
            Role::Title => return "title".to_owned(),
            Role::Tick => return "tick".to_owned(),
            Role::Grid => return "grid".to_owned(),
            Role::Axis => return "axis".to_owned(),
            Role::Line(i) => ("line", i),
            Role::Dot(i) => ("dot", i),
            Role::Band(i) => ("band", i),
            Role::Bar(i) => ("bar", i),
        };
        format!("{name} s{}", series % SERIES)
    }
}

fn points(points: &[(f64, f64)]) -> String {
    let points: Vec<String> = points.iter().map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
    points.join(" ")
}

fn element((role, form): &(Role, Form)) -> String {
    let class = role.class();
    match form {
        Form::Polyline(line) => format!("<polyline class=\"{class}\" points=\"{}\"/>", points(line)),
        Form::Polygon(outline) => format!("<polygon class=\"{class}\" points=\"{}\"/>", points(outline)),
        Form::Circle((x, y), radius) => {
            format!("<circle class=\"{class}\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"{radius}\"/>")
        }
        Form::Rectangle((x, y), (width, height), hint) => {
            let hint =
                if hint.is_empty() { String::new() } else { format!("<title>{}</title>", escape(hint)) };
            format!(
                "<rect class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\">{hint}</rect>"
            )
        }
        Form::Text { text, at: (x, y), anchor, upright } => {
            let anchor = match anchor {
                Anchor::Start => "",
                Anchor::Middle => " text-anchor=\"middle\"",
                Anchor::End => " text-anchor=\"end\"",
            };
            let place = if *upright {
                format!("transform=\"translate({x:.1} {y:.1}) rotate(-90)\"")
            } else {
                format!("x=\"{x:.1}\" y=\"{y:.1}\"")
            };
            format!("<text class=\"{class}\"{anchor} {place}>{}</text>", escape(text))
        }
    }
}

impl Drawing {
    /// An SVG element with further attributes, and with `behind` behind the shapes.
    fn svg(&self, attributes: &str, behind: &str) -> String {
        let shapes: String = self.shapes.iter().map(element).collect();
        format!(
            "<svg{attributes} viewBox=\"0 0 {width} {height}\" role=\"img\" aria-label=\"{title}\"><title>{title}</title>\
             {behind}{shapes}</svg>",
            width = self.width,
            height = self.height,
            title = escape(&self.title)
        )
    }
}

/// A chart for wide and for narrow screens; the style sheet of a [`Page`](super::Page) shows one of them.
fn both(draw: impl Fn(Size) -> Drawing) -> String {
    draw(Size::WIDE).svg(" class=\"wide\"", "") + &draw(Size::NARROW).svg(" class=\"narrow\"", "")
}

impl LineChart {
    /// The chart as SVG elements for wide and narrow screens, for a page with the classes of [`Page`](super::Page).
    pub fn svg(&self) -> String {
        both(|size| self.drawing(size))
    }

    /// The chart as a standalone SVG document, light or dark by the reader's preference.
    pub fn svg_file(&self) -> String {
        self.svg_file_of(Size::WIDE)
    }

    /// As [`svg_file`](Self::svg_file), in another size.
    pub fn svg_file_of(&self, size: Size) -> String {
        let drawing = self.drawing(size);
        let size = format!("width=\"{}\" height=\"{}\"", drawing.width, drawing.height);
        let attributes = format!(" xmlns=\"http://www.w3.org/2000/svg\" {size}");
        let behind = format!("<style>\n{}</style><rect class=\"ground\" {size}/>", chart_style());
        drawing.svg(&attributes, &behind) + "\n"
    }
}

impl BarChart {
    /// The chart as SVG elements for wide and narrow screens, for a page with the classes of [`Page`](super::Page).
    pub fn svg(&self) -> String {
        both(|size| self.drawing(size))
    }
}

impl GreyImage {
    /// The image as an SVG element.
    pub fn svg(&self) -> String {
        let width = self.width.max(1);
        let height = self.values.len().div_ceil(width);
        let title = escape(&self.title);
        // With crisp edges neither a gap nor an overlap shows between neighbours.
        let mut svg = format!(
            "<svg class=\"picture\" shape-rendering=\"crispEdges\" viewBox=\"0 0 {width} {height}\" role=\"img\" aria-label=\"{title}\"><title>{title}</title>\
             <rect class=\"paper\" width=\"{width}\" height=\"{height}\"/>"
        );
        for (i, value) in self.values.iter().enumerate().filter(|(_, v)| **v > 0.0) {
            let (x, y) = (i % width, i / width);
            svg += &format!(
                "<rect class=\"ink\" x=\"{x}\" y=\"{y}\" width=\"1\" height=\"1\" opacity=\"{:.2}\"/>",
                value.clamp(0.0, 1.0)
            );
        }
        svg + "</svg>"
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::tests::check_well_formed;
    use crate::report::{Block, Page, Series};

    #[test]
    fn a_line_to_a_point_outside_the_range_leaves_the_picture() {
        let series = vec![Series {
            name: "a".to_owned(),
            points: vec![(0.0, -1000.0), (1.0, -50.0), (2.0, 0.0)],
            band: Vec::new(),
        }];
        let chart = LineChart { series, y_range: Some((-100.0, 0.0)), ..LineChart::default() };
        // It crosses -100 at 900 / 950 of the way to the second point: 64 + 320 * 0.947.
        let svg = chart.svg_file();
        assert!(svg.contains("points=\"367.2,272.0 384.0,164.0 704.0,56.0\""), "{svg}");
        assert!(svg.contains(">1 point is below -100</text>"), "{svg}");
        assert_eq!(svg.matches("<circle").count(), 2);
    }

    #[test]
    fn a_band_and_escaped_names_are_in_every_svg() {
        let band = |name: &str| Series {
            name: name.to_owned(),
            points: vec![(0.0, 1.0), (1.0, 2.0)],
            band: vec![(0.0, 2.0), (1.0, 4.0)],
        };
        let chart = LineChart { series: vec![band("<a> & \"b\""), band("\u{1b}c")], ..LineChart::default() };
        let page =
            Page { title: String::new(), lead: String::new(), blocks: vec![Block::Lines(chart.clone())] };
        let check = |document: String| {
            check_well_formed(&document);
            // Upper edge forth, lower edge back.
            let outline = "points=\"64.0,164.0 704.0,56.0 704.0,218.0 64.0,272.0\"";
            for i in 0..2 {
                assert!(
                    document.contains(&format!("<polygon class=\"band s{i}\" {outline}/>")),
                    "{document}"
                );
                assert!(document.contains(&format!(".band.s{i} {{ fill: #")) == document.contains("<style>"));
            }
            assert!(document.contains(">&lt;a&gt; &amp; &quot;b&quot;</text>"), "{document}");
            assert!(document.contains(">\u{fffd}c</text>"), "XML has no escape character: {document}");
        };
        check(chart.svg());
        check(chart.svg_file());
        check(page.html());
    }

    #[test]
    fn a_file_stands_alone() {
        let file = LineChart { title: "Returns".to_owned(), ..LineChart::default() }.svg_file();
        check_well_formed(&file);
        let start =
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"720\" height=\"320\" viewBox=\"0 0 720 320\"";
        assert!(file.starts_with(start), "{file}");
        assert!(file.contains("<rect class=\"ground\" width=\"720\" height=\"320\"/>"));
        let (light, dark) = file.split_once("@media (prefers-color-scheme: dark)").expect("both themes");
        for (theme, ground, line) in [(light, "ffffff", "0072b2"), (dark, "17191c", "56b4e9")] {
            assert!(theme.contains(&format!(".ground {{ fill: #{ground}; }}")), "{theme}");
            assert!(theme.contains(&format!(".line.s0 {{ stroke: #{line}; }}")), "{theme}");
        }
        assert!(!file.contains("var("), "plain values only");
    }
}
