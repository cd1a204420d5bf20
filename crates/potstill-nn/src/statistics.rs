//! The running statistics of batch normalisations (Ioffe and Szegedy 2015): their update in training, and their end in
//! the weights of a network without them.

use crate::interface::Interface;
use crate::network::Network;
use crate::plan::{BatchNorm, Kind, Plan};
use crate::spec::NetworkSpec;
use crate::workspace::Workspace;
use std::ops::Range;

impl NetworkSpec {
    /// The fewest points over which a batch normalisation of this network takes moments of a sample; none without any.
    ///
    /// # Errors
    /// If there is no such network.
    pub fn batch_norm_points(&self, interface: impl Into<Interface>) -> Result<Option<usize>, String> {
        let Plan { trunk, .. } = Plan::new(self, &interface.into())?;
        let points = trunk.batch_norms.iter().filter_map(|&op| {
            let norm = trunk.batch_norm(op)?;
            Some(trunk.ops[op].from.len() / norm.channels)
        });
        Ok(points.min())
    }
}

impl Network {
    /// Moves the running means and variances towards those of the batch of the last [training
    /// pass](Network::forward_training), by PyTorch's momentum of 0.1; the variance is the unbiased one. With
    /// batch renormalisation they move by 0.01, and the variance is the biased one, as in CrossQ.
    ///
    /// ```
    /// use potstill_core::Pcg64;
    /// use potstill_nn::{Dropout, NetworkSpec, Workspace};
    ///
    /// let mut network = "mlp:1:batchnorm".parse::<NetworkSpec>()?.build(1, 1, &mut Pcg64::new(1));
    /// // A weight of 2, gain and bias of the normalisation, and the outputs' weight and bias.
    /// network.update_parameters(|p| p.copy_from_slice(&[2.0, 1.0, 0.0, 1.0, 0.0]));
    /// let mut workspace = Workspace::default();
    /// let outputs = network.forward_training(&[1.0, 3.0], Dropout::default(), &mut Pcg64::new(1), &mut workspace);
    /// // 2 and 6 are 1 above and below their mean, but for an epsilon of 1e-5; below 0 is cut off.
    /// assert!(outputs[0] == 0.0 && (outputs[1] - 1.0).abs() < 1e-5);
    /// network.update_statistics(&workspace);
    /// // 0.1 x 4, and 0.9 x 1 + 0.1 x 8.
    /// assert_eq!(network.statistics(), [0.4, 1.7]);
    /// # Ok::<(), potstill_nn::spec::SpecError>(())
    /// ```
    ///
    /// # Panics
    /// If there was no training pass of this network through the workspace, and it has batch normalisations.
    pub fn update_statistics(&mut self, workspace: &Workspace) {
        let count = self.statistics().len();
        if count == 0 {
            return;
        }
        assert!(workspace.is_batch, "a training pass");
        // All of a network are of one kind.
        let momentum = self.plan().batch_norms().next().map_or(0.0, BatchNorm::momentum);
        for (running, &batch) in self.statistics_mut().iter_mut().zip(&workspace.moments[..count]) {
            *running = ((1.0 - momentum) * f64::from(*running) + momentum * f64::from(batch)) as f32;
        }
        self.count_batch();
    }

    /// Writes what batch normalisations take outside of training: running means, and one over the deviations.
    pub(crate) fn frozen_norms(&self, norms: &mut Vec<f32>) {
        norms.clear();
        norms.extend_from_slice(self.statistics());
        for norm in self.plan().batch_norms() {
            for scale in &mut norms[norm.stats + norm.channels..][..norm.channels] {
                *scale = norm.scale(f64::from(*scale));
            }
        }
    }

    /// The network without batch normalisations that has the same outputs, but for rounding: each is folded
    /// into the weights and new biases of the layer before it, a renormalisation into those of the layers
    /// behind it. One without any is the same.
    #[must_use]
    pub fn without_batch_norm(&self) -> Self {
        if !self.spec().has_statistics() {
            return self.clone();
        }
        let spec = NetworkSpec { batch_norm: false, batch_renorm: None, ..self.spec().clone() };
        let mut folded = spec.zeroed(self.interface().clone());
        let to: Vec<usize> = folded.linear_offsets().collect();
        let (plan, own) = (self.plan(), self.parameters());
        let ops: Vec<_> = plan.ops().collect();
        let norm_before = |rows: &Range<usize>| {
            ops.iter().find_map(|op| match &op.kind {
                Kind::BatchNorm(norm) if norm.is_renorm && op.to == *rows => Some(norm),
                _ => None,
            })
        };
        let norm_behind = |i: usize| match &ops.get(i)?.kind {
            Kind::BatchNorm(norm) if !norm.is_renorm => Some(norm),
            _ => None,
        };
        let linear = ops.iter().enumerate().filter_map(|(i, op)| match &op.kind {
            Kind::Linear(weights) => Some((weights, norm_before(&op.from), norm_behind(i + 1))),
            _ => None,
        });
        let mut parameters = vec![0.0; folded.parameters().len()];
        for ((weights, before, behind), to) in linear.zip(to) {
            let (count, outputs) = (weights.layer.patch() * weights.layer.outputs, weights.layer.outputs);
            let from = &own[weights.offset..][..weights.length()];
            let place = &mut parameters[to..][..count + outputs];
            place[..from.len()].copy_from_slice(from);
            if let Some(norm) = before {
                let (rows, biases) = place.split_at_mut(count);
                let mut sums: Vec<f64> = biases.iter().map(|&b| f64::from(b)).collect();
                for (row, (factor, shift)) in rows.chunks_exact_mut(outputs).zip(self.affine(norm)) {
                    for (w, sum) in row.iter_mut().zip(&mut sums) {
                        *sum += f64::from(*w) * shift;
                        *w = (f64::from(*w) * factor) as f32;
                    }
                }
                biases.iter_mut().zip(sums).for_each(|(b, sum)| *b = sum as f32);
            }
            let Some(norm) = behind else { continue };
            for (o, (factor, shift)) in self.affine(norm).enumerate() {
                let row = place[..count].iter_mut().skip(o).step_by(outputs);
                row.for_each(|w| *w = (f64::from(*w) * factor) as f32);
                place[count + o] = shift as f32;
            }
        }
        let (free_from, free_to) = (self.plan().free.first(), folded.plan().free.first());
        if let (Some(from), Some(to)) = (free_from, free_to) {
            parameters[to.start..].copy_from_slice(&own[from.start..]);
        }
        folded.update_parameters(|all| all.copy_from_slice(&parameters));
        folded
    }

    /// The factor and the shift of each channel of a batch normalisation outside of training.
    fn affine(&self, norm: &BatchNorm) -> impl Iterator<Item = (f64, f64)> {
        let (statistics, parameters) = (self.statistics(), self.parameters());
        let BatchNorm { channels, offset, stats, .. } = *norm;
        (0..channels).map(move |c| {
            let number = |numbers: &[f32], place: usize| f64::from(numbers[place + c]);
            let (mean, variance) = (number(statistics, stats), number(statistics, stats + channels));
            let factor = number(parameters, offset) / (variance + norm.epsilon()).sqrt();
            (factor, number(parameters, offset + channels) - mean * factor)
        })
    }

    fn linear_offsets(&self) -> impl Iterator<Item = usize> {
        self.plan().ops().filter_map(|op| match &op.kind {
            Kind::Linear(weights) => Some(weights.offset),
            _ => None,
        })
    }
}
