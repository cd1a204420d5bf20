//! Supervised distillation (Hinton, Vinyals and Dean 2015): a student learns from labels and from a teacher's soft targets.
//!
//! `L = alpha T^2 KL(softmax(z_teacher / T) || softmax(z_student / T)) + (1 - alpha) CE(labels)` over
//! minibatches; without a teacher only the cross-entropy. Other divergences take the place of the first term, see
//! [`divergence`](super::divergence).
//!
//! Differences from the paper: Adam instead of momentum with decay, unless asked for; weights `alpha` and `1 - alpha`,
//! where the paper only says that the hard term should weigh "considerably" less. Of the other losses: `dist` has no factor
//! `T^2`, and z-scores divide by the root of the mean square, both as in the papers and not as in their authors' programs.
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

use super::augmentation::{Augmentation, Changes};
use super::hints::{HintConfig, Hints};
use super::soft_targets::SoftTargets;
use super::source::Samples;
use super::student::{StudentForm, TextFront};
use super::values::{ValueTargets, label_terms};
use crate::agent::LearnError;
use crate::algorithm::{Algorithm, Builder, DataKind};
#[cfg(feature = "disk")]
use crate::config::ConfigError;
use crate::config::settings;
use crate::data::{Dataset, Preprocessing};
use crate::model::{Model, Predictor};
use crate::optimizer::{Front, GuardedStep, OptimizerConfig, StudentOptimizer};
use crate::policy::Schedule;
use crate::targets;
use crate::teacher::Teacher;
use potstill_core::snapshot::{Flat, IfPresent, OnlyIf, below};
use potstill_core::{Pcg64, SnapshotError, Streams, snapshot};
use potstill_nn::loss::{Terms, cross_entropy};
use potstill_nn::{Dropout, Network, NetworkSpec, Upstream, Workers, Workspace};
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
        /// for 28 x 28; the same as a random crop after padding with zeros, of which He et al. 2016 used 4 for 32 x 32
        jitter_pixels: u64 = 0, in Small;
        /// Exchanges left and right of a training image with probability 1/2. Source: He et al. 2016, section 4.2
        horizontal_flip: bool = false, in Any;
        /// Alpha of mixup, 0 for none: samples and labels are mixed with a share of Beta(alpha, alpha). Source: Zhang et al. 2018, who used
        /// 0.1 to 1
        mixup: f64 = 0.0, in NotNegative;
        /// Probability of leaving out a hidden unit while training, at random each time. Source: Srivastava et al. 2014, who used 0.5
        dropout: f64 = 0.0, in BelowOne;
        /// Probability of leaving out an input while training. Source: Srivastava et al. 2014, who used 0.2
        input_dropout: f64 = 0.0, in BelowOne;
        /// Largest norm of the incoming weights of a unit, inf for no limit; longer ones are scaled down after each step. Source: Srivastava et
        /// al. 2014, who used 3 to 4
        max_norm: f64 = f64::INFINITY, in Limit;
        /// Samples held out for the test
        test_samples: u64 = 500, in AtLeastOne;
        /// Samples of the training part that are held out and measured on in place of the test part, 0 for none: a search
        /// chooses by them
        validation_samples: u64 = 0, in Any;
        /// Seed of the random split into training and test samples
        split_seed: u64 = 0, in Any;
    }
}

impl FitConfig {
    /// Gradient steps of a training on so many samples.
    pub fn total_steps(&self, samples: usize) -> u64 {
        self.epochs.saturating_mul(samples.div_ceil(self.batch_size as usize) as u64)
    }

    /// The dropout of a training pass.
    pub fn dropout(&self) -> Dropout {
        Dropout { inputs: self.input_dropout, hidden: self.dropout }
    }

    /// The random changes of training samples.
    pub fn changes(&self) -> Changes {
        let Self { jitter_pixels, horizontal_flip, mixup, .. } = *self;
        Changes { jitter_pixels: jitter_pixels as usize, horizontal_flip, mixup }
    }

    /// Returns true if training inputs differ from epoch to epoch.
    pub fn is_augmented(&self) -> bool {
        self.changes().are_any()
    }

