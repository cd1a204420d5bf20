//! Maps of grid environments: a number in every square, shaded by its size, and the arrows of a policy.

use super::drawing::Role;
use super::{GridChart, Square, escape, extent, without_minus_zero};

/// Side of a square, in pixels.
const SIDE: f64 = 56.0;
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
        let columns = self.columns.max(1);
        let (width, height) = (columns as f64 * SIDE, self.squares.len().div_ceil(columns) as f64 * SIDE);
        let title = escape(&self.title);
        let mut svg = format!(
            "<svg class=\"map\" style=\"max-width: {width}px\" viewBox=\"0 0 {width} {height}\" role=\"img\" aria-label=\"{title}\"><title>{title}</title>"
        );
        let text = |class: &str, (x, y): (f64, f64), size: f64, text: &str| {
            format!(
                "<text class=\"{class}\" x=\"{x}\" y=\"{y}\" text-anchor=\"middle\" style=\"font-size: {size}px\">{}</text>",
                escape(text)
            )
        };
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
            if let Some(arrow) = square.arrow {
                svg += &text("title", (x + SIDE / 2.0, y + 31.0), 22.0, &arrow.to_string());
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
        svg + "</svg>"
    }

    /// The map in characters: the numbers, and beside or under them the arrows, if there are any.
    pub fn text(&self) -> String {
        let columns = self.columns.max(1);
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
        let block = |cells: &[String]| -> Vec<String> {
            let width = cells.iter().map(|cell| cell.chars().count()).max().unwrap_or(0);
            let rows = cells
                .chunks(columns)
                .map(|row| row.iter().map(|cell| format!("{cell:>width$}")).collect::<Vec<_>>().join(" "));
            rows.collect()
        };
        let mut rows = block(&numbers);
        if self.squares.iter().any(|square| square.arrow.is_some()) {
            let arrows: Vec<String> = self
                .squares
                .iter()
                .map(|square| match square.arrow {
                    Some(arrow) => arrow.to_string(),
                    None => alone(square),
                })
                .collect();
            let arrows = block(&arrows);
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
        let rows: String = rows.iter().map(|row| format!("  {row}").trim_end().to_owned() + "\n").collect();
        format!("  {}\n\n{rows}", self.title)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::tests::check_well_formed;

    fn chart() -> GridChart {
        let value = |value, arrow| Square { value: Some(value), arrow: Some(arrow), ..Square::default() };
        let squares = vec![
            Square { letter: Some('S'), ..value(-2.0, '→') },
            value(-1.04, '↓'),
            Square { is_wall: true, ..Square::default() },
            Square { letter: Some('G'), ..Square::default() },
        ];
        GridChart { title: "Values".to_owned(), columns: 2, squares, is_count: false }
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
    fn odd_maps_are_drawn_without_a_panic() {
        let odd = |value| Square { value: Some(value), ..Square::default() };
        for squares in [vec![], vec![odd(f64::NAN), odd(f64::INFINITY)], vec![odd(0.0); 3]] {
            let chart = GridChart { columns: 0, squares, ..GridChart::default() };
            check_well_formed(&chart.svg());
            assert!(chart.text().starts_with("  "));
        }
    }
}
