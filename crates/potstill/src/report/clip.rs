//! Lines that leave a chart.

/// The pieces of a line that are within a range of y, cut where the line crosses its limits.
pub(super) fn clipped(line: &[[f64; 2]], (low, high): (f64, f64)) -> Vec<Vec<[f64; 2]>> {
    let mut pieces: Vec<Vec<[f64; 2]>> = Vec::new();
    // True if the last piece ends in the point before.
    let mut is_open = false;
    for pair in line.windows(2) {
        let (from, to) = (pair[0], pair[1]);
        let Some((begin, end)) = visible((from[1], to[1]), (low, high)) else {
            is_open = false;
            continue;
        };
        let at = |part: f64| {
            // Of huge numbers only the clamp is exact.
            let y = match part {
                0.0 => from[1],
                1.0 => to[1],
                part => from[1] + part * (to[1] - from[1]),
            };
            let x = if part == 1.0 { to[0] } else { from[0] + part * (to[0] - from[0]) };
            [x, if y.is_nan() { low } else { y.clamp(low, high) }]
        };
        match pieces.last_mut() {
            Some(piece) if is_open && begin == 0.0 => piece.push(at(end)),
            _ => pieces.push(vec![at(begin), at(end)]),
        }
        is_open = end == 1.0;
    }
    pieces
}

/// The part of a stretch between two heights that is within a range, from 0 to 1; none if it is outside.
fn visible((from, to): (f64, f64), (low, high): (f64, f64)) -> Option<(f64, f64)> {
    if from.max(to) < low || from.min(to) > high {
        return None;
    }
    let crossing = |limit: f64| ((limit - from) / (to - from)).clamp(0.0, 1.0);
    let limit = |height: f64| if height < low { low } else { high };
    let begin = if (low..=high).contains(&from) { 0.0 } else { crossing(limit(from)) };
    let end = if (low..=high).contains(&to) { 1.0 } else { crossing(limit(to)) };
    Some((begin, end))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(ys: &[f64], expected: &[&[[f64; 2]]]) {
        let line: Vec<[f64; 2]> = ys.iter().enumerate().map(|(x, &y)| [x as f64, y]).collect();
        assert_eq!(clipped(&line, (0.0, 10.0)), expected, "{ys:?}");
    }

    #[test]
    fn a_line_leaves_and_comes_back() {
        check(&[1.0, 2.0, 0.0, 10.0], &[&[[0.0, 1.0], [1.0, 2.0], [2.0, 0.0], [3.0, 10.0]]]);
        check(&[-10.0, 10.0, 5.0], &[&[[0.5, 0.0], [1.0, 10.0], [2.0, 5.0]]]);
        check(&[5.0, 15.0, 5.0], &[&[[0.0, 5.0], [0.5, 10.0]], &[[1.5, 10.0], [2.0, 5.0]]]);
        check(&[-10.0, 30.0], &[&[[0.25, 0.0], [0.5, 10.0]]]);
        check(&[-1.0, -5.0, -2.0], &[]);
        check(
            &[-1.0, -5.0, 20.0, 5.0],
            &[&[[1.2, 0.0], [1.6, 10.0]], &[[2.0 + 10.0 / 15.0, 10.0], [3.0, 5.0]]],
        );
        check(&[4.0], &[]);
        check(&[], &[]);
    }

    #[test]
    fn huge_numbers_are_no_nan() {
        for ys in [[f64::MAX, f64::MIN, 5.0], [5.0, f64::MAX, f64::MIN], [-1e300, 1e300, -1e300]] {
            let line: Vec<[f64; 2]> = ys.iter().enumerate().map(|(x, &y)| [x as f64, y]).collect();
            for point in clipped(&line, (0.0, 10.0)).concat() {
                assert!(point[0].is_finite() && (0.0..=10.0).contains(&point[1]), "{ys:?} {point:?}");
            }
        }
    }
}
