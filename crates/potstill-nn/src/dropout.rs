//! Dropout (Srivastava et al. 2014; Hinton et al. 2012): each input and each hidden unit of a training pass is
//! left out with a probability, and what is left is scaled up by one over the probability of staying ("inverted
//! dropout"), so that expected values are those of a pass without it.
//!
//! A pass with dropout is one that a gradient step follows: [`Network::forward_training`]. Predictions have none.
//! In a network that takes probabilities (an implicit distribution) only the layers before these come in have it.

use crate::network::Network;
use crate::workspace::Workspace;
use potstill_core::Pcg64;

/// The probabilities of leaving out an input and a hidden unit, each 0 or above and below 1.
///
/// ```
/// use potstill_core::Pcg64;
/// use potstill_nn::{Dropout, NetworkSpec, Workspace};
///
/// let mut network = "mlp".parse::<NetworkSpec>()?.build(1, 1, &mut Pcg64::new(1));
/// network.update_parameters(|parameters| parameters.copy_from_slice(&[3.0, 0.0]));
/// let (mut workspace, mut rng) = (Workspace::default(), Pcg64::new(2));
/// let dropout = Dropout { inputs: 0.25, hidden: 0.0 };
/// // Three times 1, or three times 4/3 with probability 3/4.
/// let outputs = network.forward_training(&[1.0; 1000], dropout, &mut rng, &mut workspace);
/// assert!(outputs.iter().all(|&y| y == 0.0 || y == 4.0));
/// assert!((outputs.iter().sum::<f32>() / 1000.0 - 3.0).abs() < 0.2);
/// # Ok::<(), potstill_nn::spec::SpecError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Dropout {
    /// The probability of leaving out an input.
    pub inputs: f64,
    /// The probability of leaving out a unit of a hidden layer, after its nonlinearity.
    pub hidden: f64,
}

impl Dropout {
    /// Returns true if nothing is left out.
    pub fn is_off(self) -> bool {
        self.inputs == 0.0 && self.hidden == 0.0
    }
}