    /// Refuses what a network of this form or these samples cannot have: dropout without hidden units, changes of images that are none.
    #[cfg(feature = "disk")]
    pub(crate) fn check(&self, form: &StudentForm, data: &Dataset) -> Result<(), ConfigError> {
        let spec = &form.network;
        if self.dropout > 0.0 && spec.hidden.is_empty() && spec.stages.is_empty() {
            let reason =
                format!("{spec} has no hidden units to leave out; leave it at 0, or give input_dropout");
            return Err(ConfigError::value("dropout", reason));
        }
        let is_image = data.shape[0] * data.shape[1] > 1;
        for (key, is_on) in
            [("jitter_pixels", self.jitter_pixels > 0), ("horizontal_flip", self.horizontal_flip)]
        {
            if is_on && !is_image {
                return Err(ConfigError::value(
                    key,
                    "the samples are no images, which alone can be moved; leave it out",
                ));
            }
        }
        // A control learns from the labelled samples alone.
        for samples in [data.len(), data.labelled()] {
            self.check_minibatches(form, samples)
                .map_err(|reason| ConfigError::value("batch_size", reason))?;
        }
        if self.mixup > 0.0 && data.labels.len() < data.len() {
            let count = data.len() - data.labels.len();
            let reason =
                format!("mixes the labels of classes, which {count} of the samples have not; leave it at 0");
            return Err(ConfigError::value("mixup", reason));
        }
        Ok(())
    }
}

