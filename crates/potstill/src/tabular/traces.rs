//! Eligibility traces by index, of states or of pairs of state and action.

/// Smallest trace; smaller ones are dropped.
const TRACE_MIN: f64 = 1e-12;

/// Indices and traces, in the order of first visits.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Traces(Vec<(usize, f64)>);

impl Traces {
    /// Multiplies all traces by a factor.
    pub(super) fn fade(&mut self, factor: f64) {
        self.0.iter_mut().for_each(|(_, trace)| *trace *= factor);
        self.0.retain(|(_, trace)| *trace >= TRACE_MIN);
    }

    /// The trace of an index; 0 if there was none.
    pub(super) fn of(&mut self, number: usize) -> &mut f64 {
        let visited = self.0.iter().position(|&(other, _)| other == number);
        let i = visited.unwrap_or_else(|| {
            self.0.push((number, 0.0));
            self.0.len() - 1
        });
        &mut self.0[i].1
    }

    /// Drops all traces.
    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    /// Returns the number of traces.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Indices and traces.
    pub(super) fn iter(&self) -> impl Iterator<Item = (usize, f64)> {
        self.0.iter().copied()
    }
}

impl IntoIterator for Traces {
    type Item = (usize, f64);
    type IntoIter = std::vec::IntoIter<(usize, f64)>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl FromIterator<(usize, f64)> for Traces {
    fn from_iter<I: IntoIterator<Item = (usize, f64)>>(traces: I) -> Self {
        Self(traces.into_iter().collect())
    }
}
