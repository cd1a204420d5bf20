//! Sources of soft targets: the logits of a teacher, computed by its network or recorded once, a mean of several teachers, or a moving average
//! of the student itself.
//!
//! ```
//! use potstill::core::Streams;
//! use potstill::distill::{Samples, Source};
//! use potstill::nn::NetworkSpec;
//! use potstill::teacher::Teacher;
//!
//! let spec: NetworkSpec = "mlp:4".parse().unwrap();
//! let network = spec.build(2, 3, &mut Streams::new(1).stream("initialisation"));
//! let mut source = Source::new(Teacher::frozen(network));
//! let inputs = [0.5, -1.0, 2.0, 0.0];
//! let asked = source.logits(Samples { inputs: &inputs, indices: &[0, 1] }).to_vec();
//! source.record(&inputs);
//! assert_eq!(source.logits(Samples { inputs: &[], indices: &[1] }), &asked[3..]);
//! ```

use super::ensemble::{EnsembleMean, mean_logits};
use crate::targets;
use crate::teacher::Teacher;
use potstill_core::snapshot::{Codec, Flat};
use potstill_core::{Snapshot, SnapshotError, Value, snapshot};
use potstill_nn::{Network, Workers, Workspace};

/// A source of logits for a student.
#[derive(Clone, Debug)]
pub struct Source {
    from: LogitSource,
    /// The divisor of the logits: 1, or the mean gap between the two largest.
    scale: f32,
    logits: Vec<f32>,
}

#[derive(Clone, Debug)]
enum LogitSource {
    Network(Box<Teacher>),
    Recorded {
        outputs: usize,
        /// `samples x outputs`.
        logits: Vec<f32>,
    },
    /// The student itself, before its training begins.
    Student {
        tau: f32,
    },
    Ensemble {
        /// Weights, of a sum of 1, and sources.
        members: Vec<(f64, Source)>,
        mean: EnsembleMean,
    },
}

/// Samples by value and by index in their dataset.
#[derive(Clone, Copy, Debug)]
pub struct Samples<'a> {
    /// `samples x features`, for a network.
    pub inputs: &'a [f32],
    /// The index of each sample, for recorded logits; may be empty for a network.
    pub indices: &'a [usize],
}

impl Source {
    /// A source that evaluates the teacher's network.
    pub fn new(teacher: Teacher) -> Self {
        Self { from: LogitSource::Network(Box::new(teacher)), scale: 1.0, logits: Vec::new() }
    }

    /// A source of recorded logits, `samples x classes`.
    ///
    /// # Panics
    /// If they are not of whole samples.
    pub fn recorded(classes: usize, logits: Vec<f32>) -> Self {
        assert!(logits.len().is_multiple_of(classes), "logits of whole samples");
        Self { from: LogitSource::Recorded { outputs: classes, logits }, scale: 1.0, logits: Vec::new() }
    }

    /// A moving average of the student, the mean teacher (Tarvainen and Valpola 2017): after each gradient step it moves towards the student by
    /// `tau`.
    ///
    /// # Panics
    /// If `tau` is not in `(0, 1]`.
    pub fn of_student(tau: f32) -> Self {
        assert!(tau > 0.0 && tau <= 1.0, "a moving average by {tau}");
        Self { from: LogitSource::Student { tau }, scale: 1.0, logits: Vec::new() }
    }

    /// Takes the student for the teacher, if the source is the student itself.
    pub(super) fn begin(&mut self, student: &Network) {
        if let LogitSource::Student { tau } = self.from {
            self.from = LogitSource::Network(Box::new(Teacher::target_network(student, 1, tau)));
        }
    }

    /// Lets a teacher that lags behind its student begin where this does.
    pub(super) fn start_from(&mut self, student: &Network) {
        if let LogitSource::Network(teacher) = &mut self.from
            && !teacher.is_frozen()
        {
            teacher.copy_from(student);
        }
    }

    /// Returns true if the teacher changes with its student.
    pub(crate) fn is_lagging(&self) -> bool {
        match &self.from {
            LogitSource::Network(teacher) => !teacher.is_frozen(),
            LogitSource::Student { .. } => true,
            LogitSource::Recorded { .. } | LogitSource::Ensemble { .. } => false,
        }
    }

    /// A mean of the softened outputs of several sources, each with its weight.
    ///
    /// # Panics
    /// If there is no source, or a weight is not above 0.
    pub fn ensemble(members: Vec<(f64, Source)>, mean: EnsembleMean) -> Self {
        let sum: f64 = members.iter().map(|(weight, _)| weight).sum();
        assert!(!members.is_empty() && members.iter().all(|(weight, _)| *weight > 0.0), "weights above 0");
        let members = members.into_iter().map(|(weight, source)| (weight / sum, source)).collect();
        Self { from: LogitSource::Ensemble { members, mean }, scale: 1.0, logits: Vec::new() }
    }

