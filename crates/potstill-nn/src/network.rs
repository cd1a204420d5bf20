//! Networks: a closed set of layers over one flat vector of parameters.
//!
//! A target network is a copy of that vector, an EMA teacher one fused pass over it, a checkpoint one slice
//! of it.
//!
//! ```
//! use potstill_core::Streams;
//! use potstill_nn::{NetworkSpec, Workspace};
//!
//! let spec: NetworkSpec = "mlp:8,4:tanh".parse()?;
//! let network = spec.build(3, 2, &mut Streams::new(1).stream("initialisation"));
//! assert_eq!(network.parameters().len(), 3 * 8 + 8 + 8 * 4 + 4 + 4 * 2 + 2);
//! let mut workspace = Workspace::default();
//! // Two samples of three features, two outputs each.
//! assert_eq!(network.predict(&[0.1, 0.2, 0.3, 0.4, 0.5, 0.6], &mut workspace).len(), 4);
//! # Ok::<(), potstill_nn::spec::SpecError>(())
//! ```

use crate::aligned::Aligned;
use crate::init::Initialisation;
use crate::interface::{Ends, Head, Inputs, Interface};
use crate::kernels;
use crate::lanes::WIDTH;
use crate::loss;
use crate::ops;
use crate::pieces::Pieces;
use crate::plan::{Kind, Op, Part, Plan, Weights};
use crate::spec::NetworkSpec;
use potstill_core::snapshot::OnlyIf;
use potstill_core::{Pcg64, SnapshotError, snapshot};
use std::ops::Range;
use std::sync::Arc;

impl NetworkSpec {
    /// The number of parameters of a network with this interface, free ones included.
    ///
    /// # Errors
    /// If there is no such network: an image is too small for its convolutions, or there is none.
    pub fn check(&self, interface: impl Into<Interface>) -> Result<usize, String> {
        Ok(Plan::new(self, &interface.into())?.parameters)
    }

    /// The number of running means and variances of its batch normalisations, which are no parameters.
    ///
    /// # Errors
    /// If there is no such network.
    pub fn statistics(&self, interface: impl Into<Interface>) -> Result<usize, String> {
        Ok(Plan::new(self, &interface.into())?.statistics)
    }

    /// Bytes that a forward and a backward pass over so many samples, and probabilities of each, need beside
    /// the parameters; `None` if they cannot be counted.
    ///
    /// # Errors
    /// If there is no such network.
    pub fn pass_bytes(
        &self,
        interface: impl Into<Interface>,
        samples: usize,
        taus: usize,
    ) -> Result<Option<usize>, String> {
        let Plan { trunk, quantile, .. } = Plan::new(self, &interface.into())?;
        let of = |part: &Part| 2 * part.rows + part.transposed;
        let rows = taus.checked_mul(of(&quantile)).and_then(|rows| rows.checked_add(of(&trunk)));
        let row = samples.next_multiple_of(WIDTH).checked_mul(4);
        Ok(rows.zip(row).and_then(|(rows, row)| rows.checked_mul(row)))
    }

    /// The network with zero parameters, ready to be filled. Running means are 0, and running variances 1.
    ///
    /// # Panics
    /// If [`check`](Self::check) refuses it.
    pub fn zeroed(&self, interface: impl Into<Interface>) -> Network {
        let interface = interface.into();
        let plan = Plan::new(self, &interface).unwrap_or_else(|reason| panic!("{self}: {reason}"));
        let mut statistics = Aligned::zeros(plan.statistics);
        for norm in plan.batch_norms() {
            statistics[norm.stats + norm.channels..][..norm.channels].fill(1.0);
        }
        let no_biases = plan.ops().filter_map(|op| match &op.kind {
            Kind::Linear(weights) if !weights.has_biases => Some(weights.layer.outputs),
            _ => None,
        });
        let zeros = vec![0.0; no_biases.max().unwrap_or(0)];
        Network {
            parameters: Aligned::zeros(plan.parameters),
            statistics,
            batches: 0,
            noise: vec![0.0; plan.noise],
            noisy_parameters: Aligned::zeros(if plan.noise > 0 { plan.parameters } else { 0 }),
            form: Arc::new(Form { spec: self.clone(), interface, pieces: Pieces::new(&plan), plan, zeros }),
        }
    }

