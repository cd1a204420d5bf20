//! The backward pass.

use crate::batch_norm;
use crate::kernels;
use crate::lanes::{Level, Row, WIDTH};
use crate::linear::{self, Panel, Summed};
use crate::masks::{self, PanelMasks};
use crate::network::Network;
use crate::ops;
use crate::pieces::Piece;
use crate::plan::{Kind, Op, Part, Plan};
use crate::spec::Activation;
use crate::tap::Tap;
use crate::workspace::{Workspace, sized};
use std::ops::Range;

/// The gradients of a loss that a backward pass begins with.
#[derive(Clone, Copy, Debug, Default)]
pub struct Upstream<'a> {
    /// With respect to the outputs, in their order; empty if they are 0.
    pub outputs: &'a [f32],
    /// With respect to the free parameters, one after the other; empty if they are 0.
    pub free: &'a [f32],
    /// With respect to the activations of hidden layers, `samples x units` each: they are added to what comes
    /// from the outputs.
    pub taps: &'a [(Tap, &'a [f32])],
}

impl<'a> From<&'a [f32]> for Upstream<'a> {
    fn from(outputs: &'a [f32]) -> Self {
        Self { outputs, ..Self::default() }
    }
}

/// The settings of a backward pass through a part.
#[derive(Clone, Copy)]
struct Back<'a> {
    level: Level,
    /// With the gradients that those with respect to the weights are made from.
    weights: bool,
    /// Continues to the first rows of the part.
    inputs: bool,
    /// Gradients that are added on the way, and the panel that takes its share of them.
    taps: &'a [(Tap, &'a [f32])],
    panel: usize,
    /// The masks that the forward pass had.
    masks: Option<PanelMasks<'a>>,
    /// What batch normalisations took, the gradients with respect to their parameters, and the number of samples whose
    /// moments they took; none if these were running ones.
    norms: (&'a [f32], &'a [f32], Option<usize>),
}

/// The share of a panel in numbers of which there are so many for each sample.
fn of_panel(numbers: &[f32], panel: usize, each: usize) -> &[f32] {
    let end = numbers.len().min((panel + 1) * WIDTH * each);
    &numbers[panel * WIDTH * each..end]
}

impl Network {
    /// The gradient with respect to the parameters, given the gradient of the loss with respect to the
    /// outputs of the last [`forward`](Network::forward) (or [`forward_at`](Network::forward_at)) through
    /// `workspace`. Returns the gradient's Euclidean norm, which is cheaper to have here.
    ///
    /// # Panics
    /// If the gradients have not the lengths of outputs and parameters.
    pub fn backward(&self, d_outputs: &[f32], workspace: &mut Workspace, gradient: &mut [f32]) -> f64 {
        self.backward_from(d_outputs.into(), workspace, Some(gradient), None)
    }

    /// The gradients with respect to the parameters and to the inputs of the last forward pass, `samples x
    /// inputs`, each if it is asked for; the other's work is saved. Returns the norm of the first, or 0.
    ///
    /// # Panics
    /// If the gradients have not the lengths of outputs, free parameters, parameters and inputs.
    pub fn backward_from(
        &self,
        upstream: Upstream<'_>,
        workspace: &mut Workspace,
        gradient: Option<&mut [f32]>,
        d_inputs: Option<&mut [f32]>,
    ) -> f64 {
        self.gradients_of_units(upstream, workspace, gradient.is_some(), d_inputs.is_some());
        if let Some(d_inputs) = d_inputs {
            self.gradient_of_inputs(workspace, d_inputs);
        }
        gradient.map_or(0.0, |gradient| self.gradient_of_parameters(upstream.free, workspace, gradient))
    }

