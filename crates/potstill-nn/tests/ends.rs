//! Losses at their ends: huge and tiny errors, thresholds and temperatures, sure predictions, students that are nearly their
//! teacher, overflowing sums, one class. What is finite agrees with double precision to 1e-4 of the loss, and the gradient
//! to 1e-4 of its length.

use potstill_core::Pcg64;
use potstill_nn::distributions::{Categorical, DiagonalGaussian};
use potstill_nn::loss::{
    Blend, Chosen, Layout, QuantileOutputs, Regression, categorical_at, cross_entropy, distillation,
    quantile_at, regression_at, softmax, softmax_mean, temperature_kl,
};

fn assert_close(what: &str, got: &[f32], expected: &[f64]) {
    let length = |values: &mut dyn Iterator<Item = f64>| values.map(|x| x * x).sum::<f64>().sqrt();
    let differences = got.iter().zip(expected).map(|(g, e)| f64::from(*g) - e);
    let distance = length(&mut { differences });
    let size = length(&mut expected.iter().copied());
    // Below the smallest normal number single precision has no digits.
    assert!(distance <= 1e-4 * size + f64::from(f32::MIN_POSITIVE), "{what}: {got:?} is not {expected:?}");
}

/// The student's logits.
#[derive(Clone, Copy, Debug)]
enum Pair {
    Far,
    Near,
}

const TEACHER: [f32; 10] = [
    1.9664271, 3.8685918, 4.723097, 7.0792046, 3.8383772, 6.7572, -7.5359163, -0.5500375, 7.0937076,
    2.3835928,
];
const FAR: [f32; 10] = [
    6.4144077,
    -6.1887045,
    -0.49489525,
    -4.054835,
    0.70017374,
    1.183059,
    -7.790173,
    -4.5323234,
    -3.5282822,
    6.6615257,
];
const NEAR: [f32; 10] = [
    1.9669585, 3.867911, 4.723691, 7.078482, 3.838612, 6.756453, -7.536913, -0.5492947, 7.0931263, 2.3830237,
];

/// `T^2 KL` and the first three numbers of its gradient at a temperature, by Python's `decimal` with 160 digits.
#[rustfmt::skip]
const DIVERGENCES: &[(Pair, f32, f64, [f64; 3])] = &[
    (Pair::Far, 1e-30, 1.0189807924158367e-29, [0.0, 0.0, 0.0]),
    (Pair::Far, 0.001, 0.010189808632809738, [4.7645619994239746e-111, -0.0, -0.0]),
    (Pair::Far, 0.5, 4.556680525478152, [0.1894381302585545, -0.0003168562689614513, -0.0017499639655350569]),
    (Pair::Far, 1.0, 8.275834732273914, [0.434612595474577, -0.013767459386008754, -0.0319238904772643]),
    (Pair::Far, 4.0, 15.272965397607573, [1.0970873854280265, -0.29274429950534053, -0.1985507533501167]),
    (Pair::Far, 20.0, 15.112261907661509, [0.9740413200882593, -0.5392065999727144, -0.1308362694937803]),
    (Pair::Far, 300.0, 14.544447863078886, [0.8659357742690911, -0.5898527578184046, -0.11047642016396475]),
    (Pair::Far, 1000.0, 14.51017807773711, [0.8599299445171449, -0.5921908554181272, -0.10961847434627109]),
    (Pair::Far, 100000.0, 14.495466776297057, [0.8573669066054111, -0.5931767789292801, -0.10925990644587086]),
    (Pair::Far, 1000000.0, 14.495332569206862, [0.8573435661499692, -0.5931857251173184, -0.10925666173135472]),
    (Pair::Far, 30000000.0, 14.495318153869656, [0.857341059169333, -0.5931866859862013, -0.10925631324108197]),
    (Pair::Far, 1000000000000000.0, 14.495317656787341, [0.8573409727215793, -0.5931867191195478, -0.10925630122423208]),
    (Pair::Far, 1e+30, 14.495317656787327, [0.8573409727215767, -0.5931867191195488, -0.10925630122423172]),
    (Pair::Near, 1e-30, 0.0, [0.0, 0.0, 0.0]),
    (Pair::Near, 0.001, 4.781078007402514e-15, [0.0, -0.0, 0.0]),
    (Pair::Near, 0.5, 5.760291945137721e-09, [1.6915998833933973e-08, -9.598191549464326e-09, 4.414816731737474e-06]),
    (Pair::Near, 1.0, 3.4326342658550285e-08, [2.367989141038391e-06, -8.322681234759707e-07, 3.932096541095045e-05]),
    (Pair::Near, 4.0, 1.4142481693042515e-07, [4.792596810445714e-05, -2.8660117811406257e-05, 0.00010224683599321462]),
    (Pair::Near, 20.0, 1.841165909658209e-07, [7.090711240359529e-05, -4.6319439693784334e-05, 8.809721088904243e-05]),
    (Pair::Near, 300.0, 1.9694234563095222e-07, [7.482552756859523e-05, -4.626539715736719e-05, 8.182297795129421e-05]),
    (Pair::Near, 1000.0, 1.9764256654583312e-07, [7.500347534992635e-05, -4.617455965841338e-05, 8.149192833149038e-05]),
    (Pair::Near, 100000.0, 1.979414270022496e-07, [7.507844697604423e-05, -4.6133228966722176e-05, 8.1351035745612e-05]),
    (Pair::Near, 1000000.0, 1.97944148738553e-07, [7.507912708583756e-05, -4.613284557128428e-05, 8.134975372984756e-05]),
    (Pair::Near, 30000000.0, 1.9794444107835918e-07, [7.507920013311141e-05, -4.613280438355192e-05, 8.13496160306028e-05]),
    (Pair::Near, 1000000000000000.0, 1.979444511590597e-07, [7.507920265197746e-05, -4.613280296325688e-05, 8.134961128234878e-05]),
    (Pair::Near, 1e+30, 1.9794445115906e-07, [7.507920265197753e-05, -4.613280296325684e-05, 8.134961128234863e-05]),
];

