//! The losses of distillation against their formulas, written plainly in double precision: values, gradients by central differences,
//! extreme inputs, and PyTorch's numbers.

use potstill_core::Pcg64;
use potstill_nn::loss::{
    Centring, Decoupled, Regression, Relations, Scratch, Uncertainty, attention_transfer, blend_labels,
    decoupled_kl, distillation_terms, gaussian_cross_entropy, hint, log_probabilities, logit_mse,
    relation_loss, reverse_kl, soft_cross_entropy, standardise, standardise_backward, symmetric_kl,
    teacher_values, temperature_kl, uniform_kl,
};
use serde_json::Value;

/// A batch: `samples x width` numbers of teacher and student.
struct Batch {
    samples: usize,
    width: usize,
    temperature: f32,
    teacher: Vec<f32>,
    labels: Vec<usize>,
    /// Positive numbers, `samples x width`.
    positive: Vec<f32>,
}

impl Batch {
    fn rows<'a>(&'a self, student: &'a [f64]) -> impl Iterator<Item = (Vec<f64>, &'a [f64])> {
        self.teacher.chunks(self.width).map(widen).zip(student.chunks(self.width))
    }

    /// The mean over the samples.
    fn mean(&self, student: &[f64], loss: impl Fn(&[f64], &[f64]) -> f64) -> f64 {
        self.rows(student).map(|(v, z)| loss(&v, z)).sum::<f64>() / self.samples as f64
    }

    fn t(&self) -> f64 {
        f64::from(self.temperature)
    }
}

fn widen(values: &[f32]) -> Vec<f64> {
    values.iter().map(|&v| f64::from(v)).collect()
}

fn softmax(z: &[f64], t: f64) -> Vec<f64> {
    let highest = z.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let exps: Vec<f64> = z.iter().map(|z| ((z - highest) / t).exp()).collect();
    let sum: f64 = exps.iter().sum();
    exps.iter().map(|e| e / sum).collect()
}

fn kl(p: &[f64], q: &[f64]) -> f64 {
    p.iter().zip(q).map(|(p, q)| p * (p / q).ln()).sum()
}

fn half_squares(a: impl Iterator<Item = f64>) -> f64 {
    0.5 * a.map(|x| x * x).sum::<f64>()
}

fn correlation(a: &[f64], b: &[f64]) -> f64 {
    let centre = |x: &[f64]| -> Vec<f64> {
        let mean = x.iter().sum::<f64>() / x.len() as f64;
        x.iter().map(|x| x - mean).collect()
    };
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    let (a, b) = (centre(a), centre(b));
    dot(&a, &b) / (dot(&a, &a) * dot(&b, &b)).sqrt()
}

fn scores(z: &[f64]) -> Vec<f64> {
    let mean = z.iter().sum::<f64>() / z.len() as f64;
    let deviation = (z.iter().map(|z| (z - mean) * (z - mean)).sum::<f64>() / z.len() as f64).sqrt();
    z.iter().map(|z| (z - mean) / (deviation + 1e-7)).collect()
}

fn attention(x: &[f64], points: usize) -> Vec<f64> {
    let q: Vec<f64> = x.chunks(x.len() / points).map(|x| x.iter().map(|x| x * x).sum()).collect();
    let length = q.iter().map(|q| q * q).sum::<f64>().sqrt();
    q.iter().map(|q| q / length).collect()
}

fn columns(x: &[f64], width: usize) -> Vec<Vec<f64>> {
    (0..width).map(|j| x.iter().skip(j).step_by(width).copied().collect()).collect()
}

fn relations(b: &Batch) -> Relations {
    Relations { temperature: b.temperature, inter: 1.5, intra: 0.75 }
}

fn decoupled(b: &Batch) -> Decoupled {
    Decoupled { temperature: b.temperature, target: 1.25, non_target: 8.0 }
}

