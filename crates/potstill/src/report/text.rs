//! Charts and tables in the terminal: plain characters, no colour.

use super::{BarChart, Block, LineChart, Page, Table, tick_label, ticks};

/// The cell of a number that is not known.
pub const NOT_KNOWN: &str = "not known";

impl Page {
    /// The page as text of a number of columns.
    pub fn text(&self, width: usize) -> String {
        let mut text = format!("{}\n{}\n", self.title, "=".repeat(self.title.chars().count()));
        for block in &self.blocks {
            text += &format!("\n{}", block.text(width));
        }
        text
    }
}

impl Block {
    fn text(&self, width: usize) -> String {
        match self {
            Block::Heading(text) => format!("{text}\n{}\n", "-".repeat(text.chars().count())),
            Block::Text(text) => wrap(text),
            Block::Plain(text) => format!("{}\n", text.trim_end()),
            Block::Lines(chart) => chart.text(width.saturating_sub(10).max(20), 12),
            Block::Bars(chart) => chart.text(width.saturating_sub(30).max(20)),
            Block::Grid(chart) => chart.text(),
            Block::Table(table) => table.text(),
            Block::Image(image) => format!("  {}\n", image.title),
            Block::Row(blocks) => blocks.iter().map(|block| block.text(width)).collect::<Vec<_>>().join("\n"),
        }
    }
}

/// Wraps words to lines of up to 78 characters, indented by two.
pub fn wrap(words: &str) -> String {
    let mut text = String::new();
    let mut column = usize::MAX;
    for word in words.split_whitespace() {
        let length = word.chars().count();
        if column.saturating_add(1 + length) > 78 {
            text += if text.is_empty() { "  " } else { "\n  " };
            column = 2 + length;
        } else {
            text.push(' ');
            column += 1 + length;
        }
        text += word;
    }
    text + "\n"
}

impl LineChart {
    /// The chart in `width x height` characters and a few lines around them. Each series is drawn with a
    /// letter of its own; `*` where series overlap.
    pub fn text(&self, width: usize, height: usize) -> String {
        let ((x_low, x_high), (y_low, y_high)) = self.ranges();
        let markers = self.markers();
        let mut cells = vec![vec![' '; width]; height];
        for (series, &marker) in self.series.iter().zip(&markers) {
            // One mark per column: the mean of its points.
            let mut columns = vec![(0.0, 0_u32); width];
            for &(x, y) in series.points.iter().filter(|(x, y)| x.is_finite() && y.is_finite()) {
                let column = ((x - x_low) / (x_high - x_low) * (width - 1) as f64).round() as usize;
                let (sum, count) = &mut columns[column.min(width - 1)];
                *sum += y;
                *count += 1;
            }
            for (column, &(sum, count)) in columns.iter().enumerate().filter(|(_, (_, count))| *count > 0) {
                let place = (y_high - sum / f64::from(count)) / (y_high - y_low) * (height - 1) as f64;
                if place > -0.5 && place < height as f64 - 0.5 {
                    let cell = &mut cells[place.round() as usize][column];
                    *cell = if *cell == ' ' || *cell == marker { marker } else { '*' };
                }
            }
        }
        let (y_ticks, decimals) = ticks((y_low, y_high), (height / 3).max(2));
        let mut labels = vec![String::new(); height];
        for &tick in &y_ticks {
            let place = ((y_high - tick) / (y_high - y_low) * (height - 1) as f64).round() as usize;
            labels[place.min(height - 1)] = tick_label(tick, decimals);
        }
        let margin = labels.iter().map(|label| label.chars().count()).max().unwrap_or(0);
        let mut text = format!("  {}\n", self.title);
        for (label, row) in labels.iter().zip(&cells) {
            let row: String = row.iter().collect();
            text += &format!("  {label:>margin$} |{}\n", row.trim_end());
        }
        text += &format!("  {:margin$} +{}\n", "", "-".repeat(width));
        let (x_ticks, decimals) = ticks((x_low, x_high), 6);
        let mut axis: Vec<char> = vec![' '; width + 8];
        for tick in x_ticks {
            let column = ((tick - x_low) / (x_high - x_low) * (width - 1) as f64).round() as usize;
            for (i, c) in tick_label(tick, decimals).chars().enumerate().take(8) {
                axis[(column + i).min(width + 7)] = c;
            }
        }
        let axis: String = axis.into_iter().collect();
        text += &format!("  {:margin$}  {}\n", "", axis.trim_end());
        let mut legend = vec![String::new()];
        let entries = self.series.iter().zip(markers).map(|(s, m)| format!("{m} {}", s.name));
        for entry in entries.chain([format!("({} over {})", self.y_label, self.x_label)]) {
            let last = legend.last_mut().expect("there is one");
            let gap = if last.is_empty() {
                ""
            } else if entry.starts_with('(') {
                " "
            } else {
                "   "
            };
            if !last.is_empty() && last.chars().count() + gap.len() + entry.chars().count() > width + 8 {
                legend.push(entry);
            } else {
                *last += &format!("{gap}{entry}");
            }
        }
        for row in legend {
            text += &format!("  {:margin$}  {row}\n", "");
        }
        if self.y_range.is_some() && !self.beyond().is_empty() {
            text += &format!("  {:margin$}  {}\n", "", self.beyond());
        }
        text
    }