    /// Computes the teachers' outputs with these threads. Results do not depend on their number.
    #[must_use]
    pub fn with_workers(self, workers: &Workers) -> Self {
        let from = match self.from {
            LogitSource::Network(teacher) => {
                LogitSource::Network(Box::new(teacher.with_workers(workers.clone())))
            }
            LogitSource::Ensemble { members, mean } => {
                let members =
                    members.into_iter().map(|(weight, source)| (weight, source.with_workers(workers)));
                LogitSource::Ensemble { members: members.collect(), mean }
            }
            other @ (LogitSource::Recorded { .. } | LogitSource::Student { .. }) => other,
        };
        Self { from, ..self }
    }

    /// The number of classes.
    pub(super) fn outputs(&self) -> usize {
        match &self.from {
            LogitSource::Network(teacher) => teacher.network().ends().choices,
            LogitSource::Recorded { outputs, .. } => *outputs,
            LogitSource::Ensemble { members, .. } => members[0].1.outputs(),
            LogitSource::Student { .. } => panic!("{BEGUN}"),
        }
    }

    /// The teacher; `None` once its logits are recorded, and of several.
    pub fn teacher(&self) -> Option<&Teacher> {
        match &self.from {
            LogitSource::Network(teacher) => Some(teacher),
            LogitSource::Recorded { .. } | LogitSource::Ensemble { .. } | LogitSource::Student { .. } => None,
        }
    }

    /// Records the logits of a whole dataset, so that each is computed once. The logits stay the same bit for
    /// bit. A teacher that lags behind its student goes on being computed.
    pub fn record(&mut self, inputs: &[f32]) {
        match &mut self.from {
            LogitSource::Network(teacher) if teacher.is_frozen() => {
                let outputs = teacher.network().ends().choices;
                self.from = LogitSource::Recorded { outputs, logits: means(teacher.network(), inputs) };
            }
            LogitSource::Ensemble { members, .. } => {
                members.iter_mut().for_each(|(_, source)| source.record(inputs));
            }
            LogitSource::Network(_) | LogitSource::Recorded { .. } | LogitSource::Student { .. } => {}
        }
    }

    /// Sets the scale to the mean gap between the two largest logits over these inputs, `samples x inputs`, which makes a
    /// temperature independent of the scale of the rewards.
    pub fn standardise_on(&mut self, inputs: &[f32]) {
        if let LogitSource::Network(teacher) = &self.from {
            let network = teacher.network();
            let gap = targets::mean_gap(&means(network, inputs), network.ends().choices);
            // A teacher that is indifferent between all actions keeps its own scale.
            self.scale = if gap > 0.0 { gap } else { 1.0 };
        }
    }

    /// The divisor of the logits.
    pub fn scale(&self) -> f32 {
        self.scale
    }

    /// The logits of these samples divided by the scale, `samples x classes`; of a distribution over returns
    /// its means. With a scale other than 1 a row's largest is subtracted first, which no softmax feels: single precision
    /// has the gaps of large values only before the division.
    pub fn logits(&mut self, samples: Samples<'_>) -> &[f32] {
        self.logits_at(1.0, samples)
    }

    /// The logits whose softmax at this temperature are the source's softened outputs. Only those of an arithmetic mean of several
    /// teachers depend on the temperature.
    pub fn logits_at(&mut self, temperature: f32, samples: Samples<'_>) -> &[f32] {
        let scale = self.scale;
        self.logits.clear();
        match &mut self.from {
            LogitSource::Network(teacher) => {
                let count = samples.inputs.len() / teacher.network().inputs();
                teacher.means(count, samples.inputs, &mut self.logits);
                let outputs = teacher.network().ends().choices;
                self.logits.chunks_exact_mut(outputs).for_each(|row| scale_down(scale, row));
            }
            LogitSource::Recorded { outputs, logits } => {
                for &index in samples.indices {
                    self.logits.extend_from_slice(&logits[index * *outputs..][..*outputs]);
                }
                self.logits.chunks_exact_mut(*outputs).for_each(|row| scale_down(scale, row));
            }
            LogitSource::Ensemble { members, mean } => {
                let outputs = members[0].1.outputs();
                members.iter_mut().for_each(|(_, source)| _ = source.logits_at(temperature, samples));
                let answers: Vec<_> =
                    members.iter().map(|(weight, source)| (*weight, source.last())).collect();
                mean_logits(*mean, temperature, &answers, outputs, &mut self.logits);
            }
            LogitSource::Student { .. } => panic!("{BEGUN}"),
        }
        &self.logits
    }

