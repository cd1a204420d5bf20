//! Networks of one hidden layer of hyperbolic tangents with batch renormalisation before each layer (Ioffe
//! 2017, Algorithm 1), in double precision, with the constants of CrossQ's authors.

const EPSILON: f64 = 1e-3;
const R_MAX: f64 = 3.0;
const D_MAX: f64 = 5.0;
const MOMENTUM: f64 = 0.01;

/// The corrections `r` and `d` of each channel, in their order; those of the first pass are held for the next
/// ones, because they have no gradient.
pub(crate) type Corrections = Vec<(f64, f64)>;

/// The moments that a pass takes.
pub(crate) enum Mode<'a> {
    /// The running ones.
    Frozen,
    /// Those of the batch, corrected if it is behind the warm-up.
    Batch(&'a mut Corrections, bool),
}

/// The outputs of each sample, those of all heads one after the other, and the moments of the batch: means,
/// then variances, layer by layer, as the running statistics lie.
pub(crate) fn pass(
    (p, statistics): (&[f64], &[f64]),
    (units, heads): (usize, &[usize]),
    batch: &[Vec<f64>],
    mut mode: Mode<'_>,
) -> (Vec<Vec<f64>>, Vec<f64>) {
    let (mut rest, mut running, mut moments, mut channels) = (p, statistics, Vec::new(), 0);
    let count = batch.len() as f64;
    let mut norm = |rest: &mut &[f64], rows: &[Vec<f64>]| -> Vec<Vec<f64>> {
        let width = rows[0].len();
        let (affine, behind) = rest.split_at(2 * width);
        let (own, later) = running.split_at(2 * width);
        (*rest, running) = (behind, later);
        let means: Vec<f64> = (0..width).map(|c| rows.iter().map(|x| x[c]).sum::<f64>() / count).collect();
        let square = |c: usize| rows.iter().map(|x| (x[c] - means[c]).powi(2)).sum::<f64>() / count;
        let variances: Vec<f64> = (0..width).map(square).collect();
        let mut y = rows.to_vec();
        for c in 0..width {
            let running_deviation = (own[width + c] + EPSILON).sqrt();
            let (mean, deviation, r, d) = match &mut mode {
                Mode::Frozen => (own[c], running_deviation, 1.0, 0.0),
                Mode::Batch(held, corrects) => {
                    let deviation = (variances[c] + EPSILON).sqrt();
                    if held.len() == channels + c {
                        let r = (deviation / running_deviation).clamp(1.0 / R_MAX, R_MAX);
                        let d = ((means[c] - own[c]) / running_deviation).clamp(-D_MAX, D_MAX);
                        held.push(if *corrects { (r, d) } else { (1.0, 0.0) });
                    }
                    let (r, d) = held[channels + c];
                    (means[c], deviation, r, d)
                }
            };
            for x in &mut y {
                x[c] = affine[c] * ((x[c] - mean) / deviation * r + d) + affine[width + c];
            }
        }
        moments.extend(means);
        moments.extend(variances);
        channels += width;
        y
    };
    let linear = |rest: &mut &[f64], rows: &[Vec<f64>], outputs: usize| -> Vec<Vec<f64>> {
        let inputs = rows[0].len();
        let (own, behind) = rest.split_at((inputs + 1) * outputs);
        *rest = behind;
        let of = |x: &Vec<f64>, o: usize| {
            own[inputs * outputs + o] + (0..inputs).map(|i| x[i] * own[i * outputs + o]).sum::<f64>()
        };
        rows.iter().map(|x| (0..outputs).map(|o| of(x, o)).collect()).collect()
    };
    let x = norm(&mut rest, batch);
    let mut hidden = linear(&mut rest, &x, units);
    hidden.iter_mut().flatten().for_each(|y| *y = y.tanh());
    let hidden = norm(&mut rest, &hidden);
    let mut outputs = vec![Vec::new(); batch.len()];
    for &head in heads {
        let of_head = linear(&mut rest, &hidden, head);
        outputs.iter_mut().zip(of_head).for_each(|(all, own)| all.extend(own));
    }
    assert!(rest.is_empty() && running.is_empty(), "all parameters and statistics");
    (outputs, moments)
}

/// Moves running statistics towards the moments of a batch.
pub(crate) fn average(statistics: &mut [f64], moments: &[f64]) {
    statistics.iter_mut().zip(moments).for_each(|(s, m)| *s += MOMENTUM * (m - *s));
}
