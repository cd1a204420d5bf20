//! Renderings of states as shapes, which terminals and reports draw in their own ways.
//!
//! Coordinates run from the upper left corner to the right and down. A shape has the role of its colour; the
//! colour itself is chosen when it is drawn.
//!
//! ```
//! use potstill_env::{Env, registry::find};
//!
//! let mut env = find("CliffWalking-v1")?.make_states().unwrap();
//! env.reset(Some(0), &mut 0);
//! let scene = env.scene().unwrap();
//! assert_eq!((scene.width, scene.height), (12.0, 4.0));
//! # Ok::<(), potstill_env::EnvError>(())
//! ```

/// The role of a shape, which decides its colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Paint {
    /// Walkable ground; the empty part of a rendering.
    Ground,
    /// Lines of a grid and other things in the background.
    Faint,
    /// Walls, tracks, hulls and text.
    Ink,
    /// The agent.
    Agent,
    /// The goal of the agent.
    Goal,
    /// Danger to the agent.
    Danger,
    /// Help or transport: wind, ice, the agent's own bullets.
    Aid,
}

/// One shape.
#[derive(Clone, Debug, PartialEq)]
pub enum Shape {
    /// A filled rectangle: upper left corner and size.
    Rectangle {
        /// The corner.
        at: (f64, f64),
        /// Width and height.
        size: (f64, f64),
    },
    /// A filled circle.
    Circle {
        /// Its centre.
        centre: (f64, f64),
        /// Its radius.
        radius: f64,
    },
    /// A line through points.
    Line {
        /// The points.
        points: Vec<(f64, f64)>,
        /// The thickness.
        width: f64,
    },
    /// A word about a point.
    Text {
        /// Its middle.
        at: (f64, f64),
        /// The word.
        text: String,
        /// The height of its letters.
        size: f64,
    },
}

impl Shape {
    /// Returns true if the shape covers a point of a rendering whose pixels have this width and height; a thin line covers
    /// at least the pixel that it goes through, and a word nothing.
    pub fn covers(&self, (x, y): (f64, f64), unit: (f64, f64)) -> bool {
        match self {
            Shape::Rectangle { at, size } => {
                (at.0..at.0 + size.0).contains(&x) && (at.1..at.1 + size.1).contains(&y)
            }
            Shape::Circle { centre, radius } => {
                let (dx, dy) = (x - centre.0, y - centre.1);
                let radius = radius.max(unit.0.max(unit.1) * 0.5);
                dx * dx + dy * dy <= radius * radius
            }
            Shape::Line { points, width } => {
                let reach = (width / 2.0).max(unit.0.max(unit.1) * 0.5);
                points.windows(2).any(|ends| {
                    let (from, to) = (ends[0], ends[1]);
                    let (dx, dy) = (to.0 - from.0, to.1 - from.1);
                    let along =
                        ((x - from.0) * dx + (y - from.1) * dy) / (dx * dx + dy * dy).max(f64::MIN_POSITIVE);
                    let along = along.clamp(0.0, 1.0);
                    let (ex, ey) = (x - from.0 - along * dx, y - from.1 - along * dy);
                    ex * ex + ey * ey <= reach * reach
                })
            }
            Shape::Text { .. } => false,
        }
    }
}

/// Shapes from back to front.
#[derive(Clone, Debug, PartialEq)]
pub struct Scene {
    /// The width of the rendering.
    pub width: f64,
    /// Its height.
    pub height: f64,
    /// `true` if it is made of unit squares.
    pub is_grid: bool,
    /// The shapes, the first at the bottom.
    pub shapes: Vec<(Paint, Shape)>,
}

impl Scene {
    /// An empty rendering.
    pub fn new(width: f64, height: f64) -> Self {
        Self { width, height, is_grid: false, shapes: Vec::new() }
    }

    /// Adds a rectangle.
    pub fn rectangle(&mut self, paint: Paint, at: (f64, f64), size: (f64, f64)) {
        self.shapes.push((paint, Shape::Rectangle { at, size }));
    }

    /// Adds a circle.
    pub fn circle(&mut self, paint: Paint, centre: (f64, f64), radius: f64) {
        self.shapes.push((paint, Shape::Circle { centre, radius }));
    }

    /// Adds a line.
    pub fn line(&mut self, paint: Paint, points: &[(f64, f64)], width: f64) {
        self.shapes.push((paint, Shape::Line { points: points.to_vec(), width }));
    }

    /// Adds a word.
    pub fn text(&mut self, paint: Paint, at: (f64, f64), text: impl Into<String>, size: f64) {
        self.shapes.push((paint, Shape::Text { at, text: text.into(), size }));
    }

    /// A grid of unit squares, each with its paint and a letter; a space is none.
    pub fn grid(rows: usize, columns: usize, mut square: impl FnMut(usize, usize) -> (Paint, char)) -> Self {
        let mut scene = Self { is_grid: true, ..Self::new(columns as f64, rows as f64) };
        for row in 0..rows {
            for column in 0..columns {
                let (x, y) = (column as f64, row as f64);
                let (paint, letter) = square(row, column);
                scene.rectangle(paint, (x, y), (1.0, 1.0));
                if letter != ' ' {
                    scene.text(Paint::Ink, (x + 0.5, y + 0.5), letter, 0.6);
                }
            }
        }
        scene
    }

    /// The agent on a square of a grid.
    #[must_use]
    pub fn with_agent(mut self, row: usize, column: usize) -> Self {
        self.circle(Paint::Agent, (column as f64 + 0.5, row as f64 + 0.5), 0.32);
        self
    }
}
