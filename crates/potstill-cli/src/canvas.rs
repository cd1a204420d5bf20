//! Renderings of environments as characters.
//!
//! In colour a character shows two pixels, one above the other; without colour it shows one, and the
//! character itself tells the kind of thing.

use potstill::env::{Paint, Scene, Shape};

/// An image in pixels, with words over it.
pub(crate) struct Canvas {
    columns: usize,
    rows: usize,
    /// Pixels: two rows for each row of characters in colour, one without.
    pixels: Vec<Paint>,
    words: Vec<(usize, usize, char)>,
    in_colour: bool,
}

/// Returns true if colours may be written to stdout.
pub(crate) fn has_colours(is_terminal: bool) -> bool {
    is_terminal && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

/// The character of a kind of thing, for terminals without colours.
fn letter(paint: Paint) -> char {
    match paint {
        Paint::Ground => '.',
        Paint::Faint => '-',
        Paint::Ink => '#',
        Paint::Agent => '@',
        Paint::Goal => '+',
        Paint::Danger => 'x',
        Paint::Aid => '~',
    }
}

/// A colour of the palette of 256 that nearly every terminal has.
fn colour(paint: Paint) -> u8 {
    match paint {
        Paint::Ground => 235,
        Paint::Faint => 240,
        Paint::Ink => 252,
        Paint::Agent => 74,
        Paint::Goal => 43,
        Paint::Danger => 166,
        Paint::Aid => 179,
    }
}

impl Canvas {
    /// Renders a scene within a number of columns and rows.
    pub(crate) fn draw(scene: &Scene, columns_max: usize, rows_max: usize, in_colour: bool) -> Self {
        // A character is about twice as high as wide.
        let fits = (columns_max as f64 / scene.width).min(2.0 * rows_max as f64 / scene.height);
        let scale = match scene.is_grid {
            // Squares of whole characters, and no larger than necessary.
            true if fits >= 2.0 => 2.0 * (fits / 2.0).floor().min(if in_colour { 3.0 } else { 1.0 }),
            true => fits,
            false => fits.min(64.0 / scene.width),
        };
        let columns = ((scene.width * scale).round() as usize).max(1);
        let rows = ((scene.height * scale / 2.0).round() as usize).max(1);
        let lines = if in_colour { 2 * rows } else { rows };
        let mut canvas = Self {
            columns,
            rows,
            pixels: vec![Paint::Ground; columns * lines],
            words: Vec::new(),
            in_colour,
        };
        let unit = (scene.width / columns as f64, scene.height / lines as f64);
        for (paint, shape) in &scene.shapes {
            if let Shape::Text { at, text, .. } = shape {
                let row = ((at.1 / scene.height * rows as f64) as usize).min(rows - 1);
                let start = (at.0 / unit.0 - text.chars().count() as f64 / 2.0).round().max(0.0) as usize;
                for (i, letter) in text.chars().enumerate().filter(|(i, _)| start + i < columns) {
                    canvas.words.push((start + i, row, letter));
                }
                continue;
            }
            for line in 0..lines {
                for column in 0..columns {
                    let point = ((column as f64 + 0.5) * unit.0, (line as f64 + 0.5) * unit.1);
                    if shape.covers(point, unit) {
                        canvas.pixels[line * columns + column] = *paint;
                    }
                }
            }
        }
        canvas
    }

    /// Lines of text, with escape codes if rendered in colour.
    pub(crate) fn lines(&self) -> Vec<String> {
        (0..self.rows)
            .map(|row| {
                let mut line = String::new();
                for column in 0..self.columns {
                    let word = self.words.iter().rev().find(|(c, r, _)| (*c, *r) == (column, row));
                    if !self.in_colour {
                        let paint = self.pixels[row * self.columns + column];
                        // The agent covers what is written on the ground.
                        let shown = word.map(|(_, _, letter)| *letter).filter(|_| paint != Paint::Agent);
                        line.push(shown.unwrap_or_else(|| letter(paint)));
                        continue;
                    }
                    let upper = self.pixels[2 * row * self.columns + column];
                    let lower = self.pixels[(2 * row + 1) * self.columns + column];
                    let (ink, ground, shown) = match word {
                        Some((_, _, letter)) if upper == lower && upper != Paint::Agent => {
                            (if upper == Paint::Ink { 235 } else { 255 }, colour(lower), *letter)
                        }
                        _ => (colour(upper), colour(lower), '\u{2580}'),
                    };
                    line += &format!("\u{1b}[38;5;{ink};48;5;{ground}m{shown}");
                }
                if self.in_colour {
                    line += "\u{1b}[0m";
                }
                line
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use potstill::commands::play_at_random;
    use potstill::env::registry::{Spec, find};

    fn first(id: &str) -> Scene {
        let spec: Spec = find(id).unwrap();
        let mut play = play_at_random(&spec);
        play.reset(1);
        play.scene().unwrap()
    }

    #[test]
    fn a_grid_has_letters() {
        let lines = Canvas::draw(&first("CliffWalking-v1"), 30, 20, false).lines();
        assert_eq!(
            lines,
            [
                "........................",
                "........................",
                "........................",
                "@@xCxCxCxCxCxCxCxCxCxC+G",
            ]
        );
    }

    #[test]
    fn a_pole_stands_on_its_cart() {
        let text = Canvas::draw(&first("CartPole-v1"), 40, 12, false).lines().join("\n");
        for part in ["@", "#", "-"] {
            assert!(text.contains(part), "{text}");
        }
        let first_of = |letter: char| text.lines().position(|line| line.contains(letter)).unwrap();
        assert!(first_of('@') < first_of('#'), "{text}");
    }

    #[test]
    fn nothing_is_wider_than_it_may_be() {
        // A bandit has no picture.
        for id in potstill::env::registry::ids().filter(|id| *id != "Bandit") {
            for (columns, rows) in [(80, 24), (30, 10), (5, 2), (300, 100)] {
                for in_colour in [false, true] {
                    let canvas = Canvas::draw(&first(id), columns, rows, in_colour);
                    assert!(
                        canvas.columns <= columns.max(1) && canvas.rows <= rows.max(1),
                        "{id} {columns} x {rows}"
                    );
                    assert_eq!(canvas.lines().len(), canvas.rows);
                }
            }
        }
    }
}
