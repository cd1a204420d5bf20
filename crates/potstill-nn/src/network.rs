//! Networks: a closed set of layers over one flat vector of parameters.
//!
//! A target network is a copy of that vector, an EMA teacher one fused pass over it, a checkpoint one slice of it.
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
use crate::kernels;
use crate::lanes::{Level, Row, WIDTH};
use crate::linear::{self, Panel, Summed};
use crate::loss;
use crate::ops;
use crate::plan::{Ends, Head, Inputs, Kind, Op, Part, Plan, Weights};
use crate::spec::{Activation, NetworkSpec};
use crate::workers::Workers;
use potstill_core::{Pcg64, Restorable, Snapshot, SnapshotError, Value};
use std::sync::Arc;

impl NetworkSpec {
    /// The number of parameters between these ends.
    ///
    /// # Errors
    /// If there is no such network: a picture is too small for its convolutions, or there is none.
    pub fn check(&self, ends: &Ends) -> Result<usize, String> {
        Ok(Plan::new(self, ends)?.parameters)
    }

    /// Bytes that a forward and a backward pass over so many samples, and probabilities of each, need beside the parameters; `None` if they
    /// cannot be counted.
    ///
    /// # Errors
    /// If there is no such network.
    pub fn pass_bytes(&self, ends: &Ends, samples: usize, taus: usize) -> Result<Option<usize>, String> {
        let Plan { trunk, quantile, .. } = Plan::new(self, ends)?;
        let of = |part: &Part| 2 * part.rows + part.transposed;
        let rows = taus.checked_mul(of(&quantile)).and_then(|rows| rows.checked_add(of(&trunk)));
        let row = samples.next_multiple_of(WIDTH).checked_mul(4);
        Ok(rows.zip(row).and_then(|(rows, row)| rows.checked_mul(row)))
    }

    /// The network with zero parameters, ready to be filled.
    ///
    /// # Panics
    /// If [`check`](Self::check) refuses it.
    pub fn zeroed(&self, ends: &Ends) -> Network {
        let plan = Plan::new(self, ends).unwrap_or_else(|reason| panic!("{self}: {reason}"));
        Network {
            parameters: Aligned::zeros(plan.parameters),
            noise: vec![0.0; plan.noise],
            disturbed: Aligned::zeros(if plan.noise > 0 { plan.parameters } else { 0 }),
            form: Arc::new(Form { spec: self.clone(), ends: *ends, units: units(&plan), plan }),
        }
    }

    /// The network between features and as many outputs, with PyTorch's default initialisation.
    ///
    /// # Panics
    /// If [`check`](Self::check) refuses it.
    pub fn build(&self, inputs: impl Into<Inputs>, outputs: usize, rng: &mut Pcg64) -> Network {
        self.initialised(&Ends::new(inputs, outputs), Initialisation::Pytorch, rng)
    }

    /// The network between these ends, initialised. Noise is 0 until it is [drawn](Network::draw_noise).
    ///
    /// # Panics
    /// If [`check`](Self::check) refuses it.
    pub fn initialised(&self, ends: &Ends, how: Initialisation, rng: &mut Pcg64) -> Network {
        let mut network = self.zeroed(ends);
        let Network { form, parameters, .. } = &mut network;
        for op in form.plan.ops() {
            match &op.kind {
                Kind::Linear(weights) => {
                    how.fill(weights, op.is_output, &mut parameters[weights.offset..], rng);
                }
                Kind::Norm { offset, .. } => parameters[*offset..][..op.from.len()].fill(1.0),
                _ => {}
            }
        }
        network.disturb();
        network
    }
}

/// One named tensor in PyTorch's layout: `0.weight` of `[outputs, inputs]`, `0.bias` of `[outputs]`, named as in `nn.Sequential`.
#[derive(Clone, Debug, PartialEq)]
pub struct Tensor {
    /// The name.
    pub name: String,
    /// The length of each dimension, slowest first.
    pub shape: Vec<usize>,
    /// The elements, row by row.
    pub data: Vec<f32>,
}

