//! Charts as SVG. Colours come from the page's style sheet through classes.

use super::{BarChart, LineChart, Picture, escape, tick_label, ticks};

const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 320.0;
const LEFT: f64 = 64.0;
const RIGHT: f64 = 16.0;
const TOP: f64 = 56.0;
const BOTTOM: f64 = 48.0;
/// Points of a line; longer series are thinned to bucket means.
const POINTS_MAX: usize = 300;

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

/// The frame that line and bar charts share: title, legend, y axis with grid, labels.
fn frame(title: &str, labels: (&str, &str), names: &[&str], y: Scale, marks: &str, content: &str) -> String {
    let (x_label, y_label) = labels;
    let mut svg = format!(
        "<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"{0}\"><title>{0}</title>\
         <text class=\"title\" x=\"{LEFT}\" y=\"18\">{0}</text>",
        escape(title)
    );
    let (y_ticks, decimals) = ticks(y.from, 5);
    for tick in y_ticks {
        let place = y.at(tick);
        svg += &format!(
            "<line class=\"grid\" x1=\"{LEFT}\" x2=\"{:.1}\" y1=\"{place:.1}\" y2=\"{place:.1}\"/>\
             <text class=\"tick\" text-anchor=\"end\" x=\"{:.1}\" y=\"{:.1}\">{}</text>",
            WIDTH - RIGHT,
            LEFT - 8.0,
            place + 4.0,
            tick_label(tick, decimals)
        );
    }
    let mut x = LEFT;
    if names.len() > 1 {
        for (i, name) in names.iter().enumerate() {
            svg += &format!(
                "<line class=\"line s{i}\" x1=\"{x:.1}\" x2=\"{:.1}\" y1=\"36\" y2=\"36\"/>\
                 <text class=\"tick\" x=\"{:.1}\" y=\"40\">{}</text>",
                x + 24.0,
                x + 30.0,
                escape(name)
            );
            x += 54.0 + 7.0 * name.chars().count() as f64;
        }
    }
    let bottom = HEIGHT - BOTTOM;
    svg + &format!(
        "{marks}<line class=\"axis\" x1=\"{LEFT}\" x2=\"{:.1}\" y1=\"{bottom}\" y2=\"{bottom}\"/>{content}\
         <text class=\"tick\" text-anchor=\"middle\" x=\"{:.1}\" y=\"{:.1}\">{}</text>\
         <text class=\"tick\" text-anchor=\"middle\" transform=\"translate(14 {:.1}) rotate(-90)\">{}</text></svg>",
        WIDTH - RIGHT,
        (LEFT + WIDTH - RIGHT) / 2.0,
        HEIGHT - 8.0,
        escape(x_label),
        (TOP + bottom) / 2.0,
        escape(y_label)
    )
}

fn y_scale(from: (f64, f64)) -> Scale {
    Scale { from, to: (HEIGHT - BOTTOM, TOP) }
}

/// Means over equal runs of points, few enough to draw; the ends of the line stay.
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

impl LineChart {
    /// The chart as an SVG element, for a page with the classes of [`Page`](super::Page).
    pub fn svg(&self) -> String {
        let (x_range, y_range) = self.ranges();
        let x = Scale { from: x_range, to: (LEFT, WIDTH - RIGHT) };
        let y = y_scale(y_range);
        // What leaves the range stays at its edge.
        let at = |px: f64, py: f64| format!("{:.1},{:.1}", x.at(px), y.at(py.clamp(y_range.0, y_range.1)));
        let mut content = String::new();
        for (i, series) in self.series.iter().enumerate() {
            if series.band.len() == series.points.len() {
                let band =
                    series.points.iter().zip(&series.band).map(|(&(px, _), &(low, high))| [px, low, high]);
                let band: Vec<[f64; 3]> = band.filter(|p| p.iter().all(|v| v.is_finite())).collect();
                let band = thin(&band);
                let above = band.iter().map(|p| at(p[0], p[2]));
                let outline: Vec<String> = above.chain(band.iter().rev().map(|p| at(p[0], p[1]))).collect();
                content += &format!("<polygon class=\"band s{}\" points=\"{}\"/>", i % 6, outline.join(" "));
            }
            let points = series.points.iter().map(|&(px, py)| [px, py]);
            let points: Vec<[f64; 2]> = points.filter(|p| p.iter().all(|v| v.is_finite())).collect();
            if let [[px, py]] = points[..] {
                let (cx, cy) = (x.at(px), y.at(py.clamp(y_range.0, y_range.1)));
                content +=
                    &format!("<circle class=\"dot s{}\" cx=\"{cx:.1}\" cy=\"{cy:.1}\" r=\"3\"/>", i % 6);
            }
            let points: Vec<String> = thin(&points).iter().map(|p| at(p[0], p[1])).collect();
            content += &format!("<polyline class=\"line s{}\" points=\"{}\"/>", i % 6, points.join(" "));
        }
        let mut marks = String::new();
        let (x_ticks, decimals) = ticks(x_range, 6);
        for tick in x_ticks {
            marks += &format!(
                "<text class=\"tick\" text-anchor=\"middle\" x=\"{:.1}\" y=\"{:.1}\">{}</text>",
                x.at(tick),
                HEIGHT - BOTTOM + 18.0,
                tick_label(tick, decimals)
            );
        }
        let names: Vec<&str> = self.series.iter().map(|s| s.name.as_str()).collect();
        frame(&self.title, (&self.x_label, &self.y_label), &names, y, &marks, &content)
    }
}

