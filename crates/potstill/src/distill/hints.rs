//! Hidden layers of a teacher that its student imitates: hints (Romero et al. 2015) and maps of attention (Zagoruyko and
//! Komodakis 2017), in addition to the loss of the outputs.
//!
//! The losses are [`hint`] and [`attention_transfer`], each times its weight, for every pair of layers. Where the
//! channels of a hint's two layers differ, a linear regressor maps those of the student, point by point, to the
//! teacher's; it learns beside the student by the same rule, and is thrown away.
//!
//! Differences from the papers: hints are learned together with the outputs, as where methods are compared since Tian et
//! al. 2020; `hint_weight=linear:1:0:0.3run` comes near to the first stage of FitNets. The regressor is a convolution of
//! one point, so that both layers have the same points.
//!
//! ```
//! use potstill::core::Streams;
//! use potstill::data::Dataset;
//! use potstill::distill::{ClassifierTrainer, FitConfig, HintConfig};
//! use potstill::nn::NetworkSpec;
//! use potstill::optimizer::OptimizerConfig;
//! use std::sync::Arc;
//!
//! let data = Arc::new(Dataset::digits().split(1600, &mut Streams::new(0).stream("split")).0);
//! let spec: NetworkSpec = "mlp:12".parse()?;
//! let teacher = spec.build(data.features, data.classes, &mut Streams::new(9).stream("initialisation"));
//! let trainer = ClassifierTrainer::new(FitConfig::default(), &"mlp:4".parse()?, data, None, Streams::new(1));
//! // The nonlinearity behind the first layer of both is `1`, as in PyTorch's `nn.Sequential`.
//! let hint = HintConfig { hint: Some("1:1".to_owned()), ..HintConfig::default() };
//! let mut trainer = trainer.with_hints(&hint, teacher, &OptimizerConfig::student(), Streams::new(1))?;
//! let first = trainer.epoch()?;
//! assert!(trainer.epoch()? < first);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#[cfg(feature = "disk")]
use crate::config::ConfigError;
use crate::config::settings;
use crate::optimizer::OptimizerConfig;
#[cfg(feature = "disk")]
use crate::optimizer::refuse_counts;
use crate::policy::Schedule;
use potstill_core::snapshot::Flat;
use potstill_core::{Pcg64, snapshot};
use potstill_nn::loss::{Scratch, attention_transfer, hint};
use potstill_nn::optim::shrinking;
use potstill_nn::{Aligned, Network, NetworkSpec, Optimiser, Tap, Workers, Workspace};

settings! {
    /// The hidden layers of a teacher that its student imitates.
    pub struct HintConfig {
        /// Hidden layers whose units are compared as hints, TEACHER:STUDENT by their names in nn.Sequential, several pairs separated by
        /// commas. Source: Romero et al. 2015
        hint: Option<String> = None, in Any;
        /// Weight of the hints, a number or a schedule over gradient steps. Source: Romero et al. 2015, equation 3
        hint_weight: Schedule = 1.0, in NotNegative, needs Set("hint");
        /// Hidden layers over an image whose maps of attention are compared, TEACHER:STUDENT, several pairs separated by commas. Source:
        /// Zagoruyko and Komodakis 2017
        attention: Option<String> = None, in Any;
        /// Weight of the maps of attention, a number or a schedule over gradient steps. Source: Zagoruyko and Komodakis 2017, 1000 of a mean
        /// over the points, which is 2000 over their number here
        attention_weight: Schedule = 30.0, in NotNegative, needs Set("attention");
    }
}

impl HintConfig {
    /// Returns true if a hidden layer is imitated.
    pub fn is_any(&self) -> bool {
        self.hint.is_some() || self.attention.is_some()
    }

    /// Refuses schedules that count the updates of one number: a gradient step is of all.
    #[cfg(feature = "disk")]
    pub(crate) fn check(&self) -> Result<(), ConfigError> {
        refuse_counts("hint_weight", self.hint_weight)?;
        refuse_counts("attention_weight", self.attention_weight)
    }
}

/// A map from the channels of a student's layer to those of its teacher's, and its training.
#[derive(Clone, Debug)]
struct Regressor {
    network: Network,
    optimiser: Optimiser,
    norm_max: f64,
    workspace: Workspace,
    gradient: Aligned,
    /// The factor of the gradient by which the next step goes.
    shrink: f32,
    d_predictions: Vec<f32>,
}

snapshot! {
    impl Restorable for Regressor {
        saved: network, optimiser via Flat;
        built: norm_max, workspace, gradient, shrink, d_predictions;
    }
}

