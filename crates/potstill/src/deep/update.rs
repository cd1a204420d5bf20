//! The buffers of an update of DQN and its distributional variants, and the selection of the next action.

use crate::experience::Batch;
use crate::targets;
use crate::teacher::Teacher;
use potstill_core::Pcg64;
use potstill_nn::loss::Layout;
use potstill_nn::{Network, Workers, Workspace};

/// Buffers reused from update to update.
#[derive(Clone, Debug, Default)]
pub(super) struct UpdateBuffers {
    /// The online network's forward pass over `s`, for the backward pass.
    pub(super) workspace: Workspace,
    /// The online network's forward pass over `s'`.
    next_workspace: Workspace,
    pub(super) batch: Batch,
    /// `Q(s', .; theta)`, `samples x actions`, if the online network selects the next action; else empty.
    pub(super) q_select: Vec<f32>,
    /// `Q(s', .; theta-)`, `samples x actions`.
    pub(super) q_next: Vec<f32>,
    /// The target network's distributions of the return of the next action, `samples x parts`.
    pub(super) next_distribution: Vec<f32>,
    pub(super) taus: Vec<f32>,
    /// The targets `y`.
    pub(super) y: Vec<f32>,
    pub(super) td_errors: Vec<f32>,
    /// The share of the targets' probability beyond a fixed support.
    pub(super) clipped_mass: Option<f64>,
    /// `Q(s, .; theta)`, `samples x actions`, for the log.
    pub(super) q: Vec<f32>,
    /// The gradient with respect to the online network's outputs.
    pub(super) d_outputs: Vec<f32>,
}

impl UpdateBuffers {
    pub(super) fn new(workers: &Workers) -> Self {
        let workspace = || Workspace::new(workers.clone());
        Self { workspace: workspace(), next_workspace: workspace(), ..Self::default() }
    }

    /// The mean of `Q(s, a; theta)` over the batch, from the online network's last pass.
    pub(super) fn mean_q(&mut self, online: &Network) -> f64 {
        let Self { workspace, batch, q, .. } = self;
        let (samples, actions) = (batch.actions.len(), online.ends().choices);
        online.means(samples, workspace.outputs(), q);
        mean_chosen(q, &batch.actions, actions)
    }

    /// Evaluates the online network in the next states if it selects the next action there (`double`).
    pub(super) fn select_next(&mut self, online: &Network, double: bool) {
        let Self { next_workspace, batch, q_select, .. } = self;
        q_select.clear();
        if double {
            let outputs = online.predict(&batch.next_observations, next_workspace);
            online.means(batch.actions.len(), outputs, q_select);
        }
    }

    /// Copies the distributions of the next actions from the target network's `outputs` in the next states:
    /// of the greedy actions by `q_select` or, if that is empty, by the means of these outputs.
    pub(super) fn gather_next(&mut self, online: &Network, outputs: &[f32], layout: Layout) {
        let Self { batch, q_select, q_next, next_distribution, .. } = self;
        let Layout { parts, choice, part } = layout;
        let samples = batch.actions.len();
        let values = if q_select.is_empty() {
            online.means(samples, outputs, q_next);
            q_next
        } else {
            q_select
        };
        next_distribution.clear();
        let rows = outputs.chunks_exact(outputs.len() / samples);
        for (row, values) in rows.zip(values.chunks_exact(online.ends().choices)) {
            let first = targets::argmax(values) * choice;
            next_distribution.extend((0..parts).map(|i| row[first + i * part]));
        }
    }
}

/// The mean value of the chosen actions: `values` is `samples x actions`.
pub(super) fn mean_chosen(values: &[f32], chosen: &[usize], actions: usize) -> f64 {
    let of_chosen = chosen.iter().zip(values.chunks_exact(actions)).map(|(&action, q)| f64::from(q[action]));
    of_chosen.sum::<f64>() / chosen.len() as f64
}

/// The parts of an agent that a distributional loss reads and writes.
pub(super) struct Update<'a> {
    pub(super) online: &'a Network,
    pub(super) target: &'a mut Teacher,
    pub(super) buffers: &'a mut UpdateBuffers,
    /// True if the online network selects the next action.
    pub(super) double: bool,
    /// The random stream of probabilities.
    pub(super) taus: &'a mut Pcg64,
}