/// A feed-forward network: its form and its flat parameters.
#[derive(Clone, Debug)]
pub struct Network {
    form: Arc<Form>,
    parameters: Aligned,
    /// The factors of the noise on weights.
    noise: Vec<f32>,
    /// With noise: the parameters as they are used.
    disturbed: Aligned,
}

/// What copies of a network share.
#[derive(Debug)]
struct Form {
    spec: NetworkSpec,
    ends: Ends,
    plan: Plan,
    /// The pieces that the gradient is computed in.
    units: Units,
}

impl PartialEq for Network {
    fn eq(&self, other: &Self) -> bool {
        (self.spec(), self.ends(), &self.parameters, &self.noise)
            == (other.spec(), other.ends(), &other.parameters, &other.noise)
    }
}

/// Pieces of the gradient that are computed apart.
#[derive(Clone, Debug)]
struct Units {
    units: Vec<Unit>,
    /// Where each begins among the parameters, and where the last ends.
    bounds: Vec<usize>,
}

#[derive(Clone, Copy, Debug)]
enum Unit {
    /// Rows of weights, from this one on, of operation `op` of the trunk or of what follows it.
    Rows { is_quantile: bool, op: usize, first: usize },
    /// Biases.
    Biases { is_quantile: bool, op: usize },
    /// Deviations of noisy weights, which follow from the means' gradient.
    Deviations,
    /// Gains and biases of a normalisation.
    Norm { is_quantile: bool, op: usize },
}

/// Rows of weights in a piece.
const UNIT_ROWS: usize = 32;

fn units(plan: &Plan) -> Units {
    let mut units = Vec::new();
    for (is_quantile, part) in [(false, &plan.trunk), (true, &plan.quantile)] {
        for (i, op) in part.ops.iter().enumerate() {
            match &op.kind {
                Kind::Linear(weights) => {
                    let Weights { layer, offset, noise, .. } = weights;
                    for first in (0..layer.patch()).step_by(UNIT_ROWS) {
                        units
                            .push((offset + first * layer.outputs, Unit::Rows { is_quantile, op: i, first }));
                    }
                    units.push((offset + layer.patch() * layer.outputs, Unit::Biases { is_quantile, op: i }));
                    if noise.is_some() {
                        units.push((offset + weights.length(), Unit::Deviations));
                    }
                }
                Kind::Norm { offset, .. } => units.push((*offset, Unit::Norm { is_quantile, op: i })),
                _ => {}
            }
        }
    }
    units.sort_by_key(|unit| unit.0);
    let mut bounds: Vec<usize> = units.iter().map(|unit| unit.0).collect();
    bounds.push(plan.parameters);
    Units { units: units.into_iter().map(|unit| unit.1).collect(), bounds }
}

/// What a pass over a batch needs and leaves, reused from batch to batch so that a step allocates nothing.
#[derive(Clone, Debug)]
pub struct Workspace {
    level: Level,
    workers: Workers,
    /// Of the last [`forward`](Network::forward): how many samples there were, and probabilities of each.
    samples: usize,
    copies: usize,
    panels: Vec<Panel>,
    single: Vec<[f32; 1]>,
    outputs: Vec<f32>,
    taus: Vec<f32>,
    /// The sum of squares of each piece of the gradient.
    squares: Vec<f64>,
}

impl Default for Workspace {
    fn default() -> Self {
        Self::new(Workers::default())
    }
}

impl Workspace {
    /// A workspace whose passes are shared by these threads.
    pub fn new(workers: Workers) -> Self {
        Self::at(Level::best(), workers)
    }

    /// A workspace whose products are made with less than the processor has.
    pub fn at(level: Level, workers: Workers) -> Self {
        Self {
            level,
            workers,
            samples: 0,
            copies: 0,
            panels: Vec::new(),
            single: Vec::new(),
            outputs: Vec::new(),
            taus: Vec::new(),
            squares: Vec::new(),
        }
    }

