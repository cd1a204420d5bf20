//! Maps of grid environments: a number in every square, shaded by its size, and the arrows of a policy.

use super::drawing::Role;
use super::style::chart_style;
use super::{GridChart, Square, escape, extent, without_minus_zero};

/// Side of a square, in pixels.
const SIDE: f64 = 56.0;
/// Room for the names of rows and of columns, if there are any.
const MARGINS: (f64, f64) = (64.0, 48.0);
/// The least share of its size at which a map with names is shown.
const READABLE: f64 = 0.75;
/// The lightest and the darkest shade.
const SHADES: (f64, f64) = (0.06, 0.6);

impl GridChart {
    /// The numbers with as few digits as distinguish them.
    fn numbers(&self) -> Vec<String> {
        let values: Vec<f64> = self.squares.iter().filter_map(|square| square.value).collect();
        let largest = values.iter().fold(0.0_f64, |size, v| size.max(v.abs()));
        let are_whole = values.iter().all(|v| (v - v.round()).abs() < 1e-9);
        let decimals = match largest {
            _ if are_whole => 0,
            x if x >= 1000.0 => 0,
            x if x >= 10.0 => 1,
            x if x >= 1.0 => 2,
            _ => 3,
        };
        let number = |value: f64| {
            without_minus_zero(match value {
                v if v.abs() >= 1e6 => format!("{:.0}M", v / 1e6),
                v if v.abs() >= 1e5 => format!("{:.0}k", v / 1e3),
                v => format!("{v:.decimals$}"),
            })
        };
        self.squares.iter().map(|square| square.value.map(number).unwrap_or_default()).collect()
    }

    /// The shade of each square, 0 to 1.
    fn shades(&self) -> Vec<Option<f64>> {
        let size = |v: f64| if self.is_count { potstill_core::math::ln_f64(1.0 + v.max(0.0)) } else { v };
        let (low, high) = extent(self.squares.iter().filter_map(|square| square.value).map(size));
        let shade = |v: f64| ((size(v) - low) / (high - low)).clamp(0.0, 1.0);
        self.squares.iter().map(|square| square.value.map(shade)).collect()
    }

    /// The map as an SVG element, for a page with the classes of [`Page`](super::Page).
    pub fn svg(&self) -> String {
        let width = self.size().0;
        // Names and numbers stay readable on a narrow screen, which scrolls.
        let least = if self.row_names.is_empty() { 0.0 } else { READABLE * width };
        self.drawn(&format!(" class=\"map\" style=\"max-width: {width}px; min-width: {least}px\""), "")
    }

    /// The map as a standalone SVG document, light or dark by the reader's preference.
    pub fn svg_file(&self) -> String {
        let ((width, height), (left, top)) = (self.size(), self.margins());
        let size = format!("width=\"{width}\" height=\"{height}\"");
        let attributes = format!(" xmlns=\"http://www.w3.org/2000/svg\" {size}");
        let place = format!("x=\"{}\" y=\"{}\"", -left, -top);
        let behind = format!("<style>\n{}</style><rect class=\"ground\" {place} {size}/>", chart_style());
        self.drawn(&attributes, &behind) + "\n"
    }

    /// Room for the names of the rows and of the columns.
    fn margins(&self) -> (f64, f64) {
        if self.row_names.is_empty() { (0.0, 0.0) } else { MARGINS }
    }

    /// Width and height with the margins.
    fn size(&self) -> (f64, f64) {
        let (columns, (left, top)) = (self.columns.max(1), self.margins());
        (left + columns as f64 * SIDE, top + self.squares.len().div_ceil(columns) as f64 * SIDE)
    }