    /// The network between features and as many outputs, with PyTorch's default initialisation.
    ///
    /// # Panics
    /// If [`check`](Self::check) refuses it.
    pub fn build(&self, inputs: impl Into<Inputs>, outputs: usize, rng: &mut Pcg64) -> Network {
        self.initialised(&Ends::new(inputs, outputs), Initialisation::Pytorch, rng)
    }

    /// The network with this interface, initialised. Noise is 0 until it is [drawn](Network::draw_noise).
    ///
    /// # Panics
    /// If [`check`](Self::check) refuses it.
    pub fn initialised(
        &self,
        interface: impl Into<Interface>,
        how: Initialisation,
        rng: &mut Pcg64,
    ) -> Network {
        let mut network = self.zeroed(interface);
        let Network { form, parameters, .. } = &mut network;
        for op in form.plan.ops() {
            match &op.kind {
                Kind::Linear(weights) => {
                    how.fill(weights, op.is_output, &mut parameters[weights.offset..], rng);
                }
                Kind::Norm { offset, .. } => parameters[*offset..][..op.from.len()].fill(1.0),
                Kind::BatchNorm(norm) => parameters[norm.offset..][..norm.channels].fill(1.0),
                _ => {}
            }
        }
        for (free, place) in form.interface.free.iter().zip(&form.plan.free) {
            parameters[place.clone()].fill(free.initial);
        }
        network.apply_noise();
        network
    }
}

/// A feed-forward network: its form and its flat parameters.
#[derive(Clone, Debug)]
pub struct Network {
    form: Arc<Form>,
    parameters: Aligned,
    /// Running means and variances of batch normalisations.
    statistics: Aligned,
    /// The batches in them, counted for the warm-up of batch renormalisation.
    batches: u64,
    /// The factors of the noise on weights.
    noise: Vec<f32>,
    /// The parameters with noise on them; empty for a network without noise.
    noisy_parameters: Aligned,
}

/// The part of a network that its clones share.
#[derive(Debug)]
struct Form {
    spec: NetworkSpec,
    interface: Interface,
    plan: Plan,
    /// The pieces that the gradient is computed in.
    pieces: Pieces,
    /// The biases of layers without any.
    zeros: Vec<f32>,
}

impl PartialEq for Network {
    fn eq(&self, other: &Self) -> bool {
        let statistics = (&self.statistics, self.batches);
        (self.spec(), self.interface(), &self.parameters, statistics, &self.noise)
            == (
                other.spec(),
                other.interface(),
                &other.parameters,
                (&other.statistics, other.batches),
                &other.noise,
            )
    }
}

impl Network {
    /// The form.
    pub fn spec(&self) -> &NetworkSpec {
        &self.form.spec
    }

    /// Inputs and outputs.
    pub fn ends(&self) -> &Ends {
        &self.form.interface.ends
    }

    /// Inputs, outputs, named heads and free parameters.
    pub fn interface(&self) -> &Interface {
        &self.form.interface
    }

    /// The outputs of a named head among the outputs of so many samples, `samples x outputs of the head`;
    /// their gradients have the same place. Outputs lie head by head, in the order of the
    /// [interface](Network::interface).
    ///
    /// # Panics
    /// If there is no head of this name.
    pub fn head_range(&self, name: &str, samples: usize) -> Range<usize> {
        let heads = &self.interface().heads;
        let index = heads.iter().position(|head| head.name == name);
        self.head_range_at(index.unwrap_or_else(|| panic!("there is no head `{name}`")), samples)
    }