    /// The logits of the last samples that were asked for.
    pub(super) fn last(&self) -> &[f32] {
        &self.logits
    }

    /// Advances the teacher's clock by a gradient step.
    pub fn tick(&mut self, student: &Network) {
        match &mut self.from {
            LogitSource::Network(teacher) => teacher.tick(1, student),
            LogitSource::Ensemble { members, .. } => {
                members.iter_mut().for_each(|(_, source)| source.tick(student));
            }
            LogitSource::Recorded { .. } | LogitSource::Student { .. } => {}
        }
    }
}

/// The condition of a source that is the student itself.
const BEGUN: &str = "the student is known when its training begins";

/// Divides a row of logits by the scale, relative to the largest.
fn scale_down(scale: f32, row: &mut [f32]) {
    if scale != 1.0 {
        let highest = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        row.iter_mut().for_each(|z| *z = (*z - highest) / scale);
    }
}

/// The value of each choice for each input; of a distribution its mean.
fn means(network: &Network, inputs: &[f32]) -> Vec<f32> {
    let mut means = Vec::new();
    let mut workspace = Workspace::default();
    network.means(inputs.len() / network.inputs(), network.predict(inputs, &mut workspace), &mut means);
    means
}

snapshot! {
    impl Restorable for Source {
        saved: scale, from via TeacherState;
        built: logits;
    }
}

/// The codec of a teacher's state; recorded logits come with the constructor, and are saved as a frozen teacher.
struct TeacherState;

impl Codec<LogitSource> for TeacherState {
    fn save(&self, source: &LogitSource, name: &str, snapshot: &mut Snapshot) {
        match source {
            LogitSource::Network(teacher) => Flat.save(teacher, name, snapshot),
            // An ensemble is of teachers that never change.
            LogitSource::Recorded { .. } | LogitSource::Ensemble { .. } | LogitSource::Student { .. } => {
                snapshot.insert("staleness", Value::U64(0));
                snapshot.insert("moved", Value::F64(0.0));
            }
        }
    }

    fn load(&self, source: &mut LogitSource, name: &str, snapshot: &Snapshot) -> Result<(), SnapshotError> {
        match source {
            LogitSource::Network(teacher) => Flat.load(teacher, name, snapshot),
            LogitSource::Recorded { .. } | LogitSource::Ensemble { .. } | LogitSource::Student { .. } => {
                Ok(())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use potstill_core::{Pcg64, Restorable};
    use potstill_nn::NetworkSpec;

    fn source() -> Source {
        let spec: NetworkSpec = "mlp:3".parse().unwrap();
        Source::new(Teacher::frozen(spec.build(2, 2, &mut Pcg64::new(1))))
    }

    #[test]
    fn recorded_logits_are_those_of_the_network() {
        let inputs: Vec<f32> = (0..14).map(|i| i as f32 / 7.0 - 1.0).collect();
        let (mut asked, mut recorded) = (source(), source());
        recorded.record(&inputs);
        for indices in [vec![0, 3, 6], vec![5, 5], vec![1]] {
            let rows: Vec<f32> = indices.iter().flat_map(|&i| &inputs[2 * i..2 * i + 2]).copied().collect();
            let samples = Samples { inputs: &rows, indices: &indices };
            assert_eq!(asked.logits(samples), recorded.logits(samples));
        }
        assert!(recorded.teacher().is_none() && asked.snapshot() == recorded.snapshot());
    }

    #[test]
    fn a_teacher_with_one_action_keeps_its_scale() {
        let spec: NetworkSpec = "mlp:3".parse().unwrap();
        let mut source = Source::new(Teacher::frozen(spec.build(2, 1, &mut Pcg64::new(1))));
        source.standardise_on(&[0.5, -1.0, 2.0, 0.0]);
        assert_eq!(source.scale(), 1.0);
    }

    #[test]
    fn gaps_of_large_values_are_kept() {
        // One gap of 2^-10 beside 2^13: both exact before the division, and not after it.
        let mut row = [8192.0, 8192.0 + 1.0 / 1024.0];
        scale_down(1.0 / 1024.0, &mut row);
        assert_eq!(row, [-1.0, 0.0]);
    }

    #[test]
    fn standardised_logits_have_a_mean_gap_of_one() {
        let inputs: Vec<f32> = (0..40).map(|i| (i * 7 % 11) as f32 / 5.0 - 1.0).collect();
        let mut source = source();
        source.standardise_on(&inputs);
        assert!(source.scale() > 0.0 && source.scale() != 1.0);
        let logits = source.logits(Samples { inputs: &inputs, indices: &[] });
        assert!((targets::mean_gap(logits, 2) - 1.0).abs() < 1e-5);
    }
}
