//! Supervised distillation (Hinton, Vinyals and Dean 2015): a student learns from labels and from a teacher's soft targets.
//!
//! `L = alpha T^2 KL(softmax(z_teacher / T) || softmax(z_student / T)) + (1 - alpha) CE(labels)` over
//! minibatches; without a teacher only the cross-entropy.
//!
//! Differences from the paper: Adam instead of momentum with decay, unless asked for; weights `alpha` and `1 - alpha`,
//! where the paper only says that the hard term should weigh "considerably" less.
//!
//! ```
//! use potstill::core::Streams;
//! use potstill::distill::{ClassifierTrainer, FitConfig};
//! use potstill::data::Dataset;
//! use std::sync::Arc;
//!
//! let data = Arc::new(Dataset::digits());
//! let mut trainer =
//!     ClassifierTrainer::new(FitConfig::default(), &"mlp:16".parse()?, data, None, Streams::new(1));
//! let first = trainer.epoch()?;
//! assert!(trainer.epoch()? < first);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use super::divergence::Divergence;
use super::source::{Samples, Source};
use crate::agent::LearnError;
use crate::algorithm::{Algorithm, Builder, DataKind};
use crate::config::settings;
use crate::data::Dataset;
use crate::data::labelled::shift;
use crate::model::Model;
use crate::optimizer::{GuardedStep, OptimizerConfig, StudentOptimizer};
use crate::policy::Schedule;
use crate::targets;
use crate::teacher::Teacher;
use potstill_core::snapshot::{Flat, below};
use potstill_core::{Pcg64, SnapshotError, Streams, snapshot};
use potstill_nn::loss::cross_entropy;
use potstill_nn::{Ends, Network, NetworkSpec, Workspace};
use std::ops::Range;
use std::sync::Arc;

settings! {
    /// The hyperparameters of a classifier's training.
    pub struct FitConfig {
        /// Passes over the training samples
        epochs: u64 = 60, in AtLeastOne;
        /// Samples per gradient step
        batch_size: u64 = 32, in Batch;
        /// Step size of the optimiser, a number or a schedule over gradient steps. Source: Kingma and Ba 2015
        learning_rate: Schedule = 1e-3, in NotNegative;
        /// Largest random shift of a training image, in pixels. Source: Hinton et al. 2015, section 3, used 2
        /// for 28 x 28
        jitter_pixels: u64 = 0, in Small;
        /// Samples held out for the test
        test_samples: u64 = 500, in AtLeastOne;
        /// Seed of the random split into training and test samples
        split_seed: u64 = 0, in Any;
    }
}

settings! {
    /// The hyperparameters of the soft targets.
    pub struct SoftTargetsConfig {
        /// Temperature of both softmaxes. Source: Hinton et al. 2015, section 3, used 20 for a wide student and 2.5 to 4 for a narrow one
        temperature: f64 = 4.0, in Positive, needs Above("alpha", 0);
        /// Weight alpha of the soft targets; the labels have 1 - alpha. Source: 0.9, common since Hinton et
        /// al. 2015
        alpha: f64 = 0.9, in Unit;
    }
}

impl FitConfig {
    /// Gradient steps of a training on so many samples.
    pub fn total_steps(&self, samples: usize) -> u64 {
        self.epochs.saturating_mul(samples.div_ceil(self.batch_size as usize) as u64)
    }
}

/// The settings of a classifier.
pub type ClassifierSettings = (FitConfig, StudentOptimizer);

/// The descriptor.
pub const ALGORITHM: Algorithm = Algorithm {
    name: "classifier",
    family: "supervised",
    policy: None,
    data: DataKind::Offline,
    is_model_based: None,
    summary: "train a network on labels, as a teacher for distillation",
    source: "cross-entropy and Adam (Kingma and Ba 2015)",
    file: file!(),
    builder: Builder::Labels(|| Box::new(ClassifierSettings::default())),
    presets: &[],
    smoke: &["data=digits net_arch=mlp:12 epochs=40 test_samples=1500 jitter_pixels=1"],
};

/// Soft targets, in addition to the labels.
#[derive(Clone, Debug)]
pub struct SoftTargets {
    /// The source of the teacher's logits.
    pub source: Source,
    /// The divergence of the student's from the teacher's distribution.
    pub divergence: Divergence,
    /// The weight of the divergence, 0 to 1; the cross-entropy of the labels has the rest.
    pub alpha: f32,
}