    /// The same for the head with this index; 0 is the only one of a network without named heads.
    ///
    /// # Panics
    /// If there is no head of this index.
    pub fn head_range_at(&self, index: usize, samples: usize) -> Range<usize> {
        let heads = &self.plan().heads;
        let before: usize = heads[..index].iter().map(ExactSizeIterator::len).sum();
        samples * before..samples * (before + heads[index].len())
    }

    /// The free parameters of this name, if there are any.
    pub fn free_parameters(&self, name: &str) -> Option<&[f32]> {
        let i = self.interface().free.iter().position(|free| free.name == name)?;
        Some(&self.parameters[self.plan().free[i].clone()])
    }

    /// Numbers of all free parameters.
    pub(crate) fn free_count(&self) -> usize {
        self.plan().free.iter().map(ExactSizeIterator::len).sum()
    }

    pub(crate) fn pieces(&self) -> &Pieces {
        &self.form.pieces
    }

    pub(crate) fn plan(&self) -> &Plan {
        &self.form.plan
    }

    /// Numbers of one input.
    pub fn inputs(&self) -> usize {
        self.ends().inputs.count()
    }

    /// Outputs of one sample: choices times outputs per choice.
    pub fn outputs(&self) -> usize {
        self.ends().outputs()
    }

    /// All parameters.
    pub fn parameters(&self) -> &[f32] {
        &self.parameters
    }

    /// Running means and variances of batch normalisations: what they normalise by, but for training passes.
    pub fn statistics(&self) -> &[f32] {
        &self.statistics
    }

    pub(crate) fn statistics_mut(&mut self) -> &mut [f32] {
        &mut self.statistics
    }

    /// Counts a batch in the running statistics, for a warm-up.
    pub(crate) fn count_batch(&mut self) {
        if self.spec().batch_renorm.is_some() {
            self.batches = self.batches.saturating_add(1);
        }
    }

    /// Is true if batch renormalisation is behind its warm-up.
    pub(crate) fn renormalises(&self) -> bool {
        self.spec().batch_renorm.is_some_and(|warm_up| self.batches >= warm_up)
    }

    /// Copies the running statistics of a network with as many.
    pub(crate) fn copy_statistics(&mut self, other: &Self) {
        self.statistics.copy_from_slice(&other.statistics);
        self.batches = other.batches;
    }

    /// Lets `update` change all parameters, and applies the noise again.
    pub fn update_parameters(&mut self, update: impl FnOnce(&mut [f32])) {
        update(&mut self.parameters);
        self.apply_noise();
    }

    /// Moves the parameters towards those of a network of the same form: `self += tau (other - self)`, `tau`
    /// from 0 to 1 (Polyak averaging), and running statistics too. `tau = 1` copies the parameters, and the noise too.
    ///
    /// # Panics
    /// If the networks have different numbers of parameters.
    pub fn polyak_update(&mut self, other: &Self, tau: f32) {
        assert_eq!(self.parameters.len(), other.parameters.len(), "networks of one form");
        if tau == 1.0 {
            self.parameters.copy_from_slice(&other.parameters);
            self.copy_statistics(other);
            self.noise.copy_from_slice(&other.noise);
        } else {
            kernels::blend(tau, &other.parameters, &mut self.parameters);
            kernels::blend(tau, &other.statistics, &mut self.statistics);
            self.batches = other.batches;
        }
        self.apply_noise();
    }

    /// Copies parameters and running statistics of a network of the same form; the noise stays.
    ///
    /// # Panics
    /// If the networks have different numbers of parameters.
    pub fn copy_from(&mut self, other: &Self) {
        self.parameters.copy_from_slice(&other.parameters);
        self.copy_statistics(other);
        self.apply_noise();
    }

