//! The forward pass.

use crate::batch_norm::{self, Moments};
use crate::interface::Head;
use crate::kernels;
use crate::lanes::{Level, WIDTH};
use crate::linear::{self, Panel};
use crate::masks::Masks;
use crate::network::Network;
use crate::ops;
use crate::plan::{Kind, Op, Part, Plan};
use crate::spec::Activation;
use crate::workers::Workers;
use crate::workspace::{Workspace, sized};
use std::ops::Range;

/// Samples up to which it is cheaper to take them one by one.
const SINGLES_MAX: usize = 5;
/// Most panels that a thread takes through the layers side by side: weights come from memory once for all.
pub(crate) const GROUP: usize = 8;
/// Multiply-adds that are worth calling the other threads for.
const SHARED_MIN: usize = 400_000;
/// Numbers of all units that a prediction of many samples computes at a time.
const UNITS_AT_ONCE: usize = 1 << 24;
/// Probabilities in the mean of an implicit distribution, by default.
pub const TAUS: usize = 32;

/// Operations that are computed one after the other.
#[derive(Clone)]
struct Run<'a> {
    level: Level,
    part: &'a Part,
    ops: Range<usize>,
    /// The first row of the part.
    start: usize,
    masks: &'a Masks,
    /// The moments of batch normalisations.
    norms: &'a [f32],
}

impl Network {
    fn batch_size(&self, batch: &[f32]) -> usize {
        assert!(batch.len().is_multiple_of(self.inputs()), "a batch of whole samples");
        batch.len() / self.inputs()
    }

    /// Middles of equal parts of the probability, for each sample, by default.
    fn default_taus(&self, samples: usize, workspace: &mut Workspace) -> usize {
        if !matches!(self.ends().head, Head::Implicit { .. }) {
            return 1;
        }
        if workspace.tau_values.len() < samples * TAUS {
            let tau_values = (0..samples * TAUS).map(|i| ((i % TAUS) as f32 + 0.5) / TAUS as f32);
            workspace.tau_values = tau_values.collect();
        }
        TAUS
    }

