//! Distributions against `torch.distributions` in double precision, and samples against their own
//! distribution; `testdata/pytorch/make_distributions.py` made the numbers.

use potstill_core::Pcg64;
use potstill_nn::distributions::{Categorical, DiagonalGaussian, GaussianGradients, SquashedGaussian};
use serde_json::Value;

fn cases(key: &str) -> Vec<Value> {
    let text = include_str!("../../../testdata/pytorch/distributions.json");
    let file: Value = serde_json::from_str(text).unwrap();
    file[key].as_array().unwrap().clone()
}

fn doubles(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect()
}

fn floats(value: &Value) -> Vec<f32> {
    doubles(value).into_iter().map(|v| v as f32).collect()
}

fn indices(value: &Value) -> Vec<usize> {
    value.as_array().unwrap().iter().map(|v| v.as_u64().unwrap() as usize).collect()
}

/// Equal to `tolerance` relative to the largest of the expected values, or to 1 if that is larger.
fn close(got: &[f32], expected: &Value, tolerance: f64, what: &str) {
    let expected = doubles(expected);
    assert_eq!(got.len(), expected.len(), "{what}");
    let scale = expected.iter().fold(1.0, |scale: f64, e| scale.max(e.abs()));
    for (g, e) in got.iter().zip(&expected) {
        assert!((f64::from(*g) - e).abs() <= tolerance * scale, "{what}: {g} is not {e}");
    }
}

/// A buffer that is added to, with numbers in it already; what was added is read from it.
struct Sum(Vec<f32>);

impl Sum {
    const START: f32 = 0.5;

    fn of(length: usize) -> Self {
        Self(vec![Self::START; length])
    }

    fn added(&self) -> Vec<f32> {
        self.0.iter().map(|x| x - Self::START).collect()
    }
}

const TOLERANCE: f64 = 3e-6;

#[test]
fn categorical_is_pytorchs() {
    let cases = cases("categorical");
    assert_eq!(cases.len(), 5);
    for case in &cases {
        let (logits, other, weights) =
            (floats(&case["logits"]), floats(&case["other"]), floats(&case["weights"]));
        let (choices, actions) = (case["choices"].as_u64().unwrap() as usize, indices(&case["actions"]));
        let (p, q) = (Categorical::new(&logits, choices), Categorical::new(&other, choices));
        let mut values = vec![f32::NAN; weights.len()];
        let (mut d, mut d_other) = (Sum::of(logits.len()), Sum::of(logits.len()));

        p.log_prob(&actions, &mut values);
        close(&values, &case["log_prob"]["values"], TOLERANCE, "log-probability");
        p.add_log_prob_gradient(&actions, &weights, &mut d.0);
        close(&d.added(), &case["log_prob"]["d_logits"], TOLERANCE, "gradient of the log-probability");

        d = Sum::of(logits.len());
        p.entropy(&mut values);
        close(&values, &case["entropy"]["values"], TOLERANCE, "entropy");
        p.add_entropy_gradient(&weights, &mut d.0);
        close(&d.added(), &case["entropy"]["d_logits"], TOLERANCE, "gradient of the entropy");

        d = Sum::of(logits.len());
        p.kl(&q, &mut values);
        close(&values, &case["kl"]["values"], TOLERANCE, "divergence");
        p.add_kl_gradients(&q, &weights, &mut d.0, &mut d_other.0);
        close(&d.added(), &case["kl"]["d_logits"], TOLERANCE, "gradient of the divergence");
        close(&d_other.added(), &case["kl"]["d_other"], TOLERANCE, "gradient of the divergence, other");
        let mut alone = Sum::of(logits.len());
        p.add_kl_gradients(&q, &weights, &mut [], &mut alone.0);
        assert_eq!(alone.0, d_other.0);
    }
}