impl SoftTargets {
    /// The soft targets of Hinton et al.: the softmax of a trained network at a temperature.
    pub fn frozen(teacher: Network, temperature: f32, alpha: f32) -> Self {
        let source = Source::new(Teacher::frozen(teacher));
        Self { source, divergence: Divergence::KlForward { temperature }, alpha }
    }
}

/// Training of a classifier.
#[derive(Clone, Debug)]
pub struct ClassifierTrainer {
    config: FitConfig,
    data: Arc<Dataset>,
    student: Network,
    optimizer: GuardedStep,
    soft_targets: Option<SoftTargets>,
    epochs: u64,
    /// Samples of the running epoch so far, and their summed loss.
    position: usize,
    loss: f64,
    order: Vec<usize>,
    shuffle: Pcg64,
    jitter: Pcg64,
    scratch: Scratch,
}

#[derive(Clone, Debug, Default)]
struct Scratch {
    workspace: Workspace,
    inputs: Vec<f32>,
    labels: Vec<usize>,
    d_logits: Vec<f32>,
}

impl ClassifierTrainer {
    /// Initialises a student on this data, with or without soft targets, and the optimiser's [defaults](OptimizerConfig::student).
    pub fn new(
        config: FitConfig,
        spec: &NetworkSpec,
        data: Arc<Dataset>,
        soft_targets: Option<SoftTargets>,
        streams: Streams,
    ) -> Self {
        Self::with((config, OptimizerConfig::student()), spec, data, soft_targets, streams)
    }

    /// Initialises a student on this data, with or without soft targets.
    pub fn with(
        (config, optimizer): (FitConfig, OptimizerConfig),
        spec: &NetworkSpec,
        data: Arc<Dataset>,
        mut soft_targets: Option<SoftTargets>,
        streams: Streams,
    ) -> Self {
        let ends = Ends::new(data.features, data.classes);
        let mut rng = streams.stream("initialisation");
        let student = spec.initialised(&ends, optimizer.initialisation(), &mut rng);
        if let Some(SoftTargets { source, .. }) = &mut soft_targets
            && config.jitter_pixels == 0
        {
            // The inputs are the same in every epoch.
            source.record(&data.inputs);
        }
        let samples = data.len();
        Self {
            optimizer: GuardedStep::new(&optimizer, student.parameters().len()),
            student,
            soft_targets,
            epochs: 0,
            position: 0,
            loss: 0.0,
            order: (0..data.len()).collect(),
            data,
            shuffle: streams.stream("shuffle"),
            jitter: streams.stream("jitter"),
            scratch: Scratch::default(),
            config: FitConfig {
                learning_rate: config.learning_rate.of_run(config.total_steps(samples)),
                ..config
            },
        }
    }

    /// The student.
    pub fn student(&self) -> &Network {
        &self.student
    }