    /// A distinct letter for each series: the first letter of its name, after what all names begin with, that is not in
    /// use.
    fn markers(&self) -> Vec<char> {
        let names: Vec<Vec<char>> = self.series.iter().map(|series| series.name.chars().collect()).collect();
        let shortest = names.iter().map(Vec::len).min().unwrap_or(0);
        let common = match names.len() {
            0 | 1 => 0,
            _ => (0..shortest).take_while(|&i| names.iter().all(|name| name[i] == names[0][i])).count(),
        };
        // A letter or two in common are no prefix.
        let common = if common < 3 { 0 } else { common };
        let mut taken = Vec::new();
        for name in &names {
            let (before, after) = name.split_at(common);
            let letters =
                after.iter().chain(before).filter(|c| c.is_alphanumeric()).flat_map(|c| c.to_uppercase());
            let free = letters.chain('A'..='Z').find(|c| !taken.contains(c));
            taken.push(free.unwrap_or('+'));
        }
        taken
    }
}

impl BarChart {
    /// One line per category and series: name, bar, value.
    pub fn text(&self, width: usize) -> String {
        let values = || self.series.iter().flat_map(|s| s.1.iter().copied());
        let highest = values().filter(|v| v.is_finite()).fold(1e-30, f64::max);
        let names = self.series.iter().map(|s| s.0.chars().count()).max().unwrap_or(0);
        let mut text = format!("  {}\n", self.title);
        for (i, category) in self.categories.iter().enumerate() {
            for (j, (name, values)) in self.series.iter().enumerate() {
                let value = values.get(i).copied().unwrap_or(f64::NAN);
                let length =
                    if value.is_finite() { (value / highest * width as f64).round() as usize } else { 0 };
                let label = if j == 0 { category.as_str() } else { "" };
                text += &format!(
                    "  {label:>4}  {name:names$}  {} {value:.3}\n",
                    "\u{2588}".repeat(length.min(width))
                );
            }
        }
        text
    }
}

impl Table {
    /// The table with aligned columns and a rule under its head.
    pub fn text(&self) -> String {
        let count = |cell: &String| cell.chars().count();
        let all = || std::iter::once(&self.head).chain(&self.rows);
        let columns = all().map(Vec::len).max().unwrap_or(0);
        let widths: Vec<usize> =
            (0..columns).map(|i| all().filter_map(|row| row.get(i)).map(count).max().unwrap_or(0)).collect();
        let numeric: Vec<bool> = (0..columns).map(|i| self.is_numeric(i)).collect();
        let line = |row: &Vec<String>| {
            let cells = row.iter().enumerate().map(|(i, cell)| {
                let width = widths[i];
                if numeric[i] { format!("{cell:>width$}") } else { format!("{cell:width$}") }
            });
            let line = cells.collect::<Vec<_>>().join("  ");
            format!("  {}\n", line.trim_end())
        };
        let rule: Vec<String> = widths.iter().map(|&width| "-".repeat(width)).collect();
        let rows: String = self.rows.iter().map(line).collect();
        format!("{}  {}\n{rows}", line(&self.head), rule.join("  "))
    }