    /// The gradient with respect to every unit, transposed for that with respect to the weights if `weights`,
    /// as far as the inputs if `inputs`.
    fn gradients_of_units(
        &self,
        upstream: Upstream<'_>,
        workspace: &mut Workspace,
        weights: bool,
        inputs: bool,
    ) {
        let Plan { trunk, quantile, heads, .. } = self.plan();
        let Workspace { level, workers, samples, taus, panels, masks, norms, d_norms, is_batch, .. } =
            workspace;
        let (samples, taus) = (*samples, *taus);
        let count = upstream.outputs.len();
        assert!(count == 0 || count == samples * taus * self.outputs(), "one gradient per output");
        for &(tap, d_units) in upstream.taps {
            assert!(self.taps().any(|(_, other)| other == tap), "a hidden layer of this network");
            assert_eq!(d_units.len(), samples * tap.units(), "one gradient per unit of a hidden layer");
        }
        // The rows of a head for the samples of a panel and a probability.
        let pack_head = |(head, rows): (usize, &Range<usize>), panel: usize, tau: usize, d_y: &mut [Row]| {
            let d_y = &mut d_y[rows.clone()];
            if count == 0 {
                return d_y.fill([0.0; WIDTH]);
            }
            let d_outputs = &upstream.outputs[self.head_range_at(head, samples * taus)];
            let d_outputs = of_panel(d_outputs, panel, taus * rows.len());
            ops::pack_strided(&d_outputs[tau * rows.len()..], taus * rows.len(), d_y);
        };
        let (all, norms) = (self.statistics().len(), &*norms);
        let batch = is_batch.then_some(samples);
        let team = self.team(samples * taus, workers);
        let panels = &mut panels[..samples.div_ceil(WIDTH)];
        let mut end = trunk.ops.len();
        // A batch normalisation waits for the gradients of all panels.
        for wait in trunk.batch_norms.iter().rev().copied().map(Some).chain([None]) {
            let ops = wait.map_or(0, |norm| norm + 1)..end;
            let norms_of = (&**norms, &*sized(d_norms, all), batch);
            team.for_each(panels, |p, panel| {
                let Panel { values, gradients, transposed, .. } = panel;
                let gradients = sized(gradients, trunk.rows + taus * quantile.rows);
                let transposed = sized(transposed, trunk.transposed + taus * quantile.transposed);
                let (values_before, values_after) = values.split_at(trunk.rows);
                let (gradients_before, gradients_after) = gradients.split_at_mut(trunk.rows);
                let (transposed_before, transposed_after) = transposed.split_at_mut(trunk.transposed);
                let masks = masks.of_panel(p);
                let taps = upstream.taps;
                let back = Back { level: *level, weights, inputs, taps, panel: p, masks, norms: norms_of };
                if end < trunk.ops.len() {
                    // The outputs' gradients are behind.
                } else if quantile.ops.is_empty() {
                    heads.iter().enumerate().for_each(|head| pack_head(head, p, 0, gradients_before));
                } else {
                    gradients_before.fill([0.0; WIDTH]);
                    let parts = values_after
                        .chunks_exact(quantile.rows)
                        .zip(gradients_after.chunks_exact_mut(quantile.rows));
                    let parts = parts.zip(transposed_after.chunks_exact_mut(quantile.transposed)).take(taus);
                    let back = Back { inputs: false, taps: &[], panel: 0, masks: None, ..back };
                    for (tau, ((values, gradients), transposed)) in parts.enumerate() {
                        heads.iter().enumerate().for_each(|head| pack_head(head, p, tau, gradients));
                        let before = Some((values_before, &mut *gradients_before));
                        self.run_back(back, &quantile.ops, (quantile, values, gradients, transposed), before);
                    }
                }
                let rows = (trunk, values_before, &mut *gradients_before, transposed_before);
                self.run_back(back, &trunk.ops[ops.clone()], rows, None);
                if let Some((op, norm)) = wait.and_then(|op| Some((op, trunk.batch_norm(op)?))) {
                    batch_norm::measure_gradient(panel, &trunk.ops[op], norm, norms);
                } else if let Some(masks) = masks.filter(|_| inputs) {
                    masks.drop_inputs(&mut gradients_before[..self.inputs()]);
                }
            });
            if let Some((op, norm)) = wait.and_then(|op| Some((op, trunk.batch_norm(op)?))) {
                batch_norm::join_gradients(panels, norm, sized(d_norms, all));
                end = op + 1;
            }
        }
    }

