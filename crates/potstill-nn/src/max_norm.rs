//! Max-norm (Srivastava et al. 2014, section 5.1; Hinton et al. 2012): the incoming weights of a unit are scaled
//! back to a largest Euclidean norm after a gradient step.

use crate::network::Network;
use crate::plan::Kind;
use crate::workers::Workers;
use potstill_core::wide;

/// Rows of weights that another thread is called for.
const ROWS: usize = 64;

impl Network {
    /// Scales the incoming weights of each unit, hidden or output, whose Euclidean norm is above `norm_max`, down to
    /// it. Biases, gains and the deviations of noisy weights are left alone. The weights of a unit of a convolution
    /// are those of its patch.
    ///
    /// ```
    /// use potstill_core::Pcg64;
    /// use potstill_nn::{NetworkSpec, Workers};
    ///
    /// let mut network = "mlp".parse::<NetworkSpec>()?.build(2, 2, &mut Pcg64::new(1));
    /// // Two inputs to two units: (3, 4) has a norm of 5, (1, 0) of 1; then the biases.
    /// network.update_parameters(|p| p.copy_from_slice(&[3.0, 1.0, 4.0, 0.0, 7.0, 7.0]));
    /// network.clip_max_norm(2.5, &Workers::default());
    /// assert_eq!(network.parameters(), [1.5, 1.0, 2.0, 0.0, 7.0, 7.0]);
    /// # Ok::<(), potstill_nn::spec::SpecError>(())
    /// ```
    pub fn clip_max_norm(&mut self, norm_max: f64, workers: &Workers) {
        let places: Vec<(usize, usize, usize)> = self
            .plan()
            .ops()
            .filter_map(|op| match &op.kind {
                Kind::Linear(weights) => Some((weights.offset, weights.layer.patch(), weights.layer.outputs)),
                _ => None,
            })
            .collect();
        self.update_parameters(|parameters| {
            for (offset, rows, units) in places {
                clip_columns(&mut parameters[offset..][..rows * units], units, norm_max, workers);
            }
        });
    }
}

/// Scales the columns of `rows x units` down to a norm. Sums of squares are made of pieces of as many rows for any
/// number of threads.
fn clip_columns(weights: &mut [f32], units: usize, norm_max: f64, workers: &Workers) {
    let piece = ROWS * units;
    let mut squares = vec![Vec::new(); weights.len().div_ceil(piece)];
    workers.for_each(&mut squares, |i, sums: &mut Vec<f32>| {
        *sums = vec![0.0; units];
        let end = weights.len().min((i + 1) * piece);
        wide::run(
            #[inline(always)]
            || {
                for row in weights[i * piece..end].chunks_exact(units) {
                    for (sum, w) in sums.iter_mut().zip(row) {
                        *sum += w * w;
                    }
                }
            },
        );
    });
    let factor = |unit: usize| {
        let square: f64 = squares.iter().map(|sums| f64::from(sums[unit])).sum();
        let norm = square.sqrt();
        if norm > norm_max { (norm_max / norm) as f32 } else { 1.0 }
    };
    let factors: Vec<f32> = (0..units).map(factor).collect();
    if factors.iter().all(|&factor| factor == 1.0) {
        return;
    }
    let mut pieces: Vec<&mut [f32]> = weights.chunks_mut(piece).collect();
    workers.for_each(&mut pieces, |_, rows| {
        wide::run(
            #[inline(always)]
            || {
                for row in rows.chunks_exact_mut(units) {
                    for (w, factor) in row.iter_mut().zip(&factors) {
                        *w *= factor;
                    }
                }
            },
        );
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::NetworkSpec;
    use potstill_core::Pcg64;

    #[test]
    fn no_unit_is_above_and_those_below_stay() {
        for (spec, shape) in [("mlp:70,30", [1, 1, 150]), ("cnn:20x3,12", [6, 6, 3])] {
            let spec: NetworkSpec = spec.parse().unwrap();
            let mut net = spec.build(shape, 5, &mut Pcg64::new(1));
            net.update_parameters(|p| p.iter_mut().for_each(|w| *w *= 1.7));
            let before = net.tensors();
            let norm_max = 0.95;
            let mut other = net.clone();
            net.clip_max_norm(norm_max, &Workers::default());
            other.clip_max_norm(norm_max, &Workers::new(3));
            assert!(net == other);
            let (mut scaled, mut kept) = (0, 0);
            for (old, new) in before.iter().zip(net.tensors()) {
                if new.shape.len() == 1 {
                    assert_eq!(old.data, new.data, "{}", new.name);
                    continue;
                }
                let each: usize = new.shape[1..].iter().product();
                for (old, new) in old.data.chunks(each).zip(new.data.chunks(each)) {
                    let norm =
                        |w: &[f32]| w.iter().map(|w| f64::from(*w) * f64::from(*w)).sum::<f64>().sqrt();
                    let expected = norm(old).min(norm_max);
                    assert!((norm(new) - expected).abs() < 1e-6, "{} {expected}", norm(new));
                    if norm(old) > norm_max {
                        scaled += 1;
                    } else {
                        assert_eq!(old, new);
                        kept += 1;
                    }
                }
            }
            assert!(scaled > 5 && kept > 5, "{scaled} {kept}");
        }
    }
}
