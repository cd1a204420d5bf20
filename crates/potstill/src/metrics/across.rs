//! Curves of several seeds at the same places.
//!
//! ```
//! use potstill::metrics::{Axis, Curve, History, across};
//!
//! // One seed's first episode ends at step 5, the other's at step 8: there is nothing to average before.
//! let text = |ends: [u64; 3]| -> String {
//!     (1..).zip(ends).map(|(n, end)| format!("{{\"step\":{end},\"time/episodes\":{n},\"rollout/ep_len\":{end}}}\n")).collect()
//! };
//! let histories = [History::parse(&text([5, 9, 30])), History::parse(&text([8, 12, 20]))];
//! let curves: Vec<&Curve> = histories.iter().filter_map(|h| h.curve("rollout/ep_len")).collect();
//! let by_step = across(&curves, Axis::Steps, 1);
//! assert_eq!((by_step[0].x, by_step[by_step.len() - 1].x), (8.0, 20.0));
//! assert_eq!(across(&curves, Axis::Episodes, 1)[2].values, [30.0, 20.0]);
//! ```

use super::curve::{Axis, Curve, Point};

/// Places of a curve over seeds whose values are not at the same places.
const PLACES: usize = 200;

/// The values of all seeds at one place.
#[derive(Clone, Debug, PartialEq)]
pub struct Across {
    /// The place on the axis.
    pub x: f64,
    /// The number of steps that a run has done at this place, averaged over the seeds.
    pub step: f64,
    /// The value of each seed.
    pub values: Vec<f64>,
}

impl Across {
    fn new(x: f64, points: impl Iterator<Item = Point> + Clone) -> Self {
        let values: Vec<f64> = points.clone().map(|point| point.value).collect();
        Self { x, step: points.map(|point| point.step).sum::<f64>() / values.len() as f64, values }
    }
}

/// The values of all curves at the same places, from where the last curve begins to where the first ends: at each place
/// every curve has a value. The values are means over the last `smooth` values of each curve.
///
/// Curves that have their values at the same places, as episodes and evaluations do, are taken there; others at evenly
/// spaced places of the lines that join their values.
pub fn across(curves: &[&Curve], axis: Axis, smooth: usize) -> Vec<Across> {
    let lines: Vec<Vec<Point>> = curves.iter().map(|curve| curve.smoothed(smooth)).collect();
    let shortest = lines.iter().map(Vec::len).min().unwrap_or(0);
    if shortest == 0 {
        return Vec::new();
    }
    let x = |point: &Point| axis.of(point);
    if (0..shortest).all(|i| lines.iter().all(|line| x(&line[i]) == x(&lines[0][i]))) {
        return (0..shortest)
            .map(|i| Across::new(x(&lines[0][i]), lines.iter().map(|line| line[i])))
            .collect();
    }
    let begin = lines.iter().map(|line| x(&line[0])).fold(f64::NEG_INFINITY, f64::max);
    let end = lines.iter().map(|line| x(&line[line.len() - 1])).fold(f64::INFINITY, f64::min);
    if begin > end {
        return Vec::new();
    }
    let places = if begin == end { 0 } else { PLACES };
    let place = |i: usize| {
        let at = if i == places { end } else { begin + (end - begin) * i as f64 / places as f64 };
        Across::new(at, lines.iter().map(|line| point_at(line, axis, at)))
    };
    (0..=places).map(place).collect()
}

/// The point of a line at a place between its ends.
fn point_at(line: &[Point], axis: Axis, at: f64) -> Point {
    let before = line.partition_point(|point| axis.of(point) <= at).max(1) - 1;
    let (from, Some(to)) = (line[before], line.get(before + 1)) else { return line[before] };
    let part = (at - axis.of(&from)) / (axis.of(to) - axis.of(&from));
    let between = |from: f64, to: f64| if part == 0.0 { from } else { from + part * (to - from) };
    Point {
        step: between(from.step, to.step),
        episode: between(from.episode, to.episode),
        value: between(from.value, to.value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn curve(points: &[(f64, f64)]) -> Curve {
        let mut curve = Curve::default();
        for &(step, value) in points {
            curve.push(Point { step, episode: 0.0, value });
        }
        curve
    }

    fn check(curves: &[&[(f64, f64)]], smooth: usize, expected: &[(f64, &[f64])]) {
        let curves: Vec<Curve> = curves.iter().map(|points| curve(points)).collect();
        let found = across(&curves.iter().collect::<Vec<_>>(), Axis::Steps, smooth);
        let found: Vec<(f64, &[f64])> = found.iter().map(|at| (at.x, at.values.as_slice())).collect();
        let picked: Vec<(f64, &[f64])> =
            expected.iter().filter_map(|at| found.iter().find(|found| found.0 == at.0).copied()).collect();
        assert_eq!(picked, expected, "{found:?}");
        let ends = |list: &[(f64, &[f64])]| list.first().map(|first| (first.0, list[list.len() - 1].0));
        assert_eq!(ends(&found), ends(expected));
    }

    #[test]
    fn seeds_are_compared_where_all_have_a_value() {
        // Evaluations at the same steps, to where the first seed ends.
        check(
            &[&[(100.0, 1.0), (200.0, 2.0), (300.0, 3.0)], &[(100.0, 5.0), (200.0, 7.0)]],
            1,
            &[(100.0, &[1.0, 5.0]), (200.0, &[2.0, 7.0])],
        );
        // Episodes that end at other steps: between 56 and 256, a place at each step, on the lines between the values.
        check(
            &[&[(0.0, 1.0), (64.0, 3.0), (320.0, 11.0)], &[(56.0, 5.0), (128.0, 9.0), (256.0, 25.0)]],
            1,
            &[(56.0, &[2.75, 5.0]), (128.0, &[5.0, 9.0]), (192.0, &[7.0, 17.0]), (256.0, &[9.0, 25.0])],
        );
        // One has ended before the other begins.
        check(&[&[(1.0, 1.0), (2.0, 2.0)], &[(3.0, 5.0)]], 1, &[]);
        check(&[&[(1.0, 1.0)], &[]], 1, &[]);
        check(&[&[(1.0, 1.0), (2.0, 2.0), (3.0, 6.0)]], 2, &[(1.0, &[1.0]), (2.0, &[1.5]), (3.0, &[4.0])]);
    }
}