#[test]
fn divergences_at_every_temperature() {
    for &(pair, temperature, expected, gradient) in DIVERGENCES {
        let what = format!("{pair:?}, T = {temperature}");
        let student = match pair {
            Pair::Far => FAR,
            Pair::Near => NEAR,
        };
        let mut got = [f32::NAN; 10];
        let value = temperature_kl(temperature, &TEACHER, &student, 1, &mut got);
        assert_close(&what, &[value], &[expected]);
        let size = gradient.iter().map(|g| g.abs()).fold(0.0, f64::max);
        for (g, e) in got.iter().zip(gradient) {
            let distance = (f64::from(*g) - e).abs();
            assert!(
                distance <= 1e-6 * size + f64::from(f32::MIN_POSITIVE),
                "{what}: {got:?} is not {gradient:?}"
            );
        }
        // With labels that weigh nothing it is the same.
        let blend = Blend { alpha: 1.0, temperature };
        let mut blended = [f32::NAN; 10];
        assert_eq!(distillation(blend, &TEACHER, &student, &[3], &mut blended), value, "{what}");
        assert_eq!(blended, got, "{what}");
    }
}

#[test]
fn a_student_that_is_its_teacher_has_no_loss_at_any_temperature() {
    for exponent in -30..=30 {
        let mut gradient = [f32::NAN; 10];
        let temperature = 10_f32.powi(exponent);
        let value = temperature_kl(temperature, &TEACHER, &TEACHER, 1, &mut gradient);
        assert_eq!((value, gradient), (0.0, [0.0; 10]), "T = {temperature}");
    }
}

/// `ln softmax(z)`, in which a rest beside a sure label is not lost.
fn log_softmax(z: &[f64]) -> Vec<f64> {
    let of = |i: usize| {
        let others: f64 = (0..z.len()).filter(|&j| j != i).map(|j| (z[j] - z[i]).exp()).sum();
        if others.is_finite() { -others.ln_1p() } else { z[i] - z.iter().copied().fold(f64::MIN, f64::max) }
    };
    (0..z.len()).map(of).collect()
}

fn widened(values: &[f32]) -> Vec<f64> {
    values.iter().map(|&x| f64::from(x)).collect()
}