impl FitConfig {
    /// Refuses minibatches with a single number for a batch normalisation, in an epoch of so many samples.
    fn check_minibatches(&self, form: &StudentForm, samples: usize) -> Result<(), String> {
        let Some(points) = form.network.batch_norm_points(&form.ends)? else { return Ok(()) };
        let batch = (self.batch_size as usize).min(samples);
        let last = if batch == 0 { 0 } else { samples % batch };
        match if last == 0 { batch } else { last } * points {
            1 => Err(format!(
                "{batch} leaves one of {samples} samples for the last minibatch, and batch normalisation needs more; give \
                 another"
            )),
            _ => Ok(()),
        }
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

/// Training of a classifier.
#[derive(Clone, Debug)]
pub struct ClassifierTrainer {
    config: FitConfig,
    data: Arc<Dataset>,
    student: Network,
    /// The bag of n-grams before it, of texts.
    front: Option<TextFront>,
    optimizer: GuardedStep,
    soft_targets: Option<SoftTargets>,
    value_targets: Option<ValueTargets>,
    hints: Option<Hints>,
    /// The weight of each labelled sample; empty if all count the same.
    weights: Vec<f32>,
    epochs: u64,
    /// Samples of the running epoch so far, and their summed loss.
    position: usize,
    loss: f64,
    /// The same of the two terms, without their weights; 0 without a teacher.
    soft_loss: f64,
    hard_loss: f64,
    /// The summed loss of hints, with their weights.
    hint_loss: f64,
    /// The mean loss of hints of the last epoch.
    last_hint_loss: f64,
    /// The mean soft and hard loss of the last epoch.
    last_terms: Option<[f64; 2]>,
    order: Vec<usize>,
    shuffle: Pcg64,
    augmentation: Augmentation,
    dropout: Pcg64,
    scratch: Scratch,
}

#[derive(Clone, Debug, Default)]
struct Scratch {
    workspace: Workspace,
    inputs: Vec<f32>,
    labels: Vec<usize>,
    /// The numbers that a regression learns.
    values: Vec<f32>,
    d_logits: Vec<f32>,
    /// The gradient with the labels of a mixture's other samples.
    d_others: Vec<f32>,
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
    ///
    /// # Panics
    /// If the student's form is [none](StudentForm::new) for the data, a minibatch has a single number for a batch
    /// normalisation, or texts are learned by a rule without a [sparse](potstill_nn::embedding::SparseRule) form.
    pub fn with(
        (config, optimizer): (FitConfig, OptimizerConfig),
        spec: &NetworkSpec,
        data: Arc<Dataset>,
        mut soft_targets: Option<SoftTargets>,
        streams: Streams,
    ) -> Self {
        let form = StudentForm::new(spec, &data).unwrap_or_else(|reason| panic!("{spec}: {reason}"));
        config.check_minibatches(&form, data.len()).unwrap_or_else(|reason| panic!("batch_size={reason}"));
        let mut rng = streams.stream("initialisation");
        let student = form.network.initialised(&form.ends, optimizer.initialisation(), &mut rng);
        let samples = data.len();
        if let Some(soft) = &mut soft_targets {
            soft.begin(config.total_steps(samples));
            soft.source.begin(&student);
            if !config.is_augmented() {
                // The inputs are the same in every epoch.
                soft.source.record(&data.inputs);
            }
        }
        Self {
            optimizer: GuardedStep::new(&optimizer, student.parameters().len()),
            student,
            front: TextFront::new(&form, &data, &optimizer, streams),
            soft_targets,
            value_targets: None,
            hints: None,
            weights: Vec::new(),
            epochs: 0,
            position: 0,
            loss: 0.0,
            soft_loss: 0.0,
            hard_loss: 0.0,
            hint_loss: 0.0,
            last_hint_loss: 0.0,
            last_terms: None,
            order: (0..data.len()).collect(),
            data,
            shuffle: streams.stream("shuffle"),
            augmentation: Augmentation::new(config.changes(), &streams),
            dropout: streams.stream("dropout"),
            scratch: Scratch::default(),
            config: FitConfig {
                learning_rate: config.learning_rate.of_run(config.total_steps(samples)),
                ..config
            },
        }
    }

    /// The same, with these threads for its passes. Results do not depend on their number.
    #[must_use]
    pub fn with_workers(mut self, workers: Workers) -> Self {
        self.soft_targets = self.soft_targets.map(|soft| soft.with_workers(&workers));
        self.hints = self.hints.map(|hints| hints.with_workers(&workers));
        self.scratch.workspace = Workspace::new(workers);
        self
    }

    /// The teacher, if it is a moving average of the student.
    pub fn own_teacher(&self) -> Option<&Network> {
        let source = &self.soft_targets.as_ref()?.source;
        source.teacher().filter(|_| source.is_lagging()).map(Teacher::network)
    }

    /// Teaches a regression the values of a teacher, one for each sample, before training.
    ///
    /// # Panics
    /// If the samples are of classes.
    #[must_use]
    pub fn with_values(mut self, mut teacher: ValueTargets) -> Self {
        assert!(self.data.labels.is_empty(), "samples with numbers to learn");
        teacher.begin(self.config.total_steps(self.data.len()));
        self.value_targets = Some(teacher);
        self
    }

    /// Weighs the labelled samples, relative to a mean of 1: the gradient with respect to the outputs of each is multiplied
    /// by its weight. Samples without a label have the weight 1. The losses that are returned are without weights.
    ///
    /// # Panics
    /// If there is not one weight for each labelled sample, or samples are mixed.
    #[must_use]
    pub fn with_weights(mut self, weights: Vec<f32>) -> Self {
        assert_eq!(weights.len(), self.data.labelled(), "a weight of each labelled sample");
        assert!(self.config.mixup == 0.0, "samples with weights of their own");
        self.weights = weights;
        self
    }

    /// Lets the student imitate hidden layers of a teacher, in addition to its other loss, before training.
    ///
    /// # Errors
    /// If a layer is none of its network, two have not the same points, or the student reads texts.
    pub fn with_hints(
        mut self,
        config: &HintConfig,
        teacher: Network,
        optimizer: &OptimizerConfig,
        streams: Streams,
    ) -> Result<Self, String> {
        if self.front.is_some() {
            return Err("the student reads texts, whose n-grams no teacher's layer takes".to_owned());
        }
        let mut rng = streams.stream("regressor");
        let mut hints = Hints::new(config, teacher, &self.student, optimizer, &mut rng)?;
        hints.begin(self.config.total_steps(self.data.len()));
        self.hints = Some(hints);
        Ok(self)
    }

    /// The regressors between layers of different widths, in the order of their pairs.
    pub fn regressors(&self) -> impl Iterator<Item = &Network> {
        self.hints.iter().flat_map(Hints::regressors)
    }

    /// The mean loss of hints and maps of attention in the last epoch, with their weights; `None` without any.
    pub fn hint_loss(&self) -> Option<f64> {
        self.hints.as_ref().map(|_| self.last_hint_loss)
    }

    /// The student.
    pub fn student(&self) -> &Network {
        &self.student
    }

    /// The student behind the preprocessing of its data.
    ///
    /// # Panics
    /// If the preprocessing is another.
    pub fn predictor(&self, preprocessing: &Arc<Preprocessing>) -> Predictor {
        let bag = self.front.as_ref().map(|front| front.bag().clone());
        Predictor::with_bag(self.student.clone(), Arc::clone(preprocessing), bag)
            .expect("the preprocessing of its data")
    }

    /// Samples as the student's network takes them: the same, or the means of texts.
    pub fn embedded(&mut self, data: &Arc<Dataset>) -> Arc<Dataset> {
        self.front.as_mut().map_or_else(|| Arc::clone(data), |front| front.embedded(data))
    }

    /// Learning rate, gradient norm and number of the gradient steps so far.
    pub fn measured(&self) -> [(&'static str, f64); 3] {
        self.optimizer.measured(self.config.learning_rate)
    }

    /// The mean soft and hard loss of the last epoch, without their weights; `None` without a teacher.
    pub fn terms(&self) -> Option<[f64; 2]> {
        self.last_terms
    }

    /// A warning, in one line, if the teacher or the labels have no effect on the first gradient step. It is measured on samples in
    /// the order of the dataset, so that no random number is drawn.
    pub fn idle_term(&mut self) -> Option<String> {
        let soft = self.soft_targets.as_mut()?;
        let count = self.data.labels.len().min(self.config.batch_size as usize);
        let indices: Vec<usize> = (0..count).collect();
        let (mut means, labels) = (Vec::new(), &self.data.labels[..count]);
        let inputs = match &mut self.front {
            None => &self.data.inputs[..count * self.data.features],
            Some(front) => {
                front.forward(&indices, &mut means);
                &means
            }
        };
        let logits = self.student.predict(inputs, &mut self.scratch.workspace);
        soft.idle_term(Samples { inputs, indices: &indices }, logits, labels)
    }

    /// Takes over the parameters of a model for the student, before training.
    ///
    /// # Errors
    /// If its architecture is another.
    pub fn start_from(&mut self, model: &Model) -> Result<(), String> {
        match &mut self.front {
            None => model.copy_to_network(&mut self.student),
            Some(front) => front.start_from(model, &mut self.student),
        }?;
        if let Some(soft) = &mut self.soft_targets {
            soft.source.start_from(&self.student);
        }
        Ok(())
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
        let samples = self.data.len() as f64;
        let labelled = self.data.labelled().max(1) as f64;
        let terms = [(&mut self.soft_loss, samples), (&mut self.hard_loss, labelled)]
            .map(|(sum, count)| std::mem::take(sum) / count);
        self.last_hint_loss = std::mem::take(&mut self.hint_loss) / samples;
        let is_taught = self.soft_targets.is_some() || self.value_targets.is_some();
        self.last_terms = is_taught.then_some(terms);
        Ok(Some(std::mem::take(&mut self.loss) / samples))
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
        let Scratch { workspace, inputs, labels, values, d_logits, d_others } = &mut self.scratch;
        let logits =
            self.student.forward_training(inputs, self.config.dropout(), &mut self.dropout, workspace);
        d_logits.resize(logits.len(), 0.0);
        let mut terms = match &mut self.soft_targets {
            _ if self.data.classes == 0 => match &self.value_targets {
                None => label_terms(values, logits, d_logits),
                Some(teacher) => teacher.loss(done, indices, logits, values, d_logits),
            },
            None => hard_terms(logits, labels, d_logits),
            Some(soft) => soft.loss(done, Samples { inputs, indices }, logits, labels, d_logits),
        };
        if let Some((others, share)) = self.augmentation.mixed_labels(labels) {
            d_others.resize(logits.len(), 0.0);
            let other = match &mut self.soft_targets {
                None => hard_terms(logits, &others, d_others),
                Some(soft) => soft.loss_again(done, logits, &others, d_others),
            };
            terms = mixed_terms(share, (terms, d_logits), (other, d_others));
        }
        if !self.weights.is_empty() {
            let rows = d_logits.chunks_exact_mut(logits.len() / indices.len());
            for (row, weight) in rows.zip(indices.iter().filter_map(|&index| self.weights.get(index))) {
                row.iter_mut().for_each(|d| *d *= weight);
            }
        }
        let place = (&self.student, &*workspace);
        let of_hints = self.hints.as_mut().map_or(0.0, |hints| hints.loss(done, inputs, place));
        let loss = terms.total + of_hints;
        let soft_logits = self.soft_targets.as_ref().map_or(&[][..], SoftTargets::last_logits);
        let batch = [("input", &**inputs), ("teacher's logit", soft_logits)];
        let rate = self.config.learning_rate.at(done, 1);
        let front = self.front.as_mut().map(|front| front as &mut dyn Front);
        let taps = self.hints.as_ref().map(Hints::gradients).unwrap_or_default();
        let upstream = Upstream { outputs: d_logits, taps: &taps, free: &[] };
        self.optimizer.step_with(rate, (&mut self.student, front), upstream, workspace, loss, &batch)?;
        if let Some(hints) = &mut self.hints {
            hints.step(rate, workspace.workers());
        }
        self.student.update_statistics(workspace);
        if self.config.max_norm < f64::INFINITY {
            self.student.clip_max_norm(self.config.max_norm, workspace.workers());
        }
        if let Some(SoftTargets { source, .. }) = &mut self.soft_targets {
            source.tick(&self.student);
        }
        self.soft_loss += terms.soft * indices.len() as f64;
        self.hard_loss += terms.hard * (labels.len() + values.len()) as f64;
        self.hint_loss += f64::from(of_hints) * indices.len() as f64;
        Ok(f64::from(loss))
    }

    /// Copies the samples of a minibatch, augmented if configured.
    fn gather(&mut self, samples: Range<usize>) {
        let data = &self.data;
        let labelled = data.labelled();
        if labelled < data.len() {
            // Losses take the labelled samples first.
            self.order[samples.clone()].sort_by_key(|&index| index >= labelled);
        }
        let indices = &self.order[samples];
        let Scratch { inputs, labels, values, .. } = &mut self.scratch;
        labels.clear();
        labels.extend(indices.iter().filter_map(|&index| data.labels.get(index)));
        values.clear();
        values.extend(indices.iter().filter_map(|&index| data.values.get(index)));
        if let Some(front) = &mut self.front {
            return front.forward(indices, inputs);
        }
        inputs.resize(indices.len() * data.features, 0.0);
        for (&index, row) in indices.iter().zip(inputs.chunks_exact_mut(data.features)) {
            self.augmentation.copy(data.input(index), data.shape, row);
        }
        self.augmentation.mix(indices.len(), inputs);
    }
}

/// The loss of labels alone.
fn hard_terms(logits: &[f32], labels: &[usize], d_logits: &mut [f32]) -> Terms {
    Terms { total: cross_entropy(logits, labels, d_logits), soft: 0.0, hard: 0.0 }
}

/// The mean of two losses and their gradients, the first with a share; the gradient comes in the place of the first.
fn mixed_terms(
    share: f32,
    (first, d_first): (Terms, &mut [f32]),
    (second, d_second): (Terms, &[f32]),
) -> Terms {
    let mean = |a: f32, b: f32| share * a + (1.0 - share) * b;
    let mean_term = |a: f64, b: f64| f64::from(share) * a + (1.0 - f64::from(share)) * b;
    d_first.iter_mut().zip(d_second).for_each(|(a, b)| *a = mean(*a, *b));
    Terms {
        total: mean(first.total, second.total),
        soft: mean_term(first.soft, second.soft),
        hard: mean_term(first.hard, second.hard),
    }
}

snapshot! {
    impl Restorable for ClassifierTrainer {
        saved: epochs, position via below(data.len()), loss, soft_loss via IfPresent, hard_loss via IfPresent, hint_loss via OnlyIf(hints.is_some()), order via below(data.len()), student, front as "texts",
            hints, optimizer as "optimiser", shuffle, augmentation via Flat, dropout via OnlyIf(!config.dropout().is_off()), soft_targets as "teacher";
        built: config, data, value_targets, weights, scratch, last_terms, last_hint_loss;
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

/// The fraction of misclassified samples among those with a label, 0 to 1.
pub fn error_rate(network: &Network, data: &Dataset) -> f64 {
    let labelled = &data.inputs[..data.labels.len() * data.features];
    differences(&predictions(network, labelled), &data.labels) as f64 / data.labels.len() as f64
}

/// The number of places at which two lists of classes differ.
pub(crate) fn differences(a: &[usize], b: &[usize]) -> usize {
    a.iter().zip(b).filter(|(a, b)| a != b).count()
}

/// Samples that are computed at a time.
const BATCH: usize = 1024;

/// The logits of some inputs, `samples x inputs`: `samples x classes`.
///
/// # Panics
/// If the inputs are not those of whole samples.
pub fn logits(network: &Network, inputs: &[f32]) -> Vec<f32> {
    let mut workspace = Workspace::default();
    let batches = inputs.chunks(BATCH * network.inputs());
    batches.flat_map(|inputs| network.predict(inputs, &mut workspace).to_vec()).collect()
}

/// The class with the highest logit, or mean value, for each of the inputs, `samples x inputs`; the first of equals.
///
/// # Panics
/// If the inputs are not those of whole samples.
pub fn predictions(network: &Network, inputs: &[f32]) -> Vec<usize> {
    assert!(inputs.len().is_multiple_of(network.inputs()), "inputs of whole samples");
    let (mut workspace, mut means) = (Workspace::default(), Vec::new());
    let mut predicted = Vec::with_capacity(inputs.len() / network.inputs());
    for inputs in inputs.chunks(BATCH * network.inputs()) {
        network.means(inputs.len() / network.inputs(), network.predict(inputs, &mut workspace), &mut means);
        predicted.extend(means.chunks_exact(network.ends().choices).map(targets::argmax));
    }
    predicted
}

/// The fraction of inputs, `samples x inputs`, on which two networks predict the same class, 0 to 1; 1 without any.
///
/// # Panics
/// If the inputs are not those of both networks.
pub fn agreement(a: &Network, b: &Network, inputs: &[f32]) -> f64 {
    agreement_of(&predictions(a, inputs), &predictions(b, inputs))
}

/// The fraction of places at which two lists of classes are the same, 0 to 1; 1 without any.
pub(crate) fn agreement_of(a: &[usize], b: &[usize]) -> f64 {
    match a.len() {
        0 => 1.0,
        count => (count - differences(a, b)) as f64 / count as f64,
    }
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
        let varied = FitConfig {
            jitter_pixels: 1,
            horizontal_flip: true,
            mixup: 0.4,
            dropout: 0.3,
            input_dropout: 0.1,
            max_norm: 1.0,
            ..FitConfig::default()
        };
        let jitter = FitConfig { jitter_pixels: 1, ..FitConfig::default() };
        for config in [FitConfig::default(), jitter, varied] {
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
    fn a_weight_is_as_many_copies_of_its_sample() {
        let digits = Dataset::digits().split(1700, &mut Pcg64::new(1)).0;
        let copies: Vec<usize> = (0..digits.len()).flat_map(|i| vec![i; 1 + i % 3]).collect();
        let repeated = digits.select(&copies);
        let mean = copies.len() as f32 / digits.len() as f32;
        let weights: Vec<f32> = (0..digits.len()).map(|i| (1 + i % 3) as f32 / mean).collect();
        let fit = |data: Dataset, weights: Option<Vec<f32>>| {
            // One minibatch of all samples is no matter of their order, and one step of SGD is linear in the gradient.
            let config = FitConfig { batch_size: 4096, learning_rate: 0.5.into(), ..FitConfig::default() };
            let optimizer = OptimizerConfig {
                optimizer: crate::optimizer::OptimizerKind::Sgd,
                momentum: 0.0,
                ..OptimizerConfig::student()
            };
            let soft = soft("mlp:12", &data);
            let (spec, data) = ("mlp:8".parse().unwrap(), Arc::new(data));
            let trainer =
                ClassifierTrainer::with((config, optimizer), &spec, data, Some(soft), Streams::new(1));
            let mut trainer = match weights {
                Some(weights) => trainer.with_weights(weights),
                None => trainer,
            };
            (0..20).for_each(|_| _ = trainer.epoch().unwrap());
            trainer.student().parameters().to_vec()
        };
        let plain = fit(digits.clone(), None);
        let furthest = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        let [weighed, repeated] = [fit(digits.clone(), Some(weights)), fit(repeated, None)];
        assert!(furthest(&weighed, &repeated) < 1e-4, "{}", furthest(&weighed, &repeated));
        assert!(furthest(&weighed, &plain) > 1e-3, "{}", furthest(&weighed, &plain));
        assert_eq!(fit(digits.clone(), Some(vec![1.0; digits.len()])), plain);
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