    /// Learning rate, gradient norm and number of the gradient steps so far.
    pub fn measured(&self) -> [(&'static str, f64); 3] {
        self.optimizer.measured(self.config.learning_rate)
    }

    /// Takes over the parameters of a model for the student, before training.
    ///
    /// # Errors
    /// If its architecture is another.
    pub fn start_from(&mut self, model: &Model) -> Result<(), String> {
        model.copy_to_network(&mut self.student)
    }

    /// Epochs so far.
    pub fn epochs(&self) -> u64 {
        self.epochs
    }

    /// Gradient steps so far.
    pub fn steps(&self) -> u64 {
        let batches = |samples: usize| samples.div_ceil(self.config.batch_size as usize) as u64;
        self.epochs * batches(self.data.len()) + batches(self.position)
    }

    /// Makes one gradient step; returns the epoch's mean loss after its last.
    ///
    /// # Errors
    /// If a loss or a gradient is not finite; the parameters are then unchanged.
    pub fn step(&mut self) -> Result<Option<f64>, LearnError> {
        if self.position == 0 {
            self.shuffle.shuffle(&mut self.order);
        }
        let end = self.data.len().min(self.position + self.config.batch_size as usize);
        let loss = self.gradient_step(self.position..end)?;
        self.loss += loss * (end - self.position) as f64;
        self.position = end;
        if end < self.data.len() {
            return Ok(None);
        }
        self.position = 0;
        self.epochs += 1;
        Ok(Some(std::mem::take(&mut self.loss) / self.data.len() as f64))
    }

    /// Trains for one pass over the data in a new order, or for the rest of the running one; returns its mean
    /// loss.
    ///
    /// # Errors
    /// As [`step`](Self::step).
    pub fn epoch(&mut self) -> Result<f64, LearnError> {
        loop {
            if let Some(loss) = self.step()? {
                return Ok(loss);
            }
        }
    }

    fn gradient_step(&mut self, samples: Range<usize>) -> Result<f64, LearnError> {
        let done = self.steps();
        self.gather(samples.clone());
        let indices = &self.order[samples];
        let Scratch { workspace, inputs, labels, d_logits } = &mut self.scratch;
        let logits = self.student.forward(inputs, workspace);
        d_logits.resize(logits.len(), 0.0);
        let mut soft_logits: &[f32] = &[];
        let loss = match &mut self.soft_targets {
            None => cross_entropy(logits, labels, d_logits),
            Some(SoftTargets { source, divergence, alpha }) => {
                soft_logits = source.logits(Samples { inputs, indices });
                divergence.blended(*alpha, soft_logits, logits, labels, d_logits)
            }
        };
        let batch = [("input", &**inputs), ("teacher's logit", soft_logits)];
        let rate = self.config.learning_rate.at(done, 1);
        self.optimizer.step(rate, &mut self.student, d_logits, workspace, loss, &batch)?;
        if let Some(SoftTargets { source, .. }) = &mut self.soft_targets {
            source.tick(&self.student);
        }
        Ok(f64::from(loss))
    }

    /// Copies the samples of a minibatch, with random shifts if configured.
    fn gather(&mut self, samples: Range<usize>) {
        let (data, pixels) = (&self.data, self.config.jitter_pixels as usize);
        let indices = &self.order[samples];
        let Scratch { inputs, labels, .. } = &mut self.scratch;
        inputs.resize(indices.len() * data.features, 0.0);
        labels.clear();
        for (&index, row) in indices.iter().zip(inputs.chunks_exact_mut(data.features)) {
            labels.push(data.labels[index]);
            if pixels == 0 {
                row.copy_from_slice(data.input(index));
            } else {
                let mut by = || self.jitter.below(2 * pixels + 1) as isize - pixels as isize;
                let (right, down) = (by(), by());
                shift(data.input(index), data.width, right, down, row);
            }
        }
    }
}

snapshot! {
    impl Restorable for ClassifierTrainer {
        saved: epochs, position via below(data.len()), loss, order via below(data.len()), student,
            optimizer as "optimiser", shuffle, jitter, soft_targets as "teacher";
        built: config, data, scratch;
        then: Self::check_order;
    }
}

impl ClassifierTrainer {
    /// Checks that the restored order is a permutation of the samples.
    fn check_order(&mut self) -> Result<(), SnapshotError> {
        let mut sorted = self.order.clone();
        sorted.sort_unstable();
        match sorted.iter().enumerate().all(|(i, &index)| i == index) {
            true => Ok(()),
            false => Err(SnapshotError::invalid("order", "not an order of the samples")),
        }
    }
}

snapshot! {
    impl Restorable for SoftTargets {
        saved: source via Flat;
        built: divergence, alpha;
    }
}

/// The fraction of misclassified samples, 0 to 1.
pub fn error_rate(network: &Network, data: &Dataset) -> f64 {
    let predicted = predictions(network, &data.inputs);
    let wrong = predicted.iter().zip(&data.labels).filter(|(p, l)| p != l).count();
    wrong as f64 / data.len() as f64
}

/// The class with the highest logit, or mean value, for each of the inputs, `samples x inputs`; the first of equals.
///
/// # Panics
/// If the inputs are not those of whole samples.
pub fn predictions(network: &Network, inputs: &[f32]) -> Vec<usize> {
    assert!(inputs.len().is_multiple_of(network.inputs()), "inputs of whole samples");
    let samples = inputs.len() / network.inputs();
    if samples == 0 {
        return Vec::new();
    }
    let (mut workspace, mut means) = (Workspace::default(), Vec::new());
    network.means(samples, network.predict(inputs, &mut workspace), &mut means);
    means.chunks_exact(network.ends().choices).map(targets::argmax).collect()
}

/// The fraction of inputs, `samples x inputs`, on which two networks predict the same class, 0 to 1; 1 without any.
///
/// # Panics
/// If the inputs are not those of both networks.
pub fn agreement(a: &Network, b: &Network, inputs: &[f32]) -> f64 {
    let (a, b) = (predictions(a, inputs), predictions(b, inputs));
    if a.is_empty() {
        return 1.0;
    }
    a.iter().zip(&b).filter(|(x, y)| x == y).count() as f64 / a.len() as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Actor, NetworkActor};
    use crate::policy::Policy;
    use potstill_core::Restorable;
    use potstill_nn::{Ends, Head, Initialisation};