/// Two outputs per value: the batch's numbers by twos.
fn gaussian(b: &Batch) -> (Vec<f32>, Vec<f32>) {
    let half = b.teacher.len() / 2;
    (b.teacher[..half].to_vec(), b.positive[..half].to_vec())
}

const HUBER: Regression = Regression::Huber { delta: 1.5 };

type Loss = fn(&Batch, &[f32], &mut [f32]) -> f32;
type Plain = fn(&Batch, &[f64]) -> f64;

/// Each loss, and its formula; all but the last four are of logits.
const LOSSES: &[(&str, Loss, Plain)] = &[
    (
        "kl",
        |b, z, d| temperature_kl(b.temperature, &b.teacher, z, b.samples, d),
        |b, z| b.mean(z, |v, z| b.t() * b.t() * kl(&softmax(v, b.t()), &softmax(z, b.t()))),
    ),
    (
        "reverse",
        |b, z, d| reverse_kl(b.temperature, &b.teacher, z, b.samples, d),
        |b, z| b.mean(z, |v, z| b.t() * b.t() * kl(&softmax(z, b.t()), &softmax(v, b.t()))),
    ),
    (
        "symmetric",
        |b, z, d| symmetric_kl(b.temperature, &b.teacher, z, b.samples, d),
        |b, z| {
            b.mean(z, |v, z| {
                let (p, q) = (softmax(v, b.t()), softmax(z, b.t()));
                0.5 * b.t() * b.t() * (kl(&p, &q) + kl(&q, &p))
            })
        },
    ),
    (
        "uniform",
        |b, z, d| uniform_kl(b.temperature, z, b.samples, &mut Scratch::default(), d),
        |b, z| {
            let uniform = vec![1.0 / b.width as f64; b.width];
            b.mean(z, |_, z| b.t() * b.t() * kl(&uniform, &softmax(z, b.t())))
        },
    ),
    (
        "logit-mse",
        |b, z, d| logit_mse(Centring::None, &b.teacher, z, b.samples, d),
        |b, z| b.mean(z, |v, z| half_squares(z.iter().zip(v).map(|(z, v)| z - v))),
    ),
    (
        "logit-mse-centred",
        |b, z, d| logit_mse(Centring::Mean, &b.teacher, z, b.samples, d),
        |b, z| {
            b.mean(z, |v, z| {
                let mean = z.iter().zip(v).map(|(z, v)| z - v).sum::<f64>() / z.len() as f64;
                half_squares(z.iter().zip(v).map(|(z, v)| z - v - mean))
            })
        },
    ),
    (
        "decoupled",
        |b, z, d| decoupled_kl(decoupled(b), &b.teacher, z, &b.labels, d),
        |b, z| {
            let targets = std::cell::Cell::new(0);
            b.mean(z, |v, z| {
                let target = b.labels[targets.replace(targets.get() + 1)];
                let (p, q) = (softmax(v, b.t()), softmax(z, b.t()));
                let rest =
                    |p: &[f64]| p.iter().enumerate().filter(|(i, _)| *i != target).map(|(_, p)| *p).sum();
                let (p_rest, q_rest): (f64, f64) = (rest(&p), rest(&q));
                let tckd = kl(&[p[target], p_rest], &[q[target], q_rest]);
                let others = |p: &[f64], rest: f64| -> Vec<f64> {
                    p.iter().enumerate().filter(|(i, _)| *i != target).map(|(_, p)| p / rest).collect()
                };
                b.t() * b.t() * (1.25 * tckd + 8.0 * kl(&others(&p, p_rest), &others(&q, q_rest)))
            })
        },
    ),
    (
        "dist",
        |b, z, d| relation_loss(relations(b), &b.teacher, z, b.samples, &mut Scratch::default(), d),
        |b, z| {
            let all = |rows: &[f64]| -> Vec<f64> {
                rows.chunks(b.width).flat_map(|row| softmax(row, b.t())).collect()
            };
            let (p, q) = (all(&widen(&b.teacher)), all(z));
            let rows = p.chunks(b.width).zip(q.chunks(b.width)).map(|(p, q)| 1.0 - correlation(q, p));
            let inter = 1.5 * rows.sum::<f64>() / b.samples as f64;
            let (p, q) = (columns(&p, b.width), columns(&q, b.width));
            let intra = p.iter().zip(&q).map(|(p, q)| 1.0 - correlation(q, p)).sum::<f64>();
            inter + if b.samples > 1 { 0.75 * intra / b.width as f64 } else { 0.0 }
        },
    ),
    (
        "standardised",
        |b, z, d| {
            let (mut of_teacher, mut of_student) = (Vec::new(), Vec::new());
            standardise(&b.teacher, b.samples, &mut of_teacher);
            standardise(z, b.samples, &mut of_student);
            let value = temperature_kl(b.temperature, &of_teacher, &of_student, b.samples, d);
            standardise_backward(z, b.samples, d);
            value
        },
        |b, z| b.mean(z, |v, z| b.t() * b.t() * kl(&softmax(&scores(v), b.t()), &softmax(&scores(z), b.t()))),
    ),
    (
        "blended",
        |b, z, d| {
            let soft = reverse_kl(b.temperature, &b.teacher, z, b.samples, d);
            blend_labels(0.75, soft, z, &b.labels, d).total
        },
        |b, z| {
            let soft = b.mean(z, |v, z| b.t() * b.t() * kl(&softmax(z, b.t()), &softmax(v, b.t())));
            let hard = z.chunks(b.width).zip(&b.labels).map(|(z, &label)| -softmax(z, 1.0)[label].ln());
            0.75 * soft + 0.25 * hard.sum::<f64>() / b.samples as f64
        },
    ),
    (
        "soft cross-entropy",
        |b, z, d| soft_cross_entropy(&b.positive, z, b.samples, d),
        |b, z| {
            let rows = b.positive.chunks(b.width).zip(z.chunks(b.width));
            let loss = rows.map(|(m, z)| {
                softmax(z, 1.0).iter().zip(m).map(|(q, &m)| -f64::from(m) * q.ln()).sum::<f64>()
            });
            loss.sum::<f64>() / b.samples as f64
        },
    ),
    (
        "hint",
        |b, z, d| hint(&b.teacher, z, b.samples, d),
        |b, z| b.mean(z, |v, z| half_squares(z.iter().zip(v).map(|(z, v)| z - v))),
    ),
    (
        "attention",
        |b, z, d| attention_transfer(b.width / 2, &b.teacher, z, b.samples, &mut Scratch::default(), d),
        |b, z| {
            b.mean(z, |v, z| {
                let (v, z) = (attention(v, b.width / 2), attention(z, b.width / 2));
                half_squares(z.iter().zip(&v).map(|(z, v)| z - v))
            })
        },
    ),
    (
        "values",
        |b, z, d| {
            let uncertainty = Uncertainty { variances: &b.positive, noise: 0.5 };
            teacher_values(HUBER, &b.teacher, uncertainty, z, b.samples, d)
        },
        |b, z| {
            let errors = z.iter().zip(&b.teacher).map(|(z, &v)| z - f64::from(v));
            let losses = errors.zip(&b.positive).map(|(e, &variance)| {
                let huber = if e.abs() <= 1.5 { 0.5 * e * e } else { 1.5 * (e.abs() - 0.75) };
                0.5 / (f64::from(variance) + 0.5) * huber
            });
            losses.sum::<f64>() / b.samples as f64
        },
    ),
    (
        "gaussian",
        |b, z, d| {
            let (means, variances) = gaussian(b);
            gaussian_cross_entropy(&means, &variances, z, b.samples, d)
        },
        |b, z| {
            let (means, variances) = gaussian(b);
            let values = z.chunks(2).zip(means.iter().zip(&variances)).map(|(z, (&mu, &variance))| {
                let square = (z[0] - f64::from(mu)) * (z[0] - f64::from(mu));
                0.5 * (z[1] + (f64::from(variance) + square) / z[1].exp())
            });
            values.sum::<f64>() / b.samples as f64
        },
    ),
];