    /// Folds a scaling of the inputs into the first layer: the network then gives for `x` what it gave for
    /// `(x - mean) / deviation`.
    ///
    /// # Panics
    /// If the lengths are not those of the inputs, the first layer is a convolution, or batch normalisation
    /// follows or precedes it.
    pub fn fold_input_scaling(&mut self, mean: &[f64], deviations: &[f64]) {
        assert_eq!((mean.len(), deviations.len()), (self.inputs(), self.inputs()), "moments of the inputs");
        assert!(!self.spec().has_statistics(), "a network without batch normalisation");
        let Self { form, parameters, .. } = self;
        let divisor = f64::from(form.spec.input_divisor);
        for op in form.plan.trunk.ops.iter().filter(|op| op.is_first) {
            let Kind::Linear(weights) = &op.kind else { continue };
            assert_eq!(weights.layer.patch(), mean.len(), "a dense first layer");
            let outputs = weights.layer.outputs;
            let all = &mut parameters[weights.offset..];
            for o in 0..outputs {
                let mut bias = f64::from(all[mean.len() * outputs + o]);
                for (k, (m, d)) in mean.iter().zip(deviations).enumerate() {
                    let w = f64::from(all[k * outputs + o]) / d;
                    bias -= w * m / divisor;
                    all[k * outputs + o] = w as f32;
                }
                all[mean.len() * outputs + o] = bias as f32;
            }
            if weights.noise.is_some() {
                let deviating = &mut all[weights.length()..];
                for (k, d) in deviations.iter().enumerate() {
                    deviating[k * outputs..][..outputs]
                        .iter_mut()
                        .for_each(|w| *w = (f64::from(*w) / d) as f32);
                }
            }
        }
        self.apply_noise();
    }

    /// Multiplies the weights of the last layer, as of every named head: the gain of their initial distribution, such as
    /// 0.01 for a policy that begins nearly uniform. Biases stay.
    pub fn scale_output_weights(&mut self, gain: f32) {
        self.scale_weights(gain, |_| true);
    }

    /// The same for one named head.
    ///
    /// # Panics
    /// If there is no head of this name.
    pub fn scale_head_weights(&mut self, name: &str, gain: f32) {
        let index = self.interface().heads.iter().position(|head| head.name == name);
        assert!(index.is_some(), "there is no head `{name}`");
        self.scale_weights(gain, |op| op.name == name);
    }

    /// Multiplies the weights of the output layers that are chosen.
    fn scale_weights(&mut self, gain: f32, is_chosen: impl Fn(&Op) -> bool) {
        let Self { form, parameters, .. } = self;
        for op in form.plan.ops().filter(|op| op.is_output && is_chosen(op)) {
            if let Kind::Linear(weights) = &op.kind {
                let length = weights.layer.patch() * weights.layer.outputs;
                parameters[weights.offset..][..length].iter_mut().for_each(|w| *w *= gain);
            }
        }
        self.apply_noise();
    }

    /// Multiply-adds of a forward pass of one sample (and one probability).
    pub fn multiply_adds(&self) -> usize {
        let of = |op: &Op| match &op.kind {
            Kind::Linear(weights) => weights.layer.multiply_adds(),
            _ => 0,
        };
        self.form.plan.ops().map(of).sum()
    }

    /// Multiply-adds of a backward pass of one sample, without the gradient with respect to the inputs.
    pub fn backward_multiply_adds(&self) -> usize {
        let of = |op: &Op| match &op.kind {
            Kind::Linear(weights) => weights.layer.multiply_adds() * if op.is_first { 1 } else { 2 },
            _ => 0,
        };
        self.form.plan.ops().map(of).sum()
    }

    /// Is true for a network with noise on its weights.
    pub fn is_noisy(&self) -> bool {
        !self.noise.is_empty()
    }

    /// Draws new noise (Fortunato et al. 2018, section 3.1b): each factor is `sgn(x) sqrt|x|` of a standard
    /// normal number.
    pub fn draw_noise(&mut self, rng: &mut Pcg64) {
        for factor in &mut self.noise {
            let x = rng.normal() as f32;
            *factor = x.abs().sqrt().copysign(x);
        }
        self.apply_noise();
    }

    pub(crate) fn noise(&self) -> &[f32] {
        &self.noise
    }