    /// The threads.
    pub fn workers(&self) -> &Workers {
        &self.workers
    }
}

fn sized<T: Copy + Default>(buffer: &mut Vec<T>, length: usize) -> &mut [T] {
    if buffer.len() < length {
        buffer.resize(length, T::default());
    }
    &mut buffer[..length]
}

/// Samples up to which it is cheaper to take them one by one.
const SINGLES_MAX: usize = 5;
/// Multiply-adds that are worth calling the other threads for.
const SHARED_MIN: usize = 400_000;
/// Probabilities that the mean of an implicit distribution is computed over, if not told.
pub const TAUS: usize = 32;

/// Weights with noise on them; the factors of their rows, one for each input and 1 for the biases, as of an input that is 1; and those of their
/// outputs.
fn noisy<'a>(
    plan: &'a Plan,
    noise: &'a [f32],
) -> impl Iterator<Item = (&'a Weights, impl Iterator<Item = &'a f32>, &'a [f32])> {
    plan.ops().filter_map(|op| {
        let Kind::Linear(weights) = &op.kind else { return None };
        let (inputs, outputs) = (weights.layer.patch(), weights.layer.outputs);
        let (of_inputs, of_outputs) = noise[weights.noise?..][..inputs + outputs].split_at(inputs);
        Some((weights, of_inputs.iter().chain(&[1.0]), of_outputs))
    })
}

impl Network {
    /// The form.
    pub fn spec(&self) -> &NetworkSpec {
        &self.form.spec
    }