fn noise(length: usize, spread: f64, rng: &mut Pcg64) -> Vec<f32> {
    (0..length).map(|_| rng.uniform(-spread, spread) as f32).collect()
}

fn batch(samples: usize, width: usize, temperature: f32, rng: &mut Pcg64) -> Batch {
    let numbers = samples * width;
    Batch {
        samples,
        width,
        temperature,
        teacher: noise(numbers, 4.0, rng),
        labels: (0..samples).map(|_| rng.below(width)).collect(),
        positive: (0..numbers).map(|_| rng.uniform(0.0, 2.0) as f32).collect(),
    }
}

/// `(f(x + h) - f(x - h)) / 2h` in each coordinate.
fn differences(x: &[f64], f: impl Fn(&[f64]) -> f64) -> Vec<f64> {
    const H: f64 = 1e-5;
    let mut moved = x.to_vec();
    let mut at = |i: usize, value: f64| {
        moved[i] = value;
        let result = f(&moved);
        moved[i] = x[i];
        result
    };
    (0..x.len()).map(|i| (at(i, x[i] + H) - at(i, x[i] - H)) / (2.0 * H)).collect()
}

fn close(got: &[f32], expected: &[f64], what: &str) {
    let scale = expected.iter().fold(1e-3, |scale: f64, e| scale.max(e.abs()));
    for (i, (g, e)) in got.iter().zip(expected).enumerate() {
        assert!((f64::from(*g) - e).abs() <= 2e-5 * scale, "{what}: gradient {i} is {g}, not {e}");
    }
}