impl BarChart {
    /// The chart as an SVG element, for a page with the classes of [`Page`](super::Page).
    pub fn svg(&self) -> String {
        let values = || self.series.iter().flat_map(|s| s.1.iter().copied()).filter(|v| v.is_finite());
        let y = y_scale((0.0, values().fold(1e-9, f64::max)));
        let group = (WIDTH - LEFT - RIGHT) / self.categories.len().max(1) as f64;
        let bar = group * 0.8 / self.series.len().max(1) as f64;
        let (mut marks, mut content) = (String::new(), String::new());
        for (c, category) in self.categories.iter().enumerate() {
            let left = LEFT + group * c as f64;
            marks += &format!(
                "<text class=\"tick\" text-anchor=\"middle\" x=\"{:.1}\" y=\"{:.1}\">{}</text>",
                left + group / 2.0,
                HEIGHT - BOTTOM + 18.0,
                escape(category)
            );
            for (s, (name, values)) in self.series.iter().enumerate() {
                let value = values.get(c).copied().filter(|v| v.is_finite()).unwrap_or(0.0).max(0.0);
                let top = y.at(value);
                content += &format!(
                    "<rect class=\"bar s{}\" x=\"{:.1}\" y=\"{top:.1}\" width=\"{bar:.1}\" height=\"{:.1}\">\
                     <title>{}, {}: {value:.3}</title></rect>",
                    s % 6,
                    left + group * 0.1 + bar * s as f64,
                    HEIGHT - BOTTOM - top,
                    escape(category),
                    escape(name)
                );
            }
        }
        let names: Vec<&str> = self.series.iter().map(|s| s.0.as_str()).collect();
        frame(&self.title, (&self.x_label, &self.y_label), &names, y, &marks, &content)
    }
}

impl Picture {
    /// The picture as an SVG element.
    pub fn svg(&self) -> String {
        let width = self.width.max(1);
        let height = self.values.len().div_ceil(width);
        let title = escape(&self.title);
        let mut svg = format!(
            "<svg class=\"picture\" viewBox=\"0 0 {width} {height}\" role=\"img\" aria-label=\"{title}\"><title>{title}</title>\
             <rect class=\"paper\" width=\"{width}\" height=\"{height}\"/>"
        );
        for (i, value) in self.values.iter().enumerate().filter(|(_, v)| **v > 0.0) {
            let (x, y) = (i % width, i / width);
            // A hair wider than a pixel, so that no seam shows between neighbours.
            svg += &format!(
                "<rect class=\"ink\" x=\"{x}\" y=\"{y}\" width=\"1.02\" height=\"1.02\" opacity=\"{:.2}\"/>",
                value.clamp(0.0, 1.0)
            );
        }
        svg + "</svg>"
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Series;

    #[test]
    fn a_point_outside_the_range_stays_at_its_edge() {
        let series = vec![Series {
            name: "a".to_owned(),
            points: vec![(0.0, -1000.0), (1.0, -50.0), (2.0, 0.0)],
            band: Vec::new(),
        }];
        let chart = LineChart { series, y_range: Some((-100.0, 0.0)), ..LineChart::default() };
        assert!(chart.svg().contains("points=\"64.0,272.0 384.0,164.0 704.0,56.0\""), "{}", chart.svg());
    }

    #[test]
    fn long_lines_are_thinned_and_keep_their_ends() {
        let points: Vec<[f64; 2]> = (0..10_000).map(|i| [f64::from(i), f64::from(i % 7)]).collect();
        let thinned = thin(&points);
        assert!(thinned.len() <= POINTS_MAX + 2);
        assert_eq!((thinned[0], thinned[thinned.len() - 1]), (points[0], points[9999]));
        // 34 points fall into a bucket; the first has the mean x of 0..=33.
        assert_eq!(thinned[1][0], 16.5);
    }
}