    /// Sets the noise to 0, which leaves the means alone.
    pub fn zero_noise(&mut self) {
        self.noise.fill(0.0);
        self.apply_noise();
    }

    /// Sets the factors of the noise: for each noisy layer those of its inputs, then those of its outputs.
    pub fn set_noise(&mut self, noise: &[f32]) {
        self.noise.copy_from_slice(noise);
        self.apply_noise();
    }

    /// The mean of each choice's distribution, `samples x choices`, from outputs as
    /// [`predict`](Network::predict) or [`forward`](Network::forward) gives them; the outputs themselves if
    /// they are values, and minus infinity for choices that have none.
    pub fn means(&self, samples: usize, outputs: &[f32], means: &mut Vec<f32>) {
        means.clear();
        match self.ends().head {
            Head::Values => means.extend_from_slice(outputs),
            Head::Categorical { atoms, low, high } => {
                let gap = ((high - low) / (atoms - 1) as f64) as f32;
                let of = |logits: &[f32]| loss::softmax_mean(logits, low as f32, gap);
                means.extend(outputs.chunks_exact(atoms).map(of));
            }
            Head::Quantile { quantiles } => {
                let of = |row: &[f32]| row.iter().sum::<f32>() / quantiles as f32;
                means.extend(outputs.chunks_exact(quantiles).map(of));
            }
            Head::Constrained { ln_share } => {
                for row in outputs.chunks_exact(2 * self.ends().choices) {
                    let pairs = || row.chunks_exact(2).map(|pair| (pair[0], pair[1]));
                    let highest = pairs().map(|(_, logit)| logit).fold(f32::NEG_INFINITY, f32::max);
                    means.extend(pairs().map(|(value, logit)| {
                        if logit - highest >= ln_share { value } else { f32::NEG_INFINITY }
                    }));
                }
            }
            Head::Implicit { .. } => {
                let choices = self.ends().choices;
                means.resize(samples * choices, 0.0);
                let taus = outputs.len() / means.len().max(1);
                for (rows, means) in outputs.chunks_exact(taus * choices).zip(means.chunks_exact_mut(choices))
                {
                    for row in rows.chunks_exact(choices) {
                        means.iter_mut().zip(row).for_each(|(mean, &x)| *mean += x);
                    }
                    means.iter_mut().for_each(|mean| *mean /= taus as f32);
                }
            }
        }
    }

    /// Computes the parameters with noise on them, if there is any.
    fn apply_noise(&mut self) {
        if self.noise.is_empty() {
            return;
        }
        self.noisy_parameters.copy_from_slice(&self.parameters);
        for (weights, of_rows, of_outputs) in self.form.plan.noisy(&self.noise) {
            let rows = self.noisy_parameters[weights.offset..][..weights.length()]
                .chunks_exact_mut(of_outputs.len());
            let deviations = &self.parameters[weights.offset + weights.length()..][..weights.length()];
            let rows = rows.zip(deviations.chunks_exact(of_outputs.len()));
            for ((row, deviations), factor) in rows.zip(of_rows) {
                ops::apply_noise(row, deviations, *factor, of_outputs);
            }
        }
    }

    /// Weights and biases, with noise if there is any.
    pub(crate) fn used(&self, weights: &Weights) -> (&[f32], &[f32]) {
        let all = if self.noisy_parameters.is_empty() { &self.parameters } else { &self.noisy_parameters };
        let outputs = weights.layer.outputs;
        let own = &all[weights.offset..][..weights.length()];
        match weights.has_biases {
            true => own.split_at(weights.layer.patch() * outputs),
            false => (own, &self.form.zeros[..outputs]),
        }
    }
}

snapshot! {
    impl Restorable for Network {
        saved: parameters, statistics via OnlyIf(!statistics.is_empty()),
            batches via OnlyIf(form.spec.batch_renorm.is_some()), noise via OnlyIf(!noise.is_empty());
        built: form, noisy_parameters;
        then: |network: &mut Self| {
            network.apply_noise();
            Ok::<(), SnapshotError>(())
        };
    }
}
