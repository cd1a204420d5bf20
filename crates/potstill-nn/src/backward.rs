//! The backward pass.

use crate::batch_norm::{self, Taken};
use crate::forward::GROUP;
use crate::kernels;
use crate::lanes::{Level, Row, WIDTH};
use crate::linear::{self, Panel, Summed};
use crate::masks::{self, Masks};
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
    /// Gradients that are added on the way.
    taps: &'a [(Tap, &'a [f32])],
    /// The masks that the forward pass had.
    masks: &'a Masks,
    /// The first row of the part, and the first of its transposed gradients.
    start: (usize, usize),
    norms: Taken<'a>,
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
        let Workspace { level, workers, samples, taus, panels, masks, norms, batch_norms, d_norms, .. } =
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
        let none = Masks::default();
        let team = self.team(samples * taus, workers);
        let panels = &mut panels[..samples.div_ceil(WIDTH)];
        let (all, of_batch) = (self.statistics().len(), workspace.is_batch.then_some(samples));
        let batch_norms = if workspace.is_batch { &**batch_norms } else { &**norms };
        let mut end = trunk.ops.len();
        // A batch normalisation waits for the gradients of all panels.
        for wait in trunk.batch_norms.iter().rev().copied().map(Some).chain([None]) {
            let ops = &trunk.ops[wait.map_or(0, |norm| norm + 1)..end];
            let is_last_part = end == trunk.ops.len();
            let norm = wait.and_then(|op| Some((&trunk.ops[op], trunk.batch_norm(op)?)));
            let taken = Taken { norms, batch: batch_norms, d_norms: sized(d_norms, all), samples: of_batch };
            team.for_each_group(GROUP, panels, |p, group| {
                let start = (trunk.rows, trunk.transposed);
                let (level, norms) = (*level, taken);
                let back = Back { level, weights, inputs: false, taps: &[], masks: &none, start, norms };
                for (p, panel) in (p..).zip(&mut *group).filter(|_| is_last_part) {
                    let gradients = sized(&mut panel.gradients, trunk.rows + taus * quantile.rows);
                    sized(&mut panel.transposed, trunk.transposed + taus * quantile.transposed);
                    if quantile.ops.is_empty() {
                        heads.iter().enumerate().for_each(|head| pack_head(head, p, 0, gradients));
                    } else {
                        gradients[..trunk.rows].fill([0.0; WIDTH]);
                    }
                }
                for tau in 0..if quantile.ops.is_empty() { 0 } else { taus } {
                    let start =
                        (trunk.rows + tau * quantile.rows, trunk.transposed + tau * quantile.transposed);
                    for (p, panel) in (p..).zip(&mut *group) {
                        let gradients = &mut panel.gradients[start.0..];
                        heads.iter().enumerate().for_each(|head| pack_head(head, p, tau, gradients));
                    }
                    self.run_back(Back { start, ..back }, (quantile, &quantile.ops), (p, group));
                }
                let back = Back { inputs, taps: upstream.taps, masks, start: (0, 0), ..back };
                self.run_back(back, (trunk, ops), (p, group));
                if let Some((op, norm)) = norm {
                    for panel in group {
                        batch_norm::measure_gradient(panel, op, norm, taken.norms);
                    }
                    return;
                }
                for (p, panel) in (p..).zip(group).filter(|_| inputs) {
                    if let Some(masks) = masks.of_panel(p) {
                        masks.drop_inputs(&mut panel.gradients[..self.inputs()]);
                    }
                }
            });
            if let (Some(op), Some((_, norm))) = (wait, norm) {
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
    /// transposed gradients of linear ones, for panels, of which the first is the `p`-th.
    fn run_back(&self, back: Back<'_>, (part, ops): (&Part, &[Op]), (p, panels): (usize, &mut [Panel])) {
        for op in ops.iter().rev() {
            for (p, panel) in (p..).zip(&mut *panels) {
                self.apply_back(back, part, op, (p, panel));
            }
            if let Kind::Linear(weights) = &op.kind
                && (back.inputs || !op.is_first)
            {
                let places = (back.start.0 + op.to.start, back.start.0 + op.from.start);
                let (w, _) = self.used(weights);
                linear::backward(back.level, &weights.layer, w, panels, places, op.adds);
            }
        }
    }

    /// The same for one operation and panel; of a linear operation only what precedes and surrounds the product.
    fn apply_back(&self, back: Back<'_>, part: &Part, op: &Op, (p, panel): (usize, &mut Panel)) {
        let Panel { values, gradients, transposed, .. } = panel;
        let (values_before, values) = values.split_at(back.start.0);
        let (gradients_before, gradients) = gradients.split_at_mut(back.start.0);
        let (earlier, rest) = gradients.split_at_mut(op.to.start);
        for (tap, d_units) in back.taps.iter().filter(|(tap, _)| tap.rows() == op.to) {
            let d_units = of_panel(d_units, p, tap.units());
            ops::add_strided(d_units, tap.units(), &mut rest[..tap.units()]);
        }
        let masks = back.masks.of_panel(p);
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
            Kind::Linear(weights) if back.weights => {
                let layer = &weights.layer;
                let transposed = &mut transposed[back.start.1 + op.transposed..];
                linear::transpose_gradients(layer, d_y, &mut transposed[..layer.points() * layer.padded()]);
            }
            Kind::Linear(_) => {}
            Kind::Activation(activation, _) => {
                let (x, y) = (x.as_flattened(), y.as_flattened());
                let (d_x, d_y) = (d_x.as_flattened_mut(), d_y.as_flattened());
                let scale = masks.map_or(1.0, |masks| masks.hidden_scale());
                match activation {
                    Activation::Relu => kernels::relu_backward(y, d_y, d_x),
                    Activation::Tanh if scale != 1.0 => masks::scaled_tanh_backward(scale, y, d_y, d_x),
                    Activation::Tanh => kernels::tanh_backward(y, d_y, d_x),
                    Activation::Gelu => kernels::gelu_backward(x, d_y, d_x),
                    Activation::Silu => kernels::silu_backward(x, d_y, d_x),
                }
            }
            Kind::Norm { offset, stats, .. } => {
                let gains = &self.parameters()[*offset..][..x.len()];
                ops::norm_backward(x, &values[*stats..][..2], gains, d_y, d_x);
            }
            Kind::BatchNorm(norm) if back.inputs || !op.is_first => {
                let gains = &self.parameters()[norm.offset..][..norm.channels];
                batch_norm::backward(x, (norm, back.norms), gains, d_y, d_x);
            }
            Kind::BatchNorm(_) => {}
            Kind::Add { .. } => d_x.copy_from_slice(d_y),
            Kind::Pad(pad) if back.inputs || !op.is_first => ops::pad_backward(pad, d_y, op.adds, d_x),
            Kind::Pad(_) => {}
            Kind::Pool(pool) => ops::pool_backward(pool, x, y, d_y, d_x),
            Kind::Dueling { choices, atoms } => ops::dueling_backward(*choices, *atoms, d_y, d_x),
            Kind::Mix { before: first } => {
                let values = &values_before[*first..][..x.len()];
                let gradients = &mut gradients_before[*first..][..x.len()];
                ops::mix_backward((x, values), d_y, (d_x, gradients));
            }
        }
    }
}