    /// What goes in, and what comes out.
    pub fn ends(&self) -> &Ends {
        &self.form.ends
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

    /// Changes the parameters.
    pub fn change(&mut self, change: impl FnOnce(&mut [f32])) {
        change(&mut self.parameters);
        self.disturb();
    }

    /// Takes over the parameters of a network of the same form, `tau` of the way: 1 copies them, and the noise.
    pub fn follow(&mut self, other: &Self, tau: f32) {
        assert_eq!(self.parameters.len(), other.parameters.len(), "networks of one form");
        if tau == 1.0 {
            self.parameters.copy_from_slice(&other.parameters);
            self.noise.copy_from_slice(&other.noise);
        } else {
            kernels::blend(tau, &other.parameters, &mut self.parameters);
        }
        self.disturb();
    }

    /// Changes the first layer so that the network sees `x` as it saw `(x - mean) / deviation` before.
    ///
    /// # Panics
    /// If the lengths are not those of the inputs, or the first layer is a convolution.
    pub fn see_through(&mut self, mean: &[f64], deviations: &[f64]) {
        assert_eq!((mean.len(), deviations.len()), (self.inputs(), self.inputs()), "moments of the inputs");
        let Self { form, parameters, .. } = self;
        for op in form.plan.trunk.ops.iter().filter(|op| op.is_first) {
            let Kind::Linear(weights) = &op.kind else { unreachable!("the first operation is linear") };
            assert_eq!(weights.layer.patch(), mean.len(), "a dense first layer");
            let outputs = weights.layer.outputs;
            let all = &mut parameters[weights.offset..];
            for o in 0..outputs {
                let mut bias = f64::from(all[mean.len() * outputs + o]);
                for (k, (m, d)) in mean.iter().zip(deviations).enumerate() {
                    let w = f64::from(all[k * outputs + o]) / d;
                    bias -= w * m;
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
        self.disturb();
    }

    /// Multiply-adds of a forward pass of one sample (and one probability).
    pub fn multiply_adds(&self) -> usize {
        let of = |op: &Op| match &op.kind {
            Kind::Linear(weights) => weights.layer.multiply_adds(),
            _ => 0,
        };
        self.form.plan.ops().map(of).sum()
    }

    /// Multiply-adds of a backward pass of one sample: nobody needs the gradient in the inputs.
    pub fn backward_multiply_adds(&self) -> usize {
        let of = |op: &Op| match &op.kind {
            Kind::Linear(weights) => weights.layer.multiply_adds() * if op.is_first { 1 } else { 2 },
            _ => 0,
        };
        self.form.plan.ops().map(of).sum()
    }

    /// Whether there is noise on its weights.
    pub fn is_noisy(&self) -> bool {
        !self.noise.is_empty()
    }

    /// New noise (Fortunato et al. 2018, section 3.1b): each factor is `sgn(x) sqrt|x|` of a standard normal number.
    pub fn draw_noise(&mut self, rng: &mut Pcg64) {
        for factor in &mut self.noise {
            let x = rng.normal() as f32;
            *factor = x.abs().sqrt().copysign(x);
        }
        self.disturb();
    }

    /// No noise: the means alone.
    pub fn silence(&mut self) {
        self.noise.fill(0.0);
        self.disturb();
    }

    /// The factors of the noise: for each noisy layer those of its inputs, then those of its outputs.
    pub fn set_noise(&mut self, noise: &[f32]) {
        self.noise.copy_from_slice(noise);
        self.disturb();
    }

    /// Makes the parameters as they are used, if there is noise on them.
    fn disturb(&mut self) {
        if self.noise.is_empty() {
            return;
        }
        self.disturbed.copy_from_slice(&self.parameters);
        for (weights, of_rows, of_outputs) in noisy(&self.form.plan, &self.noise) {
            let rows =
                self.disturbed[weights.offset..][..weights.length()].chunks_exact_mut(of_outputs.len());
            let deviations = &self.parameters[weights.offset + weights.length()..][..weights.length()];
            let rows = rows.zip(deviations.chunks_exact(of_outputs.len()));
            for ((row, deviations), factor) in rows.zip(of_rows) {
                ops::disturb(row, deviations, *factor, of_outputs);
            }
        }
    }

    /// Weights and biases as they are used.
    fn used(&self, weights: &Weights) -> (&[f32], &[f32]) {
        let all = if self.disturbed.is_empty() { &self.parameters } else { &self.disturbed };
        all[weights.offset..][..weights.length()].split_at(weights.layer.patch() * weights.layer.outputs)
    }

    fn batch_size(&self, batch: &[f32]) -> usize {
        assert!(batch.len().is_multiple_of(self.inputs()), "a batch of whole samples");
        batch.len() / self.inputs()
    }

    /// Middles of equal parts of the probability, for each sample, where nobody asks for others.
    fn default_taus(&self, samples: usize, workspace: &mut Workspace) -> usize {
        if !matches!(self.ends().head, Head::Implicit { .. }) {
            return 1;
        }
        if workspace.taus.len() < samples * TAUS {
            let taus = (0..samples * TAUS).map(|i| ((i % TAUS) as f32 + 0.5) / TAUS as f32);
            workspace.taus = taus.collect();
        }
        TAUS
    }

    /// The outputs, `samples x outputs`, for a batch of `samples x inputs`, to be followed by [`backward`](Network::backward). An implicit
    /// distribution gives quantiles in the middles of 32 parts, `samples x 32 x outputs`.
    pub fn forward<'w>(&self, batch: &[f32], workspace: &'w mut Workspace) -> &'w [f32] {
        let samples = self.batch_size(batch);
        let copies = self.default_taus(samples, workspace);
        let taus = std::mem::take(&mut workspace.taus);
        self.pass(batch, &taus, (samples, copies), workspace);
        workspace.taus = taus;
        &workspace.outputs
    }

    /// The same for an implicit distribution at the probabilities `taus`, `samples x n`: `samples x n x outputs`.
    pub fn forward_at<'w>(&self, batch: &[f32], taus: &[f32], workspace: &'w mut Workspace) -> &'w [f32] {
        let samples = self.batch_size(batch);
        assert!(taus.len().is_multiple_of(samples), "as many probabilities for each sample");
        self.pass(batch, taus, (samples, taus.len() / samples), workspace);
        &workspace.outputs
    }