#[test]
fn values_and_gradients_are_those_of_the_formulas() {
    let mut rng = Pcg64::new(1);
    for trial in 0..60 {
        let (samples, width) = (1 + rng.below(5), 2 * (1 + rng.below(3)) + 2);
        let temperature = [0.5, 1.0, 4.0, 20.0][trial % 4];
        let batch = batch(samples, width, temperature, &mut rng);
        let student = noise(samples * width, 4.0, &mut rng);
        for (name, loss, plain) in LOSSES {
            let what = format!("{name}, {samples} x {width} at T = {temperature}");
            let mut gradient = vec![f32::NAN; student.len()];
            let value = f64::from(loss(&batch, &student, &mut gradient));
            let expected = plain(&batch, &widen(&student));
            let slack = 2e-6 * expected.abs() + 1e-9;
            assert!((value - expected).abs() <= slack, "{what}: {value}, not {expected}");
            close(&gradient, &differences(&widen(&student), |z| plain(&batch, z)), &what);
        }
    }
}

/// No temperature, no two-class problem, no single sample, no equal logits and no probability of 0 gives anything infinite.
#[test]
fn values_and_gradients_are_finite() {
    let mut rng = Pcg64::new(2);
    const ZERO: f32 = f32::NEG_INFINITY;
    for width in [2, 3, 10] {
        for temperature in [1e-6, 1e-3, 1.0, 20.0, 1e3, 1e6] {
            for samples in [1, 3] {
                let mut batch = batch(samples, width, temperature, &mut rng);
                let students = [
                    noise(samples * width, 4.0, &mut rng),
                    noise(samples * width, 100.0, &mut rng),
                    vec![0.5; samples * width],
                    batch.teacher.clone(),
                ];
                let mut teachers = vec![batch.teacher.clone(), vec![-1.0; samples * width]];
                for excluded in [0, width - 1] {
                    // All mass in one class, and all but one class.
                    for without in [true, false] {
                        let row = (0..width).map(|i| if (i == excluded) == without { ZERO } else { -0.5 });
                        teachers.push((0..samples).flat_map(|_| row.clone()).collect());
                    }
                }
                for teacher in teachers {
                    let of_probabilities = teacher.contains(&ZERO);
                    batch.teacher = teacher;
                    for student in &students {
                        for (name, loss, _) in LOSSES {
                            // These are of no logits.
                            let is_of_units = ["hint", "attention", "values", "gaussian"].contains(name);
                            if is_of_units && (of_probabilities || !width.is_multiple_of(2)) {
                                continue;
                            }
                            let mut gradient = vec![f32::NAN; student.len()];
                            let value = loss(&batch, student, &mut gradient);
                            let is_finite = value.is_finite() && gradient.iter().all(|g| g.is_finite());
                            let Batch { teacher, .. } = &batch;
                            assert!(
                                is_finite,
                                "{name} at T = {temperature} of {teacher:?} and {student:?}: {value}, {gradient:?}"
                            );
                        }
                    }
                }
            }
        }
    }
}