impl Regressor {
    fn new(from: usize, to: usize, optimizer: &OptimizerConfig, rng: &mut Pcg64) -> Self {
        let ends = potstill_nn::Ends::new(from, to);
        let network = NetworkSpec::mlp(&[]).initialised(&ends, optimizer.initialisation(), rng);
        let count = network.parameters().len();
        Self {
            optimiser: Optimiser::new(optimizer.rule(), count),
            norm_max: optimizer.max_grad_norm,
            workspace: Workspace::default(),
            gradient: Aligned::zeros(count),
            shrink: 1.0,
            d_predictions: Vec::new(),
            network,
        }
    }

    /// The hint's loss, whose gradient with respect to the student's units, times the weight, comes to `d_units`.
    fn loss(
        &mut self,
        weight: f32,
        samples: usize,
        teacher: &[f32],
        units: &[f32],
        d_units: &mut [f32],
    ) -> f32 {
        let predictions = self.network.forward(units, &mut self.workspace);
        self.d_predictions.resize(predictions.len(), 0.0);
        let value = hint(teacher, predictions, samples, &mut self.d_predictions);
        self.d_predictions.iter_mut().for_each(|d| *d *= weight);
        let upstream = self.d_predictions[..].into();
        let gradient = Some(&mut *self.gradient);
        let length = self.network.backward_from(upstream, &mut self.workspace, gradient, Some(d_units));
        self.shrink = shrinking(length, self.norm_max);
        value
    }

    fn step(&mut self, learning_rate: f64, workers: &Workers) {
        let Self { network, optimiser, gradient, shrink, .. } = self;
        network.update_parameters(|p| optimiser.step_shrunk(learning_rate, *shrink, p, gradient, workers));
    }
}

/// The comparison of two layers.
#[derive(Clone, Debug)]
enum Comparison {
    /// Unit by unit, perhaps behind the regressor with this index.
    Hint(Option<usize>),
    /// Of maps of so many points.
    Attention(usize),
}

/// A layer of the teacher, and the student's that imitates it.
#[derive(Clone, Debug)]
struct Pair {
    comparison: Comparison,
    teacher: Tap,
    student: Tap,
    /// The units of a minibatch, and the gradient with respect to the student's.
    theirs: Vec<f32>,
    units: Vec<f32>,
    d_units: Vec<f32>,
}

/// Layers of a teacher that a student imitates.
#[derive(Clone, Debug)]
pub(super) struct Hints {
    teacher: Network,
    workspace: Workspace,
    weights: [Schedule; 2],
    pairs: Vec<Pair>,
    regressors: Vec<Regressor>,
    scratch: Scratch,
}

/// The names and shapes of the hidden layers of a network, in words.
fn layers(network: &Network) -> String {
    let shape = |tap: Tap| match tap.shape() {
        [1, 1, units] => units.to_string(),
        [height, width, channels] => format!("{height} x {width} x {channels}"),
    };
    let all: Vec<String> = network.taps().map(|(name, tap)| format!("{name} ({})", shape(tap))).collect();
    if all.is_empty() { "none".to_owned() } else { all.join(", ") }
}

/// The pairs of layers that a key names.
fn pairs_of<'a>(key: &str, text: &'a str) -> Result<Vec<[&'a str; 2]>, String> {
    let pair = |pair: &'a str| match pair.split(':').map(str::trim).collect::<Vec<_>>()[..] {
        [teacher, student] if !teacher.is_empty() && !student.is_empty() => Ok([teacher, student]),
        _ => Err(format!("{key}={text}: `{pair}` is no pair of layers TEACHER:STUDENT, such as 3:1")),
    };
    text.split(',').map(pair).collect()
}