    /// An SVG element with these attributes, and with `behind` behind the squares.
    fn drawn(&self, attributes: &str, behind: &str) -> String {
        let columns = self.columns.max(1);
        let ((all_width, all_height), (left, top)) = (self.size(), self.margins());
        let (width, height) = (all_width - left, all_height - top);
        let title = escape(&self.title);
        let mut svg = format!(
            "<svg{attributes} viewBox=\"{} {} {all_width} {all_height}\" role=\"img\" aria-label=\"{title}\"><title>{title}</title>{behind}",
            0.0 - left,
            0.0 - top
        );
        for (i, ((square, number), shade)) in
            self.squares.iter().zip(self.numbers()).zip(self.shades()).enumerate()
        {
            let (x, y) = ((i % columns) as f64 * SIDE, (i / columns) as f64 * SIDE);
            let ground = if square.is_wall { "tick" } else { "paper" };
            let place = format!("x=\"{x}\" y=\"{y}\" width=\"{SIDE}\" height=\"{SIDE}\"");
            svg += &format!("<rect class=\"{ground}\" {place}/>");
            if let Some(shade) = shade {
                let opacity = SHADES.0 + (SHADES.1 - SHADES.0) * shade;
                let class = Role::Bar(0).class();
                svg += &format!("<rect class=\"{class}\" {place} opacity=\"{opacity:.2}\"/>");
            }
            if let Some(letter) = square.letter {
                svg += &text("tick", (x + 9.0, y + 15.0), 12.0, &letter.to_string());
            }
            if let Some(arrow) = &square.arrow {
                let size = if arrow.chars().count() > 1 { 17.0 } else { 22.0 };
                svg += &text("title", (x + SIDE / 2.0, y + 31.0), size, arrow);
            }
            svg += &text("title", (x + SIDE / 2.0, y + SIDE - 7.0), 11.0, &number);
        }
        for line in 0..=columns {
            let x = line as f64 * SIDE;
            svg += &format!("<polyline class=\"grid\" points=\"{x},0 {x},{height}\"/>");
        }
        for line in 0..=self.squares.len().div_ceil(columns) {
            let y = line as f64 * SIDE;
            svg += &format!("<polyline class=\"grid\" points=\"0,{y} {width},{y}\"/>");
        }
        svg + &self.names() + "</svg>"
    }

    /// The names of rows and columns, and their quantities.
    fn names(&self) -> String {
        let middle = |i: usize| (i as f64 + 0.5) * SIDE;
        let rows = self.row_names.iter().enumerate();
        let mut svg: String =
            rows.map(|(i, name)| text("tick", (-18.0, middle(i) + 5.0), 14.0, name)).collect();
        for (i, name) in self.column_names.iter().enumerate() {
            svg += &text("tick", (middle(i), -8.0), 14.0, name);
        }
        if let ([rows, columns], false) = (&self.labels, self.row_names.is_empty()) {
            let (width, height) = self.size();
            svg += &text("tick", ((width - MARGINS.0) / 2.0, 18.0 - MARGINS.1), 14.0, columns);
            svg += &format!(
                "<text class=\"tick\" text-anchor=\"middle\" style=\"font-size: 14px\" transform=\"translate({} {}) rotate(-90)\">{}</text>",
                16.0 - MARGINS.0,
                (height - MARGINS.1) / 2.0,
                escape(rows)
            );
        }
        svg
    }

    /// The map in characters: the numbers, and beside or under them the actions, if there are any.
    pub fn text(&self) -> String {
        let alone = |square: &Square| match (square.is_wall, square.letter) {
            (true, _) => "#".to_owned(),
            (false, letter) => letter.unwrap_or('.').to_string(),
        };
        let numbers: Vec<String> = self
            .squares
            .iter()
            .zip(self.numbers())
            .map(|(square, number)| if number.is_empty() { alone(square) } else { number })
            .collect();
        let mut rows = self.block(&numbers);
        if self.squares.iter().any(|square| square.arrow.is_some()) {
            let arrow = |square: &Square| square.arrow.clone().unwrap_or_else(|| alone(square));
            let arrows = self.block(&self.squares.iter().map(arrow).collect::<Vec<_>>());
            let width = |rows: &[String]| rows.iter().map(|row| row.chars().count()).max().unwrap_or(0);
            if width(&rows) + width(&arrows) + 4 <= 76 {
                rows = rows
                    .iter()
                    .zip(arrows)
                    .map(|(numbers, arrows)| format!("{numbers}    {arrows}"))
                    .collect();
            } else {
                rows.push(String::new());
                rows.extend(arrows);
            }
        }
        let axes = match (&self.labels, self.row_names.is_empty()) {
            ([rows, columns], false) => format!("  down: {rows}; across: {columns}\n\n"),
            _ => String::new(),
        };
        let rows: String = rows.iter().map(|row| format!("  {row}").trim_end().to_owned() + "\n").collect();
        format!("  {}\n\n{axes}{rows}", self.title)
    }