/// High temperatures keep the digits that the plain formulas lose.
#[test]
fn limits_of_high_temperature() {
    let (teacher, student) = ([3.0, -1.0, 0.5, 1.5], [1.0, 0.0, 2.0, -3.0]);
    // Differences -2, 1, 1.5, -4.5, less their mean of -1: -1, 2, 2.5, -3.5. Squares 1 + 4 + 6.25 + 12.25 = 23.5, over 2 C.
    let mut gradient = [0.0; 4];
    let check = |value: f32, gradient: &[f32]| {
        assert!((value - 2.9375).abs() < 1e-4, "{value}");
        close(gradient, &[-0.25, 0.5, 0.625, -0.875], "limit");
    };
    let value = temperature_kl(1e6, &teacher, &student, 1, &mut gradient);
    check(value, &gradient);
    let value = reverse_kl(1e6, &teacher, &student, 1, &mut gradient);
    check(value, &gradient);
    let value = symmetric_kl(1e6, &teacher, &student, 1, &mut gradient);
    check(value, &gradient);
    // alpha = 1 and beta = 1 - p = 3/4: the whole divergence.
    let weights = Decoupled { temperature: 1e6, target: 1.0, non_target: 0.75 };
    let value = decoupled_kl(weights, &teacher, &student, &[2], &mut gradient);
    check(value, &gradient);
    let value = logit_mse(Centring::Mean, &teacher, &student, 1, &mut gradient);
    check(value / 4.0, &gradient.map(|g| g / 4.0));
}