impl Hints {
    /// The layers that the keys name, of a teacher that takes its student's inputs.
    ///
    /// # Errors
    /// If a layer is none of its network, or two have not the same points.
    pub(super) fn new(
        config: &HintConfig,
        teacher: Network,
        student: &Network,
        optimizer: &OptimizerConfig,
        rng: &mut Pcg64,
    ) -> Result<Self, String> {
        if teacher.inputs() != student.inputs() {
            let (theirs, own) = (teacher.inputs(), student.inputs());
            return Err(format!("the teacher takes {theirs} inputs, and its student {own}"));
        }
        let (mut pairs, mut regressors) = (Vec::new(), Vec::new());
        for (key, given, is_hint) in [("hint", &config.hint, true), ("attention", &config.attention, false)] {
            let Some(text) = given else { continue };
            for names in pairs_of(key, text)? {
                let found = [("teacher", &teacher, names[0]), ("student", student, names[1])];
                let [theirs, own] = found.map(|(who, network, name)| {
                    network.tap(name).ok_or_else(|| {
                        format!(
                            "{key}={text}: the {who} has no hidden layer `{name}`; it has {}",
                            layers(network)
                        )
                    })
                });
                let (theirs, own) = (theirs?, own?);
                let ([h, w, channels], [height, width, own_channels]) = (theirs.shape(), own.shape());
                if (h, w) != (height, width) {
                    return Err(format!(
                        "{key}={text}: layer `{}` of the teacher has {h} x {w} points, `{}` of the student {height} x {width}; \
                         compare layers of one size",
                        names[0], names[1]
                    ));
                }
                let comparison = match is_hint {
                    true if channels == own_channels => Comparison::Hint(None),
                    true => {
                        regressors.push(Regressor::new(own_channels, channels, optimizer, rng));
                        Comparison::Hint(Some(regressors.len() - 1))
                    }
                    false if h * w == 1 => {
                        return Err(format!(
                            "{key}={text}: layer `{}` is no image, and has no map of attention; it is for convolutions, hint for \
                             dense layers",
                            names[0]
                        ));
                    }
                    false => Comparison::Attention(h * w),
                };
                let [theirs_units, units, d_units] = [(); 3].map(|()| Vec::new());
                pairs.push(Pair {
                    comparison,
                    teacher: theirs,
                    student: own,
                    theirs: theirs_units,
                    units,
                    d_units,
                });
            }
        }
        Ok(Self {
            teacher,
            workspace: Workspace::default(),
            weights: [config.hint_weight, config.attention_weight],
            pairs,
            regressors,
            scratch: Scratch::default(),
        })
    }

    /// Gives schedules that are relative to the run its length in steps.
    pub(super) fn begin(&mut self, steps: u64) {
        self.weights = self.weights.map(|weight| weight.of_run(steps));
    }

    /// Computes the teacher's layers with these threads. Results do not depend on their number.
    pub(super) fn with_workers(mut self, workers: &Workers) -> Self {
        self.workspace = Workspace::new(workers.clone());
        for regressor in &mut self.regressors {
            regressor.workspace = Workspace::new(workers.clone());
        }
        self
    }

    /// The sum of the losses of a minibatch in gradient step `step`, counted from 0, with their weights. The student's last forward
    /// pass, of the same inputs, is in `student`.
    pub(super) fn loss(
        &mut self,
        step: u64,
        inputs: &[f32],
        (network, student): (&Network, &Workspace),
    ) -> f32 {
        let Self { teacher, workspace, weights, pairs, regressors, scratch } = self;
        let samples = inputs.len() / teacher.inputs();
        teacher.forward(inputs, workspace);
        let [of_hints, of_maps] = weights.map(|weight| weight.at(step, 1) as f32);
        let mut total = 0.0;
        for Pair { comparison, teacher: tap, student: own, theirs, units, d_units } in pairs {
            theirs.resize(samples * tap.units(), 0.0);
            teacher.activations(*tap, workspace, theirs);
            for buffer in [&mut *units, &mut *d_units] {
                buffer.resize(samples * own.units(), 0.0);
            }
            network.activations(*own, student, units);
            let weight = if matches!(comparison, Comparison::Hint(_)) { of_hints } else { of_maps };
            let value = match comparison {
                Comparison::Hint(Some(index)) => {
                    total += weight * regressors[*index].loss(weight, samples, theirs, units, d_units);
                    continue;
                }
                Comparison::Hint(None) => hint(theirs, units, samples, d_units),
                Comparison::Attention(points) => {
                    attention_transfer(*points, theirs, units, samples, scratch, d_units)
                }
            };
            d_units.iter_mut().for_each(|d| *d *= weight);
            total += weight * value;
        }
        total
    }

    /// The gradients of the last [`loss`](Self::loss) with respect to the student's layers.
    pub(super) fn gradients(&self) -> Vec<(Tap, &[f32])> {
        self.pairs.iter().map(|pair| (pair.student, &*pair.d_units)).collect()
    }

    /// Moves the regressors one step against the gradient of the last [`loss`](Self::loss).
    pub(super) fn step(&mut self, learning_rate: f64, workers: &Workers) {
        self.regressors.iter_mut().for_each(|regressor| regressor.step(learning_rate, workers));
    }

    /// The regressors, in the order of their pairs.
    pub(super) fn regressors(&self) -> impl Iterator<Item = &Network> {
        self.regressors.iter().map(|regressor| &regressor.network)
    }
}

snapshot! {
    impl Restorable for Hints {
        saved: regressors as "regressor";
        built: teacher, workspace, weights, pairs, scratch;
    }
}
