//! The network against a plain one in double precision, over random specifications.

mod reference;

use potstill_core::Pcg64;
use potstill_nn::spec::Stage;
use potstill_nn::{Ends, Head, Initialisation, Interface, Network, NetworkSpec, Upstream, Workspace};
use reference::{Named, Reference};

fn noise(length: usize, spread: f64, rng: &mut Pcg64) -> Vec<f32> {
    (0..length).map(|_| rng.uniform(-spread, spread) as f32).collect()
}

fn close(got: &[f32], expected: &[f64], what: &str) {
    assert_eq!(got.len(), expected.len(), "{what}");
    let scale = expected.iter().fold(FLOOR, |scale: f64, e| scale.max(e.abs()));
    for (g, e) in got.iter().zip(expected) {
        assert!((f64::from(*g) - e).abs() <= 5e-5 * scale, "{what}: {g} is not {e}");
    }
}

/// The gradient of a bias before a normalisation is 0, and what rounding leaves of that is no more than its terms are
/// wrong by: so the scale has a floor.
const FLOOR: f64 = 0.1;

/// A specification and what it is for.
fn draw(rng: &mut Pcg64) -> (NetworkSpec, Interface) {
    let is_picture = rng.below(2) == 0;
    let (mut spec, mut tokens) = (String::from(if is_picture { "cnn:" } else { "mlp:" }), Vec::new());
    let mut shape = [1, 1, 1 + rng.below(9)];
    if is_picture {
        shape = [6 + rng.below(4), 6 + rng.below(4), 1 + rng.below(3)];
        let conv = format!("{}x{}s{}", 1 + rng.below(18), 1 + rng.below(3), 1 + rng.below(2));
        let pool = ["max2", "avg2", "2x2"][rng.below(3)];
        tokens.extend([conv, pool.to_owned()].into_iter().take(1 + rng.below(2)));
        if rng.below(4) == 0 {
            tokens.reverse();
        }
    }
    let is_dueling = rng.below(3) == 0;
    for _ in 0..usize::from(is_dueling) + rng.below(3) {
        tokens.push((3 + rng.below(18)).to_string());
    }
    spec += &tokens.join(",");
    spec += [":relu", ":tanh", ":gelu", ":silu"][rng.below(4)];
    for (option, is_on) in
        [(":layernorm", rng.below(3) == 0), (":dueling", is_dueling), (":noisy", rng.below(3) == 0)]
    {
        spec += if is_on { option } else { "" };
    }
    let mut spec: NetworkSpec = spec.parse().unwrap();
    // Not drawn from the same numbers, so that the networks above stay as they were.
    let mut other = rng.clone();
    for stage in &mut spec.stages {
        if let Stage::Conv { kernel, padding, .. } = stage
            && other.below(2) == 0
        {
            *padding = other.below(*kernel);
        }
    }
    if rng.clone().below(2) == 0 {
        (spec.layer_norm_epsilon, spec.input_divisor) = (0.05, 3);
    }
    let mut interface = if !is_dueling && rng.below(2) == 0 {
        Interface::of_heads(
            shape,
            &[("policy", 1 + rng.below(20)), ("value", 1), ("other", 1 + rng.below(4))],
        )
    } else {
        let head = [Head::Values, Head::Quantile { quantiles: 3 }][rng.below(2)];
        Interface::from(&Ends { head, ..Ends::new(shape, 1 + rng.below(6)) })
    };
    if rng.below(2) == 0 {
        interface = interface.with_free("log_std", 1 + rng.below(5), -0.5);
    }
    (spec, interface)
}

/// Images point by point to images channel by channel, and back.
fn by_channel<T: Copy>(numbers: &[T], points: usize, channels: usize) -> Vec<T> {
    let one =
        |one: &[T]| -> Vec<T> { (0..one.len()).map(|i| one[i % points * channels + i / points]).collect() };
    numbers.chunks(points * channels).flat_map(one).collect()
}

fn widened(numbers: &[f32]) -> Vec<f64> {
    numbers.iter().map(|&x| f64::from(x)).collect()
}

/// Sets noise on a network. Returns the tensors as they are with it, and what each number of a deviation is multiplied
/// by. The inputs of a layer have one factor, so that the order of an image's does not matter here.
fn with_noise(network: &mut Network, rng: &mut Pcg64) -> (Named, Named) {
    let (mut all, mut of_deviations, mut noise_of_network) = (Named::new(), Named::new(), Vec::new());
    let tensors = network.tensors();
    let data = |name: String| widened(&tensors.iter().find(|tensor| tensor.name == name).unwrap().data);
    for tensor in &tensors {
        let Some(layer) = tensor.name.strip_suffix(".weight_mu") else {
            all.insert(tensor.name.clone(), widened(&tensor.data));
            continue;
        };
        let [outputs, inputs] = tensor.shape[..] else { panic!("a dense layer") };
        let (of_inputs, of_outputs) = (noise(1, 1.0, rng)[0], noise(outputs, 1.0, rng));
        noise_of_network.extend(vec![of_inputs; inputs]);
        noise_of_network.extend(&of_outputs);
        let of_outputs = widened(&of_outputs);
        let of_weights =
            (0..outputs * inputs).map(|i| of_outputs[i / inputs] * f64::from(of_inputs)).collect();
        for (part, factors) in [("weight", of_weights), ("bias", of_outputs)] {
            let (mu, sigma) = (data(format!("{layer}.{part}_mu")), data(format!("{layer}.{part}_sigma")));
            let noisy = mu.iter().zip(&sigma).zip(&factors).map(|((mu, sigma), factor)| mu + sigma * factor);
            all.insert(format!("{layer}.{part}"), noisy.collect());
            of_deviations.insert(format!("{layer}.{part}_sigma"), factors);
        }
    }
    network.set_noise(&noise_of_network);
    (all, of_deviations)
}