#[test]
fn cases_by_hand() {
    let mut gradient = [f32::NAN; 2];
    // Two classes: only the target against the other, which is the whole divergence. [1/4, 3/4] and [1/2, 1/2]:
    // ln 2 + ln(1/4) / 4 + 3 ln(3/4) / 4 = 0.130812.
    let teacher = [0.25_f32.ln(), 0.75_f32.ln()];
    let weights = Decoupled { temperature: 1.0, target: 1.0, non_target: 8.0 };
    let value = decoupled_kl(weights, &teacher, &[0.0, 0.0], &[0], &mut gradient);
    assert!((value - 0.130_812).abs() < 1e-6, "{value}");
    close(&gradient, &[0.25, -0.25], "two classes");

    // A sure teacher: -ln(1/2) at T = 1.
    let mut certain = [1.0, 0.0];
    log_probabilities(&mut certain);
    assert_eq!(certain, [0.0, f32::NEG_INFINITY]);
    let value = decoupled_kl(weights, &certain, &[0.0, 0.0], &[0], &mut gradient);
    assert!((value - std::f32::consts::LN_2).abs() < 1e-6, "{value}");
    let value = soft_cross_entropy(&[1.0, 0.0], &[0.0, 0.0], 1, &mut gradient);
    assert!((value - std::f32::consts::LN_2).abs() < 1e-6, "{value}");
    // Half of the mass is at 2^-126: ln(1/2) - ln(2^-126) / 2 = 62.5 ln 2 - ... = 63 ln 2 - ln 2.
    let value = reverse_kl(1.0, &certain, &[0.0, 0.0], 1, &mut gradient);
    assert!((value - 42.975_13).abs() < 1e-4, "{value}");

    // Columns of one sample are constant; the row is related: [2, -1, -1] and [-1, 2, -1], correlation -1/2.
    let relations = Relations { temperature: 1.0, inter: 1.0, intra: 1.0 };
    let ln2 = 2_f32.ln();
    let mut three = [f32::NAN; 3];
    let mut relation = |teacher: &[f32], student: &[f32]| {
        let scratch = &mut Scratch::default();
        (relation_loss(relations, teacher, student, 1, scratch, &mut three), three)
    };
    let (value, _) = relation(&[ln2, 0.0, 0.0], &[0.0, ln2, 0.0]);
    assert!((value - 1.5).abs() < 1e-6, "{value}");
    // A teacher without opinion, and a student without one.
    assert_eq!(relation(&[1.0; 3], &[0.0, ln2, 0.0]), (0.0, [0.0; 3]));
    assert_eq!(relation(&[ln2, 0.0, 0.0], &[1.0; 3]), (1.0, [0.0; 3]));

    // Both terms of the blend: alpha 1/2, KL 0.130812 and ln 2.
    let soft = temperature_kl(1.0, &teacher, &[0.0, 0.0], 1, &mut gradient);
    let terms = blend_labels(0.5, soft, &[0.0, 0.0], &[0], &mut gradient);
    assert!((terms.total - 0.411_980).abs() < 1e-6 && (terms.soft - 0.130_812).abs() < 1e-6, "{terms:?}");
    assert!((terms.hard - std::f64::consts::LN_2).abs() < 1e-6, "{terms:?}");
    // 1/4 / 2 - 1/2 / 2.
    close(&gradient, &[-0.125, 0.125], "blend");
    let blend = potstill_nn::loss::Blend { alpha: 0.5, temperature: 1.0 };
    let fused = distillation_terms(blend, &teacher, &[0.0, 0.0], &[0], &mut gradient);
    assert!((fused.total - terms.total).abs() < 1e-7 && (fused.soft - terms.soft).abs() < 1e-7);
    assert!((fused.hard - terms.hard).abs() < 1e-7);
}

#[test]
fn pytorch_agrees() {
    let text = include_str!("../../../testdata/pytorch/distillation.json");
    let file: Value = serde_json::from_str(text).unwrap();
    let cases = file["cases"].as_array().unwrap();
    let doubles = |value: &Value| -> Vec<f64> {
        value.as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect()
    };
    let floats = |value: &Value| -> Vec<f32> { doubles(value).into_iter().map(|v| v as f32).collect() };
    let mut seen = std::collections::BTreeSet::new();
    for case in cases {
        let name = case["loss"].as_str().unwrap();
        let (_, loss, _) = LOSSES.iter().find(|(known, ..)| *known == name).unwrap();
        let samples = case["samples"].as_u64().unwrap() as usize;
        let student = floats(&case["student"]);
        let batch = Batch {
            samples,
            width: student.len() / samples,
            temperature: case["temperature"].as_f64().unwrap() as f32,
            teacher: floats(&case["teacher"]),
            labels: doubles(&case["labels"]).into_iter().map(|label| label as usize).collect(),
            positive: floats(&case["positive"]),
        };
        let mut gradient = vec![f32::NAN; student.len()];
        let value = f64::from(loss(&batch, &student, &mut gradient));
        let expected = case["value"].as_f64().unwrap();
        assert!((value - expected).abs() <= 2e-6 * expected.abs() + 1e-8, "{value}: {case}");
        close(&gradient, &doubles(&case["gradient"]), name);
        seen.insert(name);
    }
    assert_eq!(seen.len(), LOSSES.len());
}
