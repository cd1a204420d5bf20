//! Schedules: a number that changes over a run.

/// A number as a function of the progress of a run, 0 at its start and 1 at its end.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Schedule {
    /// The value at the start.
    pub from: f64,
    /// The value from `fraction` on.
    pub to: f64,
    /// The part of the run over which the value moves linearly, 0 to 1.
    pub fraction: f64,
}

impl Schedule {
    /// The value at this progress.
    pub fn at(self, progress: f64) -> f64 {
        if progress >= self.fraction {
            self.to
        } else {
            self.from + (self.to - self.from) * (progress / self.fraction)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn linear_then_flat() {
        let epsilon = Schedule { from: 1.0, to: 0.2, fraction: 0.5 };
        let values = [0.0, 0.25, 0.5, 0.75, 1.0].map(|progress| epsilon.at(progress));
        assert_eq!(values, [1.0, 0.6, 0.2, 0.2, 0.2]);
        // A fraction of 0 is the final value from the start.
        assert_eq!(Schedule { fraction: 0.0, ..epsilon }.at(0.0), 0.2);
    }
}