#[test]
fn cross_entropies_of_sure_and_of_wrong_predictions() {
    let mut rng = Pcg64::new(1);
    for trial in 0..400 {
        let classes = 1 + rng.below(6);
        let spread = [1e-3, 1.0, 30.0, 80.0, 1e4, 1e30][trial % 6];
        let logits: Vec<f32> = (0..classes).map(|_| rng.uniform(-spread, spread) as f32).collect();
        let label = rng.below(classes);
        let logs = log_softmax(&widened(&logits));
        let of = |i: usize| if i == label { logs[i].exp_m1() } else { logs[i].exp() };
        let expected: Vec<f64> = (0..classes).map(of).collect();
        let mut gradient = vec![f32::NAN; classes];
        let value = cross_entropy(&logits, &[label], &mut gradient);
        let what = format!("{logits:?}, label {label}");
        assert_close(&what, &[value], &[-logs[label]]);
        assert_close(&what, &gradient, &expected);
        let mut log_prob = [f32::NAN];
        Categorical::new(&logits, classes).log_prob(&[label], &mut log_prob);
        assert_close(&what, &log_prob, &[logs[label]]);
    }
}

#[test]
fn regressions_of_huge_and_tiny_errors() {
    for error in [1e-30_f32, 1e-12, 1e-3, 1.0, 1e6, 1e18] {
        for kind in [1e-30_f32, 1e-3, 1.0, 1e6, 1e30].map(|delta| Regression::Huber { delta }) {
            let (e, Regression::Huber { delta }) = (f64::from(error), kind) else { unreachable!() };
            let delta = f64::from(delta);
            let expected = if e <= delta { 0.5 * e * e } else { delta * (e - 0.5 * delta) };
            if expected > f64::from(f32::MAX) {
                continue;
            }
            let chosen = Chosen { indices: &[0], weights: &[] };
            let (mut errors, mut gradient) = ([f32::NAN], [f32::NAN]);
            let value = regression_at(kind, &[error], chosen, &[0.0], &mut errors, &mut gradient);
            assert_close(&format!("{kind:?} of {error}"), &[value], &[expected]);
            assert_close(&format!("{kind:?} of {error}"), &gradient, &[e.min(delta)]);
        }
    }
    // The sum of squares overflows single precision, their mean does not.
    let (outputs, chosen) = ([1.5e19_f32; 4], Chosen { indices: &[0; 4], weights: &[] });
    let (mut errors, mut gradient) = ([0.0; 4], [0.0; 4]);
    let value =
        regression_at(Regression::SquaredError, &outputs, chosen, &[0.0; 4], &mut errors, &mut gradient);
    assert_close("a sum that overflows", &[value], &[2.25e38]);
}

#[test]
fn quantile_losses_with_any_threshold() {
    let taus = [0.1_f32, 0.5, 0.9];
    for kappa in [1e-30_f32, 1e-3, 1.0, 1e6, 1e30] {
        for scale in [1e-6_f32, 1.0, 1e10] {
            let outputs = [-1.0, 0.25, 2.0].map(|x: f32| x * scale);
            let targets = [-0.5, 0.5, 1.0, 3.0].map(|x: f32| x * scale);
            let (mut loss, mut slopes) = (0.0, [0.0; 3]);
            for (slope, (&tau, &theta)) in slopes.iter_mut().zip(taus.iter().zip(&outputs)) {
                for &target in &targets {
                    let (u, k) = (f64::from(target) - f64::from(theta), f64::from(kappa));
                    let share = (f64::from(tau) - if u < 0.0 { 1.0 } else { 0.0 }).abs();
                    let huber = if u.abs() <= k { 0.5 * u * u / k } else { u.abs() - 0.5 * k };
                    loss += share * huber / 4.0;
                    *slope -= share * (u / k).clamp(-1.0, 1.0) / 4.0;
                }
            }
            let layout = Layout { parts: 3, choice: 3, part: 1 };
            let quantiles = QuantileOutputs { outputs: &outputs, taus: &taus, layout };
            let chosen = Chosen { indices: &[0], weights: &[] };
            let (mut errors, mut gradient) = ([f32::NAN], [f32::NAN; 3]);
            let value = quantile_at(kappa, quantiles, chosen, &targets, &mut errors, &mut gradient);
            let what = format!("kappa = {kappa}, scale {scale}");
            assert_close(&what, &[value], &[loss]);
            assert_close(&what, &errors, &[loss]);
            assert_close(&what, &gradient, &slopes);
        }
    }
}