    /// The outputs, `samples x outputs`, for a batch of `samples x inputs`, to be followed by
    /// [`backward`](Network::backward). Those of several heads lie [head after head](Network::head_range). An
    /// implicit distribution gives quantiles in the middles of 32 parts, `samples x 32 x outputs`.
    pub fn forward<'w>(&self, batch: &[f32], workspace: &'w mut Workspace) -> &'w [f32] {
        let mut masks = std::mem::take(&mut workspace.masks);
        masks.clear();
        self.forward_masked(batch, (masks, false), workspace)
    }

    /// The same with batch normalisation by the moments of this batch: a [training
    /// pass](Network::forward_training) without dropout.
    ///
    /// # Panics
    /// If there is batch normalisation, and a channel has only one number in the batch.
    pub fn forward_normalised<'w>(&self, batch: &[f32], workspace: &'w mut Workspace) -> &'w [f32] {
        let mut masks = std::mem::take(&mut workspace.masks);
        masks.clear();
        self.forward_masked(batch, (masks, true), workspace)
    }

    /// The same with masks of dropout, and by the moments of the batch if `is_batch`.
    pub(crate) fn forward_masked<'w>(
        &self,
        batch: &[f32],
        (masks, is_batch): (Masks, bool),
        workspace: &'w mut Workspace,
    ) -> &'w [f32] {
        (workspace.masks, workspace.is_batch) = (masks, is_batch);
        let samples = self.batch_size(batch);
        let taus = self.default_taus(samples, workspace);
        let tau_values = std::mem::take(&mut workspace.tau_values);
        self.pass(batch, &tau_values, (samples, taus), workspace);
        workspace.tau_values = tau_values;
        &workspace.outputs
    }

    /// The same for an implicit distribution at the probabilities `taus`, 0 to 1 and `samples x n`: `samples x n x
    /// outputs`.
    ///
    /// # Panics
    /// If there are not as many probabilities for each sample, or the batch is not of whole samples.
    pub fn forward_at<'w>(&self, batch: &[f32], taus: &[f32], workspace: &'w mut Workspace) -> &'w [f32] {
        let samples = self.batch_size(batch);
        assert!(taus.len().is_multiple_of(samples), "as many probabilities for each sample");
        workspace.masks.clear();
        workspace.is_batch = false;
        self.pass(batch, taus, (samples, taus.len() / samples), workspace);
        &workspace.outputs
    }

    /// The outputs as [`forward`](Network::forward) gives them, to the bit, but nothing is kept for a
    /// backward pass: faster for few samples.
    pub fn predict<'w>(&self, batch: &[f32], workspace: &'w mut Workspace) -> &'w [f32] {
        let samples = self.batch_size(batch);
        if samples > SINGLES_MAX {
            return self.forward_in_parts(batch, workspace);
        }
        let taus = self.default_taus(samples, workspace);
        let Plan { trunk, quantile, heads, .. } = self.plan();
        let Workspace { level, single, outputs, tau_values, norms, .. } = workspace;
        self.frozen_norms(norms);
        let values = sized(single, trunk.rows + quantile.rows);
        outputs.resize(samples * taus * self.outputs(), 0.0);
        let (before, after) = values.split_at_mut(trunk.rows);
        for (i, sample) in batch.chunks_exact(self.inputs()).enumerate() {
            self.ends().inputs.for_each_run(|from, rows| ops::copy(&sample[from..], &mut before[rows]));
            ops::divide(&mut before[..self.inputs()], self.spec().input_divisor);
            self.run_one((*level, norms), trunk, before, &[]);
            for tau in 0..taus {
                let mut last = &*before;
                if !quantile.ops.is_empty() {
                    ops::cosines(&[tau_values[i * taus + tau]], &mut after[..self.cosines()]);
                    self.run_one((*level, norms), quantile, after, before);
                    last = after;
                }
                for (head, rows) in heads.iter().enumerate() {
                    let outputs = &mut outputs[self.head_range_at(head, samples * taus)];
                    let place = (i * taus + tau) * rows.len();
                    outputs[place..][..rows.len()].copy_from_slice(last[rows.clone()].as_flattened());
                }
            }
        }
        outputs
    }

    /// Outputs of many samples, some at a time so that the units of all do not fill the memory: none is looked at again.
    fn forward_in_parts<'w>(&self, batch: &[f32], workspace: &'w mut Workspace) -> &'w [f32] {
        let Plan { trunk, quantile, heads, .. } = self.plan();
        let most = UNITS_AT_ONCE / (trunk.rows + TAUS * quantile.rows);
        let most = most.next_multiple_of(WIDTH).max(WIDTH) * self.inputs();
        // Outputs of several heads lie head by head.
        if batch.len() <= most || heads.len() > 1 {
            return self.forward(batch, workspace);
        }
        let mut outputs = std::mem::take(&mut workspace.gathered);
        outputs.clear();
        for part in batch.chunks(most) {
            outputs.extend_from_slice(self.forward(part, workspace));
        }
        workspace.gathered = std::mem::replace(&mut workspace.outputs, outputs);
        &workspace.outputs
    }

    fn cosines(&self) -> usize {
        self.plan().quantile.ops.first().map_or(0, |op| op.from.len())
    }

    /// The threads that a pass of so many samples is shared by: all, if it is worth calling them.
    pub(crate) fn team(&self, samples: usize, workers: &Workers) -> Workers {
        if samples * self.multiply_adds() < SHARED_MIN { Workers::default() } else { workers.clone() }
    }

    fn pass(
        &self,
        batch: &[f32],
        tau_values: &[f32],
        (samples, taus): (usize, usize),
        workspace: &mut Workspace,
    ) {
        let Plan { trunk, quantile, heads, .. } = self.plan();
        (workspace.samples, workspace.taus) = (samples, taus);
        let Workspace {
            level, workers, panels, outputs, masks, norms, batch_norms, moments, is_batch, ..
        } = workspace;
        let inputs = self.inputs();
        let count = samples.div_ceil(WIDTH);
        if panels.len() < count {
            panels.resize_with(count, Panel::default);
        }
        let panels = &mut panels[..count];
        let team = self.team(samples * taus, workers);
        self.frozen_norms(norms);
        // A batch normalisation waits for the moments of all panels.
        let waits: &[usize] = if *is_batch { &trunk.batch_norms } else { &[] };
        let pack = |group: &mut [Panel], p: usize| {
            for (p, panel) in (p..).zip(&mut *group) {
                let first = p * WIDTH;
                panel.samples = WIDTH.min(samples - first);
                let values = sized(&mut panel.values, trunk.rows + taus * quantile.rows);
                let samples = &batch[first * inputs..][..panel.samples * inputs];
                self.ends().inputs.for_each_run(|sample, rows| {
                    ops::pack_strided(&samples[sample..], inputs, &mut values[rows]);
                });
                ops::divide(&mut values[..inputs], self.spec().input_divisor);
                if let Some(masks) = masks.of_panel(p) {
                    masks.drop_inputs(&mut values[..inputs]);
                }
            }
        };
        let (mut begin, mut is_packed) = (0, false);
        for &wait in waits {
            let norm = trunk.batch_norm(wait).expect("a batch normalisation");
            let run = Run { level: *level, part: trunk, ops: begin..wait, start: 0, masks, norms };
            team.for_each_group(GROUP, panels, |p, group| {
                if !is_packed {
                    pack(group, p);
                }
                self.run(&run, (p, group));
                group.iter_mut().for_each(|panel| batch_norm::measure(panel, &trunk.ops[wait], norm));
            });
            let all = self.statistics().len();
            let moments = Moments { norms, batch: sized(batch_norms, all), running: sized(moments, all) };
            batch_norm::join(panels, &trunk.ops[wait], norm, self.renormalises(), moments);
            (begin, is_packed) = (wait, true);
        }
        let ops = begin..trunk.ops.len();
        let run = Run { level: *level, part: trunk, ops, start: 0, masks, norms };
        team.for_each_group(GROUP, panels, |p, group| {
            if !is_packed {
                pack(group, p);
            }
            self.run(&run, (p, group));
            for tau in 0..if quantile.ops.is_empty() { 0 } else { taus } {
                let start = trunk.rows + tau * quantile.rows;
                for (p, panel) in (p..).zip(&mut *group) {
                    let mut asked = [0.5; WIDTH];
                    for s in 0..panel.samples {
                        asked[s] = tau_values[(p * WIDTH + s) * taus + tau];
                    }
                    ops::cosines(&asked, &mut panel.values[start..][..self.cosines()]);
                }
                let (ops, masks) = (0..quantile.ops.len(), &Masks::default());
                self.run(&Run { part: quantile, ops, start, masks, ..run.clone() }, (p, group));
            }
        });
        outputs.resize(samples * taus * self.outputs(), 0.0);
        for (head, rows) in heads.iter().enumerate() {
            let (width, outputs) = (rows.len(), &mut outputs[self.head_range_at(head, samples * taus)]);
            for (panel, outputs) in panels.iter().zip(outputs.chunks_mut(WIDTH * taus * width)) {
                let (before, after) = panel.values.split_at(trunk.rows);
                if quantile.ops.is_empty() {
                    ops::unpack(&before[rows.clone()], width, outputs);
                    continue;
                }
                for (tau, after) in after.chunks_exact(quantile.rows).take(taus).enumerate() {
                    ops::unpack(&after[rows.clone()], taus * width, &mut outputs[tau * width..]);
                }
            }
        }
    }

    /// Computes operations for panels, of which the first is the `p`-th.
    fn run(&self, run: &Run<'_>, (p, panels): (usize, &mut [Panel])) {
        let Run { level, part, ref ops, start, masks, norms } = *run;
        for op in &part.ops[ops.clone()] {
            if let Kind::Linear(weights) = &op.kind {
                let places = (start + op.from.start, start + op.to.start);
                linear::forward(level, &weights.layer, self.used(weights), panels, places);
                continue;
            }
            for (p, panel) in (p..).zip(&mut *panels) {
                let (before, values) = panel.values.split_at_mut(start);
                self.apply(op, norms, values, before);
                if let (Some(masks), Kind::Activation(..)) = (masks.of_panel(p), &op.kind) {
                    masks.drop_units(part, op.to.start, &mut values[op.to.clone()]);
                }
            }
        }
    }

    /// Computes a part for one sample.
    fn run_one(
        &self,
        (level, norms): (Level, &[f32]),
        part: &Part,
        values: &mut [[f32; 1]],
        before: &[[f32; 1]],
    ) {
        for op in &part.ops {
            let Kind::Linear(weights) = &op.kind else {
                self.apply(op, norms, values, before);
                continue;
            };
            let (done, rest) = values.split_at_mut(op.to.start);
            let (x, y) = (done[op.from.clone()].as_flattened(), rest[..op.to.len()].as_flattened_mut());
            let (w, b) = self.used(weights);
            linear::forward_one(level, &weights.layer, w, b, x, y);
        }
    }

    /// Computes an operation that is no product, for sixteen samples or one. `before` has the rows of the trunk, `norms`
    /// what batch normalisations take.
    fn apply<const L: usize>(&self, op: &Op, norms: &[f32], values: &mut [[f32; L]], before: &[[f32; L]]) {
        let (done, rest) = values.split_at_mut(op.to.start);
        let (x, y) = (&done[op.from.clone()], &mut rest[..op.to.len()]);
        match &op.kind {
            Kind::Linear(_) => {}
            Kind::Activation(activation, _) => {
                let (x, y) = (x.as_flattened(), y.as_flattened_mut());
                match activation {
                    Activation::Relu => kernels::relu(x, y),
                    Activation::Tanh => kernels::tanh(x, y),
                    Activation::Gelu => kernels::gelu(x, y),
                    Activation::Silu => kernels::silu(x, y),
                }
            }
            Kind::Norm { offset, stats, .. } => {
                let gains = &self.parameters()[*offset..][..2 * x.len()];
                let (y, rest) = rest.split_at_mut(op.to.len());
                // They lie behind the outputs.
                let stats = &mut rest[stats - op.to.end..][..2];
                ops::norm_stats(x, self.spec().layer_norm_epsilon, stats);
                ops::norm(x, &[stats[0], stats[1]], gains, y);
            }
            Kind::BatchNorm(norm) => {
                let gains = &self.parameters()[norm.offset..][..2 * norm.channels];
                batch_norm::apply(x, &norms[norm.stats..][..2 * norm.channels], gains, y);
            }
            Kind::Add { other, .. } => {
                y.copy_from_slice(x);
                ops::add(&done[*other..][..x.len()], y);
            }
            Kind::Pad(pad) => ops::pad(pad, x, y),
            Kind::Pool(pool) => ops::pool(pool, x, y),
            Kind::Dueling { choices, atoms } => ops::dueling(*choices, *atoms, x, y),
            Kind::Mix { before: first } => ops::mix(x, &before[*first..], y),
        }
    }
}