#[test]
fn random_networks_are_the_plain_one() {
    const TRIALS: u64 = 300;
    let mut seen = [0; 7];
    for trial in 0..TRIALS {
        let rng = &mut Pcg64::new(trial);
        let (spec, interface) = draw(rng);
        let name = format!("{trial}: {spec} {interface:?}");
        let mut network = spec.initialised(&interface, Initialisation::Pytorch, rng);
        network.update_parameters(|parameters| {
            let moved = noise(parameters.len(), 0.2, rng);
            parameters.iter_mut().zip(moved).for_each(|(p, m)| *p += m);
        });
        let (tensors, factors) = with_noise(&mut network, rng);
        let plain = Reference::new(&spec, &interface, tensors);

        let samples = 1 + rng.below(20);
        let batch = noise(samples * network.inputs(), 1.5, rng);
        let d_outputs = noise(samples * network.outputs(), 1.0, rng);
        let d_free = noise(interface.free.iter().map(|free| free.length).sum(), 1.0, rng);
        let mut workspace = Workspace::default();
        let outputs = network.forward(&batch, &mut workspace).to_vec();
        // One of the hidden layers that all heads share, if there is one: its image's points, for the order.
        let shared: Vec<_> = network.taps().filter(|(name, _)| !name.contains('.')).collect();
        let tap = (!shared.is_empty()).then(|| shared[rng.below(shared.len())]);
        let d_units = noise(samples * tap.map_or(0, |(_, tap)| tap.units()), 1.0, rng);
        let taps: Vec<_> = tap.iter().map(|(_, tap)| (*tap, &*d_units)).collect();
        let mut gradient = vec![f32::NAN; network.parameters().len()];
        let mut d_inputs = vec![f32::NAN; batch.len()];
        let upstream = Upstream { outputs: &d_outputs, free: &d_free, taps: &taps };
        network.backward_from(upstream, &mut workspace, Some(&mut gradient), Some(&mut d_inputs));
        let mut units = vec![f32::NAN; d_units.len()];
        tap.iter().for_each(|(_, tap)| network.activations(*tap, &workspace, &mut units));

        // Channels of the tapped layer: those of the convolution before it, or all of its units.
        let channels = tap.map_or(1, |(name, tap)| {
            let number: usize = name.parse().unwrap();
            let before = network.tensors().into_iter().rev().find(|t| {
                let layer = t.name.split_once('.').map(|(layer, _)| layer.parse::<usize>());
                matches!(layer, Some(Ok(layer)) if layer < number) && t.shape.len() != 1 && t.shape.len() != 3
            });
            before.map_or(tap.units(), |t| t.shape[0])
        });
        let [points, of_inputs] =
            [interface.ends.inputs.height * interface.ends.inputs.width, interface.ends.inputs.channels];
        let divisor = f64::from(spec.input_divisor);
        let x: Vec<f64> =
            widened(&by_channel(&batch, points, of_inputs)).iter().map(|x| x / divisor).collect();
        let (mut sums, mut d_x): (Named, Vec<f64>) = (Named::new(), Vec::new());
        let heads = interface.heads.len().max(1);
        let (mut expected, mut expected_units) = (vec![Vec::new(); heads], Vec::new());
        for (s, x) in x.chunks(network.inputs()).enumerate() {
            let d_heads: Vec<Vec<f64>> = (0..heads)
                .map(|head| {
                    let d = &d_outputs[network.head_range_at(head, samples)];
                    widened(&d[s * d.len() / samples..][..d.len() / samples])
                })
                .collect();
            let (outputs, activations) = plain.forward(x);
            expected.iter_mut().zip(outputs).for_each(|(all, one)| all.extend(one));
            let mut given = Named::new();
            if let Some((name, tap)) = tap {
                expected_units.extend_from_slice(&activations[name]);
                let d = widened(&d_units[s * tap.units()..][..tap.units()]);
                given.insert(name.to_owned(), by_channel(&d, tap.units() / channels, channels));
            }
            d_x.extend(plain.backward(x, &d_heads, &given, &mut sums).iter().map(|d| d / divisor));
        }
        close(&outputs, &expected.concat(), &format!("{name}: outputs"));
        let units = by_channel(&units, tap.map_or(1, |(_, tap)| tap.units() / channels), channels);
        close(&units, &expected_units, &format!("{name}: activations"));
        close(&by_channel(&d_inputs, points, of_inputs), &d_x, &format!("{name}: inputs"));
        let mut read = network.clone();
        read.update_parameters(|parameters| parameters.copy_from_slice(&gradient));
        for tensor in read.tensors() {
            if interface.free.iter().any(|free| free.name == tensor.name) {
                assert_eq!(tensor.data, d_free);
            } else {
                let layer = tensor.name.trim_end_matches("_mu").trim_end_matches("_sigma");
                let mut expected = sums[layer].clone();
                for (d, factor) in expected.iter_mut().zip(factors.get(&tensor.name).into_iter().flatten()) {
                    *d *= factor;
                }
                close(&tensor.data, &expected, &format!("{name}: {}", tensor.name));
            }
        }
        let is_scaled = spec.layer_norm && spec.input_divisor > 1;
        let is_image = !spec.stages.is_empty();
        let has = [is_image, spec.layer_norm, spec.dueling, spec.noisy, heads > 1, tap.is_some(), is_scaled];
        seen.iter_mut().zip(has).for_each(|(seen, has)| *seen += u32::from(has));
    }
    // Nothing was left to chance so far that it was never drawn.
    assert!(seen[..6].iter().all(|&count| count > 60) && seen[6] > 30, "{seen:?}");
}