    /// The outputs as [`forward`](Network::forward) gives them, to the bit, but nothing is kept for a backward pass: faster for few samples.
    pub fn predict<'w>(&self, batch: &[f32], workspace: &'w mut Workspace) -> &'w [f32] {
        let samples = self.batch_size(batch);
        if samples > SINGLES_MAX {
            return self.forward(batch, workspace);
        }
        let copies = self.default_taus(samples, workspace);
        let Plan { trunk, quantile, .. } = self.plan();
        let Workspace { level, single, outputs, taus, .. } = workspace;
        let width = self.outputs();
        let values = sized(single, trunk.rows + quantile.rows);
        outputs.resize(samples * copies * width, 0.0);
        let (before, after) = values.split_at_mut(trunk.rows);
        for (i, sample) in batch.chunks_exact(self.inputs()).enumerate() {
            self.take_in(sample, &mut before[..sample.len()], ops::copy);
            self.run(*level, trunk, before, &[]);
            for copy in 0..copies {
                let mut last = &*before;
                if !quantile.ops.is_empty() {
                    ops::cosines(&[taus[i * copies + copy]], &mut after[..self.cosines()]);
                    self.run(*level, quantile, after, before);
                    last = after;
                }
                let rows = self.output_rows();
                outputs[(i * copies + copy) * width..][..width].copy_from_slice(last[rows].as_flattened());
            }
        }
        outputs
    }

    /// The mean of each choice's distribution, `samples x choices`, from outputs as [`predict`](Network::predict) or
    /// [`forward`](Network::forward) gives them; the outputs themselves if they are values.
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
            Head::Implicit { .. } => {
                let choices = self.ends().choices;
                means.resize(samples * choices, 0.0);
                let copies = outputs.len() / means.len().max(1);
                for (rows, means) in
                    outputs.chunks_exact(copies * choices).zip(means.chunks_exact_mut(choices))
                {
                    for row in rows.chunks_exact(choices) {
                        means.iter_mut().zip(row).for_each(|(mean, &x)| *mean += x);
                    }
                    means.iter_mut().for_each(|mean| *mean /= copies as f32);
                }
            }
        }
    }

    fn cosines(&self) -> usize {
        self.plan().quantile.ops.first().map_or(0, |op| op.from.len())
    }

    /// The rows of the outputs, in the last part.
    fn output_rows(&self) -> std::ops::Range<usize> {
        let Plan { trunk, quantile, .. } = self.plan();
        let last = if quantile.ops.is_empty() { trunk } else { quantile };
        last.ops.last().expect("a network has a layer").to.clone()
    }

    /// Whether a pass of so many samples is worth sharing.
    fn team(&self, samples: usize, workers: &Workers) -> Workers {
        if samples * self.multiply_adds() < SHARED_MIN { Workers::default() } else { workers.clone() }
    }

    fn pass(
        &self,
        batch: &[f32],
        taus: &[f32],
        (samples, copies): (usize, usize),
        workspace: &mut Workspace,
    ) {
        let Plan { trunk, quantile, .. } = self.plan();
        let Workspace { level, workers, panels, outputs, .. } = workspace;
        (workspace.samples, workspace.copies) = (samples, copies);
        let (inputs, width) = (self.inputs(), self.outputs());
        let count = samples.div_ceil(WIDTH);
        if panels.len() < count {
            panels.resize_with(count, Panel::default);
        }
        let rows = self.output_rows();
        let each = WIDTH * copies * width;
        self.team(samples * copies, workers).for_each(&mut panels[..count], |p, panel| {
            let first = p * WIDTH;
            panel.samples = WIDTH.min(samples - first);
            let values = sized(&mut panel.values, trunk.rows + copies * quantile.rows);
            let (before, after) = values.split_at_mut(trunk.rows);
            let samples = &batch[first * inputs..][..panel.samples * inputs];
            self.take_in(samples, &mut before[..inputs], |samples, rows| {
                ops::pack_strided(samples, inputs, rows);
            });
            self.run(*level, trunk, before, &[]);
            for (copy, after) in after.chunks_exact_mut(quantile.rows.max(1)).enumerate() {
                let mut asked = [0.5; WIDTH];
                for s in 0..panel.samples {
                    asked[s] = taus[(first + s) * copies + copy];
                }
                ops::cosines(&asked, &mut after[..self.cosines()]);
                self.run(*level, quantile, after, before);
            }
        });
        outputs.resize(samples * copies * width, 0.0);
        for (panel, outputs) in panels.iter().zip(outputs.chunks_mut(each)) {
            let (before, after) = panel.values.split_at(trunk.rows);
            if quantile.ops.is_empty() {
                ops::unpack(&before[rows.clone()], width, outputs);
                continue;
            }
            for (copy, after) in after.chunks_exact(quantile.rows).take(copies).enumerate() {
                ops::unpack(&after[rows.clone()], copies * width, &mut outputs[copy * width..]);
            }
        }
    }

    /// Takes samples in, the frames of a stack as channels of one picture.
    fn take_in<R>(&self, samples: &[f32], rows: &mut [R], pack: impl Fn(&[f32], &mut [R])) {
        let Inputs { frames, height, width, channels } = self.ends().inputs;
        if frames == 1 {
            return pack(samples, rows);
        }
        let points = height * width;
        for frame in 0..frames {
            for point in 0..points {
                let from = &samples[(frame * points + point) * channels..];
                pack(from, &mut rows[(point * frames + frame) * channels..][..channels]);
            }
        }
    }

    /// Computes a part, for sixteen samples or one.
    fn run<const L: usize>(&self, level: Level, part: &Part, values: &mut [[f32; L]], before: &[[f32; L]]) {
        for op in &part.ops {
            let (done, rest) = values.split_at_mut(op.to.start);
            let (x, y) = (&done[op.from.clone()], &mut rest[..op.to.len()]);
            match &op.kind {
                Kind::Linear(weights) => {
                    let (w, b) = self.used(weights);
                    let (x, y) = (x.as_flattened(), y.as_flattened_mut());
                    if L == WIDTH {
                        let (x, y) = (x.as_chunks().0, y.as_chunks_mut().0);
                        linear::forward(level, &weights.layer, w, b, x, y);
                    } else {
                        linear::forward_one(level, &weights.layer, w, b, x, y);
                    }
                }
                Kind::Activation(activation) => {
                    let (x, y) = (x.as_flattened(), y.as_flattened_mut());
                    match activation {
                        Activation::Relu => kernels::relu(x, y),
                        Activation::Tanh => kernels::tanh(x, y),
                        Activation::Gelu => kernels::gelu(x, y),
                        Activation::Silu => kernels::silu(x, y),
                    }
                }
                Kind::Norm { offset, stats, .. } => {
                    let gains = &self.parameters[*offset..][..2 * x.len()];
                    let (y, rest) = rest.split_at_mut(op.to.len());
                    // They lie behind the outputs.
                    let stats = &mut rest[stats - op.to.end..][..2];
                    ops::norm_stats(x, stats);
                    ops::norm(x, &[stats[0], stats[1]], gains, y);
                }
                Kind::Pool(pool) => ops::pool(pool, x, y),
                Kind::Dueling { choices, atoms } => ops::dueling(*choices, *atoms, x, y),
                Kind::Mix { before: first } => ops::mix(x, &before[*first..], y),
            }
        }
    }

    /// The gradient in the parameters, given the gradient of the loss in the outputs of the last [`forward`](Network::forward) (or
    /// [`forward_at`](Network::forward_at)) through `workspace`. Returns the gradient's Euclidean norm, which is cheaper to have here.
    ///
    /// # Panics
    /// If the gradients have not the lengths of outputs and parameters.
    pub fn backward(&self, d_outputs: &[f32], workspace: &mut Workspace, gradient: &mut [f32]) -> f64 {
        let Plan { trunk, quantile, .. } = self.plan();
        let Workspace { level, workers, samples, copies, panels, squares, .. } = workspace;
        let (samples, copies, level) = (*samples, *copies, *level);
        let width = self.outputs();
        assert_eq!(d_outputs.len(), samples * copies * width, "one gradient per output");
        assert_eq!(gradient.len(), self.parameters.len(), "one gradient per parameter");
        let rows = self.output_rows();
        let team = self.team(samples * copies, workers);
        let panels = &mut panels[..samples.div_ceil(WIDTH)];
        let each = WIDTH * copies * width;
        team.for_each(panels, |p, panel| {
            let Panel { values, slopes, transposed, .. } = panel;
            let slopes = sized(slopes, trunk.rows + copies * quantile.rows);
            let transposed = sized(transposed, trunk.transposed + copies * quantile.transposed);
            let (values_before, values_after) = values.split_at(trunk.rows);
            let (slopes_before, slopes_after) = slopes.split_at_mut(trunk.rows);
            let (transposed_before, transposed_after) = transposed.split_at_mut(trunk.transposed);
            let d_outputs = &d_outputs[p * each..d_outputs.len().min((p + 1) * each)];
            if quantile.ops.is_empty() {
                ops::pack_strided(d_outputs, width, &mut slopes_before[rows.clone()]);
            } else {
                slopes_before.fill([0.0; WIDTH]);
                let parts = values_after
                    .chunks_exact(quantile.rows)
                    .zip(slopes_after.chunks_exact_mut(quantile.rows));
                let parts = parts.zip(transposed_after.chunks_exact_mut(quantile.transposed)).take(copies);
                for (copy, ((values, slopes), transposed)) in parts.enumerate() {
                    let d_outputs = &d_outputs[copy * width..];
                    ops::pack_strided(d_outputs, copies * width, &mut slopes[rows.clone()]);
                    let before = Some((values_before, &mut *slopes_before));
                    self.run_back(level, quantile, (values, slopes, transposed), before);
                }
            }
            self.run_back(level, trunk, (values_before, slopes_before, transposed_before), None);
        });
        let panels = &*panels;
        let squares = sized(squares, self.form.units.units.len());
        team.for_each_range(gradient, squares, &self.form.units.bounds, |i, gradient, square| {
            // What an operation has left, and where that of the next probability follows.
            let summed = |is_quantile: bool, op: &Op| {
                let (first, next, copies) = match is_quantile {
                    false => ((0, 0), (0, 0), 1),
                    true => {
                        let first = (trunk.rows, trunk.transposed);
                        (first, (quantile.rows, quantile.transposed), copies)
                    }
                };
                let inputs = (first.0 + op.from.start, next.0);
                Summed { panels, copies, inputs, slopes: (first.1 + op.transposed, next.1) }
            };
            let op = |is_quantile: bool, op: usize| &(if is_quantile { quantile } else { trunk }).ops[op];
            let layer = |op: &'_ Op| match &op.kind {
                Kind::Linear(weights) => weights.layer,
                _ => unreachable!("weights are those of linear operations"),
            };
            match self.form.units.units[i] {
                Unit::Rows { is_quantile, op: i, first } => {
                    let op = op(is_quantile, i);
                    linear::weight_gradient(level, &layer(op), summed(is_quantile, op), first, gradient);
                }
                Unit::Biases { is_quantile, op: i } => {
                    let op = op(is_quantile, i);
                    linear::bias_gradient(level, &layer(op), summed(is_quantile, op), gradient);
                }
                Unit::Norm { is_quantile, op: i } => {
                    let op = op(is_quantile, i);
                    let Kind::Norm { stats, .. } = op.kind else { unreachable!("a normalisation") };
                    let Summed { copies, inputs: (first, next), .. } = summed(is_quantile, op);
                    let first = first - op.from.start;
                    let places = panels.iter().flat_map(|panel| (0..copies).map(move |copy| (panel, copy)));
                    let places = places.map(|(panel, copy)| {
                        let from = first + copy * next;
                        let (values, slopes) = (&panel.values[from..], &panel.slopes[from..]);
                        (&values[op.from.clone()], &values[stats..stats + 2], &slopes[op.to.clone()])
                    });
                    ops::norm_gradient(&places, gradient);
                }
                Unit::Deviations => {}
            }
            *square = 0.0;
            if !matches!(self.form.units.units[i], Unit::Deviations) {
                kernels::square_sum(gradient, square);
            }
        });
        for (weights, of_rows, of_outputs) in noisy(self.plan(), &self.noise) {
            let both = &mut gradient[weights.offset..][..2 * weights.length()];
            let (means, deviations) = both.split_at_mut(weights.length());
            let outputs = of_outputs.len();
            let rows = means.chunks_exact(outputs).zip(deviations.chunks_exact_mut(outputs));
            for ((means, deviations), factor) in rows.zip(of_rows) {
                ops::deviations(means, *factor, of_outputs, deviations);
            }
            let mut square = 0.0;
            kernels::square_sum(deviations, &mut square);
            squares[0] += square;
        }
        squares.iter().sum::<f64>().sqrt()
    }

    /// Takes the gradient in the outputs of a part back to its inputs, and leaves the transposed slopes of its linear operations.
    fn run_back(
        &self,
        level: Level,
        part: &Part,
        (values, slopes, transposed): (&[Row], &mut [Row], &mut [Row]),
        mut before: Option<(&[Row], &mut [Row])>,
    ) {
        for op in part.ops.iter().rev() {
            let (earlier, rest) = slopes.split_at_mut(op.to.start);
            let (d_x, d_y) = (&mut earlier[op.from.clone()], &rest[..op.to.len()]);
            let (x, y) = (&values[op.from.clone()], &values[op.to.clone()]);
            match &op.kind {
                Kind::Linear(weights) => {
                    let layer = &weights.layer;
                    let length = layer.points() * layer.padded();
                    linear::transpose_slopes(layer, d_y, &mut transposed[op.transposed..][..length]);
                    if !op.is_first {
                        linear::backward(level, layer, self.used(weights).0, d_y, op.adds, d_x);
                    }
                }
                Kind::Activation(activation) => {
                    let (x, y) = (x.as_flattened(), y.as_flattened());
                    let (d_x, d_y) = (d_x.as_flattened_mut(), d_y.as_flattened());
                    match activation {
                        Activation::Relu => kernels::relu_backward(y, d_y, d_x),
                        Activation::Tanh => kernels::tanh_backward(y, d_y, d_x),
                        Activation::Gelu => kernels::gelu_backward(x, d_y, d_x),
                        Activation::Silu => kernels::silu_backward(x, d_y, d_x),
                    }
                }
                Kind::Norm { offset, stats, .. } => {
                    let gains = &self.parameters[*offset..][..x.len()];
                    ops::norm_backward(x, &values[*stats..][..2], gains, d_y, d_x);
                }
                Kind::Pool(pool) => ops::pool_backward(pool, x, y, d_y, d_x),
                Kind::Dueling { choices, atoms } => ops::dueling_backward(*choices, *atoms, d_y, d_x),
                Kind::Mix { before: first } => {
                    let (values, slopes) = before.as_mut().expect("a trunk before it");
                    let (values, slopes) = (&values[*first..][..x.len()], &mut slopes[*first..][..x.len()]);
                    ops::mix_backward((x, values), d_y, (d_x, slopes));
                }
            }
        }
    }
}

impl Restorable for Network {
    fn snapshot(&self) -> Snapshot {
        let state = Snapshot::new().with("parameters", Value::F32s(self.parameters.to_vec()));
        if self.noise.is_empty() { state } else { state.with("noise", Value::F32s(self.noise.clone())) }
    }

    fn restore(&mut self, snapshot: &Snapshot) -> Result<(), SnapshotError> {
        let (parameters, noise) = (self.parameters.len(), self.noise.len());
        self.parameters.copy_from_slice(snapshot.f32s("parameters", parameters)?);
        if noise > 0 {
            self.noise.copy_from_slice(snapshot.f32s("noise", noise)?);
        }
        self.disturb();
        Ok(())
    }
}