    /// The gradient with respect to the inputs, from that with respect to every unit.
    fn gradient_of_inputs(&self, workspace: &Workspace, d_inputs: &mut [f32]) {
        let width = self.inputs();
        assert_eq!(d_inputs.len(), workspace.samples * width, "one gradient per input");
        for (panel, d_inputs) in workspace.panels.iter().zip(d_inputs.chunks_mut(WIDTH * width)) {
            let (gradients, inputs) = (&panel.gradients[..width], self.ends().inputs);
            inputs.for_each_run(|sample, rows| {
                ops::unpack(&gradients[rows], width, &mut d_inputs[sample..]);
            });
            ops::divide(d_inputs.as_chunks_mut::<1>().0, self.spec().input_divisor);
        }
    }

    /// The gradient with respect to the parameters, from that with respect to every unit, and its norm.
    fn gradient_of_parameters(&self, d_free: &[f32], workspace: &mut Workspace, gradient: &mut [f32]) -> f64 {
        assert!(d_free.is_empty() || d_free.len() == self.free_count(), "one gradient per free parameter");
        let Plan { trunk, quantile, .. } = self.plan();
        assert_eq!(gradient.len(), self.parameters().len(), "one gradient per parameter");
        let Workspace { level, workers, samples, taus, panels, squares, d_norms, .. } = workspace;
        let (samples, taus, level) = (*samples, *taus, *level);
        let team = self.team(samples * taus, workers);
        let panels = &panels[..samples.div_ceil(WIDTH)];
        let squares = sized(squares, self.pieces().pieces.len());
        team.for_each_range(gradient, squares, &self.pieces().bounds, |i, gradient, square| {
            // What an operation has left, and where that of the next probability follows.
            let summed = |is_quantile: bool, op: &Op| {
                let (first, next, taus) = match is_quantile {
                    false => ((0, 0), (0, 0), 1),
                    true => {
                        let first = (trunk.rows, trunk.transposed);
                        (first, (quantile.rows, quantile.transposed), taus)
                    }
                };
                let inputs = (first.0 + op.from.start, next.0);
                Summed { panels, taus, inputs, gradients: (first.1 + op.transposed, next.1) }
            };
            let op = |is_quantile: bool, op: usize| &(if is_quantile { quantile } else { trunk }).ops[op];
            let layer = |op: &'_ Op| match &op.kind {
                Kind::Linear(weights) => weights.layer,
                _ => unreachable!("weights are those of linear operations"),
            };
            match self.pieces().pieces[i] {
                Piece::Rows { is_quantile, op: i, first } => {
                    let op = op(is_quantile, i);
                    linear::weight_gradient(level, &layer(op), summed(is_quantile, op), first, gradient);
                }
                Piece::Biases { is_quantile, op: i } => {
                    let op = op(is_quantile, i);
                    linear::bias_gradient(level, &layer(op), summed(is_quantile, op), gradient);
                }
                Piece::Norm { is_quantile, op: i } => {
                    let op = op(is_quantile, i);
                    let Kind::Norm { stats, .. } = op.kind else { unreachable!("a normalisation") };
                    let Summed { taus, inputs: (first, next), .. } = summed(is_quantile, op);
                    let first = first - op.from.start;
                    let places = panels.iter().flat_map(|panel| (0..taus).map(move |tau| (panel, tau)));
                    let places = places.map(|(panel, tau)| {
                        let from = first + tau * next;
                        let (values, gradients) = (&panel.values[from..], &panel.gradients[from..]);
                        (&values[op.from.clone()], &values[stats..stats + 2], &gradients[op.to.clone()])
                    });
                    ops::norm_gradient(&places, gradient);
                }
                Piece::BatchNorm { op } => {
                    let norm = trunk.batch_norm(op).expect("a batch normalisation");
                    gradient.copy_from_slice(&d_norms[norm.stats..][..2 * norm.channels]);
                }
                Piece::Free { .. } if d_free.is_empty() => gradient.fill(0.0),
                Piece::Free { first } => gradient.copy_from_slice(&d_free[first..][..gradient.len()]),
                Piece::Deviations => {}
            }
            *square = 0.0;
            if !matches!(self.pieces().pieces[i], Piece::Deviations) {
                kernels::square_sum(gradient, square);
            }
        });
        for (weights, of_rows, of_outputs) in self.plan().noisy(self.noise()) {
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

    /// Takes the gradient with respect to the outputs of some operations of a part back to their inputs, and leaves the
    /// transposed gradients of linear ones.
    fn run_back(
        &self,
        Back { level, weights: for_weights, inputs, taps, panel, masks, norms }: Back<'_>,
        ops: &[Op],
        (part, values, gradients, transposed): (&Part, &[Row], &mut [Row], &mut [Row]),
        mut before: Option<(&[Row], &mut [Row])>,
    ) {
        for op in ops.iter().rev() {
            let (earlier, rest) = gradients.split_at_mut(op.to.start);
            for (tap, d_units) in taps.iter().filter(|(tap, _)| tap.rows() == op.to) {
                let d_units = of_panel(d_units, panel, tap.units());
                ops::add_strided(d_units, tap.units(), &mut rest[..tap.units()]);
            }
            if let (Some(masks), Kind::Activation(..)) = (masks, &op.kind) {
                masks.drop_units(part, op.to.start, &mut rest[..op.to.len()]);
            }
            let d_y = &rest[..op.to.len()];
            if let Kind::Add { other, adds } = op.kind {
                let d_other = &mut earlier[other..][..d_y.len()];
                match adds {
                    true => ops::add(d_y, d_other),
                    false => d_other.copy_from_slice(d_y),
                }
            }
            let d_x = &mut earlier[op.from.clone()];
            let (x, y) = (&values[op.from.clone()], &values[op.to.clone()]);
            match &op.kind {
                Kind::Linear(weights) => {
                    let layer = &weights.layer;
                    if for_weights {
                        let length = layer.points() * layer.padded();
                        linear::transpose_gradients(layer, d_y, &mut transposed[op.transposed..][..length]);
                    }
                    if inputs || !op.is_first {
                        linear::backward(level, layer, self.used(weights).0, d_y, op.adds, d_x);
                    }
                }
                Kind::Activation(activation, _) => {
                    let (x, y) = (x.as_flattened(), y.as_flattened());
                    let (d_x, d_y) = (d_x.as_flattened_mut(), d_y.as_flattened());
                    let scale = masks.map_or(1.0, |masks| masks.hidden_scale());
                    match activation {
                        Activation::Relu => kernels::relu_backward(y, d_y, d_x),
                        Activation::Tanh if scale != 1.0 => {
                            masks::scaled_tanh_backward(scale, y, d_y, d_x);
                        }
                        Activation::Tanh => kernels::tanh_backward(y, d_y, d_x),
                        Activation::Gelu => kernels::gelu_backward(x, d_y, d_x),
                        Activation::Silu => kernels::silu_backward(x, d_y, d_x),
                    }
                }
                Kind::Norm { offset, stats, .. } => {
                    let gains = &self.parameters()[*offset..][..x.len()];
                    ops::norm_backward(x, &values[*stats..][..2], gains, d_y, d_x);
                }
                Kind::BatchNorm(norm) => {
                    let of_norm = norm.stats..norm.stats + 2 * norm.channels;
                    let gains = &self.parameters()[norm.offset..][..norm.channels];
                    let numbers = |samples: usize| samples * x.len() / norm.channels;
                    let share = norms.2.map_or(0.0, |samples| 1.0 / numbers(samples) as f32);
                    let norms = (&norms.0[of_norm.clone()], &norms.1[of_norm], share);
                    batch_norm::backward(x, norms, gains, d_y, d_x);
                }
                Kind::Add { .. } => d_x.copy_from_slice(d_y),
                Kind::Pad(pad) if inputs || !op.is_first => ops::pad_backward(pad, d_y, op.adds, d_x),
                Kind::Pad(_) => {}
                Kind::Pool(pool) => ops::pool_backward(pool, x, y, d_y, d_x),
                Kind::Dueling { choices, atoms } => ops::dueling_backward(*choices, *atoms, d_y, d_x),
                Kind::Mix { before: first } => {
                    let (values, gradients) = before.as_mut().expect("a trunk before it");
                    let (values, gradients) =
                        (&values[*first..][..x.len()], &mut gradients[*first..][..x.len()]);
                    ops::mix_backward((x, values), d_y, (d_x, gradients));
                }
            }
        }
    }
}
