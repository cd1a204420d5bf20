//! The curve of a metric in a dashboard, in bounded memory.

use potstill::metrics::catalogue::EVAL_MEAN_REWARD;
use potstill::run::RunSource;
use ratatui_core::style::Color;
use ratatui_core::symbols::Marker;
use ratatui_widgets::chart::{Dataset, GraphType};

/// Largest number of points of a curve; even, so that thinning keeps the newest.
const POINTS: usize = 512;

/// A metric over the steps: every n-th point and the newest; n doubles whenever there are too many.
#[derive(Default)]
pub(super) struct Curve {
    pub(super) name: &'static str,
    /// The run that it is of, if several are watched as one.
    pub(super) source: RunSource,
    pub(super) newest: f64,
    pub(super) points: Vec<(f64, f64)>,
    count: u64,
    stride: u64,
    /// True if the last point is only kept for being the newest.
    passing: bool,
}

impl Curve {
    /// The curve of this metric of one of several runs, without a value so far.
    pub(super) fn of(name: &'static str, source: RunSource) -> Self {
        Self { name, source, stride: 1, ..Self::default() }
    }

    pub(super) fn push(&mut self, step: f64, value: f64) {
        self.newest = value;
        if !value.is_finite() {
            return;
        }
        if self.passing {
            self.points.pop();
        }
        self.points.push((step, value));
        self.passing = !self.count.is_multiple_of(self.stride);
        self.count += 1;
        if self.points.len() > POINTS {
            let mut index = 0;
            self.points.retain(|_| {
                index += 1;
                index % 2 == 1
            });
            self.stride *= 2;
        }
    }

    /// Returns true for evaluations, which are few and drawn as separate dots.
    fn is_dotted(&self) -> bool {
        self.name == EVAL_MEAN_REWARD
    }

    pub(super) fn sign(&self) -> &str {
        if self.is_dotted() { "•" } else { "⠒⠒" }
    }

    pub(super) fn dataset(&self) -> Dataset<'_> {
        let (marker, form, colour) = if self.is_dotted() {
            (Marker::Dot, GraphType::Scatter, Color::Yellow)
        } else {
            (Marker::Braille, GraphType::Line, Color::Cyan)
        };
        Dataset::default().data(&self.points).marker(marker).graph_type(form).style(colour)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_curve_stays_small_and_keeps_its_ends() {
        let mut curve = Curve::of("train/loss", RunSource::default());
        for i in 0..100_000 {
            curve.push(f64::from(i), 0.0);
            assert!(curve.points.len() <= POINTS && curve.points.last().unwrap().0 == f64::from(i));
        }
        let steps: Vec<f64> = curve.points.iter().map(|point| point.0).collect();
        assert_eq!(steps[..3], [0.0, 256.0, 512.0]);
    }
}