    /// Cells in lines, under the names of their columns and beside those of their rows.
    fn block(&self, cells: &[String]) -> Vec<String> {
        let widest = |cells: &[String]| cells.iter().map(|cell| cell.chars().count()).max().unwrap_or(0);
        let (width, beside) = (widest(cells).max(widest(&self.column_names)), widest(&self.row_names));
        let line = |name: &str, cells: &[String]| {
            let cells: Vec<String> = cells.iter().map(|cell| format!("{cell:>width$}")).collect();
            if beside == 0 { cells.join(" ") } else { format!("{name:>beside$}  {}", cells.join(" ")) }
        };
        let mut lines = Vec::new();
        if !self.column_names.is_empty() {
            lines.push(line("", &self.column_names));
        }
        let name = |row: usize| self.row_names.get(row).map_or("", String::as_str);
        let rows = cells.chunks(self.columns.max(1)).enumerate();
        lines.extend(rows.map(|(row, cells)| line(name(row), cells)));
        lines
    }
}

/// Text about a point.
fn text(class: &str, (x, y): (f64, f64), size: f64, text: &str) -> String {
    format!(
        "<text class=\"{class}\" x=\"{x}\" y=\"{y}\" text-anchor=\"middle\" style=\"font-size: {size}px\">{}</text>",
        escape(text)
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::tests::check_well_formed;

    fn chart() -> GridChart {
        let value = |value, arrow: &str| Square {
            value: Some(value),
            arrow: Some(arrow.to_owned()),
            ..Square::default()
        };
        let squares = vec![
            Square { letter: Some('S'), ..value(-2.0, "→") },
            value(-1.04, "↓"),
            Square { is_wall: true, ..Square::default() },
            Square { letter: Some('G'), ..Square::default() },
        ];
        GridChart { title: "Values".to_owned(), columns: 2, squares, ..GridChart::default() }
    }

    #[test]
    fn a_map_in_characters() {
        assert_eq!(chart().text(), "  Values\n\n  -2.00 -1.04    → ↓\n      #     G    # G\n");
        let mut counts = chart();
        counts.squares.iter_mut().for_each(|square| square.arrow = None);
        counts.squares[0].value = Some(123_456.0);
        counts.squares[1].value = Some(7.0);
        counts.is_count = true;
        assert_eq!(counts.text(), "  Values\n\n  123k    7\n     #    G\n");
    }

    #[test]
    fn a_map_as_svg() {
        let svg = chart().svg();
        check_well_formed(&svg);
        // The larger value is darker.
        assert!(svg.contains("opacity=\"0.06\"") && svg.contains("opacity=\"0.60\""), "{svg}");
        assert!(svg.contains(">-1.04</text>") && svg.contains(">→</text>") && svg.contains(">G</text>"));
    }

    #[test]
    fn a_table_of_states_has_names() {
        let names = |names: [&str; 2]| names.map(str::to_owned).to_vec();
        let mut chart = GridChart {
            row_names: names(["21", "4"]),
            column_names: names(["A", "10"]),
            labels: ["sum", "card"].map(str::to_owned),
            ..chart()
        };
        chart.squares[1].arrow = Some("-3".to_owned());
        let expected = "  Values\n\n  down: sum; across: card\n\n          A    10         A 10\n  21  -2.00 -1.04    21   → -3\n   4      #     G     4   #  G\n";
        assert_eq!(chart.text(), expected);
        let (inside, file) = (chart.svg(), chart.svg_file());
        check_well_formed(&inside);
        check_well_formed(&file);
        assert!(
            inside.contains("viewBox=\"-64 -48 176 160\"") && inside.contains(">card</text>"),
            "{inside}"
        );
        assert!(file.contains("width=\"176\" height=\"160\"") && file.contains("prefers-color-scheme: dark"));
    }

    #[test]
    fn odd_maps_are_drawn_without_a_panic() {
        let odd = |value| Square { value: Some(value), ..Square::default() };
        for squares in [vec![], vec![odd(f64::NAN), odd(f64::INFINITY)], vec![odd(0.0); 3]] {
            let chart = GridChart { columns: 0, squares, ..GridChart::default() };
            check_well_formed(&chart.svg());
            assert!(chart.text().starts_with("  "));
        }
    }
}
