//! The curve of one metric in bounded memory.

/// Pieces of a curve; at twice as many, neighbours are joined.
const PIECES: usize = 1024;

/// A recorded value.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Point {
    /// The step of the run.
    pub step: f64,
    /// Episodes that had ended by then.
    pub episode: f64,
    /// The value.
    pub value: f64,
}

/// The quantity that a curve is drawn over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Axis {
    /// Steps of the run.
    #[default]
    Steps,
    /// Episodes.
    Episodes,
}

impl Axis {
    /// The label of the axis.
    pub fn label(self) -> &'static str {
        match self {
            Axis::Steps => "step",
            Axis::Episodes => "episode",
        }
    }

    /// The place of a value on the axis.
    pub fn of(self, point: &Point) -> f64 {
        match self {
            Axis::Steps => point.step,
            Axis::Episodes => point.episode,
        }
    }
}

impl std::str::FromStr for Axis {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "step" | "steps" => Ok(Axis::Steps),
            "episode" | "episodes" => Ok(Axis::Episodes),
            _ => Err("write steps or episodes".to_owned()),
        }
    }
}

/// A curve of up to 2,048 recorded values as they are, and of more as means over equally many neighbours.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Curve {
    /// Sums over pieces.
    pieces: Vec<Point>,
    /// Values in a piece; the last may have fewer.
    width: u64,
    count: u64,
    first: Point,
    last: Point,
    lowest: Point,
    highest: Point,
}

impl Curve {
    /// Adds a recorded value.
    pub fn push(&mut self, point: Point) {
        if self.count == 0 {
            (self.width, self.first, self.lowest, self.highest) = (1, point, point, point);
        }
        if point.value < self.lowest.value {
            self.lowest = point;
        }
        if point.value > self.highest.value {
            self.highest = point;
        }
        self.last = point;
        if self.count.is_multiple_of(self.width) {
            if self.pieces.len() == 2 * PIECES {
                self.pieces = self.pieces.chunks(2).map(|pair| sum(pair[0], pair[1])).collect();
                self.width *= 2;
            }
            self.pieces.push(point);
        } else if let Some(piece) = self.pieces.last_mut() {
            *piece = sum(*piece, point);
        }
        self.count += 1;
    }

    /// The number of recorded values.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The last recorded value.
    pub fn last(&self) -> Option<Point> {
        (self.count > 0).then_some(self.last)
    }

    /// The number of values in a piece.
    fn count_of(&self, piece: usize) -> u64 {
        self.width.min(self.count - piece as u64 * self.width)
    }

    /// The values, or means over equally many of them.
    pub fn means(&self) -> Vec<Point> {
        let pieces = self.pieces.iter().enumerate().map(|(i, piece)| {
            let count = self.count_of(i) as f64;
            Point { step: piece.step / count, episode: piece.episode / count, value: piece.value / count }
        });
        pieces.collect()
    }

    /// The means over up to `window` values before each of the [means](Self::means), its own included. A mean over more
    /// values than that stays as it is.
    pub fn smoothed(&self, window: usize) -> Vec<Point> {
        let (means, window) = (self.means(), window as u64);
        let mean = |i: usize| {
            let (mut first, mut values) = (i, self.count_of(i));
            while first > 0 && values < window {
                first -= 1;
                values += self.width;
            }
            // The first piece may reach beyond the window: fewer of its values count.
            let beyond = values.saturating_sub(window.max(1));
            let weight = |k: usize| (self.count_of(k) - if k == first { beyond } else { 0 }) as f64;
            let sum: f64 = (first..=i).map(|k| weight(k) * means[k].value).sum();
            sum / (values - beyond) as f64
        };
        match window {
            0 | 1 => means,
            _ => means.iter().enumerate().map(|(i, point)| Point { value: mean(i), ..*point }).collect(),
        }
    }

    /// The line to draw: the means, and between them, as they are, the first, the last, the lowest and the highest
    /// value.
    pub fn line(&self, axis: Axis) -> Vec<(f64, f64)> {
        let mut points = self.means();
        if self.width > 1 {
            points.extend([self.first, self.last, self.lowest, self.highest]);
            points.sort_by(|a, b| a.step.total_cmp(&b.step));
            points.dedup();
        }
        points.iter().map(|point| (axis.of(point), point.value)).collect()
    }
}

fn sum(a: Point, b: Point) -> Point {
    Point { step: a.step + b.step, episode: a.episode + b.episode, value: a.value + b.value }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn curve(count: u32, value: impl Fn(u32) -> f64) -> Curve {
        let mut curve = Curve::default();
        for i in 1..=count {
            curve.push(Point { step: 10.0 * f64::from(i), episode: f64::from(i), value: value(i) });
        }
        curve
    }

    #[test]
    fn a_short_curve_is_kept_as_it_is() {
        let short = curve(2048, |i| f64::from(i % 7));
        let expected: Vec<(f64, f64)> = (1..=2048).map(|i| (f64::from(i), f64::from(i % 7))).collect();
        assert_eq!((short.line(Axis::Episodes), short.count()), (expected.clone(), 2048));
        assert_eq!(short.line(Axis::Steps)[5], (60.0, 6.0));
        assert_eq!(Curve::default().line(Axis::Steps), []);
    }

    #[test]
    fn a_window_counts_values_whatever_the_pieces() {
        let check = |count: u32, window: usize, last: f64| {
            let smoothed = curve(count, f64::from).smoothed(window);
            assert!(
                (smoothed[smoothed.len() - 1].value - last).abs() < 1e-9,
                "{count} {window}: {smoothed:?}"
            );
        };
        // Means of the last values, each its own number: n - (window - 1) / 2.
        check(3, 2, 2.5);
        check(3, 100, 2.0);
        check(2000, 100, 1950.5);
        // Pieces of four values, 6,000 of them: twenty-five pieces are a window.
        check(6000, 100, 5950.5);
        // A window of six: the last piece, and the mean of the one before, twice: (4 * 5998.5 + 2 * 5994.5) / 6.
        check(6000, 6, (4.0 * 5998.5 + 2.0 * 5994.5) / 6.0);
        check(6000, 2, 5998.5);
    }

    #[test]
    fn a_long_curve_is_bounded_and_keeps_its_shape() {
        // A fall at a tenth of the way, a ramp after that, and a single value far below.
        let shape = |i: u32| match i {
            543_210 => -5000.0,
            i if i <= 100_000 => 1000.0,
            i => f64::from(i) / 1000.0,
        };
        let long = curve(1_000_000, shape);
        let line = long.line(Axis::Episodes);
        assert!((1024..=2052).contains(&line.len()), "{}", line.len());
        assert_eq!((line[0], line[line.len() - 1]), ((1.0, 1000.0), (1_000_000.0, 1000.0)));
        assert!(line.contains(&(543_210.0, -5000.0)));
        assert!(line.is_sorted_by(|a, b| a.0 <= b.0));
        let mut width: f64 = 0.0;
        for pair in line.windows(2) {
            width = width.max(pair[1].0 - pair[0].0);
        }
        assert!(width <= 1024.0, "{width}");
        // Away from the edge and the spike each mean is the value in the middle of its piece.
        let smooth =
            line.iter().filter(|p| (p.0 - 100_000.0).abs() > 1024.0 && (p.0 - 543_210.0).abs() > 1024.0);
        for (x, y) in smooth {
            let expected = if *x < 100_000.0 { 1000.0 } else { x / 1000.0 };
            assert!((y - expected).abs() < 1e-9, "{x} {y}");
        }
    }
}