#[test]
fn categorical_losses_near_their_minimum() {
    let mut rng = Pcg64::new(2);
    for trial in 0..200 {
        let spread = [1e-4, 1.0, 40.0][trial % 3];
        let logits: Vec<f32> = (0..5).map(|_| rng.uniform(-spread, spread) as f32).collect();
        let moved: Vec<f32> = logits.iter().map(|z| z + rng.uniform(-1e-2, 1e-2) as f32).collect();
        let mut target = moved.clone();
        softmax(1.0, &mut target);
        let logs = log_softmax(&widened(&logits));
        let wide = widened(&target);
        let cross: f64 = wide.iter().zip(&logs).map(|(m, l)| -m * l).sum();
        let entropy: f64 = wide.iter().map(|m| if *m > 0.0 { -m * m.ln() } else { 0.0 }).sum();
        let expected: Vec<f64> = wide.iter().zip(&logs).map(|(m, l)| l.exp() - m).collect();
        let chosen = Chosen { indices: &[0], weights: &[] };
        let (mut errors, mut gradient) = ([f32::NAN], [f32::NAN; 5]);
        let value = categorical_at(5, &logits, chosen, &target, &mut errors, &mut gradient);
        assert_close(&format!("{logits:?}"), &[value], &[cross]);
        assert_close(&format!("{logits:?}"), &errors, &[(cross - entropy).max(0.0)]);
        assert_close(&format!("{logits:?}"), &gradient, &expected);
    }
    // Atoms that no target has may be as improbable as they like.
    let (mut errors, mut gradient) = ([f32::NAN], [f32::NAN; 2]);
    let chosen = Chosen { indices: &[0], weights: &[] };
    let logits = [0.0, f32::NEG_INFINITY];
    let value = categorical_at(2, &logits, chosen, &[1.0, 0.0], &mut errors, &mut gradient);
    assert_eq!((value, errors, gradient), (0.0, [0.0], [0.0; 2]));
}

#[test]
fn policies_that_are_nearly_equal() {
    // KL of Gaussians with one deviation is half the squared distance of the means in deviations.
    let (mean, moved, log_std) = ([1.0_f32], [1.001_f32], [0.0_f32]);
    let mut kl = [f32::NAN];
    let gaussian = DiagonalGaussian::new(&mean, &log_std, 1);
    gaussian.kl(&DiagonalGaussian::new(&moved, &log_std, 1), &mut kl);
    let distance = f64::from(moved[0]) - 1.0;
    assert_close("means", &kl, &[0.5 * distance * distance]);
    // (e^2r - 1 - 2r) / 2 is r^2 + 2 r^3 / 3 for deviations whose logarithms differ by r.
    gaussian.kl(&DiagonalGaussian::new(&mean, &[-1e-4], 1), &mut kl);
    let r = f64::from(1e-4_f32);
    assert_close("deviations", &kl, &[r * r + 2.0 / 3.0 * r * r * r]);
    // Two choices of even odds, one of them moved by d: p (1 - p) d^2 / 2.
    let (even, near) = ([0.0_f32, 0.0], [1e-4_f32, 0.0]);
    Categorical::new(&even, 2).kl(&Categorical::new(&near, 2), &mut kl);
    assert_close("choices", &kl, &[f64::from(1e-4_f32).powi(2) / 8.0]);
}

#[test]
fn one_class_has_no_loss_and_a_support_has_its_mean() {
    let mut gradient = [f32::NAN];
    assert_eq!((cross_entropy(&[3.0], &[0], &mut gradient), gradient), (0.0, [0.0]));
    assert_eq!((temperature_kl(2.0, &[7.0], &[-7.0], 1, &mut gradient), gradient), (0.0, [0.0]));
    let mut row = [1e30];
    softmax(1e-30, &mut row);
    assert_eq!(row, [1.0]);
    // Evenly over -1e30 to 1e30.
    assert_eq!(softmax_mean(&[0.0; 3], -1e30, 1e30), 0.0);
    // Of ten thousand equal logits each has its share, to the last digit.
    let mut even = vec![0.0; 10_000];
    softmax(1.0, &mut even);
    assert!(even.iter().all(|&p| p == 1e-4));
}