    fn soft(spec: &str, data: &Dataset) -> SoftTargets {
        let spec: NetworkSpec = spec.parse().unwrap();
        SoftTargets::frozen(spec.build(data.features, data.classes, &mut Pcg64::new(9)), 0.1, 1.0)
    }

    #[test]
    fn choices_are_those_of_the_highest_mean() {
        for head in [
            Head::Values,
            Head::Categorical { atoms: 11, low: -2.0, high: 2.0 },
            Head::Quantile { quantiles: 7 },
            Head::Implicit { cosines: 8 },
        ] {
            let ends = Ends { head, ..Ends::new(5, 3) };
            let spec: NetworkSpec = "mlp:8".parse().unwrap();
            let network = spec.initialised(&ends, Initialisation::Pytorch, &mut Pcg64::new(4));
            let mut rng = Pcg64::new(5);
            let inputs: Vec<f32> = (0..40 * 5).map(|_| rng.uniform(-3.0, 3.0) as f32).collect();
            let chosen = predictions(&network, &inputs);
            assert!(chosen.len() == 40 && chosen.iter().all(|&choice| choice < 3), "{head:?}: {chosen:?}");
            let mut actor = NetworkActor::new(&network, Policy::Greedy);
            let acted = inputs.chunks_exact(5).map(|input| {
                let mut action = 0;
                actor.act(input, &mut action, &mut Pcg64::new(6));
                action
            });
            assert!(acted.eq(chosen), "{head:?}");
        }
    }

    #[test]
    fn a_restored_trainer_goes_on_identically() {
        let data = Arc::new(Dataset::digits().split(1600, &mut Pcg64::new(1)).0);
        for jitter_pixels in [0, 1] {
            let config = FitConfig { jitter_pixels, ..FitConfig::default() };
            let make = |seed| {
                let spec = "mlp:8".parse().unwrap();
                ClassifierTrainer::new(
                    config.clone(),
                    &spec,
                    data.clone(),
                    Some(soft("mlp:12", &data)),
                    Streams::new(seed),
                )
            };
            let (mut original, mut copy) = (make(1), make(2));
            original.epoch().unwrap();
            // In the middle of an epoch.
            (0..3).for_each(|_| assert_eq!(original.step(), Ok(None)));
            copy.restore(&original.snapshot()).unwrap();
            for _ in 0..2 {
                assert_eq!(original.epoch().unwrap().to_bits(), copy.epoch().unwrap().to_bits());
                assert_eq!(original.snapshot(), copy.snapshot());
            }
        }
    }

    #[test]
    fn a_student_comes_to_agree_with_an_arbitrary_teacher() {
        // The teacher is a random network: only its own outputs can be learned from it, nothing about digits.
        let (data, unseen) = Dataset::digits().split(400, &mut Pcg64::new(2));
        let data = Arc::new(data);
        let soft = soft("mlp:16", &data);
        let teacher = soft.source.teacher().unwrap().network().clone();
        let config = FitConfig { learning_rate: 3e-3.into(), ..FitConfig::default() };
        let spec = "mlp:32".parse().unwrap();
        let mut trainer = ClassifierTrainer::new(config, &spec, data, Some(soft), Streams::new(3));
        let before = agreement(&teacher, trainer.student(), &unseen.inputs);
        (0..40).for_each(|_| _ = trainer.epoch().unwrap());
        let after = agreement(&teacher, trainer.student(), &unseen.inputs);

        assert!(before < 0.3 && after > 0.75, "{before} {after}");
    }
}