    /// Returns true if a column after the first has numbers, perhaps with gaps, which are aligned to the
    /// right.
    pub(super) fn is_numeric(&self, column: usize) -> bool {
        let starts_as_number = |cell: &&String| cell.starts_with(|c: char| c.is_ascii_digit() || c == '-');
        let is_gap = |cell: &str| cell.is_empty() || cell == NOT_KNOWN;
        let cells = || self.rows.iter().filter_map(|row| row.get(column)).filter(|cell| !is_gap(cell));
        column > 0 && cells().next().is_some() && cells().all(|cell| starts_as_number(&cell))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Series;

    #[test]
    fn words_are_wrapped() {
        assert_eq!(wrap("a b"), "  a b\n");
        assert_eq!(
            wrap(&"word ".repeat(20)),
            format!("  {}\n  {}\n", ["word"; 15].join(" "), ["word"; 5].join(" "))
        );
    }

    #[test]
    fn a_table_is_aligned() {
        let table = Table {
            head: ["", "parameters", "note"].map(str::to_owned).to_vec(),
            rows: [["teacher", "17410", "wide"], ["student", "226", "thin"]]
                .map(|r| r.map(str::to_owned).to_vec())
                .to_vec(),
        };
        let expected = "           parameters  note\n  -------  ----------  ----\n  \
                        teacher       17410  wide\n  student         226  thin\n";
        assert_eq!(table.text(), expected);
    }

    #[test]
    fn numbers_with_gaps_are_aligned_to_the_right() {
        let check = |cells: &[&str], expected: bool| {
            let rows = cells.iter().map(|cell| vec!["a".to_owned(), (*cell).to_owned()]).collect();
            let table = Table { head: vec![String::new(), "x".to_owned()], rows };
            assert_eq!((table.is_numeric(1), table.is_numeric(0)), (expected, false), "{cells:?}");
        };
        check(&["1.5 [1, 2]", "-"], true);
        check(&["", "12", "not known"], true);
        check(&["12", "wide"], false);
        check(&["", "not known"], false);
        check(&[], false);
    }

    #[test]
    fn lines_are_letters_and_meet_in_a_star() {
        let line = |name: &str, from: f64, to: f64| Series {
            name: name.to_owned(),
            points: vec![(0.0, from), (2.0, (from + to) / 2.0), (4.0, to)],
            band: Vec::new(),
        };
        let chart = LineChart {
            title: "Title".to_owned(),
            x_label: "x".to_owned(),
            y_label: "y".to_owned(),
            series: vec![line("up", 0.0, 4.0), line("under", 4.0, 0.0)],
            y_range: None,
        };
        let expected = "  Title\n  4 |N                   U\n    |\n  2 |          *\n    |\n  0 |U                   N\n    \
                        +---------------------\n     0    1    2    3    4\n     U up   N under (y over x)\n";
        assert_eq!(chart.text(21, 5), expected, "\n{}", chart.text(21, 5));
    }

    #[test]
    fn marks_differ_where_names_do_and_long_legends_are_wrapped() {
        let series = |name: &str| Series {
            name: name.to_owned(),
            points: vec![(0.0, 0.0), (1.0, 1.0)],
            band: Vec::new(),
        };
        let names = ["runs/alpha", "runs/beta", "runs/bounded", "runs/alpha-2"];
        let chart = LineChart { series: names.map(series).to_vec(), ..LineChart::default() };
        assert_eq!(chart.markers(), ['A', 'B', 'O', 'L']);
        let text = chart.text(40, 5);
        let legend: Vec<&str> = text.lines().filter(|line| line.contains("runs/")).collect();
        assert!(legend.len() > 1 && legend.iter().all(|line| line.chars().count() <= 55), "{text}");
        let range = Some((0.25, 0.75));
        let text = LineChart { y_range: range, ..chart }.text(40, 5);
        assert!(text.ends_with("4 points are below 0.25, 4 points are above 0.75\n"), "{text}");
    }

    #[test]
    fn odd_input_is_drawn_without_a_panic() {
        for points in [
            vec![],
            vec![(f64::NAN, 1.0)],
            vec![(1.0, f64::INFINITY)],
            vec![(5.0, 5.0)],
            vec![(0.0, 1e300), (1.0, -1e300)],
        ] {
            let series = vec![Series { name: String::new(), points, band: Vec::new() }];
            let chart = LineChart { series, ..LineChart::default() };
            assert!(chart.text(20, 5).lines().count() > 5);
        }
    }
}