/// Gradients with respect to means and deviations that `add` adds.
fn gradients(mean: usize, log_std: usize, add: impl FnOnce(&mut GaussianGradients<'_>)) -> [Vec<f32>; 2] {
    let (mut mean, mut log_std) = (Sum::of(mean), Sum::of(log_std));
    add(&mut GaussianGradients { mean: &mut mean.0, log_std: &mut log_std.0 });
    [mean.added(), log_std.added()]
}

#[test]
fn gaussians_are_pytorchs() {
    let cases = cases("gaussian");
    assert_eq!(cases.len(), 5);
    for case in &cases {
        let list = |key: &str| floats(&case[key]);
        let (mean, log_std, other_mean, other_log_std) =
            (list("mean"), list("log_std"), list("other_mean"), list("other_log_std"));
        let (actions, noise, weights, d_actions) =
            (list("actions"), list("noise"), list("weights"), list("d_actions"));
        let dimensions = case["dimensions"].as_u64().unwrap() as usize;
        let p = DiagonalGaussian::new(&mean, &log_std, dimensions);
        let q = DiagonalGaussian::new(&other_mean, &other_log_std, dimensions);
        let mut values = vec![f32::NAN; weights.len()];
        let of = |add: &dyn Fn(&mut GaussianGradients<'_>)| gradients(mean.len(), log_std.len(), |g| add(g));
        let both = |[d_mean, d_log_std]: [Vec<f32>; 2], expected: &Value, prefix: &str, what: &str| {
            close(&d_mean, &expected[format!("d_{prefix}mean")], 2.0 * TOLERANCE, what);
            close(&d_log_std, &expected[format!("d_{prefix}log_std")], 2.0 * TOLERANCE, what);
        };

        p.log_prob(&actions, &mut values);
        let expected = &case["log_prob"];
        close(&values, &expected["values"], TOLERANCE, "log-probability");
        both(of(&|g| p.add_log_prob_gradients(&actions, &weights, g)), expected, "", "log-probability");
        let mut d = Sum::of(actions.len());
        p.add_log_prob_action_gradient(&actions, &weights, &mut d.0);
        close(&d.added(), &expected["d_actions"], 2.0 * TOLERANCE, "log-probability, actions");

        p.entropy(&mut values);
        close(&values, &case["entropy"]["values"], TOLERANCE, "entropy");
        let mut d = Sum::of(log_std.len());
        p.add_entropy_gradient(&weights, &mut d.0);
        close(&d.added(), &case["entropy"]["d_log_std"], TOLERANCE, "gradient of the entropy");

        let expected = &case["kl"];
        p.kl(&q, &mut values);
        close(&values, &expected["values"], TOLERANCE, "divergence");
        both(of(&|g| p.add_kl_gradients(&q, &weights, Some(g), None)), expected, "", "divergence");
        both(
            of(&|g| p.add_kl_gradients(&q, &weights, None, Some(g))),
            expected,
            "other_",
            "divergence, other",
        );

        both(of(&|g| p.add_sample_gradients(&noise, &d_actions, g)), &case["sample"], "", "sample");

        let (p, q) = (
            SquashedGaussian::new(&mean, &log_std, dimensions),
            SquashedGaussian::new(&other_mean, &other_log_std, dimensions),
        );
        let expected = &case["squashed"]["log_prob"];
        p.log_prob(&actions, &mut values);
        close(&values, &expected["values"], TOLERANCE, "squashed log-probability");
        let got = of(&|g| p.add_log_prob_gradients(&actions, &weights, g));
        both(got, expected, "", "squashed log-probability");
        p.kl(&q, &mut values);
        close(&values, &case["kl"]["values"], TOLERANCE, "squashed divergence");

        let expected = &case["squashed"]["sample"];
        let u = floats(&expected["u"]);
        // `u` is rounded here, and the density of a sample is that at `mean + std noise`: to single
        // precision.
        p.log_prob(&u, &mut values);
        close(&values, &expected["values"], 4.0 * TOLERANCE, "density of a sample");
        let got = of(&|g| p.add_sample_gradients((&noise, &u), &d_actions, &weights, g));
        both(got, expected, "", "squashed sample");
        let mut back = vec![f32::NAN; u.len()];
        let squashed: Vec<f32> = floats(&expected["actions"]);
        SquashedGaussian::unsquash(&squashed, &mut back);
        for (&back, &u) in back.iter().zip(&u) {
            // The hyperbolic tangent flattens: rounding it moves what it came from.
            let slack = 2e-7 * (2.0 * u.abs()).exp() + 2e-6;
            assert!((back - u).abs() <= slack || u.abs() > 8.0 && back.abs() > 8.0, "{back} is not {u}");
        }
    }
}

/// Far out single precision rounds `tanh(u)` to 1, and its derivative to 0; densities and gradients stay.
/// `2 (ln 2 - u - softplus(-2u))` at 0, 1, -1, 20 and 50 is, by Python's `math`: 0, -0.867561660966,
/// the same, -38.613705638880 and -98.613705638880.
#[test]
fn densities_of_squashed_numbers_are_stable() {
    for (u, expected) in [
        (0.0, 0.0),
        (1.0, -0.867_561_660_966),
        (-1.0, -0.867_561_660_966),
        (20.0, -38.613_705_638_880),
        (-50.0, -98.613_705_638_880),
    ] {
        let (mut squashed, mut plain) = ([f32::NAN], [f32::NAN]);
        let u: f32 = u;
        SquashedGaussian::new(&[u], &[0.0], 1).log_prob(&[u], &mut squashed);
        DiagonalGaussian::new(&[u], &[0.0], 1).log_prob(&[u], &mut plain);
        let got = f64::from(plain[0]) - f64::from(squashed[0]);
        assert!((got - expected).abs() < 3e-7 * (1.0 + expected.abs()), "{u}: {got} is not {expected}");
    }
    let mut u = [0.0; 4];
    SquashedGaussian::unsquash(&[1.0, -1.0, 0.5, f32::NAN], &mut u);
    // atanh(1 - 2^-24) = 8.664339757, atanh(0.5) = 0.549306144.
    assert!((u[0] - 8.664_34).abs() < 1e-5 && u[1] == -u[0], "{u:?}");
    assert!((u[2] - 0.549_306_14).abs() < 1e-6 && u[3].is_nan(), "{u:?}");
}

#[test]
fn excluded_choices_have_no_share_and_no_gradient() {
    let logits = [0.0, f32::NEG_INFINITY, 0.0];
    let p = Categorical::new(&logits, 3);
    let (mut value, mut d) = ([f32::NAN], [0.0; 3]);
    p.entropy(&mut value);
    assert!((value[0] - std::f32::consts::LN_2).abs() < 1e-6);
    p.kl(&p, &mut value);
    assert_eq!(value, [0.0]);
    p.add_log_prob_gradient(&[0], &[1.0], &mut d);
    p.add_entropy_gradient(&[1.0], &mut d);
    assert!((d[0] - 0.5).abs() < 1e-6 && d[1] == 0.0 && (d[2] + 0.5).abs() < 1e-6, "{d:?}");
    let mut rng = Pcg64::new(1);
    for _ in 0..1000 {
        let mut action = [9];
        p.sample(&mut rng, &mut action);
        assert_ne!(action[0], 1);
    }
    // A choice that the other excludes is infinitely surprising, and not a number is seen.
    Categorical::new(&[0.0; 3], 3).kl(&p, &mut value);
    assert_eq!(value, [f32::INFINITY]);
    Categorical::new(&[f32::NAN, 0.0], 2).entropy(&mut value);
    assert!(value[0].is_nan());
}

#[test]
fn samples_have_the_shares_of_their_probabilities() {
    let probabilities = [0.1_f32, 0.6, 0.05, 0.25];
    let logits: Vec<f32> = (0..5).flat_map(|_| probabilities.map(|p| p.ln() + 3.0)).collect();
    let p = Categorical::new(&logits, 4);
    let (mut rng, mut counts, mut actions) = (Pcg64::new(3), [0_u32; 4], [0; 5]);
    const ROUNDS: u32 = 8000;
    for _ in 0..ROUNDS {
        p.sample(&mut rng, &mut actions);
        actions.iter().for_each(|&action| counts[action] += 1);
    }
    for (count, p) in counts.iter().zip(probabilities) {
        let (n, p) = (f64::from(5 * ROUNDS), f64::from(p));
        // Four standard deviations of a binomial number.
        assert!((f64::from(*count) - n * p).abs() < 4.0 * (n * p * (1.0 - p)).sqrt(), "{counts:?}");
    }
}

#[test]
fn samples_are_made_of_their_noise_which_is_the_streams() {
    let (mean, log_std) = ([1.0, -2.0, 0.5, 3.0], [0.0, -1.0]);
    let (mut noise, mut actions, mut u) = ([f32::NAN; 4], [f32::NAN; 4], [f32::NAN; 4]);
    DiagonalGaussian::new(&mean, &log_std, 2).sample(&mut Pcg64::new(5), &mut noise, &mut actions);
    let mut rng = Pcg64::new(5);
    assert_eq!(noise, [(); 4].map(|()| rng.normal() as f32));
    for i in 0..4 {
        let expected = f64::from(mean[i]) + f64::from(log_std[i % 2]).exp() * f64::from(noise[i]);
        assert!((f64::from(actions[i]) - expected).abs() < 1e-6);
    }
    let (before, mut squashed) = (actions, [f32::NAN; 4]);
    let p = SquashedGaussian::new(&mean, &log_std, 2);
    p.sample(&mut Pcg64::new(5), &mut noise, &mut u, &mut squashed);
    assert_eq!(u, before);
    assert!(squashed.iter().zip(u).all(|(a, u)| (a - u.tanh()).abs() < 1e-6));
}

/// Independent of PyTorch: each value is moved along random directions, and the difference held against the
/// gradient.
#[test]
fn gradients_are_those_of_the_values() {
    const H: f32 = 1e-2;
    let mut rng = Pcg64::new(8);
    let mut noise =
        |length: usize| -> Vec<f32> { (0..length).map(|_| rng.uniform(-1.0, 1.0) as f32).collect() };
    let weights = noise(4);
    let weighted = |values: &[f32]| -> f64 {
        values.iter().zip(&weights).map(|(&v, &w)| f64::from(v) * f64::from(w)).sum()
    };
    let moved = |x: &[f32], h: f32, along: &[f32]| -> Vec<f32> {
        x.iter().zip(along).map(|(x, d)| x + h * d).collect()
    };
    let along = |gradient: &[f32], direction: &[f32]| -> f64 {
        gradient.iter().zip(direction).map(|(&g, &d)| f64::from(g) * f64::from(d)).sum()
    };
    for trial in 0..20 {
        let (logits, other, direction) = (noise(12), noise(12), noise(12));
        let mut d = vec![0.0; 12];
        let value = |logits: &[f32]| {
            let (mut entropy, mut kl, mut log_prob) = ([0.0; 4], [0.0; 4], [0.0; 4]);
            let p = Categorical::new(logits, 3);
            p.entropy(&mut entropy);
            p.kl(&Categorical::new(&other, 3), &mut kl);
            p.log_prob(&[2, 0, 1, 1], &mut log_prob);
            weighted(&entropy) + weighted(&kl) + weighted(&log_prob)
        };
        let p = Categorical::new(&logits, 3);
        p.add_entropy_gradient(&weights, &mut d);
        p.add_kl_gradients(&Categorical::new(&other, 3), &weights, &mut d, &mut []);
        p.add_log_prob_gradient(&[2, 0, 1, 1], &weights, &mut d);
        let measured = (value(&moved(&logits, H, &direction)) - value(&moved(&logits, -H, &direction)))
            / f64::from(2.0 * H);
        assert!((measured - along(&d, &direction)).abs() < 1e-3, "categorical {trial}");

        let (mean, log_std, noise_of, d_actions) = (noise(12), noise(12), noise(12), noise(12));
        let (of_mean, of_log_std) = (noise(12), noise(12));
        let value = |h: f32| {
            let (mean, log_std) = (moved(&mean, h, &of_mean), moved(&log_std, h, &of_log_std));
            let std = log_std.iter().map(|s| s.exp());
            let u: Vec<f32> = mean.iter().zip(std).zip(&noise_of).map(|((m, s), n)| m + s * n).collect();
            let mut log_prob = [0.0; 4];
            SquashedGaussian::new(&mean, &log_std, 3).log_prob(&u, &mut log_prob);
            let actions = u.iter().zip(&d_actions).map(|(u, d)| f64::from(u.tanh()) * f64::from(*d));
            weighted(&log_prob) + actions.sum::<f64>()
        };
        let std = log_std.iter().map(|s| s.exp());
        let u: Vec<f32> = mean.iter().zip(std).zip(&noise_of).map(|((m, s), n)| m + s * n).collect();
        let (mut d_mean, mut d_log_std) = (vec![0.0; 12], vec![0.0; 12]);
        let mut gradients = GaussianGradients { mean: &mut d_mean, log_std: &mut d_log_std };
        let p = SquashedGaussian::new(&mean, &log_std, 3);
        p.add_sample_gradients((&noise_of, &u), &d_actions, &weights, &mut gradients);
        let measured = (value(H) - value(-H)) / f64::from(2.0 * H);
        let expected = along(&d_mean, &of_mean) + along(&d_log_std, &of_log_std);
        assert!((measured - expected).abs() < 3e-3, "squashed {trial}: {measured} {expected}");
    }
}
