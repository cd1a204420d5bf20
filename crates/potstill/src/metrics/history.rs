//! Reads records back, for tables and plots, in memory that does not grow with their number.

use super::catalogue::EPISODES;
use super::curve::{Axis, Curve, Point};
use super::record_line::Line;
use crate::store::{RunDir, StoreError, names};

/// The curves of a run.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct History {
    /// Every recorded name but `step`, in the order of first appearance.
    curves: Vec<(String, Curve)>,
}

impl History {
    /// Reads the records of a run, without a last line that a crash cut off.
    ///
    /// # Errors
    /// If the file is damaged, or cannot be read.
    pub fn read(dir: &RunDir) -> Result<Self, StoreError> {
        let mut reader = Reader::default();
        dir.lines(names::METRICS, |line| reader.add(line))?;
        Ok(reader.history)
    }

    /// Reads what there is of the records of a run that is not sealed yet.
    pub(crate) fn read_unchecked(dir: &RunDir) -> Self {
        let mut reader = Reader::default();
        dir.lines_unchecked(names::METRICS, |line| reader.add(line));
        reader.history
    }

    /// Parses the lines of a log; lines that are not JSON objects are skipped.
    pub fn parse(text: &str) -> Self {
        let mut reader = Reader::default();
        text.lines().for_each(|line| reader.add(line));
        reader.history
    }

    /// Every recorded name, in the order of first appearance.
    pub fn names(&self) -> Vec<&str> {
        self.curves.iter().map(|(name, _)| name.as_str()).collect()
    }

    /// The curve of one name, if it has values.
    pub fn curve(&self, name: &str) -> Option<&Curve> {
        self.curves.iter().find(|(known, _)| known == name).map(|(_, curve)| curve).filter(|c| c.count() > 0)
    }

    /// The `(step, value)` pairs of one name; of more than 2,048 the means over neighbours, with the first, the last, the
    /// lowest and the highest as they are.
    pub fn series(&self, name: &str) -> Vec<(f64, f64)> {
        self.curve(name).map_or(Vec::new(), |curve| curve.line(Axis::Steps))
    }
}

/// A history that is being read.
#[derive(Default)]
struct Reader {
    history: History,
    line: Line,
    /// The curve of each name; none for the step.
    places: Vec<Option<usize>>,
    episode: f64,
}

impl Reader {
    fn add(&mut self, text: &str) {
        let Self { history: History { curves }, line, places, episode } = self;
        if !line.read(text) {
            return;
        }
        for name in &line.names[places.len()..] {
            let is_curve = name != "step";
            places.push(is_curve.then_some(curves.len()));
            if is_curve {
                curves.push((name.clone(), Curve::default()));
            }
        }
        let Some(step) = line.number("step") else { return };
        *episode = line.number(EPISODES).unwrap_or(*episode);
        for &(index, value) in &line.values {
            if let (Some(place), Some(value)) = (places[index], value) {
                curves[place].1.push(Point { step, episode: *episode, value });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn series_and_columns() {
        let text = "{\"a\":7}\n{\"step\":1,\"a\":0.5}\n{\"step\":2,\"b\":-1}\nnonsense\n{\"step\":3,\"a\":null,\"b\":2}\n{\"st";
        let history = History::parse(text);
        assert_eq!(history.names(), ["a", "b"]);
        assert_eq!(history.series("a"), [(1.0, 0.5)]);
        assert_eq!(history.series("b"), [(2.0, -1.0), (3.0, 2.0)]);
        assert_eq!(history.series("c"), []);
    }

    #[test]
    fn a_million_records_are_a_curve_of_two_thousand_points() {
        let mut reader = Reader::default();
        for i in 1..=1_000_000_u64 {
            reader.add(&format!(
                "{{\"step\":{},\"time/episodes\":{i},\"rollout/ep_rew\":{}}}",
                3 * i,
                i / 1000
            ));
        }
        let curve = reader.history.curve("rollout/ep_rew").unwrap();
        let line = curve.line(Axis::Episodes);
        assert!(curve.count() == 1_000_000 && line.len() <= 2052, "{}", line.len());
        assert_eq!((line[0], line[line.len() - 1]), ((1.0, 0.0), (1_000_000.0, 1000.0)));
        assert_eq!(curve.line(Axis::Steps)[line.len() - 1].0, 3_000_000.0);
    }
}