impl Network {
    /// The outputs of a pass that a gradient step follows: as [`forward`](Network::forward) gives them, with dropout
    /// and with batch normalisation by the moments of this batch, which go into the running ones by
    /// [`update_statistics`](Network::update_statistics). Masks are drawn from `rng` before the pass, the same ones
    /// for any number of threads, and [`backward`](Network::backward) uses them again.
    /// [Activations](Network::activations) of hidden layers are those after dropout.
    ///
    /// # Panics
    /// If there is batch normalisation, and a channel has only one number in the batch.
    pub fn forward_training<'w>(
        &self,
        batch: &[f32],
        dropout: Dropout,
        rng: &mut Pcg64,
        workspace: &'w mut Workspace,
    ) -> &'w [f32] {
        if dropout.is_off() {
            return self.forward_normalised(batch, workspace);
        }
        let mut masks = std::mem::take(&mut workspace.masks);
        masks.clear();
        let (inputs, of) = (self.inputs(), [dropout.inputs, dropout.hidden]);
        masks.draw(&self.plan().trunk, inputs, batch.len() / inputs, of, rng);
        self.forward_masked(batch, (masks, true), workspace)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{NetworkSpec, Workers, loss};

    fn network(spec: &str, inputs: impl Into<crate::Inputs>, outputs: usize) -> Network {
        spec.parse::<NetworkSpec>().unwrap().build(inputs, outputs, &mut Pcg64::new(3))
    }

    fn noise(length: usize, rng: &mut Pcg64) -> Vec<f32> {
        (0..length).map(|_| rng.uniform(-1.0, 1.0) as f32).collect()
    }

    #[test]
    fn two_units_by_hand() {
        // y = 1 relu(2 x) + 10 relu(3 x) + 0.5 at x = 1 with a half of the units: 2 y_1 + 20 y_2 of what is kept.
        let mut net = network("mlp:2", 1, 1);
        net.update_parameters(|p| p.copy_from_slice(&[2.0, 3.0, 0.0, 0.0, 1.0, 10.0, 0.5]));
        let (mut workspace, mut rng) = (Workspace::default(), Pcg64::new(1));
        let dropout = Dropout { inputs: 0.0, hidden: 0.5 };
        let outputs = net.forward_training(&[1.0; 64], dropout, &mut rng, &mut workspace).to_vec();
        for possible in [0.5, 4.5, 60.5, 64.5] {
            assert!(outputs.contains(&possible), "{possible} is not in {outputs:?}");
        }
        assert!(outputs.iter().all(|y| [0.5, 4.5, 60.5, 64.5].contains(y)));
        // The gradient of each output: 2 relu(2), 2 relu(3) where they are kept, 1 for the bias.
        let mut gradient = vec![0.0; 7];
        net.backward(&[1.0; 64], &mut workspace, &mut gradient);
        let kept = |ys: [f32; 2]| outputs.iter().filter(|y| ys.contains(y)).count() as f32;
        let (first, second) = (kept([4.5, 64.5]), kept([60.5, 64.5]));
        assert_eq!(
            gradient,
            [2.0 * first, 20.0 * second, 2.0 * first, 20.0 * second, 4.0 * first, 6.0 * second, 64.0]
        );
    }

    #[test]
    fn the_expected_output_is_that_without_dropout() {
        let net = network("mlp", 20, 3);
        let x = noise(20, &mut Pcg64::new(5));
        let expected = net.predict(&x, &mut Workspace::default()).to_vec();
        let (mut workspace, mut rng, mut sums) = (Workspace::default(), Pcg64::new(6), [0.0_f64; 3]);
        let batch: Vec<f32> = x.iter().copied().cycle().take(20 * 500).collect();
        for _ in 0..40 {
            let dropout = Dropout { inputs: 0.2, hidden: 0.5 };
            let outputs = net.forward_training(&batch, dropout, &mut rng, &mut workspace);
            outputs.chunks_exact(3).for_each(|row| (0..3).for_each(|o| sums[o] += f64::from(row[o])));
        }
        // The deviation of one output is about 0.3: five standard errors of 20,000 are 0.01.
        for (sum, expected) in sums.iter().zip(expected) {
            assert!((sum / 20_000.0 - f64::from(expected)).abs() < 0.01, "{sum} {expected}");
        }
    }

    #[test]
    fn predictions_and_passes_without_dropout_are_as_before() {
        let net = network("mlp:17,9:tanh", 12, 4);
        let batch = noise(12 * 37, &mut Pcg64::new(5));
        let mut workspace = Workspace::default();
        let expected = net.forward(&batch, &mut workspace).to_vec();
        let dropout = Dropout { inputs: 0.3, hidden: 0.4 };
        let mut rng = Pcg64::new(6);
        assert_ne!(net.forward_training(&batch, dropout, &mut rng, &mut workspace), expected);
        let drawn = rng.clone();
        assert_eq!(net.predict(&batch, &mut workspace), expected);
        assert_eq!(net.predict(&batch[..24], &mut workspace), &expected[..8]);
        assert_eq!(net.forward_training(&batch, Dropout::default(), &mut rng, &mut workspace), expected);
        // Nothing is drawn when it is off.
        assert_eq!(rng, drawn);
    }

    #[test]
    fn gradients_are_those_of_the_same_masks() {
        let dropout = Dropout { inputs: 0.2, hidden: 0.5 };
        for (spec, shape) in [
            ("mlp:9,7", [1, 1, 12]),
            ("mlp:9,7:tanh", [1, 1, 12]),
            ("mlp:9,7:gelu:layernorm", [1, 1, 12]),
            ("mlp:9,6:silu:dueling", [1, 1, 12]),
            ("cnn:3x2,max2,8:tanh", [5, 5, 2]),
        ] {
            let (net, inputs) = (network(spec, shape, 3), shape.iter().product::<usize>());
            let batch = noise(21 * inputs, &mut Pcg64::new(5));
            let weights = noise(21 * 3, &mut Pcg64::new(8));
            // The loss is a weighted sum of the outputs, the masks always those of one state of the generator.
            let loss = |net: &Network, batch: &[f32]| {
                let mut workspace = Workspace::default();
                let outputs = net.forward_training(batch, dropout, &mut Pcg64::new(11), &mut workspace);
                outputs.iter().zip(&weights).map(|(y, w)| f64::from(*y) * f64::from(*w)).sum::<f64>()
            };
            let mut workspace = Workspace::default();
            net.forward_training(&batch, dropout, &mut Pcg64::new(11), &mut workspace);
            let (mut gradient, mut d_batch) = (vec![0.0; net.parameters().len()], vec![0.0; batch.len()]);
            net.backward_from((&*weights).into(), &mut workspace, Some(&mut gradient), Some(&mut d_batch));
            // Single precision and kinks: a small step, and the median of the relative errors.
            let step = 4e-3_f32;
            let check = |what: &str, count: usize, got: &[f32], moved: &dyn Fn(usize, f32) -> f64| {
                let scale = got.iter().fold(0.0_f32, |most, g| most.max(g.abs()));
                let errors = (0..count).map(|i| {
                    let slope = (moved(i, step) - moved(i, -step)) / (2.0 * f64::from(step));
                    (slope - f64::from(got[i])).abs() / f64::from(scale)
                });
                let mut errors: Vec<f64> = errors.collect();
                errors.sort_by(f64::total_cmp);
                let most = errors[errors.len() * 9 / 10];
                assert!(most < 5e-3, "{spec}, {what}: {most}");
            };
            check("parameters", gradient.len(), &gradient, &|i, by| {
                let mut net = net.clone();
                net.update_parameters(|p| p[i] += by);
                loss(&net, &batch)
            });
            check("inputs", inputs * 2, &d_batch, &|i, by| {
                let mut batch = batch.clone();
                batch[i] += by;
                loss(&net, &batch)
            });
        }
    }

    #[test]
    fn every_number_of_threads_gives_the_same_bits() {
        let net = network("mlp:200,200", 100, 10);
        let batch = noise(100 * 128, &mut Pcg64::new(5));
        let labels: Vec<usize> = (0..128).map(|i| i % 10).collect();
        let gradient = |threads| {
            let (mut workspace, mut rng) = (Workspace::new(Workers::new(threads)), Pcg64::new(4));
            let dropout = Dropout { inputs: 0.2, hidden: 0.5 };
            let logits = net.forward_training(&batch, dropout, &mut rng, &mut workspace);
            let (mut d_logits, mut gradient) = (vec![0.0; logits.len()], vec![0.0; net.parameters().len()]);
            loss::cross_entropy(logits, &labels, &mut d_logits);
            net.backward(&d_logits, &mut workspace, &mut gradient);
            gradient.iter().map(|g| g.to_bits()).collect::<Vec<_>>()
        };
        let alone = gradient(1);
        assert!((2..4).all(|threads| gradient(threads) == alone));
    }
}
